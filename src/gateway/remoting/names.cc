#include "names.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "model/topic.h"

namespace posthorn::gateway::remoting {

std::string retry_topic(std::string_view group) {
    std::string topic(kRetryPrefix);
    return topic.append(group);
}

std::string dead_letter_topic(std::string_view group) {
    std::string topic(kDeadLetterPrefix);
    return topic.append(group);
}

bool reserved(std::string_view topic) {
    static constexpr std::array names{kScheduleTopic, kHalfTopic,     kHalfOpTopic,
                                      kCheckMaxTopic, kSelfTestTopic, kOffsetMovedTopic};
    return std::find(names.begin(), names.end(), topic) != names.end();
}

std::string_view topic_name_fault(std::string_view topic) {
    if (topic.find_first_not_of(" \t\r\n") == std::string_view::npos) return "The specified topic is blank.";
    if (!model::legal_name(topic))
        return "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$";
    if (topic.size() > kTopicLengthMax) return "The specified topic is longer than topic max length 127.";
    return {};
}

ResponseCode response_code(Errc reason) {
    switch (reason) {
        case Errc::invalid:
            return ResponseCode::invalid_parameter;
        case Errc::not_found:
            return ResponseCode::query_not_found;
        case Errc::exists:
            return ResponseCode::system_error;
        case Errc::denied:
            return ResponseCode::no_permission;
        case Errc::full:
            return ResponseCode::system_busy;
        case Errc::no_space:
            return ResponseCode::service_not_available;
        case Errc::read_only:
            return ResponseCode::service_not_available;
        case Errc::io:
            return ResponseCode::system_error;
        case Errc::damaged:
            return ResponseCode::system_error;
        case Errc::unsupported:
            return ResponseCode::request_code_not_supported;
        case Errc::busy:
        case Errc::loading:
            return ResponseCode::system_busy;
    }
    return ResponseCode::system_error;
}

std::uint64_t message_key(std::string_view topic, std::string_view unique_key) {
    // A client may put anything into its id; what does not fit here is found by its first part.
    std::array<char, 256> text;
    topic = topic.substr(0, kTopicLengthMax);
    unique_key = unique_key.substr(0, text.size() - topic.size() - 1);
    std::memcpy(text.data(), topic.data(), topic.size());
    text[topic.size()] = '#';
    std::memcpy(text.data() + topic.size() + 1, unique_key.data(), unique_key.size());
    return store::key_hash({text.data(), topic.size() + 1 + unique_key.size()});
}

namespace {
constexpr std::uint64_t kDelayedBit = std::uint64_t{1} << 62;
}

std::int64_t physical_offset(Place place) {
    return static_cast<std::int64_t>(place.position.value() | (place.delayed ? kDelayedBit : 0));
}

Place place_of(std::int64_t physical_offset) {
    const auto bits = static_cast<std::uint64_t>(physical_offset);
    return {store::Position(bits & ~kDelayedBit), (bits & kDelayedBit) != 0};
}

}  // namespace posthorn::gateway::remoting
