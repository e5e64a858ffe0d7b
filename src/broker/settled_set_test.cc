#include "settled_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace posthorn::broker {
namespace {

TEST(SettledSet, FloorFollowsWhenTheGapCloses) {
    SettledSet set;
    EXPECT_TRUE(set.add(1));
    EXPECT_TRUE(set.add(2));
    EXPECT_EQ(set.floor(), 0u);
    EXPECT_TRUE(set.add(0));
    EXPECT_EQ(set.floor(), 3u);
    EXPECT_FALSE(set.add(1));
}

TEST(SettledSet, FullChunksCollapse) {
    SettledSet set;
    set.add_range(1, 1'000'000'000);
    EXPECT_EQ(set.floor(), 0u);
    EXPECT_TRUE(set.contains(999'999'999));
    EXPECT_FALSE(set.contains(1'000'000'000));
    set.add(0);
    EXPECT_EQ(set.floor(), 1'000'000'000u);
}

TEST(SettledSet, StartsFarUpWithoutMemoryForWhatIsBelow) {
    SettledSet set;
    set.raise_floor(std::uint64_t{1} << 60);
    EXPECT_TRUE(set.add((std::uint64_t{1} << 60) + 5));
    EXPECT_EQ(set.floor(), std::uint64_t{1} << 60);
    EXPECT_EQ(set.top(), (std::uint64_t{1} << 60) + 6);
}

/// Random operations against a plain std::set.
class SettledSetModel {
  public:
    explicit SettledSetModel(std::uint64_t seed) : random_(seed), window_(seed % 2 ? 300 : 9'000) {}

    void step() {
        const std::uint64_t offset = floor() + random_() % window_;
        switch (random_() % 40) {
            case 0: {
                const std::uint64_t end = offset + random_() % (2 * window_);
                set_.add_range(offset, end);
                for (std::uint64_t n = offset; n < end; ++n)
                    settled_.insert(n);
                break;
            }
            case 1:
                if (random_() % 4) break;
                set_.raise_floor(offset);
                for (std::uint64_t n = floor(); n < offset; ++n)
                    settled_.insert(n);
                break;
            case 2:
                if (random_() % 8) break;
                set_.cut(offset);
                settled_.erase(settled_.lower_bound(offset), settled_.end());
                break;
            default:
                EXPECT_EQ(set_.add(offset), settled_.insert(offset).second);
        }
    }

    void check() const {
        ASSERT_EQ(set_.floor(), floor());
        ASSERT_EQ(set_.top(), settled_.empty() ? 0 : *settled_.rbegin() + 1);
        for (std::uint64_t n = floor() < 10 ? 0 : floor() - 10; n < set_.top() + 10; ++n)
            ASSERT_EQ(set_.contains(n), settled_.contains(n)) << n;
        std::set<std::uint64_t> ranges;
        std::uint64_t last = 0;
        set_.each_range([&](std::uint64_t begin, std::uint64_t end) {
            EXPECT_LT(last, begin + (last == 0));
            EXPECT_LT(begin, end);
            last = end;
            for (; begin < end; ++begin)
                ranges.insert(begin);
        });
        ASSERT_EQ(ranges, std::set(settled_.lower_bound(floor()), settled_.end()));
        std::uint64_t gaps = 0;
        const std::uint64_t end = set_.top() + 3;
        set_.each_gap(end, [&](std::uint64_t n) {
            EXPECT_FALSE(settled_.contains(n));
            ++gaps;
        });
        ASSERT_EQ(gaps + ranges.size(), end - floor());
        SettledSet again;
        again.raise_floor(set_.floor());
        set_.each_piece([&](std::uint64_t begin, std::uint64_t to) { again.add_range(begin, to); },
                        [&](std::uint64_t begin, std::span<const std::uint64_t> bits) {
                            for (std::uint64_t n = 0; n < bits.size() * 64; ++n)
                                if (bits[n / 64] >> (n % 64) & 1) again.add_range(begin + n, begin + n + 1);
                        });
        ASSERT_EQ(again.top(), set_.top());
        for (std::uint64_t n = set_.floor(); n < set_.top(); ++n)
            ASSERT_EQ(again.contains(n), set_.contains(n)) << n;
    }

  private:
    std::uint64_t floor() const {
        std::uint64_t floor = cached_floor_;
        if (!settled_.contains(floor) && floor > 0 && !settled_.contains(floor - 1)) floor = 0;
        while (settled_.contains(floor))
            ++floor;
        return cached_floor_ = floor;
    }

    std::mt19937_64 random_;
    std::uint64_t window_;
    SettledSet set_;
    std::set<std::uint64_t> settled_;
    mutable std::uint64_t cached_floor_ = 0;
};

TEST(SettledSet, AgreesWithAPlainSet) {
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        SettledSetModel model(seed);
        for (int n = 0; n < 1500; ++n) {
            model.step();
            if (n % 500 == 499) model.check();
            if (testing::Test::HasFatalFailure()) return;
        }
    }
}

}  // namespace
}  // namespace posthorn::broker
