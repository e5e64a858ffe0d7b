#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/broker.h"
#include "exchange/consumer.h"
#include "exchange/exchange.h"
#include "exchange/message.h"
#include "exchange/payload_codec.h"
#include "exchange/policy.h"
#include "exchange/queue.h"

namespace posthorn::exchange {

class VirtualHosts;

/// A queue as others see it. Valid until it is deleted: keep `Queue*` only where `Consumer::cancelled` or
/// `generation()` tells.
class Queue {
  public:
    virtual ~Queue() = default;

    virtual const QueueSpec& spec() const = 0;
    virtual const QueueSettings& settings() const = 0;
    virtual QueueCounts counts() const = 0;
    virtual void each_consumer(const std::function<void(const Consumer&, bool active)>& visit) const = 0;

    /// False: it was not in flight (settled before, or never handed out).
    virtual bool settle(DeliveryId id) = 0;
    /// Back to its place, marked as seen before; past the delivery limit it dies instead.
    virtual bool requeue(DeliveryId id) = 0;
    /// Nobody wants it: dead-lettered, or dropped.
    virtual bool reject(DeliveryId id) = 0;
    /// A consumer that could not take can again.
    virtual void consumer_ready(Consumer& consumer) = 0;
};

enum class DestinationKind : std::uint8_t { queue, exchange };

struct Binding {
    std::string source;  ///< exchange; "" is the default one (shown, never made)
    DestinationKind kind = DestinationKind::queue;
    std::string destination;
    std::string key;
    model::Arguments arguments;
};

/// Everything that has a name in one virtual host. Owner thread of the engine only.
///
/// Durable exchanges, durable queues and the bindings between such are kept as definitions; the rest goes
/// with the process. Errors name what is wrong in RabbitMQ's words, without its code: not_found, exists
/// (there with other properties, in use, not empty), invalid (an argument), denied, busy (somebody else's
/// exclusive).
///
/// A message is readable by consumers once it is as safe as it was asked to be kept: a transient one at once,
/// a persistent one on a durable queue after the tick's write. `Published` says when to confirm.
class VirtualHost {
  public:
    virtual ~VirtualHost() = default;
    virtual const std::string& name() const = 0;

    // --- exchanges -----------------------------------------------------------------------------------------
    virtual Result<void> declare_exchange(const ExchangeSpec& spec) = 0;  ///< or finds the equal one
    virtual const ExchangeSpec* exchange(std::string_view name) const = 0;
    virtual ExchangeCounts exchange_counts(std::string_view name) const = 0;
    /// A missing one is no error. `if_unused`: exists when there are bindings from it.
    virtual Result<void> delete_exchange(std::string_view name, bool if_unused) = 0;
    virtual void each_exchange(const std::function<void(const ExchangeSpec&)>& visit) const = 0;

    // --- bindings ------------------------------------------------------------------------------------------
    virtual Result<void> bind(const Binding& binding, OwnerId by) = 0;
    virtual Result<void> unbind(const Binding& binding, OwnerId by) = 0;  ///< a missing one is no error
    virtual void each_binding(const std::function<void(const Binding&)>& visit) const = 0;

    // --- queues --------------------------------------------------------------------------------------------
    virtual Result<Queue*> declare_queue(const QueueSpec& spec) = 0;  ///< or finds the equal one
    virtual Queue* queue(std::string_view name) const = 0;
    /// Not_found, or busy when it is another owner's.
    virtual Result<Queue*> queue_for(std::string_view name, OwnerId by) const = 0;
    /// How many messages went with it.
    virtual Result<std::uint64_t> delete_queue(std::string_view name, bool if_unused, bool if_empty,
                                               OwnerId by) = 0;
    virtual Result<std::uint64_t> purge_queue(std::string_view name, OwnerId by) = 0;
    virtual void each_queue(const std::function<void(Queue&)>& visit) const = 0;

    // --- messages ------------------------------------------------------------------------------------------
    /// Not_found: no such exchange. Denied: it is internal. no_space, read_only: the engine refuses.
    virtual Result<Published> publish(const Publication& message) = 0;
    /// One message off the head, if there is one. Unless `settle`, it is in flight then. `loading` is a
    /// message on its way from the disk: `on_ready` is told when it is worth trying again.
    enum class Got : std::uint8_t { message, empty, loading };
    virtual Result<Got> get(Queue& queue, bool settle,
                            const std::function<void(const broker::Stored&, const Delivery&)>& take) = 0;

    // --- consumers -----------------------------------------------------------------------------------------
    virtual Result<void> consume(Queue& queue, Consumer& consumer) = 0;
    /// Takes it away from its queue; what it has in flight stays with whoever settles it.
    virtual void leave(Consumer& consumer) = 0;

    // --- policies ------------------------------------------------------------------------------------------
    virtual Result<void> put_policy(const Policy& policy, bool of_operator) = 0;
    virtual Result<void> delete_policy(std::string_view name, bool of_operator) = 0;
    virtual void each_policy(bool of_operator, const std::function<void(const Policy&)>& visit) const = 0;
    /// Names of the policies in force for a queue or exchange; null without.
    virtual const Policy* policy_of(DestinationKind kind, std::string_view name, bool of_operator) const = 0;
};

/// All virtual hosts on one broker, and the turn in which queues hand out messages.
///
/// The composition root calls `before_tick_end()` right before and `after_tick_end()` right after
/// `Broker::end_tick()`: what is ready is handed to consumers, in bounded shares; `work_left` asks for
/// another tick soon.
class VirtualHosts {
  public:
    /// Recovers what was defined. A fresh directory gets the virtual host "/".
    static Result<std::unique_ptr<VirtualHosts>> open(broker::Broker& broker);
    virtual ~VirtualHosts() = default;

    /// Before the first message of this format is published or dies.
    virtual void set_codec(store::Format format, PayloadCodec& codec) = 0;

    virtual Result<VirtualHost*> add(std::string_view name) = 0;
    virtual VirtualHost* find(std::string_view name) const = 0;
    virtual Result<void> remove(std::string_view name) = 0;
    virtual void each(const std::function<void(VirtualHost&)>& visit) const = 0;

    /// The owner is gone: its exclusive queues are deleted, at once.
    virtual void owner_gone(OwnerId owner) = 0;

    virtual void before_tick_end() = 0;
    virtual void after_tick_end() = 0;
    virtual bool work_left() const = 0;
    /// Steady ms at which something expires though nothing else happens; max if never.
    virtual std::int64_t next_deadline_ms() const = 0;
};

}  // namespace posthorn::exchange
