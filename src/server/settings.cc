#include "settings.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>

#include "values.h"

namespace posthorn::server {
namespace {

// Each maker turns a place in Config (`at`, a generic lambda, so that it serves const and non-const) into a
// setting of one kind.

/// Any kind: `parse` gives a Result of what lies at the place, `show` its text.
template <class At, class Parse, class Show>
Setting setting(std::string_view key, std::string_view kind, At at, Parse parse, Show show,
                std::string_view about) {
    return {key, kind, about,
            [at, parse](Config& config, std::string_view value) -> Result<void> {
                auto parsed = parse(value);
                if (!parsed) return parsed.error();
                at(config) = *std::move(parsed);
                return {};
            },
            [at, show](const Config& config) { return show(at(config)); }};
}

template <class At>
Setting text(std::string_view key, At at, std::string_view about) {
    return setting(
        key, "text", at, [](std::string_view value) -> Result<std::string> { return std::string(value); },
        [](const std::string& value) { return value; }, about);
}

template <class At>
Setting on_off(std::string_view key, At at, std::string_view about) {
    return setting(
        key, "on or off", at, parse_switch, [](bool on) { return std::string(on ? "on" : "off"); }, about);
}

template <class At, class Parse, class Show>
Setting whole_number(std::string_view key, std::string_view kind, At at, Parse parse, Show show,
                     std::string_view about) {
    using Number = std::remove_reference_t<decltype(at(std::declval<Config&>()))>;
    const auto fitting = [parse](std::string_view value) -> Result<Number> {
        auto parsed = parse(value);
        if (!parsed) return parsed.error();
        const auto number = static_cast<std::uint64_t>(*parsed);
        const auto most = static_cast<std::uint64_t>(std::numeric_limits<Number>::max());
        if (number > most) return Error{Errc::invalid, fmt::format("'{}' is more than {}", value, most)};
        return static_cast<Number>(number);
    };
    return setting(key, kind, at, fitting, show, about);
}

std::string show_number(std::uint64_t number) {
    return fmt::format("{}", number);
}

template <class At>
Setting count(std::string_view key, At at, std::string_view about) {
    return whole_number(key, "number", at, parse_count, show_number, about);
}
template <class At>
Setting port(std::string_view key, At at, std::string_view about) {
    return whole_number(key, "port", at, parse_count, show_number, about);
}
template <class At>
Setting bytes(std::string_view key, At at, std::string_view about) {
    return whole_number(key, "bytes", at, parse_bytes, show_bytes, about);
}
/// Milliseconds in a plain integer.
template <class At>
Setting time(std::string_view key, At at, std::string_view about) {
    return whole_number(key, "time", at, parse_time, show_time, about);
}
/// Milliseconds in a std::chrono duration.
template <class At>
Setting span(std::string_view key, At at, std::string_view about) {
    const auto parse = [](std::string_view value) -> Result<std::chrono::milliseconds> {
        auto parsed = parse_time(value);
        if (!parsed) return parsed.error();
        return std::chrono::milliseconds(*parsed);
    };
    return setting(
        key, "time", at, parse, [](auto value) { return show_time(value.count()); }, about);
}

/// Whole seconds in a std::chrono duration, as many as two bytes hold.
template <class At>
Setting seconds(std::string_view key, At at, std::string_view about) {
    static constexpr std::int64_t most = 65'535;
    const auto parse = [](std::string_view value) -> Result<std::chrono::seconds> {
        auto parsed = parse_time(value);
        if (!parsed) return parsed.error();
        if (*parsed % 1000 != 0 || *parsed / 1000 > most)
            return Error{Errc::invalid,
                         fmt::format("'{}' is no whole number of seconds up to {}", value, most)};
        return std::chrono::seconds(*parsed / 1000);
    };
    return setting(
        key, "time", at, parse,
        [](auto value) { return show_time(std::chrono::milliseconds(value).count()); }, about);
}

/// A text that is not shown, unless it is the default, which everybody knows.
template <class At>
Setting secret(std::string_view key, At at, std::string_view about) {
    Setting made = text(key, at, about);
    made.show = [at](const Config& config) {
        const Config defaults;
        return at(config) == at(defaults) ? at(defaults) : std::string("***");
    };
    return made;
}

template <class At>
Setting ratio(std::string_view key, At at, std::string_view about) {
    return setting(
        key, "share", at, parse_ratio, [](double value) { return fmt::format("{:.2f}", value); }, about);
}

template <class Choice>
struct Word {
    std::string_view word;
    Choice value;
};

template <class At, class Choice>
Setting choice(std::string_view key, std::string_view kind, At at, std::vector<Word<Choice>> words,
               std::string_view about) {
    const auto parse = [words, kind](std::string_view value) -> Result<Choice> {
        for (const auto& known : words)
            if (known.word == value) return known.value;
        return Error{Errc::invalid, fmt::format("'{}' is not one of: {}", value, kind)};
    };
    const auto show = [words](Choice value) {
        for (const auto& known : words)
            if (known.value == value) return std::string(known.word);
        return std::string();
    };
    return setting(key, kind, at, parse, show, about);
}

/// -1 is any hour.
Result<int> parse_hour(std::string_view value) {
    if (value == "any") return -1;
    const auto hour = parse_count(value);
    if (!hour || *hour > 23)
        return Error{Errc::invalid, fmt::format("'{}' is no hour; write 0 to 23, or any", value)};
    return static_cast<int>(*hour);
}
std::string show_hour(int hour) {
    return hour < 0 ? std::string("any") : fmt::format("{}", hour);
}

#if POSTHORN_WITH_REMOTING
std::string show_delay_levels(const std::vector<std::int64_t>& levels) {
    std::string text;
    for (const std::int64_t ms : levels)
        text += (text.empty() ? "" : " ") + (ms == 0 ? std::string("0s") : show_time(ms));
    return text;
}
#endif

#define AT(place) [](auto& config) -> auto& { return config.place; }

// It would indent all of the list anew around the #if.
// clang-format off
std::vector<Setting> make_settings() {
    using broker::Flush;
    return {
        text("data.directory", AT(data_directory), "where everything is kept; made if it is not there"),
        choice("log.level", "debug, info, warn, error", AT(log_level),
               std::vector<Word<LogLevel>>{{"debug", LogLevel::debug},
                                           {"info", LogLevel::info},
                                           {"warn", LogLevel::warn},
                                           {"error", LogLevel::error}},
               "the least important lines that are logged"),
        choice("log.format", "text, json", AT(log_format),
               std::vector<Word<LogFormat>>{{"text", LogFormat::text}, {"json", LogFormat::json}},
               "lines for people, or one JSON object a line"),

        text("network.bind", AT(bind_address),
             "address every port listens on; 0.0.0.0 opens them to the network, where only AMQP asks for a "
             "password"),
#if POSTHORN_WITH_REMOTING
        text("network.advertise", AT(remoting.advertised_host),
             "IPv4 address clients are told to come to; empty: the one each client came to"),
        port("network.advertise_port", AT(remoting.advertised_port),
             "broker port clients are told; 0: the one it listens on"),
        port("ports.name_service", AT(remoting.name_service_port), "RocketMQ name service; 0: any free port"),
        port("ports.broker", AT(remoting.broker_port), "RocketMQ broker; 0: any free port"),
        port("ports.vip", AT(remoting.vip_port), "the broker's VIP twin, for old clients and tools"),
        on_off("ports.vip_enabled", AT(remoting.vip), "whether the VIP twin listens"),
#endif
        port("ports.http", AT(http.port), "the page, /api, /healthz and /metrics; 0: any free port"),
        on_off("ports.http_enabled", AT(http_enabled), "whether the HTTP port listens"),

        text("tls.certfile", AT(tls.certificate_file),
             "the server's certificate, PEM, with those between it and its CA behind it; empty: no port "
             "with TLS"),
        text("tls.keyfile", AT(tls.key_file), "its private key, PEM; empty: it stands in tls.certfile"),
        secret("tls.password", AT(tls.key_password), "password of an encrypted key"),
        text("tls.cacertfile", AT(tls.authorities_file),
             "the CAs that clients' certificates must come from, PEM"),
        choice("tls.verify", "verify_none, verify_peer", AT(tls.verify_peer),
               std::vector<Word<bool>>{{"verify_none", false}, {"verify_peer", true}},
               "whether clients are asked for a certificate, which must be good then, and may log in by it"),
        on_off("tls.fail_if_no_peer_cert", AT(tls.fail_if_no_peer_certificate),
               "with verify_peer: whether clients without one are turned away"),
        choice("tls.oldest_version", "tlsv1.2, tlsv1.3", AT(tls.oldest_version),
               std::vector<Word<runtime::TlsVersion>>{{"tlsv1.2", runtime::TlsVersion::v1_2},
                                                      {"tlsv1.3", runtime::TlsVersion::v1_3}},
               "older versions are refused"),

#if POSTHORN_WITH_REMOTING
        text("cluster.name", AT(remoting.cluster_name), "the cluster tools and clients see"),
        text("broker.name", AT(remoting.broker_name), "the broker's name in routes"),
        text("broker.region", AT(remoting.region), "region id clients write into traces"),
#endif

        choice("store.flush", "async, sync", AT(engine.flush),
               std::vector<Word<Flush>>{{"async", Flush::async}, {"sync", Flush::sync}},
               "when a send is answered: after the write (survives a killed process) or after the sync "
               "(survives a power cut)"),
        time("store.sync_interval", AT(engine.sync_interval_ms),
             "async flush: sync at least this often, so a power cut costs no more"),
        bytes("store.unsynced_max", AT(engine.unsynced_bytes_max),
              "async flush: sync earlier when more than this is unsynced"),
        time("store.progress_interval", AT(engine.progress_interval_ms),
             "how often the groups' offsets are noted"),
#if POSTHORN_WITH_REMOTING
        bytes("store.message_max", AT(remoting.message_max_bytes),
              "largest message body of RocketMQ clients"),
#endif
        time("store.delay_max", AT(engine.max_delay_ms), "longest delay a message may ask for"),
        time("store.retention", AT(engine.retention_ms), "age at which messages go"),
        bytes("store.retention_bytes", AT(engine.retention_bytes),
              "size at which the oldest messages go; 0: by age and disk only"),
        setting("store.delete_hour", "0 to 23, or any", AT(engine.delete_hour), parse_hour, show_hour,
                "local hour at which old segments go by age"),
        ratio("store.disk_clean", AT(engine.disk_clean_ratio),
              "used share of the disk at which old messages go at any hour"),
        ratio("store.disk_force", AT(engine.disk_force_ratio),
              "used share at which the oldest segment goes whatever its age"),
        ratio("store.disk_refuse", AT(engine.disk_refuse_ratio),
              "used share at which sends are refused; reads go on"),
        bytes("store.stream_segment", AT(engine.stream_segment_bytes), "segment size of the topics' log"),
        bytes("store.queue_segment", AT(engine.queue_segment_bytes),
              "segment size of the log of delayed and singly settled messages"),
        bytes("store.stream_tail", AT(engine.stream_tail_bytes),
              "newest part of the topics' log kept in memory; a power of two"),
        bytes("store.queue_tail", AT(engine.queue_tail_bytes), "the same of the other log"),
        count("store.near_timers", AT(engine.near_timers),
              "delayed messages whose due time is kept in memory; those of the others are on the disk"),
        bytes("store.cold", AT(engine.cold_bytes), "memory per log for readers far behind"),
        bytes("store.volatile_memory", AT(engine.volatile_memory_bytes),
              "messages that need not survive a restart: beyond this they go to a file"),
        bytes("store.volatile_index", AT(engine.volatile_index_bytes),
              "and where they are, 9 bytes each: beyond this they are refused"),
        count("limits.topics", AT(engine.topics_max), "topics at most"),
        count("limits.queues", AT(engine.queues_max), "queues at most, over all topics"),
        count("limits.groups", AT(engine.groups_max), "consumer groups at most"),
        count("limits.in_flight", AT(engine.in_flight_max),
              "messages in flight at most; with those that came back four times as many"),
        count("limits.progress", AT(engine.progress_max),
              "group offsets at most, one per group and queue it reads"),
#if POSTHORN_WITH_REMOTING
        count("limits.connections", AT(remoting.connections_max), "RocketMQ connections at most"),
#endif
        count("limits.http_connections", AT(http.connections), "HTTP connections at most"),

#if POSTHORN_WITH_REMOTING
        on_off("remoting.auto_create_topics", AT(remoting.auto_create_topics),
               "make a topic when somebody sends to it"),
        on_off("remoting.auto_create_groups", AT(remoting.auto_create_groups),
               "make a group when somebody joins it"),
        count("remoting.default_queues", AT(remoting.default_topic_queues), "queues of a topic made so"),
        on_off("remoting.cluster_topic", AT(remoting.cluster_topic), "offer a topic named as the cluster"),
        on_off("remoting.broker_topic", AT(remoting.broker_topic), "offer a topic named as the broker"),
        on_off("remoting.order_topics", AT(remoting.order_topics),
               "routes carry the queues that mqadmin updateOrderConf names for an ordered topic"),
        on_off("remoting.trace", AT(remoting.trace_on), "tell clients they may send traces"),
        setting("remoting.delay_levels", "list of times", AT(remoting.delay_levels),
                gateway::remoting::parse_delay_levels, show_delay_levels,
                "what the delay levels 1, 2, 3, ... stand for"),
        span("remoting.client_timeout", AT(remoting.client_timeout), "a client silent so long is gone"),
        span("remoting.idle_timeout", AT(remoting.idle_timeout),
             "a connection without a byte so long is closed"),
        span("remoting.queue_lock_timeout", AT(remoting.queue_lock_timeout),
             "how long an orderly consumer holds a queue without renewing"),
        ratio("remoting.in_memory", AT(remoting.in_memory_ratio),
              "share of the machine's memory up to which messages count as young for a new group"),
        count("remoting.pull_messages_max", AT(remoting.pull_messages_max), "messages in one pull at most"),
        bytes("remoting.pull_bytes_max", AT(remoting.pull_bytes_max), "bytes in one pull at most"),
        bytes("remoting.output_high", AT(remoting.output_high_bytes),
              "unsent bytes at which a client is not read any more"),
        bytes("remoting.output_limit", AT(remoting.output_limit_bytes), "and at which it is disconnected"),
#endif
    };
}
// clang-format on

#if POSTHORN_WITH_AMQP
std::vector<Setting> make_amqp_settings() {
    return {
        port("ports.amqp", AT(amqp.port), "AMQP 0-9-1; 0: any free port"),
        port("ports.amqps", AT(amqp.tls_port),
             "AMQP 0-9-1 with TLS, where tls.certfile is set; 0: any free port"),
        on_off("ports.amqp_enabled", AT(amqp_enabled), "whether the AMQP port without TLS listens"),
        count("limits.amqp_connections", AT(amqp.connections_max), "AMQP connections at most"),
        count("limits.amqp_channels", AT(amqp.channels_max), "AMQP channels at most, over all connections"),
        seconds("amqp.heartbeat", AT(amqp.heartbeat), "heartbeat proposed to clients; 0: none"),
        count("amqp.channel_max", AT(amqp.channel_max), "channels of one connection at most"),
        bytes("amqp.frame_max", AT(amqp.frame_max), "largest frame, at least 4KiB"),
        bytes("amqp.message_max", AT(amqp.message_max_bytes),
              "largest message body, up to 128MiB; store.queue_tail and store.queue_segment grow with it"),
        span("amqp.handshake_timeout", AT(amqp.handshake_timeout), "time a client has to log in"),
        span("amqp.consumer_timeout", AT(amqp.consumer_timeout),
             "time a client may keep a message without settling it; 0s: any"),
        bytes("amqp.output_high", AT(amqp.output_high_bytes),
              "unsent bytes at which a client gets no more messages"),
        bytes("amqp.output_limit", AT(amqp.output_limit_bytes), "and at which it is disconnected"),
        choice("amqp.ssl_cert_login_from", "distinguished_name, common_name", AT(amqp.certificate_login),
               std::vector<Word<gateway::amqp::CertificateLogin>>{
                   {"distinguished_name", gateway::amqp::CertificateLogin::distinguished_name},
                   {"common_name", gateway::amqp::CertificateLogin::common_name}},
               "what of a client's certificate is its user's name (mechanism EXTERNAL)"),
        text("amqp.cluster_name", AT(amqp.cluster_name), "the cluster clients are told"),
        text("amqp.default_user", AT(first_user.name), "made when there is no user yet, as administrator"),
        secret("amqp.default_password", AT(first_user.password), "the password of that user"),
        text("amqp.default_virtual_host", AT(first_user.virtual_host),
             "the virtual host that user may do everything in"),
        text("amqp.loopback_users", AT(first_user.loopback_only),
             "users that may come from this machine only, with commas or blanks between; none, or empty: "
             "nobody"),
        ratio("alarms.memory", AT(memory_alarm_ratio),
              "share of the machine's memory Posthorn may take before AMQP publishers are held back; 0: no "
              "limit"),
        bytes("alarms.disk_free", AT(disk_alarm_bytes),
              "free disk below which AMQP publishers are held back; where store.disk_refuse begins, if that "
              "is sooner"),
    };
}
#endif

#undef AT

std::vector<Setting> make_all_settings() {
    std::vector<Setting> all = make_settings();
#if POSTHORN_WITH_AMQP
    std::ranges::move(make_amqp_settings(), std::back_inserter(all));
#endif
    return all;
}

}  // namespace

std::string Setting::flag() const {
    std::string name(key);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '.' || c == '_'; }, '-');
    return "--" + name;
}

