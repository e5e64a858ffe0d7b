// Any bytes as a note of the queue log: read within bounds, refused or visited; what was visited can be
// written and read again.
#include <cstddef>
#include <cstdint>

#include "state_records.h"

namespace {

using namespace posthorn;

/// Writes again what it is told.
class Echo final : public broker::StateVisitor {
  public:
    explicit Echo(broker::StateWriter& writer) : writer_(writer) {}
    void on_progress(std::uint32_t group, std::uint32_t queue, std::uint64_t next) override {
        writer_.progress(group, queue, next);
    }
    void on_group_forgotten(std::uint32_t group) override { writer_.group_forgotten(group); }
    void on_reader_opened(std::uint32_t reader, std::uint32_t queue, std::string_view name) override {
        writer_.reader_opened(reader, queue, name);
    }
    void on_reader_deleted(std::uint32_t reader) override { writer_.reader_deleted(reader); }
    void on_reader_cursor(std::uint32_t reader, std::uint64_t cursor) override {
        writer_.reader_moved(reader, cursor);
    }
    void on_reader_settled(std::uint32_t, std::uint64_t begin, std::uint64_t end) override {
        writer_.reader_settled(begin, end);
    }
    void on_reader_return(std::uint32_t, std::uint64_t offset, std::uint32_t attempts,
                          std::int64_t ready_wall_ms) override {
        writer_.reader_return(offset, attempts, ready_wall_ms);
    }
    void on_fired(std::uint64_t timer, std::uint64_t position) override { writer_.fired(timer, position); }
    void on_timers_settled(std::uint64_t begin, std::uint64_t end) override {
        writer_.timers_settled(begin, end);
    }
    void on_opened(std::uint64_t stream_end) override { writer_.opened(stream_end); }
    void on_snapshot_begin(std::uint64_t stream_end, std::uint64_t timer_floor) override {
        writer_.snapshot_begin(stream_end, timer_floor);
    }
    void on_snapshot_end() override { writer_.snapshot_end(); }

  private:
    broker::StateWriter& writer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes note(reinterpret_cast<const std::byte*>(data), size);
    broker::StateWriter nowhere([](Bytes) {});
    Echo last(nowhere);
    broker::StateWriter again([&](Bytes written) {
        if (!broker::visit_state(written, last)) __builtin_trap();
    });
    Echo echo(again);
    if (broker::visit_state(note, echo)) again.flush();
    return 0;
}
