"""The rows of the comparison: which load runs, and what is read off it."""
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import loads
import servers
from loads import Figures, check, wait_for, with_usage
from servers import ROOT, Apache, Posthorn, apache, remoting

HERE = Path(__file__).resolve().parent
QUEUES = 8
SERVERS = {"apache": Apache, "posthorn": Posthorn}
STAYS = {"apache"}  # up for all rounds


@dataclass(frozen=True)
class Case:
    family: str  # "java" or "native"
    program: str  # Producer, BatchProducer, Consumer; send, consume
    size: int
    parallel: int  # threads, or sends in flight
    flush: str = "ASYNC_FLUSH"
    header: str = "json"
    round: int = field(default=0, compare=False)  # each round has topics of its own: no backlog of the last one

    @property
    def name(self):
        parallel = f"{self.parallel} threads" if self.family == "java" else f"{self.parallel} in flight"
        if self.program == "consume":
            parallel = "backlog"
        flush = "sync" if self.flush == "SYNC_FLUSH" else "async"
        header = "" if self.family == "java" else f", {self.header}"
        return f"{self.family} {self.program}, {self.size} B, {parallel}{header}, {flush}"

    @property
    def topic(self):
        return re.sub("[^A-Za-z0-9]+", "_", self.name) + f"_{self.round}"


def all_cases(quick, long):
    if long:
        return []
    cases = []
    flushes = ("ASYNC_FLUSH", "SYNC_FLUSH")
    for flush in flushes:
        for size in (128, 1024):
            for threads in (1, 64):
                cases.append(Case("java", "Producer", size, threads, flush))
            cases.append(Case("java", "BatchProducer", size, 64, flush))
        for in_flight in (1, 64, 1024):
            cases.append(Case("native", "send", 128, in_flight, flush))
    for size in (128, 1024):
        cases.append(Case("java", "Consumer", size, 64))
    cases += [Case("native", "send", 1024, 64), Case("native", "send", 128, 64, header="binary"),
              Case("native", "consume", 128, 64)]
    if quick:
        wanted = {("Producer", 64), ("Consumer", 64), ("send", 1), ("send", 64), ("consume", 64)}
        cases = [c for c in cases if (c.program, c.parallel) in wanted and c.size == 128 and c.header == "json"]
    return cases


class Java(loads.Java):
    """One of RocketMQ's own benchmark programs, running."""

    def __init__(self, program, namesrv, topic, *options):
        # The programs keep their logs under the home directory.
        super().__init__(apache.jars(HERE, "example"), f"org.apache.rocketmq.example.benchmark.{program}", "-n", namesrv,
                         "-t", topic, "-ri", "1000", *options, jvm=(f"-Duser.home={ROOT}/build/bench-home",))


def run_java_producer(case, server, warm_up, seconds):
    """Counted at the server, by its queues' ends: exact over any window."""
    options = ("-w", str(case.parallel), "-s", str(case.size))
    with remoting.Link(server.broker_port) as link, \
            Java(case.program, server.namesrv, case.topic, *options) as load:
        wait_for(lambda: link.messages(case.topic, QUEUES) > 0, load)
        time.sleep(warm_up)
        return with_usage(server, load.cpu, lambda: link.messages(case.topic, QUEUES), seconds)


def run_java_consumer(case, server, warm_up, seconds):
    """Consumer and Producer together, as RocketMQ's own instructions have it: a message in and out is one.
    The consumer's commits come every 5 s, so the window is a multiple of that between two of them."""
    group = f"bench_{case.topic}"
    with remoting.Link(server.broker_port) as link, \
            Java("Consumer", server.namesrv, case.topic, "-g", group) as consumer, \
            Java("Producer", server.namesrv, case.topic, "-w", str(case.parallel), "-s", str(case.size)) as producer:
        def consumed():
            last, now = -1, committed(link, group, case.topic)
            while last in (-1, now):  # to the moment of the next commit
                last = now
                time.sleep(0.1)  # asking costs the server, and is measured with it
                check(consumer), check(producer)
                now = committed(link, group, case.topic)
            return now
        wait_for(lambda: link.messages(case.topic, QUEUES) > 0, producer)
        time.sleep(warm_up)
        return with_usage(server, lambda: consumer.cpu() + producer.cpu(), consumed, seconds)


def committed(link, group, topic):
    total = 0
    for queue in range(QUEUES):
        header, _ = link.ask(14, {"consumerGroup": group, "topic": topic, "queueId": str(queue)})
        if header["code"] == 0:
            total += max(0, int(header["extFields"]["offset"]))
    return total


def native(server, *options):
    return loads.native("rocketmq", server, "--namesrv", server.namesrv, "--broker",
                        f"127.0.0.1:{server.broker_port}", "--queues", str(QUEUES), *options)


def run_native(case, server, warm_up, seconds):
    options = ["--topic", case.topic, "--size", str(case.size), "--header", case.header]
    if case.program == "consume":
        # The backlog first, in the same way for both; reading it once is the warm-up.
        native(server, *options, "--in-flight", "64", "--warm-up", "0", "--seconds", str(seconds))
        native(server, *options, "--mode", "consume", "--seconds", "60")
        report = native(server, *options, "--mode", "consume", "--seconds", "60")
        part = report["pulled"]
    else:
        report = native(server, *options, "--in-flight", str(case.parallel), "--warm-up", str(warm_up),
                        "--seconds", str(seconds))
        part = report["sent"]
        if part["refused"] or part["unanswered"]:
            print(f"  note: {server.name} refused {part['refused']}, left {part['unanswered']} unanswered")
    latency = part.get("latency_us", {})
    return Figures(rate=part["per_second"], user_us=report["server"]["user_us_per_message"],
                   system_us=report["server"]["system_us_per_message"], load_cores=part["load_cpu_share"],
                   server_cores=report["server"]["cpu_share"], p50_us=latency.get("p50"), p99_us=latency.get("p99"),
                   resident_mib=report["server"]["resident_bytes"] / 2**20)


def run(case, server, warm_up, seconds):
    if case.family == "java":
        with remoting.Link(server.broker_port) as link:
            link.create_topic(case.topic, QUEUES)
    runner = {"Producer": run_java_producer, "BatchProducer": run_java_producer, "Consumer": run_java_consumer,
              "send": run_native, "consume": run_native}[case.program]
    return runner(case, server, warm_up, seconds)


def reference(options):
    return (f"Apache RocketMQ {apache.VERSION}, JDK 17, heap {servers.APACHE_HEAP_MIB} MiB, G1, first under load for "
            f"{options.heat} s")


def warm(server, seconds):
    """Lets a just-started server compile what it will run (a JVM does; the other gets the same)."""
    with remoting.Link(server.broker_port) as link:
        link.create_topic("BenchWarm", QUEUES)
    for header in ("json", "binary"):
        native(server, "--topic", "BenchWarm", "--header", header, "--mode", "both", "--warm-up", "0",
               "--seconds", str(seconds / 2))
