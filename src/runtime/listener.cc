#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "address.h"
#include "base/log.h"
#include "runtime/listener.h"

namespace posthorn::runtime {

namespace {

/// New connections per tick: a storm of them must not stop those that stand.
constexpr int accepts_per_tick = 64;
/// Without descriptors or memory the waiting connection stays "ready"; trying again at once would only spin.
constexpr std::chrono::milliseconds rest_time{100};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(Connections& connections, const std::string& address,
                                                 std::uint16_t port, MakeHandler make_handler,
                                                 std::shared_ptr<const TlsContext> tls) {
    Result<int> descriptor = begin_listen(address, port);
    if (!descriptor) return descriptor.error();
    return std::unique_ptr<Listener>(new Listener(connections, *descriptor, local_port(*descriptor),
                                                  std::move(make_handler), std::move(tls)));
}

Listener::Listener(Connections& connections, int descriptor, std::uint16_t port, MakeHandler make_handler,
                   std::shared_ptr<const TlsContext> tls)
    : connections_(connections),
      descriptor_(descriptor),
      port_(port),
      make_handler_(std::move(make_handler)),
      tls_(std::move(tls)) {
    connections_.loop().watch(descriptor_, EPOLLIN, *this);
}

Listener::~Listener() {
    connections_.loop().unwatch(descriptor_, *this);
    ::close(descriptor_);
}

void Listener::on_ready(std::uint32_t) {
    for (int i = 0; i < accepts_per_tick; ++i) {
        if (tls_ && !connections_.room_for_handshake()) return rest();
        const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) {
            connections_.adopt(accepted, make_handler_(), tls_.get());
            continue;
        }
        if (errno == EAGAIN) return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return rest(errno);
        // Anything else ended that one connection before it reached us.
    }
}

void Listener::rest(int error) {
    log_warn("runtime",
             "port {}: cannot accept connections for a moment: {}; raise the limit of open files (ulimit -n)",
             port_, std::strerror(error));
    rest();
}

void Listener::rest() {
    Loop& loop = connections_.loop();
    loop.rewatch(descriptor_, 0, *this);
    resting_ = loop.after(rest_time, [this, &loop] { loop.rewatch(descriptor_, EPOLLIN, *this); });
}

}  // namespace posthorn::runtime
