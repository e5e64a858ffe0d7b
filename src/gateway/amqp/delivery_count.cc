#include "delivery_count.h"

#include "names.h"
#include "wire/amqp/properties.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::gateway::amqp {

Bytes with_delivery_count(Bytes properties, std::uint16_t before, Buffer& out) {
    wire::Properties changed;
    if (!wire::decode_properties(properties, changed)) return properties;
    Buffer headers;
    wire::TableWriter writer(headers);
    if (changed.headers) writer.copy_except(*changed.headers, {"x-delivery-count"});
    writer.name("x-delivery-count").int64(before);
    changed.headers = writer.finish();
    out.clear();
    wire::append_properties(out, changed);
    return out.view();
}

}  // namespace posthorn::gateway::amqp
