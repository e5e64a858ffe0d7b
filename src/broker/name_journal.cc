#include "name_journal.h"

#include <utility>

#include "base/log.h"

namespace posthorn::broker {
namespace {

constexpr std::int64_t retry_ms = 500;

std::string key_of(std::string_view kind, std::string_view name) {
    std::string key;
    key.reserve(kind.size() + 1 + name.size());
    key += kind;
    key += '\0';  // in no kind
    key += name;
    return key;
}

}  // namespace

struct NameJournal::Batch {
    std::vector<store::DefinitionChange> changes;
    std::uint64_t last = 0;
    Result<void> result;
};

NameJournal::NameJournal(std::unique_ptr<store::Definitions> definitions, runtime::Worker& worker)
    : definitions_(std::move(definitions)), worker_(worker) {}

NameJournal::~NameJournal() = default;

void NameJournal::put(std::string_view kind, std::string_view name, std::string_view json) {
    stage({std::string(kind), std::string(name), std::string(json)});
}

void NameJournal::remove(std::string_view kind, std::string_view name) {
    stage({std::string(kind), std::string(name), std::nullopt});
}

void NameJournal::stage(store::DefinitionChange change) {
    pending_[key_of(change.kind, change.name)] = ++staged_;
    changes_.push_back(std::move(change));
}

std::uint64_t NameJournal::pending(std::string_view kind, std::string_view name) const {
    if (all_durable()) return 0;
    const auto at = pending_.find(key_of(kind, name));
    return at == pending_.end() ? 0 : at->second;
}

void NameJournal::settled(const std::vector<store::DefinitionChange>& changes, std::uint64_t last) {
    durable_ = last;
    if (all_durable()) return pending_.clear();
    for (const store::DefinitionChange& change : changes)
        if (const auto at = pending_.find(key_of(change.kind, change.name));
            at != pending_.end() && at->second <= last)
            pending_.erase(at);
}

void NameJournal::submit(std::int64_t now_ms) {
    if (changes_.empty() || under_way_ || (failing_ && now_ms < try_again_ms_)) return;
    try_again_ms_ = now_ms + retry_ms;
    auto batch = std::make_shared<Batch>();
    batch->changes = std::move(changes_);
    batch->last = staged_;
    changes_.clear();
    under_way_ = batch;
    const bool taken = worker_.submit(
        [definitions = definitions_, batch] { batch->result = definitions->commit(batch->changes); },
        [this, held = std::weak_ptr(batch)] {
            if (const auto done = held.lock(); done && done == under_way_) finished(done);
        });
    if (taken) return;
    changes_ = std::move(batch->changes);  // too much work is waiting: with the next tick
    under_way_.reset();
}

void NameJournal::finished(const std::shared_ptr<Batch>& batch) {
    under_way_.reset();
    if (batch->result.ok()) {
        settled(batch->changes, batch->last);
        if (std::exchange(failing_, std::nullopt)) log_info("broker", "definitions are written again");
        return;
    }
    if (!failing_)
        log_error("broker", "definitions cannot be written, so no new name is promised: {}",
                  batch->result.error().message);
    failing_ = batch->result.error();
    // In front of what came since.
    batch->changes.insert(batch->changes.end(), std::make_move_iterator(changes_.begin()),
                          std::make_move_iterator(changes_.end()));
    changes_ = std::move(batch->changes);
}

Result<void> NameJournal::commit() {
    while (under_way_) {
        POSTHORN_CHECK(worker_.outstanding() > 0, "a batch is under way and the worker knows nothing of it");
        worker_.wait();
        worker_.collect();
    }
    if (auto done = definitions_->commit(changes_); !done) {
        failing_ = done.error();
        return done;
    }
    changes_.clear();
    settled({}, staged_);
    return {};
}

}  // namespace posthorn::broker
