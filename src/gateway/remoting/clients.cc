#include "clients.h"

#include <algorithm>

#include "base/log.h"
#include "gateway.h"
#include "wire/remoting/frame_writer.h"

namespace posthorn::gateway::remoting {

namespace {

std::uint64_t key(SessionHandle session) {
    return std::uint64_t{session.generation} << 32 | session.slot;
}

/// True if the member is new.
bool put(std::vector<Member>& members, const Member& member) {
    for (Member& old : members) {
        if (old.session != member.session) continue;
        old = member;
        return false;
    }
    members.push_back(member);
    return true;
}

bool take_out(std::vector<Member>& members, SessionHandle session) {
    return std::erase_if(members, [&](const Member& member) { return member.session == session; }) != 0;
}

void note(std::vector<std::string>& groups, std::string_view group) {
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.emplace_back(group);
}

}  // namespace

const ConsumerGroup* Clients::consumers(std::string_view group) const {
    const auto found = consumers_.find(group);
    return found == consumers_.end() ? nullptr : &found->second;
}

const ProducerGroup* Clients::producers(std::string_view group) const {
    const auto found = producers_.find(group);
    return found == producers_.end() ? nullptr : &found->second;
}

void Clients::each_consumers(const std::function<void(const ConsumerGroup&)>& visit) const {
    for (const auto& [name, group] : consumers_)
        visit(group);
}

void Clients::each_producers(const std::function<void(const ProducerGroup&)>& visit) const {
    for (const auto& [name, group] : producers_)
        visit(group);
}

Clients::Membership& Clients::membership(SessionHandle session) {
    return memberships_[key(session)];
}

std::size_t Clients::groups_after(SessionHandle session, const wire::HeartbeatData& news) const {
    const auto known = memberships_.find(key(session));
    if (known == memberships_.end()) return news.consumers.size() + news.producer_groups.size();
    const auto& [consumers, producers] = known->second;
    const auto has = [](const std::vector<std::string>& groups, const std::string& name) {
        return std::find(groups.begin(), groups.end(), name) != groups.end();
    };
    std::size_t count = consumers.size() + producers.size();
    for (const wire::ConsumerData& consumer : news.consumers)
        count += has(consumers, consumer.group) ? 0 : 1;
    for (const std::string& group : news.producer_groups)
        count += has(producers, group) ? 0 : 1;
    return count;
}

void Clients::mark_changed(ConsumerGroup& group) {
    if (group.changed || !group.notify) return;
    group.changed = true;
    changed_.push_back(group.name);
}

bool Clients::replace_subscriptions(ConsumerGroup& group, std::vector<Subscription> wanted) {
    // A topic that comes or goes is a change; a newer expression of the same topic is not, as in the
    // original: the members have it from their own application.
    bool changed = false;
    for (auto old = group.subscriptions.begin(); old != group.subscriptions.end();) {
        const bool stays = std::any_of(wanted.begin(), wanted.end(),
                                       [&](const Subscription& one) { return one.data.topic == old->first; });
        if (stays) {
            ++old;
        } else {
            old = group.subscriptions.erase(old);
            changed = true;
        }
    }
    for (Subscription& one : wanted) {
        const auto old = group.subscriptions.find(one.data.topic);
        if (old == group.subscriptions.end()) {
            std::string topic = one.data.topic;
            group.subscriptions.emplace(std::move(topic), std::move(one));
            changed = true;
        } else if (one.data.version > old->second.data.version) {
            old->second = std::move(one);
        }
    }
    return changed;
}

void Clients::join_consumers(const Member& member, const wire::ConsumerData& news,
                             std::vector<Subscription> subscriptions, bool notify) {
    auto found = consumers_.find(news.group);
    if (found == consumers_.end()) {
        found = consumers_.emplace(news.group, ConsumerGroup{}).first;
        found->second.name = news.group;
    }
    ConsumerGroup& group = found->second;
    group.type = news.type;
    group.model = news.model;
    group.from = news.from;
    group.notify = notify;
    const bool joined = put(group.members, member);
    if (joined) note(membership(member.session).consumer_groups, news.group);
    const bool resubscribed = replace_subscriptions(group, std::move(subscriptions));
    if (joined || resubscribed) mark_changed(group);
}

void Clients::join_producers(const Member& member, std::string_view name) {
    auto found = producers_.find(name);
    if (found == producers_.end())
        found = producers_.emplace(name, ProducerGroup{std::string(name), {}}).first;
    if (put(found->second.members, member)) note(membership(member.session).producer_groups, name);
}

void Clients::leave_consumers(SessionHandle session, std::string_view name) {
    const auto found = consumers_.find(name);
    if (found == consumers_.end() || !take_out(found->second.members, session)) return;
    std::erase(membership(session).consumer_groups, name);
    if (found->second.members.empty())
        consumers_.erase(found);
    else
        mark_changed(found->second);
}

void Clients::leave_producers(SessionHandle session, std::string_view name) {
    const auto found = producers_.find(name);
    if (found == producers_.end() || !take_out(found->second.members, session)) return;
    std::erase(membership(session).producer_groups, name);
    if (found->second.members.empty()) producers_.erase(found);
}

void Clients::forget(SessionHandle session) {
    const auto found = memberships_.find(key(session));
    if (found == memberships_.end()) return;
    const Membership gone = found->second;
    for (const std::string& group : gone.consumer_groups)
        leave_consumers(session, group);
    for (const std::string& group : gone.producer_groups)
        leave_producers(session, group);
    memberships_.erase(key(session));
}

void Clients::tell_changed(Gateway& gateway) {
    for (const std::string& name : changed_) {
        const auto found = consumers_.find(name);
        if (found == consumers_.end()) continue;
        found->second.changed = false;
        for (const Member& member : found->second.members) {
            Session* session = gateway.sessions.find(member.session);
            if (!session) continue;
            auto notice =
                wire::FrameWriter::request(session->out(), session->encoding(),
                                           RequestCode::notify_consumer_ids_changed, ++next_opaque_, true);
            notice.field("consumerGroup", name);
            (void)notice.finish();
        }
    }
    changed_.clear();
}

void Clients::expire(Gateway& gateway, std::int64_t now_ms) {
    const std::int64_t oldest = now_ms - gateway.options.client_timeout.count();
    std::vector<SessionHandle> silent;
    const auto collect = [&](const auto& group) {
        for (const Member& member : group.members)
            if (member.seen_ms < oldest) silent.push_back(member.session);
    };
    for (const auto& [name, group] : consumers_)
        collect(group);
    for (const auto& [name, group] : producers_)
        collect(group);
    for (const SessionHandle handle : silent) {
        forget(handle);
        Session* session = gateway.sessions.find(handle);
        if (!session) continue;
        ++gateway.counters.expired_clients;
        log_info("remoting", "closing {}: no heartbeat for {} s", session->peer_text(),
                 gateway.options.client_timeout.count() / 1000);
        session->close("no heartbeat");
    }
}

std::vector<ClientInfo> Clients::list(const Gateway& gateway) const {
    std::vector<ClientInfo> all;
    const auto add = [&](const std::string& group, const Member& member) -> ClientInfo& {
        const Session* session = gateway.sessions.find(member.session);
        all.push_back({group,
                       member.client_id,
                       session ? session->peer_text() : std::string(),
                       wire::name(member.language),
                       member.version,
                       false,
                       {}});
        return all.back();
    };
    for (const auto& [name, group] : consumers_) {
        for (const Member& member : group.members) {
            ClientInfo& info = add(name, member);
            info.consumer = true;
            info.consume_mode = group.type == wire::ConsumeType::actively ? "pull" : "push";
        }
    }
    for (const auto& [name, group] : producers_)
        for (const Member& member : group.members)
            add(name, member);
    return all;
}

}  // namespace posthorn::gateway::remoting
