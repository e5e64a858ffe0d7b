#include "runtime/tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "address.h"

namespace posthorn::runtime {

namespace {

/// Unconsumed input up to this size is moved in front of the next receive in the shared buffer; above, the
/// connection's own buffer grows in place, so that a large frame is not copied with every piece of it.
constexpr std::size_t small_input = std::size_t{16} << 10;

/// Output buffers kept for reuse: enough for a tick's worth of busy connections, 4 MiB at most.
constexpr std::size_t spare_buffers = 64;
constexpr std::size_t spare_buffer_size = std::size_t{64} << 10;
/// And a few large ones, 4 MiB at most: whoever sends hundreds of KiB in a tick will again in the next, and
/// a buffer that grows from nothing is copied and touched for the first time with every doubling.
constexpr std::size_t large_spare_buffers = 4;
constexpr std::size_t large_buffer_size = std::size_t{1} << 20;

/// Pieces in one sendmsg (Linux allows 1024).
constexpr std::size_t pieces_per_send = 512;

}  // namespace

const char* name(CloseReason reason) {
    switch (reason) {
        case CloseReason::peer_closed:
            return "peer_closed";
        case CloseReason::failed:
            return "failed";
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

void Connection::touch() {
    active_ms_ = owner_.loop_.now_ns() / 1'000'000;
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

bool Connection::wants_input() const {
    return !paused_ && (!congested_ || owner_.options_.read_while_congested) && !closing_ && !connecting_;
}

void Connection::receive() {
    const std::size_t left = in_.size() <= small_input ? receive_small() : receive_large();
    if (!closed() && left > owner_.options_.input_limit) close(CloseReason::input_overflow);
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
    std::byte* tail = in_.extend(owner_.options_.input_share);
    const std::size_t n = receive_into(tail);
    in_.resize(kept + n);
    if (n == 0 || closed()) return in_.size();
    keep_input(offer(in_.view()));
    return in_.size();
}

/// One recv of the tick's share; zero when nothing came or the connection ended.
std::size_t Connection::receive_into(std::byte* into) {
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

// Output

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
    keep_unsent(blocked_ || connecting_ ? 0 : send_now());
    if (closed()) return;
    if (unsent() == 0)
        output_sent();
    else
        blocked_ = !connecting_;
    if (closed()) return;
    if (unsent() > options.output_limit) return close(CloseReason::output_overflow);
    const bool relieved = congested_ && unsent() <= options.output_low;
    if (relieved) congested_ = false;
    update_interest();
    if (!relieved) return;
    handler_->on_writable(*this);
    if (!closed() && !paused_ && !in_.empty()) resume_reading();
}

/// The unsent bytes in order, piece by piece.
template <class Take>
void Connection::each_unsent(Take take) const {
    std::size_t at = sent_;
    for (const Borrowed& piece : borrowed_) {
        if (piece.at > at) take(out_.view().subspan(at, piece.at - at));
        take(piece.bytes);
        at = piece.at;
    }
    if (out_.size() > at) take(out_.view().subspan(at));
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

void Connection::output_sent() {
    owner_.give_buffer(out_);
    sent_ = 0;
    blocked_ = false;
    if (borrowed_.capacity() > 0) borrowed_ = {};
    if (!closing_) return;
    // Unread input would make the system reset the connection, and the peer lose our last words.
    ::shutdown(descriptor_, SHUT_WR);
    for (int i = 0; i < 16; ++i) {
        if (::recv(descriptor_, owner_.scratch_.data(), owner_.options_.input_share, 0) <= 0) break;
    }
    close(CloseReason::handler);
}

void Connection::update_interest() {
    const std::uint32_t input = wants_input() ? std::uint32_t{EPOLLIN} : 0u;
    const std::uint32_t output = blocked_ || connecting_ ? std::uint32_t{EPOLLOUT} : 0u;
    if (interest_ == (input | output)) return;
    interest_ = input | output;
    owner_.loop_.rewatch(descriptor_, interest_, *this);
}

// Closing

void Connection::close_when_sent() {
    if (closed() || closing_) return;
    closing_ = true;
    update_interest();
    mark_dirty();
}

void Connection::close(CloseReason reason, std::string_view text) {
    if (closed()) return;
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

// All connections

Connections::Connections(Loop& loop, ConnectionOptions options)
    : loop_(loop), options_(options), settled_tick_(loop.ticks()), flushed_tick_(loop.ticks()) {
    scratch_.resize(small_input + options_.input_share);
    settle_hook_ = loop_.on_tick_end(TickPhase::settle, [this] { settle(); });
    flush_hook_ = loop_.on_tick_end(TickPhase::flush, [this] { flush(); });
    note_idle(options_.idle_timeout.count());
}

Connections::~Connections() {
    for (const auto& connection : all_)
        connection->close(CloseReason::shutdown);
    settle();
}

void Connections::settle_again() {
    if (settled_tick_ == loop_.ticks()) loop_.tick_again();
}

void Connections::flush_again() {
    if (flushed_tick_ == loop_.ticks()) loop_.tick_again();
}

Connection* Connections::adopt(int descriptor, std::unique_ptr<ConnectionHandler> handler) {
    if (all_.size() >= options_.max_connections) {
        ::close(descriptor);
        ++stats_.refused;
        return nullptr;
    }
    make_ready(descriptor);
    Connection* connection = add(descriptor, peer_of(descriptor), std::move(handler), false);
    connection->handler().on_open(*connection);
    return connection;
}

Result<Connection*> Connections::connect(const std::string& address, std::uint16_t port,
                                         std::unique_ptr<ConnectionHandler> handler) {
    Result<int> descriptor = begin_connect(address, port);
    if (!descriptor) return descriptor.error();
    return add(*descriptor, peer_text(address, port), std::move(handler), true);
}

Connection* Connections::add(int descriptor, std::string peer, std::unique_ptr<ConnectionHandler> handler,
                             bool connecting) {
    auto connection = std::unique_ptr<Connection>(
        new Connection(*this, next_id_++, descriptor, std::move(peer), std::move(handler), connecting));
    connection->index_ = all_.size();
    all_.push_back(std::move(connection));
    ++stats_.opened;
    return all_.back().get();
}

void Connections::for_each(const std::function<void(Connection&)>& call) {
    for (const auto& connection : all_) {
        if (!connection->closed()) call(*connection);
    }
}

void Connections::settle() {
    settled_tick_ = loop_.ticks();
    const std::vector<Connection*> offers = std::exchange(offers_, {});
    for (Connection* connection : offers)
        connection->offer_again();
    while (!finished_.empty()) {
        const std::vector<Connection*> finished = std::exchange(finished_, {});
        for (Connection* connection : finished)
            connection->handler_->on_closed(*connection, connection->close_reason_, connection->close_text_);
        const auto gone = [](const Connection* connection) { return connection->closed(); };
        // Closed just now by another's on_closed: told in the next round, but not to be flushed either.
        std::erase_if(dirty_, gone);
        std::erase_if(offers_, gone);
        for (const Connection* connection : finished) {
            const std::size_t index = connection->index_;
            std::swap(all_[index], all_.back());
            all_[index]->index_ = index;
            all_.pop_back();
        }
    }
}

void Connections::flush() {
    flushing_.swap(dirty_);
    for (Connection* connection : flushing_)
        connection->flush();
    flushing_.clear();
    flushed_tick_ = loop_.ticks();
    if (!dirty_.empty()) loop_.tick_again();
}

void Connections::note_idle(std::int64_t idle_ms) {
    if (idle_ms <= 0) return;
    const std::int64_t every = std::clamp<std::int64_t>(idle_ms / 8, 10, 5'000);
    if (sweep_ms_ != 0 && sweep_ms_ <= every) return;
    sweep_ms_ = every;
    sweep_timer_ = loop_.after(std::chrono::milliseconds(sweep_ms_), [this] { sweep_idle(); });
}

void Connections::sweep_idle() {
    const std::int64_t now_ms = loop_.now_ns() / 1'000'000;
    for (const auto& connection : all_) {
        if (connection->idle_ms_ > 0 && now_ms - connection->active_ms_ >= connection->idle_ms_)
            connection->close(CloseReason::idle);
    }
    sweep_timer_ = loop_.after(std::chrono::milliseconds(sweep_ms_), [this] { sweep_idle(); });
}

Buffer Connections::take_buffer() {
    if (spare_.empty()) return {};
    Buffer buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
}

/// Leaves `buffer` empty and without memory.
void Connections::give_buffer(Buffer& buffer) {
    const auto large = [](const Buffer& one) { return one.capacity() > spare_buffer_size; };
    bool keep = buffer.capacity() > 0 && spare_.size() < spare_buffers;
    if (keep && large(buffer))
        keep = buffer.capacity() <= large_buffer_size &&
               static_cast<std::size_t>(std::count_if(spare_.begin(), spare_.end(), large)) <
                   large_spare_buffers;
    if (keep) {
        buffer.clear();
        spare_.push_back(std::move(buffer));
    }
    buffer.release();
}

}  // namespace posthorn::runtime
