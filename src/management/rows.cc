#include "rows.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"
#include "base64.h"
#include "exchange/totals.h"

namespace posthorn::management {
namespace {

using exchange::DestinationKind;

std::string thing_name(char kind, std::string_view vhost, std::string_view name) {
    std::string thing(1, kind);
    thing.append(vhost).append(1, '\0').append(name);
    return thing;
}

/// As charts want them, the newest first.
void add_samples(Json& details, std::span<const Rates::Sample> samples, std::size_t value,
                 std::int64_t to_wall_ms) {
    Json points = Json::array();
    double sum = 0;
    for (const Rates::Sample& sample : samples) {
        points.push_back({{"sample", sample.values[value]}, {"timestamp", sample.ms + to_wall_ms}});
        sum += static_cast<double>(sample.values[value]);
    }
    const Rates::Sample &newest = samples.front(), &oldest = samples.back();
    const double seconds = static_cast<double>(newest.ms - oldest.ms) / 1'000;
    details["samples"] = std::move(points);
    details["avg"] = sum / static_cast<double>(samples.size());
    details["avg_rate"] =
        seconds <= 0
            ? 0.0
            : (static_cast<double>(newest.values[value]) - static_cast<double>(oldest.values[value])) /
                  seconds;
}

std::array<Counter, 3> levels_of(std::uint64_t ready, std::uint64_t unacked) {
    return {{{"messages", ready + unacked}, {"messages_ready", ready}, {"messages_unacknowledged", unacked}}};
}

std::string channel_thing(const Channel& channel) {
    return thing_name('c', channel.connection_name, std::to_string(channel.number));
}

/// Counters, and behind them the levels.
constexpr std::size_t queue_counters = 8;
using QueueCounters = std::array<Counter, queue_counters + 3>;
QueueCounters counters_of(const exchange::QueueCounts& counts) {
    const std::uint64_t handed_out =
        counts.delivered + counts.delivered_settled + counts.got + counts.got_settled;
    return {{{"ack", counts.acknowledged},
             {"deliver", counts.delivered},
             {"deliver_get", handed_out},
             {"deliver_no_ack", counts.delivered_settled},
             {"get", counts.got},
             {"get_no_ack", counts.got_settled},
             {"publish", counts.published},
             {"redeliver", counts.redelivered},
             {"messages", counts.ready + counts.unacked},
             {"messages_ready", counts.ready},
             {"messages_unacknowledged", counts.unacked}}};
}

using ExchangeCounters = std::array<Counter, 2>;
ExchangeCounters counters_of(const exchange::ExchangeCounts& counts) {
    return {{{"publish_in", counts.in}, {"publish_out", counts.out}}};
}

using BytesCounters = std::array<Counter, 2>;
BytesCounters counters_of(const Connection& connection) {
    return {{{"recv_oct", connection.bytes_in}, {"send_oct", connection.bytes_out}}};
}

using MessageCounters = std::array<Counter, 12>;
MessageCounters counters_of(const MessageCounts& counts) {
    const std::uint64_t handed_out =
        counts.delivered + counts.delivered_no_ack + counts.got + counts.got_no_ack;
    return {{{"ack", counts.acknowledged},
             {"confirm", counts.confirmed},
             {"deliver", counts.delivered},
             {"deliver_get", handed_out},
             {"deliver_no_ack", counts.delivered_no_ack},
             {"drop_unroutable", counts.dropped_unroutable},
             {"get", counts.got},
             {"get_empty", counts.got_empty},
             {"get_no_ack", counts.got_no_ack},
             {"publish", counts.published},
             {"redeliver", counts.redelivered},
             {"return_unroutable", counts.returned_unroutable}}};
}

/// What the policies in force say together: the operator's limits only make smaller.
Json effective_definition(const exchange::Policy* policy, const exchange::Policy* of_operator) {
    Json definition = policy ? json_of(policy->definition) : Json::object();
    if (!of_operator) return definition;
    const Json more = json_of(of_operator->definition);
    for (const auto& [key, value] : more.items()) {
        const auto there = definition.find(key);
        if (there == definition.end() || !there->is_number() || !value.is_number() || value < *there)
            definition[key] = value;
    }
    return definition;
}

Json policy_name(const exchange::Policy* policy) {
    return policy ? Json(policy->name) : Json();
}

void add_consumer_tags(Json& json, const exchange::Queue& queue) {
    json["exclusive_consumer_tag"] = nullptr;
    json["single_active_consumer_tag"] = nullptr;
    queue.each_consumer([&](const exchange::Consumer& consumer, bool active) {
        if (consumer.options().exclusive) json["exclusive_consumer_tag"] = consumer.options().tag;
        if (active && queue.settings().single_active_consumer)
            json["single_active_consumer_tag"] = consumer.options().tag;
    });
}

Json channel_details(const Desk& desk, std::string_view connection, std::uint16_t number,
                     std::string_view user) {
    const auto colon = connection.find(':');
    const auto arrow = connection.find(" -> ");
    Json details{{"connection_name", connection},
                 {"name", fmt::format("{} ({})", connection, number)},
                 {"node", desk.options.node},
                 {"number", number},
                 {"user", user}};
    if (colon != std::string_view::npos && arrow != std::string_view::npos) {
        const auto last = connection.substr(0, arrow).rfind(':');
        details["peer_host"] = connection.substr(0, last);
        details["peer_port"] = std::atoi(std::string(connection.substr(last + 1, arrow - last - 1)).c_str());
    }
    return details;
}

std::string quoted_for_path(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '.' || c == '-' || c == '_')
            out += c;
        else if (c == ' ')
            out += '+';
        else
            out += fmt::format("%{:02X}", byte);
    }
    return out;
}

