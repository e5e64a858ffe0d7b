#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "env/sim_files.h"
#include "fuzz.h"
#include "runtime/worker.h"
#include "store/log.h"

namespace posthorn::fuzz {

inline constexpr std::uint64_t store_id = 77;
inline constexpr std::uint64_t segment_bytes = 32u << 10;

/// A log over files that anybody may have written, and what must hold whatever they say.
class LogOnFiles {
  public:
    LogOnFiles() {
        set_log_sink([](LogLevel, std::string_view, std::string_view) {});
        POSTHORN_CHECK(files_.make_directories("log").ok(), "the directory is made");
        options_.name = "fuzz";
        options_.segment_bytes = segment_bytes;
        options_.tail_bytes = 8u << 10;
        options_.max_record_bytes = 2u << 10;
        options_.store_id = store_id;
    }

    void put(const std::string& name, Bytes bytes) {
        auto file = std::move(*files_.open("log/" + name, env::OpenMode::create));
        POSTHORN_CHECK(file->write_at(0, bytes).ok(), "the file is written");
    }
    std::unique_ptr<env::File> file(const std::string& name) {
        return std::move(*files_.open("log/" + name, env::OpenMode::read));
    }
    bool exists(const std::string& name) { return files_.exists("log/" + name); }

    /// False when the log says that these are not its files.
    bool open() {
        log_.reset();
        worker_.drop_all();
        auto opened = store::Log::open(files_, "log", options_, worker_, [](const store::Record& record) {
            touch(record.payload);
            touch(record.destinations);
        });
        if (opened) log_ = std::move(*opened);
        settle();
        return opened.ok();
    }
    store::Log& log() { return *log_; }
    void settle() {
        while (worker_.outstanding() > 0) {
            worker_.run_all();
            worker_.collect();
        }
    }

    /// Opened again, it shows what it showed.
    void check_reopening() {
        const auto before = look();
        POSTHORN_CHECK(open(), "what opened once opens again");
        POSTHORN_CHECK(look() == before, "it shows the same again");
    }
    /// It goes on, and keeps what is appended now.
    void check_appending() {
        const model::QueueId queue(1), queues[] = {queue};
        store::NewRecord record;
        record.queues = queues;
        record.payload = as_bytes("afterwards");
        const auto appended = log_->append(record, 2'000);
        if (!appended || !log_->write()) return;
        POSTHORN_CHECK(open(), "it opens with what was appended");
        POSTHORN_CHECK(log_->range(queue).end == appended->offset + 1, "what was appended is there");
        POSTHORN_CHECK(payload(queue, appended->offset) == "afterwards", "and as it was");
    }

    /// What the first queues hold; everything else that reads is called too.
    std::vector<std::string> look() {
        std::vector<std::string> shown;
        for (std::uint32_t n = 0; n < 8; ++n) {
            const model::QueueId queue(n);
            const store::Range range = log_->range(queue);
            POSTHORN_CHECK(range.begin <= range.end, "a queue ends before it begins");
            shown.push_back(std::to_string(range.begin.value()) + " to " + std::to_string(range.end.value()));
            auto offset = range.begin;
            for (int budget = 64; offset < range.end && budget > 0; --budget, ++offset)
                shown.push_back(payload(queue, offset));
            model::QueueOffset found;
            (void)until_loaded([&] { return log_->offset_by_time(queue, 1'000, &found); });
        }
        for (std::uint64_t at = 0; at < 1024; at += 8) {
            store::Record record;
            (void)until_loaded([&] { return log_->record_at(store::Position(4096 + at), &record); });
        }
        for (const auto position : log_->positions_by_key(store::key_hash("key"), 4))
            shown.push_back("key at " + std::to_string(position.value()));
        return shown;
    }

  private:
    template <class Ask>
    store::Read until_loaded(Ask ask) {
        for (int tries = 0; tries < 100; ++tries) {
            const store::Read read = ask();
            if (read != store::Read::loading) return read;
            POSTHORN_CHECK(worker_.outstanding() > 0, "loading, and nobody loads");
            settle();
        }
        panic("it is loading for ever");
    }
    std::string payload(model::QueueId queue, model::QueueOffset offset) {
        store::Entry entry;
        std::size_t count = 0;
        store::Read read = until_loaded([&] { return log_->entries(queue, offset, {&entry, 1}, &count); });
        store::Record record;
        if (read == store::Read::ready) read = until_loaded([&] { return log_->record(entry, &record); });
        if (read != store::Read::ready) return read == store::Read::none ? "none" : "damaged";
        touch(record.destinations);
        return std::string(as_text(record.payload));
    }

    env::SimFiles files_{1};
    runtime::SimWorker worker_{1};
    store::LogOptions options_;
    std::unique_ptr<store::Log> log_;
};

}  // namespace posthorn::fuzz
