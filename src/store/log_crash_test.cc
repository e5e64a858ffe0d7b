#include <algorithm>
#include <string>

#include "base/log.h"
#include "env/random.h"
#include "log_test_support.h"

namespace posthorn::store {
namespace {

/// No batch is longer than half the tail, so a bit that rots harms nothing further away than this.
constexpr std::uint64_t harm = 4 << 10;

/// One random history on a disk that may lose power at any step, whose bits may rot and whose reads may fail,
/// against a plain list of what was said. The list lives outside the engine.
class History {
  public:
    History(std::uint64_t seed, bool counts_live) : random_(seed), files_(seed * 7 + 1) {
        options_.name = "crash";
        options_.segment_bytes = 12 << 10;
        options_.tail_bytes = 2 * harm;
        options_.max_record_bytes = 2 << 10;
        options_.store_id = seed;
        options_.counts_live = counts_live;
        options_.synced_often = random_.chance(0.5);
        rots_ = random_.chance(0.4);
        if (random_.chance(0.5)) options_.on_roll = [this] { return say_state(); };
    }

    void run(int lives) {
        open();
        for (int life = 0; life < lives && !::testing::Test::HasFailure(); ++life) {
            if (random_.chance(0.8)) files_.halt_after(random_.between(1, 120));
            files_.faults().not_now = random_.chance(0.3) ? 0.5 : 0;
            files_.faults().read_error = random_.chance(0.2) ? 0.05 : 0;
            for (std::uint64_t n = random_.between(10, 400); n > 0 && !log_->failed(); --n)
                step();
            crash();
            check();
        }
    }

  private:
    struct Said {
        std::string payload;
        std::uint64_t end = 0;                   ///< position after it, where it was said first
        std::vector<std::uint64_t> places = {};  ///< where it was said, and moved to
        bool released = false;
    };
    struct Written {
        std::uint64_t end, synced;  ///< a batch, and what it at least says was synced
    };

    void open() {
        last_visited_ = 0;
        auto opened = Log::open(files_, "log", options_, worker_, [this](const Record& record) {
            ASSERT_GT(record.position.value(), last_visited_);  // in log order
            last_visited_ = record.position.value();
        });
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        log_ = std::move(*opened);
    }

    void step() {
        const std::uint64_t written = log_->written().value(), synced = log_->synced().value();
        switch (random_.below(16)) {
            default:
                say();
                break;
            case 0:
            case 1:
                static_cast<void>(log_->write());
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
                if (!options_.counts_live && random_.chance(0.05)) static_cast<void>(log_->drop_oldest());
                break;
            case 6:
            case 7:
                release_some();
                break;
            case 8:
                if (random_.chance(0.3)) {
                    ASSERT_TRUE(log_->maintain().ok());
                }
                break;
            case 9:
                if (random_.chance(0.2)) move_some();
                break;
            case 10:
                read_one();
                break;
        }
        if (log_->written().value() > written) batches_.push_back({log_->written().value(), synced});
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
        const Said said{payload, appended->end.value(), {appended->position.value()}};
        list.push_back(said);
        if (both) said_[9].push_back(said);
    }

    bool say_state() {
        NewRecord record;
        record.kind = RecordKind::state;
        const std::string payload = "state " + std::to_string(++count_);
        record.payload = as_bytes(payload);
        return log_->append(record, 0).ok();
    }

    // --- where live messages are counted -------------------------------------------------------------------

    void release_some() {
        if (!options_.counts_live) return;
        const auto queue = static_cast<std::uint32_t>(random_.between(1, 9));
        auto& list = said_[queue];
        std::uint64_t left = random_.between(1, 12);
        for (std::uint64_t offset = first_kept_[queue]; offset < list.size() && left > 0; ++offset) {
            if (list[offset].released || random_.chance(0.03)) continue;
            list[offset].released = true;
            log_->release(model::QueueId(queue), model::QueueOffset(offset));
            --left;
        }
        while (first_kept_[queue] < list.size() && list[first_kept_[queue]].released)
            ++first_kept_[queue];
    }

