#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/remoting/message_queue.h"

// Private to this room's sources: the JSON library stays out of the headers others see.

namespace posthorn::wire::remoting {

using Json = nlohmann::json;

/// Rewrites what Java peers write into JSON proper: keys that are numbers or bare words get quotes, keys that
/// are objects become strings holding the object's text. Anything else passes as it stands and is left for
/// the parser to judge. Nesting beyond 64 is an error.
Result<std::string> strict_json(std::string_view lenient);

/// Parses a body of whichever kind; it must be an object. `what` names the body in the error.
Result<Json> parse_body(Bytes body, std::string_view what);

/// Members of `object` as far as they are there and of a usable kind; else the fallback. Numbers may be
/// strings and strings numbers.
std::string text_at(const Json& object, const char* name, std::string_view fallback = {});
std::int64_t int64_at(const Json& object, const char* name, std::int64_t fallback = 0);
std::int32_t int32_at(const Json& object, const char* name, std::int32_t fallback = 0);
bool bool_at(const Json& object, const char* name, bool fallback = false);
double double_at(const Json& object, const char* name);
/// The list or object called `name`; an empty one when there is none.
const Json& list_at(const Json& object, const char* name);
const Json& object_at(const Json& object, const char* name);
std::vector<std::string> texts_at(const Json& object, const char* name);

MessageQueue queue_of(const Json& object);
/// A key that was an object (see `strict_json`).
MessageQueue queue_of_key(const std::string& key);

}  // namespace posthorn::wire::remoting
