#include "wire/amqp/capabilities.h"

namespace posthorn::wire::amqp {
namespace {

/// Name and member of each, in the order RabbitMQ sends them.
template <class Visit, class C>
void each(C& capabilities, Visit visit) {
    visit("publisher_confirms", capabilities.publisher_confirms);
    visit("exchange_exchange_bindings", capabilities.exchange_exchange_bindings);
    visit("basic.nack", capabilities.basic_nack);
    visit("consumer_cancel_notify", capabilities.consumer_cancel_notify);
    visit("connection.blocked", capabilities.connection_blocked);
    visit("consumer_priorities", capabilities.consumer_priorities);
    visit("authentication_failure_close", capabilities.authentication_failure_close);
    visit("per_consumer_qos", capabilities.per_consumer_qos);
    visit("direct_reply_to", capabilities.direct_reply_to);
}

}  // namespace

Capabilities read_capabilities(TableView peer_properties) {
    Capabilities capabilities;
    const TableView table = peer_properties.table("capabilities").value_or(TableView());
    each(capabilities, [&](const char* name, bool& value) { value = table.boolean(name).value_or(false); });
    return capabilities;
}

void write_capabilities(TableWriter& properties, const Capabilities& capabilities) {
    properties.name("capabilities").begin_table();
    each(capabilities, [&](const char* name, bool value) {
        if (value) properties.name(name).boolean(true);
    });
    properties.end();
}

Capabilities server_capabilities() {
    Capabilities all;
    each(all, [](const char*, bool& value) { value = true; });
    return all;
}

}  // namespace posthorn::wire::amqp
