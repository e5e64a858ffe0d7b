#include "wire/remoting/send_request.h"

#include <gtest/gtest.h>

#include <string>

namespace posthorn::wire::remoting {
namespace {

SendRequest example() {
    SendRequest request;
    request.producer_group = "group";
    request.topic = "TopicTest";
    request.default_topic = "TBW102";
    request.default_topic_queues = 4;
    request.queue_id = -1;
    request.sys_flag = 1;
    request.born_ms = 1650000000123;
    request.flag = 8;
    request.properties = "KEYS\x01k\x02";
    request.reconsume_times = 2;
    request.unit_mode = true;
    request.max_reconsume_times = 16;
    request.broker_name = "broker-a";
    return request;
}

TEST(SendRequest, ReadsLettersAndNamesInBothEncodings) {
    for (const Encoding encoding : {Encoding::json, Encoding::binary}) {
        for (const RequestCode code :
             {RequestCode::send_message, RequestCode::send_message_v2, RequestCode::send_batch_message,
              RequestCode::send_reply_message, RequestCode::send_reply_message_v2}) {
            const bool letters = code != RequestCode::send_message && code != RequestCode::send_reply_message;
            Buffer out;
            auto writer = FrameWriter::request(out, encoding, code, 1);
            write_send_request(writer, example(), letters);
            ASSERT_TRUE(writer.finish().ok());
            auto scan = scan_frame(out.view());
            ASSERT_TRUE(scan.ok() && scan->complete);
            HeaderDecoder decoder;
            auto header = decoder.decode(scan->frame);
            ASSERT_TRUE(header.ok()) << header.error().message;
            auto request = read_send_request(**header);
            ASSERT_TRUE(request.ok()) << request.error().message;
            EXPECT_EQ(request->producer_group, "group");
            EXPECT_EQ(request->topic, "TopicTest");
            EXPECT_EQ(request->default_topic, "TBW102");
            EXPECT_EQ(request->default_topic_queues, 4);
            EXPECT_EQ(request->queue_id, -1);
            EXPECT_EQ(request->sys_flag, 1);
            EXPECT_EQ(request->born_ms, 1650000000123);
            EXPECT_EQ(request->flag, 8);
            EXPECT_EQ(request->properties, "KEYS\x01k\x02");
            EXPECT_EQ(request->reconsume_times, 2);
            EXPECT_TRUE(request->unit_mode);
            EXPECT_EQ(request->max_reconsume_times, 16);
            EXPECT_EQ(request->batch, code == RequestCode::send_batch_message);
            EXPECT_EQ(request->broker_name, "broker-a");
        }
    }
}

Result<SendRequest> read(std::string_view fields) {
    static HeaderDecoder decoder;
    static std::string text;
    text = R"({"code":310,"extFields":{)" + std::string(fields) + "}}";
    auto header = decoder.decode(Encoding::json, as_bytes(text));
    if (!header) return header.error();
    return read_send_request(**header);
}

TEST(SendRequest, TakesRawNumbersAndEmptyExtras) {
    auto request =
        read(R"("a":"g","b":"t","e":3,"f":0,"g":17,"h":0,"m":true,"Signature":"","l":"","zz":1,"~":2,"A":3)");
    ASSERT_TRUE(request.ok()) << request.error().message;
    EXPECT_EQ(request->queue_id, 3);
    EXPECT_TRUE(request->batch);
    EXPECT_FALSE(request->max_reconsume_times.has_value());
    EXPECT_TRUE(request->properties.empty());
}

TEST(SendRequest, NamesTheFieldThatIsMissingOrMalformed) {
    EXPECT_EQ(read(R"("a":"g","e":3,"f":0,"g":17,"h":0)").error().message,
              "send header field topic is missing");
    EXPECT_EQ(read(R"("a":"g","b":"t","e":"x","f":0,"g":17,"h":0)").error().message,
              "send header field e (queueId) = \"x\" is not a number in range");
}

}  // namespace
}  // namespace posthorn::wire::remoting
