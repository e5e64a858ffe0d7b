// Every parser of a JSON body; what a heartbeat, a route or a group parses to must survive being written.

#include "fuzz.h"
#include "wire/remoting/bodies.h"
#include "wire/remoting/heartbeat.h"
#include "wire/remoting/route.h"

using namespace posthorn;
using namespace posthorn::wire::remoting;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes body = input(data, size);
    if (const auto heartbeat = parse_heartbeat(body)) {
        Buffer out;
        write_heartbeat(out, *heartbeat);
        const auto back = parse_heartbeat(out.view());
        POSTHORN_CHECK(back.ok() && back->client_id == heartbeat->client_id &&
                           back->consumers.size() == heartbeat->consumers.size(),
                       "a heartbeat came back different");
    }
    if (const auto route = parse_route(body)) {
        Buffer out;
        write_route(out, *route);
        const auto back = parse_route(out.view());
        POSTHORN_CHECK(back.ok() && back->brokers.size() == route->brokers.size(),
                       "a route came back different");
    }
    if (const auto group = parse_subscription_group(body)) {
        Buffer out;
        write_subscription_group(out, *group);
        const auto back = parse_subscription_group(out.view());
        POSTHORN_CHECK(back.ok() && back->name == group->name, "a group came back different");
    }
    if (const auto offsets = parse_reset_offset(body)) {
        Buffer out;
        write_reset_offset(out, *offsets);
        const auto back = parse_reset_offset(out.view());
        POSTHORN_CHECK(back.ok() && *back == *offsets, "offsets came back different");
    }
    (void)parse_client_check(body);
    (void)parse_lock_batch(body);
    (void)parse_consumer_status(body);
    (void)parse_consumer_running_info(body);
    (void)parse_kv_table(body);
    return 0;
}
