#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::store {

/// The few things that are named by people and must be there before a record may mention them: topics,
/// groups, named queues, key-value settings. Kind, name, and a JSON text the broker makes and reads.
///
/// Changes are staged and become durable together by `commit`, which the broker calls in a tick before that
/// tick's records are written. Offsets and anything else that changes per message never go here.
/// One owner thread.
class Definitions {
  public:
    virtual ~Definitions() = default;

    virtual void put(std::string_view kind, std::string_view name, std::string_view json) = 0;
    virtual void remove(std::string_view kind, std::string_view name) = 0;
    /// Everything staged since the last commit, all of it or nothing, durable on return.
    virtual Result<void> commit() = 0;
    virtual Result<void> load(const std::function<void(std::string_view kind, std::string_view name,
                                                       std::string_view json)>& visit) = 0;
};

/// SQLite in `path` (write-ahead log, synchronous=FULL).
Result<std::unique_ptr<Definitions>> open_sqlite_definitions(const std::string& path);

/// In memory, durable at commit: for simulations, where a power cut keeps exactly what was committed. The
/// returned object and its copies opened later through the same `Shared` see the same definitions.
class MemoryDefinitions final : public Definitions {
  public:
    struct Shared;
    static std::shared_ptr<Shared> make_shared_state();
    explicit MemoryDefinitions(std::shared_ptr<Shared> shared);
    ~MemoryDefinitions() override;

    void put(std::string_view kind, std::string_view name, std::string_view json) override;
    void remove(std::string_view kind, std::string_view name) override;
    Result<void> commit() override;
    Result<void> load(
        const std::function<void(std::string_view, std::string_view, std::string_view)>& visit) override;

  private:
    struct Staged;
    std::shared_ptr<Shared> shared_;
    std::unique_ptr<Staged> staged_;
};

}  // namespace posthorn::store
