#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "model/ids.h"
#include "state_records.h"

namespace posthorn::broker {

/// How far each group has read each queue. What changed is noted now and then, the last value only.
class Progress {
  public:
    std::optional<model::QueueOffset> get(model::GroupId group, model::QueueId queue) const;
    void set(model::GroupId group, model::QueueId queue, model::QueueOffset next);
    void forget(model::GroupId group);
    void forget(model::QueueId queue);
    void each(model::GroupId group,
              const std::function<void(model::QueueId, model::QueueOffset)>& visit) const;

    /// At recovery: as noted, nothing to note anew.
    void restore(std::uint32_t group, std::uint32_t queue, std::uint64_t next) {
        groups_[group][queue].next = next;
    }

    bool dirty() const { return !dirty_.empty(); }
    void note_changes(StateWriter& notes);
    void note_all(StateWriter& notes) const;
    /// Where `end(queue)` is lower, that is where the group stands. Returns how many were moved.
    std::size_t clamp(const std::function<model::QueueOffset(model::QueueId)>& end);
    std::size_t size() const;

  private:
    struct Entry {
        std::uint64_t next = 0;
        bool dirty = false;
    };
    using Queues = std::unordered_map<std::uint32_t, Entry>;
    std::unordered_map<std::uint32_t, Queues> groups_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> dirty_;
};

}  // namespace posthorn::broker
