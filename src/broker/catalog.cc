#include "broker/catalog.h"

#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "name_journal.h"
#include "transparent_hash.h"

namespace posthorn::broker {
namespace {

using Json = nlohmann::json;

// Kinds in the definitions. `ids` says in "next" from which numbers on none was ever given; "burst" says so
// too, when more were needed at once than were reserved. The highest counts.
constexpr std::string_view kind_topic = "topic", kind_group = "group", kind_queue = "queue",
                           kind_setting = "setting", kind_ids = "ids", ids_row = "next", burst_row = "burst";

// Numbers reserved ahead: what one tick may give without waiting for the disk. A crash loses as many, and
// much in the engine is a table by queue number, so few: a hundred crashes cost some megabytes.
constexpr std::uint32_t topics_ahead = 128, groups_ahead = 128, queues_ahead = 512;
// Not written with every change, and must not fall back after a crash.
constexpr std::uint64_t versions_ahead = 1 << 20;
// Changes that wait for the disk; beyond this names are made faster than it takes them.
constexpr std::uint64_t changes_waiting_max = 131'072;

// A topic's queue number is 16 bits in QueueOwner.
constexpr std::uint32_t queues_per_topic_max = 65'535;
constexpr std::size_t name_bytes_max = 255;

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string encode(const model::Topic& topic) {
    Json queues = Json::array();
    for (const model::QueueId queue : topic.queues)
        queues.push_back(queue.value());
    return dump({{"id", topic.id.value()},
                 {"read_queues", topic.read_queues},
                 {"write_queues", topic.write_queues},
                 {"permission", topic.permission.bits},
                 {"ordered", topic.ordered},
                 {"system_flag", topic.system_flag},
                 {"attributes", topic.attributes},
                 {"queues", std::move(queues)}});
}

model::Topic decode_topic(std::string_view name, const Json& json) {
    model::Topic topic;
    topic.name = name;
    topic.id = model::TopicId(json.at("id").get<std::uint32_t>());
    topic.read_queues = json.value("read_queues", 0u);
    topic.write_queues = json.value("write_queues", 0u);
    topic.permission.bits = json.value("permission", topic.permission.bits);
    topic.ordered = json.value("ordered", false);
    topic.system_flag = json.value("system_flag", 0u);
    topic.attributes = json.value("attributes", "");
    for (const Json& queue : json.at("queues"))
        topic.queues.emplace_back(queue.get<std::uint32_t>());
    return topic;
}

std::string encode(const model::Group& group) {
    return dump({{"id", group.id.value()},
                 {"consume_enabled", group.consume_enabled},
                 {"broadcast_enabled", group.broadcast_enabled},
                 {"from_min_enabled", group.from_min_enabled},
                 {"ordered", group.ordered},
                 {"retry_queues", group.retry_queues},
                 {"retry_max", group.retry_max},
                 {"notify_members", group.notify_members},
                 {"attributes", group.attributes}});
}

model::Group decode_group(std::string_view name, const Json& json) {
    model::Group group;
    group.name = name;
    group.id = model::GroupId(json.at("id").get<std::uint32_t>());
    group.consume_enabled = json.value("consume_enabled", group.consume_enabled);
    group.broadcast_enabled = json.value("broadcast_enabled", group.broadcast_enabled);
    group.from_min_enabled = json.value("from_min_enabled", group.from_min_enabled);
    group.ordered = json.value("ordered", group.ordered);
    group.retry_queues = json.value("retry_queues", group.retry_queues);
    group.retry_max = json.value("retry_max", group.retry_max);
    group.notify_members = json.value("notify_members", group.notify_members);
    group.attributes = json.value("attributes", "");
    return group;
}

/// A setting's row: the space, a separator, the key.
std::string setting_row(std::string_view space, std::string_view key) {
    std::string row(space);
    row += '\x1f';
    row += key;
    return row;
}

Error too_many(std::string_view what, std::uint32_t limit, std::string_view option) {
    return {Errc::full, fmt::format("there are {} {} already; raise {} to allow more", limit, what, option)};
}

Result<void> check_name(std::string_view what, std::string_view name) {
    if (name.empty()) return Error{Errc::invalid, fmt::format("the {} name is empty", what)};
    if (name.size() > name_bytes_max)
        return Error{Errc::invalid, fmt::format("the {} name has {} bytes; {} is the most", what, name.size(),
                                                name_bytes_max)};
    return {};
}

}  // namespace

struct Catalog::Impl {
    Impl(std::unique_ptr<store::Definitions> definitions, runtime::Worker& worker)
        : journal(std::move(definitions), worker) {}

