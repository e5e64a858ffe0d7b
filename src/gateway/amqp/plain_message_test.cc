#include "gateway/amqp/plain_message.h"

#include "rig_for_test.h"
#include "wire/amqp/table.h"

namespace posthorn::gateway::amqp {
namespace {

class PlainMessageTest : public OneClient {
  protected:
    PlainMessageTest() { host = rig.hosts->find("/"); }
    void TearDown() override { client.session.reset(); }
    static PlainMessage message(model::Arguments headers) {
        return {"", "q", {{"headers", {std::move(headers)}}}, "body"};
    }
    static model::Arguments nested(int levels) {
        model::Arguments table;
        for (int n = 1; n < levels; ++n)
            table = {{"in", {std::move(table)}}};
        return table;
    }
    exchange::VirtualHost* host;
};

TEST_F(PlainMessageTest, HeadersMayBeNestedAsDeepAsATableAndNoDeeper) {
    declare("q");
    EXPECT_TRUE(publish(*host, message(nested(wire::kMaxTableDepth))).ok());
    const auto refused = publish(*host, message(nested(wire::kMaxTableDepth + 1)));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Errc::invalid);
}

TEST_F(PlainMessageTest, NobodyReadsItsBlindCopies) {
    declare("q");
    declare("copy");
    const model::Array keys{{std::string("copy")}};
    ASSERT_TRUE(publish(*host, message({{"BCC", {keys}}, {"h", {std::int64_t{1}}}})).ok());
    rig.tick();
    for (const char* name : {"q", "copy"}) {
        std::optional<PlainMessage> read;
        const auto got = host->get(
            *host->queue(name), true,
            [&](const broker::Stored& stored, const exchange::Delivery&) { read = read_plain(stored); });
        ASSERT_TRUE(got.ok());
        ASSERT_TRUE(read) << name;
        const auto& headers = std::get<model::Arguments>(read->properties.find("headers")->held);
        EXPECT_EQ(headers, (model::Arguments{{"h", {std::int64_t{1}}}}));
    }
}

}  // namespace
}  // namespace posthorn::gateway::amqp
