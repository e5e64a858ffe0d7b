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

/// A queue as others see it. A `Queue*` is good as long as a consumer of yours is joined to it or a message
/// of it is in flight with you, also when the queue was deleted meanwhile (`deleted()`: what you do to it
/// then is accepted and means nothing). Anybody else looks it up by name.
class Queue {
  public:
    virtual ~Queue() = default;

    virtual const QueueSpec& spec() const = 0;
    virtual const QueueSettings& settings() const = 0;
    virtual QueueCounts counts() const = 0;
    /// `active`: it is handed messages; of a queue with single active consumer only one is.
    virtual void each_consumer(const std::function<void(const Consumer&, bool active)>& visit) const = 0;
    virtual bool active(const Consumer& consumer) const = 0;
    virtual bool deleted() const = 0;

    // Each once for every message in flight; a second time is a broken invariant of the caller. Read_only: it
    // could not be noted, and the message will come again after a restart.
    virtual Result<void> settle(const DeliveryId& id) = 0;
    /// Back to its place, marked as seen before; past the delivery limit it dies instead.
    virtual Result<void> requeue(const DeliveryId& id) = 0;
    /// Nobody wants it: dead-lettered, or dropped.
    virtual Result<void> reject(const DeliveryId& id) = 0;
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

/// What an operator allows one virtual host at most. `max_connections` is kept here and heeded by gateways.
struct HostLimits {
    std::optional<std::uint64_t> max_queues, max_connections;
    bool operator==(const HostLimits&) const = default;
};

/// Everything that has a name in one virtual host. Owner thread of the engine only.
///
/// Durable exchanges, durable queues and the bindings between such are kept as definitions; the rest goes
/// with the process. Errors name what is wrong in RabbitMQ's words, without its code: not_found (404), exists
/// (there with other properties, in use, not empty: 406), invalid (an argument: 406), denied (403), busy
/// (somebody else's exclusive: 405), unsupported (an exchange type nobody knows: 503). Names of exchanges and
/// queues lose carriage returns and line feeds.
///
/// A message is readable by consumers once it is as safe as it was asked to be kept: a transient one at once,
/// a persistent one on a durable queue after the tick's write. `Published` says when to confirm.
class VirtualHost {
  public:
    virtual ~VirtualHost() = default;
    virtual const std::string& name() const = 0;
    virtual const HostLimits& limits() const = 0;
    virtual Result<void> set_limits(const HostLimits& limits) = 0;  ///< what is there already stays

    // --- exchanges -----------------------------------------------------------------------------------------
    virtual Result<void> declare_exchange(const ExchangeSpec& spec) = 0;  ///< or finds the equal one
    virtual const ExchangeSpec* exchange(std::string_view name) const = 0;
    virtual ExchangeCounts exchange_counts(std::string_view name) const = 0;
    /// A missing one is no error. `if_unused`: exists when there are bindings from it.
    virtual Result<void> delete_exchange(std::string_view name, bool if_unused) = 0;
    virtual void each_exchange(const std::function<void(const ExchangeSpec&)>& visit) const = 0;
    /// In the order of their names from `first` on, until `visit` says false: for walks in shares. On behind
    /// one goes its name with a zero byte added.
    virtual void walk_exchanges(std::string_view first,
                                const std::function<bool(const ExchangeSpec&)>& visit) const = 0;

    // --- bindings ------------------------------------------------------------------------------------------
    virtual Result<void> bind(const Binding& binding, OwnerId by) = 0;
    virtual Result<void> unbind(const Binding& binding, OwnerId by) = 0;  ///< a missing one is no error
    virtual void each_binding(const std::function<void(const Binding&)>& visit) const = 0;
    /// As `walk_exchanges`, by source, kind of destination, destination, key; `place` is what a binding has
    /// for a name. Without those of the default exchange: every queue has one.
    virtual void walk_bindings(
        std::string_view first,
        const std::function<bool(const std::string& place, const Binding&)>& visit) const = 0;
    /// Those that lead to one queue or exchange, without that of the default exchange. In no order.
    virtual void each_binding_to(DestinationKind kind, std::string_view name,
                                 const std::function<void(const Binding&)>& visit) const = 0;

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
    virtual void walk_queues(std::string_view first, const std::function<bool(Queue&)>& visit) const = 0;

    // --- messages ------------------------------------------------------------------------------------------
    /// Not_found: no such exchange. Denied: it is internal. no_space, read_only: the engine refuses.
    virtual Result<Published> publish(const Publication& message) = 0;
    /// One message off the head, if there is one. Unless `settle`, it is in flight then. `later`: there is
    /// one, but it is published in this tick and not written, or on its way from the disk; `wait_ready` tells
    /// when it is worth trying again.
    enum class Got : std::uint8_t { message, empty, later };
    virtual Result<Got> get(Queue& queue, bool settle,
                            const std::function<void(const broker::Stored&, const Delivery&)>& take) = 0;
    virtual void wait_ready(Queue& queue, broker::Waiter& waiter) = 0;

    // --- consumers -----------------------------------------------------------------------------------------
    /// Denied: in exclusive use. Invalid: an argument.
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
/// `Broker::end_tick()`: what is due, expired or dead is published again before the write, what is ready is
/// handed to consumers after it, in bounded shares; `work_left` asks for another tick soon.
class VirtualHosts {
  public:
    struct Options {
        /// Of the names made for queues, and of the choices of random exchanges. 0: from the system, as names
        /// must not be guessable; a simulation that must replay gives its own.
        std::uint64_t seed = 0;
        std::uint32_t turn_messages = 256;   ///< one queue hands out no more before the others get their turn
        std::uint32_t tick_messages = 8192;  ///< and all together no more in one tick: sockets wait
        std::uint32_t exchanges_max = 262'144;   ///< of one virtual host: about a KiB each
        std::uint32_t bindings_max = 1'048'576;  ///< of one virtual host: half a KiB each
    };

    /// Recovers what was defined. A fresh directory gets the virtual host "/".
    static Result<std::unique_ptr<VirtualHosts>> open(broker::Broker& broker, Options options);
    static Result<std::unique_ptr<VirtualHosts>> open(broker::Broker& broker) { return open(broker, {}); }
    virtual ~VirtualHosts() = default;

    /// Before the first message of this format is published or dies.
    virtual void set_codec(store::Format format, PayloadCodec& codec) = 0;

    virtual Result<VirtualHost*> add(std::string_view name) = 0;  ///< or finds the one there
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

/// "queue 'q' in vhost '/'", as every text about it says.
std::string describe(std::string_view kind, std::string_view name, std::string_view virtual_host);

}  // namespace posthorn::exchange
