#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "model/tag_expression.h"

namespace posthorn::gateway::remoting {

/// A filter shared by everybody who asked for the same text; null lets everything through.
using Filter = std::shared_ptr<const model::TagExpression>;

/// Parsed tag expressions by their text: pulls that carry their subscription send the same one every time.
class Subscriptions {
  public:
    Result<Filter> filter(std::string_view text);

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    static constexpr std::size_t kKept = 4096;  ///< then all are forgotten and parsed again as they come
    std::unordered_map<std::string, Filter, Hash, std::equal_to<>> parsed_;
};

/// Is this expression type a tag expression (empty counts, old clients send none)?
bool tag_type(std::string_view expression_type);

}  // namespace posthorn::gateway::remoting
