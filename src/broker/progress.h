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
///
/// Clients decide how many there are, so their number has a limit: beyond it no group can begin with another
/// queue, and those who have begun go on. About 50 bytes each.
class Progress {
  public:
    explicit Progress(std::size_t most) : most_(most) {}

    std::optional<model::QueueOffset> get(model::GroupId group, model::QueueId queue) const;
    /// False when it would be one too many.
    bool set(model::GroupId group, model::QueueId queue, model::QueueOffset next);
    void forget(model::GroupId group);
    void forget(model::QueueId queue);
    void each(model::GroupId group,
              const std::function<void(model::QueueId, model::QueueOffset)>& visit) const;

    /// At recovery: as noted, nothing to note anew, and no limit.
    void restore(std::uint32_t group, std::uint32_t queue, std::uint64_t next) {
        const auto [entry, fresh] = groups_[group].try_emplace(queue);
        entry->second.next = next;
        size_ += fresh;
    }

    bool dirty() const { return !dirty_.empty(); }
    void note_changes(StateWriter& notes);
    void note_all(StateWriter& notes) const;
    /// Where `end(queue)` is lower, that is where the group stands. Returns how many were moved.
    std::size_t clamp(const std::function<model::QueueOffset(model::QueueId)>& end);
    std::size_t size() const { return size_; }

  private:
    struct Entry {
        std::uint64_t next = 0;
        bool dirty = false;
    };
    using Queues = std::unordered_map<std::uint32_t, Entry>;
    const std::size_t most_;
    std::size_t size_ = 0;
    std::unordered_map<std::uint32_t, Queues> groups_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> dirty_;
};

}  // namespace posthorn::broker
