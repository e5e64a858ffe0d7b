#include <fmt/core.h>

#include "arguments.h"
#include "base/log.h"
#include "gateway.h"
#include "session.h"
#include "wire/amqp/encode.h"
#include "wire/amqp/sasl.h"
#include "wire/amqp/table_writer.h"

/// From the protocol header to connection.open-ok. What goes wrong here is answered as little as RabbitMQ
/// answers it: with `refused_silence` and the end, but for a refused login (if the client can be told) and a
/// virtual host that is not there.
namespace posthorn::gateway::amqp {

namespace {

constexpr std::string_view kMechanisms = "AMQPLAIN PLAIN";
constexpr std::string_view kMechanismsWithCertificate = "EXTERNAL AMQPLAIN PLAIN";
constexpr std::string_view kLocales = "en_US";

/// One of ours, as a text that stays; empty: none.
std::string_view known_mechanism(std::string_view asked, bool tls) {
    if (asked == "EXTERNAL" && tls) return "EXTERNAL";
    return asked == "PLAIN" ? "PLAIN" : asked == "AMQPLAIN" ? "AMQPLAIN" : "";
}

}  // namespace

void Session::send_start() {
    const AmqpOptions& options = gateway_.options;
    Buffer properties;
    wire::TableWriter writer(properties);
    wire::write_capabilities(writer, wire::server_capabilities());
    writer.name("cluster_name").text(options.cluster_name);
    writer.name("information").text(options.information);
    writer.name("platform").text(options.platform);
    writer.name("product").text(options.product);
    writer.name("version").text(options.version);
    const wire::TableView table = writer.finish();
    wire::append_method(
        link_.out(), 0,
        wire::ConnectionStart{
            .server_properties = table,
            .mechanisms = ends_.tls && ends_.tls->peer ? kMechanismsWithCertificate : kMechanisms,
            .locales = kLocales});
    state_ = State::start;
}

/// Who the client is by its certificate; empty: by none.
std::string Session::certificate_user() const {
    if (!ends_.tls || !ends_.tls->peer) return {};
    const runtime::Certificate& certificate = *ends_.tls->peer;
    return gateway_.options.certificate_login == CertificateLogin::common_name ? certificate.common_name
                                                                               : certificate.subject;
}

bool Session::logs_in(const wire::ConnectionStartOk& method, std::string& user) const {
    if (mechanism_ == "EXTERNAL") {
        user = certificate_user();
        return !user.empty() && gateway_.users.user(user) != nullptr &&
               (ends_.loopback || !gateway_.users.loopback_only(user));
    }
    const auto credentials =
        mechanism_ == "PLAIN" ? wire::parse_plain(method.response) : wire::parse_amqplain(method.response);
    if (!credentials) return false;
    user = credentials->user;
    if (gateway_.users.loopback_only(user) && !ends_.loopback) return false;
    return gateway_.users.password_matches(user, credentials->password);
}

void Session::start_ok(const wire::ConnectionStartOk& method) {
    mechanism_ = known_mechanism(method.mechanism, ends_.tls != nullptr);
    if (mechanism_.empty())
        return fall_silent(fmt::format("it asks for the unknown mechanism '{}'", method.mechanism));
    capabilities_ = wire::read_capabilities(method.client_properties);
    std::string user;
    if (!logs_in(method, user)) {
        ++gateway_.counters.logins_refused;
        fall_silent(!user.empty()              ? fmt::format("login of '{}' refused", user)
                    : mechanism_ == "EXTERNAL" ? std::string("no certificate says who it is")
                                               : std::string("a malformed login"),
                    LogLevel::warn);
        const bool malformed = user.empty() && mechanism_ != "EXTERNAL";
        if (malformed || !capabilities_.authentication_failure_close) return;
        const std::string text = wire::reply_text(
            wire::ReplyCode::access_refused,
            fmt::format("Login was refused using authentication mechanism {}. For details see the broker "
                        "logfile.",
                        mechanism_));
        wire::append_method(
            link_.out(), 0,
            wire::ConnectionClose{.reply_code = wire::ReplyCode::access_refused, .reply_text = text});
        state_ = State::closing;
        return;
    }
    access_.enter(user, "");
    client_properties_ = to_arguments(method.client_properties);
    const AmqpOptions& options = gateway_.options;
    wire::append_method(
        link_.out(), 0,
        wire::ConnectionTune{.channel_max = options.channel_max,
                             .frame_max = options.frame_max,
                             .heartbeat = static_cast<std::uint16_t>(options.heartbeat.count())});
    state_ = State::tune;
}

void Session::tune_ok(const wire::ConnectionTuneOk& method) {
    const AmqpOptions& options = gateway_.options;
    // 0 means "no limit" and so more than ours, unless ours is none either.
    const auto fits = [](std::uint32_t asked, std::uint32_t limit) {
        return limit == 0 || (asked != 0 && asked <= limit);
    };
    if (!fits(method.channel_max, options.channel_max) || !fits(method.frame_max, options.frame_max) ||
        (method.frame_max != 0 && method.frame_max < wire::kMinFrameMax))
        return fall_silent(
            fmt::format("it asks for channel_max {} and frame_max {}", method.channel_max, method.frame_max));
    channel_max_ = method.channel_max;
    frame_max_ = method.frame_max;
    heartbeat_s_ = method.heartbeat;
    said_ms_ = gateway_.steady_ms();
    state_ = State::open;
}

void Session::open(const wire::ConnectionOpen& method) {
    const auto refused = [this](std::string detail) {
        state_ = State::running;  // so far, that the client is told
        fail({wire::ReplyCode::not_allowed, wire::MethodCode::connection_open, std::move(detail)});
    };
    exchange::VirtualHost* const host = gateway_.hosts.find(method.virtual_host);
    if (host == nullptr) return refused(fmt::format("vhost {} not found", method.virtual_host));
    if (const auto most = host->limits().max_connections; most && gateway_.connections_in(*host) >= *most)
        return refused(
            fmt::format("access to vhost '{}' refused for user '{}': connection limit ({}) is reached",
                        method.virtual_host, access_.user(), *most));
    if (!gateway_.users.may_enter(access_.user(), method.virtual_host))
        return refused(
            fmt::format("access to vhost '{}' refused for user '{}'", method.virtual_host, access_.user()));
    const std::string user = access_.user();
    access_.enter(user, method.virtual_host);
    host_ = host;
    gateway_.entered(*host);
    wire::append_method(link_.out(), 0, wire::ConnectionOpenOk{});
    state_ = State::running;
    said_bytes_ = link_.bytes_out();
    ++gateway_.counters.connections_opened;
    const std::string* const given_name = client_properties_.text("connection_name");
    log_debug("amqp", "{} is '{}' in vhost '{}', connection_name '{}'", name_, access_.user(),
              method.virtual_host, given_name != nullptr ? *given_name : std::string());
}

void Session::update_secret(const wire::ConnectionUpdateSecret&) {
    // Passwords are checked when a connection opens; a new one takes effect with the next.
    wire::append_method(link_.out(), 0, wire::ConnectionUpdateSecretOk{});
}

}  // namespace posthorn::gateway::amqp
