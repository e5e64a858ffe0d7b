#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::store {

/// One change of a definition: a new text, or none (it is gone).
struct DefinitionChange {
    std::string kind, name;
    std::optional<std::string> json;
};

/// The few things that are named by people: topics, groups, named queues, key-value settings. Kind, name, and
/// a JSON text the broker makes and reads. Offsets and anything else that changes per message never go here.
///
/// `commit` waits for the disk, so it is called on a worker; `load` before that, by the owner.
class Definitions {
  public:
    virtual ~Definitions() = default;

    /// All of it, in this order, or nothing; durable on return. From any thread; whoever comes while another
    /// one commits waits.
    virtual Result<void> commit(std::span<const DefinitionChange> changes) = 0;
    virtual Result<void> load(const std::function<void(std::string_view kind, std::string_view name,
                                                       std::string_view json)>& visit) = 0;
};

/// Where a data directory keeps them.
inline constexpr std::string_view definitions_file = "definitions.sqlite";

/// SQLite in `path` (write-ahead log, synchronous=FULL).
Result<std::unique_ptr<Definitions>> open_sqlite_definitions(const std::string& path);

/// In memory, durable at commit: for simulations, where a power cut keeps exactly what was committed. The
/// returned object and its copies opened later through the same `Shared` see the same definitions.
class MemoryDefinitions final : public Definitions {
  public:
    struct Shared;
    static std::shared_ptr<Shared> make_shared_state();
    /// Every commit fails with this until it is taken back (nullopt): a full disk, a machine that is off.
    static void fail(Shared& shared, std::optional<Error> with);

    explicit MemoryDefinitions(std::shared_ptr<Shared> shared);
    ~MemoryDefinitions() override;

    Result<void> commit(std::span<const DefinitionChange> changes) override;
    Result<void> load(
        const std::function<void(std::string_view, std::string_view, std::string_view)>& visit) override;

  private:
    std::shared_ptr<Shared> shared_;
};

}  // namespace posthorn::store
