#include "json_reader.h"

#include <fmt/format.h>

#include <cctype>
#include <limits>

#include "json_text.h"
#include "wire/remoting/header.h"

namespace posthorn::wire::remoting {
namespace {

constexpr std::size_t kMaxDepth = 64;

/// One pass over the text with a stack of open brackets; `key_next_` is true where a key is due.
class Rewriter {
  public:
    explicit Rewriter(std::string_view text) : text_(text) { out_.reserve(text.size() + 16); }

    Result<std::string> run() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (std::isspace(static_cast<unsigned char>(c))) {
                ++at_;
                continue;
            }
            if (!(key_due() ? key(c) : token(c)))
                return Error{Errc::invalid, fmt::format("JSON {} at byte {}", problem_, at_)};
        }
        return std::move(out_);
    }

  private:
    bool key_due() const { return key_next_ && !open_.empty() && open_.back() == '{'; }

    bool fail(const char* problem) {
        problem_ = problem;
        return false;
    }

    bool key(char c) {
        if (c == '}' || c == ',') return token(c);
        key_next_ = false;
        if (c == '"') return copy_string();
        if (c == '{') return object_key();
        const std::size_t from = at_;
        while (at_ < text_.size() && text_[at_] != ':' &&
               !std::isspace(static_cast<unsigned char>(text_[at_])))
            ++at_;
        return quote(text_.substr(from, at_ - from));
    }

    bool token(char c) {
        if (c == '"') return copy_string();
        if (c == '{' || c == '[') {
            if (open_.size() == kMaxDepth) return fail("nested too deeply");
            open_.push_back(c);
            key_next_ = true;
        }
        if (c == '}' || c == ']') {
            if (open_.empty()) return fail("closes what is not open");
            open_.pop_back();
        }
        if (c == ',') key_next_ = true;
        out_ += c;
        ++at_;
        return true;
    }

    bool copy_string() {
        const std::size_t from = at_;
        if (!pass_string()) return false;
        out_ += text_.substr(from, at_ - from);
        return true;
    }

    bool pass_string() {
        for (++at_; at_ < text_.size(); ++at_) {
            if (text_[at_] == '\\')
                ++at_;
            else if (text_[at_] == '"') {
                ++at_;
                return true;
            }
        }
        at_ = text_.size();
        return fail("string is not closed");
    }

    bool object_key() {
        const std::size_t from = at_;
        std::size_t depth = 0;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"') {
                if (!pass_string()) return false;
                continue;
            }
            ++at_;
            if (c == '{') ++depth;
            if (c == '}' && --depth == 0) return quote(text_.substr(from, at_ - from));
        }
        return fail("object in the place of a key is not closed");
    }

    bool quote(std::string_view key) {
        Buffer escaped;
        append_json_escaped(escaped, key);
        out_ += '"';
        out_ += as_text(escaped.view());
        out_ += '"';
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string out_;
    std::string open_;
    bool key_next_ = false;
    const char* problem_ = "";
};

const Json* member(const Json& object, const char* name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

Result<std::string> strict_json(std::string_view lenient) {
    return Rewriter(lenient).run();
}

Result<Json> parse_body(Bytes body, std::string_view what) {
    auto strict = strict_json(as_text(body));
    if (!strict) return Error{Errc::invalid, fmt::format("{}: {}", what, strict.error().message)};
    Json json = Json::parse(*strict, nullptr, false);
    if (!json.is_object()) return Error{Errc::invalid, fmt::format("{}: the body is no JSON object", what)};
    return json;
}

std::string text_at(const Json& object, const char* name, std::string_view fallback) {
    const Json* found = member(object, name);
    if (!found) return std::string(fallback);
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number() || found->is_boolean()) return found->dump();
    return std::string(fallback);
}

std::int64_t int64_at(const Json& object, const char* name, std::int64_t fallback) {
    const Json* found = member(object, name);
    if (!found) return fallback;
    if (found->is_number_integer()) return found->get<std::int64_t>();
    if (!found->is_string()) return fallback;
    const auto parsed = parse_int64(found->get_ref<const std::string&>());
    return parsed.ok() ? parsed.value : fallback;
}

std::int32_t int32_at(const Json& object, const char* name, std::int32_t fallback) {
    const std::int64_t wide = int64_at(object, name, fallback);
    const bool fits =
        wide >= std::numeric_limits<std::int32_t>::min() && wide <= std::numeric_limits<std::int32_t>::max();
    return fits ? static_cast<std::int32_t>(wide) : fallback;
}

bool bool_at(const Json& object, const char* name, bool fallback) {
    const Json* found = member(object, name);
    if (!found) return fallback;
    if (found->is_boolean()) return found->get<bool>();
    const auto parsed = parse_bool(text_at(object, name));
    return parsed.ok() ? parsed.value : fallback;
}

double double_at(const Json& object, const char* name) {
    const Json* found = member(object, name);
    return found && found->is_number() ? found->get<double>() : 0;
}

const Json& list_at(const Json& object, const char* name) {
    static const Json none = Json::array();
    const Json* found = member(object, name);
    return found && found->is_array() ? *found : none;
}

const Json& object_at(const Json& object, const char* name) {
    static const Json none = Json::object();
    const Json* found = member(object, name);
    return found && found->is_object() ? *found : none;
}

std::vector<std::string> texts_at(const Json& object, const char* name) {
    std::vector<std::string> texts;
    for (const Json& item : list_at(object, name))
        if (item.is_string()) texts.push_back(item.get<std::string>());
    return texts;
}

MessageQueue queue_of(const Json& object) {
    return {text_at(object, "topic"), text_at(object, "brokerName"), int32_at(object, "queueId")};
}

MessageQueue queue_of_key(const std::string& key) {
    auto strict = strict_json(key);
    return strict ? queue_of(Json::parse(*strict, nullptr, false)) : MessageQueue{};
}

}  // namespace posthorn::wire::remoting
