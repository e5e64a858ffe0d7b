#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/log_limit.h"
#include "definitions.h"
#include "desk.h"
#include "exchange/virtual_host.h"
#include "exchange_state.h"
#include "name_table.h"
#include "names.h"
#include "policies.h"
#include "queue_state.h"
#include "router.h"

namespace posthorn::exchange {

/// One lane's name in the broker's catalog. What goes with the process is told by it.
std::string lane_queue_name(std::uint64_t queue, bool durable, std::uint8_t lane);
inline constexpr std::string_view lane_prefix = "exchange.q";
inline constexpr std::string_view passing_lane_prefix = "exchange.t";
inline constexpr std::string_view delayed_prefix = "exchange.d";

/// What every change of the default exchange is answered with.
Error default_exchange();

/// A virtual host by noun: exchanges, queues and consumers (host_state.cc), bindings (host_bindings.cc),
/// policies (host_policies.cc), messages (host_messages.cc), and what a start finds (host_recovery.cc).
class HostState final : public VirtualHost {
  public:
    /// `number` names its queue of delayed messages in the broker's catalog.
    HostState(Desk& desk, Definitions& definitions, std::string name, std::uint64_t number);
    ~HostState() override;
    std::uint64_t number() const { return number_; }

    const std::string& name() const override { return name_; }
    const HostLimits& limits() const override { return limits_; }
    Result<void> set_limits(const HostLimits& limits) override;

    Result<void> declare_exchange(const ExchangeSpec& spec) override;
    const ExchangeSpec* exchange(std::string_view name) const override;
    ExchangeCounts exchange_counts(std::string_view name) const override;
    Result<void> delete_exchange(std::string_view name, bool if_unused) override;
    void each_exchange(const std::function<void(const ExchangeSpec&)>& visit) const override;
    void walk_exchanges(std::string_view first,
                        const std::function<bool(const ExchangeSpec&)>& visit) const override;

    Result<void> bind(const Binding& binding, OwnerId by) override;
    Result<void> unbind(const Binding& binding, OwnerId by) override;
    void each_binding(const std::function<void(const Binding&)>& visit) const override;
    void walk_bindings(
        std::string_view first,
        const std::function<bool(const std::string& place, const Binding&)>& visit) const override;
    void each_binding_to(DestinationKind kind, std::string_view name,
                         const std::function<void(const Binding&)>& visit) const override;

    Result<Queue*> declare_queue(const QueueSpec& spec) override;
    Queue* queue(std::string_view name) const override { return find_queue(name); }
    Result<Queue*> queue_for(std::string_view name, OwnerId by) const override;
    Result<std::uint64_t> delete_queue(std::string_view name, bool if_unused, bool if_empty,
                                       OwnerId by) override;
    Result<std::uint64_t> purge_queue(std::string_view name, OwnerId by) override;
    void each_queue(const std::function<void(Queue&)>& visit) const override;
    void walk_queues(std::string_view first, const std::function<bool(Queue&)>& visit) const override;
    std::size_t queue_count() const { return queues_.size(); }
    std::size_t exchange_count() const { return exchanges_.size(); }

    Result<Published> publish(const Publication& message) override;
    Result<Got> get(Queue& queue, bool settle,
                    const std::function<void(const broker::Stored&, const Delivery&)>& take) override;
    void wait_ready(Queue& queue, broker::Waiter& waiter) override;

    Result<void> consume(Queue& queue, Consumer& consumer) override;
    void leave(Consumer& consumer) override;

    Result<void> put_policy(const Policy& policy, bool of_operator) override;
    Result<void> delete_policy(std::string_view name, bool of_operator) override;
    void each_policy(bool of_operator, const std::function<void(const Policy&)>& visit) const override;
    const Policy* policy_of(DestinationKind kind, std::string_view name, bool of_operator) const override;

    // --- for the others in this room -----------------------------------------------------------------------
    Desk& desk() const { return desk_; }
    ExchangeState* find_exchange(std::string_view name) const;
    QueueState* find_queue(std::string_view name) const;

