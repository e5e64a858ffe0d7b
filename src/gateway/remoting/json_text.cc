#include "json_text.h"

#include <fmt/format.h>

namespace posthorn::gateway::remoting {

std::string json_text(std::string_view text) {
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            json.append({'\\', c});
        else if (static_cast<unsigned char>(c) < 0x20)
            json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            json += c;
    }
    return json += '"';
}

std::string json_texts(const std::vector<std::string>& texts) {
    std::string json;
    for (const std::string& text : texts) {
        if (!json.empty()) json += ',';
        json += json_text(text);
    }
    return json;
}

}  // namespace posthorn::gateway::remoting
