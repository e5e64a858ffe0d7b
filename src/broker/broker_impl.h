#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/log_limit.h"
#include "broker/broker.h"
#include "core.h"
#include "delays.h"
#include "mover.h"
#include "progress.h"
#include "readers.h"
#include "retention.h"

namespace posthorn::broker {

/// The broker by phase: opening and closing (broker_open.cc), the tick (broker_tick.cc), messages in and out
/// (broker_messages.cc). What each part knows is in its own class; here stands only their order.
class Broker::Impl {
  public:
    Impl(env::Files& files, Workers workers, BrokerOptions options);
    ~Impl();

    Result<void> open(const std::string& directory, std::unique_ptr<store::Definitions> definitions, Now now);
    Result<void> close();

    void begin_tick(Now now);
    void end_tick();
    std::int64_t next_tick_ms() const;

    Result<Receipt> publish(const Publication& message);
    Result<void> reserve(model::QueueId queue, std::size_t messages, std::size_t payload_bytes);
    Result<Receipt> publish_at(const Publication& message, std::int64_t due_ms);
    Promise state(const Receipt& receipt, bool must_sync);
    std::optional<Error> refusing() const;
    Fetched fetch(const FetchRequest& request, MessageSink& sink);
    store::Read entries(model::QueueId queue, model::QueueOffset from, std::span<store::Entry> out,
                        std::size_t* count);
    Result<model::QueueOffset> offset_by_time(model::QueueId queue, std::int64_t wall_ms);
    Result<void> read_at(store::Position position, bool delayed,
                         const std::function<void(const Stored&)>& visit);
    Result<void> commit_progress(model::GroupId group, model::QueueId queue, model::QueueOffset next);
    void forget_progress(model::GroupId group);
    Counters counters() const;

    Core core;
    Progress progress{core.options.progress_max};
    Delays delays{core};
    Readers readers{core};
    Retention retention{core};
    Mover mover{core, delays, readers};

  private:
    // open
    Result<void> open_logs(const std::string& directory, std::uint64_t store_id, class Recovery& recovery);
    store::LogOptions log_options(LogId id, std::uint64_t store_id);
    Result<void> settle_recovery(bool cut);
    void release_queues_of_nobody();
    void finish_work();

    // tick
    void forget_deleted_queues();
    void note_changes();
    void commit_names();
    void show_defined_queues();
    void write_logs();
    void request_syncs();
    bool sync_due(LogId id) const;
    void release();
    bool snapshot();
    void stream_rolled();

    // messages
    Result<void> admit();
    Result<QueueOwner> admit(model::QueueId queue);
    Result<Receipt> publish_to_many(const Publication& message);
    Result<Core::Append> append_to_durable(store::NewRecord& record);
    Result<void> sort_queues(const Publication& message);
    Error refused(const Error& why);
    Receipt published(const Publication& message, const Core::Append& done, bool in_queue_log,
                      std::uint64_t names);
    Result<std::uint64_t> names_of_new_queue();
    Result<std::uint64_t> names_of(std::span<const model::QueueId> queues);
    void scan(const FetchRequest& request, model::QueueOffset end, Fetched& fetched, MessageSink& sink);

    std::vector<model::QueueId> durable_queues_;  ///< of the message that is being published to several
    std::vector<store::Place> volatile_places_;
    std::int64_t progress_noted_ms_ = 0;  ///< steady
    LogLimit progress_lines_;
    store::Position seal_barrier_;  ///< of the queue log: what sealing a stream segment waits for
    bool open_ = false;
};

}  // namespace posthorn::broker
