#include "runtime/connections.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "address.h"
#include "buffers.h"
#include "connection_inline.h"
#include "tls_stream.h"

namespace posthorn::runtime {

Connections::Connections(Loop& loop, ConnectionOptions options)
    : loop_(loop), options_(options), settled_tick_(loop.ticks()), flushed_tick_(loop.ticks()) {
    scratch_.resize(small_input + options_.input_share + tls_record_size);
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

Connection* Connections::adopt(int descriptor, std::unique_ptr<ConnectionHandler> handler,
                               const TlsContext* tls) {
    if (all_.size() >= options_.max_connections) {
        ::close(descriptor);
        ++stats_.refused;
        return nullptr;
    }
    make_ready(descriptor);
    Connection* connection = add(descriptor, peer_of(descriptor), std::move(handler), false);
    if (tls)
        connection->begin_tls(*tls);
    else
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
