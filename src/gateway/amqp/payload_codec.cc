#include "payload_codec.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "message_facts.h"
#include "payload.h"
#include "wire/amqp/properties.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::gateway::amqp {

namespace {

using exchange::Death;
using exchange::DeathReason;
using exchange::Travelling;

std::string_view name(DeathReason reason) {
    switch (reason) {
        case DeathReason::rejected:
            return "rejected";
        case DeathReason::expired:
            return "expired";
        case DeathReason::max_length:
            return "maxlen";
        case DeathReason::delivery_limit:
            return "delivery_limit";
    }
    return "";
}

/// The headers of a message that travels, with the bytes they are in.
class OwnHeaders final : public exchange::HeaderSource {
  public:
    explicit OwnHeaders(Bytes properties) {
        bytes_.append(properties);
        if (!wire::decode_properties(bytes_.view(), properties_)) properties_ = {};
    }
    std::optional<model::Value> find(std::string_view name) const override { return headers_.find(name); }
    std::optional<std::string> property(std::string_view name) const override {
        return headers_.property(name);
    }

  private:
    Buffer bytes_;
    wire::Properties properties_;
    MessageHeaders headers_{properties_};
};

/// What a message says of itself, the bytes it is in, and where it goes.
Travelling travel(const Payload& payload, const wire::Properties& properties) {
    Travelling message;
    message.exchange = payload.exchange, message.key = payload.key;
    MessageFacts facts;
    std::vector<std::string_view> more_keys;
    if (!read_facts(properties, facts, more_keys)) {
        message.more_keys.assign(more_keys.begin(), more_keys.end());
        message.priority = facts.priority;
        message.ttl_ms = facts.ttl_ms;
        message.delay_ms = facts.delay_ms;
    }
    message.body_bytes = static_cast<std::uint32_t>(payload.body.size());
    message.payload.clear();
    append_payload(message.payload, payload);
    if (properties.headers) message.headers = std::make_unique<OwnHeaders>(payload.properties);
    return message;
}

/// The sign of x-delay says whether it has been waited for.
std::int64_t negated(std::int64_t delay) {
    return delay == std::numeric_limits<std::int64_t>::min() ? std::numeric_limits<std::int64_t>::max()
                                                             : -delay;
}

// --- deaths ------------------------------------------------------------------------------------------------

bool same_death(wire::TableView noted, const Death& death) {
    return noted.text("queue") == death.queue && noted.text("reason") == name(death.reason);
}

using Fields = std::vector<wire::Field>;

Fields sorted(Fields fields) {
    std::stable_sort(fields.begin(), fields.end(),
                     [](const wire::Field& a, const wire::Field& b) { return a.name < b.name; });
    return fields;
}

Fields fields_of(wire::TableView table) {
    Fields fields;
    wire::TableCursor cursor(table);
    for (wire::Field field; cursor.next(field);)
        fields.push_back(field);
    return fields;
}

/// A client may have written any number there.
std::int64_t one_more(std::int64_t count) {
    return count == std::numeric_limits<std::int64_t>::max() ? count : count + 1;
}

/// One more of the same kind: everything stays but the count. Sorted, as RabbitMQ leaves what it touches.
void write_again(wire::TableWriter& out, wire::TableView noted) {
    out.begin_table();
    for (const wire::Field& field : sorted(fields_of(noted))) {
        out.name(field.name);
        if (field.name == "count")
            out.int64(one_more(field.value.integer().value_or(0)));
        else
            out.value(field.value);
    }
    out.end();
}

void write_first(wire::TableWriter& out, const Payload& payload, const wire::Properties& properties,
                 const std::vector<std::string>& keys, const Death& death) {
    out.begin_table();
    out.name("count").int64(1);
    out.name("reason").text(name(death.reason));
    out.name("queue").text(death.queue);
    out.name("time").timestamp(static_cast<std::uint64_t>(death.wall_ms / 1000));
    out.name("exchange").text(payload.exchange);
    out.name("routing-keys").begin_array();
    for (const std::string& key : keys)
        out.text(key);
    out.end();
    if (properties.expiration) out.name("original-expiration").text(*properties.expiration);
    out.end();
}

void write_deaths(wire::TableWriter& out, const Payload& payload, const wire::Properties& properties,
                  const std::vector<std::string>& keys, const Death& death,
                  std::optional<wire::ArrayView> noted) {
    std::optional<wire::TableView> again;
    if (noted) {
        wire::ArrayCursor cursor(*noted);
        for (wire::FieldValue item; !again && cursor.next(item);)
            if (const auto table = item.table(); table && same_death(*table, death)) again = table;
    }
    out.begin_array();
    if (again)
        write_again(out, *again);
    else
        write_first(out, payload, properties, keys, death);
    if (noted) {
        wire::ArrayCursor cursor(*noted);
        for (wire::FieldValue item; cursor.next(item);) {
            const auto table = item.table();
            if (!again || !table || table->bytes().data() != again->bytes().data()) out.value(item);
        }
    }
    out.end();
}

/// The headers with this death, sorted by name, as RabbitMQ leaves them.
wire::TableView write_headers(Buffer& buffer, const Payload& payload, const wire::Properties& properties,
                              const std::vector<std::string>& keys, const Death& death) {
    Fields fields = properties.headers ? fields_of(*properties.headers) : Fields();
    std::optional<wire::ArrayView> noted;
    if (properties.headers) noted = properties.headers->array("x-death");
    std::erase_if(fields, [&](const wire::Field& field) {
        return field.name == "x-death" ||
               (death.new_key != nullptr && (field.name == "CC" || field.name == "BCC"));
    });
    const std::array<std::pair<std::string_view, std::string_view>, 3> first{
        {{"x-first-death-exchange", payload.exchange},
         {"x-first-death-queue", death.queue},
         {"x-first-death-reason", name(death.reason)}}};
    if (!noted) {
        for (const auto& [key, text] : first) {
            std::erase_if(fields, [&](const wire::Field& field) { return field.name == key; });
            fields.push_back({key, {wire::FieldType::text, as_bytes(text)}});
        }
    }
    fields.push_back({"x-death", {}});
    wire::TableWriter out(buffer);
    for (const wire::Field& field : sorted(std::move(fields))) {
        out.name(field.name);
        const auto delay = field.name == "x-delay" ? field.value.integer() : std::nullopt;
        if (field.name == "x-death")
            write_deaths(out, payload, properties, keys, death, noted);
        else if (delay && *delay < 0)
            out.int64(negated(*delay));  // a retry: a delayed dead letter exchange delays it every time
        else
            out.value(field.value);
    }
    return out.finish();
}

/// Those it was routed by that everybody may see: its own and those of CC.
std::vector<std::string> open_keys(const Payload& payload, const wire::Properties& properties) {
    std::vector<std::string> keys{std::string(payload.key)};
    const auto copies = properties.headers ? properties.headers->array("CC") : std::nullopt;
    if (!copies) return keys;
    wire::ArrayCursor cursor(*copies);
    for (wire::FieldValue item; cursor.next(item);)
        if (const auto key = item.text()) keys.emplace_back(*key);
    return keys;
}

/// From the newest death down to the first rejection: what is in there went round without anybody's doing.
std::vector<std::string> closed_circle(wire::TableView headers) {
    std::vector<std::string> queues;
    const auto deaths = headers.array("x-death");
    if (!deaths) return queues;
    wire::ArrayCursor cursor(*deaths);
    for (wire::FieldValue item; cursor.next(item);) {
        const auto death = item.table();
        if (!death || death->text("reason") == "rejected") break;
        if (const auto queue = death->text("queue")) queues.emplace_back(*queue);
    }
    return queues;
}

}  // namespace

