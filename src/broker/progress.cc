#include "progress.h"

#include <utility>

namespace posthorn::broker {

std::optional<model::QueueOffset> Progress::get(model::GroupId group, model::QueueId queue) const {
    const auto queues = groups_.find(group.value());
    if (queues == groups_.end()) return std::nullopt;
    const auto entry = queues->second.find(queue.value());
    if (entry == queues->second.end()) return std::nullopt;
    return model::QueueOffset(entry->second.next);
}

bool Progress::set(model::GroupId group, model::QueueId queue, model::QueueOffset next) {
    Queues& queues = groups_[group.value()];
    auto entry = queues.find(queue.value());
    if (entry == queues.end()) {
        if (size_ >= most_) return false;
        entry = queues.emplace(queue.value(), Entry()).first;
        ++size_;
    } else if (entry->second.next == next.value()) {
        return true;
    }
    entry->second.next = next.value();
    if (!std::exchange(entry->second.dirty, true)) dirty_.emplace_back(group.value(), queue.value());
    return true;
}

void Progress::forget(model::GroupId group) {
    const auto queues = groups_.find(group.value());
    if (queues == groups_.end()) return;
    size_ -= queues->second.size();
    groups_.erase(queues);
    // A group may come and go before any of it is noted.
    std::erase_if(dirty_, [&](const auto& entry) { return entry.first == group.value(); });
}

void Progress::forget(model::QueueId queue) {
    for (auto& [group, queues] : groups_)
        size_ -= queues.erase(queue.value());
}

void Progress::each(model::GroupId group,
                    const std::function<void(model::QueueId, model::QueueOffset)>& visit) const {
    const auto queues = groups_.find(group.value());
    if (queues == groups_.end()) return;
    for (const auto& [queue, entry] : queues->second)
        visit(model::QueueId(queue), model::QueueOffset(entry.next));
}

void Progress::note_changes(StateWriter& notes) {
    for (const auto& [group, queue] : dirty_) {
        const auto queues = groups_.find(group);
        if (queues == groups_.end()) continue;
        const auto entry = queues->second.find(queue);
        if (entry == queues->second.end() || !entry->second.dirty) continue;
        entry->second.dirty = false;
        notes.progress(group, queue, entry->second.next);
    }
    dirty_.clear();
    notes.flush();
}

void Progress::note_all(StateWriter& notes) const {
    for (const auto& [group, queues] : groups_)
        for (const auto& [queue, entry] : queues)
            notes.progress(group, queue, entry.next);
}

std::size_t Progress::clamp(const std::function<model::QueueOffset(model::QueueId)>& end) {
    std::size_t moved = 0;
    for (auto& [group, queues] : groups_)
        for (auto& [queue, entry] : queues) {
            const std::uint64_t limit = end(model::QueueId(queue)).value();
            if (entry.next <= limit) continue;
            entry.next = limit;
            ++moved;
        }
    return moved;
}

}  // namespace posthorn::broker
