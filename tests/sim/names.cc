#include "names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace posthorn::sim {
namespace {

using Kind = Names::Kind;
using Owner = broker::QueueOwner::Kind;

struct Named {
    Kind kind;
    const char* name;
    bool wanted;  ///< made again at every start
};
constexpr std::array place_names{
    Named{Kind::topic, "orders", true},       Named{Kind::topic, "prices", true},
    Named{Kind::topic, "trades", false},      Named{Kind::durable_queue, "work", true},
    Named{Kind::durable_queue, "mail", true}, Named{Kind::durable_queue, "jobs", false},
    Named{Kind::queue, "chat", true},         Named{Kind::queue, "news", false},
};
constexpr std::array group_names{"billing", "audit", "search"};
constexpr std::size_t groups_wanted = 2;

const char* word(Kind kind) {
    return kind == Kind::topic ? "topic" : kind == Kind::durable_queue ? "queue" : "passing queue";
}

}  // namespace

bool Names::there(Kind kind, std::string_view name) const {
    return std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
        return place.kind == kind && place.name == name && place.usable();
    });
}

bool Names::group_there(std::string_view name) const {
    return std::any_of(groups_.begin(), groups_.end(),
                       [&](const Group& group) { return group.name == name && group.usable(); });
}

// --- making and deleting -----------------------------------------------------------------------------------

bool Names::make_place(broker::Broker& engine, Kind kind, const std::string& name) {
    broker::Catalog& catalog = engine.catalog();
    Place place{.name = name, .kind = kind, .queues = {}};
    if (kind == Kind::topic) {
        broker::TopicSpec spec;
        spec.name = name;
        spec.read_queues = spec.write_queues = 2;
        const auto made = catalog.put_topic(spec);
        if (!made) return false;
        place.queues = (*made)->queues;
    } else {
        const auto made = catalog.put_named_queue(name, place.durable());
        if (!made) return false;
        place.queues = {*made};
    }
    if (place.durable()) {
        place.made = catalog.changes();
        for (const model::QueueId queue : place.queues)
            oracle_.law(queue_ids_.insert(queue.value()).second,
                        fmt::format("queue number {} was given twice, now to {}", queue.value(), name));
    }
    places_.push_back(std::move(place));
    return true;
}

bool Names::make_group(broker::Broker& engine, const std::string& name) {
    model::Group wanted;
    wanted.name = name;
    const auto made = engine.catalog().put_group(wanted);
    if (!made) return false;
    oracle_.law(group_ids_.insert((*made)->id.value()).second,
                fmt::format("group number {} was given twice, now to {}", (*made)->id.value(), name));
    groups_.push_back({name, (*made)->id, engine.catalog().changes(), 0});
    return true;
}

void Names::make_wanted(broker::Broker& engine) {
    for (const Named& one : place_names)
        if (one.wanted && !there(one.kind, one.name)) make_place(engine, one.kind, one.name);
    for (std::size_t n = 0; n < groups_wanted; ++n)
        if (!group_there(group_names[n])) make_group(engine, group_names[n]);
}

std::string Names::change(broker::Broker& engine) {
    if (random_.chance(0.2)) return change_group(engine);
    const Named& one = place_names[random_.below(place_names.size())];
    for (Place& place : places_)
        if (place.name == one.name && place.usable()) return remove(engine, place);
    if (!make_place(engine, one.kind, one.name)) return "a name is refused";
    return fmt::format("{} {} (number {}) is made", word(one.kind), one.name,
                       places_.back().queues[0].value());
}

std::string Names::change_group(broker::Broker& engine) {
    const std::string name = group_names[random_.below(group_names.size())];
    for (Group& group : groups_) {
        if (group.name != name || !group.usable()) continue;
        if (!engine.catalog().delete_group(name)) return "deleting a group is refused";
        engine.forget_progress(group.id);
        group.deleted = engine.catalog().changes();
        return fmt::format("group {} is deleted", name);
    }
    return fmt::format("group {} is {}", name, make_group(engine, name) ? "made" : "refused");
}

