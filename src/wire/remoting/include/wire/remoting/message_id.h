#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/host.h"

namespace posthorn::wire::remoting {

/// An id as text, without a heap: 32 characters, 56 with an IPv6 host.
class MessageId {
  public:
    std::string_view view() const { return {text_.data(), size_}; }
    operator std::string_view() const { return view(); }

  private:
    friend MessageId make_offset_message_id(const Host& host, std::int64_t physical_offset);
    friend MessageId make_unique_key(const struct UniqueKeyParts& parts);
    void append(Bytes bytes);

    std::array<char, 56> text_;
    std::size_t size_ = 0;
};

/// The id that says where a message is: store address, port and physical offset, in upper-case hex. It is the
/// `msgId` of a send answer and what a view by id (33) and a send-back (36) are asked with.
MessageId make_offset_message_id(const Host& host, std::int64_t physical_offset);

struct OffsetMessageId {
    Host host;
    std::int64_t physical_offset = 0;
};
std::optional<OffsetMessageId> parse_offset_message_id(std::string_view text);

/// The id a client gives (property UNIQ_KEY), made here for messages that come without one. The caller's to
/// choose so that no two are alike: address and process of the broker, a number of this start, milliseconds
/// and a counter.
struct UniqueKeyParts {
    std::uint32_t address = 0;  ///< IPv4, host order
    std::uint16_t process = 0;
    std::uint32_t instance = 0;
    std::uint32_t milliseconds = 0;  ///< since the month began, as the clients count
    std::uint16_t counter = 0;
};
MessageId make_unique_key(const UniqueKeyParts& parts);

}  // namespace posthorn::wire::remoting
