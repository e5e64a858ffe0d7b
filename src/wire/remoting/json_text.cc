#include "json_text.h"

#include "text_scan.h"

namespace posthorn::wire::remoting {
namespace {

void append_escape(Buffer& out, char c) {
    constexpr char kHex[] = "0123456789abcdef";
    switch (c) {
        case '"':
            return out.append("\\\"");
        case '\\':
            return out.append("\\\\");
        case '\n':
            return out.append("\\n");
        case '\r':
            return out.append("\\r");
        case '\t':
            return out.append("\\t");
        default: {
            const auto byte = static_cast<unsigned char>(c);
            const char escape[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
            return out.append(std::string_view(escape, sizeof escape));
        }
    }
}

}  // namespace

void append_json_escaped(Buffer& out, std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (true) {
        const char* stop = find_unescaped(at, end);
        out.append(std::string_view(at, static_cast<std::size_t>(stop - at)));
        if (stop == end) return;
        append_escape(out, *stop);
        at = stop + 1;
    }
}

}  // namespace posthorn::wire::remoting
