"""The application of the worker and of the cases: plain Celery, its settings from the environment."""
import os
import time

from celery import Celery
from celery.exceptions import Reject
from kombu import Exchange, Queue

RUN = os.environ["CASES_RUN"]
DIRECT, TOPIC = Exchange(f"celery-{RUN}"), Exchange(f"celery-topic-{RUN}", type="topic")
QUEUE, DEAD, RANKED, BY_TOPIC, LATE = (f"celery-{what}-{RUN}" for what in ("work", "dead", "ranked", "topic", "late"))

app = Celery("cases", broker=f"amqp://guest:guest@{os.environ['CASES_BROKER']}//", backend="rpc://")
app.conf.update(
    task_queues=[
        Queue(QUEUE, DIRECT, routing_key=QUEUE,
              queue_arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}),
        Queue(RANKED, DIRECT, routing_key=RANKED, queue_arguments={"x-max-priority": 10}),
        Queue(BY_TOPIC, TOPIC, routing_key="report.#"),
        Queue(LATE, DIRECT, routing_key=LATE),
    ],
    task_default_queue=QUEUE, task_default_exchange=DIRECT.name, task_default_routing_key=QUEUE,
    task_create_missing_queues=True, result_expires=60, broker_connection_retry_on_startup=True,
    worker_send_task_events=True, task_send_sent_event=True, worker_prefetch_multiplier=4,
    broker_transport_options={"confirm_publish": True}, control_exchange=f"pidbox-{RUN}", event_exchange=f"events-{RUN}",
)


@app.task
def add(a, b):
    return a + b


@app.task(bind=True, max_retries=3)
def stubborn(self, begin):
    """Fails twice; says when it was tried."""
    times = [*begin, time.time()]
    if len(times) < 3:
        raise self.retry(args=[times], countdown=0.5)
    return times


@app.task(autoretry_for=(ValueError,), max_retries=2, retry_backoff=False, default_retry_delay=0.1)
def hopeless():
    raise ValueError("never")


@app.task
def clock():
    return time.time()


@app.task(acks_late=True)
def unwanted():
    raise Reject("unwanted", requeue=False)


@app.task(acks_late=True, bind=True)
def lengthy(self, marks):
    """The first worker that gets it does not live to finish it."""
    with open(marks, "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {self.request.delivery_info.get('redelivered')}\n")
    while sum(1 for _ in open(marks, encoding="utf-8")) < 2:
        time.sleep(0.05)
    return os.getpid()


@app.task
def note(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text + "\n")
