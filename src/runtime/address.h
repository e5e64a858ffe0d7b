#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace posthorn::runtime {

// Sockets as the system sees them; connections.cc and listener.cc build on these.

/// A listening, non-blocking socket.
Result<int> begin_listen(const std::string& address, std::uint16_t port);
/// A non-blocking socket on its way to a numeric address.
Result<int> begin_connect(const std::string& address, std::uint16_t port);

/// Makes a connected socket non-blocking and switches Nagle's waiting off.
void make_ready(int descriptor);
/// Tells the peer at once that its bytes are here, instead of waiting for an answer that could say so as
/// well.
void acknowledge_now(int descriptor);
/// The pending error of a socket, or zero.
int socket_error(int descriptor);
std::uint16_t local_port(int descriptor);
/// "127.0.0.1:4711", "[::1]:4711", or "unknown".
std::string peer_of(int descriptor);
/// Our own end, in the same form.
std::string local_of(int descriptor);
std::string peer_text(const std::string& address, std::uint16_t port);

}  // namespace posthorn::runtime
