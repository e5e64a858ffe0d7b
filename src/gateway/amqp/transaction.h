#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "broker/broker.h"

namespace posthorn::gateway::amqp {

/// What a channel in tx mode has gathered since the last commit. Published messages are kept as they would be
/// stored (payload.h), one behind the other; settled ones stay with the unsettled, marked (`Unacked::stage`).
struct Transaction {
    struct Publish {
        std::size_t begin = 0, size = 0;  ///< in `bytes`
        bool mandatory = false;
    };
    Buffer bytes;
    std::vector<Publish> publishes;
    /// Of the commit under way: how many are published, and the last receipt of either promise.
    std::size_t done = 0;
    std::optional<broker::Receipt> written, synced;

    void clear() {
        bytes.clear(), publishes.clear();
        done = 0, written.reset(), synced.reset();
        if (bytes.capacity() > kKeptBytes) bytes.release();
    }
    static constexpr std::size_t kKeptBytes = 64 * 1024;
};

}  // namespace posthorn::gateway::amqp
