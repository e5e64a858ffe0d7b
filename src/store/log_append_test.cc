// What is appended, written and synced.
#include <string>
#include <vector>

#include "log_test_support.h"
#include "store/log.h"

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

TEST_F(LogTest, WhereSyncsComeOftenTheFileIsWrittenAheadWithZeros) {
    options_.synced_often = true;
    open();
    append(1, "first");
    write();
    EXPECT_GT(files_.unsynced_bytes(), options_.segment_bytes / 2);
    sync();
    append(1, "second");
    write();
    EXPECT_LT(files_.unsynced_bytes(), 2 * 4096u) << "the blocks are there";
    for (int n = 0; n < 200; ++n) {  // over several segments
        append(2, "number " + std::to_string(n));
        sync();
    }
    kill();
    EXPECT_EQ(get(1, 0), "first");
    EXPECT_EQ(get(1, 1), "second");
    EXPECT_EQ(get(2, 199), "number 199");
    EXPECT_FALSE(log_->recovered().torn);
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

}  // namespace
}  // namespace posthorn::store
