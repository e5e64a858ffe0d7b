#include "host_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "base/log.h"
#include "base/utf8.h"
#include "binding_advice.h"

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

Error default_exchange() {
    return {Errc::denied, "operation not permitted on the default exchange"};
}

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
    spec.name = strip_line_ends(given.name);
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
    const std::string name = strip_line_ends(given);
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

// --- bindings ----------------------------------------------------------------------------------------------

Result<HostState::Ends> HostState::ends_of(const Binding& binding) const {
    Ends ends{};
    auto source = exchange_for(binding.source);
    if (!source) return source.error();
    ends.source = *source;
    if (binding.kind == DestinationKind::exchange) {
        auto destination = exchange_for(binding.destination);
        if (!destination) return destination.error();
        ends.exchange = *destination;
    } else {
        ends.queue = find_queue(binding.destination);
        if (!ends.queue) return Error{Errc::not_found, "no " + describe("queue", binding.destination, name_)};
    }
    return ends;
}

namespace {

Binding stripped(const Binding& given) {
    Binding binding = given;
    binding.source = strip_line_ends(given.source);
    binding.destination = strip_line_ends(given.destination);
    return binding;
}

bool touches_default(const Binding& binding) {
    return binding.source.empty() ||
           (binding.kind == DestinationKind::exchange && binding.destination.empty());
}

}  // namespace

Result<void> HostState::bind(const Binding& given, OwnerId by) {
    const Binding binding = stripped(given);
    if (touches_default(binding)) return default_exchange();
    const auto ends = ends_of(binding);
    if (!ends) return ends.error();
    if (auto fine = ends->source->matcher->check(binding); !fine) return fine;
    if (ends->queue)
        if (auto mine = find_queue_for(binding.destination, by); !mine) return mine.error();
    if (bindings_.contains(binding_identity(binding))) {
        definitions_.await_binding(name_, binding);
        return {};
    }
    if (bindings_.size() >= desk_.options.bindings_max)
        return Error{Errc::invalid,
                     fmt::format("vhost '{}' has {} bindings already", name_, bindings_.size())};
    if (durable_between(*ends))
        if (auto admitted = definitions_.admit(); !admitted) return admitted;
    add_binding(binding, *ends, true);
    if (const auto hint = ends->source->advised ? std::nullopt : advice(ends->source->type, binding)) {
        ends->source->advised = true;
        log_warn("exchange", "vhost '{}': {}", name_, *hint);
    }
    return {};
}

Result<void> HostState::unbind(const Binding& given, OwnerId by) {
    const Binding binding = stripped(given);
    if (touches_default(binding)) return default_exchange();
    const auto at = bindings_.find(binding_identity(binding));
    if (at == bindings_.end()) {
        definitions_.await_binding(name_, binding);
        return {};
    }
    if (at->second->queue)
        if (auto mine = find_queue_for(binding.destination, by); !mine) return mine.error();
    if (at->second->durable)
        if (auto admitted = definitions_.admit(); !admitted) return admitted;
    const std::string source = at->second->source->spec.name;
    remove_binding(*at->second);
    auto_delete({source});
    return {};
}

bool HostState::durable_between(const Ends& ends) {
    return ends.source->spec.durable &&
           (ends.queue ? ends.queue->spec().durable : ends.exchange->spec.durable);
}

void HostState::add_binding(const Binding& binding, const Ends& ends, bool define) {
    auto made = std::make_unique<BindingRecord>();
    BindingRecord& record = *made;
    record.binding = binding;
    record.source = ends.source;
    record.queue = ends.queue;
    record.exchange = ends.exchange;
    record.durable = durable_between(ends);
    record.identity = binding_identity(binding);
    bindings_.emplace(record.identity, std::move(made));
    ends.source->leaving.insert(&record);
    ends.source->matcher->add(record);
    if (ends.queue)
        ends.queue->bindings.push_back(&record);
    else
        ends.exchange->arriving.insert(&record);
    if (define && record.durable) definitions_.put_binding(name_, binding);
    router_.changed();
}

void HostState::remove_binding(BindingRecord& record) {
    record.source->matcher->remove(record);
    record.source->leaving.erase(&record);
    if (record.queue)
        std::erase(record.queue->bindings, &record);
    else
        record.exchange->arriving.erase(&record);
    if (record.durable) definitions_.remove_binding(name_, record.binding);
    bindings_.erase(bindings_.find(record.identity));
    router_.changed();
}

void HostState::walk_exchanges(std::string_view first,
                               const std::function<bool(const ExchangeSpec&)>& visit) const {
    exchanges_.walk(first, [&](const auto& exchange) { return visit(exchange->spec); });
}

void HostState::walk_bindings(
    std::string_view first,
    const std::function<bool(const std::string& place, const Binding&)>& visit) const {
    for (auto at = bindings_.lower_bound(first); at != bindings_.end(); ++at)
        if (!visit(at->first, at->second->binding)) return;
}

void HostState::each_binding_to(DestinationKind kind, std::string_view name,
                                const std::function<void(const Binding&)>& visit) const {
    if (kind == DestinationKind::queue) {
        if (const QueueState* queue = find_queue(name))
            for (const BindingRecord* record : queue->bindings)
                visit(record->binding);
    } else if (const ExchangeState* exchange = find_exchange(name)) {
        for (const BindingRecord* record : exchange->arriving)
            visit(record->binding);
    }
}

