#include "store/volatile_log.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>

#include "base/log.h"
#include "env/random.h"
#include "env/sim_files.h"

namespace posthorn::store {
namespace {

class VolatileLogTest : public ::testing::Test {
  protected:
    VolatileLogTest() {
        options_.memory_bytes = 16 << 10;
        options_.block_bytes = 4 << 10;
        options_.max_record_bytes = 16 << 10;
        EXPECT_TRUE(files_.make_directories("data").ok());
    }
    void open() {
        log_.reset();
        log_ = std::make_unique<VolatileLog>(files_, "data", options_, worker_);
    }
    Result<Position> try_append(std::string_view payload, std::vector<Place> places) {
        NewRecord record;
        record.payload = as_bytes(payload);
        return log_->append(record, 5, places);
    }
    Position append(std::uint32_t queue, std::uint64_t offset, std::string_view payload) {
        auto done = try_append(payload, {place(queue, offset)});
        EXPECT_TRUE(done.ok()) << done.error().message;
        return done ? *done : Position();
    }
    static Place place(std::uint32_t queue, std::uint64_t offset) {
        return {model::QueueId(queue), model::QueueOffset(offset)};
    }
    std::string get(std::uint32_t queue, std::uint64_t offset) {
        Record record;
        for (int tries = 0; tries < 10; ++tries) {
            switch (log_->record(model::QueueId(queue), model::QueueOffset(offset), &record)) {
                case Read::ready:
                    return std::string(as_text(record.payload));
                case Read::none:
                    return "none";
                case Read::failed:
                    return "failed";
                case Read::damaged:
                    return "damaged";
                case Read::loading:
                    worker_.run_all();
                    worker_.collect();
            }
        }
        return "never";
    }
    bool release(std::uint32_t queue, std::uint64_t offset) {
        return log_->release(model::QueueId(queue), model::QueueOffset(offset));
    }

