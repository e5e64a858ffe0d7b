#include "log_recovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "batch.h"

namespace posthorn::store {

std::optional<Log::Impl::Recovery::Next> Log::Impl::Recovery::next() {
    for (std::size_t n = at; n < pieces.size(); ++n) {
        const std::uint64_t from = n == at ? position : pieces[n].segment->data_begin();
        if (const auto found = pieces[n].scanner->next(from)) return Next{n, *found};
    }
    return std::nullopt;
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
    const auto header = got ? decode_header(Bytes(page, *got)) : std::nullopt;
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
        end_ = written_ = synced_ = active().data_begin();
        recovered_.cut = Position(end_);
        return {};
    }

    recovery.position = recovery.pieces.front().segment->data_begin();
    for (;;) {
        auto& piece = recovery.pieces[recovery.at];
        if (const auto found = piece.scanner->at(recovery.position)) {
            recover_batch(*piece.segment, found->bytes, found->position, visit);
            recovery.position += found->batch.size;
            continue;
        }
        const auto next = recovery.next();
        if (!next) break;
        const bool same = next->piece == recovery.at;
        const std::uint64_t to = next->found.position;
        const bool continues = next->piece == recovery.at + 1 &&
                               next->found.batch.previous == recovery.position &&
                               to == recovery.pieces[next->piece].segment->data_begin();
        if (!continues) {
            if (recovery.vouched_for() <= recovery.position) break;
            add_damage(*piece.segment, recovery.position, same ? to : piece.segment->limit());
        }
        if (!same) {
            for (; recovery.at < next->piece; ++recovery.at)
                take_ends(*recovery.pieces[recovery.at].segment);
        }
        recovery.position = to;
    }
    return cut(recovery);
}

/// The first unsealed segment begins where the last sealed one was full. If it does not, a file is missing:
/// lost by a power cut together with everything behind it, or by a careless hand.
Result<void> Log::Impl::check_first(Recovery& recovery, std::uint64_t expected) {
    if (expected == 0 || recovery.pieces.empty() || recovery.pieces.front().segment->begin == expected)
        return {};
    recovery.position = recovery.pieces.front().segment->data_begin();
    if (recovery.vouched_for() > expected) {
        ++counters_.damaged;
        log_error("store", "log {}: the segments from {} to {} are missing", options_.name, expected,
                  recovery.pieces.front().segment->begin);
        return {};
    }
    recovered_.torn = true;
    for (; !recovery.pieces.empty(); recovery.pieces.pop_back(), segments_.pop_back())
        if (auto removed = files_.remove(path(segment_file_name(active().begin))); !removed) return removed;
    return files_.sync_directory(directory_);
}

void Log::Impl::recover_batch(Segment& segment, Bytes bytes, std::uint64_t position,
                              const RecoveryVisitor& visit) {
    note_cut(segment, position);
    for_each_record(bytes, position, [&](const Record& record) {
        index_record(segment, record, false);
        if (visit) visit(record);
    });
    segment.end = last_batch_end_ = position + bytes.size();
    recovered_.replayed_bytes += bytes.size();
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

/// Ends the log at the recovery's position: nothing may be left behind it that could pose as a batch when the
/// positions are used again.
Result<void> Log::Impl::cut(Recovery& recovery) {
    // A segment whose data simply ends, with another after it: the roll was the last that worked.
    while (recovery.at + 1 < recovery.pieces.size() &&
           recovery.pieces[recovery.at + 1].segment->header_good &&
           recovery.pieces[recovery.at].scanner->zero_from(recovery.position)) {
        take_ends(*recovery.pieces[recovery.at].segment);
        recovery.position = recovery.pieces[++recovery.at].segment->data_begin();
    }
    recovered_.torn = recovery.leftovers();
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
        if (auto done = (*at)->file->sync_data(); !done) return done;
        if (!options_.on_roll) (*at)->sealable_at = (*at)->end;
    }
    end_ = written_ = synced_ = recovery.position;
    return {};
}

}  // namespace posthorn::store
