#include "http/message.h"

#include <fmt/core.h>

#include <cctype>

namespace posthorn::http {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string_view find(const NamedValues& values, std::string_view name) {
    for (const auto& [key, value] : values)
        if (key == name) return value;
    return {};
}

}  // namespace

const char* name(Verb verb) {
    switch (verb) {
        case Verb::get:
            return "GET";
        case Verb::head:
            return "HEAD";
        case Verb::post:
            return "POST";
        case Verb::put:
            return "PUT";
        case Verb::patch:
            return "PATCH";
        case Verb::del:
            return "DELETE";
        case Verb::other:
            break;
    }
    return "?";
}

std::string_view Request::path() const {
    return std::string_view(target).substr(0, target.find('?'));
}

std::string Request::query(std::string_view name, std::string_view otherwise) const {
    const auto mark = target.find('?');
    std::string_view rest = mark == std::string::npos ? std::string_view() : std::string_view(target);
    rest.remove_prefix(rest.empty() ? 0 : mark + 1);
    while (!rest.empty()) {
        const auto pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const auto equals = pair.find('=');
        if (decode(pair.substr(0, equals), true) != name) continue;
        return equals == std::string_view::npos ? std::string() : decode(pair.substr(equals + 1), true);
    }
    return std::string(otherwise);
}

std::string_view Request::header(std::string_view name) const {
    return find(headers, name);
}

std::string_view Request::parameter(std::string_view name) const {
    return find(parameters, name);
}

Response Response::failure(unsigned status, std::string_view error, std::string_view reason) {
    Response response;
    response.status = status;
    response.body = fmt::format("{{\"error\":{},\"reason\":{}}}\n", json_quoted(error), json_quoted(reason));
    return response;
}

std::string encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 128 && std::isalnum(byte)) || std::string_view("-._~").find(c) != std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", byte);
    }
    return out;
}

std::string decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::string json_quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (c == '\n')
            out += "\\n";
        else if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out += c;
    }
    return out += '"';
}

}  // namespace posthorn::http
