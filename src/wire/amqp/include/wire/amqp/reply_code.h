#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthorn::wire::amqp {

/// Why a channel or connection is closed, or a message returned (AMQP 0-9-1, 1.2 and RabbitMQ's use of it).
/// A number that is not listed is still a valid value of the type; its name is empty.
enum class ReplyCode : std::uint16_t {
    success = 200,
    content_too_large = 311,
    no_route = 312,
    no_consumers = 313,
    connection_forced = 320,
    invalid_path = 402,
    access_refused = 403,
    not_found = 404,
    resource_locked = 405,
    precondition_failed = 406,
    frame_error = 501,
    syntax_error = 502,
    command_invalid = 503,
    channel_error = 504,
    unexpected_frame = 505,
    resource_error = 506,
    not_allowed = 530,
    not_implemented = 540,
    internal_error = 541,
};

/// As in reply texts: "NOT_FOUND".
std::string_view name(ReplyCode code);

/// True for the hard errors (320, 402 and from 501 on): the connection closes, not the channel alone.
bool closes_connection(ReplyCode code);

/// "NOT_FOUND - no queue 'q' in vhost '/'", the form clients match on; the name alone when there is no detail
/// (returns). At most 255 bytes, cut as RabbitMQ cuts ("..." at the end).
std::string reply_text(ReplyCode code, std::string_view detail);

}  // namespace posthorn::wire::amqp
