#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "latency_histogram.h"
#include "load_phase.h"
#include "remoting_connection.h"
#include "send_frame.h"

namespace posthorn::cli {

struct SendReport {
    std::uint64_t measured = 0;                     ///< acknowledged while measuring
    std::uint64_t acknowledged = 0;                 ///< over all phases
    std::map<std::int32_t, std::uint64_t> refused;  ///< answers by code, over all phases
    std::uint64_t unanswered = 0;                   ///< still open when the run was stopped
    LatencyHistogram latency;  ///< of the measured ones: from the write to the read that brought it
    double cpu_seconds = 0;    ///< of this thread, while measuring
};

/// Keeps `in_flight` sends open over the given connections, each answered one replaced at once, until the
/// phase says drain; then waits for what is open. One thread, whatever the number of connections.
///
/// Cheap on purpose: requests are stamped out of a form, the clock is read once per batch, one connection is
/// read without any readiness call.
class SendLoad {
  public:
    SendLoad(const SendFrame& frames, std::uint32_t queues, std::uint64_t run, std::uint32_t in_flight,
             std::vector<RemotingConnection> connections, const SharedPhase& phase);

    Result<SendReport> run();

  private:
    struct Slot {
        std::int64_t sent_ns = 0;
        std::uint32_t connection = 0;
    };
    void send(std::uint32_t slot);
    Result<void> serve(std::uint32_t connection, std::chrono::milliseconds patience);
    Result<void> take_answer(const wire::remoting::Frame& frame);
    Result<void> serve_one_connection();
    Result<void> serve_many_connections();

    const SendFrame& frames_;
    std::uint32_t queues_;
    std::uint64_t run_;
    std::vector<RemotingConnection> connections_;
    PhaseWatch phase_;

    std::vector<Slot> slots_;
    std::uint64_t next_sequence_ = 0;
    std::uint64_t open_ = 0;
    std::int64_t now_ = 0;
    std::int64_t wall_ms_ = 0;
    SendReport report_;
};

}  // namespace posthorn::cli
