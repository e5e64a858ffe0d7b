#include "wire/remoting/host.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace posthorn::wire::remoting {

Host Host::plain() const {
    constexpr std::array<std::byte, 12> kMapped = {
        {{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{0xFF}, std::byte{0xFF}}};
    if (!v6 || std::memcmp(address.data(), kMapped.data(), kMapped.size()) != 0) return *this;
    Host host;
    std::copy_n(address.begin() + 12, 4, host.address.begin());
    host.port = port;
    return host;
}

bool Host::operator==(const Host& other) const {
    return v6 == other.v6 && port == other.port &&
           std::equal(address.begin(), address.begin() + address_size(), other.address.begin());
}

Host host_v4(std::uint32_t address, std::uint32_t port) {
    Host host;
    store_be(host.address.data(), address);
    host.port = port;
    return host;
}

std::optional<Host> parse_host(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    Host host;
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), host.port);
    if (error != std::errc() || end != port.data() + port.size() || host.port > 65535) return std::nullopt;

    std::string address(text.substr(0, colon));
    host.v6 = address.size() > 2 && address.front() == '[' && address.back() == ']';
    if (host.v6) address = address.substr(1, address.size() - 2);
    if (inet_pton(host.v6 ? AF_INET6 : AF_INET, address.c_str(), host.address.data()) != 1)
        return std::nullopt;
    return host;
}

std::string to_string(const Host& host) {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(host.v6 ? AF_INET6 : AF_INET, host.address.data(), text, sizeof text);
    return host.v6 ? fmt::format("[{}]:{}", text, host.port) : fmt::format("{}:{}", text, host.port);
}

Host read_host(const std::byte* from, bool v6) {
    Host host;
    host.v6 = v6;
    std::memcpy(host.address.data(), from, host.address_size());
    host.port = load_be<std::uint32_t>(from + host.address_size());
    return host;
}

}  // namespace posthorn::wire::remoting
