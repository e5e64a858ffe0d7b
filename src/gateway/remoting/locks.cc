#include "call.h"
#include "gateway.h"
#include "handlers.h"
#include "names.h"
#include "wire/remoting/bodies.h"

namespace posthorn::gateway::remoting {

namespace {

/// Queues that are not there are not locked: nobody could read them in order.
model::QueueId find_queue(Gateway& gateway, const wire::MessageQueue& wanted) {
    const model::Topic* topic = gateway.catalog().topic(wanted.topic);
    if (!topic || wanted.queue_id < 0 || static_cast<std::size_t>(wanted.queue_id) >= topic->queues.size())
        return {};
    return topic->queues[static_cast<std::size_t>(wanted.queue_id)];
}

}  // namespace

void lock_queues(Call& call) {
    const auto batch = wire::parse_lock_batch(call.body);
    if (!batch) return call.fail(batch.error());
    if (batch->group.size() > kGroupLengthMax || batch->client_id.size() > kClientIdLengthMax)
        return call.fail(ResponseCode::system_error,
                         fmt::format("a group's name has at most {} bytes, a client's id {}", kGroupLengthMax,
                                     kClientIdLengthMax));
    std::vector<wire::MessageQueue> locked;
    for (const wire::MessageQueue& wanted : batch->queues) {
        const model::QueueId queue = find_queue(call.gateway, wanted);
        if (queue.value() != 0 &&
            call.gateway.locks.lock(batch->group, queue, batch->client_id, call.gateway.steady_ms()))
            locked.push_back(wanted);
    }
    call.ok_body([&](Buffer& out) { wire::write_lock_result(out, locked); });
}

void unlock_queues(Call& call) {
    const auto batch = wire::parse_lock_batch(call.body);
    if (!batch) return call.fail(batch.error());
    for (const wire::MessageQueue& held : batch->queues)
        call.gateway.locks.unlock(batch->group, find_queue(call.gateway, held), batch->client_id);
    call.ok();
}

}  // namespace posthorn::gateway::remoting
