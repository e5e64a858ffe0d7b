#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/crc.h"
#include "commands.h"
#include "env/posix_files.h"
#include "store/record.h"
#include "usage.h"

// Reads a segment as docs/formats/log.md draws it and prints it field by field. It shares only the record's
// decoder with the store: a second reader of the format keeps the page honest.
namespace posthorn::cli {
namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t batch_head_bytes = 32;
constexpr std::string_view batch_magic = "PHb1";

struct Options {
    std::string file;
    bool records = true;
    std::size_t payload_bytes = 32;
    std::uint64_t from = 0;
};

struct Totals {
    std::uint64_t batches = 0, records = 0, payload_bytes = 0, bad = 0;
};

std::string preview(Bytes bytes, std::size_t most) {
    std::string out;
    for (const std::byte b : bytes.first(std::min(bytes.size(), most))) {
        const auto c = std::to_integer<unsigned char>(b);
        out += c >= 0x20 && c < 0x7f && c != '\\' ? std::string(1, static_cast<char>(c))
                                                  : fmt::format("\\x{:02x}", c);
    }
    return bytes.size() > most ? out + "..." : out;
}

class Dump {
  public:
    Dump(Bytes file, const Options& options) : file_(file), options_(options) {}

    bool run() {
        if (!header_page()) return false;
        std::size_t at = page_bytes;
        while (at + batch_head_bytes <= file_.size()) {
            if (zero_from(at)) break;
            const std::size_t size = batch(at);
            at += size != 0 ? size : skip_to_next(at);
        }
        fmt::print("\n{} batches, {} records, {} payload bytes; data ends at position {}; {} bad places\n",
                   totals_.batches, totals_.records, totals_.payload_bytes, begin_ + at, totals_.bad);
        return totals_.bad == 0;
    }

  private:
    bool header_page() {
        if (file_.size() < page_bytes) {
            fmt::print(stderr, "posthorn: too short for a segment: it has no header page\n");
            return false;
        }
        ByteReader in(file_);
        const auto magic = in.text(8);
        const auto version = in.le<std::uint32_t>();
        in.skip(4);
        store_id_ = in.le<std::uint64_t>();
        begin_ = in.le<std::uint64_t>();
        const auto capacity = in.le<std::uint64_t>();
        const auto name = in.text(24);
        const bool good =
            magic == "PHSEGMNT" && load_le<std::uint32_t>(file_.data() + 4092) == crc32c(file_.first(4092));
        fmt::print(
            "segment of log '{}'\n  version {}\n  store id {:#018x}\n  begin {}\n  capacity {}\n  crc {}\n",
            name.substr(0, name.find('\0')), version, store_id_, begin_, capacity, good ? "good" : "BAD");
        if (!good) ++totals_.bad;
        if (magic != "PHSEGMNT") {
            fmt::print(stderr, "posthorn: this is not a segment: it does not begin with PHSEGMNT\n");
            return false;
        }
        return true;
    }

    bool zero_from(std::size_t at) const {
        return std::all_of(file_.begin() + static_cast<std::ptrdiff_t>(at), file_.end(),
                           [](std::byte b) { return b == std::byte{0}; });
    }

    bool good_batch(std::size_t at) const {
        if (as_text(file_.subspan(at, 4)) != batch_magic) return false;
        const auto size = load_le<std::uint32_t>(file_.data() + at + 4);
        if (size < batch_head_bytes || size % 8 != 0 || size > file_.size() - at) return false;
        std::byte place[16];
        store_le(place, store_id_);
        store_le(place + 8, begin_ + at);
        return load_le<std::uint32_t>(file_.data() + at + 8) ==
               crc32c(file_.subspan(at + 12, size - 12), crc32c(Bytes(place, sizeof place)));
    }

    /// Bad bytes: how many until the next good batch, or the end.
    std::size_t skip_to_next(std::size_t at) {
        std::size_t next = at + 8;
        while (next + batch_head_bytes <= file_.size() && !good_batch(next))
            next += 8;
        next = next + batch_head_bytes <= file_.size() ? next : file_.size();
        ++totals_.bad;
        fmt::print("\nBAD {} bytes at position {}: no batch whose checksum fits\n", next - at, begin_ + at);
        return next - at;
    }

