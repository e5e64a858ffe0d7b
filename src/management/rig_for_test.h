#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "auth/keep.h"
#include "auth/users.h"
#include "base64.h"
#include "env/clock.h"
#include "env/sim_files.h"
#include "exchange/alarms.h"
#include "exchange/virtual_host.h"
#include "json.h"
#include "management/management.h"
#include "runtime/loop.h"
#include "runtime/worker.h"
#include "store/definitions.h"

namespace posthorn::management {

/// Users and parameters among the names of the engine, as the server keeps them.
class TestKeep final : public auth::Keep {
  public:
    explicit TestKeep(broker::Catalog& catalog) : catalog_(catalog) {}
    Result<void> admit() const override { return catalog_.admit(); }
    void put(std::string_view space, std::string_view key, std::string_view text) override {
        catalog_.set(space, key, text);
    }
    void remove(std::string_view space, std::string_view key) override { catalog_.unset(space, key); }
    void each(std::string_view space,
              const std::function<void(std::string_view, std::string_view)>& visit) const override {
        catalog_.each_setting(space, visit);
    }

  private:
    broker::Catalog& catalog_;
};

/// A gateway that lays messages out as "key body".
class TestSessions final : public Sessions {
  public:
    std::vector<Listener> listeners() const override { return {{"amqp", "127.0.0.1", 5672}}; }
    void each_connection(const std::function<void(const Connection&)>& visit) const override {
        for (const Connection& connection : connections)
            visit(connection);
    }
    bool close_connection(std::string_view name, std::string_view reason) override {
        closed.emplace_back(name);
        reasons.emplace_back(reason);
        return true;
    }
    void close_user(std::string_view name, std::string_view) override { closed.emplace_back(name); }
    void close_virtual_host(std::string_view name, std::string_view) override { closed.emplace_back(name); }
    Result<exchange::Published> publish(exchange::VirtualHost& host, const Message& message) override {
        const std::string payload = message.key + " " + message.body;
        exchange::Publication publication;
        publication.exchange = message.exchange, publication.key = message.key;
        publication.format = store::Format{9};
        publication.persistent = message.properties.find("delivery_mode") != nullptr;
        publication.payload = as_bytes(payload);
        return host.publish(publication);
    }
    std::optional<Message> read(const broker::Stored& stored) const override {
        const std::string payload(as_text(stored.payload));
        const auto space = payload.find(' ');
        Message message;
        message.key = payload.substr(0, space), message.body = payload.substr(space + 1);
        return message;
    }

    std::vector<Connection> connections;
    std::vector<std::string> closed, reasons;
};

struct Answer {
    unsigned status = 0;
    std::string text;
    Json json;
    std::string header(std::string_view name) const {
        for (const auto& [key, value] : headers)
            if (key == name) return value;
        return {};
    }
    http::NamedValues headers;
};

/// The management API over an engine on simulated files; time passes only in `pass`.
class Rig {
  public:
    enum class Names {
        committed_at_once,
        committed_by_hand,  ///< when `names` is told to run
    };
    explicit Rig(Names how = Names::committed_at_once) {
        broker::BrokerOptions engine;
        engine.stream_segment_bytes = 16u << 20, engine.queue_segment_bytes = 8u << 20;
        engine.stream_tail_bytes = 32u << 20, engine.queue_tail_bytes = 16u << 20;
        engine.max_message_bytes = 1u << 20;
        engine.new_store_id = 1;
        runtime::Worker& of_names =
            how == Names::committed_by_hand ? static_cast<runtime::Worker&>(names) : worker;
        auto opened =
            broker::Broker::open(files, "data", std::make_unique<store::MemoryDefinitions>(definitions),
                                 engine, {worker, of_names}, now());
        EXPECT_TRUE(opened.ok());
        broker = std::move(*opened);
        broker->begin_tick(now());
        keep.emplace(broker->catalog());
        users = std::move(*auth::Users::load(*keep, random));
        EXPECT_TRUE(users->put_user("guest", "guest", {"administrator"}).ok());
        EXPECT_TRUE(users->put_permission("guest", "/", {".*", ".*", ".*"}).ok());
        hosts = std::move(*exchange::VirtualHosts::open(*broker, {.seed = 7}));
        begin = loop.on_tick_begin([this] { broker->begin_tick(now()); });
        end = loop.on_tick_end(runtime::TickPhase::apply, [this] {
            hosts->before_tick_end();
            broker->end_tick();
            hosts->after_tick_end();
        });
        management = std::make_unique<Management>(
            Foundation{loop, *broker, *hosts, alarms, *users, *keep, sessions, worker}, ManagementOptions{});
        management->add_to(router);
        commit_names();
    }
    ~Rig() { names.drop_all(); }

