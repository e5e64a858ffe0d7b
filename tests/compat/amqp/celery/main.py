"""A Celery worker and its client: main.py HOST:PORT PATTERN quick|full"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "support")]
import cases  # noqa: E402
from cases import case, check, equal, until  # noqa: E402

os.environ["CASES_BROKER"] = sys.argv[1]
os.environ["CASES_RUN"] = cases.RUN
import tasks  # noqa: E402  (its settings are the two above)
from celery import chain, group  # noqa: E402
from celery.exceptions import TaskRevokedError  # noqa: E402

PATTERN = sys.argv[2]
FOLDER = Path(tempfile.mkdtemp(prefix="posthorn-celery-"))


class Worker:
    """`celery worker` as a process of its own."""

    def __init__(self, name, *queues, pool="threads", concurrency=4):
        self.name = f"{name}@posthorn"
        self.log = open(FOLDER / f"{name}.log", "ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-n", self.name, "-P", pool, "-c",
             str(concurrency), "-Q", ",".join(queues), "-l", "info"],
            cwd=FOLDER, env={**os.environ, "PYTHONPATH": str(HERE)}, stdout=self.log, stderr=self.log)
        try:
            until(30, f"{name} is ready", lambda: self.process.poll() is not None
                  or f"{self.name} ready." in self.text())
            check(self.process.poll() is None, "it ended")
        except AssertionError as problem:
            self.stop(signal.SIGKILL)
            raise AssertionError(f"{problem}: {self.text()[-500:]}") from None

    def text(self):
        return Path(self.log.name).read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(20)


def count(queue):
    """Its ready messages; 0 while there is no such queue."""
    with tasks.app.connection_for_read() as connection:
        try:
            return connection.default_channel.queue_declare(queue, passive=True).message_count
        except connection.channel_errors:
            return 0


@case
def tasks__results():
    equal(tasks.add.delay(2, 3).get(timeout=10), 5)
    equal(sorted(group(tasks.add.s(n, n) for n in range(50))().get(timeout=20)), [2 * n for n in range(50)])


@case
def tasks__chain():
    equal(chain(tasks.add.s(1, 2), tasks.add.s(4), tasks.add.s(8))().get(timeout=10), 15)


@case
def tasks__countdown():
    begin = time.time()
    late, soon = tasks.clock.apply_async(countdown=1.5), tasks.clock.apply_async()
    check(soon.get(timeout=10) - begin < 1.4, "the other waited with it")
    check(late.get(timeout=10) - begin >= 1.5, "it did not wait")


@case
def tasks__retry():
    first, second, third = tasks.stubborn.delay([]).get(timeout=20)
    check(second - first >= 0.5 and third - second >= 0.5, f"{first} {second} {third}")


@case
def tasks__given_up():
    result = tasks.hopeless.delay()
    try:
        result.get(timeout=20)
        raise AssertionError("it succeeded")
    except ValueError as problem:
        equal(str(problem), "never")


@case
def tasks__rejected_is_a_dead_letter():
    with tasks.app.connection_for_write() as connection:
        channel = connection.default_channel
        channel.queue_declare(tasks.DEAD, durable=True, auto_delete=False)
        sent = tasks.unwanted.delay()
        message = until(10, "the dead letter", lambda: channel.basic_get(tasks.DEAD, no_ack=True))
        equal(message.headers["id"], sent.id)
        equal(message.headers["x-death"][0]["reason"], "rejected")


@case
def tasks__priorities():
    """Nobody listens while they are sent; then the higher ones come first."""
    marks = FOLDER / "ranked"
    for n in (1, 9, 5, 0, 7):
        tasks.note.apply_async((str(marks), str(n)), queue=tasks.RANKED, priority=n)
    until(10, "five wait", lambda: count(tasks.RANKED) == 5)
    worker = Worker("ranked", tasks.RANKED, pool="solo", concurrency=1)
    until(10, "all five", lambda: marks.exists() and len(marks.read_text().split()) == 5)
    worker.stop()
    equal(marks.read_text().split(), ["9", "7", "5", "1", "0"])


@case
def tasks__by_topic():
    result = tasks.add.apply_async((20, 3), exchange=tasks.TOPIC.name, routing_key="report.daily.paris")
    equal(result.get(timeout=10), 23)


@case
def tasks__acks_late_survive_a_killed_worker():
    marks = FOLDER / "late"
    first = Worker("late1", tasks.LATE, pool="solo", concurrency=1)
    result = tasks.lengthy.apply_async((str(marks),), queue=tasks.LATE)
    until(10, "it began", marks.exists)
    first.stop(signal.SIGKILL)
    second = Worker("late2", tasks.LATE, pool="solo", concurrency=1)
    equal(result.get(timeout=20), second.process.pid)
    equal([line.split()[1] for line in marks.read_text().splitlines()], ["False", "True"])
    second.stop()


@case
def control__ping_and_inspect():
    until(10, "an answer", lambda: [{"main@posthorn": {"ok": "pong"}}]
          == tasks.app.control.ping(destination=["main@posthorn"], timeout=2))
    queues = tasks.app.control.inspect(destination=["main@posthorn"], timeout=3).active_queues()
    equal({queue["name"] for queue in queues["main@posthorn"]}, {tasks.QUEUE, tasks.BY_TOPIC})


@case
def control__revoke():
    result = tasks.clock.apply_async(countdown=2)
    result.revoke()
    try:
        result.get(timeout=15)
        raise AssertionError("it was run")
    except TaskRevokedError:
        pass


@case
def control__another_queue_while_it_runs():
    extra = f"{tasks.QUEUE}-extra"
    tasks.app.control.add_consumer(extra, reply=True, timeout=3, destination=["main@posthorn"])
    equal(tasks.add.apply_async((1, 1), queue=extra).get(timeout=10), 2)
    tasks.app.control.cancel_consumer(extra, reply=True, timeout=3, destination=["main@posthorn"])


@case
def events__are_seen():
    """Of a worker with threads the end of a task is told late, with others."""
    seen = set()

    def watch():
        with tasks.app.connection_for_read() as connection:
            def on_event(event):
                seen.add(event["type"])
                receiver.should_stop = {"task-sent", "task-received"} <= seen
            receiver = tasks.app.events.Receiver(connection, handlers={"*": on_event})
            receiver.capture(limit=None, timeout=15, wakeup=False)
    threading.Thread(target=watch, daemon=True).start()

    def told():  # its queue is bound some time: until then nobody is told
        tasks.add.delay(1, 1).get(timeout=10)
        return {"task-sent", "task-received"} <= seen
    until(15, "both events", told, pause=0.1)


@case
def worker__ends_when_told():
    worker = Worker("brief", tasks.LATE, pool="solo", concurrency=1)
    equal(worker.stop(), 0)


def clean():
    with tasks.app.connection_for_write() as connection:
        channel = connection.default_channel
        for queue in (tasks.QUEUE, tasks.DEAD, tasks.RANKED, tasks.BY_TOPIC, tasks.LATE, f"{tasks.QUEUE}-extra"):
            channel.queue_delete(queue)
        for exchange in (tasks.DIRECT.name, tasks.TOPIC.name, f"{tasks.QUEUE}-extra"):
            channel.exchange_delete(exchange)


def main():
    if not any(re.search(PATTERN, name) for name in cases.CASES):
        return
    worker = Worker("main", tasks.QUEUE, tasks.BY_TOPIC)
    try:
        cases.run(PATTERN)
    finally:
        worker.stop()
        clean()


main()
