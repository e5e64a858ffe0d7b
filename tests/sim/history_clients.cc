#include <algorithm>
#include <utility>

#include "history.h"

namespace posthorn::sim {

void History::publish() {
    if (random_.chance(0.15)) return fan_out();
    const Queue queue = any_queue();
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
    for (const Queue& queue : queues_)
        if (queue.named && random_.chance(0.7)) {
            queues.push_back(queue.id);
            message.targets.push_back({queue.id, publication.persistent && queue.durable});
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
    const Queue queue = any_queue();
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
            if (files_.halted()) return;
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

void History::tell_taken(Reader& reader, const broker::Stored& message, const broker::Taken& taken,
                         std::int64_t lease) {
    const auto id = load_le<std::uint64_t>(message.payload.data());
    oracle_.taken(reader.number, reader.queue.id, message.payload, taken, lease ? now().steady_ms + lease : 0,
                  now().steady_ms);
    reader.in_flight[taken.offset.value()] = id;
    say("reader {} takes message {} at {} attempt {}", reader.number, id, taken.offset.value(),
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
        oracle_.settled(reader.number, at->second);
        say("reader {} settles message {} as it takes it", reader.number, at->second);
        reader.in_flight.erase(at);
        return broker::Offer::settle;
    });
    static_cast<void>(engine_->offer(*reader.id, 1 + static_cast<std::uint32_t>(random_.below(8)), sink));
}

void History::settle_some(Reader& reader) {
    if (!reader.id) return;
    const std::uint32_t number = reader.number;
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
    const Queue queue = any_queue();
    if (queue.named || names_.groups().empty()) return;
    const Names::Group& group = names_.groups()[random_.below(names_.groups().size())];
    if (!group.usable()) return;
    const std::uint64_t next = random_.below(engine_->range(queue.id).end.value() + 1);
    if (!engine_->commit_progress(group.id, queue.id, model::QueueOffset(next))) return;
    oracle_.committed(group.id.value(), queue.id, next);
}

}  // namespace posthorn::sim
