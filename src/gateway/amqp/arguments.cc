#include "arguments.h"

#include <algorithm>
#include <cmath>

namespace posthorn::gateway::amqp {

namespace {

void append_value(wire::TableWriter& out, const model::Value& value);

struct Appender {
    wire::TableWriter& out;

    void operator()(std::monostate) const { out.nothing(); }
    void operator()(bool flag) const { out.boolean(flag); }
    void operator()(std::int64_t number) const { out.int64(number); }
    void operator()(double number) const { out.float64(number); }
    void operator()(const std::string& text) const { out.text(text); }
    void operator()(const model::Binary& binary) const { out.bytes(as_bytes(binary.bytes)); }
    void operator()(model::Timestamp time) const { out.timestamp(time.seconds); }
    void operator()(const model::Array& items) const {
        out.begin_array();
        for (const model::Value& item : items)
            append_value(out, item);
        out.end();
    }
    void operator()(const model::Arguments& fields) const {
        out.begin_table();
        append_fields(out, fields);
        out.end();
    }
};

void append_value(wire::TableWriter& out, const model::Value& value) {
    std::visit(Appender{out}, value.held);
}

}  // namespace

model::Value to_value(const wire::FieldValue& field) {
    if (const auto number = field.integer()) return {*number};
    if (const auto text = field.text()) return {std::string(*text)};
    if (const auto flag = field.boolean()) return {*flag};
    if (const auto table = field.table()) return {to_arguments(*table)};
    if (const auto array = field.array()) {
        model::Array items;
        wire::ArrayCursor cursor(*array);
        for (wire::FieldValue item; cursor.next(item);)
            items.push_back(to_value(item));
        return {std::move(items)};
    }
    if (const auto time = field.timestamp()) return {model::Timestamp{*time}};
    if (const auto real = field.real()) return {*real};
    if (const auto bytes = field.bytes()) return {model::Binary{std::string(as_text(*bytes))}};
    if (const auto decimal = field.decimal())
        return {static_cast<double>(decimal->digits) * std::pow(10.0, -static_cast<double>(decimal->scale))};
    return {};
}

namespace {

void count_fields(wire::TableView table, std::size_t& left);

void count_fields(const wire::FieldValue& field, std::size_t& left) {
    if (left == 0) return;
    --left;
    if (const auto table = field.table()) return count_fields(*table, left);
    const auto array = field.array();
    if (!array) return;
    wire::ArrayCursor cursor(*array);
    for (wire::FieldValue item; left > 0 && cursor.next(item);)
        count_fields(item, left);
}

void count_fields(wire::TableView table, std::size_t& left) {
    wire::TableCursor cursor(table);
    for (wire::Field field; left > 0 && cursor.next(field);)
        count_fields(field.value, left);
}

}  // namespace

bool has_fields_over(wire::TableView table, std::size_t limit) {
    std::size_t left = limit + 1;
    count_fields(table, left);
    return left == 0;
}

model::Arguments to_arguments(wire::TableView table) {
    model::Arguments arguments;
    wire::TableCursor cursor(table);
    for (wire::Field field; cursor.next(field);)
        if (arguments.find(field.name) == nullptr) arguments.set(field.name, to_value(field.value));
    return arguments;
}

namespace {

bool fits(const model::Arguments& arguments, int levels);

bool fits(const model::Value& value, int levels) {
    if (const auto* fields = std::get_if<model::Arguments>(&value.held)) return fits(*fields, levels);
    const auto* items = std::get_if<model::Array>(&value.held);
    return items == nullptr ||
           (levels > 0 && std::all_of(items->begin(), items->end(),
                                      [&](const auto& item) { return fits(item, levels - 1); }));
}

bool fits(const model::Arguments& arguments, int levels) {
    return levels > 0 && std::all_of(arguments.begin(), arguments.end(),
                                     [&](const auto& field) { return fits(field.second, levels - 1); });
}

}  // namespace

bool fits_table(const model::Arguments& arguments) {
    return fits(arguments, wire::kMaxTableDepth);
}

void append_fields(wire::TableWriter& out, const model::Arguments& arguments) {
    for (const auto& [name, value] : arguments)
        append_value(out.name(name), value);
}

}  // namespace posthorn::gateway::amqp
