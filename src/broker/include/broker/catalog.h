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

/// The names: topics, groups, named queues, settings. Memory is the truth while the program runs; every
/// change is staged in `store::Definitions` and committed by the broker before this tick's records are
/// written. Pointers to topics and groups stay valid until that topic or group is deleted. Owner thread only.
class Catalog {
  public:
    static Result<std::unique_ptr<Catalog>> load(std::unique_ptr<store::Definitions> definitions,
                                                 const BrokerOptions& limits);
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

    /// Something changed since the last commit.
    bool staged() const;
    /// Durable on return; cheap when nothing changed. After an error everything stays staged: call it again.
    Result<void> commit();
    /// Queues whose owner was deleted since the last call: what the broker keeps for them can go.
    std::vector<model::QueueId> take_deleted_queues();

  private:
    struct Impl;
    explicit Catalog(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// The engine's own queue of delayed messages.
inline constexpr model::QueueId timer_queue{1};

}  // namespace posthorn::broker
