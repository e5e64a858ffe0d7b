#include "broker/broker.h"

#include "base/log.h"
#include "broker_impl.h"

namespace posthorn::broker {

Result<std::unique_ptr<Broker>> Broker::open(env::Files& files, const std::string& directory,
                                             std::unique_ptr<store::Definitions> definitions,
                                             BrokerOptions options, Workers workers, Now now) {
    auto impl = std::make_unique<Impl>(files, workers, options);
    if (auto opened = impl->open(directory, std::move(definitions), now); !opened) return opened.error();
    return std::unique_ptr<Broker>(new Broker(std::move(impl)));
}

Broker::Broker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Broker::~Broker() = default;

void Broker::begin_tick(Now now) {
    impl_->begin_tick(now);
}
void Broker::end_tick() {
    impl_->end_tick();
}
std::int64_t Broker::next_tick_ms() const {
    return impl_->next_tick_ms();
}
Result<void> Broker::close() {
    return impl_->close();
}

Now Broker::now() const {
    return impl_->core.now;
}
const BrokerOptions& Broker::options() const {
    return impl_->core.options;
}
Catalog& Broker::catalog() {
    return *impl_->core.catalog;
}
const Catalog& Broker::catalog() const {
    return *impl_->core.catalog;
}

Result<Receipt> Broker::publish(const Publication& message) {
    return impl_->publish(message);
}
Result<void> Broker::reserve(model::QueueId queue, std::size_t messages, std::size_t payload_bytes) {
    return impl_->reserve(queue, messages, payload_bytes);
}
Result<Receipt> Broker::publish_at(const Publication& message, std::int64_t due_ms) {
    return impl_->publish_at(message, due_ms);
}
Promise Broker::state(const Receipt& receipt, bool must_sync) const {
    return impl_->state(receipt, must_sync);
}
std::optional<Error> Broker::refusing() const {
    return impl_->refusing();
}

Fetched Broker::fetch(const FetchRequest& request, MessageSink& sink) {
    return impl_->fetch(request, sink);
}
void Broker::wait(model::QueueId queue, Waiter& waiter) {
    impl_->core.visibility.wait(queue, waiter);
}
void Broker::wait_loaded(Waiter& waiter) {
    impl_->core.loaded_waiters.add(waiter);
}
void Broker::cancel(Waiter& waiter) {
    WaitList::remove(waiter);
}
store::Read Broker::entries(model::QueueId queue, model::QueueOffset from, std::span<store::Entry> out,
                            std::size_t* count) {
    return impl_->entries(queue, from, out, count);
}
store::Range Broker::range(model::QueueId queue) const {
    return impl_->core.range(queue);
}
Result<model::QueueOffset> Broker::offset_by_time(model::QueueId queue, std::int64_t wall_ms) {
    return impl_->offset_by_time(queue, wall_ms);
}
Result<void> Broker::read_at(store::Position position, bool delayed,
                             const std::function<void(const Stored&)>& visit) {
    return impl_->read_at(position, delayed, visit);
}
std::vector<store::Position> Broker::positions_by_key(std::uint64_t key, std::size_t limit) {
    return impl_->core.stream->positions_by_key(key, limit);
}

std::optional<model::QueueOffset> Broker::progress(model::GroupId group, model::QueueId queue) const {
    return impl_->progress.get(group, queue);
}
Result<void> Broker::commit_progress(model::GroupId group, model::QueueId queue, model::QueueOffset next) {
    return impl_->commit_progress(group, queue, next);
}
void Broker::forget_progress(model::GroupId group) {
    impl_->forget_progress(group);
}
void Broker::each_progress(model::GroupId group,
                           const std::function<void(model::QueueId, model::QueueOffset)>& visit) const {
    impl_->progress.each(group, visit);
}

Result<ReaderId> Broker::open_reader(std::string_view name, model::QueueId queue) {
    return impl_->readers.open(name, queue);
}
Result<void> Broker::delete_reader(ReaderId reader) {
    return impl_->readers.remove(reader);
}
Result<std::uint32_t> Broker::take(ReaderId reader, std::uint32_t max_messages, std::int64_t lease_ms,
                                   TakeSink& sink) {
    return impl_->readers.take(reader, max_messages, lease_ms, sink);
}
Result<std::uint32_t> Broker::offer(ReaderId reader, std::uint32_t max_messages, OfferSink& sink) {
    return impl_->readers.offer(reader, max_messages, sink);
}
Result<void> Broker::read(ReaderId reader, model::QueueOffset offset,
                          const std::function<void(const Stored&)>& visit) {
    return impl_->readers.read(reader, offset, visit);
}
Result<void> Broker::settle(ReaderId reader, model::QueueOffset offset) {
    return impl_->readers.settle(reader, offset);
}
Result<std::uint64_t> Broker::purge(ReaderId reader) {
    return impl_->readers.purge(reader);
}
Result<void> Broker::requeue(ReaderId reader, model::QueueOffset offset, std::int64_t delay_ms) {
    return impl_->readers.requeue(reader, offset, delay_ms);
}
Result<void> Broker::extend(ReaderId reader, model::QueueOffset offset, std::int64_t lease_ms) {
    return impl_->readers.extend(reader, offset, lease_ms);
}
Result<Broker::Looked> Broker::each_ready_tag(
    ReaderId reader, model::QueueOffset from, std::uint32_t max,
    const std::function<void(model::QueueOffset, std::int32_t)>& visit) {
    return impl_->readers.each_ready_tag(reader, from, max, visit);
}
void Broker::wait_reader(ReaderId reader, Waiter& waiter) {
    if (auto waiting = impl_->readers.wait(reader, waiter); !waiting)
        log_warn("broker", "waiting for nothing: {}", waiting.error().message);
}
Broker::ReaderCounts Broker::counts(ReaderId reader) const {
    return impl_->readers.counts(reader);
}

Broker::Counters Broker::counters() const {
    return impl_->counters();
}
const store::Log& Broker::stream_log() const {
    return *impl_->core.stream;
}
const store::Log& Broker::queue_log() const {
    return *impl_->core.queue;
}
const store::VolatileLog& Broker::volatile_log() const {
    return *impl_->core.transient;
}
double Broker::disk_used_ratio() const {
    return impl_->retention.disk_used_ratio();
}
void Broker::drop_expired() {
    impl_->retention.drop_expired();
}

}  // namespace posthorn::broker
