#include "remoting_torture.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "load_stamp.h"
#include "remoting_admin.h"

namespace posthorn::cli {

RemotingTorture::RemotingTorture(const Plan& plan, std::mt19937_64& random) : plan_(plan) {
    target_.broker = plan.broker;
    target_.run = random();
    target_.topic = fmt::format("PosthornTorture_{:016X}", target_.run);
    target_.queues = plan.queues;
    for (std::uint32_t index = 0; index < plan.producers; ++index)
        producers_.emplace_back(target_, index, random(), plan.delays);
    for (std::uint32_t index = 0; index < plan.consumers; ++index)
        consumers_.emplace_back(target_, index);
}

Result<void> RemotingTorture::ask() {
    auto connection = RemotingConnection::open(target_.broker);
    if (!connection) return connection.error();
    auto answer = call(*connection, wire::remoting::RequestCode::get_broker_runtime_info, {});
    if (!answer) return answer.error();
    if (answer->code != 0) return Error{Errc::denied, answer->remark};
    return {};
}

Result<void> RemotingTorture::prepare() {
    auto connection = RemotingConnection::open(target_.broker);
    if (!connection) return connection.error();
    return create_topic(*connection, target_.topic, target_.queues);
}

std::vector<TortureSide::Client> RemotingTorture::clients() {
    std::vector<Client> clients;
    for (TortureProducer& producer : producers_)
        clients.push_back([this, &producer](const std::atomic<bool>& stop) {
            return producer.run(stop, plan_.rate / plan_.producers);
        });
    for (TortureConsumer& consumer : consumers_)
        clients.push_back([&consumer](const std::atomic<bool>& stop) { return consumer.run(stop); });
    return clients;
}

std::vector<std::string> RemotingTorture::refusals() const {
    std::map<std::int32_t, std::uint64_t> sum;
    for (const TortureProducer& producer : producers_)
        for (const auto& [code, count] : producer.refused())
            sum[code] += count;
    std::vector<std::string> lines;
    for (const auto& [code, count] : sum)
        lines.push_back(fmt::format("{} sends were refused with code {}", count, code));
    return lines;
}

Result<TortureFindings> RemotingTorture::check() {
    TortureFindings findings;
    for (TortureProducer& producer : producers_)
        producer.ledger().begin_reading();
    auto opened = RemotingConnection::open(target_.broker);
    if (!opened) return opened.error();
    std::vector<std::int64_t> next(target_.queues, 0);
    const std::int64_t deadline = last_due() + static_cast<std::int64_t>(plan_.grace * 1e9);
    while (true) {
        if (auto read = read_all(*opened, next, findings); !read) return read.error();
        findings.verdict = verdict();
        if (findings.verdict.lost == 0 || steady_now() > deadline) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    if (auto checked = check_groups(*opened, next, findings); !checked) return checked.error();
    return findings;
}

Result<void> RemotingTorture::read_all(RemotingConnection& connection, std::vector<std::int64_t>& next,
                                       TortureFindings& findings) {
    for (std::uint32_t queue = 0; queue < target_.queues; ++queue) {
        auto end = max_offset(connection, target_.topic, queue);
        if (!end) return end.error();
        const auto each = [&](const wire::remoting::Message& message) { note(message, findings); };
        auto read = read_queue(connection, target_, queue, next[queue], *end, {}, each);
        if (!read) return read.error();
        if (*read < *end)
            return Error{Errc::invalid,
                         fmt::format("queue {} ends at {} but nothing is served at {}", queue, *end, *read)};
        next[queue] = *read;
    }
    return {};
}

void RemotingTorture::note(const wire::remoting::Message& message, TortureFindings& findings) {
    const auto stamp = read_stamp(message.body);
    const std::uint64_t producer = stamp ? stamp->sequence >> kNumberBits : 0;
    const std::uint64_t number = stamp ? stamp->sequence & ((std::uint64_t{1} << kNumberBits) - 1) : 0;
    const auto queue = static_cast<std::uint32_t>(message.queue_id);
    const bool ours = stamp && stamp->run == target_.run && producer < producers_.size() &&
                      message.body_intact() &&
                      producers_[producer].ledger().found(number, queue, message.queue_offset);
    if (!ours) ++findings.invented;
    const std::uint64_t sequence = stamp ? stamp->sequence : TortureConsumer::kNothing;
    for (const TortureConsumer& consumer : consumers_) {
        const auto& seen = consumer.seen()[queue];
        const auto offset = static_cast<std::size_t>(message.queue_offset);
        if (offset < seen.size() && seen[offset] != sequence) ++findings.taken_back;
    }
}

Result<void> RemotingTorture::check_groups(RemotingConnection& connection,
                                           const std::vector<std::int64_t>& end, TortureFindings& findings) {
    for (const TortureConsumer& consumer : consumers_)
        for (std::uint32_t queue = 0; queue < target_.queues; ++queue) {
            const auto seen = static_cast<std::int64_t>(consumer.seen()[queue].size());
            if (seen > end[queue]) findings.taken_back += static_cast<std::uint64_t>(seen - end[queue]);
            auto answer = call(connection, wire::remoting::RequestCode::query_consumer_offset,
                               {{"consumerGroup", consumer.group()},
                                {"topic", target_.topic},
                                {"queueId", std::to_string(queue)}});
            if (!answer) return answer.error();
            if (answer->code != 0) continue;  // nothing committed yet
            auto offset = answer->number("offset");
            if (!offset) return offset.error();
            if (*offset > end[queue]) ++findings.offsets_ahead;
        }
    return {};
}

std::int64_t RemotingTorture::last_due() {
    std::int64_t last = 0;
    for (TortureProducer& producer : producers_)
        last = std::max(last, producer.ledger().last_due_ns());
    return last;
}

TortureLedger::Verdict RemotingTorture::verdict() {
    TortureLedger::Verdict sum;
    for (TortureProducer& producer : producers_)
        sum.add(producer.ledger().verdict());
    return sum;
}

}  // namespace posthorn::cli
