#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog_rules.h"
#include "env/clock.h"
#include "env/sim_files.h"
#include "gateway.h"
#include "runtime/worker.h"
#include "store/definitions.h"
#include "wire/remoting/frame_writer.h"
#include "wire/remoting/heartbeat.h"
#include "wire/remoting/message.h"
#include "wire/remoting/properties.h"
#include "wire/remoting/send_request.h"

namespace posthorn::gateway::remoting {

/// A reply or push as a test looks at it.
struct Seen {
    std::int32_t code = 0, opaque = 0;
    bool response = false;
    std::string remark;
    std::map<std::string, std::string> fields;
    std::string body;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

/// A message's properties as clients write them.
inline std::string properties(const Fields& list) {
    Buffer out;
    for (const auto& [name, value] : list)
        wire::append_property(out, name, value);
    return std::string(as_text(out.view()));
}

/// The messages in a reply's body, which must outlive them.
inline std::vector<wire::Message> messages(const std::string& body) {
    std::vector<wire::Message> all;
    for (Bytes rest = as_bytes(body); !rest.empty();) {
        const auto message = wire::decode_stored(rest);
        EXPECT_TRUE(message.ok());
        if (!message) break;
        EXPECT_TRUE(message->body_intact());
        all.push_back(*message);
        rest = rest.subspan(message->bytes.size());
    }
    return all;
}

/// One client without a socket.
class TestClient final : public Channel {
  public:
    TestClient(Gateway& gateway, std::uint32_t address = 0x7F000001)
        : session(std::make_unique<Session>(gateway, *this, wire::host_v4(address, 50000),
                                            wire::host_v4(0x7F000001, 10911))) {}

    Buffer& out() override { return out_; }
    bool congested() const override { return is_congested; }
    void close(std::string_view) override { is_closed = true; }

    std::int32_t ask(RequestCode code, const Fields& fields, std::string_view body = {},
                     bool oneway = false) {
        Buffer frame;
        auto writer = wire::FrameWriter::request(frame, encoding, code, ++opaque_, oneway);
        for (const auto& [key, value] : fields)
            writer.field(key, value);
        writer.body().append(body);
        EXPECT_TRUE(writer.finish().ok());
        EXPECT_EQ(session->on_data(frame.view()), frame.size());
        return opaque_;
    }
    std::int32_t send(std::string_view topic, std::string_view body, std::string_view properties = {},
                      std::int32_t queue = 0, bool batch = false) {
        return ask(batch ? RequestCode::send_batch_message : RequestCode::send_message_v2,
                   {{"a", "producers"},
                    {"b", std::string(topic)},
                    {"c", "TBW102"},
                    {"d", "4"},
                    {"e", std::to_string(queue)},
                    {"f", "0"},
                    {"g", "1700000000000"},
                    {"h", "0"},
                    {"i", std::string(properties)},
                    {"j", "0"},
                    {"k", "false"},
                    {"m", batch ? "true" : "false"}},
                   body);
    }
    std::int32_t pull(std::string_view topic, std::int64_t offset, std::string_view tags = "*",
                      std::int64_t hold_ms = 0, std::int32_t queue = 0) {
        return ask(RequestCode::pull_message, {{"consumerGroup", "readers"},
                                               {"topic", std::string(topic)},
                                               {"queueId", std::to_string(queue)},
                                               {"queueOffset", std::to_string(offset)},
                                               {"maxMsgNums", "32"},
                                               {"sysFlag", hold_ms ? "6" : "4"},
                                               {"commitOffset", "0"},
                                               {"suspendTimeoutMillis", std::to_string(hold_ms)},
                                               {"subscription", std::string(tags)},
                                               {"subVersion", "1"}});
    }

