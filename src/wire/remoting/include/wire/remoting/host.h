#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace posthorn::wire::remoting {

/// An address as stored messages and offset message ids carry it: 4 or 16 address bytes in network order,
/// then the port in 4 bytes. Default: 0.0.0.0:0.
struct Host {
    std::array<std::byte, 16> address{};
    std::uint32_t port = 0;
    bool v6 = false;

    std::size_t address_size() const { return v6 ? 16 : 4; }
    std::size_t size() const { return address_size() + 4; }
    /// An IPv6 address that maps an IPv4 one becomes that one: most clients read only IPv4 hosts.
    Host plain() const;
    bool operator==(const Host& other) const;
};

Host host_v4(std::uint32_t address, std::uint32_t port);  ///< address in host order: 0x7F000001 is 127.0.0.1
/// "127.0.0.1:10911" or "[::1]:10911".
std::optional<Host> parse_host(std::string_view text);
std::string to_string(const Host& host);

/// `size()` bytes at `to`. Here because a send writes three: both kinds are copies of a known size.
inline void write_host(std::byte* to, const Host& host) {
    if (host.v6)
        std::memcpy(to, host.address.data(), 16);
    else
        std::memcpy(to, host.address.data(), 4);
    store_be(to + host.address_size(), host.port);
}
Host read_host(const std::byte* from, bool v6);

}  // namespace posthorn::wire::remoting
