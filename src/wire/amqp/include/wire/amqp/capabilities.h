#pragma once

#include <string_view>

#include "wire/amqp/table.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::wire::amqp {

/// What a peer announces in the table "capabilities" of its properties. Clients announce the first six, the
/// server all nine.
struct Capabilities {
    bool publisher_confirms = false;
    bool exchange_exchange_bindings = false;
    bool basic_nack = false;
    bool consumer_cancel_notify = false;        ///< wants basic.cancel when its queue goes
    bool connection_blocked = false;            ///< wants connection.blocked and unblocked
    bool authentication_failure_close = false;  ///< wants connection.close 403 instead of silence
    bool consumer_priorities = false;
    bool per_consumer_qos = false;
    bool direct_reply_to = false;
};

/// Missing or of another type than boolean is false.
Capabilities read_capabilities(TableView peer_properties);
/// Writes the field "capabilities" with those that are true.
void write_capabilities(TableWriter& properties, const Capabilities& capabilities);

/// Everything RabbitMQ 3.10.8 announces.
Capabilities server_capabilities();

}  // namespace posthorn::wire::amqp
