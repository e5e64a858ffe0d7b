#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace posthorn::wire::remoting {

/// A message's properties: name \x01 value \x02, again and again; the last \x02 may be missing (4.9 clients
/// leave it out).
inline constexpr char kPropertyName = '\x01';  ///< stands behind a name
inline constexpr char kPropertyEnd = '\x02';   ///< stands behind a value
inline constexpr std::size_t kMaxProperties = 32'767;

/// Names of RocketMQ's own properties that a broker reads or writes.
namespace property {
inline constexpr std::string_view keys = "KEYS";
inline constexpr std::string_view tags = "TAGS";
inline constexpr std::string_view wait = "WAIT";
inline constexpr std::string_view delay = "DELAY";
inline constexpr std::string_view unique_key = "UNIQ_KEY";
inline constexpr std::string_view retry_topic = "RETRY_TOPIC";
inline constexpr std::string_view real_topic = "REAL_TOPIC";
inline constexpr std::string_view real_queue = "REAL_QID";
inline constexpr std::string_view transaction_prepared = "TRAN_MSG";
inline constexpr std::string_view producer_group = "PGROUP";
inline constexpr std::string_view min_offset = "MIN_OFFSET";
inline constexpr std::string_view max_offset = "MAX_OFFSET";
inline constexpr std::string_view origin_message_id = "ORIGIN_MESSAGE_ID";
inline constexpr std::string_view reconsume_time = "RECONSUME_TIME";
inline constexpr std::string_view max_reconsume_times = "MAX_RECONSUME_TIMES";
inline constexpr std::string_view region = "MSG_REGION";
inline constexpr std::string_view trace_on = "TRACE_ON";
inline constexpr std::string_view cluster = "CLUSTER";
inline constexpr std::string_view inner_number = "INNER_NUM";
inline constexpr std::string_view message_type = "MSG_TYPE";
inline constexpr std::string_view sharding_key = "__SHARDINGKEY";
inline constexpr std::string_view timer_delay_s = "TIMER_DELAY_SEC";
inline constexpr std::string_view timer_delay_ms = "TIMER_DELAY_MS";
inline constexpr std::string_view timer_deliver_ms = "TIMER_DELIVER_MS";
inline constexpr std::string_view dlq_origin_topic = "DLQ_ORIGIN_TOPIC";
inline constexpr std::string_view dlq_origin_message_id = "DLQ_ORIGIN_MESSAGE_ID";
}  // namespace property

struct Property {
    std::string_view name;
    std::string_view value;
};

/// Walks through a list; items without a name separator are passed over, as clients do.
///
///     PropertyCursor cursor(text);
///     for (Property property; cursor.next(property);) ...
class PropertyCursor {
  public:
    explicit PropertyCursor(std::string_view list) : begin_(list.data()), rest_(list) {}
    bool next(Property& property);

  private:
    const char* begin_;
    std::string_view rest_;
};

/// Of a name that stands there twice the last counts. Several names at once are cheaper with a cursor.
std::optional<std::string_view> find_property(std::string_view list, std::string_view name);

/// Appends one property with its end mark. `out` must be empty or end with that mark.
void append_property(Buffer& out, std::string_view name, std::string_view value);

/// Appends to `out` the whole list with `name` set to `value` (moved to the end), or without `name`. What is
/// appended ends with \x02, and holds no malformed items. `list` must not lie in `out`.
void append_with(Buffer& out, std::string_view list, std::string_view name, std::string_view value);
void append_without(Buffer& out, std::string_view list, std::string_view name);

/// A name or value with a separator in it would turn into other properties.
bool valid_property_text(std::string_view text);

}  // namespace posthorn::wire::remoting
