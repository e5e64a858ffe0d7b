#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "handles.h"

namespace posthorn::gateway::amqp {

class Channel;

/// Addresses of direct reply-to: "amq.rabbitmq.reply-to." and what leads to a channel, with a number nobody
/// guesses, so that only who was given an address can send to it.
class Replies {
  public:
    explicit Replies(const Handles<Channel>& channels) : channels_(channels) {}

    static std::string address(const Channel& channel);
    /// The channel that waits for replies there, or null.
    Channel* find(std::string_view address) const;
    static bool is_address(std::string_view key);

  private:
    const Handles<Channel>& channels_;
};

}  // namespace posthorn::gateway::amqp
