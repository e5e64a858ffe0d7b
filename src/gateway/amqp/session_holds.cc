#include <utility>

#include "gateway.h"
#include "session.h"
#include "wire/amqp/encode.h"

namespace posthorn::gateway::amqp {

void Session::hold(unsigned reason) {
    if (held_ == 0) link_.pause_reading();
    held_ |= reason;
}

void Session::let_go(unsigned reason) {
    if ((held_ & reason) == 0) return;
    held_ &= ~reason;
    if (held_ != 0) return;
    heard_ms_ = gateway_.steady_ms();
    link_.resume_reading();
}

void Session::published() {
    if (!gateway_.alarms.any() || (held_ & kAlarm) != 0) return;
    hold(kAlarm);
    ++gateway_.counters.blocked;
    const bool memory = gateway_.alarms.raised(exchange::Alarms::Kind::memory);
    const bool disk = gateway_.alarms.raised(exchange::Alarms::Kind::disk);
    tell_blocked(memory && disk ? "low on memory & disk" : memory ? "low on memory" : "low on disk");
}

void Session::tell_blocked(std::string_view why) {
    if (!capabilities_.connection_blocked || std::exchange(told_blocked_, true)) return;
    wire::append_method(out(), 0, wire::ConnectionBlocked{why});
}

void Session::tell_unblocked() {
    if ((held_ & (kAlarm | kStalled)) != 0 || !std::exchange(told_blocked_, false)) return;
    wire::append_method(out(), 0, wire::ConnectionUnblocked{});
}

void Session::alarms_changed() {
    if (released_) return;
    // A publisher that waits for the store already is told why as well.
    if (stalled_ != nullptr && stalled_->publish_stalled()) published();
    if (gateway_.alarms.any() || (held_ & kAlarm) == 0) return;
    --gateway_.counters.blocked;
    let_go(kAlarm);
    tell_unblocked();
}

void Session::hold_until_room() {
    hold(kNoRoom);
    gateway_.go_on_later(*this);
}

void Session::stall(Channel& channel) {
    stalled_ = &channel;
    hold(kStalled);
    gateway_.go_on_later(*this);
}

bool Session::go_on() {
    if (state_ != State::running) return true;
    if ((held_ & kNoRoom) != 0 && gateway_.confirms.room()) let_go(kNoRoom);
    if ((held_ & kNaming) != 0) {
        const Channel* const channel = find_channel(naming_);
        if (channel == nullptr || !channel->answer_held()) let_go(kNaming);
    }
    if (stalled_ != nullptr) {
        Channel& channel = *stalled_;
        if (Refusal refusal = channel.go_on()) {
            stalled_ = nullptr;
            settle_channel(channel, std::move(refusal));
        } else if (!channel.stalled()) {
            stalled_ = nullptr;
        }
        if (stalled_ == nullptr) {
            let_go(kStalled);
            if (!released_) tell_unblocked();
        }
    }
    return (held_ & (kNoRoom | kStalled | kNaming)) == 0;
}

void Session::on_writable() {
    if (state_ != State::running) return;
    let_go(kFlooded);
    wake_consumers();
}

void Session::wake_consumers() {
    for (auto& [number, channel] : channels_)
        channel->wake_consumers();
}

void Session::settled(std::size_t count) {
    const bool was_full = window_full();
    unsettled_ -= count;
    if (was_full && !released_) wake_consumers();
}

}  // namespace posthorn::gateway::amqp
