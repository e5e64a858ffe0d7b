#include "model/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace posthorn::model {
namespace {

/// Bytes of the UTF-8 character at the start of `text`; 0 if there is none.
std::size_t character_bytes(std::string_view text) {
    const auto byte = [&](std::size_t n) { return static_cast<unsigned char>(text[n]); };
    const unsigned char lead = byte(0);
    const std::size_t size = lead < 0x80                    ? 1
                             : lead >= 0xC2 && lead <= 0xDF ? 2
                             : (lead & 0xF0) == 0xE0        ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
    if (size == 0 || size > text.size()) return 0;
    for (std::size_t n = 1; n < size; ++n)
        if ((byte(n) & 0xC0) != 0x80) return 0;
    if (size < 3) return size;
    // No longer form than needed, no half of a UTF-16 pair, nothing past the last character.
    const unsigned char second = byte(1);
    const bool legal = !(lead == 0xE0 && second < 0xA0) && !(lead == 0xED && second > 0x9F) &&
                       !(lead == 0xF0 && second < 0x90) && !(lead == 0xF4 && second > 0x8F);
    return legal ? size : 0;
}

void write_text(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const auto lead = static_cast<unsigned char>(text.front());
        const std::size_t size = character_bytes(text);
        if (size == 0) {
            out += "\\ufffd";
        } else if (lead == '"' || lead == '\\') {
            out += '\\';
            out += text.front();
        } else if (lead < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", lead);
            out += escaped;
        } else {
            out += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    out += '"';
}

void write_number(std::string& out, double number) {
    if (!std::isfinite(number)) {  // JSON has no such numbers
        out += "null";
        return;
    }
    char text[40];
    const auto end = std::to_chars(text, text + sizeof text, number).ptr;
    out.append(text, end);
    if (std::string_view(text, static_cast<std::size_t>(end - text)).find_first_of(".e") ==
        std::string_view::npos)
        out += ".0";
}

void write(std::string& out, const Value& value);

void write(std::string& out, const Arguments& arguments) {
    out += '{';
    for (const auto& [name, value] : arguments) {
        if (out.back() != '{') out += ',';
        write_text(out, name);
        out += ':';
        write(out, value);
    }
    out += '}';
}

struct Writer {
    std::string& out;
    void operator()(std::monostate) { out += "null"; }
    void operator()(bool flag) { out += flag ? "true" : "false"; }
    void operator()(std::int64_t number) { out += std::to_string(number); }
    void operator()(double number) { write_number(out, number); }
    void operator()(const std::string& text) { write_text(out, text); }
    void operator()(Timestamp time) { out += "{\"timestamp\":" + std::to_string(time.seconds) + "}"; }
    void operator()(const Array& array) {
        out += '[';
        for (const Value& value : array) {
            if (&value != &array.front()) out += ',';
            write(out, value);
        }
        out += ']';
    }
    void operator()(const Arguments& table) { write(out, table); }
};

void write(std::string& out, const Value& value) {
    std::visit(Writer{out}, value.held);
}

}  // namespace

Arguments::Arguments(std::initializer_list<std::pair<std::string, Value>> entries) : entries_(entries) {}

const Value* Arguments::find(std::string_view name) const {
    for (const auto& [key, value] : entries_)
        if (key == name) return &value;
    return nullptr;
}

void Arguments::set(std::string_view name, Value value) {
    for (auto& [key, old] : entries_)
        if (key == name) {
            old = std::move(value);
            return;
        }
    entries_.emplace_back(std::string(name), std::move(value));
}

bool Arguments::erase(std::string_view name) {
    return std::erase_if(entries_, [&](const auto& entry) { return entry.first == name; }) > 0;
}

bool Arguments::operator==(const Arguments& other) const {
    const auto within = [](const Arguments& some, const Arguments& all) {
        return std::all_of(some.begin(), some.end(), [&](const auto& entry) {
            const Value* mine = some.find(entry.first);
            const Value* theirs = all.find(entry.first);
            return theirs && *mine == *theirs;
        });
    };
    return within(*this, other) && within(other, *this);
}

bool Value::operator==(const Value& other) const {
    return held == other.held;
}

std::string to_json(const Arguments& arguments) {
    std::string out;
    write(out, arguments);
    return out;
}

}  // namespace posthorn::model
