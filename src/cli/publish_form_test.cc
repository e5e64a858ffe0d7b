#include "publish_form.h"

#include <gtest/gtest.h>

#include "load_stamp.h"
#include "sequence_set.h"
#include "wire/amqp/content_assembler.h"
#include "wire/amqp/decode.h"

namespace posthorn::cli {
namespace {

namespace amqp = wire::amqp;

TEST(PublishForm, IsThePublishAServerReadsWithItsStampInFrontOfTheBody) {
    const PublishForm form(
        {.exchange = "e", .key = "k", .body_size = 5000, .persistent = true, .frame_max = 4096});
    Buffer out;
    write_stamp(form.append(out), ShortStamp{7, 8});
    write_stamp(form.append(out), ShortStamp{9, 10});

    amqp::FrameSplitter splitter(out.view(), 4096);
    amqp::ContentAssembler assembler;
    amqp::Frame frame;
    std::vector<std::uint64_t> sequences;
    while (splitter.next(frame) == amqp::FrameSplitter::Step::frame) {
        EXPECT_LE(frame.payload.size(), 4096 - amqp::kFrameOverhead);
        if (assembler.feed(frame) != amqp::ContentAssembler::Step::content) continue;
        amqp::BasicPublish method;
        ASSERT_TRUE(amqp::decode(assembler.content().method, method));
        EXPECT_EQ(method.exchange, "e");
        EXPECT_EQ(method.routing_key, "k");
        amqp::Properties properties;
        ASSERT_TRUE(amqp::decode_properties(assembler.content().properties, properties));
        EXPECT_TRUE(properties.persistent());
        EXPECT_EQ(assembler.content().body.size(), 5000u);
        sequences.push_back(read_short_stamp(assembler.content().body.data()).sequence);
    }
    EXPECT_EQ(splitter.consumed(), out.size());
    EXPECT_EQ(sequences, (std::vector<std::uint64_t>{7, 9}));
}

TEST(SequenceSet, TellsWhatCameOnceFromWhatCameAgain) {
    SequenceSet seen;
    for (const std::uint64_t sequence : {5, 0, 5, 100'000, 5})
        seen.note(sequence);
    EXPECT_EQ(seen.once(), 3u);
    EXPECT_EQ(seen.twice(), 2u);
}

}  // namespace
}  // namespace posthorn::cli
