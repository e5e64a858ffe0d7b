#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.h"
#include "http_call.h"
#include "usage.h"

namespace posthorn::cli {
namespace {

struct Options {
    std::string address = "127.0.0.1:15672";
    std::string user = "guest";
    std::string password = "guest";
    std::optional<std::uint64_t> memory;
    std::optional<std::uint64_t> disk_free;
    bool json = false;
};

void add_options(CLI::App& app, Options& options) {
    app.add_option("--http", options.address, "the server's HTTP port, HOST:PORT")->capture_default_str();
    app.add_option("--user", options.user, "an administrator, to set something")->capture_default_str();
    app.add_option("--password", options.password)->capture_default_str();
    app.add_option("--memory", options.memory,
                   "AMQP publishers are held back above so many bytes in use (2GiB, 500MiB); 0: never")
        ->transform(CLI::AsSizeValue(false));
    app.add_option("--disk-free", options.disk_free, "and below so many bytes free; 0: never")
        ->transform(CLI::AsSizeValue(false));
    app.add_flag("--json", options.json, "print one JSON object");
}

Result<HttpAnswer> call(const Options& options, std::string_view verb, std::string_view body) {
    auto answer =
        http_call(options.address, verb, "/api/alarm-limits", options.user + ":" + options.password, body);
    if (!answer || answer->status / 100 == 2) return answer;
    if (answer->status == 401) return Error{Errc::denied, "the server does not know this user and password"};
    const auto why = nlohmann::json::parse(answer->body, nullptr, false);
    return Error{Errc::invalid, why.is_object() ? why.value("reason", answer->body)
                                                : fmt::format("the server says {}", answer->status)};
}

Result<HttpAnswer> set_and_get(const Options& options) {
    nlohmann::json wanted = nlohmann::json::object();
    if (options.memory) wanted["memory"] = *options.memory;
    if (options.disk_free) wanted["disk_free"] = *options.disk_free;
    if (!wanted.empty())
        if (auto put = call(options, "PUT", wanted.dump()); !put) return put;
    return call(options, "GET", "");
}

void print_one(const char* what, const nlohmann::json& limit, const char* measure, const char* side) {
    fmt::print("{}: {} bytes {}, alarm {} {}{}\n", what, limit.at(measure).get<std::uint64_t>(), measure,
               side, limit.at("limit").get<std::uint64_t>(), limit.at("alarm").get<bool>() ? ", ALARM" : "");
}

}  // namespace

int run_alarms(const Arguments& arguments) {
    Options options;
    CLI::App app("Shows, and sets while it runs, what raises a Posthorn's memory and disk alarms.",
                 "posthorn alarms");
    add_options(app, options);
    if (const auto ended = parse(app, arguments, "posthorn alarms --memory 2GiB --disk-free 1GiB"))
        return *ended;
    const auto answer = set_and_get(options);
    if (!answer) {
        fmt::print(stderr, "posthorn alarms: {}\n", answer.error().message);
        return exit_failed;
    }
    const auto json = nlohmann::json::parse(answer->body, nullptr, false);
    if (!json.is_object() || !json.contains("memory") || !json.contains("disk_free")) {
        fmt::print(stderr, "posthorn alarms: {} is no Posthorn\n", options.address);
        return exit_failed;
    }
    if (options.json) {
        fmt::print("{}\n", json.dump());
        return exit_good;
    }
    print_one("memory", json["memory"], "used", "above");
    print_one("disk", json["disk_free"], "free", "below");
    return exit_good;
}

}  // namespace posthorn::cli
