#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace posthorn::http {
namespace {

using boost::asio::ip::tcp;
using testing::HasSubstr;
using testing::StartsWith;

/// Gives so many pieces of `bytes`, and tells when it goes.
class Pieces final : public BodySource {
  public:
    Pieces(std::size_t count, std::size_t bytes) : left_(count), bytes_(bytes) {}
    ~Pieces() override {
        std::lock_guard lock(mutex);
        ++gone;
        changed.notify_all();
    }
    void next(Give give) override {
        if (left_ == 0) return give({});
        --left_;
        give(std::string(bytes_, 'b'));
    }
    static void wait_until_gone(int count) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return gone == count; });
        gone = 0;
    }

  private:
    std::size_t left_, bytes_;
    static inline std::mutex mutex;
    static inline std::condition_variable changed;
    static inline int gone = 0;
};

Response in_pieces(std::size_t count, std::size_t bytes) {
    Response response;
    response.body = "a";
    response.rest = std::make_shared<Pieces>(count, bytes);
    return response;
}

Router echo() {
    Router router;
    router.add(Verb::get, "/throws", [](const Request&) -> Response { throw std::bad_alloc(); });
    router.add(Verb::get, "/hello", [](const Request&) {
        Response response;
        response.content_type = "text/plain";
        response.body = "hello";
        return response;
    });
    router.add(Verb::get, "/pieces", [](const Request&) { return in_pieces(2, 3); });
    router.add(Verb::get, "/endless", [](const Request&) { return in_pieces(1'000'000'000, 100'000); });
    router.add(Verb::post, "/echo", [](const Request& request) {
        Response response;
        response.body = request.body;
        return response;
    });
    return router;
}

class HttpServer : public testing::Test {
  protected:
    void start(
        ServerOptions options = {}, Server::Run run = [](auto call) { call(); }) {
        options.port = 0;
        auto made = Server::listen(options, echo(), std::move(run));
        ASSERT_TRUE(made.ok()) << made.error().message;
        server = std::move(*made);
    }

    tcp::socket connect() {
        tcp::socket socket(context);
        socket.connect({boost::asio::ip::make_address("127.0.0.1"), server->port()});
        return socket;
    }

    /// Everything the server sends until it closes.
    static std::string read_all(tcp::socket& socket) {
        std::string text;
        boost::system::error_code error;
        boost::asio::read(socket, boost::asio::dynamic_buffer(text), error);
        return text;
    }

    std::string ask(const std::string& text) {
        auto socket = connect();
        boost::system::error_code error;
        boost::asio::write(socket, boost::asio::buffer(text), error);
        return read_all(socket);
    }

    boost::asio::io_context context;
    std::unique_ptr<Server> server;
};

TEST_F(HttpServer, AnswersAndClosesWhenAskedTo) {
    start();
    const auto answer = ask("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain\r\n"));
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nhello"));
}

TEST_F(HttpServer, KeepsAConnectionForSeveralRequestsAlsoPipelined) {
    start();
    const auto answer = ask(
        "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        "GET /hello HTTP/1.0\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("\r\n\r\nhelloHTTP/1.1 200 OK"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\nabcHTTP/1.0 200 OK"));
    EXPECT_EQ(server->counters().requests, 3u);
}

TEST_F(HttpServer, HeadTellsTheLengthAndSendsNoBody) {
    start();
    const auto answer = ask("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n"));
}

TEST_F(HttpServer, AnAnswerInPiecesGoesInChunksAndTheConnectionGoesOn) {
    start();
    const auto answer =
        ask("GET /pieces HTTP/1.1\r\nHost: x\r\n\r\n"
            "HEAD /pieces HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\n1\r\na\r\n3\r\nbbb\r\n3\r\nbbb\r\n0\r\n\r\nHTTP/1.1 200 OK"));
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nhello"));
    Pieces::wait_until_gone(2);
}

TEST_F(HttpServer, WhoKnowsNoChunksGetsThePiecesUntilTheEnd) {
    start();
    const auto answer = ask("GET /pieces HTTP/1.0\r\n\r\n");
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nabbbbbb"));
    EXPECT_THAT(answer, testing::Not(HasSubstr("chunked")));
    Pieces::wait_until_gone(1);
}

