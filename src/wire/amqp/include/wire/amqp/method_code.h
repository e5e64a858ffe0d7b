#pragma once

#include <cstdint>
#include <string_view>

namespace posthorn::wire::amqp {

/// Every method of AMQP 0-9-1 and of RabbitMQ's extensions: class id << 16 | method id. A number that is not
/// listed is still a valid value of the type; its name is empty.
enum class MethodCode : std::uint32_t {
    none = 0,

    connection_start = 10 << 16 | 10,
    connection_start_ok = 10 << 16 | 11,
    connection_secure = 10 << 16 | 20,
    connection_secure_ok = 10 << 16 | 21,
    connection_tune = 10 << 16 | 30,
    connection_tune_ok = 10 << 16 | 31,
    connection_open = 10 << 16 | 40,
    connection_open_ok = 10 << 16 | 41,
    connection_close = 10 << 16 | 50,
    connection_close_ok = 10 << 16 | 51,
    connection_blocked = 10 << 16 | 60,
    connection_unblocked = 10 << 16 | 61,
    connection_update_secret = 10 << 16 | 70,
    connection_update_secret_ok = 10 << 16 | 71,

    channel_open = 20 << 16 | 10,
    channel_open_ok = 20 << 16 | 11,
    channel_flow = 20 << 16 | 20,
    channel_flow_ok = 20 << 16 | 21,
    channel_close = 20 << 16 | 40,
    channel_close_ok = 20 << 16 | 41,

    access_request = 30 << 16 | 10,
    access_request_ok = 30 << 16 | 11,

    exchange_declare = 40 << 16 | 10,
    exchange_declare_ok = 40 << 16 | 11,
    exchange_delete = 40 << 16 | 20,
    exchange_delete_ok = 40 << 16 | 21,
    exchange_bind = 40 << 16 | 30,
    exchange_bind_ok = 40 << 16 | 31,
    exchange_unbind = 40 << 16 | 40,
    exchange_unbind_ok = 40 << 16 | 51,  // 51, not 41: so it is everywhere

    queue_declare = 50 << 16 | 10,
    queue_declare_ok = 50 << 16 | 11,
    queue_bind = 50 << 16 | 20,
    queue_bind_ok = 50 << 16 | 21,
    queue_purge = 50 << 16 | 30,
    queue_purge_ok = 50 << 16 | 31,
    queue_delete = 50 << 16 | 40,
    queue_delete_ok = 50 << 16 | 41,
    queue_unbind = 50 << 16 | 50,
    queue_unbind_ok = 50 << 16 | 51,

    basic_qos = 60 << 16 | 10,
    basic_qos_ok = 60 << 16 | 11,
    basic_consume = 60 << 16 | 20,
    basic_consume_ok = 60 << 16 | 21,
    basic_cancel = 60 << 16 | 30,
    basic_cancel_ok = 60 << 16 | 31,
    basic_publish = 60 << 16 | 40,
    basic_return = 60 << 16 | 50,
    basic_deliver = 60 << 16 | 60,
    basic_get = 60 << 16 | 70,
    basic_get_ok = 60 << 16 | 71,
    basic_get_empty = 60 << 16 | 72,
    basic_ack = 60 << 16 | 80,
    basic_reject = 60 << 16 | 90,
    basic_recover_async = 60 << 16 | 100,
    basic_recover = 60 << 16 | 110,
    basic_recover_ok = 60 << 16 | 111,
    basic_nack = 60 << 16 | 120,

    confirm_select = 85 << 16 | 10,
    confirm_select_ok = 85 << 16 | 11,

    tx_select = 90 << 16 | 10,
    tx_select_ok = 90 << 16 | 11,
    tx_commit = 90 << 16 | 20,
    tx_commit_ok = 90 << 16 | 21,
    tx_rollback = 90 << 16 | 30,
    tx_rollback_ok = 90 << 16 | 31,
};

inline constexpr std::uint16_t kConnectionClass = 10;
inline constexpr std::uint16_t kBasicClass = 60;

constexpr MethodCode method_code(std::uint16_t class_id, std::uint16_t method_id) {
    return static_cast<MethodCode>(std::uint32_t{class_id} << 16 | method_id);
}
constexpr std::uint16_t class_id(MethodCode code) {
    return static_cast<std::uint16_t>(static_cast<std::uint32_t>(code) >> 16);
}
constexpr std::uint16_t method_id(MethodCode code) {
    return static_cast<std::uint16_t>(static_cast<std::uint32_t>(code) & 0xFFFF);
}

/// "basic.publish", "queue.declare-ok".
std::string_view name(MethodCode code);

/// A content header and body frames follow: basic.publish, return, deliver, get-ok.
constexpr bool has_content(MethodCode code) {
    return code == MethodCode::basic_publish || code == MethodCode::basic_deliver ||
           code == MethodCode::basic_get_ok || code == MethodCode::basic_return;
}

}  // namespace posthorn::wire::amqp
