#include "auth/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <vector>

#include "base/bytes.h"

namespace posthorn::auth {
namespace {

constexpr std::size_t kSaltBytes = 4, kDigestBytes = 32;

std::string digest_with(std::string_view salt, std::string_view password) {
    std::string text(salt);
    text += password;
    std::array<unsigned char, kDigestBytes> digest{};
    const int done = EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    POSTHORN_CHECK(done == 1, "SHA-256 is not available");
    OPENSSL_cleanse(text.data(), text.size());
    return std::string(salt) + std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

std::string to_base64(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::string from_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3, '\0');
    const int size =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (size < 0) return {};
    std::size_t padding = 0;
    while (padding < text.size() && padding < 2 && text[text.size() - 1 - padding] == '=')
        ++padding;
    bytes.resize(static_cast<std::size_t>(size) - padding);
    return bytes;
}

}  // namespace

PasswordHash PasswordHash::of(std::string_view password, std::uint32_t salt) {
    std::array<std::byte, kSaltBytes> bytes{};
    store_be(bytes.data(), salt);
    return PasswordHash(to_base64(digest_with(as_text(bytes), password)));
}

Result<PasswordHash> PasswordHash::from_text(std::string_view base64) {
    if (base64.empty()) return PasswordHash{};
    // 36 bytes are 48 characters, no padding. Anything longer is some other algorithm's.
    if (base64.size() != 48 || from_base64(base64).size() != kSaltBytes + kDigestBytes)
        return Error{Errc::invalid,
                     "a password hash is base64 of 4 bytes of salt and a SHA-256 "
                     "(hashing_algorithm rabbit_password_hashing_sha256)"};
    return PasswordHash(std::string(base64));
}

bool PasswordHash::matches(std::string_view password) const {
    if (none()) return false;
    const std::string kept = from_base64(text_);
    const std::string given = digest_with(std::string_view(kept).substr(0, kSaltBytes), password);
    return CRYPTO_memcmp(kept.data(), given.data(), kept.size()) == 0;
}

}  // namespace posthorn::auth
