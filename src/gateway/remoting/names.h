#pragma once

#include <string>
#include <string_view>

#include "broker/broker.h"
#include "wire/remoting/codes.h"

namespace posthorn::wire::remoting {}

namespace posthorn::gateway::remoting {

namespace wire = posthorn::wire::remoting;
using wire::RequestCode;
using wire::ResponseCode;

/// Payloads in the layout of wire/remoting/message.h.
inline constexpr store::Format kRemotingFormat{1};

inline constexpr std::string_view kRetryPrefix = "%RETRY%";
inline constexpr std::string_view kDeadLetterPrefix = "%DLQ%";
inline constexpr std::string_view kTemplateTopic = "TBW102";  ///< what unknown topics are created from
inline constexpr std::string_view kSelfTestTopic = "SELF_TEST_TOPIC";
inline constexpr std::string_view kBenchmarkTopic = "BenchmarkTest";
inline constexpr std::string_view kOffsetMovedTopic = "OFFSET_MOVED_EVENT";
inline constexpr std::string_view kScheduleTopic = "SCHEDULE_TOPIC_XXXX";
inline constexpr std::string_view kTraceTopic = "RMQ_SYS_TRACE_TOPIC";
inline constexpr std::string_view kHalfTopic = "RMQ_SYS_TRANS_HALF_TOPIC";
inline constexpr std::string_view kHalfOpTopic = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
inline constexpr std::string_view kCheckMaxTopic = "TRANS_CHECK_MAX_TIME_TOPIC";

inline constexpr std::size_t kTopicLengthMax = 127;
inline constexpr std::size_t kGroupLengthMax = 255;  // 4.9 checks 255 on clients, 120 on newer ones

inline constexpr std::size_t kClientIdLengthMax = 1024;  // address@instance; the original has no limit

std::string retry_topic(std::string_view group);
std::string dead_letter_topic(std::string_view group);

/// Topics of the original's own that no producer may write to.
bool reserved(std::string_view topic);

/// Why this cannot be the name of a topic a client sends to or a tool makes; empty if it can.
std::string_view topic_name_fault(std::string_view topic);

/// The one place that turns our reasons into RocketMQ's codes.
ResponseCode response_code(Errc reason);

/// What a message is searched by: its topic and the client's own id of it.
std::uint64_t message_key(std::string_view topic, std::string_view unique_key);

/// A physical offset as clients see it: a place in the stream log, or, with bit 62 set, in the queue log,
/// where delayed messages wait.
struct Place {
    store::Position position;
    bool delayed = false;
};
std::int64_t physical_offset(Place place);
Place place_of(std::int64_t physical_offset);

}  // namespace posthorn::gateway::remoting
