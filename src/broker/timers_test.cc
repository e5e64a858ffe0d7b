#include "timers.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace posthorn::broker {
namespace {

TEST(Timers, SameMillisecondGoesByOffset) {
    Timers timers;
    timers.add({5, 3});
    timers.add({5, 1});
    timers.add({4, 9});
    EXPECT_EQ(timers.first(), (Timers::Timer{4, 9}));
    timers.remove_first();
    EXPECT_EQ(timers.first(), (Timers::Timer{5, 1}));
    timers.remove_first();
    EXPECT_EQ(timers.first(), (Timers::Timer{5, 3}));
    timers.remove_first();
    EXPECT_TRUE(timers.empty());
}

TEST(Timers, OneOfManyIsLeftWhenAllOthersAreRemoved) {
    Timers timers;
    for (std::uint64_t n = 0; n < 10'000; ++n)
        timers.add({static_cast<std::int64_t>(n), n});
    std::size_t removed = 0;
    timers.remove_from(1, [&](const Timers::Timer&) { ++removed; });
    EXPECT_EQ(removed, 9'999u);
    ASSERT_EQ(timers.size(), 1u);
    EXPECT_EQ(timers.first(), (Timers::Timer{0, 0}));
    timers.remove_from(0, [&](const Timers::Timer&) { ++removed; });
    EXPECT_TRUE(timers.empty());
}

TEST(Timers, AgreesWithASortedSet) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        Timers timers;
        std::set<Timers::Timer> model;
        for (std::uint64_t n = 0; n < 40'000; ++n) {
            // Phases of growth and of shrinking, so that chunks come and go.
            if (model.empty() || random() % 100 < (n / 10'000 % 2 ? 35 : 65)) {
                const Timers::Timer timer{static_cast<std::int64_t>(random() % 5000), n};
                timers.add(timer);
                model.insert(timer);
            } else {
                ASSERT_EQ(timers.first(), *model.begin());
                timers.remove_first();
                model.erase(model.begin());
            }
            if (n % 5'000 == 4'999) {  // the later ones go
                const auto from = static_cast<std::int64_t>(random() % 5000);
                std::set<Timers::Timer> removed;
                timers.remove_from(from, [&](const Timers::Timer& timer) { removed.insert(timer); });
                const auto first = model.lower_bound({from, 0});
                ASSERT_EQ(removed, std::set<Timers::Timer>(first, model.end()));
                model.erase(first, model.end());
            }
            ASSERT_EQ(timers.size(), model.size());
        }
    }
}

}  // namespace
}  // namespace posthorn::broker
