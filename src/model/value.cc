#include "model/value.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace posthorn::model {
namespace {

nlohmann::ordered_json json_of(const Arguments& arguments);

struct ToJson {
    nlohmann::ordered_json operator()(std::monostate) const { return nullptr; }
    nlohmann::ordered_json operator()(const Timestamp& time) const { return {{"timestamp", time.seconds}}; }
    nlohmann::ordered_json operator()(const Array& array) const {
        auto json = nlohmann::ordered_json::array();
        for (const Value& value : array)
            json.push_back(std::visit(*this, value.held));
        return json;
    }
    nlohmann::ordered_json operator()(const Arguments& arguments) const { return json_of(arguments); }
    template <class T>
    nlohmann::ordered_json operator()(const T& plain) const {
        return plain;
    }
};

nlohmann::ordered_json json_of(const Arguments& arguments) {
    auto json = nlohmann::ordered_json::object();
    for (const auto& [name, value] : arguments)
        if (!json.contains(name)) json[name] = std::visit(ToJson{}, value.held);
    return json;
}

Value value_of(const nlohmann::ordered_json& json);

Arguments arguments_of(const nlohmann::ordered_json& json) {
    Arguments arguments;
    for (const auto& [name, value] : json.items())
        arguments.set(name, value_of(value));
    return arguments;
}

bool is_timestamp(const nlohmann::ordered_json& json) {
    return json.size() == 1 && json.contains("timestamp") && json["timestamp"].is_number_unsigned();
}

Value value_of(const nlohmann::ordered_json& json) {
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
        if (is_timestamp(json)) return {Timestamp{json["timestamp"].get<std::uint64_t>()}};
        return {arguments_of(json)};
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
    // Headers may hold any bytes; what is no UTF-8 becomes the replacement character.
    return json_of(arguments).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::optional<Arguments> arguments_from_json(std::string_view text) {
    const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    return arguments_of(json);
}

}  // namespace posthorn::model
