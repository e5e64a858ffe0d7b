#include "mover.h"

#include <algorithm>
#include <array>

#include "base/log.h"

namespace posthorn::broker {
namespace {

constexpr std::size_t segments_enough = 4;  ///< fewer are not worth moving anything for
constexpr std::uint64_t live_share = 8;     ///< at most 1/8 of the bytes may live
constexpr std::int64_t choice_interval_ms = 5'000;
constexpr int step_budget = 256;  ///< messages looked at or queues passed, per tick

}  // namespace

void Mover::choose() {
    if (core_.now.steady_ms < next_choice_ms_) return;
    next_choice_ms_ = core_.now.steady_ms + choice_interval_ms;
    const auto segments = core_.queue->segments();
    if (segments.size() <= segments_enough) return;
    const store::SegmentInfo& oldest = segments.front();
    if (!oldest.sealed || oldest.live == 0 || oldest.end <= tried_) return;
    // The bytes that live are not known, their number is: taken at the average size of a record here.
    const auto& counters = core_.queue->counters();
    const std::uint64_t record_bytes = counters.records ? counters.bytes / counters.records : 256;
    if (oldest.live * std::max<std::uint64_t>(record_bytes, 64) > (oldest.end - oldest.begin) / live_share)
        return;
    moving_ = true;
    segment_ = oldest;
    queue_ = timer_queue.value();
    offset_ = 0;
}

void Mover::step() {
    if (!moving_) choose();
    held_up_ = false;
    for (int budget = step_budget; moving_ && !held_up_ && budget > 0; --budget) {
        if (move_some(model::QueueId(queue_), budget)) continue;
        offset_ = 0;
        if (++queue_ <= core_.catalog->queue_ids_given()) continue;
        moving_ = false;
        tried_ = segment_.end;
    }
}

const SettledSet* Mover::settled(model::QueueId queue) const {
    return queue == timer_queue ? &delays_.settled() : readers_.settled_of_named(queue);
}

/// Of a message that went to several queues, those in which it is still wanted.
void Mover::find_live(const store::Record& record) {
    live_.clear();
    for (std::size_t n = 0; n < record.destination_count(); ++n) {
        const store::Place place = record.place(n);
        const SettledSet* settled = this->settled(place.queue);
        if (core_.catalog->owner(place.queue).kind == QueueOwner::Kind::none) continue;
        if (!settled || !settled->contains(place.offset.value())) live_.push_back(place);
    }
}

bool Mover::move_some(model::QueueId queue, int& budget) {
    const store::Range range = core_.queue->range(queue);
    if (range.empty()) return false;
    const SettledSet* settled = this->settled(queue);
    offset_ = std::max(offset_, range.begin.value());
    if (settled) offset_ = std::max(offset_, settled->floor());
    for (; offset_ < range.end.value() && budget > 0; ++offset_, --budget) {
        if (settled && settled->contains(offset_)) continue;
        std::array<store::Entry, 1> entry;
        std::size_t count = 0;
        store::Record record;
        auto read = core_.queue->entries(queue, model::QueueOffset(offset_), entry, &count);
        if (read == store::Read::ready) {
            // Messages moved before keep their time, so times never fall along a queue.
            if (entry[0].time > segment_.last_time) return false;
            if (entry[0].position < segment_.begin || entry[0].position >= segment_.end) continue;
            read = core_.queue->record(entry[0], &record);
        }
        if (store::not_now(read)) held_up_ = true;
        if (held_up_) return true;
        if (read != store::Read::ready) continue;
        find_live(record);
        if (live_.empty()) continue;
        const auto moved = core_.queue->append_moved(record, live_);
        if (!moved) {
            held_up_ = true;
            return true;
        }
    }
    return offset_ < range.end.value();
}

}  // namespace posthorn::broker
