#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "wire/amqp/properties.h"
#include "wire/amqp/table.h"

/// For tests: methods, tables and properties in the words of tests/compat/record_amqp.py, which decodes
/// recorded frames by itself.
namespace posthorn::wire::amqp::golden {

inline std::string text(std::string_view raw) {
    const auto plain = [](char c) { return c >= 32 && c < 127 && c != '\''; };
    if (std::ranges::all_of(raw, plain)) return fmt::format("'{}'", raw);
    std::string hex = "0x";
    for (const char c : raw)
        hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return hex;
}

std::string text(TableView table);

inline std::string text(const FieldValue& value) {
    const char letter = static_cast<char>(value.type);
    if (const auto number = value.integer()) return fmt::format("{} {}", letter, *number);
    if (const auto number = value.real()) return fmt::format("{} {:.9g}", letter, *number);
    switch (value.type) {
        case FieldType::boolean:
            return fmt::format("t {}", *value.boolean());
        case FieldType::timestamp:
            return fmt::format("T {}", *value.timestamp());
        case FieldType::decimal:
            return fmt::format("D {}/{}", value.decimal()->digits, value.decimal()->scale);
        case FieldType::table:
            return "F " + text(*value.table());
        case FieldType::array: {
            std::string items;
            ArrayCursor cursor(*value.array());
            for (FieldValue item; cursor.next(item);)
                items += (items.empty() ? "" : ", ") + text(item);
            return "A [" + items + "]";
        }
        case FieldType::nothing:
            return "V";
        default:
            return fmt::format("{} {}", letter, text(as_text(value.raw)));
    }
}

inline std::string text(TableView table) {
    std::string fields;
    TableCursor cursor(table);
    for (Field field; cursor.next(field);)
        fields += (fields.empty() ? "" : ", ") + text(field.name) + ": " + text(field.value);
    return "{" + fields + "}";
}

/// Takes the place of a `FieldReader` in `walk`: one line for each field that is not reserved.
class FieldLines {
  public:
    std::vector<std::string> lines;

    template <std::integral T>
    void number(T value) {
        add(fmt::to_string(value));
    }
    template <class Enum>
        requires std::is_enum_v<Enum>
    void number(Enum value) {
        number(static_cast<std::underlying_type_t<Enum>>(value));
    }
    void short_text(std::string_view value) { add(text(value)); }
    void long_text(std::string_view value) { add(text(value)); }
    void table(TableView value) { add(text(value)); }
    template <std::same_as<bool>... Flag>
    void flags(Flag... values) {
        (add(fmt::to_string(values)), ...);
    }
    void reserved_ticket() {}
    void reserved_flag() {}
    void reserved_short_text() {}
    void reserved_long_text() {}

  private:
    void add(const std::string& value) { lines.push_back("value " + value); }
};

inline void property_lines(const Properties& properties, std::vector<std::string>& lines) {
    const auto add = [&](std::string_view name, const auto& value) {
        if (!value) return;
        if constexpr (std::integral<std::decay_t<decltype(*value)>>)
            lines.push_back(fmt::format("property {} {}", name, *value));
        else
            lines.push_back(fmt::format("property {} {}", name, text(*value)));
    };
    add("content-type", properties.content_type);
    add("content-encoding", properties.content_encoding);
    add("headers", properties.headers);
    add("delivery-mode", properties.delivery_mode);
    add("priority", properties.priority);
    add("correlation-id", properties.correlation_id);
    add("reply-to", properties.reply_to);
    add("expiration", properties.expiration);
    add("message-id", properties.message_id);
    add("timestamp", properties.timestamp);
    add("type", properties.type);
    add("user-id", properties.user_id);
    add("app-id", properties.app_id);
    add("cluster-id", properties.cluster_id);
}

}  // namespace posthorn::wire::amqp::golden
