#include "batch.h"

#include "base/crc.h"

namespace posthorn::store {
namespace {

std::uint32_t seed(std::uint64_t store_id, std::uint64_t position) {
    std::byte place[16];
    store_le(place, store_id);
    store_le(place + 8, position);
    return crc32c(Bytes(place, sizeof place));
}

bool records_add_up(Bytes batch, std::uint32_t expected) {
    std::size_t at = batch_head_bytes;
    std::uint32_t found = 0;
    while (at < batch.size()) {
        const auto record = decode_record(Position(), batch.subspan(at));
        if (!record) return false;
        at += padded(record->size);
        ++found;
    }
    return at == batch.size() && found == expected && found > 0;
}

}  // namespace

void seal_batch(std::byte* bytes, const Batch& batch, std::uint64_t store_id, std::uint64_t position) {
    store_le(bytes, batch_magic);
    store_le(bytes + 4, batch.size);
    store_le(bytes + 12, batch.records);
    store_le(bytes + 16, batch.synced);
    store_le(bytes + 24, batch.previous);
    store_le(bytes + 8, crc32c(Bytes(bytes + 12, batch.size - 12), seed(store_id, position)));
}

std::optional<Batch> peek_batch(Bytes bytes) {
    if (bytes.size() < batch_head_bytes || load_le<std::uint32_t>(bytes.data()) != batch_magic)
        return std::nullopt;
    Batch batch;
    batch.size = load_le<std::uint32_t>(bytes.data() + 4);
    batch.records = load_le<std::uint32_t>(bytes.data() + 12);
    batch.synced = load_le<std::uint64_t>(bytes.data() + 16);
    batch.previous = load_le<std::uint64_t>(bytes.data() + 24);
    if (batch.size % 8 != 0 || batch.size < batch_head_bytes + record_head_bytes ||
        batch.size > largest_batch_bytes)
        return std::nullopt;
    return batch;
}

std::optional<Batch> check_batch(Bytes bytes, std::uint64_t store_id, std::uint64_t position) {
    const auto batch = peek_batch(bytes);
    if (!batch || batch->size > bytes.size()) return std::nullopt;
    const auto crc = load_le<std::uint32_t>(bytes.data() + 8);
    if (crc != crc32c(bytes.subspan(12, batch->size - 12), seed(store_id, position))) return std::nullopt;
    if (!records_add_up(bytes.first(batch->size), batch->records)) return std::nullopt;
    return batch;
}

}  // namespace posthorn::store
