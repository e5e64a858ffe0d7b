#include "store/record.h"

#include <cstring>

#include "record_writer.h"

namespace posthorn::store {
namespace {

bool consistent(const Record& record, std::size_t destinations, std::size_t available) {
    if (record.size > available || record.size < record_bytes(destinations, 0)) return false;
    switch (record.kind) {
        case RecordKind::message:
            return destinations > 0;
        case RecordKind::state:
            return destinations == 0;
    }
    return false;
}

}  // namespace

std::optional<Record> decode_record(Position position, Bytes bytes) {
    if (bytes.size() < record_head_bytes) return std::nullopt;
    const std::byte* at = bytes.data();
    const auto destinations = load_le<std::uint8_t>(at + 6);
    Record record;
    record.position = position;
    record.size = load_le<std::uint32_t>(at);
    record.kind = RecordKind(load_le<std::uint8_t>(at + 4));
    if (!consistent(record, destinations, bytes.size())) return std::nullopt;
    record.format = Format(load_le<std::uint8_t>(at + 5));
    record.priority = load_le<std::uint8_t>(at + 7);
    record.time = load_le<std::int64_t>(at + 8);
    record.deadline = load_le<std::int64_t>(at + 16);
    record.origin = load_le<std::uint64_t>(at + 24);
    record.key = load_le<std::uint64_t>(at + 32);
    record.tag = load_le<std::int32_t>(at + 40);
    record.target = model::QueueId(load_le<std::uint32_t>(at + 44));
    record.destinations = bytes.subspan(record_head_bytes, destinations * destination_bytes);
    record.payload =
        bytes.subspan(record_bytes(destinations, 0), record.size - record_bytes(destinations, 0));
    return record;
}

void write_record_head(std::byte* at, std::uint32_t size, const NewRecord& record, std::size_t destinations,
                       std::int64_t time) {
    store_le(at, size);
    store_le(at + 4, static_cast<std::uint8_t>(record.kind));
    store_le(at + 5, record.format.value());
    store_le(at + 6, static_cast<std::uint8_t>(destinations));
    store_le(at + 7, record.priority);
    store_le(at + 8, time);
    store_le(at + 16, record.deadline);
    store_le(at + 24, record.origin);
    store_le(at + 32, record.key);
    store_le(at + 40, record.tag);
    store_le(at + 44, record.target.value());
}

void write_destination(std::byte* at, model::QueueId queue, model::QueueOffset offset) {
    store_le(at, queue.value());
    store_le(at + 4, offset.value());
}

void write_payload(std::byte* at, Bytes payload, std::size_t padding) {
    if (!payload.empty()) std::memcpy(at, payload.data(), payload.size());
    std::memset(at + payload.size(), 0, padding);
}

std::uint64_t key_hash(std::string_view key) {
    constexpr std::uint64_t mixer = 0x9E3779B97F4A7C15ull;
    const std::byte* at = as_bytes(key).data();
    std::size_t left = key.size();
    std::uint64_t hash = left * mixer;
    const auto mix = [&hash](const std::byte* word) {
        hash = (hash ^ load_le<std::uint64_t>(word)) * mixer;
        hash ^= hash >> 29;
    };
    for (; left >= 8; at += 8, left -= 8)
        mix(at);
    if (left > 0) {
        std::byte word[8] = {};
        std::memcpy(word, at, left);
        mix(word);
    }
    hash *= 0xBF58476D1CE4E5B9ull;
    hash ^= hash >> 32;
    return hash ? hash : 1;  // 0 says "no key"
}

}  // namespace posthorn::store
