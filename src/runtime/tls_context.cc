#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "runtime/tls.h"
#include "tls_error.h"

namespace posthorn::runtime {

namespace {

/// CAs between a peer's certificate and one of ours at most; what Erlang, and so RabbitMQ, allows.
constexpr int verify_depth = 10;

/// OpenSSL's own words say neither which file nor, for one that is not there, much else.
Result<void> check_readable(std::string_view what, const std::string& path) {
    if (std::FILE* const file = std::fopen(path.c_str(), "r")) {
        std::fclose(file);
        return {};
    }
    const Errc code = errno == ENOENT ? Errc::not_found : errno == EACCES ? Errc::denied : Errc::io;
    return Error{code, fmt::format("{} '{}' cannot be read: {}", what, path, std::strerror(errno))};
}

/// Without one OpenSSL would ask at the terminal.
int give_password(char* into, int room, int, void* options) {
    const std::string& password = static_cast<const TlsOptions*>(options)->key_password;
    if (password.size() > static_cast<std::size_t>(room)) return 0;
    std::memcpy(into, password.data(), password.size());
    return static_cast<int>(password.size());
}

Result<void> use_certificate(SSL_CTX* context, const TlsOptions& options) {
    if (auto there = check_readable("certificate file", options.certificate_file); !there) return there;
    if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
        return Error{Errc::invalid, fmt::format("certificate file '{}' holds no certificate in PEM: {}",
                                                options.certificate_file, take_tls_error())};
    return {};
}

Result<void> use_key(SSL_CTX* context, const TlsOptions& options) {
    if (auto there = check_readable("key file", options.key_file); !there) return there;
    SSL_CTX_set_default_passwd_cb(context, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<TlsOptions*>(&options));
    const int used = SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
    if (used == 1) return {};
    const unsigned long error = ERR_peek_last_error();
    if (ERR_GET_LIB(error) == ERR_LIB_X509 && ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH) {
        take_tls_error();
        return Error{Errc::invalid, fmt::format("the key in '{}' does not belong to the certificate in '{}'",
                                                options.key_file, options.certificate_file)};
    }
    return Error{Errc::invalid,
                 fmt::format("key file '{}' holds no private key that can be read{}: {}", options.key_file,
                             options.key_password.empty() ? "" : " with this password", take_tls_error())};
}

Result<void> use_authorities(SSL_CTX* context, const TlsOptions& options) {
    if (!options.authorities_file.empty()) {
        const std::string& path = options.authorities_file;
        if (auto there = check_readable("CA file", path); !there) return there;
        STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(path.c_str());
        if (names == nullptr || SSL_CTX_load_verify_locations(context, path.c_str(), nullptr) != 1)
            return Error{Errc::invalid,
                         fmt::format("CA file '{}' holds no certificate in PEM: {}", path, take_tls_error())};
        SSL_CTX_set_client_CA_list(context, names);
    }
    if (!options.verify_peer) return {};
    if (options.authorities_file.empty())
        return Error{Errc::invalid, "to verify peers a file with their CA's certificate is needed"};
    const int needed = options.fail_if_no_peer_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | needed, nullptr);
    SSL_CTX_set_verify_depth(context, verify_depth);
    return {};
}

void set_rules(SSL_CTX* context, const TlsOptions& options) {
    SSL_CTX_set_min_proto_version(
        context, options.oldest_version == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    // An idle connection holds no buffers.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

}  // namespace

std::string take_tls_error() {
    const unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    if (error == 0) return "no reason is given";
    if (const char* const reason = ERR_reason_error_string(error)) return reason;
    return fmt::format("error {:#x}", error);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsOptions& options) {
    ERR_clear_error();
    SSL_CTX* const native = SSL_CTX_new(TLS_server_method());
    if (native == nullptr) return Error{Errc::io, "TLS cannot be set up: " + take_tls_error()};
    std::shared_ptr<TlsContext> context(new TlsContext(native, options));
    set_rules(native, options);
    if (auto used = use_certificate(native, options); !used) return used.error();
    if (auto used = use_key(native, options); !used) return used.error();
    if (auto used = use_authorities(native, options); !used) return used.error();
    context->certificate_ = Certificate::of(*SSL_CTX_get0_certificate(native));
    return std::shared_ptr<const TlsContext>(std::move(context));
}

TlsContext::TlsContext(ssl_ctx_st* native, TlsOptions options)
    : native_(native), options_(std::move(options)) {}

TlsContext::~TlsContext() {
    SSL_CTX_free(native_);
}

}  // namespace posthorn::runtime
