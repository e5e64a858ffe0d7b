#include "visibility.h"

namespace posthorn::broker {

void Visibility::appended(LogId log, model::QueueId queue, model::QueueOffset offset) {
    Queue& state = at(queue);
    state.appended = offset + 1;
    if (state.touched) return;
    state.touched = true;
    if (state.pending++ == 0) state.shown = offset;
    touched_[static_cast<std::size_t>(log)].push_back(queue);
}

bool Visibility::appended_volatile(model::QueueId queue, model::QueueOffset offset) {
    Queue& state = at(queue);
    if (state.pending == 0) {
        grew(state, queue);
        return false;
    }
    appended(LogId::queue, queue, offset);
    return true;
}

void Visibility::written(LogId log, store::Position position) {
    auto& touched = touched_[static_cast<std::size_t>(log)];
    for (const model::QueueId queue : touched) {
        Queue& state = at(queue);
        state.touched = false;
        steps_[static_cast<std::size_t>(log)].list.push_back({queue, state.appended, position});
    }
    touched.clear();
}

void Visibility::release(LogId log, store::Position safe) {
    auto& steps = steps_[static_cast<std::size_t>(log)];
    for (; steps.first < steps.list.size() && steps.list[steps.first].position <= safe; ++steps.first) {
        const Step& step = steps.list[steps.first];
        Queue& state = at(step.queue);
        state.shown = step.end;
        --state.pending;
        grew(state, step.queue);
    }
    if (steps.first == steps.list.size() || steps.first > 65'536) {
        steps.list.erase(steps.list.begin(), steps.list.begin() + static_cast<std::ptrdiff_t>(steps.first));
        steps.first = 0;
    }
}

std::size_t Visibility::waiters() const {
    std::size_t count = 0;
    for (const Queue& queue : queues_)
        count += queue.waiters.size();
    return count;
}

}  // namespace posthorn::broker
