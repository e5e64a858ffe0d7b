#include "wire/amqp/sasl.h"

#include "wire/amqp/table.h"

namespace posthorn::wire::amqp {
namespace {

constexpr std::string_view kLogin = "LOGIN";
constexpr std::string_view kPassword = "PASSWORD";

std::optional<std::string_view> text_or_bytes(TableView table, std::string_view name) {
    const auto value = table.find(name);
    if (!value || (value->type != FieldType::text && value->type != FieldType::bytes)) return std::nullopt;
    return as_text(value->raw);
}

}  // namespace

std::optional<Credentials> parse_plain(std::string_view response) {
    if (response.empty() || response.front() != '\0') return std::nullopt;
    response.remove_prefix(1);
    const std::size_t end = response.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const Credentials credentials{response.substr(0, end), response.substr(end + 1)};
    if (credentials.password.find('\0') != std::string_view::npos) return std::nullopt;
    return credentials;
}

std::optional<Credentials> parse_amqplain(std::string_view response) {
    if (!validate_table(as_bytes(response))) return std::nullopt;
    const TableView table(as_bytes(response));
    const auto user = text_or_bytes(table, kLogin);
    const auto password = text_or_bytes(table, kPassword);
    if (!user || !password) return std::nullopt;
    return Credentials{*user, *password};
}

void append_plain(Buffer& out, const Credentials& credentials) {
    out.be(std::uint8_t{0});
    out.append(credentials.user);
    out.be(std::uint8_t{0});
    out.append(credentials.password);
}

}  // namespace posthorn::wire::amqp
