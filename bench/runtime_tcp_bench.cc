// What one small request and its reply cost the server over loopback TCP, in CPU time of the server's thread,
// for our loop and, in the same run, for the same echo on Boost.Asio's reactor. The load runs in a process of
// its own.
//
//   bench_runtime_tcp [seconds per row]
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/listener.h"

namespace {

using namespace posthorn;
using namespace posthorn::runtime;

constexpr std::size_t message_size = 128;

struct Cpu {
    double user_ns, system_ns;
};

Cpu thread_cpu() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    const auto ns = [](const timeval& t) { return double(t.tv_sec) * 1e9 + double(t.tv_usec) * 1e3; };
    return {ns(usage.ru_utime), ns(usage.ru_stime)};
}

// The load: keeps `depth` messages in flight on one connection until `seconds` are over, then prints the
// count.

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::abort();
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void load(std::uint16_t port, std::size_t depth, double seconds) {
    const int fd = connect_to(port);
    const env::SystemClock clock;
    std::vector<char> bytes(depth * message_size, 'x');
    const auto send_all = [&](std::size_t size) {
        for (std::size_t at = 0; at < size;) {
            const ssize_t n = ::send(fd, bytes.data() + at, size - at, MSG_NOSIGNAL);
            if (n <= 0) std::abort();
            at += std::size_t(n);
        }
    };
    const std::int64_t end = clock.steady_ns() + std::int64_t(seconds * 1e9);
    send_all(bytes.size());
    std::size_t part = 0;
    while (clock.steady_ns() < end) {
        const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), 0);
        if (n <= 0) std::abort();
        part += std::size_t(n);
        send_all(part / message_size * message_size);
        part %= message_size;
    }
    ::close(fd);
}

pid_t start_load(std::uint16_t port, std::size_t depth, double seconds) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    load(port, depth, seconds);
    std::_Exit(0);
}

struct Row {
    std::size_t messages = 0;
    Cpu cpu{};
    double seconds = 0;
};

void print(const char* server, std::size_t depth, const Row& row) {
    const double n = double(row.messages);
    fmt::print(
        "{:<10} {:>3} in flight  {:>9.0f} msg/s  {:>6.0f} ns CPU per request (user {:.0f}, system {:.0f})\n",
        server, depth, n / row.seconds, (row.cpu.user_ns + row.cpu.system_ns) / n, row.cpu.user_ns / n,
        row.cpu.system_ns / n);
}

template <class Serve>
Row measure(std::uint16_t port, std::size_t depth, double seconds, const std::size_t& messages, Serve serve) {
    const env::SystemClock clock;
    const Cpu before = thread_cpu();
    const std::int64_t began = clock.steady_ns();
    const pid_t child = start_load(port, depth, seconds);
    serve();
    const Cpu after = thread_cpu();
    Row row{messages,
            {after.user_ns - before.user_ns, after.system_ns - before.system_ns},
            double(clock.steady_ns() - began) / 1e9};
    ::waitpid(child, nullptr, 0);
    return row;
}

// Ours.

class Echo final : public ConnectionHandler {
  public:
    Echo(std::size_t& messages, Loop& loop) : messages_(messages), loop_(loop) {}
    std::size_t on_data(Connection& connection, Bytes data) override {
        std::size_t done = 0;
        for (; data.size() - done >= message_size; done += message_size) {
            connection.out().append(data.subspan(done, message_size));
            ++messages_;
        }
        return done;
    }
    void on_closed(Connection&, CloseReason, std::string_view) override { loop_.stop(); }

  private:
    std::size_t& messages_;
    Loop& loop_;
};

Row measure_ours(std::size_t depth, double seconds) {
    const env::SystemClock clock;
    Loop loop(clock);
    std::size_t messages = 0;
    Connections connections(loop, {});
    const auto listener =
        Listener::open(connections, "127.0.0.1", 0, [&] { return std::make_unique<Echo>(messages, loop); });
    if (!listener) std::abort();
    return measure((*listener)->port(), depth, seconds, messages, [&] { loop.run(); });
}

// The same with Asio's reactor, used as well as it allows: wait for readability, then one receive and one
// send without waiting. Its handler memory is recycled per thread by Asio itself.

class AsioEcho {
  public:
    AsioEcho(boost::asio::ip::tcp::socket socket, std::size_t& messages)
        : socket_(std::move(socket)), messages_(messages) {
        socket_.non_blocking(true);
        socket_.set_option(boost::asio::ip::tcp::no_delay(true));
    }
    void wait() {
        socket_.async_wait(boost::asio::ip::tcp::socket::wait_read, [this](boost::system::error_code error) {
            if (error || !turn()) socket_.close();  // nothing left to wait for: run() returns
        });
    }

  private:
    bool turn() {
        const ssize_t n = ::recv(socket_.native_handle(), in_.data() + kept_, in_.size() - kept_, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
        const std::size_t size = kept_ + std::size_t(n > 0 ? n : 0);
        std::size_t done = 0;
        out_.clear();
        for (; size - done >= message_size; done += message_size) {
            out_.append(Bytes(in_).subspan(done, message_size));
            ++messages_;
        }
        std::memmove(in_.data(), in_.data() + done, kept_ = size - done);
        if (!out_.empty() && ::send(socket_.native_handle(), out_.data(), out_.size(), MSG_NOSIGNAL) < 0)
            return false;
        wait();
        return true;
    }

    boost::asio::ip::tcp::socket socket_;
    std::size_t& messages_;
    std::vector<std::byte> in_ = std::vector<std::byte>(std::size_t{64} << 10);
    std::size_t kept_ = 0;
    Buffer out_;
};

Row measure_asio(std::size_t depth, double seconds) {
    namespace asio = boost::asio;
    asio::io_context context{1};
    std::size_t messages = 0;
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    std::unique_ptr<AsioEcho> echo;
    acceptor.async_accept([&](boost::system::error_code, asio::ip::tcp::socket socket) {
        echo = std::make_unique<AsioEcho>(std::move(socket), messages);
        echo->wait();
    });
    return measure(acceptor.local_endpoint().port(), depth, seconds, messages, [&] { context.run(); });
}

// What an idle connection costs us.

std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t total = 0, resident = 0;
    file >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void measure_idle() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t wanted = std::min<std::size_t>(10'000, limit.rlim_cur - 100);
    const env::SystemClock clock;
    Loop loop(clock);
    std::size_t messages = 0;
    Connections connections(loop, {});
    const auto listener =
        Listener::open(connections, "127.0.0.1", 0, [&] { return std::make_unique<Echo>(messages, loop); });
    if (!listener) std::abort();
    const std::size_t before = resident_bytes();
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (std::size_t i = 0; i < wanted; ++i) {
            const int fd = connect_to((*listener)->port());
            const std::string message(message_size, 'x');
            if (::send(fd, message.data(), message.size(), MSG_NOSIGNAL) <= 0) std::_Exit(1);
        }
        ::pause();
    }
    while (messages < wanted)
        loop.tick(std::chrono::milliseconds(10));
    fmt::print("idle       {} connections, each used once: {} bytes resident each\n", wanted,
               (resident_bytes() - before) / wanted);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
    for (int round = 0; round < 3; ++round) {
        for (const std::size_t depth : {std::size_t{1}, std::size_t{64}}) {
            print("posthorn", depth, measure_ours(depth, seconds));
            print("asio", depth, measure_asio(depth, seconds));
        }
    }
    measure_idle();
}
