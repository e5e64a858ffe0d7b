#include "reader_state.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace posthorn::broker {
namespace {

TEST(ReaderState, AReturnedMessageComesBeforeYoungerOnes) {
    ReaderState reader;
    EXPECT_EQ(reader.take(*reader.next(10), 0), 1u);
    EXPECT_EQ(reader.take(*reader.next(10), 0), 1u);
    EXPECT_EQ(reader.take(*reader.next(10), 0), 1u);
    EXPECT_TRUE(reader.give_back(1, ReaderState::at_once));
    EXPECT_TRUE(reader.give_back(0, ReaderState::at_once));
    EXPECT_EQ(reader.next(10), 0u);
    EXPECT_EQ(reader.take(0, 0), 2u);
    EXPECT_EQ(reader.next(10), 1u);
}

TEST(ReaderState, ALateSettleOfAReturnedMessageCounts) {
    ReaderState reader;
    reader.take(*reader.next(1), 100);
    EXPECT_TRUE(reader.run_out(0, 100));
    EXPECT_EQ(reader.ready(1), 1u);
    EXPECT_TRUE(reader.settle(0));
    EXPECT_EQ(reader.ready(1), 0u);
    EXPECT_EQ(reader.next(1), std::nullopt);
    EXPECT_FALSE(reader.settle(0));
}

TEST(ReaderState, AnExtendedLeaseOutlivesItsOldDeadline) {
    ReaderState reader;
    reader.take(*reader.next(1), 100);
    EXPECT_TRUE(reader.extend(0, 200));
    EXPECT_FALSE(reader.run_out(0, 100));
    EXPECT_TRUE(reader.run_out(0, 200));
}

TEST(ReaderState, AfterARestartTakenMessagesAreReturnedAndCountAsTakenOnce) {
    ReaderState reader;
    reader.restore_settled(1, 2);
    reader.restore_cursor(4);
    reader.restore_return({3, 5, ReaderState::at_once});
    EXPECT_FALSE(reader.restored(10));
    EXPECT_EQ(reader.ready(10), 3u + 6u);
    EXPECT_EQ(reader.take(*reader.next(10), 0), 2u);  // 0
    EXPECT_EQ(reader.take(*reader.next(10), 0), 2u);  // 2
    EXPECT_EQ(reader.take(*reader.next(10), 0), 6u);  // 3
    EXPECT_EQ(reader.take(*reader.next(10), 0), 1u);  // 4
}

TEST(ReaderState, NothingPointsPastTheRecoveredEnd) {
    ReaderState reader;
    reader.restore_settled(0, 3);
    reader.restore_settled(5, 8);
    EXPECT_TRUE(reader.restored(6));
    EXPECT_EQ(reader.cursor(), 6u);
    EXPECT_FALSE(reader.settled().contains(6));
    EXPECT_EQ(reader.returned(), 2u);  // 3 and 4
}

/// A map from offset to where it stands is all there is to say; the rest is speed.
class Model {
  public:
    explicit Model(std::uint64_t seed) : random_(seed) {}

    void step() {
        end_ += random_() % 3;
        now_ += 1;
        switch (random_() % 12) {
            case 0:
            case 1:
            case 2:
            case 3:
                take();
                break;
            case 4:
            case 5:
            case 6: {
                const std::uint64_t offset = pick();
                const auto at = taken_.find(offset);
                EXPECT_EQ(reader_.settle(offset), at != taken_.end());
                if (at != taken_.end()) settled_[offset] = true, taken_.erase(at);
                break;
            }
            case 7: {
                const std::uint64_t offset = pick();
                const auto at = taken_.find(offset);
                const std::int64_t ready_at = random_() % 2 ? 0 : now_ + 20;
                const bool can = at != taken_.end() && at->second.where == in_flight;
                EXPECT_EQ(reader_.give_back(offset, ready_at), can);
                if (can) {
                    at->second.where = ready_at ? delayed : returned;
                    at->second.deadline = ready_at;
                }
                break;
            }
            case 8: {
                const std::uint64_t offset = pick();
                const auto at = taken_.find(offset);
                const bool can = at != taken_.end() && at->second.where == in_flight;
                EXPECT_EQ(reader_.extend(offset, now_ + 30), can);
                if (can) at->second.deadline = now_ + 30;
                break;
            }
            case 9:
                run_out();
                break;
            case 10:
                if (random_() % 50 == 0) forget();
                break;
            default:
                if (random_() % 50 == 0) restart();
        }
        check();
    }

