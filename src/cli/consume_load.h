#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "amqp_connection.h"
#include "base/result.h"
#include "delivery_reader.h"
#include "latency_histogram.h"
#include "load_phase.h"
#include "poll_set.h"
#include "sequence_set.h"

namespace posthorn::cli {

struct ConsumeReport {
    std::uint64_t measured = 0;  ///< messages taken while measuring
    std::uint64_t received = 0;
    std::uint64_t redelivered = 0;
    std::uint64_t once = 0;    ///< different ones, of each queue
    std::uint64_t twice = 0;   ///< that had come before
    LatencyHistogram latency;  ///< of those taken while measuring: from send to here
    double cpu_seconds = 0;    ///< of this thread, while measuring
};

/// Consumes over all its connections at once until the phase says stop, or until `until` messages are here.
/// Each connection has its consumers already. One thread.
class ConsumeLoad {
  public:
    struct Plan {
        std::uint32_t ack_every =
            0;                    ///< acknowledges after so many, all at once; 0: the server asks for none
        std::uint64_t until = 0;  ///< 0: no end of its own
        std::vector<std::uint32_t> sets;  ///< by connection: which of them share what they have seen
    };
    ConsumeLoad(Plan plan, std::vector<AmqpConnection> connections, const SharedPhase& phase,
                std::atomic<std::uint64_t>& consumed);

    Result<ConsumeReport> run();

  private:
    struct Consumer {
        AmqpConnection connection;
        std::uint32_t set = 0;
        std::uint32_t unacked = 0;
        DeliveryReader reader;
    };

    Result<void> wait();
    Result<void> read(Consumer& consumer, std::chrono::milliseconds patience);
    void take(Consumer& consumer, const Delivered& message);

    Plan plan_;
    std::vector<Consumer> consumers_;
    std::vector<SequenceSet> seen_;
    PhaseWatch phase_;
    std::atomic<std::uint64_t>& consumed_;
    PollSet poll_;
    std::int64_t now_ = 0;
    ConsumeReport report_;
};

}  // namespace posthorn::cli
