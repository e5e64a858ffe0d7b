#include "exchange/alarms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace posthorn::exchange {
namespace {

struct Told final : Alarms::Listener {
    std::vector<std::pair<Alarms::Kind, bool>> told;
    void on_alarm(Alarms::Kind kind, bool raised) override { told.emplace_back(kind, raised); }
};

using Told_ = std::pair<Alarms::Kind, bool>;

TEST(Alarms, AreToldWhenTheyBeginAndWhenTheyEnd) {
    Alarms alarms;
    Told listener;
    alarms.listen(listener);
    alarms.set_limits({1000, 500});
    alarms.observe(1000, 500);
    EXPECT_FALSE(alarms.any());
    alarms.observe(1001, 500);
    alarms.observe(2000, 499);
    EXPECT_TRUE(alarms.raised(Alarms::Kind::memory));
    EXPECT_TRUE(alarms.raised(Alarms::Kind::disk));
    alarms.observe(900, 499);
    alarms.observe(900, 600);
    EXPECT_THAT(listener.told,
                testing::ElementsAre(Told_(Alarms::Kind::memory, true), Told_(Alarms::Kind::disk, true),
                                     Told_(Alarms::Kind::memory, false), Told_(Alarms::Kind::disk, false)));
}

TEST(Alarms, LimitsThatChangeCountAtOnce) {
    Alarms alarms;
    Told listener;
    alarms.listen(listener);
    alarms.observe(1000, 1000);
    alarms.set_limits({500, 0});
    EXPECT_TRUE(alarms.any());
    alarms.set_limits({0, 0});
    EXPECT_FALSE(alarms.any());
    EXPECT_EQ(listener.told.size(), 2u);
}

TEST(Alarms, AnEngineWithoutRoomIsADiskAlarmWhateverIsFree) {
    Alarms alarms;
    alarms.set_limits({0, 100});
    alarms.observe(0, 1'000'000, true);
    EXPECT_TRUE(alarms.raised(Alarms::Kind::disk));
    alarms.observe(0, 1'000'000);
    EXPECT_FALSE(alarms.any());
}

TEST(Alarms, AListenerMayGoAndSoMayTheAlarms) {
    auto alarms = std::make_unique<Alarms>();
    auto first = std::make_unique<Told>();
    Told second;
    alarms->listen(*first);
    alarms->listen(second);
    first.reset();
    alarms->set_limits({1, 0});
    alarms->observe(2, 0);
    EXPECT_EQ(second.told.size(), 1u);
    alarms.reset();
}

}  // namespace
}  // namespace posthorn::exchange
