#include "wire/remoting/send_form.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>

#include "json_string.h"
#include "wire/remoting/codes.h"

namespace posthorn::wire::remoting {
namespace {

bool is_send(RequestCode code) {
    return code == RequestCode::send_message_v2 || code == RequestCode::send_batch_message ||
           code == RequestCode::send_message;
}

/// The fields that differ from message to message, by the names that 10 and the others have for them.
constexpr std::array<std::array<std::string_view, 2>, 3> kVary{
    {{"queueId", "e"}, {"bornTimestamp", "g"}, {"properties", "i"}}};

bool lies_in(std::string_view part, std::string_view whole) {
    const std::less_equal<> before;
    return before(whole.data(), part.data()) &&
           before(part.data() + part.size(), whole.data() + whole.size());
}

/// Plain digits; `at` moves behind them. What has a sign or may not fit is left to the general decoder.
template <class T>
bool take_digits(const char*& at, const char* end, T& number) {
    constexpr std::ptrdiff_t kMost = 18;
    const char* const from = at;
    if (end - from > kMost) end = from + kMost;
    std::uint64_t value = 0;
    for (; at != end && *at >= '0' && *at <= '9'; ++at)
        value = value * 10 + static_cast<std::uint64_t>(*at - '0');
    number = static_cast<T>(value);
    return at != from && value <= static_cast<std::uint64_t>(std::numeric_limits<T>::max());
}

}  // namespace

std::unique_ptr<SendForm> SendForm::of(Encoding encoding, Bytes header) {
    if (encoding != Encoding::json || header.size() > kLongest) return nullptr;
    std::unique_ptr<SendForm> form(new SendForm(as_text(header)));
    return form->make() ? std::move(form) : nullptr;
}

bool SendForm::make() {
    const auto decoded = decoder_.decode(Encoding::json, as_bytes(text_));
    if (!decoded || (*decoded)->is_response() || !is_send(RequestCode{(*decoded)->code})) return false;
    const auto request = read_send_request(**decoded);
    if (!request) return false;
    request_ = *request;
    std::vector<Place> places;
    if (!find_places(places)) return false;
    std::sort(places.begin(), places.end(),
              [](const Place& a, const Place& b) { return a.text.data() < b.text.data(); });
    const char* at = text_.data();
    for (const Place& place : places) {
        holes_.push_back(
            {static_cast<std::size_t>(place.text.data() - at), place.text.size(), place.field, place.of});
        at = place.text.data() + place.text.size();
    }
    return true;
}

/// Where the values lie that differ from message to message; false when one cannot be told for sure.
bool SendForm::find_places(std::vector<Place>& places) {
    const std::string_view opaque = decoder_.header_.opaque_text_;
    if (opaque.empty()) return false;
    places.push_back({opaque, 0, Hole::Of::opaque});
    const std::size_t letters = RequestCode{header().code} == RequestCode::send_message ? 0 : 1;
    const auto fields = header().fields();
    unsigned seen = 0;
    for (std::size_t n = 0; n < fields.size(); ++n) {
        const auto found = std::find_if(kVary.begin(), kVary.end(),
                                        [&](const auto& names) { return names[letters] == fields[n].key; });
        if (found == kVary.end()) continue;
        const auto index = static_cast<unsigned>(found - kVary.begin());
        const auto of = static_cast<Hole::Of>(index + 1);
        const std::string_view text = value_text(fields[n].key, of != Hole::Of::properties);
        if ((seen >> index & 1) || !text.data()) return false;
        seen |= 1u << index;
        places.push_back({text, n, of});
    }
    return true;
}

/// What stands behind a field's name as its value: between the quotes, escapes and all, or, of a number,
/// without quotes. Null if it is written in any other way.
std::string_view SendForm::value_text(std::string_view key, bool is_number) const {
    constexpr std::string_view kColon = "\":";
    const std::string_view text = text_;
    if (!lies_in(key, text)) return {};  // the name has an escape
    const auto key_end = static_cast<std::size_t>(key.data() - text.data()) + key.size();
    if (!text.substr(key_end).starts_with(kColon)) return {};
    const char* from = text.data() + key_end + kColon.size();
    const char* const end = text.data() + text.size();
    const bool quoted = from != end && *from == '"';
    if (quoted) ++from;
    const char* at = from;
    if (is_number) {
        std::int64_t number = 0;
        if (!take_digits(at, end, number) || at == end) return {};
        if (quoted ? *at != '"' : *at != ',' && *at != '}') return {};
        return {from, static_cast<std::size_t>(at - from)};
    }
    Buffer scratch;
    JsonStrings strings({from, static_cast<std::size_t>(end - from)}, scratch);
    std::string_view value;
    if (!quoted || !strings.read(at, value)) return {};
    return {from, static_cast<std::size_t>(at - 1 - from)};
}

bool SendForm::read(Bytes header, Buffer& scratch) {
    if (header.size() > kLongestRead) return false;
    const char* at = as_text(header).data();
    const char* const end = at + header.size();
    const char* known = text_.data();
    for (const Hole& hole : holes_) {
        if (static_cast<std::size_t>(end - at) < hole.before || std::memcmp(at, known, hole.before) != 0)
            return false;
        at += hole.before;
        known += hole.before + hole.size;
        if (!fill(hole, at, end, scratch)) return false;
    }
    const auto rest = static_cast<std::size_t>(text_.data() + text_.size() - known);
    return static_cast<std::size_t>(end - at) == rest && std::memcmp(at, known, rest) == 0;
}

inline bool SendForm::fill(const Hole& hole, const char*& at, const char* end, Buffer& scratch) {
    const char* const from = at;
    std::string_view& value = decoder_.header_.fields_[hole.field].value;
    switch (hole.of) {
        case Hole::Of::opaque:
            return take_digits(at, end, decoder_.header_.opaque);
        case Hole::Of::queue:
            if (!take_digits(at, end, request_.queue_id)) return false;
            break;
        case Hole::Of::born:
            if (!take_digits(at, end, request_.born_ms)) return false;
            break;
        case Hole::Of::properties: {
            JsonStrings strings({from, static_cast<std::size_t>(end - from)}, scratch);
            if (!strings.read(at, value)) return false;
            request_.properties = value;
            --at;  // the closing quote is compared with what follows
            return true;
        }
    }
    value = {from, static_cast<std::size_t>(at - from)};
    return true;
}

}  // namespace posthorn::wire::remoting
