#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/sim_files.h"
#include "oracle.h"
#include "runtime/worker.h"

namespace posthorn::sim {

/// One random life of a data directory: clients, ticks, a worker that lags, faults, crashes and reopenings,
/// all drawn from one seed. The same seed gives the same history.
class History {
  public:
    explicit History(std::uint64_t seed, bool talk = false);
    ~History();

    /// What broke, if anything did.
    std::optional<std::string> run();
    std::uint64_t steps() const { return steps_; }

  private:
    struct Queue {
        model::QueueId id;
        bool named = false;
        bool durable = true;
    };
    struct Reader {
        std::string name;
        std::size_t of;  ///< its queue's place in queues_
        Queue queue = {};
        std::optional<broker::ReaderId> id = {};
        std::map<std::uint64_t, Oracle::Id> in_flight = {};  ///< by offset
    };

    void reopen();
    bool try_open();
    void define();
    void crash();
    void step();
    void publish();
    void fetch();
    void fetch_up_to(model::QueueId queue, std::uint64_t end);
    void fan_out();
    void take(Reader& reader, std::uint32_t max);
    void offer(Reader& reader);
    void tell_taken(Reader& reader, const broker::Stored& message, const broker::Taken& taken,
                    std::int64_t lease);
    void delete_something();
    void drain(int ticks);
    std::uint32_t number(const Reader& reader) const;
    std::map<std::uint32_t, model::QueueId> reader_queues() const;
    void settle_some(Reader& reader);
    void commit();
    void tick(std::int64_t ms);
    void work();
    void make_trouble();
    void reread();
    void finish();
    bool opened() const { return engine_ != nullptr; }
    broker::Now now() const { return {clock_.wall_ms(), clock_.steady_ns() / 1'000'000}; }
    template <class... Args>
    void say(fmt::format_string<Args...> form, Args&&... args) {
        if (talk_) fmt::print("  {:4} {}\n", steps_, fmt::format(form, std::forward<Args>(args)...));
    }

    const bool talk_;
    env::Random random_;
    env::SimFiles files_;
    env::SimClock clock_;
    runtime::SimWorker worker_;
    runtime::InlineWorker names_worker_;
    std::shared_ptr<store::MemoryDefinitions::Shared> definitions_;
    broker::BrokerOptions options_;
    std::unique_ptr<broker::Broker> engine_;
    Oracle oracle_;

    std::vector<Queue> queues_;
    std::vector<model::GroupId> groups_;
    std::vector<Reader> readers_;
    std::uint64_t steps_ = 0;
    std::int64_t longest_delay_ms_ = 0;
    std::optional<std::string> broken_open_;
    bool finishing_ = false;
    bool clock_set_ = false;  ///< then nobody can tell how old a message is
};

}  // namespace posthorn::sim
