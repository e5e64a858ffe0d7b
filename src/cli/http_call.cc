#include "http_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "tcp_link.h"

namespace posthorn::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};

class HttpLink final : public TcpLink {
  public:
    static Result<HttpLink> open(const std::string& address) {
        auto link = connect(address, kPatience);
        if (!link) return link.error();
        return HttpLink(std::move(*link));
    }
    std::string_view text() const { return as_text(input()); }

  private:
    explicit HttpLink(TcpLink&& link) : TcpLink(std::move(link)) {}
};

/// Nothing while it is not whole. Of the headers only the length counts.
std::optional<HttpAnswer> whole_answer(std::string_view text) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    HttpAnswer answer;
    std::size_t length = 0;
    const std::string_view head = text.substr(0, end + 2);
    const auto number_behind = [&](std::size_t at, auto& number) {
        if (at != std::string_view::npos)
            std::from_chars(head.data() + at, head.data() + head.size(), number);
    };
    const std::size_t status = head.find(' ');
    number_behind(status == std::string_view::npos ? status : status + 1, answer.status);
    std::string lower(head);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    constexpr std::string_view name = "\r\ncontent-length: ";
    const std::size_t at = lower.find(name);
    number_behind(at == std::string::npos ? std::string_view::npos : at + name.size(), length);
    if (text.size() < end + 4 + length) return std::nullopt;
    answer.body = text.substr(end + 4, length);
    return answer;
}

}  // namespace

std::string base64(std::string_view text) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += 3) {
        std::uint32_t bits = 0;
        for (std::size_t n = 0; n < 3; ++n)
            bits = bits << 8 | (at + n < text.size() ? static_cast<unsigned char>(text[at + n]) : 0u);
        for (std::size_t n = 0; n < 4; ++n)
            out += at + n <= text.size() ? letters[bits >> (18 - 6 * n) & 63] : '=';
    }
    return out;
}

Result<HttpAnswer> http_call(const std::string& address, std::string_view verb, std::string_view path,
                             std::string_view login, std::string_view body) {
    auto link = HttpLink::open(address);
    if (!link) return link.error();
    link->out().append(std::string_view(fmt::format(
        "{} {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {}\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
        verb, path, address, base64(login), body.size(), body)));
    if (auto sent = link->write_all(kPatience); !sent) return sent.error();
    const std::int64_t deadline = steady_now() + std::chrono::nanoseconds(kPatience).count();
    while (steady_now() < deadline) {
        if (auto answer = whole_answer(link->text())) return *std::move(answer);
        if (auto got = link->read_some(kPatience); !got) return got.error();
    }
    return Error{Errc::io, fmt::format("{} does not answer", address)};
}

}  // namespace posthorn::cli
