#include "rig_for_test.h"

namespace posthorn::gateway::amqp {
namespace {

using wire::MethodCode;
using wire::ReplyCode;

class PublishTest : public OneClient {
  protected:
    void select_confirms() {
        client.tell(1, wire::ConfirmSelect{});
        ASSERT_EQ(client.one().code, MethodCode::confirm_select_ok);
    }
    static wire::Properties persistent() {
        wire::Properties properties;
        properties.delivery_mode = 2;
        return properties;
    }
    void expect_channel_closed(ReplyCode code, std::string_view text) {
        const Seen seen = client.one();
        const auto close = seen.as<wire::ChannelClose>();
        EXPECT_EQ(close.reply_code, code);
        EXPECT_EQ(close.reply_text, text);
        EXPECT_EQ(wire::method_code(close.class_id, close.method_id), MethodCode::basic_publish);
        client.tell(1, wire::ChannelCloseOk{});
        client.open_channel(1);
    }
};

TEST_F(PublishTest, ATicksConfirmsAreOneFrame) {
    declare("q");
    select_confirms();
    for (int n = 0; n < 300; ++n)
        client.publish(1, "", "q", "x");
    EXPECT_TRUE(client.take().empty());
    const auto seen = after();
    ASSERT_EQ(seen.size(), 1u);
    const auto ack = seen[0].as<wire::BasicAck>();
    EXPECT_EQ(ack.delivery_tag, 300u);
    EXPECT_TRUE(ack.multiple);
}

TEST_F(PublishTest, ReturnsComeBeforeTheirConfirm) {
    select_confirms();
    client.publish(1, "", "nobody", "body", {}, true);
    client.publish(1, "", "nobody", "body");
    const auto seen = after();
    ASSERT_EQ(seen.size(), 2u);
    const auto returned = seen[0].as<wire::BasicReturn>();
    EXPECT_EQ(returned.reply_code, ReplyCode::no_route);
    EXPECT_EQ(returned.reply_text, "NO_ROUTE");
    EXPECT_EQ(returned.routing_key, "nobody");
    EXPECT_EQ(seen[0].body, "body");
    EXPECT_EQ(seen[1].as<wire::BasicAck>().delivery_tag, 2u);
    EXPECT_EQ(rig.gateway->counters.messages.returned_unroutable, 1u);
    EXPECT_EQ(rig.gateway->counters.messages.dropped_unroutable, 1u);
}

TEST_F(PublishTest, AFullQueueThatRejectsIsANack) {
    Buffer arguments;
    wire::TableWriter writer(arguments);
    writer.name("x-max-length").int32(1);
    writer.name("x-overflow").text("reject-publish");
    declare("q", writer.finish());
    select_confirms();
    client.publish(1, "", "q", "1");
    client.publish(1, "", "q", "2");
    const auto seen = after();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].as<wire::BasicNack>().delivery_tag, 2u);
    EXPECT_EQ(seen[1].as<wire::BasicAck>().delivery_tag, 1u);
}

TEST_F(PublishTest, WhatPropertiesMayNotSay) {
    const auto publish = [&](const wire::Properties& properties) {
        client.publish(1, "", "q", "x", properties);
    };
    wire::Properties properties;
    for (const auto& [text, why] :
         std::vector<std::pair<std::string, std::string>>{{"abc", "no_integer"},
                                                          {"-1", "{value_negative,-1}"},
                                                          {"10x", "{leftover_string,\"x\"}"},
                                                          {"", "no_integer"}}) {
        properties.expiration = text;
        publish(properties);
        expect_channel_closed(ReplyCode::precondition_failed,
                              "PRECONDITION_FAILED - invalid expiration '" + text + "': " + why);
    }
    properties = {};
    properties.user_id = "other";
    publish(properties);
    expect_channel_closed(ReplyCode::precondition_failed,
                          "PRECONDITION_FAILED - user_id property set to 'other' but authenticated user was "
                          "'guest'");
    Buffer headers;
    wire::TableWriter writer(headers);
    writer.name("CC").text("x");
    properties = {};
    properties.headers = writer.finish();
    publish(properties);
    expect_channel_closed(
        ReplyCode::precondition_failed,
        "PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,\"CC\",longstr}");
    client.publish(1, "nope", "k", "x");
    expect_channel_closed(ReplyCode::not_found, "NOT_FOUND - no exchange 'nope' in vhost '/'");
}

