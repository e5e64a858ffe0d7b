#include "subscriptions.h"

namespace posthorn::gateway::remoting {
namespace {

constexpr std::size_t kLongestKept = 4096;  // bytes of text: longer ones are parsed each time

}  // namespace

Result<Filter> Subscriptions::filter(std::string_view text) {
    if (text.empty() || text == "*") return Filter();
    if (const auto found = parsed_.find(text); found != parsed_.end()) return found->second;
    auto expression = model::TagExpression::parse(text);
    if (!expression) return expression.error();
    Filter filter;
    if (!expression->everything())
        filter = std::make_shared<const model::TagExpression>(std::move(*expression));
    if (text.size() > kLongestKept) return filter;
    if (parsed_.size() >= kKept) parsed_.clear();
    parsed_.emplace(text, filter);
    return filter;
}

bool tag_type(std::string_view expression_type) {
    return expression_type.empty() || expression_type == "TAG";
}

}  // namespace posthorn::gateway::remoting
