#include "held_replies.h"

#include <fmt/format.h>

#include "channel.h"
#include "gateway.h"
#include "refusal.h"
#include "session.h"

namespace posthorn::gateway::amqp {

void HeldReplies::hold(Channel& channel, wire::MethodCode method, Buffer& out, std::size_t from,
                       std::uint64_t change) {
    Held& held = held_.emplace_back();
    held.change = change;
    held.channel = channel.handle();
    held.method = method;
    held.frame.append(out.view().subspan(from));
    out.resize(from);
}

void HeldReplies::release(Gateway& gateway) {
    const broker::Catalog& catalog = gateway.broker.catalog();
    const Error* failing = catalog.failing();
    for (; !held_.empty(); held_.pop_front()) {
        const Held& first = held_.front();
        const bool durable = catalog.durable(first.change);
        if (!durable && !failing) return;
        Channel* const channel = gateway.channels.find(first.channel);
        if (!channel || channel->closing()) continue;
        if (durable) {
            channel->answer_held(first.frame.view());
            continue;
        }
        Refusal refusal = refused({failing->code, fmt::format("it is done in memory, but the disk does not "
                                                              "take it: {}",
                                                              failing->message)});
        refusal->method = first.method;
        channel->session().refuse(*channel, std::move(refusal));
    }
}

}  // namespace posthorn::gateway::amqp
