#!/usr/bin/env python3
"""Runs the reference server, Apache RocketMQ 5.5.0: one name server and one broker on loopback.

    apache.py start --dir DIR [--namesrv-port 19876] [--broker-port 20911]
    apache.py stop  --dir DIR

DIR holds the data, the logs and the process ids. Everything but ports, file sizes and the
advertised address is Apache's default, so that a test proven here is true of the original.
"""
import argparse
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("POSTHORN_COMPAT_DIR", HERE.parent.parent / "build" / "compat"))
VERSION = "5.5.0"

# RocketMQ touches JDK internals that a JDK 17 keeps closed.
JDK17 = [f"--add-exports=java.base/{p}=ALL-UNNAMED" for p in
         ("jdk.internal.ref", "sun.nio.ch", "sun.security.action")] + \
        [f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in
         ("sun.nio.ch", "java.nio", "java.lang", "java.util")]


def jars(pom=HERE / "apache", name="apache"):
    """The folder with the jars of a pom, the server's by default, fetched by Maven on first use."""
    out = BUILD / "jars" / f"{name}-{VERSION}"
    if not (out / ".complete").exists():
        subprocess.run(["mvn", "-q", "-B", "-f", str(pom / "pom.xml"),
                        f"-Dserver.version={VERSION}", "dependency:copy-dependencies",
                        "-DincludeScope=runtime", f"-DoutputDirectory={out}"], check=True)
        (out / ".complete").touch()
    return out


def wait_port(port, seconds, process):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"server ended with {process.returncode} before listening on {port}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on {port} after {seconds} s")


def wait_route(namesrv, seconds):
    """Asks for the route of TBW102, as a client would, until a broker is registered; returns its address."""
    host, port = namesrv.split(";")[-1].rsplit(":", 1)
    header = json.dumps({"code": 105, "language": "OTHER", "version": 401, "opaque": 1, "flag": 0,
                         "extFields": {"topic": "TBW102"}}).encode()
    request = struct.pack(">II", 4 + len(header), len(header)) + header
    deadline = time.monotonic() + seconds
    while True:
        with socket.create_connection((host, int(port)), timeout=5) as link:
            link.sendall(request)
            with link.makefile("rb") as answer:
                size, = struct.unpack(">I", answer.read(4))
                found = re.search(rb'brokerAddrs":\{"?0"?:"([^"]+)"', answer.read(size))
        if found:
            return found.group(1).decode()
        if time.monotonic() > deadline:
            raise RuntimeError(f"no broker has registered with {namesrv}")
        time.sleep(0.1)


SMALL_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4")


def launch(home, name, heap, main, *args, jvm=SMALL_JVM):
    log = open(home / f"{name}.out", "ab")
    command = ["java", f"-Xms{heap}m", f"-Xmx{heap}m", *jvm, *JDK17, f"-Duser.home={home}", f"-Drocketmq.home.dir={home}",
               "-cp", f"{jars()}/*", main, *args]
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                               start_new_session=True,
                               env={**os.environ, "ROCKETMQ_HOME": str(home)})
    (home / f"{name}.pid").write_text(str(process.pid))
    return process


def start(home, namesrv_port=19876, broker_port=20911, settings=(), heap=768, jvm=SMALL_JVM):
    """Starts both; returns the name server's address once the broker is registered with it. `settings` are
    further lines of broker.conf; `heap` (MiB) and `jvm` are the broker's."""
    home = Path(home).resolve()
    (home / "conf").mkdir(parents=True, exist_ok=True)
    namesrv = f"127.0.0.1:{namesrv_port}"
    (home / "namesrv.conf").write_text(f"listenPort={namesrv_port}\n")
    (home / "broker.conf").write_text("\n".join([
        "brokerClusterName=DefaultCluster", "brokerName=broker-a", "brokerId=0",
        "brokerIP1=127.0.0.1", f"listenPort={broker_port}", f"haListenPort={broker_port + 1}",
        f"namesrvAddr={namesrv}", f"storePathRootDir={home}/store",
        f"storePathCommitLog={home}/store/commitlog", "mappedFileSizeCommitLog=268435456",
        *settings,
    ]) + "\n")
    process = launch(home, "namesrv", 256, "org.apache.rocketmq.namesrv.NamesrvStartup",
                     "-c", str(home / "namesrv.conf"))
    wait_port(namesrv_port, 60, process)
    process = launch(home, "broker", heap, "org.apache.rocketmq.broker.BrokerStartup",
                     "-c", str(home / "broker.conf"), jvm=jvm)
    wait_port(broker_port, 240, process)
    wait_route(namesrv, 60)
    return namesrv


def stop(home):
    for name in ("broker", "namesrv"):
        file = Path(home) / f"{name}.pid"
        if not file.exists():
            continue
        pid = int(file.read_text())
        try:
            os.kill(pid, signal.SIGTERM)
            for _ in range(200):
                os.kill(pid, 0)
                try:
                    os.waitpid(pid, os.WNOHANG)  # reaps when it is our own child
                except ChildProcessError:
                    pass
                time.sleep(0.1)
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        file.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("--dir", required=True)
    parser.add_argument("--namesrv-port", type=int, default=19876)
    parser.add_argument("--broker-port", type=int, default=20911)
    options = parser.parse_args()
    if options.action == "stop":
        stop(options.dir)
    else:
        print(start(options.dir, options.namesrv_port, options.broker_port))


if __name__ == "__main__":
    sys.exit(main())
