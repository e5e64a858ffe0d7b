#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "env/sim_files.h"
#include "runtime/worker.h"
#include "store/log.h"

namespace posthorn::store {

/// A log on the simulated disk, with tiny segments, and what was said to it.
class LogTest : public ::testing::Test {
  protected:
    LogTest() {
        options_.name = "test";
        options_.segment_bytes = 16 << 10;
        options_.tail_bytes = 8 << 10;
        options_.max_record_bytes = 2 << 10;
        options_.store_id = 77;
    }

    void open() {
        visited_.clear();
        auto opened = Log::open(files_, "log", options_, worker_, [this](const Record& record) {
            visited_.push_back(std::string(as_text(record.payload)));
        });
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        log_ = std::move(*opened);
    }
    void reopen() {
        log_.reset();
        worker_.drop_all();
        open();
    }
    /// The process dies: what was written is there.
    void kill() {
        log_.reset();
        worker_.drop_all();
        files_.kill();
        open();
    }
    /// The machine loses power after its system brought all that was written to the disk by itself.
    void lose_power_with_all_on_disk() {
        log_.reset();
        worker_.drop_all();
        const auto names = files_.list("log");
        for (const std::string& file : *names)
            ASSERT_TRUE((*files_.open("log/" + file, env::OpenMode::write))->sync_data().ok());
        ASSERT_TRUE(files_.sync_directory("log").ok());
        files_.power_cut(random_);
    }

    Result<Appended> try_append(std::uint32_t queue, std::string_view payload, std::int64_t now = 0,
                                std::uint64_t key = 0) {
        const model::QueueId queues[] = {model::QueueId(queue)};
        NewRecord record;
        record.queues = queues;
        record.payload = as_bytes(payload);
        record.key = key;
        return log_->append(record, now ? now : ++now_);
    }
    Appended append(std::uint32_t queue, std::string_view payload, std::int64_t now = 0,
                    std::uint64_t key = 0) {
        auto appended = try_append(queue, payload, now, key);
        EXPECT_TRUE(appended.ok()) << appended.error().message;
        return appended ? *appended : Appended{};
    }
    void write() {
        auto written = log_->write();
        ASSERT_TRUE(written.ok()) << written.error().message;
    }
    void settle() {  // all background work there is
        for (int n = 0; n < 100 && worker_.outstanding() > 0; ++n) {
            worker_.run_all();
            worker_.collect();
        }
    }
    void sync() {
        write();
        log_->request_sync();
        settle();
        ASSERT_EQ(log_->synced(), log_->written());
    }

    /// One entry, however often it must be asked for.
    Read entry(std::uint32_t queue, std::uint64_t offset, Entry* out) {
        std::size_t count = 0;
        for (;;) {
            const Read read =
                log_->entries(model::QueueId(queue), model::QueueOffset(offset), {out, 1}, &count);
            if (read != Read::loading) return read;
            EXPECT_GT(worker_.outstanding(), 0u);
            settle();
        }
    }
    /// The payload at an offset, or why there is none: "none", "damaged".
    std::string get(std::uint32_t queue, std::uint64_t offset) {
        Entry found;
        Read read = entry(queue, offset, &found);
        Record record;
        while (read == Read::ready && (read = log_->record(found, &record)) == Read::loading) {
            settle();
            read = Read::ready;
        }
        switch (read) {
            case Read::ready:
                EXPECT_EQ(record.position, found.position);
                return std::string(as_text(record.payload));
            case Read::none:
                return "none";
            case Read::failed:
                return "failed";
            case Read::damaged:
                return "damaged";
            case Read::loading:
                break;
        }
        return "?";
    }
    /// All a queue holds.
    std::vector<std::string> all(std::uint32_t queue) {
        std::vector<std::string> payloads;
        const Range range = log_->range(model::QueueId(queue));
        for (auto offset = range.begin; offset < range.end; ++offset)
            payloads.push_back(get(queue, offset.value()));
        return payloads;
    }
    static std::string name(std::uint64_t begin, const char* ending = ".seg") {
        std::string digits = std::to_string(begin);
        return "log/" + std::string(20 - digits.size(), '0') + digits + ending;
    }

    env::SimFiles files_{1};
    env::Random random_{1};
    runtime::SimWorker worker_{1};
    LogOptions options_;
    std::unique_ptr<Log> log_;
    std::vector<std::string> visited_;
    std::int64_t now_ = 1'000'000;
};

}  // namespace posthorn::store
