#pragma once

#include "model/value.h"
#include "names.h"
#include "wire/amqp/table.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::gateway::amqp {

/// Tables as the engine knows them. Widths of numbers go, decimals become floats: right for arguments and
/// routing; messages themselves are never turned.
model::Arguments to_arguments(wire::TableView table);
model::Value to_value(const wire::FieldValue& field);

/// Whether the table has more than `limit` fields and items, with those inside of it. Turning and keeping
/// arguments takes the square of their number.
bool has_fields_over(wire::TableView table, std::size_t limit);

/// Nested no deeper than a table may be.
bool fits_table(const model::Arguments& arguments);
/// The other way: every number as 64 bit. Only what `fits_table`.
void append_fields(wire::TableWriter& out, const model::Arguments& arguments);

}  // namespace posthorn::gateway::amqp
