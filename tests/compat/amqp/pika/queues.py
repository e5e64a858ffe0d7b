"""Queues and who may use them."""
import pika

from client import connect, get, left, refused
from cases import case, equal, unique, until


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
