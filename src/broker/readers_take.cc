#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "readers.h"

namespace posthorn::broker {
namespace {

constexpr std::size_t entries_at_once = 32;
// A client may take from one queue after the other and give everything back: beyond so many for each that may
// be in flight, only returned ones are handed out.
constexpr std::uint64_t taken_per_in_flight = 4;

}  // namespace

/// Neighbouring offsets are looked up many at a time.
class Readers::Run {
  public:
    store::Read find(store::Log& log, model::QueueId queue, std::uint64_t offset, std::size_t want,
                     store::Record* record) {
        if (offset < at_ || offset >= at_ + count_) {
            at_ = offset;
            const auto read =
                log.entries(queue, model::QueueOffset(offset),
                            std::span(entries_).first(std::min(want, entries_.size())), &count_);
            if (read != store::Read::ready) {
                count_ = 0;
                return read;
            }
        }
        return log.record(entries_[offset - at_], record);
    }

  private:
    std::array<store::Entry, entries_at_once> entries_;
    std::uint64_t at_ = 0;
    std::size_t count_ = 0;
};

store::Read Readers::find_record(Reader& reader, Run& run, std::uint64_t offset, std::size_t want,
                                 store::Record* record) {
    store::Read read = store::Read::none;
    if (reader.named) read = core_.transient->record(reader.queue, model::QueueOffset(offset), record);
    if (read == store::Read::none && reader.durable)
        read = run.find(core_.log(reader.named ? LogId::queue : LogId::stream), reader.queue, offset, want,
                        record);
    if (store::not_now(read) && !std::exchange(reader.loading, true)) loading_.push_back(reader.id);
    return read;
}

void Readers::forget_gone(Reader& reader, const store::Range& range) {
    if (reader.named || reader.state.settled().floor() >= range.begin.value()) return;
    const std::uint64_t in_flight = reader.state.in_flight(), taken = reader.state.taken();
    reader.state.forget_below(range.begin.value());
    in_flight_ -= in_flight - reader.state.in_flight();
    taken_ -= taken - reader.state.taken();
    touch(reader);
}

bool Readers::full(const Reader& reader, std::uint64_t offset) const {
    const std::uint64_t most = core_.options.in_flight_max;
    return in_flight_ >= most || (offset == reader.state.cursor() && taken_ >= most * taken_per_in_flight);
}

Error Readers::full_error() const {
    return {Errc::full, fmt::format("{} messages are taken and not settled, {} more came back; settle some, "
                                    "or raise limits.in_flight",
                                    in_flight_, taken_ - in_flight_)};
}

Result<std::uint32_t> Readers::take(ReaderId id, std::uint32_t max_messages, std::int64_t lease_ms,
                                    TakeSink& sink) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const store::Range range = core_.range(reader.queue);
    forget_gone(reader, range);
    const std::int64_t deadline = lease_ms > 0 ? core_.now.steady_ms + lease_ms : 0;
    Run run;
    std::uint32_t taken = 0;
    while (taken < max_messages) {
        const auto offset = reader.state.next(range.end.value());
        if (!offset) break;
        if (full(reader, *offset)) {
            if (taken == 0) return full_error();
            break;
        }
        store::Record record;
        const store::Read read = find_record(reader, run, *offset, max_messages - taken, &record);
        if (store::not_now(read)) break;
        if (read != store::Read::ready) {
            pass_over(reader, *offset);
            continue;
        }
        taken_ += *offset == reader.state.cursor();
        const std::uint32_t attempt = reader.state.take(*offset, deadline);
        ++in_flight_;
        ++taken;
        if (!store::is_volatile(record.position)) touch(reader);
        if (deadline != 0) deadlines_.add({deadline, *offset, reader.id});
        if (!sink.on_taken(record, {model::QueueOffset(*offset), attempt, attempt > 1})) break;
    }
    return taken;
}

Result<std::uint32_t> Readers::offer(ReaderId id, std::uint32_t max_messages, OfferSink& sink) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const store::Range range = core_.range(reader.queue);
    forget_gone(reader, range);
    Run run;
    std::uint32_t taken = 0;
    while (taken < max_messages) {
        const auto offset = reader.state.next(range.end.value());
        if (!offset) break;
        store::Record record;
        const store::Read read = find_record(reader, run, *offset, max_messages - taken, &record);
        if (store::not_now(read)) break;
        if (read != store::Read::ready) {
            pass_over(reader, *offset);
            sink.on_missing();
            continue;
        }
        const std::uint32_t attempt = reader.state.attempt(*offset);
        const bool crowded = full(reader, *offset);
        const Offer done =
            sink.on_offer(record, {model::QueueOffset(*offset), attempt, attempt > 1, crowded});
        if (done == Offer::leave) break;
        ++taken;
        if (done == Offer::settle) {
            pass_over(reader, *offset);
        } else {
            taken_ += *offset == reader.state.cursor();
            reader.state.take(*offset, 0);
            ++in_flight_;
            if (!store::is_volatile(record.position)) touch(reader);
        }
    }
    return taken;
}

