#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "runtime/connections.h"

namespace posthorn::runtime {

/// A listening socket. Each accepted connection gets the handler that `make_handler` returns.
class Listener final : private Watcher {
  public:
    using MakeHandler = std::function<std::unique_ptr<ConnectionHandler>()>;

    /// `address` is numeric or a local name; port 0 takes a free one (`port()` says which). If the port is
    /// taken the error is Errc::busy and names it.
    /// With a context every connection begins with TLS.
    static Result<std::unique_ptr<Listener>> open(Connections& connections, const std::string& address,
                                                  std::uint16_t port, MakeHandler make_handler,
                                                  std::shared_ptr<const TlsContext> tls = nullptr);
    /// Stops accepting; accepted connections stay.
    ~Listener();

    std::uint16_t port() const { return port_; }
    /// Another certificate for those who come from now on. The listener has been opened with one.
    void set_tls(std::shared_ptr<const TlsContext> tls) { tls_ = std::move(tls); }

  private:
    Listener(Connections& connections, int descriptor, std::uint16_t port, MakeHandler make_handler,
             std::shared_ptr<const TlsContext> tls);
    void on_ready(std::uint32_t events) override;
    void rest(int error);
    void rest();

    Connections& connections_;
    int descriptor_;
    std::uint16_t port_;
    MakeHandler make_handler_;
    std::shared_ptr<const TlsContext> tls_;
    Timer resting_;
};

}  // namespace posthorn::runtime
