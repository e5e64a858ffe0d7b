#include "http/server.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <chrono>
#include <cstring>
#include <exception>
#include <future>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "base/log_limit.h"
#include "runtime/asio.h"

namespace posthorn::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = beast::http::request_parser<beast::http::string_body>;
using WireReply = beast::http::response<beast::http::string_body>;

/// After an accept that failed for want of descriptors or memory.
constexpr std::chrono::milliseconds accept_rest{100};

Verb verb_of(beast::http::verb verb) {
    switch (verb) {
        case beast::http::verb::get:
            return Verb::get;
        case beast::http::verb::head:
            return Verb::head;
        case beast::http::verb::post:
            return Verb::post;
        case beast::http::verb::put:
            return Verb::put;
        case beast::http::verb::patch:
            return Verb::patch;
        case beast::http::verb::delete_:
            return Verb::del;
        default:
            return Verb::other;
    }
}

Request request_of(Parser& parser, std::string peer) {
    auto message = parser.release();
    Request request;
    request.verb = verb_of(message.method());
    request.target = std::string(message.target());
    request.peer = std::move(peer);
    for (const auto& field : message) {
        std::string name(field.name_string());
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        request.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    request.body = std::move(message.body());
    return request;
}

Response bad_request(error_code error, const ServerOptions& options) {
    using Trouble = beast::http::error;
    if (error == Trouble::header_limit)
        return Response::failure(
            431, "headers_too_large",
            fmt::format("the headers of a request may have {} bytes", options.header_bytes));
    if (error == Trouble::body_limit)
        return Response::failure(413, "body_too_large",
                                 fmt::format("the body of a request may have {} bytes", options.body_bytes));
    return Response::failure(400, "bad_request", "this is not HTTP/1.1: " + error.message());
}

}  // namespace

class Server::Impl {
  public:
    Impl(const ServerOptions& options, Router router, Run run)
        : options_(options),
          router_(std::make_shared<const Router>(std::move(router))),
          run_(std::move(run)),
          gate_(std::make_shared<Gate>()),
          thread_(std::make_unique<runtime::AsioThread>("http")),
          acceptor_(std::in_place, thread_->context()),
          rest_(std::in_place, thread_->context()) {
        gate_->server = this;
    }
    ~Impl();

    Result<void> open();
    std::uint16_t port() const { return port_; }
    ServerCounters counters() const;

    // For sessions, on the HTTP thread.
    const ServerOptions& options() const { return options_; }
    void hand_over(std::uint64_t session, Request request);
    void ask_for_more(std::uint64_t session, const std::shared_ptr<BodySource>& source);
    /// It goes where it lives.
    void release(std::shared_ptr<BodySource> source) {
        run_([source = std::move(source)] {});
    }
    void finished(std::uint64_t session) { sessions_.erase(session), open_ = sessions_.size(); }
    void count_bad_request() { ++bad_requests_; }

    // Any thread, the gate's lock held.
    void deliver(std::uint64_t session, Response response);
    void deliver_piece(std::uint64_t session, std::string piece);

  private:
    class Session;
    /// Where answers come back to. Outlives the server in callbacks that have not run yet.
    struct Gate {
        std::mutex mutex;
        Impl* server = nullptr;  // guarded by mutex; null once the server is going
    };

    void accept();
    void rest(error_code error);
    void start(tcp::socket socket);

    const ServerOptions options_;
    const std::shared_ptr<const Router> router_;
    const Run run_;
    const std::shared_ptr<Gate> gate_;
    std::uint16_t port_ = 0;
    std::atomic<std::uint64_t> open_{0}, requests_{0}, refused_{0}, bad_requests_{0};

    std::unique_ptr<runtime::AsioThread> thread_;
    // Below: the HTTP thread's.
    std::optional<tcp::acceptor> acceptor_;  // gone: closing
    std::optional<asio::steady_timer> rest_;
    LogLimit accept_lines_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Session>> sessions_;
    std::uint64_t next_session_ = 1;
};

