#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "names.h"
#include "wire/remoting/send_form.h"

namespace posthorn::gateway::remoting {

/// The forms of the sends that come again and again, learned from what comes. All connections share them: the
/// producers of one application write alike. A limited number, a kilobyte or three each; the oldest goes.
class SendForms {
  public:
    /// Which of the forms a connection's sends had lately, the last first; and how many had none since.
    struct Recent {
        static constexpr std::uint8_t kNone = 0xFF;
        std::array<std::uint8_t, 4> forms{kNone, kNone, kNone, kNone};
        std::uint32_t misses = 0;
    };

    /// The form of this frame, if it is among the recent ones: its header and request are read. Null
    /// otherwise.
    const wire::SendForm* recognise(Recent& recent, const wire::Frame& frame);
    /// A send had to be decoded. Some clients write their fields in another order every time: whose sends are
    /// never recognised, of those few are still looked at.
    void learn(Recent& recent, const wire::Frame& frame);

  private:
    static constexpr std::size_t kForms = 64;

    std::array<std::unique_ptr<wire::SendForm>, kForms> forms_;
    std::size_t next_ = 0;
    Buffer scratch_;
};

}  // namespace posthorn::gateway::remoting