    void commit_names() {
        pass(1);
        names.run_all();
        pass(1);
    }

    broker::Now now() const { return {clock.wall_ms(), clock.steady_ns() / 1'000'000}; }
    void pass(std::int64_t ms) {
        clock.advance_ms(ms);
        loop.tick(std::chrono::milliseconds(0));
    }

    http::Request request(http::Verb verb, std::string path, std::string body = {}) const {
        http::Request made;
        made.verb = verb;
        made.target = std::move(path);
        made.body = std::move(body);
        made.peer = peer;
        if (!login.empty()) made.headers.emplace_back("authorization", "Basic " + base64(login));
        return made;
    }
    /// Where the answer will be.
    using Awaited = std::shared_ptr<std::optional<http::Response>>;
    Awaited ask(http::Request made) {
        auto response = std::make_shared<std::optional<http::Response>>();
        router.route(std::move(made), [response](http::Response one) { *response = std::move(one); });
        return response;
    }
    Answer send(http::Request made) { return finish(ask(std::move(made))); }
    /// All of it, as a client who takes what comes. `pieces`, `ticks` and `largest_piece` tell how it came.
    Answer finish(const Awaited& awaited) {
        const std::optional<http::Response>& response = *awaited;
        for (ticks = 0; !response && ticks < 10'000; ++ticks)
            pass(1);
        EXPECT_TRUE(response.has_value());
        Answer answer;
        if (!response) return answer;
        answer.status = response->status;
        answer.text = response->body;
        read_rest(*response, answer.text);
        answer.json = Json::parse(answer.text, nullptr, false);
        answer.headers = response->headers;
        return answer;
    }
    void read_rest(const http::Response& response, std::string& text) {
        pieces = 1, largest_piece = response.body.size();
        if (!response.rest) return;
        for (std::string piece = "x"; !piece.empty(); ++pieces) {
            std::optional<std::string> given;
            response.rest->next([&](std::string one) { given = std::move(one); });
            for (; !given && ticks < 100'000; ++ticks)
                pass(1);
            piece = given.value_or("");
            largest_piece = std::max(largest_piece, piece.size());
            text += piece;
        }
    }
    Answer get(std::string path) { return send(request(http::Verb::get, std::move(path))); }
    Answer put(std::string path, std::string body = "{}") {
        return send(request(http::Verb::put, std::move(path), std::move(body)));
    }
    Answer post(std::string path, std::string body = "{}") {
        return send(request(http::Verb::post, std::move(path), std::move(body)));
    }
    Answer del(std::string path) { return send(request(http::Verb::del, std::move(path))); }
    exchange::VirtualHost& host() { return *hosts->find("/"); }

    std::string login = "guest:guest", peer = "127.0.0.1:40000";
    int ticks = 0, pieces = 0;  ///< the last answer took
    std::size_t largest_piece = 0;

    env::SimFiles files{1};
    env::SimClock clock;
    runtime::Loop loop{clock};
    runtime::InlineWorker worker;
    env::Random random{1};
    runtime::SimWorker names;
    std::shared_ptr<store::MemoryDefinitions::Shared> definitions =
        store::MemoryDefinitions::make_shared_state();
    std::optional<TestKeep> keep;
    std::unique_ptr<broker::Broker> broker;
    std::unique_ptr<auth::Users> users;
    std::unique_ptr<exchange::VirtualHosts> hosts;
    exchange::Alarms alarms;
    TestSessions sessions;
    http::Router router;
    runtime::TickHook begin, end;
    std::unique_ptr<Management> management;
};

}  // namespace posthorn::management
