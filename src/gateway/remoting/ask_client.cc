#include <memory>

#include "call.h"
#include "gateway.h"
#include "handlers.h"
#include "peek.h"
#include "wire/remoting/bodies.h"
#include "wire/remoting/message_id.h"

namespace posthorn::gateway::remoting {

namespace {

/// Who asked, and how to answer when the client has.
struct Asker {
    Gateway& gateway;
    SessionHandle session;
    wire::ReplyTo reply;
    CodeStats& stats;
    std::int64_t started_ns;

    explicit Asker(Call& call)
        : gateway(call.gateway),
          session(call.session.handle()),
          reply(call.header.reply_to()),
          stats(call.stats),
          started_ns(call.started_ns) {}

    void answer(ResponseCode code, std::string_view remark, Bytes body) const {
        stats.took(gateway.clock.steady_ns() - started_ns);
        if (code != ResponseCode::success) ++stats.failed;
        Session* to = gateway.sessions.find(session);
        if (!to) return;
        auto writer = wire::FrameWriter::response(to->out(), reply, code, remark);
        writer.body().append(body);
        if (const auto done = writer.finish(); !done)
            (void)wire::FrameWriter::response(to->out(), reply, ResponseCode::system_error,
                                              done.error().message)
                .finish();
    }
};

const Member* find_member(Gateway& gateway, std::string_view group, std::string_view client_id) {
    const ConsumerGroup* consumers = gateway.clients.consumers(group);
    if (!consumers) return nullptr;
    for (const Member& member : consumers->members)
        if (member.client_id == client_id) return &member;
    return nullptr;
}

/// The fields a relayed request may carry; anything else a tool sent stays here.
constexpr std::string_view kRelayedFields[]{"consumerGroup", "clientId",     "jstackEnable", "msgId",
                                            "topic",         "topicSysFlag", "groupSysFlag"};

void relay_to_client(Call& call, RequestCode code, Bytes body) {
    std::string_view group, client_id;
    if (!call.text("consumerGroup", group) || !call.text("clientId", client_id)) return;
    const Member* member = find_member(call.gateway, group, client_id);
    Session* client = member ? call.gateway.sessions.find(member->session) : nullptr;
    if (!client)
        return call.fail(ResponseCode::system_error,
                         fmt::format("The Consumer <{}> <{}> not online", group, client_id));
    const auto write = [&](wire::FrameWriter& request) {
        for (const std::string_view key : kRelayedFields)
            if (const wire::Field* field = call.header.find(key)) request.field(key, field->value);
        request.field("brokerName", call.gateway.options.broker_name);
        request.body().append(body);
    };
    const auto done = [asker = Asker(call),
                       who = fmt::format("<{}> <{}>", group, client_id)](const Answer* answer) {
        if (answer)
            asker.answer(ResponseCode{answer->code}, answer->remark, answer->body);
        else
            asker.answer(ResponseCode::consume_msg_timeout,
                         fmt::format("consumer {} Timeout: it did not answer in time, or left", who), {});
    };
    if (!call.gateway.relay.ask(call.gateway, *client, code, write, done))
        call.fail(ResponseCode::system_busy, "too many questions wait for clients, try again later");
}

/// Offsets of all members, gathered until the last has answered.
struct Gathering {
    std::map<std::string, wire::QueueOffsets> clients;
    std::size_t missing = 0;
};

}  // namespace

void ask_running_info(Call& call) {
    relay_to_client(call, RequestCode::get_consumer_running_info, call.body);
}

void consume_directly(Call& call) {
    std::string_view text;
    if (!call.text("msgId", text)) return;
    const auto id = wire::parse_offset_message_id(text);
    if (!id)
        return call.fail(
            ResponseCode::system_error,
            fmt::format("{} is no offset message id; take the one that queryMsgById shows", text));
    const auto message = copy_message(call.gateway, call.session, place_of(id->physical_offset));
    if (!message)
        return call.park_or_fail(message.error(), ResponseCode::system_error, message.error().message);
    relay_to_client(call, RequestCode::consume_message_directly, as_bytes(*message));
}

void ask_consumer_status(Call& call) {
    std::string_view topic, group;
    if (!call.text("topic", topic) || !call.text("group", group)) return;
    const std::string_view only = call.header.text("clientAddr");
    const ConsumerGroup* consumers = call.gateway.clients.consumers(group);
    if (!consumers)
        return call.fail(ResponseCode::system_error,
                         fmt::format("No Any Consumer online in the consumer group: [{}]", group));

    const auto gathering = std::make_shared<Gathering>();
    const Asker asker(call);
    const auto finish = [asker, gathering] {
        Buffer body;
        wire::write_consumer_status(body, gathering->clients);
        asker.answer(ResponseCode::success, {}, body.view());
    };
    for (const Member& member : consumers->members) {
        Session* client = call.gateway.sessions.find(member.session);
        if (!client || (!only.empty() && only != member.client_id)) continue;
        const auto write = [&](wire::FrameWriter& request) {
            request.field("topic", topic);
            request.field("group", group);
        };
        const auto done = [gathering, finish, id = member.client_id](const Answer* answer) {
            if (answer && answer->code == 0)
                if (auto offsets = wire::parse_consumer_status(answer->body))
                    gathering->clients[id] = std::move(*offsets);
            if (--gathering->missing == 0) finish();
        };
        if (call.gateway.relay.ask(call.gateway, *client, RequestCode::get_consumer_status_from_client, write,
                                   done))
            ++gathering->missing;
    }
    if (gathering->missing == 0) finish();
}

}  // namespace posthorn::gateway::remoting
