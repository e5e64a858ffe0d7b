#include <algorithm>

#include "call.h"
#include "gateway.h"
#include "handlers.h"
#include "peek.h"
#include "wire/remoting/message.h"
#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {

namespace {

constexpr std::size_t kFoundMax = 64;  // the original's default for one query

/// The hash may collide: what is handed out is checked against what was asked.
bool is_the_one(std::string_view bytes, std::string_view topic, std::string_view id) {
    const auto message = wire::decode_stored(as_bytes(bytes));
    if (!message || message->topic != topic) return false;
    return wire::find_property(message->properties, wire::property::unique_key) == id;
}

}  // namespace

void view_message(Call& call) {
    std::int64_t offset = 0;
    if (!call.number("offset", offset)) return;
    const auto message = copy_message(call.gateway, call.session, place_of(offset));
    if (!message)
        return call.park_or_fail(
            message.error(), ResponseCode::system_error,
            fmt::format("can not find message by the offset, {}: {}", offset, message.error().message));
    auto writer = call.reply();
    writer.body().append(*message);
    if (const auto done = writer.finish(); !done) call.fail(done.error());
}

void query_message(Call& call) {
    std::string_view topic, key;
    std::int32_t most = 0;
    if (!call.text("topic", topic) || !call.text("key", key) || !call.number("maxNum", most)) return;
    Gateway& gateway = call.gateway;
    std::string found;
    std::size_t count = 0;
    bool loading = false;
    for (const store::Position position :
         gateway.broker.positions_by_key(message_key(topic, key), kFoundMax)) {
        const auto message = copy_message(gateway, call.session, {position, false});
        if (!message && message.error().code == Errc::loading) loading = true;
        if (!message || !is_the_one(*message, topic, key)) continue;
        found += *message;
        if (++count >= static_cast<std::size_t>(std::clamp<std::int32_t>(most, 1, kFoundMax))) break;
    }
    if (loading && call.park()) return;
    if (found.empty())
        return call.fail(ResponseCode::query_not_found,
                         "can not find message, maybe time range not correct; this broker finds messages by "
                         "their unique id, not yet by their KEYS");
    auto writer = call.reply();
    writer.field("indexLastUpdateTimestamp", gateway.broker.now().wall_ms);
    writer.field("indexLastUpdatePhyoffset", gateway.broker.stream_log().end().value());
    writer.body().append(found);
    if (const auto done = writer.finish(); !done) call.fail(done.error());
}

}  // namespace posthorn::gateway::remoting
