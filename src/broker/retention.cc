#include "retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/log.h"

namespace posthorn::broker {
namespace {

constexpr std::int64_t look_interval_ms = 10'000;
constexpr std::int64_t look_again_ms = 1'000;  ///< while the disk is full
constexpr std::int64_t clock_slack_ms = 60'000;
constexpr std::int64_t distrust_ms = 3'600'000;
// A disk below the refuse mark by less than this still refuses: no flutter at the mark.
constexpr double refuse_slack = 0.01;

double share_of_disk(env::Files& files, std::uint64_t bytes) {
    const auto space = files.disk_space();
    return space && space->total > 0 ? static_cast<double>(bytes) / static_cast<double>(space->total) : 0;
}

}  // namespace

void Retention::look() {
    if (core_.now.steady_ms < next_look_ms()) return;
    watch_clock();
    const bool alarmed = core_.no_space_seen || core_.refusing;
    looked_ms_ = core_.now.steady_ms;
    next_look_ms_ = looked_ms_ + (alarmed ? look_again_ms : look_interval_ms);
    core_.no_space_seen = false;
    measure();
    tidy(*core_.stream);
    drop_old();
    asked_ = false;
    tidy(*core_.queue);
    measure();
    guard();
}

std::int64_t Retention::next_look_ms() const {
    return core_.no_space_seen ? std::min(next_look_ms_, looked_ms_ + look_again_ms) : next_look_ms_;
}

void Retention::tidy(store::Log& log) {
    if (auto done = log.maintain(); !done)
        log_warn("broker", "a log cannot be tidied: {}", done.error().message);
}

void Retention::measure() {
    const auto space = core_.files.disk_space();
    if (!space) {
        log_warn("broker", "the disk's free space is unknown: {}", space.error().message);
        return;
    }
    used_ratio_ =
        space->total == 0 ? 0 : 1.0 - static_cast<double>(space->free) / static_cast<double>(space->total);
}

void Retention::watch_clock() {
    const std::int64_t steady_ms = core_.now.steady_ms, wall_ms = core_.now.wall_ms;
    const std::int64_t forward_ms =
        looked_wall_ms_ == 0 ? 0 : (wall_ms - looked_wall_ms_) - (steady_ms - looked_ms_);
    looked_wall_ms_ = wall_ms;
    if (forward_ms > clock_slack_ms) {
        no_age_until_ms_ = steady_ms + distrust_ms;
        log_warn("broker", "the clock went {} s forward: no segment goes by its age for an hour",
                 forward_ms / 1000);
    }
    std::int64_t newest_ms = 0;
    for (const Core::Sync& sync : core_.sync)
        newest_ms = std::max(newest_ms, sync.store_ms);
    const bool ahead = newest_ms > wall_ms + clock_slack_ms;
    if (ahead && !std::exchange(times_ahead_, ahead))
        log_warn(
            "broker",
            "the newest message was stored {} s from now, when the clock was wrong: until then all messages "
            "get that time, which searches by time and retention go by",
            (newest_ms - wall_ms) / 1000);
    times_ahead_ = ahead;
}

bool Retention::age_hour() const {
    if (core_.options.delete_hour < 0 || asked_) return true;
    const std::time_t seconds = core_.now.wall_ms / 1000;
    std::tm local{};
    localtime_r(&seconds, &local);
    return local.tm_hour == core_.options.delete_hour;
}

bool Retention::too_old(const store::SegmentInfo& segment) const {
    return core_.now.steady_ms >= no_age_until_ms_ &&
           segment.last_time + core_.options.retention_ms < core_.now.wall_ms;
}

/// The oldest first, one after the other, as long as there is a reason; for its age alone only one.
void Retention::drop_old() {
    const BrokerOptions& options = core_.options;
    for (;;) {
        const auto segments = core_.stream->segments();
        if (segments.size() < 2 || !segments.front().sealed) return;
        const store::SegmentInfo& oldest = segments.front();
        const bool by_age = too_old(oldest) && (age_hour() || used_ratio_ >= options.disk_clean_ratio);
        const bool by_size =
            options.retention_bytes > 0 && core_.stream->disk_bytes() > options.retention_bytes;
        const bool by_force = used_ratio_ >= options.disk_force_ratio;
        if (!by_age && !by_size && !by_force) return;
        const std::uint64_t before = core_.stream->disk_bytes();
        if (auto dropped = core_.stream->drop_oldest(); !dropped) {
            log_warn("broker", "the oldest segment cannot be dropped: {}", dropped.error().message);
            return;
        }
        // Its file goes in the background: the disk looks as full as before, and all would be dropped.
        used_ratio_ -= share_of_disk(core_.files, before - core_.stream->disk_bytes());
        log_info("broker", "segment {} of the stream log dropped: {}", oldest.begin.value(),
                 by_age    ? "older than retention"
                 : by_size ? "beyond the size to keep"
                           : "the disk is nearly full");
        if (!by_size && !by_force) return;
    }
}

/// The disk may have no room long before the mark: a segment is taken whole, and there are quotas.
void Retention::guard() {
    const double mark = core_.options.disk_refuse_ratio;
    const bool was_nearly_full = nearly_full_;
    nearly_full_ = used_ratio_ >= (nearly_full_ ? mark - refuse_slack : mark);
    const bool full = core_.stream->stalled() || core_.queue->stalled();
    if (nearly_full_ && !was_nearly_full) {
        core_.refusing =
            Error{Errc::no_space,
                  fmt::format(
                      "the disk is {:.0f} % full: free space on it or move the data directory; messages are "
                      "taken again below {:.0f} % (store.disk_refuse)",
                      used_ratio_ * 100, (mark - refuse_slack) * 100)};
        log_error("broker", "{}; reads go on", core_.refusing->message);
    } else if (!nearly_full_ && full && (!core_.refusing || was_nearly_full)) {
        core_.refusing =
            Error{Errc::no_space,
                  "the disk has no room for more messages: free space on it or move the data directory"};
        log_error("broker", "{}; reads go on", core_.refusing->message);
    } else if (!nearly_full_ && !full && core_.refusing) {
        core_.refusing.reset();
        log_info("broker", "the disk is {:.0f} % full: messages are taken again", used_ratio_ * 100);
    }
    if (core_.refusing) next_look_ms_ = looked_ms_ + look_again_ms;
}

}  // namespace posthorn::broker
