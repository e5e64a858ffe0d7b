"""The two servers that are compared: how they are started, stopped and looked at from outside."""
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "compat"), str(ROOT / "tests" / "support")]
import apache  # noqa: E402
import remoting  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
FIRST_TOPIC = "BenchFirst"
START_SECONDS = 300  # generous: a JVM on a busy machine

# What bin/runbroker.sh of the distribution asks for, with half its heap (it wants 8 GiB) and without touching
# all of it at the start.
APACHE_JVM = ("-XX:+UseG1GC", "-XX:G1HeapRegionSize=16m", "-XX:G1ReservePercent=25",
              "-XX:InitiatingHeapOccupancyPercent=30")
APACHE_HEAP_MIB = 4096


def usage(pids):
    """(user seconds, system seconds, resident bytes) of processes together."""
    user = system = resident = 0
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat").read_text()
        fields = stat[stat.rindex(")") + 2:].split()
        user += int(fields[11]) / TICK
        system += int(fields[12]) / TICK
        resident += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return user, system, resident


class Server:
    """One running server. `exec_to_send` is the time from its first process to its first accepted send."""
    name = ""

    def __init__(self, directory, flush, namesrv_port, broker_port):
        self.directory = Path(directory) / self.name
        self.flush = flush
        self.namesrv = f"127.0.0.1:{namesrv_port}"
        self.namesrv_port, self.broker_port = namesrv_port, broker_port
        self.exec_to_send = None

    def __enter__(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        begin = time.monotonic()
        waiter = threading.Thread(target=self._wait_for_send, args=(begin,), daemon=True)
        waiter.start()
        self.start()
        waiter.join(START_SECONDS)
        if self.exec_to_send is None:
            self.stop()
            raise RuntimeError(f"{self.name} accepts no message (waited up to {START_SECONDS} s); see {self.directory}")
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _wait_for_send(self, begin):
        while time.monotonic() - begin < START_SECONDS - 1 and not self.ended():
            try:
                with remoting.Link(self.broker_port, timeout=5) as link:
                    while link.send(FIRST_TOPIC, b"first")["code"] != 0:
                        time.sleep(0.002)
                self.exec_to_send = time.monotonic() - begin
                return
            except OSError:
                time.sleep(0.002)

    def ended(self):
        """Whether a start is known to have failed."""
        return False

    def usage(self):
        return usage(self.pids())


class Apache(Server):
    name = "apache"

    def start(self):
        settings = [f"flushDiskType={self.flush}", "mappedFileSizeCommitLog=1073741824"]
        apache.start(self.directory, self.namesrv_port, self.broker_port, settings, APACHE_HEAP_MIB, APACHE_JVM)

    def pids(self):
        return [int((self.directory / f"{part}.pid").read_text()) for part in ("broker", "namesrv")]

    def stop(self):
        apache.stop(self.directory)


class Posthorn(Server):
    name = "posthorn"
    program = ROOT / "build" / "posthorn"
    process = None

    def start(self):
        config = self.directory / "broker.conf"
        config.write_text(f"flushDiskType={self.flush}\nbrokerIP1=127.0.0.1\n")
        log = open(self.directory / "server.log", "wb")
        self.process = subprocess.Popen(
            [self.program, "serve", "-c", config, "--data-directory", self.directory / "data",
             "--ports-name-service", str(self.namesrv_port), "--ports-broker", str(self.broker_port),
             "--ports-vip", str(self.broker_port - 2), "--ports-amqp", "0",
             "--ports-http", "0"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def ended(self):
        return self.process is not None and self.process.poll() is not None

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


SERVERS = {"apache": Apache, "posthorn": Posthorn}
