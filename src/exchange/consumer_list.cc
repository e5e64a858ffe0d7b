#include "consumer_list.h"

#include <algorithm>

namespace posthorn::exchange {

ConsumerList::Ring& ConsumerList::ring(std::int32_t priority) {
    const auto at = std::find_if(rings_.begin(), rings_.end(),
                                 [&](const Ring& ring) { return ring.priority <= priority; });
    if (at != rings_.end() && at->priority == priority) return *at;
    return *rings_.insert(at, {priority, nullptr});
}

/// To the end: before the one whose turn it is.
void ConsumerList::link(Ring& ring, Consumer& consumer) {
    if (!ring.first) {
        consumer.previous_ = consumer.next_ = ring.first = &consumer;
        return;
    }
    consumer.next_ = ring.first;
    consumer.previous_ = ring.first->previous_;
    consumer.previous_->next_ = &consumer;
    ring.first->previous_ = &consumer;
}

void ConsumerList::unlink(Consumer& consumer) {
    if (!consumer.next_) return;
    Ring& in = ring(consumer.priority_);
    if (in.first == &consumer) in.first = consumer.next_ == &consumer ? nullptr : consumer.next_;
    consumer.previous_->next_ = consumer.next_;
    consumer.next_->previous_ = consumer.previous_;
    consumer.previous_ = consumer.next_ = nullptr;
}

void ConsumerList::add(Consumer& consumer, std::int32_t priority) {
    POSTHORN_CHECK(!consumer.queue_, "a consumer joins a second queue");
    consumer.queue_ = &queue_;
    consumer.priority_ = priority;
    exclusive_ |= consumer.options().exclusive;
    all_.push_back(&consumer);
    link(ring(priority), consumer);
    if (!active_) active_ = &consumer;
}

void ConsumerList::remove(Consumer& consumer) {
    POSTHORN_CHECK(consumer.queue_ == &queue_, "a consumer leaves a queue it is not at");
    unlink(consumer);
    std::erase(all_, &consumer);
    if (std::none_of(all_.begin(), all_.end(),
                     [&](const Consumer* one) { return one->priority_ == consumer.priority_; }))
        std::erase_if(rings_, [&](const Ring& ring) { return ring.priority == consumer.priority_; });
    consumer.queue_ = nullptr;
    if (consumer.options().exclusive) exclusive_ = false;
    if (active_ == &consumer) choose_active();
}

/// The one that came first of those with the highest priority.
void ConsumerList::choose_active() {
    active_ = nullptr;
    for (Consumer* one : all_)
        if (!active_ || one->priority_ > active_->priority_) active_ = one;
}

void ConsumerList::ready(Consumer& consumer) {
    if (!consumer.next_) link(ring(consumer.priority_), consumer);
}

Consumer* ConsumerList::next() {
    if (single_active_) {
        if (!active_ || !active_->next_) return nullptr;
        return takes(*active_) ? active_ : nullptr;
    }
    for (Ring& ring : rings_)
        while (Consumer* const turn = ring.first) {
            if (!takes(*turn)) continue;
            ring.first = turn->next_;
            return turn;
        }
    return nullptr;
}

/// False: it had no room and has left its ring.
bool ConsumerList::takes(Consumer& consumer) {
    if (consumer.room() > 0) return true;
    unlink(consumer);
    consumer.passed_over();
    return false;
}

bool ConsumerList::anyone_ready() const {
    if (single_active_) return active_ && active_->next_;
    return std::any_of(rings_.begin(), rings_.end(), [](const Ring& ring) { return ring.first != nullptr; });
}

std::uint64_t ConsumerList::room(std::uint64_t enough) const {
    std::uint64_t sum = 0;
    for (const Consumer* one : all_) {
        if (active(*one)) sum += one->room();
        if (sum >= enough) return enough;
    }
    return sum;
}

}  // namespace posthorn::exchange
