#include "wire/amqp/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <span>

namespace posthorn::wire::amqp {
namespace {

constexpr std::size_t kLengthField = 4;

/// Size of a value of fixed size; nothing for those with a length in front and for unknown letters.
std::optional<std::size_t> fixed_size(FieldType type) {
    switch (type) {
        case FieldType::nothing:
            return 0;
        case FieldType::boolean:
        case FieldType::int8:
        case FieldType::uint8:
            return 1;
        case FieldType::int16:
        case FieldType::uint16:
            return 2;
        case FieldType::int32:
        case FieldType::uint32:
        case FieldType::float32:
            return 4;
        case FieldType::decimal:
            return 5;
        case FieldType::int64:
        case FieldType::float64:
        case FieldType::timestamp:
            return 8;
        case FieldType::text:
        case FieldType::bytes:
        case FieldType::array:
        case FieldType::table:
            break;
    }
    return std::nullopt;
}

bool has_length(FieldType type) {
    return type == FieldType::text || type == FieldType::bytes || type == FieldType::array ||
           type == FieldType::table;
}

bool take(Bytes& rest, std::size_t size, Bytes& part) {
    if (rest.size() < size) return false;
    part = rest.first(size);
    rest = rest.subspan(size);
    return true;
}

/// False when the bytes end too early or the type is unknown; `rest` is then anywhere.
bool take_value(Bytes& rest, FieldValue& value) {
    Bytes letter;
    if (!take(rest, 1, letter)) return false;
    value.type = static_cast<FieldType>(letter[0] == std::byte{'L'} ? std::byte{'l'} : letter[0]);
    if (const auto size = fixed_size(value.type)) return take(rest, *size, value.raw);
    Bytes length;
    if (!has_length(value.type) || !take(rest, kLengthField, length)) return false;
    return take(rest, load_be<std::uint32_t>(length.data()), value.raw);
}

bool take_field(Bytes& rest, Field& field) {
    Bytes length;
    Bytes name;
    if (!take(rest, 1, length) || !take(rest, std::to_integer<std::size_t>(length[0]), name)) return false;
    field.name = as_text(name);
    return take_value(rest, field.value);
}

bool valid_items(FieldType container, Bytes rest, int depth);

bool valid_value(const FieldValue& value, int depth) {
    if (value.type != FieldType::table && value.type != FieldType::array) return true;
    return valid_items(value.type, value.raw, depth + 1);
}

bool valid_items(FieldType container, Bytes rest, int depth) {
    if (depth > kMaxTableDepth) return false;
    Field field;
    while (!rest.empty()) {
        const bool taken =
            container == FieldType::table ? take_field(rest, field) : take_value(rest, field.value);
        if (!taken || !valid_value(field.value, depth)) return false;
    }
    return true;
}

template <class T>
std::int64_t number(Bytes raw) {
    return load_be<T>(raw.data());
}

bool equal_bytes(Bytes a, Bytes b) {
    return std::ranges::equal(a, b);
}

std::string table_text(TableView table) {
    std::string text;
    TableCursor cursor(table);
    for (Field field; cursor.next(field);)
        text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", field.name, to_string(field.value));
    return '{' + text + '}';
}

std::string array_text(ArrayView array) {
    std::string text;
    ArrayCursor cursor(array);
    for (FieldValue value; cursor.next(value);)
        text += (text.empty() ? "" : ", ") + to_string(value);
    return '[' + text + ']';
}

std::string decimal_text(Decimal value) {
    return value.scale == 0 ? fmt::to_string(value.digits) : fmt::format("{}e-{}", value.digits, value.scale);
}

}  // namespace

std::string_view name(FieldType type) {
    switch (type) {
        case FieldType::boolean:
            return "bool";
        case FieldType::int8:
            return "byte";
        case FieldType::uint8:
            return "unsignedbyte";
        case FieldType::int16:
            return "short";
        case FieldType::uint16:
            return "unsignedshort";
        case FieldType::int32:
            return "signedint";
        case FieldType::uint32:
            return "unsignedint";
        case FieldType::int64:
            return "long";
        case FieldType::float32:
            return "float";
        case FieldType::float64:
            return "double";
        case FieldType::decimal:
            return "decimal";
        case FieldType::text:
            return "longstr";
        case FieldType::bytes:
            return "binary";
        case FieldType::timestamp:
            return "timestamp";
        case FieldType::array:
            return "array";
        case FieldType::table:
            return "table";
        case FieldType::nothing:
            return "void";
    }
    return {};
}

std::optional<std::int64_t> FieldValue::integer() const {
    switch (type) {
        case FieldType::int8:
            return number<std::int8_t>(raw);
        case FieldType::uint8:
            return number<std::uint8_t>(raw);
        case FieldType::int16:
            return number<std::int16_t>(raw);
        case FieldType::uint16:
            return number<std::uint16_t>(raw);
        case FieldType::int32:
            return number<std::int32_t>(raw);
        case FieldType::uint32:
            return number<std::uint32_t>(raw);
        case FieldType::int64:
            return number<std::int64_t>(raw);
        default:
            return std::nullopt;
    }
}

std::optional<bool> FieldValue::boolean() const {
    if (type != FieldType::boolean) return std::nullopt;
    return raw[0] != std::byte{0};
}

std::optional<std::string_view> FieldValue::text() const {
    if (type != FieldType::text) return std::nullopt;
    return as_text(raw);
}

std::optional<Bytes> FieldValue::bytes() const {
    if (type != FieldType::bytes) return std::nullopt;
    return raw;
}

std::optional<double> FieldValue::real() const {
    if (type == FieldType::float64) return std::bit_cast<double>(load_be<std::uint64_t>(raw.data()));
    if (type == FieldType::float32) return std::bit_cast<float>(load_be<std::uint32_t>(raw.data()));
    return std::nullopt;
}

std::optional<Decimal> FieldValue::decimal() const {
    if (type != FieldType::decimal) return std::nullopt;
    return Decimal{std::to_integer<std::uint8_t>(raw[0]), load_be<std::uint32_t>(raw.data() + 1)};
}

std::optional<std::uint64_t> FieldValue::timestamp() const {
    if (type != FieldType::timestamp) return std::nullopt;
    return load_be<std::uint64_t>(raw.data());
}

std::optional<TableView> FieldValue::table() const {
    if (type != FieldType::table) return std::nullopt;
    return TableView(raw);
}

std::optional<ArrayView> FieldValue::array() const {
    if (type != FieldType::array) return std::nullopt;
    return ArrayView(raw);
}

ArrayCursor::ArrayCursor(ArrayView array) : rest_(array.bytes()) {}

bool ArrayCursor::next(FieldValue& value) {
    if (rest_.empty()) return false;
    if (take_value(rest_, value)) return true;
    rest_ = {};
    return false;
}

TableCursor::TableCursor(TableView table) : rest_(table.bytes()) {}

bool TableCursor::next(Field& field) {
    if (rest_.empty()) return false;
    if (take_field(rest_, field)) return true;
    rest_ = {};
    return false;
}

std::size_t TableView::count() const {
    std::size_t fields = 0;
    TableCursor cursor(*this);
    for (Field field; cursor.next(field);)
        ++fields;
    return fields;
}

std::optional<FieldValue> TableView::find(std::string_view name) const {
    TableCursor cursor(*this);
    for (Field field; cursor.next(field);)
        if (field.name == name) return field.value;
    return std::nullopt;
}

std::optional<std::int64_t> TableView::integer(std::string_view name) const {
    const auto value = find(name);
    return value ? value->integer() : std::nullopt;
}

std::optional<std::string_view> TableView::text(std::string_view name) const {
    const auto value = find(name);
    return value ? value->text() : std::nullopt;
}

std::optional<bool> TableView::boolean(std::string_view name) const {
    const auto value = find(name);
    return value ? value->boolean() : std::nullopt;
}

std::optional<TableView> TableView::table(std::string_view name) const {
    const auto value = find(name);
    return value ? value->table() : std::nullopt;
}

std::optional<ArrayView> TableView::array(std::string_view name) const {
    const auto value = find(name);
    return value ? value->array() : std::nullopt;
}

bool validate_table(Bytes fields) {
    return valid_items(FieldType::table, fields, 1);
}

bool equivalent(const FieldValue& a, const FieldValue& b) {
    if (const auto number = a.integer()) return number == b.integer();
    if (const auto number = a.real()) return number == b.real();
    return a.type == b.type && equal_bytes(a.raw, b.raw);
}

std::string to_string(const FieldValue& value) {
    if (const auto number = value.integer()) return fmt::to_string(*number);
    if (const auto number = value.real()) return fmt::to_string(*number);
    switch (value.type) {
        case FieldType::boolean:
            return *value.boolean() ? "true" : "false";
        case FieldType::decimal:
            return decimal_text(*value.decimal());
        case FieldType::timestamp:
            return fmt::to_string(*value.timestamp());
        case FieldType::array:
            return array_text(*value.array());
        case FieldType::table:
            return table_text(*value.table());
        case FieldType::nothing:
            return "undefined";
        default:
            return std::string(as_text(value.raw));
    }
}

std::string describe(const std::optional<FieldValue>& value) {
    if (!value) return "none";
    return fmt::format("the value '{}' of type '{}'", to_string(*value), name(value->type));
}

Table::Table(TableView view) {
    struct Piece {
        std::string_view name;
        std::string_view bytes;
    };
    std::vector<Piece> pieces;
    Bytes rest = view.bytes();
    for (Field field; !rest.empty();) {
        const Bytes from = rest;
        if (!take_field(rest, field)) break;
        pieces.push_back({field.name, as_text(from.first(from.size() - rest.size()))});
    }
    std::ranges::stable_sort(pieces, {}, &Piece::name);
    for (const Piece& piece : pieces)
        bytes_ += piece.bytes;
}

}  // namespace posthorn::wire::amqp
