// Stored messages and batches. A message that decodes is encoded from its parts and must be the same bytes.

#include <algorithm>
#include <vector>

#include "fuzz.h"
#include "wire/remoting/batch.h"
#include "wire/remoting/message.h"
#include "wire/remoting/message_id.h"

using namespace posthorn;
using namespace posthorn::wire::remoting;

namespace {

void check_encoding(const Message& message) {
    MessageParts parts;
    parts.topic = message.topic;
    parts.queue_id = message.queue_id;
    parts.flag = message.flag;
    parts.sys_flag = message.sys_flag;
    parts.born_ms = message.born_ms;
    parts.born_host = message.born_host;
    parts.reconsume_times = message.reconsume_times;
    parts.prepared_transaction_offset = message.prepared_transaction_offset;
    parts.body = message.body;
    parts.properties = message.properties;
    parts.store_host.v6 = message.store_host.v6;
    Buffer out;
    if (!append_stored(parts, out)) return;
    POSTHORN_CHECK(out.size() == stored_size(parts), "the size is not what was written");
    patch_stored({out.data(), out.size()}, message.queue_offset, message.physical_offset, message.store_ms,
                 message.store_host);
    const auto back = decode_stored(out.view());
    POSTHORN_CHECK(back.ok() && back->body_intact(), "our own message does not decode");
    POSTHORN_CHECK(back->topic == message.topic && back->store_host == message.store_host &&
                       back->queue_offset == message.queue_offset,
                   "our own message came back different");
    // A peer may use the long form for a short topic and leave garbage in the checksum; we do not.
    const bool same_form = back->bytes.size() == message.bytes.size() && back->body_crc == message.body_crc;
    POSTHORN_CHECK(!same_form || std::ranges::equal(back->bytes, message.bytes),
                   "the same message in other bytes");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes rest = input(data, size);
    (void)parse_offset_message_id(as_text(rest));
    BatchCursor batch(rest);
    for (BatchItem item;;) {
        const auto more = batch.next(item);
        if (!more.ok() || !*more) break;
        touch(item.body);
        touch(item.properties);
    }
    while (true) {
        const auto message = decode_stored(rest);
        if (!message.ok()) return 0;
        touch(message->body);
        touch(message->properties);
        check_encoding(*message);
        rest = rest.subspan(message->bytes.size());
    }
}
