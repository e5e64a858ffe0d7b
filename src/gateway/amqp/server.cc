#include "gateway/amqp/server.h"

#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "channel.h"
#include "gateway.h"
#include "runtime/listener.h"
#include "runtime/loop.h"
#include "session.h"

namespace posthorn::gateway::amqp {

namespace {

constexpr std::chrono::milliseconds kSweepInterval{100};
// A client that does not answer connection.close may be gone or busy; who stops a server waits for it.
constexpr std::chrono::milliseconds kShutDownPatience{2000};
constexpr const char* kLoopback = "127.0.0.1";
constexpr const char* kLoopbackV6 = "::1";

/// "127.0.0.1:5672" or "[::1]:5672" in its parts.
void split(std::string_view text, std::string& host, std::uint16_t& port) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        host = text;
        return;
    }
    std::uint32_t number = 0;
    for (const char digit : text.substr(colon + 1))
        if (digit >= '0' && digit <= '9') number = number * 10 + static_cast<std::uint32_t>(digit - '0');
    port = static_cast<std::uint16_t>(number);
    text = text.substr(0, colon);
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    if (constexpr std::string_view mapped = "::ffff:"; text.starts_with(mapped))
        text.remove_prefix(mapped.size());
    host = text;
}

Ends ends_of(const runtime::Connection& connection) {
    Ends ends;
    split(connection.peer(), ends.peer_host, ends.peer_port);
    split(connection.local(), ends.host, ends.port);
    ends.loopback = ends.peer_host.starts_with("127.") || ends.peer_host == "::1";
    ends.tls = connection.tls();
    return ends;
}

void tell_of_handshake(Gateway& gateway, const std::string& peer, std::string_view why) {
    if (!gateway.handshake_lines.allows(gateway.clock.steady_ns())) return;
    log_info("amqp", "TLS handshake of {} failed: {}", peer, why.empty() ? "the peer went" : why);
}

/// A session on a TCP connection.
class TcpSession final : public runtime::ConnectionHandler, public Link {
  public:
    explicit TcpSession(Gateway& gateway) : gateway_(gateway) {}

    void on_open(runtime::Connection& connection) override {
        connection_ = &connection;
        session_ = std::make_unique<Session>(gateway_, *this, ends_of(connection));
    }
    std::size_t on_data(runtime::Connection&, Bytes data) override { return session_->on_data(data); }
    void on_writable(runtime::Connection&) override { session_->on_writable(); }
    void on_closed(runtime::Connection& connection, runtime::CloseReason reason,
                   std::string_view why) override {
        if (!session_ && reason != runtime::CloseReason::shutdown)
            tell_of_handshake(gateway_, connection.peer(), why);
        session_.reset();
    }

  private:
    Buffer& out() override { return connection_->out(); }
    bool congested() const override { return connection_->congested(); }
    std::size_t unsent() const override { return connection_->unsent(); }
    std::uint64_t bytes_out() const override { return connection_->bytes_sent() + connection_->unsent(); }
    void pause_reading() override { connection_->pause_reading(); }
    void resume_reading() override { connection_->resume_reading(); }
    void close(std::string_view why) override { connection_->close(runtime::CloseReason::handler, why); }
    void close_when_sent() override { connection_->close_when_sent(); }

    Gateway& gateway_;
    runtime::Connection* connection_ = nullptr;
    std::unique_ptr<Session> session_;
};

runtime::ConnectionOptions connection_options(const AmqpOptions& options) {
    return {.input_limit = std::size_t{options.frame_max} + 8 + (std::size_t{64} << 10),
            .output_high = options.output_high_bytes,
            .output_low = options.output_high_bytes / 4,
            .read_while_congested = true,  // many clients publish and settle from one thread with reading
            .output_limit = options.output_limit_bytes,
            .idle_timeout = std::chrono::milliseconds(0),  // heartbeats are the sessions' own
            .max_connections = options.connections_max};
}

}  // namespace

