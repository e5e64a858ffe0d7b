"""Cases of the Python client pika: main.py HOST:PORT PATTERN quick|full"""
import base64
import hashlib
import json
import os
import random
import re
import ssl
import sys
import time
import traceback
import urllib.request

import pika
from pika.exceptions import (AMQPConnectionError, ChannelClosedByBroker, ConnectionClosedByBroker, NackError,
                             ProbableAccessDeniedError, ProbableAuthenticationError, UnroutableError)

HOST, PORT = sys.argv[1].rsplit(":", 1)
PATTERN, FULL = re.compile(sys.argv[2]), sys.argv[3] == "full"
AMQPS, CERTIFICATES, HTTP = (os.environ.get(f"COMPAT_{name}", "") for name in ("AMQPS", "CERTIFICATES", "HTTP"))
RUN = f"{int(time.time() * 1000) % 10 ** 8:x}"
CASES = {}
count = 0


def case(function):
    CASES[function.__name__.replace("__", ".").replace("_", "-")] = function
    return function


def tls_case(function):
    """Where the server's port with TLS and its certificates are known."""
    return case(function) if AMQPS else function


def http_case(function):
    """Where the server's HTTP port is."""
    return case(function) if HTTP else function


def unique(what):
    global count
    count += 1
    return f"pika-{what}-{RUN}-{count}"


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def equal(seen, expected, what=""):
    if seen != expected:
        raise AssertionError(f"{what}: saw {seen!r}, expected {expected!r}")


def connect(user="guest", password="guest", **options):
    options = {"heartbeat": 0, "blocked_connection_timeout": 20, **options}
    return pika.BlockingConnection(pika.ConnectionParameters(
        HOST, int(PORT), credentials=pika.PlainCredentials(user, password), **options))


def until(seconds, what, get):
    """Asks again until there is something."""
    end = time.monotonic() + seconds
    while True:
        value = get()
        if value:
            return value
        check(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.02)


def get(channel, queue, seconds=5, auto_ack=True):
    def once():
        method, properties, body = channel.basic_get(queue, auto_ack=auto_ack)
        return method and (method, properties, body)
    return until(seconds, f"a message in {queue}", once)


