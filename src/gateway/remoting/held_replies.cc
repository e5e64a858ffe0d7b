#include "held_replies.h"

#include <fmt/format.h>

#include "gateway.h"
#include "wire/remoting/frame_writer.h"

namespace posthorn::gateway::remoting {

void HeldReplies::hold(Session& session, std::size_t from, wire::ReplyTo reply, std::uint64_t change) {
    Buffer& out = session.out();
    if (out.size() <= from) return;  // one-way, or answered later
    Held& held = held_.emplace_back();
    held.change = change;
    held.session = session.handle();
    held.reply = reply;
    held.frame.append(out.view().subspan(from));
    out.resize(from);
}

void HeldReplies::release(Gateway& gateway) {
    const Error* failing = gateway.catalog().failing();
    for (; !held_.empty(); held_.pop_front()) {
        Held& first = held_.front();
        const bool durable = gateway.catalog().durable(first.change);
        if (!durable && !failing) return;
        Session* session = gateway.sessions.find(first.session);
        if (!session) continue;
        if (durable)
            session->out().append(first.frame.view());
        else
            (void)wire::FrameWriter::response(
                session->out(), first.reply, ResponseCode::service_not_available,
                fmt::format("it is done in memory, but the disk does not take it: {}", failing->message))
                .finish();
    }
}

}  // namespace posthorn::gateway::remoting
