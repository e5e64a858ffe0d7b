#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "broker/catalog.h"
#include "exchange/virtual_host.h"

namespace posthorn::exchange {

/// What is durable of virtual hosts, as documents in the broker's catalog: one per host, exchange, queue,
/// binding and policy. docs/formats/meta.md says what stands in them.
class Definitions {
  public:
    explicit Definitions(broker::Catalog& catalog) : catalog_(catalog) {}

    /// `number` names its queue of delayed messages.
    void put_host(std::string_view host, std::uint64_t number, const HostLimits& limits);
    void remove_host(std::string_view host);
    void put_exchange(std::string_view host, const ExchangeSpec& spec);
    void remove_exchange(std::string_view host, std::string_view name);
    /// `number` names its lanes in the broker.
    void put_queue(std::string_view host, const QueueSpec& spec, std::uint64_t number);
    void remove_queue(std::string_view host, std::string_view name);
    void put_binding(std::string_view host, const Binding& binding);
    void remove_binding(std::string_view host, const Binding& binding);
    void put_policy(std::string_view host, const Policy& policy, bool of_operator);
    void remove_policy(std::string_view host, std::string_view name, bool of_operator);

    /// Whether a client's change can be written down: asked before anything is changed.
    Result<void> admit() const { return catalog_.admit(); }
    // A client asked for what is there, or gone, already: its answer waits for what is on its way.
    void await_exchange(std::string_view host, std::string_view name);
    void await_queue(std::string_view host, std::string_view name);
    void await_binding(std::string_view host, const Binding& binding);

    /// What was found at open, hosts first and bindings after both their ends; what cannot be read is named
    /// in the log and left out.
    class Visitor {
      public:
        virtual ~Visitor() = default;
        virtual void host(const std::string& name, std::uint64_t number, const HostLimits& limits) = 0;
        virtual void exchange(const std::string& host, const ExchangeSpec& spec) = 0;
        virtual void queue(const std::string& host, const QueueSpec& spec, std::uint64_t number) = 0;
        virtual void binding(const std::string& host, const Binding& binding) = 0;
        virtual void policy(const std::string& host, const Policy& policy, bool of_operator) = 0;
    };
    void load(Visitor& visitor);

  private:
    broker::Catalog& catalog_;
};

/// What makes two bindings of a virtual host the same.
std::string binding_identity(const Binding& binding);

std::string_view name(Policy::Applies applies);

}  // namespace posthorn::exchange
