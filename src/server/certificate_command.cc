#include "certificate_command.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/test_certificates.h"

namespace posthorn::server {
namespace {

struct Wanted {
    std::string directory;
    std::vector<std::string> hosts{"localhost", "127.0.0.1", "::1"};
    std::string client = "guest";
};

/// Never over one that is there: it may be somebody's.
Result<void> write_new(const std::string& path, const std::string& text, int mode) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    const bool well =
        file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int error = errno;
    if (file >= 0) ::close(file);
    if (well) return {};
    return Error{error == EEXIST ? Errc::exists : Errc::io,
                 fmt::format("{} cannot be written: {}", path, std::strerror(error))};
}

Result<void> write_pair(const std::string& directory, const std::string& name, const runtime::KeyPair& pair) {
    if (auto done = write_new(directory + "/" + name + ".key", pair.key, 0600); !done) return done;
    return write_new(directory + "/" + name + ".pem", pair.certificate, 0644);
}

Result<void> make(const Wanted& wanted) {
    std::error_code trouble;
    std::filesystem::create_directories(wanted.directory, trouble);
    if (trouble) return Error{Errc::io, fmt::format("{}: {}", wanted.directory, trouble.message())};
    const auto authority = runtime::TestAuthority::make("Posthorn test CA");
    if (!authority) return authority.error();
    const auto server = authority->server(wanted.hosts);
    if (!server) return server.error();
    const auto client = authority->client(wanted.client);
    if (!client) return client.error();
    if (auto done = write_pair(wanted.directory, "ca", authority->pair()); !done) return done;
    if (auto done = write_pair(wanted.directory, "server", *server); !done) return done;
    return write_pair(wanted.directory, "client", *client);
}

std::string next_steps(const Wanted& wanted) {
    const std::string& at = wanted.directory;
    return fmt::format(
        "{0}/ca.pem      what clients trust\n"
        "{0}/server.pem  for {1}\n"
        "{0}/client.pem  for the user '{2}', whose whole name is 'CN={2},O=Posthorn test'\n"
        "each with its .key; for first tries only, good for a year\n\n"
        "  posthorn serve --tls-certfile {0}/server.pem --tls-keyfile {0}/server.key \\\n"
        "      --tls-cacertfile {0}/ca.pem --tls-verify verify_peer --amqp-ssl-cert-login-from common_name\n",
        at, fmt::join(wanted.hosts, ", "), wanted.client);
}

}  // namespace

int run_certificates(const cli::Arguments& arguments) {
    Wanted wanted;
    CLI::App app{"Makes a CA, and from it a certificate for a server and one for a client, to try TLS with.",
                 "posthorn certificates"};
    app.add_option("directory", wanted.directory, "where to; made if it is not there")->required();
    app.add_option("--host", wanted.hosts, "what clients call the server; may be repeated")
        ->capture_default_str();
    app.add_option("--client", wanted.client, "common name of the client")->capture_default_str();
    try {
        std::vector<std::string> words(arguments.rbegin(), arguments.rend());
        app.parse(words);
    } catch (const CLI::ParseError& stop) {
        return app.exit(stop) == 0 ? cli::exit_good : cli::exit_usage;
    }
    if (auto done = make(wanted); !done) {
        fmt::print(stderr, "posthorn certificates: {}\n", done.error().message);
        return cli::exit_failed;
    }
    fmt::print("{}", next_steps(wanted));
    return cli::exit_good;
}

}  // namespace posthorn::server