def left(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def refused(code, text, channel, call):
    """The call closes its channel with this code and text."""
    try:
        call()
        channel.queue_declare("amq.rabbitmq.reply-to", passive=True)  # so that an answer comes
    except ChannelClosedByBroker as closed:
        equal(closed.reply_code, code)
        check(text in closed.reply_text, f"{closed.reply_text!r} does not say {text!r}")
        return
    raise AssertionError(f"nobody refused: {text}")


# --- connections ------------------------------------------------------------------------------------------------

@case
def connect__opens_and_closes():
    connection = connect()
    check(connection.is_open, "is open")
    properties = connection._impl.server_properties
    equal(properties["product"], "RabbitMQ")
    check(connection.basic_nack_supported and connection.publisher_confirms_supported and
          connection.consumer_cancel_notify_supported and connection.exchange_exchange_bindings_supported,
          "the capabilities clients look for")
    connection.close()


@case
def connect__wrong_password_is_403():
    try:
        connect(password="wrong")
    except (ProbableAuthenticationError, AMQPConnectionError) as error:
        check("403" in repr(error) and "ACCESS_REFUSED" in repr(error), repr(error))
        return
    raise AssertionError("let in")


@case
def connect__unknown_virtual_host_is_530():
    try:
        connect(virtual_host="nowhere")
    except AMQPConnectionError as error:
        check("530" in repr(error) and "vhost nowhere not found" in repr(error), repr(error))
        return
    raise AssertionError("let in")


@case
def connect__heartbeats_keep_an_idle_one():
    connection = connect(heartbeat=1)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        connection.process_data_events(0.1)
    check(connection.is_open, "still open")
    connection.channel().queue_declare("", exclusive=True)
    connection.close()


@case
def connect__a_silent_one_is_dropped():
    connection = connect(heartbeat=1)
    time.sleep(4)
    try:
        connection.channel()
    except Exception:
        return
    raise AssertionError("a connection without a sign of life was kept")


@case
def channel__many_of_one_connection():
    connection = connect()
    channels = [connection.channel() for _ in range(200)]
    queue = channels[0].queue_declare("", exclusive=True).method.queue
    for n, channel in enumerate(channels):
        channel.basic_publish("", queue, str(n))
    until(5, "all messages", lambda: left(channels[0], queue) == 200)
    connection.close()


# --- publishing and consuming -----------------------------------------------------------------------------------

@case
def consume__in_order_with_everything_as_sent():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    check(queue.startswith("amq.gen-") and len(queue) == 30, queue)
    headers = {"text": "grüße", "number": 5, "long": 1 << 40, "yes": True, "none": None, "list": [1, "a", {"b": 2}],
               "table": {"c": {}}}
    properties = pika.BasicProperties(
        content_type="text/plain", content_encoding="utf-8", headers=headers, delivery_mode=2, priority=3,
        correlation_id="c", reply_to="r", expiration="60000", message_id="m", timestamp=1_700_000_000, type="t",
        user_id="guest", app_id="a", cluster_id="x")
    for n in range(500):
        channel.basic_publish("", queue, f"body {n}", properties)
    seen = []
    for method, props, body in channel.consume(queue, inactivity_timeout=5):
        check(method, f"only {len(seen)} came")
        equal(method.delivery_tag, len(seen) + 1, "delivery tag")
        equal(method.routing_key, queue, "routing key")
        equal(vars(props), vars(properties), "properties")
        seen.append(body.decode())
        channel.basic_ack(method.delivery_tag)
        if len(seen) == 500:
            break
    equal(seen, [f"body {n}" for n in range(500)])
    channel.cancel()
    equal(left(channel, queue), 0)
    connection.close()


@case
def consume__bodies_of_every_size():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    sizes = [0, 1, 4095, 4096, 131063, 131064, 131065, 131072, 262128, 262129, 1_000_000, 3_000_000]
    for size in sizes:
        channel.basic_publish("", queue, bytes(n % 251 for n in range(1000)) * (size // 1000) + b"x" * (size % 1000))
    for size in sizes:
        method, _, body = get(channel, queue)
        equal(len(body), size)
        equal(body[:size // 1000 * 1000][-1000:], bytes(n % 251 for n in range(1000)) if size >= 1000 else b"")
    connection.close()


@case
def consume__small_frames():
    connection = connect(frame_max=4096)
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_publish("", queue, b"y" * 50_000)
    equal(get(channel, queue)[2], b"y" * 50_000)
    connection.close()


@case
def consume__two_share_a_queue():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    seen = {"a": 0, "b": 0}
    for tag in seen:
        channel.basic_consume(queue, lambda ch, method, props, body: seen.update(
            {method.consumer_tag: seen[method.consumer_tag] + 1}), auto_ack=True, consumer_tag=tag)
    for _ in range(100):
        channel.basic_publish("", queue, b"x")
    until(5, "100 messages", lambda: connection.process_data_events(0.05) or sum(seen.values()) == 100)
    equal(seen, {"a": 50, "b": 50}, "in turn")
    connection.close()


@case
def consume__higher_priority_first():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_qos(prefetch_count=3)
    seen = []
    for tag, priority in (("low", 0), ("high", 5)):
        channel.basic_consume(queue, lambda ch, method, props, body: seen.append(method.consumer_tag),
                              consumer_tag=tag, arguments={"x-priority": priority})
    for _ in range(5):
        channel.basic_publish("", queue, b"x")
    until(5, "5 messages", lambda: connection.process_data_events(0.05) or len(seen) == 5)
    equal(sorted(seen), ["high"] * 3 + ["low"] * 2)
    connection.close()


@case
def qos__a_consumer_holds_no_more():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_qos(prefetch_count=3)
    seen = []
    channel.basic_consume(queue, lambda ch, method, props, body: seen.append(method.delivery_tag))
    for n in range(10):
        channel.basic_publish("", queue, str(n))
    until(5, "3 messages", lambda: connection.process_data_events(0.05) or len(seen) >= 3)
    connection.process_data_events(0.3)
    equal(seen, [1, 2, 3])
    channel.basic_ack(2, multiple=True)
    until(5, "2 more", lambda: connection.process_data_events(0.05) or len(seen) >= 5)
    connection.process_data_events(0.2)
    equal(seen, [1, 2, 3, 4, 5])
    connection.close()


@case
def qos__of_a_whole_channel():
    connection = connect()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=4, global_qos=True)
    seen = []
    for _ in range(2):
        queue = channel.queue_declare("", exclusive=True).method.queue
        for n in range(10):
            channel.basic_publish("", queue, str(n))
        channel.basic_consume(queue, lambda ch, method, props, body: seen.append(method.delivery_tag))
    until(5, "4 messages", lambda: connection.process_data_events(0.05) or len(seen) >= 4)
    connection.process_data_events(0.3)
    equal(len(seen), 4)
    connection.close()


@case
def settle__requeued_ones_keep_their_place():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    for n in range(5):
        channel.basic_publish("", queue, str(n))
    taken = [get(channel, queue, auto_ack=False) for _ in range(3)]
    channel.basic_nack(taken[1][0].delivery_tag, requeue=True)
    channel.basic_reject(taken[0][0].delivery_tag, requeue=True)
    method, _, body = get(channel, queue)
    equal((body, method.redelivered), (b"0", True))
    method, _, body = get(channel, queue)
    equal((body, method.redelivered), (b"1", True))
    method, _, body = get(channel, queue)
    equal((body, method.redelivered), (b"3", False))
    connection.close()


@case
def settle__a_closed_connection_gives_back():
    connection, other = connect(), connect()
    channel = other.channel()
    queue = unique("q")
    channel.queue_declare(queue)
    mine = connection.channel()
    for n in range(3):
        channel.basic_publish("", queue, str(n))
    for _ in range(3):
        get(mine, queue, auto_ack=False)
    connection.close()
    equal([get(channel, queue)[2] for _ in range(3)], [b"0", b"1", b"2"])
    channel.queue_delete(queue)
    other.close()


@case
def settle__recover_hands_out_again():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_publish("", queue, "1")
    get(channel, queue, auto_ack=False)
    channel.basic_recover(requeue=True)
    check(get(channel, queue)[0].redelivered, "redelivered")
    connection.close()


@case
def settle__unknown_tags_close_the_channel():
    connection = connect()
    channel = connection.channel()
    refused(406, "unknown delivery tag 5", channel, lambda: channel.basic_ack(5))
    channel = connection.channel()
    refused(406, "unknown delivery tag 1", channel, lambda: channel.basic_nack(1, multiple=True))
    connection.close()


@case
def get__counts_what_is_left():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    equal(channel.basic_get(queue), (None, None, None))
    for n in range(3):
        channel.basic_publish("", queue, str(n))
    equal([get(channel, queue)[0].message_count for _ in range(3)], [2, 1, 0])
    connection.close()


@case
def cancel__a_deleted_queue_tells_its_consumers():
    connection = connect()
    channel = connection.channel()
    cancelled = []
    channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
    queue = unique("q")
    channel.queue_declare(queue)
    tag = channel.basic_consume(queue, lambda *_: None)
    other = connection.channel()
    other.queue_delete(queue)
    until(5, "the news", lambda: connection.process_data_events(0.05) or cancelled)
    equal(cancelled, [tag])
    connection.close()


# --- confirms and returns ---------------------------------------------------------------------------------------

@case
def confirm__each_publish():
    connection = connect()
    channel = connection.channel()
    channel.confirm_delivery()
    queue = unique("durable")
    channel.queue_declare(queue, durable=True)
    for n in range(50):
        channel.basic_publish("", queue, str(n), pika.BasicProperties(delivery_mode=1 + n % 2))
    equal(left(channel, queue), 50)
    channel.queue_delete(queue)
    connection.close()


@case
def confirm__unroutable_mandatory_comes_back():
    connection = connect()
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish("", "nobody", "dropped, and confirmed")
    try:
        channel.basic_publish("", "nobody", "back", mandatory=True)
    except UnroutableError as error:
        equal(error.messages[0].body, b"back")
        equal(error.messages[0].method.reply_code, 312)
        equal(error.messages[0].method.reply_text, "NO_ROUTE")
        connection.close()
        return
    raise AssertionError("not returned")


@case
def confirm__a_full_queue_that_rejects_nacks():
    connection = connect()
    channel = connection.channel()
    channel.confirm_delivery()
    queue = channel.queue_declare("", exclusive=True, arguments={
        "x-max-length": 2, "x-overflow": "reject-publish"}).method.queue
    for n in range(2):
        channel.basic_publish("", queue, str(n))
    try:
        channel.basic_publish("", queue, "too much")
    except NackError:
        equal(left(channel, queue), 2)
        connection.close()
        return
    raise AssertionError("not refused")


@case
def tx__commit_and_rollback():
    connection = connect()
    channel, watcher = connection.channel(), connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.tx_select()
    channel.basic_publish("", queue, "1")
    equal(left(watcher, queue), 0)
    channel.tx_commit()
    equal(left(watcher, queue), 1)
    channel.basic_publish("", queue, "2")
    channel.tx_rollback()
    channel.tx_commit()
    equal(left(watcher, queue), 1)
    method, _, _ = get(channel, queue, auto_ack=False)
    channel.basic_ack(method.delivery_tag)
    channel.tx_rollback()
    channel.close()
    until(5, "back in the queue", lambda: left(watcher, queue) == 1)
    connection.close()


# --- exchanges --------------------------------------------------------------------------------------------------

def routed(channel, kind, bindings, publishes, arguments=None):
    """Which of the queues bound so get which bodies."""
    exchange = unique("x")
    channel.exchange_declare(exchange, kind, arguments=arguments, auto_delete=True)
    queues = []
    for key, binding in bindings:
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, exchange, key, arguments=binding)
        queues.append(queue)
    channel.confirm_delivery()
    for key, headers in publishes:
        channel.basic_publish(exchange, key, key or str(headers), pika.BasicProperties(headers=headers))
    return [[channel.basic_get(queue, auto_ack=True)[2].decode() for _ in range(left(channel, queue))]
            for queue in queues]


@case
def exchange__direct_and_fanout():
    connection = connect()
    equal(routed(connection.channel(), "direct", [("a", None), ("b", None)], [("a", None), ("b", None), ("c", None)]),
          [["a"], ["b"]])
    equal(routed(connection.channel(), "fanout", [("a", None), ("b", None)], [("a", None), ("x", None)]),
          [["a", "x"], ["a", "x"]])
    connection.close()


@case
def exchange__topic():
    connection = connect()
    keys = ["market.btc", "market.btc.tick", "agent.created", "market", "", "signal.x.y.z"]
    equal(routed(connection.channel(), "topic",
                 [("#", None), ("market.#", None), ("*.created", None), ("market.*.tick", None), ("#.z", None), ("*", None)],
                 [(key, None) for key in keys if key]),
          [[key for key in keys if key], ["market.btc", "market.btc.tick", "market"], ["agent.created"],
           ["market.btc.tick"], ["signal.x.y.z"], ["market"]])
    connection.close()


@case
def exchange__headers():
    connection = connect()
    equal(routed(connection.channel(), "headers",
                 [("", {"x-match": "all", "a": 1, "b": "x"}), ("", {"x-match": "any", "a": 1, "b": "x"}), ("", {})],
                 [("both", {"a": 1, "b": "x"}), ("one", {"a": 1, "b": "y"}), ("none", {"c": 1})]),
          [["both"], ["both", "one"], ["both", "one", "none"]])
    connection.close()


@case
def exchange__to_exchange():
    connection = connect()
    channel = connection.channel()
    source, target = unique("source"), unique("target")
    channel.exchange_declare(source, "topic", auto_delete=True)
    channel.exchange_declare(target, "fanout")
    channel.exchange_bind(target, source, "a.#")
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, target)
    channel.basic_publish(source, "a.b", "through")
    equal(get(channel, queue)[0].exchange, source)
    channel.exchange_unbind(target, source, "a.#")
    refused(404, "no exchange", channel, lambda: channel.exchange_declare(source, passive=True))
    channel = connection.channel()
    channel.exchange_delete(target)
    connection.close()


@case
def exchange__alternate():
    connection = connect()
    channel = connection.channel()
    main, other = unique("main"), unique("other")
    channel.exchange_declare(other, "fanout")
    channel.exchange_declare(main, "direct", arguments={"alternate-exchange": other})
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, other)
    channel.basic_publish(main, "nobody", "caught")
    equal(get(channel, queue)[2], b"caught")
    channel.exchange_delete(main)
    channel.exchange_delete(other)
    connection.close()


@case
def exchange__copies_by_header():
    connection = connect()
    channel = connection.channel()
    a, b, c = (channel.queue_declare("", exclusive=True).method.queue for _ in range(3))
    channel.basic_publish("", a, "x", pika.BasicProperties(headers={"CC": [b], "BCC": [c]}))
    for queue in (a, b, c):
        equal(get(channel, queue)[1].headers, {"CC": [b]})
    connection.close()


# --- queues -----------------------------------------------------------------------------------------------------

@case
def queue__redeclared_differently_is_406():
    connection = connect()
    channel = connection.channel()
    queue = unique("q")
    channel.queue_declare(queue, arguments={"x-message-ttl": 1000})
    channel.queue_declare(queue, arguments={"x-message-ttl": 1000, "x-unknown": 1})
    for arguments, text in (
            ({"durable": True, "arguments": {"x-message-ttl": 1000}}, "inequivalent arg 'durable'"),
            ({"arguments": {"x-message-ttl": 1001}}, "received '1001' but current is '1000'"),
            ({}, "received none but current is the value '1000'")):
        refused(406, text, channel, lambda: channel.queue_declare(queue, **arguments))
        channel = connection.channel()
    channel.queue_delete(queue)
    connection.close()


@case
def queue__bad_arguments_are_406():
    connection = connect()
    for arguments, text in (({"x-message-ttl": -1}, "{value_negative,-1}"),
                            ({"x-message-ttl": "a"}, "expected integer, got longstr"),
                            ({"x-expires": 0}, "{value_zero,0}"),
                            ({"x-max-priority": 256}, "{max_value_exceeded,256}"),
                            ({"x-dead-letter-routing-key": "k"}, "routing_key_but_no_dlx_defined"),
                            ({"x-overflow": "x"}, "invalid_overflow")):
        channel = connection.channel()
        refused(406, text, channel, lambda: channel.queue_declare(unique("q"), arguments=arguments))
    connection.close()


@case
def queue__missing_ones():
    connection = connect()
    for call in (lambda ch: ch.queue_declare("nope", passive=True), lambda ch: ch.queue_purge("nope"),
                 lambda ch: ch.basic_get("nope"), lambda ch: ch.basic_consume("nope", lambda *_: None),
                 lambda ch: ch.queue_bind("nope", "amq.direct", "k")):
        channel = connection.channel()
        refused(404, "no queue 'nope' in vhost '/'", channel, lambda: call(channel))
    channel = connection.channel()
    equal(channel.queue_delete("nope").method.message_count, 0)
    connection.close()


@case
def queue__exclusive_ones_are_their_owners():
    connection, other = connect(), connect()
    queue = connection.channel().queue_declare("", exclusive=True).method.queue
    for call in (lambda ch: ch.queue_declare(queue, passive=True), lambda ch: ch.queue_purge(queue),
                 lambda ch: ch.basic_get(queue), lambda ch: ch.basic_consume(queue, lambda *_: None),
                 lambda ch: ch.queue_delete(queue), lambda ch: ch.queue_bind(queue, "amq.direct", "k")):
        channel = other.channel()
        refused(405, "cannot obtain exclusive access to locked queue", channel, lambda: call(channel))
    connection.close()
    channel = other.channel()
    refused(404, "no queue", channel, lambda: channel.queue_declare(queue, passive=True))
    other.close()


@case
def queue__auto_delete_goes_with_its_last_consumer():
    connection = connect()
    channel = connection.channel()
    queue = unique("q")
    channel.queue_declare(queue, auto_delete=True)
    tags = [channel.basic_consume(queue, lambda *_: None) for _ in range(2)]
    channel.basic_cancel(tags[0])
    equal(left(channel, queue), 0)
    channel.basic_cancel(tags[1])
    refused(404, "no queue", channel, lambda: channel.queue_declare(queue, passive=True))
    connection.close()


@case
def queue__purge_and_conditional_delete():
    connection = connect()
    channel = connection.channel()
    queue = unique("q")
    channel.queue_declare(queue)
    for n in range(4):
        channel.basic_publish("", queue, str(n))
    until(5, "4 messages", lambda: left(channel, queue) == 4)
    refused(406, "not empty", channel, lambda: channel.queue_delete(queue, if_empty=True))
    channel = connection.channel()
    equal(channel.queue_purge(queue).method.message_count, 4)
    channel.basic_consume(queue, lambda *_: None)
    refused(406, "in use", channel, lambda: channel.queue_delete(queue, if_unused=True))
    channel = connection.channel()
    channel.queue_delete(queue, if_empty=True, if_unused=True)
    connection.close()


@case
def queue__exclusive_consumer():
    connection = connect()
    channel, other = connection.channel(), connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.basic_consume(queue, lambda *_: None, exclusive=True)
    refused(403, "in exclusive use", other, lambda: other.basic_consume(queue, lambda *_: None))
    connection.close()


@case
def queue__single_active_consumer():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True, arguments={"x-single-active-consumer": True}).method.queue
    seen = []
    for tag in ("first", "second"):
        channel.basic_consume(queue, lambda ch, method, props, body: seen.append(method.consumer_tag),
                              auto_ack=True, consumer_tag=tag)
    for _ in range(4):
        channel.basic_publish("", queue, "x")
    until(5, "4 messages", lambda: connection.process_data_events(0.05) or len(seen) == 4)
    equal(seen, ["first"] * 4)
    channel.basic_cancel("first")
    channel.basic_publish("", queue, "x")
    until(5, "one more", lambda: connection.process_data_events(0.05) or len(seen) == 5)
    equal(seen[-1], "second")
    connection.close()


