#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "json_string.h"
#include "wire/remoting/header.h"

namespace posthorn::wire::remoting {

/// Scans one JSON header into a `Header`. Not a JSON parser: it knows the one shape, passes over what it does
/// not need and takes more than JSON allows (raw control characters in strings, anything after the object).
/// Made for one header and thrown away.
class JsonHeaderScanner {
  public:
    JsonHeaderScanner(std::string_view text, Header& header, Buffer& scratch)
        : begin_(text.data()),
          at_(text.data()),
          end_(text.data() + text.size()),
          header_(header),
          strings_(text, scratch) {}

    bool scan();
    /// Valid after `scan()` said no.
    const char* problem() const { return problem_; }
    std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }

  private:
    bool member(std::string_view key);
    bool language();
    bool opaque();
    bool remark();
    bool fields();
    bool number(std::int32_t& into);
    bool plain_number(std::int32_t& into);
    bool any_number(std::int32_t& into);
    /// A string, or the text of a number, a word, an object or a list; `null` is set when it was the word
    /// null.
    bool value(std::string_view& text, bool& null);
    bool raw_value(std::string_view& text, bool& null);
    bool string(std::string_view& text);  ///< `at_` stands behind the opening quote
    bool skip_nested();

    void space();
    bool next_is(char wanted);
    bool expect(char wanted, const char* problem);
    /// After a member: goes on behind a comma, or ends behind the closing brace.
    bool another(bool& closed, const char* not_closed, const char* no_comma);
    bool fail(const char* problem) {
        problem_ = problem;
        return false;
    }

    const char* begin_;
    const char* at_;
    const char* end_;
    Header& header_;
    JsonStrings strings_;
    const char* problem_ = "";
};

}  // namespace posthorn::wire::remoting
