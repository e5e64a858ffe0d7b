#include "consume_load.h"

#include <algorithm>

#include "load_stamp.h"

namespace posthorn::cli {
namespace amqp = wire::amqp;

namespace {

constexpr std::chrono::milliseconds kPatience{100};

}  // namespace

ConsumeLoad::ConsumeLoad(Plan plan, std::vector<AmqpConnection> connections, const SharedPhase& phase,
                         std::atomic<std::uint64_t>& consumed)
    : plan_(std::move(plan)), phase_(phase), consumed_(consumed) {
    for (std::size_t index = 0; index < connections.size(); ++index) {
        consumers_.push_back({std::move(connections[index]), plan_.sets[index], 0, {}});
        seen_.resize(std::max<std::size_t>(seen_.size(), plan_.sets[index] + 1));
    }
}

Result<ConsumeReport> ConsumeLoad::run() {
    while (!phase_.stopped() && (plan_.until == 0 || report_.received < plan_.until)) {
        phase_.look();
        for (Consumer& consumer : consumers_)
            if (auto written = consumer.connection.write_some(); !written) return written.error();
        if (auto waited = wait(); !waited) return waited.error();
        consumed_.store(report_.received, std::memory_order_relaxed);
    }
    for (const SequenceSet& seen : seen_)
        report_.once += seen.once(), report_.twice += seen.twice();
    report_.cpu_seconds = phase_.cpu_seconds();
    return report_;
}

Result<void> ConsumeLoad::wait() {
    if (consumers_.size() == 1 && !consumers_[0].connection.unsent()) return read(consumers_[0], kPatience);
    poll_.clear();
    for (const Consumer& consumer : consumers_)
        poll_.add(consumer.connection);
    poll_.wait(std::chrono::nanoseconds(kPatience).count());
    for (std::size_t index = 0; index < consumers_.size(); ++index)
        if (poll_.readable(index))
            if (auto done = read(consumers_[index], {}); !done) return done;
    return {};
}

Result<void> ConsumeLoad::read(Consumer& consumer, std::chrono::milliseconds patience) {
    if (auto got = consumer.connection.read_some(patience); !got) return got.error();
    now_ = steady_now();
    return consumer.connection.take_frames([&](const amqp::Frame& frame) {
        if (const Delivered* message = consumer.reader.take(frame)) take(consumer, *message);
    });
}

void ConsumeLoad::take(Consumer& consumer, const Delivered& message) {
    ++report_.received;
    report_.redelivered += message.redelivered;
    if (phase_.measuring()) ++report_.measured;
    if (message.body_size >= kShortStampSize) {
        const ShortStamp stamp = read_short_stamp(message.head.data());
        seen_[consumer.set].note(stamp.sequence);
        if (phase_.measuring()) report_.latency.add(now_ - stamp.sent_ns);
    }
    if (plan_.ack_every == 0 || ++consumer.unacked < plan_.ack_every) return;
    consumer.connection.write(amqp::BasicAck{message.tag, plan_.ack_every > 1});
    consumer.unacked = 0;
}

}  // namespace posthorn::cli
