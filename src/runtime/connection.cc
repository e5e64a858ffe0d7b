#include "runtime/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "address.h"
#include "buffers.h"
#include "connection_inline.h"
#include "runtime/connections.h"
#include "tls_stream.h"

namespace posthorn::runtime {

const char* name(CloseReason reason) {
    switch (reason) {
        case CloseReason::peer_closed:
            return "peer_closed";
        case CloseReason::failed:
            return "failed";
        case CloseReason::tls_failed:
            return "tls_failed";
        case CloseReason::idle:
            return "idle";
        case CloseReason::input_overflow:
            return "input_overflow";
        case CloseReason::output_overflow:
            return "output_overflow";
        case CloseReason::handler:
            return "handler";
        case CloseReason::shutdown:
            return "shutdown";
    }
    panic("a close reason that does not exist");
}

Connection::Connection(Connections& owner, std::uint64_t id, int descriptor, std::string peer,
                       std::unique_ptr<ConnectionHandler> handler, bool connecting)
    : owner_(owner),
      handler_(std::move(handler)),
      peer_(std::move(peer)),
      id_(id),
      idle_ms_(owner.options_.idle_timeout.count()),
      descriptor_(descriptor),
      connecting_(connecting) {
    touch();
    interest_ = connecting ? EPOLLOUT : EPOLLIN;
    owner_.loop_.watch(descriptor_, interest_, *this);
}

Connection::~Connection() {
    POSTHORN_CHECK(closed(), "a connection is destroyed while open");
}

void Connection::set_idle_timeout(std::chrono::milliseconds timeout) {
    idle_ms_ = timeout.count();
    owner_.note_idle(idle_ms_);
}

void Connection::on_ready(std::uint32_t events) {
    if (connecting_) return finish_connect();
    if (events & EPOLLOUT) {
        blocked_ = false;
        mark_dirty();
    }
    if (wants_input() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return receive();
    if (events & (EPOLLHUP | EPOLLERR)) {
        const int error = socket_error(descriptor_);
        if (error != 0)
            close(CloseReason::failed, std::strerror(error));
        else
            close(CloseReason::peer_closed);
    }
}

void Connection::finish_connect() {
    if (const int error = socket_error(descriptor_); error != 0)
        return close(CloseReason::failed, std::strerror(error));
    connecting_ = false;
    touch();
    update_interest();
    handler_->on_open(*this);
}

std::string Connection::local() const {
    return local_of(descriptor_);
}

// Input

void Connection::receive() {
    const std::size_t left = in_.size() <= small_input ? receive_small() : receive_large();
    if (!closed() && left > owner_.options_.input_limit) close(CloseReason::input_overflow);
    if (tls_) end_as_peer_did();
}

/// Returns how much input is left unconsumed.
std::size_t Connection::receive_small() {
    std::byte* scratch = owner_.scratch_.data();
    const std::size_t kept = in_.size();
    if (kept > 0) std::memcpy(scratch, in_.data(), kept);
    const std::size_t n = receive_into(scratch + kept);
    if (n == 0) return kept;
    const Bytes data(scratch, kept + n);
    const std::size_t consumed = offer(data);
    if (closed()) return 0;
    if (consumed == data.size()) {
        if (in_.capacity() > 0) in_.release();
        return 0;
    }
    in_.clear();
    in_.append(data.subspan(consumed));
    return in_.size();
}

std::size_t Connection::receive_large() {
    const std::size_t kept = in_.size();
    std::byte* tail = in_.extend(input_room());
    const std::size_t n = receive_into(tail);
    in_.resize(kept + n);
    if (n == 0 || closed()) return in_.size();
    keep_input(offer(in_.view()));
    return in_.size();
}

/// One recv of the tick's share; zero when nothing came or the connection ended.
std::size_t Connection::receive_into(std::byte* into) {
    return tls_ ? receive_sealed(into) : receive_from_socket(into);
}

/// What `receive_into` may give at most.
std::size_t Connection::input_room() const {
    return owner_.options_.input_share + (tls_ ? tls_record_size : 0);
}

std::size_t Connection::receive_from_socket(std::byte* into) {
    const ssize_t n = ::recv(descriptor_, into, owner_.options_.input_share, 0);
    ++owner_.stats_.receives;
    if (n > 0) {
        touch();
        owner_.stats_.bytes_in += static_cast<std::uint64_t>(n);
        return static_cast<std::size_t>(n);
    }
    if (n == 0)
        close(CloseReason::peer_closed);
    else if (errno != EAGAIN && errno != EINTR)
        close(CloseReason::failed, std::strerror(errno));
    return 0;
}

std::size_t Connection::offer(Bytes data) {
    const std::size_t consumed = handler_->on_data(*this, data);
    POSTHORN_CHECK(consumed <= data.size(), "a handler consumed more than there was");
    return consumed;
}

void Connection::offer_again() {
    offering_ = false;
    if (closed() || !wants_input() || in_.empty()) return;
    keep_input(offer(in_.view()));
    if (tls_) end_as_peer_did();
}

void Connection::keep_input(std::size_t consumed) {
    if (closed() || consumed == 0) return;
    const std::size_t left = in_.size() - consumed;
    if (left == 0) return in_.release();
    std::memmove(in_.data(), in_.data() + consumed, left);
    in_.resize(left);
}

void Connection::pause_reading() {
    paused_ = true;
    if (!closed()) update_interest();
}

void Connection::resume_reading() {
    paused_ = false;
    if (closed()) return;
    update_interest();
    // Even if nothing is kept now: within on_data what the handler is about to leave is not known yet.
    if (offering_) return;
    offering_ = true;
    owner_.offers_.push_back(this);
    owner_.settle_again();
}

void Connection::close_when_sent() {
    if (closed() || closing_) return;
    closing_ = true;
    update_interest();
    mark_dirty();
}

void Connection::close(CloseReason reason, std::string_view text) {
    if (closed()) return;
    if (shaking_hands_) owner_.end_handshake(*this, false);
    owner_.loop_.unwatch(descriptor_, *this);
    ::close(std::exchange(descriptor_, -1));
    close_reason_ = reason;
    close_text_ = text;
    // The input stays: close may come from within on_data, whose bytes lie there.
    owner_.give_buffer(out_);
    sent_ = 0;
    borrowed_.clear();
    borrowed_bytes_ = 0;
    ++owner_.stats_.closed[static_cast<std::size_t>(reason)];
    owner_.finished_.push_back(this);
    owner_.settle_again();
}

}  // namespace posthorn::runtime
