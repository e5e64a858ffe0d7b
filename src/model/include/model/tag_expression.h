#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::model {

/// The hash by which a message's tag is found without reading the message. It is java.lang.String.hashCode
/// over UTF-16 units, because RocketMQ clients compute it too and send it in subscriptions.
std::int32_t tag_hash(std::string_view utf8);

/// `*`, empty, or `A || B || C`. Matches by hash only: like the original broker, a rare collision is let
/// through and the client's exact comparison drops it.
class TagExpression {
  public:
    TagExpression() = default;  ///< matches everything
    [[nodiscard]] static Result<TagExpression> parse(std::string_view text);

    bool everything() const { return hashes_.empty(); }
    bool matches(std::int32_t hash) const;
    const std::vector<std::string>& tags() const { return tags_; }
    const std::string& text() const { return text_; }

  private:
    std::string text_ = "*";
    std::vector<std::string> tags_;
    std::vector<std::int32_t> hashes_;  // sorted
};

}  // namespace posthorn::model