    NameJournal journal;
    std::uint32_t topics_max, queues_max, groups_max;

    NameMap<std::unique_ptr<model::Topic>> topics;
    NameMap<std::unique_ptr<model::Group>> groups;
    NameMap<model::QueueId> named;
    std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>> settings;
    std::vector<Document> documents;  ///< found at open and not yet taken

    std::vector<model::Topic*> topic_by_id;
    std::vector<model::Group*> group_by_id;
    std::vector<QueueOwner> owners;
    std::uint32_t queues_alive = 0;
    /// Numbers of queues that were not durable: nothing on the disk speaks of them, so they are given again,
    /// to queues of their kind. `deleted` ones only when everybody has forgotten them.
    std::vector<model::QueueId> free_numbers, deleted_numbers;
    struct Deleted {
        std::uint64_t change;
        model::QueueId queue;
    };
    std::deque<Deleted> deleted_queues;
    /// Queues below `end` are defined when `change` is durable.
    struct Defined {
        std::uint64_t change;
        model::QueueId end;
    };
    std::deque<Defined> defined;

    std::uint32_t next_topic = 1, next_group = 1;
    std::uint64_t version = 1;
    std::uint64_t awaited = 0;
    /// Numbers below these may be given.
    struct Ids {
        std::uint32_t topic = 0, group = 0, queue = 0;
    };
    Ids reserved;
    struct Reserving {
        std::uint64_t change;
        Ids ids;
    };
    std::optional<Reserving> reserving;

    // --- ids -----------------------------------------------------------------------------------------------

    std::uint32_t next_queue() const { return static_cast<std::uint32_t>(owners.size()); }
    Ids ids_ahead(Ids ahead) const {
        return {next_topic + ahead.topic, next_group + ahead.group, next_queue() + ahead.queue};
    }
    static std::string ids_text(const Ids& ids, std::uint64_t version) {
        return dump({{"topic", ids.topic}, {"group", ids.group}, {"queue", ids.queue}, {"version", version}});
    }
    void take_reserved() {
        if (!reserving || reserving->change > journal.durable()) return;
        reserved = reserving->ids;
        reserving.reset();
    }
    /// Stages more, before what is reserved runs out.
    void reserve_ahead() {
        take_reserved();
        const Ids half = ids_ahead({topics_ahead / 2, groups_ahead / 2, queues_ahead / 2});
        if (reserving ||
            (half.topic <= reserved.topic && half.group <= reserved.group && half.queue <= reserved.queue))
            return;
        const Ids more = ids_ahead({topics_ahead, groups_ahead, queues_ahead});
        put(kind_ids, ids_row, ids_text(more, version + versions_ahead));
        reserving = Reserving{journal.staged(), more};
    }
    Result<void> admit() const {
        if (journal.failing())
            return Error{Errc::no_space,
                         fmt::format("names cannot be made durable: {}", journal.failing()->message)};
        if (journal.staged() - journal.durable() > changes_waiting_max)
            return Error{Errc::full, "names are changed faster than the disk takes them, try again later"};
        return {};
    }
    /// Whether so many may be given now. More than anybody thought of are reserved here, waiting for the
    /// disk.
    Result<void> room_for(Ids count) {
        if (auto admitted = admit(); !admitted) return admitted;
        take_reserved();
        const Ids wanted = ids_ahead(count);
        if (wanted.topic <= reserved.topic && wanted.group <= reserved.group &&
            wanted.queue <= reserved.queue)
            return {};
        const Ids more =
            ids_ahead({count.topic + topics_ahead, count.group + groups_ahead, count.queue + queues_ahead});
        const store::DefinitionChange change{std::string(kind_ids), std::string(burst_row),
                                             ids_text(more, version + versions_ahead)};
        if (auto done = journal.definitions().commit({&change, 1}); !done) return done;
        reserved = more;
        return {};
    }

    template <class T>
    static void index(std::vector<T*>& by_id, std::uint32_t id, T* value) {
        if (by_id.size() <= id) by_id.resize(id + 1);
        by_id[id] = value;
    }

