#include "auth/users.h"

#include <gtest/gtest.h>

namespace posthorn::auth {
namespace {

class MapKeep final : public Keep {
  public:
    Result<void> admit() const override { return refusal ? Result<void>(*refusal) : Result<void>(); }
    void put(std::string_view space, std::string_view key, std::string_view text) override {
        texts_[{std::string(space), std::string(key)}] = text;
    }
    void remove(std::string_view space, std::string_view key) override {
        texts_.erase({std::string(space), std::string(key)});
    }
    void each(std::string_view space,
              const std::function<void(std::string_view, std::string_view)>& visit) const override {
        for (const auto& [place, text] : texts_)
            if (place.first == space) visit(place.second, text);
    }
    std::size_t size() const { return texts_.size(); }

    std::optional<Error> refusal;

  private:
    std::map<std::pair<std::string, std::string>, std::string> texts_;
};

class UsersTest : public testing::Test {
  protected:
    std::unique_ptr<Users> load() { return std::move(*Users::load(keep_, random_)); }

    MapKeep keep_;
    env::Random random_{7};
    std::unique_ptr<Users> users_ = load();
};

TEST_F(UsersTest, OnlyTheirOwnPasswordLetsThemIn) {
    ASSERT_TRUE(users_->put_user("ann", "secret", {"administrator"}).ok());
    EXPECT_TRUE(users_->password_matches("ann", "secret"));
    EXPECT_FALSE(users_->password_matches("ann", "Secret"));
    EXPECT_FALSE(users_->password_matches("ann", ""));
    EXPECT_FALSE(users_->password_matches("bob", "secret"));
}

TEST_F(UsersTest, AUserWithoutPasswordCannotLogInByOne) {
    ASSERT_TRUE(users_->put_user("robot", "", {}).ok());
    EXPECT_FALSE(users_->password_matches("robot", ""));
}

TEST_F(UsersTest, AHashFromAForeignDefinitionFileIsUnderstood) {
    // Salt 908D C60A and the password "test12": the example of RabbitMQ's own documentation.
    auto hash = PasswordHash::from_text("kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR");
    ASSERT_TRUE(hash.ok());
    ASSERT_TRUE(users_->put_user("ann", std::move(*hash), {}).ok());
    EXPECT_TRUE(users_->password_matches("ann", "test12"));
    EXPECT_FALSE(users_->password_matches("ann", "test13"));
    EXPECT_FALSE(PasswordHash::from_text("abc").ok());
}

TEST_F(UsersTest, PermissionsArePatternsFoundInNames) {
    ASSERT_TRUE(users_->put_user("ann", "x", {}).ok());
    EXPECT_FALSE(users_->may_enter("ann", "/"));
    ASSERT_TRUE(users_->put_permission("ann", "/", {"^ann-", ".*", ""}).ok());
    EXPECT_TRUE(users_->may_enter("ann", "/"));
    EXPECT_FALSE(users_->may_enter("ann", "other"));
    EXPECT_TRUE(users_->may("ann", "/", Right::configure, "ann-q"));
    EXPECT_FALSE(users_->may("ann", "/", Right::configure, "bob-q"));
    EXPECT_TRUE(users_->may("ann", "/", Right::write, "amq.default"));
    EXPECT_FALSE(users_->may("ann", "/", Right::read, "ann-q"));
}

TEST_F(UsersTest, ABadPatternChangesNothing) {
    ASSERT_TRUE(users_->put_user("ann", "x", {}).ok());
    ASSERT_TRUE(users_->put_permission("ann", "/", {".*", ".*", ".*"}).ok());
    EXPECT_FALSE(users_->put_permission("ann", "/", {"(", ".*", ".*"}).ok());
    EXPECT_TRUE(users_->may("ann", "/", Right::configure, "q"));
}

TEST_F(UsersTest, TopicPermissionsKnowTheNamesOfUserAndVirtualHost) {
    ASSERT_TRUE(users_->put_user("ann", "x", {}).ok());
    ASSERT_TRUE(users_->put_permission("ann", "/", {".*", ".*", ".*"}).ok());
    EXPECT_TRUE(users_->may_topic("ann", "/", "amq.topic", Right::write, "bob.new"));
    ASSERT_TRUE(users_->put_topic_permission("ann", "/", {"amq.topic", "^{username}\\.", ".*"}).ok());
    EXPECT_TRUE(users_->may_topic("ann", "/", "amq.topic", Right::write, "ann.new"));
    EXPECT_FALSE(users_->may_topic("ann", "/", "amq.topic", Right::write, "bob.new"));
    EXPECT_TRUE(users_->may_topic("ann", "/", "amq.topic", Right::read, "bob.new"));
    EXPECT_TRUE(users_->may_topic("ann", "/", "other", Right::write, "bob.new"));
}

TEST_F(UsersTest, EverythingIsThereAfterARestart) {
    ASSERT_TRUE(users_->put_user("ann", "secret", {"monitoring"}).ok());
    ASSERT_TRUE(users_->put_permission("ann", "/", {"", "w", "r"}).ok());
    ASSERT_TRUE(users_->put_topic_permission("ann", "/", {"t", "w", "r"}).ok());
    const auto again = load();
    EXPECT_TRUE(again->password_matches("ann", "secret"));
    EXPECT_TRUE(again->user("ann")->has_tag("monitoring"));
    EXPECT_EQ(again->permission("ann", "/")->write, "w");
    EXPECT_FALSE(again->may_topic("ann", "/", "t", Right::write, "x"));
}

TEST_F(UsersTest, LimitsOutliveARestartAndANewPassword) {
    ASSERT_TRUE(users_->put_user("ann", "x", {}).ok());
    ASSERT_TRUE(users_->set_limits("ann", {.max_connections = 3, .max_channels = std::nullopt}).ok());
    ASSERT_TRUE(users_->put_user("ann", "y", {}).ok());
    users_ = load();
    EXPECT_EQ(users_->user("ann")->limits, (UserLimits{3, std::nullopt}));
    EXPECT_EQ(users_->set_limits("bob", {}).error().code, Errc::not_found);
}

TEST_F(UsersTest, WhileNothingCanBeKeptNothingIsChanged) {
    ASSERT_TRUE(users_->put_user("ann", "x", {}).ok());
    ASSERT_TRUE(users_->put_permission("ann", "/", {".*", ".*", ".*"}).ok());
    keep_.refusal = Error{Errc::no_space, "full"};
    EXPECT_FALSE(users_->put_user("ann", "y", {}).ok());
    EXPECT_FALSE(users_->set_limits("ann", {.max_connections = 1, .max_channels = 1}).ok());
    EXPECT_FALSE(users_->put_permission("ann", "/", {"", "", ""}).ok());
    EXPECT_FALSE(users_->put_topic_permission("ann", "/", {"x", "a", "b"}).ok());
    EXPECT_FALSE(users_->remove_permission("ann", "/").ok());
    EXPECT_FALSE(users_->remove_user("ann").ok());
    EXPECT_TRUE(users_->password_matches("ann", "x"));
    EXPECT_TRUE(users_->may("ann", "/", Right::configure, "q"));
}

TEST_F(UsersTest, ARemovedUserLeavesNothingBehind) {
    ASSERT_TRUE(users_->put_user("ann", "x", {}).ok());
    ASSERT_TRUE(users_->put_permission("ann", "/", {".*", ".*", ".*"}).ok());
    ASSERT_TRUE(users_->remove_user("ann").ok());
    EXPECT_EQ(keep_.size(), 0u);
    ASSERT_TRUE(users_->put_user("ann", "x", {}).ok());
    EXPECT_FALSE(users_->may_enter("ann", "/"));
}

TEST_F(UsersTest, PermissionsOfAForgottenVirtualHostAreGone) {
    ASSERT_TRUE(users_->put_user("ann", "x", {}).ok());
    ASSERT_TRUE(users_->put_permission("ann", "old", {".*", ".*", ".*"}).ok());
    users_->forget_vhost("old");
    EXPECT_FALSE(users_->may_enter("ann", "old"));
    EXPECT_EQ(keep_.size(), 1u);
}

TEST_F(UsersTest, NobodyGetsAPermissionWithoutBeingKnown) {
    EXPECT_EQ(users_->put_permission("nobody", "/", {}).error().code, Errc::not_found);
    EXPECT_EQ(users_->remove_user("nobody").error().code, Errc::not_found);
}

TEST_F(UsersTest, KeptTextsOfAnotherShapeAreAnErrorAndNoCrash) {
    keep_.put("auth.user", "ann", R"({"password_hash": 3, "tags": []})");
    EXPECT_EQ(Users::load(keep_, random_).error().code, Errc::damaged);
}

TEST_F(UsersTest, GuestComesFromLoopbackOnlyUntilToldOtherwise) {
    EXPECT_TRUE(users_->loopback_only("guest"));
    users_->set_loopback_only({});
    EXPECT_FALSE(users_->loopback_only("guest"));
}

}  // namespace
}  // namespace posthorn::auth
