#pragma once

#include <cstdint>
#include <deque>
#include <random>

#include "torture_clients.h"
#include "torture_side.h"

namespace posthorn::cli {

/// Torture over the protocol of RocketMQ 4.x: producers of plain and delayed messages, consumers that pull
/// and commit, and afterwards every queue read from its beginning.
class RemotingTorture final : public TortureSide {
  public:
    struct Plan {
        std::string broker;  ///< HOST:PORT
        std::uint32_t producers = 8, consumers = 2, queues = 4;
        double rate = 20'000;  ///< messages a second, all producers
        double grace = 5;      ///< seconds a delayed message may be late
        bool delays = true;
    };
    RemotingTorture(const Plan& plan, std::mt19937_64& random);

    Result<void> ask() override;
    Result<void> prepare() override;
    std::vector<Client> clients() override;
    Result<TortureFindings> check() override;
    std::vector<std::string> refusals() const override;

  private:
    Result<void> read_all(RemotingConnection& connection, std::vector<std::int64_t>& next,
                          TortureFindings& findings);
    void note(const wire::remoting::Message& message, TortureFindings& findings);
    Result<void> check_groups(RemotingConnection& connection, const std::vector<std::int64_t>& end,
                              TortureFindings& findings);
    std::int64_t last_due();
    TortureLedger::Verdict verdict();

    Plan plan_;
    TortureTarget target_;
    std::deque<TortureProducer> producers_;
    std::deque<TortureConsumer> consumers_;
};

}  // namespace posthorn::cli
