#include <algorithm>
#include <array>

#include "base/log.h"
#include "log_impl.h"
#include "scan.h"

namespace posthorn::store {
namespace {

/// How far a reader of old bytes is run ahead of: three quarters of a MiB.
constexpr std::uint32_t stretches_ahead = 3;

bool touches(const DamagedRange& bad, std::uint64_t from, std::uint64_t to) {
    return bad.at < to && from < std::uint64_t{bad.at} + bad.size;
}

}  // namespace

Read Log::Impl::record(const Entry& entry, Record* out) {
    const auto bytes = bytes_at(entry.position.value(), entry.size);
    if (bytes.read != Read::ready) return bytes.read;
    const auto record = decode_record(entry.position, bytes.value);
    if (!record || record->size != entry.size) return Read::damaged;
    *out = *record;
    return Read::ready;
}

/// Any number may come: the index decides whether a message starts there.
Read Log::Impl::record_at(Position position, Record* out) {
    const std::uint64_t at = position.value();
    Segment* segment = at % 8 == 0 && at < end_ ? segment_at(at) : nullptr;
    const std::uint64_t data_end = segment == segments_.back().get() ? end_ : segment ? segment->end : 0;
    if (!segment || at < segment->data_begin() || at + record_head_bytes > data_end) return Read::none;
    const auto head = bytes_at(at, record_head_bytes);
    if (head.read != Read::ready) return head.read;
    const auto size = load_le<std::uint32_t>(head.value.data());
    if (size > data_end - at) return Read::none;
    const auto bytes = bytes_at(at, size);
    if (bytes.read != Read::ready) return bytes.read;
    const auto record = decode_record(position, bytes.value);
    if (!record || record->kind != RecordKind::message) return Read::none;

    const auto queue = record->queue(0);
    const auto offset = record->offset(0);
    std::array<Entry, 1> entry;
    std::size_t count = 0;
    const Read read = entries(queue, offset, entry, &count);  // may load, and so end the views of `record`
    if (read != Read::ready) return read;
    if (entry[0].position != position) return Read::none;
    return this->record(entry[0], out);
}

Log::Impl::Found<Bytes> Log::Impl::bytes_at(std::uint64_t position, std::size_t size) {
    if (position >= tail_begin_) {
        if (position + size > end_) return {Read::damaged, {}};
        return {Read::ready, Bytes(tail_->at(position), size)};
    }
    Segment* segment = segment_at(position);
    if (!segment) return {};
    Found<Bytes> found;
    found.read = cold_bytes(*segment, position, size, &found.value);
    return found;
}

Read Log::Impl::cold_bytes(Segment& segment, std::uint64_t position, std::size_t size, Bytes* out) {
    const std::uint64_t at = position - segment.begin;
    const auto after = std::upper_bound(segment.cuts.begin(), segment.cuts.end(), at);
    if (after == segment.cuts.begin() || position + size > segment.end) return Read::damaged;
    const auto number = static_cast<std::uint32_t>(after - segment.cuts.begin());
    if (at + size > stretch_end(segment, number)) return Read::damaged;
    const ColdKey key{segment.begin, number, false};
    const ColdPiece* piece = cold_.find(key);
    if (piece &&
        at + size > piece->at + piece->bytes.size()) {  // the last stretch of the active segment grew
        cold_.forget(key);
        piece = nullptr;
    }
    if (!piece) {
        auto file = file_of(segment);
        if (!file) return read_failed(file.error());
        const auto loaded = cold_.load(key, stretch(segment, number, *file));
        if (loaded.error) return read_failed(*loaded.error);
        piece = loaded.piece;
    }
    if (last_cold_ != key) {
        last_cold_ = key;
        if (number > 1 && cold_.has({segment.begin, number - 1, false})) read_ahead(segment, number);
    }
    if (!piece) return Read::loading;
    for (const DamagedRange& bad : piece->bad)
        if (touches(bad, at, at + size)) return Read::damaged;
    *out = piece->bytes.view().subspan(at - piece->at, size);
    return Read::ready;
}

Read Log::Impl::read_failed(const Error& error) {
    if (!may_pass(error)) {
        log_error("store", "{}", error.message);
        return Read::damaged;
    }
    ++counters_.failed_reads;
    if (options_.on_read_failed)
        options_.on_read_failed(error);
    else
        log_error("store", "{}", error.message);
    return Read::failed;
}

/// Stretch `number` of a segment ends there in its file; it begins at cut `number` - 1.
std::uint64_t Log::Impl::stretch_end(const Segment& segment, std::uint32_t number) const {
    return number < segment.cuts.size() ? segment.cuts[number] : segment.end - segment.begin;
}

ColdSource Log::Impl::stretch(const Segment& segment, std::uint32_t number,
                              std::shared_ptr<env::File> file) const {
    const std::uint32_t from = segment.cuts[number - 1];
    return {std::move(file), from, stretch_end(segment, number) - from,
            [store = options_.store_id, begin = segment.begin, from](Bytes bytes) {
                return bad_ranges(bytes, store, begin, from);
            }};
}

/// Somebody reads one stretch after the other: the next ones are fetched while this one is read.
void Log::Impl::read_ahead(Segment& segment, std::uint32_t number) {
    for (std::uint32_t next = number + 1; next <= number + stretches_ahead && next <= segment.cuts.size();
         ++next) {
        if (!segment.file) return;
        cold_.load_ahead({segment.begin, next, false}, [&] { return stretch(segment, next, segment.file); });
    }
}

Result<std::shared_ptr<env::File>> Log::Impl::file_of(Segment& segment) {
    segment.last_use = ++uses_;
    if (!segment.file) {
        auto file = open_to_read(segment_file_name(segment.begin));
        if (!file) return file.error();
        segment.file = std::move(*file);
        ++open_files_;
        limit_open_files(most_open_files);
    }
    return segment.file;
}

Result<std::shared_ptr<env::File>> Log::Impl::index_file_of(Segment& segment) {
    segment.last_use = ++uses_;
    if (!segment.index_file) {
        auto file = open_to_read(index_file_name(segment.begin));
        if (!file) return file.error();
        segment.index_file = std::move(*file);
        ++open_files_;
        limit_open_files(most_open_files);
    }
    return segment.index_file;
}

/// When the system has no descriptor left, the files that are open for later give theirs.
Result<std::unique_ptr<env::File>> Log::Impl::open_to_read(const std::string& name) {
    auto file = files_.open(path(name), env::OpenMode::read);
    if (file || file.error().code != Errc::full) return file;
    limit_open_files(0);
    return files_.open(path(name), env::OpenMode::read);
}

/// Descriptors are few where logs are long. Whoever still reads from a file closed here keeps it open.
void Log::Impl::limit_open_files(std::size_t most) {
    while (open_files_ > most) {
        Segment* oldest = nullptr;
        for (auto at = segments_.cbegin(); at != first_unsealed(); ++at)
            if (((*at)->file || (*at)->index_file) && (!oldest || (*at)->last_use < oldest->last_use))
                oldest = at->get();
        if (!oldest) return;
        open_files_ -= (oldest->file ? 1 : 0) + (oldest->index_file ? 1 : 0);
        oldest->file.reset();
        oldest->index_file.reset();
    }
}

}  // namespace posthorn::store
