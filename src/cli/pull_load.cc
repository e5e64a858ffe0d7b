#include "pull_load.h"

#include <fmt/format.h>

#include <algorithm>

#include "load_stamp.h"
#include "wire/remoting/frame_writer.h"
#include "wire/remoting/message.h"

namespace posthorn::cli {
namespace remoting = wire::remoting;
namespace {

constexpr std::int32_t kFound = 0;
constexpr std::int32_t kNotFound = 19;
constexpr std::int32_t kRetryImmediately = 20;
constexpr std::int32_t kOffsetMoved = 21;
constexpr std::int32_t kMaySuspend = 2;
constexpr std::int32_t kCarriesSubscription = 4;
constexpr std::int64_t kSuspendMillis = 15'000;
constexpr std::int64_t kPauseNs = 1'000'000;

}  // namespace

PullLoad::PullLoad(Plan plan, RemotingConnection connection, const SharedPhase& phase)
    : plan_(std::move(plan)), connection_(std::move(connection)), phase_(phase) {
    for (const std::int64_t offset : plan_.from)
        queues_.push_back({offset, false, 0});
}

bool PullLoad::finished(std::uint32_t queue) const {
    return !plan_.until.empty() && queues_[queue].next >= plan_.until[queue];
}

void PullLoad::ask(std::uint32_t queue) {
    auto writer =
        remoting::FrameWriter::request(connection_.out(), plan_.encoding, remoting::RequestCode::pull_message,
                                       static_cast<std::int32_t>(queue) + 1);
    writer.field("consumerGroup", plan_.group);
    writer.field("topic", plan_.topic);
    writer.field("queueId", queue);
    writer.field("queueOffset", queues_[queue].next);
    writer.field("maxMsgNums", plan_.batch);
    writer.field("sysFlag", plan_.until.empty() ? kMaySuspend | kCarriesSubscription : kCarriesSubscription);
    writer.field("commitOffset", 0);
    writer.field("suspendTimeoutMillis", kSuspendMillis);
    writer.field("subscription", "*");
    writer.field("subVersion", 0);
    writer.field("expressionType", "TAG");
    const auto finished = writer.finish();
    POSTHORN_CHECK(finished.ok(), "a pull request over the frame limit");
    queues_[queue].open = true;
}

void PullLoad::ask_all() {
    for (std::uint32_t queue = 0; queue < queues_.size(); ++queue)
        if (!queues_[queue].open && !finished(queue) && queues_[queue].pause <= now_) ask(queue);
}

Result<PullReport> PullLoad::run() {
    const auto done = [this] {
        for (std::uint32_t queue = 0; queue < queues_.size(); ++queue)
            if (plan_.until.empty() || !finished(queue)) return false;
        return true;
    };
    Result<void> trouble;
    while (trouble && !phase_.stopped() && !done()) {
        now_ = steady_now();
        phase_.look();
        ask_all();
        if (auto sent = connection_.write_some(); !sent) return sent.error();
        const bool paused =
            std::any_of(queues_.begin(), queues_.end(), [](const Queue& queue) { return !queue.open; });
        auto got = connection_.read_some(std::chrono::milliseconds(paused || connection_.unsent() ? 1 : 100));
        if (!got) return got.error();
        now_ = steady_now();
        auto taken = connection_.take_frames([&](const remoting::Frame& frame) {
            if (auto good = take_answer(frame); !good) trouble = good;
        });
        if (!taken) return taken.error();
    }
    if (!trouble) return trouble.error();
    report_.cpu_seconds = phase_.cpu_seconds();
    report_.of_this_run = seen_.once();
    report_.twice = seen_.twice();
    return report_;
}

Result<void> PullLoad::take_answer(const remoting::Frame& frame) {
    auto decoded = decoder_.decode(frame);
    if (!decoded) return decoded.error();
    const remoting::Header& header = **decoded;
    const auto index = static_cast<std::uint32_t>(header.opaque) - 1;
    if (!header.is_response() || index >= queues_.size()) return {};
    Queue& queue = queues_[index];
    queue.open = false;
    if (header.code == kFound) return take_messages(queue, frame.body);

    const auto next = header.int64("nextBeginOffset");
    if (header.code == kOffsetMoved && next.ok() && next.value != queue.next) {
        report_.gaps += static_cast<std::uint64_t>(std::max<std::int64_t>(0, next.value - queue.next));
        queue.next = next.value;
    }
    if (header.code != kNotFound && header.code != kRetryImmediately) ++report_.refused[header.code];
    queue.pause = now_ + kPauseNs;
    return {};
}

Result<void> PullLoad::take_messages(Queue& queue, Bytes messages) {
    ++report_.answers;
    if (first_ns_ == 0) first_ns_ = now_;
    report_.seconds = static_cast<double>(now_ - first_ns_) * 1e-9;
    while (!messages.empty()) {
        auto message = remoting::decode_stored(messages);
        if (!message) return message.error();
        messages = messages.subspan(message->bytes.size());
        take_message(queue, *message);
    }
    of_this_run_.store(seen_.once(), std::memory_order_relaxed);
    return {};
}

void PullLoad::take_message(Queue& queue, const remoting::Message& message) {
    if (message.queue_offset < queue.next)
        ++report_.repeats;
    else
        report_.gaps += static_cast<std::uint64_t>(message.queue_offset - queue.next);
    queue.next = std::max(queue.next, message.queue_offset + 1);
    ++report_.received;
    report_.received_bytes += message.body.size();
    if (phase_.measuring()) ++report_.measured;
    const auto stamp = read_stamp(message.body);
    if (!stamp || stamp->run != plan_.run) return;
    seen_.note(stamp->sequence);
    if (phase_.measuring()) report_.latency.add(now_ - stamp->sent_ns);
}

}  // namespace posthorn::cli
