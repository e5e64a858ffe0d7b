#include "pending_sends.h"

#include "gateway.h"
#include "wire/remoting/frame_writer.h"
#include "wire/remoting/message_id.h"

namespace posthorn::gateway::remoting {

namespace {

wire::MessageId message_id(const Session& session, const broker::Receipt& receipt) {
    return wire::make_offset_message_id(session.advertised(),
                                        physical_offset({receipt.position, receipt.delayed}));
}

/// A batch's ids stand in one field, with commas between them. `get(n)` is the n-th receipt.
template <class Get>
void write_batch_reply(Gateway& gateway, Session& session, Buffer& out, wire::ReplyTo to, std::int32_t queue,
                       std::size_t count, Get get) {
    gateway.payload.clear();
    for (std::size_t n = 0; n < count; ++n) {
        if (n != 0) gateway.payload.append(",");
        gateway.payload.append(message_id(session, get(n)).view());
    }
    auto writer = wire::FrameWriter::response(out, to, ResponseCode::success);
    writer.field("msgId", as_text(gateway.payload.view()));
    writer.field("queueId", queue);
    writer.field("queueOffset", get(0).offset.value());
    writer.field("MSG_REGION", gateway.options.region);
    writer.field("TRACE_ON", gateway.options.trace_on);
    if (const auto done = writer.finish(); !done) {
        (void)wire::FrameWriter::response(out, to, ResponseCode::system_error, done.error().message).finish();
    }
}

template <class Get>
void write_reply(Gateway& gateway, Session& session, Buffer& out, wire::ReplyTo to, std::int32_t queue,
                 std::size_t count, Get get) {
    if (count != 1) return write_batch_reply(gateway, session, out, to, queue, count, get);
    const broker::Receipt& receipt = get(0);
    gateway.send_reply.append(out, to, message_id(session, receipt), queue,
                              static_cast<std::int64_t>(receipt.offset.value()));
}

void write_broken(Gateway& gateway, Session& session, const PendingSend& send) {
    ++gateway.counters.sends_broken;
    ++send.stats->failed;
    const auto why = gateway.broker.refusing();
    (void)wire::FrameWriter::response(
        session.out(), send.reply, ResponseCode::system_error,
        why ? why->message : "the disk refused the message; it may or may not be stored, send it again")
        .finish();
}

}  // namespace

void write_send_reply(Gateway& gateway, Session& session, Buffer& out, wire::ReplyTo to, std::int32_t queue,
                      std::span<const broker::Receipt> receipts) {
    write_reply(gateway, session, out, to, queue, receipts.size(),
                [&](std::size_t n) -> const broker::Receipt& { return receipts[n]; });
}

void PendingSends::Ring::grow() {
    std::vector<PendingSend> larger(slots_.empty() ? 1024 : slots_.size() * 2);
    const std::size_t count = size();
    for (std::size_t n = 0; n < count; ++n)
        larger[n] = at(n);
    slots_ = std::move(larger);
    head_ = 0, tail_ = count;
}

void PendingSends::release(Gateway& gateway) {
    release(gateway, stream_);
    release(gateway, queue_);
    release(gateway, fresh_);
}

void PendingSends::release(Gateway& gateway, Ring& ring) {
    if (ring.size() == 0) return;
    const std::int64_t now_ns = gateway.clock.steady_ns();
    while (ring.size() != 0) {
        const PendingSend& first = ring.at(0);
        // The last of a batch is kept last.
        const broker::Promise promise = gateway.broker.state(ring.at(first.parts - 1).receipt);
        if (promise == broker::Promise::pending) break;
        if (Session* session = gateway.sessions.find(first.session)) {
            if (promise == broker::Promise::broken) {
                write_broken(gateway, *session, first);
            } else if (first.with_id) {
                write_reply(gateway, *session, session->out(), first.reply, first.queue, first.parts,
                            [&](std::size_t n) -> const broker::Receipt& { return ring.at(n).receipt; });
            } else {
                (void)wire::FrameWriter::response(session->out(), first.reply, ResponseCode::success)
                    .finish();
            }
            first.stats->took(now_ns - first.started_ns);
        }
        ring.pop(first.parts);
    }
}

}  // namespace posthorn::gateway::remoting