@case
def queue__priorities():
    connection = connect()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True, arguments={"x-max-priority": 5}).method.queue
    channel.confirm_delivery()
    for priority in (0, 3, 1, 5, 9, None):
        channel.basic_publish("", queue, str(priority), pika.BasicProperties(priority=priority))
    equal([get(channel, queue)[2] for _ in range(6)], [b"5", b"9", b"3", b"1", b"0", b"None"])
    connection.close()


# --- time and death ---------------------------------------------------------------------------------------------

def buried(channel, arguments, key=None):
    """A queue whose dead letters go to a second one; both names."""
    grave = channel.queue_declare("", exclusive=True).method.queue
    queue = channel.queue_declare("", exclusive=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": key or grave, **arguments}).method.queue
    return queue, grave


@case
def death__by_time_to_live():
    connection = connect()
    channel = connection.channel()
    queue, grave = buried(channel, {"x-message-ttl": 100})
    channel.basic_publish("", queue, "of the queue")
    method, properties, body = get(channel, grave)
    equal(body, b"of the queue")
    death = properties.headers["x-death"][0]
    equal((death["reason"], death["queue"], death["count"], death["exchange"], death["routing-keys"]),
          ("expired", queue, 1, "", [queue]))
    equal(properties.headers["x-first-death-reason"], "expired")
    queue, grave = buried(channel, {})
    channel.basic_publish("", queue, "of the message", pika.BasicProperties(expiration="50"))
    method, properties, body = get(channel, grave)
    equal(properties.expiration, None)
    equal(properties.headers["x-death"][0]["original-expiration"], "50")
    connection.close()


@case
def death__by_rejection_and_by_length():
    connection = connect()
    channel = connection.channel()
    queue, grave = buried(channel, {"x-max-length": 2})
    for n in range(3):
        channel.basic_publish("", queue, str(n))
    method, properties, body = get(channel, grave)
    equal((body, properties.headers["x-death"][0]["reason"]), (b"0", "maxlen"))
    method, _, _ = get(channel, queue, auto_ack=False)
    channel.basic_reject(method.delivery_tag, requeue=False)
    method, properties, body = get(channel, grave)
    equal((body, properties.headers["x-death"][0]["reason"]), (b"1", "rejected"))
    connection.close()


@case
def death__again_and_again_is_counted():
    connection = connect()
    channel = connection.channel()
    retry, work = unique("retry"), unique("work")
    channel.queue_declare(work, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": retry})
    channel.queue_declare(retry, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": work,
                                            "x-message-ttl": 50})
    channel.basic_publish("", work, "x")
    for turn in range(4):
        method, properties, _ = get(channel, work, auto_ack=False)
        deaths = {(d["queue"], d["reason"]): d["count"] for d in (properties.headers or {}).get("x-death", [])}
        equal(deaths, {} if turn == 0 else {(work, "rejected"): turn, (retry, "expired"): turn})
        channel.basic_reject(method.delivery_tag, requeue=False)
    channel.queue_delete(work)
    channel.queue_delete(retry)
    connection.close()


@case
def death__of_a_queue_nobody_uses():
    connection = connect()
    channel = connection.channel()
    queue = unique("q")
    channel.queue_declare(queue, arguments={"x-expires": 200})
    time.sleep(1)
    refused(404, "no queue", channel, lambda: channel.queue_declare(queue, passive=True))
    connection.close()


# --- more -------------------------------------------------------------------------------------------------------

@case
def reply__straight_to_who_waits():
    connection, server = connect(), connect()
    channel, serving = connection.channel(), server.channel()
    queue = serving.queue_declare("", exclusive=True).method.queue
    serving.basic_consume(queue, lambda ch, method, props, body: ch.basic_publish(
        "", props.reply_to, b"re: " + body, pika.BasicProperties(correlation_id=props.correlation_id)), auto_ack=True)
    answers = []
    channel.basic_consume("amq.rabbitmq.reply-to", lambda ch, method, props, body: answers.append(
        (props.correlation_id, body)), auto_ack=True)
    channel.basic_publish("", queue, "question", pika.BasicProperties(
        reply_to="amq.rabbitmq.reply-to", correlation_id="7"))
    until(5, "the answer", lambda: server.process_data_events(0.05) or connection.process_data_events(0.05) or answers)
    equal(answers, [("7", b"re: question")])
    connection.close()
    server.close()


@case
def publish__what_is_refused():
    connection = connect()
    for arguments, code, text in (
            ({"exchange": "nope"}, 404, "no exchange 'nope' in vhost '/'"),
            ({"properties": pika.BasicProperties(expiration="abc")}, 406, "invalid expiration 'abc': no_integer"),
            ({"properties": pika.BasicProperties(user_id="other")}, 406, "user_id property set to 'other'"),
            ({"properties": pika.BasicProperties(headers={"CC": "x"})}, 406, "unacceptable_type_in_header"),
            ({"properties": pika.BasicProperties(reply_to="amq.rabbitmq.reply-to")}, 406,
             "fast reply consumer does not exist")):
        channel = connection.channel()
        refused(code, text, channel, lambda: channel.basic_publish(
            **{"exchange": "", "routing_key": "nobody", "body": b"x", **arguments}))
    connection.close()


@case
def exchange__what_is_refused():
    connection = connect()
    for call, code, text in (
            (lambda ch: ch.exchange_declare("amq.mine", "direct"), 403, "contains reserved prefix 'amq.*'"),
            (lambda ch: ch.exchange_declare("nope", passive=True), 404, "no exchange 'nope' in vhost '/'"),
            (lambda ch: ch.exchange_delete("amq.topic"), 403, "deletion of system exchange"),
            (lambda ch: ch.queue_bind("nope", "", "k"), 403, "operation not permitted on the default exchange")):
        channel = connection.channel()
        refused(code, text, channel, lambda: call(channel))
    connection.close()


@case
def exchange__of_an_unknown_type_closes_the_connection():
    connection = connect()
    try:
        connection.channel().exchange_declare(unique("x"), "nosuch")
    except ConnectionClosedByBroker as closed:
        equal(closed.reply_code, 503)
        return
    raise AssertionError("accepted")


# --- TLS --------------------------------------------------------------------------------------------------------

def trusting(who=None, authority="ca", versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
    context = ssl.create_default_context(cafile=f"{CERTIFICATES}/{authority}.pem")
    context.minimum_version, context.maximum_version = versions
    if who:
        context.load_cert_chain(f"{CERTIFICATES}/{who}.pem", f"{CERTIFICATES}/{who}.key")
    return context


def connect_tls(context, credentials=None, **options):
    host, port = AMQPS.rsplit(":", 1)
    return pika.BlockingConnection(pika.ConnectionParameters(
        host, int(port), credentials=credentials or pika.PlainCredentials("guest", "guest"),
        ssl_options=pika.SSLOptions(context, "localhost"), heartbeat=0, **options))


def ask_http(verb, path, body=None):
    request = urllib.request.Request(f"http://{HTTP}/api/{path}", method=verb,
                                     data=json.dumps(body).encode() if body is not None else None)
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def certificate_user():
    """The one whom the client's certificate names; it logs in by no password."""
    name = "CN=compat client,O=Posthorn test"
    quoted = urllib.request.quote(name, safe="")
    ask_http("PUT", f"users/{quoted}", {"password_hash": "", "tags": ""})
    ask_http("PUT", f"permissions/%2F/{quoted}", {"configure": ".*", "write": ".*", "read": ".*"})
    return name


@tls_case
def tls__a_thousand_messages_of_up_to_a_mebibyte_come_out_as_they_went_in():
    connection = connect_tls(trusting())
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.confirm_delivery()
    dice, sums = random.Random(7), []
    for n in range(1000):
        body = dice.randbytes(1 << 20 if n % 50 == 0 else dice.randrange(1 << 14))
        channel.basic_publish("", queue, body, mandatory=True)
        sums.append(hashlib.sha256(body).digest())
    for n, (method, _, body) in enumerate(channel.consume(queue, inactivity_timeout=30)):
        check(method is not None, f"no message {n}")
        check(hashlib.sha256(body).digest() == sums[n], f"message {n} is another")
        channel.basic_ack(method.delivery_tag)
        if n == 999:
            break
    connection.close()


@tls_case
def tls__either_version_does():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        connection = connect_tls(trusting(versions=(version, version)))
        check(connection.channel().queue_declare("", exclusive=True).method.queue, "no name")
        connection.close()


@tls_case
def tls__a_client_that_does_not_know_the_authority_stays_away():
    try:
        connect_tls(trusting(authority="stranger-ca"))
    except ssl.SSLCertVerificationError:
        return
    raise AssertionError("connected")


@tls_case
def tls__a_certificate_of_another_authority_is_refused():
    try:
        connect_tls(trusting("stranger"))
    except AMQPConnectionError:
        return
    raise AssertionError("connected")


@tls_case
def tls__a_password_does_beside_a_certificate():
    connection = connect_tls(trusting("client"))
    connection.channel().queue_declare("", exclusive=True)
    connection.close()


@tls_case
def tls__external_is_the_user_the_certificate_names():
    name = certificate_user()
    connection = connect_tls(trusting("client"), pika.credentials.ExternalCredentials())
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.confirm_delivery()
    # Refused with 406 for any other name.
    channel.basic_publish("", queue, b"mine", pika.BasicProperties(user_id=name), mandatory=True)
    equal(get(channel, queue)[2], b"mine")
    connection.close()


@tls_case
def tls__external_of_a_user_nobody_knows_is_403():
    try:
        connect_tls(trusting("unknown"), pika.credentials.ExternalCredentials())
    except ProbableAuthenticationError as refused_there:
        check("ACCESS_REFUSED - Login was refused using authentication mechanism EXTERNAL. For details see the broker "
              "logfile." in repr(refused_there), repr(refused_there))
        return
    raise AssertionError("connected")


@tls_case
def tls__a_user_without_a_password_does_not_log_in_by_one():
    name = certificate_user()
    for password in ("", "guest"):
        try:
            connect(name, password)
        except ProbableAuthenticationError:
            continue
        raise AssertionError("connected")


@tls_case
def tls__the_management_api_shows_it():
    certificate_user()
    connection = connect_tls(trusting("client"), pika.credentials.ExternalCredentials(),
                             client_properties={"connection_name": unique("shown")})
    try:
        def rows():
            return [row for row in json.loads(ask_http("GET", "connections"))
                    if row.get("ssl") and row.get("peer_cert_subject")]
        row = until(15, "the connection's row", rows)[0]
        equal(row["user"], "CN=compat client,O=Posthorn test")
        equal(row["auth_mechanism"], "EXTERNAL")
        equal(row["ssl_protocol"], "tlsv1.3")
        equal(row["peer_cert_subject"], "CN=compat client,O=Posthorn test")
        equal(row["peer_cert_issuer"], "CN=compat CA,O=Posthorn test")
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ - \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                           row["peer_cert_validity"]), row["peer_cert_validity"])
    finally:
        connection.close()