    std::size_t batch(std::size_t at) {
        if (!good_batch(at)) return 0;
        ++totals_.batches;
        ByteReader in(file_.subspan(at));
        in.skip(4);
        const auto size = in.le<std::uint32_t>();
        const auto crc = in.le<std::uint32_t>();
        const auto count = in.le<std::uint32_t>();
        const auto synced = in.le<std::uint64_t>();
        const auto previous = in.le<std::uint64_t>();
        const bool shown = begin_ + at + size > options_.from;
        if (shown)
            fmt::print("\nbatch at {}: size {}, crc {:08x} good, records {}, synced {}, previous {}\n",
                       begin_ + at, size, crc, count, synced, previous);
        std::size_t place = at + batch_head_bytes;
        for (std::uint32_t n = 0; n < count; ++n) {
            const auto record = store::decode_record(store::Position(begin_ + place),
                                                     file_.subspan(place, at + size - place));
            if (!record) {
                ++totals_.bad;
                fmt::print("  BAD record at {}: it contradicts itself\n", begin_ + place);
                break;
            }
            if (shown && options_.records) print(*record);
            ++totals_.records;
            totals_.payload_bytes += record->payload.size();
            place += store::padded(record->size);
        }
        return size;
    }

    void print(const store::Record& record) const {
        fmt::print("  record at {}: size {}, kind {}, format {}, priority {}, store time {}",
                   record.position.value(), record.size,
                   record.kind == store::RecordKind::message ? "message" : "state", record.format.value(),
                   record.priority, record.time);
        if (record.deadline != 0) fmt::print(", deadline {}", record.deadline);
        if (record.origin != 0) fmt::print(", origin {}", record.origin);
        if (record.key != 0) fmt::print(", key {:016x}", record.key);
        if (record.tag != 0) fmt::print(", tag {}", record.tag);
        if (record.target.value() != 0) fmt::print(", target queue {}", record.target.value());
        for (std::size_t n = 0; n < record.destination_count(); ++n)
            fmt::print("{} queue {} offset {}", n == 0 ? ", destinations:" : ",", record.queue(n).value(),
                       record.offset(n).value());
        fmt::print("\n    payload {}: {}\n", record.payload.size(),
                   preview(record.payload, options_.payload_bytes));
    }

    const Bytes file_;
    const Options& options_;
    Totals totals_;
    std::uint64_t store_id_ = 0;
    std::uint64_t begin_ = 0;
};

/// Somebody named a directory: which files may have been meant.
Error segments_below(const std::filesystem::path& directory) {
    std::vector<std::string> found;
    std::error_code trouble;
    for (std::filesystem::recursive_directory_iterator at(directory, trouble), end; !trouble && at != end;
         at.increment(trouble))
        if (at->path().extension() == ".seg") found.push_back(at->path().string());
    std::sort(found.begin(), found.end());
    std::string text = fmt::format("{} is a directory; name one of the segment files", directory.string());
    text += found.empty() ? " (there is none below it)" : " below it:";
    for (const std::string& path : found)
        text += "\n  " + path;
    return {Errc::invalid, text};
}

/// A whole segment fits: it has at most some hundred MiB.
Result<Buffer> read_whole(const std::string& path) {
    const std::filesystem::path whole(path);
    if (std::filesystem::is_directory(whole)) return segments_below(whole);
    env::PosixFiles files(whole.has_parent_path() ? whole.parent_path().string() : std::string("."));
    auto file = files.open(whole.filename().string(), env::OpenMode::read);
    if (!file) return file.error();
    auto size = (*file)->size();
    if (!size) return size.error();
    Buffer bytes;
    bytes.resize(*size);
    auto read = (*file)->read_at(0, {bytes.data(), bytes.size()});
    if (!read) return read.error();
    bytes.resize(*read);
    return bytes;
}

}  // namespace

int run_log_dump(const Arguments& arguments) {
    Options options;
    bool brief = false;
    CLI::App app{"Prints a segment file, annotated as docs/formats/log.md names its fields, and checks it.",
                 "posthorn log dump"};
    app.add_option("file", options.file, "a .seg file of a data directory, in use or not")->required();
    app.add_option("--from", options.from, "first position to print");
    app.add_option("--payload", options.payload_bytes, "bytes of each payload to print")
        ->capture_default_str();
    app.add_flag("--brief", brief, "batches only, no records");
    if (const auto ended =
            parse(app, arguments, "posthorn log dump posthorn-data/log/stream/00000000000000000000.seg"))
        return *ended;
    options.records = !brief;
    auto bytes = read_whole(options.file);
    if (!bytes) {
        fmt::print(stderr, "posthorn: {}\n", bytes.error().message);
        return exit_failed;
    }
    return Dump(bytes->view(), options).run() ? exit_good : exit_failed;
}

}  // namespace posthorn::cli
