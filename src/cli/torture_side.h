#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "torture_ledger.h"

namespace posthorn::cli {

/// What a look at the server after its death found.
struct TortureFindings {
    TortureLedger::Verdict verdict;
    std::uint64_t invented = 0;
    std::uint64_t taken_back = 0;     ///< a consumer had seen it, and now it is gone or another one
    std::uint64_t offsets_ahead = 0;  ///< a group's committed offset lies behind the end of its queue
    std::uint64_t again = 0;          ///< came again and said so: allowed
    bool good() const { return verdict.good() && invented == 0 && taken_back == 0 && offsets_ahead == 0; }
};

/// The part of a torture that knows the protocol: who loads the server, and how it is asked afterwards
/// whether it kept its word. Lives through all deaths.
class TortureSide {
  public:
    /// Runs on a thread of its own until the flag is raised or its connection breaks, which is what a killed
    /// server looks like; an error is something else.
    using Client = std::function<Result<void>(const std::atomic<bool>& stop)>;

    virtual ~TortureSide() = default;
    /// Whether the server answers; else why not.
    virtual Result<void> ask() = 0;
    /// Once, after the first start.
    virtual Result<void> prepare() = 0;
    virtual std::vector<Client> clients() = 0;
    /// After a restart, with no client running.
    virtual Result<TortureFindings> check() = 0;
    /// What the server refused, in words; none of it is a failure.
    virtual std::vector<std::string> refusals() const = 0;
};

}  // namespace posthorn::cli
