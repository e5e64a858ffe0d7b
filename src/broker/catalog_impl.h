#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/catalog.h"
#include "name_journal.h"
#include "name_numbers.h"
#include "name_rows.h"
#include "setting_table.h"
#include "transparent_hash.h"

namespace posthorn::broker {

// Changes that wait for the disk; beyond this names are made faster than it takes them.
inline constexpr std::uint64_t changes_waiting_max = 131'072;

/// The names in memory, and their way to the disk: what is made and deleted in catalog.cc, what is found at
/// the start in catalog_load.cc.
struct Catalog::Impl {
    Impl(std::unique_ptr<store::Definitions> definitions, runtime::Worker& worker)
        : journal(std::move(definitions), worker) {}

    NameJournal journal;
    NameNumbers numbers{journal};
    std::uint32_t topics_max, queues_max, groups_max;

    NameMap<std::unique_ptr<model::Topic>> topics;
    NameMap<std::unique_ptr<model::Group>> groups;
    NameMap<model::QueueId> named;
    SettingTable settings;
    std::vector<Document> documents;  ///< found at open and not yet taken

    std::vector<model::Topic*> topic_by_id;
    std::vector<model::Group*> group_by_id;
    std::vector<QueueOwner> owners;
    std::uint32_t queues_alive = 0;
    std::vector<model::QueueId> deleted_numbers;  ///< of queues that were not durable
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
    std::uint64_t awaited = 0;

    Result<void> admit() const {
        if (journal.failing())
            return Error{Errc::no_space,
                         fmt::format("names cannot be made durable: {}", journal.failing()->message)};
        if (journal.staged() - journal.durable() > changes_waiting_max)
            return Error{Errc::full, "names are changed faster than the disk takes them, try again later"};
        return {};
    }
    Result<void> room_for(NameNumbers::Count count) {
        if (auto admitted = admit(); !admitted) return admitted;
        return numbers.make_room(count);
    }

    // --- who has which number ------------------------------------------------------------------------------

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
        const model::QueueId queue = numbers.give_queue(owner.durable);
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

    Result<void> load();  ///< catalog_load.cc

  private:
    void load_topic(model::Topic found);
    void load_group(model::Group found);
    void load_queue(std::string_view name, model::QueueId queue);
    Result<void> load_one(std::string_view kind, std::string_view name, std::string_view text);
};

}  // namespace posthorn::broker