  private:
    enum Where { in_flight, returned, delayed };
    struct Entry {
        Where where;
        std::int64_t deadline;
        std::uint32_t attempts;
    };

    std::uint64_t pick() { return cursor_ > 40 ? cursor_ - 40 + random_() % 42 : random_() % (cursor_ + 2); }

    void take() {
        std::optional<std::uint64_t> expected;
        for (const auto& [offset, entry] : taken_)
            if (entry.where == returned) {
                expected = offset;
                break;
            }
        if (!expected && cursor_ < end_) expected = cursor_;
        ASSERT_EQ(reader_.next(end_), expected);
        if (!expected) return;
        const std::int64_t deadline = random_() % 2 ? 0 : now_ + 10;
        if (*expected == cursor_) taken_[cursor_++] = {returned, 0, 0};
        Entry& entry = taken_[*expected];
        entry.where = in_flight;
        entry.deadline = deadline;
        EXPECT_EQ(reader_.take(*expected, deadline), ++entry.attempts);
    }

    void run_out() {
        for (auto& [offset, entry] : taken_) {
            if (entry.where == returned || entry.deadline == 0 || entry.deadline > now_) continue;
            EXPECT_TRUE(reader_.run_out(offset, entry.deadline));
            entry.where = returned;
        }
    }

    void forget() {
        const std::uint64_t begin = cursor_ > 10 ? cursor_ - random_() % 20 : cursor_;
        reader_.forget_below(begin);
        for (std::uint64_t n = 0; n < begin; ++n)
            settled_[n] = true, taken_.erase(n);
        while (settled_.contains(cursor_))
            ++cursor_;
        cursor_ = std::max(cursor_, begin);
        end_ = std::max(end_, cursor_);
    }

    void restart() {
        std::vector<ReaderState::Return> returns;
        reader_.each_return([&](const ReaderState::Return& note) { returns.push_back(note); });
        ReaderState next;
        next.restore_settled(0, reader_.settled().floor());
        reader_.settled().each_range([&](auto begin, auto end) { next.restore_settled(begin, end); });
        next.restore_cursor(reader_.cursor());
        for (const auto& note : returns)
            next.restore_return(note);
        EXPECT_FALSE(next.restored(end_));
        reader_ = std::move(next);
        for (auto& [offset, entry] : taken_)
            if (entry.where == in_flight) entry.where = returned;
    }

    void check() {
        std::uint64_t counts[3] = {};
        for (const auto& [offset, entry] : taken_)
            ++counts[entry.where];
        ASSERT_EQ(reader_.in_flight(), counts[in_flight]);
        ASSERT_EQ(reader_.returned(), counts[returned]);
        ASSERT_EQ(reader_.delayed(), counts[delayed]);
        ASSERT_EQ(reader_.cursor(), cursor_);
        const std::uint64_t probe = pick();
        ASSERT_EQ(reader_.settled().contains(probe), settled_.contains(probe));
    }

    std::mt19937_64 random_;
    ReaderState reader_;
    std::map<std::uint64_t, Entry> taken_;
    std::map<std::uint64_t, bool> settled_;
    std::uint64_t cursor_ = 0, end_ = 0;
    std::int64_t now_ = 1;
};

TEST(ReaderState, AgreesWithAPlainMapOverRandomOperations) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Model model(seed);
        for (int n = 0; n < 3000; ++n) {
            model.step();
            if (testing::Test::HasFailure()) return;
        }
    }
}

}  // namespace
}  // namespace posthorn::broker
