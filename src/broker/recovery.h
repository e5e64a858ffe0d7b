#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core.h"
#include "delays.h"
#include "progress.h"
#include "reader_state.h"
#include "readers.h"
#include "settled_set.h"
#include "state_records.h"

namespace posthorn::broker {

/// Replays the notes of the queue log and the origins of the stream log, judges what a power cut took apart,
/// and gives the parts of the engine what they knew. The order of `apply` and why it is right stand in
/// docs/decisions/0011-delayed-messages-fire-once.md.
class Recovery final : public StateVisitor {
  public:
    explicit Recovery(Now now) : now_(now) {}

    /// Every replayed record of the stream log, then of the queue log, in their order.
    void see_stream(const store::Record& record);
    void see_queue(const store::Record& record);

    /// After both logs are open. True if something known pointed past the end of a log and was cut: then a
    /// snapshot must be durable before anything new is.
    bool apply(Core& core, Progress& progress, Delays& delays, Readers& readers);

  private:
    struct KnownReader {
        std::uint32_t queue = 0;
        std::string name;
        ReaderState state;
    };
    struct Known {
        std::unordered_map<std::uint32_t, std::unordered_map<std::uint32_t, std::uint64_t>> progress;
        std::map<std::uint32_t, KnownReader> readers;
        SettledSet timers;
        std::vector<Delays::Fired> fired;
        std::uint64_t stream_end = 0;  ///< at the last opening
    };

    void on_progress(std::uint32_t group, std::uint32_t queue, std::uint64_t next) override;
    void on_group_forgotten(std::uint32_t group) override;
    void on_reader_opened(std::uint32_t reader, std::uint32_t queue, std::string_view name) override;
    void on_reader_deleted(std::uint32_t reader) override;
    void on_reader_cursor(std::uint32_t reader, std::uint64_t cursor) override;
    void on_reader_settled(std::uint32_t reader, std::uint64_t begin, std::uint64_t end) override;
    void on_reader_return(std::uint32_t reader, std::uint64_t offset, std::uint32_t attempts,
                          std::int64_t ready_wall_ms) override;
    void on_fired(std::uint64_t timer, std::uint64_t position) override;
    void on_timers_settled(std::uint64_t begin, std::uint64_t end) override;
    void on_opened(std::uint64_t stream_end) override;
    void on_snapshot_begin(std::uint64_t stream_end, std::uint64_t timer_floor) override;
    void on_snapshot_end() override;

    Known& known() { return in_snapshot_ ? fresh_ : known_; }
    void see_part(bool of_snapshot);
    void give_up_snapshot();
    bool judge_fired(std::uint64_t sealed_end);
    bool apply_delays(Core& core, Delays& delays);
    bool apply_progress(Core& core, Progress& progress);
    bool apply_readers(Core& core, Readers& readers);

    Now now_;
    Known known_, fresh_;
    bool in_snapshot_ = false;
    bool marked_ = false;          ///< the notes of the last snapshot were marked as its own
    bool seen_ = false;            ///< something of the queue log
    bool snapshot_first_ = false;  ///< nothing was seen before the last snapshot
    struct Origin {
        std::uint64_t timer, position;
    };
    std::vector<Origin> origins_;
    std::size_t bad_notes_ = 0;
};

}  // namespace posthorn::broker
