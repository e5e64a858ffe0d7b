#include "doctor.h"

#include <fmt/core.h>

#include <algorithm>

#include "command_line.h"
#include "http/message.h"

namespace posthorn::server {
namespace {

std::string_view name(Verdict verdict) {
    switch (verdict) {
        case Verdict::good:
            return "good";
        case Verdict::warning:
            return "warning";
        case Verdict::bad:
            break;
    }
    return "bad";
}

auto count(const Findings& findings, Verdict verdict) {
    return std::count_if(findings.begin(), findings.end(),
                         [&](const Finding& finding) { return finding.verdict == verdict; });
}

/// The configuration is the first thing a doctor asks for.
void examine_configuration(const Notes& notes, Findings& findings) {
    bool worth_a_word = false;
    for (const Note& note : notes) {
        if (note.level < LogLevel::warn) continue;
        findings.push_back({Verdict::warning, "configuration", note.text, "see docs/configuration.md"});
        worth_a_word = true;
    }
    if (!worth_a_word) findings.push_back({Verdict::good, "configuration", "it can be read", {}});
}

}  // namespace

std::string findings_text(const Findings& findings) {
    std::string text;
    for (const Finding& finding : findings) {
        text += fmt::format("{:8} {:18} {}\n", name(finding.verdict), finding.check, finding.found);
        if (!finding.advice.empty()) text += fmt::format("{:27} -> {}\n", "", finding.advice);
    }
    const auto bad = count(findings, Verdict::bad), warnings = count(findings, Verdict::warning);
    if (bad == 0 && warnings == 0) return text + "\nAll is well.\n";
    return text + fmt::format("\n{} bad, {} to look at.\n", bad, warnings);
}

std::string findings_json(const Findings& findings) {
    std::string json = fmt::format(R"({{"good":{},"findings":[)", count(findings, Verdict::bad) == 0);
    for (const Finding& finding : findings)
        json += fmt::format(R"({}{{"verdict":"{}","check":{},"found":{},"advice":{}}})",
                            json.back() == '[' ? "" : ",", name(finding.verdict),
                            http::json_quoted(finding.check), http::json_quoted(finding.found),
                            http::json_quoted(finding.advice));
    return json + "]}\n";
}

int run_doctor(const cli::Arguments& arguments) {
    cli::Arguments words = arguments;
    const bool json = std::erase(words, "--json") > 0;
    int exit_code = cli::exit_good;
    const auto sources = parse_command_line(
        "doctor",
        "Looks whether Posthorn can run here as it is configured: ports, data directory, disk, clock, "
        "limits. "
        "Says what to do where something is wrong; the exit code is 1 then. --json prints one JSON object.",
        words, exit_code);
    if (!sources) return exit_code;
    Findings findings;
    if (const auto loaded = load_config(*sources)) {
        examine_configuration(loaded->notes, findings);
        examine_ports(loaded->config, findings);
        examine_certificates(loaded->config, findings);
        examine_data_directory(loaded->config, findings);
        examine_machine(loaded->config, findings);
    } else {
        findings.push_back(
            {Verdict::bad, "configuration", loaded.error().message, "see docs/configuration.md"});
    }
    fmt::print("{}", json ? findings_json(findings) : findings_text(findings));
    return count(findings, Verdict::bad) == 0 ? cli::exit_good : cli::exit_failed;
}

}  // namespace posthorn::server
