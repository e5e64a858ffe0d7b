// What real clients and tools were recorded to send (tests/golden/remoting), given to a session: every
// request is served, whatever the answer, and none costs its connection.

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rig_for_test.h"

namespace posthorn::gateway::remoting {
namespace {

std::string read_text(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

std::string read_hex(const std::filesystem::path& path) {
    std::string digits, bytes;
    for (const char c : read_text(path))
        if (std::isxdigit(static_cast<unsigned char>(c))) digits += c;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    return bytes;
}

std::vector<std::filesystem::path> client_requests() {
    std::vector<std::filesystem::path> found;
    const std::filesystem::path folder = std::filesystem::path(POSTHORN_GOLDEN_DIR) / "remoting";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        auto path = entry.path();
        if (path.extension() != ".hex" || path.stem().string().find("request") == std::string::npos) continue;
        auto description = path;
        if (read_text(description.replace_extension(".txt")).find("sent by: client") != std::string::npos)
            found.push_back(path);
    }
    std::sort(found.begin(), found.end());
    return found;
}

TEST(Golden, EveryRecordedRequestIsServed) {
    Rig rig;
    const auto requests = client_requests();
    EXPECT_GT(requests.size(), 100u);
    for (const auto& path : requests) {
        SCOPED_TRACE(path.stem().string());
        TestClient client(*rig.gateway);
        const std::string bytes = read_hex(path);
        EXPECT_EQ(client.session->on_data(as_bytes(bytes)), bytes.size());
        rig.tick();
        EXPECT_FALSE(client.is_closed);
        for (const Seen& seen : client.take()) {
            if (!seen.response) continue;
            EXPECT_NE(seen.code, static_cast<int>(ResponseCode::request_code_not_supported)) << seen.remark;
            EXPECT_EQ(seen.remark.find("the field"), std::string::npos) << seen.remark;
        }
    }
    EXPECT_EQ(rig.gateway->counters.unknown_requests, 0u);
    EXPECT_EQ(rig.gateway->counters.malformed_headers, 0u);
}

TEST(Golden, ARequestCutAnywhereWaitsForItsRest) {
    Rig rig;
    for (const auto& path : client_requests()) {
        SCOPED_TRACE(path.stem().string());
        const std::string bytes = read_hex(path);
        TestClient client(*rig.gateway);
        for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 16)
            EXPECT_EQ(client.session->on_data(as_bytes(std::string_view(bytes).substr(0, size))), 0u);
        EXPECT_FALSE(client.is_closed);
    }
}

}  // namespace
}  // namespace posthorn::gateway::remoting
