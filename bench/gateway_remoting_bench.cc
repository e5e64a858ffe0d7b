// What a RocketMQ send and a pull cost the server in user space: frames through a session, the gateway and
// the engine into the page cache, and the replies, without sockets and without a load program beside it.
//
//     bench_gateway_remoting [directory] [ticks] [only the cases whose name begins so]
//
// Figures in ns drift with the machine; instructions do not. Under
//
//     valgrind --tool=callgrind --toggle-collect='*one_tick*' ...
//
// divide by the messages it prints and a tenth more: those that warm it up. Exits 1 when a message cost heap
// memory.

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "broker/engine.h"
#include "catalog_rules.h"
#include "env/clock.h"
#include "gateway.h"
#include "measure.h"
#include "wire/remoting/batch.h"
#include "wire/remoting/frame_writer.h"
#include "wire/remoting/send_request.h"

namespace posthorn::gateway::remoting {
namespace {

constexpr std::uint32_t kInFlight = 64;
constexpr std::uint32_t kQueues = 8;
constexpr std::uint32_t kBatches = 4;  ///< of a tick
constexpr std::uint32_t kBatch = 32;

class Wire final : public Channel {
  public:
    Buffer& out() override { return out_; }
    bool congested() const override { return false; }
    void close(std::string_view why) override {
        fmt::print(stderr, "closed: {}\n", why);
        std::abort();
    }

