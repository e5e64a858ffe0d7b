#include "held_answers.h"

#include <fmt/format.h>

#include <utility>

#include "call.h"

namespace posthorn::management {

HeldAnswers::HeldAnswers(runtime::Loop& loop, const broker::Catalog& catalog)
    : catalog_(catalog), hook_(loop.on_tick_end(runtime::TickPhase::flush, [this] { release(); })) {}

void HeldAnswers::hold(std::uint64_t change, http::Response response, http::Reply reply) {
    if (catalog_.durable(change)) return reply(std::move(response));
    held_.push_back({change, std::move(response), std::move(reply)});
}

void HeldAnswers::release() {
    if (held_.empty()) return;
    const Error* const failing = catalog_.failing();
    for (Held& one : std::exchange(held_, {}))
        if (catalog_.durable(one.change))
            one.reply(std::move(one.response));
        else if (failing)
            one.reply(
                failed({failing->code, fmt::format("it is done in memory, but the disk does not take it: {}",
                                                   failing->message)}));
        else
            held_.push_back(std::move(one));
}

}  // namespace posthorn::management
