#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "env/random.h"
#include "exchange/payload_codec.h"
#include "exchange/totals.h"
#include "exchange/virtual_host.h"
#include "queue_state.h"

namespace posthorn::exchange {

class HostState;

/// A dead message's copy on its way to the dead letter exchange. The original is in flight until the copy is
/// stored.
struct DeadLetter {
    HostState* host = nullptr;
    store::Format format{};
    bool persistent = false;
    std::uint64_t message_key = 0;
    DeathReason reason{};
    Travelling letter;
    QueueState* from = nullptr;  ///< null: it was never stored
    DeliveryId id;
};

/// What all virtual hosts share: the engine, whose turn it is, when somebody has to be looked at again.
struct Desk {
    Desk(broker::Broker& the_broker, VirtualHosts::Options the_options)
        : broker(the_broker),
          options(the_options),
          random(the_options.seed ? the_options.seed : env::system_seed()) {}

    broker::Broker& broker;
    const VirtualHosts::Options options;
    env::Random random;
    std::array<PayloadCodec*, 256> codecs{};
    PayloadCodec* codec(store::Format format) const { return codecs[format.value()]; }
    /// A name nobody can guess, unless the options want it so.
    std::string make_name(std::string_view prefix);

    // --- turns ---------------------------------------------------------------------------------------------
    std::vector<QueueState*> turns;  ///< each once (`QueueState::scheduled`)
    void schedule(QueueState& queue) {
        if (std::exchange(queue.scheduled, true)) return;
        turns.push_back(&queue);
    }

    /// Something was published, handed out or settled after this tick's write: there is one more at its end.
    bool tick_owed = false;

    // --- times ---------------------------------------------------------------------------------------------
    using Times = std::set<std::pair<std::int64_t, QueueState*>>;
    Times expiries;  ///< wall ms: the head of the queue may have expired
    Times idles;     ///< steady ms: the queue may have been unused for too long
    static void set_time(Times& times, QueueState& queue, std::int64_t& registered, std::int64_t at) {
        if (registered == at) return;
        if (registered != never) times.erase({registered, &queue});
        registered = at;
        if (at != never) times.insert({at, &queue});
    }

    /// Recovered with messages whose bytes are still to be summed up.
    std::vector<QueueState*> unweighed;

    // --- the dead ------------------------------------------------------------------------------------------
    DeathCounts deaths, quorum_deaths;
    std::vector<DeadLetter> dead;
    /// Of dying or due messages: so much is copied at a time, and on the way before the next.
    static constexpr std::size_t copied_bytes_at_once = std::size_t{4} << 20;
    /// In flight and dying, still to be read for their copies, perhaps from the disk.
    struct Dying {
        QueueState* queue;
        DeliveryId id;
        DeathReason reason;
    };
    std::deque<Dying> dying;
    bool dying_left = false;  ///< some were not looked at in this tick

    // --- the gone ------------------------------------------------------------------------------------------
    /// Deleted, with messages in flight or in the list of turns.
    std::unordered_map<QueueState*, std::unique_ptr<QueueState>> gone;
    std::unordered_map<OwnerId, std::vector<QueueState*>> exclusive;  ///< by owner

    std::uint64_t next_queue = 1;  ///< number of the next queue
    std::uint64_t visits = 0;      ///< routings so far
};

}  // namespace posthorn::exchange