  private:
    Buffer out_;
};

/// A tick's worth of sends, as a producer has them in flight.
Buffer sends(wire::Encoding encoding, std::size_t body, std::uint32_t round) {
    Buffer out;
    const std::string text(body, 'x');
    for (std::uint32_t n = 0; n < kInFlight; ++n) {
        const std::string properties =
            fmt::format("UNIQ_KEY\x01{:032X}\x02WAIT\x01true\x02TAGS\x01TagA\x02", round * kInFlight + n);
        auto writer = wire::FrameWriter::request(out, encoding, RequestCode::send_message_v2,
                                                 static_cast<std::int32_t>(round * kInFlight + n + 100'000));
        wire::SendRequest request;
        request.producer_group = "please_rename_unique_group_name";
        request.topic = "TopicTest";
        request.default_topic = "TBW102";
        request.default_topic_queues = 4;
        request.queue_id = static_cast<std::int32_t>(n % kQueues);
        request.born_ms = 1'700'000'000'000 + n;
        request.properties = properties;
        write_send_request(writer, request, true);
        writer.body().append(text);
        if (!writer.finish()) std::abort();
    }
    return out;
}

/// Batches as the original's BatchProducer writes them: one topic, properties of each.
Buffer batches(wire::Encoding encoding, std::size_t body, std::uint32_t round) {
    Buffer out;
    Buffer text;
    text.append(std::string(body, 'x'));
    for (std::uint32_t n = 0; n < kBatches; ++n) {
        auto writer = wire::FrameWriter::request(out, encoding, RequestCode::send_batch_message,
                                                 static_cast<std::int32_t>(round * kBatches + n + 100'000));
        wire::SendRequest request;
        request.producer_group = "benchmark_batch_producer";
        request.topic = "TopicTest";
        request.default_topic = "TBW102";
        request.default_topic_queues = 4;
        request.queue_id = static_cast<std::int32_t>(n % kQueues);
        request.born_ms = 1'700'000'000'000 + n;
        request.batch = true;
        write_send_request(writer, request, true);
        for (std::uint32_t item = 0; item < kBatch; ++item) {
            const std::string properties =
                fmt::format("UNIQ_KEY\x01{:032X}\x02WAIT\x01true", (round * kBatches + n) * kBatch + item);
            wire::append_batch_item(writer.body(), {0, text.view(), properties});
        }
        if (!writer.finish()) std::abort();
    }
    return out;
}

Buffer pulls(wire::Encoding encoding, std::uint32_t round) {
    Buffer out;
    for (std::uint32_t queue = 0; queue < kQueues; ++queue) {
        auto writer = wire::FrameWriter::request(out, encoding, RequestCode::pull_message,
                                                 static_cast<std::int32_t>(queue + 100'000));
        writer.field("consumerGroup", "please_rename_unique_group_name");
        writer.field("topic", "TopicTest");
        writer.field("queueId", queue);
        writer.field("queueOffset", round * 32);
        writer.field("maxMsgNums", 32);
        writer.field("sysFlag", 4);
        writer.field("commitOffset", 0);
        writer.field("suspendTimeoutMillis", 15'000);
        writer.field("subscription", "*");
        writer.field("subVersion", std::int64_t{1'700'000'000'000});
        writer.field("expressionType", "TAG");
        if (!writer.finish()) std::abort();
    }
    return out;
}

struct Rig {
    explicit Rig(const std::string& directory) {
        auto opened = broker::Engine::open(directory);
        if (!opened) {
            fmt::print(stderr, "{}\n", opened.error().message);
            std::exit(1);
        }
        engine = std::move(*opened);
        RemotingOptions options;
        options.default_topic_queues = kQueues;
        gateway = std::make_unique<Gateway>(engine->broker(), options, clock);
        if (!put_system_names(*gateway)) std::abort();
        broker::TopicSpec spec;
        spec.name = "TopicTest";
        spec.write_queues = spec.read_queues = kQueues;
        if (!engine->broker().catalog().put_topic(spec)) std::abort();
        engine->tick();
        session = std::make_unique<Session>(*gateway, channel, wire::host_v4(0x7F000001, 50'000),
                                            wire::host_v4(0x7F000001, 10'911));
    }

    env::SystemClock clock;
    std::unique_ptr<broker::Engine> engine;
    std::unique_ptr<Gateway> gateway;
    Wire channel;
    std::unique_ptr<Session> session;
};

/// What the loop does between two waits, but for the sockets.
[[gnu::noinline]] void one_tick(Rig& rig, const Buffer& input) {
    if (rig.session->on_data(input.view()) != input.size()) std::abort();
    rig.engine->tick();
    rig.gateway->after_tick();
}

/// What the pulls find. Not counted.
[[gnu::noinline]] void fill(Rig& rig, const std::vector<Buffer>& inputs) {
    for (const Buffer& input : inputs) {
        if (rig.session->on_data(input.view()) != input.size()) std::abort();
        rig.engine->tick();
        rig.gateway->after_tick();
        rig.channel.out().clear();
    }
}

bool lean = true;
std::string only;

void measure(Rig& rig, const char* what, const std::vector<Buffer>& inputs, std::uint64_t ticks,
             std::uint64_t messages_a_tick) {
    if (!std::string_view(what).starts_with(only)) return;
    const std::uint64_t warm = ticks / 10;
    double began = 0;
    std::uint64_t heap = 0;
    std::size_t reply = 0;
    for (std::uint64_t tick = 0; tick < warm + ticks; ++tick) {
        if (tick == warm) began = bench::cpu_ns(), heap = bench::allocations();
        one_tick(rig, inputs[tick % inputs.size()]);
        reply = rig.channel.out().size();
        if (reply == 0) std::abort();
        rig.channel.out().clear();
    }
    const auto messages = static_cast<double>(ticks * messages_a_tick);
    const double a_message = static_cast<double>(bench::allocations() - heap) / messages;
    fmt::print("{:<28} {:>9.0f} messages {:>7.0f} ns cpu {:>9.5f} heap, replies of a tick {} bytes\n", what,
               messages, (bench::cpu_ns() - began) / messages, a_message, reply);
    lean &= a_message < 0.01;
}

int run(const std::string& directory, std::uint64_t ticks) {
    set_log_level(LogLevel::error);
    for (const wire::Encoding encoding : {wire::Encoding::json, wire::Encoding::binary}) {
        const char* const name = encoding == wire::Encoding::json ? "json" : "binary";
        for (const std::size_t body : {128, 1024}) {
            std::filesystem::remove_all(directory);
            Rig rig(directory);
            std::vector<Buffer> inputs, batched, questions;
            for (std::uint32_t round = 0; round < 16; ++round) {
                inputs.push_back(sends(encoding, body, round));
                batched.push_back(batches(encoding, body, round));
                questions.push_back(pulls(encoding, round % 4));
            }
            measure(rig, fmt::format("send {} {} B", name, body).c_str(), inputs, ticks, kInFlight);
            measure(rig, fmt::format("batch {} {} B, {} each", name, body, kBatch).c_str(), batched,
                    ticks / 2, kBatches * kBatch);
            fill(rig, inputs);
            measure(rig, fmt::format("pull {} {} B, 32 each", name, body).c_str(), questions, ticks / 10 + 1,
                    kQueues * 32);
        }
    }
    std::filesystem::remove_all(directory);
    if (!lean) fmt::print("\na message cost heap memory\n");
    return lean ? 0 : 1;
}

}  // namespace
}  // namespace posthorn::gateway::remoting

int main(int argc, char** argv) {
    if (argc > 3) posthorn::gateway::remoting::only = argv[3];
    return posthorn::gateway::remoting::run(argc > 1 ? argv[1] : "bench-gateway-data",
                                            argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20'000);
}
