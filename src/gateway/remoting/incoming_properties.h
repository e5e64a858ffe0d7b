#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/remoting/options.h"

namespace posthorn::gateway::remoting {

/// What the broker reads in a message's properties on its way in, and how they are stored: one walk for both.
/// Views into the list.
struct IncomingProperties {
    std::string_view tags;
    std::string_view unique_key;
    std::string_view cluster;
    bool wait = true;          ///< the sender wants to know that it is kept (WAIT)
    bool transaction = false;  ///< TRAN_MSG=true
    std::int32_t delay_level = 0;
    // Of 5.x clients, from the strongest; a level is stronger than all of them.
    std::optional<std::int64_t> delay_s;     ///< TIMER_DELAY_SEC
    std::optional<std::int64_t> delay_ms;    ///< TIMER_DELAY_MS
    std::optional<std::int64_t> deliver_ms;  ///< TIMER_DELIVER_MS: wall time

    /// `stored` is what it was made to be: the list without WAIT=true, which every Java client sends and
    /// nobody reads again (WAIT=false travels, as in the original), and without DELAY (a message that waited
    /// must not wait again when it is handed on), ending with a separator unless empty. Errc::invalid names
    /// the property whose value is no number.
    static Result<IncomingProperties> read(std::string_view list, Buffer& stored);

    /// When to deliver, as wall time; 0 at once. A level beyond the last is the last, as in the original.
    std::int64_t due_ms(std::int64_t wall_ms, const DelayLevels& levels) const;
};

}  // namespace posthorn::gateway::remoting
