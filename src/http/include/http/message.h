#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthorn::http {

enum class Verb { get, head, post, put, patch, del, other };
const char* name(Verb verb);

using NamedValues = std::vector<std::pair<std::string, std::string>>;

/// One request, whole. Plain values: may be handed from thread to thread.
struct Request {
    Verb verb = Verb::get;
    std::string target;      ///< as sent: path and query, not decoded
    NamedValues headers;     ///< names in lower case
    NamedValues parameters;  ///< what the route's `{name}`s matched, decoded; set by the router
    std::string body;
    std::string peer;  ///< "127.0.0.1:4711"

    /// Path without the query, as sent.
    std::string_view path() const;
    /// Value of a query parameter, decoded; `otherwise` if it is missing.
    std::string query(std::string_view name, std::string_view otherwise = {}) const;
    std::string_view header(std::string_view lower_case_name) const;
    std::string_view parameter(std::string_view name) const;
};

/// The rest of a body that is made while it is sent, so that nobody ever holds all of it. Lives and goes on
/// the handlers' thread.
class BodySource {
  public:
    /// Takes the next piece, once, on the handlers' thread; an empty one is the end.
    using Give = std::function<void(std::string piece)>;

    virtual ~BodySource() = default;
    /// The client has taken what came before. Gives now or later.
    virtual void next(Give give) = 0;
};

struct Response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    NamedValues headers;
    std::shared_ptr<BodySource> rest;  ///< comes after `body`

    /// Errors look the same everywhere: {"error": word, "reason": sentence}.
    static Response failure(unsigned status, std::string_view error, std::string_view reason);
};

/// Percent-encoding for a segment of a path: all but letters, digits and `-._~`.
std::string encode(std::string_view text);
/// Percent-decoding; `plus_is_space` as in queries. Bad escapes stay as they are.
std::string decode(std::string_view text, bool plus_is_space = false);
/// `text` as a JSON string with its quotes.
std::string json_quoted(std::string_view text);

}  // namespace posthorn::http
