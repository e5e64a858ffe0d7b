#include <algorithm>

#include "model/topic.h"

namespace posthorn::model {

bool legal_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '%' ||
               c == '|' || c == '-' || c == '_';
    });
}

}  // namespace posthorn::model
