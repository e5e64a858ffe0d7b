#include "rocketmq_conf.h"

#include <fmt/core.h>

#include <algorithm>

#include "perhaps_meant.h"
#include "rocketmq_ignored.h"
#include "settings.h"
#include "values.h"

namespace posthorn::server {
namespace {

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\f");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\f") - first + 1);
}

struct Line {
    std::size_t number;
    std::string key, value;
};

/// java.util.Properties as far as such files use it: comments, `=` or `:`, a backslash that continues a line.
std::vector<Line> lines_of(std::string_view content) {
    if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
    std::vector<Line> lines;
    std::string whole;
    std::size_t number = 0;
    while (!content.empty()) {
        const auto raw = content.substr(0, content.find('\n'));
        content.remove_prefix(std::min(content.size(), raw.size() + 1));
        ++number;
        const auto part = trim(raw);
        if (whole.empty() && (part.empty() || part.front() == '#' || part.front() == '!')) continue;
        if (part.ends_with('\\')) {
            whole += part.substr(0, part.size() - 1);
            continue;
        }
        whole += part;
        const auto split = whole.find_first_of("=:");
        const std::string_view all(whole);
        lines.push_back(
            {number, std::string(trim(all.substr(0, split))),
             split == std::string::npos ? std::string() : std::string(trim(all.substr(split + 1)))});
        whole.clear();
    }
    return lines;
}

using Convert = std::string (*)(std::string_view);
std::string same(std::string_view value) {
    return std::string(value);
}
std::string hours(std::string_view value) {
    return fmt::format("{}h", value);
}
std::string seconds(std::string_view value) {
    return fmt::format("{}s", value);
}
std::string percent(std::string_view value) {
    return fmt::format("{}%", value);
}
std::string first_hour(std::string_view value) {
    return std::string(trim(value.substr(0, value.find(';'))));
}
std::string flush_kind(std::string_view value) {
    return value == "SYNC_FLUSH" ? "sync" : value == "ASYNC_FLUSH" ? "async" : std::string(value);
}

/// Warnings one file may cause: beyond, it is something else's file.
constexpr std::size_t unknown_keys_max = 100;

struct Carried {
    std::string_view key;
    std::string_view setting;
    Convert convert;
};

constexpr Carried carried[] = {
    {"brokerName", "broker.name", same},
    {"brokerClusterName", "cluster.name", same},
    {"brokerIP1", "network.advertise", same},
    {"bindAddress", "network.bind", same},
    {"storePathRootDir", "data.directory", same},
    {"deleteWhen", "store.delete_hour", first_hour},
    {"fileReservedTime", "store.retention", hours},
    {"flushDiskType", "store.flush", flush_kind},
    {"flushIntervalCommitLog", "store.sync_interval", same},
    {"flushConsumerOffsetInterval", "store.progress_interval", same},
    {"maxMessageSize", "store.message_max", same},
    {"timerMaxDelaySec", "store.delay_max", seconds},
    {"maxDelayTime", "store.delay_max", hours},
    {"diskMaxUsedSpaceRatio", "store.disk_clean", percent},
    {"diskSpaceCleanForciblyRatio", "store.disk_force", same},
    {"diskSpaceWarningLevelRatio", "store.disk_refuse", same},
    {"messageDelayLevel", "remoting.delay_levels", same},
    {"autoCreateTopicEnable", "remoting.auto_create_topics", same},
    {"autoCreateSubscriptionGroup", "remoting.auto_create_groups", same},
    {"defaultTopicQueueNums", "remoting.default_queues", same},
    {"clusterTopicEnable", "remoting.cluster_topic", same},
    {"brokerTopicEnable", "remoting.broker_topic", same},
    {"orderMessageEnable", "remoting.order_topics", same},
    {"regionId", "broker.region", same},
    {"traceOn", "remoting.trace", same},
    {"accessMessageInMemoryMaxRatio", "remoting.in_memory", percent},
    {"channelExpiredTimeout", "remoting.client_timeout", same},
    {"serverChannelMaxIdleTimeSeconds", "remoting.idle_timeout", seconds},
    {"maxTransferCountOnMessageInMemory", "remoting.pull_messages_max", same},
    {"maxTransferBytesOnMessageInMemory", "remoting.pull_bytes_max", same},
};

/// One file being read.
class Reader {
  public:
    Reader(Config& config, std::string_view path, std::vector<Line> lines, Notes& notes)
        : config_(config), path_(path), lines_(std::move(lines)), notes_(notes) {
        const auto slash = path.rfind('/');
        const auto file = slash == std::string_view::npos ? path : path.substr(slash + 1);
        const bool says_broker = has("brokerName") || has("brokerId") || has("brokerRole");
        name_server_ = !says_broker && (file.find("namesrv") != std::string_view::npos ||
                                        has("kvConfigPath") || has("listenPort", "9876"));
    }

    Result<void> read() {
        for (const Line& line : lines_)
            if (auto done = apply(line); !done)
                return Error{done.error().code, fmt::format("{}:{}: {}={}: {}", path_, line.number, line.key,
                                                            line.value, done.error().message)};
        return {};
    }

