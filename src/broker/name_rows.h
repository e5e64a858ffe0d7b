#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/group.h"
#include "model/ids.h"
#include "model/topic.h"

namespace posthorn::broker {

/// What stands in the definitions for the engine's own names: a kind, a name, and a text, which is JSON
/// (docs/formats/meta.md). Texts that cannot be read are Errc::damaged.
namespace name_rows {

inline constexpr std::string_view topic_kind = "topic", group_kind = "group", queue_kind = "queue",
                                  setting_kind = "setting", numbers_kind = "ids";

std::string write(const model::Topic& topic);
std::string write(const model::Group& group);
std::string write_queue(model::QueueId queue);
Result<model::Topic> read_topic(std::string_view name, std::string_view text);
Result<model::Group> read_group(std::string_view name, std::string_view text);
Result<model::QueueId> read_queue(std::string_view text);

struct Setting {
    std::string space, key, value;
};
std::string setting_name(std::string_view space, std::string_view key);
std::string write_setting(std::string_view space, std::string_view key, std::string_view value);
Result<Setting> read_setting(std::string_view text);

/// From which numbers on none was ever given. The row `reserved` says so, and `burst` too, when more were
/// needed at once than were reserved: of the two the higher numbers count.
struct Numbers {
    std::uint32_t topic = 0, group = 0, queue = 0;
    std::uint64_t version = 0;
};
inline constexpr std::string_view reserved_name = "next", burst_name = "burst";
std::string write(const Numbers& numbers);
Result<Numbers> read_numbers(std::string_view text);

}  // namespace name_rows
}  // namespace posthorn::broker
