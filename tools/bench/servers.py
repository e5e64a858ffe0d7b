"""The servers that are compared: how they are started, stopped and looked at from outside."""
import os
import shutil
import signal
import socket
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
    """One running server. `exec_to_send` is the time from its first process to its first accepted send. Ports are
    taken from `port` on."""
    name = ""
    process = None  # of those that are one

    def __init__(self, directory, flush, port):
        self.directory = Path(directory) / self.name
        self.flush = flush
        self.namesrv_port, self.broker_port, self.amqp_port = port, port + 2035, port + 1000
        self.namesrv = f"127.0.0.1:{self.namesrv_port}"
        self.amqp = f"127.0.0.1:{self.amqp_port}"
        self.exec_to_send = None

    def takes_a_message(self):
        """Returns when it has taken one; OSError while it does not."""
        with remoting.Link(self.broker_port, timeout=5) as link:
            while link.send(FIRST_TOPIC, b"first")["code"] != 0:
                time.sleep(0.002)

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
                self.takes_a_message()
                self.exec_to_send = time.monotonic() - begin
                return
            except OSError:
                time.sleep(0.002)

    def ended(self):
        """Whether a start is known to have failed."""
        return self.process is not None and self.process.poll() is not None

    def usage(self):
        return usage(self.pids())

    def stop_process(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


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

    def start(self):
        config = self.directory / "broker.conf"
        config.write_text(f"flushDiskType={self.flush}\nbrokerIP1=127.0.0.1\n")
        log = open(self.directory / "server.log", "wb")
        self.process = subprocess.Popen(
            [self.program, "serve", "-c", config, "--data-directory", self.directory / "data",
             "--ports-name-service", str(self.namesrv_port), "--ports-broker", str(self.broker_port),
             "--ports-vip", str(self.broker_port - 2), "--ports-amqp", str(self.amqp_port),
             "--ports-http", "0"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.stop_process()


def takes_a_publish(server):
    """For AMQP: one message, confirmed."""
    socket.create_connection(("127.0.0.1", server.amqp_port), 5).close()  # else not worth a process
    done = subprocess.run([Posthorn.program, "bench", "amqp", "--address", server.amqp, "--mode", "publish",
                           "--messages", "1", "--window", "1"], capture_output=True)
    if done.returncode != 0:
        raise ConnectionError(done.stderr)


class PosthornAmqp(Posthorn):
    takes_a_message = takes_a_publish


class RabbitMQ(Server):
    """Debian's package, with a folder, an epmd and ports of its own and no plugin: nothing but the broker."""
    name = "rabbitmq"
    home = Path("/usr/lib/rabbitmq/bin")
    takes_a_message = takes_a_publish

    def start(self):
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self.amqp_port}\nlog.console = false\n")
        (self.directory / "enabled_plugins").write_text("[].\n")
        base = str(self.directory)
        self.environment = {
            **os.environ, "HOME": base, "ERL_EPMD_PORT": str(self.namesrv_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "posthorn-bench@localhost", "RABBITMQ_DIST_PORT": str(self.broker_port),
            "RABBITMQ_BASE": base, "RABBITMQ_MNESIA_BASE": f"{base}/mnesia", "RABBITMQ_LOG_BASE": f"{base}/log",
            "RABBITMQ_CONFIG_FILE": f"{base}/rabbitmq.conf", "RABBITMQ_PID_FILE": f"{base}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{base}/enabled_plugins",
            # Its schedulers would else spin while they wait, on cores the load needs as well.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none"}
        log = open(self.directory / "server.log", "wb")
        self.process = subprocess.Popen([self.home / "rabbitmq-server"], env=self.environment, stdout=log, stderr=log,
                                        stdin=subprocess.DEVNULL)

    def pids(self):
        """The Erlang machine: the scripts around it wait for its end, its helpers do next to nothing."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue  # gone meanwhile
            name, fields = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
            parents[int(stat.parent.name)] = (int(fields[1]), name)

        def ours(pid):
            return pid == self.process.pid or pid in parents and ours(parents[pid][0])
        return [pid for pid, (_, name) in parents.items() if name == "beam.smp" and ours(pid)]

    def stop(self):
        for pid in self.pids():
            os.kill(pid, signal.SIGTERM)
        self.stop_process()
        subprocess.run(["epmd", "-kill"], env=self.environment, capture_output=True)
