#include "publish_load.h"

#include <sys/prctl.h>

#include <algorithm>
#include <limits>

#include "load_stamp.h"

namespace posthorn::cli {
namespace {

constexpr std::size_t kBatchBytes = 64 * 1024;  // one write
constexpr std::chrono::milliseconds kPatience{100};
constexpr std::int64_t kBacklogPatienceNs = 100'000;

}  // namespace

PublishLoad::PublishLoad(Plan plan, std::vector<AmqpConnection> connections, const SharedPhase& phase,
                         const std::atomic<std::uint64_t>& consumed)
    : plan_(std::move(plan)), phase_(phase), consumed_(consumed) {
    for (AmqpConnection& connection : connections)
        producers_.push_back({std::move(connection), ConfirmWindow(plan_.window)});
}

Result<PublishReport> PublishLoad::run() {
    // Linux lets a thread oversleep by 50 us, which the latency of every message would begin with.
    if (plan_.rate > 0) prctl(PR_SET_TIMERSLACK, 1UL);
    start_ns_ = now_ = steady_now();
    while (!done()) {
        phase_.look();
        const std::uint64_t before = report_.published;
        if (!phase_.draining()) plan_.rate > 0 ? fill_at_rate() : fill();
        for (Producer& producer : producers_)
            if (auto written = producer.connection.write_some(); !written) return written.error();
        if (plan_.rate > 0) note_late(before);
        if (auto waited = wait(); !waited) return waited.error();
        now_ = steady_now();
    }
    report_.cpu_seconds = phase_.cpu_seconds();
    report_.unanswered = open();
    return report_;
}

bool PublishLoad::done() const {
    if (phase_.stopped()) return true;
    const bool all_sent = plan_.messages != 0 && report_.published >= plan_.messages;
    if (open() > 0 || (!phase_.draining() && !all_sent)) return false;
    return std::none_of(producers_.begin(), producers_.end(),
                        [](const Producer& producer) { return producer.connection.unsent(); });
}

/// How many more there may be for now, whoever sends them.
std::uint64_t PublishLoad::allowance() const {
    std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    if (plan_.messages != 0) most = plan_.messages - std::min(plan_.messages, report_.published);
    if (plan_.backlog != 0) {
        const std::uint64_t consumed = consumed_.load(std::memory_order_relaxed) / plan_.copies;
        const std::uint64_t waiting = report_.published - std::min(consumed, report_.published);
        most = std::min(most, plan_.backlog - std::min(plan_.backlog, waiting));
    }
    return most;
}

bool PublishLoad::has_room(const Producer& producer) const {
    return plan_.window == 0 || !producer.window.full();
}

void PublishLoad::fill() {
    std::uint64_t left = allowance();
    for (Producer& producer : producers_)
        while (left > 0 && producer.connection.out().size() < kBatchBytes && has_room(producer)) {
            send(producer, now_);
            --left;
        }
}

/// When the `number`-th message is to be sent.
std::int64_t PublishLoad::due_ns(std::uint64_t number) const {
    return start_ns_ + static_cast<std::int64_t>(static_cast<double>(number) * 1e9 / plan_.rate);
}

/// In turn. A message that could not be sent when it was due counts from then: else a server that stops for a
/// while would hide it.
void PublishLoad::fill_at_rate() {
    for (std::uint64_t left = allowance(); left > 0; --left) {
        const std::int64_t due = due_ns(report_.published);
        Producer& producer = producers_[report_.published % producers_.size()];
        if (due > now_ || !has_room(producer)) return;
        send(producer, due);
    }
}

/// Of those from `first` on, which were written just now: what of their latency is not the server's.
void PublishLoad::note_late(std::uint64_t first) {
    if (!phase_.measuring()) return;
    const std::int64_t written_ns = steady_now();
    for (std::uint64_t number = first; number < report_.published; ++number)
        report_.late.add(written_ns - due_ns(number));
}

void PublishLoad::send(Producer& producer, std::int64_t sent_ns) {
    const PublishForm& form = plan_.forms[static_cast<std::size_t>(&producer - producers_.data())];
    write_stamp(form.append(producer.connection.out()), ShortStamp{report_.published, sent_ns});
    ++report_.published;
    if (plan_.window == 0) {
        if (phase_.measuring()) ++report_.measured;
        return;
    }
    producer.window.issue(sent_ns);
}

std::int64_t PublishLoad::patience() const {
    constexpr std::int64_t kLong = std::chrono::nanoseconds(kPatience).count();
    if (phase_.draining()) return kLong;
    if (plan_.rate > 0) return std::min(kLong, due_ns(report_.published) - now_);
    if (allowance() == 0) return plan_.backlog != 0 ? kBacklogPatienceNs : kLong;
    const bool all_full = std::none_of(
        producers_.begin(), producers_.end(),
        [this](const Producer& producer) { return !producer.connection.unsent() && has_room(producer); });
    return all_full ? kLong : 0;
}

Result<void> PublishLoad::wait() {
    // One connection whose window is full: nothing can happen but an answer, so one call does it.
    if (producers_.size() == 1 && !producers_[0].connection.unsent() && plan_.rate == 0 &&
        !has_room(producers_[0]))
        return read(producers_[0], kPatience);
    poll_.clear();
    for (const Producer& producer : producers_)
        poll_.add(producer.connection);
    poll_.wait(patience());
    for (std::size_t index = 0; index < producers_.size(); ++index)
        if (poll_.readable(index))
            if (auto done = read(producers_[index], {}); !done) return done;
    return {};
}

Result<void> PublishLoad::read(Producer& producer, std::chrono::milliseconds patience) {
    if (auto got = producer.connection.read_some(patience); !got) return got.error();
    now_ = steady_now();
    return producer.connection.take_frames([&](const wire::amqp::Frame& frame) {
        producer.window.take(frame, [this](std::int64_t sent_ns, bool good) { answered(sent_ns, good); });
    });
}

void PublishLoad::answered(std::int64_t sent_ns, bool good) {
    ++(good ? report_.confirmed : report_.refused);
    if (!good || !phase_.measuring()) return;
    ++report_.measured;
    report_.latency.add(now_ - sent_ns);
}

std::uint64_t PublishLoad::open() const {
    std::uint64_t open = 0;
    for (const Producer& producer : producers_)
        open += producer.window.open();
    return open;
}

}  // namespace posthorn::cli
