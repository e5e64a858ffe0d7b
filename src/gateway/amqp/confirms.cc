#include "confirms.h"

#include <algorithm>

#include "names.h"
#include "wire/amqp/encode.h"

namespace posthorn::gateway::amqp {

void Confirms::done(std::uint64_t first, std::uint64_t last, bool good) {
    if (!fresh_.empty() && fresh_.back().good == good && fresh_.back().last + 1 == first)
        fresh_.back().last = last;
    else
        fresh_.push_back({first, last, good});
}

void Confirms::make_room() {
    const std::uint64_t needed = next_ - floor_;
    if (needed <= told_.size()) return;
    std::size_t size = std::max<std::size_t>(told_.size() * 2, 256);
    while (size < needed)
        size *= 2;
    std::vector<std::uint8_t> larger(size, 0);
    if (told_ahead_ != 0)
        for (std::uint64_t number = floor_; number < floor_ + told_.size(); ++number)
            larger[number & (size - 1)] = told(number);
    told_ = std::move(larger);
}

void Confirms::tell_ahead(Buffer& out, std::uint16_t channel, std::uint64_t number, bool good) {
    if (good)
        wire::append_method(out, channel, wire::BasicAck{.delivery_tag = number, .multiple = false});
    else
        wire::append_method(out, channel,
                            wire::BasicNack{.delivery_tag = number, .multiple = false, .requeue = true});
    make_room();
    told(number) = 1;
    ++told_ahead_;
}

std::uint64_t Confirms::write(Buffer& out, std::uint16_t channel) {
    std::uint64_t count = 0;
    std::uint64_t covered = 0;  // by the "multiple" ack to be written
    // The refused first: an ack of many must not speak for them.
    for (const Range& range : fresh_) {
        count += range.last - range.first + 1;
        if (range.good) continue;
        for (std::uint64_t number = range.first; number <= range.last; ++number)
            tell_ahead(out, channel, number, false);
    }
    std::sort(fresh_.begin(), fresh_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    std::uint64_t acked = 0;
    const auto skip_told = [this] {
        while (told_ahead_ != 0 && floor_ < next_ && told(floor_) != 0) {
            told(floor_) = 0;
            --told_ahead_, ++floor_;
        }
    };
    skip_told();
    for (const Range& range : fresh_) {
        if (!range.good) continue;
        if (range.first == floor_) {
            acked += range.last - range.first + 1;
            covered = range.last;
            floor_ = range.last + 1;
            skip_told();
        } else {
            for (std::uint64_t number = range.first; number <= range.last; ++number)
                tell_ahead(out, channel, number, true);
        }
    }
    if (covered != 0)
        wire::append_method(out, channel, wire::BasicAck{.delivery_tag = covered, .multiple = acked > 1});
    fresh_.clear();
    return count;
}

}  // namespace posthorn::gateway::amqp
