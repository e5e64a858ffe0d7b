#include "queue_locks.h"

namespace posthorn::gateway::remoting {

std::string QueueLocks::key(std::string_view group, model::QueueId queue) {
    std::string key(group);
    return key.append("/").append(std::to_string(queue.value()));
}

bool QueueLocks::lock(std::string_view group, model::QueueId queue, std::string_view client,
                      std::int64_t now_ms) {
    std::string name = key(group, queue);
    if (locks_.size() >= limit_ && !locks_.contains(name)) return false;
    Lock& lock = locks_[std::move(name)];
    const bool free = lock.client.empty() || now_ms - lock.renewed_ms > timeout_ms_;
    if (!free && lock.client != client) return false;
    lock.client = client;
    lock.renewed_ms = now_ms;
    return true;
}

void QueueLocks::unlock(std::string_view group, model::QueueId queue, std::string_view client) {
    const auto found = locks_.find(key(group, queue));
    if (found != locks_.end() && found->second.client == client) locks_.erase(found);
}

void QueueLocks::drop_expired(std::int64_t now_ms) {
    std::erase_if(locks_, [&](const auto& entry) { return now_ms - entry.second.renewed_ms > timeout_ms_; });
}

}  // namespace posthorn::gateway::remoting
