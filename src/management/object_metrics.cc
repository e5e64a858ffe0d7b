#include "object_metrics.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "desk.h"
#include "listing.h"
#include "stream.h"

namespace posthorn::management {
namespace {

/// Adds a share of the text; false: that was all of this part.
using Part = std::function<bool(std::string& text)>;

template <class Thing>
struct Family {
    const char *name, *help;
    bool counter;
    std::uint64_t (*value)(const Thing&);
};

using exchange::QueueCounts;
constexpr std::array<Family<QueueCounts>, 15> queue_families{{
    {"queue_messages", "Messages, ready and unacknowledged", false,
     [](const QueueCounts& of) { return of.ready + of.unacked; }},
    {"queue_messages_ready", "Messages ready", false, [](const QueueCounts& of) { return of.ready; }},
    {"queue_messages_unacked", "Messages delivered, not acknowledged yet", false,
     [](const QueueCounts& of) { return of.unacked; }},
    {"queue_messages_persistent", "Persistent messages", false,
     [](const QueueCounts& of) { return of.persistent; }},
    {"queue_messages_bytes", "Bytes of bodies", false,
     [](const QueueCounts& of) { return of.ready_bytes + of.unacked_bytes; }},
    {"queue_messages_ready_bytes", "Bytes of bodies ready", false,
     [](const QueueCounts& of) { return of.ready_bytes; }},
    {"queue_messages_unacked_bytes", "Bytes of bodies not acknowledged yet", false,
     [](const QueueCounts& of) { return of.unacked_bytes; }},
    {"queue_consumers", "Consumers", false,
     [](const QueueCounts& of) { return static_cast<std::uint64_t>(of.consumers); }},
    {"queue_messages_published_total", "Messages that came in", true,
     [](const QueueCounts& of) { return of.published; }},
    {"channel_messages_delivered_ack_total", "Delivered, to be acknowledged", true,
     [](const QueueCounts& of) { return of.delivered; }},
    {"channel_messages_delivered_total", "Delivered and done with", true,
     [](const QueueCounts& of) { return of.delivered_settled; }},
    {"channel_messages_redelivered_total", "Delivered again", true,
     [](const QueueCounts& of) { return of.redelivered; }},
    {"channel_messages_acked_total", "Acknowledged", true,
     [](const QueueCounts& of) { return of.acknowledged; }},
    {"channel_get_ack_total", "Got, to be acknowledged", true, [](const QueueCounts& of) { return of.got; }},
    {"channel_get_total", "Got and done with", true, [](const QueueCounts& of) { return of.got_settled; }},
}};

constexpr std::array<Family<Connection>, 5> connection_families{{
    {"connection_incoming_bytes_total", "Bytes received", true,
     [](const Connection& of) { return of.bytes_in; }},
    {"connection_outgoing_bytes_total", "Bytes sent", true,
     [](const Connection& of) { return of.bytes_out; }},
    {"connection_incoming_packets_total", "Frames received", true,
     [](const Connection& of) { return of.frames_in; }},
    {"connection_pending_packets", "Bytes waiting to be sent", false,
     [](const Connection& of) { return of.bytes_unsent; }},
    {"connection_channels", "Channels", false,
     [](const Connection& of) { return static_cast<std::uint64_t>(of.channels); }},
}};

constexpr std::array<Family<Channel>, 11> channel_families{{
    {"channel_consumers", "Consumers", false,
     [](const Channel& of) { return static_cast<std::uint64_t>(of.consumers); }},
    {"channel_messages_unacked", "Delivered, not acknowledged yet", false,
     [](const Channel& of) { return of.unacknowledged; }},
    {"channel_messages_unconfirmed", "Published, not confirmed yet", false,
     [](const Channel& of) { return of.unconfirmed; }},
    {"channel_messages_uncommitted", "Published in a transaction", false,
     [](const Channel& of) { return of.uncommitted; }},
    {"channel_acks_uncommitted", "Acknowledged in a transaction", false,
     [](const Channel& of) { return of.uncommitted_acks; }},
    {"consumer_prefetch", "Unacknowledged messages allowed to new consumers", false,
     [](const Channel& of) { return static_cast<std::uint64_t>(of.prefetch); }},
    {"channel_prefetch", "Unacknowledged messages allowed to the channel", false,
     [](const Channel& of) { return static_cast<std::uint64_t>(of.global_prefetch); }},
    {"channel_messages_published_total", "Messages published", true,
     [](const Channel& of) { return of.messages.published; }},
    {"channel_messages_confirmed_total", "Publishes confirmed", true,
     [](const Channel& of) { return of.messages.confirmed; }},
    {"channel_messages_unroutable_returned_total", "Mandatory messages no queue wanted", true,
     [](const Channel& of) { return of.messages.returned_unroutable; }},
    {"channel_messages_unroutable_dropped_total", "Other messages no queue wanted", true,
     [](const Channel& of) { return of.messages.dropped_unroutable; }},
}};

/// Inside of the quotes of a label.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        out += c == '\n' ? "\\n" : std::string(1, c);
    }
    return out;
}

