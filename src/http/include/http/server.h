#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/router.h"

namespace posthorn::http {

/// Every limit with its reason: this port serves scrapers, scripts and browsers, not message traffic.
struct ServerOptions {
    std::string address = "127.0.0.1";  ///< numeric
    std::uint16_t port = 15672;         ///< 0: any free one
    std::uint32_t header_bytes = 16 * 1024;
    std::uint32_t body_bytes = 8'000'000;  ///< as RabbitMQ's: the definitions of 30,000 queues
    std::uint32_t connections = 256;
    std::chrono::milliseconds request_timeout{
        10'000};  ///< for a first request, and for all of one that comes in
    std::chrono::milliseconds idle_timeout{60'000};   ///< between two requests
    std::chrono::milliseconds write_timeout{30'000};  ///< a reader who does not read
};

struct ServerCounters {
    std::uint64_t connections = 0;  ///< open now
    std::uint64_t requests = 0;
    std::uint64_t refused_connections = 0;
    std::uint64_t bad_requests = 0;  ///< refused before any handler saw them
};

/// HTTP/1.1 with keep-alive on a thread of its own. Handlers do not run there: `run` carries each one to
/// where the handlers' data lives (for the engine `Loop::post`), and the response comes back by itself. One
/// with a `rest` goes out in chunks, each asked for when the one before is sent; a client that takes nothing
/// for `write_timeout` is dropped.
class Server {
  public:
    using Run = std::function<void(std::function<void()>)>;

    /// Errc::busy when the port is taken.
    static Result<std::unique_ptr<Server>> listen(const ServerOptions& options, Router router, Run run);
    /// Closes every connection. Handlers already handed to `run` may still be called; their answers go
    /// nowhere.
    ~Server();

    std::uint16_t port() const;
    ServerCounters counters() const;  ///< any thread

  private:
    class Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::http
