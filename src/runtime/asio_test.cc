#include "runtime/asio.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <string>

#include "runtime/loop.h"

namespace posthorn::runtime {
namespace {

TEST(AsioThread, AndTheLoopAnswerEachOther) {
    const env::SystemClock clock;
    Loop loop(clock);
    AsioThread http("http");
    std::string story;
    boost::asio::post(http.context(), [&] {
        loop.post([&] {
            story += "engine ";
            boost::asio::post(http.context(), [&] {
                story += "answer";
                loop.stop();
            });
        });
    });
    loop.run();
    EXPECT_EQ(story, "engine answer");
}

}  // namespace
}  // namespace posthorn::runtime
