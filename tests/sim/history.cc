#include "history.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace posthorn::sim {
namespace {

constexpr std::size_t reader_base = 1;  // readers are numbered for the oracle by their place here
constexpr std::int64_t whenever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t topic_queues = 4;  // the first of all

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
    options_.near_timers = static_cast<std::uint32_t>(random_.chance(0.5) ? random_.below(80) : 1 << 18);
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

void History::define() {
    broker::Catalog& catalog = engine_->catalog();
    const std::vector<Queue> before = std::exchange(queues_, {});
    for (const char* name : {"orders", "prices"}) {
        broker::TopicSpec spec;
        spec.name = name;
        spec.read_queues = spec.write_queues = 2;
        for (const model::QueueId id : (*catalog.put_topic(spec))->queues)
            queues_.push_back({id, false, true});
    }
    for (const char* name : {"work", "mail"})
        queues_.push_back({*catalog.put_named_queue(name), true, true});
    const bool chat_lives = catalog.named_queue("chat") != model::QueueId();
    queues_.push_back({*catalog.put_named_queue("chat", false), true, false});
    // Deleted before a crash or not: the names say it.
    for (const Queue& old : before) {
        const bool still = std::any_of(queues_.begin(), queues_.end(), [&](const Queue& queue) {
            return queue.id == old.id && queue.durable == old.durable && (queue.durable || chat_lives);
        });
        if (!still) oracle_.gone(old.id);
    }
    groups_.clear();
    for (const char* name : {"billing", "audit"}) {
        model::Group group;
        group.name = name;
        groups_.push_back((*catalog.put_group(group))->id);
    }
    if (readers_.empty()) readers_ = {{"worker", 4}, {"mailer", 5}, {"watcher", 0}, {"chatter", 6}};
    for (Reader& reader : readers_) {
        reader.queue = queues_[reader.of];
        const auto id = engine_->open_reader(reader.name, reader.queue.id);
        if (!id || !reader.id || *id != *reader.id) reader.in_flight.clear();
        reader.id = id ? std::optional(*id) : std::nullopt;
    }
}

/// A topic or a named queue goes with all it holds, and one of the same name is made.
void History::delete_something() {
    broker::Catalog& catalog = engine_->catalog();
    switch (random_.below(4)) {
        case 0:
            static_cast<void>(catalog.delete_topic("orders"));
            break;
        case 1:
            static_cast<void>(catalog.delete_topic("prices"));
            break;
        case 2:
            static_cast<void>(catalog.delete_named_queue("mail"));
            break;
        default:
            static_cast<void>(catalog.delete_named_queue("chat"));
            break;
    }
    say("something is deleted");
    tick(0);
    if (files_.halted()) return;
    for (Reader& reader : readers_)
        if (engine_->catalog().owner(reader.queue.id).kind == broker::QueueOwner::Kind::none)
            reader.id.reset();
    define();
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
    for (Reader& reader : readers_)
        reader.id.reset();
    define();
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
    for (const Queue& queue : queues_) {
        found.push_back({engine_->range(queue.id), {}});
        for (const model::GroupId group : groups_)
            found.back().progress.push_back(engine_->progress(group, queue.id));
    }
    for (std::size_t n = 0; n < queues_.size(); ++n) {
        const model::QueueId queue = queues_[n].id;
        if (queues_[n].named) continue;
        const std::uint64_t end = found[n].range.end.value();
        fetch_up_to(queue, end);
        if (files_.halted()) return;  // what could not be read is not lost
        oracle_.begins(queue, engine_->range(queue).begin.value(), whenever);
        oracle_.reread(queue, end);
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            const auto next = found[n].progress[g];
            oracle_.progress_found(groups_[g].value(), queue,
                                   next ? std::optional(next->value()) : std::nullopt, end);
        }
    }
}

