#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace posthorn {

/// A number with a meaning of its own: a queue offset is not a log position is not a group id. Conversion to
/// the plain number is explicit (`value()`), differences and steps are the only arithmetic.
template <class Tag, class Rep = std::uint64_t>
class Strong {
  public:
    using rep = Rep;

    constexpr Strong() = default;
    constexpr explicit Strong(Rep value) : value_(value) {}

    constexpr Rep value() const { return value_; }
    constexpr auto operator<=>(const Strong&) const = default;

    constexpr Strong& operator++() {
        ++value_;
        return *this;
    }
    constexpr Strong operator+(Rep step) const { return Strong(static_cast<Rep>(value_ + step)); }
    constexpr Rep operator-(Strong other) const { return static_cast<Rep>(value_ - other.value_); }

  private:
    Rep value_{};
};

}  // namespace posthorn

template <class Tag, class Rep>
struct std::hash<posthorn::Strong<Tag, Rep>> {
    std::size_t operator()(posthorn::Strong<Tag, Rep> id) const noexcept {
        return std::hash<Rep>{}(id.value());
    }
};
