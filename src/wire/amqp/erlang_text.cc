#include "erlang_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace posthorn::wire::amqp {
namespace {

bool printable(std::byte byte) {
    return byte >= std::byte{' '} && byte <= std::byte{'~'};
}

}  // namespace

std::string erlang_numbers(Bytes bytes) {
    std::string text = "<<";
    for (const std::byte byte : bytes) {
        if (text.size() > 2) text += ',';
        text += fmt::to_string(std::to_integer<unsigned>(byte));
    }
    return text + ">>";
}

std::string erlang_binary(Bytes bytes) {
    if (bytes.empty() || !std::ranges::all_of(bytes, printable)) return erlang_numbers(bytes);
    std::string text = "<<\"";
    for (const char c : as_text(bytes)) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + "\">>";
}

}  // namespace posthorn::wire::amqp
