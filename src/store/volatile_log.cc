#include "store/volatile_log.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "volatile_blocks.h"
#include "volatile_index.h"

namespace posthorn::store {
namespace {

/// In front of every payload. Never leaves this process, so it is laid down as it is.
struct Head {
    std::uint32_t size;  ///< of the payload
    std::int32_t tag;
    std::uint64_t key;
    std::int64_t time;
    std::int64_t deadline;
    std::uint8_t format;
    std::uint8_t priority;
    std::uint8_t unused[6];
};
static_assert(sizeof(Head) == 40);

constexpr Position make_position(std::uint32_t block, std::uint32_t at) {
    return Position(volatile_position | std::uint64_t{block} << 32 | at);
}
constexpr std::uint32_t block_of(std::uint64_t position) {
    return static_cast<std::uint32_t>((position & ~volatile_position) >> 32);
}
constexpr std::uint32_t place_of(std::uint64_t position) {
    return static_cast<std::uint32_t>(position);
}

}  // namespace

class VolatileLog::Impl {
  public:
    Impl(env::Files& files, std::string directory, VolatileOptions options, runtime::Worker& worker)
        : options_(std::move(options)), blocks_(files, std::move(directory), options_, worker, counters_) {}

    Result<Position> append(const NewRecord& record, std::int64_t now_ms, std::span<const Place> places);
    Result<void> reserve(std::size_t payload_bytes);
    Read record(std::uint64_t position, Record* out);

    const VolatileOptions options_;
    Counters counters_;
    VolatileIndex index_;
    VolatileBlocks blocks_;

  private:
    Buffer scratch_;
    bool shrink_due_ = false;  ///< a block was begun, and nothing written for it yet
};

Result<void> VolatileLog::Impl::reserve(std::size_t payload_bytes) {
    const std::size_t size = padded(sizeof(Head) + payload_bytes);
    if (size > options_.max_record_bytes) [[unlikely]]
        return Error{Errc::invalid,
                     fmt::format("a message of {} bytes; the limit is {}", size, options_.max_record_bytes)};
    if (index_.bytes() >= options_.index_bytes) [[unlikely]]
        return Error{Errc::full,
                     fmt::format("{} volatile messages wait; their index is at its limit of {} bytes",
                                 counters_.held, options_.index_bytes)};
    if (blocks_.fits(static_cast<std::uint32_t>(size))) [[likely]]
        return {};
    if (blocks_.crowded()) blocks_.shrink();
    if (const Error* why = blocks_.refusing()) return *why;
    if (!blocks_.large(static_cast<std::uint32_t>(size))) blocks_.open_new();
    shrink_due_ = true;
    return {};
}

Result<Position> VolatileLog::Impl::append(const NewRecord& record, std::int64_t now_ms,
                                           std::span<const Place> places) {
    if (places.empty()) return Error{Errc::invalid, "a message for no queue"};
    Bytes payload = record.payload;
    if (blocks_.crowded())
        [[unlikely]] {  // making room would end the payload's view, should it be one of ours
        scratch_.clear();
        scratch_.append(payload);
        payload = scratch_.view();
    }
    if (auto may = reserve(payload.size()); !may) [[unlikely]]
        return may.error();
    const auto size = static_cast<std::uint32_t>(padded(sizeof(Head) + payload.size()));
    const VolatileBlocks::Spot spot = blocks_.fits(size) ? blocks_.take(size) : blocks_.take_alone(size);
    const Head head{static_cast<std::uint32_t>(payload.size()),
                    record.tag,
                    record.key,
                    now_ms,
                    record.deadline,
                    record.format.value(),
                    record.priority,
                    {}};
    std::memcpy(spot.memory, &head, sizeof head);
    if (!payload.empty()) std::memcpy(spot.memory + sizeof head, payload.data(), payload.size());
    const Position position = make_position(spot.block, spot.at);
    for (const Place& place : places)
        index_.add(place.queue, place.offset.value(), position.value());
    blocks_.hold(spot.block, static_cast<std::uint32_t>(places.size()));
    ++counters_.records;
    counters_.bytes += size;
    counters_.held += places.size();
    if (std::exchange(shrink_due_, false)) [[unlikely]]
        blocks_.shrink();
    return position;
}

Read VolatileLog::Impl::record(std::uint64_t position, Record* out) {
    if (position == 0) return Read::none;
    const std::byte* block = nullptr;
    const Read read = blocks_.bytes(block_of(position), &block);
    if (read != Read::ready) [[unlikely]]
        return read;
    const std::byte* at = block + place_of(position);
    Head head;
    std::memcpy(&head, at, sizeof head);
    out->position = Position(position);
    out->size = static_cast<std::uint32_t>(sizeof head + head.size);
    out->kind = RecordKind::message;
    out->format = Format(head.format);
    out->priority = head.priority;
    out->tag = head.tag;
    out->key = head.key;
    out->time = head.time;
    out->deadline = head.deadline;
    out->origin = 0;
    out->target = model::QueueId();
    out->destinations = {};
    out->payload = Bytes(at + sizeof head, head.size);
    return Read::ready;
}

// --- the door ----------------------------------------------------------------------------------------------

VolatileLog::VolatileLog(env::Files& files, std::string directory, VolatileOptions options,
                         runtime::Worker& worker)
    : impl_(std::make_unique<Impl>(files, std::move(directory), std::move(options), worker)) {}
VolatileLog::~VolatileLog() = default;

Result<Position> VolatileLog::append(const NewRecord& record, std::int64_t now_ms,
                                     std::span<const Place> places) {
    return impl_->append(record, now_ms, places);
}

Result<void> VolatileLog::reserve(std::size_t payload_bytes) {
    return impl_->reserve(payload_bytes);
}

model::QueueOffset VolatileLog::end(model::QueueId queue) const {
    return model::QueueOffset(impl_->index_.end(queue));
}
Range VolatileLog::range(model::QueueId queue) const {
    return impl_->index_.range(queue);
}
bool VolatileLog::holds(model::QueueId queue, model::QueueOffset offset) const {
    return impl_->index_.find(queue, offset.value()) != 0;
}
std::optional<model::QueueOffset> VolatileLog::next(model::QueueId queue, model::QueueOffset from) const {
    const auto found = impl_->index_.next(queue, from.value());
    return found ? std::optional(model::QueueOffset(*found)) : std::nullopt;
}
std::uint64_t VolatileLog::held(model::QueueId queue) const {
    return impl_->index_.held(queue);
}

Read VolatileLog::record(model::QueueId queue, model::QueueOffset offset, Record* out) {
    return impl_->record(impl_->index_.find(queue, offset.value()), out);
}

bool VolatileLog::release(model::QueueId queue, model::QueueOffset offset) {
    const std::uint64_t position = impl_->index_.remove(queue, offset.value());
    if (position == 0) return false;
    --impl_->counters_.held;
    impl_->blocks_.release(block_of(position));
    return true;
}

void VolatileLog::forget(model::QueueId queue) {
    impl_->index_.forget(queue, [&](std::uint64_t position) {
        --impl_->counters_.held;
        impl_->blocks_.release(block_of(position));
    });
}

const VolatileLog::Counters& VolatileLog::counters() const {
    impl_->counters_.index_bytes = impl_->index_.bytes();
    return impl_->counters_;
}

}  // namespace posthorn::store
