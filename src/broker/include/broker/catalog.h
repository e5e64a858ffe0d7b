#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/options.h"
#include "model/group.h"
#include "model/ids.h"
#include "model/topic.h"
#include "runtime/worker.h"
#include "store/definitions.h"

namespace posthorn::broker {

/// What a topic shall look like; `Catalog::put_topic` makes it so.
struct TopicSpec {
    std::string name;
    std::uint32_t read_queues = 8;
    std::uint32_t write_queues = 8;
    model::Permission permission;
    bool ordered = false;
    std::uint32_t system_flag = 0;
    std::string attributes;
};

/// Whose queue it is, by its id: one entry per queue that ever was, so it is small.
struct QueueOwner {
    enum class Kind : std::uint8_t {
        none,   ///< never given, or its owner was deleted
        topic,  ///< queue `number` of a topic: stream log, read by offset
        named,  ///< a named queue: queue log and volatile log, settled message by message
        timer,  ///< the engine's own: delayed messages
    };
    Kind kind = Kind::none;
    bool durable = true;  ///< false: a named queue that ends with the process, all it holds is volatile
    std::uint16_t number = 0;
    model::TopicId topic{};
};

/// The names: topics, groups, named queues, settings. Memory is the truth while the program runs. Changes are
/// numbered and go into `store::Definitions` on a worker, after the tick they were made in: who is told that
/// a name exists, or is gone, waits until that change is `durable`. A queue may be written to at once, but
/// shows nothing and promises nothing before it is `defined`.
///
/// Ids are never given twice, also when a crash took the definition and left records that speak of it: the
/// definitions hold how far ids may have been given, and that is raised ahead of need.
///
/// Pointers to topics and groups stay valid until that topic or group is deleted. Owner thread only.
class Catalog {
  public:
    /// `worker` commits. Waits for the disk, to reserve ids.
    static Result<std::unique_ptr<Catalog>> load(std::unique_ptr<store::Definitions> definitions,
                                                 const BrokerOptions& limits, runtime::Worker& worker);
    ~Catalog();

    // Topics
    const model::Topic* topic(std::string_view name) const;
    const model::Topic* topic(model::TopicId id) const;
    Result<const model::Topic*> put_topic(const TopicSpec& spec);  ///< creates, or changes what differs
    Result<void> delete_topic(std::string_view name);
    void each_topic(const std::function<void(const model::Topic&)>& visit) const;
    std::size_t topic_count() const;

    // Groups
    const model::Group* group(std::string_view name) const;
    const model::Group* group(model::GroupId id) const;
    Result<const model::Group*> put_group(const model::Group& wanted);  ///< `id` is ignored
    Result<void> delete_group(std::string_view name);
    void each_group(const std::function<void(const model::Group&)>& visit) const;
    std::size_t group_count() const;

    // Queues settled message by message
    /// One that is not durable is never written down: making it costs no commit, it and all it holds end with
    /// the process, and its number is given again. Errc::exists if the name is there with the other
    /// durability.
    Result<model::QueueId> put_named_queue(std::string_view name, bool durable = true);
    model::QueueId named_queue(std::string_view name) const;  ///< 0 if there is none
    Result<void> delete_named_queue(std::string_view name);
    void each_named_queue(
        const std::function<void(const std::string& name, model::QueueId queue)>& visit) const;

    QueueOwner owner(model::QueueId queue) const;
    std::uint32_t queue_ids_given() const;  ///< ids 1 .. this were given at some time
    /// Changes whenever topics or groups change: what RocketMQ calls dataVersion.
    std::uint64_t version() const;

    // Settings: small texts by space and key (RocketMQ's KV config, the engine's own marks)
    void set(std::string_view space, std::string_view key, std::string_view value);
    void unset(std::string_view space, std::string_view key);
    const std::string* setting(std::string_view space, std::string_view key) const;
    std::size_t setting_count() const;  ///< over all spaces
    void each_setting(
        std::string_view space,
        const std::function<void(const std::string& key, const std::string& value)>& visit) const;

    // Documents: what rooms above define and keep in their own memory. The kind begins with the room's name
    // and a dot ("exchange.queue").
    void put_document(std::string_view kind, std::string_view name, std::string_view json);
    void remove_document(std::string_view kind, std::string_view name);
    struct Document {
        std::string kind, name, json;
    };
    /// Those found at open whose kind begins so, once: they are not kept here.
    std::vector<Document> take_documents(std::string_view kind_begins);
    /// For the answer to a request that found this document as it asked for it: see `begin_request`.
    void await_document(std::string_view kind, std::string_view name);

    // What is durable
    std::uint64_t changes() const;  ///< number of the newest change of anything here
    bool durable(std::uint64_t change) const;
    /// Why changes cannot be made durable right now; null while they can. New names are refused meanwhile.
    const Error* failing() const;
    /// Whether names can be changed at all: no_space while they cannot be written, full while too many wait.
    /// What is made and deleted here asks by itself; whoever puts documents for a client asks before.
    Result<void> admit() const;
    /// The answer to a request waits for what the request made, changed or deleted, and for what it found as
    /// it wanted it while that is on its way to the disk: `awaited` is the change it needs since
    /// `begin_request`, 0 if none.
    void begin_request();
    std::uint64_t awaited() const;
    /// The queue will be there after a crash.
    bool defined(model::QueueId queue) const { return queue < defined_end_; }

    // For the broker, in every tick
    void submit(std::int64_t now_ms);  ///< hands what changed to the worker
    /// Asks what the worker has finished. Queues that were not `defined` before and are now.
    struct QueueRange {
        model::QueueId begin, end;
    };
    QueueRange take_defined_queues();
    /// Queues whose deletion became durable since the last call: what the broker keeps for them can go.
    std::vector<model::QueueId> take_deleted_queues();
    /// Everything durable on return, waiting for the disk. Nothing may be changed after.
    Result<void> close();

  private:
    struct Impl;
    explicit Catalog(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
    model::QueueId defined_end_;  ///< here, because every publish asks
};

/// The engine's own queue of delayed messages.
inline constexpr model::QueueId timer_queue{1};

}  // namespace posthorn::broker
