#include "confirms.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "env/random.h"
#include "names.h"
#include "wire/amqp/decode.h"
#include "wire/amqp/frame.h"

namespace posthorn::gateway::amqp {
namespace {

/// "ack 3 multiple, nack 4".
std::string written(Confirms& confirms) {
    Buffer out;
    confirms.write(out, 1);
    std::string text;
    wire::FrameSplitter splitter(out.view(), 0);
    for (wire::Frame frame; splitter.next(frame) == wire::FrameSplitter::Step::frame;) {
        if (!text.empty()) text += ", ";
        if (wire::BasicAck ack; wire::decode(frame.payload, ack))
            text += "ack " + std::to_string(ack.delivery_tag) + (ack.multiple ? " multiple" : "");
        if (wire::BasicNack nack; wire::decode(frame.payload, nack))
            text += "nack " + std::to_string(nack.delivery_tag) + (nack.multiple ? " multiple" : "");
    }
    return text;
}

Confirms with(int publishes) {
    Confirms confirms;
    confirms.select();
    while (publishes-- > 0)
        confirms.take();
    return confirms;
}

TEST(ConfirmsTest, OnePublishIsOneSimpleAck) {
    Confirms confirms = with(1);
    confirms.done(1, 1, true);
    EXPECT_EQ(written(confirms), "ack 1");
    EXPECT_EQ(confirms.unconfirmed(), 0u);
}

TEST(ConfirmsTest, WhatLeavesNoGapIsOneAckOfMany) {
    Confirms confirms = with(10);
    confirms.done(1, 4, true);
    confirms.done(5, 7, true);
    EXPECT_EQ(written(confirms), "ack 7 multiple");
    EXPECT_EQ(confirms.unconfirmed(), 3u);
}

TEST(ConfirmsTest, BehindAGapEachIsToldAlone) {
    Confirms confirms = with(5);
    confirms.done(3, 4, true);
    EXPECT_EQ(written(confirms), "ack 3, ack 4");
    confirms.done(1, 1, true);
    EXPECT_EQ(written(confirms), "ack 1");
    confirms.done(2, 2, true);
    confirms.done(5, 5, true);
    EXPECT_EQ(written(confirms), "ack 5 multiple");
    EXPECT_EQ(confirms.unconfirmed(), 0u);
}

TEST(ConfirmsTest, ARefusedOneIsToldBeforeAnAckThatCoversIt) {
    Confirms confirms = with(3);
    confirms.done(1, 1, true);
    confirms.done(2, 2, false);
    confirms.done(3, 3, true);
    EXPECT_EQ(written(confirms), "nack 2, ack 3 multiple");
}

TEST(ConfirmsTest, EveryPublishIsToldOnceWhateverTheOrder) {
    env::Random random(11);
    Confirms confirms = with(0);
    std::set<std::uint64_t> open, refused;
    std::set<std::uint64_t> told_good, told_bad;
    for (int step = 0; step < 20'000; ++step) {
        for (std::uint64_t n = random.below(4); n > 0; --n)
            open.insert(confirms.take());
        for (std::uint64_t n = random.below(4); n > 0 && !open.empty(); --n) {
            auto at = open.begin();
            std::advance(at, random.below(std::min<std::size_t>(open.size(), 50)));
            const bool good = !random.chance(0.1);
            if (!good) refused.insert(*at);
            confirms.done(*at, *at, good);
            open.erase(at);
        }
        Buffer out;
        confirms.write(out, 1);
        wire::FrameSplitter splitter(out.view(), 0);
        for (wire::Frame frame; splitter.next(frame) == wire::FrameSplitter::Step::frame;) {
            if (wire::BasicNack nack; wire::decode(frame.payload, nack)) {
                ASSERT_TRUE(told_bad.insert(nack.delivery_tag).second);
            } else if (wire::BasicAck ack; wire::decode(frame.payload, ack)) {
                ASSERT_FALSE(open.contains(ack.delivery_tag));
                if (!ack.multiple) {
                    ASSERT_TRUE(told_good.insert(ack.delivery_tag).second);
                    continue;
                }
                ASSERT_TRUE(open.empty() || *open.begin() > ack.delivery_tag);
                for (std::uint64_t tag = ack.delivery_tag; tag > 0; --tag)
                    if (!told_bad.contains(tag) && !told_good.insert(tag).second &&
                        tag + 200 < ack.delivery_tag)
                        break;
            }
        }
        ASSERT_EQ(confirms.unconfirmed(), open.size());
    }
    EXPECT_EQ(told_bad, refused);
}

}  // namespace
}  // namespace posthorn::gateway::amqp
