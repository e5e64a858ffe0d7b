#include "rocketmq_conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthorn::server {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::SizeIs;

struct Applied {
    Config config;
    Notes notes;
    Result<void> done;
};

Applied read_conf(std::string_view path, std::string_view content) {
    Applied applied;
    applied.done = apply_rocketmq_conf(applied.config, path, content, applied.notes);
    return applied;
}

// A file as it is passed from project to project, with spellings RocketMQ itself gave up long ago.
constexpr std::string_view handed_down = R"(# Broker
brokerName=broker-a
brokerClusterName=DefaultCluster
brokerId=0
deleteWhen=04
fileReservedTime=48
brokerRole=SYNC_MASTER
flushDiskType=SYNC_FLUSH

sendMessageThreadPoolNums=16
pullMessageThreadPoolNums=32
queryMessageThreadPoolNums=8

mapedFileSizeCommitLog=1073741824
mapedFileSizeConsumeQueue=30000000
maxMessageSize=65536

listenPort=10911
transferMsgByHeap=true
)";

TEST(RocketmqConf, ABrokerFileIsUnderstoodWhole) {
    const auto applied = read_conf("broker.conf", handed_down);
    ASSERT_TRUE(applied.done.ok()) << applied.done.error().message;
    const Config& config = applied.config;
    EXPECT_EQ(config.remoting.broker_name, "broker-a");
    EXPECT_EQ(config.engine.delete_hour, 4);
    EXPECT_EQ(config.engine.retention_ms, 48 * 3'600'000);
    EXPECT_EQ(config.engine.flush, broker::Flush::sync);
    EXPECT_EQ(config.remoting.message_max_bytes, 65536u);
    EXPECT_EQ(config.remoting.broker_port, 10911);
    EXPECT_EQ(config.remoting.vip_port, 10909);
    EXPECT_THAT(applied.notes, Each(Field(&Note::text, testing::Not(HasSubstr("is no key")))));
    EXPECT_THAT(
        applied.notes,
        Contains(Field(&Note::text, AllOf(HasSubstr("mapedFileSizeCommitLog"), HasSubstr("has no effect")))));
}

TEST(RocketmqConf, ASynchronousMasterWithoutSlaveIsOneWarningInWords) {
    const auto applied = read_conf("broker.conf", "brokerRole=SYNC_MASTER\n");
    ASSERT_THAT(applied.notes, SizeIs(1));
    EXPECT_EQ(applied.notes[0].level, LogLevel::warn);
    EXPECT_THAT(applied.notes[0].text, HasSubstr("SEND_OK"));
}

TEST(RocketmqConf, ANameServerFileIsUnderstoodWhole) {
    const auto applied = read_conf("namesrv.conf", R"(listenPort=19876
serverWorkerThreads=8
serverCallbackExecutorThreads=0
serverSelectorThreads=4
serverOnewaySemaphoreValue=256
serverSemaphoreValue=64
)");
    ASSERT_TRUE(applied.done.ok());
    EXPECT_EQ(applied.config.remoting.name_service_port, 19876);
    EXPECT_EQ(applied.config.remoting.broker_port, 10911);
    EXPECT_THAT(applied.notes, Each(Field(&Note::text, HasSubstr("has no effect"))));
    EXPECT_THAT(applied.notes, SizeIs(5));
}

TEST(RocketmqConf, AnUnknownKeyIsNamed) {
    const auto applied = read_conf("broker.conf", "brokerNmae=x\n");
    ASSERT_THAT(applied.notes, SizeIs(1));
    EXPECT_EQ(applied.notes[0].level, LogLevel::warn);
    EXPECT_THAT(applied.notes[0].text, HasSubstr("broker.conf:1: brokerNmae"));
    EXPECT_THAT(applied.notes[0].text, HasSubstr("is 'brokerName' meant?"));
}

TEST(RocketmqConf, WhatCannotBeIsAnError) {
    EXPECT_THAT(read_conf("b.conf", "\n brokerRole = SLAVE").done.error().message, HasSubstr("b.conf:2"));
    EXPECT_FALSE(read_conf("b.conf", "fileReservedTime=often").done.ok());
    EXPECT_FALSE(read_conf("b.conf", "flushDiskType=NEVER").done.ok());
    EXPECT_FALSE(read_conf("b.conf", "listenPort=99999").done.ok());
}

TEST(RocketmqConf, AskingForAccessControlOrTlsIsAWarningNotASilence) {
    for (const char* line : {"aclEnable=true", "useTLS=true", "authenticationEnabled=true"}) {
        const auto applied = read_conf("broker.conf", line);
        ASSERT_THAT(applied.notes, SizeIs(1)) << line;
        EXPECT_EQ(applied.notes[0].level, LogLevel::warn);
        EXPECT_THAT(applied.notes[0].text, HasSubstr("not built yet"));
    }
    EXPECT_TRUE(read_conf("broker.conf", "aclEnable=false").notes.empty());
}

TEST(RocketmqConf, LinesAreReadAsJavaReadsThem) {
    const auto applied =
        read_conf("b.conf",
                  "\xEF\xBB\xBF! comment\r\n  brokerName : b=1 \r\nmessageDelayLevel = 1s \\\r\n  5s\n"
                  "storePathRootDir=/data/store");
    ASSERT_TRUE(applied.done.ok()) << applied.done.error().message;
    EXPECT_EQ(applied.config.remoting.broker_name, "b=1");
    EXPECT_EQ(applied.config.remoting.delay_levels, (std::vector<std::int64_t>{1000, 5000}));
    EXPECT_EQ(applied.config.data_directory, "/data/store");
}

TEST(RocketmqConf, IsToldFromYamlByNameOrContent) {
    EXPECT_TRUE(is_rocketmq_conf("conf/broker.conf", ""));
    EXPECT_TRUE(is_rocketmq_conf("settings", "# x\nbrokerName=a\n"));
    EXPECT_FALSE(is_rocketmq_conf("settings", "store:\n  flush: sync\n"));
    EXPECT_FALSE(is_rocketmq_conf("posthorn.yaml", "a=b"));
}

TEST(RocketmqConf, AFileOfSomethingElseIsRefused) {
    std::string content;
    for (int n = 0; n < 1'000; ++n)
        content += "key" + std::to_string(n) + "=1\n";
    const Applied applied = read_conf("other.conf", content);
    EXPECT_FALSE(applied.done.ok());
    EXPECT_THAT(applied.notes, SizeIs(100));
}

TEST(RocketmqConf, AKeyOfAnyLengthIsOnlyUnknown) {
    const Applied applied = read_conf("long.conf", std::string(1 << 20, 'x') + "=1");
    EXPECT_TRUE(applied.done.ok());
    EXPECT_THAT(applied.notes, SizeIs(1));
}

}  // namespace
}  // namespace posthorn::server
