#include "tcp_link.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

namespace posthorn::cli {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;

Error io_error(std::string_view what, int number) {
    return {Errc::io, fmt::format("{}: {}", what, std::strerror(number))};
}

timeval to_timeval(std::chrono::milliseconds time) {
    return {time.count() / 1000, (time.count() % 1000) * 1000};
}

}  // namespace

std::int64_t steady_now() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Result<TcpLink> TcpLink::connect(const std::string& address, std::chrono::milliseconds timeout) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos)
        return Error{Errc::invalid, fmt::format("'{}' is no HOST:PORT address", address)};
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string host = address.substr(0, colon);
    if (const int failed = getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found);
        failed != 0)
        return Error{Errc::invalid, fmt::format("{}: {}", address, gai_strerror(failed))};
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);

    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return io_error("socket", errno);
    TcpLink link(fd);
    // Linux bounds connect by the send timeout.
    const timeval limit = to_timeval(timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(fd, found->ai_addr, found->ai_addrlen) != 0) return io_error(address, errno);
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return link;
}

TcpLink::TcpLink(TcpLink&& other) noexcept {
    *this = std::move(other);
}

TcpLink& TcpLink::operator=(TcpLink&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(out_, other.out_);
    std::swap(written_, other.written_);
    std::swap(input_, other.input_);
    std::swap(taken_, other.taken_);
    std::swap(receive_timeout_, other.receive_timeout_);
    return *this;
}

TcpLink::~TcpLink() {
    if (fd_ >= 0) ::close(fd_);
}

Result<bool> TcpLink::wait(short events, std::chrono::milliseconds timeout) {
    pollfd ready{fd_, events, 0};
    const int count = poll(&ready, 1, static_cast<int>(timeout.count()));
    if (count < 0 && errno != EINTR) return io_error("poll", errno);
    return count > 0;
}

Result<void> TcpLink::write_some() {
    while (unsent()) {
        const ssize_t sent =
            send(fd_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) return {};
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return io_error("send", errno);
        written_ += static_cast<std::size_t>(sent);
    }
    out_.clear();
    written_ = 0;
    return {};
}

Result<void> TcpLink::write_all(std::chrono::milliseconds timeout) {
    const std::int64_t deadline = steady_now() + timeout.count() * 1'000'000;
    while (true) {
        if (auto done = write_some(); !done) return done;
        if (!unsent()) return {};
        if (steady_now() > deadline) return Error{Errc::io, "the server takes no more bytes"};
        if (auto ready = wait(POLLIN | POLLOUT, std::chrono::milliseconds(100)); !ready) return ready.error();
        if (auto got = read_some({}); !got) return got.error();
    }
}

Result<std::size_t> TcpLink::read_some(std::chrono::milliseconds timeout) {
    // The kernel's own timeout: one call per answer where poll() and recv() would be two.
    if (timeout.count() != 0 && timeout != receive_timeout_) {
        const timeval limit = to_timeval(timeout);
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        receive_timeout_ = timeout;
    }
    const std::size_t before = input_.size();
    std::byte* to = input_.extend(kReadSize);
    ssize_t got = 0;
    do
        got = recv(fd_, to, kReadSize, timeout.count() == 0 ? MSG_DONTWAIT : 0);
    while (got < 0 && errno == EINTR);
    const int why = errno;
    input_.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return Error{Errc::io, "the server closed the connection"};
    if (why != EAGAIN) return io_error("recv", why);
    return std::size_t{0};
}

void TcpLink::forget_taken() {
    const std::size_t rest = input_.size() - taken_;
    if (rest > 0 && taken_ > 0) std::memmove(input_.data(), input_.data() + taken_, rest);
    input_.resize(rest);
    taken_ = 0;
}

}  // namespace posthorn::cli
