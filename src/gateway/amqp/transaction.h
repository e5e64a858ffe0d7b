#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

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

    void clear() {
        bytes.clear(), publishes.clear();
        if (bytes.capacity() > kKeptBytes) bytes.release();
    }
    static constexpr std::size_t kKeptBytes = 64 * 1024;
};

}  // namespace posthorn::gateway::amqp
