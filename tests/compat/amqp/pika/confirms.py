"""Confirms, returns, transactions."""
import pika
from pika.exceptions import NackError, UnroutableError

from client import connect, get, left
from cases import case, equal, unique, until


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