std::string Setting::variable() const {
    std::string name(key);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return c == '.' ? '_' : static_cast<char>(std::toupper(c)); });
    return "POSTHORN_" + name;
}

const std::vector<Setting>& settings() {
    static const std::vector<Setting> all = make_all_settings();
    return all;
}

const Setting* find_setting(std::string_view key) {
    for (const Setting& setting : settings())
        if (setting.key == key) return &setting;
    return nullptr;
}

Result<void> set_value(Config& config, std::string_view key, std::string_view value) {
    const Setting* setting = find_setting(key);
    if (setting == nullptr) return Error{Errc::not_found, fmt::format("there is no setting '{}'", key)};
    auto done = setting->set(config, value);
    if (!done) return Error{done.error().code, fmt::format("{}: {}", key, done.error().message)};
    return {};
}

std::string settings_table() {
    const Config defaults;
    std::string table = "| key | default | values | what it does |\n| --- | --- | --- | --- |\n";
    for (const Setting& setting : settings()) {
        const std::string value = setting.show(defaults);
        table += fmt::format("| `{}` | {} | {} | {} |\n", setting.key,
                             value.empty() ? std::string("empty") : fmt::format("`{}`", value), setting.kind,
                             setting.about);
    }
    return table;
}

namespace {

Result<void> complete_tls(runtime::TlsOptions& tls) {
    if (tls.certificate_file.empty()) {
        if (tls == runtime::TlsOptions()) return {};
        return Error{Errc::invalid,
                     "tls.certfile is missing, without which the other tls settings do nothing"};
    }
    if (tls.key_file.empty()) tls.key_file = tls.certificate_file;
    if (tls.fail_if_no_peer_certificate && !tls.verify_peer)
        return Error{Errc::invalid, "tls.fail_if_no_peer_cert needs tls.verify verify_peer"};
    if (tls.verify_peer && tls.authorities_file.empty())
        return Error{Errc::invalid,
                     "tls.verify verify_peer needs tls.cacertfile, the CAs clients' certificates come from"};
    return {};
}

}  // namespace

