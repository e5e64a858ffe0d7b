#include "history.h"

#include <algorithm>
#include <set>
#include <utility>

namespace posthorn::sim {

History::History(std::uint64_t seed, bool talk)
    : talk_(talk),
      random_(seed),
      files_(random_()),
      definitions_(store::MemoryDefinitions::make_shared_state()) {
    options_.flush = random_.chance(0.5) ? broker::Flush::sync : broker::Flush::async;
    options_.new_store_id = random_() | 1;
    options_.stream_segment_bytes = std::uint64_t{16 << 10} << random_.below(3);
    options_.queue_segment_bytes = std::uint64_t{16 << 10} << random_.below(3);
    options_.stream_tail_bytes = options_.queue_tail_bytes = std::uint64_t{16 << 10} << random_.below(2);
    options_.cold_bytes = 64 << 10;
    options_.max_message_bytes = 2 << 10;
    options_.sync_interval_ms = static_cast<std::int64_t>(random_.between(5, 500));
    // Few near ones, and stretches of one far timer up to as many as there are.
    options_.near_timers = static_cast<std::uint32_t>(random_.below(80) << (random_.below(3) * 6));
    options_.progress_interval_ms = static_cast<std::int64_t>(random_.between(1, 100));
    // A full disk is a full disk: nothing goes because of it.
    options_.disk_clean_ratio = options_.disk_force_ratio = options_.disk_refuse_ratio = 2;
    options_.retention_ms =
        random_.chance(0.3) ? static_cast<std::int64_t>(random_.between(100, 20'000)) : std::int64_t{1} << 50;
    options_.delete_hour = -1;
    files_.faults().not_now = random_.chance(0.3) ? 0.3 : 0;
}

History::~History() {
    worker_.drop_all();
    names_worker_.drop_all();
}

// --- opening -----------------------------------------------------------------------------------------------

bool History::try_open() {
    auto opened =
        broker::Broker::open(files_, "data", std::make_unique<store::MemoryDefinitions>(definitions_),
                             options_, broker::Workers(worker_, names_worker_), now());
    if (!opened) {
        say("open fails: {}", opened.error().message);
        return false;
    }
    engine_ = std::move(*opened);
    oracle_.wall_clock(now().wall_ms);
    engine_->begin_tick(now());
    return true;
}

/// Uses what there is now. A reader of every named queue, and of the first queue of every topic.
void History::follow_names() {
    queues_.clear();
    std::set<std::uint32_t> read;
    for (const Names::Place& place : names_.places()) {
        read.insert(place.queues[0].value());  // one that is being deleted may come back
        if (!place.usable()) continue;
        const bool named = place.kind != Names::Kind::topic;
        for (const model::QueueId id : place.queues)
            queues_.push_back({id, named, place.durable()});
        const Queue first{place.queues[0], named, place.durable()};
        if (std::none_of(readers_.begin(), readers_.end(),
                         [&](const Reader& reader) { return reader.queue.id == first.id; }))
            readers_.push_back({.number = ++reader_numbers_, .queue = first});
    }
    std::erase_if(readers_, [&](const Reader& reader) { return !read.contains(reader.queue.id.value()); });
    for (Reader& reader : readers_) {
        if (reader.id) continue;
        const auto id = engine_->open_reader(fmt::format("reader{}", reader.number), reader.queue.id);
        if (id) reader.id = *id;
    }
}

void History::reopen() {
    for (int attempt = 0; !opened(); ++attempt) {
        if (!finishing_ && attempt < 3 && random_.chance(0.2)) files_.halt_after(random_.between(1, 40));
        if (try_open()) break;
        if (!files_.halted()) {
            broken_open_ = "the data directory does not open";
            return;
        }
        crash();
    }
    if (files_.halted()) return crash();
    names_.judge(*engine_);
    oracle_.reopened();
    names_.make_wanted(*engine_);
    for (Reader& reader : readers_) {
        reader.in_flight.clear();
        reader.id.reset();
    }
    follow_names();
    reread();
}

/// What was there when the directory opened. Reading may take ticks, in which delayed messages come: not part
/// of what is found again.
void History::reread() {
    struct Found {
        store::Range range;
        std::vector<std::optional<model::QueueOffset>> progress;
    };
    std::vector<Found> found;
    const std::vector<Queue> queues = queues_;
    const std::vector<Names::Group> groups = names_.groups();
    for (const Queue& queue : queues) {
        found.push_back({engine_->range(queue.id), {}});
        for (const Names::Group& group : groups)
            found.back().progress.push_back(engine_->progress(group.id, queue.id));
    }
    for (std::size_t n = 0; n < queues.size(); ++n) {
        const model::QueueId queue = queues[n].id;
        if (queues[n].named) continue;
        const std::uint64_t end = found[n].range.end.value();
        fetch_up_to(queue, end);
        if (files_.halted()) return;  // what could not be read is not lost
        oracle_.begins(queue, engine_->range(queue).begin.value(), whenever);
        oracle_.reread(queue, end);
        for (std::size_t g = 0; g < groups.size(); ++g) {
            const auto next = found[n].progress[g];
            oracle_.progress_found(groups[g].id.value(), queue,
                                   next ? std::optional(next->value()) : std::nullopt, end);
        }
    }
}

void History::crash() {
    const bool power = random_.chance(0.5);
    say("{} at {}", power ? "power cut" : "kill", now().wall_ms);
    worker_.drop_all();
    // What was handed to the names' worker may have been done before the end.
    while (random_.chance(0.5) && names_worker_.run_one(random_)) {
    }
    names_worker_.drop_all();
    files_.faults().read_error = files_.faults().no_descriptor = 0;
    if (power)
        files_.power_cut(random_);
    else
        files_.kill();
    engine_.reset();
    oracle_.crashed(power ? Oracle::Crash::power_cut : Oracle::Crash::kill);
}

// --- what the machine does ---------------------------------------------------------------------------------

void History::tick(std::int64_t ms) {
    engine_->end_tick();
    if (files_.halted()) return;
    names_.look(*engine_);
    oracle_.collect_promises(*engine_, options_.flush);
    // While the disk has no room for notes nothing is promised about what is taken and settled.
    if (!engine_->refusing())
        oracle_.ticked(engine_->queue_log().written().value(), engine_->queue_log().synced().value());
    clock_.advance_ms(ms);
    oracle_.wall_clock(now().wall_ms);
    engine_->begin_tick(now());
    names_.look(*engine_);
    follow_names();
    oracle_.collect_promises(*engine_, options_.flush);
}

void History::work() {
    for (std::uint64_t n = random_.below(4); n > 0; --n)
        worker_.run_one(random_);
    if (random_.chance(0.5)) names_worker_.run_one(random_);
}

/// Nothing is in the way any more.
void History::clear_the_way() {
    files_.set_capacity(std::uint64_t{1} << 40);
    store::MemoryDefinitions::fail(*definitions_, std::nullopt);
    files_.faults().read_error = files_.faults().no_descriptor = 0;
}

void History::make_trouble() {
    switch (random_.below(10)) {
        case 0:
            clock_.set_wall_ms(clock_.wall_ms() + static_cast<std::int64_t>(random_.below(2000)) - 1000);
            oracle_.wall_clock(now().wall_ms);
            clock_set_ = true;
            say("the wall clock is set");
            break;
        case 1:
            files_.fail_write(random_.between(1, 20), Errc::io);
            break;
        case 2:
            files_.fail_write(random_.between(1, 20), Errc::no_space);
            break;
        case 3:
            files_.fail_sync(random_.between(1, 5));
            break;
        case 4:
            files_.halt_after(random_.between(1, 30));
            break;
        case 5: {
            const auto space = files_.disk_space();
            if (space) files_.set_capacity(space->total - space->free + random_.below(20) * 4096);
            say("the disk is nearly full");
            break;
        }
        case 6:
            store::MemoryDefinitions::fail(*definitions_, Error{Errc::no_space, "no room for a name"});
            say("names fail");
            break;
        case 7:
            files_.faults().read_error = 0.3;
            say("reads fail now and then");
            break;
        case 8:
            files_.faults().no_descriptor = 0.5;
            say("descriptors are short");
            break;
        default:
            clear_the_way();
            break;
    }
}

void History::step() {
    if (queues_.empty()) return tick(static_cast<std::int64_t>(random_.below(20)));
    switch (random_.below(18)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
            publish();
            break;
        case 5:
            fetch();
            break;
        case 6:
        case 7:
            take(any_reader(), 1 + static_cast<std::uint32_t>(random_.below(8)));
            break;
        case 8:
        case 9:
            settle_some(any_reader());
            break;
        case 10:
            commit();
            break;
        case 11:
            work();
            break;
        case 12:
            if (random_.chance(0.15)) make_trouble();
            break;
        case 13:
            offer(any_reader());
            break;
        case 14:
            if (random_.chance(0.3)) {
                say("{}", names_.change(*engine_));
                follow_names();
            }
            break;
        default:
            // Now and then long enough for retention and the mover to look around, and for far timers to come
            // near.
            tick(static_cast<std::int64_t>(random_.chance(0.05)   ? 10'000
                                           : random_.chance(0.02) ? random_.below(300'000)
                                                                  : random_.below(20)));
    }
}

void History::drain(int ticks) {
    for (int n = 0; n < ticks; ++n) {
        worker_.run_all();
        names_worker_.run_all();
        tick(200);
        if (files_.halted()) return;
        for (Reader& reader : readers_)
            take(reader, 10'000);
    }
}

std::map<std::uint32_t, model::QueueId> History::reader_queues() const {
    std::map<std::uint32_t, model::QueueId> queues;
    for (const Reader& reader : readers_)
        queues[reader.number] = reader.queue.id;
    return queues;
}

void History::finish() {
    finishing_ = true;
    clear_the_way();
    crash();
    while (!opened() && !broken_open_ && !oracle_.broken())
        reopen();
    if (!opened()) return;
    clock_.set_wall_ms(std::max(clock_.wall_ms(), longest_delay_ms_ + 1));
    drain(30);
    for (int n = 0; n < 1000 && !files_.halted() && engine_->counters().timers_waiting > 0; ++n)
        drain(1);
    for (const Queue& queue : queues_)
        if (!queue.named) fetch_up_to(queue.id, engine_->range(queue.id).end.value());
    oracle_.finish(reader_queues());
}

std::optional<std::string> History::run() {
    const std::uint64_t crashes = random_.between(1, 6);
    for (std::uint64_t n = 0; n < crashes && !oracle_.broken() && !broken_open_; ++n) {
        reopen();
        for (std::uint64_t left = random_.below(250); left > 0 && opened() && !oracle_.broken(); --left) {
            ++steps_;
            step();
            if (files_.halted()) break;
        }
        if (opened() && !files_.halted() && random_.chance(0.3)) {
            clear_the_way();
            drain(10);
            if (!files_.halted() && !engine_->refusing()) oracle_.check_transient(reader_queues());
        }
        if (opened()) crash();
        clear_the_way();
    }
    if (!oracle_.broken() && !broken_open_) finish();
    return broken_open_ ? broken_open_ : oracle_.broken();
}

}  // namespace posthorn::sim