void HostState::each_binding(const std::function<void(const Binding&)>& visit) const {
    for (const auto& [name, queue] : queues_)
        visit({"", DestinationKind::queue, name, name, {}});
    for (const auto& [identity, record] : bindings_)
        visit(record->binding);
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
    spec.name = strip_line_ends(given.name);
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
    const std::string name = strip_line_ends(given);
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
        sources.push_back(queue.bindings.back()->source->spec.name);
        remove_binding(*queue.bindings.back());
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

// --- policies ----------------------------------------------------------------------------------------------

void HostState::apply_policies(QueueState& queue) {
    const bool quorum = is_quorum(queue.spec().arguments);
    queue.policy = policies_.find(DestinationKind::queue, queue.spec().name, quorum);
    queue.operator_policy = operator_policies_.find(DestinationKind::queue, queue.spec().name, quorum);
    queue.apply(queue_settings(queue.spec().arguments, queue.policy ? &queue.policy->definition : nullptr,
                               queue.operator_policy ? &queue.operator_policy->definition : nullptr));
}

void HostState::apply_policies(ExchangeState& exchange) {
    exchange.policy = policies_.find(DestinationKind::exchange, exchange.spec.name, false);
    exchange.operator_policy = operator_policies_.find(DestinationKind::exchange, exchange.spec.name, false);
    exchange.alternate = text_setting(
        exchange.spec.arguments, "alternate-exchange",
        exchange.policy ? &exchange.policy->definition : nullptr,
        exchange.operator_policy ? &exchange.operator_policy->definition : nullptr, "alternate-exchange");
}

void HostState::apply_all_policies() {
    for (const auto& [name, exchange] : exchanges_)
        apply_policies(*exchange);
    for (const auto& [name, queue] : queues_)
        apply_policies(*queue);
    router_.changed();
}

Result<void> HostState::put_policy(const Policy& policy, bool of_operator) {
    if (auto admitted = definitions_.admit(); !admitted) return admitted;
    if (auto put = (of_operator ? operator_policies_ : policies_).put(policy); !put) return put;
    definitions_.put_policy(name_, policy, of_operator);
    apply_all_policies();
    return {};
}

Result<void> HostState::delete_policy(std::string_view name, bool of_operator) {
    if (auto admitted = definitions_.admit(); !admitted) return admitted;
    if (!(of_operator ? operator_policies_ : policies_).erase(name))
        return Error{Errc::not_found, fmt::format("no policy '{}' in vhost '{}'", name, name_)};
    definitions_.remove_policy(name_, name, of_operator);
    apply_all_policies();
    return {};
}

void HostState::each_policy(bool of_operator, const std::function<void(const Policy&)>& visit) const {
    (of_operator ? operator_policies_ : policies_).each(visit);
}

const Policy* HostState::policy_of(DestinationKind kind, std::string_view name, bool of_operator) const {
    if (kind == DestinationKind::queue) {
        const QueueState* queue = find_queue(name);
        return !queue ? nullptr : of_operator ? queue->operator_policy : queue->policy;
    }
    const ExchangeState* exchange = find_exchange(name);
    return !exchange ? nullptr : of_operator ? exchange->operator_policy : exchange->policy;
}

// --- recovery ----------------------------------------------------------------------------------------------

void HostState::restore_exchange(const ExchangeSpec& spec) {
    const auto type = exchange_type(spec);
    if (!type)
        log_error("exchange", "{} is left out: {}", describe("exchange", spec.name, name_),
                  type.error().message);
    else if (!find_exchange(spec.name))
        add_exchange(spec, *type);
}

void HostState::restore_queue(const QueueSpec& spec, std::uint64_t number) {
    desk_.next_queue = std::max(desk_.next_queue, number + 1);
    auto made = std::make_unique<QueueState>(*this, spec, number);
    QueueState& queue = *made;
    apply_policies(queue);
    if (auto opened = queue.open(); !opened)
        log_error("exchange", "{} cannot be opened: {}", queue.describe(), opened.error().message);
    queues_.emplace(spec.name, std::move(made));
}

void HostState::restore_binding(const Binding& binding) {
    if (const auto ends = ends_of(binding); ends)
        add_binding(binding, *ends, false);
    else
        definitions_.remove_binding(name_, binding);  // a crash came between the end's going and its own
}

void HostState::restore_policy(const Policy& policy, bool of_operator) {
    if (auto put = (of_operator ? operator_policies_ : policies_).put(policy); !put)
        log_error("exchange", "policy '{}' in vhost '{}' is left out: {}", policy.name, name_,
                  put.error().message);
}

void HostState::restored() {
    apply_all_policies();
    if (desk_.broker.catalog().named_queue(fmt::format("{}{}", delayed_prefix, number_)) == model::QueueId())
        return;
    if (auto opened = open_delayed(); !opened)
        log_error("exchange", "delayed messages of vhost '{}' cannot be opened: {}", name_,
                  opened.error().message);
}

}  // namespace posthorn::exchange
