#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "buffers.h"
#include "connection_inline.h"
#include "runtime/connections.h"
#include "tls_stream.h"

// The sending half of a connection.

namespace posthorn::runtime {

namespace {

/// Pieces in one sendmsg (Linux allows 1024).
constexpr std::size_t pieces_per_send = 512;

}  // namespace

Buffer& Connection::out() {
    if (closed()) return out_;
    if (out_.capacity() == 0) out_ = owner_.take_buffer();
    mark_dirty();
    return out_;
}

void Connection::out_borrowed(Bytes bytes) {
    if (closed() || bytes.empty()) return;
    borrowed_.push_back({out_.size(), bytes});
    borrowed_bytes_ += bytes.size();
    mark_dirty();
}

bool Connection::congested() const {
    return congested_ || closed() || unsent() > owner_.options_.output_high;
}

void Connection::mark_dirty() {
    if (dirty_) return;
    dirty_ = true;
    owner_.dirty_.push_back(this);
    owner_.flush_again();
}

void Connection::flush() {
    dirty_ = false;
    if (closed()) return;
    const ConnectionOptions& options = owner_.options_;
    // Decided before sending: whoever saw congested() during the tick relies on on_writable.
    if (unsent() > options.output_high) congested_ = true;
    keep_unsent(blocked_ || connecting_ ? 0 : tls_ ? send_sealed() : send_now());
    if (closed()) return;
    if (all_sent())
        output_sent();
    else
        blocked_ = open() || (tls_ && tls_->unsent() > 0);
    if (closed()) return;
    if (unsent() > options.output_limit) return close(CloseReason::output_overflow);
    const bool relieved = congested_ && unsent() <= options.output_low;
    if (relieved) congested_ = false;
    update_interest();
    if (!relieved) return;
    handler_->on_writable(*this);
    if (!closed() && !paused_ && !in_.empty()) resume_reading();
}

/// Offers all output to the socket, in one call as a rule; returns how much it took.
std::size_t Connection::send_now() {
    if (unsent() == 0) return 0;
    std::vector<iovec>& pieces = owner_.pieces_;
    pieces.clear();
    each_unsent([&](Bytes bytes) { pieces.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()}); });
    std::size_t total = 0;
    for (std::size_t first = 0; first < pieces.size(); first += pieces_per_send) {
        msghdr message{};
        message.msg_iov = pieces.data() + first;
        message.msg_iovlen = std::min(pieces_per_send, pieces.size() - first);
        std::size_t offered = 0;
        for (std::size_t i = 0; i < message.msg_iovlen; ++i)
            offered += message.msg_iov[i].iov_len;
        const ssize_t n = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
        ++owner_.stats_.sends;
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR) close(CloseReason::failed, std::strerror(errno));
            break;
        }
        touch();
        total += static_cast<std::size_t>(n);
        if (static_cast<std::size_t>(n) < offered) break;
    }
    owner_.stats_.bytes_out += total;
    bytes_sent_ += total;
    return total;
}

/// Forgets the first `sent` unsent bytes; what was borrowed and is left is copied, for its time ends with the
/// tick.
void Connection::keep_unsent(std::size_t sent) {
    if (closed()) return;
    if (borrowed_.empty()) {
        sent_ += sent;
        const std::size_t left = out_.size() - sent_;
        if (left > 0 && sent_ > spare_buffer_size && sent_ > left) {
            std::memmove(out_.data(), out_.data() + sent_, left);
            out_.resize(left);
            sent_ = 0;
        }
        return;
    }
    Buffer rest = owner_.take_buffer();
    each_unsent([&](Bytes bytes) {
        const std::size_t skip = std::min(sent, bytes.size());
        sent -= skip;
        rest.append(bytes.subspan(skip));
    });
    owner_.give_buffer(out_);
    out_ = std::move(rest);
    sent_ = 0;
    borrowed_.clear();
    borrowed_bytes_ = 0;
}

bool Connection::all_sent() const {
    return unsent() == 0 && (!tls_ || tls_->unsent() == 0);
}

void Connection::output_sent() {
    owner_.give_buffer(out_);
    sent_ = 0;
    blocked_ = false;
    if (borrowed_.capacity() > 0) borrowed_ = {};
    if (!closing_) return;
    if (tls_) {
        tls_->end();
        send_all_sealed();
        if (closed()) return;
    }
    say_last_words();
    close(CloseReason::handler);
}

/// Unread input would make the system reset the connection, and the peer lose what was sent last.
void Connection::say_last_words() {
    ::shutdown(descriptor_, SHUT_WR);
    for (int i = 0; i < 16; ++i) {
        if (::recv(descriptor_, owner_.scratch_.data(), owner_.options_.input_share, 0) <= 0) break;
    }
}

void Connection::update_interest() {
    const std::uint32_t input = wants_input() ? std::uint32_t{EPOLLIN} : 0u;
    const std::uint32_t output = blocked_ || connecting_ ? std::uint32_t{EPOLLOUT} : 0u;
    if (interest_ == (input | output)) return;
    interest_ = input | output;
    owner_.loop_.rewatch(descriptor_, interest_, *this);
}

}  // namespace posthorn::runtime
