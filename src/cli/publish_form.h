#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace posthorn::cli {

/// One AMQP publish, encoded once: a message costs a copy of it and a stamp.
class PublishForm {
  public:
    static constexpr std::byte kFiller{'.'};  ///< what a body is made of
    struct Shape {
        std::string exchange;  ///< empty: the default exchange
        std::string key;
        std::size_t body_size = 16;
        bool persistent = false;
        std::uint32_t frame_max = 0;  ///< as negotiated
        std::uint16_t channel = 1;
    };
    explicit PublishForm(const Shape& shape);

    /// Returns where the body begins, for the stamp; good until the buffer changes.
    std::byte* append(Buffer& out) const {
        std::byte* const begin = out.extend(bytes_.size());
        std::memcpy(begin, bytes_.data(), bytes_.size());
        return begin + body_;
    }

  private:
    Buffer bytes_;
    std::size_t body_ = 0;
};

}  // namespace posthorn::cli
