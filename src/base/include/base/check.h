#pragma once

#include <source_location>
#include <string_view>

namespace posthorn {

/// Stops the program: an invariant of ours is broken, and going on could damage data. Never used for bad
/// input or a failing disk; those are `Result` errors. Stands in release builds too.
[[noreturn]] void panic(std::string_view what, std::source_location where = std::source_location::current());

/// The one macro: `POSTHORN_CHECK(size <= capacity, "record larger than its segment")`.
#define POSTHORN_CHECK(condition, what) \
    do {                                \
        if (!(condition)) [[unlikely]]  \
            ::posthorn::panic(what);    \
    } while (false)

}  // namespace posthorn
