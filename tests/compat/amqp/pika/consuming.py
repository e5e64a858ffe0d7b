"""Publishing and consuming."""
import pika

from client import connect, get, left, refused
from cases import case, check, equal, unique, until


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
