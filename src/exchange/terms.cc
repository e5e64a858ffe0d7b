#include "terms.h"

#include <fmt/format.h>

#include <limits>

namespace posthorn::exchange {
namespace {

struct TypeName {
    std::string operator()(std::monostate) { return "void"; }
    std::string operator()(bool) { return "bool"; }
    std::string operator()(std::int64_t number) {
        const bool narrow = number >= std::numeric_limits<std::int32_t>::min() &&
                            number <= std::numeric_limits<std::int32_t>::max();
        return narrow ? "signedint" : "long";
    }
    std::string operator()(double) { return "double"; }
    std::string operator()(const std::string&) { return "longstr"; }
    std::string operator()(const model::Binary&) { return "binary"; }
    std::string operator()(model::Timestamp) { return "timestamp"; }
    std::string operator()(const model::Array&) { return "array"; }
    std::string operator()(const model::Arguments&) { return "table"; }
};

struct Term {
    std::string operator()(std::monostate) { return "undefined"; }
    std::string operator()(bool flag) { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t number) { return std::to_string(number); }
    std::string operator()(double number) { return fmt::format("{}", number); }
    std::string operator()(const std::string& text) { return text; }
    std::string operator()(const model::Binary& binary) { return binary.bytes; }
    std::string operator()(model::Timestamp time) { return std::to_string(time.seconds); }
    std::string operator()(const model::Array& array) {
        std::string out = "[";
        for (const model::Value& value : array) {
            if (out.size() > 1) out += ',';
            out += fmt::format("{{{},{}}}", type_name(value), term(value));
        }
        return out + "]";
    }
    std::string operator()(const model::Arguments& table) { return model::to_json(table); }
};

}  // namespace

std::string type_name(const model::Value& value) {
    return std::visit(TypeName{}, value.held);
}

std::string term(const model::Value& value) {
    return std::visit(Term{}, value.held);
}

}  // namespace posthorn::exchange
