#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "call.h"
#include "gateway/remoting/server.h"

namespace posthorn::gateway::remoting {

/// The counts of one request code, kept by whoever answers.
struct CodeStats : RequestCounts {
    void took(std::int64_t ns);
};

using Handler = void (*)(Call&);

/// Finds the handler of a request code in a table that reads as a list (dispatcher.cc); every other code is
/// answered 3, not supported, by its name.
class Dispatcher {
  public:
    Dispatcher();
    /// `send` is what the header of a send says, when that is known already.
    void dispatch(Gateway& gateway, Session& session, const wire::Header& header, const wire::Frame& frame,
                  const wire::SendRequest* send = nullptr);
    /// A parked call once more. True when it waits again.
    bool run_again(Gateway& gateway, Session& session, const wire::Header& header, const wire::Frame& frame,
                   ParkedCalls::Parked& parked);
    void each(const std::function<void(const RequestCounts&)>& visit) const;

  private:
    static constexpr std::size_t kCodes = 512;  // the largest code we serve is below
    std::array<std::uint8_t, kCodes> index_{};  // into the table, 0 for none
    std::vector<CodeStats> stats_;              // beside the table; [0] counts what is not supported
};

}  // namespace posthorn::gateway::remoting
