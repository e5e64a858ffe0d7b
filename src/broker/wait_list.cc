#include "wait_list.h"

#include <utility>

namespace posthorn::broker {

Waiter::~Waiter() {
    if (!prev_) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
}

class WaitList::End final : public Waiter {
  public:
    void on_readable() override {}
};

WaitList::~WaitList() {
    if (!end_) return;
    while (end_->next_ != end_.get())
        remove(*end_->next_);
    end_->prev_ = end_->next_ = nullptr;
}

bool WaitList::empty() const {
    return !end_ || end_->next_ == end_.get();
}

std::size_t WaitList::size() const {
    std::size_t count = 0;
    if (end_)
        for (const Waiter* at = end_->next_; at != end_.get(); at = at->next_)
            ++count;
    return count;
}

void WaitList::remove(Waiter& waiter) {
    if (!waiter.prev_) return;
    waiter.prev_->next_ = waiter.next_;
    waiter.next_->prev_ = waiter.prev_;
    waiter.prev_ = waiter.next_ = nullptr;
}

void WaitList::add(Waiter& waiter) {
    remove(waiter);
    if (!end_) {
        end_ = std::make_unique<End>();
        end_->prev_ = end_->next_ = end_.get();
    }
    waiter.prev_ = end_->prev_;
    waiter.next_ = end_.get();
    end_->prev_->next_ = &waiter;
    end_->prev_ = &waiter;
}

void WaitList::wake() {
    if (empty()) return;
    // The ring moves over to an end of its own, so that who waits again is not woken again.
    End woken;
    woken.next_ = std::exchange(end_->next_, end_.get());
    woken.prev_ = std::exchange(end_->prev_, end_.get());
    woken.next_->prev_ = &woken;
    woken.prev_->next_ = &woken;
    while (woken.next_ != &woken) {
        Waiter& waiter = *woken.next_;
        remove(waiter);
        waiter.on_readable();
    }
    woken.prev_ = woken.next_ = nullptr;
}

}  // namespace posthorn::broker
