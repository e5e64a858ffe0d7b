#include "perhaps_meant.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace posthorn::server {
namespace {

/// Longer ones are no slip of the fingers, and comparing them takes its time.
constexpr std::size_t longest_word = 100;

/// Letters to insert, remove or change to make one of the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t corner = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j)
            corner =
                std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, corner + (a[i] != b[j])}));
    }
    return row.back();
}

}  // namespace

std::string perhaps_meant(std::string_view word, std::span<const std::string> known) {
    if (word.size() > longest_word) return {};
    std::string_view nearest;
    std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string& name : known)
        if (const std::size_t between = distance(word, name); between < least)
            least = between, nearest = name;
    return nearest.empty() ? std::string() : fmt::format("; is '{}' meant?", nearest);
}

}  // namespace posthorn::server