TEST_F(PublishTest, CopiesGoToTheirQueuesAndBlindOnesAreNotShown) {
    for (const char* queue : {"a", "b", "c"})
        declare(queue);
    Buffer headers;
    wire::TableWriter writer(headers);
    writer.name("BCC").begin_array();
    writer.text("c");
    writer.end();
    writer.name("CC").begin_array();
    writer.text("b");
    writer.end();
    wire::Properties properties;
    properties.headers = writer.finish();
    client.publish(1, "", "a", "x", properties);
    after();
    for (const char* queue : {"a", "b", "c"}) {
        client.tell(1, wire::BasicGet{.queue = queue, .no_ack = true});
        const auto seen = after();
        ASSERT_EQ(seen.size(), 1u);
        EXPECT_EQ(seen[0].body, "x") << queue;
        const wire::Properties read = seen[0].read_properties();
        ASSERT_TRUE(read.headers);
        EXPECT_TRUE(read.headers->find("CC"));
        EXPECT_FALSE(read.headers->find("BCC"));
    }
}

TEST_F(PublishTest, BlindCopiesStillRouteWhatIsDeadOrDelayed) {
    Buffer arguments, types, headers;
    wire::TableWriter writer(arguments), type(types);
    writer.name("x-dead-letter-exchange").text("amq.direct");
    declare("q", writer.finish());
    declare("blind");
    type.name("x-delayed-type").text("direct");
    client.tell(
        1,
        wire::ExchangeDeclare{
            .exchange = "later", .type = "x-delayed-message", .durable = true, .arguments = type.finish()});
    for (const char* exchange : {"amq.direct", "later"})
        client.tell(1, wire::QueueBind{.queue = "blind", .exchange = exchange, .routing_key = "b"});
    rig.tick();
    client.take();
    wire::TableWriter fields(headers);
    fields.name("BCC").begin_array();
    fields.text("b");
    fields.end();
    fields.name("x-delay").int64(1'000);
    wire::Properties properties;
    properties.headers = fields.finish();
    const auto expect_copy = [&] {
        client.tell(1, wire::BasicGet{.queue = "blind", .no_ack = true});
        const auto seen = after();
        ASSERT_EQ(seen.size(), 1u);
        ASSERT_EQ(seen[0].code, MethodCode::basic_get_ok);
        const wire::Properties read = seen[0].read_properties();
        EXPECT_FALSE(read.headers->find("BCC"));
        const auto deaths = read.headers->array("x-death");
        if (!deaths) return;
        wire::ArrayCursor cursor(*deaths);
        wire::FieldValue death;
        ASSERT_TRUE(cursor.next(death));
        EXPECT_EQ(as_text(death.table()->array("routing-keys")->bytes()).find('b'), std::string_view::npos)
            << "its key is nobody's to see";
    };
    client.publish(1, "", "q", "x", properties);
    rig.tick();
    client.tell(1, wire::BasicGet{.queue = "q"});
    const auto got = after();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_FALSE(got[0].read_properties().headers->find("BCC"));
    client.tell(1, wire::BasicReject{.delivery_tag = 1, .requeue = false});
    rig.tick();
    rig.tick();
    expect_copy();
    client.publish(1, "later", "nobody", "x", properties);
    rig.tick(1'000);
    rig.tick();
    expect_copy();
}

TEST_F(PublishTest, ATransactionHappensAtItsCommit) {
    declare("q");
    client.tell(1, wire::TxSelect{});
    client.take();
    client.publish(1, "", "q", "1");
    client.publish(1, "", "nobody", "2", {}, true);
    client.tell(1, wire::BasicGet{.queue = "q"});
    EXPECT_EQ(after().front().code, MethodCode::basic_get_empty);
    client.tell(1, wire::TxCommit{});
    auto seen = after();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].code, MethodCode::basic_return);
    EXPECT_EQ(seen[1].code, MethodCode::tx_commit_ok);

    client.tell(1, wire::BasicGet{.queue = "q"});
    EXPECT_EQ(after().front().body, "1");
    client.tell(1, wire::BasicAck{.delivery_tag = 1});
    client.publish(1, "", "q", "3");
    client.tell(1, wire::TxRollback{});
    EXPECT_EQ(client.one().code, MethodCode::tx_rollback_ok);
    client.tell(1, wire::BasicNack{.delivery_tag = 1, .requeue = true});
    client.tell(1, wire::BasicGet{.queue = "q"});
    EXPECT_EQ(after().front().code, MethodCode::basic_get_empty) << "the nack is not committed either";
    client.tell(1, wire::TxCommit{});
    EXPECT_EQ(after().front().code, MethodCode::tx_commit_ok);
    client.tell(1, wire::BasicGet{.queue = "q"});
    EXPECT_EQ(after().front().body, "1");
}

