#include "mover.h"

#include <gtest/gtest.h>

#include "broker_test_support.h"

namespace posthorn::broker {
namespace {

/// Two named queues: one keeps what it gets, the other is emptied again and again.
class MoverTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.options.queue_segment_bytes = world_.options.queue_tail_bytes = 64 << 10;
        world_.options.max_message_bytes = 8 << 10;
        world_.open();
        kept_ = *world_.broker->catalog().put_named_queue("kept");
        busy_ = *world_.broker->catalog().put_named_queue("busy");
        keeper_ = *world_.broker->open_reader("keeper", kept_);
        reader_ = *world_.broker->open_reader("reader", busy_);
    }
    void publish(model::QueueId queue, int count) {
        for (int n = 0; n < count; ++n) {
            world_.publish(queue, std::string(600, 'x'));
            if (n % 40 == 39) world_.settle();
        }
        world_.settle();
    }
    void empty_busy() {
        for (int n = 0; n < 20; ++n) {
            for (const Taken& taken : world_.take(reader_, 1000).taken)
                ASSERT_TRUE(world_.broker->settle(reader_, taken.offset).ok());
            world_.worker->run_all();
            world_.tick(1);
        }
        world_.settle();
    }
    std::size_t segments() const { return world_.broker->queue_log().segments().size(); }

    World world_;
    model::QueueId kept_, busy_;
    ReaderId keeper_, reader_;
};

TEST_F(MoverTest, LiveMessagesMoveAlsoBehindASegmentThatIsFullOfThem) {
    publish(kept_, 100);  // the oldest segment: nobody reads it
    for (int round = 0; round < 15; ++round) {
        publish(kept_, 1);
        publish(busy_, 100);
        empty_busy();
    }
    for (int n = 0; n < 100; ++n) {
        world_.tick(10'000);
        world_.worker->run_all();
        world_.tick(1);
        world_.worker->run_all();
    }
    EXPECT_LE(segments(), 6u);
    std::size_t found = 0;
    for (int n = 0; n < 20; ++n, world_.tick(1)) {
        found += world_.take(keeper_, 1000).texts.size();
        world_.worker->run_all();
    }
    EXPECT_EQ(found, 115u);
}

}  // namespace
}  // namespace posthorn::broker
