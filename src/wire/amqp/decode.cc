#include "wire/amqp/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "erlang_text.h"
#include "field_reader.h"
#include "method_fields.h"
#include "method_list.h"

namespace posthorn::wire::amqp {
namespace {

constexpr std::size_t kIds = 4;

template <class M>
bool read_fields(Bytes payload, M& method, FieldReader::Names names) {
    if (method_of(payload) != M::code) return false;
    FieldReader reader(payload.subspan(kIds), names);
    walk(reader, method);
    return reader.done();
}

template <class M>
bool try_alternative(Bytes payload, MethodCode code, FieldReader::Names names,
                     std::optional<Method>& method) {
    if (code != M::code) return false;
    M fields;
    if (read_fields(payload, fields, names)) method = fields;
    return true;
}

constexpr FieldReader::Names names_of(MethodCode code) {
    return has_content(code) ? FieldReader::Names::any_bytes : FieldReader::Names::utf8;
}

template <std::size_t... Index>
std::optional<Method> read_any(Bytes payload, FieldReader::Names names, std::index_sequence<Index...>) {
    std::optional<Method> method;
    const MethodCode code = method_of(payload);
    (void)(try_alternative<std::variant_alternative_t<Index, Method>>(payload, code, names, method) || ...);
    return method;
}

std::optional<Method> read_any(Bytes payload, FieldReader::Names names) {
    return read_any(payload, names, std::make_index_sequence<std::variant_size_v<Method>>());
}

}  // namespace

template <class M>
bool decode(Bytes payload, M& method) {
    return read_fields(payload, method, names_of(M::code));
}

std::optional<Method> decode_any(Bytes payload) {
    return read_any(payload, names_of(method_of(payload)));
}

Violation malformed(Bytes payload) {
    if (read_any(payload, FieldReader::Names::any_bytes))
        return {ReplyCode::frame_error, MethodCode::none, "Malformed UTF-8 in shortstr"};
    const Bytes fields = payload.subspan(std::min(kIds, payload.size()));
    return {ReplyCode::frame_error, method_of(payload),
            "cannot decode " + erlang_numbers(fields.first(std::min(fields.size(), kMaxShortText)))};
}

Violation unimplemented_method(MethodCode code) {
    return {ReplyCode::command_invalid, code, "unimplemented method"};
}

// A type cannot stand in parentheses here.
// NOLINTNEXTLINE(bugprone-macro-parentheses)
#define POSTHORN_AMQP_DECODE(M) template bool decode<M>(Bytes, M&);
POSTHORN_AMQP_METHODS(POSTHORN_AMQP_DECODE)
#undef POSTHORN_AMQP_DECODE

}  // namespace posthorn::wire::amqp
