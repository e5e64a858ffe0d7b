#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace posthorn::model {

struct Value;

/// A place in time in whole seconds since 1970, apart from numbers because clients see the difference.
struct Timestamp {
    std::uint64_t seconds = 0;
    bool operator==(const Timestamp&) const = default;
};

/// Bytes that are no text, apart from texts because a header exchange sees the difference.
struct Binary {
    std::string bytes;
    bool operator==(const Binary&) const = default;
};

/// Named values in the order they were given: arguments of queues and exchanges, headers of messages, the
/// definition of a policy. Few entries, so names are found by walking. A name given twice counts the first
/// time.
class Arguments {
    using Entries = std::vector<std::pair<std::string, Value>>;

  public:
    // None of these can stand here, before a Value is complete.
    Arguments();
    Arguments(std::initializer_list<std::pair<std::string, Value>> entries);
    Arguments(const Arguments&);
    Arguments(Arguments&&) noexcept;
    Arguments& operator=(const Arguments&);
    Arguments& operator=(Arguments&&) noexcept;
    ~Arguments();

    const Value* find(std::string_view name) const;
    void set(std::string_view name, Value value);  ///< replaces, or appends
    bool erase(std::string_view name);             ///< false if there was none
    bool empty() const;
    std::size_t size() const;
    /// The text of that name; null if there is none, or it is something else.
    const std::string* text(std::string_view name) const;
    Entries::const_iterator begin() const;
    Entries::const_iterator end() const;
    /// Same names with same values, in any order.
    bool operator==(const Arguments& other) const;

  private:
    Entries entries_;
};

using Array = std::vector<Value>;

/// What an argument or a header can hold, without the widths of any wire: a number is a number.
struct Value {
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Timestamp, Array, Arguments, Binary>
        held;

    const std::string* text() const { return std::get_if<std::string>(&held); }
    const std::int64_t* number() const { return std::get_if<std::int64_t>(&held); }
    const bool* flag() const { return std::get_if<bool>(&held); }
    bool operator==(const Value& other) const;
};

inline bool Arguments::empty() const {
    return entries_.empty();
}
inline std::size_t Arguments::size() const {
    return entries_.size();
}
inline auto Arguments::begin() const -> Entries::const_iterator {
    return entries_.begin();
}
inline auto Arguments::end() const -> Entries::const_iterator {
    return entries_.end();
}

/// One line of JSON that comes back as the same values. Timestamps become {"timestamp": seconds}, texts that
/// are no UTF-8 {"hex": "..."}, bytes {"binary": "..."} in hex, and a table that looks like one of these
/// {"table": {...}}.
std::string to_json(const Arguments& arguments);
/// Nothing if it is no JSON object.
std::optional<Arguments> arguments_from_json(std::string_view text);

}  // namespace posthorn::model
