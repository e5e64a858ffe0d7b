#include "wire/remoting/send_request.h"

#include <fmt/format.h>

#include <array>

namespace posthorn::wire::remoting {
namespace {

/// In the order of the letters: names[0] is what `a` stands for.
constexpr std::array<std::string_view, 14> kNames = {
    "producerGroup", "topic", "defaultTopic", "defaultTopicQueueNums", "queueId",  "sysFlag",
    "bornTimestamp", "flag",  "properties",   "reconsumeTimes",        "unitMode", "maxReconsumeTimes",
    "batch",         "bname"};

/// What a send cannot do without: a, b, e, f, g, h. (c and d are only for topics not made yet.)
constexpr unsigned kRequired = 1u << 0 | 1u << 1 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7;

bool has_letters(std::int32_t code) {
    const auto request = static_cast<RequestCode>(code);
    return request != RequestCode::send_message && request != RequestCode::send_reply_message;
}

std::size_t index_of(std::string_view key, bool letters) {
    if (letters) return key.size() == 1 ? static_cast<std::size_t>(key[0] - 'a') : kNames.size();
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (kNames[i] == key) return i;
    return kNames.size();
}

/// False when the text is no number. An empty one counts as not sent.
template <class T>
bool take(Parsed<T> parsed, T& into) {
    if (parsed.ok()) into = parsed.value;
    return !parsed.malformed();
}

/// Five of a send's seven numbers have one digit.
inline bool take_number(std::string_view text, std::int32_t& into) {
    if (text.size() != 1 || text[0] < '0' || text[0] > '9') return take(parse_int32(text), into);
    into = text[0] - '0';
    return true;
}

inline bool take_field(SendRequest& request, std::size_t index, std::string_view value) {
    switch (index) {
        case 0:
            request.producer_group = value;
            return true;
        case 1:
            request.topic = value;
            return true;
        case 2:
            request.default_topic = value;
            return true;
        case 3:
            return take_number(value, request.default_topic_queues);
        case 4:
            return take_number(value, request.queue_id);
        case 5:
            return take_number(value, request.sys_flag);
        case 6:
            return take(parse_int64(value), request.born_ms);
        case 7:
            return take_number(value, request.flag);
        case 8:
            request.properties = value;
            return true;
        case 9:
            return take_number(value, request.reconsume_times);
        case 10:
            return take(parse_bool(value), request.unit_mode);
        case 11:
            return take_number(value, request.max_reconsume_times.emplace(0));
        case 12:
            return take(parse_bool(value), request.batch);
        case 13:
            request.broker_name = value;
            return true;
        default:
            return true;
    }
}

}  // namespace

Result<SendRequest> read_send_request(const Header& header) {
    const bool letters = has_letters(header.code);
    SendRequest request;
    unsigned seen = 0;
    for (const Field& field : header.fields()) {
        const std::size_t index = index_of(field.key, letters);
        if (index >= kNames.size() || field.value.empty()) continue;
        seen |= 1u << index;
        if (!take_field(request, index, field.value))
            return Error{Errc::invalid,
                         fmt::format("send header field {} ({}) = \"{}\" is not a number in range", field.key,
                                     kNames[index], field.value.substr(0, 64))};
    }
    if (const unsigned missing = kRequired & ~seen; missing != 0) [[unlikely]]
        return Error{Errc::invalid, fmt::format("send header field {} is missing",
                                                kNames[static_cast<std::size_t>(__builtin_ctz(missing))])};
    if (static_cast<RequestCode>(header.code) == RequestCode::send_batch_message) request.batch = true;
    return request;
}

void write_send_request(FrameWriter& writer, const SendRequest& request, bool letters) {
    constexpr std::string_view kLetters = "abcdefghijklmn";
    const auto key = [&](std::size_t index) { return letters ? kLetters.substr(index, 1) : kNames[index]; };
    writer.field(key(0), request.producer_group);
    writer.field(key(1), request.topic);
    writer.field(key(2), request.default_topic);
    writer.field(key(3), request.default_topic_queues);
    writer.field(key(4), request.queue_id);
    writer.field(key(5), request.sys_flag);
    writer.field(key(6), request.born_ms);
    writer.field(key(7), request.flag);
    writer.field(key(8), request.properties);
    writer.field(key(9), request.reconsume_times);
    writer.field(key(10), request.unit_mode);
    if (request.max_reconsume_times) writer.field(key(11), *request.max_reconsume_times);
    writer.field(key(12), request.batch);
    if (!request.broker_name.empty()) writer.field(key(13), request.broker_name);
}

}  // namespace posthorn::wire::remoting