template <class Thing>
void begin(const Family<Thing>& family, std::string& text) {
    text += fmt::format("# TYPE rabbitmq_{} {}\n# HELP rabbitmq_{} {}\n", family.name,
                        family.counter ? "counter" : "gauge", family.name, family.help);
}

/// One family over all queues: the families of a scrape must not be mixed, so each walks for itself.
Part queues(Desk& desk, const Family<QueueCounts>& family) {
    std::vector<exchange::VirtualHost*> hosts;
    desk.hosts.each([&](exchange::VirtualHost& host) { hosts.push_back(&host); });
    return [&desk, &family, begun = false, walk = walk_queues(desk, hosts)](std::string& text) mutable {
        constexpr std::size_t share = 1'000;
        if (!std::exchange(begun, true)) begin(family, text);
        return walk(share, [&](const Listing::Entry& entry) {
            const exchange::VirtualHost* const host = desk.hosts.find(entry.vhost);
            const exchange::Queue* const queue = host ? host->queue(entry.name) : nullptr;
            if (!queue) return;
            text += fmt::format("rabbitmq_{}{{vhost=\"{}\",queue=\"{}\"}} {}\n", family.name,
                                escaped(entry.vhost), escaped(entry.name), family.value(queue->counts()));
        });
    };
}

template <class Thing, class Families>
Part sessions(std::shared_ptr<const std::vector<Thing>> things, const Families& families, const char* label,
              std::string (*name)(const Thing&)) {
    return
        [things = std::move(things), &families, label, name, at = std::size_t{0}](std::string& text) mutable {
            const auto& family = families[at];
            begin(family, text);
            for (const Thing& thing : *things)
                text += fmt::format("rabbitmq_{}{{{}=\"{}\"}} {}\n", family.name, label, escaped(name(thing)),
                                    family.value(thing));
            return ++at < families.size();
        };
}

std::string identity(const Desk& desk) {
    return fmt::format(
        "# TYPE rabbitmq_build_info gauge\n# HELP rabbitmq_build_info Whose names these are, and who tells "
        "them\n"
        "rabbitmq_build_info{{rabbitmq_version=\"{}\",posthorn_version=\"{}\"}} 1\n"
        "# TYPE rabbitmq_identity_info gauge\n# HELP rabbitmq_identity_info Node and cluster\n"
        "rabbitmq_identity_info{{rabbitmq_node=\"{}\",rabbitmq_cluster=\"{}\"}} 1\n",
        desk.options.rabbitmq_version, escaped(desk.options.version), escaped(desk.options.node),
        escaped(desk.cluster_name()));
}

std::vector<Part> parts_of(Desk& desk) {
    auto connections = std::make_shared<std::vector<Connection>>();
    auto channels = std::make_shared<std::vector<Channel>>();
    desk.sessions.each_connection([&](const Connection& one) { connections->push_back(one); });
    desk.sessions.each_channel([&](const Channel& one) { channels->push_back(one); });
    std::vector<Part> parts;
    parts.push_back([&desk](std::string& text) {
        text += identity(desk);
        return false;
    });
    for (const Family<QueueCounts>& family : queue_families)
        parts.push_back(queues(desk, family));
    parts.push_back(sessions<Connection>(connections, connection_families, "connection",
                                         [](const Connection& of) { return of.name; }));
    parts.push_back(sessions<Channel>(channels, channel_families, "channel", [](const Channel& of) {
        return fmt::format("{} ({})", of.connection_name, of.number);
    }));
    return parts;
}

void answer(Desk& desk, const http::Request& request, const http::Reply& reply) {
    if (request.verb != http::Verb::get && request.verb != http::Verb::head)
        return reply(http::Response::failure(405, "method_not_allowed", "Method Not Allowed"));
    if (request.path() != "/metrics/per-object") return reply(not_found());
    http::Response head;
    head.content_type = "text/plain; version=0.0.4; charset=utf-8";
    stream(
        desk.jobs,
        [parts = parts_of(desk), at = std::size_t{0}](std::string& text) mutable -> Result<Jobs::Left> {
            if (!parts[at](text)) ++at;
            return at < parts.size() ? Jobs::Left::more : Jobs::Left::nothing;
        },
        std::move(head), reply);
}

}  // namespace

void add_object_metrics(http::Router& router, Desk& desk) {
    router.mount("/metrics/per-object",
                 [&desk](http::Request request, http::Reply reply) { answer(desk, request, reply); });
}

}  // namespace posthorn::management
