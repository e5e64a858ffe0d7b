// What one message costs in the remoting codec. The design's budget: 150 ns to decode the header of a send,
// 60 ns for the stored layout, 50 ns for two checksums, 100 ns for the answer with its hex id. Every case
// also counts heap allocations: after the first round there must be none.

#include <cstdlib>
#include <string>

#include "codec_case.h"
#include "wire/remoting/batch.h"
#include "wire/remoting/frame_writer.h"
#include "wire/remoting/message.h"
#include "wire/remoting/message_id.h"
#include "wire/remoting/properties.h"
#include "wire/remoting/send_request.h"

namespace posthorn::wire::remoting {
namespace {

using bench::measure;

constexpr std::string_view kProperties =
    "UNIQ_KEY\x01"
    "7F0000010A1B18B4AAC20C1DB6F50000\x02WAIT\x01true\x02TAGS\x01TagA\x02";

SendRequest example() {
    SendRequest request;
    request.producer_group = "please_rename_unique_group_name";
    request.topic = "TopicTest";
    request.default_topic = "TBW102";
    request.default_topic_queues = 4;
    request.queue_id = 2;
    request.born_ms = 1650000000123;
    request.properties = kProperties;
    request.max_reconsume_times = 0;
    request.broker_name = "broker-a";
    return request;
}

Buffer send_frame(Encoding encoding, RequestCode code, std::string_view properties) {
    Buffer out;
    auto writer = FrameWriter::request(out, encoding, code, 123456);
    SendRequest request = example();
    request.properties = properties;
    write_send_request(writer, request, code != RequestCode::send_message);
    writer.body().append(std::string(128, 'x'));
    if (!writer.finish()) std::abort();
    return out;
}

void decode_header(benchmark::State& state, Encoding encoding, RequestCode code,
                   std::string_view properties) {
    const Buffer bytes = send_frame(encoding, code, properties);
    HeaderDecoder decoder;
    measure(state, [&] {
        auto scan = scan_frame(bytes.view());
        auto header = decoder.decode(scan->frame);
        benchmark::DoNotOptimize((*header)->opaque);
    });
}

void decode_send(benchmark::State& state, Encoding encoding, RequestCode code) {
    const Buffer bytes = send_frame(encoding, code, kProperties);
    HeaderDecoder decoder;
    measure(state, [&] {
        auto scan = scan_frame(bytes.view());
        auto header = decoder.decode(scan->frame);
        auto request = read_send_request(**header);
        benchmark::DoNotOptimize(request->queue_id);
    });
}

MessageParts parts_of(std::string_view body) {
    MessageParts parts;
    parts.topic = "TopicTest";
    parts.queue_id = 2;
    parts.born_ms = 1650000000123;
    parts.born_host = host_v4(0x7F000001, 40000);
    parts.body = as_bytes(body);
    parts.properties = kProperties;
    parts.added_properties =
        "MSG_REGION\x01"
        "DefaultRegion\x02TRACE_ON\x01true\x02"
        "CLUSTER\x01"
        "DefaultCluster\x02";
    return parts;
}

void encode_message(benchmark::State& state) {
    const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
    const MessageParts parts = parts_of(body);
    Buffer out;
    measure(state, [&] {
        out.clear();
        benchmark::DoNotOptimize(append_stored(parts, out).ok());
    });
}

void patch_message(benchmark::State& state) {
    Buffer out;
    if (!append_stored(parts_of("body"), out)) std::abort();
    const Host host = host_v4(0x7F000001, 10911);
    std::int64_t offset = 0;
    measure(state, [&] {
        patch_stored({out.data(), out.size()}, offset, offset * 100, 1650000000000 + offset, host);
        ++offset;
        benchmark::ClobberMemory();
    });
}

void decode_message(benchmark::State& state) {
    Buffer out;
    if (!append_stored(parts_of("body"), out)) std::abort();
    measure(state, [&] { benchmark::DoNotOptimize(decode_stored(out.view())->queue_id); });
}

void find_one_property(benchmark::State& state) {
    measure(state, [&] { benchmark::DoNotOptimize(find_property(kProperties, property::tags)); });
}

void send_response(benchmark::State& state, Encoding encoding) {
    Buffer out;
    const Host host = host_v4(0x7F000001, 10911);
    std::int64_t offset = 123456789;
    measure(state, [&] {
        out.clear();
        auto writer = FrameWriter::response(out, {encoding, 123456}, ResponseCode::success);
        writer.field("msgId", make_offset_message_id(host, offset).view());
        writer.field("queueId", 2);
        writer.field("queueOffset", offset++);
        writer.field("MSG_REGION", "DefaultRegion");
        writer.field("TRACE_ON", "true");
        benchmark::DoNotOptimize(writer.finish().ok());
    });
}

/// 32 stored messages copied into the answer and patched there.
void pull_response(benchmark::State& state, Encoding encoding) {
    Buffer message;
    if (!append_stored(parts_of(std::string(128, 'x')), message)) std::abort();
    const Host host = host_v4(0x7F000001, 10911);
    Buffer out;
    measure(state, [&] {
        out.clear();
        auto writer = FrameWriter::response(out, {encoding, 123456}, ResponseCode::success, "FOUND");
        writer.field("suggestWhichBrokerId", 0);
        writer.field("nextBeginOffset", 123456);
        writer.field("minOffset", 0);
        writer.field("maxOffset", 123460);
        Buffer& body = writer.body();
        for (std::int64_t i = 0; i < 32; ++i) {
            std::byte* to = body.extend(message.size());
            std::memcpy(to, message.data(), message.size());
            patch_stored({to, message.size()}, i, i * 300, 1650000000000, host);
        }
        benchmark::DoNotOptimize(writer.finish().ok());
    });
}

BENCHMARK_CAPTURE(decode_header, json_v2, Encoding::json, RequestCode::send_message_v2, kProperties);
BENCHMARK_CAPTURE(decode_header, json_v2_no_properties, Encoding::json, RequestCode::send_message_v2, "");
BENCHMARK_CAPTURE(decode_header, json_v1, Encoding::json, RequestCode::send_message, kProperties);
BENCHMARK_CAPTURE(decode_header, binary_v2, Encoding::binary, RequestCode::send_message_v2, kProperties);
BENCHMARK_CAPTURE(decode_send, json_v2, Encoding::json, RequestCode::send_message_v2);
BENCHMARK_CAPTURE(decode_send, json_v1, Encoding::json, RequestCode::send_message);
BENCHMARK_CAPTURE(decode_send, binary_v2, Encoding::binary, RequestCode::send_message_v2);
BENCHMARK(encode_message)->Arg(0)->Arg(128)->Arg(1024);
BENCHMARK(patch_message);
BENCHMARK(decode_message);
BENCHMARK(find_one_property);
BENCHMARK_CAPTURE(send_response, json, Encoding::json);
BENCHMARK_CAPTURE(send_response, binary, Encoding::binary);
BENCHMARK_CAPTURE(pull_response, json_32_messages, Encoding::json);

}  // namespace
}  // namespace posthorn::wire::remoting

BENCHMARK_MAIN();
