#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway.h"
#include "session.h"
#include "wire/amqp/encode.h"

namespace posthorn::gateway::amqp {

Channel* Session::find_channel(std::uint16_t number) {
    if (last_channel_ != nullptr && last_channel_->number() == number) return last_channel_;
    const auto at = channels_.find(number);
    if (at == channels_.end()) return nullptr;
    return last_channel_ = at->second.get();
}

void Session::on_channel_frame(const wire::Frame& frame) {
    if (frame.type == wire::FrameType::heartbeat) return fail(wire::unexpected_frame(frame));
    Channel* channel = find_channel(frame.channel);
    if (channel == nullptr) {
        open_channel(frame);
        if (state_ != State::running) return;
        channel = find_channel(frame.channel);
    }
    Refusal refusal = channel->on_frame(frame);
    if (refusal || channel->closed_by_client()) [[unlikely]]
        return settle_channel(*channel, std::move(refusal));
    if (touched_.empty() || touched_.back() != channel) touched_.push_back(channel);
}

/// True: the frame is left for later, and so is everything behind it.
bool Session::waits_for_names(const wire::Frame& frame) {
    if (gateway_.held_replies.size() == 0 || frame.channel == 0 || state_ != State::running) return false;
    const Channel* const channel = find_channel(frame.channel);
    if (channel == nullptr || !channel->answer_held() || !channel->must_wait(frame)) return false;
    naming_ = frame.channel;
    hold(kNaming);
    gateway_.go_on_later(*this);
    return true;
}

void Session::open_channel(const wire::Frame& frame) {
    const std::size_t limit = channel_max_ == 0 ? 0xFFFF : channel_max_;
    if (channels_.size() >= limit)
        return fail({wire::ReplyCode::not_allowed, wire::MethodCode::none,
                     fmt::format("number of channels opened ({}) has reached the negotiated channel_max ({})",
                                 channels_.size(), channel_max_)});
    if (gateway_.channels.size() >= gateway_.options.channels_max)
        return fail({wire::ReplyCode::resource_error, wire::MethodCode::none,
                     "too many channels are open on this server"});
    channels_.emplace(frame.channel, std::make_unique<Channel>(gateway_, *this, frame.channel));
}

void Session::settle_channel(Channel& channel, Refusal refusal) {
    std::erase(touched_, &channel);
    if (refusal) {
        if (wire::closes_connection(refusal->code)) return fail(*refusal);
        return fail_channel(channel, *refusal);
    }
    last_channel_ = nullptr;
    kept_bytes_ -= channel.counted_bytes;
    channels_.erase(channel.number());
}

void Session::fail_channel(Channel& channel, const wire::Violation& violation) {
    ++gateway_.counters.channel_errors;
    const std::string text = wire::reply_text(violation.code, violation.detail);
    say(LogLevel::info, gateway_.error_lines,
        fmt::format("closing channel {} of {} ({}): {}", channel.number(), name_, user(), text));
    channel.release();
    channel.set_closing();
    count_kept(channel);
    wire::append_close(out(), channel.number(), violation);
}

}  // namespace posthorn::gateway::amqp
