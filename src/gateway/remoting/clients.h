#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/remoting/server.h"
#include "session.h"
#include "subscriptions.h"
#include "wire/remoting/header.h"
#include "wire/remoting/heartbeat.h"

namespace posthorn::gateway::remoting {

/// What a consumer group wants of one topic, as its members say in their heartbeats.
struct Subscription {
    wire::SubscriptionData data;
    Filter filter;  ///< of tag expressions
};

/// One client of a group: the connection its heartbeats come over.
struct Member {
    SessionHandle session;
    std::string client_id;
    wire::Language language = wire::Language::other;
    std::int32_t version = 0;
    std::int64_t seen_ms = 0;  ///< steady
};

struct ConsumerGroup {
    std::string name;
    wire::ConsumeType type{};
    wire::MessageModel model{};
    wire::ConsumeFrom from{};
    std::map<std::string, Subscription, std::less<>> subscriptions;
    std::vector<Member> members;
    bool notify = true;    ///< members want to know when membership changes
    bool changed = false;  ///< and it did in this tick

    const Subscription* subscription(std::string_view topic) const {
        const auto found = subscriptions.find(topic);
        return found == subscriptions.end() ? nullptr : &found->second;
    }
};

struct ProducerGroup {
    std::string name;
    std::vector<Member> members;
};

/// Who is here: producers and consumers by group, as heartbeats tell. A member goes when it says so, when its
/// connection closes, or when it was silent for too long. Whoever stays in a consumer group is told of each
/// change once per tick (request 40), so that it shares out the queues again.
class Clients {
  public:
    /// Looks a group up; null while nobody is in it.
    const ConsumerGroup* consumers(std::string_view group) const;
    const ProducerGroup* producers(std::string_view group) const;
    void each_consumers(const std::function<void(const ConsumerGroup&)>& visit) const;
    void each_producers(const std::function<void(const ProducerGroup&)>& visit) const;

    /// How many groups the connection is in after this heartbeat.
    std::size_t groups_after(SessionHandle session, const wire::HeartbeatData& news) const;
    /// A heartbeat's word on one group; `notify`: the group's members want notices.
    void join_consumers(const Member& member, const wire::ConsumerData& news,
                        std::vector<Subscription> subscriptions, bool notify);
    void join_producers(const Member& member, std::string_view group);
    void leave_consumers(SessionHandle session, std::string_view group);
    void leave_producers(SessionHandle session, std::string_view group);
    void forget(SessionHandle session);

    /// Tells the members of groups that changed.
    void tell_changed(Gateway& gateway);
    /// Closes the connections of members unseen for too long, as the original does.
    void expire(Gateway& gateway, std::int64_t now_ms);

    std::vector<ClientInfo> list(const Gateway& gateway) const;

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    template <class Group>
    using ByName = std::unordered_map<std::string, Group, Hash, std::equal_to<>>;
    struct Membership {
        std::vector<std::string> consumer_groups, producer_groups;
    };

    void mark_changed(ConsumerGroup& group);
    static bool replace_subscriptions(ConsumerGroup& group, std::vector<Subscription> wanted);
    Membership& membership(SessionHandle session);

    ByName<ConsumerGroup> consumers_;
    ByName<ProducerGroup> producers_;
    std::unordered_map<std::uint64_t, Membership> memberships_;  // by session
    std::vector<std::string> changed_;
    std::int32_t next_opaque_ = 0;
};

}  // namespace posthorn::gateway::remoting