TEST_F(HttpServer, WhatMakesAnAnswerGoesWithItsReaderAndWithTheServer) {
    start();
    auto socket = connect();
    const std::string text = "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n";
    boost::asio::write(socket, boost::asio::buffer(text));
    char byte = 0;
    boost::asio::read(socket, boost::asio::buffer(&byte, 1));
    socket.close();
    Pieces::wait_until_gone(1);
    auto other = connect();
    boost::asio::write(other, boost::asio::buffer(text));
    boost::asio::read(other, boost::asio::buffer(&byte, 1));
    server.reset();
    Pieces::wait_until_gone(1);
}

TEST_F(HttpServer, AReaderWhoDoesNotReadIsDropped) {
    ServerOptions options;
    options.write_timeout = std::chrono::milliseconds(30);
    start(options);
    auto socket = connect();
    boost::asio::write(socket, boost::asio::buffer(std::string("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")));
    Pieces::wait_until_gone(1);
}

TEST_F(HttpServer, SaysContinueToWhoWaitsForIt) {
    start();
    const auto answer =
        ask("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
            "Content-Length: 2\r\n\r\nhi");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
}

TEST_F(HttpServer, RefusesWhatIsNotHttp) {
    start();
    EXPECT_THAT(ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(server->counters().bad_requests, 1u);
}

TEST_F(HttpServer, RefusesHeadersAndBodiesOverTheLimit) {
    ServerOptions options;
    options.header_bytes = 1000;
    options.body_bytes = 100;
    start(options);
    const auto large = ask("GET /hello HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n");
    EXPECT_THAT(large, StartsWith("HTTP/1.1 431"));
    EXPECT_THAT(ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n"),
                StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpServer, WhoAsksForNothingIsDroppedSooner) {
    ServerOptions options;
    options.request_timeout = std::chrono::milliseconds(30);
    options.idle_timeout = std::chrono::hours(1);
    start(options);
    EXPECT_EQ(ask(""), "");
    EXPECT_EQ(ask("GET /hello HT"), "");
}

TEST_F(HttpServer, AHandlerThatThrowsEndsItsRequestOnly) {
    start({});
    EXPECT_THAT(ask("GET /throws HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 500"));
    EXPECT_THAT(ask("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServer, DropsASlowRequestAndAnIdleConnection) {
    ServerOptions options;
    options.request_timeout = options.idle_timeout = std::chrono::milliseconds(30);
    start(options);
    EXPECT_EQ(ask("GET /hello HT"), "");
    EXPECT_THAT(ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServer, OneConnectionTooManyIsToldSo) {
    ServerOptions options;
    options.connections = 1;
    start(options);
    auto first = connect();
    boost::asio::write(first, boost::asio::buffer(std::string("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")));
    char byte = 0;
    boost::asio::read(first, boost::asio::buffer(&byte, 1));  // it is being served
    auto second = connect();
    EXPECT_THAT(read_all(second), StartsWith("HTTP/1.1 503"));
    EXPECT_EQ(server->counters().refused_connections, 1u);
}

TEST_F(HttpServer, ATakenPortIsAnErrorThatNamesIt) {
    start();
    ServerOptions options;
    options.port = server->port();
    const auto second = Server::listen(options, echo(), [](auto call) { call(); });
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, Errc::busy);
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(server->port())));
}

TEST_F(HttpServer, GoesWhileARequestIsWithItsHandler) {
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<std::function<void()>> waiting;
    start({}, [&](std::function<void()> call) {
        std::lock_guard lock(mutex);
        waiting.push_back(std::move(call));
        arrived.notify_one();
    });
    auto socket = connect();
    boost::asio::write(socket, boost::asio::buffer(std::string("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")));
    {
        std::unique_lock lock(mutex);
        arrived.wait(lock, [&] { return !waiting.empty(); });
    }
    server.reset();
    waiting.front()();  // the answer goes nowhere
    EXPECT_EQ(read_all(socket), "");
}

}  // namespace
}  // namespace posthorn::http
