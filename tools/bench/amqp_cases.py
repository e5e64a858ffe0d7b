"""The rows of the comparison with RabbitMQ: our native load and RabbitMQ's PerfTest."""
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import loads
from loads import Figures, check, wait_for, with_usage
from servers import PosthornAmqp, RabbitMQ, apache

HERE = Path(__file__).resolve().parent
SERVERS = {"rabbitmq": RabbitMQ, "posthorn": PosthornAmqp}
STAYS = frozenset()  # nobody: each round begins with empty servers
WAITING = 5_000_000


@dataclass(frozen=True)
class Case:
    family: str  # "native" or "perftest"
    what: str
    size: int
    options: tuple = ()  # of the load program
    flush: str = "ASYNC_FLUSH"  # RabbitMQ has no choice: it syncs never
    waiting: bool = False
    round: int = field(default=0, compare=False)

    @property
    def name(self):
        return f"{self.family}, {self.what}, {self.size} B"


def native(what, size, *options):
    return Case("native", what, size, tuple(map(str, options)))


def perftest(what, size, *options):
    return Case("perftest", what, size, tuple(map(str, options)))


WINDOW = ("--persistent", "--prefetch", 200, "--ack-every", 200, "--window", 192)
WINDOW_1 = ("--persistent", "--prefetch", 200, "--ack-every", 1, "--window", 1)
JAVA_WINDOW = ("-f", "persistent", "-ad", "false", "-q", 200, "-A", 200, "-c", 192)
JAVA_WINDOW_1 = ("-f", "persistent", "-ad", "false", "-q", 200, "-c", 1)
FAN_OUT = ("-x", 1, "-y", 10, "-t", "fanout", "-e", "bench-fan-out", "--queue-pattern", "bench-fan-out-%d",
           "--queue-pattern-from", 1, "--queue-pattern-to", 10)


def all_cases(quick, long):
    if long:
        return [Case("native", f"{WAITING:,} persistent messages waiting", 128, waiting=True)]
    if quick:
        return [native("transient auto-ack", 16), perftest("1:1 transient auto-ack", 16, "-a")]
    transient = [native("transient auto-ack", size) for size in (16, 1024, 16384)]
    return transient + [
        native("fan-out 1:10 transient auto-ack", 16, "--fan-out", "--queues", 10, "--consumers", 10),
        native("persistent, confirms, window 192", 1024, *WINDOW),
        native("persistent, confirms, window 1", 1024, *WINDOW_1),
        native("10,000 msg/s, transient auto-ack", 16, "--rate", 10_000),
        perftest("1:1 transient auto-ack", 16, "-a"),
        perftest("1:1 transient auto-ack", 1024, "-a"),
        perftest("1:1 transient auto-ack", 16384, "-a"),
        perftest("4:4 transient auto-ack", 16, "-a", "-x", 4, "-y", 4),
        perftest("fan-out 1:10 transient auto-ack", 16, "-a", *FAN_OUT),
        perftest("1:1 persistent, confirms, window 192", 1024, *JAVA_WINDOW),
        perftest("1:1 persistent, confirms, window 1", 1024, *JAVA_WINDOW_1),
    ]


def bench(server, *options):
    return loads.native("amqp", server, "--address", server.amqp, *options)


def figures(report, part, latency):
    """Rates are of what came out: what went in besides is a backlog, and nobody's merit."""
    server = report["server"]
    used = sum(report[side]["load_cpu_share"] for side in ("published", "consumed") if side in report)
    return Figures(rate=report[part]["per_second"], user_us=server["user_us_per_message"],
                   system_us=server["system_us_per_message"], load_cores=used, server_cores=server["cpu_share"],
                   p50_us=latency and latency["p50"], p99_us=latency and latency["p99"],
                   resident_mib=server["resident_bytes"] / 2**20)


def run_native(case, server, warm_up, seconds):
    options = ["--size", str(case.size), "--warm-up", str(warm_up), "--seconds", str(seconds), *case.options]
    # A server that takes faster than it gives would be measured by the length of its queue.
    if "--window" not in case.options and "--rate" not in case.options:
        options += ["--backlog", "50000"]
    report = bench(server, *options)
    for what in ("refused", "unanswered"):
        if report["published"].get(what):
            print(f"  note: {server.name}: {what} {report['published'][what]}")
    latency = None
    if "--rate" in case.options:
        latency = report["consumed"]["end_to_end_us"]
    elif "--window" in case.options:
        latency = report["published"]["confirm_us"]
    return figures(report, "consumed", latency)


def run_waiting(case, server, _warm_up, _seconds):
    name = ("--name", "waiting", "--persistent", "--size", str(case.size))
    report = bench(server, *name, "--mode", "publish", "--keep", "--window", "1000", "--messages", str(WAITING),
                   "--seconds", "3600")
    time.sleep(5)  # to write what there is still to write
    result = figures(report, "published", report["published"]["confirm_us"])
    result.resident_mib = server.usage()[2] / 2**20
    bench(server, *name, "--mode", "consume", "--prefetch", "1000", "--ack-every", "500", "--seconds", "3600")
    return result


class PerfTest(loads.Java):
    LINE = re.compile(r"time:? [\d.,]+ ?s.*?received: ([\d.]+) msg/s")

    def __init__(self, server, case):
        jars = apache.jars(HERE / "perftest", "perftest")
        super().__init__(jars, "com.rabbitmq.perf.PerfTest", "-h", f"amqp://guest:guest@{server.amqp}", "-i", "1",
                         "-s", str(case.size), *case.options)

    def received(self):
        """Waits for the moment of its next line; then all messages so far."""
        before = len(self.LINE.findall(self.output()))
        rates = []
        while len(rates) <= before:
            time.sleep(0.01)
            check(self)
            rates = self.LINE.findall(self.output())
        return sum(map(float, rates))


def run_perftest(case, server, warm_up, seconds):
    with PerfTest(server, case) as load:
        wait_for(lambda: load.received() > 0, load)
        time.sleep(warm_up)
        # Its lines come every second; the last one is waited for.
        return with_usage(server, load.cpu, load.received, max(1, round(seconds)) - 0.5)


def run(case, server, warm_up, seconds):
    if case.waiting:
        return run_waiting(case, server, warm_up, seconds)
    return (run_native if case.family == "native" else run_perftest)(case, server, warm_up, seconds)


def reference(_options):
    return "RabbitMQ 3.10.8 of Debian without plugins, its confirms without sync; PerfTest 2.22.1, JDK 17"


def warm(server, seconds):
    """The same for both: some load of either kind before anything is measured."""
    for options in (("--backlog", "50000"), tuple(map(str, WINDOW))):
        bench(server, "--size", "128", "--warm-up", "0", "--seconds", str(seconds / 2), *options)