Result<void> Readers::read(ReaderId id, model::QueueOffset offset,
                           const std::function<void(const Stored&)>& visit) {
    auto found = find(id);
    if (!found) return found.error();
    Run run;
    store::Record record;
    switch (find_record(**found, run, offset.value(), 1, &record)) {
        case store::Read::ready:
            visit(record);
            return {};
        case store::Read::loading:
        case store::Read::failed:
            return Error{Errc::busy, "the message is on its way from the disk"};
        case store::Read::none:
            return Error{Errc::not_found, "the message is gone"};
        case store::Read::damaged:
            break;
    }
    return Error{Errc::damaged, "the message is damaged"};
}

void Readers::settle(Reader& reader, std::uint64_t begin, std::uint64_t end) {
    if (end - begin > Releases::at_once) {
        if (reader.durable) note_settled(reader, begin, end);
        if (reader.named) releases_.add(reader.queue, begin, end);
        return;
    }
    for (; begin < end; ++begin) {
        if (reader.named && core_.transient->release(reader.queue, model::QueueOffset(begin))) continue;
        if (!reader.durable) continue;
        note_settled(reader, begin, begin + 1);
        if (reader.named) core_.queue->release(reader.queue, model::QueueOffset(begin));
    }
}

void Readers::pass_over(Reader& reader, std::uint64_t offset) {
    const std::uint64_t taken = reader.state.taken();
    reader.state.pass(offset);
    taken_ -= taken - reader.state.taken();
    settle(reader, offset);
}

Result<std::uint64_t> Readers::purge(ReaderId id) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const std::uint64_t end = core_.end(reader.queue).value();
    std::uint64_t count = 0;
    while (const auto offset = reader.state.next(reader.state.cursor())) {
        pass_over(reader, *offset);
        ++count;
    }
    const std::uint64_t cursor = reader.state.cursor();
    if (cursor < end) {
        count += reader.state.untaken(end);
        reader.state.pass_to(end);
        settle(reader, cursor, end);
    }
    return count;
}

Result<Broker::Looked> Readers::each_ready_tag(
    ReaderId id, model::QueueOffset from, std::uint32_t max,
    const std::function<void(model::QueueOffset, std::int32_t)>& visit) {
    auto found = find(id);
    if (!found) return found.error();
    Reader& reader = **found;
    if (!reader.durable) return Broker::Looked{core_.end(reader.queue), false};
    const std::uint64_t end = core_.range(reader.queue).end.value();
    std::uint64_t at = std::max(from.value(), reader.state.settled().floor());
    store::Log& log = core_.log(reader.named ? LogId::queue : LogId::stream);
    std::array<store::Entry, entries_at_once> entries;
    for (std::uint64_t looked = 0; at < end && looked < max;) {
        std::size_t count = 0;
        const auto read =
            log.entries(reader.queue, model::QueueOffset(at),
                        std::span(entries).first(std::min<std::uint64_t>(entries.size(), end - at)), &count);
        if (store::not_now(read)) break;
        if (read != store::Read::ready) count = 1;
        for (std::size_t n = 0; n < count; ++n, ++at, ++looked)
            if (read == store::Read::ready && !reader.state.settled().contains(at) && !reader.state.held(at))
                visit(model::QueueOffset(at), entries[n].tag);
    }
    return Broker::Looked{model::QueueOffset(at), at < end};
}

Result<void> Readers::settle(ReaderId id, model::QueueOffset offset) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const std::uint64_t in_flight = reader.state.in_flight();
    if (!reader.state.settle(offset.value()))
        return Error{Errc::not_found, "the message is not in flight: settled before, or never taken"};
    in_flight_ -= in_flight - reader.state.in_flight();
    --taken_;
    settle(reader, offset.value());
    return {};
}

Result<void> Readers::requeue(ReaderId id, model::QueueOffset offset, std::int64_t delay_ms) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const std::int64_t ready_at = delay_ms > 0 ? core_.now.steady_ms + delay_ms : ReaderState::at_once;
    if (!reader.state.give_back(offset.value(), ready_at))
        return Error{Errc::not_found, "the message is not in flight: settled or returned before"};
    --in_flight_;
    note_return(reader, offset.value());
    if (ready_at != ReaderState::at_once)
        deadlines_.add({ready_at, offset.value(), reader.id});
    else
        make_ready(reader);
    return {};
}

Result<void> Readers::extend(ReaderId id, model::QueueOffset offset, std::int64_t lease_ms) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    const std::int64_t deadline = lease_ms > 0 ? core_.now.steady_ms + lease_ms : 0;
    if (!(*found)->state.extend(offset.value(), deadline))
        return Error{Errc::not_found, "the message is not in flight: its lease ran out, or it was settled"};
    if (deadline != 0) deadlines_.add({deadline, offset.value(), (*found)->id});
    return {};
}

Result<void> Readers::wait(ReaderId id, Waiter& waiter) {
    auto found = find(id);
    if (!found) return found.error();
    (*found)->waiters.add(waiter);
    return {};
}

Broker::ReaderCounts Readers::counts(ReaderId id) const {
    const auto found = find(id);
    if (!found) return {};
    const ReaderState& state = (*found)->state;
    return {state.ready(core_.range((*found)->queue).end.value()), state.in_flight(), state.delayed()};
}

}  // namespace posthorn::broker
