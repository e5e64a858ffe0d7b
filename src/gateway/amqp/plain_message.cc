#include "gateway/amqp/plain_message.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <limits>

#include "arguments.h"
#include "message_facts.h"
#include "payload.h"
#include "wire/amqp/properties.h"

namespace posthorn::gateway::amqp {

namespace {

using wire::Properties;

constexpr std::size_t kShortMax = 255;

struct TextProperty {
    const char* name;
    std::optional<std::string_view> Properties::*at;
};
constexpr std::array kTexts{TextProperty{"content_type", &Properties::content_type},
                            TextProperty{"content_encoding", &Properties::content_encoding},
                            TextProperty{"correlation_id", &Properties::correlation_id},
                            TextProperty{"reply_to", &Properties::reply_to},
                            TextProperty{"expiration", &Properties::expiration},
                            TextProperty{"message_id", &Properties::message_id},
                            TextProperty{"type", &Properties::type},
                            TextProperty{"user_id", &Properties::user_id},
                            TextProperty{"app_id", &Properties::app_id},
                            TextProperty{"cluster_id", &Properties::cluster_id}};

Error not_a(std::string_view kind, std::string_view name) {
    return {Errc::invalid, fmt::format("not_{}: {}", kind, name)};
}

/// A number, or a text with one: RabbitMQ's command line tool sends texts.
template <class Number>
Result<std::optional<Number>> number_of(const model::Arguments& properties, const char* name) {
    const model::Value* const value = properties.find(name);
    if (!value) return std::optional<Number>();
    std::int64_t number = 0;
    if (const auto* plain = value->number())
        number = *plain;
    else if (const auto* text = value->text()) {
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
        if (error != std::errc() || end != text->data() + text->size()) return not_a("int", name);
    } else {
        return not_a("int", name);
    }
    if (number < 0 || static_cast<std::uint64_t>(number) > std::numeric_limits<Number>::max())
        return not_a("int", name);
    return std::optional(static_cast<Number>(number));
}

/// The views are into `from` and `headers`.
Result<Properties> properties_of(const model::Arguments& from, Buffer& headers) {
    Properties properties;
    for (const TextProperty& one : kTexts) {
        const model::Value* const value = from.find(one.name);
        if (!value) continue;
        if (!value->text() || value->text()->size() > kShortMax) return not_a("string", one.name);
        properties.*one.at = *value->text();
    }
    const auto delivery_mode = number_of<std::uint8_t>(from, "delivery_mode");
    const auto priority = number_of<std::uint8_t>(from, "priority");
    const auto timestamp = number_of<std::uint64_t>(from, "timestamp");
    if (!delivery_mode) return delivery_mode.error();
    if (!priority) return priority.error();
    if (!timestamp) return timestamp.error();
    properties.delivery_mode = *delivery_mode, properties.priority = *priority;
    properties.timestamp = *timestamp;
    if (const model::Value* const value = from.find("headers")) {
        const auto* fields = std::get_if<model::Arguments>(&value->held);
        if (!fields) return not_a("table", "headers");
        for (const auto& [name, held] : *fields)
            if (name.size() > kShortMax) return not_a("header", name);
        if (!fits_table(*fields)) return Error{Errc::invalid, "headers: nested too deeply"};
        wire::TableWriter writer(headers);
        append_fields(writer, *fields);
        properties.headers = writer.finish();
    }
    return properties;
}

}  // namespace

Result<exchange::Published> publish(exchange::VirtualHost& host, const PlainMessage& message) {
    Buffer headers, encoded, payload;
    const auto properties = properties_of(message.properties, headers);
    if (!properties) return properties.error();
    MessageFacts facts;
    std::vector<std::string_view> more_keys;
    if (Refusal refusal = read_facts(*properties, facts, more_keys))
        return Error{Errc::invalid, refusal->detail};
    wire::append_properties(encoded, *properties);
    append_payload(payload, {encoded.view(), message.exchange, message.key, as_bytes(message.body)});
    const MessageHeaders routed_by(*properties);
    exchange::Publication publication;
    publication.exchange = message.exchange, publication.key = message.key;
    publication.more_keys = more_keys;
    publication.headers = &routed_by;
    publication.format = facts.blind_copies ? kBlindPayloadFormat : kPayloadFormat;
    publication.persistent = facts.persistent, publication.priority = facts.priority;
    publication.ttl_ms = facts.ttl_ms, publication.delay_ms = facts.delay_ms;
    publication.message_key = facts.key;
    publication.body_bytes = static_cast<std::uint32_t>(message.body.size());
    publication.payload = payload.view();
    return host.publish(publication);
}

std::optional<PlainMessage> read_plain(const broker::Stored& stored) {
    Payload payload;
    Properties properties;
    const bool blind = stored.format == kBlindPayloadFormat;
    if ((!blind && stored.format != kPayloadFormat) || !read_payload(stored.payload, payload)) return {};
    Buffer shown;
    if (blind) payload.properties = without_blind_copies(payload.properties, shown);
    if (!wire::decode_properties(payload.properties, properties)) return {};
    PlainMessage message;
    message.exchange = payload.exchange, message.key = payload.key, message.body = as_text(payload.body);
    for (const TextProperty& one : kTexts)
        if (const auto& text = properties.*one.at) message.properties.set(one.name, {std::string(*text)});
    const auto set_number = [&](const char* name, const auto& number) {
        if (number) message.properties.set(name, {static_cast<std::int64_t>(*number)});
    };
    set_number("delivery_mode", properties.delivery_mode);
    set_number("priority", properties.priority);
    set_number("timestamp", properties.timestamp);
    if (properties.headers) message.properties.set("headers", {to_arguments(*properties.headers)});
    return message;
}

}  // namespace posthorn::gateway::amqp