std::string Names::remove(broker::Broker& engine, Place& place) {
    broker::Catalog& catalog = engine.catalog();
    const auto done =
        place.kind == Kind::topic ? catalog.delete_topic(place.name) : catalog.delete_named_queue(place.name);
    if (!done) return "deleting is refused";
    const std::string words =
        fmt::format("{} {} (number {}) is deleted", word(place.kind), place.name, place.queues[0].value());
    if (place.durable()) {
        place.deleted = catalog.changes();
        for (const model::QueueId queue : place.queues)
            oracle_.waived(queue);
    } else {
        end(place);
        places_.erase(places_.begin() + (&place - places_.data()));
    }
    return words;
}

void Names::end(const Place& place) {
    for (const model::QueueId queue : place.queues) {
        oracle_.gone(queue);
        if (place.durable()) dead_queues_.insert(queue.value());
    }
}

// --- what became of it -------------------------------------------------------------------------------------

void Names::look(const broker::Broker& engine) {
    const broker::Catalog& catalog = engine.catalog();
    for (Place& place : places_)
        if (place.made != 0 && catalog.durable(place.made)) place.made = 0;
    std::erase_if(places_, [&](const Place& place) {
        const bool gone = place.deleted != 0 && catalog.durable(place.deleted);
        if (gone) end(place);
        return gone;
    });
    for (Group& group : groups_)
        if (group.made != 0 && catalog.durable(group.made)) group.made = 0;
    std::erase_if(groups_, [&](const Group& group) {
        const bool gone = group.deleted != 0 && catalog.durable(group.deleted);
        if (gone) dead_groups_.insert(group.id.value());
        return gone;
    });
}

void Names::judge(const broker::Broker& engine) {
    const broker::Catalog& catalog = engine.catalog();
    judge_places(catalog);
    judge_groups(catalog);
    oracle_.law(catalog.topic_count() + catalog.group_count() <= places_.size() + groups_.size(),
                "there are names that nobody made");
}

void Names::judge_places(const broker::Catalog& catalog) {
    std::erase_if(places_, [&](Place& place) {
        const bool there = place.durable() && catalog.owner(place.queues[0]).kind != Owner::none;
        const bool promised = place.durable() && place.made == 0 && place.deleted == 0;
        oracle_.law(there || !promised, fmt::format("{} {} (number {}) was promised and is gone",
                                                    word(place.kind), place.name, place.queues[0].value()));
        if (place.durable())
            for (const model::QueueId queue : place.queues)
                oracle_.law((catalog.owner(queue).kind != Owner::none) == there,
                            fmt::format("{} came back without its queue {}", place.name, queue.value()));
        if (!there) {
            if (place.made != 0 && place.deleted == 0)
                for (const model::QueueId queue : place.queues)
                    oracle_.never_was(queue);
            end(place);
        }
        place.made = place.deleted = 0;
        return !there;
    });
    for (const std::uint32_t queue : dead_queues_)
        oracle_.law(catalog.owner(model::QueueId(queue)).kind == Owner::none,
                    fmt::format("queue {} was deleted and came back", queue));
}

void Names::judge_groups(const broker::Catalog& catalog) {
    std::erase_if(groups_, [&](Group& group) {
        const bool there = catalog.group(group.id) != nullptr;
        oracle_.law(there || group.made != 0 || group.deleted != 0,
                    fmt::format("group {} was promised and is gone", group.name));
        if (!there) dead_groups_.insert(group.id.value());
        group.made = group.deleted = 0;
        return !there;
    });
    for (const std::uint32_t group : dead_groups_)
        oracle_.law(catalog.group(model::GroupId(group)) == nullptr,
                    fmt::format("group {} was deleted and came back", group));
}

}  // namespace posthorn::sim
