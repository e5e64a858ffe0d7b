#include "oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace posthorn::sim {
namespace {

std::byte filler(Oracle::Id id, std::size_t n) {
    return static_cast<std::byte>((id * 2654435761u + n * 40503u) >> 3);
}

}  // namespace

std::vector<std::byte> Oracle::payload(Id id, std::size_t size) {
    std::vector<std::byte> bytes(std::max<std::size_t>(size, 8));
    store_le(bytes.data(), id);
    for (std::size_t n = 8; n < bytes.size(); ++n)
        bytes[n] = filler(id, n);
    return bytes;
}

void Oracle::law(bool holds, std::string words) {
    if (!holds && !broken_) broken_ = std::move(words);
}

std::optional<Oracle::Id> Oracle::check_payload(model::QueueId queue, Bytes payload) {
    if (payload.size() < 8) {
        law(false, "a message appeared that was not sent: shorter than any");
        return std::nullopt;
    }
    const Id id = load_le<std::uint64_t>(payload.data());
    bool same = id < sent_.size();
    for (std::size_t n = 8; same && n < payload.size(); ++n)
        same = payload[n] == filler(id, n);
    law(same, fmt::format("a message appeared that was not sent: queue {}, id {}", queue.value(), id));
    if (!same) return std::nullopt;
    const Sent& message = sent_[id];
    const Target* target = this->target(message, queue);
    law(target != nullptr,
        fmt::format("message {} appeared in queue {}, where it was not sent, or to one before", id,
                    queue.value()));
    if (!target) return std::nullopt;
    if (!target->survives) {
        law(message.life == life_, fmt::format("message {} was transient and came back after a crash", id));
        return id;
    }
    law(message.due_ms <= latest_ms_,
        fmt::format("message {} appeared {} ms early", id, message.due_ms - latest_ms_));
    law(message.level != Level::lost, fmt::format("message {} was lost and appeared later", id));
    return id;
}

const Oracle::Target* Oracle::target(const Sent& message, model::QueueId queue) const {
    for (const Target& target : message.targets)
        if (target.queue == queue && target.epoch == epoch(queue)) return &target;
    return nullptr;
}

/// Whether it may be missing because it was old. Where a delayed message came to stand is not known before it
/// was seen.
bool Oracle::may_be_retained(const Sent& message, model::QueueId queue) const {
    const std::uint64_t begin = this->begin(queue);
    if (begin == 0 || message.by_reader) return false;
    if (const auto place = place_.find(message.id); place != place_.end()) return place->second < begin;
    return message.due_ms != 0 || message.receipt.offset.value() < begin;
}

// --- sending -----------------------------------------------------------------------------------------------

void Oracle::sent(Sent message) {
    message.life = life_;
    for (Target& target : message.targets)
        target.epoch = epoch(target.queue);
    if (message.survives()) waiting_.push_back(message.id);
    sent_.push_back(std::move(message));
}

void Oracle::collect_promises(const broker::Broker& engine, broker::Flush flush) {
    std::erase_if(waiting_, [&](Id id) {
        Sent& message = sent_[id];
        const store::Log& log = message.receipt.in_queue_log ? engine.queue_log() : engine.stream_log();
        if (message.level == Level::unsure) {
            const auto promise = engine.state(message.receipt);
            if (promise == broker::Promise::kept)
                message.level = flush == broker::Flush::sync ? Level::durable : Level::written;
        }
        if (message.level == Level::written) {
            const bool durable = message.must_sync
                                     ? engine.state(message.receipt, true) == broker::Promise::kept
                                     : log.synced() >= message.receipt.end;
            if (durable) message.level = Level::durable;
        }
        return message.level == Level::durable;
    });
}

void Oracle::crashed(Crash crash) {
    ++life_;
    if (crash == Crash::power_cut)
        for (const Id id : waiting_)
            sent_[id].level = Level::unsure;
    for (auto& [reader, reading] : readers_) {
        for (auto& [id, handling] : reading.messages) {
            handling.in_flight = false;
            handling.not_before_ms = 0;
            if (crash == Crash::kill) continue;
            handling.delivery_noted = false;
            // The stream log may have lost what a delayed message had become: then it comes again.
            const bool fires_again = sent_[id].due_ms != 0 && !sent_[id].by_reader;
            if (handling.settled == Level::written || fires_again) handling.settled = Level::unsure;
        }
        reading.this_tick.clear();
        reading.last_first.reset();
    }
}

void Oracle::gone(model::QueueId queue) {
    for (const Sent& message : sent_)
        if (target(message, queue)) place_.erase(message.id);
    ++epochs_[queue.value()];
    seen_.erase(queue.value());
    waived_.erase(queue.value());
    begins_.erase(queue.value());
    std::erase_if(committed_, [&](const auto& entry) { return entry.first.second == queue.value(); });
}

