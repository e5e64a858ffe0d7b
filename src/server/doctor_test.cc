#include "doctor.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "descriptors.h"

namespace posthorn::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DoctorTest : public ::testing::Test {
  protected:
    DoctorTest() {
        fs::create_directories(scratch);
        config.data_directory = scratch + "/data";
        config.remoting.name_service_port = config.remoting.broker_port = config.remoting.vip_port =
            config.http.port = 0;
#if POSTHORN_WITH_AMQP
        config.amqp.port = 0;
#endif
        // A machine that tests run on may be small and nearly full.
        config.engine.disk_clean_ratio = config.engine.disk_refuse_ratio = 1;
        config.engine.stream_segment_bytes = config.engine.queue_segment_bytes = 1 << 20;
    }
    ~DoctorTest() override { fs::remove_all(scratch); }

    Finding about(std::string_view check) const {
        const auto found = std::find_if(findings.begin(), findings.end(),
                                        [&](const Finding& finding) { return finding.check == check; });
        return found == findings.end() ? Finding{Verdict::bad, "nothing", "was found", {}} : *found;
    }

    const std::string scratch =
        fs::temp_directory_path() / ("posthorn-doctor-test-" + std::to_string(::getpid()));
    Config config;
    Findings findings;
};

TEST_F(DoctorTest, FindsAGoodPlaceGoodAndLeavesNothingThere) {
    examine_data_directory(config, findings);
    EXPECT_EQ(about("data.directory").verdict, Verdict::good) << about("data.directory").found;
    EXPECT_EQ(about("disk space").verdict, Verdict::good) << about("disk space").found;
    EXPECT_EQ(about("disk sync").verdict, Verdict::good) << about("disk sync").found;
    EXPECT_TRUE(fs::is_empty(scratch));
}

TEST_F(DoctorTest, NamesADirectoryThatCannotHoldData) {
    std::ofstream(scratch + "/file") << "x";
    config.data_directory = scratch + "/file/data";
    examine_data_directory(config, findings);
    EXPECT_EQ(about("data.directory").verdict, Verdict::bad);
    EXPECT_THAT(about("data.directory").found, HasSubstr("is no directory"));
    EXPECT_THAT(about("data.directory").advice, HasSubstr("--data-directory"));
}

TEST_F(DoctorTest, KnowsAStoreOfApaches) {
    fs::create_directories(config.data_directory + "/commitlog");
    examine_data_directory(config, findings);
    EXPECT_EQ(about("data.directory").verdict, Verdict::bad);
    EXPECT_THAT(about("data.directory").found, HasSubstr("Apache RocketMQ"));
}

TEST_F(DoctorTest, SaysHowMuchSpaceAStartTakes) {
    config.engine.stream_segment_bytes = std::uint64_t{1} << 60;
    examine_data_directory(config, findings);
    EXPECT_EQ(about("disk space").verdict, Verdict::bad);
    EXPECT_THAT(about("disk space").advice, HasSubstr("a start takes"));
}

TEST_F(DoctorTest, NamesWhoHasAPort) {
    const int taken = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(taken, 1), 0);
    ASSERT_EQ(::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size), 0);
    config.remoting.broker_port = ntohs(address.sin_port);
    examine_ports(config, findings);
    ::close(taken);
    EXPECT_EQ(about("ports.broker").verdict, Verdict::bad);
    EXPECT_THAT(about("ports.broker").found, HasSubstr("process " + std::to_string(::getpid())));
    EXPECT_THAT(about("ports.broker").advice, HasSubstr("--ports-broker"));
    EXPECT_EQ(about("ports.http").verdict, Verdict::good);
}

TEST_F(DoctorTest, WarnsOfAnOpenDoorAndOfOnePortForTwo) {
    config.bind_address = "0.0.0.0";
    config.remoting.broker_port = config.remoting.vip_port = 1;
    examine_ports(config, findings);
    EXPECT_EQ(about("network.bind").verdict, Verdict::warning);
    EXPECT_THAT(about("ports.vip").found, HasSubstr("two doors"));
}

#if POSTHORN_WITH_AMQP
TEST_F(DoctorTest, KnowsTheDoorOfAmqp) {
    config.amqp.port = config.http.port = 1;
    examine_ports(config, findings);
    EXPECT_THAT(about("ports.http").found, HasSubstr("two doors"));
    findings.clear();
    config.amqp_enabled = false;
    examine_ports(config, findings);
    EXPECT_THAT(about("ports.amqp").check, "nothing");
}
#endif

TEST_F(DoctorTest, WarnsWhenDescriptorsLeaveFewConnections) {
    EXPECT_EQ(connections_within(config, std::uint64_t{1} << 40), connections_wanted(config));
    EXPECT_EQ(connections_within(config, 1'024), 512u);
    examine_machine(config, findings);
    EXPECT_EQ(about("kernel").verdict, Verdict::good) << about("kernel").found;
    EXPECT_NE(about("file descriptors").check, "nothing");
}

TEST(Descriptors, WhoWantsFewConnectionsLeavesTheRestToTheOthers) {
    Config config;
    config.remoting.connections_max = 100'000, config.amqp.connections_max = 2'000;
    cap_connections(config, 19'000);
    EXPECT_EQ(config.amqp.connections_max, 2'000u);
    EXPECT_EQ(config.remoting.connections_max, 17'000u);
    config.remoting.connections_max = config.amqp.connections_max = 100'000;
    cap_connections(config, 19'000);
    EXPECT_EQ(config.amqp.connections_max, 9'500u);
    EXPECT_EQ(config.remoting.connections_max, 9'500u);
}

TEST_F(DoctorTest, SpeaksToPeopleAndToPrograms) {
    const Findings some{{Verdict::good, "kernel", "Linux", {}},
                        {Verdict::bad, "port", "it is \"taken\"", "free it"}};
    EXPECT_EQ(findings_text(some),
              "good     kernel             Linux\n"
              "bad      port               it is \"taken\"\n"
              "                            -> free it\n\n1 bad, 0 to look at.\n");
    EXPECT_EQ(findings_json(some),
              R"({"good":false,"findings":[{"verdict":"good","check":"kernel","found":"Linux","advice":""},)"
              R"({"verdict":"bad","check":"port","found":"it is \"taken\"","advice":"free it"}]})"
              "\n");
    EXPECT_THAT(findings_text({some.front()}), HasSubstr("All is well."));
}

TEST_F(DoctorTest, RefusesALineItDoesNotUnderstand) {
    EXPECT_EQ(run_doctor({"--no-such-option"}), cli::exit_usage);
}

}  // namespace
}  // namespace posthorn::server
