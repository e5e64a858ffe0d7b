"""The server under test: given, or started for the run in a folder of its own."""
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import apache
import certificates
import rabbitmq
from apache import wait_route


class Target:
    """The server under test: given, or started here and stopped at the end."""

    def __init__(self, namesrv="", broker="", http="", amqp="", amqps="", certificates=""):
        self.namesrv, self.broker, self.http, self.amqp = namesrv, broker, http, amqp
        self.amqps, self.certificates = amqps, certificates  # the cases of TLS run where both are known
        self.close = lambda: None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_apache(ports):
    home = tempfile.mkdtemp(prefix="posthorn-compat-apache-")
    # On a busy machine a send may wait longer than the 200 ms after which Apache refuses it: no case is about that.
    patience = ("waitTimeMillsInSendQueue=20000", "waitTimeMillsInPullQueue=20000")
    target = Target(apache.start(home, *ports, settings=patience), f"127.0.0.1:{ports[1]}")

    def close():
        apache.stop(home)
        shutil.rmtree(home, ignore_errors=True)
    target.close = close
    return target


def start_rabbitmq(port):
    home = tempfile.mkdtemp(prefix="posthorn-compat-rabbitmq-")
    made = certificates.make(f"{home}/certificates")
    target = Target(amqp=rabbitmq.start(home, port, made), http=f"127.0.0.1:{port + 3}",
                    amqps=f"127.0.0.1:{port + 4}", certificates=str(made))

    def close():
        rabbitmq.stop(home)
        shutil.rmtree(home, ignore_errors=True)
    target.close = close
    return target


def start_posthorn(program, arguments):
    """Starts `posthorn serve` on free ports and a data folder of its own; waits until it is healthy."""
    home = Path(tempfile.mkdtemp(prefix="posthorn-compat-"))
    namesrv, broker, vip, http, amqp_port, amqps_port = (free_port() for _ in range(6))
    made = certificates.make(home / "certificates")
    places = {"data": str(home / "data"), "namesrv": str(namesrv), "broker": str(broker), "vip": str(vip),
              "http": str(http), "amqp": str(amqp_port), "amqps": str(amqps_port), "certificates": str(made)}
    command = [program, "serve", *(part.format(**places) for part in arguments.split())]
    log = open(home / "log", "wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    target = Target(f"127.0.0.1:{namesrv}", f"127.0.0.1:{broker}", f"127.0.0.1:{http}",
                    f"127.0.0.1:{amqp_port}", f"127.0.0.1:{amqps_port}", str(made))

    def close():
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(home / "data", ignore_errors=True)
        print(f"the server's log: {home / 'log'}", file=sys.stderr)
    target.close = close
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n"
                             + (home / "log").read_text(errors="replace")[-3000:])
        try:
            wait_route(target.namesrv, 0)
            return target
        except (OSError, RuntimeError):
            time.sleep(0.05)
    close()
    raise SystemExit("the server does not answer")
