#include "call.h"

#include "gateway.h"

namespace posthorn::gateway::remoting {

namespace {

/// Codes by which a broker says "nothing there for you": no failure.
bool ordinary(ResponseCode code) {
    return code == ResponseCode::success || code == ResponseCode::pull_not_found ||
           code == ResponseCode::pull_retry_immediately || code == ResponseCode::query_not_found;
}

template <class T>
bool take(Call& call, Result<T> field, T& value) {
    if (!field) {
        call.fail(field.error());
        return false;
    }
    value = *field;
    return true;
}

}  // namespace

wire::FrameWriter Call::reply(ResponseCode code, std::string_view remark) {
    if (!ordinary(code)) ++stats.failed;
    Buffer& out = oneway() ? gateway.unsent() : session.out();
    return wire::FrameWriter::response(out, header.reply_to(), code, remark);
}

void Call::fail(ResponseCode code, std::string_view remark) {
    (void)reply(code, remark).finish();
}

void Call::ok_body(std::string_view json) {
    auto writer = reply();
    writer.body().append(json);
    if (const auto done = writer.finish(); !done) fail(done.error());
}

bool Call::park() {
    waits = gateway.parked.park(*this);
    return waits;
}

void Call::park_or_fail(const Error& reason, ResponseCode code, std::string_view remark) {
    if (reason.code != Errc::loading) return fail(code, remark);
    if (park()) return;
    ++gateway.counters.busy_refusals;
    fail(ResponseCode::system_busy, "too many requests wait for the disk, try again later");
}

bool Call::text(std::string_view key, std::string_view& value) {
    return take(*this, header.require_text(key), value);
}
bool Call::number(std::string_view key, std::int32_t& value) {
    return take(*this, header.require_int32(key), value);
}
bool Call::number(std::string_view key, std::int64_t& value) {
    return take(*this, header.require_int64(key), value);
}
bool Call::number_or(std::string_view key, std::int32_t fallback, std::int32_t& value) {
    return take(*this, header.int32_or(key, fallback), value);
}
bool Call::number_or(std::string_view key, std::int64_t fallback, std::int64_t& value) {
    return take(*this, header.int64_or(key, fallback), value);
}
bool Call::truth_or(std::string_view key, bool fallback, bool& value) {
    return take(*this, header.boolean_or(key, fallback), value);
}

}  // namespace posthorn::gateway::remoting