    /// The last living messages of the oldest segment go to the end.
    void move_some() {
        if (!options_.counts_live) return;
        const SegmentInfo oldest = log_->segments().front();
        if (!oldest.sealed) return;
        for (auto& [queue, list] : said_)
            for (std::uint64_t offset = first_kept_[queue]; offset < list.size(); ++offset)
                if (!list[offset].released && !move(queue, offset, oldest)) return;
    }

    bool move(std::uint32_t queue, std::uint64_t offset, const SegmentInfo& oldest) {
        Entry entry;
        Record record;
        std::size_t count = 0;
        Read read = log_->entries(model::QueueId(queue), model::QueueOffset(offset), {&entry, 1}, &count);
        if (read != Read::ready || entry.position < oldest.begin || entry.position >= oldest.end) return true;
        read = log_->record(entry, &record);
        if (read != Read::ready) return read != Read::loading;
        std::vector<Place> live;
        for (std::size_t n = 0; n < record.destination_count(); ++n) {
            const Place place = record.place(n);
            if (!said_[place.queue.value()][place.offset.value()].released) live.push_back(place);
        }
        const auto moved = log_->append_moved(record, live);
        if (!moved) return false;
        for (const Place& place : live)
            said_[place.queue.value()][place.offset.value()].places.push_back(moved->position.value());
        return true;
    }

    // --- crashes -------------------------------------------------------------------------------------------

    void crash() {
        log_.reset();
        worker_.drop_all();
        files_.faults() = {};
        power_cut_ = random_.chance(0.7);
        if (power_cut_) {
            files_.power_cut(random_);
            kept_ = synced_;
        } else {
            const bool halted = files_.halted();
            files_.kill();
            kept_ = halted ? synced_ : written_;
        }
        lost_from_ = ~std::uint64_t{0};
        if (rots_ && random_.chance(0.4)) rot();
        open();
    }

    void rot() {
        const auto names = files_.list("log");
        if (!names || names->empty()) return;
        const std::string& name = (*names)[random_.below(names->size())];
        const bool index = name.ends_with(".idx");
        if (!index && !name.ends_with(".seg")) return;
        const std::uint64_t begin = std::stoull(name);
        std::uint64_t offset = random_.below(options_.segment_bytes);
        if (!index && begin >= kept_) return;
        if (!index) offset = random_.below(std::min(options_.segment_bytes, kept_ - begin));
        if (!files_.damage("log/" + name, offset, static_cast<unsigned>(random_.below(8)))) return;
        rotten_index_ |= index;
        if (index) return;
        const std::uint64_t at = begin + offset;
        rotten_.push_back(at);
        // After a power cut only what a later batch vouches for is known not to be torn.
        std::uint64_t vouched = 0;
        for (const Written& batch : batches_)
            if (batch.end <= kept_ && batch.end > at + harm) vouched = std::max(vouched, batch.synced);
        if (power_cut_ && at + harm > vouched) lost_from_ = at - std::min(at, harm);
    }

    bool harmed(const Said& said) const {
        return std::any_of(rotten_.begin(), rotten_.end(), [&](std::uint64_t at) {
            return std::any_of(said.places.begin(), said.places.end(), [&](std::uint64_t place) {
                return place < at + harm && at < place + said.payload.size() + 200 + harm;
            });
        });
    }
    bool may_be_lost(const Said& said) const {
        return said.end > kept_ || said.end > lost_from_ || harmed(said) || (rotten_index_ && said.released);
    }

    void check() {
        if (!log_) return;
        if (rotten_.empty() && !rotten_index_) {
            ASSERT_EQ(log_->counters().damaged, 0u);
        }
        if (lost_from_ > kept_) {
            ASSERT_GE(log_->end().value() + (rotten_.empty() ? 0 : 2 * harm), kept_);
        }
        for (auto& [queue, list] : said_)
            check_queue(queue, list);
        if (options_.counts_live && rotten_.empty() && !rotten_index_) check_live();
        batches_.clear();
        written_ = synced_ = log_->synced().value();
        ASSERT_EQ(log_->end().value(), synced_);
    }

