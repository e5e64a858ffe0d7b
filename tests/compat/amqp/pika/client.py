"""What the cases share: pika, and the server under test."""
import base64
import json
import os
import sys
import urllib.request
from pathlib import Path

import pika
from pika.exceptions import ChannelClosedByBroker

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "support"))
from cases import check, equal, unique, until  # noqa: E402

HOST, PORT = sys.argv[1].rsplit(":", 1)
AMQPS, CERTIFICATES, HTTP = (os.environ.get(f"COMPAT_{name}", "") for name in ("AMQPS", "CERTIFICATES", "HTTP"))


def connect(user="guest", password="guest", **options):
    options = {"heartbeat": 0, "blocked_connection_timeout": 20, **options}
    return pika.BlockingConnection(pika.ConnectionParameters(
        HOST, int(PORT), credentials=pika.PlainCredentials(user, password), **options))


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


def ask_http(verb, path, body=None):
    request = urllib.request.Request(f"http://{HTTP}/api/{path}", method=verb,
                                     data=json.dumps(body).encode() if body is not None else None)
    request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()
