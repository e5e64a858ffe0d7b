#include "tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "tls_error.h"

namespace posthorn::runtime {

/// OpenSSL's side of the two buffers.
struct StreamBio {
    BIO_METHOD* const method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "posthorn");
    StreamBio() {
        POSTHORN_CHECK(method != nullptr, "no memory for OpenSSL");
        BIO_meth_set_read(method, TlsStream::read_input);
        BIO_meth_set_write(method, TlsStream::write_sealed);
        BIO_meth_set_ctrl(method, TlsStream::control);
    }
    ~StreamBio() { BIO_meth_free(method); }
};

int TlsStream::read_input(bio_st* bio, char* into, int room) {
    Bytes& input = static_cast<TlsStream*>(BIO_get_data(bio))->input_;
    BIO_clear_retry_flags(bio);
    if (input.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::size_t size = std::min(input.size(), static_cast<std::size_t>(room));
    std::memcpy(into, input.data(), size);
    input = input.subspan(size);
    return static_cast<int>(size);
}

int TlsStream::write_sealed(bio_st* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    static_cast<TlsStream*>(BIO_get_data(bio))
        ->sealed_.append(std::string_view(from, static_cast<std::size_t>(size)));
    return size;
}

long TlsStream::control(bio_st*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

TlsStream::TlsStream(const TlsContext& context)
    : ssl_(SSL_new(context.native())), asks_peer_(context.options().verify_peer) {
    static const StreamBio buffers;
    BIO* const bio = BIO_new(buffers.method);
    POSTHORN_CHECK(ssl_ != nullptr && bio != nullptr, "no memory for a TLS session");
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() {
    SSL_free(ssl_);
}

TlsStream::Step TlsStream::stopped(int result) {
    switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_READ:
            return Step::more;
        case SSL_ERROR_ZERO_RETURN:
            ended_ = true;
            return Step::ended;
        default:
            break;
    }
    // Of a certificate that was refused, its own reason says more.
    const long verified = SSL_get_verify_result(ssl_);
    why_ = take_tls_error();
    if (verified != X509_V_OK) why_ += std::string(": ") + X509_verify_cert_error_string(verified);
    return Step::failed;
}

TlsStream::Step TlsStream::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    if (result != 1) return stopped(result);
    note_session();
    return Step::done;
}

void TlsStream::note_session() {
    session_.protocol = SSL_get_version(ssl_);
    session_.cipher = SSL_get_cipher_name(ssl_);
    session_.peer_asked = asks_peer_;
    X509* const peer = SSL_get0_peer_certificate(ssl_);
    if (peer != nullptr && SSL_get_verify_result(ssl_) == X509_V_OK) session_.peer = Certificate::of(*peer);
}

TlsStream::Step TlsStream::open(std::byte* into, std::size_t room, std::size_t& size) {
    ERR_clear_error();
    size = 0;
    while (size < room) {
        std::size_t read = 0;
        const int result = SSL_read_ex(ssl_, into + size, room - size, &read);
        if (result != 1) return stopped(result);
        size += read;
    }
    return Step::more;
}

bool TlsStream::seal(Bytes plaintext) {
    ERR_clear_error();
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_, plaintext.data(), plaintext.size(), &written);
    if (result == 1) return true;
    if (stopped(result) != Step::failed) why_ = "the session cannot go on";
    return false;
}

void TlsStream::end() {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
}

}  // namespace posthorn::runtime
