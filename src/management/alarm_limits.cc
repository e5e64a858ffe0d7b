#include <fmt/format.h>

#include "desk.h"
#include "nouns.h"

namespace posthorn::management {
namespace {

using exchange::Alarms;
using http::Response;

Response get_limits(Desk& desk, const Call&) {
    const Alarms& alarms = desk.alarms;
    return answer({{"memory",
                    {{"limit", alarms.limits().memory_bytes},
                     {"used", alarms.memory_bytes()},
                     {"alarm", alarms.raised(Alarms::Kind::memory)}}},
                   {"disk_free",
                    {{"limit", alarms.limits().disk_free_bytes},
                     {"free", alarms.disk_free_bytes()},
                     {"alarm", alarms.raised(Alarms::Kind::disk)}}}});
}

/// What the body does not name stays.
Response put_limits(Desk& desk, const Call& call) {
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    Alarms::Limits limits = desk.alarms.limits();
    for (const auto& [name, value] : body->items()) {
        std::uint64_t* const limit = name == "memory"      ? &limits.memory_bytes
                                     : name == "disk_free" ? &limits.disk_free_bytes
                                                           : nullptr;
        if (!limit) return failed({Errc::invalid, fmt::format("there is no limit '{}'", name)});
        if (!value.is_number_unsigned())
            return failed({Errc::invalid, fmt::format("{} is to be a number of bytes", name)});
        *limit = value.get<std::uint64_t>();
    }
    desk.alarms.set_limits(limits);
    return no_content();
}

}  // namespace

void add_alarm_limits(Routes& routes) {
    routes.get("/alarm-limits", Needs::monitoring, &get_limits);
    routes.put("/alarm-limits", Needs::administrator, &put_limits);
}

}  // namespace posthorn::management