Travelling MessageCodec::bury(const broker::Stored& stored, const Death& death) {
    Payload payload = payload_of(stored);
    wire::Properties properties;
    if (!wire::decode_properties(payload.properties, properties)) properties = {};
    const std::vector<std::string> keys = open_keys(payload, properties);

    Buffer headers;
    const wire::TableView table = write_headers(headers, payload, properties, keys, death);
    wire::Properties changed = properties;
    changed.headers = table;
    changed.expiration.reset();
    Buffer bytes;
    wire::append_properties(bytes, changed);
    payload.properties = bytes.view();
    payload.exchange = death.new_exchange;
    if (death.new_key != nullptr) payload.key = *death.new_key;
    Travelling message = travel(payload, changed);
    if (death.reason != DeathReason::rejected) message.closed_circle = closed_circle(table);
    return message;
}

Travelling MessageCodec::open(const broker::Stored& stored) {
    Payload payload = payload_of(stored);
    wire::Properties properties;
    if (!wire::decode_properties(payload.properties, properties)) properties = {};
    const auto delay = properties.headers ? properties.headers->integer("x-delay") : std::nullopt;
    if (!delay || *delay <= 0) return travel(payload, properties);
    // The sign says that it was delayed, so that another such exchange lets it through.
    Buffer headers;
    wire::TableWriter out(headers);
    wire::TableCursor cursor(*properties.headers);
    for (wire::Field field; cursor.next(field);) {
        out.name(field.name);
        if (field.name == "x-delay")
            out.int64(negated(*delay));
        else
            out.value(field.value);
    }
    wire::Properties changed = properties;
    changed.headers = out.finish();
    Buffer bytes;
    wire::append_properties(bytes, changed);
    payload.properties = bytes.view();
    return travel(payload, changed);
}

}  // namespace posthorn::gateway::amqp
