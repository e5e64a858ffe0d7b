#include <algorithm>

#include "readers.h"

namespace posthorn::broker {

void Readers::touch(Reader& reader) {
    if (std::exchange(reader.dirty, true)) return;
    dirty_.push_back(reader.id);
}

void Readers::note_settled(Reader& reader, std::uint64_t begin, std::uint64_t end) {
    if (!reader.settled.empty() && reader.settled.back().end == begin)
        reader.settled.back().end = end;
    else
        reader.settled.push_back({begin, end});
    touch(reader);
}

void Readers::note_return(Reader& reader, std::uint64_t offset) {
    if (!reader.durable) return;
    if (reader.named && core_.transient->holds(reader.queue, model::QueueOffset(offset))) return;
    reader.returned.push_back(offset);
    touch(reader);
}

void Readers::note(Reader& reader) {
    StateWriter& notes = core_.notes.writer();
    notes.reader_moved(reader.id, reader.state.cursor());
    std::sort(reader.settled.begin(), reader.settled.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
    for (std::size_t n = 0; n < reader.settled.size();) {
        Range range = reader.settled[n++];
        while (n < reader.settled.size() && reader.settled[n].begin <= range.end)
            range.end = std::max(range.end, reader.settled[n++].end);
        notes.reader_settled(range.begin, range.end);
    }
    if (!reader.named) notes.reader_settled(0, reader.state.settled().floor());
    for (const std::uint64_t offset : reader.returned)
        if (const auto back = reader.state.find_return(offset))
            notes.reader_return(back->offset, back->attempts, wall_of(back->ready_at));
    reader.settled.clear();
    reader.returned.clear();
}

void Readers::note_changes() {
    for (const std::uint32_t id : dirty_) {
        if (!readers_[id] || !readers_[id]->dirty) continue;
        readers_[id]->dirty = false;
        note(*readers_[id]);
    }
    dirty_.clear();
    core_.notes.writer().flush();
}

void Readers::note_all(StateWriter& notes) const {
    for (const auto& reader : readers_) {
        if (!reader || !reader->durable) continue;
        notes.reader_opened(reader->id, reader->queue.value(), reader->name);
        notes.reader_moved(reader->id, reader->state.cursor());
        notes.reader_settled(0, reader->state.settled().floor());
        reader->state.settled().each_range(
            [&](std::uint64_t begin, std::uint64_t end) { notes.reader_settled(begin, end); });
        reader->state.each_return([&](const ReaderState::Return& back) {
            if (back.attempts > 1 || back.ready_at != ReaderState::at_once)
                notes.reader_return(back.offset, back.attempts, wall_of(back.ready_at));
        });
    }
}

// --- recovery ----------------------------------------------------------------------------------------------

bool Readers::restore(Restored restored) {
    Reader& reader = add(restored.id, restored.name, restored.queue);
    reader.state = std::move(restored.state);
    if (reader.named) mark_gaps(reader);
    const store::Range range = core_.log_of(restored.queue).range(restored.queue);
    const bool cut = reader.state.restored(range.end.value());
    reader.state.forget_below(range.begin.value());
    taken_ += reader.state.taken();
    if (reader.named) {
        const SettledSet& settled = reader.state.settled();
        for (std::uint64_t n = range.begin.value(); n < settled.floor(); ++n)
            core_.queue->release(reader.queue, model::QueueOffset(n));
        settled.each_range([&](std::uint64_t begin, std::uint64_t end) {
            for (; begin < end; ++begin)
                core_.queue->release(reader.queue, model::QueueOffset(begin));
        });
    }
    reader.state.each_return([&](const ReaderState::Return& back) {
        if (back.ready_at != ReaderState::at_once) deadlines_.add({back.ready_at, back.offset, reader.id});
    });
    return cut;
}

}  // namespace posthorn::broker
