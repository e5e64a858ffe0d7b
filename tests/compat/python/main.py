"""Cases of the Python client `rocketmq` 0.4.4 (over the native 4.x library): main.py NAMESRV PATTERN quick|full"""
import os
import re
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
import remoting  # noqa: E402
from rocketmq.client import Message, Producer, PushConsumer  # noqa: E402
from rocketmq.ffi import MessageModel  # noqa: E402

BROKER = os.environ["COMPAT_BROKER"]  # host:port
NAMESRV, PATTERN, FULL = sys.argv[1], re.compile(sys.argv[2]), sys.argv[3] == "full"
RUN = f"{int(time.time() * 1000) % 10 ** 8:x}"
count = 0


def unique(what):
    global count
    count += 1
    return f"py_{what}_{RUN}_{count}"


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def wait(seconds, what, holds):
    end = time.monotonic() + seconds
    while not holds():
        check(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.02)


def stays(seconds, what, holds):
    """For showing that something does not happen, and only there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        check(holds(), what)
        time.sleep(0.02)


def producer():
    made = Producer(unique("pg"), timeout=6000)
    made.set_namesrv_addr(NAMESRV)
    made.start()
    return made


def message(topic, body, tag=None):
    made = Message(topic)
    made.set_body(body)
    if tag:
        made.set_tags(tag)
    return made


def progress(group, topic):
    """How many messages of a topic the broker knows a group to have read."""
    host, port = BROKER.split(":")
    with remoting.Link(int(port), host=host) as link:
        answers = [link.ask(remoting.QUERY_OFFSET, {"consumerGroup": group, "topic": topic, "queueId": str(queue)})[0]
                   for queue in range(4)]
    return sum(int(answer["extFields"]["offset"]) for answer in answers if answer["code"] == 0)


class Got:
    """What a consumer was given."""

    def __init__(self, topic, expression="*", group=None, **options):
        self.all, self.at, self.lock = [], [], threading.Lock()
        self.consumer = PushConsumer(group or unique("g"), **options)
        self.consumer.set_namesrv_addr(NAMESRV)
        self.consumer.set_instance_name(unique("i"))
        self.consumer.subscribe(topic, self.take, expression)
        self.consumer.start()

    def take(self, msg):
        with self.lock:
            self.at.append(time.monotonic())
            self.all.append({"body": bytes(msg.body), "tags": msg.tags, "keys": msg.keys, "id": msg.id,
                             "queue": msg.queue_id, "offset": msg.queue_offset, "mine": msg.get_property("mine")})

    def bodies(self):
        return [one["body"].decode() for one in self.all]

    def close(self):
        self.consumer.shutdown()


def send_and_consume():
    topic = unique("sync")
    sender = producer()
    for i in range(10):
        one = message(topic, f"任务{i}", "docx")
        one.set_keys(f"k{i}")
        one.set_property("mine", f"v{i}")
        result = sender.send_sync(one)
        check(result.status == 0, f"status {result.status}")
        check(len(result.msg_id) == 32, f"id {result.msg_id}")
    got = Got(topic)
    wait(30, "ten messages", lambda: len(got.all) >= 10)
    check(sorted(got.bodies()) == sorted(f"任务{i}" for i in range(10)), f"bodies {got.bodies()}")
    for one in got.all:
        number = one["body"].decode()[2:]
        check(one["tags"] == b"docx" and one["keys"] == f"k{number}".encode(), f"tags and keys {one}")
        check(one["mine"] == f"v{number}".encode(), f"property {one}")
    got.close()
    sender.shutdown()


def oneway_and_tags():
    topic = unique("tags")
    sender = producer()
    sender.send_sync(message(topic, "first", "b"))  # so that the topic has a route
    for i in range(9):
        sender.send_oneway(message(topic, str(i), "abc"[i % 3]))
    got = Got(topic, "a || c")
    wait(30, "six messages", lambda: len(got.all) >= 6)
    stays(0.3, "no seventh", lambda: len(got.all) == 6)
    check(sorted(got.bodies()) == ["0", "2", "3", "5", "6", "8"], f"bodies {got.bodies()}")
    got.close()
    sender.shutdown()


def batch():
    topic = unique("batch")
    sender = producer()
    sender.send_sync(message(topic, "first", "t"))  # so that the topic has a route of its own
    result = sender.send_batch([message(topic, f"b{i}", "t") for i in range(5)])
    check(result.status == 0, f"status {result.status}")
    # This library writes batch="1", which Java does not take for true: the original stores the whole
    # batch as one message. A server that reads "1" as true gives the five. Both keep the client going.
    got = Got(topic)
    wait(30, "what was stored", lambda: len(got.all) in (2, 6))
    check("first" in got.bodies(), f"bodies {got.bodies()}")
    check(sender.send_sync(message(topic, "after", "t")).status == 0, "status")
    got.close()
    sender.shutdown()


def orderly():
    topic = unique("ordered")
    sender = producer()
    for i in range(20):
        check(sender.send_orderly(message(topic, str(i), "t"), i % 2).status == 0, "status")
    got = Got(topic, orderly=True)
    wait(45, "twenty messages", lambda: len(got.all) >= 20)
    for rest in (0, 1):
        part = [int(b) for b in got.bodies() if int(b) % 2 == rest]
        check(part == sorted(part), f"order {part}")
        check(len({one["queue"] for one in got.all if int(one["body"]) % 2 == rest}) == 1, "one queue")
    got.close()
    sender.shutdown()


def delay():
    topic = unique("delay")
    sender = producer()
    sender.send_sync(message(topic, "now"))
    got = Got(topic)
    wait(30, "the first message", lambda: len(got.all) >= 1)
    one = message(topic, "late")
    one.set_delay_time_level(2)
    start = time.monotonic()
    sender.send_sync(one)
    wait(30, "the delayed message", lambda: len(got.all) >= 2)
    took = got.at[1] - start
    check(4.9 <= took < 9, f"after {took} s")
    got.close()
    sender.shutdown()


def large():
    topic = unique("large")
    sender = producer()
    body = "压缩" * 20000
    sender.send_sync(message(topic, body))
    got = Got(topic)
    wait(30, "the message", lambda: len(got.all) >= 1)
    check(got.bodies() == [body], "body after compression")
    got.close()
    sender.shutdown()


def broadcasting():
    topic = unique("broadcast")
    sender = producer()
    group = unique("g")
    sender.send_sync(message(topic, "warm"))
    one = Got(topic, group=group, message_model=MessageModel.BROADCASTING)
    two = Got(topic, group=group, message_model=MessageModel.BROADCASTING)

    def both():
        sender.send_sync(message(topic, "x"))
        time.sleep(0.2)
        return len(one.all) > 3 and len(two.all) > 3
    wait(40, "both get all", both)
    one.close()
    two.close()
    sender.shutdown()


def restart():
    topic, group = unique("restart"), unique("g")
    sender = producer()
    for i in range(5):
        sender.send_sync(message(topic, f"old{i}"))
    first = Got(topic, group=group)
    wait(30, "five messages", lambda: len(first.all) >= 5)
    # This client tells its progress every five seconds.
    wait(30, "progress told", lambda: progress(group, topic) == 5)
    first.close()
    for i in range(3):
        sender.send_sync(message(topic, f"new{i}"))
    second = Got(topic, group=group)
    wait(40, "three messages", lambda: len(second.all) >= 3)
    check(sorted(second.bodies()) == ["new0", "new1", "new2"], f"bodies {second.bodies()}")
    second.close()
    sender.shutdown()


CASES = [("send-and-consume", send_and_consume), ("oneway-and-tags", oneway_and_tags), ("batch-is-accepted", batch),
         ("orderly", orderly), ("delay", delay), ("compressed-body", large), ("broadcasting", broadcasting),
         ("progress-survives-restart", restart)]


def run(name, body):
    begin = time.monotonic()
    try:
        body()
        status, reason = "ok", ""
    except Exception as error:
        status, reason = "FAILED", f"{error!r} {traceback.format_exc().splitlines()[-3].strip()}"
    print(f"CASE {name} {status} {time.monotonic() - begin:.1f} {reason}", flush=True)


# One after the other: the native library does not stand many clients at work in one process.
for case in CASES:
    if PATTERN.search(case[0]):
        run(*case)
sys.stdout.flush()
os._exit(0)  # the native library's threads do not end by themselves
