#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "env/files.h"

namespace posthorn::broker {

/// `posthorn.meta`: what a data directory is, in three lines of text (docs/formats/meta.md). Written once,
/// durable before anything else is made.
struct DataDirectory {
    static constexpr std::uint32_t format_version = 1;
    std::uint64_t store_id = 0;

    /// Reads it, or makes it with `new_store_id` (0: random) in a directory that has none.
    static Result<DataDirectory> open(env::Files& files, const std::string& directory,
                                      std::uint64_t new_store_id);
};

}  // namespace posthorn::broker
