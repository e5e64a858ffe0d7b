#include "json.h"

#include <fmt/format.h>

#include <charconv>

namespace posthorn::management {
namespace {

/// As deep as a table on the wire may be, and some for what is around it.
constexpr int depth_max = 48;

/// Deep nesting would be walked recursively later on.
bool too_deep(std::string_view text) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > depth_max) return true;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

struct ToJson {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(const model::Timestamp& time) const { return time.seconds; }
    Json operator()(const model::Array& array) const {
        Json json = Json::array();
        for (const model::Value& value : array)
            json.push_back(json_of(value));
        return json;
    }
    Json operator()(const model::Arguments& arguments) const { return json_of(arguments); }
    Json operator()(const model::Binary& binary) const { return binary.bytes; }
    template <class Plain>
    Json operator()(const Plain& plain) const {
        return plain;
    }
};

Error not_a(std::string_view kind, const char* key, const Json& value) {
    return {Errc::invalid, fmt::format("not_{}: {} is {}", kind, key, text_of(value))};
}

const Json* field(const Json& body, const char* key) {
    const auto at = body.find(key);
    return at == body.end() || at->is_null() ? nullptr : &*at;
}

}  // namespace

std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parse_body(std::string_view body) {
    if (body.empty()) return Json::object();
    if (too_deep(body)) return Error{Errc::invalid, "not_json: nested too deeply"};
    Json json = Json::parse(body, nullptr, false);
    if (!json.is_object()) return Error{Errc::invalid, "not_json"};
    return json;
}

Json json_of(const model::Value& value) {
    return std::visit(ToJson{}, value.held);
}

Json json_of(const model::Arguments& arguments) {
    Json json = Json::object();
    for (const auto& [name, value] : arguments)
        if (!json.contains(name)) json[name] = json_of(value);
    return json;
}

Result<model::Arguments> arguments_of(const Json& json) {
    if (json.is_array() && json.empty()) return model::Arguments();
    auto arguments = json.is_object() ? model::arguments_from_json(text_of(json)) : std::nullopt;
    if (!arguments) return Error{Errc::invalid, fmt::format("not_an_object: {}", text_of(json))};
    return *std::move(arguments);
}

Result<bool> flag_in(const Json& body, const char* key, bool otherwise) {
    const Json* value = field(body, key);
    if (!value) return otherwise;
    if (value->is_boolean()) return value->get<bool>();
    if (*value == "true") return true;
    if (*value == "false") return false;
    return not_a("boolean", key, *value);
}

Result<std::int64_t> number_in(const Json& body, const char* key, std::int64_t otherwise) {
    const Json* value = field(body, key);
    if (!value) return otherwise;
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX)
        return not_a("int", key, *value);
    if (value->is_number_integer()) return value->get<std::int64_t>();
    if (!value->is_string()) return not_a("int", key, *value);
    const auto& text = value->get_ref<const std::string&>();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return not_a("int", key, *value);
    return number;
}

Result<std::string> text_in(const Json& body, const char* key, std::string_view otherwise) {
    const Json* value = field(body, key);
    if (!value) return std::string(otherwise);
    if (!value->is_string()) return not_a("string", key, *value);
    return value->get<std::string>();
}

Result<model::Arguments> arguments_in(const Json& body, const char* key) {
    const Json* value = field(body, key);
    return value ? arguments_of(*value) : Result<model::Arguments>(model::Arguments());
}

bool has(const Json& body, const char* key) {
    return field(body, key) != nullptr;
}

Result<void> require(const Json& body, std::initializer_list<const char*> keys) {
    std::string missing;
    for (const char* key : keys)
        if (!body.contains(key))
            missing += fmt::format("{}{{key_missing,{}}}", missing.empty() ? "" : ",", key);
    if (missing.empty()) return {};
    return Error{Errc::invalid, fmt::format("[{}]", missing)};
}

}  // namespace posthorn::management
