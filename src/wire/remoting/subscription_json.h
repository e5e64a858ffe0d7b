#pragma once

#include "json_reader.h"
#include "json_writer.h"
#include "wire/remoting/heartbeat.h"

namespace posthorn::wire::remoting {

SubscriptionData subscription_of(const Json& object);
void write_subscription(JsonWriter& json, const SubscriptionData& subscription);

}  // namespace posthorn::wire::remoting
