#include "store/log.h"

#include <array>
#include <string>

#include "env/random.h"
#include "log_test_support.h"

namespace posthorn::store {
namespace {

TEST_F(LogTest, WhatWasAppendedIsReadBack) {
    open();
    const auto first = append(1, "one", 5000);
    append(2, "other");
    const auto second = append(1, "two", 6000);
    EXPECT_EQ(first.offset, model::QueueOffset(0));
    EXPECT_EQ(second.offset, model::QueueOffset(1));
    write();
    EXPECT_EQ(log_->written(), log_->end());
    EXPECT_EQ(all(1), (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(all(2), (std::vector<std::string>{"other"}));
    Entry found;
    ASSERT_EQ(entry(1, 1, &found), Read::ready);
    EXPECT_EQ(found.position, second.position);
    EXPECT_EQ(get(1, 2), "none");
    EXPECT_EQ(get(3, 0), "none");
    EXPECT_TRUE(log_->range(model::QueueId(3)).empty());
}

TEST_F(LogTest, StoreTimeNeverFalls) {
    open();
    append(1, "a", 5000);
    append(1, "b", 4000);
    Entry found;
    ASSERT_EQ(entry(1, 1, &found), Read::ready);
    EXPECT_EQ(found.time, 5000);
    write();
    reopen();
    append(1, "c", 3000);
    ASSERT_EQ(entry(1, 2, &found), Read::ready);
    EXPECT_EQ(found.time, 5000);
}

TEST_F(LogTest, AFanOutStoresTheBodyOnceAndIsInEveryQueue) {
    open();
    append(2, "before");
    const model::QueueId queues[] = {model::QueueId(1), model::QueueId(2), model::QueueId(3)};
    NewRecord record;
    record.queues = queues, record.payload = as_bytes("all");
    ASSERT_TRUE(log_->append(record, 1).ok());
    write();
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(get(1, 0), "all");
        EXPECT_EQ(get(2, 1), "all");
        EXPECT_EQ(get(3, 0), "all");
        reopen();
    }
}

TEST_F(LogTest, WhatBreaksTheRulesIsRefused) {
    open();
    EXPECT_EQ(try_append(1, std::string(2048, 'x')).error().code, Errc::invalid);
    NewRecord record;
    EXPECT_EQ(log_->append(record, 1).error().code, Errc::invalid);  // a message for nobody
    record.kind = RecordKind::state;
    const model::QueueId queues[] = {model::QueueId(1)};
    record.queues = queues;
    EXPECT_EQ(log_->append(record, 1).error().code, Errc::invalid);  // state for a queue
    EXPECT_EQ(log_->end(), log_->written());
}

TEST_F(LogTest, AKillKeepsWhatWasWrittenAndLosesTheRest) {
    open();
    append(1, "written");
    write();
    append(1, "only appended");
    kill();
    EXPECT_EQ(all(1), (std::vector<std::string>{"written"}));
    EXPECT_EQ(visited_, (std::vector<std::string>{"written"}));
    EXPECT_FALSE(log_->recovered().torn);
    EXPECT_EQ(append(1, "next").offset, model::QueueOffset(1));
}

TEST_F(LogTest, SegmentsRollAndEverythingIsThereAfterReopening) {
    open();
    std::map<std::uint32_t, std::vector<std::string>> said;
    for (int n = 0; n < 2000; ++n) {
        const std::uint32_t queue = 1 + n % 7;
        const std::string payload = "message " + std::to_string(n);
        append(queue, payload);
        said[queue].push_back(payload);
        if (n % 5 == 0) write();
    }
    write();
    EXPECT_GT(log_->counters().rolls, 10u);
    for (const auto& [queue, payloads] : said)
        EXPECT_EQ(all(queue), payloads);
    const Position end = log_->end();
    reopen();
    EXPECT_EQ(log_->end(), end);
    for (const auto& [queue, payloads] : said)
        EXPECT_EQ(all(queue), payloads);
    sync();
    EXPECT_GT(log_->segments()[3].sealed, 0);
    reopen();
    EXPECT_LT(visited_.size(), 500u);  // sealed segments are not replayed
    EXPECT_EQ(log_->end(), end);
    for (const auto& [queue, payloads] : said)
        EXPECT_EQ(all(queue), payloads);
}

TEST_F(LogTest, ATornTailIsCutWhereverItTears) {
    open();
    append(1, "kept");
    write();
    const auto begin = log_->written().value();
    append(1, "torn one");
    append(1, "torn two, a little longer");
    write();
    const auto end = log_->written().value();
    log_.reset();

    for (std::uint64_t tear = begin; tear < end; ++tear) {
        // A crash that wrote a prefix of the batch, with garbage behind in every second case.
        auto file = std::move(*files_.open(name(0), env::OpenMode::write));
        std::vector<std::byte> original(end - begin);
        ASSERT_TRUE(file->read_at(begin, original).ok());
        const std::vector<std::byte> rest(end - tear, tear % 2 ? std::byte{0} : std::byte{0xA5});
        ASSERT_TRUE(file->write_at(tear, rest).ok());
        std::vector<std::byte> torn(end - begin);
        ASSERT_TRUE(file->read_at(begin, torn).ok());
        const bool whole = torn == original;  // zeros where the padding was
        open();
        ASSERT_EQ(all(1), whole ? (std::vector<std::string>{"kept", "torn one", "torn two, a little longer"})
                                : (std::vector<std::string>{"kept"}))
            << tear;
        ASSERT_EQ(log_->recovered().cut.value(), whole ? end : begin);
        ASSERT_EQ(log_->counters().damaged, 0u);
        append(1, "after");
        write();
        reopen();
        ASSERT_EQ(all(1).back(), "after");
        log_.reset();
        // Back to how it was.
        ASSERT_TRUE(file->write_at(begin, std::vector<std::byte>(4096)).ok());
        ASSERT_TRUE(file->write_at(begin, original).ok());
    }
}

TEST_F(LogTest, ABatchLeftBehindTheCutDoesNotComeBack) {
    open();
    append(1, "kept");
    write();
    const auto torn_at = log_->written().value();
    append(1, "torn");
    write();
    const auto stale_at = log_->written().value();
    append(1, "stale but good");
    write();
    log_.reset();
    ASSERT_TRUE(files_.damage(name(0), torn_at + 50).ok());  // nothing says it was synced
    open();
    EXPECT_TRUE(log_->recovered().torn);
    EXPECT_EQ(log_->end().value(), torn_at);
    append(1, "TORN");  // as long as what was there: ends exactly where the stale batch began
    write();
    EXPECT_EQ(log_->written().value(), stale_at);
    kill();
    EXPECT_EQ(all(1), (std::vector<std::string>{"kept", "TORN"}));
}

TEST_F(LogTest, DamageBeforeTheSyncedPositionIsNamedAndNeverServed) {
    open();
    append(1, "before");
    sync();
    const auto bad = append(1, "hit by rot");
    append(2, "in the same batch");
    sync();
    append(1, "after");
    append(2, "after too");
    sync();
    append(1, "vouches for all before");
    sync();
    const Position end = log_->end();
    log_.reset();
    ASSERT_TRUE(files_.damage(name(0), bad.position.value() + 61).ok());
    for (int round = 0; round < 3; ++round) {
        open();
        EXPECT_EQ(log_->counters().damaged, round < 2 ? 1u : 0u) << round;
        EXPECT_FALSE(log_->recovered().torn);
        EXPECT_EQ(log_->end(), end);
        EXPECT_EQ(all(1), (std::vector<std::string>{"before", "damaged", "after", "vouches for all before"}));
        EXPECT_EQ(all(2), (std::vector<std::string>{"damaged", "after too"}));
        Record record;
        EXPECT_NE(log_->record_at(bad.position, &record), Read::ready);
        if (round == 1) {  // and the same once it is sealed
            for (int n = 0; n < 20; ++n)
                append(9, std::string(1900, 'x'));
            sync();
            settle();
            ASSERT_TRUE(log_->segments()[0].sealed);
            EXPECT_EQ(all(1),
                      (std::vector<std::string>{"before", "damaged", "after", "vouches for all before"}));
            break;
        }
        log_.reset();
    }
    reopen();
    EXPECT_EQ(all(1), (std::vector<std::string>{"before", "damaged", "after", "vouches for all before"}));
    EXPECT_EQ(all(2), (std::vector<std::string>{"damaged", "after too"}));
}

TEST_F(LogTest, RotInASealedSegmentIsFoundWhenItIsRead) {
    open();
    std::vector<Appended> places;
    for (int n = 0; n < 300; ++n) {
        places.push_back(append(1, "message " + std::to_string(n)));
        write();
    }
    sync();
    ASSERT_TRUE(log_->segments()[0].sealed);
    log_.reset();
    ASSERT_TRUE(files_.damage(name(0), places[5].position.value() + 62).ok());
    open();
    EXPECT_EQ(get(1, 4), "message 4");
    EXPECT_EQ(get(1, 5), "damaged");
    EXPECT_EQ(get(1, 6), "message 6");
    EXPECT_EQ(log_->counters().damaged, 1u);
}

TEST_F(LogTest, AnIndexFileThatRotsIsMadeAgain) {
    open();
    for (int n = 0; n < 1000; ++n)
        append(1 + n % 3, "message " + std::to_string(n));
    sync();
    const auto segments = log_->segments();
    ASSERT_TRUE(segments[0].sealed && segments[1].sealed && segments[2].sealed);
    std::map<std::uint32_t, std::vector<std::string>> before;
    for (const std::uint32_t queue : {1u, 2u, 3u})
        before[queue] = all(queue);
    log_.reset();
    for (const std::size_t n : {std::size_t{1}, segments.size() - 2}) {
        const std::string path = name(segments[n].begin.value(), ".idx");
        auto file = std::move(*files_.open(path, env::OpenMode::read));
        ASSERT_TRUE(files_.damage(path, *file->size() - 60).ok());
    }
    open();
    EXPECT_EQ(log_->counters().damaged, 2u);
    for (const auto& [queue, payloads] : before)
        EXPECT_EQ(all(queue), payloads);
    settle();
    reopen();
    EXPECT_EQ(log_->counters().damaged, 0u);
}

TEST_F(LogTest, AnIndexFileThatRotsBehindAGoodFooterIsMadeAgainWhenItIsRead) {
    open();
    for (int n = 0; n < 1000; ++n)
        append(1 + n % 3, "message " + std::to_string(n));
    sync();
    const auto segments = log_->segments();
    ASSERT_TRUE(segments[0].sealed && segments[1].sealed);
    std::map<std::uint32_t, std::vector<std::string>> before;
    for (const std::uint32_t queue : {1u, 2u, 3u})
        before[queue] = all(queue);
    log_.reset();
    for (const std::size_t n : {0u, 1u})
        ASSERT_TRUE(files_.damage(name(segments[n].begin.value(), ".idx"), 20).ok());
    open();
    EXPECT_EQ(log_->counters().damaged, 0u) << "nobody read it yet";
    for (const auto& [queue, payloads] : before)
        EXPECT_EQ(all(queue), payloads);
    EXPECT_EQ(log_->counters().damaged, 2u);
    settle();
    reopen();
    for (const auto& [queue, payloads] : before)
        EXPECT_EQ(all(queue), payloads);
    EXPECT_EQ(log_->counters().damaged, 0u);
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

TEST_F(LogTest, OnRollStateComesFirstAndIsReplayedFromThere) {
    int states = 0;
    options_.on_roll = [&] {
        NewRecord state;
        state.kind = RecordKind::state;
        const std::string text = "state " + std::to_string(++states);
        state.payload = as_bytes(text);
        ASSERT_TRUE(log_->append(state, now_).ok());
    };
    open();
    for (int n = 0; n < 1000; ++n)
        append(1, "message " + std::to_string(n));
    write();
    ASSERT_GT(states, 2);
    EXPECT_FALSE(log_->segments()[0].sealed);  // the state after it is not durable
    sync();
    const auto segments = log_->segments();
    EXPECT_TRUE(segments[segments.size() - 2].sealed);
    reopen();
    ASSERT_FALSE(visited_.empty());
    EXPECT_EQ(visited_.front(), "state " + std::to_string(states));
    EXPECT_EQ(all(1).size(), 1000u);
}

TEST_F(LogTest, AFullDiskRefusesAtTheRollAndRecoversByItself) {
    files_.set_capacity(64 << 10);
    open();
    Result<Appended> last = append(1, "first");
    int taken = 1;
    while ((last = try_append(1, std::string(1000, 'x'))))
        ++taken;
    EXPECT_EQ(last.error().code, Errc::no_space);
    EXPECT_FALSE(log_->failed());
    EXPECT_EQ(get(1, 0), "first");
    sync();
    now_ += 50;
    EXPECT_EQ(try_append(1, std::string(1000, 'x')).error().code, Errc::no_space);
    files_.set_capacity(1 << 20);
    now_ += 100;
    EXPECT_EQ(append(1, std::string(1000, 'y')).offset,
              model::QueueOffset(static_cast<std::uint64_t>(taken)));
    sync();
    reopen();
    EXPECT_EQ(all(1).size(), static_cast<std::size_t>(taken) + 1);
}

TEST_F(LogTest, OnAFullDiskStateStillGoesIntoTheSpareSegment) {
    options_.spare_segment = true;
    files_.set_capacity(64 << 10);
    open();
    while (try_append(1, std::string(1000, 'x'))) {
    }
    sync();
    const auto say_state = [&] {
        NewRecord state;
        state.kind = RecordKind::state;
        const std::string text(500, 's');
        state.payload = as_bytes(text);
        return log_->append(state, now_);
    };
    int states = 0;
    while (states < 1000 && say_state())
        ++states;
    EXPECT_GT(states, 20);  // a segment's worth
    EXPECT_LT(states, 100);
    EXPECT_EQ(say_state().error().code, Errc::no_space);
    EXPECT_EQ(try_append(1, "tiny").error().code, Errc::no_space);  // it would fit, but the reserve is in use
    sync();
    files_.set_capacity(1 << 20);
    now_ += 1000;
    append(1, "room again");
    write();
    EXPECT_TRUE(files_.exists("log/spare"));
    const auto count = log_->range(model::QueueId(1)).end.value();
    reopen();
    EXPECT_EQ(log_->range(model::QueueId(1)).end.value(), count);
    EXPECT_EQ(get(1, count - 1), "room again");
}

TEST_F(LogTest, AMissingSegmentIsNamedAndTheRestIsServed) {
    open();
    std::vector<Position> places;
    for (int n = 0; n < 1000; ++n)
        places.push_back(append(1, "message " + std::to_string(n)).position);
    sync();
    const auto segments = log_->segments();
    append(1, "vouches");
    sync();
    log_.reset();
    const auto lost = segments[segments.size() - 2];
    ASSERT_TRUE(files_.remove(name(lost.begin.value())).ok());
    ASSERT_TRUE(files_.remove(name(lost.begin.value(), ".idx")).ok());
    open();
    EXPECT_EQ(log_->counters().damaged, 1u);
    EXPECT_EQ(get(1, 0), "message 0");
    EXPECT_EQ(get(1, 999), "message 999");
    for (std::uint64_t n = 0; n < 1000; ++n)
        ASSERT_EQ(get(1, n) == "damaged", places[n] >= lost.begin && places[n] < lost.end) << n;
}

TEST_F(LogTest, AFailedSyncIsNeverTriedAgain) {
    open();
    append(1, "a");
    sync();
    append(1, "b");
    write();
    const Position synced = log_->synced();
    files_.fail_sync(1);
    log_->request_sync();
    settle();
    EXPECT_TRUE(log_->failed());
    EXPECT_EQ(log_->synced(), synced);
    const auto syncs = files_.syncs();
    log_->request_sync();
    settle();
    EXPECT_EQ(files_.syncs(), syncs);
    EXPECT_EQ(try_append(1, "c").error().code, Errc::read_only);
    EXPECT_EQ(get(1, 0), "a");
}

TEST_F(LogTest, AFailedWriteMakesTheLogReadOnly) {
    open();
    append(1, "a");
    write();
    append(1, "b");
    files_.fail_write(1, Errc::io);
    EXPECT_FALSE(log_->write().ok());
    EXPECT_TRUE(log_->failed());
    EXPECT_EQ(log_->write().error().code, Errc::read_only);
    reopen();
    EXPECT_EQ(all(1), (std::vector<std::string>{"a"}));
    append(1, "c");
    write();
}

TEST_F(LogTest, OneSyncServesAllWhoWaitForIt) {
    open();
    append(1, "a");
    write();
    log_->request_sync();
    append(1, "b");
    write();
    const Position second = log_->written();
    log_->request_sync();
    log_->request_sync();
    settle();
    EXPECT_EQ(log_->synced(), second);
    EXPECT_EQ(log_->counters().syncs, 2u);
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

TEST_F(LogTest, DroppingTheOldestMovesTheBeginAndKeepsTheEnd) {
    open();
    append(2, "only in the first segment");
    for (int n = 0; n < 500; ++n)
        append(1, std::to_string(n));
    sync();
    const auto before = log_->range(model::QueueId(1));
    const auto bytes = log_->disk_bytes();
    ASSERT_TRUE(log_->drop_oldest().ok());
    settle();
    const auto after = log_->range(model::QueueId(1));
    EXPECT_GT(after.begin, before.begin);
    EXPECT_EQ(after.end, before.end);
    EXPECT_EQ(get(1, after.begin.value()), std::to_string(after.begin.value()));
    EXPECT_EQ(get(1, after.begin.value() - 1), "none");
    EXPECT_TRUE(log_->range(model::QueueId(2)).empty());
    EXPECT_EQ(log_->range(model::QueueId(2)).end, model::QueueOffset(1));
    EXPECT_LT(log_->disk_bytes(), bytes);
    EXPECT_FALSE(files_.exists(name(0)));

    while (log_->drop_oldest().ok()) {
    }
    settle();
    EXPECT_EQ(log_->segments().size(), 1u);
    const auto last = log_->range(model::QueueId(1));
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(log_->range(model::QueueId(1)).begin, last.begin);
        EXPECT_EQ(log_->range(model::QueueId(1)).end, model::QueueOffset(500));
        EXPECT_EQ(log_->range(model::QueueId(2)).begin, model::QueueOffset(1));
        EXPECT_EQ(log_->range(model::QueueId(2)).end, model::QueueOffset(1));
        reopen();
    }
    EXPECT_EQ(append(2, "goes on").offset, model::QueueOffset(1));
}

TEST_F(LogTest, DeadSegmentsVanishAndLiveMessagesMoveForward) {
    options_.counts_live = true;
    open();
    for (int n = 0; n < 600; ++n)
        append(1 + n % 2, "message " + std::to_string(n));
    sync();
    const auto segments = log_->segments();
    ASSERT_GT(segments.size(), 3u);
    ASSERT_TRUE(segments[0].sealed);
    const std::uint64_t in_first = segments[0].live;
    ASSERT_GT(in_first, 50u);
    for (std::uint64_t n = 0; n < in_first; ++n)
        if (n != 20 && n != 21)
            log_->release(model::QueueId(static_cast<std::uint32_t>(1 + n % 2)), model::QueueOffset(n / 2));
    EXPECT_EQ(log_->segments()[0].live, 2u);
    ASSERT_TRUE(log_->maintain().ok());
    EXPECT_EQ(log_->segments().size(), segments.size());

    for (const std::uint32_t queue : {1u, 2u}) {
        Entry found;
        Record record;
        ASSERT_EQ(entry(queue, 10, &found), Read::ready);
        while (log_->record(found, &record) == Read::loading)
            settle();
        ASSERT_TRUE(log_->append_moved(record).ok());
    }
    EXPECT_EQ(log_->segments()[0].live, 0u);
    EXPECT_EQ(log_->segments().back().live, segments.back().live + 2);
    EXPECT_EQ(get(1, 10), "message 20");
    sync();
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(get(1, 10), "message 20") << round;
        EXPECT_EQ(get(2, 10), "message 21") << round;
        EXPECT_EQ(get(1, 299), "message 598") << round;
        EXPECT_EQ(log_->segments()[0].live > 100, round == 1)
            << round;  // the second time it is another segment
        if (round == 0) {
            reopen();  // both copies are on the disk: the newer one counts
            EXPECT_EQ(get(1, 10), "message 20");
            for (std::uint64_t n = 0; n < in_first; ++n)
                if (n != 20 && n != 21)
                    log_->release(model::QueueId(static_cast<std::uint32_t>(1 + n % 2)),
                                  model::QueueOffset(n / 2));
            EXPECT_EQ(log_->segments()[0].live, 0u);
            ASSERT_TRUE(log_->maintain().ok());
            settle();
            EXPECT_FALSE(files_.exists(name(0)));
            EXPECT_EQ(log_->range(model::QueueId(1)).begin, model::QueueOffset(10));
        } else if (round == 1) {
            for (int n = 0; n < 300; ++n)
                append(3, "seals what was moved");
            sync();
            reopen();
            break;
        }
    }
    EXPECT_EQ(get(1, 10), "message 20");
    EXPECT_EQ(get(2, 10), "message 21");
    EXPECT_EQ(get(1, 11), "none");
    EXPECT_EQ(log_->range(model::QueueId(1)).begin, model::QueueOffset(10));
}

TEST_F(LogTest, APayloadFromTheLogItselfIsCopiedSafely) {
    open();
    for (int n = 0; n < 200; ++n) {
        append(1, std::string(1500, static_cast<char>('a' + n % 26)));
        Entry found;
        Record record;
        ASSERT_EQ(entry(1, static_cast<std::uint64_t>(n), &found), Read::ready);
        ASSERT_EQ(log_->record(found, &record), Read::ready);
        const model::QueueId queues[] = {model::QueueId(2)};
        NewRecord again;
        again.queues = queues, again.payload = record.payload;
        ASSERT_TRUE(log_->append(again, 1).ok());
    }
    EXPECT_EQ(all(1), all(2));
}

TEST_F(LogTest, AnotherStoresFilesAreRefused) {
    open();
    append(1, "a");
    write();
    log_.reset();
    options_.store_id = 78;
    auto opened = Log::open(files_, "log", options_, worker_, {});
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, Errc::invalid);
}

}  // namespace
}  // namespace posthorn::store
