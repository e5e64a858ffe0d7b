#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "amqp_connection.h"
#include "publish_form.h"
#include "torture_ledger.h"
#include "torture_side.h"

namespace posthorn::cli {

/// What all AMQP clients of a torture run share.
struct AmqpTortureTarget {
    AmqpTarget server;
    std::uint64_t run = 0;
    std::uint32_t queues = 4;
    std::string queue(std::uint64_t index) const;
};

/// Publishes persistent messages of several sizes with confirms and a window open, until the connection
/// breaks or the flag is raised. Keeps its ledger over all rounds. One thread per producer.
class AmqpTortureProducer {
  public:
    AmqpTortureProducer(const AmqpTortureTarget& target, std::uint32_t index, std::uint64_t seed);
    Result<void> run(const std::atomic<bool>& stop, double per_second);

    TortureLedger& ledger() { return ledger_; }
    const TortureLedger& ledger() const { return ledger_; }
    std::uint64_t refused() const { return refused_; }

  private:
    Result<AmqpConnection> connect();

    const AmqpTortureTarget& target_;
    std::uint32_t index_;
    std::mt19937_64 random_;
    std::vector<PublishForm> forms_;  ///< every size for every queue
    TortureLedger ledger_;
    std::uint64_t refused_ = 0;  ///< nacks
};

/// A message as somebody got it. One of nobody's has `kNobodys` for its sequence.
struct AmqpSighting {
    static constexpr std::uint64_t kNobodys = ~std::uint64_t{0};
    std::uint64_t sequence = kNobodys;
    bool redelivered = false;
};

/// Consumes all queues, acknowledges most and returns some to their queue, until the connection breaks or the
/// flag is raised; or, `drain`, until they are empty. Remembers what it got. One thread per consumer.
class AmqpTortureConsumer {
  public:
    AmqpTortureConsumer(const AmqpTortureTarget& target, std::uint64_t seed)
        : target_(target), random_(seed) {}
    Result<void> run(const std::atomic<bool>& stop);
    Result<void> drain();

    std::vector<AmqpSighting>& sightings() { return sightings_; }

  private:
    Result<AmqpConnection> connect();
    Result<std::size_t> take(AmqpConnection& connection, class DeliveryReader& reader, bool returns);

    const AmqpTortureTarget& target_;
    std::mt19937_64 random_;
    std::vector<AmqpSighting> sightings_;
};

/// Torture over AMQP: confirmed persistent messages on durable queues. A message may come a second time only
/// if it says so (redelivered).
class AmqpTorture final : public TortureSide {
  public:
    struct Plan {
        std::string address;  ///< HOST:PORT
        std::uint32_t producers = 8, consumers = 2, queues = 4;
        double rate = 20'000;  ///< messages a second, all producers
    };
    AmqpTorture(const Plan& plan, std::mt19937_64& random);

    Result<void> ask() override;
    Result<void> prepare() override;
    std::vector<Client> clients() override;
    Result<TortureFindings> check() override;
    std::vector<std::string> refusals() const override;

  private:
    void note(const AmqpSighting& sighting, TortureFindings& findings);
    void note_all(bool redelivered, TortureFindings& findings);

    Plan plan_;
    AmqpTortureTarget target_;
    std::deque<AmqpTortureProducer> producers_;
    std::deque<AmqpTortureConsumer> consumers_;  ///< the last one drains
    std::uint64_t again_ = 0;
};

}  // namespace posthorn::cli
