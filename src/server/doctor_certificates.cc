#include <fmt/core.h>

#include "certificates.h"
#include "doctor.h"
#include "env/clock.h"

namespace posthorn::server {

void examine_certificates(const Config& config, Findings& findings) {
    if (!with_tls(config)) return;
    const auto loaded = load_certificates(config.tls);
    if (!loaded) {
        findings.push_back({Verdict::bad, "tls.certfile", loaded.error().message, {}});
        return;
    }
    const runtime::Certificate& certificate = (*loaded)->certificate();
    const std::string warning = certificate_warning(certificate, env::SystemClock().wall_ms() / 1000);
    if (warning.empty())
        findings.push_back(
            {Verdict::good,
             "tls.certfile",
             fmt::format("{}, good until {}", certificate.subject, utc_text(certificate.not_after_s)),
             {}});
    else
        findings.push_back({Verdict::warning, "tls.certfile", warning, "put a new one there"});
}

}  // namespace posthorn::server
