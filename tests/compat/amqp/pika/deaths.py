"""Time to live and dead letters."""
import pika
from pika.exceptions import UnroutableError

from client import connect, get, refused
from cases import case, equal, unique, until


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
    channel.confirm_delivery()

    def gone():  # asked by what is no use of the queue
        try:
            channel.basic_publish("", queue, "x", mandatory=True)
        except UnroutableError:
            return True
    until(10, "nobody used it", gone)
    refused(404, "no queue", channel, lambda: channel.queue_declare(queue, passive=True))
    connection.close()
