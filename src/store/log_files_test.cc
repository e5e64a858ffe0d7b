// The log on real files and threads, what it costs in memory, and files of earlier versions.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "env/posix_files.h"
#include "env/sim_files.h"
#include "runtime/worker.h"
#include "store/log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POSTHORN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POSTHORN_SANITIZED 1
#endif
#endif

namespace posthorn::store {
namespace {

class LogFilesTest : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() / ("posthorn-log-" + std::to_string(::getpid()));
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        files_ = std::make_unique<env::PosixFiles>(folder_.string());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::unique_ptr<Log> open(const LogOptions& options, runtime::Worker& worker) {
        auto opened = Log::open(*files_, "log", options, worker, {});
        EXPECT_TRUE(opened.ok()) << opened.error().message;
        return std::move(*opened);
    }
    static void append(Log& log, std::uint32_t queue, std::string_view payload) {
        const model::QueueId queues[] = {model::QueueId(queue)};
        NewRecord record;
        record.queues = queues;
        record.payload = as_bytes(payload);
        ASSERT_TRUE(log.append(record, 1).ok());
    }
    static void collect_all(runtime::Worker& worker) {
        while (worker.outstanding() > 0)
            if (worker.collect() == 0) ::usleep(200);  // real threads are at work
    }
    static std::size_t resident() {
        std::ifstream statm("/proc/self/statm");
        std::size_t size = 0, pages = 0;
        statm >> size >> pages;
        return pages * 4096;
    }