    /// Everything that was written since the last call.
    std::vector<Seen> take() {
        std::vector<Seen> all;
        Bytes rest = out_.view();
        while (!rest.empty()) {
            const auto scan = wire::scan_frame(rest);
            EXPECT_TRUE(scan.ok() && scan->complete);
            if (!scan || !scan->complete) break;
            const auto header = decoder_.decode(scan->frame);
            EXPECT_TRUE(header.ok());
            Seen seen{(*header)->code,
                      (*header)->opaque,
                      (*header)->is_response(),
                      std::string((*header)->remark),
                      {},
                      std::string(as_text(scan->frame.body))};
            for (const wire::Field& field : (*header)->fields())
                seen.fields[std::string(field.key)] = field.value;
            all.push_back(std::move(seen));
            rest = rest.subspan(scan->frame.size);
        }
        out_.clear();
        return all;
    }
    Seen one() {
        auto all = take();
        EXPECT_EQ(all.size(), 1u);
        return all.empty() ? Seen{} : all.front();
    }

    wire::Encoding encoding = wire::Encoding::json;
    bool is_congested = false, is_closed = false;
    std::unique_ptr<Session> session;

  private:
    Buffer out_;
    wire::HeaderDecoder decoder_;
    std::int32_t opaque_ = 0;
};

/// The heartbeat of a member of the group "readers".
inline std::string heartbeat(const std::string& client_id,
                             const std::vector<wire::SubscriptionData>& subscriptions = {}) {
    wire::HeartbeatData data;
    data.client_id = client_id;
    data.consumers.push_back({});
    data.consumers.back().group = "readers";
    data.consumers.back().subscriptions = subscriptions;
    Buffer body;
    wire::write_heartbeat(body, data);
    return std::string(as_text(body.view()));
}

/// A gateway over an engine on simulated files; time passes only in `tick`.
class Rig {
  public:
    explicit Rig(RemotingOptions options = {}, broker::BrokerOptions engine = small_engine())
        : Rig(std::move(options), engine, nullptr) {}
    /// Names are durable when `names` says so, instead of at the end of the tick.
    explicit Rig(runtime::Worker& names) : Rig({}, small_engine(), &names) {}
    Rig(RemotingOptions options, broker::BrokerOptions engine, runtime::Worker* names) {
        auto opened =
            broker::Broker::open(files, "data", std::make_unique<store::MemoryDefinitions>(definitions),
                                 engine, {worker, names ? *names : names_worker}, now());
        EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
        broker = std::move(*opened);
        gateway = std::make_unique<Gateway>(*broker, std::move(options), clock);
        broker->begin_tick(now());
        EXPECT_TRUE(put_system_names(*gateway).ok());
        tick(0);
    }
    static broker::BrokerOptions small_engine() {
        broker::BrokerOptions options;
        options.stream_segment_bytes = 16u << 20;
        options.queue_segment_bytes = 8u << 20;
        options.stream_tail_bytes = 32u << 20;
        options.queue_tail_bytes = 16u << 20;
        options.max_message_bytes = 1u << 20;
        return options;
    }

    /// Ends this tick, lets time pass, begins the next.
    void tick(std::int64_t ms = 1) {
        broker->end_tick();
        gateway->after_tick();
        clock.advance_ms(ms);
        broker->begin_tick(now());
        gateway->sweep();
        broker->end_tick();
        gateway->after_tick();
        broker->begin_tick(now());
    }
    broker::Now now() const { return {clock.wall_ms(), clock.steady_ns() / 1'000'000}; }

    env::SimFiles files{1};
    env::SimClock clock;
    runtime::InlineWorker worker;
    runtime::InlineWorker names_worker;
    std::shared_ptr<store::MemoryDefinitions::Shared> definitions =
        store::MemoryDefinitions::make_shared_state();
    std::unique_ptr<broker::Broker> broker;
    std::unique_ptr<Gateway> gateway;
};

/// Most tests need no more than one client at one gateway.
class SessionTest : public ::testing::Test {
  protected:
    /// Sends a message and lets it be stored and answered.
    void store(std::string_view topic, std::string_view body, std::string_view given = {}) {
        client.send(topic, body, given);
        rig.tick();
        EXPECT_EQ(client.one().code, 0);
    }

    Rig rig;
    TestClient client{*rig.gateway};
};

}  // namespace posthorn::gateway::remoting
