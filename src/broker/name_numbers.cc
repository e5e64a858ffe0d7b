#include "name_numbers.h"

#include <algorithm>

namespace posthorn::broker {
namespace {

// Reserved ahead: what one tick may give without waiting for the disk. A crash loses as many, and much in the
// engine is a table by queue number, so few: a hundred crashes cost some megabytes.
constexpr NameNumbers::Count count_ahead{.topics = 128, .groups = 128, .queues = 512};
constexpr NameNumbers::Count count_low{.topics = 64, .groups = 64, .queues = 256};
constexpr std::uint64_t versions_ahead = 1 << 20;

}  // namespace

void NameNumbers::given(const name_rows::Numbers& numbers) {
    next_.topic = std::max(next_.topic, numbers.topic);
    next_.group = std::max(next_.group, numbers.group);
    next_.queue = std::max(next_.queue, numbers.queue);
    next_.version = std::max(next_.version, numbers.version);
}

name_rows::Numbers NameNumbers::ahead(Count count) const {
    return {next_.topic + count.topics, next_.group + count.groups, next_.queue + count.queues,
            next_.version + versions_ahead};
}

bool NameNumbers::within(const name_rows::Numbers& numbers, const name_rows::Numbers& limit) {
    return numbers.topic <= limit.topic && numbers.group <= limit.group && numbers.queue <= limit.queue;
}

void NameNumbers::take_reserved() {
    if (!reserving_ || reserving_->change > journal_.durable()) return;
    reserved_ = reserving_->numbers;
    reserving_.reset();
}

void NameNumbers::reserve_ahead() {
    take_reserved();
    if (reserving_ || within(ahead(count_low), reserved_)) return;
    const name_rows::Numbers more = ahead(count_ahead);
    journal_.put(name_rows::numbers_kind, name_rows::reserved_name, name_rows::write(more));
    reserving_ = Reserving{journal_.staged(), more};
}

Result<void> NameNumbers::make_room(Count count) {
    take_reserved();
    if (within(ahead(count), reserved_)) return {};
    const name_rows::Numbers more =
        ahead({count.topics + count_ahead.topics, count.groups + count_ahead.groups,
               count.queues + count_ahead.queues});
    const store::DefinitionChange change{std::string(name_rows::numbers_kind),
                                         std::string(name_rows::burst_name), name_rows::write(more)};
    if (auto done = journal_.definitions().commit({&change, 1}); !done) return done;
    reserved_ = more;
    return {};
}

model::QueueId NameNumbers::give_queue(bool durable) {
    if (durable || free_.empty()) return model::QueueId(next_.queue++);
    const model::QueueId queue = free_.back();
    free_.pop_back();
    return queue;
}

void NameNumbers::take_back(const std::vector<model::QueueId>& queues) {
    free_.insert(free_.end(), queues.begin(), queues.end());
}

void NameNumbers::stage_exact() {
    name_rows::Numbers exact = next_;
    ++exact.version;
    journal_.put(name_rows::numbers_kind, name_rows::reserved_name, name_rows::write(exact));
    journal_.remove(name_rows::numbers_kind, name_rows::burst_name);
}

}  // namespace posthorn::broker
