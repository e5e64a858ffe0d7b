#include "definitions.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/log.h"

namespace posthorn::exchange {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kind_host = "exchange.host", kind_exchange = "exchange.exchange",
                           kind_queue = "exchange.queue", kind_binding = "exchange.binding",
                           kind_policy = "exchange.policy", kind_operator = "exchange.operator_policy";

constexpr std::array applies_names{"all",           "queues",  "classic_queues",
                                   "quorum_queues", "streams", "exchanges"};

// Between the parts of a document's name, and of what makes a binding. A name may hold any character, so in
// the parts these two are written as a sign and a letter.
constexpr char separator = '\x1f', sign = '\x1e';

std::string part(std::string_view name) {
    std::string text;
    text.reserve(name.size());
    for (const char c : name) {
        if (c == separator || c == sign) text += sign;
        text += c == separator ? 's' : c == sign ? 'e' : c;
    }
    return text;
}

std::string name_in(std::string_view part) {
    std::string name;
    for (std::size_t n = 0; n < part.size(); ++n) {
        const bool two = part[n] == sign && n + 1 < part.size();
        name += !two ? part[n] : part[++n] == 's' ? separator : sign;
    }
    return name;
}

/// `name` comes last and stays as it is.
std::string row(std::string_view host, std::string_view name) {
    std::string row = part(host);
    row += separator;
    row += name;
    return row;
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json encode(const model::Arguments& arguments) {
    return Json::parse(model::to_json(arguments));
}
model::Arguments decode_arguments(const Json& json) {
    return model::arguments_from_json(json.dump()).value_or(model::Arguments());
}

Json encode(const Binding& binding) {
    return {{"source", binding.source},
            {"kind", binding.kind == DestinationKind::queue ? "queue" : "exchange"},
            {"destination", binding.destination},
            {"key", binding.key},
            {"arguments", encode(binding.arguments)}};
}

void load_one(const broker::Catalog::Document& document, Definitions::Visitor& visitor) {
    const std::size_t cut = document.name.find(separator);
    const std::string host = name_in(document.name.substr(0, cut));
    const std::string name = cut == std::string::npos ? "" : document.name.substr(cut + 1);
    const Json json = Json::parse(document.json);
    if (document.kind == kind_host) {
        HostLimits limits;
        if (json.contains("max_queues")) limits.max_queues = json["max_queues"].get<std::uint64_t>();
        if (json.contains("max_connections"))
            limits.max_connections = json["max_connections"].get<std::uint64_t>();
        visitor.host(host, json.at("number").get<std::uint64_t>(), limits);
    } else if (document.kind == kind_exchange) {
        visitor.exchange(host, {name, json.at("type").get<std::string>(), true, json.at("auto_delete"),
                                json.at("internal"), decode_arguments(json.at("arguments"))});
    } else if (document.kind == kind_queue) {
        visitor.queue(host,
                      {name, true, false, json.at("auto_delete"), 0, decode_arguments(json.at("arguments"))},
                      json.at("number").get<std::uint64_t>());
    } else if (document.kind == kind_binding) {
        visitor.binding(host,
                        {json.at("source").get<std::string>(),
                         json.at("kind") == "queue" ? DestinationKind::queue : DestinationKind::exchange,
                         json.at("destination").get<std::string>(), json.at("key").get<std::string>(),
                         decode_arguments(json.at("arguments"))});
    } else {
        Policy policy{name, json.at("pattern").get<std::string>(), Policy::Applies::all,
                      json.at("priority").get<std::int32_t>(), decode_arguments(json.at("definition"))};
        for (std::size_t n = 0; n < applies_names.size(); ++n)
            if (json.at("apply-to") == applies_names[n]) policy.applies = static_cast<Policy::Applies>(n);
        visitor.policy(host, policy, document.kind == kind_operator);
    }
}

}  // namespace

std::string_view name(Policy::Applies applies) {
    return applies_names[static_cast<std::size_t>(applies)];
}

namespace {

model::Arguments sorted(const model::Arguments& arguments) {
    std::vector<std::pair<std::string, model::Value>> entries(arguments.begin(), arguments.end());
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    model::Arguments result;
    for (auto& [name, value] : entries)
        if (!result.find(name)) result.set(name, std::move(value));
    return result;
}

}  // namespace

std::string binding_identity(const Binding& binding) {
    std::string identity = part(binding.source);
    for (const std::string& next :
         {std::string(binding.kind == DestinationKind::queue ? "queue" : "exchange"),
          part(binding.destination), part(binding.key), std::string()}) {
        identity += separator;
        identity += next;
    }
    if (!binding.arguments.empty()) identity += model::to_json(sorted(binding.arguments));
    return identity;
}

void Definitions::put_host(std::string_view host, std::uint64_t number, const HostLimits& limits) {
    Json json{{"number", number}};
    if (limits.max_queues) json["max_queues"] = *limits.max_queues;
    if (limits.max_connections) json["max_connections"] = *limits.max_connections;
    catalog_.put_document(kind_host, part(host), dump(json));
}
void Definitions::remove_host(std::string_view host) {
    catalog_.remove_document(kind_host, part(host));
}

void Definitions::put_exchange(std::string_view host, const ExchangeSpec& spec) {
    catalog_.put_document(kind_exchange, row(host, spec.name),
                          dump({{"type", spec.type},
                                {"auto_delete", spec.auto_delete},
                                {"internal", spec.internal},
                                {"arguments", encode(spec.arguments)}}));
}
void Definitions::remove_exchange(std::string_view host, std::string_view name) {
    catalog_.remove_document(kind_exchange, row(host, name));
}

void Definitions::put_queue(std::string_view host, const QueueSpec& spec, std::uint64_t number) {
    catalog_.put_document(
        kind_queue, row(host, spec.name),
        dump({{"number", number}, {"auto_delete", spec.auto_delete}, {"arguments", encode(spec.arguments)}}));
}
void Definitions::remove_queue(std::string_view host, std::string_view name) {
    catalog_.remove_document(kind_queue, row(host, name));
}

void Definitions::put_binding(std::string_view host, const Binding& binding) {
    catalog_.put_document(kind_binding, row(host, binding_identity(binding)), dump(encode(binding)));
}
void Definitions::remove_binding(std::string_view host, const Binding& binding) {
    catalog_.remove_document(kind_binding, row(host, binding_identity(binding)));
}

void Definitions::put_policy(std::string_view host, const Policy& policy, bool of_operator) {
    catalog_.put_document(of_operator ? kind_operator : kind_policy, row(host, policy.name),
                          dump({{"pattern", policy.pattern},
                                {"apply-to", name(policy.applies)},
                                {"priority", policy.priority},
                                {"definition", encode(policy.definition)}}));
}
void Definitions::remove_policy(std::string_view host, std::string_view name, bool of_operator) {
    catalog_.remove_document(of_operator ? kind_operator : kind_policy, row(host, name));
}

void Definitions::await_exchange(std::string_view host, std::string_view name) {
    catalog_.await_document(kind_exchange, row(host, name));
}
void Definitions::await_queue(std::string_view host, std::string_view name) {
    catalog_.await_document(kind_queue, row(host, name));
}
void Definitions::await_binding(std::string_view host, const Binding& binding) {
    catalog_.await_document(kind_binding, row(host, binding_identity(binding)));
}

void Definitions::load(Visitor& visitor) {
    const auto documents = catalog_.take_documents("exchange.");
    for (const std::string_view kind :
         {kind_host, kind_policy, kind_operator, kind_exchange, kind_queue, kind_binding})
        for (const auto& document : documents) {
            if (document.kind != kind) continue;
            try {
                load_one(document, visitor);
            } catch (const Json::exception& error) {
                log_error("exchange", "definition {} '{}' cannot be read and is left out: {}", document.kind,
                          document.name, error.what());
            }
        }
}

}  // namespace posthorn::exchange
