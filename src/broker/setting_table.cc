#include "setting_table.h"

namespace posthorn::broker {

void SettingTable::set(std::string_view space, std::string_view key, std::string_view value) {
    auto at = spaces_.find(space);
    if (at == spaces_.end()) at = spaces_.try_emplace(std::string(space)).first;
    at->second.insert_or_assign(std::string(key), std::string(value));
}

bool SettingTable::unset(std::string_view space, std::string_view key) {
    const auto at = spaces_.find(space);
    if (at == spaces_.end()) return false;
    const auto entry = at->second.find(key);
    if (entry == at->second.end()) return false;
    at->second.erase(entry);
    if (at->second.empty()) spaces_.erase(at);
    return true;
}

const std::string* SettingTable::find(std::string_view space, std::string_view key) const {
    const auto at = spaces_.find(space);
    if (at == spaces_.end()) return nullptr;
    const auto entry = at->second.find(key);
    return entry == at->second.end() ? nullptr : &entry->second;
}

std::size_t SettingTable::size() const {
    std::size_t size = 0;
    for (const auto& [space, entries] : spaces_)
        size += entries.size();
    return size;
}

void SettingTable::each(
    std::string_view space,
    const std::function<void(const std::string& key, const std::string& value)>& visit) const {
    if (const auto at = spaces_.find(space); at != spaces_.end())
        for (const auto& [key, value] : at->second)
            visit(key, value);
}

}  // namespace posthorn::broker