void Oracle::never_was(model::QueueId queue) {
    for (const Sent& message : sent_) {
        const Target* target = this->target(message, queue);
        law(!target || !target->survives || message.level == Level::unsure || message.level == Level::lost,
            fmt::format("message {} was acknowledged in queue {}, which never was", message.id,
                        queue.value()));
    }
}

void Oracle::begins(model::QueueId queue, std::uint64_t begin, std::int64_t oldest_ms) {
    if (begin <= this->begin(queue)) return;
    auto& seen = seen_[queue.value()];
    if (begin <= seen.size() && seen[begin - 1] != nothing) {
        const Sent& message = sent_[seen[begin - 1]];
        law(message.due_ms != 0 || message.sent_ms <= oldest_ms,
            fmt::format("message {} was taken by retention {} ms early", message.id,
                        message.sent_ms - oldest_ms));
    }
    begins_[queue.value()] = begin;
    while (seen.size() < begin)
        seen.push_back(nothing);
}

void Oracle::reopened() {
    for (const Id id : waiting_)
        if (sent_[id].level == Level::written) sent_[id].level = Level::durable;
    waiting_.clear();
    for (auto& [reader, reading] : readers_)
        for (auto& [id, handling] : reading.messages)
            if (handling.settled == Level::written) handling.settled = Level::durable;
}

// --- reading by offset -------------------------------------------------------------------------------------

void Oracle::fetched(model::QueueId queue, std::uint64_t offset, Bytes payload) {
    const auto id = check_payload(queue, payload);
    if (!id) return;
    auto& seen = seen_[queue.value()];
    law(offset <= seen.size(), fmt::format("queue {} has a gap before offset {}", queue.value(), offset));
    if (offset > seen.size()) return;
    if (offset < seen.size() && seen[offset] != nothing) {
        law(seen[offset] == *id, fmt::format("queue {} offset {} was message {} and is now {}", queue.value(),
                                             offset, seen[offset], *id));
        return;
    }
    const auto [place, fresh] = place_.emplace(*id, offset);
    law(fresh, fmt::format("message {} appeared twice: offsets {} and {}", *id, place->second, offset));
    // Plain messages keep the order they were sent in.
    if (sent_[*id].due_ms == 0)
        for (std::size_t n = offset; n-- > 0;)
            if (seen[n] != nothing && sent_[seen[n]].due_ms == 0) {
                law(seen[n] < *id,
                    fmt::format("queue {}: message {} came after {}", queue.value(), *id, seen[n]));
                break;
            }
    if (offset < seen.size())
        seen[offset] = *id;
    else
        seen.push_back(*id);
}

void Oracle::reread(model::QueueId queue, std::uint64_t end) {
    auto& seen = seen_[queue.value()];
    while (seen.size() > end) {
        const Id id = seen.back();
        if (id == nothing) {
            seen.pop_back();
            continue;
        }
        // A delayed message goes back to waiting; a plain one is gone.
        law(sent_[id].level != Level::durable || sent_[id].due_ms != 0 || may_be_retained(sent_[id], queue) ||
                is_waived(sent_[id], queue),
            fmt::format("message {} was acknowledged and is lost (queue {} offset {})", id, queue.value(),
                        seen.size() - 1));
        if (sent_[id].due_ms == 0) sent_[id].level = Level::lost;
        place_.erase(id);
        seen.pop_back();
        // The place a reader knew it by is gone, and so is what the reader did with it.
        for (auto& [reader, reading] : readers_)
            reading.messages.erase(id);
    }
    for (Sent& message : sent_) {
        if (message.by_reader || message.due_ms != 0 || message.life == life_ || !target(message, queue))
            continue;
        const bool here = place_.contains(message.id);
        if (!here && (may_be_retained(message, queue) || is_waived(message, queue))) continue;
        law(here || message.level != Level::durable,
            fmt::format("message {} was acknowledged and is lost (queue {})", message.id, queue.value()));
        if (message.level == Level::unsure) message.level = here ? Level::durable : Level::lost;
    }
}

// --- settling one by one -----------------------------------------------------------------------------------

