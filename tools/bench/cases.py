"""The rows of the comparison: which load runs, and what is read off it."""
import json
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import servers
from servers import ROOT, apache, remoting

HERE = Path(__file__).resolve().parent
QUEUES = 8
POSTHORN = ROOT / "build" / "posthorn"


@dataclass
class Figures:
    """One measurement. Rates in messages a second, times in microseconds."""
    rate: float
    user_us: float
    system_us: float
    load_cores: float  # what the load program used, in cores
    server_cores: float
    p50_us: float = None
    p99_us: float = None
    resident_mib: float = None


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


def all_cases(quick):
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


class Java:
    """One of RocketMQ's own benchmark programs, running."""

    def __init__(self, program, namesrv, topic, *options):
        jars = apache.jars(HERE, "example")
        self.log = open(f"/tmp/posthorn-bench-{program}.{time.monotonic_ns()}", "w+b")
        Path(self.log.name).unlink()
        # The programs keep their logs under the home directory.
        self.process = subprocess.Popen(
            ["java", "-Xms512m", "-Xmx512m", f"-Duser.home={ROOT}/build/bench-home", "-cp", f"{jars}/*",
             f"org.apache.rocketmq.example.benchmark.{program}", "-n", namesrv, "-t", topic, "-ri", "1000", *options],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def cpu(self):
        user, system, _ = servers.usage([self.process.pid])
        return user + system

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")


def with_usage(server, load_cpu, count, seconds):
    """Figures over `seconds`; `load_cpu` and `count` are asked at both ends."""
    # The count first: it may wait for its moment, and the others must be read at the same one.
    count_before, before, load_before, begin = count(), server.usage(), load_cpu(), time.monotonic()
    time.sleep(seconds)
    count_after, after, load_after, end = count(), server.usage(), load_cpu(), time.monotonic()
    messages, took = count_after - count_before, end - begin
    user, system = after[0] - before[0], after[1] - before[1]
    return Figures(rate=messages / took,
                   user_us=user * 1e6 / max(messages, 1), system_us=system * 1e6 / max(messages, 1),
                   load_cores=(load_after - load_before) / took, server_cores=(user + system) / took,
                   resident_mib=after[2] / 2**20)


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


def check(load):
    if load.process.poll() is not None:
        raise RuntimeError(f"the load program ended:\n{load.output()[-2000:]}")


def wait_for(true, load, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        check(load)
        try:
            if true():
                return
        except RuntimeError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"no messages after {seconds} s:\n{load.output()[-2000:]}")


def native(server, *options):
    command = [str(POSTHORN), "bench", "rocketmq", "--namesrv", server.namesrv,
               "--broker", f"127.0.0.1:{server.broker_port}", "--json", "--queues", str(QUEUES)]
    for pid in server.pids():
        command += ["--server-pid", str(pid)]
    done = subprocess.run(command + list(options), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command + list(options))}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


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


def warm(server, seconds):
    """Lets a just-started server compile what it will run (a JVM does; the other gets the same)."""
    with remoting.Link(server.broker_port) as link:
        link.create_topic("BenchWarm", QUEUES)
    for header in ("json", "binary"):
        native(server, "--topic", "BenchWarm", "--header", header, "--mode", "both", "--warm-up", "0",
               "--seconds", str(seconds / 2))
