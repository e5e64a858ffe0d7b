// A log directory whose only segment file holds anything. The first byte says what the rest is: the file as
// it is (so a checksum is seldom right), or batches that this target gives a good checksum, so that records
// which lie about themselves get past it. Either way the log opens, serves or refuses, goes on, and opens the
// same again.

#include <algorithm>

#include "batch.h"
#include "log_fuzz.h"
#include "scan.h"
#include "segment.h"

using namespace posthorn;
using namespace posthorn::store;
using namespace posthorn::fuzz;

namespace {

/// Records as they stand in the input, under a head that vouches for them.
void append_batch(Buffer& file, Bytes records, std::uint64_t synced, std::uint64_t previous) {
    const std::size_t at = file.size();
    file.extend(batch_head_bytes);
    file.append(records);
    file.append(
        Bytes(reinterpret_cast<const std::byte*>("\0\0\0\0\0\0\0"), padded(records.size()) - records.size()));
    Batch batch;
    batch.size = static_cast<std::uint32_t>(file.size() - at);
    batch.synced = synced;
    batch.previous = previous;
    const Bytes body = file.view().subspan(at + batch_head_bytes);
    for (std::size_t from = 0; from < body.size(); ++batch.records) {
        const auto record = decode_record(Position(), body.subspan(from));
        if (!record) break;
        from += padded(record->size);
    }
    seal_batch(file.data() + at, batch, store_id, at);
}

/// Each batch: how far it says all is synced (two bytes), its length (one byte, in eights), its records.
void append_batches(Buffer& file, Bytes in) {
    while (in.size() > 3 && file.size() < segment_bytes - 4096) {
        const std::uint64_t synced = 8 * load_le<std::uint16_t>(in.data());
        const std::size_t size =
            std::min<std::size_t>(8 * std::to_integer<std::size_t>(in[2]), in.size() - 3);
        append_batch(file, in.subspan(3, size), synced, file.size());
        in = in.subspan(3 + size);
    }
}

void scan(env::File& file, Bytes bytes) {
    Scanner scanner(file, bytes.size(), store_id, 0);
    for (auto found = scanner.next(0); found; found = scanner.next(found->position + found->batch.size))
        touch(found->bytes);
    (void)bad_ranges(bytes, store_id, 0, 0);
}

void run(Bytes bytes) {
    LogOnFiles log;
    log.put(segment_file_name(0), bytes);
    scan(*log.file(segment_file_name(0)), bytes);
    if (!log.open()) return;  // another store's file
    log.check_reopening();
    log.check_appending();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 2 * segment_bytes) return 0;
    const Bytes in = input(data + 1, size - 1);
    (void)decode_header(in);
    if (data[0] % 2 == 0) {
        run(in);
        return 0;
    }
    Buffer file = encode_header({store_id, 0, segment_bytes, "fuzz"});
    append_batches(file, in);
    run(file.view());
    return 0;
}
