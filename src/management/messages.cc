#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/utf8.h"
#include "base64.h"
#include "desk.h"
#include "nouns.h"

namespace posthorn::management {
namespace {

using auth::Right;
using exchange::DeliveryId;
using exchange::VirtualHost;
using http::Response;

constexpr exchange::OwnerId nobody = 0;
// One answer holds no more: people look at messages here, they do not consume them.
constexpr std::int64_t get_max = 10'000;
constexpr std::size_t get_bytes_max = 8u << 20;
// Bytes of messages may have to come from the disk.
constexpr std::chrono::milliseconds get_again{2}, get_patience{5'000};

// --- publish -----------------------------------------------------------------------------------------------

Result<Message> message_of(const Call& call, const Json& body) {
    if (auto all = require(body, {"properties", "routing_key", "payload", "payload_encoding"}); !all)
        return all.error();
    Message message;
    message.exchange = exchange_name(call["name"]);
    auto key = text_in(body, "routing_key", "");
    auto payload = text_in(body, "payload", "");
    auto encoding = text_in(body, "payload_encoding", "");
    auto properties = arguments_in(body, "properties");
    for (const auto* text : {&key, &payload, &encoding})
        if (!text->ok()) return text->error();
    if (!properties) return properties.error();
    if (key->size() > 255) return Error{Errc::invalid, "a routing key has 255 bytes at most"};
    message.key = *std::move(key), message.properties = *std::move(properties);
    if (*encoding == "base64") {
        auto bytes = from_base64(*payload);
        if (!bytes) return Error{Errc::invalid, fmt::format("not_base64: {}", *payload)};
        message.body = *std::move(bytes);
    } else if (*encoding == "string") {
        message.body = *std::move(payload);
    } else {
        return Error{Errc::invalid, fmt::format("unsupported payload_encoding: {}", *encoding)};
    }
    return message;
}

/// Here RabbitMQ passes on what the protocol said, with its code, and all of it is a bad request.
Error as_told_by_channel(const Error& error) {
    const char* code = "406 PRECONDITION_FAILED";
    if (error.code == Errc::not_found) code = "404 NOT_FOUND";
    if (error.code == Errc::denied) code = "403 ACCESS_REFUSED";
    if (error.code != Errc::not_found && error.code != Errc::denied) return error;
    std::string_view text = error.message;
    if (const auto dash = text.find("ACCESS_REFUSED - "); dash == 0) text.remove_prefix(17);
    return {Errc::invalid, fmt::format("{} - {}", code, text)};
}

Result<exchange::Published> publish_now(Desk& desk, const Call& call, const Message& message) {
    VirtualHost& host = desk.host_of(call);
    if (auto may = desk.may(call, Right::write, "exchange", message.exchange); !may) return may.error();
    const auto* spec = host.exchange(message.exchange);
    if (!spec)
        return Error{Errc::not_found, "no " + exchange::describe("exchange", message.exchange, host.name())};
    if (spec->type == "topic" &&
        !desk.users.may_topic(call.user.name, host.name(), message.exchange, Right::write, message.key))
        return Error{Errc::denied,
                     fmt::format("access to topic '{}' in exchange '{}' in vhost '{}' refused for user '{}'",
                                 message.key, message.exchange, host.name(), call.user.name)};
    if (const auto* user = message.properties.find("user_id");
        user && user->text() && *user->text() != call.user.name)
        return Error{Errc::invalid,
                     fmt::format("user_id property set to '{}' but authenticated user was '{}'",
                                 *user->text(), call.user.name)};
    return desk.sessions.publish(host, message);
}

void publish(Desk& desk, Call call, http::Reply reply) {
    const auto body = parse_body(call.request.body);
    if (!body) return reply(failed(body.error()));
    const auto message = message_of(call, *body);
    if (!message) return reply(failed(message.error()));
    if (message->body.size() > desk.options.message_max_bytes)
        return reply(failed(
            {Errc::invalid, fmt::format("a message has {} bytes at most", desk.options.message_max_bytes)}));
    if (desk.promises.full()) return reply(failed({Errc::full, "too many messages wait to be confirmed"}));
    const auto published = publish_now(desk, call, *message);
    if (!published) return reply(failed(as_told_by_channel(published.error())));
    ++desk.messages.published;
    using Outcome = exchange::Published::Outcome;
    if (published->outcome == Outcome::rejected)
        return reply(failed({Errc::invalid, "the queue is full and rejected the message"}));
    const bool routed = published->outcome == Outcome::routed;
    if (!routed) ++desk.messages.returned_unroutable;
    const auto confirm = [reply, routed, &counts = desk.messages](bool kept) {
        if (!kept) return reply(failed({Errc::read_only, "the message could not be written"}));
        ++counts.confirmed;
        reply(answer({{"routed", routed}}));
    };
    if (!published->receipt) return confirm(true);
    desk.promises.wait(*published->receipt, published->must_sync, confirm);
}

// --- get ---------------------------------------------------------------------------------------------------

struct GetOrder {
    std::int64_t count = 1;
    bool requeue = true, reject = false, base64 = false;
    std::optional<std::size_t> truncate;
};

Result<void> read_ackmode(const Json& body, GetOrder& order) {
    const auto mode = text_in(body, "ackmode", "");
    if (!mode) return mode.error();
    for (const bool reject : {false, true})
        for (const bool requeue : {false, true})
            if (*mode == fmt::format("{}_requeue_{}", reject ? "reject" : "ack", requeue)) {
                order.reject = reject, order.requeue = requeue;
                return {};
            }
    return Error{Errc::invalid, fmt::format("unsupported ackmode: {}", *mode)};
}

Result<GetOrder> order_of(const Json& body) {
    // Before 3.7 one said {"requeue":true}.
    const bool old = has(body, "requeue") && !has(body, "ackmode");
    if (auto all =
            old ? require(body, {"count", "encoding"}) : require(body, {"ackmode", "count", "encoding"});
        !all)
        return all.error();
    GetOrder order;
    const auto count = number_in(body, "count", 1), truncate = number_in(body, "truncate", -1);
    const auto encoding = text_in(body, "encoding", "auto");
    const auto requeue = flag_in(body, "requeue", true);
    if (!count) return count.error();
    if (!truncate) return truncate.error();
    if (!encoding) return encoding.error();
    if (!requeue) return requeue.error();
    if (*encoding != "auto" && *encoding != "base64")
        return Error{Errc::invalid, fmt::format("unsupported encoding: {}", *encoding)};
    order.count = std::clamp<std::int64_t>(*count, 0, get_max);
    order.base64 = *encoding == "base64", order.requeue = *requeue;
    if (*truncate >= 0) order.truncate = static_cast<std::size_t>(*truncate);
    if (!old)
        if (auto read = read_ackmode(body, order); !read) return read.error();
    return order;
}

Json message_row(const Message& message, const exchange::Delivery& delivery, const GetOrder& order) {
    std::string payload = message.body.substr(0, order.truncate.value_or(message.body.size()));
    const bool as_text = !order.base64 && is_utf8(payload);
    Json row{{"payload_bytes", message.body.size()},
             {"redelivered", delivery.redelivered},
             {"exchange", message.exchange},
             {"routing_key", message.key},
             {"message_count", delivery.ready_left},
             {"properties", json_of(message.properties)},
             {"payload", as_text ? std::move(payload) : base64(payload)},
             {"payload_encoding", as_text ? "string" : "base64"}};
    if (message.properties.empty()) row["properties"] = Json::array();  // as RabbitMQ writes nothing
    return row;
}

/// Takes messages off the head, and when it has enough gives them back or settles them.
class Get : public std::enable_shared_from_this<Get> {
  public:
    Get(Desk& desk, std::string vhost, std::string queue, GetOrder order, http::Reply reply)
        : desk_(desk),
          vhost_(std::move(vhost)),
          name_(std::move(queue)),
          order_(order),
          reply_(std::move(reply)) {}

    void go() {
        const auto more = take();
        const auto alive = shared_from_this();
        if (!more) return finish(more.error());
        if (*more && std::chrono::milliseconds(desk_.now_ms() - began_ms_) < get_patience) {
            desk_.under_way.insert(shared_from_this());
            timer_ = desk_.loop.after(get_again, [this] { go(); });
            return;
        }
        finish({});
    }

  private:
    /// True: there is more, but not yet.
    Result<bool> take() {
        if (held_.empty()) {
            VirtualHost* const host = desk_.hosts.find(vhost_);
            auto found = host ? host->queue_for(name_, nobody)
                              : Result<exchange::Queue*>(Error{Errc::not_found, "the virtual host is gone"});
            if (!found) return found.error();
            queue_ = *found;
        }
        VirtualHost* const host = desk_.hosts.find(vhost_);
        while (host && !queue_->deleted() && std::ssize(held_) < order_.count && bytes_ < get_bytes_max) {
            const auto got = host->get(
                *queue_, false, [this](const broker::Stored& stored, const exchange::Delivery& delivery) {
                    const auto message = desk_.sessions.read(stored);
                    rows_.push_back(message_row(message.value_or(Message()), delivery, order_));
                    bytes_ += message ? message->body.size() : 0;
                    held_.push_back(delivery.id);
                });
            if (!got) return got.error();
            if (*got == VirtualHost::Got::later) return true;
            if (*got == VirtualHost::Got::empty) break;
        }
        return false;
    }

    void finish(const Result<void>& result) {
        for (const DeliveryId& id : held_) {
            const auto done = order_.requeue  ? queue_->requeue(id)
                              : order_.reject ? queue_->reject(id)
                                              : queue_->settle(id);
            if (!done)
                log_warn("management", "a message got from queue '{}' cannot be settled: {}", name_,
                         done.error().message);
        }
        desk_.messages.got += held_.size();
        if (held_.empty()) ++desk_.messages.got_empty;
        reply_(result ? answer(rows_) : failed(result.error()));
        desk_.under_way.erase(shared_from_this());
    }

    Desk& desk_;
    const std::string vhost_, name_;
    const GetOrder order_;
    const http::Reply reply_;
    const std::int64_t began_ms_ = desk_.now_ms();
    exchange::Queue* queue_ = nullptr;  ///< good while something is held
    std::vector<DeliveryId> held_;
    std::size_t bytes_ = 0;
    Json rows_ = Json::array();
    runtime::Timer timer_;
};

void get(Desk& desk, Call call, http::Reply reply) {
    const auto body = parse_body(call.request.body);
    if (!body) return reply(failed(body.error()));
    const auto order = order_of(*body);
    if (!order) return reply(failed(order.error()));
    VirtualHost& host = desk.host_of(call);
    if (auto may = desk.may(call, Right::read, "queue", call["name"]); !may)
        return reply(failed(may.error()));
    if (!host.queue(call["name"]))
        return reply(failed(
            {Errc::not_found, "NOT_FOUND - no " + exchange::describe("queue", call["name"], host.name())}));
    std::make_shared<Get>(desk, host.name(), std::string(call["name"]), *order, reply)->go();
}

}  // namespace

void add_messages(Routes& routes) {
    routes.post("/exchanges/{vhost}/{name}/publish", Needs::vhost, &publish);
    routes.post("/queues/{vhost}/{name}/get", Needs::vhost, &get);
}

}  // namespace posthorn::management
