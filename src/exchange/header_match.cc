#include "header_match.h"

#include <fmt/format.h>

#include "terms.h"

namespace posthorn::exchange {
bool headers_match(const model::Arguments& binding, const HeaderSource* headers) {
    const model::Value* how = binding.find("x-match");
    const std::string mode = how && how->text() ? *how->text() : "all";
    const bool any = mode.starts_with("any"), with_x = mode.ends_with("-with-x");
    for (const auto& [name, wanted] : binding) {
        if (name == "x-match" || (!with_x && name.starts_with("x-"))) continue;
        const auto there = headers ? headers->find(name) : std::nullopt;
        const bool matches =
            there && (std::holds_alternative<std::monostate>(wanted.held) || wanted == *there);
        if (matches == any) return any;
    }
    return !any;
}

Result<void> check_x_match(const model::Arguments& binding) {
    const model::Value* how = binding.find("x-match");
    if (!how) return {};
    if (!how->text())
        return Error{Errc::invalid, fmt::format("Invalid x-match field type {} (value {}); expected longstr",
                                                type_name(*how), term(*how))};
    if (*how->text() == "all" || *how->text() == "any" || *how->text() == "all-with-x" ||
        *how->text() == "any-with-x")
        return {};
    return Error{Errc::invalid,
                 fmt::format("Invalid x-match field value <<\"{}\">>; expected all, any, all-with-x, or "
                             "any-with-x",
                             *how->text())};
}

}  // namespace posthorn::exchange
