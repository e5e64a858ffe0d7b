#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthorn {

/// A file that is part of the program, by its name without folder.
struct EmbeddedFile {
    std::string name;
    std::string_view text;
};

const std::vector<EmbeddedFile>& console_files();

}  // namespace posthorn
