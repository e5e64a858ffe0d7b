#include "http/path.h"

#include <algorithm>
#include <cctype>

namespace posthorn::http {
namespace {

bool is_parameter(const std::string& segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

}  // namespace

std::vector<std::string> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const auto segment = path.substr(0, path.find('/'));
        segments.emplace_back(segment);
        path.remove_prefix(segment.size());
    }
    return segments;
}

std::optional<NamedValues> match(const std::vector<std::string>& pattern,
                                 const std::vector<std::string>& path) {
    if (pattern.size() != path.size()) return {};
    for (std::size_t i = 0; i < path.size(); ++i)
        if (is_parameter(pattern[i]) ? path[i].empty() : pattern[i] != path[i]) return {};
    NamedValues parameters;
    for (std::size_t i = 0; i < path.size(); ++i)
        if (is_parameter(pattern[i]))
            parameters.emplace_back(pattern[i].substr(1, pattern[i].size() - 2), decode(path[i]));
    return parameters;
}

bool well_escaped(std::string_view text) {
    const auto hex = [&](std::size_t at) {
        return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at]));
    };
    for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1))
        if (!hex(at + 1) || !hex(at + 2)) return false;
    return true;
}

}  // namespace posthorn::http
