#include "wire/remoting/version.h"

#include <fmt/format.h>

namespace posthorn::wire::remoting {

// The original numbers its versions in the order it thought of them, each as a snapshot (even) and then as a
// release (odd): 3.1.0 from 46 on, from 3.3 on without patch 0, from 4.0.0 on with it, up to 5.9.9.

std::string version_name(std::int32_t version) {
    constexpr std::int32_t v3_1_0 = 46, v3_3_1 = 86, v4_0_0 = 212, higher = 612;
    if (version >= higher) return "HIGHER_VERSION";
    if (version < v3_1_0) return fmt::format("{}", version);
    std::int32_t digits = 310 + (version - v3_1_0) / 2;
    if (version >= v3_3_1) {
        const std::int32_t n = (version - v3_3_1) / 2;
        digits = 331 + n / 9 * 10 + n % 9;
    }
    if (version >= v4_0_0) digits = 400 + (version - v4_0_0) / 2;
    return fmt::format("V{}_{}_{}{}", digits / 100, digits / 10 % 10, digits % 10,
                       version % 2 == 0 ? "_SNAPSHOT" : "");
}

}  // namespace posthorn::wire::remoting
