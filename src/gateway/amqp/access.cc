#include "access.h"

#include <fmt/core.h>

namespace posthorn::gateway::amqp {

namespace {

/// The default exchange has a name where permissions are concerned.
constexpr std::string_view kDefaultExchange = "amq.default";

}  // namespace

void Access::enter(std::string_view user, std::string_view virtual_host) {
    user_ = user, virtual_host_ = virtual_host;
    known_ = oldest_ = 0;
}

bool Access::may(auth::Right right, std::string_view name) {
    if (answers_version_ != users_.version()) {
        answers_version_ = users_.version();
        known_ = oldest_ = 0;
    }
    for (std::size_t n = 0; n < known_; ++n)
        if (answers_[n].right == right && answers_[n].name == name) return answers_[n].allowed;
    const bool allowed = users_.may(user_, virtual_host_, right, name);
    Answer& answer = known_ < answers_.size() ? answers_[known_++] : answers_[oldest_++ % answers_.size()];
    answer.right = right, answer.allowed = allowed;
    answer.name.assign(name);
    return allowed;
}

Refusal Access::on(std::string_view kind, auth::Right right, std::string_view name) {
    const bool unnamed = kind == "exchange" && name.empty();
    if (may(right, unnamed ? kDefaultExchange : name)) return {};
    return refuse(wire::ReplyCode::access_refused,
                  fmt::format("access to {} '{}' in vhost '{}' refused for user '{}'", kind,
                              unnamed ? kDefaultExchange : name, virtual_host_, user_));
}

Refusal Access::on_topic(auth::Right right, std::string_view exchange, std::string_view key) const {
    if (users_.may_topic(user_, virtual_host_, exchange, right, key)) return {};
    return refuse(wire::ReplyCode::access_refused,
                  fmt::format("access to topic '{}' in exchange '{}' in vhost '{}' refused for user '{}'",
                              key, exchange, virtual_host_, user_));
}

}  // namespace posthorn::gateway::amqp