    std::filesystem::path folder_;
    std::unique_ptr<env::PosixFiles> files_;
};

TEST_F(LogFilesTest, WorksOnRealFilesWithThreads) {
    LogOptions options;
    options.name = "real";
    options.segment_bytes = 1 << 20;
    options.tail_bytes = 256 << 10;
    options.max_record_bytes = 64 << 10;
    options.store_id = 5;
    runtime::ThreadWorker worker({.name = "log-test", .threads = 2}, [] {});
    constexpr std::uint64_t count = 40'000;
    const std::string filler(200, '.');
    for (int round = 0; round < 2; ++round) {
        auto log = open(options, worker);
        if (round == 0)
            for (std::uint64_t n = 0; n < count; ++n) {
                append(*log, static_cast<std::uint32_t>(1 + n % 10), std::to_string(n) + filler);
                if (n % 64 == 0) {
                    ASSERT_TRUE(log->write().ok());
                    log->request_sync();
                    worker.collect();
                }
            }
        ASSERT_TRUE(log->write().ok());
        log->request_sync();
        collect_all(worker);
        EXPECT_EQ(log->synced(), log->written());
        EXPECT_TRUE(log->segments()[log->segments().size() - 2].sealed);
        for (std::uint64_t n = 0; n < count; n += 7) {
            Entry entry;
            Record record;
            std::size_t found = 0;
            const model::QueueId queue(static_cast<std::uint32_t>(1 + n % 10));
            while (log->entries(queue, model::QueueOffset(n / 10), {&entry, 1}, &found) == Read::loading ||
                   log->record(entry, &record) == Read::loading)
                collect_all(worker);
            ASSERT_EQ(as_text(record.payload), std::to_string(n) + filler);
        }
        log.reset();
        collect_all(worker);
    }
}

TEST_F(LogFilesTest, TwoHundredThousandQueuesAreCheap) {
#ifdef POSTHORN_SANITIZED
    GTEST_SKIP() << "sanitizers have a memory of their own";
#endif
    LogOptions options;
    options.name = "wide";
    options.segment_bytes = 64 << 20;
    options.tail_bytes = 1 << 20;
    options.max_record_bytes = 64 << 10;
    constexpr std::uint32_t queues = 200'000;
    runtime::InlineWorker worker;
    auto log = open(options, worker);
    append(*log, 1, "warm");
    const std::size_t before = resident();
    for (std::uint32_t queue = 1; queue <= queues; ++queue)
        append(*log, queue, "one message each");
    const std::size_t indexed = resident() - before;
    EXPECT_LT(indexed, queues * 250u);

    const std::string big(60'000, 'x');  // the index of the full segment goes to its file
    for (int n = 0; n < 1000; ++n)
        append(*log, 1, big);
    ASSERT_TRUE(log->write().ok());
    log->request_sync();
    collect_all(worker);
    ASSERT_TRUE(log->segments()[0].sealed);
    EXPECT_LT(resident() - before, queues * 110u);  // measured 104: 48 are the state, the rest index pages
    EXPECT_EQ(log->range(model::QueueId(queues)).end, model::QueueOffset(1));
    Entry entry;
    std::size_t found = 0;
    EXPECT_EQ(log->entries(model::QueueId(queues), model::QueueOffset(0), {&entry, 1}, &found), Read::ready);
}

// --- golden files ------------------------------------------------------------------------------------------

constexpr const char* golden_names[] = {"00000000000000000000.seg", "00000000000000000000.idx",
                                        "00000000000000012288.seg"};

LogOptions golden_options() {
    LogOptions options;
    options.name = "golden";
    options.segment_bytes = 12 << 10;
    options.tail_bytes = 8 << 10;
    options.max_record_bytes = 2 << 10;
    options.store_id = 0x0123456789ABCDEF;
    return options;
}

/// A history with every field in use.
void golden_history(Log& log, runtime::Worker& worker) {
    for (std::uint64_t n = 0; n < 100; ++n) {
        const model::QueueId queues[] = {model::QueueId(static_cast<std::uint32_t>(1 + n % 3)),
                                         model::QueueId(70'000)};
        const std::string payload = "message " + std::to_string(n);
        NewRecord record;
        record.queues = std::span(queues).first(n % 10 == 0 ? 2 : 1);
        record.payload = as_bytes(payload);
        record.format = Format(static_cast<std::uint8_t>(n % 4));
        record.priority = static_cast<std::uint8_t>(n % 10);
        record.tag = static_cast<std::int32_t>(n) - 50;
        record.key = key_hash(payload);
        record.deadline = n % 5 == 0 ? 1'800'000'000'000 + static_cast<std::int64_t>(n) : 0;
        record.origin = n % 7;
        record.target = model::QueueId(static_cast<std::uint32_t>(n % 2));
        ASSERT_TRUE(log.append(record, 1'700'000'000'000 + static_cast<std::int64_t>(n)).ok());
        if (n % 8 == 7) {
            NewRecord state;
            state.kind = RecordKind::state;
            state.payload = as_bytes("state");
            ASSERT_TRUE(log.append(state, 0).ok());
            ASSERT_TRUE(log.write().ok());
            log.request_sync();
            worker.collect();
        }
    }
    ASSERT_TRUE(log.write().ok());
    log.request_sync();
    while (worker.collect() > 0) {
    }
}

std::string contents(env::Files& files, const std::string& path) {
    auto file = files.open(path, env::OpenMode::read);
    if (!file) return "missing";
    std::string bytes(*(*file)->size(), '\0');
    EXPECT_TRUE((*file)->read_at(0, std::as_writable_bytes(std::span(bytes))).ok());
    return bytes;
}

/// Run with POSTHORN_WRITE_GOLDEN=1 to write the files of a new version.
TEST(LogGolden, TheFilesOfVersionOneOpenAndAreStillWhatIsWritten) {
    const std::filesystem::path folder = std::filesystem::path(POSTHORN_GOLDEN_DIR) / "store" / "log-v1";
    env::SimFiles files(1);
    runtime::InlineWorker worker;
    auto written = Log::open(files, "log", golden_options(), worker, {});
    ASSERT_TRUE(written.ok());
    golden_history(**written, worker);
    for (const char* name : golden_names) {
        const std::string fresh = contents(files, std::string("log/") + name);
        if (std::getenv("POSTHORN_WRITE_GOLDEN")) {
            std::filesystem::create_directories(folder);
            std::ofstream(folder / name, std::ios::binary) << fresh;
        }
        std::ifstream in(folder / name, std::ios::binary);
        const std::string golden((std::istreambuf_iterator<char>(in)), {});
        EXPECT_TRUE(fresh == golden) << name;
        auto old = files.open(std::string("old/") + name, env::OpenMode::create);
        if (!old) {
            ASSERT_TRUE(files.make_directories("old").ok());
            old = files.open(std::string("old/") + name, env::OpenMode::create);
        }
        ASSERT_TRUE((*old)->write_at(0, as_bytes(golden)).ok());
    }
    auto log = Log::open(files, "old", golden_options(), worker, {});
    ASSERT_TRUE(log.ok()) << log.error().message;
    EXPECT_EQ((*log)->counters().damaged, 0u);
    EXPECT_FALSE((*log)->recovered().torn);
    for (std::uint64_t n = 0; n < 100; ++n) {
        Entry entry;
        Record record;
        std::size_t count = 0;
        ASSERT_EQ((*log)->entries(model::QueueId(static_cast<std::uint32_t>(1 + n % 3)),
                                  model::QueueOffset(n / 3), {&entry, 1}, &count),
                  Read::ready);
        ASSERT_EQ((*log)->record(entry, &record), Read::ready);
        ASSERT_EQ(as_text(record.payload), "message " + std::to_string(n));
        ASSERT_EQ(record.tag, static_cast<std::int32_t>(n) - 50);
        ASSERT_EQ((*log)->positions_by_key(record.key, 9), (std::vector{record.position}));
    }
    EXPECT_EQ((*log)->range(model::QueueId(70'000)).end, model::QueueOffset(10));
}

}  // namespace
}  // namespace posthorn::store
