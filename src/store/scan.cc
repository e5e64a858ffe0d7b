#include "scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/log.h"

namespace posthorn::store {
namespace {

constexpr std::size_t window_bytes = 8u << 20;
constexpr std::size_t step_bytes = 1u << 20;
constexpr std::size_t page_bytes = 4096;

bool all_zero(Bytes bytes) {
    return bytes.empty() ||
           (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

/// Offset of the first thing that looks like the start of a batch, at `from` (8-aligned) or later.
std::size_t find_magic(Bytes bytes, std::size_t from) {
    while (from + 4 <= bytes.size() && load_le<std::uint32_t>(bytes.data() + from) != batch_magic)
        from += 8;
    return from;
}

}  // namespace

std::vector<DamagedRange> bad_ranges(Bytes bytes, std::uint64_t store_id, std::uint64_t begin,
                                     std::uint32_t at) {
    std::vector<DamagedRange> bad;
    std::size_t good_end = 0;
    for (std::size_t here = 0; here < bytes.size();) {
        const auto batch = check_batch(bytes.subspan(here), store_id, begin + at + here);
        if (!batch) {
            here = find_magic(bytes, here + 8);
            continue;
        }
        if (here != good_end)
            bad.push_back(
                {static_cast<std::uint32_t>(at + good_end), static_cast<std::uint32_t>(here - good_end)});
        here += batch->size;
        good_end = here;
    }
    if (good_end < bytes.size())
        bad.push_back(
            {static_cast<std::uint32_t>(at + good_end), static_cast<std::uint32_t>(bytes.size() - good_end)});
    return bad;
}

void Scanner::fill(std::uint64_t offset, std::size_t size) {
    buffer_.resize(size);
    buffer_at_ = offset;
    auto got = file_.read_at(offset, {buffer_.data(), size});
    if (got) {
        std::memset(buffer_.data() + *got, 0, size - *got);
        return;
    }
    log_error("store", "{}; what is around is read page by page", got.error().message);
    for (std::size_t at = 0; at < size; at += page_bytes) {
        const std::size_t part = std::min(page_bytes, size - at);
        got = file_.read_at(offset + at, {buffer_.data() + at, part});
        if (!got) unreadable_.push_back(offset + at);
        const std::size_t read = got ? *got : 0;
        std::memset(buffer_.data() + at + read, 0, part - read);
    }
}

Result<void> Scanner::readable_from(std::uint64_t position) const {
    const auto bad = std::find_if(unreadable_.begin(), unreadable_.end(), [&](std::uint64_t offset) {
        return position < begin_ + offset + page_bytes;
    });
    if (bad == unreadable_.end()) return {};
    return Error{
        Errc::io,
        fmt::format("{} cannot be read from byte {} on. Nothing was changed: start again when the "
                    "disk answers. If it has lost these bytes for good, put a copy of the file in "
                    "its place, with zeros for what cannot be read; messages that lay there are lost",
                    file_.path(), *bad)};
}

Bytes Scanner::window(std::uint64_t offset, std::size_t size) {
    if (offset >= file_size_) return {};
    size = std::min<std::uint64_t>(size, file_size_ - offset);
    if (offset < buffer_at_ || offset + size > buffer_at_ + buffer_.size()) {
        fill(offset, std::min<std::uint64_t>(std::max(size, window_bytes), file_size_ - offset));
    }
    return buffer_.view().subspan(offset - buffer_at_, size);
}

std::optional<Scanner::Found> Scanner::at(std::uint64_t position) {
    const std::uint64_t offset = position - begin_;
    const auto head = peek_batch(window(offset, batch_head_bytes));
    if (!head) return std::nullopt;
    const Bytes bytes = window(offset, head->size);
    const auto batch = check_batch(bytes, store_id_, position);
    if (!batch) return std::nullopt;
    return Found{position, *batch, bytes.first(batch->size)};
}

std::optional<Scanner::Found> Scanner::next(std::uint64_t position) {
    std::uint64_t offset = position - begin_;
    for (;;) {
        offset = std::max(offset, file_.next_written(offset) / 8 * 8);
        if (offset >= file_size_) return std::nullopt;
        const Bytes bytes = window(offset, step_bytes);
        const std::size_t found = find_magic(bytes, 0);
        if (found + 4 > bytes.size()) {
            offset += padded(bytes.size());
            continue;
        }
        if (auto batch = at(begin_ + offset + found)) return batch;
        offset += found + 8;
    }
}

bool Scanner::zero_from(std::uint64_t position) {
    for (std::uint64_t offset = position - begin_;; offset += step_bytes) {
        offset = file_.next_written(offset);
        if (offset >= file_size_) return true;
        if (!all_zero(window(offset, step_bytes))) return false;
    }
}

}  // namespace posthorn::store
