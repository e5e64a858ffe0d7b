#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "address.h"
#include "connection_inline.h"
#include "runtime/connections.h"
#include "tls_stream.h"

// What TLS puts between a connection's socket and its handler, and how handshakes are kept in bounds. A peer
// can make us seal nothing but what the handler says and a few short answers of the protocol itself.

namespace posthorn::runtime {

namespace {

/// Sealed ahead of the socket: enough that a system call is worth it, little enough to be nobody's memory.
constexpr std::size_t sealed_share = std::size_t{128} << 10;
/// More than that, and it is not the handler who talks: the peer asks for answers and does not read them.
constexpr std::size_t sealed_limit = 2 * sealed_share;
/// A live peer's handshake is over by then.
constexpr std::int64_t handshake_grace_ms = 1'000;

}  // namespace

const TlsSession* Connection::tls() const {
    return tls_ ? &tls_->session() : nullptr;
}

void Connection::begin_tls(const TlsContext& context) {
    tls_ = std::make_unique<TlsStream>(context);
    tls_->began_ms = active_ms_;
    shaking_hands_ = true;
    owner_.begin_handshake(*this);
}

/// One recv's share, opened; zero when that gave nothing for the handler.
std::size_t Connection::receive_sealed(std::byte* into) {
    // Level-triggered: the loop comes again with it in the next tick.
    if (shaking_hands_ && !owner_.may_shake_hands()) return 0;
    std::byte* const sealed = owner_.sealed_scratch_.data();
    const std::size_t n = receive_from_socket(sealed);
    if (n == 0) return 0;
    tls_->feed(Bytes(sealed, n));
    const bool first = shaking_hands_;
    if (first && !shake_hands()) return 0;
    std::size_t size = 0;
    const TlsStream::Step step = tls_->open(into, input_room(), size);
    if (tls_->unsent() > 0) mark_dirty();
    if (step == TlsStream::Step::failed)
        fail_tls(tls_->why());
    else if (tls_->unsent() > sealed_limit)
        close(CloseReason::output_overflow);
    if (closed()) return 0;
    if (!first || wants_input()) return size;
    in_.append(Bytes(into, size));  // paused between the end of the handshake and what came with it
    return 0;
}

/// The peer's last word has been heard, and what came before it is consumed.
void Connection::end_as_peer_did() {
    if (!tls_->ended() || closed() || !in_.empty()) return;
    tls_->end();  // some wait for it
    send_all_sealed();
    close(CloseReason::peer_closed);
}

/// True: the handshake is over, and there may be plaintext.
bool Connection::shake_hands() {
    const TlsStream::Step step = tls_->handshake();
    if (step == TlsStream::Step::failed || step == TlsStream::Step::ended) {
        fail_tls(step == TlsStream::Step::failed ? tls_->why() : "the peer gave up");
        return false;
    }
    mark_dirty();
    if (step != TlsStream::Step::done) return false;
    // We have nothing to say to the client's last word, and Nagle keeps its next one back until it is
    // confirmed.
    acknowledge_now(descriptor_);
    shaking_hands_ = false;
    owner_.end_handshake(*this, true);
    handler_->on_open(*this);
    return !closed();
}

/// The peer is told why, if it listens.
void Connection::fail_tls(std::string_view why) {
    if (!blocked_ && send_all_sealed()) say_last_words();
    close(CloseReason::tls_failed, why);
}

/// Offers what is sealed to the socket; true when nothing is left.
bool Connection::send_all_sealed() {
    Buffer& sealed = tls_->sealed();
    while (tls_->unsent() > 0) {
        const ssize_t n =
            ::send(descriptor_, sealed.data() + tls_->sealed_sent, tls_->unsent(), MSG_NOSIGNAL);
        ++owner_.stats_.sends;
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) close(CloseReason::failed, std::strerror(errno));
            return false;
        }
        touch();
        owner_.stats_.bytes_out += static_cast<std::uint64_t>(n);
        tls_->sealed_sent += static_cast<std::size_t>(n);
    }
    tls_->sealed_sent = 0;
    if (sealed.capacity() > 0) owner_.give_buffer(sealed);
    return true;
}

