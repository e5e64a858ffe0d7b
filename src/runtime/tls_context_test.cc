#include "tls_rig_for_test.h"

namespace posthorn::runtime {
namespace {

class TlsContextTest : public testing::Test {
  protected:
    const TestCertificates& all = TestCertificates::get();
    CertificateFolder folder;
    TlsOptions options{.certificate_file = folder.write("server.pem", all.server.certificate),
                       .key_file = folder.write("server.key", all.server.key),
                       .authorities_file = folder.write("ca.pem", all.authority.pair().certificate)};

    std::string error() {
        const auto loaded = TlsContext::load(options);
        return loaded ? "" : loaded.error().message;
    }
};

TEST_F(TlsContextTest, SaysWhoseCertificateItIsAndUntilWhen) {
    const auto loaded = TlsContext::load(options);
    ASSERT_TRUE(loaded.ok());
    const Certificate& certificate = (*loaded)->certificate();
    EXPECT_EQ(certificate.subject, "CN=localhost,O=Posthorn test");
    EXPECT_EQ(certificate.issuer, "CN=test CA,O=Posthorn test");
    EXPECT_NEAR(static_cast<double>(certificate.not_after_s - certificate.not_before_s), 365 * 86'400.0,
                7'200.0);
}

TEST_F(TlsContextTest, AMissingFileIsNamed) {
    options.key_file = folder.path("nothing.key");
    EXPECT_EQ(TlsContext::load(options).error().code, Errc::not_found);
    EXPECT_THAT(error(),
                testing::AllOf(HasSubstr("key file"), HasSubstr("nothing.key"), HasSubstr("No such file")));
    options.certificate_file = folder.path("nothing.pem");
    EXPECT_THAT(error(), HasSubstr("certificate file"));
}

TEST_F(TlsContextTest, AKeyOfAnotherCertificateIsToldFromOneThatCannotBeRead) {
    options.key_file = folder.write("other.key", all.client.key);
    EXPECT_THAT(error(), HasSubstr("does not belong to"));
    options.key_file = folder.write("no.key", "nothing of the kind\n");
    EXPECT_THAT(error(), HasSubstr("holds no private key"));
}

TEST_F(TlsContextTest, AnEncryptedKeyNeedsItsPassword) {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(BIO_new_mem_buf(all.server.key.data(), -1),
                                                           &BIO_free_all),
        out(BIO_new(BIO_s_mem()), &BIO_free_all);
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr);
    PEM_write_bio_PKCS8PrivateKey(out.get(), key, EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr);
    EVP_PKEY_free(key);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    options.key_file = folder.write("encrypted.key", std::string(bytes, static_cast<std::size_t>(size)));
    EXPECT_FALSE(error().empty());
    options.key_password = "wrong";
    EXPECT_THAT(error(), HasSubstr("with this password"));
    options.key_password = "secret";
    EXPECT_EQ(error(), "");
}

TEST_F(TlsContextTest, AFileWithoutCertificatesIsSaid) {
    options.authorities_file = folder.write("empty.pem", "\n");
    EXPECT_THAT(error(), HasSubstr("CA file"));
    options.certificate_file = folder.write("empty.pem", "\n");
    EXPECT_THAT(error(), HasSubstr("holds no certificate"));
}

TEST_F(TlsContextTest, VerifyingPeersNeedsTheirAuthority) {
    options.authorities_file.clear();
    EXPECT_EQ(error(), "");
    options.verify_peer = true;
    EXPECT_THAT(error(), HasSubstr("CA's certificate is needed"));
}

TEST(Certificate, NamesAreWrittenAsRabbitmqWritesThem) {
    X509* const x509 = X509_new();
    X509_NAME* const name = X509_get_subject_name(x509);
    const auto add = [&](const char* field, const char* value, int set = 0) {
        ASSERT_EQ(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                             reinterpret_cast<const unsigned char*>(value), -1, -1, set),
                  1);
    };
    add("DC", "example");
    add("O", "A+B, \"C\" <D>;\\");
    add("emailAddress", "a@b", -1);
    add("CN", " \xc3\xa9~ ");
    add("CN", "#two");
    add("businessCategory", "x");
    const Certificate certificate = Certificate::of(*x509);
    X509_free(x509);
    EXPECT_EQ(certificate.subject,
              "2.5.4.15=x,CN=\\#two,CN=\\ \\C3\\A9\\7E\\ ,"
              "O=A\\+B\\, \\\"C\\\" \\<D\\>\\;\\\\+EMAILADDRESS=a@b,DC=example");
    EXPECT_EQ(certificate.common_name, " \xc3\xa9~ ,#two");
}

}  // namespace
}  // namespace posthorn::runtime
