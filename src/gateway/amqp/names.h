#pragma once

#include <optional>
#include <string_view>

#include "wire/amqp/violation.h"

namespace posthorn::wire::amqp {}

namespace posthorn::gateway::amqp {

namespace wire = posthorn::wire::amqp;

/// Why a method was not carried out: closes its channel or, by its code, the connection. Nothing is success.
/// Handlers leave `method` open; whoever called them knows it.
using Refusal = std::optional<wire::Violation>;

inline Refusal refuse(wire::ReplyCode code, std::string detail) {
    return wire::Violation{code, wire::MethodCode::none, std::move(detail)};
}

/// The queue that is none: direct reply-to.
inline constexpr std::string_view kReplyTo = "amq.rabbitmq.reply-to";

}  // namespace posthorn::gateway::amqp
