/* Cases of rabbitmq-c: main HOST:PORT PATTERN quick|full */
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static char host[256], run[32], why[600];
static int port;
static jmp_buf failed;
static amqp_connection_state_t now; /* closed when its case ends */

static void fail(const char *form, ...) {
    va_list values;
    va_start(values, form);
    vsnprintf(why, sizeof why, form, values);
    va_end(values);
    longjmp(failed, 1);
}

static void check(int holds, const char *what) {
    if (!holds) fail("%s", what);
}

static double seconds(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static amqp_bytes_t text(const char *of) { return amqp_cstring_bytes(of); }

static int same(amqp_bytes_t bytes, const char *expected) {
    return bytes.len == strlen(expected) && memcmp(bytes.bytes, expected, bytes.len) == 0;
}

static amqp_table_entry_t *entry(const amqp_table_t *table, amqp_bytes_t key) {
    for (int n = 0; n < table->num_entries; n++)
        if (table->entries[n].key.len == key.len && memcmp(table->entries[n].key.bytes, key.bytes, key.len) == 0)
            return &table->entries[n];
    return NULL;
}

/* What a closed channel or connection says. */
static const char *closed(amqp_rpc_reply_t reply) {
    static char said[400];
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
        snprintf(said, sizeof said, "library: %s", amqp_error_string2(reply.library_error));
    } else if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        amqp_channel_close_t *close = reply.reply.decoded;
        snprintf(said, sizeof said, "%d %.*s", close->reply_code, (int)close->reply_text.len, (char *)close->reply_text.bytes);
    } else if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        amqp_connection_close_t *close = reply.reply.decoded;
        snprintf(said, sizeof said, "%d %.*s", close->reply_code, (int)close->reply_text.len, (char *)close->reply_text.bytes);
    } else {
        snprintf(said, sizeof said, "no error");
    }
    return said;
}

static void ok(amqp_rpc_reply_t reply, const char *what) {
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("%s: %s", what, closed(reply));
}

static amqp_rpc_reply_t login(int frame_max, int heartbeat, const char *user, const char *password) {
    now = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(now);
    check(socket && amqp_socket_open(socket, host, port) == 0, "no connection");
    return amqp_login(now, "/", AMQP_DEFAULT_MAX_CHANNELS, frame_max, heartbeat, AMQP_SASL_METHOD_PLAIN, user, password);
}

static amqp_connection_state_t open_with(int frame_max, int heartbeat) {
    ok(login(frame_max, heartbeat, "guest", "guest"), "login");
    check(amqp_channel_open(now, 1) != NULL, "channel");
    return now;
}

static amqp_connection_state_t open_one(void) { return open_with(AMQP_DEFAULT_FRAME_SIZE, 0); }

static const char *name(const char *what) {
    static char names[4][128];
    static int next;
    char *made = names[next++ % 4];
    snprintf(made, sizeof names[0], "c-%s-%s-%d", what, run, next);
    return made;
}

/* A server-named exclusive queue; the name is good until the next call. */
static amqp_bytes_t declare(amqp_connection_state_t to, amqp_table_t arguments) {
    static char made[256];
    amqp_queue_declare_ok_t *done = amqp_queue_declare(to, 1, amqp_empty_bytes, 0, 0, 1, 0, arguments);
    ok(amqp_get_rpc_reply(to), "declare");
    snprintf(made, sizeof made, "%.*s", (int)done->queue.len, (char *)done->queue.bytes);
    return text(made);
}

static void publish(amqp_connection_state_t to, const char *exchange, amqp_bytes_t key, int mandatory,
                    const amqp_basic_properties_t *properties, amqp_bytes_t body) {
    int status = amqp_basic_publish(to, 1, text(exchange), key, mandatory, 0, properties, body);
    if (status != 0) fail("publish: %s", amqp_error_string2(status));
}

static amqp_envelope_t next_message(amqp_connection_state_t from) {
    amqp_envelope_t envelope;
    struct timeval patience = {10, 0};
    amqp_maybe_release_buffers(from);
    ok(amqp_consume_message(from, &envelope, &patience, 0), "a message");
    return envelope;
}

