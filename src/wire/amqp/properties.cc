#include "wire/amqp/properties.h"

#include <concepts>

#include "base/check.h"

namespace posthorn::wire::amqp {
namespace {

/// The properties in the order of the wire, the first under flag bit 15, each further one a bit lower.
template <class Io, class P>
void walk_properties(Io& io, P& p) {
    io(p.content_type, 15);
    io(p.content_encoding, 14);
    io(p.headers, 13);
    io(p.delivery_mode, 12);
    io(p.priority, 11);
    io(p.correlation_id, 10);
    io(p.reply_to, 9);
    io(p.expiration, 8);
    io(p.message_id, 7);
    io(p.timestamp, 6);
    io(p.type, 5);
    io(p.user_id, 4);
    io(p.app_id, 3);
    io(p.cluster_id, 2);
}
constexpr std::size_t kFlags = 2;
constexpr unsigned kMoreFlags = 1;

/// Reads the values that the flags announce. Holds nothing but what fits registers: every message pays for
/// it.
class Reader {
  public:
    Reader(Bytes values, unsigned flags)
        : at_(values.data()), end_(values.data() + values.size()), flags_(flags) {}

    template <class T>
    void operator()(std::optional<T>& value, int bit) {
        if ((flags_ >> bit & 1) != 0) read(value.emplace());
    }
    bool done() const { return ok_ && at_ == end_; }

  private:
    void read(std::string_view& value) { value = as_text(take(number<std::uint8_t>())); }
    void read(TableView& value) {
        value = TableView(take(number<std::uint32_t>()));
        ok_ = ok_ && validate_table(value.bytes());
    }
    template <std::integral T>
    void read(T& value) {
        value = number<T>();
    }
    template <std::integral T>
    T number() {
        const Bytes bytes = take(sizeof(T));
        return bytes.empty() ? T{} : load_be<T>(bytes.data());
    }
    Bytes take(std::size_t size) {
        if (size > static_cast<std::size_t>(end_ - at_)) [[unlikely]] {
            ok_ = false;
            return {};
        }
        at_ += size;
        return {at_ - size, size};
    }

    const std::byte* at_;
    const std::byte* end_;
    unsigned flags_;
    bool ok_ = true;
};

class Writer {
  public:
    explicit Writer(Buffer& out) : out_(out), start_(out.size()) { out_.be(std::uint16_t{0}); }

    template <class T>
    void operator()(const std::optional<T>& value, int bit) {
        if (!value) return;
        flags_ |= 1u << bit;
        write(*value);
    }
    void finish() { out_.patch_be(start_, static_cast<std::uint16_t>(flags_)); }

  private:
    void write(std::string_view value) {
        POSTHORN_CHECK(value.size() <= 255, "a property of more than 255 bytes");
        out_.be(static_cast<std::uint8_t>(value.size()));
        out_.append(value);
    }
    void write(TableView value) {
        out_.be(static_cast<std::uint32_t>(value.bytes().size()));
        out_.append(value.bytes());
    }
    template <std::integral T>
    void write(T value) {
        out_.be(value);
    }

    Buffer& out_;
    std::size_t start_;
    unsigned flags_ = 0;
};

}  // namespace

bool decode_content_header(Bytes payload, ContentHeader& header) {
    if (payload.size() < kContentHeaderHead) return false;
    header.class_id = load_be<std::uint16_t>(payload.data());
    header.weight = load_be<std::uint16_t>(payload.data() + 2);
    header.body_size = load_be<std::uint64_t>(payload.data() + 4);
    header.properties = payload.subspan(kContentHeaderHead);
    return true;
}

bool decode_properties(Bytes bytes, Properties& properties) {
    properties = Properties{};
    if (bytes.size() < kFlags) return false;
    const unsigned flags = load_be<std::uint16_t>(bytes.data());
    Reader reader(bytes.subspan(kFlags), flags);
    walk_properties(reader, properties);
    return reader.done() && (flags & kMoreFlags) == 0;
}

void append_properties(Buffer& out, const Properties& properties) {
    Writer writer(out);
    walk_properties(writer, properties);
    writer.finish();
}

}  // namespace posthorn::wire::amqp
