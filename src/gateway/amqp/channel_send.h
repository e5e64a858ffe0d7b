#pragma once

#include "channel.h"
#include "session.h"
#include "wire/amqp/encode.h"

namespace posthorn::gateway::amqp {

template <class M>
void Channel::send(const M& method) {
    wire::append_method(session_.out(), number_, method);
}

}  // namespace posthorn::gateway::amqp