void History::crash() {
    const bool power = random_.chance(0.5);
    say("{} at {}", power ? "power cut" : "kill", now().wall_ms);
    worker_.drop_all();
    if (power)
        files_.power_cut(random_);
    else
        files_.kill();
    engine_.reset();
    oracle_.crashed(power ? Oracle::Crash::power_cut : Oracle::Crash::kill);
}

// --- what clients do ---------------------------------------------------------------------------------------

void History::publish() {
    if (random_.chance(0.15)) return fan_out();
    const Queue queue = queues_[random_.below(queues_.size())];
    Oracle::Sent message;
    message.id = oracle_.next_id();
    broker::Publication publication;
    publication.queue = queue.id;
    publication.persistent = random_.chance(0.6);
    message.by_reader = queue.named;
    message.must_sync = random_.chance(0.1);
    message.sent_ms = now().wall_ms;
    if (queue.durable && random_.chance(0.25))
        message.due_ms = now().wall_ms +
                         static_cast<std::int64_t>(random_.between(1, random_.chance(0.3) ? 2'000'000 : 400));
    if (message.due_ms != 0) publication.persistent = true;
    const bool survives = !queue.named || (queue.durable && publication.persistent);
    message.targets = {{queue.id, survives}};
    longest_delay_ms_ = std::max<std::int64_t>(longest_delay_ms_, message.due_ms);
    const auto payload = Oracle::payload(message.id, random_.chance(0.05) ? 1500 : 8 + random_.below(200));
    publication.payload = payload;
    const auto receipt =
        message.due_ms ? engine_->publish_at(publication, message.due_ms) : engine_->publish(publication);
    if (!receipt) {
        say("publish refused: {}", receipt.error().message);
        return;
    }
    say("message {} to queue {} due {} at {}, now {}{}", message.id, queue.id.value(), message.due_ms,
        receipt->position.value(), now().wall_ms, survives ? "" : ", transient");
    message.receipt = *receipt;
    oracle_.sent(message);
}

/// One message for several named queues.
void History::fan_out() {
    Oracle::Sent message;
    message.id = oracle_.next_id();
    message.by_reader = true;
    message.sent_ms = now().wall_ms;
    broker::Publication publication;
    publication.persistent = random_.chance(0.6);
    std::vector<model::QueueId> queues;
    for (std::size_t n = topic_queues; n < queues_.size(); ++n)
        if (random_.chance(0.7)) {
            queues.push_back(queues_[n].id);
            message.targets.push_back({queues_[n].id, publication.persistent && queues_[n].durable});
        }
    if (queues.empty()) return;
    publication.queues = queues;
    const auto payload = Oracle::payload(message.id, 8 + random_.below(400));
    publication.payload = payload;
    const auto receipt = engine_->publish(publication);
    if (!receipt) return say("publish refused: {}", receipt.error().message);
    say("message {} to {} queues at {}{}", message.id, queues.size(), receipt->position.value(),
        message.survives() ? "" : ", transient");
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
    oracle_.begins(queue.id, range.begin.value(),
                   clock_set_ ? whenever : now().wall_ms - options_.retention_ms);
    // Only from what was seen: the oracle wants to know every offset in its order.
    const std::uint64_t known = oracle_.seen(queue.id);
    broker::FetchRequest request;
    request.queue = queue.id;
    request.from = model::QueueOffset(random_.below(std::min(known, range.end.value()) + 1));
    request.max_messages = static_cast<std::uint32_t>(random_.between(1, 40));
    engine_->fetch(request, sink);
}

