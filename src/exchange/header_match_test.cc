#include "header_match.h"

#include <gtest/gtest.h>

namespace posthorn::exchange {
namespace {

class OneHeader final : public HeaderSource {
  public:
    explicit OneHeader(model::Value value) : value_(std::move(value)) {}
    std::optional<model::Value> find(std::string_view name) const override {
        return name == "h" ? std::optional(value_) : std::nullopt;
    }

  private:
    model::Value value_;
};

bool matches(model::Value wanted, model::Value there) {
    const OneHeader header(std::move(there));
    return headers_match({{"h", std::move(wanted)}}, &header);
}

TEST(HeaderMatch, ValuesAreOfOneKindOrDoNotMatch) {
    const model::Value whole{std::int64_t{1}}, real{1.0}, text{std::string("1")}, flag{true};
    const model::Value binary{model::Binary{"1"}}, time{model::Timestamp{1}};
    const model::Value all[] = {whole, real, text, flag, binary, time};
    for (const auto& wanted : all)
        for (const auto& there : all)
            EXPECT_EQ(matches(wanted, there), &wanted == &there)
                << wanted.held.index() << " and " << there.held.index();
}

TEST(HeaderMatch, AnArgumentWithoutValueAsksOnlyThatTheHeaderIsThere) {
    EXPECT_TRUE(matches({}, {std::string("anything")}));
    EXPECT_FALSE(headers_match({{"h", {}}}, nullptr));
}

}  // namespace
}  // namespace posthorn::exchange
