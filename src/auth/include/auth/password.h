#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::auth {

/// A password as it is kept: base64 of four random bytes and the SHA-256 of these and the password, which is
/// RabbitMQ's `rabbit_password_hashing_sha256`, so that its definition files can be imported and ours by it.
class PasswordHash {
  public:
    /// Matches no password: such a user cannot log in by one.
    PasswordHash() = default;
    static PasswordHash of(std::string_view password, std::uint32_t salt);
    [[nodiscard]] static Result<PasswordHash> from_text(std::string_view base64);

    bool matches(std::string_view password) const;
    bool none() const { return text_.empty(); }
    const std::string& text() const { return text_; }

  private:
    explicit PasswordHash(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

}  // namespace posthorn::auth
