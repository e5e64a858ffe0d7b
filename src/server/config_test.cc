#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "command_line.h"
#include "load.h"
#include "settings.h"

namespace posthorn::server {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;

std::string write_file(const std::string& name, const std::string& content) {
    const std::string path = testing::TempDir() + name;
    std::ofstream(path) << content;
    return path;
}

TEST(Settings, EveryDefaultReadsBackAsItIsShown) {
    const Config defaults;
    for (const Setting& setting : settings()) {
        Config config;
        const std::string shown = setting.show(defaults);
        const auto done = setting.set(config, shown);
        EXPECT_TRUE(done.ok()) << setting.key << ": " << (done.ok() ? "" : done.error().message);
        EXPECT_EQ(setting.show(config), shown) << setting.key;
    }
}

TEST(Settings, KeysFlagsAndVariablesAreUnique) {
    std::set<std::string> names;
    for (const Setting& setting : settings()) {
        EXPECT_TRUE(names.insert(setting.flag()).second) << setting.key;
        EXPECT_TRUE(names.insert(setting.variable()).second) << setting.key;
    }
    EXPECT_EQ(find_setting("store.sync_interval")->flag(), "--store-sync-interval");
    EXPECT_EQ(find_setting("store.sync_interval")->variable(), "POSTHORN_STORE_SYNC_INTERVAL");
}

TEST(Settings, TheirDocumentIsUpToDate) {
    std::ifstream file(POSTHORN_SOURCE_DIR "/docs/configuration.md");
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_THAT(text.str(), HasSubstr(settings_table()))
        << "docs/configuration.md does not hold this table; 'posthorn config table' prints it";
}

TEST(LoadConfig, FlagsBeatVariablesBeatFiles) {
    Sources sources;
    sources.files = {write_file(
        "layers.yaml", "ports:\n  broker: 1001\n  http: 1002\n  vip: 1003\nstore:\n  flush: sync\n")};
    sources.environment = {{"POSTHORN_PORTS_HTTP", "2002"}, {"POSTHORN_PORTS_VIP", "2003"}};
    sources.flags = {{"ports.vip", "3003"}};
    const auto loaded = load_config(sources);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    const Config& config = loaded.value().config;
    EXPECT_EQ(config.remoting.broker_port, 1001);
    EXPECT_EQ(config.http.port, 2002);
    EXPECT_EQ(config.remoting.vip_port, 3003);
    EXPECT_EQ(config.engine.flush, broker::Flush::sync);
    EXPECT_TRUE(loaded.value().notes.empty());
}

TEST(LoadConfig, TheBindAddressReachesEveryPort) {
    Sources sources;
    sources.flags = {{"network.bind", "0.0.0.0"}};
    const auto loaded = load_config(sources);
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ(loaded.value().config.remoting.bind_address, "0.0.0.0");
    EXPECT_EQ(loaded.value().config.http.address, "0.0.0.0");
}

TEST(LoadConfig, UnknownKeysAreNamedWithTheOneThatMayBeMeant) {
    Config config;
    Notes notes;
    ASSERT_TRUE(apply_yaml(config, "p.yaml", "store:\n  flsh: sync\nzebra: 1\n", notes).ok());
    ASSERT_EQ(notes.size(), 2u);
    EXPECT_THAT(notes[0].text, HasSubstr("p.yaml:2: key 'store.flsh' is not known"));
    EXPECT_THAT(notes[0].text, HasSubstr("is 'store.flush' meant?"));
    EXPECT_THAT(notes[1].text, HasSubstr("'zebra'"));

    Sources sources;
    sources.environment = {{"POSTHORN_NONSENSE", "1"}, {"POSTHORN_STORE_FLASH", "sync"}};
    const auto loaded = load_config(sources);
    EXPECT_THAT(loaded.value().notes, Contains(Field(&Note::text, HasSubstr("POSTHORN_NONSENSE"))));
    EXPECT_THAT(loaded.value().notes,
                Contains(Field(&Note::text, HasSubstr("is 'POSTHORN_STORE_FLUSH' meant?"))));
}

TEST(LoadConfig, AValueWhereASectionBelongsSaysHowItIsWritten) {
    Config config;
    Notes notes;
    const auto done = apply_yaml(config, "p.yaml", "ports:\nstore: sync\n", notes);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().message,
              "p.yaml:2: 'store' is a section, not a setting: its settings stand below it, indented, as "
              "'flush:'");
    EXPECT_TRUE(notes.empty()) << "a section may be empty";
}

