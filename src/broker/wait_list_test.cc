#include "wait_list.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>

namespace posthorn::broker {
namespace {

struct Told final : Waiter {
    int times = 0;
    std::function<void()> then;
    void on_readable() override {
        ++times;
        if (then) then();
    }
};

TEST(WaitList, EachIsToldOnce) {
    WaitList list;
    Told a, b;
    list.add(a);
    list.add(b);
    EXPECT_EQ(list.size(), 2u);
    list.wake();
    list.wake();
    EXPECT_EQ(a.times, 1);
    EXPECT_EQ(b.times, 1);
    EXPECT_FALSE(a.waiting());
}

TEST(WaitList, WhoWaitsAgainInsideTheCallWaitsForTheNextTime) {
    WaitList list;
    Told a;
    a.then = [&] { list.add(a); };
    list.add(a);
    list.wake();
    EXPECT_EQ(a.times, 1);
    EXPECT_TRUE(a.waiting());
    list.wake();
    EXPECT_EQ(a.times, 2);
}

TEST(WaitList, OneMayCancelOrDestroyAnotherInsideTheCall) {
    WaitList list;
    Told a;
    std::optional<Told> b{std::in_place}, c{std::in_place};
    a.then = [&] {
        WaitList::remove(*b);
        c.reset();
    };
    list.add(a);
    list.add(*b);
    list.add(*c);
    list.wake();
    EXPECT_EQ(a.times, 1);
    EXPECT_EQ(b->times, 0);
    EXPECT_TRUE(list.empty());
}

TEST(WaitList, WaitersOutliveTheirList) {
    Told a;
    {
        WaitList list;
        list.add(a);
    }
    EXPECT_FALSE(a.waiting());
}

}  // namespace
}  // namespace posthorn::broker