    void own(model::QueueId queue, QueueOwner owner) {
        if (owners.size() <= queue.value()) owners.resize(queue.value() + 1);
        owners[queue.value()] = owner;
        ++queues_alive;
    }
    model::QueueId give_queue(QueueOwner owner) {
        if (!owner.durable && !free_numbers.empty()) {
            const model::QueueId queue = free_numbers.back();
            free_numbers.pop_back();
            own(queue, owner);
            return queue;
        }
        const model::QueueId queue{static_cast<std::uint32_t>(owners.size())};
        own(queue, owner);
        return queue;
    }
    void disown(model::QueueId queue) {
        const bool durable = owners[queue.value()].durable;
        owners[queue.value()] = {};
        --queues_alive;
        if (durable)
            deleted_queues.push_back({journal.staged() + 1, queue});
        else
            deleted_numbers.push_back(queue);
    }

    // --- staging -------------------------------------------------------------------------------------------

    void put(std::string_view kind, std::string_view name, std::string_view json) {
        journal.put(kind, name, json);
        awaited = journal.staged();
    }
    void remove(std::string_view kind, std::string_view name) {
        journal.remove(kind, name);
        awaited = journal.staged();
    }
    /// Nothing changes, and the answer needs what may be on its way.
    void found(std::string_view kind, std::string_view name) {
        awaited = std::max(awaited, journal.pending(kind, name));
    }

    // --- loading -------------------------------------------------------------------------------------------

    void load_one(std::string_view kind, std::string_view name, const Json& json) {
        if (kind == kind_topic) {
            auto topic = std::make_unique<model::Topic>(decode_topic(name, json));
            for (std::size_t n = 0; n < topic->queues.size(); ++n)
                own(topic->queues[n],
                    {QueueOwner::Kind::topic, true, static_cast<std::uint16_t>(n), topic->id});
            index(topic_by_id, topic->id.value(), topic.get());
            next_topic = std::max(next_topic, topic->id.value() + 1);
            topics.emplace(name, std::move(topic));
        } else if (kind == kind_group) {
            auto group = std::make_unique<model::Group>(decode_group(name, json));
            index(group_by_id, group->id.value(), group.get());
            next_group = std::max(next_group, group->id.value() + 1);
            groups.emplace(name, std::move(group));
        } else if (kind == kind_queue) {
            const model::QueueId queue{json.at("id").get<std::uint32_t>()};
            own(queue, {QueueOwner::Kind::named, true, 0, {}});
            named.emplace(name, queue);
        } else if (kind == kind_setting) {
            settings[json.at("space").get<std::string>()][json.at("key").get<std::string>()] =
                json.at("value").get<std::string>();
        } else if (kind == kind_ids) {
            next_topic = std::max(next_topic, json.at("topic").get<std::uint32_t>());
            next_group = std::max(next_group, json.at("group").get<std::uint32_t>());
            version = std::max(version, json.at("version").get<std::uint64_t>());
            if (const auto queues = json.at("queue").get<std::size_t>(); owners.size() < queues)
                owners.resize(queues);
        } else {
            log_warn("broker", "definition of unknown kind '{}' ({}) left alone", kind, name);
        }
    }

