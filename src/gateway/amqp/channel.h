#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ack_watch.h"
#include "broker/broker.h"
#include "confirms.h"
#include "consumers.h"
#include "gateway/amqp/server.h"
#include "handles.h"
#include "names.h"
#include "transaction.h"
#include "unacked.h"
#include "wire/amqp/content_assembler.h"
#include "wire/amqp/frame.h"
#include "wire/amqp/methods.h"
#include "wire/amqp/properties.h"

namespace posthorn::gateway::amqp {

struct Gateway;
class Session;
struct Message;
struct MessageFacts;

/// One channel: what it was asked for, who consumes on it, what its client has in hand. Its methods stand in
/// the files of their class: exchange_methods.cc, queue_methods.cc, publish.cc, consume.cc, settle.cc,
/// transaction.cc.
///
/// A handler that refuses returns why; the session then closes the channel or the connection.
class Channel final : private broker::Waiter {
  public:
    Channel(Gateway& gateway, Session& session, std::uint16_t number);
    ~Channel() override;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// Method, header or body frame on this channel.
    Refusal on_frame(const wire::Frame& frame);
    /// The session's input goes: a message under way must own its bytes.
    void keep_input() {
        if (assembler_.waiting()) assembler_.keep();
    }
    /// Bytes of its own it holds: a message under way in pieces, an open transaction.
    std::size_t kept_bytes() const {
        return assembler_.buffered() + (transaction_ ? transaction_->bytes.size() : 0);
    }
    std::size_t counted_bytes = 0;  ///< of these, in its session's sum
    /// Cancels the consumers, gives back what is unsettled, drops an open transaction. Once.
    void release();
    /// Released, and channel.close sent: waits for the client's close-ok.
    void set_closing() { closing_ = true; }
    bool closing() const { return closing_; }
    /// The client closed it; the session forgets it after this frame.
    bool closed_by_client() const { return closed_by_client_; }

    std::uint16_t number() const { return number_; }
    Handle handle() const { return handle_; }
    Session& session() { return session_; }

    // What waits for the disk or for the end of an alarm.
    void confirmed(std::uint64_t first, std::uint64_t last, bool kept);
    void committed(bool kept);
    /// Writes what became confirmed or was cancelled in this tick.
    void finish_tick();
    /// Goes on with the publish or get that could not be done before. Nothing: it still cannot.
    Refusal go_on();
    bool stalled() const { return stalled_ != Stalled::no; }
    bool publish_stalled() const { return stalled_ == Stalled::publish || stalled_ == Stalled::commit; }

    /// Why it has to be closed, if its client has kept a delivery for longer than the consumer timeout.
    Refusal check_age(std::int64_t now_ms);

    // Answers that wait until a name is durable (held_replies.h).
    bool answer_held() const { return answers_held_ != 0; }
    void answer_held(Bytes frame);
    /// The frame asks for something whose answer, or whose deliveries, would overtake a held answer.
    bool must_wait(const wire::Frame& frame) const;

    // For its consumers.
    std::uint32_t room(const ChannelConsumer& consumer) const;
    void deliver(ChannelConsumer& consumer, exchange::Queue& queue, const broker::Stored& message,
                 const exchange::Delivery& delivery);
    void consumer_cancelled(ChannelConsumer& consumer);
    /// The socket takes again.
    void wake_consumers();

    /// A direct reply for this channel (see replies.h).
    void deliver_reply(std::string_view key, Bytes properties, Bytes body);
    std::uint64_t reply_nonce() const { return reply_nonce_; }

    void describe(ChannelInfo& info) const;
    void each_consumer(const std::function<void(const ChannelConsumer&, const exchange::Queue&)>& visit);
    std::size_t consumer_count() const { return consumers_.size(); }

  private:
    enum class Stalled : std::uint8_t { no, get, publish, commit };

    Refusal on_method(Bytes payload);
    Refusal on_naming_method(wire::MethodCode code, Bytes payload);
    Refusal name_something(wire::MethodCode code, Bytes payload);
    template <class M>
    Refusal take(Bytes payload, Refusal (Channel::*handler)(const M&));
    template <class M>
    void send(const M& method);  // channel_send.h
    void finish_later();

    // channel.cc
    Refusal open(const wire::ChannelOpen&);
    Refusal flow(const wire::ChannelFlow& method);
    Refusal flow_ok(const wire::ChannelFlowOk&) { return {}; }
    Refusal close(const wire::ChannelClose&);
    Refusal access_request(const wire::AccessRequest&);

    // exchange_methods.cc
    Refusal exchange_declare(const wire::ExchangeDeclare& method);
    Refusal exchange_delete(const wire::ExchangeDelete& method);
    Refusal exchange_bind(const wire::ExchangeBind& method);
    Refusal exchange_unbind(const wire::ExchangeUnbind& method);
    Refusal change_binding(exchange::DestinationKind kind, std::string_view destination,
                           std::string_view source, std::string_view key, wire::TableView arguments,
                           bool bind);

