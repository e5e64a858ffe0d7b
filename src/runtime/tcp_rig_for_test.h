#pragma once

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/listener.h"

namespace posthorn::runtime {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// What a test wants a session to do, and what it saw.
struct Script {
    std::function<std::size_t(Connection&, Bytes)> on_data = [](Connection&, Bytes data) {
        return data.size();
    };
    std::function<void(Connection&)> on_open = [](Connection&) {};
    std::function<void(Connection&)> on_writable = [](Connection&) {};
    std::string received;
    int opened = 0;
    int writable = 0;
    int destroyed = 0;
    std::optional<CloseReason> closed;
    std::string closed_text;
    Connection* connection = nullptr;
};

class Session : public ConnectionHandler {
  public:
    explicit Session(Script& script) : script_(script) {}
    ~Session() override { ++script_.destroyed; }
    void on_open(Connection& connection) override {
        ++script_.opened;
        script_.connection = &connection;
        script_.on_open(connection);
    }
    std::size_t on_data(Connection& connection, Bytes data) override {
        const std::size_t consumed = script_.on_data(connection, data);
        script_.received += as_text(data.first(consumed));
        return consumed;
    }
    void on_writable(Connection& connection) override {
        ++script_.writable;
        script_.on_writable(connection);
    }
    void on_closed(Connection&, CloseReason reason, std::string_view text) override {
        script_.closed = reason;
        script_.closed_text = text;
        script_.connection = nullptr;
    }

  private:
    Script& script_;
};

/// A plain blocking client, so that the other side is not our own code.
class Client {
  public:
    explicit Client(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    }
    Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Client& operator=(Client&&) = delete;
    ~Client() { hang_up(); }

    void send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            ASSERT_GT(n, 0);
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    /// What is there now; "" when nothing is; `ended` tells the end of the stream.
    std::string take() {
        std::string text(1 << 16, '?');
        const ssize_t n = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
        ended |= n == 0;
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return text;
    }
    void reset() {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        hang_up();
    }
    void hang_up() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    bool ended = false;

  private:
    int fd_;
};

class TcpTest : public testing::Test {
  protected:
    std::unique_ptr<Listener> listen(Connections& connections, Script& script) {
        auto listener =
            Listener::open(connections, "127.0.0.1", 0, [&] { return std::make_unique<Session>(script); });
        POSTHORN_CHECK(listener.ok(), "the test's listener does not open");
        return std::move(*listener);
    }

    /// Turns the loop until the condition holds; a condition that never does is a failure after many turns.
    template <class Condition>
    [[nodiscard]] bool until(Condition condition) {
        const std::int64_t give_up = clock.steady_ns() + std::int64_t{20'000'000'000};
        while (!condition()) {
            if (clock.steady_ns() > give_up) return false;
            loop.tick(milliseconds(5));
        }
        return true;
    }

    env::SystemClock clock;
    Loop loop{clock};
};

inline std::size_t echo(Connection& connection, Bytes data) {
    connection.out().append(data);
    return data.size();
}

}  // namespace posthorn::runtime
