#include "arguments.h"

#include <gtest/gtest.h>

#include "names.h"

namespace posthorn::exchange {
namespace {

using model::Arguments;

const std::string whose = "queue 'q' in vhost '/'";

std::string wrong(Arguments arguments, bool durable = true, bool exclusive = false,
                  bool auto_delete = false) {
    QueueSpec spec;
    spec.name = "q";
    spec.durable = durable;
    spec.exclusive = exclusive;
    spec.auto_delete = auto_delete;
    spec.arguments = std::move(arguments);
    const auto checked = check_queue_arguments(spec, whose);
    return checked ? "" : checked.error().message;
}
model::Value number(std::int64_t n) {
    return {n};
}
model::Value text(const char* t) {
    return {std::string(t)};
}

TEST(QueueArguments, AreRefusedInRabbitMqsWords) {
    const std::string prefix = "invalid arg 'x-message-ttl' for queue 'q' in vhost '/': ";
    EXPECT_EQ(wrong({{"x-message-ttl", number(-1)}}), prefix + "{value_negative,-1}");
    EXPECT_EQ(wrong({{"x-message-ttl", text("1000")}}), prefix + "\"expected integer, got longstr\"");
    EXPECT_EQ(wrong({{"x-message-ttl", number(315360000001)}}), prefix + "{value_too_large,315360000001}");
    EXPECT_EQ(wrong({{"x-expires", number(0)}}),
              "invalid arg 'x-expires' for queue 'q' in vhost '/': {value_zero,0}");
    EXPECT_EQ(wrong({{"x-dead-letter-routing-key", text("k")}}),
              "invalid arg 'x-dead-letter-routing-key' for queue 'q' in vhost '/': "
              "routing_key_but_no_dlx_defined");
    EXPECT_EQ(wrong({{"x-dead-letter-exchange", number(1)}}),
              "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'");
    EXPECT_EQ(wrong({{"x-overflow", text("explode")}}),
              "invalid arg 'x-overflow' for queue 'q' in vhost '/': invalid_overflow");
    EXPECT_EQ(wrong({{"x-max-priority", number(256)}}),
              "invalid arg 'x-max-priority' for queue 'q' in vhost '/': {max_value_exceeded,256}");
    EXPECT_EQ(wrong({{"x-queue-mode", text("fast")}}),
              "invalid arg 'x-queue-mode' for queue 'q' in vhost '/': \"unsupported queue mode 'fast'\"");
    EXPECT_EQ(wrong({{"x-queue-type", text("heap")}}),
              "invalid arg 'x-queue-type' for queue 'q' in vhost '/': \"unsupported queue type 'heap'\"");
    EXPECT_EQ(wrong({{"x-single-active-consumer", number(1)}}),
              "invalid arg 'x-single-active-consumer' for queue 'q' in vhost '/': "
              "{unacceptable_type,signedint}");
}

TEST(QueueArguments, FitTheTypeOfTheQueueAndUnknownOnesAreLeftAlone) {
    EXPECT_EQ(
        wrong({{"x-anything", number(-1)}, {"x-queue-mode", text("lazy")}, {"x-queue-version", number(2)}}),
        "");
    EXPECT_EQ(wrong({{"x-delivery-limit", number(5)}}),
              "invalid arg 'x-delivery-limit' for queue 'q' in vhost '/' of queue type rabbit_classic_queue");
    const model::Value quorum = text("quorum");
    EXPECT_EQ(wrong({{"x-dead-letter-exchange", text("x")},
                     {"x-dead-letter-routing-key", {std::string(256, 'k')}}}),
              "invalid arg 'x-dead-letter-routing-key' for queue 'q' in vhost '/': {value_too_long,256}");
    EXPECT_EQ(wrong({{"x-queue-type", quorum}, {"x-delivery-limit", number(5)}}), "");
    EXPECT_EQ(wrong({{"x-queue-type", quorum}, {"x-max-priority", number(5)}}),
              "invalid arg 'x-max-priority' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue");
    EXPECT_EQ(wrong({{"x-queue-type", quorum}}, false), "invalid property 'non-durable' for " + whose);
    EXPECT_EQ(wrong({{"x-queue-type", quorum}}, true, true),
              "invalid property 'exclusive-owner' for " + whose);
    EXPECT_EQ(wrong({{"x-queue-type", quorum}}, true, false, true),
              "invalid property 'auto-delete' for " + whose);
}

std::string differs(Arguments there, Arguments wanted) {
    QueueSpec a, b;
    a.arguments = std::move(there);
    b.arguments = std::move(wanted);
    const auto same = same_queue(a, b, whose);
    return same ? "" : same.error().message;
}

TEST(Equivalence, OfQueuesComparesWhatRabbitMqCompares) {
    QueueSpec durable, not_durable;
    durable.durable = true;
    EXPECT_EQ(
        same_queue(durable, not_durable, whose).error().message,
        "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'");
    EXPECT_EQ(differs({{"x-max-length", number(1000)}}, {}),
              "inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received none but current is the "
              "value '1000' of type 'signedint'");
    EXPECT_EQ(
        differs({}, {{"x-dead-letter-exchange", text("dlx")}}),
        "inequivalent arg 'x-dead-letter-exchange' for queue 'q' in vhost '/': received the value 'dlx' "
        "of type 'longstr' but current is none");
    EXPECT_EQ(differs({{"x-message-ttl", number(1000)}}, {{"x-message-ttl", number(1001)}}),
              "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received '1001' but current is "
              "'1000'");
    EXPECT_EQ(differs({{"x-anything", number(1)}}, {}), "");
    EXPECT_EQ(differs({{"x-queue-type", text("classic")}}, {}), "");
    EXPECT_EQ(
        differs({}, {{"x-queue-type", text("quorum")}}),
        "inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received the value 'quorum' of type "
        "'longstr' but current is none");
}

TEST(Equivalence, OfExchangesComparesTypeFlagsAndAlternate) {
    const std::string exchange = "exchange 'x' in vhost '/'";
    ExchangeSpec a, b;
    b.type = "fanout";
    EXPECT_EQ(same_exchange(a, b, exchange).error().message,
              "inequivalent arg 'type' for exchange 'x' in vhost '/': received 'fanout' but current is "
              "'direct'");
    b.type = "direct";
    b.internal = true;
    EXPECT_EQ(same_exchange(a, b, exchange).error().message,
              "inequivalent arg 'internal' for exchange 'x' in vhost '/': received 'true' but current is "
              "'false'");
    b.internal = false;
    b.arguments = {{"alternate-exchange", text("other")}, {"x-anything", number(1)}};
    EXPECT_EQ(same_exchange(a, b, exchange).error().code, Errc::exists);
    b.arguments.erase("alternate-exchange");
    EXPECT_TRUE(same_exchange(a, b, exchange).ok());
}

TEST(QueueSettings, OfTwoLimitsTheSmallerCountsAndOfTwoNamesTheArgument) {
    const Arguments arguments{{"x-max-length", number(10)}, {"x-dead-letter-exchange", text("mine")}};
    const Arguments policy{{"max-length", number(20)},
                           {"message-ttl", number(500)},
                           {"dead-letter-exchange", text("theirs")},
                           {"dead-letter-routing-key", text("key")}};
    const Arguments operators{{"max-length", number(5)}, {"message-ttl", number(1000)}};
    const QueueSettings alone = queue_settings(arguments, nullptr, nullptr);
    EXPECT_EQ(alone.max_length, 10u);
    EXPECT_FALSE(alone.message_ttl_ms);
    const QueueSettings both = queue_settings(arguments, &policy, &operators);
    EXPECT_EQ(both.max_length, 5u);
    EXPECT_EQ(both.message_ttl_ms, 500);
    EXPECT_EQ(both.dead_letter_exchange, "mine");
    EXPECT_EQ(both.dead_letter_key, "key");
}

TEST(Names, LoseLineEndsAndMadeOnesHave22Characters) {
    std::string scratch;
    EXPECT_EQ(without_line_breaks("a\r\nb\n", scratch), "ab");
    EXPECT_TRUE(reserved("amq.gen-x"));
    EXPECT_FALSE(reserved("amqp"));
    const std::string made = random_name("amq.gen-", 0x0123456789ABCDEF, 0xFEDCBA9876543210);
    EXPECT_EQ(made.size(), 8u + 22u);
    EXPECT_EQ(made.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 8),
              std::string::npos);
    EXPECT_NE(made, random_name("amq.gen-", 0x0123456789ABCDEF, 0xFEDCBA9876543211));
}

}  // namespace
}  // namespace posthorn::exchange
