#include "tcp_rig_for_test.h"

namespace posthorn::runtime {
namespace {

TEST_F(TcpTest, ATakenPortIsNamed) {
    Script script;
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    auto second = Listener::open(connections, "127.0.0.1", listener->port(), nullptr);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, Errc::busy);
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(listener->port())));
    EXPECT_EQ(Listener::open(connections, "no address", 1, nullptr).error().code, Errc::invalid);
}

}  // namespace
}  // namespace posthorn::runtime