    env::SimFiles files_{1};
    runtime::SimWorker worker_;
    VolatileOptions options_;
    std::unique_ptr<VolatileLog> log_;
};

TEST_F(VolatileLogTest, AMessageIsReadWithAllThatWasSaidOfIt) {
    open();
    NewRecord record;
    record.payload = as_bytes("hello");
    record.format = Format(3), record.priority = 7, record.tag = -9, record.key = 11, record.deadline = 12;
    const Place places[] = {place(4, 100), place(5, 0)};
    const auto position = log_->append(record, 77, places);
    ASSERT_TRUE(position.ok());
    EXPECT_TRUE(is_volatile(*position));
    for (const Place& at : places) {
        Record got;
        ASSERT_EQ(log_->record(at.queue, at.offset, &got), Read::ready);
        EXPECT_EQ(got.position, *position);
        EXPECT_EQ(as_text(got.payload), "hello");
        EXPECT_EQ(got.format, Format(3));
        EXPECT_EQ(got.priority, 7);
        EXPECT_EQ(got.tag, -9);
        EXPECT_EQ(got.key, 11u);
        EXPECT_EQ(got.deadline, 12);
        EXPECT_EQ(got.time, 77);
    }
}

TEST_F(VolatileLogTest, ABodyForManyQueuesIsLaidDownOnceAndGoesWithTheLastOfThem) {
    open();
    std::vector<Place> places;
    for (std::uint32_t queue = 1; queue <= 1000; ++queue)
        places.push_back(place(queue, queue % 3));
    ASSERT_TRUE(try_append(std::string(1000, 'x'), places).ok());
    EXPECT_LT(log_->counters().bytes, 1100u);
    EXPECT_EQ(log_->counters().held, 1000u);
    for (const Place& at : places)
        EXPECT_TRUE(log_->release(at.queue, at.offset));
    EXPECT_EQ(log_->counters().held, 0u);
    EXPECT_EQ(get(500, 500 % 3), "none");
}

TEST_F(VolatileLogTest, QueuesHaveGapsWhereMessagesOfAnotherLogStand) {
    open();
    append(1, 2, "two");
    append(1, 70, "seventy");
    append(1, 1000, "thousand");
    const model::QueueId queue(1);
    EXPECT_EQ(log_->range(queue).begin, model::QueueOffset(2));
    EXPECT_EQ(log_->range(queue).end, model::QueueOffset(1001));
    EXPECT_EQ(log_->held(queue), 3u);
    EXPECT_EQ(get(1, 3), "none");
    EXPECT_EQ(log_->next(queue, model::QueueOffset(0)), model::QueueOffset(2));
    EXPECT_EQ(log_->next(queue, model::QueueOffset(3)), model::QueueOffset(70));
    EXPECT_EQ(log_->next(queue, model::QueueOffset(71)), model::QueueOffset(1000));
    EXPECT_EQ(log_->next(queue, model::QueueOffset(1001)), std::nullopt);
    EXPECT_TRUE(release(1, 2));
    EXPECT_FALSE(release(1, 2));
    EXPECT_EQ(log_->range(queue).begin, model::QueueOffset(70));
    EXPECT_TRUE(release(1, 1000));
    EXPECT_TRUE(release(1, 70));
    EXPECT_EQ(log_->range(queue).begin, log_->range(queue).end);
    EXPECT_EQ(log_->range(queue).end, model::QueueOffset(1001));
}

TEST_F(VolatileLogTest, UnderPressureTheOldestGoToTheFileAndComeBack) {
    open();
    for (std::uint64_t n = 0; n < 500; ++n)
        append(1, n, std::to_string(n) + std::string(300, '.'));
    EXPECT_LE(log_->counters().memory_bytes, options_.memory_bytes);
    EXPECT_GT(log_->counters().spilled, 30u);
    EXPECT_GT(log_->counters().file_bytes, 100'000u);
    for (std::uint64_t n = 0; n < 500; ++n) {
        EXPECT_EQ(get(1, n), std::to_string(n) + std::string(300, '.'));
        EXPECT_TRUE(release(1, n));
        EXPECT_LE(log_->counters().memory_bytes, options_.memory_bytes);
    }
    EXPECT_EQ(log_->counters().file_bytes, 0u);
    EXPECT_EQ(log_->counters().index_bytes, 0u);
}

TEST_F(VolatileLogTest, WhatTheSystemHasNotInMemoryIsLoadedByTheWorkerWithWhatFollows) {
    int told = 0;
    options_.on_loaded = [&] { ++told; };
    open();
    for (std::uint64_t n = 0; n < 500; ++n)
        append(1, n, std::string(300, 'a'));
    files_.faults().not_now = 1;
    Record record;
    EXPECT_EQ(log_->record(model::QueueId(1), model::QueueOffset(0), &record), Read::loading);
    EXPECT_GT(worker_.outstanding(), 1u);
    EXPECT_EQ(log_->record(model::QueueId(1), model::QueueOffset(0), &record), Read::loading);
    EXPECT_EQ(get(1, 0), std::string(300, 'a'));
    EXPECT_GT(told, 1);
}

TEST_F(VolatileLogTest, TheFileIsUsedAgainAndCutWhenItIsEmpty) {
    const std::uint64_t free = files_.disk_space()->free;
    open();
    std::uint64_t tail = 0, head = 0;
    std::uint64_t most = 0;
    for (int round = 0; round < 20; ++round) {
        for (int n = 0; n < 200; ++n)
            append(1, head++, std::string(500, 'x'));
        while (tail + 5 < head)
            release(1, tail++);
        most = std::max(most, free - files_.disk_space()->free);
    }
    EXPECT_LT(most, 300'000u);
    while (tail < head)
        release(1, tail++);
    EXPECT_EQ(files_.disk_space()->free, free);
}

TEST_F(VolatileLogTest, ALargeMessageHasABlockOfItsOwn) {
    open();
    append(1, 0, "small");
    append(1, 1, std::string(15'000, 'L'));
    append(1, 2, "small too");
    for (std::uint64_t n = 3; n < 100; ++n)
        append(1, n, std::string(1000, 'x'));
    EXPECT_EQ(get(1, 0), "small");
    EXPECT_EQ(get(1, 1), std::string(15'000, 'L'));
    EXPECT_EQ(get(1, 2), "small too");
    EXPECT_EQ(try_append(std::string(16'500, 'x'), {place(1, 100)}).error().code, Errc::invalid);
    for (std::uint64_t n = 0; n < 100; ++n)
        EXPECT_TRUE(release(1, n));
    EXPECT_LE(log_->counters().memory_bytes, 4096u);  // the block that is filled next
}

TEST_F(VolatileLogTest, AFullDiskRefusesNewMessagesKeepsTheOldAndEndsByItself) {
    open();
    files_.faults().write_no_space = 1;
    std::uint64_t n = 0;
    Result<Position> last = Position();
    while (n < 1000 && (last = try_append(std::string(1000, 'x'), {place(1, n)})))
        ++n;
    ASSERT_FALSE(last.ok());
    EXPECT_EQ(last.error().code, Errc::no_space);
    EXPECT_FALSE(log_->holds(model::QueueId(1), model::QueueOffset(n)));
    EXPECT_LE(log_->counters().memory_bytes, options_.memory_bytes + options_.block_bytes);
    EXPECT_EQ(get(1, 0), std::string(1000, 'x'));

    files_.faults().write_no_space = 0;
    EXPECT_TRUE(try_append(std::string(1000, 'x'), {place(1, n)}).ok());
}

TEST_F(VolatileLogTest, AFullDiskStillGivesBackWhatIsInTheFile) {
    open();
    std::uint64_t n = 0;
    for (; n < 100; ++n)
        append(1, n, std::string(1000, 'x'));
    files_.faults().write_no_space = 1;
    files_.faults().not_now = 1;
    while (n < 1000 && try_append(std::string(1000, 'x'), {place(1, n)}))
        ++n;
    for (std::uint64_t m = 0; m < n; ++m)
        ASSERT_EQ(get(1, m), std::string(1000, 'x')) << m;
    EXPECT_LE(log_->counters().memory_bytes, options_.memory_bytes + 3 * options_.block_bytes);
}

TEST_F(VolatileLogTest, LimitsOfTheFileAndOfTheIndexRefuse) {
    options_.file_bytes = 32 << 10;
    open();
    std::uint64_t n = 0;
    Result<Position> last = Position();
    while (n < 1000 && (last = try_append(std::string(1000, 'x'), {place(1, n)})))
        ++n;
    ASSERT_FALSE(last.ok());
    EXPECT_EQ(last.error().code, Errc::full);
    release(1, 0), release(1, 1), release(1, 2), release(1, 3);
    EXPECT_TRUE(try_append(std::string(1000, 'x'), {place(1, n)}).ok());

    options_.index_bytes = 1000;
    open();
    for (n = 0; n < 1000 && (last = try_append("x", {place(1, n)}));)
        ++n;
    ASSERT_FALSE(last.ok());
    EXPECT_EQ(last.error().code, Errc::full);
    EXPECT_EQ(n, 65u);  // the second page was the last
}

TEST_F(VolatileLogTest, BytesThatCannotBeReadForAMomentAreReadLater) {
    open();
    for (std::uint64_t n = 0; n < 100; ++n)
        append(1, n, std::string(1000, 'x'));
    files_.faults().not_now = files_.faults().read_error = 1;
    EXPECT_EQ(get(1, 0), "failed");
    EXPECT_EQ(get(1, 0), "failed");
    EXPECT_EQ(get(1, 99), std::string(1000, 'x'));
    EXPECT_GE(log_->counters().failed_reads, 2u);
    files_.faults() = {};
    get(1, 0);  // it may be told once more
    EXPECT_EQ(get(1, 0), std::string(1000, 'x'));
    EXPECT_EQ(log_->counters().damaged, 0u);
    EXPECT_TRUE(release(1, 0));
}

TEST_F(VolatileLogTest, AForgottenQueueTakesItsMessagesAlongAndMayStartAnew) {
    open();
    for (std::uint64_t n = 0; n < 100; ++n)
        ASSERT_TRUE(try_append(std::string(1000, 'x'), {place(1, n), place(2, n)}).ok());
    log_->forget(model::QueueId(1));
    EXPECT_EQ(log_->range(model::QueueId(1)).end, model::QueueOffset(0));
    EXPECT_EQ(log_->counters().held, 100u);
    append(1, 0, "anew");
    EXPECT_EQ(get(1, 0), "anew");
    EXPECT_EQ(get(2, 50), std::string(1000, 'x'));
    log_->forget(model::QueueId(2));
    EXPECT_EQ(log_->counters().file_bytes, 0u);
}

TEST_F(VolatileLogTest, APayloadMayBeAViewIntoTheLogItself) {
    open();
    append(1, 0, std::string(1000, 'a'));
    for (std::uint64_t n = 0; n < 200; ++n) {
        Record record;
        while (log_->record(model::QueueId(1), model::QueueOffset(n), &record) == Read::loading) {
            worker_.run_all();
            worker_.collect();
        }
        ASSERT_TRUE(try_append(as_text(record.payload), {place(1, n + 1)}).ok());
        ASSERT_EQ(get(1, n + 1), std::string(1000, 'a'));
    }
}

TEST_F(VolatileLogTest, WhatWasReservedCanBeAppended) {
    open();
    env::Random random(5);
    std::uint64_t n = 0;
    for (; n < 300; ++n) {
        if (n == 100) files_.faults().write_no_space = 1;
        const std::string payload(random.below(random.chance(0.1) ? 9'000 : 1'000), 'x');
        if (!log_->reserve(payload.size())) break;
        ASSERT_TRUE(try_append(payload, {place(1, n)}).ok());
    }
    EXPECT_GE(n, 100u);
    EXPECT_LT(n, 200u);
}

/// Against a plain map, on a disk that is full now and then and a worker that lags.
class Model : public VolatileLogTest {
  public:
    void TestBody() override {}
    void run(std::uint64_t seed) {
        env::Random random(seed);
        options_.memory_bytes = std::uint64_t{16 << 10} << random.below(3);
        options_.file_bytes = random.chance(0.2) ? 64 << 10 : 0;
        open();
        const double drain = 0.3 + 0.3 * static_cast<double>(random.below(3));
        for (int step = 0; step < 3000; ++step) {
            if (random.chance(0.01)) files_.faults().not_now = random.chance(0.5) ? 0.8 : 0;
            if (random.chance(0.01)) files_.faults().write_no_space = random.chance(0.3) ? 1 : 0;
            if (random.chance(0.1)) worker_.run_one(random);
            if (random.chance(0.1)) worker_.collect();
            if (random.chance(0.0005)) {
                const auto queue = static_cast<std::uint32_t>(random.between(1, 4));
                log_->forget(model::QueueId(queue));
                held_.erase(queue);
                ends_.erase(queue);
            }
            if (random.chance(drain))
                take(random);
            else
                put(random);
            ASSERT_EQ(log_->counters().held, count());
            // One new block, one that is read, and large ones may stand above the limit.
            ASSERT_LE(log_->counters().memory_bytes, options_.memory_bytes + (40 << 10));
        }
        check_all();
        files_.faults() = {};
        for (std::uint32_t queue = 1; queue <= 4; ++queue)
            log_->forget(model::QueueId(queue));
        ASSERT_EQ(log_->counters().file_bytes, 0u);
        ASSERT_EQ(log_->counters().index_bytes, 0u);
    }

  private:
    void put(env::Random& random) {
        std::vector<Place> places;
        for (std::uint32_t queue = 1; queue <= 4; ++queue)
            if (random.chance(0.4))
                places.push_back(place(queue, ends_[queue] + (random.chance(0.1) ? random.below(200) : 0)));
        if (places.empty()) return;
        const std::string payload =
            std::to_string(++said_) + std::string(random.below(random.chance(0.02) ? 12'000 : 300), '.');
        if (!try_append(payload, places)) return;
        for (const Place& at : places) {
            held_[at.queue.value()][at.offset.value()] = payload;
            ends_[at.queue.value()] = at.offset.value() + 1;
        }
    }
    /// Mostly the oldest, sometimes any.
    void take(env::Random& random) {
        const auto queue = static_cast<std::uint32_t>(random.between(1, 4));
        auto& messages = held_[queue];
        if (messages.empty()) return;
        auto at = messages.begin();
        if (random.chance(0.2)) std::advance(at, static_cast<std::ptrdiff_t>(random.below(messages.size())));
        ASSERT_EQ(get(queue, at->first), at->second);
        if (!random.chance(0.8)) return;
        ASSERT_TRUE(release(queue, at->first));
        ASSERT_FALSE(release(queue, at->first));
        messages.erase(at);
    }
    std::uint64_t count() const {
        std::uint64_t all = 0;
        for (const auto& [queue, messages] : held_)
            all += messages.size();
        return all;
    }
    void check_all() {
        for (const auto& [queue, messages] : held_) {
            ASSERT_EQ(log_->held(model::QueueId(queue)), messages.size());
            model::QueueOffset from{0};
            for (const auto& [offset, payload] : messages) {
                const auto next = log_->next(model::QueueId(queue), from);
                ASSERT_EQ(next, model::QueueOffset(offset));
                ASSERT_EQ(get(queue, offset), payload);
                from = *next + 1;
            }
            ASSERT_EQ(log_->next(model::QueueId(queue), from), std::nullopt);
        }
    }

    std::map<std::uint32_t, std::map<std::uint64_t, std::string>> held_;
    std::map<std::uint32_t, std::uint64_t> ends_;
    std::uint64_t said_ = 0;
};

TEST(VolatileLogModel, RandomHistoriesGiveWhatAPlainMapGives) {
    set_log_sink([](LogLevel, std::string_view, std::string_view) {});
    for (std::uint64_t seed = 1; seed <= 60 && !::testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Model().run(seed);
    }
    set_log_sink({});
}

}  // namespace
}  // namespace posthorn::store
