#include <string>

#include "base/log.h"
#include "env/random.h"
#include "log_test_support.h"

namespace posthorn::store {
namespace {

/// One random history on a disk that may lose power at any step, against a plain list of what was said. The
/// list lives outside the engine.
class History {
  public:
    History(std::uint64_t seed, bool counts_live) : random_(seed), files_(seed * 7 + 1) {
        options_.name = "crash";
        options_.segment_bytes = 12 << 10;
        options_.tail_bytes = 8 << 10;
        options_.max_record_bytes = 2 << 10;
        options_.store_id = seed;
        options_.counts_live = counts_live;
        options_.synced_often = random_.chance(0.5);
        if (random_.chance(0.5)) options_.on_roll = [this] { say_state(); };
    }

    void run(int lives) {
        open();
        for (int life = 0; life < lives && !::testing::Test::HasFailure(); ++life) {
            if (random_.chance(0.8)) files_.halt_after(random_.between(1, 120));
            for (std::uint64_t n = random_.between(10, 400); n > 0 && !log_->failed(); --n)
                step();
            crash();
            check();
        }
    }

  private:
    struct Said {
        std::string payload;
        std::uint64_t end;  ///< position
    };

    void open() {
        states_seen_ = 0;
        last_visited_ = 0;
        auto opened = Log::open(files_, "log", options_, worker_, [this](const Record& record) {
            ASSERT_GT(record.position.value(), last_visited_);  // in log order
            last_visited_ = record.position.value();
            if (record.kind == RecordKind::state)
                last_state_seen_ = std::string(as_text(record.payload)), ++states_seen_;
        });
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        log_ = std::move(*opened);
    }

    void step() {
        switch (random_.below(12)) {
            default:
                say();
                break;
            case 0:
            case 1:
                if (log_->write()) written_ = log_->written().value();
                break;
            case 2:
                log_->request_sync();
                break;
            case 3:
                worker_.run_one(random_);
                break;
            case 4:
                worker_.collect();
                break;
            case 5:
                if (random_.chance(0.05) && !options_.counts_live && log_->drop_oldest()) {
                }
                break;
        }
        synced_ = std::max(synced_, log_->synced().value());
        written_ = std::max(written_, log_->written().value());
    }

    void say() {
        const auto queue = static_cast<std::uint32_t>(random_.between(1, 5));
        const model::QueueId queues[] = {model::QueueId(queue), model::QueueId(9)};
        NewRecord record;
        const bool both = random_.chance(0.1);
        record.queues = std::span(queues).first(both ? 2 : 1);
        const std::string payload =
            std::to_string(++count_) + std::string(random_.below(random_.chance(0.1) ? 1900 : 100), '.');
        record.payload = as_bytes(payload);
        record.key = key_hash(payload);
        const auto appended = log_->append(record, static_cast<std::int64_t>(count_));
        if (!appended) return;
        auto& list = said_[queue];
        ASSERT_EQ(appended->offset.value(), list.size());
        list.push_back({payload, appended->end.value()});
        if (both) said_[9].push_back({payload, appended->end.value()});
    }

    void say_state() {
        NewRecord record;
        record.kind = RecordKind::state;
        const std::string payload = "state " + std::to_string(++count_);
        record.payload = as_bytes(payload);
        if (!log_->append(record, 0)) return;
    }

    void crash() {
        log_.reset();
        worker_.drop_all();
        if (random_.chance(0.3)) {
            files_.kill();
            kept_ = files_.halted() ? synced_ : written_;
        } else {
            files_.power_cut(random_);
            kept_ = synced_;
        }
        open();
    }

    void check() {
        if (!log_) return;
        ASSERT_EQ(log_->counters().damaged, 0u);
        ASSERT_GE(log_->end().value(), kept_);
        for (auto& [queue, list] : said_) {
            const Range range = log_->range(model::QueueId(queue));
            ASSERT_LE(range.end.value(), list.size()) << "queue " << queue;
            for (std::size_t lost = range.end.value(); lost < list.size(); ++lost)
                ASSERT_GT(list[lost].end, kept_) << "queue " << queue << " lost " << lost;
            for (std::size_t offset = range.begin.value(); offset < range.end.value(); ++offset)
                ASSERT_EQ(get(queue, offset), list[offset].payload)
                    << "queue " << queue << " offset " << offset;
            list.resize(range.end.value());
        }
        written_ = synced_ = log_->synced().value();
        ASSERT_EQ(log_->end().value(), synced_);
    }

    std::string get(std::uint32_t queue, std::size_t offset) {
        Entry entry;
        std::size_t count = 0;
        Read read = log_->entries(model::QueueId(queue), model::QueueOffset(offset), {&entry, 1}, &count);
        Record record;
        if (read == Read::ready) read = log_->record(entry, &record);
        if (read != Read::ready) return "?" + std::to_string(static_cast<int>(read));
        return std::string(as_text(record.payload));
    }

    env::Random random_;
    env::SimFiles files_;
    runtime::SimWorker worker_{2};
    LogOptions options_;
    std::unique_ptr<Log> log_;
    std::map<std::uint32_t, std::vector<Said>> said_;
    std::uint64_t count_ = 0, written_ = 0, synced_ = 0, kept_ = 0;
    std::uint64_t last_visited_ = 0, states_seen_ = 0;
    std::string last_state_seen_;
};

TEST(LogCrash, NothingDurableIsLostNothingIsInventedAndOrderHolds) {
    set_log_level(LogLevel::error);
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        History(seed, seed % 3 == 0).run(6);
        if (HasFailure()) break;
    }
    set_log_level(LogLevel::info);
}

}  // namespace
}  // namespace posthorn::store
