#include "held_pulls.h"

#include "gateway.h"

namespace posthorn::gateway::remoting {

void HeldPull::go_on() {
    const PullStep step = step_pull(*gateway, *session, order, stage, scanned);
    if (step == PullStep::answered)
        gateway->pulls.drop(*this);
    else
        wait_for(step);
}

void HeldPull::wait_for(PullStep step) {
    if (step == PullStep::wait_for_disk) return gateway->broker.wait_loaded(*this);
    stage = PullStage::woken;
    gateway->broker.wait(order.queue, *this);
}

HeldPulls::~HeldPulls() {
    for (HeldPull& pull : pool_)
        if (pull.waiting()) gateway_.broker.cancel(pull);
}

bool HeldPulls::room_for(const Session& session) const {
    return session.held < gateway_.options.held_pulls_per_session_max &&
           size_ < gateway_.options.held_pulls_max;
}

void HeldPulls::hold(Session& session, const PullOrder& order, PullStage stage, model::QueueOffset scanned,
                     PullStep step) {
    if (free_.empty()) free_.push_back(&pool_.emplace_back());
    HeldPull& pull = *free_.back();
    free_.pop_back();
    pull.order = order;
    pull.stage = stage;
    pull.gateway = &gateway_;
    pull.session = &session;
    pull.scanned = scanned;
    pull.previous_of_session = nullptr;
    pull.next_of_session = session.first_held;
    if (session.first_held) session.first_held->previous_of_session = &pull;
    session.first_held = &pull;
    ++session.held;
    ++size_;
    if (order.hold_until_ms != 0) put_in_wheel(pull);
    pull.wait_for(step);
}

void HeldPulls::drop(HeldPull& pull) {
    if (pull.waiting()) gateway_.broker.cancel(pull);
    take_from_wheel(pull);
    HeldPull*& before =
        pull.previous_of_session ? pull.previous_of_session->next_of_session : pull.session->first_held;
    before = pull.next_of_session;
    if (pull.next_of_session) pull.next_of_session->previous_of_session = pull.previous_of_session;
    --pull.session->held;
    --size_;
    pull.order.filter.reset();
    pull.session = nullptr;
    free_.push_back(&pull);
}

void HeldPulls::drop_all_of(Session& session) {
    while (session.first_held)
        drop(*session.first_held);
}

void HeldPulls::put_in_wheel(HeldPull& pull) {
    pull.due_slot = static_cast<std::uint32_t>(pull.order.hold_until_ms / kSlotMs) % kSlots;
    pull.previous_due = nullptr;
    pull.next_due = wheel_[pull.due_slot];
    if (pull.next_due) pull.next_due->previous_due = &pull;
    wheel_[pull.due_slot] = &pull;
    pull.due = true;
}

void HeldPulls::take_from_wheel(HeldPull& pull) {
    if (!pull.due) return;
    (pull.previous_due ? pull.previous_due->next_due : wheel_[pull.due_slot]) = pull.next_due;
    if (pull.next_due) pull.next_due->previous_due = pull.previous_due;
    pull.due = false;
}

void HeldPulls::expire(std::int64_t now_ms) {
    // Slots that are over entirely; after a long pause one full turn covers all.
    const std::int64_t end = now_ms / kSlotMs;
    if (end - wheel_at_ > kSlots) wheel_at_ = end - kSlots;
    for (; wheel_at_ < end; ++wheel_at_) {
        HeldPull* next = nullptr;
        for (HeldPull* pull = wheel_[static_cast<std::size_t>(wheel_at_) % kSlots]; pull; pull = next) {
            next = pull->next_due;
            if (pull->order.hold_until_ms > now_ms) continue;  // of a later turn
            take_from_wheel(*pull);
            if (pull->waiting()) gateway_.broker.cancel(*pull);
            pull->stage = PullStage::last;
            pull->go_on();
        }
    }
}

}  // namespace posthorn::gateway::remoting
