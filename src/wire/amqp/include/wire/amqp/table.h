#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace posthorn::wire::amqp {

/// The type letters RabbitMQ and all its clients use; the letters of the printed 0-9-1 grammar differ and are
/// used by nobody (`s` is a number here, `U` is refused). `L` is read as `l`.
enum class FieldType : char {
    boolean = 't',
    int8 = 'b',
    uint8 = 'B',
    int16 = 's',
    uint16 = 'u',
    int32 = 'I',
    uint32 = 'i',
    int64 = 'l',
    float32 = 'f',
    float64 = 'd',
    decimal = 'D',
    text = 'S',
    bytes = 'x',
    timestamp = 'T',
    array = 'A',
    table = 'F',
    nothing = 'V',
};
/// RabbitMQ's word for it in error texts: "longstr", "signedint", "void".
std::string_view name(FieldType type);

/// Tables in tables in arrays, counted from 1 for the outermost. Deeper ones are malformed.
inline constexpr int kMaxTableDepth = 32;

class TableView;
class ArrayView;

struct Decimal {
    std::uint8_t scale = 0;  ///< digits behind the point
    std::uint32_t digits = 0;
    bool operator==(const Decimal&) const = default;
};

/// One value, as a view. Every getter is empty when the type is another.
struct FieldValue {
    FieldType type = FieldType::nothing;
    Bytes raw;  ///< the value without its type letter; for text, bytes, array, table without its length

    /// Any of the seven integer types, whatever its width: RabbitMQ reads arguments so. No timestamps.
    std::optional<std::int64_t> integer() const;
    std::optional<bool> boolean() const;
    std::optional<std::string_view> text() const;
    std::optional<Bytes> bytes() const;
    std::optional<double> real() const;  ///< either float
    std::optional<Decimal> decimal() const;
    std::optional<std::uint64_t> timestamp() const;  ///< seconds since 1970 by convention
    std::optional<TableView> table() const;
    std::optional<ArrayView> array() const;
};

struct Field {
    std::string_view name;
    FieldValue value;
};

/// Walks through the items of an array. Malformed bytes end the walk like the end does: see `validate_table`.
///
///     ArrayCursor cursor(view);
///     for (FieldValue value; cursor.next(value);) ...
class ArrayCursor {
  public:
    explicit ArrayCursor(ArrayView array);
    bool next(FieldValue& value);

  private:
    Bytes rest_;
};

/// Walks through the fields of a table, likewise.
class TableCursor {
  public:
    explicit TableCursor(TableView table);
    bool next(Field& field);

  private:
    Bytes rest_;
};

class ArrayView {
  public:
    ArrayView() = default;
    explicit ArrayView(Bytes items) : items_(items) {}
    Bytes bytes() const { return items_; }  ///< without the length in front
    bool empty() const { return items_.empty(); }

  private:
    Bytes items_;
};

/// A table's fields as they came, looked at in place. Never touches memory outside its bytes, whatever they
/// are; whether they are a well-formed table is said by `validate_table`, and true of every table that came
/// out of `decode` or `decode_properties`.
class TableView {
  public:
    TableView() = default;
    explicit TableView(Bytes fields) : fields_(fields) {}

    Bytes bytes() const { return fields_; }  ///< without the length in front
    bool empty() const { return fields_.empty(); }
    std::size_t count() const;

    /// Of a name that stands there twice the first counts, as in RabbitMQ.
    std::optional<FieldValue> find(std::string_view name) const;
    /// Empty when missing or of another type.
    std::optional<std::int64_t> integer(std::string_view name) const;
    std::optional<std::string_view> text(std::string_view name) const;
    std::optional<bool> boolean(std::string_view name) const;
    std::optional<TableView> table(std::string_view name) const;
    std::optional<ArrayView> array(std::string_view name) const;

  private:
    Bytes fields_;
};

/// Every field whole, every type known, no more than `kMaxTableDepth` deep.
bool validate_table(Bytes fields);

/// The same value for RabbitMQ's comparison of declared arguments: integers and floats by number whatever
/// their width, everything else by type and bytes.
bool equivalent(const FieldValue& a, const FieldValue& b);

/// For "received '1001' but current is '1000'": "the value '1000' of type 'signedint'", "none" when empty.
std::string describe(const std::optional<FieldValue>& value);
/// The value alone, as people read it: 1000, text as it is, true, [1, 2], {a: 1}.
std::string to_string(const FieldValue& value);

/// Arguments to keep: owns its bytes. Fields are sorted by name (stable), so that two tables with the same
/// fields are equal and have the same bytes, in whatever order they were sent: that makes it part of a
/// binding's identity.
class Table {
  public:
    Table() = default;
    explicit Table(TableView view);

    TableView view() const { return TableView(std::as_bytes(std::span(bytes_))); }
    operator TableView() const { return view(); }
    bool empty() const { return bytes_.empty(); }
    const std::string& bytes() const { return bytes_; }

    bool operator==(const Table&) const = default;

  private:
    std::string bytes_;  // a string: small tables need no heap
};

}  // namespace posthorn::wire::amqp
