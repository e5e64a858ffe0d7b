"""Opening, closing, heartbeats, channels."""
import select
import time

from pika.exceptions import AMQPConnectionError, ProbableAuthenticationError

from client import connect, left
from cases import case, check, equal, until


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
    # pika sends heartbeats only while it is asked to do something.
    poll = select.poll()
    poll.register(connection._impl._transport._sock, select.POLLRDHUP)
    check(poll.poll(10_000), "a connection without a sign of life was kept")


@case
def channel__many_of_one_connection():
    connection = connect()
    channels = [connection.channel() for _ in range(200)]
    queue = channels[0].queue_declare("", exclusive=True).method.queue
    for n, channel in enumerate(channels):
        channel.basic_publish("", queue, str(n))
    until(5, "all messages", lambda: left(channels[0], queue) == 200)
    connection.close()
