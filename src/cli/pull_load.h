#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "latency_histogram.h"
#include "load_phase.h"
#include "remoting_connection.h"
#include "sequence_set.h"
#include "wire/remoting/message.h"

namespace posthorn::cli {

struct PullReport {
    std::uint64_t measured = 0;                     ///< messages taken while measuring
    std::uint64_t received = 0;                     ///< messages over all phases
    std::uint64_t received_bytes = 0;               ///< of bodies
    std::uint64_t answers = 0;                      ///< that brought messages
    std::uint64_t gaps = 0;                         ///< offsets that were jumped over
    std::uint64_t repeats = 0;                      ///< offsets at or below one already seen
    std::uint64_t of_this_run = 0;                  ///< messages with this run's stamp
    std::uint64_t twice = 0;                        ///< sequences of this run that came a second time
    std::map<std::int32_t, std::uint64_t> refused;  ///< answers by code, "nothing there" (19, 20) left out
    LatencyHistogram latency;  ///< of this run's messages while measuring: from send to here
    double cpu_seconds = 0;
    double seconds = 0;  ///< from the first answer with messages to the last
};

/// Pulls (code 11) all queues of a topic at once over one connection, one request open per queue, by offset
/// and without committing. Ends when the phase says stop, or, given `until`, when each queue is read up to
/// there.
class PullLoad {
  public:
    struct Plan {
        std::string topic;
        std::string group = "posthorn_bench";
        wire::remoting::Encoding encoding = wire::remoting::Encoding::json;
        std::uint32_t batch = 32;
        std::uint64_t run = 0;
        std::vector<std::int64_t> from;   ///< one offset per queue
        std::vector<std::int64_t> until;  ///< empty: no end of its own
    };
    PullLoad(Plan plan, RemotingConnection connection, const SharedPhase& phase);

    Result<PullReport> run();
    /// What was taken so far, for the thread that waits for a drain. Any thread.
    std::uint64_t received_of_this_run() const { return of_this_run_.load(std::memory_order_relaxed); }

  private:
    struct Queue {
        std::int64_t next = 0;
        bool open = false;       ///< a request is on its way
        std::int64_t pause = 0;  ///< not before this time: the server had nothing and did not wait
    };
    bool finished(std::uint32_t queue) const;
    void ask(std::uint32_t queue);
    void ask_all();
    Result<void> take_answer(const wire::remoting::Frame& frame);
    Result<void> take_messages(Queue& queue, Bytes messages);
    void take_message(Queue& queue, const wire::remoting::Message& message);

    Plan plan_;
    RemotingConnection connection_;
    PhaseWatch phase_;
    std::vector<Queue> queues_;
    wire::remoting::HeaderDecoder decoder_;
    SequenceSet seen_;
    std::atomic<std::uint64_t> of_this_run_{0};
    std::int64_t now_ = 0;
    std::int64_t first_ns_ = 0;
    PullReport report_;
};

}  // namespace posthorn::cli
