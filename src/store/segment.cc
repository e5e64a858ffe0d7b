#include "segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/crc.h"

namespace posthorn::store {
namespace {

constexpr std::string_view header_magic = "PHSEGMNT";
constexpr std::uint32_t header_version = 1;
constexpr std::size_t name_bytes = 24;
constexpr std::size_t crc_at = header_page_bytes - 4;
constexpr std::size_t position_digits = 20;

}  // namespace

Buffer encode_header(const SegmentHeader& header) {
    Buffer page;
    std::byte* at = page.extend(header_page_bytes);
    std::memset(at, 0, header_page_bytes);
    std::memcpy(at, header_magic.data(), header_magic.size());
    page.patch_le(8, header_version);
    page.patch_le(16, header.store_id);
    page.patch_le(24, header.begin);
    page.patch_le(32, header.capacity);
    std::memcpy(at + 40, header.name.data(), std::min(header.name.size(), name_bytes));
    page.patch_le(crc_at, crc32c(page.view().first(crc_at)));
    return page;
}

std::optional<SegmentHeader> decode_header(Bytes page) {
    if (page.size() < header_page_bytes ||
        load_le<std::uint32_t>(page.data() + crc_at) != crc32c(page.first(crc_at)))
        return std::nullopt;
    ByteReader in(page);
    if (in.text(8) != header_magic || in.le<std::uint32_t>() != header_version) return std::nullopt;
    in.skip(4);
    SegmentHeader header;
    header.store_id = in.le<std::uint64_t>();
    header.begin = in.le<std::uint64_t>();
    header.capacity = in.le<std::uint64_t>();
    header.name = in.text(name_bytes);
    header.name.erase(std::min(header.name.find('\0'), header.name.size()));
    return header;
}

std::string segment_file_name(std::uint64_t begin) {
    return fmt::format("{:020}.seg", begin);
}

std::string index_file_name(std::uint64_t begin) {
    return fmt::format("{:020}.idx", begin);
}

std::optional<std::uint64_t> parse_file_name(std::string_view name, std::string_view ending) {
    if (name.size() != position_digits + ending.size() || !name.ends_with(ending)) return std::nullopt;
    std::uint64_t begin = 0;
    const char* last = name.data() + position_digits;
    const auto [end, error] = std::from_chars(name.data(), last, begin);
    if (error != std::errc() || end != last) return std::nullopt;
    return begin;
}

}  // namespace posthorn::store
