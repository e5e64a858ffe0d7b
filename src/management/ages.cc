#include "ages.h"

#include <fmt/format.h>

#include <charconv>

namespace posthorn::management {
namespace {

/// So many points at most, as in the original.
constexpr std::int64_t points_max = 500;

std::optional<std::int64_t> number(const std::string& text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Result<std::optional<Rates::Span>> span_of(const http::Request& request, const std::string& what) {
    const auto age = number(request.query(what + "_age")), incr = number(request.query(what + "_incr"));
    if (!age || !incr) return std::optional<Rates::Span>();
    if (*age <= 0 || *incr <= 0 || *age > INT32_MAX || *age / *incr > points_max)
        return Error{Errc::invalid, fmt::format("Invalid range parameters: age {}, incr {}", *age, *incr)};
    return std::optional(Rates::Span{*age * 1'000, *incr * 1'000});
}

}  // namespace

Result<Ages> ages_of(const http::Request& request) {
    Ages ages;
    for (const auto& [what, into] :
         {std::pair{"lengths", &ages.lengths}, std::pair{"msg_rates", &ages.msg_rates},
          std::pair{"data_rates", &ages.data_rates}}) {
        auto span = span_of(request, what);
        if (!span) return span.error();
        *into = *span;
    }
    return ages;
}

}  // namespace posthorn::management
