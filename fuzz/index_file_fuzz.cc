// The index file of a sealed segment. The first byte says what the rest is: the file as it is, or changes to
// a good one (two bytes place, one byte value) after which every checksum is made right again, so that rows
// and counts which lie get past them. The log opens, and what the index says wrongly is never served as a
// message.

#include <memory>

#include "base/crc.h"
#include "index_file.h"
#include "log_fuzz.h"
#include "segment.h"

using namespace posthorn;
using namespace posthorn::store;
using namespace posthorn::fuzz;

namespace {

constexpr std::size_t footer_bytes = 128;

struct Files {
    std::string segment, index, second;
};

std::string content(LogOnFiles& log, const std::string& name) {
    auto file = log.file(name);
    std::string bytes(*file->size(), '\0');
    POSTHORN_CHECK(file->read_at(0, std::as_writable_bytes(std::span(bytes))).ok(), "the file is read");
    return bytes;
}

/// A log of two segments, the first of them sealed.
Files good_files() {
    LogOnFiles log;
    POSTHORN_CHECK(log.open(), "an empty log opens");
    for (std::uint32_t n = 0; !log.exists(index_file_name(0)); ++n) {
        const model::QueueId queues[] = {model::QueueId(n % 4), model::QueueId(5)};
        const std::string text = "message " + std::to_string(n);
        NewRecord record;
        record.queues = std::span(queues).first(1 + n % 2);
        record.payload = as_bytes(text);
        record.key = key_hash(n % 16 ? text : "key");
        POSTHORN_CHECK(log.log().append(record, 900 + n).ok() && log.log().write().ok(), "appended");
        log.log().request_sync();
        log.settle();
    }
    return {content(log, segment_file_name(0)), content(log, index_file_name(0)),
            content(log, segment_file_name(segment_bytes))};
}

/// Every checksum as it must be for what stands there now.
void make_right(std::string& file) {
    auto* bytes = reinterpret_cast<std::byte*>(file.data());
    const std::size_t size = file.size();
    const auto summary_at = load_le<std::uint64_t>(bytes + size - footer_bytes + 56);
    if (summary_at > size - footer_bytes) return;
    for (std::size_t unit = 0; (unit + 1) * index_unit_bytes <= summary_at; ++unit)
        if (summary_at + 4 * (unit + 1) <= size - footer_bytes)
            store_le(bytes + summary_at + 4 * unit,
                     crc32c(Bytes(bytes + unit * index_unit_bytes, index_unit_bytes)));
    store_le(bytes + size - 4, crc32c(Bytes(bytes + summary_at, size - 4 - summary_at)));
}

void run(const Files& files, Bytes index) {
    LogOnFiles log;
    log.put(segment_file_name(0), as_bytes(files.segment));
    log.put(segment_file_name(segment_bytes), as_bytes(files.second));
    log.put(index_file_name(0), index);
    {
        auto file = log.file(index_file_name(0));
        if (const auto summary = read_summary(*file, store_id)) {
            (void)read_runs(*file, *summary);
            (void)read_ends(*file, *summary);
            (void)find_keys(*file, *summary, key_hash("key"));
        }
    }
    if (!log.open()) return;  // another store's file
    for (const std::string& text : log.look())
        POSTHORN_CHECK(text.starts_with("message ") || text == "none" || text == "damaged" ||
                           text.find(" to ") != std::string::npos || text.starts_with("key at "),
                       "bytes that are no message are served as one");
    log.check_appending();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Files files = good_files();
    if (size == 0 || size > 2 * files.index.size()) return 0;
    Bytes in = input(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        run(files, in);
        return 0;
    }
    std::string index = files.index;
    // Places are counted from both ends: rows stand at the beginning, lists and footer at the end.
    for (; in.size() >= 3; in = in.subspan(3)) {
        const auto place = load_le<std::uint16_t>(in.data());
        const std::size_t at = place % 2 ? index.size() - 1 - place / 2 % index.size() : place / 2 * 6u;
        if (at < index.size()) index[at] = static_cast<char>(in[2]);
    }
    make_right(index);
    run(files, as_bytes(index));
    return 0;
}
