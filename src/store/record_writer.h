#pragma once

#include "store/record.h"

namespace posthorn::store {

// The pieces of a record, written where it will lie. `size` is `record_bytes` of the whole.

void write_record_head(std::byte* at, std::uint32_t size, const NewRecord& record, std::size_t destinations,
                       std::int64_t time);
void write_destination(std::byte* at, model::QueueId queue, model::QueueOffset offset);
void write_payload(std::byte* at, Bytes payload, std::size_t padding);

}  // namespace posthorn::store
