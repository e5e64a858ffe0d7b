#include "store/log.h"

#include "log_impl.h"

namespace posthorn::store {

Result<std::unique_ptr<Log>> Log::open(env::Files& files, std::string directory, LogOptions options,
                                       runtime::Worker& worker, const RecoveryVisitor& visit) {
    auto impl = std::make_unique<Impl>(files, std::move(directory), std::move(options), worker);
    if (auto opened = impl->open(visit); !opened) return opened.error();
    return std::unique_ptr<Log>(new Log(std::move(impl)));
}

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::~Log() = default;

const Recovered& Log::recovered() const {
    return impl_->recovered();
}

Result<Appended> Log::append(const NewRecord& record, std::int64_t now_ms) {
    return impl_->append(record, now_ms);
}
Result<Appended> Log::append_moved(const Record& record, std::span<const Place> live) {
    return impl_->append_moved(record, live);
}
model::QueueOffset Log::skip(model::QueueId queue) {
    return impl_->skip(queue);
}
Result<void> Log::reserve(std::size_t messages, std::size_t destinations, std::size_t payload_bytes,
                          std::int64_t now_ms) {
    return impl_->reserve(messages, destinations, payload_bytes, now_ms);
}
Result<void> Log::write() {
    return impl_->write();
}
void Log::request_sync() {
    impl_->request_sync();
}
bool Log::sync_owed() const {
    return impl_->sync_owed();
}
Result<void> Log::sync() {
    return impl_->sync();
}

Result<void> Log::close() {
    return impl_->close();
}

Position Log::end() const {
    return impl_->end();
}
Position Log::written() const {
    return impl_->written();
}
Position Log::synced() const {
    return impl_->synced();
}
bool Log::failed() const {
    return impl_->failed();
}

bool Log::stalled() const {
    return impl_->stalled();
}

Range Log::range(model::QueueId queue) const {
    return impl_->range(queue);
}
Read Log::entries(model::QueueId queue, model::QueueOffset from, std::span<Entry> out, std::size_t* count) {
    return impl_->entries(queue, from, out, count);
}
Read Log::record(const Entry& entry, Record* out) {
    return impl_->record(entry, out);
}
Read Log::record_at(Position position, Record* out) {
    return impl_->record_at(position, out);
}
Read Log::offset_by_time(model::QueueId queue, std::int64_t time_ms, model::QueueOffset* out) {
    return impl_->offset_by_time(queue, time_ms, out);
}
std::vector<Position> Log::positions_by_key(std::uint64_t key, std::size_t limit) {
    return impl_->positions_by_key(key, limit);
}

Position Log::begin() const {
    return impl_->begin();
}
std::vector<SegmentInfo> Log::segments() const {
    return impl_->segments();
}
Result<void> Log::drop_oldest() {
    return impl_->drop_oldest();
}
void Log::release(model::QueueId queue, model::QueueOffset offset) {
    impl_->release(queue, offset);
}
std::vector<Range> Log::held(model::QueueId queue) const {
    return impl_->held(queue);
}
std::vector<Log::Run> Log::runs(Position segment_begin) const {
    return impl_->runs(segment_begin);
}
Result<void> Log::maintain() {
    return impl_->maintain();
}
std::uint64_t Log::disk_bytes() const {
    return impl_->disk_bytes();
}
const Log::Counters& Log::counters() const {
    return impl_->counters();
}

}  // namespace posthorn::store
