#include "torture_clients.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "load_stamp.h"

namespace posthorn::cli {
namespace remoting = wire::remoting;
namespace {

using remoting::Encoding;
using remoting::RequestCode;

constexpr std::uint32_t kWindow = 32;
constexpr std::uint32_t kOneInDelayed = 16;
constexpr std::int32_t kFound = 0;
constexpr std::int32_t kCommit = 1;
constexpr std::int32_t kCarriesSubscription = 4;

std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// 0, and the three answers that say "stored, but".
bool stored(std::int32_t code) {
    return code == 0 || (code >= 10 && code <= 12);
}

}  // namespace

std::uint64_t torture_sequence(std::uint64_t producer, std::uint64_t number) {
    return producer << kNumberBits | number;
}

TortureProducer::TortureProducer(const TortureTarget& target, std::uint32_t index, std::uint64_t seed,
                                 bool delays)
    : target_(target), index_(index), random_(seed + index) {
    const Encoding encoding = index % 2 == 0 ? Encoding::json : Encoding::binary;
    for (const std::size_t size : {64, 700, 6000})
        add_form(encoding, size, {}, 0);
    if (!delays) return;
    add_form(encoding, 100,
             "DELAY\x01"
             "1\x02",
             1000);
    for (const std::uint32_t delay : {200U, 900U, 1700U, 4000U})
        add_form(encoding, 100, fmt::format("TIMER_DELAY_MS\x01{}\x02", delay), delay);
}

void TortureProducer::add_form(Encoding encoding, std::size_t size, std::string properties,
                               std::uint32_t delay_ms) {
    auto frames = std::make_unique<SendFrame>(SendFrame::Shape{.topic = target_.topic,
                                                               .group = "posthorn_torture",
                                                               .encoding = encoding,
                                                               .body_size = size,
                                                               .queues = target_.queues,
                                                               .extra_properties = std::move(properties)});
    (delay_ms == 0 ? plain_ : delayed_).push_back({std::move(frames), delay_ms});
}

void TortureProducer::send(RemotingConnection& connection, std::uint32_t slot) {
    const bool delay = !delayed_.empty() && random_() % kOneInDelayed == 0;
    const auto& forms = delay ? delayed_ : plain_;
    const Form& form = forms[random_() % forms.size()];
    const std::int64_t now = steady_now();
    slots_[slot] = ledger_.issue(now, form.delay_ms);
    form.frames->append(connection.out(),
                        {.opaque = slot,
                         .queue = static_cast<std::uint32_t>(random_() % target_.queues),
                         .wall_ms = wall_ms(),
                         .stamp = {target_.run, torture_sequence(index_, slots_[slot]), now}});
}

Result<void> TortureProducer::take_answer(const remoting::Frame& frame) {
    auto decoded = decoder_.decode(frame);
    if (!decoded) return decoded.error();
    const remoting::Header& header = **decoded;
    const auto slot = static_cast<std::uint32_t>(header.opaque) - SendFrame::kOpaqueBase;
    if (!header.is_response() || slot >= slots_.size()) return {};
    free_.push_back(slot);
    if (!stored(header.code)) {
        ++refused_[header.code];
        return {};
    }
    auto queue = header.require_int32("queueId");
    if (!queue) return queue.error();
    auto offset = header.require_int64("queueOffset");
    if (!offset) return offset.error();
    ledger_.acknowledge(slots_[slot], static_cast<std::uint32_t>(*queue), *offset);
    return {};
}

Result<void> TortureProducer::run(const std::atomic<bool>& stop, double per_second) {
    auto opened = RemotingConnection::open(target_.broker);
    if (!opened) return {};
    RemotingConnection connection = std::move(*opened);
    slots_.assign(kWindow, 0);
    free_.clear();
    for (std::uint32_t slot = 0; slot < kWindow; ++slot)
        free_.push_back(slot);
    const std::int64_t start = steady_now();
    double sent = 0;
    Result<void> trouble;
    while (trouble && !stop) {
        const double allowed = per_second * static_cast<double>(steady_now() - start) * 1e-9 + kWindow;
        for (; !free_.empty() && sent < allowed; ++sent) {
            send(connection, free_.back());
            free_.pop_back();
        }
        if (!connection.write_some()) return {};
        const bool waiting = !free_.empty() || connection.unsent();
        if (!connection.read_some(std::chrono::milliseconds(waiting ? 1 : 50))) return {};
        auto taken = connection.take_frames([&](const remoting::Frame& frame) {
            if (auto done = take_answer(frame); !done) trouble = done;
        });
        if (!taken) return taken;
    }
    return trouble;
}

Result<std::int64_t> read_queue(RemotingConnection& connection, const TortureTarget& target,
                                std::uint32_t queue, std::int64_t from, std::int64_t until,
                                const std::string& commit_for,
                                const std::function<void(const remoting::Message&)>& each) {
    while (from < until) {
        const std::int32_t flags = kCarriesSubscription | (commit_for.empty() ? 0 : kCommit);
        auto answer = call(connection, RequestCode::pull_message,
                           {{"consumerGroup", commit_for.empty() ? "posthorn_torture_check" : commit_for},
                            {"topic", target.topic},
                            {"queueId", std::to_string(queue)},
                            {"queueOffset", std::to_string(from)},
                            {"maxMsgNums", "32"},
                            {"sysFlag", std::to_string(flags)},
                            {"commitOffset", std::to_string(from)},
                            {"suspendTimeoutMillis", "0"},
                            {"subscription", "*"},
                            {"subVersion", "0"},
                            {"expressionType", "TAG"}});
        if (!answer) return answer.error();
        if (answer->code != kFound) return from;
        Bytes messages = as_bytes(answer->body);
        while (!messages.empty()) {
            auto message = remoting::decode_stored(messages);
            if (!message) return message.error();
            messages = messages.subspan(message->bytes.size());
            if (message->queue_offset != from)
                return Error{Errc::invalid, fmt::format("queue {}: offset {} came where {} was expected",
                                                        queue, message->queue_offset, from)};
            each(*message);
            ++from;
        }
    }
    return from;
}

TortureConsumer::TortureConsumer(const TortureTarget& target, std::uint32_t index)
    : target_(target), group_(fmt::format("posthorn_torture_{}", index)), seen_(target.queues) {}

Result<void> TortureConsumer::run(const std::atomic<bool>& stop) {
    auto connection = RemotingConnection::open(target_.broker);
    if (!connection) return {};
    constexpr std::int64_t kAll = std::int64_t{1} << 62;
    while (!stop) {
        for (std::uint32_t queue = 0; queue < target_.queues; ++queue) {
            auto& seen = seen_[queue];
            const auto keep = [&](const remoting::Message& message) {
                const auto stamp = read_stamp(message.body);
                seen.push_back(stamp ? stamp->sequence : kNothing);
            };
            auto next = read_queue(*connection, target_, queue, static_cast<std::int64_t>(seen.size()), kAll,
                                   group_, keep);
            if (!next && next.error().code == Errc::io) return {};
            if (!next) return next.error();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return {};
}

}  // namespace posthorn::cli
