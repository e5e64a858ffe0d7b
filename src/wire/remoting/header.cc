#include "wire/remoting/header.h"

#include <fmt/format.h>

#include "json_header.h"

namespace posthorn::wire::remoting {
namespace {

/// Scratch memory above this is given back before the next header: one giant must not stay for good.
constexpr std::size_t kScratchKept = 64 * 1024;

constexpr std::array<std::string_view, 14> kLanguages = {"JAVA",   "CPP",  "DOTNET", "PYTHON", "DELPHI",
                                                         "ERLANG", "RUBY", "OTHER",  "HTTP",   "GO",
                                                         "PHP",    "OMS",  "RUST",   "NODE_JS"};

Error missing(std::string_view key) {
    return {Errc::invalid, fmt::format("header field {} is missing", key)};
}

/// The value is the client's: shown, but not at any length.
Error malformed(std::string_view key, std::string_view value, std::string_view wanted) {
    return {Errc::invalid,
            fmt::format("header field {} = \"{}\" is not {}", key, value.substr(0, 64), wanted)};
}

template <class T>
Result<T> required(const Header& header, std::string_view key, Parsed<T> parsed, std::string_view wanted) {
    if (parsed.ok()) return parsed.value;
    if (parsed.missing()) return missing(key);
    return malformed(key, header.text(key), wanted);
}

template <class T>
Result<T> optional(const Header& header, std::string_view key, Parsed<T> parsed, T fallback,
                   std::string_view wanted) {
    if (parsed.missing()) return fallback;
    return required(header, key, parsed, wanted);
}

constexpr std::string_view kInt32 = "a 32-bit number";
constexpr std::string_view kInt64 = "a 64-bit number";
constexpr std::string_view kBool = "true or false";

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
    if (text.size() != lower.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((text[i] | 0x20) != lower[i]) return false;
    return true;
}

}  // namespace

std::string_view name(Language language) {
    const auto index = static_cast<std::size_t>(language);
    return index < kLanguages.size() ? kLanguages[index] : "OTHER";
}

Language language_of(std::string_view name) {
    for (std::size_t i = 0; i < kLanguages.size(); ++i)
        if (kLanguages[i] == name) return static_cast<Language>(i);
    return Language::other;
}

Parsed<bool> parse_bool(std::string_view text) {
    using State = Parsed<bool>::State;
    if (text.empty()) return {State::missing, false};
    if (text == "false") return {State::ok, false};  // nearly always, and as nearly everybody writes it
    if (text == "1" || equal_ignoring_case(text, "true")) return {State::ok, true};
    if (text == "0" || equal_ignoring_case(text, "false")) return {State::ok, false};
    return {State::malformed, false};
}

void Header::reset(Encoding from) {
    encoding = from;
    language = Language::other;
    code = version = opaque = flag = 0;
    remark = opaque_text_ = {};
    count_ = 0;
}

const Field* Header::find(std::string_view key) const {
    for (std::size_t i = count_; i-- > 0;)
        if (fields_[i].key == key) return &fields_[i];
    return nullptr;
}

std::string_view Header::text(std::string_view key) const {
    const Field* field = find(key);
    return field ? field->value : std::string_view();
}

Parsed<std::int32_t> Header::int32(std::string_view key) const {
    return parse_int32(text(key));
}
Parsed<std::int64_t> Header::int64(std::string_view key) const {
    return parse_int64(text(key));
}
Parsed<bool> Header::boolean(std::string_view key) const {
    return parse_bool(text(key));
}

Result<std::string_view> Header::require_text(std::string_view key) const {
    const std::string_view value = text(key);
    if (value.empty()) return missing(key);
    return value;
}
Result<std::int32_t> Header::require_int32(std::string_view key) const {
    return required(*this, key, int32(key), kInt32);
}
Result<std::int64_t> Header::require_int64(std::string_view key) const {
    return required(*this, key, int64(key), kInt64);
}
Result<std::int32_t> Header::int32_or(std::string_view key, std::int32_t fallback) const {
    return optional(*this, key, int32(key), fallback, kInt32);
}
Result<std::int64_t> Header::int64_or(std::string_view key, std::int64_t fallback) const {
    return optional(*this, key, int64(key), fallback, kInt64);
}
Result<bool> Header::boolean_or(std::string_view key, bool fallback) const {
    return optional(*this, key, boolean(key), fallback, kBool);
}

Result<const Header*> HeaderDecoder::decode(Encoding encoding, Bytes bytes) {
    header_.reset(encoding);
    return encoding == Encoding::json ? decode_json(bytes) : decode_binary(bytes);
}

Result<const Header*> HeaderDecoder::decode_json(Bytes bytes) {
    if (scratch_.capacity() > kScratchKept) scratch_.release();
    JsonHeaderScanner scanner(as_text(bytes), header_, scratch_);
    if (scanner.scan()) return &header_;
    return Error{Errc::invalid, fmt::format("JSON header: {} at byte {} of {}", scanner.problem(),
                                            scanner.position(), bytes.size())};
}

/// code 16, language 8, version 16, opaque 32, flag 32, remark (length 32), fields (length 32 in bytes, then
/// key length 16, key, value length 32, value for each).
Result<const Header*> HeaderDecoder::decode_binary(Bytes bytes) {
    ByteReader reader(bytes);
    header_.code = reader.be<std::int16_t>();
    header_.language = static_cast<Language>(reader.be<std::uint8_t>());
    if (static_cast<std::size_t>(header_.language) >= kLanguages.size()) header_.language = Language::other;
    header_.version = reader.be<std::int16_t>();
    header_.opaque = reader.be<std::int32_t>();
    header_.flag = reader.be<std::int32_t>();
    header_.remark = reader.text(reader.be<std::uint32_t>());
    const Bytes fields = reader.bytes(reader.be<std::uint32_t>());
    if (!reader.ok())
        return Error{Errc::invalid,
                     fmt::format("binary header of {} bytes ends inside its own lengths", bytes.size())};

    ByteReader each(fields);
    while (each.remaining() > 0) {
        const std::string_view key = each.text(each.be<std::uint16_t>());
        const std::string_view value = each.text(each.be<std::uint32_t>());
        if (!each.ok())
            return Error{Errc::invalid,
                         fmt::format("binary header: field {} is cut off", header_.fields().size() + 1)};
        if (!header_.add(key, value))
            return Error{Errc::invalid,
                         fmt::format("binary header: more than {} fields", Header::kMaxFields)};
    }
    return &header_;
}

}  // namespace posthorn::wire::remoting
