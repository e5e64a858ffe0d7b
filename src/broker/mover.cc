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

/// The bytes that live are not known, their number is: taken at the average size of a record here.
bool Mover::worth_it(const store::SegmentInfo& segment) const {
    if (!segment.sealed || segment.live == 0) return false;
    const auto& counters = core_.queue->counters();
    const std::uint64_t record_bytes = counters.records ? counters.bytes / counters.records : 256;
    if (segment.live * std::max<std::uint64_t>(record_bytes, 64) > (segment.end - segment.begin) / live_share)
        return false;
    const auto tried = tried_.find(segment.begin);
    return tried == tried_.end() || segment.live < tried->second;
}

void Mover::choose() {
    if (core_.now.steady_ms < next_choice_ms_) return;
    next_choice_ms_ = core_.now.steady_ms + choice_interval_ms;
    const auto segments = core_.queue->segments();
    tried_.erase(tried_.begin(), tried_.lower_bound(segments.front().begin));
    if (segments.size() <= segments_enough) return;
    const auto chosen = std::find_if(segments.begin(), segments.end(),
                                     [this](const auto& segment) { return worth_it(segment); });
    if (chosen == segments.end()) return;
    segment_ = *chosen;
    runs_ = core_.queue->runs(segment_.begin);
    run_ = 0;
    offset_ = 0;
    moving_ = true;
}

void Mover::step() {
    if (!moving_) choose();
    held_up_ = false;
    for (int budget = step_budget; moving_ && !held_up_ && budget > 0; --budget) {
        if (run_ < runs_.size()) {
            move_some(runs_[run_], budget);
            continue;
        }
        moving_ = false;
        runs_ = {};
        for (const store::SegmentInfo& segment : core_.queue->segments())
            if (segment.begin == segment_.begin) tried_[segment.begin] = segment.live;
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

void Mover::move_some(const store::Log::Run& run, int& budget) {
    const SettledSet* settled = this->settled(run.queue);
    offset_ = std::max(offset_, run.offsets.begin.value());
    if (settled) offset_ = std::max(offset_, settled->floor());
    for (; offset_ < run.offsets.end.value() && budget > 0; ++offset_, --budget) {
        if (settled && settled->contains(offset_)) continue;
        held_up_ = !move(run.queue, offset_);
        if (held_up_) return;
    }
    if (offset_ < run.offsets.end.value()) return;
    ++run_;
    offset_ = 0;
}

bool Mover::move(model::QueueId queue, std::uint64_t offset) {
    std::array<store::Entry, 1> entry;
    std::size_t count = 0;
    store::Record record;
    auto read = core_.queue->entries(queue, model::QueueOffset(offset), entry, &count);
    if (read == store::Read::ready) {
        const store::Position at = entry[0].position;
        if (at < segment_.begin || at >= segment_.end) return true;  // it was moved from here before
        read = core_.queue->record(entry[0], &record);
    }
    if (store::not_now(read)) return false;
    if (read != store::Read::ready) return true;
    find_live(record);
    return live_.empty() || core_.queue->append_moved(record, live_).ok();
}

}  // namespace posthorn::broker
