#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

struct evp_pkey_st;
struct x509_st;

namespace posthorn::runtime {

/// A certificate with its key, both in PEM.
struct KeyPair {
    std::string certificate, key;
};

/// A CA of one's own, for first tries and tests: P-256 keys that nobody protects, certificates that nobody
/// can revoke.
class TestAuthority {
  public:
    /// `name` is its common name.
    [[nodiscard]] static Result<TestAuthority> make(const std::string& name);
    TestAuthority(TestAuthority&& other) noexcept;
    TestAuthority& operator=(TestAuthority&&) = delete;
    ~TestAuthority();

    const KeyPair& pair() const { return pair_; }
    /// For a server that clients call by these names and addresses.
    [[nodiscard]] Result<KeyPair> server(const std::vector<std::string>& hosts,
                                         std::chrono::hours valid = std::chrono::hours(365 * 24)) const;
    /// For a client; `name` is its common name, the organization is "Posthorn test".
    [[nodiscard]] Result<KeyPair> client(const std::string& name) const;

  private:
    TestAuthority() = default;

    evp_pkey_st* key_ = nullptr;
    x509_st* certificate_ = nullptr;
    KeyPair pair_;
};

}  // namespace posthorn::runtime
