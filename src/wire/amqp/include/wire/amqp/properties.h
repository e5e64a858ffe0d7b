#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "wire/amqp/table.h"
#include "wire/amqp/violation.h"

namespace posthorn::wire::amqp {

/// What stands in a content header frame:
///
///     0       2        4           12            12 + properties
///     +-------+--------+-----------+-------------+
///     | class | weight | body size | flags, then |
///     | 16    | 16, 0  | 64 bit    | the values  |
///     +-------+--------+-----------+-------------+
struct ContentHeader {
    std::uint16_t class_id = 0;
    std::uint16_t weight = 0;
    std::uint64_t body_size = 0;
    /// Flags and values. These bytes are what is stored with a message and sent again unchanged.
    Bytes properties;
};
inline constexpr std::size_t kContentHeaderHead = 12;

/// False when the payload has no room for the head. Looks at nothing behind it.
[[nodiscard]] bool decode_content_header(Bytes payload, ContentHeader& header);

/// The 14 properties of class basic. Present or not is part of the message: an empty text was sent, a missing
/// one was not. Views into the bytes they were decoded from.
struct Properties {
    std::optional<std::string_view> content_type = {};
    std::optional<std::string_view> content_encoding = {};
    std::optional<TableView> headers = {};
    std::optional<std::uint8_t> delivery_mode = {};  ///< 2 is persistent, anything else is not
    std::optional<std::uint8_t> priority = {};
    std::optional<std::string_view> correlation_id = {};
    std::optional<std::string_view> reply_to = {};
    std::optional<std::string_view> expiration = {};  ///< milliseconds in decimal; checked by whoever uses it
    std::optional<std::string_view> message_id = {};
    std::optional<std::uint64_t> timestamp = {};  ///< seconds since 1970 by convention
    std::optional<std::string_view> type = {};
    std::optional<std::string_view> user_id = {};
    std::optional<std::string_view> app_id = {};
    std::optional<std::string_view> cluster_id = {};

    bool persistent() const { return delivery_mode == std::uint8_t{2}; }
};

/// False when a value does not fit, the headers are no well-formed table, or bytes are left over. (RabbitMQ
/// answers INTERNAL_ERROR then, for it only notices when its decoder fails.) Of the two flag bits without a
/// property, 1 is ignored and 0, which would announce more flags, is refused, both as RabbitMQ has it. Texts
/// may be any bytes.
[[nodiscard]] bool decode_properties(Bytes bytes, Properties& properties);

/// Flags and values, as `ContentHeader::properties`. To change one property of a message: decode, assign,
/// encode; what was not touched comes out bit for bit. The views must not lie in `out`. Texts longer
/// than 255 bytes are a broken invariant: check those that did not come out of `decode_properties`.
void append_properties(Buffer& out, const Properties& properties);

}  // namespace posthorn::wire::amqp
