#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "base/log.h"
#include "batch.h"
#include "log_impl.h"
#include "log_recovery.h"

namespace posthorn::store {
namespace {

constexpr std::uint64_t least_cold_bytes = 1u << 20;  // a search needs a dozen index units at a time
constexpr std::uint64_t least_stretch = 4u << 10, largest_stretch = 256u << 10;

}  // namespace

Log::Impl::Impl(env::Files& files, std::string directory, LogOptions options, runtime::Worker& worker)
    : files_(files),
      directory_(std::move(directory)),
      options_(std::move(options)),
      worker_(worker),
      cold_(worker, std::max(options_.cold_bytes, least_cold_bytes),
            {options_.on_loaded,
             [this](const ColdKey& key, const ColdPiece& piece) {
                 for (const DamagedRange& bad : piece.bad) {
                     ++counters_.damaged;
                     log_error("store", "damage in log {}, {} {}: {} bytes from {} are not served",
                               options_.name, key.index ? "index of segment" : "segment", key.segment,
                               bad.size, bad.at);
                 }
             }}),
      self_(std::make_shared<Impl*>(this)) {
    batch_limit_ = std::min<std::uint64_t>(batch_bytes, options_.tail_bytes / 2);
    stretch_bytes_ = std::clamp(std::bit_floor(options_.cold_bytes / 16), least_stretch, largest_stretch);
}

Result<void> Log::Impl::check_options() const {
    const auto refuse = [](std::string_view what) { return Error{Errc::invalid, std::string(what)}; };
    const std::uint64_t room = options_.segment_bytes - header_page_bytes - batch_head_bytes;
    if (options_.segment_bytes <= header_page_bytes + batch_head_bytes ||
        options_.segment_bytes > UINT32_MAX || options_.segment_bytes % 8 != 0)
        return refuse("a segment must hold more than its header and less than 4 GiB, a multiple of 8");
    if (padded(options_.max_record_bytes) > room)
        return refuse("a segment must have room for the largest record");
    if (options_.max_record_bytes > options_.tail_bytes / 4 * 3)
        return refuse("the largest record may take three quarters of the memory tail");
    return {};
}

Result<void> Log::Impl::open(const RecoveryVisitor& visit) {
    if (auto checked = check_options(); !checked) return checked;
    auto tail = Tail::make(options_.tail_bytes);
    if (!tail) return tail.error();
    tail_ = std::move(*tail);
    if (auto made = files_.make_directories(directory_); !made) return made;
    auto names = list_names();
    if (!names) return names.error();
    if (auto opened = open_sealed(*names); !opened) return opened;
    read_boot();
    if (auto recovered = recover_unsealed(*names, visit); !recovered) return recovered;
    note_boot();
    opening_ = false;
    if (options_.spare_segment)
        if (auto made = make_spare(); !made) (void)refuse_roll(made.error(), last_time_);
    seal_next();
    return {};
}

Result<Log::Impl::Names> Log::Impl::list_names() {
    auto listed = files_.list(directory_);
    if (!listed) return listed.error();
    Names names;
    for (const std::string& name : *listed) {
        if (const auto begin = parse_file_name(name, ".seg")) names.segments.push_back(*begin);
        if (const auto begin = parse_file_name(name, ".idx")) names.indexes.push_back(*begin);
        if (name.ends_with(".idx.tmp"))
            if (auto removed = files_.remove(path(name)); !removed) return removed.error();
    }
    return names;  // in order, because `list` sorts and all names have the same length
}

/// Everything up to the newest good index file. What has none there lost it, and gets a new one.
Result<void> Log::Impl::open_sealed(const Names& names) {
    std::unique_ptr<IndexSummary> newest;
    std::set<std::uint64_t> good;
    for (const std::uint64_t begin : names.indexes) {
        auto file = files_.open(path(index_file_name(begin)), env::OpenMode::read);
        if (!file) return file.error();
        auto summary = read_summary(**file, options_.store_id);
        if (!summary && (summary.error().code == Errc::invalid || may_pass(summary.error())))
            return summary.error();
        if (!summary || summary->begin != begin) {
            ++counters_.damaged;
            log_error("store", "index of segment {} of log {} is made again: {}", begin, options_.name,
                      summary ? "it is another segment's" : summary.error().message);
            continue;
        }
        good.insert(begin);
        newest = std::make_unique<IndexSummary>(std::move(*summary));
        if (!std::binary_search(names.segments.begin(), names.segments.end(), begin)) lone_index_ = begin;
    }
    if (!newest) return {};

    for (const std::uint64_t begin : names.segments) {
        if (begin > newest->begin) break;
        auto opened = good.contains(begin) ? open_one_sealed(begin) : rebuild_after_last(begin);
        if (!opened && good.contains(begin) && !may_pass(opened.error())) {
            ++counters_.damaged;
            log_error("store", "index of segment {} of log {} is made again: {}", begin, options_.name,
                      opened.error().message);
            opened = rebuild_after_last(begin);
        }
        // Whoever opened without it would settle what it holds.
        if (!opened && may_pass(opened.error())) return opened.error();
        if (!opened) {
            log_error("store", "segment {} of log {} cannot be used: {}", begin, options_.name,
                      opened.error().message);
            ++counters_.damaged;
            continue;
        }
        if (!(*opened)->damaged.empty()) ++damaged_segments_;
        last_time_ = std::max(last_time_, (*opened)->last_time);
        segments_.push_back(std::move(*opened));
        sealed_ = segments_.size();
    }
    for (const std::uint64_t begin : good)
        if (begin != newest->begin &&
            !std::binary_search(names.segments.begin(), names.segments.end(), begin))
            remove_files({index_file_name(begin)});
    if (lone_index_ && *lone_index_ != newest->begin) lone_index_.reset();

    last_batch_end_ = newest->end;
    end_ = newest->begin + newest->capacity;  // where the next segment begins
    last_time_ = std::max(last_time_, newest->last_time);
    if (auto loaded = load_newest_ends(*newest); !loaded) return loaded;
    if (options_.counts_live) {
        count_live();
        return {};
    }
    return load_queue_begins();
}

Result<std::unique_ptr<Segment>> Log::Impl::open_one_sealed(std::uint64_t begin) {
    auto file = files_.open(path(index_file_name(begin)), env::OpenMode::read);
    if (!file) return file.error();
    auto summary = read_summary(**file, options_.store_id);
    if (!summary) return summary.error();
    auto segment = std::make_unique<Segment>();
    segment->number = next_number_++;
    segment->begin = begin;
    segment->capacity = summary->capacity;
    segment->end = summary->end;
    segment->first_time = summary->first_time;
    segment->last_time = summary->last_time;
    segment->cuts = std::move(summary->cuts);
    segment->damaged = summary->damaged;
    if (options_.counts_live) {
        auto runs = read_runs(**file, *summary);
        if (!runs) return runs.error();
        segment->runs = std::move(*runs);
    }
    segment->summary = std::make_unique<IndexSummary>(std::move(*summary));
    return segment;
}

/// While opening: queues that are not in this segment end where they ended in the one before, or the last one
/// that can be read.
Result<std::unique_ptr<Segment>> Log::Impl::rebuild_after_last(std::uint64_t begin) {
    for (auto before = segments_.rbegin(); before != segments_.rend(); ++before) {
        const auto ends = ends_of(**before);
        if (ends) return rebuild_sealed(begin, *ends);
        if (may_pass(ends.error())) return ends.error();
    }
    return rebuild_sealed(begin, {});
}

Result<std::vector<EndRow>> Log::Impl::ends_of(const Segment& segment) {
    auto file = files_.open(path(index_file_name(segment.begin)), env::OpenMode::read);
    if (!file) return file.error();
    return read_ends(**file, *segment.summary);
}

/// Makes the index file of an old segment again, from the segment and the ends of queues that are not in it.
Result<std::unique_ptr<Segment>> Log::Impl::rebuild_sealed(std::uint64_t begin,
                                                           const std::vector<EndRow>& others) {
    auto opened = open_unsealed(begin);
    if (!opened) return opened.error();
    Segment& segment = **opened;
    const auto size = segment.file->size();
    if (!size) return size.error();
    Scanner scanner(*segment.file, *size, options_.store_id, begin);
    std::uint64_t position = segment.data_begin();
    while (const auto found = scanner.next(position)) {
        if (found->position != position) add_damage(segment, position, found->position);
        position = found->position + found->batch.size;
        note_cut(segment, found->position);
        for_each_record(found->bytes, found->position,
                        [&](const Record& record) { index_record(segment, record, true); });
    }
    segment.end = position;
    if (auto readable = scanner.readable_from(begin); !readable) {  // no reason to give them up for good
        if (!segment.damaged.empty()) --damaged_segments_;
        return readable.error();
    }

    IndexSource source{options_.store_id, begin,         segment.end, segment.capacity, segment.first_time,
                       segment.last_time, segment.index, {},          segment.cuts,     segment.damaged};
    std::map<std::uint32_t, std::uint64_t> ends;
    for (const EndRow& row : others)
        ends[row.queue] = row.end;
    for (const auto& run : segment.index->sorted_runs())
        ends[run.row.queue] = std::max(ends[run.row.queue], run.row.base + run.row.count);
    for (const auto& [queue, end] : ends)
        source.ends.push_back({queue, end});
    auto written = write_index(files_, directory_, index_file_name(begin), source);
    if (!written) return written.error();
    log_info("store", "index of segment {} of log {} was made again", begin, options_.name);
    return open_one_sealed(begin);
}

/// A damaged index file must not hide the good messages of its segment from readers: it is made again, at
/// once and here, though that holds everybody up as long as reading a segment takes. Done once per segment;
/// tried again when something stood in the way that may pass, as a full disk.
Read Log::Impl::mend_index(Segment& segment) {
    if (!mended_.insert(segment.begin).second) return Read::damaged;
    auto others = ends_of(segment);
    const Segment* before = segment_at(segment.begin == 0 ? 0 : segment.begin - 1);
    if (!others && !may_pass(others.error()) && before && before != &segment) others = ends_of(*before);
    auto made = !others && may_pass(others.error())
                    ? Result<std::unique_ptr<Segment>>(others.error())
                    : rebuild_sealed(segment.begin, others ? *others : std::vector<EndRow>());
    if (!made) {
        const Error error{made.error().code,
                          fmt::format("the messages of segment {} of log {} cannot be found: {}",
                                      segment.begin, options_.name, made.error().message)};
        if (may_pass(error)) mended_.erase(segment.begin);
        return read_failed(error);
    }
    cold_.forget(segment.begin);
    if (segment.index_file) --open_files_;
    segment.index_file.reset();
    if (!segment.damaged.empty() && !(*made)->damaged.empty()) --damaged_segments_;  // counted twice
    segment.end = (*made)->end;
    segment.cuts = std::move((*made)->cuts);
    segment.damaged = std::move((*made)->damaged);
    segment.runs = std::move((*made)->runs);
    segment.summary = std::move((*made)->summary);
    // Rows may lie elsewhere now: who asked begins anew, as after any load.
    const auto loaded = options_.on_loaded ? options_.on_loaded : [] {};
    if (!worker_.submit([] {}, loaded)) loaded();
    return Read::loading;
}

Result<void> Log::Impl::load_queue_ends(const IndexSummary& summary) {
    auto index = files_.open(path(index_file_name(summary.begin)), env::OpenMode::read);
    if (!index) return index.error();
    auto ends = read_ends(**index, summary);
    if (!ends) return ends.error();
    for (const EndRow& row : *ends) {
        QueueState& state = queues_[model::QueueId(row.queue)];
        state.end = row.end;
        state.begin = segments_.empty() ? row.end : 0;
    }
    return {};
}

/// The newest index file tells where all queues end. If it cannot, its segment does, with the file before it;
/// and if the segment went, what is left of the log has to do.
Result<void> Log::Impl::load_newest_ends(const IndexSummary& newest) {
    const auto loaded = load_queue_ends(newest);
    if (loaded || may_pass(loaded.error())) return loaded;
    ++counters_.damaged;
    log_error("store", "the ends of the queues of log {}: {}", options_.name, loaded.error().message);
    if (segments_.empty()) return {};
    if (segments_.back()->begin == newest.begin) {
        segments_.pop_back();
        auto made = rebuild_after_last(newest.begin);
        if (!made) return made.error();
        segments_.push_back(std::move(*made));
    }
    return load_queue_ends(*segments_.back()->summary);
}

/// A queue begins where it stood when the oldest segment began.
Result<void> Log::Impl::load_queue_begins() {
    if (segments_.empty() || segments_.front()->begin == 0) return {};
    const auto loaded = read_queue_begins(*segments_.front()->summary);
    if (loaded || may_pass(loaded.error())) return loaded;
    ++counters_.damaged;
    log_error("store", "the begins of the queues of log {}: {}", options_.name, loaded.error().message);
    auto made = rebuild_sealed(segments_.front()->begin, {});
    if (!made) return made.error();
    segments_.front() = std::move(*made);
    return read_queue_begins(*segments_.front()->summary);
}

Result<void> Log::Impl::read_queue_begins(const IndexSummary& oldest) {
    auto file = files_.open(path(index_file_name(oldest.begin)), env::OpenMode::read);
    if (!file) return file.error();
    auto ends = read_ends(**file, oldest);
    if (!ends) return ends.error();
    auto runs = read_runs(**file, oldest);
    if (!runs) return runs.error();
    for (const EndRow& row : *ends)
        queues_[model::QueueId(row.queue)].begin = row.end;
    for (auto run = runs->rbegin(); run != runs->rend(); ++run)
        queues_[model::QueueId(run->queue)].begin = run->base;
    return {};
}

/// Everything counts as live but what has a newer copy; the broker releases what it knows to be settled.
void Log::Impl::count_live() {
    std::map<std::uint32_t, std::uint64_t> ends;
    queues_.for_each([](std::uint32_t, QueueState& state) { state.begin = state.end; });
    for (std::size_t n = 0; n < sealed_; ++n) {
        for (const RunRow& run : segments_[n]->runs) {
            QueueState& state = queues_[model::QueueId(run.queue)];
            state.begin = std::min(state.begin, run.base);
            std::uint64_t& end = ends[run.queue];
            segments_[n]->has_moved |= run.base < end;
            for (std::uint64_t moved = run.base; moved < std::min(end, run.base + run.count); ++moved)
                for (std::size_t older = n; older-- > 0;)
                    if (find_run(*segments_[older], model::QueueId(run.queue), moved).read == Read::ready) {
                        if (segments_[older]->live > 0) --segments_[older]->live;
                        break;
                    }
            end = std::max(end, run.base + run.count);
            segments_[n]->live += run.count;
        }
    }
}

}  // namespace posthorn::store
