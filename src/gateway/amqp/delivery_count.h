#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace posthorn::gateway::amqp {

/// A message's properties with the header `x-delivery-count`, as quorum queues give it: how often it was
/// delivered before. What stood under that name goes. The result lies in `out`; properties that cannot be
/// read come back as they are.
Bytes with_delivery_count(Bytes properties, std::uint16_t before, Buffer& out);

}  // namespace posthorn::gateway::amqp
