#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::gateway::remoting {

/// Attributes of a topic as RocketMQ 5.x has them: kept and shown, not acted upon.
using Attributes = std::map<std::string, std::string>;

/// The change a request asks for, "+message.type=FIFO,-reserve.time": keys still with their sign. The faults
/// are the original's.
Result<Attributes> parse_attribute_change(std::string_view text);

/// What the topic has after the change. `creating`: the topic is new, so there is nothing to take away.
Result<Attributes> change_attributes(const Attributes& current, const Attributes& change, bool creating);

/// What the engine keeps of a topic for us (model::Topic::attributes): "MULTI_TAG,message.type=FIFO", empty
/// for most.
struct TopicExtras {
    bool multi_tag = false;
    Attributes attributes;

    static TopicExtras read(std::string_view kept);
    std::string kept() const;
};

}  // namespace posthorn::gateway::remoting
