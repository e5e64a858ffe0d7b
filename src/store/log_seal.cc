#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "log_impl.h"

namespace posthorn::store {

void Log::Impl::request_sync() {
    if (failed_ || synced_ >= written_) return;
    sync_wanted_ = true;
    sync_held_ = false;
    if (!syncing_) start_sync();
}

/// One sync at a time, of everything written so far: whoever asks meanwhile shares the next one.
void Log::Impl::start_sync() {
    struct Job {
        std::vector<std::shared_ptr<env::File>> files;
        bool names = false;
        Result<void> result;
    };
    auto job = std::make_shared<Job>();
    for (auto at = first_unsealed(); at != segments_.end(); ++at) {
        if ((*at)->unsynced) job->files.push_back((*at)->file);
        job->names |= (*at)->name_unsynced;
    }
    const std::uint64_t target = written_;
    const bool taken = worker_.submit(
        [job, &files = files_, directory = directory_] {
            for (const auto& file : job->files)
                if (job->result) job->result = file->sync_data();
            if (job->result && job->names) job->result = files.sync_directory(directory);
        },
        [job, target, self = std::weak_ptr(self_)] {
            if (const auto log = self.lock()) (*log)->finish_sync(target, job->result);
        });
    if (!taken) return;  // still wanted: the next write or request tries again
    for (auto at = first_unsealed(); at != segments_.end(); ++at)
        (*at)->unsynced = (*at)->name_unsynced = false;
    syncing_ = true;
    sync_wanted_ = false;
}

void Log::Impl::finish_sync(std::uint64_t target, const Result<void>& result) {
    syncing_ = false;
    if (!result && result.error().code == Errc::full) return hold_sync(result.error());
    if (!result) return fail(result.error());
    if (failed_) return;
    ++counters_.syncs;
    synced_ = std::max(synced_, target);
    if (sync_wanted_ && synced_ < written_) start_sync();
    seal_next();
}

/// The directory could not be opened for its sync: nothing failed, but the names are not safe yet.
void Log::Impl::hold_sync(const Error& error) {
    log_warn("store", "log {} is not synced yet: {}", options_.name, error.message);
    for (auto at = first_unsealed(); at != segments_.end(); ++at)
        (*at)->unsynced = (*at)->name_unsynced = true;
    sync_wanted_ = sync_held_ = true;
}

Result<void> Log::Impl::sync() {
    if (auto done = write(); !done) return done;
    Result<void> result;
    bool names = false;
    for (auto at = first_unsealed(); at != segments_.end(); ++at) {
        // The files of a sync that is under way are synced here too rather than waited for.
        if (((*at)->unsynced || syncing_) && result) result = (*at)->file->sync_data();
        names |= (*at)->name_unsynced || syncing_;
        (*at)->unsynced = (*at)->name_unsynced = false;
    }
    if (names && result) result = files_.sync_directory(directory_);
    const bool under_way = syncing_;
    finish_sync(written_, result);
    syncing_ |= under_way;
    return result;
}

Result<void> Log::Impl::close() {
    if (auto done = sync(); !done) return done;
    if (last_batch_end_ == 0 || closed_at_ == end_) return {};
    NewRecord mark;
    mark.kind = RecordKind::state;
    if (auto done = append(mark, last_time_); !done) return {};  // no room: then without
    closed_at_ = end_;
    return sync();
}

/// Segments are sealed one after the other, in order, so that those still to be replayed are always the
/// newest.
void Log::Impl::seal_next() {
    Segment& segment = **first_unsealed();
    if (sealing_ || failed_ || &segment == &active() || synced_ < segment.sealable_at) return;
    if (options_.may_seal && !options_.may_seal()) return;
    struct Job {
        IndexSource source;
        Result<IndexSummary> result = Error{Errc::invalid, "not run"};
    };
    auto job = std::make_shared<Job>();
    job->source = {options_.store_id, segment.begin, segment.end,  segment.capacity, segment.first_time,
                   segment.last_time, segment.index, segment.ends, segment.cuts,     segment.damaged};
    sealing_ = worker_.submit(
        [job, &files = files_, directory = directory_] {
            job->result = write_index(files, directory, index_file_name(job->source.begin), job->source);
        },
        [job, self = std::weak_ptr(self_)] {
            if (const auto log = self.lock()) (*log)->finish_seal(std::move(job->result));
        });
}

void Log::Impl::finish_seal(Result<IndexSummary> result) {
    sealing_ = false;
    Segment& segment = **first_unsealed();
    if (!result) {
        // Its index stays in memory; the next roll or `maintain` tries again.
        log_error("store", "segment {} of log {} cannot be sealed: {}", segment.begin, options_.name,
                  result.error().message);
        return;
    }
    if (options_.counts_live) {
        auto file = files_.open(path(index_file_name(segment.begin)), env::OpenMode::read);
        auto runs = file ? read_runs(**file, *result) : Result<std::vector<RunRow>>(file.error());
        if (!runs) {
            log_error("store", "segment {} of log {} stays unsealed: {}", segment.begin, options_.name,
                      runs.error().message);
            return;
        }
        segment.runs = std::move(*runs);
    }
    segment.has_moved = segment.index->has_moved();
    if (segment.has_moved) --moved_indexes_;
    segment.summary = std::make_unique<IndexSummary>(std::move(*result));
    segment.index.reset();
    segment.ends = {};
    segment.last_use = ++uses_;
    ++sealed_;
    ++open_files_;  // its file is still open
    limit_open_files(most_open_files);
    if (lone_index_) remove_files({index_file_name(*std::exchange(lone_index_, std::nullopt))});
    seal_next();
}

}  // namespace posthorn::store
