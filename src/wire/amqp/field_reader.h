#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "base/utf8.h"
#include "wire/amqp/table.h"

namespace posthorn::wire::amqp {

/// Reads the fields of one method; see method_fields.h. Errors are remembered and asked for once, at the end.
class FieldReader {
  public:
    enum class Names { utf8, any_bytes };

    FieldReader(Bytes fields, Names names) : in_(fields), names_(names) {}

    /// Everything was there, and nothing more.
    bool done() const { return in_.ok() && in_.remaining() == 0 && well_formed_; }

    template <std::integral T>
    void number(T& value) {
        value = in_.be<T>();
    }
    template <class Enum>
        requires std::is_enum_v<Enum>
    void number(Enum& value) {
        value = static_cast<Enum>(in_.be<std::underlying_type_t<Enum>>());
    }
    void short_text(std::string_view& value) {
        value = in_.text(in_.be<std::uint8_t>());
        if (names_ == Names::utf8) well_formed_ &= is_utf8(value);
    }
    void long_text(std::string_view& value) { value = in_.text(in_.be<std::uint32_t>()); }
    void table(TableView& value) {
        value = TableView(in_.bytes(in_.be<std::uint32_t>()));
        if (!value.empty()) well_formed_ &= validate_table(value.bytes());
    }
    /// Neighbouring flags share one byte, the first in its lowest bit.
    template <std::same_as<bool>... Flag>
    void flags(Flag&... values) {
        auto bits = in_.be<std::uint8_t>();
        ((values = bits & 1, bits = static_cast<std::uint8_t>(bits >> 1)), ...);
    }

    void reserved_ticket() { in_.skip(2); }
    void reserved_flag() { in_.skip(1); }
    void reserved_short_text() {
        std::string_view ignored;
        short_text(ignored);
    }
    void reserved_long_text() { in_.skip(in_.be<std::uint32_t>()); }

  private:
    ByteReader in_;
    Names names_;
    bool well_formed_ = true;
};

}  // namespace posthorn::wire::amqp