void History::fetch_up_to(model::QueueId queue, std::uint64_t end) {
    Reading sink(oracle_, queue);
    broker::FetchRequest request;
    request.queue = queue;
    request.from = model::QueueOffset(0);
    request.max_bytes = 1 << 20;
    for (int n = 0; n < 1000 && request.from.value() < end; ++n) {
        request.max_messages =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(end - request.from.value(), 1000));
        const broker::Fetched fetched = engine_->fetch(request, sink);
        request.from = fetched.next;
        if (fetched.status == broker::FetchStatus::before) {
            oracle_.begins(queue, fetched.begin.value(), whenever);
        } else if (fetched.status == broker::FetchStatus::loading) {
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

std::uint32_t History::number(const Reader& reader) const {
    return static_cast<std::uint32_t>(&reader - readers_.data() + reader_base);
}

void History::tell_taken(Reader& reader, const broker::Stored& message, const broker::Taken& taken,
                         std::int64_t lease) {
    const auto id = load_le<std::uint64_t>(message.payload.data());
    oracle_.taken(number(reader), reader.queue.id, message.payload, taken,
                  lease ? now().steady_ms + lease : 0, now().steady_ms);
    reader.in_flight[taken.offset.value()] = id;
    say("reader {} takes message {} at {} attempt {}", number(reader), id, taken.offset.value(),
        taken.attempt);
}

void History::take(Reader& reader, std::uint32_t max) {
    if (!reader.id) return;
    const std::int64_t lease = random_.chance(0.5) ? 0 : static_cast<std::int64_t>(random_.between(1, 100));
    Taking sink([&](const broker::Stored& message, const broker::Taken& taken) {
        tell_taken(reader, message, taken, lease);
    });
    static_cast<void>(engine_->take(*reader.id, max, lease, sink));
}

namespace {

class Offering final : public broker::OfferSink {
  public:
    using Told = std::function<broker::Offer(const broker::Stored&, const broker::Taken&)>;
    explicit Offering(Told told) : told_(std::move(told)) {}
    broker::Offer on_offer(const broker::Stored& message, const broker::Taken& taken) override {
        return told_(message, taken);
    }

  private:
    Told told_;
};

}  // namespace

void History::offer(Reader& reader) {
    if (!reader.id) return;
    Offering sink([&](const broker::Stored& message, const broker::Taken& taken) {
        if (random_.chance(0.1)) return broker::Offer::leave;
        tell_taken(reader, message, taken, 0);
        if (random_.chance(0.3)) return broker::Offer::hold;
        const auto at = reader.in_flight.find(taken.offset.value());
        oracle_.settled(number(reader), at->second);
        say("reader {} settles message {} as it takes it", number(reader), at->second);
        reader.in_flight.erase(at);
        return broker::Offer::settle;
    });
    static_cast<void>(engine_->offer(*reader.id, 1 + static_cast<std::uint32_t>(random_.below(8)), sink));
}

void History::settle_some(Reader& reader) {
    if (!reader.id) return;
    const std::uint32_t number = this->number(reader);
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
    const Queue queue = queues_[random_.below(topic_queues)];
    const model::GroupId group = groups_[random_.below(groups_.size())];
    const std::uint64_t next = random_.below(engine_->range(queue.id).end.value() + 1);
    if (!engine_->commit_progress(group, queue.id, model::QueueOffset(next))) return;
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
        default:
            files_.set_capacity(std::uint64_t{1} << 40);
            break;
    }
}

void History::step() {
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
        case 13:
            offer(readers_[random_.below(readers_.size())]);
            break;
        case 14:
            if (random_.chance(0.1)) delete_something();
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
        tick(200);
        if (files_.halted()) return;
        for (Reader& reader : readers_)
            take(reader, 10'000);
    }
}

std::map<std::uint32_t, model::QueueId> History::reader_queues() const {
    std::map<std::uint32_t, model::QueueId> queues;
    for (const Reader& reader : readers_)
        queues[number(reader)] = reader.queue.id;
    return queues;
}

void History::finish() {
    finishing_ = true;
    files_.set_capacity(std::uint64_t{1} << 40);
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
            files_.set_capacity(std::uint64_t{1} << 40);
            drain(10);
            if (!files_.halted() && !engine_->refusing()) oracle_.check_transient(reader_queues());
        }
        if (opened()) crash();
        files_.set_capacity(std::uint64_t{1} << 40);
    }
    if (!oracle_.broken() && !broken_open_) finish();
    return broken_open_ ? broken_open_ : oracle_.broken();
}

}  // namespace posthorn::sim
