#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "names.h"
#include "terms.h"

namespace posthorn::exchange {
namespace {

using model::Arguments;
using model::Value;

// A hundred years of 365 days, which "will do for everybody", RabbitMQ says.
constexpr std::int64_t expiry_max_ms = 315'360'000'000;

/// What is wrong with an argument, as Erlang would print it; empty when it is fine.
using Check = std::string (*)(const Value& value, const Arguments& all);

std::string quoted(const std::string& text) {
    return '"' + text + '"';
}
std::string unacceptable(const Value& value) {
    return fmt::format("{{unacceptable_type,{}}}", type_name(value));
}

std::string whole_number(const Value& value, const Arguments&) {
    return value.number() ? "" : quoted("expected integer, got " + type_name(value));
}
std::string not_negative(const Value& value, const Arguments& all) {
    if (auto wrong = whole_number(value, all); !wrong.empty()) return wrong;
    return *value.number() < 0 ? fmt::format("{{value_negative,{}}}", *value.number()) : "";
}
std::string expiry(const Value& value, const Arguments& all) {
    if (auto wrong = not_negative(value, all); !wrong.empty()) return wrong;
    return *value.number() > expiry_max_ms ? fmt::format("{{value_too_large,{}}}", *value.number()) : "";
}
std::string expires(const Value& value, const Arguments& all) {
    if (value.number() && *value.number() == 0) return "{value_zero,0}";
    return expiry(value, all);
}
std::string group_size(const Value& value, const Arguments& all) {
    if (value.number() && *value.number() == 0) return "{value_zero,0}";
    return not_negative(value, all);
}
std::string priorities(const Value& value, const Arguments& all) {
    if (auto wrong = not_negative(value, all); !wrong.empty()) return wrong;
    return *value.number() > 255 ? fmt::format("{{max_value_exceeded,{}}}", *value.number()) : "";
}
std::string text(const Value& value, const Arguments&) {
    return value.text() ? "" : unacceptable(value);
}
std::string dead_letter_key(const Value& value, const Arguments& all) {
    if (!value.text()) return unacceptable(value);
    // RabbitMQ takes it and fails at the first message that dies; 255 bytes is what a routing key can have.
    if (value.text()->size() > name_bytes_max)
        return fmt::format("{{value_too_long,{}}}", value.text()->size());
    return all.find("x-dead-letter-exchange") ? "" : "routing_key_but_no_dlx_defined";
}
std::string flag(const Value& value, const Arguments&) {
    return value.flag() ? "" : unacceptable(value);
}
template <std::size_t N>
std::string one_of(const Value& value, const std::array<std::string_view, N>& allowed,
                   const std::string& otherwise) {
    if (!value.text()) return unacceptable(value);
    return std::find(allowed.begin(), allowed.end(), *value.text()) != allowed.end() ? "" : otherwise;
}
std::string overflow(const Value& value, const Arguments&) {
    return one_of(value, std::array<std::string_view, 3>{"drop-head", "reject-publish", "reject-publish-dlx"},
                  "invalid_overflow");
}
std::string strategy(const Value& value, const Arguments&) {
    return one_of(value, std::array<std::string_view, 2>{"at-most-once", "at-least-once"},
                  "invalid_dlx_strategy");
}
std::string mode(const Value& value, const Arguments&) {
    return one_of(value, std::array<std::string_view, 2>{"default", "lazy"},
                  value.text() ? quoted(fmt::format("unsupported queue mode '{}'", *value.text())) : "");
}
std::string version(const Value& value, const Arguments& all) {
    if (auto wrong = not_negative(value, all); !wrong.empty()) return wrong;
    const std::int64_t number = *value.number();
    return number == 1 || number == 2 ? "" : quoted(fmt::format("unsupported queue version '{}'", number));
}
std::string type(const Value& value, const Arguments&) {
    return one_of(value, std::array<std::string_view, 3>{"classic", "quorum", "stream"},
                  value.text() ? quoted(fmt::format("unsupported queue type '{}'", *value.text())) : "");
}
std::string locator(const Value& value, const Arguments&) {
    return one_of(value,
                  std::array<std::string_view, 4>{"client-local", "balanced", "random", "least-leaders"},
                  "invalid_queue_locator_arg");
}
std::string anything(const Value&, const Arguments&) {
    return "";
}

struct Known {
    std::string_view name;
    Check check;
    bool classic, quorum;  ///< which kind of queue takes it
};
// In the order RabbitMQ checks them: of several mistakes the first is told.
constexpr std::array known_of_queues{
    Known{"x-queue-type", type, true, true},
    Known{"x-expires", expires, true, true},
    Known{"x-message-ttl", expiry, true, true},
    Known{"x-dead-letter-exchange", text, true, true},
    Known{"x-dead-letter-routing-key", dead_letter_key, true, true},
    Known{"x-dead-letter-strategy", strategy, false, true},
    Known{"x-max-length", not_negative, true, true},
    Known{"x-max-length-bytes", not_negative, true, true},
    Known{"x-max-in-memory-length", not_negative, false, true},
    Known{"x-max-in-memory-bytes", not_negative, false, true},
    Known{"x-max-priority", priorities, true, false},
    Known{"x-overflow", overflow, true, true},
    Known{"x-queue-mode", mode, true, false},
    Known{"x-queue-version", version, true, false},
    Known{"x-single-active-consumer", flag, true, true},
    Known{"x-quorum-initial-group-size", group_size, false, true},
    Known{"x-delivery-limit", not_negative, false, true},
    Known{"x-queue-leader-locator", locator, false, true},
    Known{"x-queue-master-locator", anything, true, false},
    Known{"x-max-age", anything, false, false},
    Known{"x-stream-max-segment-size-bytes", anything, false, false},
    Known{"x-initial-cluster-size", anything, false, false},
};
constexpr std::array known_of_consumers{
    Known{"x-priority", whole_number, true, true},
    Known{"x-cancel-on-ha-failover", flag, true, false},
    Known{"x-credit", anything, true, true},
    Known{"x-stream-offset", anything, false, false},
};

Result<void> check(std::span<const Known> known, const Arguments& arguments, bool quorum,
                   const std::string& whose) {
    for (const Known& one : known) {
        const Value* value = arguments.find(one.name);
        if (!value || !(quorum ? one.quorum : one.classic)) continue;
        if (const auto wrong = one.check(*value, arguments); !wrong.empty())
            return Error{Errc::invalid, fmt::format("invalid arg '{}' for {}: {}", one.name, whose, wrong)};
    }
    for (const auto& [name, value] : arguments)
        for (const Known& one : known)
            if (one.name == name && !(quorum ? one.quorum : one.classic))
                return Error{Errc::invalid,
                             fmt::format("invalid arg '{}' for {} of queue type {}", name, whose,
                                         quorum ? "rabbit_quorum_queue" : "rabbit_classic_queue")};
    return {};
}

Error inequivalent(std::string_view argument, const std::string& whose, const std::string& received,
                   const std::string& current) {
    return {Errc::exists, fmt::format("inequivalent arg '{}' for {}: received {} but current is {}", argument,
                                      whose, received, current)};
}

Result<void> same_flag(std::string_view name, bool there, bool wanted, const std::string& whose) {
    if (there == wanted) return {};
    return inequivalent(name, whose, wanted ? "'true'" : "'false'", there ? "'true'" : "'false'");
}

/// One of the two is missing: then RabbitMQ tells the type as well.
std::string with_type(const Value* value) {
    return value ? fmt::format("the value '{}' of type '{}'", term(*value), type_name(*value)) : "none";
}

Result<void> same_argument(std::string_view name, const Arguments& there, const Arguments& wanted,
                           const std::string& whose) {
    const Value *old = there.find(name), *now = wanted.find(name);
    if (!old && !now) return {};
    if (old && now) {
        if (*old == *now) return {};
        return inequivalent(name, whose, '\'' + term(*now) + '\'', '\'' + term(*old) + '\'');
    }
    const Value* only = old ? old : now;
    if (name == "x-queue-type" && only->text() && *only->text() == "classic") return {};
    return inequivalent(name, whose, with_type(now), with_type(old));
}

const Value* find(const Arguments* arguments, std::string_view name) {
    return arguments ? arguments->find(name) : nullptr;
}

/// The smallest of what the argument and the policies say.
std::optional<std::int64_t> smallest(const Arguments& arguments, const Arguments* policy,
                                     const Arguments* operator_policy, std::string_view setting) {
    std::optional<std::int64_t> least;
    for (const Value* value :
         {arguments.find("x-" + std::string(setting)), find(policy, setting), find(operator_policy, setting)})
        if (value && value->number() && *value->number() >= 0)
            least = std::min(least.value_or(*value->number()), *value->number());
    return least;
}

}  // namespace

bool is_quorum(const Arguments& arguments) {
    const Value* type = arguments.find("x-queue-type");
    return type && type->text() && *type->text() == "quorum";
}

Result<void> check_queue_arguments(const QueueSpec& spec, const std::string& whose) {
    const bool quorum = is_quorum(spec.arguments);
    if (const Value* exchange = spec.arguments.find("x-dead-letter-exchange"); exchange && !exchange->text())
        return Error{Errc::invalid, fmt::format("invalid type '{}' for arg 'x-dead-letter-exchange' in {}",
                                                type_name(*exchange), whose)};
    if (auto fine = check(known_of_queues, spec.arguments, quorum, whose); !fine) return fine;
    if (const Value* kind = spec.arguments.find("x-queue-type"); kind && *kind->text() == "stream")
        return Error{Errc::unsupported, "queues of type stream are not built yet"};
    if (!quorum) return {};
    if (spec.auto_delete) return Error{Errc::invalid, "invalid property 'auto-delete' for " + whose};
    if (spec.exclusive) return Error{Errc::invalid, "invalid property 'exclusive-owner' for " + whose};
    if (!spec.durable) return Error{Errc::invalid, "invalid property 'non-durable' for " + whose};
    return {};
}

Result<void> check_consumer_arguments(const Arguments& arguments, bool quorum, const std::string& whose) {
    return check(known_of_consumers, arguments, quorum, whose);
}

Result<void> same_queue(const QueueSpec& there, const QueueSpec& wanted, const std::string& whose) {
    if (auto same = same_flag("durable", there.durable, wanted.durable, whose); !same) return same;
    if (auto same = same_flag("auto_delete", there.auto_delete, wanted.auto_delete, whose); !same)
        return same;
    const bool quorum = is_quorum(there.arguments);
    for (const Known& known : known_of_queues)
        if (quorum ? known.quorum : known.classic)
            if (auto same = same_argument(known.name, there.arguments, wanted.arguments, whose); !same)
                return same;
    return {};
}

Result<void> same_exchange(const ExchangeSpec& there, const ExchangeSpec& wanted, const std::string& whose) {
    if (there.type != wanted.type)
        return inequivalent("type", whose, '\'' + wanted.type + '\'', '\'' + there.type + '\'');
    if (auto same = same_flag("durable", there.durable, wanted.durable, whose); !same) return same;
    if (auto same = same_flag("auto_delete", there.auto_delete, wanted.auto_delete, whose); !same)
        return same;
    if (auto same = same_flag("internal", there.internal, wanted.internal, whose); !same) return same;
    return same_argument("alternate-exchange", there.arguments, wanted.arguments, whose);
}

std::optional<std::string> text_setting(const Arguments& arguments, std::string_view argument,
                                        const Arguments* policy, const Arguments* operator_policy,
                                        std::string_view setting) {
    for (const Value* value :
         {arguments.find(argument), find(operator_policy, setting), find(policy, setting)})
        if (value && value->text()) return *value->text();
    return std::nullopt;
}

QueueSettings queue_settings(const Arguments& arguments, const Arguments* policy,
                             const Arguments* operator_policy) {
    const auto least = [&](std::string_view setting) {
        return smallest(arguments, policy, operator_policy, setting);
    };
    const auto name = [&](std::string_view setting) {
        return text_setting(arguments, "x-" + std::string(setting), policy, operator_policy, setting);
    };
    QueueSettings settings;
    settings.quorum = is_quorum(arguments);
    settings.message_ttl_ms = least("message-ttl");
    settings.expires_ms = least("expires");
    if (const auto most = least("max-length")) settings.max_length = static_cast<std::uint64_t>(*most);
    if (const auto most = least("max-length-bytes"))
        settings.max_length_bytes = static_cast<std::uint64_t>(*most);
    if (const auto how = name("overflow"))
        settings.overflow = *how == "reject-publish"       ? Overflow::reject_publish
                            : *how == "reject-publish-dlx" ? Overflow::reject_publish_dead_letter
                                                           : Overflow::drop_head;
    settings.dead_letter_exchange = name("dead-letter-exchange");
    settings.dead_letter_key = name("dead-letter-routing-key");
    if (const auto most = least("delivery-limit"))
        settings.delivery_limit = static_cast<std::uint32_t>(std::min<std::int64_t>(*most, 65'535));
    if (const Value* most = arguments.find("x-max-priority"); most && most->number())
        settings.max_priority = static_cast<std::uint8_t>(*most->number());
    if (const Value* single = arguments.find("x-single-active-consumer"); single && single->flag())
        settings.single_active_consumer = *single->flag();
    const auto confirm = text_setting({}, "", policy, operator_policy, "confirm");
    settings.confirm_written = !settings.quorum && confirm && *confirm == "written";
    return settings;
}

}  // namespace posthorn::exchange
