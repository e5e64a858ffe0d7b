#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/ids.h"
#include "name_journal.h"
#include "name_rows.h"

namespace posthorn::broker {

/// Which numbers topics, groups and queues get. None that something on the disk may speak of is given twice,
/// also when a crash took the definition it was given for: the definitions hold up to where numbers may have
/// been given, and that is raised through the journal before they are.
class NameNumbers {
  public:
    explicit NameNumbers(NameJournal& journal) : journal_(journal) {}

    // --- at the start --------------------------------------------------------------------------------------
    /// Numbers below these were given, or may have been.
    void given(const name_rows::Numbers& numbers);
    void given(model::TopicId topic) { next_.topic = std::max(next_.topic, topic.value() + 1); }
    void given(model::GroupId group) { next_.group = std::max(next_.group, group.value() + 1); }
    void given(model::QueueId queue) { next_.queue = std::max(next_.queue, queue.value() + 1); }

    // --- giving --------------------------------------------------------------------------------------------
    struct Count {
        std::uint32_t topics = 0, groups = 0, queues = 0;
    };
    /// Makes sure that so many may be given now. Waits for the disk when nobody thought of so many.
    Result<void> make_room(Count count);
    model::TopicId give_topic() { return model::TopicId(next_.topic++); }
    model::GroupId give_group() { return model::GroupId(next_.group++); }
    /// A queue that is not durable may get a number that came back.
    model::QueueId give_queue(bool durable);
    /// Of queues that were not durable: nothing on the disk speaks of them, and everybody has forgotten them.
    void take_back(const std::vector<model::QueueId>& queues);
    std::uint32_t next_queue() const { return next_.queue; }

    /// Stages more, before what is reserved runs out. In every tick.
    void reserve_ahead();
    /// What the definitions hold after a clean end: what was really given.
    void stage_exact();

    /// Counts the changes of topics and groups. Not written with every change, and does not fall back.
    std::uint64_t version() const { return next_.version; }
    void next_version() { ++next_.version; }

  private:
    name_rows::Numbers ahead(Count count) const;
    static bool within(const name_rows::Numbers& numbers, const name_rows::Numbers& limit);
    void take_reserved();

    NameJournal& journal_;
    name_rows::Numbers next_{1, 1, 2, 1};  // 0 is no queue, 1 is the timer queue
    name_rows::Numbers reserved_;          ///< numbers below these may be given
    struct Reserving {
        std::uint64_t change;
        name_rows::Numbers numbers;
    };
    std::optional<Reserving> reserving_;
    std::vector<model::QueueId> free_;
};

}  // namespace posthorn::broker
