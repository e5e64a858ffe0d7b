#include "queue_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "oracle.h"

namespace posthorn::sim {
namespace {

constexpr store::Format format{200};
constexpr std::int64_t ttl_ms = 150;
constexpr std::uint32_t delivery_limit = 2;
constexpr std::size_t grave = 5;  // the shelf of the dead

model::Arguments with_grave(model::Arguments arguments) {
    arguments.set("x-dead-letter-exchange", {std::string()});
    arguments.set("x-dead-letter-routing-key", {std::string("dead")});
    return arguments;
}

model::Arguments arguments_of(const std::string& name) {
    const auto number = [](std::int64_t n) { return model::Value{n}; };
    if (name == "timed") return with_grave({{"x-message-ttl", number(ttl_ms)}});
    if (name == "short") return with_grave({{"x-max-length", number(5)}});
    if (name == "strict")
        return {{"x-max-length", number(5)}, {"x-overflow", {std::string("reject-publish")}}};
    if (name == "limited")
        return with_grave(
            {{"x-queue-type", {std::string("quorum")}}, {"x-delivery-limit", number(delivery_limit)}});
    return {};
}

}  // namespace

/// Nothing is written on the dead: their bytes are what is checked.
class QueueHistory::Codec final : public exchange::PayloadCodec {
  public:
    exchange::Travelling bury(const broker::Stored& message, const exchange::Death& death) override {
        exchange::Travelling travelling = open(message);
        travelling.exchange = death.new_exchange;
        travelling.key = *death.new_key;
        return travelling;
    }
    exchange::Travelling open(const broker::Stored& message) override {
        exchange::Travelling travelling;
        travelling.body_bytes = static_cast<std::uint32_t>(message.payload.size());
        travelling.payload.append(message.payload);
        return travelling;
    }
};

/// Keeps what it is handed until the history says what becomes of it.
class QueueHistory::Client final : public exchange::Consumer {
  public:
    struct Held {
        exchange::DeliveryId id;
        Id message;
    };
    Client(QueueHistory& history, Shelf& shelf, std::uint32_t window)
        : Consumer({.tag = "client"}), history_(history), shelf_(shelf), window_(window) {}

    std::uint32_t room() const override {
        return window_ - std::min<std::uint32_t>(window_, static_cast<std::uint32_t>(held.size()));
    }
    void deliver(exchange::Queue&, const broker::Stored& message,
                 const exchange::Delivery& delivery) override {
        history_.handed_out(shelf_, message.payload, delivery, message.time);
        if (message.payload.size() >= 8)
            held.push_back({delivery.id, load_le<std::uint64_t>(message.payload.data())});
    }
    void cancelled() override {}

    std::vector<Held> held;

