#include "state_records.h"

#include <fmt/format.h>

#include "base/check.h"

namespace posthorn::broker {
namespace {

constexpr std::size_t head_bytes = 4;
constexpr std::size_t return_bytes = 24;
constexpr std::size_t bit_words = 64, bits_bytes = 8 + bit_words * 8;

Error bad(std::string_view what) {
    return {Errc::damaged, fmt::format("state note: {}", what)};
}

Result<void> visit_moved(ByteReader in, StateVisitor& visitor) {
    const auto reader = in.le<std::uint32_t>();
    const auto ranges = in.le<std::uint32_t>();
    const auto cursor = in.le<std::uint64_t>();
    if (!in.ok() || ranges > in.remaining() / 16) return bad("reader moved is too short");
    const std::size_t rest = in.remaining() - std::size_t{ranges} * 16;
    if (rest % return_bytes != 0) return bad("reader moved has a torn item");
    visitor.on_reader_cursor(reader, cursor);
    for (std::uint32_t n = 0; n < ranges; ++n) {
        const auto begin = in.le<std::uint64_t>();
        visitor.on_reader_settled(reader, begin, in.le<std::uint64_t>());
    }
    for (std::size_t n = 0; n < rest / return_bytes; ++n) {
        const auto offset = in.le<std::uint64_t>();
        const auto attempts = in.le<std::uint32_t>();
        in.skip(4);
        visitor.on_reader_return(reader, offset, attempts, in.le<std::int64_t>());
    }
    return {};
}

/// Bodies that are a row of two u64.
template <class Visit>
Result<void> visit_pairs(ByteReader in, Visit&& visit) {
    if (in.remaining() % 16 != 0) return bad("torn item");
    while (in.remaining() > 0) {
        const auto first = in.le<std::uint64_t>();
        visit(first, in.le<std::uint64_t>());
    }
    return {};
}

/// One bit per timer offset, told as the ranges they make.
Result<void> visit_bits(ByteReader in, StateVisitor& visitor) {
    if (in.remaining() % bits_bytes != 0) return bad("timer bits have a torn item");
    while (in.remaining() > 0) {
        std::uint64_t at = in.le<std::uint64_t>(), begin = at;
        for (std::size_t n = 0; n < bit_words; ++n) {
            const auto word = in.le<std::uint64_t>();
            for (int bit = 0; bit < 64; ++bit, ++at) {
                if (word >> bit & 1) continue;
                if (at > begin) visitor.on_timers_settled(begin, at);
                begin = at + 1;
            }
        }
        if (at > begin) visitor.on_timers_settled(begin, at);
    }
    return {};
}

}  // namespace

bool part_of_snapshot(Bytes note) {
    return note.size() >= head_bytes && (load_le<std::uint16_t>(note.data() + 2) & state_in_snapshot) != 0;
}

Result<void> visit_state(Bytes note, StateVisitor& visitor) {
    ByteReader in(note);
    const auto version = in.le<std::uint8_t>();
    const auto type = static_cast<StateType>(in.le<std::uint8_t>());
    in.skip(2);
    if (!in.ok()) return bad("shorter than its head");
    if (version != state_version) return bad(fmt::format("unknown version {}", version));
    const std::size_t body = in.remaining();
    const auto exactly = [&](std::size_t size) { return body == size; };

    switch (type) {
        case StateType::progress:
            if (body % 16 != 0) return bad("progress has a torn item");
            while (in.remaining() > 0) {
                const auto group = in.le<std::uint32_t>();
                const auto queue = in.le<std::uint32_t>();
                visitor.on_progress(group, queue, in.le<std::uint64_t>());
            }
            return {};
        case StateType::group_forgotten:
            if (!exactly(4)) return bad("group forgotten of a wrong length");
            visitor.on_group_forgotten(in.le<std::uint32_t>());
            return {};
        case StateType::reader_opened: {
            if (body < 8) return bad("reader opened is too short");
            const auto reader = in.le<std::uint32_t>();
            const auto queue = in.le<std::uint32_t>();
            visitor.on_reader_opened(reader, queue, in.text(in.remaining()));
            return {};
        }
        case StateType::reader_deleted:
            if (!exactly(4)) return bad("reader deleted of a wrong length");
            visitor.on_reader_deleted(in.le<std::uint32_t>());
            return {};
        case StateType::reader_moved:
            return visit_moved(in, visitor);
        case StateType::fired:
            return visit_pairs(in, [&](auto timer, auto position) { visitor.on_fired(timer, position); });
        case StateType::timers_settled:
            return visit_pairs(in, [&](auto begin, auto end) { visitor.on_timers_settled(begin, end); });
        case StateType::timer_bits:
            return visit_bits(in, visitor);
        case StateType::opened:
            if (!exactly(8)) return bad("opened of a wrong length");
            visitor.on_opened(in.le<std::uint64_t>());
            return {};
        case StateType::snapshot_begin: {
            if (!exactly(16)) return bad("snapshot begin of a wrong length");
            const auto stream_end = in.le<std::uint64_t>();
            visitor.on_snapshot_begin(stream_end, in.le<std::uint64_t>());
            return {};
        }
        case StateType::snapshot_end:
            if (!exactly(0)) return bad("snapshot end of a wrong length");
            visitor.on_snapshot_end();
            return {};
    }
    return bad(fmt::format("unknown type {}", static_cast<unsigned>(type)));
}

// --- writing -----------------------------------------------------------------------------------------------

void StateWriter::flush() {
    if (note_.empty()) return;
    sink_(note_.view());
    note_.clear();
}

void StateWriter::begin(StateType type) {
    flush();
    type_ = type;
    note_.le(state_version);
    note_.le(static_cast<std::uint8_t>(type));
    note_.le(marks_);
}

void StateWriter::join(StateType type, std::size_t item_bytes) {
    if (note_.empty() || type_ != type || note_.size() + item_bytes > note_bytes_) begin(type);
}

void StateWriter::progress(std::uint32_t group, std::uint32_t queue, std::uint64_t next) {
    join(StateType::progress, 16);
    note_.le(group);
    note_.le(queue);
    note_.le(next);
}

void StateWriter::group_forgotten(std::uint32_t group) {
    begin(StateType::group_forgotten);
    note_.le(group);
}

void StateWriter::reader_opened(std::uint32_t reader, std::uint32_t queue, std::string_view name) {
    begin(StateType::reader_opened);
    note_.le(reader);
    note_.le(queue);
    note_.append(name);
}

void StateWriter::reader_deleted(std::uint32_t reader) {
    begin(StateType::reader_deleted);
    note_.le(reader);
}

void StateWriter::reader_moved(std::uint32_t reader, std::uint64_t cursor) {
    begin(StateType::reader_moved);
    reader_ = reader;
    cursor_ = cursor;
    ranges_ = returns_ = 0;
    note_.le(reader);
    note_.le(std::uint32_t{0});
    note_.le(cursor);
}

void StateWriter::reader_settled(std::uint64_t from, std::uint64_t to) {
    if (returns_ > 0 || note_.size() + 16 > note_bytes_) reader_moved(reader_, cursor_);
    note_.le(from);
    note_.le(to);
    note_.patch_le(head_bytes + 4, ++ranges_);
}

void StateWriter::reader_return(std::uint64_t offset, std::uint32_t attempts, std::int64_t ready_wall_ms) {
    if (note_.size() + return_bytes > note_bytes_) reader_moved(reader_, cursor_);
    note_.le(offset);
    note_.le(attempts);
    note_.le(std::uint32_t{0});
    note_.le(ready_wall_ms);
    ++returns_;
}

void StateWriter::fired(std::uint64_t timer, std::uint64_t position) {
    join(StateType::fired, 16);
    note_.le(timer);
    note_.le(position);
}

void StateWriter::timers_settled(std::uint64_t from, std::uint64_t to) {
    join(StateType::timers_settled, 16);
    note_.le(from);
    note_.le(to);
}

void StateWriter::timer_bits(std::uint64_t from, std::span<const std::uint64_t> bits) {
    POSTHORN_CHECK(bits.size() == bit_words, "a stretch of timers");
    join(StateType::timer_bits, bits_bytes);
    note_.le(from);
    for (const std::uint64_t word : bits)
        note_.le(word);
}

void StateWriter::opened(std::uint64_t stream_end) {
    begin(StateType::opened);
    note_.le(stream_end);
}

void StateWriter::snapshot_begin(std::uint64_t stream_end, std::uint64_t timer_floor) {
    flush();
    marks_ = state_in_snapshot;
    begin(StateType::snapshot_begin);
    note_.le(stream_end);
    note_.le(timer_floor);
}

void StateWriter::snapshot_end() {
    begin(StateType::snapshot_end);
    flush();
    marks_ = 0;
}

}  // namespace posthorn::broker
