// The states of a connection: any bytes as a choice of methods that decode, with whatever names, arguments
// and contents, of two clients at a time. Nothing breaks, and when they are gone nothing is held for them.
#include <cstddef>
#include <cstdint>

#include "base/log.h"
#include "fuzz.h"
#include "hostile_client.h"

namespace amqp = posthorn::gateway::amqp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    posthorn::set_log_sink([](posthorn::LogLevel, std::string_view, std::string_view) {});
    amqp::Rig rig;
    amqp::Choices choices(input(data, size));
    {
        amqp::HostileClient one(rig, choices), other(rig, choices);
        while (!choices.over())
            (choices.flag() ? one : other).step();
    }
    amqp::expect_nothing_held(rig);
    POSTHORN_CHECK(!testing::Test::HasFailure(), "something is held for clients that are gone");
    return 0;
}
