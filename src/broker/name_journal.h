#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "runtime/worker.h"
#include "store/definitions.h"

namespace posthorn::broker {

/// Changes of names on their way into the definitions. The owner stages them, numbered 1, 2, 3; a worker
/// commits them, batch after batch in their order, while the owner goes on. What depends on a change (the
/// answer to whoever asked for it) waits until its number is durable; what happened to be staged together
/// becomes durable together.
class NameJournal {
  public:
    NameJournal(std::unique_ptr<store::Definitions> definitions, runtime::Worker& worker);
    ~NameJournal();

    store::Definitions& definitions() { return *definitions_; }

    void put(std::string_view kind, std::string_view name, std::string_view json);
    void remove(std::string_view kind, std::string_view name);

    std::uint64_t staged() const { return staged_; }    ///< number of the newest change
    std::uint64_t durable() const { return durable_; }  ///< changes up to here will be there after a crash
    bool all_durable() const { return durable_ == staged_; }
    /// The newest change of this name that is not durable yet; 0 if there is none.
    std::uint64_t pending(std::string_view kind, std::string_view name) const;

    /// Hands over what was staged, unless a batch is under way or one failed just now. Called in every tick.
    void submit(std::int64_t now_ms);
    /// Why the last batch could not be committed; nothing when it could. It is tried again until it is.
    const std::optional<Error>& failing() const { return failing_; }
    /// Commits everything here and now, waiting for the disk: for the end.
    Result<void> commit();

  private:
    struct Batch;
    void stage(store::DefinitionChange change);
    void settled(const std::vector<store::DefinitionChange>& changes, std::uint64_t last);
    void finished(const std::shared_ptr<Batch>& batch);

    std::shared_ptr<store::Definitions> definitions_;  // shared with the batch under way
    runtime::Worker& worker_;
    std::vector<store::DefinitionChange> changes_;  ///< staged and not under way
    std::shared_ptr<Batch> under_way_;
    std::unordered_map<std::string, std::uint64_t> pending_;  ///< by kind and name; as many as wait
    std::uint64_t staged_ = 0, durable_ = 0;
    std::optional<Error> failing_;
    std::int64_t try_again_ms_ = 0;
};

}  // namespace posthorn::broker
