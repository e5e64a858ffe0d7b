#include "gateway/remoting/server.h"

#include <netdb.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "runtime/listener.h"
#include "runtime/loop.h"

namespace posthorn::gateway::remoting {

namespace {

constexpr std::chrono::milliseconds kSweepInterval{100};

wire::Host host_of(const std::string& text) {
    return wire::parse_host(text).value_or(wire::Host{});
}

/// A session on a TCP connection.
class TcpSession final : public runtime::ConnectionHandler, public Channel {
  public:
    explicit TcpSession(Gateway& gateway) : gateway_(gateway) {}

    void on_open(runtime::Connection& connection) override {
        connection_ = &connection;
        session_ = std::make_unique<Session>(gateway_, *this, host_of(connection.peer()),
                                             host_of(connection.local()));
    }
    std::size_t on_data(runtime::Connection&, Bytes data) override { return session_->on_data(data); }
    void on_closed(runtime::Connection&, runtime::CloseReason, std::string_view) override {
        session_.reset();
    }

  private:
    Buffer& out() override { return connection_->out(); }
    bool congested() const override { return connection_->congested(); }
    void close(std::string_view why) override { connection_->close(runtime::CloseReason::handler, why); }

    Gateway& gateway_;
    runtime::Connection* connection_ = nullptr;
    std::unique_ptr<Session> session_;
};

runtime::ConnectionOptions connection_options(const RemotingOptions& options) {
    return {.output_high = options.output_high_bytes,
            .output_low = options.output_high_bytes / 4,
            .output_limit = options.output_limit_bytes,
            .idle_timeout = options.idle_timeout,
            .max_connections = options.connections_max};
}

/// A name somebody wrote as the advertised host, as the address clients can read.
Result<std::string> resolved(const std::string& name) {
    if (name.empty() || wire::parse_host(name + ":0")) return name;
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0)
        return Error{Errc::invalid,
                     "the advertised host (brokerIP1) '" + name + "' is no address and cannot be looked up"};
    std::array<char, NI_MAXHOST> text{};
    const int failed = ::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0,
                                     NI_NUMERICHOST);
    ::freeaddrinfo(found);
    if (failed != 0) return Error{Errc::invalid, "the advertised host '" + name + "' has no address to show"};
    return std::string(text.data());
}

}  // namespace

class RemotingServer::Impl {
  public:
    Impl(runtime::Loop& loop, broker::Broker& broker, RemotingOptions options)
        : loop_(loop),
          gateway_(broker, std::move(options), clock_),
          connections_(std::make_unique<runtime::Connections>(loop, connection_options(gateway_.options))) {}

    Result<void> listen() {
        auto host = resolved(gateway_.options.advertised_host);
        if (!host) return host.error();
        gateway_.options.advertised_host = std::move(*host);
        if (auto made = put_system_names(gateway_); !made) return made;

        RemotingOptions& options = gateway_.options;
        if (auto opened = open(broker_, options.broker_port); !opened) return opened;
        if (auto opened = open(names_, options.name_service_port); !opened) return opened;
        if (options.vip)
            if (auto opened = open(vip_, options.vip_port); !opened) return opened;
        sweep_later();
        return {};
    }

    void close() {
        sweep_ = {};
        vip_.reset(), names_.reset(), broker_.reset();
        connections_.reset();
    }

    Gateway& gateway() { return gateway_; }
    runtime::Connections* connections() { return connections_.get(); }

  private:
    using Door = std::unique_ptr<runtime::Listener>;

    Result<void> open(Door& door, std::uint16_t& port) {
        auto opened = runtime::Listener::open(*connections_, gateway_.options.bind_address, port,
                                              [this] { return std::make_unique<TcpSession>(gateway_); });
        if (!opened) {
            vip_.reset(), names_.reset(), broker_.reset();
            return opened.error();
        }
        door = std::move(*opened);
        port = door->port();
        return {};
    }

    void sweep_later() {
        sweep_ = loop_.after(kSweepInterval, [this] {
            gateway_.sweep();
            sweep_later();
        });
    }

    env::SystemClock clock_;
    runtime::Loop& loop_;
    Gateway gateway_;
    std::unique_ptr<runtime::Connections> connections_;  // its sessions go before the gateway
    Door broker_, names_, vip_;
    runtime::Timer sweep_;
};

RemotingServer::RemotingServer(runtime::Loop& loop, broker::Broker& broker, RemotingOptions options)
    : impl_(std::make_unique<Impl>(loop, broker, std::move(options))) {}
RemotingServer::~RemotingServer() {
    close();
}

Result<void> RemotingServer::listen() {
    return impl_->listen();
}
void RemotingServer::after_tick() {
    impl_->gateway().after_tick();
}
void RemotingServer::close() {
    impl_->close();
}

std::uint16_t RemotingServer::name_service_port() const {
    return impl_->gateway().options.name_service_port;
}
std::uint16_t RemotingServer::broker_port() const {
    return impl_->gateway().options.broker_port;
}
std::uint16_t RemotingServer::vip_port() const {
    return impl_->gateway().options.vip ? impl_->gateway().options.vip_port : std::uint16_t{0};
}

RemotingCounters RemotingServer::counters() const {
    Gateway& gateway = impl_->gateway();
    RemotingCounters counters = gateway.counters;
    counters.held_pulls = gateway.pulls.size();
    counters.pending_sends = gateway.sends.size();
    counters.relayed = gateway.relay.size();
    if (const runtime::Connections* connections = impl_->connections()) {
        const runtime::ConnectionStats& stats = connections->stats();
        counters.connections = connections->size();
        counters.accepted = stats.opened;
        counters.refused_connections = stats.refused;
        counters.idle_closed = stats.closed[static_cast<std::size_t>(runtime::CloseReason::idle)];
        counters.overflow_closed =
            stats.closed[static_cast<std::size_t>(runtime::CloseReason::input_overflow)] +
            stats.closed[static_cast<std::size_t>(runtime::CloseReason::output_overflow)];
        counters.bytes_in = stats.bytes_in;
        counters.bytes_out = stats.bytes_out;
    }
    return counters;
}

void RemotingServer::each_request(const std::function<void(const RequestCounts&)>& visit) const {
    impl_->gateway().dispatcher.each(visit);
}
void RemotingServer::each_topic(const std::function<void(const TopicTraffic&)>& visit) const {
    impl_->gateway().traffic.each_topic(impl_->gateway().catalog(), visit);
}
void RemotingServer::each_group(const std::function<void(const GroupTraffic&)>& visit) const {
    impl_->gateway().traffic.each_group(impl_->gateway().catalog(), visit);
}
std::uint64_t RemotingServer::pulled_to(model::GroupId group, model::TopicId topic,
                                        std::uint32_t queue) const {
    return impl_->gateway().traffic.pulled_to(group, topic, queue);
}
std::vector<ClientInfo> RemotingServer::clients() const {
    return impl_->gateway().clients.list(impl_->gateway());
}

}  // namespace posthorn::gateway::remoting
