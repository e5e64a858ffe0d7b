#include "policies.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/utf8.h"
#include "model/pattern.h"
#include "names.h"
#include "terms.h"

namespace posthorn::exchange {
namespace {

// A pattern is tried on every name there is; names are short, patterns are written by people.
constexpr std::size_t pattern_bytes_max = 1024;

enum class Kind { name, whole, positive, mode, overflow, confirm, anything };
struct Setting {
    std::string_view name;
    Kind kind;
    bool of_operator;
    bool classic = true, quorum = true;
    std::string_view what;  ///< how a wrong value is called
};
constexpr std::array settings{
    Setting{"alternate-exchange", Kind::name, false, true, true, "alternate exchange name"},
    Setting{"dead-letter-exchange", Kind::name, false, true, true, "dead letter exchange name"},
    Setting{"dead-letter-routing-key", Kind::name, false, true, true, "dead letter routing key"},
    Setting{"dead-letter-strategy", Kind::name, false, false, true, "dead letter strategy"},
    Setting{"message-ttl", Kind::whole, true, true, true, "message TTL"},
    Setting{"expires", Kind::positive, true, true, true, "queue expiry"},
    Setting{"max-length", Kind::whole, true, true, true, "maximum length"},
    Setting{"max-length-bytes", Kind::whole, true, true, true, "maximum length in bytes"},
    Setting{"max-in-memory-length", Kind::whole, true, true, true, "maximum memory in bytes"},
    Setting{"max-in-memory-bytes", Kind::whole, true, true, true, "maximum memory in bytes"},
    Setting{"queue-mode", Kind::mode, false, true, false, "queue-mode value"},
    Setting{"queue-version", Kind::positive, false, true, true, "queue-version value"},
    Setting{"overflow", Kind::overflow, false, true, true, "overflow value"},
    Setting{"delivery-limit", Kind::whole, true, false, true, "delivery limit"},
    Setting{"max-age", Kind::anything, false, false, false, "max age"},
    Setting{"stream-max-segment-size-bytes", Kind::whole, false, false, false, "segment size"},
    Setting{"queue-leader-locator", Kind::name, false, false, true, "queue leader locator value"},
    Setting{"initial-cluster-size", Kind::whole, false, false, false, "cluster size"},
    // Ours: when a persistent message is confirmed.
    Setting{"confirm", Kind::confirm, false, true, true, "confirm value; expected synced or written"},
    // Of clusters: taken, and of no effect on one node.
    Setting{"ha-mode", Kind::anything, false, true, false, ""},
    Setting{"ha-params", Kind::anything, false, true, false, ""},
    Setting{"ha-sync-mode", Kind::anything, false, true, false, ""},
    Setting{"ha-sync-batch-size", Kind::anything, false, true, false, ""},
    Setting{"ha-promote-on-shutdown", Kind::anything, false, true, false, ""},
    Setting{"ha-promote-on-failure", Kind::anything, false, true, false, ""},
    Setting{"queue-master-locator", Kind::anything, false, true, false, ""},
    Setting{"federation-upstream", Kind::anything, false, true, true, ""},
    Setting{"federation-upstream-set", Kind::anything, false, true, true, ""},
};

const Setting* find_setting(std::string_view name) {
    const auto* at = std::find_if(settings.begin(), settings.end(),
                                  [&](const Setting& setting) { return setting.name == name; });
    return at == settings.end() ? nullptr : at;
}

bool allowed(Kind kind, const model::Value& value) {
    const auto one_of = [&](std::initializer_list<std::string_view> texts) {
        return value.text() && std::find(texts.begin(), texts.end(), *value.text()) != texts.end();
    };
    switch (kind) {
        case Kind::name:
            return value.text() && value.text()->size() <= name_bytes_max;
        case Kind::whole:
            return value.number() && *value.number() >= 0;
        case Kind::positive:
            return value.number() && *value.number() >= 1;
        case Kind::mode:
            return one_of({"default", "lazy"});
        case Kind::overflow:
            return one_of({"drop-head", "reject-publish", "reject-publish-dlx"});
        case Kind::confirm:
            return one_of({"written", "synced"});
        case Kind::anything:
            return true;
    }
    return false;
}

bool applies(Policy::Applies to, DestinationKind kind, bool quorum) {
    switch (to) {
        case Policy::Applies::all:
            return true;
        case Policy::Applies::queues:
            return kind == DestinationKind::queue;
        case Policy::Applies::classic_queues:
            return kind == DestinationKind::queue && !quorum;
        case Policy::Applies::quorum_queues:
            return kind == DestinationKind::queue && quorum;
        case Policy::Applies::exchanges:
            return kind == DestinationKind::exchange;
        case Policy::Applies::streams:
            return false;
    }
    return false;
}

}  // namespace

struct Policies::Compiled {
    Policy policy;
    model::Pattern pattern;
    bool classic = true, quorum = true;  ///< a policy with a setting a queue cannot have is not for it
};

Policies::Policies(bool of_operator) : of_operator_(of_operator) {}
Policies::~Policies() = default;

Result<void> Policies::check(const Policy& policy) const {
    if (policy.name.empty() || policy.name.size() > name_bytes_max || !is_utf8(policy.name))
        return Error{Errc::invalid, "a policy needs a name of at most 255 bytes of UTF-8"};
    if (policy.pattern.size() > pattern_bytes_max)
        return Error{Errc::invalid, fmt::format("a pattern has {} bytes at most", pattern_bytes_max)};
    if (policy.definition.empty()) return Error{Errc::invalid, "no policy provided"};
    for (const auto& [name, value] : policy.definition) {
        const Setting* setting = find_setting(name);
        if (!setting || (of_operator_ && !setting->of_operator))
            return Error{Errc::invalid, fmt::format("[{{<<\"{}\">>,{}}}] are not recognised policy settings",
                                                    name, term(value))};
        if (!allowed(setting->kind, value))
            return Error{Errc::invalid, fmt::format("{} is not a valid {}", term(value), setting->what)};
    }
    return {};
}

Result<void> Policies::put(const Policy& policy) {
    if (auto fine = check(policy); !fine) return fine;
    auto pattern = model::Pattern::compile(policy.pattern);
    if (!pattern)
        return Error{Errc::invalid, fmt::format("{} is not a valid regular expression: {}", policy.pattern,
                                                pattern.error().message)};
    auto compiled = std::make_unique<Compiled>(Compiled{policy, *std::move(pattern)});
    for (const auto& [name, value] : policy.definition) {
        const Setting* setting = find_setting(name);
        compiled->classic &= setting->classic;
        compiled->quorum &= setting->quorum;
    }
    policies_[policy.name] = std::move(compiled);
    return {};
}

bool Policies::erase(std::string_view name) {
    const auto at = policies_.find(name);
    if (at == policies_.end()) return false;
    policies_.erase(at);
    return true;
}

void Policies::each(const std::function<void(const Policy&)>& visit) const {
    for (const auto& [name, compiled] : policies_)
        visit(compiled->policy);
}

const Policy* Policies::find(DestinationKind kind, std::string_view name, bool quorum) const {
    const Policy* best = nullptr;
    for (const auto& [key, one] : policies_) {
        if (best && best->priority >= one->policy.priority) continue;
        if (!applies(one->policy.applies, kind, quorum)) continue;
        if (kind == DestinationKind::queue && !(quorum ? one->quorum : one->classic)) continue;
        if (one->pattern.gave_up()) continue;  // told when it happened
        if (one->pattern.found_in(name)) best = &one->policy;
        if (one->pattern.gave_up())
            log_warn("exchange", "policy '{}' is out of force: its pattern '{}' takes too long", key,
                     one->policy.pattern);
    }
    return best;
}

}  // namespace posthorn::exchange
