#include "wire/amqp/table_writer.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace posthorn::wire::amqp {
namespace {

constexpr std::size_t kLengthField = 4;

}  // namespace

TableWriter::TableWriter(Buffer& out) : out_(&out) {
    open();
}

TableWriter& TableWriter::name(std::string_view name) {
    POSTHORN_CHECK(name.size() <= 255, "a field name of more than 255 bytes");
    out_->be(static_cast<std::uint8_t>(name.size()));
    out_->append(name);
    return *this;
}

void TableWriter::letter(FieldType type) {
    out_->be(static_cast<std::uint8_t>(type));
}

void TableWriter::boolean(bool value) {
    letter(FieldType::boolean);
    out_->be(static_cast<std::uint8_t>(value));
}

void TableWriter::int8(std::int8_t value) {
    letter(FieldType::int8);
    out_->be(value);
}

void TableWriter::int16(std::int16_t value) {
    letter(FieldType::int16);
    out_->be(value);
}

void TableWriter::int32(std::int32_t value) {
    letter(FieldType::int32);
    out_->be(value);
}

void TableWriter::int64(std::int64_t value) {
    letter(FieldType::int64);
    out_->be(value);
}

void TableWriter::float64(double value) {
    letter(FieldType::float64);
    out_->be(std::bit_cast<std::uint64_t>(value));
}

void TableWriter::text(std::string_view value) {
    this->value({FieldType::text, as_bytes(value)});
}

void TableWriter::bytes(Bytes value) {
    this->value({FieldType::bytes, value});
}

void TableWriter::timestamp(std::uint64_t seconds) {
    letter(FieldType::timestamp);
    out_->be(seconds);
}

void TableWriter::table(TableView value) {
    this->value({FieldType::table, value.bytes()});
}

void TableWriter::array(ArrayView value) {
    this->value({FieldType::array, value.bytes()});
}

void TableWriter::nothing() {
    letter(FieldType::nothing);
}

void TableWriter::value(const FieldValue& value) {
    letter(value.type);
    if (value.type == FieldType::text || value.type == FieldType::bytes || value.type == FieldType::table ||
        value.type == FieldType::array)
        out_->be(static_cast<std::uint32_t>(value.raw.size()));
    out_->append(value.raw);
}

void TableWriter::begin_table() {
    letter(FieldType::table);
    open();
}

void TableWriter::begin_array() {
    letter(FieldType::array);
    open();
}

void TableWriter::end() {
    POSTHORN_CHECK(depth_ > 1, "end() of a table that finish() ends");
    close();
}

void TableWriter::copy(TableView table) {
    out_->append(table.bytes());
}

void TableWriter::copy_except(TableView table, std::initializer_list<std::string_view> names) {
    TableCursor cursor(table);
    for (Field field; cursor.next(field);)
        if (std::ranges::find(names, field.name) == names.end()) name(field.name).value(field.value);
}

TableView TableWriter::finish() {
    POSTHORN_CHECK(depth_ == 1, "finish() inside a nested table");
    const std::size_t start = starts_[0] + kLengthField;
    close();
    return TableView(out_->view().subspan(start));
}

void TableWriter::open() {
    POSTHORN_CHECK(depth_ < starts_.size(), "tables nested too deep");
    starts_[depth_++] = out_->size();
    out_->be(std::uint32_t{0});
}

void TableWriter::close() {
    const std::size_t start = starts_[--depth_];
    out_->patch_be(start, static_cast<std::uint32_t>(out_->size() - start - kLengthField));
}

}  // namespace posthorn::wire::amqp
