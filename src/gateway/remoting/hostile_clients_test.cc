#include <fmt/format.h>

#include "rig_for_test.h"
#include "wire/remoting/batch.h"
#include "wire/remoting/heartbeat.h"
#include "wire/remoting/message_id.h"

namespace posthorn::gateway::remoting {
namespace {

std::string heartbeat_of(const std::string& client_id, const std::vector<std::string>& producers) {
    Buffer body;
    wire::write_heartbeat(body, {.client_id = client_id, .producer_groups = producers, .consumers = {}});
    return std::string(as_text(body.view()));
}

TEST(HostileClients, AreNotRememberedByAnIdOfAnyLength) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.ask(RequestCode::heart_beat, {}, heartbeat_of(std::string(100'000, 'x'), {"p"}));
    EXPECT_NE(client.one().code, 0);
    EXPECT_EQ(rig.gateway->clients.producers("p"), nullptr);
}

TEST(HostileClients, SendNoBatchOverTheLimitOfAMessage) {
    Rig rig;
    TestClient client(*rig.gateway);
    const std::vector<std::byte> body(300'000);
    Buffer batch;
    for (int n = 0; n < 4; ++n)
        wire::append_batch_item(batch, {.flag = 0, .body = body, .properties = {}});
    client.send("orders", as_text(batch.view()), {}, 0, true);
    rig.tick();
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::message_illegal));
}

TEST(HostileClients, SendBackAMessageOfAnyNumberOfTries) {
    Rig rig;
    TestClient client(*rig.gateway);
    for (const std::string tries : {"-100", "2147483647", "-2147483648"}) {
        client.ask(RequestCode::send_message_v2, {{"a", "p"},
                                                  {"b", "orders"},
                                                  {"c", "TBW102"},
                                                  {"d", "4"},
                                                  {"e", "0"},
                                                  {"f", "0"},
                                                  {"g", "1700000000000"},
                                                  {"h", "0"},
                                                  {"j", tries},
                                                  {"k", "false"},
                                                  {"m", "false"}});
        rig.tick();
        const Seen sent = client.one();
        ASSERT_EQ(sent.code, 0) << sent.remark;
        const auto id = wire::parse_offset_message_id(sent.fields.at("msgId"));
        ASSERT_TRUE(id.has_value());
        client.ask(RequestCode::consumer_send_msg_back,
                   {{"group", "g"}, {"offset", std::to_string(id->physical_offset)}, {"delayLevel", "0"}});
        rig.tick();
        EXPECT_EQ(client.one().code, 0) << tries;
    }
}

TEST(HostileClients, FillNoKvConfigWithoutEnd) {
    Rig rig;
    rig.gateway->options.kv_entries_max = rig.gateway->catalog().setting_count() + 1;
    TestClient client(*rig.gateway);
    const auto put = [&](const std::string& key, const std::string& value) {
        client.ask(RequestCode::put_kv_config, {{"namespace", "n"}, {"key", key}, {"value", value}});
        rig.tick();
        return client.one().code;
    };
    EXPECT_NE(put("big", std::string(100'000, 'x')), 0);
    EXPECT_EQ(put("a", "1"), 0);
    EXPECT_NE(put("b", "1"), 0);
    EXPECT_EQ(put("a", "2"), 0) << "what is there may change";
    client.ask(RequestCode::delete_kv_config, {{"namespace", "n"}, {"key", "a"}});
    rig.tick();
    EXPECT_EQ(client.one().code, 0);
    EXPECT_EQ(put("b", "1"), 0);
}

TEST(HostileClients, SearchForTheEndOfTime) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.send("orders", "x");
    rig.tick();
    client.take();
    client.ask(RequestCode::search_offset_by_timestamp, {{"topic", "orders"},
                                                         {"queueId", "0"},
                                                         {"timestamp", "9223372036854775807"},
                                                         {"boundaryType", "UPPER"}});
    const Seen reply = client.one();
    EXPECT_EQ(reply.code, 0);
    EXPECT_EQ(reply.fields.at("offset"), "0");
}

}  // namespace
}  // namespace posthorn::gateway::remoting
