#include "wire/amqp/reply_code.h"

namespace posthorn::wire::amqp {

std::string_view name(ReplyCode code) {
    switch (code) {
        case ReplyCode::success:
            return "REPLY_SUCCESS";
        case ReplyCode::content_too_large:
            return "CONTENT_TOO_LARGE";
        case ReplyCode::no_route:
            return "NO_ROUTE";
        case ReplyCode::no_consumers:
            return "NO_CONSUMERS";
        case ReplyCode::connection_forced:
            return "CONNECTION_FORCED";
        case ReplyCode::invalid_path:
            return "INVALID_PATH";
        case ReplyCode::access_refused:
            return "ACCESS_REFUSED";
        case ReplyCode::not_found:
            return "NOT_FOUND";
        case ReplyCode::resource_locked:
            return "RESOURCE_LOCKED";
        case ReplyCode::precondition_failed:
            return "PRECONDITION_FAILED";
        case ReplyCode::frame_error:
            return "FRAME_ERROR";
        case ReplyCode::syntax_error:
            return "SYNTAX_ERROR";
        case ReplyCode::command_invalid:
            return "COMMAND_INVALID";
        case ReplyCode::channel_error:
            return "CHANNEL_ERROR";
        case ReplyCode::unexpected_frame:
            return "UNEXPECTED_FRAME";
        case ReplyCode::resource_error:
            return "RESOURCE_ERROR";
        case ReplyCode::not_allowed:
            return "NOT_ALLOWED";
        case ReplyCode::not_implemented:
            return "NOT_IMPLEMENTED";
        case ReplyCode::internal_error:
            return "INTERNAL_ERROR";
    }
    return {};
}

bool closes_connection(ReplyCode code) {
    return code == ReplyCode::connection_forced || code == ReplyCode::invalid_path ||
           code >= ReplyCode::frame_error;
}

std::string reply_text(ReplyCode code, std::string_view detail) {
    constexpr std::size_t kMost = 255;
    std::string text(name(code));
    if (!detail.empty()) text.append(" - ").append(detail);
    if (text.size() <= kMost) return text;
    std::size_t end = kMost - 3;
    while ((text[end] & 0xC0) == 0x80)  // not in the middle of a character
        --end;
    text.resize(end);
    return text + "...";
}

}  // namespace posthorn::wire::amqp
