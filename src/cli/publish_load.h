#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "amqp_connection.h"
#include "base/result.h"
#include "confirm_window.h"
#include "latency_histogram.h"
#include "load_phase.h"
#include "poll_set.h"
#include "publish_form.h"

namespace posthorn::cli {

struct PublishReport {
    std::uint64_t measured = 0;  ///< confirmed while measuring; where none are asked for, written
    std::uint64_t published = 0;
    std::uint64_t confirmed = 0;
    std::uint64_t refused = 0;     ///< nacks
    std::uint64_t unanswered = 0;  ///< unconfirmed when the run was stopped
    LatencyHistogram latency;      ///< of confirms that came while measuring
    LatencyHistogram late;         ///< at a rate: from the moment a message was due to its being written
    double cpu_seconds = 0;        ///< of this thread, while measuring
};

/// Publishes over all its connections at once, as fast as the server takes it or at a rate, until the phase
/// says drain; then waits for what is unconfirmed. One thread.
class PublishLoad {
  public:
    struct Plan {
        std::vector<PublishForm> forms;  ///< one per connection
        std::uint32_t window = 0;        ///< unconfirmed messages per connection; 0: no confirms
        double rate = 0;                 ///< messages a second over all connections; 0: no limit
        std::uint64_t messages = 0;      ///< ends after so many; 0: never
        std::uint64_t backlog = 0;       ///< waits while so many are not consumed; 0: never
        std::uint64_t copies = 1;        ///< of each message that are consumed
    };
    /// `consumed` is what consumers have counted so far.
    PublishLoad(Plan plan, std::vector<AmqpConnection> connections, const SharedPhase& phase,
                const std::atomic<std::uint64_t>& consumed);

    Result<PublishReport> run();

  private:
    struct Producer {
        AmqpConnection connection;
        ConfirmWindow window;  ///< of the times they were sent
    };

    void send(Producer& producer, std::int64_t sent_ns);
    bool has_room(const Producer& producer) const;
    void fill();
    void fill_at_rate();
    void note_late(std::uint64_t first);
    std::uint64_t allowance() const;
    bool done() const;
    Result<void> wait();
    Result<void> read(Producer& producer, std::chrono::milliseconds patience);
    void answered(std::int64_t sent_ns, bool good);
    std::uint64_t open() const;  ///< unconfirmed, over all connections
    std::int64_t patience() const;
    std::int64_t due_ns(std::uint64_t number) const;

    Plan plan_;
    std::vector<Producer> producers_;
    PhaseWatch phase_;
    const std::atomic<std::uint64_t>& consumed_;
    PollSet poll_;
    std::int64_t start_ns_ = 0, now_ = 0;
    PublishReport report_;
};

}  // namespace posthorn::cli
