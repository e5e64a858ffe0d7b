#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace posthorn::broker {

/// The payloads of RecordKind::state, drawn in docs/formats/state-records.md. Plain numbers here: this is
/// the border to the file.
enum class StateType : std::uint8_t {
    progress = 1,
    reader_opened = 2,
    reader_deleted = 3,
    reader_moved = 4,
    fired = 5,
    opened = 6,
    snapshot_begin = 7,
    snapshot_end = 8,
    timers_settled = 9,
    group_forgotten = 10,
    timer_bits = 11,
};

inline constexpr std::uint8_t state_version = 1;
/// In the head of every note of a snapshot: one without it tells that a snapshot before was given up.
inline constexpr std::uint16_t state_in_snapshot = 1;
/// In `fired`: the message has no record in the stream log.
inline constexpr std::uint64_t no_position = std::numeric_limits<std::uint64_t>::max();
/// So that no note comes near the log's largest record.
inline constexpr std::size_t state_note_bytes_max = 48 * 1024;

/// Told what a note says, item by item, in its order.
class StateVisitor {
  public:
    virtual ~StateVisitor() = default;
    virtual void on_progress(std::uint32_t group, std::uint32_t queue, std::uint64_t next) = 0;
    virtual void on_group_forgotten(std::uint32_t group) = 0;
    virtual void on_reader_opened(std::uint32_t reader, std::uint32_t queue, std::string_view name) = 0;
    virtual void on_reader_deleted(std::uint32_t reader) = 0;
    virtual void on_reader_cursor(std::uint32_t reader, std::uint64_t cursor) = 0;
    virtual void on_reader_settled(std::uint32_t reader, std::uint64_t begin, std::uint64_t end) = 0;
    virtual void on_reader_return(std::uint32_t reader, std::uint64_t offset, std::uint32_t attempts,
                                  std::int64_t ready_wall_ms) = 0;
    virtual void on_fired(std::uint64_t timer, std::uint64_t position) = 0;
    virtual void on_timers_settled(std::uint64_t begin, std::uint64_t end) = 0;
    virtual void on_opened(std::uint64_t stream_end) = 0;
    virtual void on_snapshot_begin(std::uint64_t stream_end, std::uint64_t timer_floor) = 0;
    virtual void on_snapshot_end() = 0;
};

/// Whether the note is marked as part of a snapshot.
bool part_of_snapshot(Bytes note);

/// Decodes one note. Nothing was visited when it fails.
Result<void> visit_state(Bytes note, StateVisitor& visitor);

/// Makes notes and gives each full one to `sink`. Items of one type (and one reader) that follow each other
/// share a note until `flush` or a full note. Reuses its buffer.
class StateWriter {
  public:
    using Sink = std::function<void(Bytes note)>;
    /// `note_bytes`: a note is closed and a new one begun beyond this (a reader's name goes whole).
    explicit StateWriter(Sink sink, std::size_t note_bytes = state_note_bytes_max)
        : sink_(std::move(sink)), note_bytes_(note_bytes) {}

    void progress(std::uint32_t group, std::uint32_t queue, std::uint64_t next);
    void group_forgotten(std::uint32_t group);
    void reader_opened(std::uint32_t reader, std::uint32_t queue, std::string_view name);
    void reader_deleted(std::uint32_t reader);
    /// Starts a note about this reader; ranges go before returns.
    void reader_moved(std::uint32_t reader, std::uint64_t cursor);
    void reader_settled(std::uint64_t begin, std::uint64_t end);
    void reader_return(std::uint64_t offset, std::uint32_t attempts, std::int64_t ready_wall_ms);
    void fired(std::uint64_t timer, std::uint64_t position);
    void timers_settled(std::uint64_t begin, std::uint64_t end);
    /// The same for a stretch of 4096 offsets, a bit each, lowest first.
    void timer_bits(std::uint64_t begin, std::span<const std::uint64_t> bits);
    void opened(std::uint64_t stream_end);
    /// From here to the end every note is marked.
    void snapshot_begin(std::uint64_t stream_end, std::uint64_t timer_floor);
    void snapshot_end();

    void flush();

  private:
    void begin(StateType type);
    /// Goes on with the open note if it is of this type and has room.
    void join(StateType type, std::size_t item_bytes);

    Sink sink_;
    std::size_t note_bytes_;
    Buffer note_;
    std::uint16_t marks_ = 0;
    StateType type_{};
    std::uint32_t reader_ = 0, ranges_ = 0, returns_ = 0;
    std::uint64_t cursor_ = 0;
};

}  // namespace posthorn::broker
