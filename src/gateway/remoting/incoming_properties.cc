#include "incoming_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "names.h"
#include "wire/remoting/header.h"
#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {

namespace {

template <class T>
bool set_number(std::optional<T>& out, const wire::Parsed<T>& parsed) {
    if (parsed.ok()) out = parsed.value;
    return !parsed.malformed();
}

Error no_number(const wire::Property& one) {
    return {Errc::invalid,
            fmt::format("property {} is '{}', which is no number in its range", one.name, one.value)};
}

}  // namespace

/// Notes what it is, if it is any of ours; whether it is stored.
inline IncomingProperties::Took IncomingProperties::take(const wire::Property& one) {
    namespace property = wire::property;
    bool good = true;
    // The first letter sorts out nearly everything.
    switch (one.name.front()) {
        case 'T':
            if (one.name == property::tags) {
                tags = one.value;
            } else if (one.name == property::transaction_prepared) {
                transaction = one.value == "true";
            } else if (one.name == property::timer_delay_ms) {
                good = set_number(delay_ms, wire::parse_int64(one.value));
            } else if (one.name == property::timer_delay_s) {
                good = set_number(delay_s, wire::parse_int64(one.value));
            } else if (one.name == property::timer_deliver_ms) {
                good = set_number(deliver_ms, wire::parse_int64(one.value));
            }
            break;
        case 'U':
            if (one.name == property::unique_key) unique_key = one.value;
            break;
        case 'W':
            if (one.name != property::wait) break;
            wait = one.value != "false";
            return one.value == "true" ? Took::goes : Took::stays;
        case 'D': {
            if (one.name != property::delay) break;
            const auto level = wire::parse_int32(one.value);
            if (level.malformed()) return Took::malformed;
            if (level.ok()) delay_level = level.value;
            return Took::goes;
        }
        case 'C':
            if (one.name == property::cluster) cluster = one.value;
            break;
        default:
            break;
    }
    return good ? Took::stays : Took::malformed;
}

Result<IncomingProperties> IncomingProperties::read(std::string_view list, Buffer& stored) {
    Result<IncomingProperties> found{IncomingProperties{}};
    stored.clear();
    wire::PropertyCursor cursor(list);
    for (wire::Property one; cursor.next(one);) {
        const Took took = found->take(one);
        if (took == Took::malformed) return no_number(one);
        if (took == Took::stays) wire::append_property(stored, one.name, one.value);
    }
    return found;
}

Result<IncomingProperties> IncomingProperties::read(std::span<const wire::Property> items, Buffer& stored) {
    Result<IncomingProperties> found{IncomingProperties{}};
    stored.clear();
    for (const wire::Property& one : items) {
        const Took took = found->take(one);
        if (took == Took::malformed) return no_number(one);
        if (took == Took::stays) wire::append_property(stored, one.name, one.value);
    }
    return found;
}

std::int64_t IncomingProperties::due_ms(std::int64_t wall_ms, const DelayLevels& levels) const {
    // Whatever number it is: no overflow. What is too far away is refused by the engine.
    const auto after = [&](std::int64_t ms) {
        return ms <= 0 ? 0 : wall_ms + std::min(ms, INT64_MAX - wall_ms);
    };
    if (delay_level > 0) {
        const auto level = std::min<std::size_t>(static_cast<std::size_t>(delay_level), levels.size());
        return after(levels[level - 1]);
    }
    if (delay_s)
        return after(*delay_s > INT64_MAX / 1000 ? INT64_MAX : std::max<std::int64_t>(*delay_s, 0) * 1000);
    if (delay_ms) return after(*delay_ms);
    return deliver_ms && *deliver_ms > wall_ms ? *deliver_ms : 0;
}

}  // namespace posthorn::gateway::remoting
