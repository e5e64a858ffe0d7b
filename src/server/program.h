#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "alarm_watch.h"
#include "auth/users.h"
#include "base/result.h"
#include "broker/broker.h"
#include "catalog_keep.h"
#include "certificates.h"
#include "config.h"
#include "env/clock.h"
#include "env/posix_files.h"
#include "env/random.h"
#include "exchange/alarms.h"
#include "exchange/virtual_host.h"
#include "http/server.h"
#include "management/management.h"
#include "runtime/loop.h"
#include "runtime/worker.h"
#include "sessions.h"

#if POSTHORN_WITH_REMOTING
#include "gateway/remoting/server.h"
#endif
#if POSTHORN_WITH_AMQP
#include "gateway/amqp/server.h"
#endif

namespace posthorn::server {

/// Everything that lives while Posthorn runs, in the order it is made; it goes in the reverse order.
///
///     data directory -> engine -> users, virtual hosts -> RocketMQ's doors -> AMQP's -> HTTP -> run -> the
///     same backwards
class Program {
  public:
    explicit Program(Config config);
    ~Program();

    /// Opens everything. The error says what to do about it.
    Result<void> start();
    /// What listens where, for a person who has just started it.
    std::string banner() const;
    /// Until somebody calls `stop`.
    void run();
    /// Any thread.
    void stop() { loop_.stop(); }
    /// In order; the engine's data is synced when it returns well.
    Result<void> close();

    runtime::Loop& loop() { return loop_; }

  private:
    Result<void> open_engine();
    Result<void> open_virtual_hosts();
    Result<void> open_remoting();
    Result<void> open_amqp();
    Result<void> load_tls();
    Result<void> open_http();
    http::Router routes() const;
    broker::Now now() const;
    void begin_tick();
    void end_tick();
    /// The loop sleeps no longer than the engine allows.
    void arm();

    Config config_;
    env::SystemClock clock_;
    const std::int64_t started_ns_;
    const std::int64_t started_wall_ms_;
    std::int64_t ready_ns_ = 0;
    env::PosixFiles files_;
    runtime::Loop loop_;
    runtime::ThreadWorker worker_, names_worker_;
    std::unique_ptr<broker::Broker> broker_;
    runtime::TickHook begin_hook_, end_hook_;
    runtime::Timer wake_;
    std::int64_t wake_ms_ = 0;
    env::Random random_;
    std::unique_ptr<CatalogKeep> keep_;
    std::unique_ptr<auth::Users> users_;
    std::unique_ptr<exchange::VirtualHosts> virtual_hosts_;
    exchange::Alarms alarms_;
    std::unique_ptr<AlarmWatch> alarm_watch_;
#if POSTHORN_WITH_REMOTING
    std::unique_ptr<gateway::remoting::RemotingServer> remoting_;
#endif
#if POSTHORN_WITH_AMQP
    std::unique_ptr<gateway::amqp::AmqpServer> amqp_;
    std::unique_ptr<CertificateWatch> certificates_;
#endif
    ServerSessions sessions_{config_};
    std::unique_ptr<management::Management> management_;
    std::unique_ptr<http::Server> http_;
};

}  // namespace posthorn::server
