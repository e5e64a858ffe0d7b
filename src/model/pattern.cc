#include "model/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

#include <fmt/format.h>

namespace posthorn::model {
namespace {

// A name has at most 255 bytes; what honest expressions need on that is far below.
constexpr std::uint32_t kSteps = 10'000;
constexpr std::uint32_t kDepth = 1'000;
constexpr std::size_t kTextMax = 4'096;

}  // namespace

struct Pattern::Code {
    pcre2_code* code = nullptr;
    pcre2_match_data* match = nullptr;
    pcre2_match_context* limits = nullptr;
    mutable bool gave_up = false;

    ~Code() {
        pcre2_match_context_free(limits);
        pcre2_match_data_free(match);
        pcre2_code_free(code);
    }
};

Pattern::Pattern(std::string text, std::shared_ptr<const Code> code)
    : text_(std::move(text)), code_(std::move(code)) {}

Result<Pattern> Pattern::compile(std::string_view text) {
    if (text.size() > kTextMax)
        return Error{Errc::invalid,
                     fmt::format("a pattern of {} bytes; at most {} are taken", text.size(), kTextMax)};
    int error = 0;
    std::size_t where = 0;
    auto code = std::make_shared<Code>();
    code->code =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, &error, &where, nullptr);
    if (!code->code) {
        std::array<PCRE2_UCHAR, 160> reason{};
        pcre2_get_error_message(error, reason.data(), reason.size());
        return Error{Errc::invalid, fmt::format("pattern '{}': {} at byte {}", text,
                                                reinterpret_cast<const char*>(reason.data()), where)};
    }
    code->match = pcre2_match_data_create(1, nullptr);
    code->limits = pcre2_match_context_create(nullptr);
    POSTHORN_CHECK(code->match && code->limits, "out of memory for a pattern");
    pcre2_set_match_limit(code->limits, kSteps);
    pcre2_set_depth_limit(code->limits, kDepth);
    return Pattern(std::string(text), std::move(code));
}

bool Pattern::found_in(std::string_view name) const {
    const int found = pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0,
                                  code_->match, code_->limits);
    code_->gave_up |= found == PCRE2_ERROR_MATCHLIMIT || found == PCRE2_ERROR_DEPTHLIMIT;
    return found >= 0;
}

bool Pattern::gave_up() const {
    return code_->gave_up;
}

}  // namespace posthorn::model
