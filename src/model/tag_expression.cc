#include "model/tag_expression.h"

#include <algorithm>

namespace posthorn::model {
namespace {

constexpr std::size_t max_tags = 1024;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// One code point of UTF-8, advancing `at`; a broken byte counts as U+FFFD, as Java's decoder reads it.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80) return lead;
    const int more = lead >= 0xF0 && lead < 0xF8   ? 3
                     : lead >= 0xE0 && lead < 0xF0 ? 2
                     : lead >= 0xC2 && lead < 0xE0 ? 1
                                                   : 0;
    if (more == 0 || at + static_cast<std::size_t>(more) > text.size()) return 0xFFFD;
    std::uint32_t point = lead & (0x3Fu >> more);
    for (int i = 0; i < more; ++i) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if ((byte & 0xC0) != 0x80) return 0xFFFD;
        point = (point << 6) | (byte & 0x3Fu);
        ++at;
    }
    return point;
}

}  // namespace

std::int32_t tag_hash(std::string_view utf8) {
    std::uint32_t hash = 0;
    for (std::size_t at = 0; at < utf8.size();) {
        const std::uint32_t point = next_code_point(utf8, at);
        if (point >= 0x10000) {
            hash = hash * 31 + (0xD800 + ((point - 0x10000) >> 10));
            hash = hash * 31 + (0xDC00 + ((point - 0x10000) & 0x3FF));
        } else {
            hash = hash * 31 + point;
        }
    }
    return static_cast<std::int32_t>(hash);
}

Result<TagExpression> TagExpression::parse(std::string_view text) {
    TagExpression expression;
    text = trimmed(text);
    if (text.empty() || text == "*") return expression;
    expression.text_ = text;
    while (!text.empty()) {
        const std::size_t bar = text.find("||");
        const std::string_view tag = trimmed(text.substr(0, bar));
        text = bar == std::string_view::npos ? std::string_view() : text.substr(bar + 2);
        if (tag.empty()) continue;
        expression.tags_.emplace_back(tag);
        expression.hashes_.push_back(tag_hash(tag));
    }
    if (expression.tags_.empty())
        return Error{Errc::invalid, "subscription expression names no tag; write `*` or `TagA || TagB`"};
    if (expression.tags_.size() > max_tags)
        return Error{Errc::invalid, "subscription expression names more than 1024 tags"};
    std::sort(expression.hashes_.begin(), expression.hashes_.end());
    return expression;
}

bool TagExpression::matches(std::int32_t hash) const {
    if (hashes_.empty()) return true;
    if (hashes_.size() == 1) return hashes_.front() == hash;
    return std::binary_search(hashes_.begin(), hashes_.end(), hash);
}

}  // namespace posthorn::model
