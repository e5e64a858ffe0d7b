#pragma once

#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace posthorn::wire::remoting {

struct Golden {
    std::string name;
    std::vector<std::byte> bytes;
};

inline std::vector<std::byte> read_hex(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string digits;
    for (char c; file.get(c);)
        if (std::isxdigit(static_cast<unsigned char>(c))) digits += c;
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    return bytes;
}

/// Frames recorded from real clients and brokers: tests/golden/remoting.
inline std::vector<Golden> recorded() {
    std::vector<Golden> all;
    const std::filesystem::path folder = std::filesystem::path(POSTHORN_GOLDEN_DIR) / "remoting";
    if (!std::filesystem::is_directory(folder)) return all;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".hex")
            all.push_back({entry.path().stem().string(), read_hex(entry.path())});
    return all;
}

}  // namespace posthorn::wire::remoting