/// Same arguments, same number, in whatever order they were given.
std::string arguments_number(const model::Arguments& arguments) {
    std::uint32_t hash = 2166136261;  // FNV-1a
    for (const char c : text_of(json_of(arguments)))
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes += static_cast<char>(hash >> shift & 0xff);
    return base64_for_path(bytes);
}

/// No more than these are gone through every five seconds: one to two milliseconds.
constexpr std::size_t noted_sessions_max = 1'000;

}  // namespace

Numbers::Numbers(Desk& desk, std::string thing, std::span<const Counter> counters)
    : desk_(desk), thing_(std::move(thing)), counters_(counters.begin(), counters.end()) {
    std::array<std::uint64_t, Rates::values_max> values{};
    POSTHORN_CHECK(counters.size() <= values.size(), "more counters than rates are kept of");
    for (std::size_t i = 0; i < counters.size(); ++i)
        values[i] = counters[i].value;
    rates_ = desk.rates.look(thing_, std::span(values).first(counters.size()), desk.now_ms());
}

void Numbers::put(Json& json, std::size_t first, std::size_t count, Kind kind,
                  const std::optional<Rates::Span>& chart) const {
    std::vector<Rates::Sample> samples;
    if (chart) samples = desk_.rates.samples(thing_, *chart, desk_.now_ms());
    const std::int64_t wall_ms = desk_.broker.now().wall_ms - desk_.now_ms();
    for (std::size_t i = first; i < first + count; ++i) {
        json[counters_[i].name] = counters_[i].value;
        Json details{{"rate", kind == Kind::growing ? rates_[i] : 0.0}};
        if (!samples.empty()) add_samples(details, samples, i, wall_ms);
        json[std::string(counters_[i].name) + "_details"] = std::move(details);
    }
}

Json counters_json(Desk& desk, std::string_view thing, std::span<const Counter> counters,
                   const std::optional<Rates::Span>& chart) {
    Json json = Json::object();
    Numbers(desk, std::string(thing), counters).put(json, 0, counters.size(), Numbers::Kind::growing, chart);
    return json;
}

Json message_stats(Desk& desk, std::string_view thing, const MessageCounts& counts) {
    return counters_json(desk, thing, counters_of(counts), desk.ages.msg_rates);
}

void add_levels(Desk& desk, Json& json, std::string_view thing, std::uint64_t ready, std::uint64_t unacked) {
    const auto levels = levels_of(ready, unacked);
    Numbers(desk, std::string(thing), levels)
        .put(json, 0, levels.size(), Numbers::Kind::level, desk.ages.lengths);
}

void add_level(Json& json, const char* name, std::uint64_t value) {
    json[name] = value;
    json[std::string(name) + "_details"] = {{"rate", 0.0}};
}