class AmqpServer::Impl {
  public:
    Impl(runtime::Loop& loop, broker::Broker& broker, exchange::VirtualHosts& hosts, exchange::Alarms& alarms,
         auth::Users& users, AmqpOptions options)
        : loop_(loop),
          gateway_(broker, hosts, alarms, users, std::move(options), clock_),
          connections_(std::make_unique<runtime::Connections>(loop, connection_options(gateway_.options))) {}

    Result<void> listen() {
        AmqpOptions& options = gateway_.options;
        if (options.plain)
            if (auto opened = open(doors_, options.port, nullptr); !opened) return opened;
        if (options.tls)
            if (auto opened = open(tls_doors_, options.tls_port, options.tls); !opened) return opened;
        sweep_later();
        return {};
    }

    void set_tls(std::shared_ptr<const runtime::TlsContext> tls) {
        for (auto& door : tls_doors_)
            door->set_tls(tls);
        gateway_.options.tls = std::move(tls);
    }

    void shut_down(std::function<void()> done) {
        stop_listening();
        gateway_.sessions.each([](Session& session) {
            session.force_close("broker forced connection closure with reason 'shutdown'");
        });
        all_gone_ = std::move(done);
        patience_end_ms_ = gateway_.steady_ms() + kShutDownPatience.count();
        tell_when_gone();
    }

    void close() {
        sweep_ = {};
        stop_listening();
        connections_.reset();
    }

    Gateway& gateway() { return gateway_; }
    runtime::Connections* connections() { return connections_.get(); }

  private:
    using Doors = std::vector<std::unique_ptr<runtime::Listener>>;

    /// `port` is the one that was taken afterwards.
    Result<void> open(Doors& doors, std::uint16_t& port,
                      const std::shared_ptr<const runtime::TlsContext>& tls) {
        const std::string& address = gateway_.options.bind_address;
        auto first = open(address, port, tls);
        if (!first) return first.error();
        port = (*first)->port();
        doors.push_back(std::move(*first));
        if (address != kLoopback) return {};
        // Clients told "localhost" may take it for the one or the other.
        if (auto second = open(kLoopbackV6, port, tls))
            doors.push_back(std::move(*second));
        else
            log_info("amqp", "listening on {} only: {}", kLoopback, second.error().message);
        return {};
    }
    Result<std::unique_ptr<runtime::Listener>> open(const std::string& address, std::uint16_t port,
                                                    const std::shared_ptr<const runtime::TlsContext>& tls) {
        return runtime::Listener::open(
            *connections_, address, port, [this] { return std::make_unique<TcpSession>(gateway_); }, tls);
    }
    void stop_listening() {
        doors_.clear();
        tls_doors_.clear();
    }

    void sweep_later() {
        sweep_ = loop_.after(kSweepInterval, [this] {
            gateway_.sweep();
            tell_when_gone();
            sweep_later();
        });
    }

    void tell_when_gone() {
        if (!all_gone_) return;
        if (gateway_.sessions.size() != 0 && gateway_.steady_ms() < patience_end_ms_) return;
        std::exchange(all_gone_, nullptr)();
    }

    env::SystemClock clock_;
    runtime::Loop& loop_;
    Gateway gateway_;
    std::unique_ptr<runtime::Connections> connections_;  // its sessions go before the gateway
    Doors doors_, tls_doors_;
    runtime::Timer sweep_;
    std::function<void()> all_gone_;  ///< of `shut_down`, until it is called
    std::int64_t patience_end_ms_ = 0;
};

AmqpServer::AmqpServer(runtime::Loop& loop, broker::Broker& broker, exchange::VirtualHosts& hosts,
                       exchange::Alarms& alarms, auth::Users& users, AmqpOptions options)
    : impl_(std::make_unique<Impl>(loop, broker, hosts, alarms, users, std::move(options))) {}
