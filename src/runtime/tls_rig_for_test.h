#pragma once

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "runtime/test_certificates.h"
#include "runtime/tls.h"
#include "tcp_rig_for_test.h"

namespace posthorn::runtime {

/// A folder that goes with the test, with certificates in it.
class CertificateFolder {
  public:
    CertificateFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "posthorn-tls-XXXXXX").string();
        POSTHORN_CHECK(::mkdtemp(name.data()) != nullptr, "no folder for certificates");
        path_ = name;
    }
    ~CertificateFolder() { std::filesystem::remove_all(path_); }
    CertificateFolder(const CertificateFolder&) = delete;
    CertificateFolder& operator=(const CertificateFolder&) = delete;

    std::string write(const std::string& name, const std::string& text) const {
        const std::string path = path_ + "/" + name;
        std::ofstream(path) << text;
        return path;
    }
    std::string path(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

/// One CA with a server's and a client's certificate, made once for all tests.
struct TestCertificates {
    TestAuthority authority = std::move(*TestAuthority::make("test CA"));
    KeyPair server = *authority.server({"localhost", "127.0.0.1"});
    KeyPair client = *authority.client("client one");
    TestAuthority stranger = std::move(*TestAuthority::make("nobody's CA"));
    KeyPair strange_client = *stranger.client("client one");

    static const TestCertificates& get() {
        static const TestCertificates all;
        return all;
    }
};

/// The other side, by OpenSSL on a non-blocking socket of its own.
class TlsClient {
  public:
    explicit TlsClient(std::uint16_t port, int version = TLS1_3_VERSION, const KeyPair* pair = nullptr,
                       int receive_buffer = 0)
        : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
          ssl_(nullptr, &SSL_free),
          fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets whose server is gone
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
        ::fcntl(fd_, F_SETFL, O_NONBLOCK);
        SSL_CTX_set_max_proto_version(context_.get(), version);
        if (pair) use(*pair);
        trust(TestCertificates::get().authority.pair().certificate);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), fd_);
        SSL_set_connect_state(ssl_.get());
        SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    ~TlsClient() { hang_up(); }
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    /// True once the handshake is over; `failed` tells that it never will be.
    bool shaken() {
        ERR_clear_error();
        const int done = SSL_do_handshake(ssl_.get());
        note(done);
        return done == 1;
    }
    /// Sends what goes; returns how much.
    std::size_t send(std::string_view text) {
        ERR_clear_error();
        std::size_t written = 0;
        note(SSL_write_ex(ssl_.get(), text.data(), text.size(), &written));
        return written;
    }
    std::string take() {
        ERR_clear_error();
        std::string text(1 << 16, '?');
        std::size_t read = 0;
        note(SSL_read_ex(ssl_.get(), text.data(), text.size(), &read));
        text.resize(read);
        return text;
    }
    void hang_up() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    SSL* ssl() { return ssl_.get(); }
    int fd() const { return fd_; }

    bool ended = false;   ///< the server has said that it is done
    bool failed = false;  ///< the session, or the connection below it, is broken
    std::string why;

  private:
    void use(const KeyPair& pair) {
        const std::unique_ptr<BIO, decltype(&BIO_free_all)> certificate(
            BIO_new_mem_buf(pair.certificate.data(), -1), &BIO_free_all),
            key(BIO_new_mem_buf(pair.key.data(), -1), &BIO_free_all);
        X509* const x509 = PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr);
        EVP_PKEY* const pkey = PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr);
        EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), x509), 1);
        EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), pkey), 1);
        X509_free(x509), EVP_PKEY_free(pkey);
    }
    void trust(const std::string& certificate) {
        const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new_mem_buf(certificate.data(), -1),
                                                                &BIO_free_all);
        X509* const x509 = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), x509);
        X509_free(x509);
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    }
    void note(int result) {
        if (result == 1) return;
        switch (SSL_get_error(ssl_.get(), result)) {
            case SSL_ERROR_WANT_READ:
            case SSL_ERROR_WANT_WRITE:
                return;
            case SSL_ERROR_ZERO_RETURN:
                ended = true;
                return;
            default:
                failed = true;
                if (const char* reason = ERR_reason_error_string(ERR_peek_last_error())) why = reason;
        }
    }

    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
    int fd_;
};

class TlsTest : public TcpTest {
  protected:
    std::shared_ptr<const TlsContext> context(TlsOptions options = {}) {
        const TestCertificates& all = TestCertificates::get();
        options.certificate_file = folder.write("server.pem", all.server.certificate);
        options.key_file = folder.write("server.key", all.server.key);
        options.authorities_file = folder.write("ca.pem", all.authority.pair().certificate);
        auto loaded = TlsContext::load(options);
        POSTHORN_CHECK(loaded.ok(), "the test's certificates do not load");
        return *loaded;
    }
    std::unique_ptr<Listener> listen(Connections& connections, Script& script, TlsOptions options = {}) {
        auto listener = Listener::open(
            connections, "127.0.0.1", 0, [&] { return std::make_unique<Session>(script); }, context(options));
        POSTHORN_CHECK(listener.ok(), "the test's listener does not open");
        return std::move(*listener);
    }
    std::uint64_t closed(const Connections& connections, CloseReason reason) {
        return connections.stats().closed[static_cast<std::size_t>(reason)];
    }

    CertificateFolder folder;
};

}  // namespace posthorn::runtime
