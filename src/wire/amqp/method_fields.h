#pragma once

#include "wire/amqp/methods.h"

/// The fields of every method in the order of the wire, once for all directions: `Io` is a `FieldReader`, a
/// `FieldSizer` or a `FieldWriter`. Reserved fields are read over and written empty.
namespace posthorn::wire::amqp {

// connection

template <class Io>
void walk(Io& io, ConnectionStart& m) {
    io.number(m.version_major);
    io.number(m.version_minor);
    io.table(m.server_properties);
    io.long_text(m.mechanisms);
    io.long_text(m.locales);
}
template <class Io>
void walk(Io& io, ConnectionStartOk& m) {
    io.table(m.client_properties);
    io.short_text(m.mechanism);
    io.long_text(m.response);
    io.short_text(m.locale);
}
template <class Io>
void walk(Io& io, ConnectionSecure& m) {
    io.long_text(m.challenge);
}
template <class Io>
void walk(Io& io, ConnectionSecureOk& m) {
    io.long_text(m.response);
}
template <class Io>
void walk(Io& io, ConnectionTune& m) {
    io.number(m.channel_max);
    io.number(m.frame_max);
    io.number(m.heartbeat);
}
template <class Io>
void walk(Io& io, ConnectionTuneOk& m) {
    io.number(m.channel_max);
    io.number(m.frame_max);
    io.number(m.heartbeat);
}
template <class Io>
void walk(Io& io, ConnectionOpen& m) {
    io.short_text(m.virtual_host);
    io.reserved_short_text();
    io.reserved_flag();
}
template <class Io>
void walk(Io& io, ConnectionOpenOk&) {
    io.reserved_short_text();
}
template <class Io>
void walk(Io& io, ConnectionClose& m) {
    io.number(m.reply_code);
    io.short_text(m.reply_text);
    io.number(m.class_id);
    io.number(m.method_id);
}
template <class Io>
void walk(Io&, ConnectionCloseOk&) {}
template <class Io>
void walk(Io& io, ConnectionBlocked& m) {
    io.short_text(m.reason);
}
template <class Io>
void walk(Io&, ConnectionUnblocked&) {}
template <class Io>
void walk(Io& io, ConnectionUpdateSecret& m) {
    io.long_text(m.new_secret);
    io.short_text(m.reason);
}
template <class Io>
void walk(Io&, ConnectionUpdateSecretOk&) {}

// channel

template <class Io>
void walk(Io& io, ChannelOpen&) {
    io.reserved_short_text();
}
template <class Io>
void walk(Io& io, ChannelOpenOk&) {
    io.reserved_long_text();
}
template <class Io>
void walk(Io& io, ChannelFlow& m) {
    io.flags(m.active);
}
template <class Io>
void walk(Io& io, ChannelFlowOk& m) {
    io.flags(m.active);
}
template <class Io>
void walk(Io& io, ChannelClose& m) {
    io.number(m.reply_code);
    io.short_text(m.reply_text);
    io.number(m.class_id);
    io.number(m.method_id);
}
template <class Io>
void walk(Io&, ChannelCloseOk&) {}

// access

template <class Io>
void walk(Io& io, AccessRequest& m) {
    io.short_text(m.realm);
    io.flags(m.exclusive, m.passive, m.active, m.write, m.read);
}
template <class Io>
void walk(Io& io, AccessRequestOk& m) {
    io.number(m.ticket);
}

// exchange

template <class Io>
void walk(Io& io, ExchangeDeclare& m) {
    io.reserved_ticket();
    io.short_text(m.exchange);
    io.short_text(m.type);
    io.flags(m.passive, m.durable, m.auto_delete, m.internal, m.no_wait);
    io.table(m.arguments);
}
template <class Io>
void walk(Io&, ExchangeDeclareOk&) {}
template <class Io>
void walk(Io& io, ExchangeDelete& m) {
    io.reserved_ticket();
    io.short_text(m.exchange);
    io.flags(m.if_unused, m.no_wait);
}
template <class Io>
void walk(Io&, ExchangeDeleteOk&) {}
template <class Io>
void walk(Io& io, ExchangeBind& m) {
    io.reserved_ticket();
    io.short_text(m.destination);
    io.short_text(m.source);
    io.short_text(m.routing_key);
    io.flags(m.no_wait);
    io.table(m.arguments);
}
template <class Io>
void walk(Io&, ExchangeBindOk&) {}
template <class Io>
void walk(Io& io, ExchangeUnbind& m) {
    io.reserved_ticket();
    io.short_text(m.destination);
    io.short_text(m.source);
    io.short_text(m.routing_key);
    io.flags(m.no_wait);
    io.table(m.arguments);
}
template <class Io>
void walk(Io&, ExchangeUnbindOk&) {}

// queue

template <class Io>
void walk(Io& io, QueueDeclare& m) {
    io.reserved_ticket();
    io.short_text(m.queue);
    io.flags(m.passive, m.durable, m.exclusive, m.auto_delete, m.no_wait);
    io.table(m.arguments);
}
template <class Io>
void walk(Io& io, QueueDeclareOk& m) {
    io.short_text(m.queue);
    io.number(m.message_count);
    io.number(m.consumer_count);
}
template <class Io>
void walk(Io& io, QueueBind& m) {
    io.reserved_ticket();
    io.short_text(m.queue);
    io.short_text(m.exchange);
    io.short_text(m.routing_key);
    io.flags(m.no_wait);
    io.table(m.arguments);
}
template <class Io>
void walk(Io&, QueueBindOk&) {}
template <class Io>
void walk(Io& io, QueuePurge& m) {
    io.reserved_ticket();
    io.short_text(m.queue);
    io.flags(m.no_wait);
}
template <class Io>
void walk(Io& io, QueuePurgeOk& m) {
    io.number(m.message_count);
}
template <class Io>
void walk(Io& io, QueueDelete& m) {
    io.reserved_ticket();
    io.short_text(m.queue);
    io.flags(m.if_unused, m.if_empty, m.no_wait);
}
template <class Io>
void walk(Io& io, QueueDeleteOk& m) {
    io.number(m.message_count);
}
template <class Io>
void walk(Io& io, QueueUnbind& m) {
    io.reserved_ticket();
    io.short_text(m.queue);
    io.short_text(m.exchange);
    io.short_text(m.routing_key);
    io.table(m.arguments);
}
template <class Io>
void walk(Io&, QueueUnbindOk&) {}

// basic

template <class Io>
void walk(Io& io, BasicQos& m) {
    io.number(m.prefetch_size);
    io.number(m.prefetch_count);
    io.flags(m.global);
}
template <class Io>
void walk(Io&, BasicQosOk&) {}
template <class Io>
void walk(Io& io, BasicConsume& m) {
    io.reserved_ticket();
    io.short_text(m.queue);
    io.short_text(m.consumer_tag);
    io.flags(m.no_local, m.no_ack, m.exclusive, m.no_wait);
    io.table(m.arguments);
}
template <class Io>
void walk(Io& io, BasicConsumeOk& m) {
    io.short_text(m.consumer_tag);
}
template <class Io>
void walk(Io& io, BasicCancel& m) {
    io.short_text(m.consumer_tag);
    io.flags(m.no_wait);
}
template <class Io>
void walk(Io& io, BasicCancelOk& m) {
    io.short_text(m.consumer_tag);
}
template <class Io>
void walk(Io& io, BasicPublish& m) {
    io.reserved_ticket();
    io.short_text(m.exchange);
    io.short_text(m.routing_key);
    io.flags(m.mandatory, m.immediate);
}
template <class Io>
void walk(Io& io, BasicReturn& m) {
    io.number(m.reply_code);
    io.short_text(m.reply_text);
    io.short_text(m.exchange);
    io.short_text(m.routing_key);
}
template <class Io>
void walk(Io& io, BasicDeliver& m) {
    io.short_text(m.consumer_tag);
    io.number(m.delivery_tag);
    io.flags(m.redelivered);
    io.short_text(m.exchange);
    io.short_text(m.routing_key);
}
template <class Io>
void walk(Io& io, BasicGet& m) {
    io.reserved_ticket();
    io.short_text(m.queue);
    io.flags(m.no_ack);
}
template <class Io>
void walk(Io& io, BasicGetOk& m) {
    io.number(m.delivery_tag);
    io.flags(m.redelivered);
    io.short_text(m.exchange);
    io.short_text(m.routing_key);
    io.number(m.message_count);
}
template <class Io>
void walk(Io& io, BasicGetEmpty&) {
    io.reserved_short_text();
}
template <class Io>
void walk(Io& io, BasicAck& m) {
    io.number(m.delivery_tag);
    io.flags(m.multiple);
}
template <class Io>
void walk(Io& io, BasicReject& m) {
    io.number(m.delivery_tag);
    io.flags(m.requeue);
}
template <class Io>
void walk(Io& io, BasicRecoverAsync& m) {
    io.flags(m.requeue);
}
template <class Io>
void walk(Io& io, BasicRecover& m) {
    io.flags(m.requeue);
}
template <class Io>
void walk(Io&, BasicRecoverOk&) {}
template <class Io>
void walk(Io& io, BasicNack& m) {
    io.number(m.delivery_tag);
    io.flags(m.multiple, m.requeue);
}

// confirm, tx

template <class Io>
void walk(Io& io, ConfirmSelect& m) {
    io.flags(m.no_wait);
}
template <class Io>
void walk(Io&, ConfirmSelectOk&) {}
template <class Io>
void walk(Io&, TxSelect&) {}
template <class Io>
void walk(Io&, TxSelectOk&) {}
template <class Io>
void walk(Io&, TxCommit&) {}
template <class Io>
void walk(Io&, TxCommitOk&) {}
template <class Io>
void walk(Io&, TxRollback&) {}
template <class Io>
void walk(Io&, TxRollbackOk&) {}

}  // namespace posthorn::wire::amqp
