#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace posthorn::wire::remoting {

// The numbers are Java's enum ordinals: the C++ client sends them, the others send the names.
enum class ConsumeType { actively = 0, passively = 1, pop = 2 };
enum class MessageModel { broadcasting = 0, clustering = 1 };
/// The three values between exist only as old names and are read as what brokers made of them: last.
enum class ConsumeFrom { last_offset = 0, first_offset = 4, timestamp = 5 };

std::string_view name(ConsumeType type);
std::string_view name(MessageModel model);
std::string_view name(ConsumeFrom from);

struct SubscriptionData {
    std::string topic;
    std::string expression = "*";         ///< "subString"
    std::string expression_type = "TAG";  ///< or SQL92; clients that send none mean TAG
    std::vector<std::string> tags;
    std::vector<std::int32_t> tag_codes;
    std::int64_t version = 0;  ///< "subVersion": the newest wins
    bool class_filter = false;
};

struct ConsumerData {
    std::string group;
    ConsumeType type = ConsumeType::passively;
    MessageModel model = MessageModel::clustering;
    ConsumeFrom from = ConsumeFrom::last_offset;
    bool unit_mode = false;
    std::vector<SubscriptionData> subscriptions;
};

/// Body of HEART_BEAT (34): who is there, and what it does. What a client leaves out has the defaults above.
struct HeartbeatData {
    std::string client_id;
    std::vector<std::string> producer_groups;
    std::vector<ConsumerData> consumers;
};

/// A body that is no JSON object or has no client id is `Errc::invalid`.
Result<HeartbeatData> parse_heartbeat(Bytes body);
/// As a Java client writes it.
void write_heartbeat(Buffer& out, const HeartbeatData& heartbeat);

/// Body of CHECK_CLIENT_CONFIG (46): "could you serve this subscription?"
struct ClientCheck {
    std::string client_id;
    std::string group;
    SubscriptionData subscription;
};
Result<ClientCheck> parse_client_check(Bytes body);

}  // namespace posthorn::wire::remoting