/// One connection: read a request, hand it over, wait for the answer, write it, again. At most one request is
/// under way, so a pipelining client waits in its socket.
class Server::Impl::Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Impl& server, std::uint64_t id, tcp::socket socket)
        : server_(server), id_(id), stream_(std::move(socket)) {
        error_code ignored;
        const auto peer = stream_.socket().remote_endpoint(ignored);
        peer_ = fmt::format("{}:{}", peer.address().to_string(), peer.port());
    }

    ~Session() { forget_source(); }

    void read() {
        parser_.emplace();
        parser_->header_limit(server_.options().header_bytes);
        parser_->body_limit(server_.options().body_bytes);
        // Nobody who has not asked for anything keeps a place for long.
        const bool begun = buffer_.size() > 0 || !std::exchange(asked_, true);
        stream_.expires_after(begun ? server_.options().request_timeout : server_.options().idle_timeout);
        beast::http::async_read_header(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](error_code error, std::size_t) { self->on_header(error); });
    }

    void answer(Response response) {
        reply_ = WireReply(beast::http::status(response.status), version_);
        reply_.set(beast::http::field::content_type, response.content_type);
        for (auto& [key, value] : response.headers)
            reply_.set(key, value);
        if (reply_.find(beast::http::field::cache_control) == reply_.end())
            reply_.set(beast::http::field::cache_control, "no-store");
        if (response.rest) return answer_in_pieces(std::move(response));
        reply_.keep_alive(keep_alive_);
        reply_.content_length(response.body.size());
        if (!head_) reply_.body() = std::move(response.body);
        serializer_.emplace(reply_);
        stream_.expires_after(server_.options().write_timeout);
        auto done = [self = shared_from_this()](error_code error, std::size_t) { self->on_written(error); };
        if (head_)
            beast::http::async_write_header(stream_, *serializer_, std::move(done));
        else
            beast::http::async_write(stream_, *serializer_, std::move(done));
    }

    /// The next of an answer in pieces; an empty one is the end.
    void send_piece(std::string piece) {
        piece_ = std::move(piece);
        stream_.expires_after(server_.options().write_timeout);
        auto sent = [self = shared_from_this()](error_code error, std::size_t) {
            if (error) return self->end();
            self->ask_for_more();
        };
        auto ended = [self = shared_from_this()](error_code error, std::size_t) { self->on_written(error); };
        if (piece_.empty()) {
            forget_source();
            if (!reply_.chunked()) return on_written({});
            asio::async_write(stream_, beast::http::make_chunk_last(), std::move(ended));
        } else if (reply_.chunked()) {
            asio::async_write(stream_, beast::http::make_chunk(asio::buffer(piece_)), std::move(sent));
        } else {
            asio::async_write(stream_, asio::buffer(piece_), std::move(sent));
        }
    }

    void close() {
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
        stream_.close();
    }

  private:
    void on_header(error_code error) {
        if (error) return refuse(error);
        stream_.expires_after(server_.options().request_timeout);
        if (beast::iequals(parser_->get()[beast::http::field::expect], "100-continue") && !parser_->is_done())
            return say_continue();
        read_body();
    }

    void say_continue() {
        static constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
        asio::async_write(stream_, asio::buffer(line.data(), line.size()),
                          [self = shared_from_this()](error_code error, std::size_t) {
                              if (error) return self->end();
                              self->read_body();
                          });
    }

    void read_body() {
        beast::http::async_read(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](error_code error, std::size_t) { self->on_request(error); });
    }

    void on_request(error_code error) {
        if (error) return refuse(error);
        version_ = parser_->get().version();
        keep_alive_ = parser_->keep_alive();
        head_ = parser_->get().method() == beast::http::verb::head;
        stream_.expires_never();  // our own time now
        server_.hand_over(id_, request_of(*parser_, peer_));
    }

    void answer_in_pieces(Response response) {
        source_ = std::move(response.rest);
        // Who does not know chunks reads until the connection ends.
        if (version_ < 11) keep_alive_ = false;
        reply_.keep_alive(keep_alive_);
        reply_.chunked(version_ >= 11);
        serializer_.emplace(reply_);
        stream_.expires_after(server_.options().write_timeout);
        beast::http::async_write_header(stream_, *serializer_,
                                        [self = shared_from_this(), body = std::move(response.body)](
                                            error_code error, std::size_t) mutable {
                                            if (error) return self->end();
                                            if (self->head_) {
                                                self->forget_source();
                                                return self->on_written({});
                                            }
                                            if (body.empty()) return self->ask_for_more();
                                            self->send_piece(std::move(body));
                                        });
    }

    void forget_source() {
        if (auto source = std::exchange(source_, nullptr)) server_.release(std::move(source));
    }

    void ask_for_more() {
        stream_.expires_never();  // our own time
        server_.ask_for_more(id_, source_);
    }

    void refuse(error_code error) {
        const bool http_error =
            error.category() == beast::http::make_error_code(beast::http::error::bad_method).category();
        if (!http_error || error == beast::http::error::end_of_stream ||
            error == beast::http::error::partial_message)
            return end();
        server_.count_bad_request();
        keep_alive_ = head_ = false;
        answer(bad_request(error, server_.options()));
    }

    void on_written(error_code error) {
        if (error || !keep_alive_) return end();
        read();
    }

    void end() {
        close();
        server_.finished(id_);
    }

    Impl& server_;
    const std::uint64_t id_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<Parser> parser_;  // one request each
    WireReply reply_;
    std::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
    std::shared_ptr<BodySource> source_;  ///< of the answer being sent, if it comes in pieces
    std::string piece_;
    std::string peer_;
    unsigned version_ = 11;
    bool asked_ = false;  ///< it has begun to wait for its first request
    bool keep_alive_ = false;
    bool head_ = false;
};

