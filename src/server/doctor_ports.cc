#include <arpa/inet.h>
#include <fmt/core.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "doctor.h"

namespace posthorn::server {
namespace {

namespace fs = std::filesystem;

struct Door {
    std::string_view setting;
    std::uint16_t port;
};

std::vector<Door> doors(const Config& config) {
    std::vector<Door> all;
#if POSTHORN_WITH_REMOTING
    all = {{"ports.name_service", config.remoting.name_service_port},
           {"ports.broker", config.remoting.broker_port}};
    if (config.remoting.vip) all.push_back({"ports.vip", config.remoting.vip_port});
#endif
#if POSTHORN_WITH_AMQP
    if (config.amqp_enabled) all.push_back({"ports.amqp", config.amqp.port});
    if (with_tls(config)) all.push_back({"ports.amqps", config.amqp.tls_port});
#endif
    if (config.http_enabled) all.push_back({"ports.http", config.http.port});
    return all;
}

/// 0, or why the address and port cannot be listened on.
int listen_error(const std::string& address, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return EINVAL;
    const int probe = ::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
    const int yes = 1;
    (void)::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const bool well =
        probe >= 0 && ::bind(probe, found->ai_addr, found->ai_addrlen) == 0 && ::listen(probe, 1) == 0;
    const int error = well ? 0 : errno;
    if (probe >= 0) ::close(probe);
    ::freeaddrinfo(found);
    return error;
}

/// Sockets of /proc/net/tcp that listen on the port, by inode.
std::set<std::string> listeners(std::uint16_t port) {
    std::set<std::string> inodes;
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(table);
        std::string line;
        std::getline(file, line);
        while (std::getline(file, line)) {
            std::istringstream words(line);
            std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
            words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >>
                inode;
            if (state == "0A" && local.ends_with(fmt::format(":{:04X}", port))) inodes.insert(inode);
        }
    }
    return inodes;
}

bool holds_one_of(const fs::path& process, const std::set<std::string>& inodes) {
    std::error_code trouble;
    for (fs::directory_iterator at(process / "fd", trouble), end; !trouble && at != end;
         at.increment(trouble)) {
        std::error_code unreadable;
        const std::string target = fs::read_symlink(at->path(), unreadable).string();
        constexpr std::string_view begin = "socket:[";
        if (target.starts_with(begin) &&
            inodes.contains(target.substr(begin.size(), target.size() - begin.size() - 1)))
            return true;
    }
    return false;
}

/// Who listens there, as far as we may know: "process 17 (java)".
std::string holder(std::uint16_t port) {
    const auto inodes = listeners(port);
    std::error_code trouble;
    for (fs::directory_iterator at("/proc", trouble), end; !inodes.empty() && !trouble && at != end;
         at.increment(trouble)) {
        const std::string id = at->path().filename().string();
        if (id.find_first_not_of("0123456789") != std::string::npos || !holds_one_of(at->path(), inodes))
            continue;
        std::string program;
        std::getline(std::ifstream(at->path() / "comm"), program);
        return fmt::format("process {} ({})", id, program);
    }
    return "another program";
}

Finding examine(const Config& config, const Door& door) {
    const std::string check(door.setting), place = fmt::format("{}:{}", config.bind_address, door.port);
    if (door.port == 0) return {Verdict::good, check, "any free port", {}};
    const int error = listen_error(config.bind_address, door.port);
    if (error == 0) return {Verdict::good, check, place + " is free", {}};
    std::string flag = fmt::format("--{}", check);
    std::replace(flag.begin() + 2, flag.end(), '.', '-');
    std::replace(flag.begin() + 2, flag.end(), '_', '-');
    if (error == EADDRINUSE)
        return {Verdict::bad, check, fmt::format("{} is taken by {}", place, holder(door.port)),
                fmt::format("stop it, or choose another port with {} (if it is the Posthorn you mean, all is "
                            "well)",
                            flag)};
    if (error == EACCES)
        return {Verdict::bad, check, place + " may not be opened by this user",
                fmt::format("ports below 1024 belong to root; choose another with {}", flag)};
    return {Verdict::bad, check, fmt::format("{} cannot be opened: {}", place, std::strerror(error)),
            "network.bind is an address of this machine, 127.0.0.1, or 0.0.0.0 for all of them"};
}

void examine_reach(const Config& config, Findings& findings) {
    const bool loopback = config.bind_address.starts_with("127.") || config.bind_address == "::1";
    if (loopback)
        findings.push_back({Verdict::good, "network.bind", "only programs on this machine can connect", {}});
    else
        findings.push_back(
            {Verdict::warning, "network.bind",
             fmt::format("{} is open to the network, and only AMQP asks for a password", config.bind_address),
             "put a firewall in front, or bind to 127.0.0.1"});
}

}  // namespace

void examine_ports(const Config& config, Findings& findings) {
    examine_reach(config, findings);
    std::set<std::uint16_t> seen;
    for (const Door& door : doors(config)) {
        if (door.port != 0 && !seen.insert(door.port).second)
            findings.push_back({Verdict::bad, std::string(door.setting),
                                fmt::format("{} is given to two doors", door.port),
                                "give each its own port"});
        else
            findings.push_back(examine(config, door));
    }
}

}  // namespace posthorn::server
