#include "wire/amqp/capabilities.h"

#include <gtest/gtest.h>

#include "golden_text.h"

namespace posthorn::wire::amqp {
namespace {

TEST(Capabilities, OfTheServerAreAllOfRabbits) {
    Buffer out;
    TableWriter writer(out);
    write_capabilities(writer, server_capabilities());
    EXPECT_EQ(golden::text(writer.finish()),
              "{'capabilities': F {'publisher_confirms': t true, 'exchange_exchange_bindings': t true, "
              "'basic.nack': t true, 'consumer_cancel_notify': t true, 'connection.blocked': t true, "
              "'consumer_priorities': t true, 'authentication_failure_close': t true, "
              "'per_consumer_qos': t true, 'direct_reply_to': t true}}");
}

TEST(Capabilities, AreReadFromThePeersProperties) {
    Buffer out;
    TableWriter writer(out);
    writer.name("product").text("client");
    writer.name("capabilities").begin_table();
    writer.name("connection.blocked").boolean(true);
    writer.name("basic.nack").boolean(false);
    writer.name("consumer_cancel_notify").text("true");
    writer.end();
    const Capabilities read = read_capabilities(writer.finish());
    EXPECT_TRUE(read.connection_blocked);
    EXPECT_FALSE(read.basic_nack);
    EXPECT_FALSE(read.consumer_cancel_notify) << "only booleans count";
    EXPECT_FALSE(read.authentication_failure_close);
    EXPECT_FALSE(read_capabilities(TableView()).connection_blocked);
}

}  // namespace
}  // namespace posthorn::wire::amqp
