#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "wire/amqp/method_code.h"
#include "wire/amqp/reply_code.h"
#include "wire/amqp/table.h"

/// Every method as a plain struct: fields in the order of the wire, reserved ones left out, defaults as
/// clients send them. Texts and tables are views: into the frame they were decoded from, or into the caller's
/// memory until they are encoded.
///
/// "shortstr" fields hold at most `kMaxShortText` bytes; encoding a longer one is a broken invariant, so
/// whoever takes names from elsewhere than a decoded method checks them first. A `long_text` field may be
/// as long as its frame.
namespace posthorn::wire::amqp {

inline constexpr std::size_t kMaxShortText = 255;

// connection

struct ConnectionStart {
    static constexpr MethodCode code = MethodCode::connection_start;
    std::uint8_t version_major = 0;
    std::uint8_t version_minor = 9;
    TableView server_properties = {};
    std::string_view mechanisms = {};  ///< long; separated by spaces
    std::string_view locales = {};     ///< long
};
struct ConnectionStartOk {
    static constexpr MethodCode code = MethodCode::connection_start_ok;
    TableView client_properties = {};
    std::string_view mechanism = {};
    std::string_view response = {};  ///< long; any bytes, see sasl.h
    std::string_view locale = {};
};
struct ConnectionSecure {
    static constexpr MethodCode code = MethodCode::connection_secure;
    std::string_view challenge = {};  ///< long
};
struct ConnectionSecureOk {
    static constexpr MethodCode code = MethodCode::connection_secure_ok;
    std::string_view response = {};  ///< long
};
struct ConnectionTune {
    static constexpr MethodCode code = MethodCode::connection_tune;
    std::uint16_t channel_max = 0;
    std::uint32_t frame_max = 0;
    std::uint16_t heartbeat = 0;  ///< seconds
};
struct ConnectionTuneOk {
    static constexpr MethodCode code = MethodCode::connection_tune_ok;
    std::uint16_t channel_max = 0;
    std::uint32_t frame_max = 0;
    std::uint16_t heartbeat = 0;  ///< seconds
};
struct ConnectionOpen {
    static constexpr MethodCode code = MethodCode::connection_open;
    std::string_view virtual_host = "/";
};
struct ConnectionOpenOk {
    static constexpr MethodCode code = MethodCode::connection_open_ok;
};
struct ConnectionClose {
    static constexpr MethodCode code = MethodCode::connection_close;
    ReplyCode reply_code = ReplyCode::success;
    std::string_view reply_text = {};
    std::uint16_t class_id = 0;  ///< of the method that failed, else 0
    std::uint16_t method_id = 0;
};
struct ConnectionCloseOk {
    static constexpr MethodCode code = MethodCode::connection_close_ok;
};
struct ConnectionBlocked {
    static constexpr MethodCode code = MethodCode::connection_blocked;
    std::string_view reason = {};
};
struct ConnectionUnblocked {
    static constexpr MethodCode code = MethodCode::connection_unblocked;
};
struct ConnectionUpdateSecret {
    static constexpr MethodCode code = MethodCode::connection_update_secret;
    std::string_view new_secret = {};  ///< long
    std::string_view reason = {};
};
struct ConnectionUpdateSecretOk {
    static constexpr MethodCode code = MethodCode::connection_update_secret_ok;
};

// channel

struct ChannelOpen {
    static constexpr MethodCode code = MethodCode::channel_open;
};
struct ChannelOpenOk {
    static constexpr MethodCode code = MethodCode::channel_open_ok;
};
struct ChannelFlow {
    static constexpr MethodCode code = MethodCode::channel_flow;
    bool active = true;
};
struct ChannelFlowOk {
    static constexpr MethodCode code = MethodCode::channel_flow_ok;
    bool active = true;
};
struct ChannelClose {
    static constexpr MethodCode code = MethodCode::channel_close;
    ReplyCode reply_code = ReplyCode::success;
    std::string_view reply_text = {};
    std::uint16_t class_id = 0;  ///< of the method that failed, else 0
    std::uint16_t method_id = 0;
};
struct ChannelCloseOk {
    static constexpr MethodCode code = MethodCode::channel_close_ok;
};

// access: a relic of 0-8 that old clients still send

struct AccessRequest {
    static constexpr MethodCode code = MethodCode::access_request;
    std::string_view realm = "/data";
    bool exclusive = false;
    bool passive = true;
    bool active = true;
    bool write = true;
    bool read = true;
};
struct AccessRequestOk {
    static constexpr MethodCode code = MethodCode::access_request_ok;
    std::uint16_t ticket = 1;
};

// exchange

struct ExchangeDeclare {
    static constexpr MethodCode code = MethodCode::exchange_declare;
    std::string_view exchange = {};
    std::string_view type = "direct";
    bool passive = false;
    bool durable = false;
    bool auto_delete = false;
    bool internal = false;
    bool no_wait = false;
    TableView arguments = {};
};
struct ExchangeDeclareOk {
    static constexpr MethodCode code = MethodCode::exchange_declare_ok;
};
struct ExchangeDelete {
    static constexpr MethodCode code = MethodCode::exchange_delete;
    std::string_view exchange = {};
    bool if_unused = false;
    bool no_wait = false;
};
struct ExchangeDeleteOk {
    static constexpr MethodCode code = MethodCode::exchange_delete_ok;
};
struct ExchangeBind {
    static constexpr MethodCode code = MethodCode::exchange_bind;
    std::string_view destination = {};
    std::string_view source = {};
    std::string_view routing_key = {};
    bool no_wait = false;
    TableView arguments = {};
};
struct ExchangeBindOk {
    static constexpr MethodCode code = MethodCode::exchange_bind_ok;
};
struct ExchangeUnbind {
    static constexpr MethodCode code = MethodCode::exchange_unbind;
    std::string_view destination = {};
    std::string_view source = {};
    std::string_view routing_key = {};
    bool no_wait = false;
    TableView arguments = {};
};
struct ExchangeUnbindOk {
    static constexpr MethodCode code = MethodCode::exchange_unbind_ok;
};

// queue

struct QueueDeclare {
    static constexpr MethodCode code = MethodCode::queue_declare;
    std::string_view queue = {};
    bool passive = false;
    bool durable = false;
    bool exclusive = false;
    bool auto_delete = false;
    bool no_wait = false;
    TableView arguments = {};
};
struct QueueDeclareOk {
    static constexpr MethodCode code = MethodCode::queue_declare_ok;
    std::string_view queue = {};
    std::uint32_t message_count = 0;  ///< ready
    std::uint32_t consumer_count = 0;
};
struct QueueBind {
    static constexpr MethodCode code = MethodCode::queue_bind;
    std::string_view queue = {};
    std::string_view exchange = {};
    std::string_view routing_key = {};
    bool no_wait = false;
    TableView arguments = {};
};
struct QueueBindOk {
    static constexpr MethodCode code = MethodCode::queue_bind_ok;
};
struct QueuePurge {
    static constexpr MethodCode code = MethodCode::queue_purge;
    std::string_view queue = {};
    bool no_wait = false;
};
struct QueuePurgeOk {
    static constexpr MethodCode code = MethodCode::queue_purge_ok;
    std::uint32_t message_count = 0;
};
struct QueueDelete {
    static constexpr MethodCode code = MethodCode::queue_delete;
    std::string_view queue = {};
    bool if_unused = false;
    bool if_empty = false;
    bool no_wait = false;
};
struct QueueDeleteOk {
    static constexpr MethodCode code = MethodCode::queue_delete_ok;
    std::uint32_t message_count = 0;
};
struct QueueUnbind {
    static constexpr MethodCode code = MethodCode::queue_unbind;
    std::string_view queue = {};
    std::string_view exchange = {};
    std::string_view routing_key = {};
    TableView arguments = {};
};
struct QueueUnbindOk {
    static constexpr MethodCode code = MethodCode::queue_unbind_ok;
};

// basic

struct BasicQos {
    static constexpr MethodCode code = MethodCode::basic_qos;
    std::uint32_t prefetch_size = 0;
    std::uint16_t prefetch_count = 0;
    bool global = false;
};
struct BasicQosOk {
    static constexpr MethodCode code = MethodCode::basic_qos_ok;
};
struct BasicConsume {
    static constexpr MethodCode code = MethodCode::basic_consume;
    std::string_view queue = {};
    std::string_view consumer_tag = {};
    bool no_local = false;
    bool no_ack = false;
    bool exclusive = false;
    bool no_wait = false;
    TableView arguments = {};
};
struct BasicConsumeOk {
    static constexpr MethodCode code = MethodCode::basic_consume_ok;
    std::string_view consumer_tag = {};
};
/// From a client, and from a server whose client announced `consumer_cancel_notify`.
struct BasicCancel {
    static constexpr MethodCode code = MethodCode::basic_cancel;
    std::string_view consumer_tag = {};
    bool no_wait = false;
};
struct BasicCancelOk {
    static constexpr MethodCode code = MethodCode::basic_cancel_ok;
    std::string_view consumer_tag = {};
};
struct BasicPublish {
    static constexpr MethodCode code = MethodCode::basic_publish;
    std::string_view exchange = {};
    std::string_view routing_key = {};
    bool mandatory = false;
    bool immediate = false;
};
struct BasicReturn {
    static constexpr MethodCode code = MethodCode::basic_return;
    ReplyCode reply_code = ReplyCode::no_route;
    std::string_view reply_text = {};
    std::string_view exchange = {};
    std::string_view routing_key = {};
};
struct BasicDeliver {
    static constexpr MethodCode code = MethodCode::basic_deliver;
    std::string_view consumer_tag = {};
    std::uint64_t delivery_tag = 0;
    bool redelivered = false;
    std::string_view exchange = {};
    std::string_view routing_key = {};
};
struct BasicGet {
    static constexpr MethodCode code = MethodCode::basic_get;
    std::string_view queue = {};
    bool no_ack = false;
};
struct BasicGetOk {
    static constexpr MethodCode code = MethodCode::basic_get_ok;
    std::uint64_t delivery_tag = 0;
    bool redelivered = false;
    std::string_view exchange = {};
    std::string_view routing_key = {};
    std::uint32_t message_count = 0;  ///< still ready behind it
};
struct BasicGetEmpty {
    static constexpr MethodCode code = MethodCode::basic_get_empty;
};
struct BasicAck {
    static constexpr MethodCode code = MethodCode::basic_ack;
    std::uint64_t delivery_tag = 0;
    bool multiple = false;
};
struct BasicReject {
    static constexpr MethodCode code = MethodCode::basic_reject;
    std::uint64_t delivery_tag = 0;
    bool requeue = true;
};
struct BasicRecoverAsync {
    static constexpr MethodCode code = MethodCode::basic_recover_async;
    bool requeue = true;
};
struct BasicRecover {
    static constexpr MethodCode code = MethodCode::basic_recover;
    bool requeue = true;
};
struct BasicRecoverOk {
    static constexpr MethodCode code = MethodCode::basic_recover_ok;
};
struct BasicNack {
    static constexpr MethodCode code = MethodCode::basic_nack;
    std::uint64_t delivery_tag = 0;
    bool multiple = false;
    bool requeue = true;
};

// confirm

struct ConfirmSelect {
    static constexpr MethodCode code = MethodCode::confirm_select;
    bool no_wait = false;
};
struct ConfirmSelectOk {
    static constexpr MethodCode code = MethodCode::confirm_select_ok;
};

// tx

struct TxSelect {
    static constexpr MethodCode code = MethodCode::tx_select;
};
struct TxSelectOk {
    static constexpr MethodCode code = MethodCode::tx_select_ok;
};
struct TxCommit {
    static constexpr MethodCode code = MethodCode::tx_commit;
};
struct TxCommitOk {
    static constexpr MethodCode code = MethodCode::tx_commit_ok;
};
struct TxRollback {
    static constexpr MethodCode code = MethodCode::tx_rollback;
};
struct TxRollbackOk {
    static constexpr MethodCode code = MethodCode::tx_rollback_ok;
};

using Method = std::variant<
    ConnectionStart, ConnectionStartOk, ConnectionSecure, ConnectionSecureOk, ConnectionTune,
    ConnectionTuneOk, ConnectionOpen, ConnectionOpenOk, ConnectionClose, ConnectionCloseOk, ConnectionBlocked,
    ConnectionUnblocked, ConnectionUpdateSecret, ConnectionUpdateSecretOk, ChannelOpen, ChannelOpenOk,
    ChannelFlow, ChannelFlowOk, ChannelClose, ChannelCloseOk, AccessRequest, AccessRequestOk, ExchangeDeclare,
    ExchangeDeclareOk, ExchangeDelete, ExchangeDeleteOk, ExchangeBind, ExchangeBindOk, ExchangeUnbind,
    ExchangeUnbindOk, QueueDeclare, QueueDeclareOk, QueueBind, QueueBindOk, QueuePurge, QueuePurgeOk,
    QueueDelete, QueueDeleteOk, QueueUnbind, QueueUnbindOk, BasicQos, BasicQosOk, BasicConsume,
    BasicConsumeOk, BasicCancel, BasicCancelOk, BasicPublish, BasicReturn, BasicDeliver, BasicGet, BasicGetOk,
    BasicGetEmpty, BasicAck, BasicReject, BasicRecoverAsync, BasicRecover, BasicRecoverOk, BasicNack,
    ConfirmSelect, ConfirmSelectOk, TxSelect, TxSelectOk, TxCommit, TxCommitOk, TxRollback, TxRollbackOk>;

}  // namespace posthorn::wire::amqp