/// Seals and offers the output, a share at a time; returns how much of it is sealed.
std::size_t Connection::send_sealed() {
    std::size_t done = 0;
    while (send_all_sealed()) {
        if (shaking_hands_ || done == unsent()) break;
        tls_->sealed() = owner_.take_buffer();
        const std::size_t before = done;
        done += seal(done);
        if (closed()) return 0;
        POSTHORN_CHECK(done > before, "nothing was sealed");
    }
    if (closed()) return 0;
    bytes_sent_ += done;
    return done;
}

/// Seals a share of the output that follows the first `done` bytes, in whole records as far as there is
/// enough.
std::size_t Connection::seal(std::size_t done) {
    Buffer& record = owner_.sealed_scratch_;
    std::size_t skip = done, gathered = 0, sealed = 0;
    bool good = true;
    const auto put = [&](Bytes bytes) {
        const std::size_t skipped = std::min(skip, bytes.size());
        skip -= skipped;
        bytes = bytes.subspan(skipped);
        while (good && !bytes.empty() && sealed + gathered < sealed_share) {
            const Bytes part = bytes.first(std::min(bytes.size(), tls_record_size - gathered));
            bytes = bytes.subspan(part.size());
            if (part.size() == tls_record_size) {
                good = tls_->seal(part);
                sealed += part.size();
                continue;
            }
            std::memcpy(record.data() + gathered, part.data(), part.size());
            gathered += part.size();
            if (gathered < tls_record_size) continue;
            good = tls_->seal(Bytes(record.data(), gathered));
            sealed += std::exchange(gathered, 0);
        }
    };
    each_unsent(put);
    if (good && gathered > 0) {
        good = tls_->seal(Bytes(record.data(), gathered));
        sealed += gathered;
    }
    if (!good) fail_tls(tls_->why());
    return sealed;
}

// Handshakes of all connections

void Connections::begin_handshake(Connection& connection) {
    if (sealed_scratch_.empty()) sealed_scratch_.resize(std::max(options_.input_share, tls_record_size));
    handshakes_.push_back(&connection);
    if (handshakes_.size() == 1) time_handshakes();
}

void Connections::end_handshake(Connection& connection, bool good) {
    connection.shaking_hands_ = false;
    std::erase(handshakes_, &connection);
    ++(good ? stats_.handshakes : stats_.handshakes_failed);
}

bool Connections::room_for_handshake() {
    if (handshakes_.size() < options_.handshakes_max) return true;
    Connection* const oldest = handshakes_.front();
    if (loop_.now_ns() / 1'000'000 - oldest->tls_->began_ms < handshake_grace_ms) return false;
    oldest->close(CloseReason::tls_failed, "others wait, and this handshake has had its time");
    return true;
}

bool Connections::may_shake_hands() {
    if (shaken_tick_ != loop_.ticks()) shaken_tick_ = loop_.ticks(), shaken_ = 0;
    return shaken_++ < options_.handshakes_per_tick;
}

void Connections::time_handshakes() {
    const std::int64_t now_ms = loop_.now_ns() / 1'000'000, patience_ms = options_.handshake_timeout.count();
    while (!handshakes_.empty() && now_ms - handshakes_.front()->tls_->began_ms >= patience_ms)
        handshakes_.front()->close(CloseReason::tls_failed, "the handshake takes too long");
    if (handshakes_.empty()) return;
    const std::int64_t left_ms = handshakes_.front()->tls_->began_ms + patience_ms - now_ms;
    handshake_timer_ = loop_.after(std::chrono::milliseconds(left_ms), [this] { time_handshakes(); });
}

}  // namespace posthorn::runtime