    Result<void> load() {
        // 0 is no queue, 1 is the timer queue: they have no definition.
        owners.resize(2);
        owners[timer_queue.value()] = {QueueOwner::Kind::timer, true, 0, {}};
        auto loaded = journal.definitions().load(
            [this](std::string_view kind, std::string_view name, std::string_view text) {
                if (kind.find('.') != std::string_view::npos) {
                    documents.push_back({std::string(kind), std::string(name), std::string(text)});
                    return;
                }
                const Json json = Json::parse(text, nullptr, false);
                try {
                    load_one(kind, name, json);
                } catch (const Json::exception& e) {
                    log_error("broker", "definition {} '{}' cannot be read and is left out: {}", kind, name,
                              e.what());
                }
            });
        if (!loaded) return loaded;
        reserve_ahead();
        // A full disk refuses new names and nothing else, at the start too.
        if (auto done = journal.commit(); !done)
            log_error("broker", "definitions cannot be written, so no new name is promised: {}",
                      done.error().message);
        return {};
    }
};

Catalog::Catalog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Catalog::~Catalog() = default;

Result<std::unique_ptr<Catalog>> Catalog::load(std::unique_ptr<store::Definitions> definitions,
                                               const BrokerOptions& limits, runtime::Worker& worker) {
    auto impl = std::make_unique<Impl>(std::move(definitions), worker);
    impl->topics_max = limits.topics_max;
    impl->queues_max = limits.queues_max;
    impl->groups_max = limits.groups_max;
    if (auto loaded = impl->load(); !loaded) return loaded.error();
    std::unique_ptr<Catalog> catalog(new Catalog(std::move(impl)));
    catalog->defined_end_ = model::QueueId(catalog->impl_->next_queue());
    return catalog;
}

// --- topics ------------------------------------------------------------------------------------------------

const model::Topic* Catalog::topic(std::string_view name) const {
    const auto at = impl_->topics.find(name);
    return at == impl_->topics.end() ? nullptr : at->second.get();
}

const model::Topic* Catalog::topic(model::TopicId id) const {
    return id.value() < impl_->topic_by_id.size() ? impl_->topic_by_id[id.value()] : nullptr;
}

Result<const model::Topic*> Catalog::put_topic(const TopicSpec& spec) {
    if (auto legal = check_name("topic", spec.name); !legal) return legal.error();
    const std::uint32_t wanted = std::max(spec.read_queues, spec.write_queues);
    if (wanted == 0) return Error{Errc::invalid, fmt::format("topic {} needs at least one queue", spec.name)};
    if (wanted > queues_per_topic_max)
        return Error{Errc::invalid, fmt::format("topic {} asks for {} queues; {} is the most", spec.name,
                                                wanted, queues_per_topic_max)};

    const auto at = impl_->topics.find(spec.name);
    model::Topic* topic = at == impl_->topics.end() ? nullptr : at->second.get();
    const std::size_t have = topic ? topic->queues.size() : 0;
    if (wanted > have && impl_->queues_alive + (wanted - have) > impl_->queues_max)
        return too_many("queues", impl_->queues_max, "queues_max");

    if (topic && topic->read_queues == spec.read_queues && topic->write_queues == spec.write_queues &&
        topic->permission == spec.permission && topic->ordered == spec.ordered &&
        topic->system_flag == spec.system_flag && topic->attributes == spec.attributes) {
        impl_->found(kind_topic, spec.name);
        return static_cast<const model::Topic*>(topic);
    }

    if (!topic && impl_->topics.size() >= impl_->topics_max)
        return too_many("topics", impl_->topics_max, "topics_max");
    if (auto room = impl_->room_for({.topic = 1, .queue = wanted}); !room) return room.error();
    if (!topic) {
        auto fresh = std::make_unique<model::Topic>();
        topic = fresh.get();
        topic->id = model::TopicId(impl_->next_topic++);
        topic->name = spec.name;
        Impl::index(impl_->topic_by_id, topic->id.value(), topic);
        impl_->topics.emplace(spec.name, std::move(fresh));
    }
    topic->read_queues = spec.read_queues;
    topic->write_queues = spec.write_queues;
    topic->permission = spec.permission;
    topic->ordered = spec.ordered;
    topic->system_flag = spec.system_flag;
    topic->attributes = spec.attributes;
    while (topic->queues.size() < wanted)
        topic->queues.push_back(impl_->give_queue(
            {QueueOwner::Kind::topic, true, static_cast<std::uint16_t>(topic->queues.size()), topic->id}));
    impl_->put(kind_topic, topic->name, encode(*topic));
    ++impl_->version;
    return static_cast<const model::Topic*>(topic);
}

Result<void> Catalog::delete_topic(std::string_view name) {
    const auto at = impl_->topics.find(name);
    if (at == impl_->topics.end()) {
        impl_->found(kind_topic, name);
        return Error{Errc::not_found, fmt::format("there is no topic {}", name)};
    }
    if (auto room = impl_->room_for({}); !room) return room;
    for (const model::QueueId queue : at->second->queues)
        impl_->disown(queue);
    impl_->topic_by_id[at->second->id.value()] = nullptr;
    impl_->remove(kind_topic, name);
    impl_->topics.erase(at);
    ++impl_->version;
    return {};
}

void Catalog::each_topic(const std::function<void(const model::Topic&)>& visit) const {
    for (const auto& [name, topic] : impl_->topics)
        visit(*topic);
}

std::size_t Catalog::topic_count() const {
    return impl_->topics.size();
}

// --- groups ------------------------------------------------------------------------------------------------

const model::Group* Catalog::group(std::string_view name) const {
    const auto at = impl_->groups.find(name);
    return at == impl_->groups.end() ? nullptr : at->second.get();
}

const model::Group* Catalog::group(model::GroupId id) const {
    return id.value() < impl_->group_by_id.size() ? impl_->group_by_id[id.value()] : nullptr;
}

Result<const model::Group*> Catalog::put_group(const model::Group& wanted) {
    if (auto legal = check_name("group", wanted.name); !legal) return legal.error();
    const auto at = impl_->groups.find(wanted.name);
    model::Group* group = at == impl_->groups.end() ? nullptr : at->second.get();
    if (!group && impl_->groups.size() >= impl_->groups_max)
        return too_many("groups", impl_->groups_max, "groups_max");
    if (group) {
        model::Group same = wanted;
        same.id = group->id;
        if (encode(same) == encode(*group)) {
            impl_->found(kind_group, wanted.name);
            return static_cast<const model::Group*>(group);
        }
    }
    if (auto room = impl_->room_for({.group = 1}); !room) return room.error();
    if (!group) {
        auto fresh = std::make_unique<model::Group>();
        group = fresh.get();
        group->id = model::GroupId(impl_->next_group++);
        Impl::index(impl_->group_by_id, group->id.value(), group);
        impl_->groups.emplace(wanted.name, std::move(fresh));
    }
    const model::GroupId id = group->id;
    *group = wanted;
    group->id = id;
    impl_->put(kind_group, group->name, encode(*group));
    ++impl_->version;
    return static_cast<const model::Group*>(group);
}

Result<void> Catalog::delete_group(std::string_view name) {
    const auto at = impl_->groups.find(name);
    if (at == impl_->groups.end()) {
        impl_->found(kind_group, name);
        return Error{Errc::not_found, fmt::format("there is no group {}", name)};
    }
    if (auto room = impl_->room_for({}); !room) return room;
    impl_->group_by_id[at->second->id.value()] = nullptr;
    impl_->remove(kind_group, name);
    impl_->groups.erase(at);
    ++impl_->version;
    return {};
}

void Catalog::each_group(const std::function<void(const model::Group&)>& visit) const {
    for (const auto& [name, group] : impl_->groups)
        visit(*group);
}

std::size_t Catalog::group_count() const {
    return impl_->groups.size();
}

// --- named queues ------------------------------------------------------------------------------------------

Result<model::QueueId> Catalog::put_named_queue(std::string_view name, bool durable) {
    if (auto legal = check_name("queue", name); !legal) return legal.error();
    if (const auto at = impl_->named.find(name); at != impl_->named.end()) {
        impl_->found(kind_queue, name);
        if (owner(at->second).durable == durable) return at->second;
        return Error{Errc::exists,
                     fmt::format("queue {} is there and is {}durable", name, durable ? "not " : "")};
    }
    if (impl_->queues_alive >= impl_->queues_max) return too_many("queues", impl_->queues_max, "queues_max");
    if (durable)
        if (auto room = impl_->room_for({.queue = 1}); !room) return room.error();
    const model::QueueId queue = impl_->give_queue({QueueOwner::Kind::named, durable, 0, {}});
    impl_->named.emplace(name, queue);
    if (!durable) return queue;
    impl_->put(kind_queue, name, dump({{"id", queue.value()}}));
    return queue;
}

model::QueueId Catalog::named_queue(std::string_view name) const {
    const auto at = impl_->named.find(name);
    return at == impl_->named.end() ? model::QueueId{} : at->second;
}

Result<void> Catalog::delete_named_queue(std::string_view name) {
    const auto at = impl_->named.find(name);
    if (at == impl_->named.end()) return Error{Errc::not_found, fmt::format("there is no queue {}", name)};
    const bool durable = owner(at->second).durable;
    impl_->disown(at->second);
    impl_->named.erase(at);
    if (durable) impl_->remove(kind_queue, name);
    return {};
}

void Catalog::each_named_queue(
    const std::function<void(const std::string& name, model::QueueId queue)>& visit) const {
    for (const auto& [name, queue] : impl_->named)
        visit(name, queue);
}

QueueOwner Catalog::owner(model::QueueId queue) const {
    return queue.value() < impl_->owners.size() ? impl_->owners[queue.value()] : QueueOwner{};
}

std::uint32_t Catalog::queue_ids_given() const {
    return static_cast<std::uint32_t>(impl_->owners.size() - 1);
}

std::uint64_t Catalog::version() const {
    return impl_->version;
}

// --- settings ----------------------------------------------------------------------------------------------

void Catalog::set(std::string_view space, std::string_view key, std::string_view value) {
    if (const std::string* old = setting(space, key); old && *old == value)
        return impl_->found(kind_setting, setting_row(space, key));
    auto at = impl_->settings.find(space);
    if (at == impl_->settings.end()) at = impl_->settings.try_emplace(std::string(space)).first;
    at->second.insert_or_assign(std::string(key), std::string(value));
    impl_->put(kind_setting, setting_row(space, key),
               dump({{"space", space}, {"key", key}, {"value", value}}));
}

void Catalog::unset(std::string_view space, std::string_view key) {
    const auto at = impl_->settings.find(space);
    if (at == impl_->settings.end()) return;
    const auto entry = at->second.find(key);
    if (entry == at->second.end()) return;
    at->second.erase(entry);
    if (at->second.empty()) impl_->settings.erase(at);
    impl_->remove(kind_setting, setting_row(space, key));
}

std::size_t Catalog::setting_count() const {
    std::size_t count = 0;
    for (const auto& [space, entries] : impl_->settings)
        count += entries.size();
    return count;
}

const std::string* Catalog::setting(std::string_view space, std::string_view key) const {
    const auto at = impl_->settings.find(space);
    if (at == impl_->settings.end()) return nullptr;
    const auto entry = at->second.find(key);
    return entry == at->second.end() ? nullptr : &entry->second;
}

void Catalog::each_setting(
    std::string_view space,
    const std::function<void(const std::string& key, const std::string& value)>& visit) const {
    if (const auto at = impl_->settings.find(space); at != impl_->settings.end())
        for (const auto& [key, value] : at->second)
            visit(key, value);
}

// --- documents ---------------------------------------------------------------------------------------------

void Catalog::put_document(std::string_view kind, std::string_view name, std::string_view json) {
    impl_->put(kind, name, json);
}

void Catalog::remove_document(std::string_view kind, std::string_view name) {
    impl_->remove(kind, name);
}

void Catalog::await_document(std::string_view kind, std::string_view name) {
    impl_->found(kind, name);
}

std::vector<Catalog::Document> Catalog::take_documents(std::string_view kind_begins) {
    std::vector<Document> taken;
    std::erase_if(impl_->documents, [&](Document& document) {
        if (!document.kind.starts_with(kind_begins)) return false;
        taken.push_back(std::move(document));
        return true;
    });
    return taken;
}

// --- what is durable ---------------------------------------------------------------------------------------

std::uint64_t Catalog::changes() const {
    return impl_->journal.staged();
}

bool Catalog::durable(std::uint64_t change) const {
    return change <= impl_->journal.durable();
}

const Error* Catalog::failing() const {
    return impl_->journal.failing() ? &*impl_->journal.failing() : nullptr;
}

Result<void> Catalog::admit() const {
    return impl_->admit();
}

void Catalog::begin_request() {
    impl_->awaited = 0;
}

std::uint64_t Catalog::awaited() const {
    return durable(impl_->awaited) ? 0 : impl_->awaited;
}

void Catalog::submit(std::int64_t now_ms) {
    impl_->reserve_ahead();
    if (impl_->journal.all_durable()) return;
    auto& defined = impl_->defined;
    const model::QueueId end(impl_->next_queue());
    if (defined.empty() ? end > defined_end_ : end > defined.back().end)
        defined.push_back({impl_->journal.staged(), end});
    impl_->journal.submit(now_ms);
}

Catalog::QueueRange Catalog::take_defined_queues() {
    const model::QueueId begin = defined_end_;
    auto& defined = impl_->defined;
    for (; !defined.empty() && durable(defined.front().change); defined.pop_front())
        defined_end_ = defined.front().end;
    return {begin, defined_end_};
}

std::vector<model::QueueId> Catalog::take_deleted_queues() {
    std::vector<model::QueueId> taken = std::exchange(impl_->deleted_numbers, {});
    impl_->free_numbers.insert(impl_->free_numbers.end(), taken.begin(), taken.end());
    auto& deleted = impl_->deleted_queues;
    for (; !deleted.empty() && durable(deleted.front().change); deleted.pop_front())
        taken.push_back(deleted.front().queue);
    return taken;
}

Result<void> Catalog::close() {
    Impl& impl = *impl_;
    impl.put(kind_ids, ids_row, Impl::ids_text(impl.ids_ahead({}), impl.version + 1));
    impl.remove(kind_ids, burst_row);
    return impl.journal.commit();
}

}  // namespace posthorn::broker
