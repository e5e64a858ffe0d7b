#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/remoting/frame.h"

namespace posthorn::wire::remoting {

/// The version this broker says it has, in every header it writes: V4_9_4. Java clients keep the one of the
/// heartbeat answer and refuse SQL92 subscriptions below 232. The one place that knows it.
inline constexpr std::int32_t kWireVersion = 401;

/// Unknown names and numbers become `other`.
enum class Language : std::uint8_t {
    java = 0,
    cpp,
    dotnet,
    python,
    delphi,
    erlang,
    ruby,
    other,
    http,
    go,
    php,
    oms,
    rust,
    node_js,
};
std::string_view name(Language language);  ///< "JAVA", as JSON headers and admin bodies write it
Language language_of(std::string_view name);

/// Bits of `Header::flag`.
inline constexpr std::int32_t kFlagResponse = 1;
inline constexpr std::int32_t kFlagOneway = 2;

struct Field {
    std::string_view key;
    std::string_view value;
};

/// A field as a number or truth value. "Not sent" and "sent, but no number" are different things to a server:
/// the first has a default, the second is the client's mistake. An empty value counts as not sent (the C++
/// client writes empty strings for what it does not set).
template <class T>
struct Parsed {
    enum class State : std::uint8_t { ok, missing, malformed };
    State state = State::missing;
    T value{};

    bool ok() const { return state == State::ok; }
    bool missing() const { return state == State::missing; }
    bool malformed() const { return state == State::malformed; }
};

/// Digits with an optional minus, nothing else. Written out, and here, because a send has eleven numbers and
/// the library's conversion costs several times this.
template <class T>
Parsed<T> parse_integer(std::string_view text) {
    using State = typename Parsed<T>::State;
    if (text.empty()) return {State::missing, {}};
    const bool negative = text[0] == '-';
    const char* at = text.data() + (negative ? 1 : 0);
    const char* const end = text.data() + text.size();
    if (at == end || end - at > 19) return {State::malformed, {}};  // 19 digits never overflow 64 bits
    std::uint64_t value = 0;
    for (; at != end; ++at) {
        const auto digit = static_cast<std::uint64_t>(*at) - '0';
        if (digit > 9) return {State::malformed, {}};
        value = value * 10 + digit;
    }
    const std::uint64_t limit =
        static_cast<std::uint64_t>(std::numeric_limits<T>::max()) + (negative ? 1 : 0);
    if (value > limit) return {State::malformed, {}};
    return {State::ok, static_cast<T>(negative ? 0 - value : value)};
}
inline Parsed<std::int32_t> parse_int32(std::string_view text) {
    return parse_integer<std::int32_t>(text);
}
inline Parsed<std::int64_t> parse_int64(std::string_view text) {
    return parse_integer<std::int64_t>(text);
}
Parsed<bool> parse_bool(std::string_view text);  ///< true, false in any case, 1, 0

/// What an answer must repeat of its request. Small: keep it while the engine works.
struct ReplyTo {
    Encoding encoding = Encoding::json;
    std::int32_t opaque = 0;
};

/// One decoded header, request or response. Every view points into the frame it came from or into the
/// decoder's scratch memory: it lives until the frame's bytes go or the decoder decodes again.
class Header {
  public:
    static constexpr std::size_t kMaxFields = 48;

    Encoding encoding = Encoding::json;
    Language language = Language::other;
    std::int32_t code = 0;
    std::int32_t version = 0;
    std::int32_t opaque = 0;
    std::int32_t flag = 0;
    std::string_view remark;

    bool is_response() const { return (flag & kFlagResponse) != 0; }
    bool is_oneway() const { return (flag & kFlagOneway) != 0; }
    ReplyTo reply_to() const { return {encoding, opaque}; }

    std::span<const Field> fields() const { return {fields_.data(), count_}; }

    /// Null when the field was not sent. Of a key sent twice the last counts, as in the maps of other
    /// brokers.
    const Field* find(std::string_view key) const;
    /// Empty when the field was not sent.
    std::string_view text(std::string_view key) const;
    Parsed<std::int32_t> int32(std::string_view key) const;
    Parsed<std::int64_t> int64(std::string_view key) const;
    Parsed<bool> boolean(std::string_view key) const;

    /// For handlers: the error names the field and what was sent in it (`Errc::invalid`).
    Result<std::string_view> require_text(std::string_view key) const;  ///< missing or empty is an error
    Result<std::int32_t> require_int32(std::string_view key) const;
    Result<std::int64_t> require_int64(std::string_view key) const;
    Result<std::int32_t> int32_or(std::string_view key,
                                  std::int32_t fallback) const;  ///< malformed is an error
    Result<std::int64_t> int64_or(std::string_view key, std::int64_t fallback) const;
    Result<bool> boolean_or(std::string_view key, bool fallback) const;

  private:
    friend class HeaderDecoder;
    friend class JsonHeaderScanner;
    friend class SendForm;
    void reset(Encoding from);
    /// False when full.
    bool add(std::string_view key, std::string_view value) {
        if (count_ == kMaxFields) return false;
        fields_[count_++] = {key, value};
        return true;
    }

    std::array<Field, kMaxFields> fields_;
    std::size_t count_ = 0;
    std::string_view opaque_text_;  ///< where a JSON header has it as plain digits
};

/// Decodes header after header of one connection, without allocating once its scratch memory has grown to the
/// largest header with escapes. One per connection; not copied.
///
/// Lenient, because clients are: field values may be strings, numbers, booleans or null (not sent); members
/// nobody knows are passed over; whitespace is free. More than `Header::kMaxFields` fields is an error.
class HeaderDecoder {
  public:
    HeaderDecoder() = default;
    HeaderDecoder(const HeaderDecoder&) = delete;
    HeaderDecoder& operator=(const HeaderDecoder&) = delete;

    /// The header stays valid until the next call, and no longer than `bytes`.
    Result<const Header*> decode(Encoding encoding, Bytes bytes);
    Result<const Header*> decode(const Frame& frame) { return decode(frame.encoding, frame.header); }

  private:
    friend class SendForm;
    Result<const Header*> decode_binary(Bytes bytes);
    Result<const Header*> decode_json(Bytes bytes);

    Header header_;
    Buffer scratch_;  ///< unescaped text of JSON strings
};

}  // namespace posthorn::wire::remoting
