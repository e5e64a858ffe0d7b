#include "host_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "base/log.h"
#include "base/utf8.h"

namespace posthorn::exchange {
namespace {

struct Predeclared {
    std::string_view name, type;
    bool internal = false;
};
constexpr Predeclared predeclared[] = {
    {"", "direct"},
    {"amq.direct", "direct"},
    {"amq.fanout", "fanout"},
    {"amq.topic", "topic"},
    {"amq.headers", "headers"},
    {"amq.match", "headers"},
    {"amq.rabbitmq.trace", "topic", true},
};

Result<void> check_name(std::string_view kind, std::string_view name, bool durable) {
    if (name.size() > name_bytes_max)
        return Error{Errc::invalid, fmt::format("a name has {} bytes at most", name_bytes_max)};
    if (durable && !is_utf8(name))
        return Error{Errc::invalid, fmt::format("the name of a durable {} must be UTF-8", kind)};
    return {};
}

Error reserved_name(std::string_view kind, std::string_view name) {
    return {Errc::denied, fmt::format("{} name '{}' contains reserved prefix 'amq.*'", kind, name)};
}

}  // namespace

Error default_exchange() {
    return {Errc::denied, "operation not permitted on the default exchange"};
}

std::string describe(std::string_view kind, std::string_view name, std::string_view virtual_host) {
    return fmt::format("{} '{}' in vhost '{}'", kind, name, virtual_host);
}

std::string lane_queue_name(std::uint64_t queue, bool durable, std::uint8_t lane) {
    return fmt::format("{}{}.{}", durable ? lane_prefix : passing_lane_prefix, queue, lane);
}

HostState::HostState(Desk& desk, Definitions& definitions, std::string name, std::uint64_t number)
    : desk_(desk), definitions_(definitions), name_(std::move(name)), number_(number), router_(*this) {
    for (const Predeclared& one : predeclared) {
        ExchangeSpec spec{std::string(one.name), std::string(one.type), true, false, one.internal, {}};
        add_exchange(spec, *exchange_type(spec));
    }
}

HostState::~HostState() {
    // Bindings point at both their ends.
    bindings_.clear();
}

Result<void> HostState::set_limits(const HostLimits& limits) {
    if (auto admitted = definitions_.admit(); !admitted) return admitted;
    limits_ = limits;
    definitions_.put_host(name_, number_, limits_);
    return {};
}

// --- exchanges ---------------------------------------------------------------------------------------------

ExchangeState* HostState::find_exchange(std::string_view name) const {
    const auto at = exchanges_.find(name);
    return at == exchanges_.end() ? nullptr : at->second.get();
}

Result<ExchangeState*> HostState::exchange_for(std::string_view name) const {
    if (ExchangeState* found = find_exchange(name)) return found;
    return Error{Errc::not_found, "no " + describe("exchange", name, name_)};
}

ExchangeState& HostState::add_exchange(const ExchangeSpec& spec, ExchangeType type) {
    auto made = std::make_unique<ExchangeState>(spec, type);
    ExchangeState& exchange = *made;
    exchanges_.emplace(spec.name, std::move(made));
    apply_policies(exchange);
    router_.changed();
    return exchange;
}

Result<void> HostState::declare_exchange(const ExchangeSpec& given) {
    ExchangeSpec spec = given;
    std::string scratch;
    spec.name = without_line_breaks(given.name, scratch);
    const std::string whose = describe("exchange", spec.name, name_);
    const auto type = exchange_type(spec);
    if (!type && type.error().code == Errc::unsupported) return type.error();
    if (spec.name.empty()) return default_exchange();
    if (const ExchangeState* there = find_exchange(spec.name)) {
        definitions_.await_exchange(name_, spec.name);
        return same_exchange(there->spec, spec, whose);
    }
    if (reserved(spec.name)) return reserved_name("exchange", spec.name);
    if (!type) return type.error();
    if (auto legal = check_name("exchange", spec.name, spec.durable); !legal) return legal;
    if (const auto* alternate = spec.arguments.find("alternate-exchange"); alternate && !alternate->text())
        return Error{Errc::invalid, fmt::format("invalid type for arg 'alternate-exchange' in {}", whose)};
    if (*type == ExchangeType::consistent_hash && spec.arguments.find("hash-header") &&
        spec.arguments.find("hash-property"))
        return Error{Errc::invalid, "hash-header and hash-property are mutually exclusive"};
    if (exchanges_.size() >= desk_.options.exchanges_max)
        return Error{Errc::invalid,
                     fmt::format("cannot declare {}: there are {} already", whose, exchanges_.size())};
    if (spec.durable)
        if (auto admitted = definitions_.admit(); !admitted) return admitted;
    add_exchange(spec, *type);
    if (spec.durable) definitions_.put_exchange(name_, spec);
    return {};
}

const ExchangeSpec* HostState::exchange(std::string_view name) const {
    const ExchangeState* found = find_exchange(name);
    return found ? &found->spec : nullptr;
}

ExchangeCounts HostState::exchange_counts(std::string_view name) const {
    const ExchangeState* found = find_exchange(name);
    return found ? found->counts : ExchangeCounts{};
}

Result<void> HostState::delete_exchange(std::string_view given, bool if_unused) {
    std::string scratch;
    const std::string name(without_line_breaks(given, scratch));
    if (name.empty()) return default_exchange();
    if (reserved(name))
        return Error{Errc::denied,
                     fmt::format("deletion of system {} not allowed", describe("exchange", name, name_))};
    ExchangeState* exchange = find_exchange(name);
    if (!exchange) {
        definitions_.await_exchange(name_, name);
        return {};
    }
    if (if_unused && !exchange->leaving.empty())
        return Error{Errc::exists, describe("exchange", name, name_) + " in use"};
    if (exchange->spec.durable)
        if (auto admitted = definitions_.admit(); !admitted) return admitted;
    remove_exchange(*exchange);
    return {};
}

void HostState::remove_exchange(ExchangeState& exchange, std::vector<std::string>& sources) {
    while (!exchange.leaving.empty())
        remove_binding(**exchange.leaving.begin());
    const std::vector<BindingRecord*> arriving(exchange.arriving.begin(), exchange.arriving.end());
    for (BindingRecord* record : arriving) {
        if (record->source != &exchange) sources.push_back(record->source->spec.name);
        remove_binding(*record);
    }
    if (exchange.spec.durable) definitions_.remove_exchange(name_, exchange.spec.name);
    exchanges_.erase(exchanges_.find(exchange.spec.name));
    router_.changed();
}

void HostState::remove_exchange(ExchangeState& exchange) {
    std::vector<std::string> sources;
    remove_exchange(exchange, sources);
    auto_delete(std::move(sources));
}

/// Each that goes may be the last one its own sources led to. They may be a long chain, so this is a loop.
void HostState::auto_delete(std::vector<std::string> sources) {
    while (!sources.empty()) {
        ExchangeState* const source = find_exchange(sources.back());
        sources.pop_back();
        if (source && source->spec.auto_delete && source->leaving.empty()) remove_exchange(*source, sources);
    }
}

void HostState::each_exchange(const std::function<void(const ExchangeSpec&)>& visit) const {
    for (const auto& [name, exchange] : exchanges_)
        visit(exchange->spec);
}

void HostState::walk_exchanges(std::string_view first,
                               const std::function<bool(const ExchangeSpec&)>& visit) const {
    exchanges_.walk(first, [&](const auto& exchange) { return visit(exchange->spec); });
}

// --- queues ------------------------------------------------------------------------------------------------

QueueState* HostState::find_queue(std::string_view name) const {
    const auto at = queues_.find(name);
    return at == queues_.end() ? nullptr : at->second.get();
}

namespace {

Error locked(const std::string& whose) {
    return {Errc::busy, fmt::format("cannot obtain exclusive access to locked {}. It could be originally "
                                    "declared on another connection or the exclusive property value does not "
                                    "match that of the original declaration.",
                                    whose)};
}

}  // namespace

Result<QueueState*> HostState::find_queue_for(std::string_view name, OwnerId by) const {
    QueueState* found = find_queue(name);
    if (!found) return Error{Errc::not_found, "no " + describe("queue", name, name_)};
    if (found->spec().exclusive && found->spec().owner != by) return locked(found->describe());
    return found;
}

Result<Queue*> HostState::queue_for(std::string_view name, OwnerId by) const {
    auto found = find_queue_for(name, by);
    if (!found) return found.error();
    (*found)->used();
    definitions_.await_queue(name_, (*found)->spec().name);
    return static_cast<Queue*>(*found);
}

Result<Queue*> HostState::declare_queue(const QueueSpec& given) {
    QueueSpec spec = given;
    std::string scratch;
    spec.name = without_line_breaks(given.name, scratch);
    spec.durable = given.durable && !given.exclusive;  // what goes with a connection is not durable
    if (!given.exclusive) spec.owner = 0;
    if (spec.name.empty()) {
        if (is_quorum(spec.arguments))
            return Error{Errc::invalid, "Cannot declare a server-named queue for type rabbit_quorum_queue"};
        spec.name = desk_.make_name("amq.gen-");
    } else if (reserved(spec.name)) {
        return reserved_name("queue", spec.name);
    }
    const std::string whose = describe("queue", spec.name, name_);
    if (QueueState* there = find_queue(spec.name)) {
        if (there->spec().exclusive ? there->spec().owner != spec.owner : given.exclusive)
            return locked(whose);
        if (auto same = same_queue(there->spec(), spec, whose); !same) return same.error();
        there->used();
        definitions_.await_queue(name_, spec.name);
        return static_cast<Queue*>(there);
    }
    if (auto legal = check_name("queue", spec.name, spec.durable); !legal) return legal.error();
    if (limits_.max_queues && queues_.size() >= *limits_.max_queues)
        return Error{Errc::invalid,
                     fmt::format("cannot declare queue '{}': queue limit in vhost '{}' ({}) is "
                                 "reached",
                                 spec.name, name_, *limits_.max_queues)};
    QueueSpec as_given = spec;
    as_given.durable = given.durable;
    if (auto fine = check_queue_arguments(as_given, whose); !fine) return fine.error();
    auto made = add_queue(std::move(spec));
    if (!made) return made.error();
    return static_cast<Queue*>(*made);
}

Result<QueueState*> HostState::add_queue(QueueSpec spec) {
    auto made = std::make_unique<QueueState>(*this, spec, desk_.next_queue++);
    QueueState& queue = *made;
    apply_policies(queue);
    if (auto opened = queue.open(); !opened) {
        queue.remove();
        desk_.gone.emplace(&queue, std::move(made));
        perhaps_forget(queue);
        return opened.error();
    }
    queues_.emplace(spec.name, std::move(made));
    if (spec.exclusive) desk_.exclusive[spec.owner].push_back(&queue);
    if (spec.durable) definitions_.put_queue(name_, spec, queue.number());
    router_.changed();
    return &queue;
}

Result<std::uint64_t> HostState::delete_queue(std::string_view given, bool if_unused, bool if_empty,
                                              OwnerId by) {
    std::string scratch;
    const std::string name(without_line_breaks(given, scratch));
    if (!find_queue(name)) {
        definitions_.await_queue(name_, name);
        return std::uint64_t{0};
    }
    const auto found = find_queue_for(name, by);
    if (!found) return found.error();
    QueueState& queue = **found;
    if (if_empty && queue.ready() > 0) return Error{Errc::exists, queue.describe() + " not empty"};
    if (if_unused && queue.consumers().size() > 0) return Error{Errc::exists, queue.describe() + " in use"};
    if (queue.spec().durable)
        if (auto admitted = definitions_.admit(); !admitted) return admitted.error();
    const std::uint64_t count = queue.ready();
    remove_queue(queue);
    return count;
}

void HostState::remove_queue(QueueState& queue) {
    std::vector<std::string> sources;
    while (!queue.bindings.empty()) {
        sources.push_back(queue.bindings.back().source->spec.name);
        remove_binding(queue.bindings.back());
    }
    if (queue.spec().durable) definitions_.remove_queue(name_, queue.spec().name);
    if (queue.spec().exclusive)
        if (const auto at = desk_.exclusive.find(queue.spec().owner); at != desk_.exclusive.end()) {
            std::erase(at->second, &queue);
            if (at->second.empty()) desk_.exclusive.erase(at);
        }
    const auto at = queues_.find(queue.spec().name);
    desk_.gone.emplace(&queue, std::move(at->second));
    queues_.erase(at);
    router_.changed();
    queue.remove();
    perhaps_forget(queue);
    auto_delete(std::move(sources));
}

void HostState::perhaps_forget(QueueState& queue) {
    if (queue.scheduled || queue.counts().unacked > 0) return;
    desk_.gone.erase(&queue);
}

Result<std::uint64_t> HostState::purge_queue(std::string_view name, OwnerId by) {
    auto found = find_queue_for(name, by);
    if (!found) return found.error();
    return (*found)->purge();
}

void HostState::each_queue(const std::function<void(Queue&)>& visit) const {
    for (const auto& [name, queue] : queues_)
        visit(*queue);
}

void HostState::walk_queues(std::string_view first, const std::function<bool(Queue&)>& visit) const {
    queues_.walk(first, [&](const auto& queue) { return visit(*queue); });
}

void HostState::remove_all() {
    while (!queues_.empty())
        remove_queue(*queues_.begin()->second);
    std::vector<ExchangeState*> all;
    for (const auto& [name, exchange] : exchanges_)
        if (!reserved(name) && !name.empty()) all.push_back(exchange.get());
    for (ExchangeState* exchange : all)
        while (!exchange->leaving.empty())
            remove_binding(**exchange->leaving.begin());
    while (!bindings_.empty())
        remove_binding(*bindings_.begin()->second);
    for (ExchangeState* exchange : all)
        remove_exchange(*exchange);
    if (delayed_.queue != model::QueueId()) {
        desk_.broker.cancel(due_);
        if (!desk_.broker.catalog().delete_named_queue(fmt::format("{}{}", delayed_prefix, number_)))
            log_warn("exchange", "vhost '{}' had no delayed messages to delete", name_);
        delayed_ = {};
    }
    for (const bool of_operator : {false, true}) {
        std::vector<std::string> names;
        each_policy(of_operator, [&](const Policy& policy) { names.push_back(policy.name); });
        for (const std::string& name : names)
            definitions_.remove_policy(name_, name, of_operator);
    }
}

// --- consumers ---------------------------------------------------------------------------------------------

Result<void> HostState::consume(Queue& at, Consumer& consumer) {
    auto& queue = static_cast<QueueState&>(at);
    const Consumer::Options& options = consumer.options();
    if (auto fine = check_consumer_arguments(options.arguments, queue.settings().quorum, queue.describe());
        !fine)
        return fine;
    const bool single = queue.settings().single_active_consumer;
    if ((single && options.exclusive) || queue.consumers().exclusive() ||
        (options.exclusive && queue.consumers().size() > 0))
        return Error{Errc::denied, queue.describe() + " in exclusive use"};
    std::int32_t priority = 0;
    if (const auto* wanted = options.arguments.find("x-priority"))
        priority =
            static_cast<std::int32_t>(std::clamp<std::int64_t>(*wanted->number(), INT32_MIN, INT32_MAX));
    queue.join(consumer, priority);
    return {};
}

void HostState::leave(Consumer& consumer) {
    QueueState* const queue = ConsumerList::queue_of(consumer);
    if (!queue) return;
    queue->part(consumer);
    if (queue->spec().auto_delete && queue->consumers().size() == 0) queue->host().remove_queue(*queue);
}

}  // namespace posthorn::exchange
