#include "json_writer.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string>

namespace posthorn::wire::remoting {

void JsonWriter::separate() {
    if (comma_) out_.append(",");
    comma_ = false;
}

void JsonWriter::open(std::string_view bracket) {
    separate();
    out_.append(bracket);
}

void JsonWriter::close(std::string_view bracket) {
    out_.append(bracket);
    comma_ = true;
}

void JsonWriter::plain(std::string_view text) {
    separate();
    out_.append(text);
    comma_ = true;
}

void JsonWriter::key(std::string_view name) {
    value(name);
    out_.append(":");
    comma_ = false;
}

void JsonWriter::key(const MessageQueue& queue) {
    value(queue);
    out_.append(":");
    comma_ = false;
}

void JsonWriter::value(std::string_view text) {
    separate();
    out_.append("\"");
    append_json_escaped(out_, text);
    out_.append("\"");
    comma_ = true;
}

void JsonWriter::value(std::int64_t number) {
    char digits[20];
    plain({digits,
           static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, number).ptr - digits)});
}

/// With a fraction, as Java writes doubles. JSON knows no infinity and no NaN; a rate that is one says
/// nothing.
void JsonWriter::value(double number) {
    std::string text = fmt::format("{}", std::isfinite(number) ? number : 0.0);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    plain(text);
}

void JsonWriter::value(const MessageQueue& queue) {
    begin_object();
    member("brokerName", queue.broker_name);
    member("queueId", queue.queue_id);
    member("topic", queue.topic);
    end_object();
}

}  // namespace posthorn::wire::remoting