TEST_F(PublishTest, WhatIsWrongInATransactionClosesTheChannelBeforeAnythingIsPublished) {
    declare("q");
    const auto refused = [&](std::uint16_t channel, std::string_view exchange,
                             const wire::Properties& properties, ReplyCode code) {
        client.open_channel(channel);
        client.tell(channel, wire::TxSelect{});
        client.publish(channel, "", "q", "good");
        client.take();
        client.publish(channel, exchange, "q", "bad", properties);
        EXPECT_EQ(client.one().as<wire::ChannelClose>().reply_code, code);
        client.tell(channel, wire::TxCommit{});
        EXPECT_TRUE(after().empty());
    };
    wire::Properties properties;
    properties.expiration = "abc";
    refused(2, "", properties, ReplyCode::precondition_failed);
    properties = {};
    properties.user_id = "somebody";
    refused(3, "", properties, ReplyCode::precondition_failed);
    properties = {};
    properties.reply_to = "amq.rabbitmq.reply-to";
    refused(4, "", properties, ReplyCode::precondition_failed);
    refused(5, "amq.rabbitmq.trace", {}, ReplyCode::access_refused);
    EXPECT_EQ(rig.hosts->find("/")->queue("q")->counts().ready, 0u);
}

TEST_F(PublishTest, AnExchangeThatGoesBeforeTheCommitTakesNothingElseWithIt) {
    declare("q");
    client.tell(1, wire::ExchangeDeclare{.exchange = "x", .type = "fanout"});
    client.tell(1, wire::TxSelect{});
    client.take();
    client.publish(1, "", "q", "1");
    client.publish(1, "x", "", "2", {}, true);
    client.publish(1, "", "q", "3");
    client.tell(1, wire::ExchangeDelete{.exchange = "x", .no_wait = true});
    client.tell(1, wire::TxCommit{});
    const auto seen = after();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].code, MethodCode::basic_return);
    EXPECT_EQ(seen[1].code, MethodCode::tx_commit_ok);
    EXPECT_EQ(rig.hosts->find("/")->queue("q")->counts().ready, 2u);
}

