#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "batch.h"
#include "log_impl.h"
#include "record_writer.h"

namespace posthorn::store {
namespace {

/// After a roll found no space, the next attempt waits this long: each costs several system calls.
constexpr std::int64_t roll_retry_ms = 100;
/// A compromise: the sync after it takes the zeros along, those before the next do not.
constexpr std::uint64_t zero_ahead_bytes = 256u << 10;
constexpr std::uint64_t zero_piece_bytes = 64u << 10;

}  // namespace

inline std::byte* Log::Impl::tail_room(std::size_t need) {
    const std::uint64_t after = end_ + need;
    if (after > tail_begin_ + tail_->size()) tail_begin_ = after - tail_->size();
    return tail_->at(end_);
}

/// A place in the tail for `need` bytes, if the open batch has it: nearly always. Null otherwise.
inline std::byte* Log::Impl::open_room(std::size_t need) {
    return end_ + need <= room_end_ ? tail_room(need) : nullptr;
}

std::uint64_t Log::Impl::largest_that_fits() const {
    return std::min(options_.tail_bytes / 4, options_.segment_bytes - header_page_bytes - batch_head_bytes);
}

Result<Appended> Log::Impl::append(const NewRecord& record, std::int64_t now_ms) {
    const std::size_t size = record_bytes(record.queues.size(), record.payload.size());
    // A delayed message was taken long ago, under the limits of then.
    const std::uint64_t limit = record.origin == 0 ? options_.max_record_bytes : largest_that_fits();
    if (size > limit)
        return Error{Errc::invalid, fmt::format("a record of {} bytes; the limit is {}", size, limit)};
    const bool message = record.kind == RecordKind::message;
    if (message != !record.queues.empty() || record.queues.size() > most_destinations)
        return Error{Errc::invalid, fmt::format("a record for {} queues", record.queues.size())};
    Bytes payload = record.payload;
    if (tail_->holds(payload)) [[unlikely]]
        payload = keep_payload(payload);

    std::byte* at = open_room(padded(size));
    if (!at) [[unlikely]] {
        auto room = make_room(padded(size), now_ms, !message);
        if (!room) return room.error();
        at = *room;
    }
    last_time_ = std::max(last_time_, now_ms);
    Segment& segment = active();
    if (segment.first_time == 0) segment.first_time = last_time_;
    segment.last_time = last_time_;

    write_record_head(at, static_cast<std::uint32_t>(size), record, record.queues.size(), last_time_);
    at += record_head_bytes;
    const auto place = static_cast<std::uint32_t>(end_ - segment.begin);
    const auto row =
        EntryRow::make(last_time_, record.deadline, static_cast<std::uint32_t>(size), place, record.tag);
    Appended appended;
    for (std::size_t n = 0; n < record.queues.size(); ++n, at += destination_bytes) {
        const model::QueueId queue = record.queues[n];
        QueueState& state = queues_[queue];
        const model::QueueOffset offset(state.end);
        if (n == 0) appended.offset = offset;
        write_destination(at, queue, offset);
        segment.index->add(state, queue.value(), offset.value(), row);
    }
    segment.live += record.queues.size();
    if (record.key && message) segment.index->add_key(record.key, place);
    write_payload(at, payload, padded(size) - size);

    appended.position = Position(end_);
    end_ += padded(size);
    appended.end = Position(end_);
    ++batch_records_;
    ++counters_.records;
    return appended;
}

Result<Appended> Log::Impl::append_moved(const Record& record, std::span<const Place> live) {
    if (!options_.counts_live)
        return Error{Errc::unsupported, "messages move only where live ones are counted"};
    if (record.kind != RecordKind::message || live.empty() || live.size() > record.destination_count())
        return Error{Errc::invalid, "a moved record without a live message"};
    for (const Place& place : live) {
        const QueueState* state = queues_.find(place.queue);
        if (!state || place.offset.value() >= state->end || record.position.value() >= active().begin)
            return Error{Errc::invalid, "only messages of older segments are moved"};
    }
    const std::size_t size = record_bytes(live.size(), record.payload.size());
    NewRecord head;
    head.format = record.format, head.priority = record.priority, head.tag = record.tag,
    head.key = record.key;
    head.deadline = record.deadline, head.origin = record.origin, head.target = record.target;
    const std::int64_t time = record.time;
    // Making room may overwrite what the record's view shows.
    Buffer payload;
    payload.append(record.payload);
    auto room = make_room(padded(size), last_time_, true);
    if (!room) return room.error();

    write_record_head(*room, static_cast<std::uint32_t>(size), head, live.size(), time);
    std::byte* at = *room + record_head_bytes;
    for (const Place& place : live) {
        write_destination(at, place.queue, place.offset);
        at += destination_bytes;
    }
    write_payload(at, payload.view(), padded(size) - size);
    const auto moved = decode_record(Position(end_), Bytes(*room, size));
    POSTHORN_CHECK(moved.has_value(), "a moved record contradicts itself");
    Appended appended{Position(end_), Position(end_ + padded(size)), moved->offset(0)};
    end_ += padded(size);
    index_record(active(), *moved, false);
    if (active().first_time == 0) active().first_time = active().last_time = last_time_;
    ++batch_records_;
    ++counters_.records;
    return appended;
}

/// A payload that lies in our own tail (a delayed message on its way to its queue) must survive the making of
/// room.
Bytes Log::Impl::keep_payload(Bytes payload) {
    scratch_.clear();
    scratch_.append(payload);
    return scratch_.view();
}

/// A place in the tail for `need` bytes of the open batch, in the active segment.
Result<std::byte*> Log::Impl::make_room(std::size_t need, std::int64_t now_ms, bool frees_space) {
    if (auto done = ensure_room(need, now_ms, frees_space); !done) return done.error();
    if (!batch_open_) open_batch();
    return tail_room(need);
}

/// Writes and rolls until `need` bytes fit.
Result<void> Log::Impl::ensure_room(std::size_t need, std::int64_t now_ms, bool frees_space) {
    if (stalled_ && !frees_space) return no_space();
    if (options_.spare_segment && !spare_ready_ && !frees_space) {
        if (roll_refused(now_ms)) return no_space();
        if (auto made = make_spare(); !made) return refuse_roll(made.error(), now_ms).error();
    }
    for (;;) {
        if (failed_) return Error{Errc::read_only, "the log is read-only since a write or sync failed"};
        const std::uint64_t with_head = need + (batch_open_ ? 0 : batch_head_bytes);
        const bool fits_segment = end_ + with_head <= active().limit();
        const bool fits_batch =
            !batch_open_ || end_ + need <= std::max(written_ + batch_limit_, reserved_to_);
        if (fits_segment && fits_batch) return {};
        if (auto done = write(); !done) return done;
        if (!fits_segment)
            if (auto done = roll(now_ms, frees_space); !done) return done;
    }
}

Result<void> Log::Impl::reserve(std::size_t messages, std::size_t destinations, std::size_t payload_bytes,
                                std::int64_t now_ms) {
    const std::size_t need =
        messages * (record_head_bytes + 7) + destinations * destination_bytes + payload_bytes;
    if (need > options_.tail_bytes / 2 ||
        need > options_.segment_bytes - header_page_bytes - batch_head_bytes)
        return Error{Errc::invalid, fmt::format("{} messages of {} bytes cannot be taken together", messages,
                                                payload_bytes)};
    if (auto done = ensure_room(need, now_ms, false); !done) return done;
    reserved_to_ = end_ + need + batch_head_bytes;
    return {};
}

void Log::Impl::open_batch() {
    written_ = end_;
    end_ += batch_head_bytes;
    batch_records_ = 0;
    batch_open_ = true;
    if (!options_.spare_segment || spare_ready_)
        room_end_ = std::min(active().limit(), written_ + batch_limit_);
}

Result<void> Log::Impl::write() {
    room_end_ = 0;
    if (failed_) return Error{Errc::read_only, "the log is read-only since a write or sync failed"};
    if (!batch_open_) return {};
    Segment& segment = active();
    std::byte* bytes = tail_->at(written_);
    const auto size = static_cast<std::uint32_t>(end_ - written_);
    seal_batch(bytes, {size, batch_records_, synced_, last_batch_end_}, options_.store_id, written_);
    if (auto done = write_batch(segment, Bytes(bytes, size)); !done) {
        done.error().code == Errc::no_space ? stall(done.error()) : fail(done.error());
        return done;
    }
    if (std::exchange(stalled_, false)) log_info("store", "log {} is written again", options_.name);
    note_cut(segment, written_);
    segment.unsynced = true;
    segment.end = written_ = last_batch_end_ = end_;
    batch_open_ = false;
    ++counters_.writes;
    counters_.bytes += size;
    if (std::exchange(sync_held_, false) && !syncing_) start_sync();
    if (sealed_ + 1 < segments_.size() && synced_ < (*first_unsealed())->sealable_at && !syncing_)
        request_sync();  // a full segment waits for it
    return {};
}

/// Where syncs come every few batches, a batch that goes beyond what was ever written of its file takes zeros
/// with it, a good stretch of them. Without that every sync had to make new blocks durable, which file
/// systems note in their own structures first: two to four times as long as a sync of blocks that are there.
Result<void> Log::Impl::write_batch(Segment& segment, Bytes batch) {
    const std::uint64_t at = written_ - segment.begin;
    const std::uint64_t end = at + batch.size();
    if (!options_.synced_often || end <= segment.touched) return segment.file->write_at(at, batch);

    static const std::array<std::byte, zero_piece_bytes> zeros{};
    const std::uint64_t stretch_end =
        std::min(segment.capacity, (end / zero_ahead_bytes + 1) * zero_ahead_bytes);
    std::array<Bytes, 1 + zero_ahead_bytes / zero_piece_bytes> pieces{batch};
    std::size_t count = 1;
    for (std::uint64_t left = stretch_end - end; left > 0; left -= pieces[count++].size())
        pieces[count] = Bytes(zeros).first(std::min<std::uint64_t>(left, zeros.size()));
    auto done = segment.file->write_at(at, std::span(pieces).first(count));
    if (done) segment.touched = stretch_end;
    return done;
}

/// Readers of cold bytes start at cuts, so that what they load can be checked by whole batches.
void Log::Impl::note_cut(Segment& segment, std::uint64_t batch_position) {
    const auto at = static_cast<std::uint32_t>(batch_position - segment.begin);
    if (segment.cuts.empty() || at - segment.cuts.back() >= stretch_bytes_) segment.cuts.push_back(at);
}

void Log::Impl::fail(const Error& error) {
    if (failed_) return;
    failed_ = true;
    room_end_ = 0;
    log_error("store", "log {} is read-only until it is opened again: {}", options_.name, error.message);
}

/// Segments are allocated in full, so this is a file system that copies on write, or a quota. What was not
/// written stays in the tail: the batch is closed again, and written to the same place, with the next
/// `write`.
void Log::Impl::stall(const Error& error) {
    if (std::exchange(stalled_, true)) return;
    log_error("store", "log {} takes no more messages until it can be written: {}", options_.name,
              error.message);
}

bool Log::Impl::roll_refused(std::int64_t now_ms) const {
    return roll_refused_at_ != 0 && now_ms >= roll_refused_at_ && now_ms < roll_refused_at_ + roll_retry_ms;
}

/// Says so once, and lets some time pass before the next attempt.
Result<void> Log::Impl::refuse_roll(const Error& error, std::int64_t now_ms) {
    if (roll_refused_at_ == 0)
        log_error("store", "log {} takes no more messages: {}", options_.name, error.message);
    roll_refused_at_ = std::max<std::int64_t>(now_ms, 1);
    return error;
}

Error Log::Impl::no_space() const {
    return {Errc::no_space,
            fmt::format("no space for more of log {}: free space on this disk or move the data "
                        "directory",
                        options_.name)};
}

/// Makes the next segment active. The one before is full: its index will go to a file.
Result<void> Log::Impl::roll(std::int64_t now_ms, bool frees_space) {
    const bool may_use_spare = frees_space && spare_ready_;
    if (!may_use_spare && roll_refused(now_ms)) return no_space();
    Segment& full = active();
    auto made = make_segment(full.limit());
    if (!made && may_use_spare) {
        (void)refuse_roll(made.error(), now_ms);
        made = make_segment(full.limit(), true);
    }
    if (!made) return refuse_roll(made.error(), now_ms);
    if (!options_.spare_segment || spare_ready_) accept_again();
    take_ends(full);
    segments_.push_back(std::move(*made));
    end_ = written_ = active().data_begin();
    ++counters_.rolls;

    if (!options_.on_roll) {
        full.sealable_at = full.end;
    } else if (!in_on_roll_) {
        write_state();
    }
    seal_next();
    return {};
}

/// What was written before it need not be replayed any more, if all of it went in.
void Log::Impl::write_state() {
    const std::size_t before = segments_.size() - 1;
    in_on_roll_ = true;
    state_owed_ = !options_.on_roll();
    in_on_roll_ = false;
    if (state_owed_) return;
    for (std::size_t n = sealed_; n < before; ++n)
        segments_[n]->sealable_at = std::min(segments_[n]->sealable_at, end_);
}

/// What was refused is made now, so that nobody's message has to find out. The active segment is as good as
/// full, unless it was the spare that could not be made.
void Log::Impl::try_to_grow() {
    if (failed_ || roll_refused_at_ == 0) return;
    roll_refused_at_ = 1;  // room may have come
    if (options_.spare_segment && !spare_ready_)
        (void)make_spare();
    else if (write())
        (void)roll(last_time_, false);
}

void Log::Impl::accept_again() {
    if (roll_refused_at_ != 0) log_info("store", "log {} takes messages again", options_.name);
    roll_refused_at_ = 0;
}

/// A file with room for a segment, kept aside.
Result<void> Log::Impl::make_spare() {
    auto file = files_.open(spare_path(), env::OpenMode::create);
    if (!file) return file.error();
    if (auto done = (*file)->truncate(0); !done) return done;
    if (auto done = (*file)->allocate(options_.segment_bytes); !done) {
        file->reset();
        if (auto removed = files_.remove(spare_path()); !removed) return removed;
        return done;
    }
    spare_ready_ = true;
    accept_again();
    return {};
}

Result<std::unique_ptr<Segment>> Log::Impl::make_segment(std::uint64_t begin, bool from_spare) {
    const std::string file_path = path(segment_file_name(begin));
    if (from_spare) {
        spare_ready_ = false;
        if (auto renamed = files_.rename(spare_path(), file_path); !renamed) return renamed.error();
    }
    auto file = files_.open(file_path, from_spare ? env::OpenMode::write : env::OpenMode::create);
    if (!file) return file.error();
    auto segment = std::make_unique<Segment>();
    segment->begin = begin;
    segment->capacity = options_.segment_bytes;
    segment->end = segment->data_begin();
    segment->file = std::move(*file);
    const Buffer page = encode_header({options_.store_id, begin, segment->capacity, options_.name});
    Result<void> done;
    if (!from_spare) done = segment->file->truncate(0);  // whatever had the name
    if (done) done = segment->file->allocate(segment->capacity);
    if (done) done = segment->file->write_at(0, page.view());
    if (!done) {
        segment->file.reset();
        if (auto removed = files_.remove(file_path); !removed)
            log_warn("store", "a segment that could not be made stays: {}", removed.error().message);
        return done.error();
    }
    segment->unsynced = segment->name_unsynced = true;
    segment->number = next_number_++;
    segment->index = std::make_shared<SegmentIndex>(segment->number);
    return segment;
}

void Log::Impl::take_ends(Segment& segment) {
    segment.ends.clear();
    queues_.for_each([&](std::uint32_t queue, const QueueState& state) {
        segment.ends.push_back({queue, state.end});
    });
}

}  // namespace posthorn::store
