#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"
#include "exchange_test_support.h"

namespace posthorn::exchange {
namespace {

model::Value number(std::int64_t n) {
    return {n};
}
model::Value text(const std::string& t) {
    return {t};
}

/// What a queue is, said as plainly as possible: messages by priority and age, each ready, in flight or gone.
class PlainQueue {
  public:
    struct Message {
        int number;
        int priority;
        bool in_flight = false;
        bool redelivered = false;
    };

    void publish(int number, int priority) { messages_.push_back({number, priority, false, false}); }
    Message* next() {
        Message* best = nullptr;
        for (Message& one : messages_)
            if (!one.in_flight && (!best || one.priority > best->priority)) best = &one;
        return best;
    }
    Message& find(int number) {
        return *std::find_if(messages_.begin(), messages_.end(),
                             [&](const Message& one) { return one.number == number; });
    }
    void settle(int number) {
        std::erase_if(messages_, [&](const Message& one) { return one.number == number; });
    }
    void requeue(int number) { find(number).in_flight = false, find(number).redelivered = true; }
    std::uint64_t purge() {
        return std::erase_if(messages_, [](const Message& one) { return !one.in_flight; });
    }
    void restart() {
        for (Message& one : messages_)
            if (std::exchange(one.in_flight, false)) one.redelivered = true;
    }
    std::uint64_t ready() const {
        return static_cast<std::uint64_t>(std::count_if(messages_.begin(), messages_.end(),
                                                        [](const Message& one) { return !one.in_flight; }));
    }
    std::uint64_t unacked() const { return messages_.size() - ready(); }

  private:
    std::vector<Message> messages_;
};

class History {
  public:
    explicit History(std::uint64_t seed) : random_(seed), priorities_(static_cast<int>(random_.below(4))) {
        model::Arguments arguments;
        if (priorities_ > 0) arguments.set("x-max-priority", number(priorities_));
        station_.queue("q", arguments);
        join();
    }
    ~History() { part(); }

    void run(int steps) {
        for (int n = 0; n < steps && !testing::Test::HasFailure(); ++n)
            step();
    }

  private:
    void join() {
        consumer_ = std::make_unique<TestConsumer>(Consumer::Options{}, 1 + random_.below(6));
        ASSERT_TRUE(station_.host->consume(queue(), *consumer_).ok());
    }
    void part() {
        if (consumer_->joined()) station_.host->leave(*consumer_);
    }
    Queue& queue() { return *station_.host->queue("q"); }

    void step() {
        const std::uint64_t what = random_.below(100);
        if (what < 40)
            publish();
        else if (what < 60)
            settle_one();
        else if (what < 80)
            requeue_some();
        else if (what < 83)
            purge();
        else if (what < 86)
            restart();
        else
            tick();
        EXPECT_EQ(queue().counts().ready, plain_.ready());
        EXPECT_EQ(queue().counts().unacked, plain_.unacked());
    }
    void publish() {
        const int priority = static_cast<int>(random_.below(6));
        station_.send({.key = "q",
                       .body = std::to_string(published_),
                       .priority = static_cast<std::uint8_t>(priority)});
        plain_.publish(published_++, std::min(priority, priorities_));
    }
    int take_held(std::size_t n) {
        const int which = std::stoi(consumer_->held[n].body);
        consumer_->held.erase(consumer_->held.begin() + static_cast<std::ptrdiff_t>(n));
        return which;
    }
    void settle_one() {
        if (consumer_->held.empty()) return;
        const std::size_t n = random_.below(consumer_->held.size());
        ASSERT_TRUE(queue().settle(consumer_->held[n].id).ok());
        plain_.settle(take_held(n));
        queue().consumer_ready(*consumer_);
    }
    void requeue_some() {
        for (std::uint64_t count = 1 + random_.below(3); count > 0 && !consumer_->held.empty(); --count) {
            const std::size_t n = random_.below(consumer_->held.size());
            ASSERT_TRUE(queue().requeue(consumer_->held[n].id).ok());
            plain_.requeue(take_held(n));
        }
        queue().consumer_ready(*consumer_);
    }
    void purge() { EXPECT_EQ(*station_.host->purge_queue("q", 0), plain_.purge()); }
    void restart() {
        tick();
        station_.tick();  // what was settled after the write is noted
        part();
        consumer_->held.clear();
        random_.chance(0.5) ? station_.kill() : (station_.sync(), station_.cut_power());
        plain_.restart();
        join();
    }
    void tick() {
        const std::size_t before = consumer_->held.size();
        station_.tick();
        std::size_t at = before;
        while (at < consumer_->window) {
            PlainQueue::Message* next = plain_.next();
            if (!next) break;
            ASSERT_LT(at, consumer_->held.size()) << "message " << next->number << " is missing";
            const auto& held = consumer_->held[at++];
            EXPECT_EQ(held.body, std::to_string(next->number));
            EXPECT_EQ(held.redelivered, next->redelivered) << held.body;
            next->in_flight = true;
        }
        EXPECT_EQ(consumer_->held.size(), at);
    }

    env::Random random_;
    const int priorities_;
    Station station_;
    std::unique_ptr<TestConsumer> consumer_;
    PlainQueue plain_;
    int published_ = 0;
};

TEST(QueueModel, RandomHistoriesGoAsThePlainQueueSays) {
    set_log_level(LogLevel::error);
    for (std::uint64_t seed = 1; seed <= 60 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        History history(seed);
        history.run(400);
    }
    set_log_level(LogLevel::info);
}

/// One message among queues that dead-letter to each other; it expires or is rejected at random.
TEST(DeadLetterModel, AMessageGoesRoundAsLongAsSomebodyRejectsIt) {
    set_log_level(LogLevel::error);
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        env::Random random(seed);
        Station station;
        constexpr int count = 5;
        std::vector<int> next;
        const auto name = [](int n) { return "q" + std::to_string(n); };
        for (int n = 0; n < count; ++n)
            next.push_back(static_cast<int>(random.below(count)));
        for (int n = 0; n < count; ++n)
            station.queue(name(n),
                          {{"x-dead-letter-exchange", text("")},
                           {"x-dead-letter-routing-key", text(name(next[static_cast<std::size_t>(n)]))},
                           {"x-message-ttl", number(100)}});
        int at = static_cast<int>(random.below(count));
        station.send(name(at), "x");
        station.tick();
        std::set<int> closed;  // where it died since the last rejection
        for (int step = 0; step < 40; ++step) {
            Queue& queue = *station.host->queue(name(at));
            ASSERT_EQ(queue.counts().ready, 1u) << "seed " << seed << " step " << step;
            const int to = next[static_cast<std::size_t>(at)];
            if (random.chance(0.5)) {
                TestConsumer consumer({}, 1);
                ASSERT_TRUE(station.host->consume(queue, consumer).ok());
                station.tick();
                ASSERT_EQ(consumer.held.size(), 1u);
                ASSERT_TRUE(queue.reject(consumer.held[0].id).ok());
                station.host->leave(consumer);
                station.tick();
                closed.clear();
            } else {
                station.wait(100);
                closed.insert(at);
                if (closed.count(to)) {
                    for (int n = 0; n < count; ++n)
                        EXPECT_EQ(station.host->queue(name(n))->counts().ready, 0u) << "seed " << seed;
                    break;
                }
            }
            at = to;
        }
    }
    set_log_level(LogLevel::info);
}

}  // namespace
}  // namespace posthorn::exchange