TEST_F(PublishTest, UnfinishedMessagesAndOpenTransactionsOfAConnectionAreBounded) {
    rig.gateway->options.partial_max_bytes = 450'000;
    const std::string large(100'000, 'x');  // in one frame: nothing is put together
    for (std::uint16_t channel = 2; channel < 6; ++channel) {
        client.open_channel(channel);
        client.tell(channel, wire::TxSelect{});
        client.take();
        client.publish(channel, "", "q", large);
    }
    client.tell(2, wire::TxRollback{});
    EXPECT_EQ(client.one().code, MethodCode::tx_rollback_ok);
    client.publish(2, "", "q", large);
    client.tell(3, wire::ChannelClose{});
    client.take();
    client.open_channel(6);
    client.tell(6, wire::TxSelect{});
    client.take();
    for (int n = 0; n < 3; ++n)
        client.publish(6, "", "q", large);
    EXPECT_EQ(client.one().as<wire::ConnectionClose>().reply_code, ReplyCode::resource_error);
}

TEST_F(PublishTest, TransactionsAndConfirmsDoNotMix) {
    select_confirms();
    client.tell(1, wire::TxSelect{});
    EXPECT_EQ(client.one().as<wire::ChannelClose>().reply_code, ReplyCode::precondition_failed);
    client.open_channel(2);
    client.tell(2, wire::TxCommit{});
    EXPECT_EQ(client.one().as<wire::ChannelClose>().reply_code, ReplyCode::precondition_failed);
    client.open_channel(3);
    client.tell(3, wire::TxSelect{});
    client.take();
    client.tell(3, wire::ConfirmSelect{});
    EXPECT_EQ(client.one().as<wire::ChannelClose>().reply_code, ReplyCode::precondition_failed);
}

TEST_F(PublishTest, AnAlarmStopsWhoPublishesAndNobodyElse) {
    declare("q");
    TestClient consumer(*rig.gateway);
    consumer.open();
    consumer.open_channel(1);
    rig.alarms.set_limits({.memory_bytes = 1'000});
    rig.alarms.observe(2'000, 1'000'000);
    client.publish(1, "", "q", "1");
    EXPECT_EQ(client.one().as<wire::ConnectionBlocked>().reason, "low on memory");
    EXPECT_TRUE(client.is_paused);
    client.publish(1, "", "q", "2");
    consumer.tell(1, wire::BasicConsume{.queue = "q", .consumer_tag = "t", .no_ack = true});
    rig.tick();
    auto seen = consumer.take();
    ASSERT_EQ(seen.size(), 2u) << "the first publish had come already";
    EXPECT_EQ(seen[1].body, "1");
    EXPECT_EQ(rig.gateway->counters.blocked, 1u);
    rig.tick(200'000);
    EXPECT_FALSE(client.is_closed);
    rig.alarms.observe(500, 1'000'000);
    EXPECT_EQ(client.one().code, MethodCode::connection_unblocked);
    client.flush();
    rig.tick();
    EXPECT_EQ(consumer.one().body, "2");
    EXPECT_EQ(rig.gateway->counters.blocked, 0u);
}

TEST_F(PublishTest, WhoWaitsForAFullDiskIsToldSoAndConfirmedWhenThereIsRoom) {
    declare("q", {}, true);
    select_confirms();
    const auto space = *rig.files.disk_space();
    rig.files.set_capacity(space.total - space.free + (1u << 20));  // less than a segment
    const std::string large(900'000, 'x');
    std::uint64_t sent = 0;
    while (!client.is_paused && sent < 100) {
        client.publish(1, "", "q", large, persistent());
        ++sent;
        rig.tick();
    }
    ASSERT_TRUE(client.is_paused);
    const auto told = client.take();
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().as<wire::ConnectionBlocked>().reason, "low on disk");
    ASSERT_TRUE(rig.broker->refusing().has_value());
    const std::uint64_t refused = rig.broker->counters().refused_no_space;
    for (int n = 0; n < 20; ++n)
        EXPECT_TRUE(after().empty());
    EXPECT_EQ(rig.broker->counters().refused_no_space, refused) << "nothing is tried while it is known";
    rig.alarms.observe(0, 1'000'000, true);
    EXPECT_TRUE(after().empty()) << "it knows already";
    rig.files.set_capacity(space.total);
    rig.tick(1'000);
    EXPECT_FALSE(rig.broker->refusing().has_value());
    rig.alarms.observe(0, 1'000'000);
    rig.tick();
    const auto seen = after();
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back().as<wire::BasicAck>().delivery_tag, sent);
    EXPECT_FALSE(client.is_paused);
}

TEST_F(PublishTest, RightsAreAskedForAndFollowTheirChanges) {
    declare("q");
    ASSERT_TRUE(rig.users->put_user("reader", "r", {}).ok());
    ASSERT_TRUE(rig.users->put_permission("reader", "/", {"", "^amq\\.default$", ".*"}).ok());
    TestClient reader(*rig.gateway);
    reader.open("reader", "r");
    reader.open_channel(1);
    reader.tell(1, wire::QueueDeclare{.queue = "mine"});
    EXPECT_EQ(reader.one().as<wire::ChannelClose>().reply_text,
              "ACCESS_REFUSED - access to queue 'mine' in vhost '/' refused for user 'reader'");
    reader.open_channel(2);
    reader.publish(2, "", "q", "allowed");
    rig.tick();
    EXPECT_TRUE(reader.take().empty());
    reader.publish(2, "amq.direct", "q", "not allowed");
    EXPECT_EQ(reader.one().as<wire::ChannelClose>().reply_text,
              "ACCESS_REFUSED - access to exchange 'amq.direct' in vhost '/' refused for user 'reader'");
    reader.open_channel(3);
    reader.publish(3, "", "q", "still allowed");
    ASSERT_TRUE(rig.users->put_permission("reader", "/", {"", "", ".*"}).ok());
    reader.publish(3, "", "q", "not any more");
    EXPECT_EQ(reader.one().as<wire::ChannelClose>().reply_code, ReplyCode::access_refused);
}

TEST_F(PublishTest, DeadLettersNeedTheRightToWriteWhereTheyGo) {
    ASSERT_TRUE(rig.users->put_user("worker", "w", {}).ok());
    ASSERT_TRUE(rig.users->put_permission("worker", "/", {".*", "^mine$", ".*"}).ok());
    TestClient worker(*rig.gateway);
    worker.open("worker", "w");
    Buffer as_text, as_binary;
    wire::TableWriter text(as_text), binary(as_binary);
    text.name("x-dead-letter-exchange").text("amq.direct");
    binary.name("x-dead-letter-exchange").bytes(as_bytes(std::string_view("amq.direct")));
    std::uint16_t channel = 1;
    const auto refused = [&](const wire::TableView& arguments) {
        worker.open_channel(channel);
        worker.tell(channel++, wire::QueueDeclare{.queue = "q", .arguments = arguments});
        return std::string(worker.one().as<wire::ChannelClose>().reply_text);
    };
    EXPECT_EQ(refused(text.finish()),
              "ACCESS_REFUSED - access to exchange 'amq.direct' in vhost '/' refused for user 'worker'");
    EXPECT_EQ(refused(binary.finish()),
              "PRECONDITION_FAILED - invalid type 'binary' for arg 'x-dead-letter-exchange' in queue 'q' in "
              "vhost '/'");
    declare("q", {}, true);
    worker.open_channel(channel);
    worker.tell(channel, wire::QueueDeclare{.queue = "q", .durable = true});
    EXPECT_EQ(worker.one().code, MethodCode::queue_declare_ok) << "to find what is there needs no more";
}

/// Everything a user may be refused, one by one: with all rights but the one it needs, and with only the ones
/// it needs.
TEST_F(PublishTest, EveryMethodAsksForItsRights) {
    client.tell(1, wire::ExchangeDeclare{.exchange = "x", .type = "topic"});
    client.tell(1, wire::ExchangeDeclare{.exchange = "y", .type = "fanout"});
    client.take();
    ASSERT_TRUE(rig.users->put_user("u", "u", {}).ok());
    Buffer alternate, letters;
    wire::TableWriter alternates(alternate), dead(letters);
    alternates.name("alternate-exchange").text("y");
    dead.name("x-dead-letter-exchange").text("y");
    const wire::TableView with_alternate = alternates.finish(), with_letters = dead.finish();
    struct Rights {
        const char *configure, *write, *read;
    };
    const auto allowed = [&](const Rights& rights, const auto& method) {
        for (const char* queue : {"q2", "q3"})
            client.tell(1, wire::QueueDelete{.queue = queue});
        for (const char* exchange : {"a", "z"})
            client.tell(1, wire::ExchangeDelete{.exchange = exchange});
        client.take();
        declare("q");
        const auto set = rig.users->put_permission("u", "/", {rights.configure, rights.write, rights.read});
        EXPECT_TRUE(set.ok());
        TestClient user(*rig.gateway);
        user.open("u", "u");
        user.open_channel(1);
        user.tell(1, method);
        rig.tick();
        const auto seen = user.take();
        if (seen.empty() || seen[0].code != MethodCode::channel_close) return true;
        EXPECT_EQ(seen[0].template as<wire::ChannelClose>().reply_code, ReplyCode::access_refused);
        return false;
    };
    /// `needed`: exactly these; each taken away alone is missed.
    const auto expect_rights = [&](const Rights& needed, const auto& method) {
        SCOPED_TRACE(wire::name(method.code));
        EXPECT_TRUE(allowed(needed, method));
        for (const char* Rights::*right : {&Rights::configure, &Rights::write, &Rights::read}) {
            if (*(needed.*right) == '\0') continue;
            Rights others{".*", ".*", ".*"};
            others.*right = "^nothing$";
            EXPECT_FALSE(allowed(others, method));
        }
    };
    expect_rights({"^q2$", "", ""}, wire::QueueDeclare{.queue = "q2"});
    expect_rights({"^q3$", "^y$", "^q3$"}, wire::QueueDeclare{.queue = "q3", .arguments = with_letters});
    expect_rights({"^q$", "", ""}, wire::QueueDelete{.queue = "q"});
    expect_rights({"", "", "^q$"}, wire::QueuePurge{.queue = "q"});
    expect_rights({"", "^q$", "^x$"}, wire::QueueBind{.queue = "q", .exchange = "x", .routing_key = "k"});
    expect_rights({"", "^q$", "^x$"}, wire::QueueUnbind{.queue = "q", .exchange = "x", .routing_key = "k"});
    expect_rights({"", "^y$", "^x$"}, wire::ExchangeBind{.destination = "y", .source = "x"});
    expect_rights({"", "^y$", "^x$"}, wire::ExchangeUnbind{.destination = "y", .source = "x"});
    expect_rights({"^z$", "", ""}, wire::ExchangeDeclare{.exchange = "z"});
    expect_rights({"^a$", "^y$", "^a$"}, wire::ExchangeDeclare{.exchange = "a", .arguments = with_alternate});
    expect_rights({"^z$", "", ""}, wire::ExchangeDelete{.exchange = "z"});
    expect_rights({"", "", "^q$"}, wire::BasicGet{.queue = "q"});
    expect_rights({"", "", "^q$"}, wire::BasicConsume{.queue = "q"});

    ASSERT_TRUE(rig.users->put_topic_permission("u", "/", {"x", "", "^a\\."}).ok());
    const auto bind = [&](std::string_view key) {
        return allowed({".*", ".*", ".*"},
                       wire::QueueBind{.queue = "q", .exchange = "x", .routing_key = key});
    };
    EXPECT_TRUE(bind("a.b"));
    EXPECT_FALSE(bind("b.b")) << "who may not read a topic may not bind to it";
}

TEST_F(PublishTest, TopicRightsLookAtTheKey) {
    ASSERT_TRUE(rig.users->put_topic_permission("guest", "/", {"amq.topic", "^a\\.", ".*"}).ok());
    client.publish(1, "amq.topic", "a.b", "x");
    rig.tick();
    EXPECT_TRUE(client.take().empty());
    client.publish(1, "amq.topic", "b.b", "x");
    expect_channel_closed(
        ReplyCode::access_refused,
        "ACCESS_REFUSED - access to topic 'b.b' in exchange 'amq.topic' in vhost '/' refused "
        "for user 'guest'");
}

TEST_F(PublishTest, AnExchangeMadeAnewAsATopicIsAskedForItsRights) {
    ASSERT_TRUE(rig.users->put_topic_permission("guest", "/", {"x", "^a\\.", ".*"}).ok());
    client.tell(1, wire::ExchangeDeclare{.exchange = "x", .type = "direct"});
    client.publish(1, "x", "b.b", "anything goes");
    client.tell(1, wire::ExchangeDelete{.exchange = "x"});
    client.tell(1, wire::ExchangeDeclare{.exchange = "x", .type = "topic"});
    rig.tick();
    client.take();
    client.publish(1, "x", "b.b", "not this");
    EXPECT_EQ(client.one().as<wire::ChannelClose>().reply_code, ReplyCode::access_refused);
}

TEST_F(PublishTest, DeadLettersTellTheirStory) {
    declare("dead");
    Buffer arguments;
    wire::TableWriter writer(arguments);
    writer.name("x-dead-letter-exchange").text("");
    writer.name("x-dead-letter-routing-key").text("dead");
    declare("q", writer.finish());
    wire::Properties properties;
    properties.expiration = "50";
    properties.message_id = "m";
    client.publish(1, "", "q", "x", properties);
    rig.tick(100);
    rig.tick();
    client.tell(1, wire::BasicGet{.queue = "dead"});
    auto seen = after();
    ASSERT_EQ(seen.size(), 1u);
    ASSERT_EQ(seen[0].code, MethodCode::basic_get_ok);
    EXPECT_EQ(seen[0].as<wire::BasicGetOk>().routing_key, "dead");
    wire::Properties read = seen[0].read_properties();
    EXPECT_FALSE(read.expiration);
    EXPECT_EQ(read.message_id, "m");
    EXPECT_EQ(read.headers->text("x-first-death-reason"), "expired");
    EXPECT_EQ(read.headers->text("x-first-death-queue"), "q");
    EXPECT_EQ(read.headers->text("x-first-death-exchange"), "");
    wire::ArrayCursor deaths(*read.headers->array("x-death"));
    wire::FieldValue item;
    ASSERT_TRUE(deaths.next(item));
    const wire::TableView death = *item.table();
    EXPECT_EQ(death.integer("count"), 1);
    EXPECT_EQ(death.text("reason"), "expired");
    EXPECT_EQ(death.text("queue"), "q");
    EXPECT_EQ(death.text("original-expiration"), "50");
    EXPECT_TRUE(death.array("routing-keys"));
    EXPECT_FALSE(deaths.next(item));
}

TEST(SyncTest, AConfirmAndACommitWaitForTheSync) {
    runtime::SimWorker worker;
    Rig rig({}, {}, &worker);
    TestClient client(*rig.gateway);
    client.open();
    wire::Properties persistent;
    persistent.delivery_mode = 2;
    for (const std::uint16_t channel : {1, 2})
        client.open_channel(channel);
    client.tell(1, wire::QueueDeclare{.queue = "q", .durable = true});
    client.tell(1, wire::ConfirmSelect{});
    client.tell(2, wire::TxSelect{});
    rig.tick();  // the name becomes durable, and the client is read again
    client.flush();
    ASSERT_EQ(client.take().size(), 3u);
    client.publish(1, "", "q", "m", persistent);
    client.publish(2, "", "q", "m", persistent);
    client.tell(2, wire::TxCommit{});
    for (int n = 0; n < 20; ++n)
        rig.tick(100);
    for (const auto& early : client.take())
        ADD_FAILURE() << wire::name(early.code) << " on channel " << early.channel << " before the sync";
    EXPECT_EQ(rig.hosts->find("/")->queue("q")->counts().ready, 2u);
    for (int n = 0; n < 5; ++n) {
        worker.run_all();
        rig.tick(100);
    }
    const auto seen = client.take();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].channel + seen[1].channel, 3);
    worker.drop_all();
}

TEST(FullTest, AHeldPublisherIsToldAndTriedOncePerTick) {
    broker::BrokerOptions engine;
    engine.volatile_index_bytes = 16 << 10;
    Rig rig({}, engine);
    TestClient client(*rig.gateway);
    client.open();
    client.open_channel(1);
    client.tell(1, wire::QueueDeclare{.queue = "q"});
    client.take();
    for (int n = 0; n < 100'000 && !client.is_paused; ++n)
        client.publish(1, "", "q", "m");
    ASSERT_TRUE(client.is_paused);
    EXPECT_EQ(client.one().as<wire::ConnectionBlocked>().reason, "low on memory");
    exchange::VirtualHost& host = *rig.hosts->find("/");
    const std::uint64_t tried = host.exchange_counts("").in;
    for (int n = 0; n < 50; ++n)
        rig.tick();
    EXPECT_LE(host.exchange_counts("").in, tried + 101);
    EXPECT_TRUE(client.take().empty());
    const std::uint64_t ready = host.queue("q")->counts().ready;
    ASSERT_TRUE(host.purge_queue("q", 0).ok());
    rig.tick();
    rig.tick();
    EXPECT_EQ(client.one().code, MethodCode::connection_unblocked);
    EXPECT_FALSE(client.is_paused);
    EXPECT_GT(ready, 0u);
    EXPECT_EQ(host.queue("q")->counts().ready, 1u);
}

// --- delayed -----------------------------------------------------------------------------------------------

class DelayedTest : public OneClient {
  protected:
    void SetUp() override {
        OneClient::SetUp();
        Buffer bytes;
        wire::TableWriter writer(bytes);
        writer.name("x-delayed-type").text("direct");
        client.tell(1, wire::ExchangeDeclare{
                           .exchange = "later", .type = "x-delayed-message", .arguments = writer.finish()});
        EXPECT_EQ(client.one().code, MethodCode::exchange_declare_ok);
        Buffer more;
        wire::TableWriter of_queue(more);
        of_queue.name("x-dead-letter-exchange").text("later");
        declare("q", of_queue.finish());
        client.tell(1, wire::QueueBind{.queue = "q", .exchange = "later", .routing_key = "q"});
        EXPECT_EQ(client.one().code, MethodCode::queue_bind_ok);
        consume("q", "t");
    }
    void publish(std::int64_t delay) {
        Buffer bytes;
        wire::TableWriter writer(bytes);
        writer.name("x-delay").int64(delay);
        wire::Properties properties;
        properties.headers = writer.finish();
        client.publish(1, "later", "q", "m", properties);
        rig.tick();
    }
    std::vector<Seen> in(std::int64_t ms) {
        rig.tick(ms);
        rig.tick();
        return client.take();
    }
};

TEST_F(DelayedTest, ARetryThroughADelayedExchangeWaitsEveryTime) {
    publish(1'000);
    for (std::uint64_t round = 1; round <= 3; ++round) {
        EXPECT_TRUE(in(900).empty());
        const auto seen = in(200);
        ASSERT_EQ(seen.size(), 1u) << round;
        EXPECT_EQ(seen[0].read_properties().headers->integer("x-delay"), -1'000) << "it has waited";
        client.tell(1, wire::BasicReject{.delivery_tag = round, .requeue = false});
        rig.tick();
    }
}

TEST_F(DelayedTest, ADelayOfAgesDoesNotTurnIntoNone) {
    publish(std::numeric_limits<std::int64_t>::max());
    EXPECT_TRUE(in(10'000).empty());
}

}  // namespace
}  // namespace posthorn::gateway::amqp
