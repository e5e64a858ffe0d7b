#include "message_facts.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "arguments.h"
#include "store/record.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::gateway::amqp {

namespace {

/// A hundred years: as good as for ever, and no sum with it overflows.
constexpr std::int64_t kLongest = 100ll * 366 * 24 * 3600 * 1000;

Refusal read_expiration(std::string_view text, std::optional<std::int64_t>& ttl_ms) {
    const auto invalid = [&](std::string_view why) {
        return refuse(wire::ReplyCode::precondition_failed,
                      fmt::format("invalid expiration '{}': {}", text, why));
    };
    std::int64_t ms = 0;
    const char* const begin = text.starts_with('+') ? text.data() + 1 : text.data();
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(begin, end, ms);
    if (error == std::errc::invalid_argument) return invalid("no_integer");
    if (error == std::errc::result_out_of_range) ms = text.starts_with('-') ? -1 : kLongest;
    if (at != end) return invalid(fmt::format("{{leftover_string,\"{}\"}}", std::string_view(at, end)));
    if (ms < 0) return invalid(fmt::format("{{value_negative,{}}}", ms));
    ttl_ms = std::min(ms, kLongest);
    return {};
}

Refusal read_copies(wire::TableView headers, std::string_view name, std::vector<std::string_view>& more_keys,
                    bool& there) {
    const auto field = headers.find(name);
    if (!field) return {};
    there = true;
    const auto array = field->array();
    if (!array)
        return refuse(wire::ReplyCode::precondition_failed,
                      fmt::format("invalid message: {{unacceptable_type_in_header,\"{}\",{}}}", name,
                                  wire::name(field->type)));
    wire::ArrayCursor cursor(*array);
    for (wire::FieldValue item; cursor.next(item);)
        if (const auto key = item.text()) more_keys.push_back(*key);
    return {};
}

}  // namespace

Refusal read_facts(const wire::Properties& properties, MessageFacts& facts,
                   std::vector<std::string_view>& more_keys) {
    more_keys.clear();
    facts.persistent = properties.persistent();
    facts.priority = properties.priority.value_or(0);
    if (properties.message_id) facts.key = store::key_hash(*properties.message_id);
    if (properties.expiration)
        if (Refusal refusal = read_expiration(*properties.expiration, facts.ttl_ms)) return refusal;
    if (!properties.headers) return {};
    bool copies = false;
    if (Refusal refusal = read_copies(*properties.headers, "CC", more_keys, copies)) return refusal;
    if (Refusal refusal = read_copies(*properties.headers, "BCC", more_keys, facts.blind_copies))
        return refusal;
    if (const auto delay = properties.headers->integer("x-delay"))
        facts.delay_ms = std::min(*delay, kLongest);
    return {};
}

void UsualProperties::note(Bytes bytes, const wire::Properties& properties, const MessageFacts& facts) {
    const bool own = (properties.headers && !properties.headers->bytes().empty()) || properties.user_id ||
                     properties.reply_to || properties.message_id || properties.correlation_id ||
                     properties.timestamp;
    if (own || bytes.size() > bytes_.size()) return;
    std::memcpy(bytes_.data(), bytes.data(), bytes.size());
    size_ = bytes.size();
    facts_ = facts;
}

std::optional<model::Value> MessageHeaders::find(std::string_view name) const {
    if (!properties_.headers) return std::nullopt;
    const auto field = properties_.headers->find(name);
    if (!field) return std::nullopt;
    return to_value(*field);
}

std::optional<std::string> MessageHeaders::property(std::string_view name) const {
    if (name == "message_id" && properties_.message_id) return std::string(*properties_.message_id);
    if (name == "correlation_id" && properties_.correlation_id)
        return std::string(*properties_.correlation_id);
    if (name == "timestamp" && properties_.timestamp) return fmt::format("{}", *properties_.timestamp);
    return std::nullopt;
}

void append_without_blind_copies(Buffer& out, const wire::Properties& properties) {
    Buffer headers;
    wire::TableWriter writer(headers);
    writer.copy_except(*properties.headers, {"BCC"});
    wire::Properties changed = properties;
    changed.headers = writer.finish();
    wire::append_properties(out, changed);
}

Bytes without_blind_copies(Bytes properties, Buffer& out) {
    wire::Properties all;
    if (!wire::decode_properties(properties, all) || !all.headers) return properties;
    out.clear();
    append_without_blind_copies(out, all);
    return out.view();
}

}  // namespace posthorn::gateway::amqp
