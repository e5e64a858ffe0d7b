#include "program.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>

#include "api/broker_metrics.h"
#include "api/health.h"
#include "api/metrics.h"
#include "api/process_metrics.h"
#include "first_user.h"
#include "rabbitmq_metrics.h"
#include "remoting_metrics.h"
#include "store/definitions.h"

namespace posthorn::server {
namespace {

/// Syncs and cold reads side by side: a reader far behind must not delay a producer's answer.
constexpr std::size_t worker_threads = 2;

std::string absolute(const std::string& path) {
    std::error_code error;
    const auto whole = std::filesystem::absolute(path, error).lexically_normal();
    return error ? path : whole.string();
}

Error with_advice(const Error& error, std::string_view advice) {
    return {error.code, fmt::format("{}\n  {}", error.message, advice)};
}

constexpr std::string_view other_directory =
    "choose another directory with --data-directory, or bring this one back from a copy";

/// `ports`: the flags that choose others.
Error cannot_listen(const Error& error, std::string_view ports) {
    if (error.code == Errc::busy)
        return with_advice(error, fmt::format("another program has the port; {}", ports));
    if (error.code == Errc::denied)
        return with_advice(error, fmt::format("ports below 1024 belong to root; {}", ports));
    return with_advice(error,
                       "--network-bind is an address of this machine, 127.0.0.1, or 0.0.0.0 for all of them");
}

}  // namespace

Program::Program(Config config)
    : config_(std::move(config)),
      started_ns_(clock_.steady_ns()),
      started_wall_ms_(clock_.wall_ms()),
      files_(config_.data_directory),
      loop_(clock_),
      worker_({"engine-worker", worker_threads, 256}, [this] { loop_.post([] {}); }),
      names_worker_({"engine-names", 1, 4}, [this] { loop_.post([] {}); }),

