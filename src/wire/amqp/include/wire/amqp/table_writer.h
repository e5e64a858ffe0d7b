#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/bytes.h"
#include "wire/amqp/table.h"

namespace posthorn::wire::amqp {

/// Writes a table at the end of a buffer, its length in front.
///
///     TableWriter writer(out);
///     writer.name("count").int64(3);
///     writer.name("routing-keys").begin_array();
///     writer.text("key");
///     writer.end();
///     writer.finish();
///
/// In a table every value has a `name` before it, in an array none has. Views that are written must not lie
/// in the buffer, and nobody else may write to it before `finish()`.
class TableWriter {
  public:
    explicit TableWriter(Buffer& out);

    TableWriter& name(std::string_view name);  ///< at most 255 bytes
    void boolean(bool value);
    void int8(std::int8_t value);
    void int16(std::int16_t value);
    void int32(std::int32_t value);
    void int64(std::int64_t value);
    void float64(double value);
    void text(std::string_view value);
    void bytes(Bytes value);
    void timestamp(std::uint64_t seconds);
    void table(TableView value);
    void array(ArrayView value);
    void nothing();
    void value(const FieldValue& value);  ///< as it is

    void begin_table();
    void begin_array();
    void end();

    /// All fields of another table, or all but those with one of these names.
    void copy(TableView table);
    void copy_except(TableView table, std::initializer_list<std::string_view> names);

    /// Ends the outermost table. The view is good until the buffer changes.
    TableView finish();

  private:
    void letter(FieldType type);
    void open();
    void close();

    Buffer* out_;
    std::array<std::size_t, kMaxTableDepth> starts_;  ///< where the lengths of the open ones stand
    std::size_t depth_ = 0;
};

}  // namespace posthorn::wire::amqp
