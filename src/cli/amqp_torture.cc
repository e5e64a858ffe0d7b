#include "amqp_torture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "confirm_window.h"
#include "delivery_reader.h"
#include "torture_clients.h"

namespace posthorn::cli {
namespace amqp = wire::amqp;

namespace {

constexpr std::uint32_t kWindow = 64;
constexpr std::uint16_t kPrefetch = 100;
constexpr std::uint32_t kOneInReturned = 50;
constexpr std::array<std::size_t, 3> kSizes{64, 700, 6000};

}  // namespace

std::string AmqpTortureTarget::queue(std::uint64_t index) const {
    return fmt::format("posthorn-torture-{:016x}.{}", run, index);
}

// --- producers ---------------------------------------------------------------------------------------------

AmqpTortureProducer::AmqpTortureProducer(const AmqpTortureTarget& target, std::uint32_t index,
                                         std::uint64_t seed)
    : target_(target), index_(index), random_(seed) {
    for (std::uint32_t queue = 0; queue < target.queues; ++queue)
        for (const std::size_t size : kSizes)
            forms_.emplace_back(PublishForm::Shape{.exchange = {},
                                                   .key = target.queue(queue),
                                                   .body_size = size,
                                                   .persistent = true,
                                                   .frame_max = amqp::kMinFrameMax,
                                                   .channel = AmqpConnection::kChannel});
}

Result<AmqpConnection> AmqpTortureProducer::connect() {
    auto connection = AmqpConnection::open(target_.server);
    if (!connection) return connection;
    if (auto confirms = connection->call(amqp::ConfirmSelect{}, amqp::MethodCode::confirm_select_ok);
        !confirms)
        return confirms.error();
    return connection;
}

Result<void> AmqpTortureProducer::run(const std::atomic<bool>& stop, double per_second) {
    auto connection = connect();
    if (!connection) return {};
    ConfirmWindow window(kWindow);
    const auto answered = [this](std::int64_t number, bool good) {
        if (good)
            ledger_.acknowledge(static_cast<std::uint64_t>(number), 0, 0);
        else
            ++refused_;
    };
    const std::int64_t start = steady_now();
    double sent = 0;
    while (!stop) {
        const std::int64_t now = steady_now();
        const double allowed = per_second * static_cast<double>(now - start) * 1e-9 + kWindow;
        for (; !window.full() && sent < allowed; ++sent) {
            const std::uint64_t number = ledger_.issue(now, 0);
            window.issue(static_cast<std::int64_t>(number));
            write_stamp(forms_[random_() % forms_.size()].append(connection->out()),
                        LoadStamp{target_.run, torture_sequence(index_, number), now});
        }
        if (!connection->write_some()) return {};
        const bool waiting = !window.full() || connection->unsent();
        if (!connection->read_some(std::chrono::milliseconds(waiting ? 1 : 50))) return {};
        auto taken = connection->take_frames([&](const amqp::Frame& frame) { window.take(frame, answered); });
        if (!taken) return taken;
    }
    return {};
}

// --- consumers ---------------------------------------------------------------------------------------------

Result<AmqpConnection> AmqpTortureConsumer::connect() {
    auto connection = AmqpConnection::open(target_.server);
    if (!connection) return connection;
    amqp::BasicQos qos;
    qos.prefetch_count = kPrefetch;
    if (auto set = connection->call(qos, amqp::MethodCode::basic_qos_ok); !set) return set.error();
    for (std::uint32_t queue = 0; queue < target_.queues; ++queue) {
        const std::string name = target_.queue(queue);
        amqp::BasicConsume consume;
        consume.queue = name, consume.consumer_tag = name, consume.no_wait = true;
        connection->write(consume);
    }
    return connection;
}

/// Returns how many messages came.
Result<std::size_t> AmqpTortureConsumer::take(AmqpConnection& connection, DeliveryReader& reader,
                                              bool returns) {
    std::size_t count = 0;
    auto taken = connection.take_frames([&](const amqp::Frame& frame) {
        const Delivered* const message = reader.take(frame);
        if (message == nullptr) return;
        ++count;
        AmqpSighting sighting{.redelivered = message->redelivered};
        const auto stamp = read_stamp(message->head);
        if (stamp && stamp->run == target_.run && message->last == PublishForm::kFiller &&
            std::find(kSizes.begin(), kSizes.end(), message->body_size) != kSizes.end())
            sighting.sequence = stamp->sequence;
        sightings_.push_back(sighting);
        if (returns && random_() % kOneInReturned == 0)
            connection.write(amqp::BasicReject{message->tag, true});
        else
            connection.write(amqp::BasicAck{message->tag, false});
    });
    if (!taken) return taken.error();
    return count;
}

Result<void> AmqpTortureConsumer::run(const std::atomic<bool>& stop) {
    auto connection = connect();
    if (!connection) return {};
    DeliveryReader reader;
    while (!stop) {
        if (!connection->write_some()) return {};
        if (!connection->read_some(std::chrono::milliseconds(20))) return {};
        if (auto taken = take(*connection, reader, true); !taken) return taken.error();
    }
    return {};
}

/// Until all queues are empty and what came of them is acknowledged.
Result<void> AmqpTortureConsumer::drain() {
    auto connection = connect();
    if (!connection) return connection.error();
    auto control = AmqpConnection::open(target_.server);
    if (!control) return control.error();
    DeliveryReader reader;
    const auto take_what_comes = [&]() -> Result<std::size_t> {
        if (auto written = connection->write_all(); !written) return written.error();
        if (auto got = connection->read_some(std::chrono::milliseconds(200)); !got) return got.error();
        return take(*connection, reader, false);
    };
    while (true) {
        auto came = take_what_comes();
        if (!came) return came.error();
        if (*came != 0) continue;
        std::uint64_t waiting = 0;
        for (std::uint32_t queue = 0; queue < target_.queues; ++queue) {
            const std::string name = target_.queue(queue);
            amqp::QueueDeclare ask;
            ask.queue = name, ask.passive = true;
            auto answer = control->call(ask, amqp::MethodCode::queue_declare_ok);
            if (!answer) return answer.error();
            amqp::QueueDeclareOk state;
            if (amqp::decode(*answer, state)) waiting += state.message_count;
        }
        if (waiting == 0) break;
    }
    auto closed = connection->call(amqp::ChannelClose{}, amqp::MethodCode::channel_close_ok);
    if (!closed) return closed.error();
    return {};
}

// --- the whole ---------------------------------------------------------------------------------------------

AmqpTorture::AmqpTorture(const Plan& plan, std::mt19937_64& random) : plan_(plan) {
    target_.server.address = plan.address;
    target_.run = random();
    target_.queues = plan.queues;
    for (std::uint32_t index = 0; index < plan.producers; ++index)
        producers_.emplace_back(target_, index, random());
    for (std::uint32_t index = 0; index <= plan.consumers; ++index)
        consumers_.emplace_back(target_, random());
}

Result<void> AmqpTorture::ask() {
    auto connection = AmqpConnection::open(target_.server);
    if (!connection) return connection.error();
    return {};
}

Result<void> AmqpTorture::prepare() {
    auto connection = AmqpConnection::open(target_.server);
    if (!connection) return connection.error();
    for (std::uint32_t index = 0; index < target_.queues; ++index) {
        const std::string name = target_.queue(index);
        amqp::QueueDeclare queue;
        queue.queue = name, queue.durable = true;
        if (auto made = connection->call(queue, amqp::MethodCode::queue_declare_ok); !made)
            return made.error();
    }
    return {};
}

std::vector<TortureSide::Client> AmqpTorture::clients() {
    std::vector<Client> clients;
    for (AmqpTortureProducer& producer : producers_)
        clients.push_back([this, &producer](const std::atomic<bool>& stop) {
            return producer.run(stop, plan_.rate / plan_.producers);
        });
    for (std::size_t index = 0; index < plan_.consumers; ++index)
        clients.push_back(
            [&consumer = consumers_[index]](const std::atomic<bool>& stop) { return consumer.run(stop); });
    return clients;
}

void AmqpTorture::note(const AmqpSighting& sighting, TortureFindings& findings) {
    const std::uint64_t producer = sighting.sequence >> kNumberBits;
    const std::uint64_t number = sighting.sequence & ((std::uint64_t{1} << kNumberBits) - 1);
    if (producer >= producers_.size()) {
        ++findings.invented;
        return;
    }
    TortureLedger& ledger = producers_[producer].ledger();
    if (sighting.redelivered && ledger.was_found(number))
        ++again_;
    else if (!ledger.found(number, 0, 0))
        ++findings.invented;
}

/// What came for the first time counts before what came again: of two consumers nobody knows who was first.
void AmqpTorture::note_all(bool redelivered, TortureFindings& findings) {
    for (AmqpTortureConsumer& consumer : consumers_)
        for (const AmqpSighting& sighting : consumer.sightings())
            if (sighting.redelivered == redelivered) note(sighting, findings);
}

Result<TortureFindings> AmqpTorture::check() {
    TortureFindings findings;
    if (auto drained = consumers_.back().drain(); !drained) return drained.error();
    for (const bool redelivered : {false, true})
        note_all(redelivered, findings);
    for (AmqpTortureConsumer& consumer : consumers_)
        consumer.sightings().clear();
    for (AmqpTortureProducer& producer : producers_)
        findings.verdict.add(producer.ledger().verdict());
    findings.again = again_;
    return findings;
}

std::vector<std::string> AmqpTorture::refusals() const {
    std::uint64_t refused = 0;
    for (const AmqpTortureProducer& producer : producers_)
        refused += producer.refused();
    if (refused == 0) return {};
    return {fmt::format("{} publishes were refused", refused)};
}

}  // namespace posthorn::cli
