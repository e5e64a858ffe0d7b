#include "topic_attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

namespace posthorn::gateway::remoting {

namespace {

constexpr std::string_view kMultiTag = "MULTI_TAG";

/// An attribute the original knows. Without values it is a number from -1 up.
struct Known {
    std::string_view key;
    bool changeable;
    std::vector<std::string_view> values;
};

const std::vector<Known>& known_attributes() {
    static const std::vector<Known> all{
        {"queue.type", false, {"BatchCQ", "SimpleCQ"}},
        {"cleanup.policy", false, {"DELETE", "COMPACTION"}},
        {"message.type",
         true,
         {"UNSPECIFIED", "NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED", "PRIORITY", "LITE"}},
        {"reserve.time", true, {}},
    };
    return all;
}

Error invalid(std::string text) {
    return {Errc::invalid, std::move(text)};
}

Result<void> check_value(const Known& known, const std::string& value) {
    if (known.values.empty()) {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc{} || end != value.data() + value.size() || number < -1)
            return invalid(
                fmt::format("{} is a number from -1 up (-1: as the broker), not '{}'", known.key, value));
        return {};
    }
    if (std::find(known.values.begin(), known.values.end(), value) != known.values.end()) return {};
    return invalid(fmt::format("value is not in set: [{}]", fmt::join(known.values, ", ")));
}

/// One step of a change; `key` without its sign.
Result<void> check_step(const std::string& key, const std::string& value, bool adds, bool creating) {
    if (key.empty() || key.find_first_of("+-") != std::string::npos)
        return invalid("kv string format wrong.");
    const auto& all = known_attributes();
    const auto known = std::find_if(all.begin(), all.end(), [&](const Known& one) { return one.key == key; });
    if (known == all.end()) return invalid(fmt::format("unsupported key: {}", key));
    if (!creating && !known->changeable)
        return invalid(fmt::format("attempt to update an unchangeable attribute. key: {}", key));
    return adds ? check_value(*known, value) : Result<void>{};
}

template <class Visit>
void each_part(std::string_view text, const Visit& visit) {
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        visit(text.substr(0, comma));
        text.remove_prefix(std::min(text.size(), comma + 1));
    }
}

}  // namespace

Result<Attributes> parse_attribute_change(std::string_view text) {
    Attributes change;
    std::string fault;
    each_part(text, [&](std::string_view part) {
        if (!fault.empty()) return;
        const std::size_t equals = part.find('=');
        const std::string key(part.substr(0, equals));
        const bool adds = equals != std::string_view::npos;
        if (adds && key.find('+') == std::string::npos)
            fault = fmt::format("add/alter attribute format is wrong: {}", key);
        else if (!adds && key.find('-') == std::string::npos)
            fault = fmt::format("delete attribute format is wrong: {}", key);
        else if (!change.emplace(key, adds ? part.substr(equals + 1) : std::string_view()).second)
            fault = fmt::format("key duplication: {}", key);
    });
    if (!fault.empty()) return invalid(fault);
    return change;
}

Result<Attributes> change_attributes(const Attributes& current, const Attributes& change, bool creating) {
    Attributes result = current;
    for (const auto& [signed_key, value] : change) {
        const bool adds = signed_key.starts_with('+');
        const std::string key = signed_key.empty() ? std::string() : signed_key.substr(1);
        if (!adds && creating)
            return invalid(fmt::format("only add attribute is supported while creating topic. key: {}", key));
        if (!adds && !signed_key.starts_with('-')) return invalid(fmt::format("wrong format key: {}", key));
        if (!adds && !current.contains(key))
            return invalid(fmt::format("attempt to delete a nonexistent key: {}", key));
        if (const auto good = check_step(key, value, adds, creating); !good) return good.error();
        if (change.contains((adds ? '-' : '+') + key))
            return invalid(fmt::format("alter duplication key. key: {}", key));
        if (adds)
            result[key] = value;
        else
            result.erase(key);
    }
    return result;
}

TopicExtras TopicExtras::read(std::string_view kept) {
    TopicExtras extras;
    each_part(kept, [&](std::string_view part) {
        const std::size_t equals = part.find('=');
        if (part == kMultiTag)
            extras.multi_tag = true;
        else if (equals != std::string_view::npos)
            extras.attributes.emplace(part.substr(0, equals), part.substr(equals + 1));
    });
    return extras;
}

std::string TopicExtras::kept() const {
    std::string text(multi_tag ? kMultiTag : "");
    for (const auto& [key, value] : attributes)
        text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
    return text;
}

}  // namespace posthorn::gateway::remoting
