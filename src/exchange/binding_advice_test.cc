#include "binding_advice.h"

#include <gtest/gtest.h>

namespace posthorn::exchange {
namespace {

bool advised(ExchangeType type, std::string key) {
    return advice(type, {"x", DestinationKind::queue, "q", std::move(key), {}}).has_value();
}

TEST(BindingAdvice, APatternOnADirectExchangeIsHardlyMeant) {
    EXPECT_TRUE(advised(ExchangeType::direct, "#"));
    EXPECT_TRUE(advised(ExchangeType::direct, "market.#"));
    EXPECT_TRUE(advised(ExchangeType::direct, "*.created"));
    EXPECT_FALSE(advised(ExchangeType::direct, "agent"));
    EXPECT_FALSE(advised(ExchangeType::direct, "c#.net"));
    EXPECT_FALSE(advised(ExchangeType::direct, ""));
    EXPECT_FALSE(advised(ExchangeType::fanout, "#"));
}

TEST(BindingAdvice, NorAreSeveralPatternsInOneKey) {
    EXPECT_TRUE(advised(ExchangeType::topic, "market.#,agent.#"));
    EXPECT_FALSE(advised(ExchangeType::topic, "market.#"));
    EXPECT_FALSE(advised(ExchangeType::topic, "a,b"));
}

TEST(BindingAdvice, NamesBothEndsAndTheKey) {
    EXPECT_EQ(
        *advice(ExchangeType::direct, {"dead.letter", DestinationKind::queue, "dead.letter.queue", "#", {}}),
        "'dead.letter.queue' is bound to the direct exchange 'dead.letter' with key '#', which matches "
        "that key alone: messages with another one do not get there (a topic exchange would match the "
        "pattern)");
}

}  // namespace
}  // namespace posthorn::exchange
