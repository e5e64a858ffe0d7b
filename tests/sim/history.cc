#include "history.h"

#include <algorithm>
#include <array>

namespace posthorn::sim {
namespace {

constexpr std::size_t reader_base = 1;  // readers are numbered for the oracle by their place here

}  // namespace

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
    options_.progress_interval_ms = static_cast<std::int64_t>(random_.between(1, 100));
    // Retention is no crash: nothing goes by age, and a full disk is a full disk.
    options_.disk_clean_ratio = options_.disk_force_ratio = options_.disk_refuse_ratio = 2;
    options_.retention_ms = std::int64_t{1} << 50;
}

History::~History() {
    worker_.drop_all();
}

// --- opening -----------------------------------------------------------------------------------------------

bool History::try_open() {
    auto opened = broker::Broker::open(
        files_, "data", std::make_unique<store::MemoryDefinitions>(definitions_), options_, worker_, now());
    if (!opened) {
        say("open fails: {}", opened.error().message);
        return false;
    }
    engine_ = std::move(*opened);
    oracle_.wall_clock(now().wall_ms);
    engine_->begin_tick(now());
    return true;
}

void History::define() {
    broker::Catalog& catalog = engine_->catalog();
    queues_.clear();
    for (const char* name : {"orders", "prices"}) {
        broker::TopicSpec spec;
        spec.name = name;
        spec.read_queues = spec.write_queues = 2;
        for (const model::QueueId id : (*catalog.put_topic(spec))->queues)
            queues_.push_back({id, false});
    }
    for (const char* name : {"work", "mail"})
        queues_.push_back({*catalog.put_named_queue(name), true});
    groups_.clear();
    for (const char* name : {"billing", "audit"}) {
        model::Group group;
        group.name = name;
        groups_.push_back((*catalog.put_group(group))->id);
    }
    if (readers_.empty())
        readers_ = {
            {"worker", queues_[4], {}, {}}, {"mailer", queues_[5], {}, {}}, {"watcher", queues_[0], {}, {}}};
    for (Reader& reader : readers_) {
        reader.in_flight.clear();
        const auto id = engine_->open_reader(reader.name, reader.queue.id);
        reader.id = id ? std::optional(*id) : std::nullopt;
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
    oracle_.reopened();
    define();
    reread();
}

void History::reread() {
    for (const Queue& queue : queues_) {
        if (queue.named) continue;
        fetch_all(queue.id);
        if (files_.halted()) return;  // what could not be read is not lost
        const auto range = engine_->range(queue.id);
        oracle_.reread(queue.id, range.end.value());
        for (const model::GroupId group : groups_) {
            const auto next = engine_->progress(group, queue.id);
            oracle_.progress_found(group.value(), queue.id,
                                   next ? std::optional(next->value()) : std::nullopt, range.end.value());
        }
    }
}

void History::crash() {
    const bool power = sync_failed_ || random_.chance(0.5);
    say("{} at {}", power ? "power cut" : "kill", now().wall_ms);
    worker_.drop_all();
    if (power)
        files_.power_cut(random_);
    else
        files_.kill();
    engine_.reset();
    sync_failed_ = false;
    oracle_.crashed(power ? Oracle::Crash::power_cut : Oracle::Crash::kill);
}

// --- what clients do ---------------------------------------------------------------------------------------

void History::publish() {
    const Queue queue = queues_[random_.below(queues_.size())];
    Oracle::Sent message;
    message.id = oracle_.next_id();
    message.queue = queue.id;
    message.by_reader = queue.named;
    message.must_sync = random_.chance(0.1);
    if (random_.chance(0.25))
        message.due_ms = now().wall_ms + static_cast<std::int64_t>(random_.between(1, 400));
    longest_delay_ms_ = std::max<std::int64_t>(longest_delay_ms_, message.due_ms);
    const auto payload = Oracle::payload(message.id, random_.chance(0.05) ? 1500 : 8 + random_.below(200));
    broker::Publication publication;
    publication.queue = queue.id;
    publication.payload = payload;
    const auto receipt =
        message.due_ms ? engine_->publish_at(publication, message.due_ms) : engine_->publish(publication);
    if (!receipt) {
        say("publish refused: {}", receipt.error().message);
        return;
    }
    say("message {} to queue {} due {} at {}, now {}", message.id, queue.id.value(), message.due_ms,
        receipt->position.value(), now().wall_ms);
    message.receipt = *receipt;
    oracle_.sent(message);
}

namespace {

class Reading final : public broker::MessageSink {
  public:
    Reading(Oracle& oracle, model::QueueId queue) : oracle_(oracle), queue_(queue) {}
    bool on_message(const broker::Stored& message, model::QueueOffset offset) override {
        oracle_.fetched(queue_, offset.value(), message.payload);
        return true;
    }

  private:
    Oracle& oracle_;
    model::QueueId queue_;
};

}  // namespace

void History::fetch() {
    const Queue queue = queues_[random_.below(queues_.size())];
    if (queue.named) return;
    Reading sink(oracle_, queue.id);
    const auto range = engine_->range(queue.id);
    // Only from what was seen: the oracle wants to know every offset in its order.
    const std::uint64_t known = oracle_.seen(queue.id);
    broker::FetchRequest request;
    request.queue = queue.id;
    request.from = model::QueueOffset(random_.below(std::min(known, range.end.value()) + 1));
    request.max_messages = static_cast<std::uint32_t>(random_.between(1, 40));
    engine_->fetch(request, sink);
}

void History::fetch_all(model::QueueId queue) {
    Reading sink(oracle_, queue);
    broker::FetchRequest request;
    request.queue = queue;
    request.from = model::QueueOffset(0);
    request.max_messages = 1000;
    request.max_bytes = 1 << 20;
    for (int n = 0; n < 1000; ++n) {
        const broker::Fetched fetched = engine_->fetch(request, sink);
        request.from = fetched.next;
        if (fetched.status == broker::FetchStatus::loading) {
            worker_.run_all();
            tick(0);
        } else if (fetched.status != broker::FetchStatus::found) {
            return;
        }
    }
}

namespace {

class Taking final : public broker::TakeSink {
  public:
    using Told = std::function<void(const broker::Stored&, const broker::Taken&)>;
    explicit Taking(Told told) : told_(std::move(told)) {}
    bool on_taken(const broker::Stored& message, const broker::Taken& taken) override {
        told_(message, taken);
        return true;
    }

  private:
    Told told_;
};

}  // namespace

void History::take(Reader& reader, std::uint32_t max) {
    if (!reader.id) return;
    const std::int64_t lease = random_.chance(0.5) ? 0 : static_cast<std::int64_t>(random_.between(1, 100));
    const auto number = static_cast<std::uint32_t>(&reader - readers_.data() + reader_base);
    Taking sink([&](const broker::Stored& message, const broker::Taken& taken) {
        oracle_.taken(number, reader.queue.id, message.payload, taken, lease ? now().steady_ms + lease : 0,
                      now().steady_ms);
        reader.in_flight[taken.offset.value()] = load_le<std::uint64_t>(message.payload.data());
        say("reader {} takes message {} at {} attempt {}", number,
            load_le<std::uint64_t>(message.payload.data()), taken.offset.value(), taken.attempt);
    });
    static_cast<void>(engine_->take(*reader.id, max, lease, sink));
}

void History::settle_some(Reader& reader) {
    if (!reader.id) return;
    const auto number = static_cast<std::uint32_t>(&reader - readers_.data() + reader_base);
    for (auto at = reader.in_flight.begin(); at != reader.in_flight.end();) {
        const auto [offset, id] = *at;
        if (random_.chance(0.5)) {
            if (engine_->settle(*reader.id, model::QueueOffset(offset))) {
                oracle_.settled(number, id);
                say("reader {} settles message {}", number, id);
            }
        } else if (random_.chance(0.2)) {
            const std::int64_t delay =
                random_.chance(0.5) ? 0 : static_cast<std::int64_t>(random_.between(1, 100));
            if (engine_->requeue(*reader.id, model::QueueOffset(offset), delay)) {
                oracle_.returned(number, id, delay ? now().steady_ms + delay : 0);
                say("reader {} returns message {}", number, id);
            }
        } else {
            ++at;
            continue;
        }
        at = reader.in_flight.erase(at);
    }
}

void History::commit() {
    const Queue queue = queues_[random_.below(4)];
    const model::GroupId group = groups_[random_.below(groups_.size())];
    const std::uint64_t next = random_.below(engine_->range(queue.id).end.value() + 1);
    engine_->commit_progress(group, queue.id, model::QueueOffset(next));
    oracle_.committed(group.value(), queue.id, next);
}

// --- what the machine does ---------------------------------------------------------------------------------

void History::tick(std::int64_t ms) {
    engine_->end_tick();
    if (files_.halted()) return;
    oracle_.collect_promises(*engine_, options_.flush);
    // While the disk has no room for notes nothing is promised about what is taken and settled.
    if (!engine_->refusing())
        oracle_.ticked(engine_->queue_log().written().value(), engine_->queue_log().synced().value());
    clock_.advance_ms(ms);
    oracle_.wall_clock(now().wall_ms);
    engine_->begin_tick(now());
    oracle_.collect_promises(*engine_, options_.flush);
}

void History::work() {
    for (std::uint64_t n = random_.below(4); n > 0; --n)
        worker_.run_one(random_);
}

void History::make_trouble() {
    switch (random_.below(7)) {
        case 0:
            clock_.set_wall_ms(clock_.wall_ms() + static_cast<std::int64_t>(random_.below(2000)) - 1000);
            oracle_.wall_clock(now().wall_ms);
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
            sync_failed_ = true;
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
        default:
            files_.set_capacity(std::uint64_t{1} << 40);
            break;
    }
}

void History::step() {
    switch (random_.below(16)) {
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
            take(readers_[random_.below(readers_.size())], 1 + static_cast<std::uint32_t>(random_.below(8)));
            break;
        case 8:
        case 9:
            settle_some(readers_[random_.below(readers_.size())]);
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
        default:
            tick(static_cast<std::int64_t>(random_.below(20)));
    }
}

void History::finish() {
    finishing_ = true;
    files_.set_capacity(std::uint64_t{1} << 40);
    crash();
    while (!opened() && !broken_open_ && !oracle_.broken())
        reopen();
    if (!opened()) return;
    clock_.set_wall_ms(std::max(clock_.wall_ms(), longest_delay_ms_ + 1));
    for (int n = 0; n < 30; ++n) {
        worker_.run_all();
        tick(200);
        for (Reader& reader : readers_)
            take(reader, 10'000);
    }
    for (const Queue& queue : queues_)
        if (!queue.named) fetch_all(queue.id);
    std::map<std::uint32_t, model::QueueId> readers;
    for (std::size_t n = 0; n < readers_.size(); ++n)
        readers[static_cast<std::uint32_t>(n + reader_base)] = readers_[n].queue.id;
    oracle_.finish(readers);
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
        if (opened()) crash();
        files_.set_capacity(std::uint64_t{1} << 40);
    }
    if (!oracle_.broken() && !broken_open_) finish();
    return broken_open_ ? broken_open_ : oracle_.broken();
}

}  // namespace posthorn::sim
