#pragma once

#include <memory>

#include "config.h"
#include "http/server.h"
#include "management/sessions.h"

#if POSTHORN_WITH_AMQP
#include "gateway/amqp/server.h"
#endif

namespace posthorn::server {

/// What the management pages are told of the AMQP gateway and of the ports.
class ServerSessions final : public management::Sessions {
  public:
    explicit ServerSessions(const Config& config) : config_(config) {}

    /// Null: it is not there yet, or no longer.
    void set_http(const http::Server* http) { http_ = http; }
    std::vector<management::Listener> listeners() const override;

#if POSTHORN_WITH_AMQP
    void set_amqp(gateway::amqp::AmqpServer* amqp) { amqp_ = amqp; }

    management::SessionTotals totals() const override;
    void each_connection(const std::function<void(const management::Connection&)>& visit) const override;
    void each_channel(const std::function<void(const management::Channel&)>& visit) const override;
    void each_consumer(const std::function<void(const management::Consumer&)>& visit) const override;
    bool close_connection(std::string_view name, std::string_view reason) override;
    void close_user(std::string_view user, std::string_view reason) override;
    void close_virtual_host(std::string_view name, std::string_view reason) override;
    Result<exchange::Published> publish(exchange::VirtualHost& host,
                                        const management::Message& message) override;
    std::optional<management::Message> read(const broker::Stored& stored) const override;
#endif

  private:
    const Config& config_;
    const http::Server* http_ = nullptr;
#if POSTHORN_WITH_AMQP
    gateway::amqp::AmqpServer* amqp_ = nullptr;
#endif
};

}  // namespace posthorn::server