Server::Impl::~Impl() {
    {
        std::lock_guard lock(gate_->mutex);
        gate_->server = nullptr;
    }
    // Sockets are closed on their own thread; what still runs there ends before the members go.
    std::promise<void> closed;
    asio::post(thread_->context(), [&] {
        acceptor_.reset();
        rest_.reset();
        for (auto& [id, session] : sessions_)
            session->close();
        sessions_.clear();
        closed.set_value();
    });
    closed.get_future().wait();
    thread_.reset();
}

Result<void> Server::Impl::open() {
    error_code error;
    const auto address = asio::ip::make_address(options_.address, error);
    if (error) return Error{Errc::invalid, fmt::format("'{}' is not an IP address", options_.address)};
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_->open(endpoint.protocol(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_->bind(endpoint, error);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    if (error)
        return Error{
            error == asio::error::address_in_use ? Errc::busy : Errc::io,
            fmt::format("cannot listen on {}:{}: {}", options_.address, options_.port, error.message())};
    port_ = acceptor_->local_endpoint().port();
    asio::post(thread_->context(), [this] { accept(); });
    return {};
}

void Server::Impl::accept() {
    acceptor_->async_accept([this](error_code error, tcp::socket socket) {
        if (!acceptor_) return;
        if (!error) start(std::move(socket));
        if (error && error != asio::error::connection_aborted) return rest(error);
        accept();
    });
}

/// The connection still waits at the door: without a rest the next attempt would fail at once, and so on.
void Server::Impl::rest(error_code error) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    // strerror, for the error's own message() is a virtual call, which the undefined-behaviour sanitizer
    // checks with a pipe: without descriptors it fails.
    if (accept_lines_.allows(std::chrono::nanoseconds(now).count()))
        log_warn(
            "http",
            "port {}: cannot accept connections for a moment: {}; raise the limit of open files (ulimit -n)",
            port_, std::strerror(error.value()));
    rest_->expires_after(accept_rest);
    rest_->async_wait([this](error_code stopped) {
        if (!stopped && acceptor_) accept();
    });
}

void Server::Impl::start(tcp::socket socket) {
    if (sessions_.size() >= options_.connections) {
        static constexpr std::string_view busy =
            "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        error_code ignored;
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(busy.data(), busy.size()), ignored);  // fits: the socket is fresh
        ++refused_;
        return;
    }
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const std::uint64_t id = next_session_++;
    auto session = std::make_shared<Session>(*this, id, std::move(socket));
    sessions_.emplace(id, session);
    open_ = sessions_.size();
    session->read();
}

void Server::Impl::hand_over(std::uint64_t session, Request request) {
    ++requests_;
    run_([gate = gate_, router = router_, session, request = std::move(request)]() mutable {
        const auto reply = [gate, session](Response response) {
            std::lock_guard lock(gate->mutex);
            if (gate->server) gate->server->deliver(session, std::move(response));
        };
        const std::string path(request.path());
        // Ours throw nothing, but libraries they use may (no memory, a text that is no UTF-8): one request
        // must not end everybody else's.
        try {
            router->route(std::move(request), reply);
        } catch (const std::exception& problem) {
            log_error("http", "no answer to {}: {}", path.substr(0, 200), problem.what());
            reply(
                Response::failure(500, "internal_error", "the request could not be worked on; see the log"));
        }
    });
}

void Server::Impl::deliver(std::uint64_t session, Response response) {
    asio::post(thread_->context(), [this, session, response = std::move(response)]() mutable {
        if (const auto found = sessions_.find(session); found != sessions_.end())
            found->second->answer(std::move(response));
    });
}

void Server::Impl::ask_for_more(std::uint64_t session, const std::shared_ptr<BodySource>& source) {
    run_([gate = gate_, session, source] {
        source->next([gate, session](std::string piece) {
            std::lock_guard lock(gate->mutex);
            if (gate->server) gate->server->deliver_piece(session, std::move(piece));
        });
    });
}

void Server::Impl::deliver_piece(std::uint64_t session, std::string piece) {
    asio::post(thread_->context(), [this, session, piece = std::move(piece)]() mutable {
        if (const auto found = sessions_.find(session); found != sessions_.end())
            found->second->send_piece(std::move(piece));
    });
}

ServerCounters Server::Impl::counters() const {
    return {open_, requests_, refused_, bad_requests_};
}

Result<std::unique_ptr<Server>> Server::listen(const ServerOptions& options, Router router, Run run) {
    auto impl = std::make_unique<Impl>(options, std::move(router), std::move(run));
    if (auto opened = impl->open(); !opened) return opened.error();
    return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
std::uint16_t Server::port() const {
    return impl_->port();
}
ServerCounters Server::counters() const {
    return impl_->counters();
}

}  // namespace posthorn::http