    // queue_methods.cc
    Refusal queue_declare(const wire::QueueDeclare& method);
    Refusal queue_declare_passive(const wire::QueueDeclare& method, std::string_view name);
    Refusal queue_bind(const wire::QueueBind& method);
    Refusal queue_unbind(const wire::QueueUnbind& method);
    Refusal queue_purge(const wire::QueuePurge& method);
    Refusal queue_delete(const wire::QueueDelete& method);
    /// The name meant: the last queue declared on this channel where none is given.
    Refusal queue_name(std::string_view& name) const;
    void answer_declared(std::string_view name, exchange::Queue& queue);

    // publish.cc
    Refusal publish(const wire::Content& content);
    Refusal publish_usual(const Message& message, const MessageFacts& facts);
    Refusal publish_other(Message message);
    Refusal check_message(Message& message, wire::Properties& properties);
    Refusal publish_now(const Message& message, const wire::Properties& properties);
    Refusal publish_kept(const Message& message);
    Refusal publish_to_host(const Message& message, const Message& shown, const MessageFacts& facts,
                            const wire::Properties& properties);
    Refusal check_route(std::string_view exchange, std::string_view key);
    Refusal publish_refused(const Message& message, const Error& error);
    void count_published();
    void settle_publish(const Message& message, const exchange::Published& published);
    void confirm_at_once(bool good);
    void publish_reply(const Message& message);
    void return_message(const Message& message, wire::ReplyCode code, std::string_view text);
    void stall_publish(const Message& message);
    Refusal retry_publish();

    // consume.cc
    Refusal qos(const wire::BasicQos& method);
    Refusal consume(const wire::BasicConsume& method);
    Refusal consume_replies(const wire::BasicConsume& method);
    Refusal cancel(const wire::BasicCancel& method);
    Refusal get(const wire::BasicGet& method);
    Refusal try_get(std::string_view queue, bool no_ack);
    template <class Method>
    void send_message(Method method, const broker::Stored& message, bool counted,
                      const exchange::Delivery& delivery);
    void leave_queue(ChannelConsumer& consumer);
    void on_readable() override;

    // settle.cc
    Refusal ack(const wire::BasicAck& method);
    Refusal nack(const wire::BasicNack& method);
    Refusal reject(const wire::BasicReject& method);
    Refusal recover(const wire::BasicRecover& method);
    Refusal recover_async(const wire::BasicRecoverAsync& method);
    Refusal settle(std::uint64_t tag, bool multiple, Verdict verdict);
    void settle_one(Unsettled& one, Verdict verdict);
    void requeue_all();
    void give_back();
    void left_client(const Unsettled& one);
    bool window_full() const;
    void wake(ChannelConsumer& consumer);

    // transaction.cc
    Refusal confirm_select(const wire::ConfirmSelect& method);
    Refusal tx_select(const wire::TxSelect&);
    Refusal tx_commit(const wire::TxCommit&);
    Refusal commit();
    void stall_commit();
    Refusal tx_rollback(const wire::TxRollback&);
    Refusal stage_publish(const Message& message);

    Gateway& gateway_;
    Session& session_;
    const std::uint16_t number_;
    Handle handle_;
    bool open_ = false, closing_ = false, closed_by_client_ = false, released_ = false;
    bool listed_ = false;  ///< with the gateway, to finish this tick

    wire::ContentAssembler assembler_;
    std::string last_queue_;

    // Out
    std::uint64_t next_tag_ = 1;
    Unacked unacked_;
    AckWatch ack_watch_;
    Sources sources_;
    ConsumersByTag consumers_;
    std::uint16_t prefetch_ = 0;         ///< of consumers to come; 0 is no limit
    std::uint16_t global_prefetch_ = 0;  ///< over all of them
    std::uint32_t in_flight_ = 0;        ///< of consumers, not of gets
    std::uint64_t reply_nonce_ = 0;      ///< 0: no consumer for direct replies
    std::string reply_tag_;
    std::vector<std::string> cancelled_tags_;  ///< by the server, in this tick

    // In
    Confirms confirms_;
    std::optional<Transaction> transaction_;
    std::uint32_t commits_waiting_ = 0;  ///< promises of the disk a commit-ok waits for
    bool commit_broken_ = false;
    std::string checked_exchange_;  ///< may be written to, as of `checked_version_`
    std::uint64_t checked_version_ = 0;
    bool topic_rights_ = false;  ///< the user may not use every routing key of every topic exchange

    std::uint64_t names_awaited_ = 0;  ///< by the last held answer
    std::uint32_t answers_held_ = 0;
    Stalled stalled_ = Stalled::no;
    std::string stalled_queue_;
    bool stalled_no_ack_ = false;
    bool stalled_mandatory_ = false;
    Buffer stalled_bytes_;  ///< of a publish, as it would be stored

    MessageCounts counts_;
};

}  // namespace posthorn::gateway::amqp
