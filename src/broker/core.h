#pragma once

#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "base/log_limit.h"
#include "broker/broker.h"
#include "env/files.h"
#include "notes.h"
#include "runtime/worker.h"
#include "store/log.h"
#include "store/volatile_log.h"
#include "visibility.h"

namespace posthorn::broker {

/// What all parts of the engine stand on: the names, the two logs, the time of the tick. Made by recovery;
/// the parts hold a reference and know each other only where their headers say so.
struct Core {
    Core(env::Files& the_files, Workers workers, BrokerOptions the_options)
        : files(the_files), worker(workers.disk), names_worker(workers.names), options(the_options) {}

    env::Files& files;
    runtime::Worker& worker;
    runtime::Worker& names_worker;  ///< may be the same
    const BrokerOptions options;
    Now now;

    std::unique_ptr<env::FileLock> lock;
    std::unique_ptr<Catalog> catalog;
    std::unique_ptr<store::Log> stream, queue;
    std::unique_ptr<store::VolatileLog> transient;  ///< messages of named queues that need not survive
    Notes notes;
    Visibility visibility;
    mutable Broker::Counters counters;

    store::Log& log(LogId id) { return id == LogId::stream ? *stream : *queue; }
    const store::Log& log(LogId id) const { return id == LogId::stream ? *stream : *queue; }
    static LogId log_id(QueueOwner owner) {
        return owner.kind == QueueOwner::Kind::topic ? LogId::stream : LogId::queue;
    }
    store::Log& log_of(model::QueueId of) { return log(log_id(catalog->owner(of))); }
    const store::Log& log_of(model::QueueId of) const { return log(log_id(catalog->owner(of))); }

    /// What may be read now. Nothing of a queue that a crash would still take.
    store::Range range(model::QueueId of) const {
        const QueueOwner owner = catalog->owner(of);
        if (!owner.durable) return transient->range(of);
        store::Range range = log(log_id(owner)).range(of);
        if (!catalog->defined(of)) [[unlikely]]
            return {range.begin, range.begin};
        range.end = visibility.end(of, range.end);
        if (range.end < range.begin) range.end = range.begin;
        return range;
    }

    struct Append {
        store::Appended appended;
        std::int64_t store_ms;
    };
    /// Appends a message for its queues; it shows when the flush mode lets it. A full disk is remembered.
    Result<Append> append(LogId id, const store::NewRecord& record);

    /// What will be readable when everything is: the next offset of the queue.
    model::QueueOffset end(model::QueueId of) const {
        const QueueOwner owner = catalog->owner(of);
        return owner.durable ? log(log_id(owner)).range(of).end : transient->end(of);
    }
    /// Gives volatile messages their places; they show at once, but for durable ones before them. `places`
    /// are at the ends of named queues.
    Result<Append> append_volatile(const store::NewRecord& record, std::span<const store::Place> places);

    /// Per log: what syncing is owed.
    struct Sync {
        store::Position requested;        ///< a sync up to here is done or under way
        store::Position wanted;           ///< somebody waits for it up to here
        std::int64_t last_steady_ms = 0;  ///< of the last request
        std::int64_t store_ms = 0;        ///< store time of the newest record
        bool message_appended = false;    ///< since the last write
    };
    std::array<Sync, 2> sync;
    Sync& sync_of(LogId id) { return sync[static_cast<std::size_t>(id)]; }

    std::optional<Error> refusing;  ///< why messages are refused at the door
    bool no_space_seen = false;     ///< an append found no room: look at the disk soon
    WaitList loaded_waiters;
    bool loaded = false;  ///< some cold read has finished since the last tick

    /// A log answered `failed`: said in the log once a second, and whoever waits for the disk is woken to try
    /// again after a pause.
    void read_failed(const Error& error);
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    std::int64_t read_again_ms = never;  ///< steady
    LogLimit read_lines;
};

}  // namespace posthorn::broker