  private:
    QueueHistory& history_;
    Shelf& shelf_;
    const std::uint32_t window_;
};

QueueHistory::QueueHistory(std::uint64_t seed, bool talk)
    : talk_(talk),
      random_(seed),
      files_(random_()),
      definitions_(store::MemoryDefinitions::make_shared_state()),
      codec_(std::make_unique<Codec>()) {
    options_.new_store_id = random_() | 1;
    options_.stream_segment_bytes = options_.queue_segment_bytes = std::uint64_t{16 << 10}
                                                                   << random_.below(3);
    options_.stream_tail_bytes = options_.queue_tail_bytes = std::uint64_t{16 << 10} << random_.below(2);
    options_.cold_bytes = 64 << 10;
    options_.max_message_bytes = 2 << 10;
    options_.sync_interval_ms = static_cast<std::int64_t>(random_.between(5, 500));
    // Retention is no crash: nothing goes by age, and a full disk is a full disk.
    options_.disk_clean_ratio = options_.disk_force_ratio = options_.disk_refuse_ratio = 2;
    options_.retention_ms = std::int64_t{1} << 50;
    for (const char* name : {"plain", "timed", "short", "strict", "limited", "dead"}) {
        Shelf& shelf = shelves_.emplace_back();
        shelf.name = name;
        shelf.grave = shelf.name == "dead";
        shelf.ttl_ms = shelf.name == "timed" ? ttl_ms : 0;
        shelf.delivery_limit = shelf.name == "limited" ? delivery_limit : 0;
    }
}

QueueHistory::~QueueHistory() {
    worker_.drop_all();
    hosts_.reset();
}

void QueueHistory::law(bool holds, const std::string& words) {
    if (!holds && !broken_) broken_ = words;
}

// --- opening -----------------------------------------------------------------------------------------------

void QueueHistory::reopen() {
    while (!engine_ && !broken_) {
        if (!finishing_ && random_.chance(0.2)) files_.halt_after(random_.between(1, 40));
        auto opened =
            broker::Broker::open(files_, "data", std::make_unique<store::MemoryDefinitions>(definitions_),
                                 options_, worker_, now());
        if (opened) {
            engine_ = std::move(*opened);
            engine_->begin_tick(now());
            auto hosts = exchange::VirtualHosts::open(*engine_, {.seed = random_() | 1});
            if (hosts) hosts_ = std::move(*hosts);
        }
        if (hosts_ && !files_.halted()) {
            declare();
            tick(0);
            if (!files_.halted()) break;
        }
        law(files_.halted(), "the data directory does not open");
        crash();
    }
    if (broken_) return;
    // What was found is durable now.
    for (Sent& one : sent_)
        if (one.settled && one.settled->written) one.never_again = true;
}

void QueueHistory::declare() {
    hosts_->set_codec(format, *codec_);
    for (Shelf& shelf : shelves_) {
        exchange::QueueSpec spec;
        spec.name = shelf.name;
        spec.durable = true;
        spec.arguments = arguments_of(shelf.name);
        auto queue = host().declare_queue(spec);
        if (!queue) {
            law(files_.halted(), "a queue cannot be declared: " + queue.error().message);
            return;
        }
        shelf.newest_fresh.reset();
        if (finishing_) continue;
        shelf.client =
            std::make_unique<Client>(*this, shelf, static_cast<std::uint32_t>(random_.between(1, 6)));
        law(host().consume(**queue, *shelf.client).ok(), "a queue cannot be consumed");
    }
}

void QueueHistory::crash() {
    const bool power = random_.chance(0.5);
    if (talk_) fmt::print("  {:4} {} at {}\n", steps_, power ? "power cut" : "kill", now().wall_ms);
    worker_.drop_all();
    files_.faults() = {};
    if (power)
        files_.power_cut(random_);
    else
        files_.kill();
    hosts_.reset();
    for (Shelf& shelf : shelves_)
        shelf.client.reset();
    engine_.reset();
    waiting_.clear();
    settled_.clear();
    shown_.clear();
    for (Sent& one : sent_) {
        if (one.settled && (power || !one.settled->written) && !one.never_again) one.settled.reset();
        if (power) one.handed_out = false;
        one.more += one.out;
    }
}

// --- what clients do and see -------------------------------------------------------------------------------

void QueueHistory::publish() {
    const std::size_t target = random_.below(grave);
    const Id id = sent_.size();
    const auto payload = Oracle::payload(id, random_.chance(0.05) ? 1500 : 8 + random_.below(200));
    exchange::Publication message;
    message.key = shelves_[target].name;
    message.format = format;
    message.persistent = random_.chance(0.8);
    message.body_bytes = static_cast<std::uint32_t>(payload.size());
    message.payload = payload;
    if (random_.chance(0.1)) message.ttl_ms = static_cast<std::int64_t>(random_.below(100));
    const auto published = host().publish(message);
    sent_.emplace_back().shelf = target;
    if (!published) return;
    using Outcome = exchange::Published::Outcome;
    law(published->outcome != Outcome::unroutable, fmt::format("message {} finds no queue", id));
    sent_[id].rejected = published->outcome == Outcome::rejected;
    if (published->receipt) {
        law(published->must_sync, fmt::format("message {} is to be confirmed before it is synced", id));
        waiting_.push_back({id, *published->receipt});
    }
    // One with a time of its own dies without a word where there is no grave.
    if (message.ttl_ms && (target == 0 || target == 3)) sent_[id].handled = true;
    if (talk_) fmt::print("  {:4} message {} to {}\n", steps_, id, shelves_[target].name);
}

std::optional<QueueHistory::Id> QueueHistory::known(const Shelf& shelf, Bytes payload) {
    const bool long_enough = payload.size() >= 8;
    const Id id = long_enough ? load_le<std::uint64_t>(payload.data()) : sent_.size();
    const bool whole = id < sent_.size() && std::ranges::equal(payload, Oracle::payload(id, payload.size()));
    law(whole, fmt::format("something came out of {} that was not sent", shelf.name));
    if (!whole) return std::nullopt;
    const Sent& message = sent_[id];
    law(shelf.grave || shelves_[message.shelf].name == shelf.name,
        fmt::format("message {} came out of {}, it was sent to {}", id, shelf.name,
                    shelves_[message.shelf].name));
    law(!message.rejected, fmt::format("message {} was rejected and came out of {}", id, shelf.name));
    law(shelf.grave || !message.never_again, fmt::format("message {} was settled and comes again", id));
    return id;
}

void QueueHistory::handed_out(Shelf& shelf, Bytes payload, const exchange::Delivery& delivery,
                              std::int64_t store_ms) {
    const auto id = known(shelf, payload);
    if (!id) return;
    if (talk_)
        fmt::print("  {:4} {} hands out message {}{}\n", steps_, shelf.name, *id,
                   delivery.redelivered ? " again" : "");
    law(shelf.ttl_ms == 0 || now().wall_ms <= store_ms + shelf.ttl_ms,
        fmt::format("message {} was handed out although it had expired", *id));
    if (shelf.grave) return;
    Sent& message = sent_[*id];
    law(shelf.delivery_limit == 0 || delivery.id.attempt <= shelf.delivery_limit + 1 + message.more,
        fmt::format("message {} was handed out {} times, {} of them allowed beyond the limit", *id,
                    delivery.id.attempt, message.more));
    message.out = true;
    law(delivery.redelivered || !message.handed_out,
        fmt::format("message {} comes a second time and does not say so", *id));
    if (!delivery.redelivered) {
        law(!shelf.newest_fresh || *shelf.newest_fresh < *id,
            fmt::format("message {} came after {}", *id, shelf.newest_fresh.value_or(0)));
        shelf.newest_fresh = *id;
    }
    shown_.push_back(*id);
}

void QueueHistory::settle_some(Shelf& shelf) {
    exchange::Queue& queue = *host().queue(shelf.name);
    auto& held = shelf.client->held;
    std::erase_if(held, [&](const Client::Held& one) {
        const std::uint64_t what = random_.below(10);
        Sent& message = sent_[one.message];
        const bool last = shelf.delivery_limit != 0 && one.id.attempt > shelf.delivery_limit;
        if (what < 5) {
            if (!queue.settle(one.id)) return true;
            message.handled = true;
            if (!shelf.grave) settled_.push_back(one.message);
        } else if (what < 7) {
            static_cast<void>(queue.requeue(one.id));
            if (last) returned_for_good(one.message);
        } else if (what < 8) {
            if (last) returned_for_good(one.message);
            // Where there is no grave it is gone for good.
            if (queue.reject(one.id) && (shelf.name == "plain" || shelf.name == "strict" || shelf.grave))
                message.handled = true;
        } else {
            return false;
        }
        return true;
    });
    queue.consumer_ready(*shelf.client);
}

/// While the disk takes no dead letter, who ought to die comes again.
void QueueHistory::returned_for_good(Id id) {
    sent_[id].dying = true;
    sent_[id].more += cramped_;
}

void QueueHistory::tick(std::int64_t ms) {
    hosts_->before_tick_end();
    engine_->end_tick();
    hosts_->after_tick_end();
    if (files_.halted()) return;
    after_tick();
    clock_.advance_ms(ms);
    engine_->begin_tick(now());
}

/// What is known of the disk now.
void QueueHistory::after_tick() {
    std::erase_if(waiting_, [&](const Waiting& one) {
        const broker::Promise promise = engine_->state(one.receipt, true);
        if (promise == broker::Promise::kept) sent_[one.id].confirmed = true;
        return promise != broker::Promise::pending;
    });
    if (engine_->refusing()) return;  // then notes may wait for room
    cramped_ &= full_;
    const std::uint64_t written = engine_->queue_log().written().value();
    const std::uint64_t synced = engine_->queue_log().synced().value();
    for (const Id id : settled_)
        sent_[id].settled = Note{written, true};
    for (const Id id : shown_)
        sent_[id].handed_out = true;
    settled_.clear();
    shown_.clear();
    for (Sent& one : sent_)
        if (one.settled && one.settled->position <= synced) one.never_again = true;
}

void QueueHistory::trouble() {
    switch (random_.below(4)) {
        case 0:
            files_.halt_after(random_.between(1, 30));
            break;
        case 2:
            files_.faults().read_error = files_.faults().not_now = 0.3;
            break;
        case 1:
            fill_disk();
            break;
        default:
            clear_disk();
    }
}

void QueueHistory::fill_disk() {
    const auto space = files_.disk_space();
    if (!space) return;
    files_.set_capacity(space->total - space->free + random_.below(20) * 4096);
    if (!std::exchange(cramped_, true))
        for (Sent& one : sent_)
            one.more += one.dying;  // its copy may not be stored yet
    full_ = true;
}

void QueueHistory::clear_disk() {
    files_.set_capacity(std::uint64_t{1} << 40);
    files_.faults() = {};
    full_ = false;
}

void QueueHistory::step() {
    ++steps_;
    const std::uint64_t what = random_.below(16);
    if (what < 5)
        publish();
    else if (what < 8)
        settle_some(shelves_[random_.below(shelves_.size())]);
    else if (what < 10)
        worker_.run_one(random_);
    else if (what < 11)
        random_.chance(0.15) ? trouble() : tick(static_cast<std::int64_t>(random_.below(100)));
    else  // now and then long enough for retention and the mover to look around
        tick(static_cast<std::int64_t>(random_.chance(0.02) ? 10'000 : random_.below(20)));
}

// --- the end -----------------------------------------------------------------------------------------------

void QueueHistory::drain(Shelf& shelf) {
    exchange::Queue& queue = *host().queue(shelf.name);
    for (int later = 0; later < 10 && !broken_;) {
        const auto got =
            host().get(queue, true, [&](const broker::Stored& message, const exchange::Delivery&) {
                if (const auto id = known(shelf, message.payload)) sent_[*id].found = true;
            });
        law(got.ok(), "a queue cannot be emptied");
        if (!got || *got == exchange::VirtualHost::Got::empty) return;
        if (*got == exchange::VirtualHost::Got::message) continue;
        ++later;
        worker_.run_all();
        tick(1);
    }
}

void QueueHistory::finish() {
    finishing_ = true;
    clear_disk();
    reopen();
    for (int n = 0; n < 30 && !broken_; ++n) {
        worker_.run_all();
        tick(20);
    }
    for (Shelf& shelf : shelves_)
        if (!broken_) drain(shelf);
    for (Id id = 0; id < sent_.size() && !broken_; ++id)
        law(!sent_[id].confirmed || sent_[id].handled || sent_[id].found,
            fmt::format("message {} to {} was confirmed and is lost", id, shelves_[sent_[id].shelf].name));
}

std::optional<std::string> QueueHistory::run() {
    for (std::uint64_t crashes = random_.between(1, 6); crashes > 0 && !broken_; --crashes) {
        reopen();
        for (std::uint64_t left = random_.below(250); left > 0 && !broken_ && !files_.halted(); --left)
            step();
        if (broken_) break;
        crash();
        clear_disk();
    }
    if (!broken_) finish();
    return broken_;
}

}  // namespace posthorn::sim
