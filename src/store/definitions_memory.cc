#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "store/definitions.h"

namespace posthorn::store {

namespace {
using Key = std::pair<std::string, std::string>;
}

struct MemoryDefinitions::Shared {
    std::map<Key, std::string> committed;
};

struct MemoryDefinitions::Staged {
    std::vector<std::pair<Key, std::optional<std::string>>> changes;
};

std::shared_ptr<MemoryDefinitions::Shared> MemoryDefinitions::make_shared_state() {
    return std::make_shared<Shared>();
}

MemoryDefinitions::MemoryDefinitions(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)), staged_(std::make_unique<Staged>()) {}

MemoryDefinitions::~MemoryDefinitions() = default;

void MemoryDefinitions::put(std::string_view kind, std::string_view name, std::string_view json) {
    staged_->changes.emplace_back(Key(kind, name), std::string(json));
}

void MemoryDefinitions::remove(std::string_view kind, std::string_view name) {
    staged_->changes.emplace_back(Key(kind, name), std::nullopt);
}

Result<void> MemoryDefinitions::commit() {
    for (auto& [key, json] : staged_->changes) {
        if (json)
            shared_->committed[key] = std::move(*json);
        else
            shared_->committed.erase(key);
    }
    staged_->changes.clear();
    return {};
}

Result<void> MemoryDefinitions::load(
    const std::function<void(std::string_view, std::string_view, std::string_view)>& visit) {
    for (const auto& [key, json] : shared_->committed)
        visit(key.first, key.second, json);
    return {};
}

}  // namespace posthorn::store