    /// Whether what dies in the queue goes somewhere.
    bool has_grave(const QueueState& queue) const;
    /// Copies a dying message, which is or will be in flight, for its way to the dead letter exchange.
    void bury(QueueState& queue, const broker::Stored& message, const DeliveryId& id, DeathReason reason);
    /// Publishes what is buried, in all virtual hosts.
    void send_dead();
    /// Routes delayed messages that are due.
    void route_due();
    bool due_left() const { return due_left_; }
    void look_for_due() { due_left_ = delayed_.queue != model::QueueId(); }

    /// A deleted queue that nobody holds any more ends.
    void perhaps_forget(QueueState& queue);
    void remove_queue(QueueState& queue);
    void remove_all();

    // --- recovery ------------------------------------------------------------------------------------------
    void restore_limits(const HostLimits& limits) { limits_ = limits; }
    void restore_exchange(const ExchangeSpec& spec);
    void restore_queue(const QueueSpec& spec, std::uint64_t number);
    void restore_binding(const Binding& binding);
    void restore_policy(const Policy& policy, bool of_operator);
    void restored();

  private:
    ExchangeState& add_exchange(const ExchangeSpec& spec, ExchangeType type);
    void remove_exchange(ExchangeState& exchange);
    /// Only this one; adds the exchanges that had a binding to it.
    void remove_exchange(ExchangeState& exchange, std::vector<std::string>& sources);
    Result<ExchangeState*> exchange_for(std::string_view name) const;
    Result<QueueState*> find_queue_for(std::string_view name, OwnerId by) const;
    Result<QueueState*> add_queue(QueueSpec spec);

    struct Ends {
        ExchangeState* source;
        QueueState* queue;
        ExchangeState* exchange;
    };
    Result<Ends> ends_of(const Binding& binding) const;
    static bool durable_between(const Ends& ends);
    void add_binding(const Binding& binding, const Ends& ends, bool define);
    void remove_binding(BindingRecord& record);
    /// Each of these lost a binding, perhaps its last.
    void auto_delete(std::vector<std::string> sources);

    void apply_policies(QueueState& queue);
    void apply_policies(ExchangeState& exchange);
    void apply_all_policies();

    Result<Published> deliver(std::span<QueueState* const> queues, const Letter& letter);
    struct Target {
        QueueState* queue;
        std::uint8_t lane;
    };
    Result<void> append(std::span<const Target> targets, const Letter& letter, Published& published);
    void overflow_to_dead(QueueState& queue, const Letter& letter);
    Result<Published> delay(const Letter& letter, std::int64_t delay_ms);
    /// Warns who asked an exchange for a delay that knows none.
    void advise_of_delay(ExchangeState& exchange);
    /// To where the travelling message says, with what else its record says.
    Result<Published> publish_again(const Travelling& travelling, Letter letter, bool original_goes);
    Result<void> all_defined(std::span<QueueState* const> queues, const Letter& letter);
    Result<void> open_delayed();
    void send(DeadLetter& dead);

    Desk& desk_;
    Definitions& definitions_;
    const std::string name_;
    const std::uint64_t number_;
    HostLimits limits_;
    NameTable<std::unique_ptr<ExchangeState>> exchanges_;
    NameTable<std::unique_ptr<QueueState>> queues_;
    std::map<std::string, std::unique_ptr<BindingRecord>, std::less<>> bindings_;  ///< by identity
    Policies policies_{false}, operator_policies_{true};
    Router router_;

    std::vector<Target> targets_;    ///< of the publication being delivered
    std::vector<QueueState*> full_;  ///< that reject it
    std::vector<model::QueueId> queue_ids_;

    /// Where delayed messages appear when they are due; made with the first of them.
    QueueState::Lane delayed_;
    class Due final : public broker::Waiter {
      public:
        explicit Due(HostState& host) : host_(host) {}
        void on_readable() override { host_.due_left_ = true; }

      private:
        HostState& host_;
    };
    Due due_{*this};
    bool due_left_ = false;
    LogLimit circles_;
};

}  // namespace posthorn::exchange
