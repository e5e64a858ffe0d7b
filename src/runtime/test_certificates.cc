#include "runtime/test_certificates.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "tls_error.h"

namespace posthorn::runtime {

namespace {

constexpr const char* organization = "Posthorn test";
/// Clocks of other machines may be behind.
constexpr long early_s = 3600;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using X509Pointer = std::unique_ptr<X509, decltype(&X509_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

Error failed() {
    return {Errc::io, "no certificate could be made: " + take_tls_error()};
}

std::string text_of(BIO* memory) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

Result<KeyPair> pem(X509* certificate, EVP_PKEY* key) {
    const Memory first(BIO_new(BIO_s_mem()), &BIO_free_all), second(BIO_new(BIO_s_mem()), &BIO_free_all);
    if (PEM_write_bio_X509(first.get(), certificate) != 1 ||
        PEM_write_bio_PrivateKey(second.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return failed();
    return KeyPair{text_of(first.get()), text_of(second.get())};
}

bool set_name(X509* certificate, const std::string& common_name) {
    X509_NAME* const name = X509_get_subject_name(certificate);
    const auto add = [name](const char* field, const std::string& value) {
        return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                          reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1, 0);
    };
    return add("O", organization) == 1 && add("CN", common_name) == 1;
}

bool extend(X509* certificate, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    const bool good = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

struct Extension {
    int what;
    std::string value;
};

/// Signed by `issuer` with `issuer_key`; null: by itself.
X509Pointer make_certificate(const std::string& common_name, EVP_PKEY* key, X509* issuer,
                             EVP_PKEY* issuer_key, std::chrono::hours valid,
                             const std::vector<Extension>& extensions) {
    X509Pointer made(X509_new(), &X509_free);
    std::uint64_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    bool good = made && X509_set_version(made.get(), X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial >> 1) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(made.get()), -early_s) != nullptr &&
                X509_gmtime_adj(X509_getm_notAfter(made.get()), long{valid.count()} * 3600) != nullptr &&
                X509_set_pubkey(made.get(), key) == 1 && set_name(made.get(), common_name);
    X509* const signer = issuer ? issuer : made.get();
    good = good && X509_set_issuer_name(made.get(), X509_get_subject_name(signer)) == 1;
    for (const Extension& extension : extensions)
        good = good && extend(made.get(), signer, extension.what, extension.value);
    good = good && X509_sign(made.get(), issuer ? issuer_key : key, EVP_sha256()) != 0;
    return good ? std::move(made) : X509Pointer(nullptr, &X509_free);
}

bool is_address(const std::string& host) {
    unsigned char bytes[sizeof(in6_addr)];
    return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

constexpr std::chrono::hours ten_years{10 * 365 * 24};

}  // namespace

Result<TestAuthority> TestAuthority::make(const std::string& name) {
    Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    if (!key) return failed();
    X509Pointer certificate = make_certificate(name, key.get(), nullptr, nullptr, ten_years,
                                               {{NID_basic_constraints, "critical,CA:TRUE"},
                                                {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                                {NID_subject_key_identifier, "hash"}});
    if (!certificate) return failed();
    auto pair = pem(certificate.get(), key.get());
    if (!pair) return pair.error();
    TestAuthority made;
    made.pair_ = std::move(*pair);
    made.key_ = key.release();
    made.certificate_ = certificate.release();
    return Result<TestAuthority>(std::move(made));
}

TestAuthority::TestAuthority(TestAuthority&& other) noexcept
    : key_(std::exchange(other.key_, nullptr)),
      certificate_(std::exchange(other.certificate_, nullptr)),
      pair_(std::move(other.pair_)) {}

TestAuthority::~TestAuthority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
}

Result<KeyPair> TestAuthority::server(const std::vector<std::string>& hosts, std::chrono::hours valid) const {
    if (hosts.empty()) return Error{Errc::invalid, "a server has at least one name"};
    std::string names;
    for (const std::string& host : hosts)
        names += (names.empty() ? "" : ",") + std::string(is_address(host) ? "IP:" : "DNS:") + host;
    const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    if (!key) return failed();
    const X509Pointer certificate = make_certificate(hosts.front(), key.get(), certificate_, key_, valid,
                                                     {{NID_basic_constraints, "critical,CA:FALSE"},
                                                      {NID_key_usage, "critical,digitalSignature"},
                                                      {NID_ext_key_usage, "serverAuth"},
                                                      {NID_subject_alt_name, names},
                                                      {NID_authority_key_identifier, "keyid"}});
    if (!certificate) return failed();
    return pem(certificate.get(), key.get());
}

Result<KeyPair> TestAuthority::client(const std::string& name) const {
    const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    if (!key) return failed();
    const X509Pointer certificate =
        make_certificate(name, key.get(), certificate_, key_, std::chrono::hours(365 * 24),
                         {{NID_basic_constraints, "critical,CA:FALSE"},
                          {NID_key_usage, "critical,digitalSignature"},
                          {NID_ext_key_usage, "clientAuth"},
                          {NID_authority_key_identifier, "keyid"}});
    if (!certificate) return failed();
    return pem(certificate.get(), key.get());
}

}  // namespace posthorn::runtime