/* The next frame of a method; fails for another method. */
static void *method(amqp_connection_state_t from, amqp_method_number_t id) {
    amqp_frame_t frame;
    struct timeval patience = {10, 0};
    int status = amqp_simple_wait_frame_noblock(from, &frame, &patience);
    if (status != 0) fail("no frame: %s", amqp_error_string2(status));
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != id)
        fail("saw frame %d, method %x", frame.frame_type, frame.payload.method.id);
    return frame.payload.method.decoded;
}

static void login_and_properties(void) {
    amqp_connection_state_t c = open_one();
    amqp_table_t *server = amqp_get_server_properties(c);
    amqp_table_entry_t *product = entry(server, text("product"));
    check(product && same(product->value.value.bytes, "RabbitMQ"), "product");
    amqp_table_entry_t *able = entry(server, text("capabilities"));
    amqp_table_entry_t *confirms = able ? entry(&able->value.value.table, text("publisher_confirms")) : NULL;
    check(confirms && confirms->value.value.boolean, "publisher_confirms");
    check(amqp_get_channel_max(c) == 2047, "channel_max");
    check(amqp_get_frame_max(c) == 131072, "frame_max");
}

static void wrong_password(void) {
    const char *said = closed(login(131072, 0, "guest", "wrong"));
    check(strncmp(said, "403 ACCESS_REFUSED", 18) == 0, said);
}

static void published_and_consumed(void) {
    amqp_connection_state_t c = open_one();
    amqp_bytes_t queue = declare(c, amqp_empty_table);
    amqp_basic_qos(c, 1, 0, 10, 0);
    amqp_basic_consume(c, 1, queue, text("tag"), 0, 0, 0, amqp_empty_table);
    ok(amqp_get_rpc_reply(c), "consume");
    char body[16];
    for (int n = 0; n < 500; n++) {
        snprintf(body, sizeof body, "%d", n);
        publish(c, "", queue, 0, NULL, text(body));
    }
    for (int n = 0; n < 500; n++) {
        amqp_envelope_t one = next_message(c);
        snprintf(body, sizeof body, "%d", n);
        check(same(one.message.body, body) && same(one.consumer_tag, "tag") && !one.redelivered, body);
        check(one.delivery_tag == (uint64_t)n + 1, "tag");
        check(amqp_basic_ack(c, 1, one.delivery_tag, 0) == 0, "ack");
        amqp_destroy_envelope(&one);
    }
    amqp_basic_cancel(c, 1, text("tag"));
    ok(amqp_get_rpc_reply(c), "cancel");
}

static void every_property(void) {
    amqp_connection_state_t c = open_one();
    amqp_bytes_t queue = declare(c, amqp_empty_table);
    amqp_table_entry_t inner = {text("k"), {AMQP_FIELD_KIND_UTF8, {.bytes = text("v")}}};
    amqp_table_entry_t headers[] = {
        {text("bool"), {AMQP_FIELD_KIND_BOOLEAN, {.boolean = 1}}},  {text("i8"), {AMQP_FIELD_KIND_I8, {.i8 = -8}}},
        {text("i16"), {AMQP_FIELD_KIND_I16, {.i16 = -16}}},         {text("i32"), {AMQP_FIELD_KIND_I32, {.i32 = -32}}},
        {text("i64"), {AMQP_FIELD_KIND_I64, {.i64 = -64}}},         {text("f64"), {AMQP_FIELD_KIND_F64, {.f64 = 1.5}}},
        {text("text"), {AMQP_FIELD_KIND_UTF8, {.bytes = text("gr\xc3\xbc\xc3\x9f")}}},
        {text("time"), {AMQP_FIELD_KIND_TIMESTAMP, {.u64 = 1700000000}}},
        {text("table"), {AMQP_FIELD_KIND_TABLE, {.table = {1, &inner}}}},
    };
    amqp_basic_properties_t sent = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                  AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                  AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_APP_ID_FLAG,
        .content_type = text("text/plain"), .headers = {9, headers}, .delivery_mode = 2, .priority = 3,
        .correlation_id = text("corr"), .message_id = text("id"), .timestamp = 1700000001, .type = text("type"),
        .app_id = text("app")};
    publish(c, "", queue, 0, &sent, text("body"));
    amqp_basic_consume(c, 1, queue, amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    amqp_envelope_t one = next_message(c);
    amqp_basic_properties_t *got = &one.message.properties;
    check(got->_flags == sent._flags, "flags");
    check(same(got->content_type, "text/plain") && got->delivery_mode == 2 && got->priority == 3 &&
          same(got->correlation_id, "corr") && same(got->message_id, "id") && got->timestamp == 1700000001 &&
          same(got->type, "type") && same(got->app_id, "app"), "a property");
    check(got->headers.num_entries == 9, "headers");
    check(got->headers.entries[0].value.value.boolean == 1 && got->headers.entries[1].value.value.i8 == -8 &&
          got->headers.entries[2].value.value.i16 == -16 && got->headers.entries[3].value.value.i32 == -32 &&
          got->headers.entries[4].value.value.i64 == -64 && got->headers.entries[7].value.value.u64 == 1700000000 &&
          same(got->headers.entries[8].value.value.table.entries[0].value.value.bytes, "v"), "a header");
    amqp_destroy_envelope(&one);
}

