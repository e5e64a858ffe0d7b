#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace posthorn {

/// Why an expected failure happened, as far as a caller may act on it. Gateways translate these to their
/// protocol's codes in one place; the text is for people and says what to do next.
enum class Errc {
    invalid,      ///< the request contradicts its own rules (illegal name, size, range)
    not_found,    ///< the named thing does not exist
    exists,       ///< the named thing exists already, with other properties
    denied,       ///< permission or state of the thing forbids it
    full,         ///< a limit of ours is reached (memory, window, queue); try again later
    no_space,     ///< the disk is full or above its watermark; reads go on
    read_only,    ///< a write or sync failed; the store refuses writes until restart
    io,           ///< the operating system refused
    damaged,      ///< stored bytes contradict their checksum
    unsupported,  ///< known by name, not built
    busy,         ///< somebody else holds it (a second process on the data directory)
    loading,      ///< on its way from the disk: the caller is told when to ask again
};

const char* name(Errc code);

struct [[nodiscard]] Error {
    Errc code;
    std::string message;
};

/// A value, or the reason there is none. `Result<void>` has no value to take.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & {
        POSTHORN_CHECK(ok(), "value() of a failed result");
        return *std::get_if<0>(&state_);
    }
    const T& value() const& { return const_cast<Result*>(this)->value(); }
    T&& value() && { return std::move(value()); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const {
        POSTHORN_CHECK(!ok(), "error() of a good result");
        return *std::get_if<1>(&state_);
    }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)), failed_(true) {}

    bool ok() const { return !failed_; }
    explicit operator bool() const { return ok(); }
    const Error& error() const {
        POSTHORN_CHECK(failed_, "error() of a good result");
        return error_;
    }

  private:
    Error error_{Errc::invalid, {}};
    bool failed_ = false;
};

}  // namespace posthorn
