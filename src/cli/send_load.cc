#include "send_load.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

namespace posthorn::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{100};  // how often the phase is looked at when nothing comes

std::int64_t wall_clock_ms() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

SendLoad::SendLoad(const SendFrame& frames, std::uint32_t queues, std::uint64_t run, std::uint32_t in_flight,
                   std::vector<RemotingConnection> connections, const SharedPhase& phase)
    : frames_(frames), queues_(queues), run_(run), connections_(std::move(connections)), phase_(phase) {
    for (std::uint32_t slot = 0; slot < in_flight; ++slot)
        slots_.push_back({0, static_cast<std::uint32_t>(slot % connections_.size())});
}

Result<SendReport> SendLoad::run() {
    now_ = steady_now();
    wall_ms_ = wall_clock_ms();
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot)
        send(slot);
    for (RemotingConnection& connection : connections_)
        if (auto done = connection.write_some(); !done) return done.error();
    const auto done = connections_.size() == 1 ? serve_one_connection() : serve_many_connections();
    phase_.look();
    if (!done) return done.error();
    report_.cpu_seconds = phase_.cpu_seconds();
    report_.unanswered = open_;
    return report_;
}

void SendLoad::send(std::uint32_t slot) {
    const std::uint64_t sequence = next_sequence_++;
    slots_[slot].sent_ns = now_;
    frames_.append(connections_[slots_[slot].connection].out(),
                   {.opaque = slot,
                    .queue = static_cast<std::uint32_t>(sequence % queues_),
                    .wall_ms = wall_ms_,
                    .stamp = {run_, sequence, now_}});
    ++open_;
}

Result<void> SendLoad::take_answer(const wire::remoting::Frame& frame) {
    const auto head = peek_answer(frame);
    if (!head) return head.error();
    const auto slot = static_cast<std::uint32_t>(head->opaque) - SendFrame::kOpaqueBase;
    if (slot >= slots_.size()) return {};  // a push of the server's own
    --open_;
    if (head->code == 0) {
        ++report_.acknowledged;
        if (phase_.measuring()) {
            ++report_.measured;
            report_.latency.add(now_ - slots_[slot].sent_ns);
        }
    } else {
        ++report_.refused[head->code];
    }
    if (!phase_.draining()) send(slot);
    return {};
}

Result<void> SendLoad::serve(std::uint32_t index, std::chrono::milliseconds patience) {
    RemotingConnection& connection = connections_[index];
    auto got = connection.read_some(patience);
    if (!got) return got.error();
    now_ = steady_now();
    wall_ms_ = wall_clock_ms();
    phase_.look();
    Result<void> trouble;
    auto taken = connection.take_frames([&](const wire::remoting::Frame& frame) {
        if (auto done = take_answer(frame); !done) trouble = done;
    });
    if (!taken) return taken;
    if (!trouble) return trouble;
    return connection.write_some();
}

Result<void> SendLoad::serve_one_connection() {
    while (open_ > 0 && !phase_.stopped()) {
        // While output waits for room, reading must not wait for input.
        const auto patience = connections_[0].unsent() ? std::chrono::milliseconds(1) : kPatience;
        if (auto done = serve(0, patience); !done) return done;
    }
    return {};
}

Result<void> SendLoad::serve_many_connections() {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) return Error{Errc::io, "epoll_create1 failed"};
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u32 = index;
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections_[index].fd(), &event);
    }
    Result<void> done;
    std::array<epoll_event, 256> ready{};
    while (done && open_ > 0 && !phase_.stopped()) {
        bool unsent = false;
        for (const RemotingConnection& connection : connections_)
            unsent = unsent || connection.unsent();
        const int patience = unsent ? 1 : static_cast<int>(kPatience.count());
        const int count = epoll_wait(epoll, ready.data(), static_cast<int>(ready.size()), patience);
        for (int at = 0; at < count && done; ++at)
            done = serve(ready[static_cast<std::size_t>(at)].data.u32, {});
        if (unsent)
            for (RemotingConnection& connection : connections_)
                if (done) done = connection.write_some();
        if (count <= 0) phase_.look();
    }
    ::close(epoll);
    return done;
}

}  // namespace posthorn::cli