static void large_bodies(void) {
    amqp_connection_state_t c = open_with(4096, 0);
    amqp_bytes_t queue = declare(c, amqp_empty_table);
    amqp_basic_consume(c, 1, queue, amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    ok(amqp_get_rpc_reply(c), "consume");
    const size_t sizes[] = {0, 4087, 4088, 4089, 1000000};
    for (int n = 0; n < 5; n++) {
        amqp_bytes_t body = {sizes[n], malloc(sizes[n] + 1)};
        memset(body.bytes, 'a' + n, sizes[n]);
        publish(c, "", queue, 0, NULL, body);
        amqp_envelope_t one = next_message(c);
        check(one.message.body.len == sizes[n] && memcmp(one.message.body.bytes, body.bytes, sizes[n]) == 0, "a body");
        amqp_destroy_envelope(&one);
        free(body.bytes);
    }
}

static void confirmed(void) {
    amqp_connection_state_t c = open_one();
    amqp_bytes_t queue = declare(c, amqp_empty_table);
    amqp_confirm_select(c, 1);
    ok(amqp_get_rpc_reply(c), "confirm.select");
    for (int n = 0; n < 100; n++) publish(c, "", queue, 0, NULL, text("x"));
    for (uint64_t seen = 0; seen < 100;) {
        amqp_basic_ack_t *ack = method(c, AMQP_BASIC_ACK_METHOD);
        check(ack->delivery_tag > seen && ack->delivery_tag <= 100, "a tag");
        check(ack->multiple || ack->delivery_tag == seen + 1, "not in order");
        seen = ack->delivery_tag;
        amqp_maybe_release_buffers(c);
    }
}

static void returned_before_its_ack(void) {
    amqp_connection_state_t c = open_one();
    amqp_confirm_select(c, 1);
    ok(amqp_get_rpc_reply(c), "confirm.select");
    publish(c, "", text(name("nobody")), 1, NULL, text("lost"));
    amqp_basic_return_t *back = method(c, AMQP_BASIC_RETURN_METHOD);
    check(back->reply_code == 312 && same(back->reply_text, "NO_ROUTE"), "312");
    amqp_message_t message;
    ok(amqp_read_message(c, 1, &message, 0), "its body");
    check(same(message.body, "lost"), "body");
    amqp_destroy_message(&message);
    check(((amqp_basic_ack_t *)method(c, AMQP_BASIC_ACK_METHOD))->delivery_tag == 1, "ack");
}

static void got_one_by_one(void) {
    amqp_connection_state_t c = open_one();
    amqp_bytes_t queue = declare(c, amqp_empty_table);
    check(amqp_basic_get(c, 1, queue, 0).reply.id == AMQP_BASIC_GET_EMPTY_METHOD, "empty");
    publish(c, "", queue, 0, NULL, text("one"));
    for (int n = 0; n < 2; n++) {
        amqp_rpc_reply_t reply;
        for (double end = seconds() + 10;;) {
            reply = amqp_basic_get(c, 1, queue, 0);
            ok(reply, "get");
            if (reply.reply.id == AMQP_BASIC_GET_OK_METHOD) break;
            check(seconds() < end, "nothing");
        }
        amqp_basic_get_ok_t *got = reply.reply.decoded;
        check(got->redelivered == n && got->message_count == 0, "get-ok");
        uint64_t tag = got->delivery_tag;
        amqp_message_t message;
        ok(amqp_read_message(c, 1, &message, 0), "its body");
        check(same(message.body, "one"), "body");
        amqp_destroy_message(&message);
        check(amqp_basic_nack(c, 1, tag, 0, n == 0) == 0, "nack");
    }
}

static void exchanges_and_bindings(void) {
    amqp_connection_state_t c = open_one();
    amqp_bytes_t queue = declare(c, amqp_empty_table);
    const char *from = name("from"), *to = name("to");
    amqp_exchange_declare(c, 1, text(from), text("topic"), 0, 0, 0, 0, amqp_empty_table);
    ok(amqp_get_rpc_reply(c), "exchange");
    amqp_exchange_declare(c, 1, text(to), text("fanout"), 0, 0, 0, 0, amqp_empty_table);
    ok(amqp_get_rpc_reply(c), "exchange");
    amqp_exchange_bind(c, 1, text(to), text(from), text("a.#"), amqp_empty_table);
    ok(amqp_get_rpc_reply(c), "exchange.bind");
    amqp_queue_bind(c, 1, queue, text(to), text(""), amqp_empty_table);
    ok(amqp_get_rpc_reply(c), "queue.bind");
    amqp_basic_consume(c, 1, queue, amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    publish(c, from, text("b.x"), 0, NULL, text("no"));
    publish(c, from, text("a.x"), 0, NULL, text("yes"));
    amqp_envelope_t one = next_message(c);
    check(same(one.message.body, "yes") && same(one.routing_key, "a.x") && same(one.exchange, from), "a message");
    amqp_destroy_envelope(&one);
    amqp_exchange_delete(c, 1, text(from), 0);
    ok(amqp_get_rpc_reply(c), "delete");
    amqp_exchange_delete(c, 1, text(to), 0);
    ok(amqp_get_rpc_reply(c), "delete");
}

static void transactions(void) {
    amqp_connection_state_t c = open_one();
    amqp_bytes_t queue = declare(c, amqp_empty_table);
    amqp_tx_select(c, 1);
    ok(amqp_get_rpc_reply(c), "select");
    publish(c, "", queue, 0, NULL, text("dropped"));
    amqp_tx_rollback(c, 1);
    ok(amqp_get_rpc_reply(c), "rollback");
    publish(c, "", queue, 0, NULL, text("kept"));
    amqp_tx_commit(c, 1);
    ok(amqp_get_rpc_reply(c), "commit");
    amqp_queue_declare_ok_t *there = amqp_queue_declare(c, 1, queue, 1, 0, 0, 0, amqp_empty_table);
    check(there && there->message_count == 1, "one message");
}

static void refused_on_a_channel(void) {
    amqp_connection_state_t c = open_one();
    amqp_queue_declare(c, 1, text(name("nobody")), 1, 0, 0, 0, amqp_empty_table);
    const char *said = closed(amqp_get_rpc_reply(c));
    check(strncmp(said, "404 NOT_FOUND - no queue 'c-nobody", 34) == 0, said);
    amqp_channel_close_ok_t done = {0};
    check(amqp_send_method(c, 1, AMQP_CHANNEL_CLOSE_OK_METHOD, &done) == 0, "close-ok");
    check(amqp_channel_open(c, 2) != NULL, "the connection goes on");
}

static void refused_on_a_connection(void) {
    amqp_connection_state_t c = open_one();
    amqp_exchange_declare(c, 1, text(name("x")), text("nosuch"), 0, 0, 0, 0, amqp_empty_table);
    const char *said = closed(amqp_get_rpc_reply(c));
    check(strstr(said, "503 COMMAND_INVALID - unknown exchange type 'nosuch'") != NULL, said);
}

static void heartbeats(void) {
    amqp_connection_state_t c = open_with(131072, 1);
    amqp_frame_t frame;
    struct timeval patience = {3, 500000};
    check(amqp_simple_wait_frame_noblock(c, &frame, &patience) == AMQP_STATUS_TIMEOUT, "it stays open, and silent for us");
    check(amqp_channel_open(c, 2) != NULL, "still there");
}

static void dead_letters(void) {
    amqp_connection_state_t c = open_one();
    char dead[256];
    snprintf(dead, sizeof dead, "%s", (char *)declare(c, amqp_empty_table).bytes);
    amqp_table_entry_t entries[] = {
        {text("x-message-ttl"), {AMQP_FIELD_KIND_I32, {.i32 = 50}}},
        {text("x-dead-letter-exchange"), {AMQP_FIELD_KIND_UTF8, {.bytes = text("")}}},
        {text("x-dead-letter-routing-key"), {AMQP_FIELD_KIND_UTF8, {.bytes = text(dead)}}}};
    amqp_table_t arguments = {3, entries};
    amqp_bytes_t queue = declare(c, arguments);
    amqp_basic_consume(c, 1, text(dead), amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    ok(amqp_get_rpc_reply(c), "consume");
    publish(c, "", queue, 0, NULL, text("late"));
    amqp_envelope_t one = next_message(c);
    check(same(one.message.body, "late"), "body");
    amqp_table_entry_t *death = entry(&one.message.properties.headers, text("x-death"));
    check(death && death->value.kind == AMQP_FIELD_KIND_ARRAY && death->value.value.array.num_entries == 1, "x-death");
    amqp_table_entry_t *reason =
        entry(&death->value.value.array.entries[0].value.table, text("reason"));
    check(reason && same(reason->value.value.bytes, "expired"), "reason");
    amqp_destroy_envelope(&one);
}

/* The command line tools that come with the library. */
static int shell(const char *form, ...) {
    char command[800], filled[1200];
    va_list values;
    va_start(values, form);
    vsnprintf(command, sizeof command, form, values);
    va_end(values);
    snprintf(filled, sizeof filled, "URL='amqp://guest:guest@%s:%d'; %s", host, port, command);
    return system(filled);
}

static void tools(void) {
    const char *queue = name("tools");
    check(shell("amqp-declare-queue -u $URL -d -q %s >/dev/null", queue) == 0, "amqp-declare-queue");
    for (int n = 0; n < 3; n++)
        check(shell("amqp-publish -u $URL -r %s -p -C text/plain -b 'line %d'", queue, n) == 0, "amqp-publish");
    check(shell("test \"$(amqp-get -u $URL -q %s)\" = 'line 0'", queue) == 0, "amqp-get");
    check(shell("test \"$(amqp-consume -u $URL -q %s -c 2 cat)\" = 'line 1line 2'", queue) == 0, "amqp-consume");
    check(shell("amqp-get -u $URL -q %s", queue) != 0, "amqp-get of nothing");
    check(shell("amqp-delete-queue -u $URL -q %s >/dev/null", queue) == 0, "amqp-delete-queue");
    check(shell("amqp-delete-queue -u $URL -q %s --if-unused >/dev/null 2>&1", queue) == 0, "a second time");
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"connect.login-and-properties", login_and_properties},
    {"connect.wrong-password", wrong_password},
    {"connect.heartbeats", heartbeats},
    {"message.published-and-consumed", published_and_consumed},
    {"message.every-property", every_property},
    {"message.large-bodies", large_bodies},
    {"message.got-one-by-one", got_one_by_one},
    {"message.dead-letters", dead_letters},
    {"confirm.each-publish", confirmed},
    {"confirm.returned-before-its-ack", returned_before_its_ack},
    {"exchange.bindings", exchanges_and_bindings},
    {"tx.commit-and-rollback", transactions},
    {"refused.on-a-channel", refused_on_a_channel},
    {"refused.on-a-connection", refused_on_a_connection},
    {"tools.command-lines", tools},
};

int main(int count, char **arguments) {
    regex_t pattern;
    if (count < 4 || sscanf(arguments[1], "%255[^:]:%d", host, &port) != 2 || regcomp(&pattern, arguments[2], REG_EXTENDED))
        return 2;
    snprintf(run, sizeof run, "%x%x", (unsigned)time(NULL) & 0xffffff, (unsigned)getpid());
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        if (regexec(&pattern, cases[n].name, 0, NULL, 0) != 0) continue;
        double begin = seconds();
        const char *volatile status = "ok";
        why[0] = 0;
        now = NULL;
        if (setjmp(failed) == 0)
            cases[n].run();
        else
            status = "FAILED";
        if (now) {
            amqp_connection_close(now, AMQP_REPLY_SUCCESS);
            amqp_destroy_connection(now);
        }
        printf("CASE %s %s %.1f %s\n", cases[n].name, status, seconds() - begin, why);
        fflush(stdout);
    }
    return 0;
}
