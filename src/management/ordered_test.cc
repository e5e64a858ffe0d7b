#include "ordered.h"

#include <gtest/gtest.h>

#include "env/random.h"

namespace posthorn::management {
namespace {

TEST(Ordered, GivesWhatASortWouldGive) {
    env::Random random(1);
    for (const std::size_t count : {0u, 1u, 1'023u, 1'024u, 1'025u, 5'000u}) {
        Ordered<std::uint64_t, std::less<>> ordered{std::less<>()};
        std::vector<std::uint64_t> expected, got;
        for (std::size_t n = 0; n < count; ++n) {
            expected.push_back(random() % 1'000);
            ordered.add(expected.back());
        }
        ordered.begin_taking();
        while (!ordered.empty())
            got.push_back(ordered.take());
        std::sort(expected.begin(), expected.end());
        EXPECT_EQ(got, expected);
    }
}

}  // namespace
}  // namespace posthorn::management
