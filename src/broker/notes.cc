#include "notes.h"

#include "base/log.h"

namespace posthorn::broker {

bool Notes::append(Bytes note) {
    store::NewRecord record;
    record.kind = store::RecordKind::state;
    record.payload = note;
    return log_->append(record, now_ms_).ok();
}

void Notes::put(Bytes note) {
    if (kept_.empty() && append(note)) return;
    // A failed log takes nothing until the directory is opened again, and recovery will not miss these.
    if (log_->failed()) return;
    if (kept_.empty()) log_warn("broker", "no room in the queue log for state notes; they wait in memory");
    kept_.emplace_back(note.begin(), note.end());
}

void Notes::flush() {
    writer_.flush();
    std::size_t done = in_snapshot_ ? kept_.size() : 0;
    in_snapshot_ = false;
    while (done < kept_.size() && !in_snapshot_ && append(kept_[done]))
        ++done;
    if (in_snapshot_ || log_->failed()) done = kept_.size();
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(done));
}

}  // namespace posthorn::broker
