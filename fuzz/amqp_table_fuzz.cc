// The fields of a table. Whatever they are, looking at them is safe; a valid table is copied, sorted and
// shown without losing a field.

#include <string>

#include "fuzz.h"
#include "wire/amqp/table.h"
#include "wire/amqp/table_writer.h"

using namespace posthorn;
using namespace posthorn::wire::amqp;

namespace {

void look(const FieldValue& value) {
    touch(value.raw);
    (void)value.integer();
    (void)value.real();
    (void)value.boolean();
    (void)value.decimal();
    (void)value.timestamp();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const TableView table(input(data, size));
    TableCursor cursor(table);
    for (Field field; cursor.next(field);) {
        touch(field.name);
        look(field.value);
        POSTHORN_CHECK(table.find(field.name).has_value(), "a listed field is not found");
    }
    if (!validate_table(table.bytes())) return 0;

    Buffer out;
    TableWriter writer(out);
    writer.copy_except(table, {});
    const TableView copied = writer.finish();
    POSTHORN_CHECK(copied.count() == table.count(), "copying loses fields");
    POSTHORN_CHECK(validate_table(copied.bytes()), "a copy is malformed");

    const Table sorted(copied);
    POSTHORN_CHECK(sorted.view().count() == table.count(), "sorting loses fields");
    POSTHORN_CHECK(Table(sorted) == sorted, "sorting twice is not sorting once");
    TableCursor sorted_cursor(sorted);
    std::string last;
    for (Field field; sorted_cursor.next(field);) {
        POSTHORN_CHECK(last <= field.name, "not sorted");
        last = field.name;
        touch(describe(field.value));
    }
    return 0;
}
