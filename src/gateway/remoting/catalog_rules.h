#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/group.h"
#include "names.h"
#include "session.h"

namespace posthorn::gateway::remoting {

/// How topics and groups come to be without anybody making them: the original's rules.

/// The topics and groups every broker of the original has.
Result<void> put_system_names(Gateway& gateway);
bool system_topic(const Gateway& gateway, std::string_view topic);
/// All names `system_topic` says yes to.
std::vector<std::string> system_topics(const Gateway& gateway);
/// Groups of tools and of the original itself; made even when groups are not made automatically.
bool system_group(std::string_view group);

/// A topic that is first sent to is made after its template (TBW102, if the producer names no other): as many
/// queues as the producer wants but not more than the template has, if the template may be inherited.
/// Null when the rules say no.
Result<const model::Topic*> create_for_send(Gateway& gateway, std::string_view topic,
                                            std::string_view default_topic, std::int32_t wanted_queues);
/// A group's retry or dead letter topic.
Result<const model::Topic*> create_for_group(Gateway& gateway, std::string_view topic, std::uint32_t queues);

/// A group that was deleted without its offsets, as the original does by default: it stays in the catalog
/// under this mark, so that it goes on where it was when it comes back, and is shown to nobody meanwhile.
inline constexpr std::string_view kDeletedGroup = "deleted";
inline bool deleted(const model::Group& group) {
    return group.attributes == kDeletedGroup;
}

/// The group, made when it is not there and may be (Errc::not_found otherwise, also for a name no group may
/// have: the original answers that with "does not exist", too).
Result<const model::Group*> find_or_create_group(Gateway& gateway, Session& session, std::string_view group);

}  // namespace posthorn::gateway::remoting