Json exchange_row(Desk& desk, exchange::VirtualHost& host, const exchange::ExchangeSpec& spec) {
    const auto counters = counters_of(host.exchange_counts(spec.name));
    Json row{{"arguments", json_of(spec.arguments)},
             {"auto_delete", spec.auto_delete},
             {"durable", spec.durable},
             {"internal", spec.internal},
             {"message_stats",
              counters_json(desk, thing_name('e', host.name(), spec.name), counters, desk.ages.msg_rates)},
             {"name", spec.name},
             {"type", spec.type},
             {"user_who_performed_action", "rmq-internal"},
             {"vhost", host.name()}};
    if (const auto* policy = host.policy_of(DestinationKind::exchange, spec.name, false))
        row["policy"] = policy->name;
    return row;
}

Json queue_row(Desk& desk, exchange::VirtualHost& host, const exchange::Queue& queue) {
    const exchange::QueueSpec& spec = queue.spec();
    const exchange::QueueCounts counts = queue.counts();
    const auto* policy = host.policy_of(DestinationKind::queue, spec.name, false);
    const auto* of_operator = host.policy_of(DestinationKind::queue, spec.name, true);
    const bool quorum = queue.settings().quorum;
    Json row{{"arguments", json_of(spec.arguments)},
             {"auto_delete", spec.auto_delete},
             {"consumers", counts.consumers},
             {"durable", spec.durable},
             {"effective_policy_definition", effective_definition(policy, of_operator)},
             {"exclusive", spec.exclusive},
             {"head_message_timestamp", nullptr},
             {"message_bytes", counts.ready_bytes + counts.unacked_bytes},
             {"message_bytes_ready", counts.ready_bytes},
             {"message_bytes_unacknowledged", counts.unacked_bytes},
             {"messages_persistent", counts.persistent},
             {"name", spec.name},
             {"node", desk.options.node},
             {"operator_policy", policy_name(of_operator)},
             {"policy", policy_name(policy)},
             {"state", "running"},
             {"type", quorum ? "quorum" : "classic"},
             {"vhost", host.name()}};
    const QueueCounters all = counters_of(counts);
    const Numbers numbers(desk, thing_name('q', host.name(), spec.name), all);
    numbers.put(row, queue_counters, all.size() - queue_counters, Numbers::Kind::level, desk.ages.lengths);
    if (quorum)
        for (const char* role : {"members", "online"})
            row[role] = Json::array({desk.options.node});
    if (quorum) row["leader"] = desk.options.node;
    numbers.put(row["message_stats"], 0, queue_counters, Numbers::Kind::growing, desk.ages.msg_rates);
    if (counts.consumers > 0)
        add_consumer_tags(row, queue);
    else
        row["exclusive_consumer_tag"] = row["single_active_consumer_tag"] = nullptr;
    return row;
}

std::string properties_key(const exchange::Binding& binding) {
    if (binding.key.empty() && binding.arguments.empty()) return "~";
    std::string key = quoted_for_path(binding.key);
    if (!binding.arguments.empty()) key += "~" + arguments_number(binding.arguments);
    return key;
}

Json binding_row(std::string_view vhost, const exchange::Binding& binding) {
    return {{"source", binding.source},
            {"vhost", vhost},
            {"destination", binding.destination},
            {"destination_type", binding.kind == DestinationKind::queue ? "queue" : "exchange"},
            {"routing_key", binding.key},
            {"arguments", json_of(binding.arguments)},
            {"properties_key", properties_key(binding)}};
}

Json tls_json(const Tls& tls) {
    std::string protocol = tls.protocol;
    for (char& c : protocol)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    Json json{{"ssl", true}, {"ssl_protocol", protocol}, {"ssl_cipher", tls.cipher}};
    if (!tls.peer_subject.empty())
        json.update({{"peer_cert_subject", tls.peer_subject},
                     {"peer_cert_issuer", tls.peer_issuer},
                     {"peer_cert_validity", tls.peer_validity}});
    return json;
}

