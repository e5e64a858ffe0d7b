#include "replies.h"

#include <fmt/core.h>

#include <charconv>

#include "channel.h"
#include "names.h"

namespace posthorn::gateway::amqp {

namespace {

/// One number in hexadecimal up to the next dot or the end.
template <class Number>
bool take(std::string_view& text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty() && text.front() == '.') text.remove_prefix(1);
    return true;
}

}  // namespace

bool Replies::is_address(std::string_view key) {
    return key.size() > kReplyTo.size() && key.starts_with(kReplyTo) && key[kReplyTo.size()] == '.';
}

std::string Replies::address(const Channel& channel) {
    const Handle handle = channel.handle();
    return fmt::format("{}.{:x}.{:x}.{:x}", kReplyTo, handle.slot, handle.generation, channel.reply_nonce());
}

Channel* Replies::find(std::string_view address) const {
    if (!is_address(address)) return nullptr;
    std::string_view rest = address.substr(kReplyTo.size() + 1);
    Handle handle;
    std::uint64_t nonce = 0;
    if (!take(rest, handle.slot) || !take(rest, handle.generation) || !take(rest, nonce) || !rest.empty())
        return nullptr;
    Channel* const channel = channels_.find(handle);
    return channel != nullptr && nonce != 0 && channel->reply_nonce() == nonce ? channel : nullptr;
}

}  // namespace posthorn::gateway::amqp
