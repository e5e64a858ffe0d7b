#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct ssl_ctx_st;
struct x509_st;

namespace posthorn::runtime {

enum class TlsVersion { v1_2, v1_3 };

/// What a door with TLS is made of. All files are PEM.
struct TlsOptions {
    std::string certificate_file{};  ///< the server's own, with those between it and its CA behind it
    std::string key_file{};
    std::string key_password{};      ///< of an encrypted key; empty: it is not
    std::string authorities_file{};  ///< the CAs that peers' certificates must come from
    /// Peers are asked for a certificate, and one that is shown must be good.
    bool verify_peer = false;
    bool fail_if_no_peer_certificate = false;  ///< with verify_peer: and one must be shown
    TlsVersion oldest_version = TlsVersion::v1_2;

    bool operator==(const TlsOptions&) const = default;
};

/// What stands in a certificate. Names are written as RFC 4514 has it, attribute names and escapes as
/// RabbitMQ spells them ("CN=client,O=Example"): users are named so.
struct Certificate {
    std::string subject, issuer;
    std::string common_name;  ///< the subject's; several with commas between; empty: it has none
    std::int64_t not_before_s = 0, not_after_s = 0;  ///< Unix time

    static Certificate of(x509_st& certificate);
};

/// What both ends of a TLS connection agreed upon.
struct TlsSession {
    std::string_view protocol;        ///< "TLSv1.3"
    std::string_view cipher;          ///< OpenSSL's name of the suite
    std::optional<Certificate> peer;  ///< only one that was verified
    bool peer_asked = false;          ///< whether the peer was asked for one
};

/// A server's certificate, key and rules: TLS 1.2 and 1.3, no renegotiation, no compression, and no resumed
/// sessions (connections live long, and a resumed one would skip the look at the peer's certificate). Never
/// changes, so connections share it; a renewed certificate is a new context for new connections.
class TlsContext {
  public:
    /// Any thread; reads the files. The error names the file and what is wrong with it.
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> load(const TlsOptions& options);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    const Certificate& certificate() const { return certificate_; }
    const TlsOptions& options() const { return options_; }
    ssl_ctx_st* native() const { return native_; }

  private:
    TlsContext(ssl_ctx_st* native, TlsOptions options);

    ssl_ctx_st* native_;
    TlsOptions options_;
    Certificate certificate_;
};

}  // namespace posthorn::runtime