# --- limits -----------------------------------------------------------------------------------------------------

@http_case
def limits__connections_of_a_virtual_host():
    host = unique("limited")
    ask_http("PUT", f"vhosts/{host}")
    ask_http("PUT", f"permissions/{host}/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    ask_http("PUT", f"vhost-limits/{host}/max-connections", {"value": 1})

    def try_to():
        try:
            return connect(virtual_host=host)
        except ProbableAccessDeniedError as denied:
            check(f"(530) \"NOT_ALLOWED - access to vhost '{host}' refused for user 'guest': connection limit (1) is "
                  "reached\"" in str(denied.args[0]), repr(denied))
            return None
    try:
        first, more = connect(virtual_host=host), []
        # RabbitMQ counts by and by.
        until(10, "a refusal", lambda: (more.append(try_to()), more[-1] is None)[1])
        for connection in (first, *more[:-1]):
            connection.close()
        until(10, "a place that is free again", try_to).close()
    finally:
        ask_http("DELETE", f"vhosts/{host}")


def main():
    failed = 0
    for name, function in CASES.items():
        if not PATTERN.search(name):
            continue
        begin, error = time.monotonic(), ""
        try:
            function()
        except BaseException as problem:
            error = f"{type(problem).__name__}: {problem} | " + " | ".join(
                f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(problem.__traceback__)[:4])
            failed += 1
        status = "FAILED" if error else "ok"
        print(f"CASE {name} {status} {time.monotonic() - begin:.1f} {error}".replace("\n", " | ").rstrip(), flush=True)
    return 0


sys.exit(main())
