#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "runtime/loop.h"
#include "runtime/tls.h"
#include "runtime/worker.h"

namespace posthorn::server {

/// Any thread; reads the files. The error says which setting to look at.
Result<std::shared_ptr<const runtime::TlsContext>> load_certificates(const runtime::TlsOptions& options);

/// What an operator should know before clients tell: it has expired, soon will, or is not good yet. Empty:
/// all is well.
std::string certificate_warning(const runtime::Certificate& certificate, std::int64_t now_s);
/// "2026-11-21T22:15:46Z"
std::string utc_text(std::int64_t unix_s);

/// Takes renewed certificates without a restart: looks at the files every half minute, on a worker, and hands
/// over what can be loaded. What cannot is said once, and the old one stays.
class CertificateWatch {
  public:
    using Take = std::function<void(std::shared_ptr<const runtime::TlsContext>)>;
    static constexpr std::chrono::seconds interval{30};

    /// `take` is called on the loop's thread. Loop and worker must live longer.
    CertificateWatch(runtime::Loop& loop, runtime::Worker& worker, runtime::TlsOptions options, Take take);
    ~CertificateWatch();

    /// Now, whatever the interval says.
    void look();

  private:
    struct State;
    void look_later();

    runtime::Loop& loop_;
    runtime::Worker& worker_;
    std::shared_ptr<State> state_;  ///< work that is under way may outlive this
    runtime::Timer timer_;
};

}  // namespace posthorn::server
