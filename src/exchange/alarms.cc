#include "exchange/alarms.h"

#include <algorithm>

#include "base/log.h"

namespace posthorn::exchange {

Alarms::Listener::~Listener() {
    if (at_) std::erase(at_->listeners_, this);
}

Alarms::~Alarms() {
    for (Listener* listener : listeners_)
        listener->at_ = nullptr;
}

void Alarms::listen(Listener& listener) {
    if (listener.at_ == this) return;
    listener.at_ = this;
    listeners_.push_back(&listener);
}

void Alarms::set_limits(Limits limits) {
    limits_ = limits;
    judge();
}

void Alarms::observe(std::uint64_t memory_bytes, std::uint64_t disk_free_bytes, bool disk_refuses) {
    disk_refuses_ = disk_refuses;
    memory_bytes_ = memory_bytes;
    disk_free_bytes_ = disk_free_bytes;
    judge();
}

void Alarms::judge() {
    tell(Kind::memory, memory_, limits_.memory_bytes != 0 && memory_bytes_ > limits_.memory_bytes);
    const bool low = limits_.disk_free_bytes != 0 && disk_free_bytes_ < limits_.disk_free_bytes;
    tell(Kind::disk, disk_, low || disk_refuses_);
}

void Alarms::tell(Kind kind, bool& state, bool now) {
    if (state == now) return;
    state = now;
    if (kind == Kind::memory)
        log_warn("exchange", "memory alarm {}: {} bytes in use, {} allowed", now ? "set" : "cleared",
                 memory_bytes_, limits_.memory_bytes);
    else
        log_warn("exchange", "disk alarm {}: {} bytes free, {} wanted{}", now ? "set" : "cleared",
                 disk_free_bytes_, limits_.disk_free_bytes, disk_refuses_ ? "; the store has no room" : "");
    for (Listener* listener : std::vector<Listener*>(listeners_))
        listener->on_alarm(kind, now);
}

}  // namespace posthorn::exchange
