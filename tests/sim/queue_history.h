#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/sim_files.h"
#include "exchange/virtual_host.h"
#include "runtime/worker.h"

namespace posthorn::sim {

/// One random life of a virtual host: publishers that want confirms, consumers that settle, requeue and
/// reject, messages that expire, overflow and die of too many deliveries, between kills, power cuts and a
/// full disk. All drawn from one seed. Held against what the clients saw:
///
/// - a confirmed message is in its queue, or with the dead, until somebody was handed it for good;
/// - nothing appears that was not sent there, or that a full queue rejected;
/// - what was settled, and synced since, never comes again;
/// - what was handed out before and comes again says so, unless a power cut took the note;
/// - fresh messages come in the order they were sent in; expired ones to nobody;
/// - with a delivery limit n no delivery says it is more than the (n + 1)th, but for one more per crash since
///   the message was first handed out, and one more per death whose dead letter a full disk did not take.
class QueueHistory {
  public:
    explicit QueueHistory(std::uint64_t seed, bool talk = false);
    ~QueueHistory();

    /// What broke, if anything did.
    std::optional<std::string> run();

  private:
    using Id = std::uint64_t;
    class Codec;
    class Client;

    struct Shelf {  ///< a queue as the clients know it
        std::string name;
        bool grave = false;  ///< the dead come here, perhaps more than once
        std::int64_t ttl_ms = 0;
        std::uint32_t delivery_limit = 0;
        std::unique_ptr<Client> client;
        std::optional<Id> newest_fresh;  ///< of this life: fresh ones come in order
    };
    struct Note {  ///< where the log stood when something was written about a message
        std::uint64_t position = 0;
        bool written = false;
    };
    struct Sent {
        std::size_t shelf = 0;
        bool confirmed = false, rejected = false;
        bool handled = false;  ///< settled or rejected by a client: it need not come again
        std::optional<Note> settled;
        bool never_again = false;  ///< the settling is durable
        bool handed_out = false;   ///< and that is noted
        bool found = false;        ///< in the end, or handled
        bool out = false;          ///< was handed out, by whatever life
        bool dying = false;      ///< came back once too often, or was rejected then: to the dead, or nowhere
        std::uint32_t more = 0;  ///< deliveries beyond the limit it may have
    };
    struct Waiting {
        Id id;
        broker::Receipt receipt;
    };

    void reopen();
    void declare();
    void crash();
    void step();
    void publish();
    void settle_some(Shelf& shelf);
    void tick(std::int64_t ms);
    void after_tick();
    void trouble();
    void fill_disk();
    void clear_disk();
    void returned_for_good(Id id);
    void finish();
    void drain(Shelf& shelf);
    void handed_out(Shelf& shelf, Bytes payload, const exchange::Delivery& delivery, std::int64_t store_ms);
    std::optional<Id> known(const Shelf& shelf, Bytes payload);
    void law(bool holds, const std::string& words);
    exchange::VirtualHost& host() { return *hosts_->find("/"); }
    broker::Now now() const { return {clock_.wall_ms(), clock_.steady_ns() / 1'000'000}; }

    const bool talk_;
    env::Random random_;
    env::SimFiles files_;
    env::SimClock clock_;
    runtime::SimWorker worker_{2};  ///< two threads, as in the server
    std::shared_ptr<store::MemoryDefinitions::Shared> definitions_;
    broker::BrokerOptions options_;
    std::unique_ptr<Codec> codec_;
    std::unique_ptr<broker::Broker> engine_;
    std::unique_ptr<exchange::VirtualHosts> hosts_;

    std::deque<Shelf> shelves_;
    std::vector<Sent> sent_;
    std::vector<Waiting> waiting_;     ///< for their confirms
    std::vector<Id> settled_, shown_;  ///< since the last tick
    bool finishing_ = false;
    bool full_ = false;     ///< the disk is made to be
    bool cramped_ = false;  ///< it is or was, and the engine has not said yet that it found room
    std::uint64_t steps_ = 0;
    std::optional<std::string> broken_;
};

}  // namespace posthorn::sim
