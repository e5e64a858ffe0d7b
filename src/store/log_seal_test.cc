// Segments that rolled and were sealed, and what rots in them.
#include <map>
#include <string>
#include <vector>

#include "log_test_support.h"
#include "store/log.h"

namespace posthorn::store {
namespace {

TEST_F(LogTest, ASyncForWhichThereIsNoDescriptorIsDoneLater) {
    open();
    append(1, "a");
    write();
    files_.faults().no_descriptor = 1;
    log_->request_sync();
    settle();
    EXPECT_FALSE(log_->failed());
    EXPECT_LT(log_->synced(), log_->written());
    EXPECT_FALSE(log_->sync_owed());  // or the owner would try in every tick
    append(1, "b");
    write();
    settle();
    EXPECT_LT(log_->synced(), log_->written());
    files_.faults().no_descriptor = 0;
    ASSERT_TRUE(log_->maintain().ok());
    settle();
    EXPECT_EQ(log_->synced(), log_->written());
    env::Random random(1);
    log_.reset();
    worker_.drop_all();
    files_.power_cut(random);
    open();
    EXPECT_EQ(all(1).size(), 2u);
}

TEST_F(LogTest, WithoutDescriptorsTheIdleFilesGiveTheirs) {
    open();
    for (int n = 0; n < 300; ++n)
        append(1, std::to_string(n) + std::string(300, '.'));
    sync();
    ASSERT_GT(log_->segments().size(), 4u);
    env::Random random(2);
    for (int n = 0; n < 300; ++n) {
        files_.faults().no_descriptor = random.chance(0.3) ? 0.3 : 0;
        Entry found;
        Record record;
        const auto offset = random.below(300);
        if (entry(1, offset, &found) == Read::ready)
            while (log_->record(found, &record) == Read::loading)
                settle();
    }
    files_.faults().no_descriptor = 0;
    for (std::uint64_t n = 0; n < 300; ++n)
        ASSERT_EQ(get(1, n), std::to_string(n) + std::string(300, '.'));
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

TEST_F(LogTest, OnRollStateComesFirstAndIsReplayedFromThere) {
    int states = 0;
    options_.on_roll = [&] {
        NewRecord state;
        state.kind = RecordKind::state;
        const std::string text = "state " + std::to_string(++states);
        state.payload = as_bytes(text);
        return log_->append(state, now_).ok();
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

TEST_F(LogTest, NothingIsSealedBeforeAStateThatDidNotGoInWholeAndItIsAskedForAgain) {
    bool room = false;
    int asked = 0;
    options_.on_roll = [&] {
        ++asked;
        return room;
    };
    open();
    for (int n = 0; n < 400; ++n)
        append(1, "message " + std::to_string(n));
    sync();
    EXPECT_GT(asked, 0);
    EXPECT_FALSE(log_->segments()[0].sealed);
    room = true;
    ASSERT_TRUE(log_->maintain().ok());
    sync();
    settle();
    EXPECT_TRUE(log_->segments()[0].sealed);
    const int before = asked;
    ASSERT_TRUE(log_->maintain().ok());
    EXPECT_EQ(asked, before);
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

TEST_F(LogTest, AReadThatFailsForAMomentIsNoDamage) {
    open();
    for (int n = 0; n < 300; ++n)
        append(1, "message " + std::to_string(n));
    sync();
    ASSERT_TRUE(log_->segments()[0].sealed);
    reopen();
    files_.faults().not_now = files_.faults().read_error = 1;
    EXPECT_EQ(get(1, 5), "failed");
    EXPECT_EQ(get(1, 5), "failed");
    files_.faults() = {};
    get(1, 5);  // it may be told once more
    EXPECT_EQ(get(1, 5), "message 5");
    EXPECT_EQ(log_->counters().damaged, 0u);
    EXPECT_GE(log_->counters().failed_reads, 2u);
}

TEST_F(LogTest, AMessageIsNotDamagedBecauseNoFileCanBeOpened) {
    open();
    for (int n = 0; n < 300; ++n)
        append(1, "message " + std::to_string(n));
    sync();
    reopen();
    files_.faults().no_descriptor = 1;
    EXPECT_EQ(get(1, 5), "failed");
    files_.faults() = {};
    EXPECT_EQ(get(1, 5), "message 5");
    EXPECT_EQ(log_->counters().damaged, 0u);
}

TEST_F(LogTest, AnIndexFileThatRotsWhileTheDiskIsFullIsMadeAgainLater) {
    open();
    for (int n = 0; n < 300; ++n)
        append(1, "message " + std::to_string(n));
    sync();
    ASSERT_TRUE(log_->segments()[0].sealed);
    log_.reset();
    ASSERT_TRUE(files_.damage(name(0, ".idx"), 30).ok());
    open();
    files_.faults().write_no_space = 1;
    EXPECT_EQ(get(1, 5), "failed");
    files_.faults() = {};
    EXPECT_EQ(get(1, 5), "message 5");
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

}  // namespace
}  // namespace posthorn::store
