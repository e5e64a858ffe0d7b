#include "address.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace posthorn::runtime {

namespace {

/// More than the kernel's usual 4096 is cut to that; a smaller one would drop connections when many clients
/// come back at once.
constexpr int backlog = 4096;

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<AddressList> resolve(const std::string& address, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0)
        return Error{Errc::invalid,
                     fmt::format("{} is no address to use: {}", address, ::gai_strerror(error))};
    return AddressList(found, &::freeaddrinfo);
}

Error fail(const char* what, const std::string& address, std::uint16_t port, int error) {
    const std::string place = peer_text(address, port);
    if (error == EADDRINUSE) {
        return {Errc::busy,
                fmt::format("cannot listen on {}: port {} is in use by another program; stop it or choose "
                            "another port",
                            place, port)};
    }
    const Errc code = error == EACCES ? Errc::denied : Errc::io;
    const char* advice = error == EACCES ? "; ports below 1024 need a privilege" : "";
    return {code, fmt::format("cannot {} {}: {}{}", what, place, std::strerror(error), advice)};
}

std::string text_of(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        return fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
    }
    return "unknown";
}

}  // namespace

Result<int> begin_listen(const std::string& address, std::uint16_t port) {
    Result<AddressList> found = resolve(address, port, AI_PASSIVE);
    if (!found) return found.error();
    const addrinfo& where = **found;
    const int descriptor = ::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return fail("open a socket for", address, port, errno);
    const int on = 1;
    // A port that is only waiting out old connections may be taken again at once.
    if (::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        ::bind(descriptor, where.ai_addr, where.ai_addrlen) == 0 && ::listen(descriptor, backlog) == 0)
        return descriptor;
    const int error = errno;
    ::close(descriptor);
    return fail("listen on", address, port, error);
}

Result<int> begin_connect(const std::string& address, std::uint16_t port) {
    Result<AddressList> found = resolve(address, port, AI_NUMERICHOST);
    if (!found) return found.error();
    const addrinfo& where = **found;
    const int descriptor = ::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return fail("open a socket for", address, port, errno);
    make_ready(descriptor);
    if (::connect(descriptor, where.ai_addr, where.ai_addrlen) == 0 || errno == EINPROGRESS)
        return descriptor;
    const int error = errno;
    ::close(descriptor);
    return fail("connect to", address, port, error);
}

void make_ready(int descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    if ((flags & O_NONBLOCK) == 0) ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
    // Fails on sockets that are not TCP (a socket pair in a test), which have no Nagle either.
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void acknowledge_now(int descriptor) {
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

int socket_error(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

std::uint16_t local_port(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string peer_of(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
    return text_of(address);
}

std::string local_of(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
    return text_of(address);
}

std::string peer_text(const std::string& address, std::uint16_t port) {
    const bool v6 = address.find(':') != std::string::npos;
    return v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

}  // namespace posthorn::runtime
