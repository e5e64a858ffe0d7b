"""What the load programs of every comparison share: how they are started and what a measurement is."""
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import servers


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


class Java:
    """A load program in Java, running."""

    def __init__(self, jars, program, *options, jvm=()):
        self.log = open(f"/tmp/posthorn-bench-{program}.{time.monotonic_ns()}", "w+b")
        Path(self.log.name).unlink()
        self.process = subprocess.Popen(["java", "-Xms512m", "-Xmx512m", *jvm, "-cp", f"{jars}/*", program, *options],
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


def native(kind, server, *options):
    """Runs `posthorn bench KIND` and returns its report."""
    command = [str(servers.Posthorn.program), "bench", kind, "--json"]
    for pid in server.pids():
        command += ["--server-pid", str(pid)]
    done = subprocess.run(command + list(options), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command + list(options))}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)
