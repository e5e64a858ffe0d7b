#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "broker/broker.h"
#include "exchange/virtual_host.h"
#include "model/value.h"

namespace posthorn::gateway::amqp {

/// A message outside of any channel, as the management pages write and read it. Properties go by RabbitMQ's
/// names: content_type, delivery_mode, headers, ...; those of a message that has none are empty.
struct PlainMessage {
    std::string exchange, key;
    model::Arguments properties;
    std::string body;
};

/// Publishes as a channel would, without asking who may: to everybody the exchange says, and CC and BCC.
/// Invalid: a property of another type than it has, or too long; names RabbitMQ does not know are left out,
/// as there.
Result<exchange::Published> publish(exchange::VirtualHost& host, const PlainMessage& message);
/// Nothing if it is not one of this gateway's.
std::optional<PlainMessage> read_plain(const broker::Stored& message);

}  // namespace posthorn::gateway::amqp