  private:
    bool has(std::string_view key, std::string_view value = {}) const {
        return std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) {
            return line.key == key && (value.empty() || line.value == value);
        });
    }

    void note(LogLevel level, const Line& line, std::string_view text) {
        notes_.push_back({level, fmt::format("{}:{}: {} {}", path_, line.number, line.key, text)});
    }

    Result<void> apply(const Line& line) {
        if (line.key == "listenPort") return listen_port(line);
        if (line.key == "brokerRole") return role(line);
        if (warn_of_danger(line)) return {};
        for (const Carried& known : carried)
            if (known.key == line.key) return carry(line, known);
        if (const auto why = why_ignored(line.key); !why.empty()) {
            note(LogLevel::info, line, fmt::format("is accepted and has no effect: {}", why));
            return {};
        }
        if (++unknown_keys_ > unknown_keys_max)
            return Error{Errc::invalid,
                         fmt::format("more than {} keys are not known: is this a file of RocketMQ's?",
                                     unknown_keys_max)};
        note(LogLevel::warn, line,
             "is no key of RocketMQ's that Posthorn knows; it is not used" +
                 perhaps_meant(line.key, known_keys()));
        return {};
    }

    static std::vector<std::string> known_keys() {
        std::vector<std::string> all = ignored_keys();
        all.insert(all.end(), {"listenPort", "brokerRole"});
        for (const Carried& known : carried)
            all.emplace_back(known.key);
        return all;
    }

    Result<void> carry(const Line& line, const Carried& known) {
        const std::string value = known.convert(line.value);
        if (line.key == "deleteWhen" && line.value.find(';') != std::string::npos)
            note(LogLevel::warn, line, fmt::format("names several hours; only {} is used", value));
        return set_value(config_, known.setting, value);
    }

    /// The VIP twin stands two below the broker, as clients expect.
    Result<void> listen_port(const Line& line) {
        if (name_server_) return set_value(config_, "ports.name_service", line.value);
        if (auto done = set_value(config_, "ports.broker", line.value); !done) return done;
        const std::uint16_t port = config_.remoting.broker_port;
        config_.remoting.vip_port = port > 2 ? static_cast<std::uint16_t>(port - 2) : 0;
        return {};
    }

    Result<void> role(const Line& line) {
        if (line.value == "ASYNC_MASTER") return {};
        if (line.value == "SYNC_MASTER") {
            note(LogLevel::warn, line,
                 "= SYNC_MASTER asks that a slave has a message before it is answered. Posthorn has no "
                 "slaves: "
                 "sends are answered SEND_OK once they are on this machine (store.flush says how safely), as "
                 "RocketMQ 5 answers without a slave; RocketMQ 4 answered SLAVE_NOT_AVAILABLE.");
            return {};
        }
        if (line.value == "SLAVE")
            return Error{Errc::unsupported, "Posthorn does not replicate and cannot be a slave"};
        return Error{Errc::invalid, "a role is ASYNC_MASTER, SYNC_MASTER or SLAVE"};
    }

    /// Keys whose silent loss would be dangerous: said as a warning, only when they ask for something.
    bool warn_of_danger(const Line& line) {
        struct Danger {
            std::string_view key, harmless, text;
        };
        static constexpr std::string_view no_access_control =
            "asks for access control, which is not built yet: everybody who reaches the ports may do "
            "everything. "
            "Keep network.bind on loopback or a firewall in front";
        static constexpr Danger dangers[] = {
            {"aclEnable", "false", no_access_control},
            {"authenticationEnabled", "false", no_access_control},
            {"authorizationEnabled", "false", no_access_control},
            {"useTLS", "false", "asks for TLS, which is not built yet: connections are in plain text"},
            {"brokerPermission", "6",
             "is not carried over: brokers here are readable and writable; set "
             "permissions per topic (mqadmin updateTopic -p)"},
            {"brokerId", "0", "is not 0: that is a slave's number; this broker is a master and says 0"},
        };
        for (const Danger& danger : dangers)
            if (danger.key == line.key) {
                if (line.value != danger.harmless) note(LogLevel::warn, line, danger.text);
                return true;
            }
        return false;
    }

    Config& config_;
    std::string_view path_;
    const std::vector<Line> lines_;
    Notes& notes_;
    bool name_server_ = false;
    std::size_t unknown_keys_ = 0;
};

}  // namespace

bool is_rocketmq_conf(std::string_view path, std::string_view content) {
    if (path.ends_with(".conf") || path.ends_with(".properties")) return true;
    if (path.ends_with(".yaml") || path.ends_with(".yml")) return false;
    const auto lines = lines_of(content);
    const auto equals = content.find('=');
    return !lines.empty() && equals != std::string_view::npos && equals < content.find(": ");
}

Result<void> apply_rocketmq_conf(Config& config, std::string_view path, std::string_view content,
                                 Notes& notes) {
    return Reader(config, path, lines_of(content), notes).read();
}

}  // namespace posthorn::server
