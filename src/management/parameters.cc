#include "parameters.h"

#include "base/log.h"

namespace posthorn::management {
namespace {

constexpr std::string_view space = "management.parameter";
constexpr char separator = '\0';

std::string key_text(const std::tuple<std::string, std::string, std::string>& key) {
    return std::get<0>(key) + separator + std::get<1>(key) + separator + std::get<2>(key);
}

}  // namespace

Parameters::Parameters(auth::Keep& keep) : keep_(keep) {
    keep.each(space, [this](std::string_view key, std::string_view text) {
        const auto first = key.find(separator);
        const auto second = first == std::string_view::npos ? first : key.find(separator, first + 1);
        Json value = Json::parse(text, nullptr, false);
        if (second == std::string_view::npos || value.is_discarded()) {
            log_error("management", "a kept parameter cannot be read and is left out");
            return;
        }
        values_[Key(key.substr(0, first), key.substr(first + 1, second - first - 1),
                    key.substr(second + 1))] = std::move(value);
    });
}

const Json* Parameters::find(std::string_view component, std::string_view vhost,
                             std::string_view name) const {
    const auto at = values_.find(Key(component, vhost, name));
    return at == values_.end() ? nullptr : &at->second;
}

Result<void> Parameters::put(std::string_view component, std::string_view vhost, std::string_view name,
                             Json value) {
    if (auto admitted = keep_.admit(); !admitted) return admitted;
    const Key key(component, vhost, name);
    keep_.put(space, key_text(key), text_of(value));
    values_[key] = std::move(value);
    return {};
}

Result<void> Parameters::erase(std::string_view component, std::string_view vhost, std::string_view name) {
    if (auto admitted = keep_.admit(); !admitted) return admitted;
    const auto at = values_.find(Key(component, vhost, name));
    if (at == values_.end()) return Error{Errc::not_found, "there is no such parameter"};
    keep_.remove(space, key_text(at->first));
    values_.erase(at);
    return {};
}

void Parameters::forget_vhost(std::string_view vhost) {
    std::erase_if(values_, [&](const auto& entry) {
        if (std::get<1>(entry.first) != vhost || vhost.empty()) return false;
        keep_.remove(space, key_text(entry.first));
        return true;
    });
}

void Parameters::each(
    std::string_view component,
    const std::function<void(const std::string&, const std::string&, const Json&)>& visit) const {
    for (auto at = values_.lower_bound(Key(component, "", ""));
         at != values_.end() && std::get<0>(at->first) == component; ++at)
        visit(std::get<1>(at->first), std::get<2>(at->first), at->second);
}

}  // namespace posthorn::management