void Oracle::taken(std::uint32_t reader, model::QueueId queue, Bytes payload, const broker::Taken& how,
                   std::int64_t lease_until_ms, std::int64_t now_steady_ms) {
    const auto id = check_payload(queue, payload);
    if (!id) return;
    Reading& reading = readers_[reader];
    Handling& handling = reading.messages[*id];
    law(handling.settled == Level::unsure, fmt::format("message {} was settled and came back", *id));
    law(!handling.in_flight || (handling.not_before_ms != 0 && handling.not_before_ms <= now_steady_ms),
        fmt::format("message {} is in flight or delayed and was handed out again", *id));
    law(!handling.delivery_noted || how.redelivered,
        fmt::format("message {} was handed out before and is not marked as redelivered", *id));
    law(how.redelivered == (how.attempt > 1),
        fmt::format("message {}: attempt {} and redelivered {}", *id, how.attempt, how.redelivered));
    if (how.attempt == 1 && sent_[*id].due_ms == 0) {
        law(!reading.last_first || *reading.last_first < *id,
            fmt::format("reader {}: message {} came after {}", reader, *id, reading.last_first.value_or(0)));
        reading.last_first = *id;
    }
    handling.in_flight = true;
    handling.settle_tried = false;  // if it was tried, the crash took it
    handling.settled = Level::unsure;
    handling.not_before_ms = lease_until_ms;
    handling.delivered = true;
    reading.this_tick.push_back(*id);
    delivered_.insert(*id);
}

void Oracle::settled(std::uint32_t reader, Id id) {
    Handling& handling = readers_[reader].messages[id];
    handling.settle_tried = true;
    handling.settled = Level::unsure;
    handling.settle_note = 0;
    handling.in_flight = false;
    readers_[reader].this_tick.push_back(id);
}

void Oracle::returned(std::uint32_t reader, Id id, std::int64_t ready_at_steady_ms) {
    Handling& handling = readers_[reader].messages[id];
    handling.in_flight = ready_at_steady_ms != 0;
    handling.not_before_ms = ready_at_steady_ms;
}

void Oracle::ticked(std::uint64_t queue_written, std::uint64_t queue_synced) {
    for (auto& [reader, reading] : readers_) {
        for (const Id id : reading.this_tick) {
            Handling& handling = reading.messages[id];
            handling.delivery_noted |= handling.delivered;
            if (handling.settle_tried && handling.settle_note == 0) {
                handling.settle_note = queue_written;
                handling.settled = Level::written;
            }
        }
        reading.this_tick.clear();
        for (auto& [id, handling] : reading.messages)
            if (handling.settle_note != 0 && handling.settled == Level::written &&
                handling.settle_note <= queue_synced)
                handling.settled = Level::durable;
    }
}

// --- progress ----------------------------------------------------------------------------------------------

void Oracle::committed(std::uint32_t group, model::QueueId queue, std::uint64_t next) {
    committed_[{group, queue.value()}].insert(next);
}

void Oracle::progress_found(std::uint32_t group, model::QueueId queue, std::optional<std::uint64_t> next,
                            std::uint64_t end) {
    if (!next) return;
    auto& committed = committed_[{group, queue.value()}];
    law(!committed.empty(),
        fmt::format("group {} has progress in queue {} and never read it", group, queue.value()));
    law(*next <= end,
        fmt::format("group {} stands at {} of queue {}, which ends at {}", group, *next, queue.value(), end));
    law(committed.contains(*next) || *next == end,
        fmt::format("group {} stands at {} of queue {}, which it never said", group, *next, queue.value()));
    committed.insert(*next);
}

// --- the end -----------------------------------------------------------------------------------------------

void Oracle::check_transient(const std::map<std::uint32_t, model::QueueId>& readers) {
    for (const Sent& message : sent_) {
        if (message.life != life_) continue;
        for (const auto& [reader, queue] : readers) {
            const Target* target = this->target(message, queue);
            if (!target || target->survives || is_waived(message, queue)) continue;
            law(readers_[reader].messages[message.id].delivered,
                fmt::format("transient message {} was never handed out by reader {}", message.id, reader));
        }
    }
}

void Oracle::finish(const std::map<std::uint32_t, model::QueueId>& readers) {
    for (const Sent& message : sent_) {
        if (message.level == Level::unsure || message.level == Level::lost) continue;
        for (const Target& target : message.targets) {
            if (!target.survives || target.epoch != epoch(target.queue) ||
                may_be_retained(message, target.queue) || is_waived(message, target.queue))
                continue;
            law(message.by_reader || place_.contains(message.id),
                fmt::format("message {} was acknowledged{} and is lost", message.id,
                            message.due_ms ? " with a delay" : ""));
            for (const auto& [reader, queue] : readers) {
                if (queue != target.queue) continue;
                const Handling& handling = readers_[reader].messages[message.id];
                law(handling.delivered,
                    fmt::format("message {} was acknowledged and never handed out by reader {}", message.id,
                                reader));
            }
        }
    }
}

}  // namespace posthorn::sim
