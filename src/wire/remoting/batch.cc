#include "wire/remoting/batch.h"

#include <fmt/format.h>

namespace posthorn::wire::remoting {
namespace {

constexpr std::size_t kFixed = 22;

}  // namespace

Result<bool> BatchCursor::next(BatchItem& item) {
    if (rest_.empty()) return false;
    ByteReader reader(rest_);
    const auto size = reader.be<std::uint32_t>();
    reader.skip(8);
    item.flag = reader.be<std::int32_t>();
    item.body = reader.bytes(reader.be<std::uint32_t>());
    item.properties = reader.text(reader.be<std::uint16_t>());
    if (!reader.ok() || reader.position() != size) {
        const std::size_t at = body_.size() - rest_.size();
        rest_ = {};
        return Error{Errc::invalid, fmt::format("the batch item at byte {} of {} contradicts its own lengths",
                                                at, body_.size())};
    }
    rest_ = rest_.subspan(size);
    return true;
}

Result<std::size_t> count_batch(Bytes body) {
    BatchCursor cursor(body);
    BatchItem item;
    for (std::size_t count = 0;; ++count) {
        auto more = cursor.next(item);
        if (!more) return more.error();
        if (!*more) return count;
    }
}

void append_batch_item(Buffer& out, const BatchItem& item) {
    out.be(static_cast<std::uint32_t>(kFixed + item.body.size() + item.properties.size()));
    out.be(std::uint32_t{0});
    out.be(std::uint32_t{0});
    out.be(item.flag);
    out.be(static_cast<std::uint32_t>(item.body.size()));
    out.append(item.body);
    out.be(static_cast<std::uint16_t>(item.properties.size()));
    out.append(item.properties);
}

}  // namespace posthorn::wire::remoting