    void check_queue(std::uint32_t queue, std::vector<Said>& list) {
        const Range range = log_->range(model::QueueId(queue));
        ASSERT_LE(range.end.value(), list.size()) << "queue " << queue;
        for (std::size_t lost = range.end.value(); lost < list.size(); ++lost)
            ASSERT_TRUE(may_be_lost(list[lost])) << "queue " << queue << " lost " << lost;
        list.resize(range.end.value());
        first_kept_[queue] = std::min<std::uint64_t>(first_kept_[queue], list.size());
        for (std::size_t offset = 0; offset < list.size(); ++offset) {
            const Said& said = list[offset];
            if (said.released) log_->release(model::QueueId(queue), model::QueueOffset(offset));
            const bool kept = offset >= range.begin.value();
            if (!kept && !options_.counts_live) continue;  // dropped with its segment
            const std::string got = kept ? get(queue, offset) : "?gone";
            if (said.released || harmed(said)) {
                ASSERT_TRUE(got == said.payload || got.starts_with("?"))
                    << "queue " << queue << " at " << offset;
            } else {
                ASSERT_EQ(got, said.payload) << "queue " << queue << " offset " << offset;
            }
        }
    }

    /// What the log counts is what was not released.
    void check_live() {
        std::uint64_t live = 0, counted = 0;
        for (const auto& [queue, list] : said_)
            for (const Said& said : list)
                live += !said.released;
        for (const SegmentInfo& segment : log_->segments())
            counted += segment.live;
        ASSERT_EQ(counted, live);
    }

    void read_one() {
        const auto queue = static_cast<std::uint32_t>(random_.between(1, 5));
        const Range range = log_->range(model::QueueId(queue));
        if (range.empty()) return;
        const std::uint64_t offset = random_.between(range.begin.value(), range.end.value() - 1);
        const Said& said = said_[queue][offset];
        const std::string got = get(queue, offset);
        if (got == said.payload || said.released || harmed(said) || files_.halted()) return;
        if (got == "?failed" && files_.faults().read_error > 0) return;
        if (said.end <= log_->begin().value()) return;  // dropped while its index could not be read
        ASSERT_EQ(got, "?loading") << "queue " << queue << " offset " << offset;
    }

    std::string get(std::uint32_t queue, std::uint64_t offset) {
        Entry entry;
        Record record;
        for (int tries = 0; tries < 4; ++tries) {
            std::size_t count = 0;
            Read read = log_->entries(model::QueueId(queue), model::QueueOffset(offset), {&entry, 1}, &count);
            if (read == Read::ready) read = log_->record(entry, &record);
            if (read == Read::ready) return std::string(as_text(record.payload));
            if (read == Read::failed) return "?failed";
            if (read != Read::loading) return "?" + std::to_string(static_cast<int>(read));
            worker_.run_one(random_);
            worker_.collect();
        }
        return "?loading";
    }

    env::Random random_;
    env::SimFiles files_;
    runtime::SimWorker worker_{2};
    LogOptions options_;
    std::unique_ptr<Log> log_;
    std::map<std::uint32_t, std::vector<Said>> said_;
    std::map<std::uint32_t, std::uint64_t> first_kept_;  ///< everything below was released
    std::vector<Written> batches_;                       ///< of this life
    std::vector<std::uint64_t> rotten_;                  ///< positions
    std::uint64_t count_ = 0, written_ = 0, synced_ = 0, kept_ = 0;
    std::uint64_t lost_from_ = 0;  ///< rot may have cut the log here
    std::uint64_t last_visited_ = 0;
    bool rots_ = false, rotten_index_ = false, power_cut_ = false;
};

TEST(LogCrash, NothingDurableIsLostNothingIsInventedAndOrderHolds) {
    set_log_sink([](LogLevel, std::string_view, std::string_view) {});
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        History(seed, seed % 2 == 0).run(6);
        if (::testing::Test::HasFailure()) break;
    }
    set_log_sink({});
}

}  // namespace
}  // namespace posthorn::store
