#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "wire/amqp/decode.h"
#include "wire/amqp/frame.h"
#include "wire/amqp/methods.h"

namespace posthorn::cli {

/// The publishes of a channel that wait for their confirms, by tag from 1 on, with a number to remember each
/// by. At most `size` tags are open between the oldest and the newest.
class ConfirmWindow {
  public:
    explicit ConfirmWindow(std::uint32_t size) : size_(size), slots_(std::bit_ceil(std::max(size, 1u))) {}

    bool full() const { return issued_ + 1 - oldest_ >= size_; }
    std::uint64_t open() const { return open_; }
    void issue(std::int64_t number) {
        at(++issued_) = {number, true};
        ++open_;
    }
    /// Calls `each(number, good)` for every publish that an ack or nack speaks of; other frames are nothing.
    template <class Each>
    void take(const wire::amqp::Frame& frame, Each&& each) {
        using wire::amqp::MethodCode;
        if (frame.type != wire::amqp::FrameType::method) return;
        wire::amqp::BasicAck ack;
        wire::amqp::BasicNack nack;
        const MethodCode code = wire::amqp::method_of(frame.payload);
        if (code == MethodCode::basic_ack && wire::amqp::decode(frame.payload, ack))
            answered(ack.delivery_tag, ack.multiple, true, each);
        else if (code == MethodCode::basic_nack && wire::amqp::decode(frame.payload, nack))
            answered(nack.delivery_tag, nack.multiple, false, each);
    }

  private:
    struct Slot {
        std::int64_t number = 0;
        bool open = false;
    };
    Slot& at(std::uint64_t tag) { return slots_[tag & (slots_.size() - 1)]; }

    template <class Each>
    void answered(std::uint64_t tag, bool multiple, bool good, Each& each) {
        const std::uint64_t last = multiple && tag == 0 ? issued_ : std::min(tag, issued_);
        for (std::uint64_t one = multiple ? oldest_ : std::max(tag, oldest_); one <= last; ++one) {
            if (!at(one).open) continue;
            at(one).open = false;
            --open_;
            each(at(one).number, good);
        }
        while (oldest_ <= issued_ && !at(oldest_).open)
            ++oldest_;
    }

    std::uint32_t size_;
    std::uint64_t issued_ = 0;  ///< the last tag
    std::uint64_t oldest_ = 1;  ///< the first tag without an answer
    std::uint64_t open_ = 0;
    std::vector<Slot> slots_;  ///< by tag, round and round
};

}  // namespace posthorn::cli