      random_(env::system_seed()) {}

Program::~Program() = default;

Result<void> Program::start() {
    if (auto done = open_engine(); !done) return done;
    if (auto done = open_virtual_hosts(); !done) return done;
    // Before the first whole tick: the restored queues ask for the codec of what expired meanwhile.
    if (auto done = open_amqp(); !done) return done;
    if (auto done = open_remoting(); !done) return done;
    if (auto done = open_http(); !done) return done;
    ready_ns_ = clock_.steady_ns();
    return {};
}

Result<void> Program::open_engine() {
    const std::string directory = absolute(config_.data_directory);
    if (files_.exists("commitlog"))
        return Error{
            Errc::exists,
            fmt::format("{} holds a store of Apache RocketMQ, which Posthorn does not read\n  choose "
                        "another directory with --data-directory",
                        directory)};
    if (auto made = files_.make_directories(""); !made)
        return with_advice(made.error(), "--data-directory says where the data lies");
    if (::access(directory.c_str(), W_OK | X_OK) != 0)
        return Error{Errc::denied,
                     fmt::format("{} may not be written: {}\n  let the user Posthorn runs as own it, or "
                                 "choose another with --data-directory",
                                 directory, std::strerror(errno))};
    auto definitions = store::open_sqlite_definitions(directory + "/" + std::string(store::definitions_file));
    if (!definitions) return with_advice(definitions.error(), other_directory);
    auto opened = broker::Broker::open(files_, "", std::move(*definitions), config_.engine,
                                       {worker_, names_worker_}, now());
    if (!opened && opened.error().code == Errc::busy)
        return with_advice(
            opened.error(),
            fmt::format("{} is in use: stop the other Posthorn, or choose another directory with "
                        "--data-directory",
                        directory));
    if (!opened && (opened.error().code == Errc::damaged || opened.error().code == Errc::unsupported))
        return with_advice(opened.error(), other_directory);
    if (!opened) return opened.error();
    broker_ = std::move(*opened);
    return {};
}

Result<void> Program::open_virtual_hosts() {
    begin_tick();
    keep_ = std::make_unique<CatalogKeep>(broker_->catalog());
    auto users = auth::Users::load(*keep_, random_);
    if (!users) return users.error();
    users_ = std::move(*users);
    auto hosts = exchange::VirtualHosts::open(*broker_);
    if (!hosts) return hosts.error();
    virtual_hosts_ = std::move(*hosts);
    if (auto made = make_first_user(config_.first_user, *users_, *virtual_hosts_); !made) return made;
    broker_->end_tick();
    alarm_watch_ =
        std::make_unique<AlarmWatch>(loop_, files_, alarms_, config_.memory_alarm_ratio,
                                     config_.disk_alarm_bytes, config_.engine.disk_refuse_ratio, [this] {
                                         const auto refusing = broker_->refusing();
                                         return refusing && refusing->code == Errc::no_space;
                                     });
    begin_hook_ = loop_.on_tick_begin([this] { begin_tick(); });
    end_hook_ = loop_.on_tick_end(runtime::TickPhase::apply, [this] { end_tick(); });
    return {};
}

Result<void> Program::open_remoting() {
#if POSTHORN_WITH_REMOTING
    remoting_ = std::make_unique<gateway::remoting::RemotingServer>(loop_, *broker_, config_.remoting);
    begin_tick();
    auto listening = remoting_->listen();
    if (!listening) {
        remoting_.reset();
        return cannot_listen(
            listening.error(),
            "--ports-name-service, --ports-broker and --ports-vip choose others (0: any free one)");
    }
    end_tick();
#endif
    return {};
}

Result<void> Program::load_tls() {
#if POSTHORN_WITH_AMQP
    if (!with_tls(config_)) return {};
    auto loaded = load_certificates(config_.tls);
    if (!loaded) return loaded.error();
    if (const auto warning = certificate_warning((*loaded)->certificate(), clock_.wall_ms() / 1000);
        !warning.empty())
        log_warn("server", "{}", warning);
    config_.amqp.tls = std::move(*loaded);
    certificates_ = std::make_unique<CertificateWatch>(
        loop_, worker_, config_.tls, [this](std::shared_ptr<const runtime::TlsContext> renewed) {
            if (amqp_) amqp_->set_tls(std::move(renewed));
        });
#endif
    return {};
}

Result<void> Program::open_amqp() {
#if POSTHORN_WITH_AMQP
    if (auto done = load_tls(); !done) return done;
    begin_tick();
    // Also without a port: it knows what is written in its messages, which die and expire all the same.
    amqp_ = std::make_unique<gateway::amqp::AmqpServer>(loop_, *broker_, *virtual_hosts_, alarms_, *users_,
                                                        config_.amqp);
    if (config_.amqp_enabled || with_tls(config_))
        if (auto listening = amqp_->listen(); !listening) {
            amqp_.reset();
            return cannot_listen(listening.error(),
                                 "--ports-amqp and --ports-amqps choose others (0: any free one), "
                                 "--ports-amqp-enabled off does without the first");
        }
    end_tick();
#endif
    return {};
}

Result<void> Program::open_http() {
    if (!config_.http_enabled) return {};
#if POSTHORN_WITH_AMQP
    sessions_.set_amqp(amqp_.get());
#endif
    management::ManagementOptions options;
#if POSTHORN_WITH_AMQP
    options.node = options.cluster_name = config_.amqp.cluster_name;
    options.rabbitmq_version = config_.amqp.version;
    options.message_max_bytes = config_.amqp.message_max_bytes;
#endif
    options.version = POSTHORN_VERSION;
    options.data_directory = absolute(config_.data_directory);
    options.started_wall_ms = started_wall_ms_;
    management_ = std::make_unique<management::Management>(
        management::Foundation{loop_, *broker_, *virtual_hosts_, alarms_, *users_, *keep_, sessions_,
                               worker_},
        std::move(options));
    auto server = http::Server::listen(config_.http, routes(),
                                       [this](std::function<void()> call) { loop_.post(std::move(call)); });
    if (!server)
        return cannot_listen(server.error(),
                             "--ports-http chooses another (0: any free one), --ports-http-enabled off does "
                             "without");
    http_ = std::move(*server);
    sessions_.set_http(http_.get());
    return {};
}

http::Router Program::routes() const {
    http::Router router;
    api::add_health(router, [this] {
        const auto refusing = broker_->refusing();
        return api::Health{POSTHORN_VERSION, (clock_.steady_ns() - started_ns_) / 1'000'000,
                           refusing ? std::optional(refusing->message) : std::nullopt};
    });
    std::vector<api::MetricSource> sources;
#if POSTHORN_WITH_REMOTING
    const std::string& cluster = config_.remoting.cluster_name;
    const std::string& node = config_.remoting.broker_name;
    const auto pulled_to = [this](model::GroupId group, model::TopicId topic, std::uint32_t queue) {
        return remoting_->pulled_to(group, topic, queue);
    };
    sources.push_back(remoting_metrics(*remoting_));
    sources.push_back(api::broker_metrics(*broker_, pulled_to));
#else
    const std::string cluster = "posthorn", node = "posthorn";
    sources.push_back(api::broker_metrics(*broker_));
#endif
#if POSTHORN_WITH_AMQP
    sources.push_back(
        rabbitmq_metrics(*virtual_hosts_, alarms_, *amqp_, config_.amqp.cluster_name, config_.amqp.version));
#endif
    sources.push_back(api::process_metrics(started_wall_ms_));
    sources.push_back([this](api::Exposition& out) {
        const auto counters = http_->counters();
        out.gauge("posthorn_http_connections", "HTTP connections open",
                  static_cast<double>(counters.connections));
        out.counter("posthorn_http_requests_total", "HTTP requests", static_cast<double>(counters.requests));
        out.counter("posthorn_http_refused_total", "HTTP connections and requests refused",
                    static_cast<double>(counters.refused_connections + counters.bad_requests));
    });
    api::add_metrics(router, {cluster, node}, std::move(sources));
    management_->add_to(router);
    return router;
}

broker::Now Program::now() const {
    return {clock_.wall_ms(), loop_.now_ns() / 1'000'000};
}

void Program::begin_tick() {
    broker_->begin_tick(now());
}

void Program::end_tick() {
    virtual_hosts_->before_tick_end();
    broker_->end_tick();
    virtual_hosts_->after_tick_end();
#if POSTHORN_WITH_REMOTING
    if (remoting_) remoting_->after_tick();
#endif
#if POSTHORN_WITH_AMQP
    if (amqp_) amqp_->after_tick();
#endif
    if (virtual_hosts_->work_left()) loop_.tick_again();
    arm();
}

void Program::arm() {
    const std::int64_t next = std::min(broker_->next_tick_ms(), virtual_hosts_->next_deadline_ms());
    if (next == wake_ms_ && wake_.pending()) return;
    wake_ms_ = next;
    if (next == std::numeric_limits<std::int64_t>::max()) {
        wake_.cancel();
        return;
    }
    const std::int64_t delay = next - loop_.now_ns() / 1'000'000;
    wake_ = loop_.after(std::chrono::milliseconds(delay > 0 ? delay : 0), [] {});
}

std::string Program::banner() const {
    const std::string& host = config_.bind_address;
    std::string text = fmt::format("\nPosthorn {} is ready, {} ms after its start.\n\n", POSTHORN_VERSION,
                                   (ready_ns_ - started_ns_) / 1'000'000);
#if POSTHORN_WITH_REMOTING
    text += fmt::format("  RocketMQ name service  {}:{}\n", host, remoting_->name_service_port());
    text += fmt::format("  RocketMQ broker        {}:{}", host, remoting_->broker_port());
    if (const auto vip = remoting_->vip_port(); vip != 0) text += fmt::format(", VIP {}:{}", host, vip);
#endif
#if POSTHORN_WITH_AMQP
    if (config_.amqp_enabled)
        text += fmt::format("\n  AMQP 0-9-1             amqp://{}:{}", host, amqp_->port());
    if (with_tls(config_))
        text += fmt::format("\n  AMQP 0-9-1 with TLS    amqps://{}:{}", host, amqp_->tls_port());
#endif
    if (http_)
        text += fmt::format("\n  HTTP                   http://{0}:{1}/  http://{0}:{1}/metrics", host,
                            http_->port());
    text += fmt::format("\n  data                   {} ({})\n", absolute(config_.data_directory),
                        config_.engine.flush == broker::Flush::sync
                            ? "sync flush: what is answered survives a power cut"
                            : "async flush: what is answered survives a killed process");
#if POSTHORN_WITH_REMOTING
    text += fmt::format(
        "\nTry, in another terminal:\n\n  {} bench rocketmq --namesrv {}:{} --seconds 3\n\n"
        "Ctrl-C stops it.\n\n",
        program_invocation_name,  // as it was called
        host == "0.0.0.0" ? std::string("127.0.0.1") : host, remoting_->name_service_port());
#endif
    return text;
}

void Program::run() {
    loop_.run();
#if POSTHORN_WITH_AMQP
    if (!amqp_) return;
    amqp_->shut_down(
        [this] { loop_.stop(); });  // a client told so comes back at once; one cut off waits and wonders
    loop_.run();
#endif
}

Result<void> Program::close() {
    sessions_.set_http(nullptr);
    http_.reset();
    management_.reset();
#if POSTHORN_WITH_AMQP
    if (amqp_) amqp_->close();
#endif
#if POSTHORN_WITH_REMOTING
    if (remoting_) remoting_->close();
#endif
    end_hook_.remove();
    begin_hook_.remove();
    wake_.cancel();
#if POSTHORN_WITH_AMQP
    certificates_.reset();
    amqp_.reset();
#endif
#if POSTHORN_WITH_REMOTING
    remoting_.reset();
#endif
    alarm_watch_.reset();
    virtual_hosts_.reset();
    users_.reset();
    if (!broker_) return {};
    auto closed = broker_->close();
    broker_.reset();
    return closed;
}

}  // namespace posthorn::server
