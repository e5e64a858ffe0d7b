#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "base/check.h"
#include "wire/amqp/methods.h"
#include "wire/amqp/table.h"

namespace posthorn::wire::amqp {

/// Counts what a method's fields will take, so that a whole frame is written into one stretch of the buffer.
class FieldSizer {
  public:
    std::size_t size() const { return size_; }

    template <class T>
    void number(const T&) {
        size_ += sizeof(T);
    }
    void short_text(std::string_view value) {
        POSTHORN_CHECK(value.size() <= kMaxShortText, "a name of more than 255 bytes in an AMQP method");
        size_ += 1 + value.size();
    }
    void long_text(std::string_view value) { size_ += 4 + value.size(); }
    void table(TableView value) { size_ += 4 + value.bytes().size(); }
    template <std::same_as<bool>... Flag>
    void flags(const Flag&...) {
        size_ += 1;
    }
    void reserved_ticket() { size_ += 2; }
    void reserved_flag() { size_ += 1; }
    void reserved_short_text() { size_ += 1; }
    void reserved_long_text() { size_ += 4; }

  private:
    std::size_t size_ = 0;
};

/// Writes a method's fields to memory a `FieldSizer` has measured.
class FieldWriter {
  public:
    explicit FieldWriter(std::byte* to) : to_(to) {}

    std::byte* end() const { return to_; }

    template <std::integral T>
    void number(T value) {
        store_be(to_, value);
        to_ += sizeof(T);
    }
    template <class Enum>
        requires std::is_enum_v<Enum>
    void number(Enum value) {
        number(static_cast<std::underlying_type_t<Enum>>(value));
    }
    void bytes(Bytes value) {
        if (!value.empty()) std::memcpy(to_, value.data(), value.size());
        to_ += value.size();
    }
    void short_text(std::string_view value) {
        number(static_cast<std::uint8_t>(value.size()));
        bytes(as_bytes(value));
    }
    void long_text(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        bytes(as_bytes(value));
    }
    void table(TableView value) { long_text(as_text(value.bytes())); }
    template <std::same_as<bool>... Flag>
    void flags(const Flag&... values) {
        unsigned bits = 0;
        unsigned place = 0;
        ((bits |= static_cast<unsigned>(values) << place++), ...);
        number(static_cast<std::uint8_t>(bits));
    }
    void reserved_ticket() { number(std::uint16_t{0}); }
    void reserved_flag() { number(std::uint8_t{0}); }
    void reserved_short_text() { number(std::uint8_t{0}); }
    void reserved_long_text() { number(std::uint32_t{0}); }

  private:
    std::byte* to_;
};

}  // namespace posthorn::wire::amqp
