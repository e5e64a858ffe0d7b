#include "certificates.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <array>
#include <ctime>
#include <utility>

#include "base/log.h"
#include "env/clock.h"

namespace posthorn::server {

namespace {

/// Time to renew it in, for people with weekends.
constexpr std::int64_t soon_s = 14 * 86'400;

/// What changes when a file is written or replaced; all zero where there is none.
struct FileMark {
    std::uint64_t inode = 0, size = 0;
    std::int64_t written_ns = 0;
    bool operator==(const FileMark&) const = default;
};

FileMark mark_of(const std::string& path) {
    struct stat found {};
    if (path.empty() || ::stat(path.c_str(), &found) != 0) return {};
    return {found.st_ino, static_cast<std::uint64_t>(found.st_size),
            found.st_mtim.tv_sec * std::int64_t{1'000'000'000} + found.st_mtim.tv_nsec};
}

using FileMarks = std::array<FileMark, 3>;
FileMarks marks_of(const runtime::TlsOptions& options) {
    return {mark_of(options.certificate_file), mark_of(options.key_file), mark_of(options.authorities_file)};
}

}  // namespace

Result<std::shared_ptr<const runtime::TlsContext>> load_certificates(const runtime::TlsOptions& options) {
    auto loaded = runtime::TlsContext::load(options);
    if (loaded) return loaded;
    return Error{
        loaded.error().code,
        fmt::format("{}\n  tls.certfile, tls.keyfile and tls.cacertfile name the files, tls.password "
                    "opens the key; 'posthorn certificates DIRECTORY' makes some to try with",
                    loaded.error().message)};
}

std::string utc_text(std::int64_t unix_s) {
    const std::time_t time = unix_s;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string certificate_warning(const runtime::Certificate& certificate, std::int64_t now_s) {
    const std::string& name = certificate.subject;
    if (now_s >= certificate.not_after_s)
        return fmt::format("the certificate of {} expired at {}: clients that verify it stay away", name,
                           utc_text(certificate.not_after_s));
    if (now_s < certificate.not_before_s)
        return fmt::format("the certificate of {} is good from {} only: clients that verify it stay away",
                           name, utc_text(certificate.not_before_s));
    if (now_s >= certificate.not_after_s - soon_s)
        return fmt::format("the certificate of {} expires at {}", name, utc_text(certificate.not_after_s));
    return {};
}

struct CertificateWatch::State {
    const runtime::TlsOptions options;
    const Take take;
    FileMarks marks;
    bool looking = false;
};

CertificateWatch::CertificateWatch(runtime::Loop& loop, runtime::Worker& worker, runtime::TlsOptions options,
                                   Take take)
    : loop_(loop), worker_(worker) {
    const FileMarks marks = marks_of(options);
    state_ = std::make_shared<State>(State{std::move(options), std::move(take), marks});
    look_later();
}

CertificateWatch::~CertificateWatch() = default;

void CertificateWatch::look_later() {
    timer_ = loop_.after(interval, [this] {
        look();
        look_later();
    });
}

void CertificateWatch::look() {
    if (state_->looking) return;
    struct Found {
        FileMarks marks;
        Result<std::shared_ptr<const runtime::TlsContext>> loaded = Error{Errc::loading, {}};
    };
    const auto found = std::make_shared<Found>();
    const auto read = [found, options = state_->options, known = state_->marks] {
        found->marks = marks_of(options);
        if (found->marks != known) found->loaded = load_certificates(options);
    };
    const auto take = [found, watch = std::weak_ptr<State>(state_)] {
        const auto state = watch.lock();
        if (!state) return;
        state->looking = false;
        if (found->marks == state->marks) return;
        state->marks = found->marks;
        if (!found->loaded) {
            log_warn("server", "the changed certificate is not taken, the old one stays: {}",
                     found->loaded.error().message);
            return;
        }
        const runtime::Certificate& certificate = (*found->loaded)->certificate();
        log_info("server", "a new certificate is in use: {}, good until {}", certificate.subject,
                 utc_text(certificate.not_after_s));
        if (const auto warning = certificate_warning(certificate, env::SystemClock().wall_ms() / 1000);
            !warning.empty())
            log_warn("server", "{}", warning);
        state->take(*found->loaded);
    };
    state_->looking = worker_.submit(read, take);
}

}  // namespace posthorn::server
