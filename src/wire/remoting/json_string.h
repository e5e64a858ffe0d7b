#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "text_scan.h"

namespace posthorn::wire::remoting {

/// Reads the strings of one JSON text. Those without an escape are views into the text, the others are
/// written out in scratch memory, which must be left alone as long as the views are used. More lenient than
/// JSON: takes control characters as they are, and an escape nobody knows as the character behind it.
class JsonStrings {
  public:
    JsonStrings(std::string_view text, Buffer& scratch)
        : begin_(text.data()), end_(text.data() + text.size()), scratch_(scratch) {}

    /// `at` stands behind an opening quote, and then behind the closing one; or, when the string has a fault,
    /// where that is.
    bool read(const char*& at, std::string_view& string) {
        const char* const to = find_quote(at, end_);
        if (to == end_ || *to == '\\') [[unlikely]]
            return read_escaped(at, string);
        string = {at, static_cast<std::size_t>(to - at)};
        at = to + 1;
        return true;
    }
    /// Valid after `read` said no.
    const char* problem() const { return problem_; }

  private:
    bool read_escaped(const char*& at, std::string_view& string);
    bool unescape(const char*& at, char*& to);
    bool hex4(const char*& at, unsigned& unit);
    bool fail(const char* problem) {
        problem_ = problem;
        return false;
    }

    const char* begin_;
    const char* end_;
    Buffer& scratch_;
    char* scratch_at_ = nullptr;
    const char* problem_ = "";
};

}  // namespace posthorn::wire::remoting
