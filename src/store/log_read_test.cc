// Finding and reading what was written: hot and cold, by offset, position, time and key.
#include <array>
#include <map>
#include <string>
#include <vector>

#include "env/random.h"
#include "log_test_support.h"
#include "store/log.h"

namespace posthorn::store {
namespace {

TEST_F(LogTest, NeighboursComeTogether) {
    open();
    for (int n = 0; n < 100; ++n)
        append(1, "m");
    std::array<Entry, 64> out;
    std::size_t count = 0;
    ASSERT_EQ(log_->entries(model::QueueId(1), model::QueueOffset(10), out, &count), Read::ready);
    EXPECT_EQ(count, 64u);
    for (std::size_t n = 1; n < count; ++n)
        EXPECT_GT(out[n].position, out[n - 1].position);
}

TEST_F(LogTest, ColdReadsWaitForTheWorkerAndNotForTheDisk) {
    open();
    for (int n = 0; n < 500; ++n)
        append(1, "message " + std::to_string(n));
    sync();
    files_.faults().not_now = 1;
    Entry out;
    std::size_t count = 0;
    EXPECT_EQ(log_->entries(model::QueueId(1), model::QueueOffset(0), {&out, 1}, &count), Read::loading);
    EXPECT_EQ(get(1, 0), "message 0");
    EXPECT_EQ(get(1, 250), "message 250");
    EXPECT_GT(log_->counters().cold_loads, 0u);
}

TEST_F(LogTest, EverythingIsFoundThroughACacheThatHoldsLittle) {
    files_.faults().not_now = 0.5;
    open();
    for (int n = 0; n < 20'000; ++n) {
        append(1 + n % 1000, std::string(100, 'x') + std::to_string(n));
        if (n % 64 == 0) write();
        if (n % 1000 == 0) settle();
    }
    sync();
    ASSERT_GT(log_->segments().size(), 100u);
    env::Random random(5);
    for (int n = 0; n < 2000; ++n) {
        const auto queue = random.below(1000), offset = random.below(20);
        ASSERT_EQ(get(static_cast<std::uint32_t>(1 + queue), offset),
                  std::string(100, 'x') + std::to_string(offset * 1000 + queue));
    }
}

TEST_F(LogTest, PositionsThatAreNoMessageAreNotFound) {
    open();
    std::vector<Appended> places;
    for (int n = 0; n < 200; ++n) {
        places.push_back(append(1, "message " + std::to_string(n)));
        if (n % 3 == 0) write();
    }
    // A body that is itself a whole, consistent record of a message that exists.
    Entry found;
    ASSERT_EQ(entry(1, 199, &found), Read::ready);
    Record inner;
    ASSERT_EQ(log_->record(found, &inner), Read::ready);
    const std::string body(reinterpret_cast<const char*>(inner.destinations.data()) - 48, inner.size);
    const auto outer = append(1, "1234" + body);
    sync();
    for (int round = 0; round < 2; ++round) {
        std::map<std::uint64_t, std::uint64_t> starts;
        for (std::size_t n = 0; n < places.size(); ++n)
            starts[places[n].position.value()] = n;
        starts[outer.position.value()] = 200;
        for (std::uint64_t at = 0; at < log_->end().value() + 100; ++at) {
            Record record;
            Read read;
            while ((read = log_->record_at(Position(at), &record)) == Read::loading)
                settle();
            ASSERT_EQ(read == Read::ready, starts.contains(at)) << at;
            if (read == Read::ready) {
                ASSERT_EQ(record.offset(0).value(), starts[at]);
            }
        }
        for (const std::uint64_t at :
             {~std::uint64_t{0}, ~std::uint64_t{7}, std::uint64_t{1} << 63, log_->end().value()}) {
            Record record;
            EXPECT_EQ(log_->record_at(Position(at), &record), Read::none);
        }
        reopen();
    }
}

TEST_F(LogTest, OffsetsAreFoundByTime) {
    open();
    for (int n = 0; n < 1000; ++n)
        append(1 + n % 2, "message", 10'000 + 10 * n);
    append(3, "late", 50'000);
    const auto check = [&] {
        const auto by_time = [&](std::uint32_t queue, std::int64_t time) {
            model::QueueOffset offset;
            while (log_->offset_by_time(model::QueueId(queue), time, &offset) == Read::loading)
                settle();
            return offset.value();
        };
        EXPECT_EQ(by_time(1, 0), 0u);
        for (int n = 0; n < 500; n += 7) {
            ASSERT_EQ(by_time(1, 10'000 + 20 * n), static_cast<std::uint64_t>(n));
            ASSERT_EQ(by_time(1, 10'000 + 20 * n + 1), static_cast<std::uint64_t>(n) + 1);
        }
        EXPECT_EQ(by_time(1, 20'000), 500u);
        EXPECT_EQ(by_time(3, 0), 0u);
        EXPECT_EQ(by_time(3, 50'000), 0u);
        EXPECT_EQ(by_time(3, 50'001), 1u);
        EXPECT_EQ(by_time(9, 0), 0u);
    };
    check();
    files_.faults().not_now = 0.5;
    sync();
    check();
    reopen();
    check();
}

TEST_F(LogTest, KeysAreFoundInEverySegmentNewestFirst) {
    open();
    std::vector<Position> wanted;
    for (int n = 0; n < 1000; ++n) {
        const bool one = n % 250 == 3;
        const auto appended =
            append(1, "message", 0, key_hash(one ? "wanted" : "other " + std::to_string(n)));
        if (one) wanted.insert(wanted.begin(), appended.position);
    }
    sync();
    EXPECT_EQ(log_->positions_by_key(key_hash("wanted"), 10), wanted);
    wanted.resize(2);
    EXPECT_EQ(log_->positions_by_key(key_hash("wanted"), 2), wanted);
    EXPECT_TRUE(log_->positions_by_key(key_hash("nobody"), 10).empty());
    reopen();
    EXPECT_EQ(log_->positions_by_key(key_hash("wanted"), 2), wanted);
}

TEST_F(LogTest, SkippedOffsetsAreHolesInMemoryInTheIndexFileAndAfterwards) {
    options_.counts_live = true;
    open();
    env::Random random(3);
    std::map<std::uint64_t, std::string> model;
    std::uint64_t end = 0;
    const auto check = [&] {
        for (std::uint64_t offset = 0; offset < end; ++offset)
            ASSERT_EQ(get(1, offset), model.contains(offset) ? model[offset] : "none") << offset;
        std::uint64_t held = 0;
        model::QueueOffset last{0};
        for (const Range& run : log_->held(model::QueueId(1))) {
            ASSERT_LE(last, run.begin);
            last = run.end;
            for (auto offset = run.begin; offset < run.end; ++offset, ++held)
                ASSERT_TRUE(model.contains(offset.value())) << offset.value();
        }
        ASSERT_EQ(held, model.size());
    };
    while (end < 1500) {
        for (std::uint64_t skips = random.chance(0.3) ? random.below(random.chance(0.1) ? 100 : 12) : 0;
             skips > 0; --skips)
            ASSERT_EQ(log_->skip(model::QueueId(1)), model::QueueOffset(end++));
        const std::string payload = std::to_string(end) + std::string(random.below(200), '.');
        ASSERT_EQ(append(1, payload).offset, model::QueueOffset(end));
        model[end++] = payload;
        if (random.chance(0.05)) sync();
    }
    sync();
    ASSERT_GT(log_->segments().size(), 4u);
    check();
    reopen();
    ASSERT_EQ(log_->range(model::QueueId(1)).end, model::QueueOffset(end));
    check();
    for (std::uint64_t n = 0; n < 500; ++n) {  // anywhere, as settling goes
        const std::uint64_t offset = random.below(end);
        ASSERT_EQ(get(1, offset), model.contains(offset) ? model[offset] : "none");
    }
}

TEST_F(LogTest, HolesAreNotCountedAsLiving) {
    options_.counts_live = true;
    open();
    for (int n = 0; n < 100; ++n) {
        log_->skip(model::QueueId(1));
        append(1, std::string(500, 'x'));
    }
    const auto live = [&] {
        std::uint64_t all = 0;
        for (const SegmentInfo& segment : log_->segments())
            all += segment.live;
        return all;
    };
    EXPECT_EQ(live(), 100u);
    for (std::uint64_t n = 0; n < 200; n += 2)
        log_->release(model::QueueId(1), model::QueueOffset(n));
    EXPECT_EQ(live(), 100u);
    sync();
    reopen();
    EXPECT_EQ(live(), 100u);
    for (std::uint64_t n = 0; n < 200; ++n)
        log_->release(model::QueueId(1), model::QueueOffset(n));
    EXPECT_EQ(live(), 0u);
}

}  // namespace
}  // namespace posthorn::store
