// A durable topic and a durable queue inside your own program: link room_broker, no server needed.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "broker/engine.h"

using namespace posthorn;

struct Print final : broker::MessageSink, broker::TakeSink {
    int count = 0;
    model::QueueOffset last;
    bool on_message(const broker::Stored& message, model::QueueOffset offset) override {
        return fmt::print("read  {}: {}\n", offset.value(), as_text(message.payload)), ++count > 0;
    }
    bool on_taken(const broker::Stored& message, const broker::Taken& taken) override {
        last = taken.offset;
        return fmt::print("taken {}: {}\n", taken.offset.value(), as_text(message.payload)), ++count > 0;
    }
};

int main(int argc, char** argv) {
    auto engine = broker::Engine::open(argc > 1 ? argv[1] : "posthorn-embedded");
    if (!engine) return fmt::print(stderr, "{}\n", engine.error().message), 1;
    broker::Broker& posthorn = (*engine)->broker();

    const auto topic = posthorn.catalog().put_topic({.name = "orders", .permission = {}, .attributes = ""});
    const auto work = posthorn.catalog().put_named_queue("work");
    const auto reader = posthorn.open_reader("worker", *work);
    const model::QueueId orders = (*topic)->queues[0];
    const model::QueueOffset from = posthorn.range(orders).end;

    bool sent = posthorn.publish({.queue = orders, .payload = as_bytes("now")}).ok();
    sent &=
        posthorn
            .publish_at({.queue = orders, .payload = as_bytes("50 ms later")}, posthorn.now().wall_ms + 50)
            .ok();
    sent &= posthorn.publish({.queue = *work, .payload = as_bytes("a task")}).ok();
    (*engine)->tick();  // one write: from here on a kill loses none of them

    Print print;
    const auto taken = posthorn.take(*reader, 1, 0, print);
    const bool settled = taken && posthorn.settle(*reader, print.last).ok();
    while (posthorn.range(orders).end - from < 2) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        (*engine)->tick();
    }
    posthorn.fetch({.queue = orders, .from = from}, print);
    return sent && settled && print.count == 3 && (*engine)->close().ok() ? 0 : 1;
}
