#include "model/value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace posthorn::model {
namespace {

using Json = nlohmann::ordered_json;

// What JSON cannot say is an object of one of these names; a table that looks like one is put into one, too.
constexpr std::string_view timestamp_mark = "timestamp", text_mark = "hex", binary_mark = "binary",
                           table_mark = "table";

bool is_marked(const Json& json) {
    if (!json.is_object() || json.size() != 1) return false;
    const std::string& mark = json.begin().key();
    return mark == timestamp_mark || mark == text_mark || mark == binary_mark || mark == table_mark;
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text += digits[static_cast<unsigned char>(byte) >> 4];
        text += digits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

std::string unhex(std::string_view text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; };
    std::string bytes;
    for (std::size_t n = 0; n + 1 < text.size(); n += 2)
        bytes += static_cast<char>(digit(text[n]) << 4 | (digit(text[n + 1]) & 15));
    return bytes;
}

Json json_of(const Arguments& arguments);

struct ToJson {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(const Timestamp& time) const { return {{"timestamp", time.seconds}}; }
    Json operator()(const Array& array) const {
        auto json = Json::array();
        for (const Value& value : array)
            json.push_back(std::visit(*this, value.held));
        return json;
    }
    Json operator()(const std::string& text) const {
        return is_utf8(text) ? Json(text) : Json{{text_mark, hex(text)}};
    }
    Json operator()(const Binary& binary) const { return {{binary_mark, hex(binary.bytes)}}; }
    Json operator()(const Arguments& arguments) const {
        Json json = json_of(arguments);
        return is_marked(json) ? Json{{table_mark, std::move(json)}} : json;
    }
    template <class T>
    Json operator()(const T& plain) const {
        return plain;
    }
};

Json json_of(const Arguments& arguments) {
    auto json = Json::object();
    for (const auto& [name, value] : arguments)
        if (!json.contains(name)) json[name] = std::visit(ToJson{}, value.held);
    return json;
}

Value value_of(const Json& json);

Arguments arguments_of(const Json& json) {
    Arguments arguments;
    for (const auto& [name, value] : json.items())
        arguments.set(name, value_of(value));
    return arguments;
}

/// Of a definition somebody wrote by hand: what is not as it should be is taken as the table it is.
Value unmarked(const Json& json) {
    const Json& inner = json.front();
    if (json.contains(timestamp_mark) && inner.is_number_unsigned())
        return {Timestamp{inner.get<std::uint64_t>()}};
    if (json.contains(text_mark) && inner.is_string()) return {unhex(inner.get<std::string>())};
    if (json.contains(binary_mark) && inner.is_string()) return {Binary{unhex(inner.get<std::string>())}};
    if (json.contains(table_mark) && inner.is_object()) return {arguments_of(inner)};
    return {arguments_of(json)};
}

Value value_of(const Json& json) {
    if (json.is_boolean()) return {json.get<bool>()};
    if (json.is_number_integer()) return {json.get<std::int64_t>()};
    if (json.is_number()) return {json.get<double>()};
    if (json.is_string()) return {json.get<std::string>()};
    if (json.is_array()) {
        Array array;
        for (const auto& item : json)
            array.push_back(value_of(item));
        return {std::move(array)};
    }
    if (json.is_object()) {
        return is_marked(json) ? unmarked(json) : Value{arguments_of(json)};
    }
    return {};
}

}  // namespace

Arguments::Arguments() = default;
Arguments::Arguments(const Arguments&) = default;
Arguments::Arguments(Arguments&&) noexcept = default;
Arguments& Arguments::operator=(const Arguments&) = default;
Arguments& Arguments::operator=(Arguments&&) noexcept = default;
Arguments::~Arguments() = default;

Arguments::Arguments(std::initializer_list<std::pair<std::string, Value>> entries) : entries_(entries) {}

const Value* Arguments::find(std::string_view name) const {
    const auto at = std::find_if(entries_.begin(), entries_.end(),
                                 [&](const auto& entry) { return entry.first == name; });
    return at == entries_.end() ? nullptr : &at->second;
}

const std::string* Arguments::text(std::string_view name) const {
    const Value* value = find(name);
    return value ? value->text() : nullptr;
}

void Arguments::set(std::string_view name, Value value) {
    for (auto& entry : entries_)
        if (entry.first == name) {
            entry.second = std::move(value);
            return;
        }
    entries_.emplace_back(std::string(name), std::move(value));
}

bool Arguments::erase(std::string_view name) {
    return std::erase_if(entries_, [&](const auto& entry) { return entry.first == name; }) > 0;
}

bool Arguments::operator==(const Arguments& other) const {
    if (size() != other.size()) return false;
    return std::all_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
        const Value* value = other.find(entry.first);
        return value && *value == entry.second;
    });
}

bool Value::operator==(const Value& other) const {
    return held == other.held;
}

std::string to_json(const Arguments& arguments) {
    // The names of fields may still hold any bytes: those become the replacement character.
    return json_of(arguments).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Arguments> arguments_from_json(std::string_view text) {
    const auto json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    return arguments_of(json);
}

}  // namespace posthorn::model