#if POSTHORN_WITH_AMQP
namespace {

// What RabbitMQ 3.10 takes unless it is told otherwise.
constexpr std::uint64_t amqp_message_most = std::uint64_t{128} << 20;

/// The queue log holds a message with what is noted about it in three quarters of its tail and in half a
/// segment.
void make_room_for(broker::BrokerOptions& engine, std::uint64_t message_bytes) {
    const std::uint64_t noted = std::uint64_t{1} << 20;
    engine.max_message_bytes = std::max(engine.max_message_bytes, static_cast<std::uint32_t>(message_bytes));
    engine.queue_tail_bytes =
        std::max(engine.queue_tail_bytes, std::bit_ceil((message_bytes + noted) / 3 * 4));
    engine.queue_segment_bytes = std::max(engine.queue_segment_bytes, (message_bytes + noted) * 2);
}

}  // namespace
#endif

Result<void> complete(Config& config) {
#if POSTHORN_WITH_REMOTING
    config.engine.max_message_bytes = config.remoting.message_max_bytes;
#endif
    const auto& engine = config.engine;
    if (engine.disk_clean_ratio > engine.disk_force_ratio ||
        engine.disk_force_ratio > engine.disk_refuse_ratio)
        return Error{Errc::invalid,
                     "store.disk_clean, store.disk_force and store.disk_refuse must not fall in this order"};
    for (const auto& [key, tail] : {std::pair{"store.stream_tail", engine.stream_tail_bytes},
                                    std::pair{"store.queue_tail", engine.queue_tail_bytes}})
        if (tail < (std::uint64_t{1} << 20) || (tail & (tail - 1)) != 0)
            return Error{Errc::invalid, fmt::format("{} must be a power of two, at least 1MiB", key)};
    if (auto done = complete_tls(config.tls); !done) return done;
    if (config.bind_address == "localhost") config.bind_address = "127.0.0.1";
    config.http.address = config.bind_address;
#if POSTHORN_WITH_REMOTING
    config.remoting.bind_address = config.bind_address;
#endif
#if POSTHORN_WITH_AMQP
    config.amqp.bind_address = config.bind_address;
    config.amqp.plain = config.amqp_enabled;
    if (config.amqp.message_max_bytes > amqp_message_most)
        return Error{Errc::invalid, "amqp.message_max may be 128MiB at most"};
    if (config.amqp_enabled || !config.tls.certificate_file.empty())
        make_room_for(config.engine, config.amqp.message_max_bytes);
    if (config.amqp.frame_max != 0 && config.amqp.frame_max < 4096)
        return Error{Errc::invalid, "amqp.frame_max must be at least 4KiB"};
#endif
#if POSTHORN_WITH_REMOTING
    config.remoting.shown_config.clear();
    for (const Setting& setting : settings())
        config.remoting.shown_config.emplace_back(setting.key, setting.show(config));
#endif
    return {};
}

}  // namespace posthorn::server