Json connection_row(Desk& desk, const Connection& connection) {
    Json row{{"auth_mechanism", connection.mechanism},
             {"channel_max", connection.channel_max},
             {"channels", connection.channels},
             {"client_properties", json_of(connection.client_properties)},
             {"connected_at", connection.connected_at_ms},
             {"frame_max", connection.frame_max},
             {"host", connection.host},
             {"name", connection.name},
             {"node", desk.options.node},
             {"peer_cert_issuer", nullptr},
             {"peer_cert_subject", nullptr},
             {"peer_cert_validity", nullptr},
             {"peer_host", connection.peer_host},
             {"peer_port", connection.peer_port},
             {"port", connection.port},
             {"protocol", connection.protocol},
             {"recv_cnt", connection.frames_in},
             {"send_pend", connection.bytes_unsent},
             {"ssl", false},
             {"ssl_cipher", nullptr},
             {"ssl_hash", nullptr},
             {"ssl_key_exchange", nullptr},
             {"ssl_protocol", nullptr},
             {"state", connection.state},
             {"timeout", connection.heartbeat},
             {"type", "network"},
             {"user", connection.user},
             {"user_who_performed_action", connection.user},
             {"vhost", connection.virtual_host}};
    if (const auto* name = connection.client_properties.find("connection_name"); name && name->text())
        row["user_provided_name"] = *name->text();
    if (connection.tls) row.update(tls_json(*connection.tls));
    row.update(counters_json(desk, thing_name('s', "", connection.name), counters_of(connection),
                             desk.ages.data_rates));
    return row;
}

Json channel_row(Desk& desk, const Channel& channel) {
    const Json details = channel_details(desk, channel.connection_name, channel.number, channel.user);
    Json row{{"acks_uncommitted", channel.uncommitted_acks},
             {"confirm", channel.confirm},
             {"connection_details", {{"name", channel.connection_name}}},
             {"consumer_count", channel.consumers},
             {"global_prefetch_count", channel.global_prefetch},
             {"messages_unacknowledged", channel.unacknowledged},
             {"messages_uncommitted", channel.uncommitted},
             {"messages_unconfirmed", channel.unconfirmed},
             {"name", details["name"]},
             {"node", desk.options.node},
             {"number", channel.number},
             {"pending_raft_commands", 0},
             {"prefetch_count", channel.prefetch},
             {"state", channel.state},
             {"transactional", channel.transactional},
             {"user", channel.user},
             {"user_who_performed_action", channel.user},
             {"vhost", channel.virtual_host}};
    for (const char* field : {"peer_host", "peer_port"})
        if (details.contains(field)) row["connection_details"][field] = details[field];
    row["message_stats"] = message_stats(desk, channel_thing(channel), channel.messages);
    return row;
}

Json consumer_row(const Desk& desk, const Consumer& consumer) {
    return {
        {"arguments", json_of(consumer.arguments)},
        {"ack_required", consumer.ack_required},
        {"active", consumer.active},
        {"activity_status", consumer.active ? "up" : "waiting"},
        {"channel_details", channel_details(desk, consumer.connection_name, consumer.channel, consumer.user)},
        {"consumer_tag", consumer.tag},
        {"exclusive", consumer.exclusive},
        {"prefetch_count", consumer.prefetch},
        {"queue", {{"name", consumer.queue}, {"vhost", consumer.virtual_host}}}};
}

namespace {

template <std::size_t n>
void note(Desk& desk, std::string_view thing, const std::array<Counter, n>& counters) {
    std::array<std::uint64_t, n> values{};
    for (std::size_t i = 0; i < n; ++i)
        values[i] = counters[i].value;
    desk.rates.look(thing, values, desk.now_ms());
}

}  // namespace

void note_rates(Desk& desk, const exchange::VirtualHost& host, const exchange::Queue& queue) {
    note(desk, thing_name('q', host.name(), queue.spec().name), counters_of(queue.counts()));
}

void note_rates(Desk& desk, const exchange::VirtualHost& host, const exchange::ExchangeSpec& spec) {
    note(desk, thing_name('e', host.name(), spec.name), counters_of(host.exchange_counts(spec.name)));
}

void note_rates_of_sessions(Desk& desk) {
    const SessionTotals totals = desk.sessions.totals();
    if (totals.connections <= noted_sessions_max)
        desk.sessions.each_connection([&](const Connection& connection) {
            note(desk, thing_name('s', "", connection.name), counters_of(connection));
        });
    if (totals.channels <= noted_sessions_max)
        desk.sessions.each_channel([&](const Channel& channel) {
            note(desk, channel_thing(channel), counters_of(channel.messages));
        });
    desk.rates.forget_unseen(desk.now_ms());
}

}  // namespace posthorn::management
