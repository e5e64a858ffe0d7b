#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/result.h"
#include "remoting_connection.h"
#include "send_frame.h"
#include "torture_ledger.h"
#include "wire/remoting/message.h"

namespace posthorn::cli {

/// What all clients of a torture run share.
struct TortureTarget {
    std::string broker;
    std::string topic;
    std::uint32_t queues = 4;
    std::uint64_t run = 0;
};

/// A message's sequence says whose it is: the producer in the upper 24 bits, its ledger's number below.
inline constexpr unsigned kNumberBits = 40;
std::uint64_t torture_sequence(std::uint64_t producer, std::uint64_t number);

/// Sends plain and delayed messages of several sizes with a window open, until the connection breaks or the
/// flag is raised. Keeps its ledger over all rounds. One thread per producer.
class TortureProducer {
  public:
    TortureProducer(const TortureTarget& target, std::uint32_t index, std::uint64_t seed, bool delays);

    /// `per_second` bounds the rate. Returns why it ended: a broken connection is what a killed server looks
    /// like; an answer that cannot be read is an error to report.
    Result<void> run(const std::atomic<bool>& stop, double per_second);

    TortureLedger& ledger() { return ledger_; }
    const std::map<std::int32_t, std::uint64_t>& refused() const { return refused_; }

  private:
    struct Form {
        std::unique_ptr<SendFrame> frames;
        std::uint32_t delay_ms = 0;
    };
    void add_form(wire::remoting::Encoding encoding, std::size_t size, std::string properties,
                  std::uint32_t delay_ms);
    void send(RemotingConnection& connection, std::uint32_t slot);
    Result<void> take_answer(const wire::remoting::Frame& frame);

    const TortureTarget& target_;
    std::uint32_t index_;
    std::mt19937_64 random_;
    std::vector<Form> plain_;
    std::vector<Form> delayed_;
    TortureLedger ledger_;
    std::map<std::int32_t, std::uint64_t> refused_;
    wire::remoting::HeaderDecoder decoder_;
    std::vector<std::uint64_t> slots_;  ///< number of the message each open request carries
    std::vector<std::uint32_t> free_;
};

/// Pulls one queue from `from` up to before `until` (or what is there now, when that is less), in order, and
/// hands over each message. Returns the offset to go on with. `commit_for` names a group whose offset is
/// committed on the way.
Result<std::int64_t> read_queue(RemotingConnection& connection, const TortureTarget& target,
                                std::uint32_t queue, std::int64_t from, std::int64_t until,
                                const std::string& commit_for,
                                const std::function<void(const wire::remoting::Message&)>& each);

/// Reads along while producers write, committing its offsets, and remembers what it saw where: that must
/// still be there after the server was killed. One thread per consumer.
class TortureConsumer {
  public:
    TortureConsumer(const TortureTarget& target, std::uint32_t index);
    Result<void> run(const std::atomic<bool>& stop);

    const std::string& group() const { return group_; }
    /// Sequences by queue and offset; nothing where a message could not be read.
    const std::vector<std::vector<std::uint64_t>>& seen() const { return seen_; }
    static constexpr std::uint64_t kNothing = ~std::uint64_t{0};

  private:
    const TortureTarget& target_;
    std::string group_;
    std::vector<std::vector<std::uint64_t>> seen_;
};

}  // namespace posthorn::cli
