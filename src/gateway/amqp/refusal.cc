#include "refusal.h"

namespace posthorn::gateway::amqp {

namespace {

wire::ReplyCode code_of(Errc code) {
    switch (code) {
        case Errc::not_found:
            return wire::ReplyCode::not_found;
        case Errc::exists:
        case Errc::invalid:
            return wire::ReplyCode::precondition_failed;
        case Errc::denied:
            return wire::ReplyCode::access_refused;
        case Errc::busy:
            return wire::ReplyCode::resource_locked;
        case Errc::unsupported:
            return wire::ReplyCode::command_invalid;
        case Errc::full:
        case Errc::no_space:
            return wire::ReplyCode::resource_error;
        case Errc::read_only:
        case Errc::io:
        case Errc::loading:  // never told to a client: who asks waits
        case Errc::damaged:
            return wire::ReplyCode::internal_error;
    }
    return wire::ReplyCode::internal_error;
}

}  // namespace

Refusal refused(const Error& error) {
    return refuse(code_of(error.code), error.message);
}

}  // namespace posthorn::gateway::amqp
