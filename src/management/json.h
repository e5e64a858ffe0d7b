#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/value.h"

namespace posthorn::management {

using Json = nlohmann::json;

/// Bytes that are no UTF-8 become the replacement character.
std::string text_of(const Json& json);

/// A request's body: an object, {} when it is empty. Invalid: no JSON, or another shape, or deeper than
/// anything we would keep.
Result<Json> parse_body(std::string_view body);

Json json_of(const model::Value& value);
Json json_of(const model::Arguments& arguments);
/// Of a JSON object; anything else is invalid. RabbitMQ's clients also say [] for none.
Result<model::Arguments> arguments_of(const Json& json);

// Fields of a body. RabbitMQ takes "true" for true and "12" for 12, because its command line tool sends them.
// A missing or null field is `otherwise`; another type is invalid ("not_boolean: ...").
Result<bool> flag_in(const Json& body, const char* key, bool otherwise);
Result<std::int64_t> number_in(const Json& body, const char* key, std::int64_t otherwise);
Result<std::string> text_in(const Json& body, const char* key, std::string_view otherwise);
Result<model::Arguments> arguments_in(const Json& body, const char* key);
bool has(const Json& body, const char* key);
/// Invalid, with RabbitMQ's list of what is missing: "[{key_missing,payload}]".
Result<void> require(const Json& body, std::initializer_list<const char*> keys);

}  // namespace posthorn::management
