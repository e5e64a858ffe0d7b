// What one message costs in the AMQP codec. The design's budget: 65 ns for the three frames of a publish of
// 16 B (cut, assembled, method and properties decoded), 50 ns to write a delivery. Every case also counts
// heap allocations: after the first round there must be none.

#include <cstdlib>
#include <string>

#include "codec_case.h"
#include "wire/amqp/content_assembler.h"
#include "wire/amqp/decode.h"
#include "wire/amqp/encode.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::wire::amqp {
namespace {

using bench::measure;

using Step = ContentAssembler::Step;

Buffer transient() {
    Buffer out;
    append_properties(out, Properties{.delivery_mode = std::uint8_t{1}});
    return out;
}

/// What document 002 and its like send: content type, headers, message id, time.
Buffer rich() {
    Buffer table;
    TableWriter writer(table);
    writer.name("x-retry-count").int32(0);
    writer.name("trace-id").text("4bf92f3577b34da6a3ce929d0e0e4736");
    Buffer out;
    append_properties(out, Properties{.content_type = "application/json",
                                      .headers = writer.finish(),
                                      .delivery_mode = std::uint8_t{2},
                                      .message_id = "0f8fad5b-d9cb-469f-a165-70867728950e",
                                      .timestamp = std::uint64_t{1'700'000'000}});
    return out;
}

Buffer publishes(Bytes properties, std::size_t body, int count) {
    const std::string bytes(body, 'x');
    Buffer out;
    for (int i = 0; i < count; ++i)
        append_content(out, 1, BasicPublish{.exchange = "amq.direct", .routing_key = "lavinmqperf"},
                       properties, as_bytes(bytes), kDefaultFrameMax);
    return out;
}

/// One stretch of input with 64 publishes, as a session under load sees it.
void decode_publish(benchmark::State& state, const Buffer& properties) {
    constexpr int kBatch = 64;
    const Buffer input = publishes(properties.view(), static_cast<std::size_t>(state.range(0)), kBatch);
    ContentAssembler assembler;
    measure(state, [&] {
        FrameSplitter splitter(input.view(), kDefaultFrameMax);
        for (Frame frame; splitter.next(frame) == FrameSplitter::Step::frame;) {
            if (assembler.feed(frame) != Step::content) continue;
            BasicPublish publish;
            Properties decoded;
            if (!decode(assembler.content().method, publish)) std::abort();
            if (!decode_properties(assembler.content().properties, decoded)) std::abort();
            benchmark::DoNotOptimize(publish);
            benchmark::DoNotOptimize(decoded);
        }
    });
    state.SetItemsProcessed(state.iterations() * kBatch);
}

void encode_deliver(benchmark::State& state, const Buffer& properties) {
    constexpr int kBatch = 64;
    const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
    Buffer out;
    std::uint64_t tag = 0;
    measure(state, [&] {
        out.clear();
        for (int i = 0; i < kBatch; ++i)
            append_content(
                out, 1,
                BasicDeliver{"amq.ctag-0123456789012345678901", ++tag, false, "amq.direct", "lavinmqperf"},
                properties.view(), as_bytes(body), kDefaultFrameMax);
        benchmark::DoNotOptimize(out.data());
    });
    state.SetItemsProcessed(state.iterations() * kBatch);
}

void encode_publish(benchmark::State& state) {
    const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
    const Buffer properties = transient();
    Buffer out;
    measure(state, [&] {
        out.clear();
        append_content(out, 1, BasicPublish{.exchange = "amq.direct", .routing_key = "lavinmqperf"},
                       properties.view(), as_bytes(body), kDefaultFrameMax);
        benchmark::DoNotOptimize(out.data());
    });
}

void decode_ack(benchmark::State& state) {
    Buffer input;
    append_method(input, 1, BasicAck{.delivery_tag = 123456});
    ContentAssembler assembler;
    measure(state, [&] {
        FrameSplitter splitter(input.view(), kDefaultFrameMax);
        Frame frame;
        if (splitter.next(frame) != FrameSplitter::Step::frame) std::abort();
        if (assembler.feed(frame) != Step::method) std::abort();
        BasicAck ack;
        if (method_of(frame.payload) != MethodCode::basic_ack || !decode(frame.payload, ack)) std::abort();
        benchmark::DoNotOptimize(ack);
    });
}

void encode_ack(benchmark::State& state) {
    Buffer out;
    std::uint64_t tag = 0;
    measure(state, [&] {
        out.clear();
        append_method(out, 1, BasicAck{.delivery_tag = ++tag, .multiple = true});
        benchmark::DoNotOptimize(out.data());
    });
}

void find_header(benchmark::State& state) {
    const Buffer bytes = rich();
    Properties properties;
    if (!decode_properties(bytes.view(), properties)) std::abort();
    measure(state, [&] { benchmark::DoNotOptimize(properties.headers->text("trace-id")); });
}

BENCHMARK_CAPTURE(decode_publish, transient, transient())->Arg(16)->Arg(1024);
BENCHMARK_CAPTURE(decode_publish, rich, rich())->Arg(16);
BENCHMARK_CAPTURE(encode_deliver, transient, transient())->Arg(16)->Arg(1024);
BENCHMARK_CAPTURE(encode_deliver, rich, rich())->Arg(16);
BENCHMARK(encode_publish)->Arg(16);
BENCHMARK(decode_ack);
BENCHMARK(encode_ack);
BENCHMARK(find_header);

}  // namespace
}  // namespace posthorn::wire::amqp

BENCHMARK_MAIN();
