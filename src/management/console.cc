#include "console.h"

#include "embedded.h"

namespace posthorn::management {
namespace {

std::string content_type(std::string_view name) {
    if (name.ends_with(".html")) return "text/html; charset=utf-8";
    if (name.ends_with(".css")) return "text/css; charset=utf-8";
    if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
    return "application/octet-stream";
}

http::Response page_of(const EmbeddedFile& file) {
    http::Response response;
    response.content_type = content_type(file.name);
    response.body = file.text;
    response.headers = {
        {"Cache-Control", "no-cache"},
        {"Content-Security-Policy", "default-src 'self'; img-src data:; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"}};
    return response;
}

}  // namespace

void add_console(http::Router& router) {
    for (const EmbeddedFile& file : console_files()) {
        const auto handler = [&file](const http::Request&) { return page_of(file); };
        router.add(http::Verb::get, file.name == "index.html" ? "/" : "/" + file.name, handler);
    }
}

}  // namespace posthorn::management
