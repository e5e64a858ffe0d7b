#pragma once

#include "exchange/payload_codec.h"

namespace posthorn::gateway::amqp {

/// Writes on messages of this gateway what happens to them on the way: their deaths, as RabbitMQ notes them
/// (`x-death`, newest first, one entry per queue and reason; `x-first-death-*`), and that they were delayed.
class MessageCodec final : public exchange::PayloadCodec {
  public:
    exchange::Travelling bury(const broker::Stored& message, const exchange::Death& death) override;
    exchange::Travelling open(const broker::Stored& message) override;
};

}  // namespace posthorn::gateway::amqp
