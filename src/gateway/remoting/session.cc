#include "session.h"

#include "base/log.h"
#include "clients.h"
#include "dispatcher.h"
#include "gateway.h"

namespace posthorn::gateway::remoting {

namespace {

wire::Host advertised_host(const RemotingOptions& options, const wire::Host& local) {
    wire::Host host = local.plain();
    if (!options.advertised_host.empty())
        if (const auto parsed = wire::parse_host(options.advertised_host + ":0")) host = *parsed;
    host.port = options.advertised_port != 0 ? options.advertised_port : options.broker_port;
    return host;
}

bool is_send(std::int32_t code) {
    const auto request = RequestCode{code};
    return request == RequestCode::send_message_v2 || request == RequestCode::send_batch_message ||
           request == RequestCode::send_message;
}

}  // namespace

Session::Session(Gateway& gateway, Channel& channel, const wire::Host& peer, const wire::Host& local)
    : gateway_(gateway),
      channel_(channel),
      handle_(gateway.sessions.add(*this)),
      peer_(peer.plain()),
      peer_text_(wire::to_string(peer_)),
      advertised_(advertised_host(gateway.options, local)) {}

Session::~Session() {
    gateway_.pulls.drop_all_of(*this);
    gateway_.parked.drop_all_of(*this);
    gateway_.relay.forget(handle_);
    gateway_.clients.forget(handle_);
    gateway_.sessions.remove(handle_);
}

void Session::close(std::string_view why) {
    closed_ = true;
    channel_.close(why);
}

void Session::refuse(LogLimit& lines, std::string_view why) {
    if (lines.allows(arrival_ns_)) {
        if (lines.left_out() == 0)
            log_info("remoting", "closing {}: {}", peer_text_, why);
        else
            log_info("remoting", "closing {}: {} ({} more like it since the last such line)", peer_text_, why,
                     lines.left_out());
    }
    close(why);
}

std::size_t Session::on_data(Bytes data) {
    arrival_ns_ = gateway_.clock.steady_ns();
    std::size_t taken = 0;
    while (!closed_ && !channel_.congested()) {
        const auto scan = wire::scan_frame(data.subspan(taken));
        if (!scan) {
            ++gateway_.counters.malformed_frames;
            refuse(gateway_.bad_frame_lines, scan.error().message);
            break;
        }
        if (!scan->complete) break;
        taken += scan->frame.size;
        if (!take(scan->frame)) break;
    }
    return closed_ ? data.size() : taken;
}

bool Session::take(const wire::Frame& frame) {
    if (const wire::SendForm* send = gateway_.send_forms.recognise(send_forms_, frame)) {
        encoding_ = frame.encoding;
        gateway_.dispatcher.dispatch(gateway_, *this, send->header(), frame, &send->request());
        return true;
    }
    const auto header = gateway_.decoder.decode(frame);
    if (!header) {
        // As the original does: without the opaque there is nobody to answer.
        ++gateway_.counters.malformed_headers;
        refuse(gateway_.bad_header_lines, header.error().message);
        return false;
    }
    if ((*header)->is_response()) {
        gateway_.relay.on_answer(*this, **header, frame.body);
        return true;
    }
    encoding_ = frame.encoding;
    if (is_send((*header)->code)) gateway_.send_forms.learn(send_forms_, frame);
    gateway_.dispatcher.dispatch(gateway_, *this, **header, frame);
    return true;
}

const model::Topic* Session::topic(std::string_view name) {
    const broker::Catalog& catalog = gateway_.catalog();
    const std::uint64_t version = catalog.version();
    if (topic_.has(name, version)) return topic_.thing;
    const model::Topic* found = catalog.topic(name);
    if (found) topic_.set(name, found, version);  // a name that is nobody's may be of any length
    return found;
}

const model::Group* Session::group(std::string_view name) {
    const broker::Catalog& catalog = gateway_.catalog();
    const std::uint64_t version = catalog.version();
    if (group_.has(name, version)) return group_.thing;
    const model::Group* found = catalog.group(name);
    if (found) group_.set(name, found, version);
    return found;
}

SessionHandle SessionTable::add(Session& session) {
    std::uint32_t index;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    slots_[index].session = &session;
    ++size_;
    return {index, slots_[index].generation};
}

void SessionTable::remove(SessionHandle handle) {
    Slot& slot = slots_[handle.slot];
    POSTHORN_CHECK(slot.generation == handle.generation, "a session removed twice");
    slot.session = nullptr;
    if (++slot.generation == 0) slot.generation = 1;
    free_.push_back(handle.slot);
    --size_;
}

}  // namespace posthorn::gateway::remoting
