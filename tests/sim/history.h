#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/sim_files.h"
#include "names.h"
#include "oracle.h"
#include "runtime/worker.h"

namespace posthorn::sim {

/// One random life of a data directory: clients, ticks, workers that lag, names that come and go, faults,
/// crashes and reopenings, all drawn from one seed. The same seed gives the same history. What clients do
/// stands in history_clients.cc.
class History {
  public:
    explicit History(std::uint64_t seed, bool talk = false);
    ~History();

    /// What broke, if anything did.
    std::optional<std::string> run();
    std::uint64_t steps() const { return steps_; }

  private:
    static constexpr std::int64_t whenever = std::numeric_limits<std::int64_t>::max();

    struct Queue {
        model::QueueId id;
        bool named = false;
        bool durable = true;
    };
    struct Reader {
        std::uint32_t number = 0;  ///< for the oracle; never used again
        Queue queue = {};
        std::optional<broker::ReaderId> id = {};
        std::map<std::uint64_t, Oracle::Id> in_flight = {};  ///< by offset
    };

    void reopen();
    bool try_open();
    void follow_names();
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
    void drain(int ticks);
    std::map<std::uint32_t, model::QueueId> reader_queues() const;
    void settle_some(Reader& reader);
    void commit();
    void tick(std::int64_t ms);
    void work();
    void clear_the_way();
    void make_trouble();
    void reread();
    void finish();
    const Queue& any_queue() { return queues_[random_.below(queues_.size())]; }
    Reader& any_reader() { return readers_[random_.below(readers_.size())]; }
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
    runtime::SimWorker worker_{2}, names_worker_;  ///< two threads, as in the server
    std::shared_ptr<store::MemoryDefinitions::Shared> definitions_;
    broker::BrokerOptions options_;
    std::unique_ptr<broker::Broker> engine_;
    Oracle oracle_;
    Names names_{random_, oracle_};

    std::vector<Queue> queues_;    ///< those that may be used
    std::vector<Reader> readers_;  ///< of some of them
    std::uint32_t reader_numbers_ = 0;
    std::uint64_t steps_ = 0;
    std::int64_t longest_delay_ms_ = 0;
    std::optional<std::string> broken_open_;
    bool finishing_ = false;
    bool clock_set_ = false;  ///< then nobody can tell how old a message is
};

}  // namespace posthorn::sim
