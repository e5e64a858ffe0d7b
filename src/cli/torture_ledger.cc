#include "torture_ledger.h"

#include <algorithm>

namespace posthorn::cli {

std::uint64_t TortureLedger::issue(std::int64_t sent_ns, std::uint32_t delay_ms) {
    Entry entry;
    entry.sent_ns = sent_ns;
    entry.delay_ms = delay_ms;
    entries_.push_back(entry);
    return entries_.size() - 1;
}

void TortureLedger::acknowledge(std::uint64_t number, std::uint32_t queue, std::int64_t offset) {
    Entry& entry = entries_[number];
    entry.acknowledged = true;
    entry.queue = static_cast<std::uint16_t>(queue);
    entry.offset = offset;
    ++acknowledged_;
}

std::int64_t TortureLedger::last_due_ns() const {
    std::int64_t last = 0;
    for (const Entry& entry : entries_)
        if (entry.acknowledged && entry.delay_ms != 0)
            last = std::max(last, entry.sent_ns + std::int64_t{entry.delay_ms} * 1'000'000);
    return last;
}

void TortureLedger::begin_reading() {
    for (Entry& entry : entries_)
        entry.found = 0, entry.moved = false;
}

bool TortureLedger::found(std::uint64_t number, std::uint32_t queue, std::int64_t offset) {
    if (number >= entries_.size()) return false;
    Entry& entry = entries_[number];
    if (entry.found < 255) ++entry.found;
    const bool placed = entry.acknowledged && entry.delay_ms == 0;
    if (placed && (entry.queue != queue || entry.offset != offset)) entry.moved = true;
    return true;
}

TortureLedger::Verdict TortureLedger::verdict() const {
    Verdict verdict;
    for (const Entry& entry : entries_) {
        if (entry.found > 1) ++verdict.duplicated;
        if (entry.moved) ++verdict.moved;
        if (!entry.acknowledged && entry.found > 0) ++verdict.extra;
        if (!entry.acknowledged) continue;
        ++verdict.acknowledged;
        if (entry.delay_ms != 0) ++verdict.delayed;
        if (entry.found == 0) ++verdict.lost;
    }
    return verdict;
}

void TortureLedger::Verdict::add(const Verdict& other) {
    acknowledged += other.acknowledged;
    lost += other.lost;
    duplicated += other.duplicated;
    moved += other.moved;
    extra += other.extra;
    delayed += other.delayed;
}

}  // namespace posthorn::cli
