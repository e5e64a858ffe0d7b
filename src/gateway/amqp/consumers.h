#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exchange/virtual_host.h"

namespace posthorn::gateway::amqp {

class Channel;

/// One basic.consume.
class ChannelConsumer final : public exchange::Consumer {
  public:
    ChannelConsumer(Channel& channel, Options options, std::uint16_t prefetch)
        : Consumer(std::move(options)), channel_(channel), prefetch_(prefetch) {}

    std::uint32_t room() const override;
    void passed_over() override { waiting = true; }
    void deliver(exchange::Queue& queue, const broker::Stored& message,
                 const exchange::Delivery& delivery) override;
    void cancelled() override;

    std::uint16_t prefetch() const { return prefetch_; }

    std::uint32_t source = 0;     ///< in `Sources`
    std::uint32_t in_flight = 0;  ///< delivered and not settled
    bool waiting = false;         ///< was passed over for want of room

  private:
    Channel& channel_;
    std::uint16_t prefetch_;  ///< 0 is no limit
};

/// Where unsettled messages of a channel came from: a consumer (also after it was cancelled), or a queue that
/// was asked with basic.get.
struct Source {
    exchange::Queue* queue = nullptr;     ///< good while the consumer is joined or `open` is not 0
    ChannelConsumer* consumer = nullptr;  ///< null for basic.get, and after its cancellation
    std::uint32_t open = 0;               ///< unsettled messages
    bool of_consumer = false;             ///< counts against the channel's window
    bool used = false;
};

/// The sources of a channel by number; numbers are used again when nothing is open.
class Sources {
  public:
    std::uint32_t add(exchange::Queue& queue, ChannelConsumer* consumer);
    /// The source of what is got from this queue.
    std::uint32_t of_gets(exchange::Queue& queue);
    Source& operator[](std::uint32_t number) { return all_[number]; }
    /// Gives the number back if nobody needs it.
    void release_unused(std::uint32_t number);

  private:
    std::vector<Source> all_;
    std::vector<std::uint32_t> free_;
};

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using ConsumersByTag =
    std::unordered_map<std::string, std::unique_ptr<ChannelConsumer>, TextHash, std::equal_to<>>;

}  // namespace posthorn::gateway::amqp
