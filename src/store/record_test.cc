#include "store/record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "batch.h"
#include "record_writer.h"

namespace posthorn::store {
namespace {

Buffer encode(const NewRecord& record, std::int64_t time, std::uint64_t first_offset) {
    const std::size_t size = record_bytes(record.queues.size(), record.payload.size());
    Buffer out;
    std::byte* at = out.extend(padded(size));
    write_record_head(at, static_cast<std::uint32_t>(size), record, record.queues.size(), time);
    at += record_head_bytes;
    for (std::size_t n = 0; n < record.queues.size(); ++n, at += destination_bytes)
        write_destination(at, record.queues[n], model::QueueOffset(first_offset + n));
    write_payload(at, record.payload, padded(size) - size);
    return out;
}

TEST(Record, EveryFieldComesBack) {
    const model::QueueId queues[] = {model::QueueId(5), model::QueueId(0xFFFFFFFF)};
    NewRecord in;
    in.format = Format(3), in.priority = 9, in.tag = -7, in.key = key_hash("k"),
    in.deadline = 1'900'000'000'123;
    in.origin = 42, in.target = model::QueueId(77), in.queues = queues, in.payload = as_bytes("payload");
    const Buffer bytes = encode(in, 1'700'000'000'001, 10);

    const auto out = decode_record(Position(4128), bytes.view());
    ASSERT_TRUE(out);
    EXPECT_EQ(out->position, Position(4128));
    EXPECT_EQ(out->size, 48u + 24 + 7);
    EXPECT_EQ(out->kind, RecordKind::message);
    EXPECT_EQ(out->format, Format(3));
    EXPECT_EQ(out->priority, 9);
    EXPECT_EQ(out->tag, -7);
    EXPECT_EQ(out->key, key_hash("k"));
    EXPECT_EQ(out->time, 1'700'000'000'001);
    EXPECT_EQ(out->deadline, 1'900'000'000'123);
    EXPECT_EQ(out->origin, 42u);
    EXPECT_EQ(out->target, model::QueueId(77));
    ASSERT_EQ(out->destination_count(), 2u);
    EXPECT_EQ(out->queue(1), model::QueueId(0xFFFFFFFF));
    EXPECT_EQ(out->offset(1), model::QueueOffset(11));
    EXPECT_EQ(as_text(out->payload), "payload");
}

TEST(Record, BytesThatContradictThemselvesAreNoRecord) {
    const model::QueueId queue[] = {model::QueueId(1)};
    NewRecord in;
    in.queues = queue, in.payload = as_bytes("0123456789");
    Buffer good = encode(in, 1, 0);
    EXPECT_FALSE(decode_record(Position(), good.view().first(69)));  // one byte of the payload is missing
    EXPECT_FALSE(decode_record(Position(), good.view().first(47)));
    EXPECT_FALSE(decode_record(Position(), {}));

    const auto broken = [&](std::size_t at, std::uint8_t value) {
        Buffer copy;
        copy.append(good.view());
        copy.patch_le(at, value);
        return !decode_record(Position(), copy.view());
    };
    EXPECT_TRUE(broken(0, 59));    // smaller than its own head and destination
    EXPECT_TRUE(broken(3, 0x80));  // two gigabytes
    EXPECT_TRUE(broken(4, 0));     // no such kind
    EXPECT_TRUE(broken(4, 3));
    EXPECT_TRUE(broken(4, 2));    // state has no destinations
    EXPECT_TRUE(broken(6, 0));    // a message has
    EXPECT_TRUE(broken(6, 255));  // more than fit
}

TEST(Record, KeyHashesAreStableBecauseTheyAreInFiles) {
    EXPECT_EQ(key_hash(""), 1u);
    EXPECT_EQ(key_hash("a"), key_hash(std::string("a")));
    std::set<std::uint64_t> seen;
    for (int n = 0; n < 100'000; ++n)
        seen.insert(key_hash("7F000001000118B4AAC2" + std::to_string(n)));
    EXPECT_EQ(seen.size(), 100'000u);
    EXPECT_EQ(key_hash("7F00000100002A9F4D8B0C1E00000001"), 0x589EA1B558237E26ull);
}

TEST(LogFormat, TheWorkedExampleIsWhatTheCodeWrites) {
    const model::QueueId queue[] = {model::QueueId(5)};
    NewRecord in;
    in.queues = queue, in.payload = as_bytes("hi");
    Buffer batch;
    batch.resize(batch_head_bytes);
    batch.append(encode(in, 1000, 0).view());
    ASSERT_EQ(batch.size(), 96u);
    seal_batch(batch.data(), {96, 1, 0, 0}, 7, 4096);

    std::string hex;
    for (const std::byte byte : batch.view())
        hex += fmt::format("{:02x}", static_cast<unsigned>(byte));
    EXPECT_EQ(hex,
              "50486231"
              "60000000"
              "667f1f34"
              "01000000"
              "0000000000000000"
              "0000000000000000"
              "3e000000"
              "01000100"
              "e803000000000000"
              "0000000000000000"
              "0000000000000000"
              "0000000000000000"
              "00000000"
              "00000000"
              "05000000"
              "0000000000000000"
              "6869"
              "0000");
    EXPECT_TRUE(check_batch(batch.view(), 7, 4096));
}

TEST(Batch, IsGoodOnlyWholeAtItsPlaceInItsStore) {
    const model::QueueId queue[] = {model::QueueId(5)};
    NewRecord in;
    in.queues = queue, in.payload = as_bytes("hello");
    Buffer batch;
    batch.resize(batch_head_bytes);
    batch.append(encode(in, 1, 0).view());
    batch.append(encode(in, 1, 1).view());
    seal_batch(batch.data(), {static_cast<std::uint32_t>(batch.size()), 2, 100, 200}, 7, 4096);

    const auto good = check_batch(batch.view(), 7, 4096);
    ASSERT_TRUE(good);
    EXPECT_EQ(good->records, 2u);
    EXPECT_EQ(good->synced, 100u);
    EXPECT_EQ(good->previous, 200u);
    EXPECT_FALSE(check_batch(batch.view(), 8, 4096));
    EXPECT_FALSE(check_batch(batch.view(), 7, 4104));
    EXPECT_FALSE(check_batch(batch.view().first(batch.size() - 1), 7, 4096));
    for (std::size_t bit = 0; bit < batch.size() * 8; ++bit) {
        Buffer flipped;
        flipped.append(batch.view());
        flipped.data()[bit / 8] ^= std::byte{1} << (bit % 8);
        ASSERT_FALSE(check_batch(flipped.view(), 7, 4096)) << "bit " << bit;
    }
}

}  // namespace
}  // namespace posthorn::store
