#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "load_stamp.h"
#include "wire/amqp/decode.h"
#include "wire/amqp/frame.h"
#include "wire/amqp/properties.h"

namespace posthorn::cli {

/// A message that has come whole.
struct Delivered {
    std::uint64_t tag = 0;
    std::uint64_t body_size = 0;
    bool redelivered = false;
    std::byte last{};  ///< its last byte
    /// Its first bytes, as many as it has.
    std::array<std::byte, kStampSize> head{};
};

/// Puts a channel's frames together to deliveries. Fields are read where they lie: decoding the method whole
/// would check texts that nobody looks at.
class DeliveryReader {
  public:
    /// The message that this frame ends; good until the next call. Null: it ends none.
    const Delivered* take(const wire::amqp::Frame& frame) {
        switch (frame.type) {
            case wire::amqp::FrameType::method:
                if (wire::amqp::method_of(frame.payload) == wire::amqp::MethodCode::basic_deliver)
                    begin(frame.payload);
                return nullptr;
            case wire::amqp::FrameType::header: {
                wire::amqp::ContentHeader header;
                if (!wire::amqp::decode_content_header(frame.payload, header)) return nullptr;
                delivered_.body_size = left_ = header.body_size;
                return left_ == 0 ? &delivered_ : nullptr;
            }
            case wire::amqp::FrameType::body:
                if (left_ == delivered_.body_size)
                    std::memcpy(delivered_.head.data(), frame.payload.data(),
                                std::min(frame.payload.size(), delivered_.head.size()));
                if (!frame.payload.empty()) delivered_.last = frame.payload.back();
                left_ -= std::min<std::uint64_t>(left_, frame.payload.size());
                return left_ == 0 ? &delivered_ : nullptr;
            default:
                return nullptr;
        }
    }

  private:
    void begin(Bytes payload) {
        ByteReader reader(payload);
        reader.skip(4);  // class and method
        reader.skip(reader.be<std::uint8_t>());
        delivered_.tag = reader.be<std::uint64_t>();
        delivered_.redelivered = reader.be<std::uint8_t>() != 0;
    }

    Delivered delivered_;
    std::uint64_t left_ = 0;  ///< of the body
};

}  // namespace posthorn::cli
