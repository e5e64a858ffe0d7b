"""Exchanges, bindings, routes."""
import pika
from pika.exceptions import ConnectionClosedByBroker

from client import connect, get, left, refused
from cases import case, equal, unique


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
