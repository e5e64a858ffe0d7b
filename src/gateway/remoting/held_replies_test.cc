#include "held_replies.h"

#include "rig_for_test.h"

namespace posthorn::gateway::remoting {
namespace {

/// A gateway whose definitions take as long as the test wants.
class HeldRepliesTest : public testing::Test {
  protected:
    HeldRepliesTest() { commit(); }
    ~HeldRepliesTest() override { names_.drop_all(); }

    void commit() {
        rig_.tick();
        names_.run_all();
        rig_.tick();
    }
    void put_topic(const std::string& name) {
        client_.ask(RequestCode::update_and_create_topic,
                    {{"topic", name}, {"readQueueNums", "4"}, {"writeQueueNums", "4"}, {"perm", "6"}});
    }

    runtime::SimWorker names_;
    Rig rig_{names_};
    TestClient client_{*rig_.gateway};
};

TEST_F(HeldRepliesTest, WhoMakesATopicIsToldWhenItIsDurable) {
    put_topic("orders");
    rig_.tick();
    EXPECT_TRUE(client_.take().empty());
    names_.run_all();
    rig_.tick();
    EXPECT_EQ(client_.one().code, 0);
    EXPECT_EQ(rig_.gateway->replies.size(), 0u);
}

TEST_F(HeldRepliesTest, WhoMakesItAgainNeedNotWait) {
    put_topic("orders");
    commit();
    client_.take();
    put_topic("orders");
    EXPECT_EQ(client_.one().code, 0);
}

TEST_F(HeldRepliesTest, WhoMakesItAgainWhileItIsOnItsWayWaitsToo) {
    put_topic("orders");
    rig_.tick();
    put_topic("orders");
    EXPECT_TRUE(client_.take().empty());
    names_.run_all();
    rig_.tick();
    EXPECT_EQ(client_.take().size(), 2u);
}

TEST_F(HeldRepliesTest, ASendToANewTopicWaitsForItAndOtherSendsDoNot) {
    client_.send("old", "x");
    commit();
    client_.take();
    const auto fresh = client_.send("fresh", "a");
    const auto old = client_.send("old", "b");
    rig_.tick();
    EXPECT_EQ(client_.one().opaque, old);
    names_.run_all();
    rig_.tick();
    const Seen reply = client_.one();
    EXPECT_EQ(reply.opaque, fresh);
    EXPECT_EQ(reply.code, 0);
    client_.pull("fresh", 0);
    EXPECT_EQ(client_.one().code, 0);
}

TEST_F(HeldRepliesTest, ADiskThatRefusesNamesIsToldAtOnce) {
    store::MemoryDefinitions::fail(*rig_.definitions, Error{Errc::no_space, "full"});
    put_topic("orders");
    const auto sent = client_.send("fresh", "a");
    commit();
    const auto seen = client_.take();
    ASSERT_EQ(seen.size(), 2u);
    for (const Seen& reply : seen)
        EXPECT_NE(reply.code, 0);
    EXPECT_TRUE(seen[0].opaque == sent || seen[1].opaque == sent);
    put_topic("another");
    EXPECT_NE(client_.one().code, 0);
}

TEST_F(HeldRepliesTest, AClosedConnectionIsNotAnswered) {
    put_topic("orders");
    rig_.tick();
    client_.session.reset();
    commit();
    EXPECT_EQ(rig_.gateway->replies.size(), 0u);
    EXPECT_NE(rig_.broker->catalog().topic("orders"), nullptr);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
