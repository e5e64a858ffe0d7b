#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/sim_files.h"
#include "runtime/worker.h"

namespace posthorn::broker {

/// A machine with one broker on it: a simulated disk, a worker and a clock that move when told.
class World {
  public:
    explicit World(BrokerOptions given = {}) : options(given) {
        options.stream_segment_bytes = options.queue_segment_bytes = 1 << 20;
        options.stream_tail_bytes = options.queue_tail_bytes = 1 << 19;
        options.cold_bytes = 1 << 19;
        options.max_message_bytes = 16 << 10;
        options.new_store_id = 42;
    }
    ~World() { worker->drop_all(); }

    void open() { open_with(names_worker); }
    void open_with(runtime::Worker& names) {
        auto opened = Broker::open(files, "data", std::make_unique<store::MemoryDefinitions>(definitions),
                                   options, {*worker, names}, now());
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        broker = std::move(*opened);
        broker->begin_tick(now());
    }
    void kill() {
        worker->drop_all();
        files.kill();
        broker.reset();
        worker = std::make_unique<runtime::SimWorker>();
    }
    void cut_power() {
        worker->drop_all();
        files.power_cut(random);
        broker.reset();
        worker = std::make_unique<runtime::SimWorker>();
    }
    Now now() const { return {clock.wall_ms(), clock.steady_ns() / 1'000'000}; }
    /// Ends this tick; the next begins `ms` later.
    void tick(std::int64_t ms = 0) {
        broker->end_tick();
        clock.advance_ms(ms);
        broker->begin_tick(now());
    }
    /// Ticks with all background work done in between: whatever is written is synced afterwards.
    void settle() {
        for (int n = 0; n < 4; ++n) {
            tick(options.sync_interval_ms);
            worker->run_all();
        }
        tick();
    }

    model::QueueId topic(const std::string& name, std::uint32_t n = 0) {
        TopicSpec spec;
        spec.name = name;
        spec.read_queues = spec.write_queues = 4;
        auto made = broker->catalog().put_topic(spec);
        POSTHORN_CHECK(made.ok(), "put_topic");
        return (*made)->queues[n];
    }
    model::GroupId group(const std::string& name) {
        model::Group group;
        group.name = name;
        return (*broker->catalog().put_group(group))->id;
    }
    Receipt publish(model::QueueId queue, const std::string& text, std::int64_t due_ms = 0,
                    std::int32_t tag = 0) {
        Publication message;
        message.queue = queue;
        message.payload = as_bytes(text);
        message.tag = tag;
        auto done = due_ms ? broker->publish_at(message, due_ms) : broker->publish(message);
        EXPECT_TRUE(done.ok()) << done.error().message;
        return done.ok() ? *done : Receipt{};
    }

    struct Sink final : MessageSink, TakeSink {
        std::vector<std::string> texts;
        std::vector<Taken> taken;
        bool on_message(const Stored& message, model::QueueOffset) override {
            texts.emplace_back(as_text(message.payload));
            return true;
        }
        bool on_taken(const Stored& message, const Taken& how) override {
            texts.emplace_back(as_text(message.payload));
            taken.push_back(how);
            return true;
        }
    };
    using Texts = std::vector<std::string>;
    Texts fetch(model::QueueId queue, std::uint64_t from = 0) {
        Sink sink;
        FetchRequest request;
        request.queue = queue;
        request.from = model::QueueOffset(from);
        request.max_messages = 1000;
        status = broker->fetch(request, sink).status;
        return sink.texts;
    }
    Sink take(ReaderId reader, std::uint32_t max = 100, std::int64_t lease_ms = 0) {
        Sink sink;
        auto done = broker->take(reader, max, lease_ms, sink);
        EXPECT_TRUE(done.ok());
        return sink;
    }

    BrokerOptions options;
    env::SimFiles files{7};
    env::SimClock clock;
    env::Random random{7};
    std::unique_ptr<runtime::SimWorker> worker = std::make_unique<runtime::SimWorker>();
    runtime::InlineWorker names_worker;
    std::shared_ptr<store::MemoryDefinitions::Shared> definitions =
        store::MemoryDefinitions::make_shared_state();
    std::unique_ptr<Broker> broker;
    FetchStatus status{};
};

/// Most tests need no more than one broker with one queue.
class BrokerTest : public ::testing::Test {
  protected:
    /// Starts the broker by what `world.options` says by now.
    void open() {
        world.open();
        queue = world.topic("t");
    }

    World world;
    model::QueueId queue;
};

}  // namespace posthorn::broker
