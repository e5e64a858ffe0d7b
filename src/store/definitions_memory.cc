#include <map>
#include <mutex>
#include <utility>

#include "store/definitions.h"

namespace posthorn::store {

struct MemoryDefinitions::Shared {
    std::mutex mutex;
    std::map<std::pair<std::string, std::string>, std::string> committed;
    std::optional<Error> failing;
};

std::shared_ptr<MemoryDefinitions::Shared> MemoryDefinitions::make_shared_state() {
    return std::make_shared<Shared>();
}

void MemoryDefinitions::fail(Shared& shared, std::optional<Error> with) {
    const std::lock_guard lock(shared.mutex);
    shared.failing = std::move(with);
}

MemoryDefinitions::MemoryDefinitions(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

MemoryDefinitions::~MemoryDefinitions() = default;

Result<void> MemoryDefinitions::commit(std::span<const DefinitionChange> changes) {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->failing) return *shared_->failing;
    for (const DefinitionChange& change : changes) {
        if (change.json)
            shared_->committed[{change.kind, change.name}] = *change.json;
        else
            shared_->committed.erase({change.kind, change.name});
    }
    return {};
}

Result<void> MemoryDefinitions::load(
    const std::function<void(std::string_view, std::string_view, std::string_view)>& visit) {
    const std::lock_guard lock(shared_->mutex);
    for (const auto& [key, json] : shared_->committed)
        visit(key.first, key.second, json);
    return {};
}

}  // namespace posthorn::store