TEST(LoadConfig, WrongValuesSayWhereAndWhatWouldBeRight) {
    Config config;
    Notes notes;
    const auto done = apply_yaml(config, "p.yaml", "ports:\n  http: 70000\n", notes);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().message, "p.yaml:2: ports.http: '70000' is more than 65535");
    EXPECT_FALSE(apply_yaml(config, "p.yaml", "- a list\n", notes).ok());
    EXPECT_FALSE(apply_yaml(config, "p.yaml", "a: [1, 2\n", notes).ok());

    Sources sources;
    sources.flags = {{"store.flush", "often"}};
    EXPECT_EQ(load_config(sources).error().message,
              "--store-flush: store.flush: 'often' is not one of: async, sync");
    sources.flags = {{"store.disk_clean", "95%"}};
    EXPECT_THAT(load_config(sources).error().message, HasSubstr("must not fall in this order"));
}

TEST(LoadConfig, AnchorsThatHoldThemselvesEnd) {
    Config config;
    Notes notes;
    EXPECT_TRUE(apply_yaml(config, "loop.yaml", "store: &a\n  flush: sync\n  b: *a\n", notes).ok());
    EXPECT_EQ(config.engine.flush, broker::Flush::sync);
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_THAT(notes[0].text, HasSubstr("'store.b' is not known"));
}

TEST(LoadConfig, AFileOfUnknownKeysIsRefusedAfterSome) {
    Config config;
    Notes notes;
    std::string content;
    for (int n = 0; n < 1'000; ++n)
        content += "key" + std::to_string(n) + ": 1\n";
    const auto done = apply_yaml(config, "other.yaml", content, notes);
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.error().message, HasSubstr("more than 100 keys are not known"));
    EXPECT_EQ(notes.size(), 100u);
}

TEST(Settings, ADelayLevelOfNothingReadsBack) {
    Config config;
    ASSERT_TRUE(set_value(config, "remoting.delay_levels", "0s 90s").ok());
    EXPECT_EQ(find_setting("remoting.delay_levels")->show(config), "0s 90s");
}

#if POSTHORN_WITH_AMQP
TEST(Settings, ADefaultPasswordIsNoSecretAndAnyOtherIs) {
    Config config;
    const Setting* const password = find_setting("amqp.default_password");
    EXPECT_EQ(password->show(config), "guest");
    config.first_user.password = "hunter2";
    EXPECT_EQ(password->show(config), "***");
}

TEST(CommandLine, AFlagMayBeGivenNothing) {
    int exit_code = 0;
    const auto sources = parse_command_line("serve", "", {"--amqp-loopback-users="}, exit_code);
    ASSERT_TRUE(sources.has_value());
    const auto loaded = load_config(*sources);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_EQ(loaded->config.first_user.loopback_only, "");
    const auto wrong = parse_command_line("serve", "", {"--ports-amqp="}, exit_code);
    ASSERT_TRUE(wrong.has_value());
    EXPECT_FALSE(load_config(*wrong).ok());
}
#endif

TEST(LoadConfig, AMissingFileIsNamed) {
    Sources sources;
    sources.files = {"/nowhere/posthorn.yaml"};
    EXPECT_THAT(load_config(sources).error().message, HasSubstr("/nowhere/posthorn.yaml"));
}

TEST(LoadConfig, ListsMayBeYamlLists) {
    Config config;
    Notes notes;
    ASSERT_TRUE(apply_yaml(config, "p.yaml", "remoting: {delay_levels: [1s, 2m]}\n", notes).ok());
    EXPECT_EQ(config.remoting.delay_levels, (std::vector<std::int64_t>{1000, 120'000}));
}

TEST(LoadConfig, ASettingWithoutAValueStaysAsItIsAndIsNamed) {
    Config config;
    Notes notes;
    ASSERT_TRUE(apply_yaml(config, "p.yaml", "amqp:\n  default_password:\n", notes).ok());
    EXPECT_EQ(config.first_user.password, "guest");
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_THAT(notes[0].text, HasSubstr("p.yaml:2: 'amqp.default_password' has no value"));
}

TEST(LoadConfig, AMapIsNoValue) {
    Config config;
    Notes notes;
    const auto done = apply_yaml(config, "p.yaml", "network:\n  bind: {x: 1}\n", notes);
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.error().message, HasSubstr("'network.bind' is one value"));
}

}  // namespace
}  // namespace posthorn::server