AmqpServer::~AmqpServer() {
    close();
}

Result<void> AmqpServer::listen() {
    return impl_->listen();
}
void AmqpServer::after_tick() {
    impl_->gateway().after_tick();
}
void AmqpServer::shut_down(std::function<void()> done) {
    impl_->shut_down(std::move(done));
}
void AmqpServer::close() {
    impl_->close();
}
std::uint16_t AmqpServer::port() const {
    return impl_->gateway().options.port;
}
std::uint16_t AmqpServer::tls_port() const {
    return impl_->gateway().options.tls_port;
}
void AmqpServer::set_tls(std::shared_ptr<const runtime::TlsContext> tls) {
    impl_->set_tls(std::move(tls));
}

AmqpCounters AmqpServer::counters() const {
    Gateway& gateway = impl_->gateway();
    AmqpCounters counters = gateway.counters;
    counters.connections = gateway.sessions.size();
    counters.channels = gateway.channels.size();
    counters.pending_confirms = gateway.confirms.size();
    if (const runtime::Connections* connections = impl_->connections()) {
        const runtime::ConnectionStats& stats = connections->stats();
        counters.accepted = stats.opened;
        counters.refused_connections = stats.refused;
        counters.overflow_closed =
            stats.closed[static_cast<std::size_t>(runtime::CloseReason::input_overflow)] +
            stats.closed[static_cast<std::size_t>(runtime::CloseReason::output_overflow)];
        counters.tls_handshakes = stats.handshakes;
        counters.tls_handshakes_failed = stats.handshakes_failed;
        counters.tls_closed = stats.closed[static_cast<std::size_t>(runtime::CloseReason::tls_failed)];
        counters.bytes_in = stats.bytes_in;
        counters.bytes_out = stats.bytes_out;
    }
    return counters;
}

void AmqpServer::each_connection(const std::function<void(const ConnectionInfo&)>& visit) const {
    impl_->gateway().sessions.each([&](Session& session) {
        ConnectionInfo info;
        session.describe(info);
        visit(info);
    });
}

void AmqpServer::each_channel(const std::function<void(const ChannelInfo&)>& visit) const {
    impl_->gateway().channels.each([&](Channel& channel) {
        ChannelInfo info;
        channel.describe(info);
        visit(info);
    });
}

void AmqpServer::each_consumer(const std::function<void(const ConsumerInfo&)>& visit) const {
    impl_->gateway().channels.each([&](Channel& channel) {
        channel.each_consumer([&](const ChannelConsumer& consumer, const exchange::Queue& queue) {
            ConsumerInfo info;
            info.connection = channel.session().id();
            info.connection_name = channel.session().name();
            info.user = channel.session().user();
            info.virtual_host = channel.session().access().virtual_host();
            info.channel = channel.number();
            info.queue = queue.spec().name, info.tag = consumer.options().tag;
            info.exclusive = consumer.options().exclusive;
            info.active = queue.active(consumer);
            info.ack_required = !consumer.options().settles_at_once;
            info.prefetch = consumer.prefetch(), info.priority = consumer.priority();
            info.arguments = &consumer.options().arguments;
            visit(info);
        });
    });
}

bool AmqpServer::close_connection(std::string_view name, std::string_view reason) {
    bool found = false;
    impl_->gateway().sessions.each([&](Session& session) {
        if (session.name() != name) return;
        found = true;
        session.force_close(reason);
    });
    return found;
}

void AmqpServer::close_user(std::string_view user, std::string_view reason) {
    impl_->gateway().sessions.each([&](Session& session) {
        if (session.user() == user) session.force_close(reason);
    });
}

void AmqpServer::close_virtual_host(std::string_view name, std::string_view reason) {
    impl_->gateway().sessions.each([&](Session& session) {
        if (session.virtual_host() != nullptr && session.virtual_host()->name() == name)
            session.force_close(reason);
    });
}

}  // namespace posthorn::gateway::amqp
