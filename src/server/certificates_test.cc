#include "certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "certificate_command.h"
#include "doctor.h"
#include "runtime/test_certificates.h"
#include "settings.h"

namespace posthorn::server {
namespace {

using testing::HasSubstr;

class CertificatesTest : public testing::Test {
  protected:
    CertificatesTest() { EXPECT_EQ(run_certificates({scratch, "--client", "somebody"}), cli::exit_good); }
    ~CertificatesTest() override { std::filesystem::remove_all(scratch); }

    std::string at(const std::string& name) const { return scratch + "/" + name; }
    void write(const std::string& name, const std::string& text) const { std::ofstream(at(name)) << text; }

    const std::string scratch = testing::TempDir() + "posthorn-certificates-" + std::to_string(::getpid());
    runtime::TlsOptions options{.certificate_file = at("server.pem"),
                                .key_file = at("server.key"),
                                .authorities_file = at("ca.pem"),
                                .verify_peer = true};
};

TEST_F(CertificatesTest, TheCommandMakesWhatAServerCanUseAndOverwritesNothing) {
    const auto loaded = load_certificates(options);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_EQ((*loaded)->certificate().common_name, "localhost");
    EXPECT_EQ(std::filesystem::status(at("server.key")).permissions() & std::filesystem::perms::all,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(run_certificates({scratch}), cli::exit_failed);
    EXPECT_EQ(run_certificates({}), cli::exit_usage);
}

TEST_F(CertificatesTest, AnErrorSaysWhichSettingsToLookAt) {
    options.key_file = at("client.key");
    const auto loaded = load_certificates(options);
    ASSERT_FALSE(loaded.ok());
    EXPECT_THAT(loaded.error().message,
                testing::AllOf(HasSubstr("does not belong to"), HasSubstr("tls.keyfile")));
}

TEST_F(CertificatesTest, WhatIsExpiredOrSoonWillBeIsSaid) {
    runtime::Certificate certificate;
    certificate.subject = "CN=x";
    certificate.not_before_s = 1'000'000'000, certificate.not_after_s = 1'100'000'000;
    EXPECT_EQ(certificate_warning(certificate, 1'050'000'000), "");
    EXPECT_THAT(certificate_warning(certificate, 1'099'000'000),
                HasSubstr("expires at 2004-11-09T11:33:20Z"));
    EXPECT_THAT(certificate_warning(certificate, 1'100'000'000), HasSubstr("expired at"));
    EXPECT_THAT(certificate_warning(certificate, 999'999'999), HasSubstr("is good from"));
}

TEST_F(CertificatesTest, TheDoctorLooksAtThem) {
    Config config;
    config.tls = options;
    Findings findings;
    examine_certificates(config, findings);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].verdict, Verdict::good);
    EXPECT_THAT(findings[0].found, HasSubstr("CN=localhost"));
    config.tls.key_file = at("none.key");
    examine_certificates(config, findings);
    EXPECT_EQ(findings.back().verdict, Verdict::bad);
    EXPECT_THAT(findings.back().found, HasSubstr("No such file"));
}

TEST_F(CertificatesTest, ARenewedOneIsTakenAndABrokenOneIsNot) {
    env::SystemClock clock;
    runtime::Loop loop(clock);
    runtime::InlineWorker worker;
    std::vector<std::string> taken;
    CertificateWatch watch(loop, worker, options, [&](std::shared_ptr<const runtime::TlsContext> renewed) {
        taken.push_back(renewed->certificate().common_name);
    });
    const auto look = [&] {
        watch.look();
        worker.collect();
    };
    look();
    EXPECT_TRUE(taken.empty());
    const auto renewed = *runtime::TestAuthority::make("another")->server({"renewed.example"});
    write("server.pem", renewed.certificate);  // the key follows a moment later
    look();
    EXPECT_TRUE(taken.empty());
    write("server.key", renewed.key);
    look();
    EXPECT_THAT(taken, testing::ElementsAre("renewed.example"));
    look();
    EXPECT_EQ(taken.size(), 1u);
}

TEST(TlsSettings, WhatContradictsItselfIsSaidBeforeTheStart) {
    const auto complaint = [](std::vector<std::pair<std::string_view, std::string_view>> values) {
        Config config;
        for (const auto& [key, value] : values)
            EXPECT_TRUE(set_value(config, key, value).ok()) << key;
        const auto done = complete(config);
        return done ? std::string() : done.error().message;
    };
    EXPECT_EQ(complaint({{"tls.certfile", "a.pem"}}), "");
    EXPECT_THAT(complaint({{"tls.keyfile", "a.key"}}), HasSubstr("tls.certfile is missing"));
    EXPECT_THAT(complaint({{"tls.certfile", "a"}, {"tls.verify", "verify_peer"}}),
                HasSubstr("tls.cacertfile"));
    EXPECT_THAT(complaint({{"tls.certfile", "a"}, {"tls.fail_if_no_peer_cert", "on"}}),
                HasSubstr("verify_peer"));
    Config config;
    EXPECT_TRUE(set_value(config, "tls.password", "secret").ok());
    EXPECT_EQ(find_setting("tls.password")->show(config), "***");
}

}  // namespace
}  // namespace posthorn::server
