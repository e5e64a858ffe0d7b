#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::model {

/// A regular expression as users of RabbitMQ write them in policies and permissions (Perl's language), found
/// anywhere in a name unless it says `^` and `$`. The work of one match is bounded (a millisecond or so): an
/// expression that would take for ever matches nothing. May be shared by copies, which know of each other's
/// giving up.
class Pattern {
  public:
    /// Invalid: says where and why.
    [[nodiscard]] static Result<Pattern> compile(std::string_view text);

    bool found_in(std::string_view name) const;
    /// Some match took too long. Who asks for many names stops here, or waits as many milliseconds.
    bool gave_up() const;
    const std::string& text() const { return text_; }

  private:
    struct Code;
    Pattern(std::string text, std::shared_ptr<const Code> code);

    std::string text_;
    std::shared_ptr<const Code> code_;
};

}  // namespace posthorn::model
