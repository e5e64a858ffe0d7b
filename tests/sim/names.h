#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "env/random.h"
#include "oracle.h"

namespace posthorn::sim {

/// The topics, named queues and groups of one history: made and deleted at random, and judged. A name that
/// was promised is there after every crash, with its numbers; one whose deletion was promised never comes
/// back; no number that something on the disk may speak of is given twice.
class Names {
  public:
    Names(env::Random& random, Oracle& oracle) : random_(random), oracle_(oracle) {}

    enum class Kind : std::uint8_t {
        topic,
        durable_queue,
        queue,  ///< not durable: ends with the process, and is never written down
    };
    /// A topic or a named queue, from its making to its end.
    struct Place {
        std::string name;
        Kind kind = Kind::topic;
        std::vector<model::QueueId> queues;
        std::uint64_t made = 0;     ///< the change that made it, until that is durable; then 0
        std::uint64_t deleted = 0;  ///< the change that deletes it; 0 if nobody asked for that
        bool usable() const { return deleted == 0; }
        bool durable() const { return kind != Kind::queue; }
    };
    struct Group {
        std::string name;
        model::GroupId id{};
        std::uint64_t made = 0, deleted = 0;
        bool usable() const { return deleted == 0; }
    };

    /// Makes those that are always wanted.
    void make_wanted(broker::Broker& engine);
    /// Makes or deletes something. What it did, for people.
    std::string change(broker::Broker& engine);
    /// After a tick: what became durable.
    void look(const broker::Broker& engine);
    /// After a crash and reopening: what must be there is, what must not is not.
    void judge(const broker::Broker& engine);

    const std::vector<Place>& places() const { return places_; }
    const std::vector<Group>& groups() const { return groups_; }

  private:
    bool there(Kind kind, std::string_view name) const;
    bool group_there(std::string_view name) const;
    bool make_place(broker::Broker& engine, Kind kind, const std::string& name);
    bool make_group(broker::Broker& engine, const std::string& name);
    std::string change_group(broker::Broker& engine);
    std::string remove(broker::Broker& engine, Place& place);
    void end(const Place& place);
    void judge_places(const broker::Catalog& catalog);
    void judge_groups(const broker::Catalog& catalog);

    env::Random& random_;
    Oracle& oracle_;
    std::vector<Place> places_;
    std::vector<Group> groups_;
    std::set<std::uint32_t> queue_ids_, group_ids_, dead_queues_, dead_groups_;  ///< of what is durable
};

}  // namespace posthorn::sim
