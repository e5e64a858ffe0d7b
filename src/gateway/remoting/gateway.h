#pragma once

#include <algorithm>

#include "base/bytes.h"
#include "base/log_limit.h"
#include "broker/broker.h"
#include "clients.h"
#include "dispatcher.h"
#include "env/clock.h"
#include "env/random.h"
#include "gateway/remoting/options.h"
#include "gateway/remoting/server.h"
#include "held_pulls.h"
#include "held_replies.h"
#include "parked_calls.h"
#include "pending_sends.h"
#include "queue_locks.h"
#include "relay.h"
#include "send_forms.h"
#include "session.h"
#include "subscriptions.h"
#include "throughput.h"
#include "traffic.h"
#include "unique_keys.h"
#include "wire/remoting/send_reply.h"

namespace posthorn::gateway::remoting {

/// What all handlers of one server share. One thread; no logic of its own beyond the turn of a tick.
struct Gateway {
    Gateway(broker::Broker& engine, RemotingOptions wanted, const env::Clock& time);
    ~Gateway();

    broker::Catalog& catalog() { return broker.catalog(); }
    std::int64_t steady_ms() const { return clock.steady_ns() / 1'000'000; }
    /// Where replies to one-way requests go.
    Buffer& unsent() {
        unsent_.clear();
        return unsent_;
    }

    /// While the broker runs; what is made of the options is made again.
    void change_options(RemotingOptions changed);

    /// After the engine's `end_tick`: releases replies that became true, tells groups that changed.
    void after_tick();
    /// About ten times a second: pulls that waited long enough, relays without an answer, silent clients.
    void sweep();

    /// Of a message's body.
    std::uint32_t message_max() const {
        return std::min(options.message_max_bytes, broker.options().max_message_bytes);
    }

    broker::Broker& broker;
    RemotingOptions options;
    const env::Clock& clock;
    env::Random random;
    LogLimit bad_frame_lines, bad_header_lines;
    RemotingCounters counters;  ///< those that are counted; `RemotingServer::counters` adds what is read off

    Dispatcher dispatcher;
    SessionTable sessions;
    PendingSends sends;
    HeldReplies replies;
    HeldPulls pulls;
    ParkedCalls parked;
    Clients clients;
    QueueLocks locks;
    Relay relay;
    Traffic traffic;
    Throughput throughput;
    Subscriptions subscriptions;
    UniqueKeys unique_keys;

    /// wipeWritePerm: routes show this broker's topics without the right to write. As in the original it is
    /// the name service's own knowledge and gone with the process.
    bool write_wiped = false;
    std::int64_t started_wall_ms = 0;

    Buffer cluster_property;  ///< CLUSTER as `options` have it, as it is stored
    SendForms send_forms;
    wire::SendReply send_reply;   ///< as `options` have it
    wire::HeaderDecoder decoder;  ///< of the one request that is handled at a time
    Buffer payload;               ///< a message on its way in, or messages on their way out
    Buffer properties;            ///< its properties as they are stored
    std::vector<broker::Receipt> batch;

  private:
    Buffer unsent_;
    std::int64_t next_client_sweep_ms_ = 0;
};

}  // namespace posthorn::gateway::remoting
