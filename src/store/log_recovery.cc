#include "log_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/log.h"
#include "batch.h"

namespace posthorn::store {
namespace {

constexpr std::uint64_t again_bytes = 1u << 20;
constexpr const char* boot_name = "boot";

}  // namespace

std::optional<Log::Impl::Recovery::Next> Log::Impl::Recovery::next() {
    for (std::size_t n = at; n < pieces.size(); ++n) {
        const std::uint64_t from = n == at ? position : pieces[n].segment->data_begin();
        if (const auto found = pieces[n].scanner->next(from)) return Next{n, *found};
    }
    return std::nullopt;
}

Result<void> Log::Impl::Recovery::readable() const {
    for (std::size_t n = at; n < pieces.size(); ++n) {
        const std::uint64_t from = n == at ? position : pieces[n].segment->data_begin();
        if (auto readable = pieces[n].scanner->readable_from(from); !readable) return readable;
    }
    return {};
}

std::uint64_t Log::Impl::Recovery::vouched_for() {
    if (vouched) return *vouched;
    vouched = 0;
    for (std::size_t n = at; n < pieces.size(); ++n) {
        std::uint64_t from = n == at ? position : pieces[n].segment->data_begin();
        while (const auto found = pieces[n].scanner->next(from)) {
            vouched = std::max(*vouched, found->batch.synced);
            from = found->position + found->batch.size;
        }
    }
    return *vouched;
}

std::uint64_t Log::Impl::Recovery::reached() const {
    std::uint64_t reached = position;
    for (std::size_t n = at; n + 1 < pieces.size(); ++n) {
        if (!pieces[n + 1].segment->header_good || !pieces[n].scanner->zero_from(reached)) break;
        reached = pieces[n + 1].segment->data_begin();
    }
    return reached;
}

bool Log::Impl::Recovery::leftovers() {
    for (std::size_t n = at; n < pieces.size(); ++n)
        if (!pieces[n].scanner->zero_from(n == at ? position : pieces[n].segment->data_begin())) return true;
    return false;
}

/// An existing segment without an index file, ready to be read; its name tells its begin, the header page its
/// size.
Result<std::unique_ptr<Segment>> Log::Impl::open_unsealed(std::uint64_t begin) {
    auto file = files_.open(path(segment_file_name(begin)), env::OpenMode::write);
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    std::byte page[header_page_bytes];
    const auto got = (*file)->read_at(0, page);
    if (!got) return got.error();
    const auto header = decode_header(Bytes(page, *got));
    if (header && header->store_id != options_.store_id)
        return Error{Errc::invalid, fmt::format("{} belongs to another data directory", (*file)->path())};
    if (!header) log_warn("store", "the header page of {} is not good", (*file)->path());

    auto segment = std::make_unique<Segment>();
    segment->number = next_number_++;
    segment->begin = begin;
    segment->capacity = header ? header->capacity : std::max(*size, options_.segment_bytes);
    segment->end = segment->data_begin();
    segment->file = std::move(*file);
    segment->header_good = header.has_value();
    segment->index = std::make_shared<SegmentIndex>(segment->number);
    return segment;
}

Result<void> Log::Impl::recover_unsealed(const Names& names, const RecoveryVisitor& visit) {
    const std::uint64_t after_sealed = end_;
    from_zero_ = names.segments.empty() || names.segments.front() == 0;
    Recovery recovery;
    recovery.store_id = options_.store_id;
    for (const std::uint64_t begin : names.segments) {
        if (begin < after_sealed) continue;
        auto segment = open_unsealed(begin);
        if (!segment) return segment.error();
        const auto size = (*segment)->file->size();
        if (!size) return size.error();
        auto scanner = std::make_unique<Scanner>(*(*segment)->file, *size, options_.store_id, begin);
        recovery.pieces.push_back({segment->get(), std::move(scanner)});
        segments_.push_back(std::move(*segment));
    }
    if (auto checked = check_first(recovery, after_sealed); !checked) return checked;
    if (recovery.pieces.empty()) {
        auto made = make_segment(after_sealed);
        if (!made) return made.error();
        segments_.push_back(std::move(*made));
        end_ = written_ = synced_ = tail_begin_ = active().data_begin();
        recovered_.cut = Position(end_);
        return {};
    }

    recovery.position = tail_begin_ = recovery.pieces.front().segment->data_begin();
    for (;;) {
        auto& piece = recovery.pieces[recovery.at];
        if (const auto found = piece.scanner->at(recovery.position)) {
            vouched_ = std::max(vouched_, found->batch.synced);
            recover_batch(*piece.segment, found->bytes, found->position, visit);
            recovery.position += found->batch.size;
            continue;
        }
        const auto next = recovery.next();
        // What only cannot be read now is neither the end of the log nor damage.
        if (auto readable = recovery.readable(); !readable) return readable;
        if (!next) break;
        const bool same = next->piece == recovery.at;
        const std::uint64_t to = next->found.position;
        const bool continues = next->piece == recovery.at + 1 &&
                               next->found.batch.previous == recovery.position &&
                               to == recovery.pieces[next->piece].segment->data_begin();
        if (!continues) {
            const std::uint64_t bad_to = same ? to : piece.segment->limit();
            // Without a power cut nothing is torn but the very end: what is bad before good batches rotted.
            if (!recovered_.same_boot && recovery.vouched_for() <= recovery.reached()) break;
            // The unused end of a segment is no damage, whatever the next one begins with.
            if (same || !piece.scanner->zero_from(recovery.position))
                add_damage(*piece.segment, recovery.position, bad_to);
        }
        if (same) {
            recovery.position = to;
            continue;
        }
        take_ends(*piece.segment);
        const Segment& after = *recovery.pieces[++recovery.at].segment;
        if (after.begin != piece.segment->limit()) name_missing(piece.segment->limit(), after.begin);
        recovery.position = after.data_begin();
    }
    return cut(recovery);
}

/// The first unsealed segment begins where the last sealed one was full. If it does not, a file is missing:
/// lost by a power cut together with everything behind it, or by a careless hand. Without a sealed one only
/// the first batch tells where the segment before ended, and later ones whether that was durable once (and so
/// went by retention).
Result<void> Log::Impl::check_first(Recovery& recovery, std::uint64_t expected) {
    if (recovery.pieces.empty() || recovery.pieces.front().segment->begin == expected) return {};
    recovery.position = recovery.pieces.front().segment->data_begin();
    std::uint64_t before = expected;
    if (expected == 0) {
        const auto first = recovery.pieces.front().scanner->at(recovery.position);
        if (recovered_.same_boot || !first || recovery.vouched_for() >= first->batch.previous) return {};
        before = first->batch.previous;
    }
    if (recovered_.same_boot || recovery.vouched_for() > before) {
        name_missing(expected, recovery.pieces.front().segment->begin);
        return {};
    }
    if (auto readable = recovery.readable(); !readable) return readable;
    recovered_.torn = true;
    for (; !recovery.pieces.empty(); recovery.pieces.pop_back(), segments_.pop_back())
        if (auto removed = files_.remove(path(segment_file_name(active().begin))); !removed) return removed;
    return files_.sync_directory(directory_);
}

void Log::Impl::recover_batch(Segment& segment, Bytes bytes, std::uint64_t position,
                              const RecoveryVisitor& visit) {
    note_cut(segment, position);
    closed_at_ = 0;
    for_each_record(bytes, position, [&](const Record& record) {
        const bool mark = record.kind == RecordKind::state && record.payload.empty();
        index_record(segment, record, false);
        if (mark) closed_at_ = position + bytes.size();
        if (visit && !mark) visit(record);
    });
    segment.end = last_batch_end_ = position + bytes.size();
    recovered_.replayed_bytes += bytes.size();
    keep_in_tail(position, bytes);
}

/// The newest of what is read goes into the tail: readers that were near the end are so again.
void Log::Impl::keep_in_tail(std::uint64_t position, Bytes bytes) {
    const std::uint64_t end = position + bytes.size();
    if (bytes.size() > tail_->size()) {
        tail_begin_ = end;
        return;
    }
    std::memcpy(tail_->at(position), bytes.data(), bytes.size());
    tail_begin_ = std::max(tail_begin_, end - std::min(end, tail_->size()));
}

void Log::Impl::index_record(Segment& segment, const Record& record, bool all_moved) {
    const auto at = static_cast<std::uint32_t>(record.position.value() - segment.begin);
    const auto row = EntryRow::make(record.time, record.deadline, record.size, at, record.tag);
    bool moved = record.destination_count() > 0;
    for (std::size_t n = 0; n < record.destination_count(); ++n) {
        const model::QueueId queue = record.queue(n);
        const std::uint64_t offset = record.offset(n).value();
        if (all_moved) {
            segment.index->add_moved(queue.value(), offset, row);
            continue;
        }
        QueueState& state = queues_[queue];
        if (offset >= state.end) {
            if (state.end == 0 && !from_zero_) state.begin = offset;  // older ones went with their segments
            segment.index->add(state, queue.value(), offset, row);
            moved = false;
        } else {
            release(queue, model::QueueOffset(offset));
            if (!segment.index->has_moved()) ++moved_indexes_;
            segment.index->add_moved(queue.value(), offset, row);
            state.begin = std::min(state.begin, offset);
            state.found_in = 0;
        }
        ++segment.live;
    }
    if (record.key && record.kind == RecordKind::message) segment.index->add_key(record.key, at);
    if (moved && !all_moved) return;  // it keeps the time of long ago
    if (segment.first_time == 0) segment.first_time = record.time;
    segment.last_time = std::max(segment.last_time, record.time);
    last_time_ = std::max(last_time_, record.time);
}

void Log::Impl::name_missing(std::uint64_t from, std::uint64_t to) {
    ++counters_.damaged;
    log_error("store", "log {}: the segments from {} to {} are missing", options_.name, from, to);
}

void Log::Impl::add_damage(Segment& segment, std::uint64_t from, std::uint64_t to) {
    ++counters_.damaged;
    if (segment.damaged.empty()) ++damaged_segments_;
    segment.damaged.push_back(
        {static_cast<std::uint32_t>(from - segment.begin), static_cast<std::uint32_t>(to - from)});
    log_error("store",
              "damage in log {}: {} bytes from position {} on were durable and are not good now; they are "
              "not served",
              options_.name, to - from, from);
}

/// The process before may have ended after a sync that failed. Then the system shows what it never brought to
/// the disk, as if it were safe, and a sync now would bring nothing: only what is written again is. After a
/// power cut what is read comes from the disk.
Result<void> Log::Impl::write_again(Segment& segment) {
    Buffer bytes;
    const std::uint64_t first = vouched_ > segment.data_begin() ? vouched_ : segment.begin;
    for (std::uint64_t at = first; at < segment.end;) {
        bytes.resize(std::min<std::uint64_t>(again_bytes, segment.end - at));
        const auto got = segment.file->read_at(at - segment.begin, {bytes.data(), bytes.size()});
        Result<void> done = got ? segment.file->write_at(at - segment.begin, bytes.view().first(*got))
                                : Result<void>(got.error());
        // A directory opens on a full disk and with bad places too.
        if (!done && got && done.error().code != Errc::no_space) return done;
        if (!done)
            log_warn("store", "log {} cannot make sure of {} bytes at {}: {}", options_.name, bytes.size(),
                     at, done.error().message);
        at += bytes.size();
    }
    return {};
}

/// What the opening before left word of: whether the machine has run on since then.
void Log::Impl::read_boot() {
    auto file = files_.open(path(boot_name), env::OpenMode::read);
    if (!file) return;  // a new log, or an old one: as after a power cut
    std::array<std::byte, 64> bytes;
    const auto got = (*file)->read_at(0, bytes);
    const std::string_view noted = got ? as_text(Bytes(bytes).first(*got)) : std::string_view();
    const std::string boot = files_.boot();
    if (noted.empty() || boot.empty()) return;
    recovered_.same_boot = noted == boot;
    other_boot_ = noted != boot;
}

/// Only now that the log is in order: an opening that ends halfway, after a power cut, must find again that
/// there was one. Not synced: should it be lost or torn, the next opening believes in a power cut, which is
/// always safe.
void Log::Impl::note_boot() {
    if (recovered_.same_boot) return;
    auto file = files_.open(path(boot_name), env::OpenMode::create);
    Result<void> done = file ? (*file)->truncate(0) : Result<void>(file.error());
    if (done) done = (*file)->write_at(0, as_bytes(files_.boot()));
    if (!done) log_warn("store", "{}", done.error().message);
}

/// Ends the log at the recovery's position: nothing may be left behind it that could pose as a batch when the
/// positions are used again.
Result<void> Log::Impl::cut(Recovery& recovery) {
    // A segment whose data simply ends, with another after it: the roll was the last that worked.
    while (recovery.at + 1 < recovery.pieces.size() &&
           recovery.pieces[recovery.at + 1].segment->header_good &&
           recovery.pieces[recovery.at + 1].segment->begin == recovery.pieces[recovery.at].segment->limit() &&
           recovery.pieces[recovery.at].scanner->zero_from(recovery.position)) {
        take_ends(*recovery.pieces[recovery.at].segment);
        recovery.position = recovery.pieces[++recovery.at].segment->data_begin();
    }
    recovered_.torn = recovery.leftovers();
    if (auto readable = recovery.readable(); !readable) return readable;
    recovered_.cut = Position(recovery.position);
    for (; recovery.pieces.size() > recovery.at + 1; recovery.pieces.pop_back(), segments_.pop_back())
        if (auto removed = files_.remove(path(segment_file_name(active().begin))); !removed) return removed;
    if (auto synced = files_.sync_directory(directory_); !synced) return synced;

    Segment& last = active();
    if (recovered_.torn) {
        log_warn("store", "log {} is cut at {}: the tail behind it is torn", options_.name,
                 recovery.position);
        if (auto done = last.file->truncate(recovery.position - last.begin); !done) return done;
    }
    if (auto done = last.file->allocate(last.capacity); !done) {
        log_warn("store", "log {}: {}", options_.name, done.error().message);
        last.capacity = recovery.position - last.begin;  // full, as far as we are concerned
    }
    for (auto at = first_unsealed(); at != segments_.end(); ++at) {
        if (!other_boot_)
            if (auto done = write_again(**at); !done) return done;
        if (auto done = (*at)->file->sync_data(); !done) return done;
        if (!options_.on_roll) (*at)->sealable_at = (*at)->end;
    }
    end_ = written_ = synced_ = recovery.position;
    return {};
}

}  // namespace posthorn::store
