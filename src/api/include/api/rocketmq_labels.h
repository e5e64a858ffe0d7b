#pragma once

#include <string_view>

namespace posthorn::api {

// Values of labels as RocketMQ 5 gives them.

inline std::string_view true_false(bool value) {
    return value ? "true" : "false";
}
inline bool is_retry_topic(std::string_view topic) {
    return topic.starts_with("%RETRY%");
}
/// Topics and groups the original makes for itself.
bool is_system_topic(std::string_view topic);
bool is_system_group(std::string_view group);

}  // namespace posthorn::api
