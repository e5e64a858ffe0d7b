#include "unacked.h"

#include <algorithm>

namespace posthorn::gateway::amqp {

namespace {

constexpr std::size_t kFirstRing = 64;
/// Shorter ones are not worth squeezing.
constexpr std::size_t kSqueezeFrom = 1024;
/// Longer ones are given back when nothing is in them.
constexpr std::size_t kKeptRing = 16'384;

}  // namespace

void Unacked::push(std::uint64_t tag, std::uint32_t source, exchange::DeliveryId id) {
    if (count_ == ring_.size()) grow();
    ring_[(head_ + count_) & (ring_.size() - 1)] = {tag, id, source, Unsettled::State::live, Verdict::ack};
    ++count_, ++live_;
}

void Unacked::grow() {
    if (count_ >= kSqueezeFrom && live_ + staged_ <= count_ / 2) return squeeze();
    std::vector<Unsettled> larger(ring_.empty() ? kFirstRing : ring_.size() * 2);
    for (std::size_t n = 0; n < count_; ++n)
        larger[n] = at(n);
    ring_ = std::move(larger);
    head_ = 0;
}

void Unacked::squeeze() {
    std::size_t kept = 0;
    for (std::size_t n = 0; n < count_; ++n)
        if (at(n).state != Unsettled::State::settled) at(kept++) = at(n);
    count_ = kept;
}

Unsettled* Unacked::find(std::uint64_t tag) {
    if (count_ == 0) return nullptr;
    const std::uint64_t oldest = at(0).tag;
    if (tag < oldest || tag > at(count_ - 1).tag) return nullptr;
    // Without gaps the tag says the place; gaps only move it forward.
    std::size_t place = std::min<std::size_t>(tag - oldest, count_ - 1);
    if (at(place).tag != tag) {
        std::size_t low = 0, high = place;
        while (low < high) {
            const std::size_t middle = (low + high) / 2;
            if (at(middle).tag < tag)
                low = middle + 1;
            else
                high = middle;
        }
        place = low;
    }
    Unsettled& found = at(place);
    return found.tag == tag && found.state == Unsettled::State::live ? &found : nullptr;
}

void Unacked::change(Unsettled& one, Unsettled::State to) {
    (one.state == Unsettled::State::live ? live_ : staged_) -= 1;
    if (to == Unsettled::State::staged) ++staged_;
    one.state = to;
}

void Unacked::unstage() {
    for (std::size_t n = 0; n < count_; ++n)
        if (at(n).state == Unsettled::State::staged) at(n).state = Unsettled::State::live;
    live_ += staged_;
    staged_ = 0;
}

std::uint64_t Unacked::oldest() {
    std::size_t n = 0;
    while (at(n).state != Unsettled::State::live)
        ++n;
    return at(n).tag;
}

void Unacked::tidy() {
    while (count_ != 0 && at(0).state == Unsettled::State::settled) {
        head_ = (head_ + 1) & (ring_.size() - 1);
        --count_;
    }
    while (count_ != 0 && at(count_ - 1).state == Unsettled::State::settled)
        --count_;
    if (count_ == 0 && ring_.size() > kKeptRing) ring_ = {};
}

}  // namespace posthorn::gateway::amqp
