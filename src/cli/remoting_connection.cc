#include "remoting_connection.h"

#include <fmt/format.h>

#include "wire/remoting/frame_writer.h"

namespace posthorn::cli {
namespace remoting = wire::remoting;
namespace {

std::int32_t json_number(std::string_view header, std::string_view key, std::size_t* found) {
    *found = header.find(key);
    if (*found == std::string_view::npos) return 0;
    std::int32_t value = 0;
    for (std::size_t at = *found + key.size(); at < header.size(); ++at) {
        const char c = header[at];
        if (c == ' ') continue;
        if (c < '0' || c > '9') break;
        value = value * 10 + (c - '0');
    }
    return value;
}

}  // namespace

Result<RemotingConnection> RemotingConnection::open(const std::string& address,
                                                    std::chrono::milliseconds timeout) {
    auto link = connect(address, timeout);
    if (!link) return link.error();
    return RemotingConnection(std::move(*link));
}

Result<AnswerHead> peek_answer(const remoting::Frame& frame) {
    if (frame.encoding == remoting::Encoding::binary) {
        if (frame.header.size() < 13) return Error{Errc::invalid, "a binary header of less than 13 bytes"};
        return AnswerHead{load_be<std::int16_t>(frame.header.data()),
                          load_be<std::int32_t>(frame.header.data() + 5)};
    }
    // Quotes inside a JSON string are escaped, so these keys cannot stand in a remark.
    const std::string_view text = as_text(frame.header);
    std::size_t code_at = 0;
    std::size_t opaque_at = 0;
    const std::int32_t code = json_number(text, "\"code\":", &code_at);
    const std::int32_t opaque = json_number(text, "\"opaque\":", &opaque_at);
    if (code_at == std::string_view::npos || opaque_at == std::string_view::npos)
        return Error{Errc::invalid, fmt::format("an answer without code or opaque: {}", text)};
    return AnswerHead{code, opaque};
}

std::string_view Answer::text(std::string_view key) const {
    for (const auto& [name, value] : fields)
        if (name == key) return value;
    return {};
}

Result<std::int64_t> Answer::number(std::string_view key) const {
    const auto parsed = remoting::parse_int64(text(key));
    if (!parsed.ok()) return Error{Errc::invalid, fmt::format("the answer has no number '{}'", key)};
    return parsed.value;
}

Result<Answer> call(RemotingConnection& connection, remoting::RequestCode code, const Fields& fields,
                    std::string_view body, std::chrono::milliseconds timeout) {
    constexpr std::int32_t kOpaque = 7;
    auto writer = remoting::FrameWriter::request(connection.out(), remoting::Encoding::json, code, kOpaque);
    for (const auto& [key, value] : fields)
        writer.field(key, value);
    writer.body().append(body);
    if (auto done = writer.finish(); !done) return done.error();
    if (auto done = connection.write_all(timeout); !done) return done.error();

    const std::int64_t deadline = steady_now() + timeout.count() * 1'000'000;
    remoting::HeaderDecoder decoder;
    Answer answer;
    bool complete = false;
    Result<void> trouble;
    const auto keep = [&](const remoting::Frame& frame) {
        auto header = decoder.decode(frame);
        if (!header) {
            trouble = header.error();
            return;
        }
        // What a server sends of its own accord is no answer.
        if (!(*header)->is_response() || (*header)->opaque != kOpaque) return;
        answer.code = (*header)->code;
        answer.remark = (*header)->remark;
        for (const auto& field : (*header)->fields())
            answer.fields.emplace_back(field.key, field.value);
        answer.body = as_text(frame.body);
        complete = true;
    };
    while (!complete && trouble) {
        if (steady_now() > deadline)
            return Error{Errc::io, fmt::format("no answer to {} within {} ms", name(code), timeout.count())};
        auto got = connection.read_some(std::chrono::milliseconds(100));
        if (!got) return got.error();
        if (auto done = connection.take_frames(keep); !done) return done.error();
    }
    if (!trouble) return trouble.error();
    return answer;
}

}  // namespace posthorn::cli
