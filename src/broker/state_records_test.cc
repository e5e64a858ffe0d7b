#include "state_records.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace posthorn::broker {
namespace {

/// Writes down what it is told.
class Script final : public StateVisitor {
  public:
    std::vector<std::string> lines;

    void on_progress(std::uint32_t group, std::uint32_t queue, std::uint64_t next) override {
        add("progress {} {} {}", group, queue, next);
    }
    void on_group_forgotten(std::uint32_t group) override { add("forgotten {}", group); }
    void on_reader_opened(std::uint32_t reader, std::uint32_t queue, std::string_view name) override {
        add("opened {} {} {}", reader, queue, name);
    }
    void on_reader_deleted(std::uint32_t reader) override { add("deleted {}", reader); }
    void on_reader_cursor(std::uint32_t reader, std::uint64_t cursor) override {
        add("cursor {} {}", reader, cursor);
    }
    void on_reader_settled(std::uint32_t reader, std::uint64_t begin, std::uint64_t end) override {
        add("settled {} {} {}", reader, begin, end);
    }
    void on_reader_return(std::uint32_t reader, std::uint64_t offset, std::uint32_t attempts,
                          std::int64_t ready) override {
        add("return {} {} {} {}", reader, offset, attempts, ready);
    }
    void on_fired(std::uint64_t timer, std::uint64_t position) override {
        add("fired {} {}", timer, position);
    }
    void on_timers_settled(std::uint64_t begin, std::uint64_t end) override {
        add("timers {} {}", begin, end);
    }
    void on_opened(std::uint64_t stream_end) override { add("stream {}", stream_end); }
    void on_snapshot_begin(std::uint64_t stream_end, std::uint64_t floor) override {
        add("snapshot {} {}", stream_end, floor);
    }
    void on_snapshot_end() override { add("end"); }

  private:
    template <class... Args>
    void add(fmt::format_string<Args...> form, Args&&... args) {
        lines.push_back(fmt::format(form, std::forward<Args>(args)...));
    }
};

struct Notes {
    std::vector<std::vector<std::byte>> notes;
    StateWriter writer{[this](Bytes note) { notes.emplace_back(note.begin(), note.end()); }};

    std::vector<std::string> read() {
        writer.flush();
        Script script;
        for (const auto& note : notes)
            EXPECT_TRUE(visit_state(note, script).ok());
        return script.lines;
    }
};

TEST(StateRecords, EverythingWrittenIsReadBack) {
    Notes notes;
    notes.writer.snapshot_begin(9, 3);
    notes.writer.progress(7, 12, 300);
    notes.writer.progress(7, 13, 1);
    notes.writer.reader_opened(1, 5, "orders");
    notes.writer.reader_moved(1, 40);
    notes.writer.reader_settled(0, 10);
    notes.writer.reader_settled(12, 13);
    notes.writer.reader_return(11, 4, 99);
    notes.writer.timers_settled(4, 6);
    notes.writer.fired(8, 4096);
    notes.writer.snapshot_end();
    notes.writer.reader_deleted(1);
    notes.writer.group_forgotten(7);
    notes.writer.opened(77);
    const std::vector<std::string> expected{"snapshot 9 3",
                                            "progress 7 12 300",
                                            "progress 7 13 1",
                                            "opened 1 5 orders",
                                            "cursor 1 40",
                                            "settled 1 0 10",
                                            "settled 1 12 13",
                                            "return 1 11 4 99",
                                            "timers 4 6",
                                            "fired 8 4096",
                                            "end",
                                            "deleted 1",
                                            "forgotten 7",
                                            "stream 77"};
    EXPECT_EQ(notes.read(), expected);
    EXPECT_EQ(notes.notes.size(), 10u);
}

TEST(StateRecords, OnlyTheNotesOfASnapshotAreMarkedAsItsParts) {
    Notes notes;
    notes.writer.progress(7, 12, 300);
    notes.writer.snapshot_begin(9, 3);
    notes.writer.progress(7, 12, 300);
    notes.writer.snapshot_end();
    notes.writer.progress(7, 12, 301);
    notes.writer.flush();
    std::vector<bool> parts;
    for (const auto& note : notes.notes)
        parts.push_back(part_of_snapshot(Bytes(note)));
    EXPECT_EQ(parts, (std::vector<bool>{false, true, true, true, false}));
}

TEST(StateRecords, TheExampleOfTheFormatPageHolds) {
    Notes notes;
    notes.writer.progress(7, 12, 300);
    notes.writer.flush();
    std::string hex;
    for (const std::byte b : notes.notes.at(0))
        hex += fmt::format("{:02x} ", static_cast<unsigned>(b));
    EXPECT_EQ(hex, "01 01 00 00 07 00 00 00 0c 00 00 00 2c 01 00 00 00 00 00 00 ");
}

TEST(StateRecords, TimerBitsAreReadBackAsTheRangesTheyMake) {
    Notes notes;
    std::array<std::uint64_t, 64> bits{};
    bits[0] = 0b1011;
    bits[1] = std::uint64_t{1} << 63;
    bits[2] = 1;
    bits[63] = std::uint64_t{1} << 63;
    notes.writer.timer_bits(8192, bits);
    bits.fill(~std::uint64_t{0});
    notes.writer.timer_bits(12288, bits);
    const std::vector<std::string> expected{"timers 8192 8194", "timers 8195 8196", "timers 8319 8321",
                                            "timers 12287 12288", "timers 12288 16384"};
    EXPECT_EQ(notes.read(), expected);
    EXPECT_EQ(notes.notes.size(), 1u);
}

TEST(StateRecords, MuchIsSpreadOverNotesOfBoundedSize) {
    Notes notes;
    notes.writer.reader_moved(3, 1);
    for (std::uint64_t n = 0; n < 10'000; ++n)
        notes.writer.reader_settled(2 * n, 2 * n + 1);
    for (std::uint64_t n = 0; n < 10'000; ++n)
        notes.writer.reader_return(2 * n + 1, 1, 0);
    std::size_t items = 0;
    for (const std::string& line : notes.read())
        items += !line.starts_with("cursor");
    EXPECT_EQ(items, 20'000u);
    for (const auto& note : notes.notes)
        EXPECT_LE(note.size(), state_note_bytes_max);
}

TEST(StateRecords, RandomBytesAreRefusedOrReadWithinTheirBounds) {
    for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
        std::mt19937_64 random(seed);
        std::vector<std::byte> note(random() % 80);
        for (std::byte& b : note)
            b = static_cast<std::byte>(random());
        if (note.size() > 2) note[0] = std::byte{1}, note[1] = static_cast<std::byte>(random() % 12);
        Script script;
        const bool refused = !visit_state(note, script).ok();
        EXPECT_FALSE(refused && !script.lines.empty()) << "seed " << seed;
    }
}

}  // namespace
}  // namespace posthorn::broker
