#!/usr/bin/env python3
"""Real clients against a server that speaks RocketMQ 4.x remoting and AMQP 0-9-1.

    run.py --namesrv 127.0.0.1:9876 --amqp 127.0.0.1:5672     against a server that runs already
    run.py --start-posthorn build/posthorn                    starts it on ports and data of its own
    run.py --apache                                     the RocketMQ cases against Apache RocketMQ 5.5.0
    run.py --rabbitmq                                   the AMQP cases against Debian's RabbitMQ 3.10.8
    run.py ... --only 'java-4.9.4:send|mqadmin' --full

Each suite is a client of its own; its dependencies come through Maven, Go, npm or pip on first use
and stay under build/compat. One line per case, then `N passed, N failed, N skipped`.
"""
import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import apache
import certificates
import mqadmin
import amqp
import rabbitmq
from apache import BUILD, HERE, wait_route
from suite import Skip, Suite, build, environment, maven, stale, tool

SEEDS = HERE.parent / "seeds"
JAVA = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


class Summary:
    def __init__(self):
        self.lock = threading.Lock()
        self.passed, self.failed, self.skipped, self.bad, self.second = 0, 0, 0, [], []

    def case(self, suite, case, error, seconds):
        with self.lock:
            if error:
                self.failed += 1
                self.bad.append(f"{suite}:{case}")
                print(f"{suite}:{case} FAILED {seconds:.1f} {error}", flush=True)
            else:
                self.passed += 1
                print(f"{suite}:{case} ok {seconds:.1f}", flush=True)

    def forgive(self, name):
        with self.lock:
            self.bad.remove(name)
            self.failed -= 1
            self.passed += 1
            self.second.append(name)

    def skip(self, suite, why):
        with self.lock:
            self.skipped += 1
            print(f"{suite} skipped: {why}", flush=True)

    def note(self, text):
        with self.lock:
            print(text, file=sys.stderr, flush=True)


class Java(Suite):
    # What depends on the header's form; the rest would only repeat the first run.
    BINARY = r"send\.(sync|batch|properties|delay)|push\.(tag|members)|orderly\.keeps|pull\.status|retry\.delay" \
             r"|offset\.(search|progress)|view|namesrv\.lists"

    def __init__(self, version, binary=False):
        super().__init__(f"java-{version}" + ("-binary" if binary else ""))
        self.version, self.binary = version, binary
        self.jars = BUILD / "jars" / f"client-{version}"
        self.classes = BUILD / "classes" / version

    def prepare(self):
        maven(HERE / "java" / "pom.xml", self.jars, f"-Dclient.version={self.version}")
        shim, stamp = HERE / "java" / f"shim-{self.version}", self.classes / ".complete"
        if stale(stamp, HERE / "java" / "src", shim):
            tool("javac")
            self.classes.mkdir(parents=True, exist_ok=True)
            build(["javac", "-nowarn", "-Xlint:none", "-d", str(self.classes), "-cp", f"{self.jars}/*",
                   *map(str, (HERE / "java" / "src").glob("*.java")), *map(str, shim.glob("*.java"))])
            stamp.touch()

    def java(self, main, *arguments):
        conf = HERE / "java" / "conf"
        return ["java", *JAVA, f"-Duser.home={BUILD / 'home'}", f"-Drocketmq.home.dir={BUILD / 'home'}",
                "-Drocketmq.serialize.type=" + ("ROCKETMQ" if self.binary else "JSON"),
                "-cp", f"{self.classes}:{conf}:{self.jars}/*", main, *arguments]

    def command(self, target, pattern, full):
        if self.binary:
            pattern = rf"(?=.*({pattern}))(?=.*({self.BINARY}))"
        return self.java("Main", target.namesrv, pattern, "full" if full else "quick"), environment()


class MqAdmin(Java):
    def __init__(self, version):
        super().__init__(version)
        self.name = f"mqadmin-{version}"

    def run(self, target, pattern, full, summary):
        home = BUILD / "home" / "mqadmin"
        (home / "conf").mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "java" / "conf" / "logback_tools.xml", home / "conf")
        env = environment(ROCKETMQ_HOME=str(home), NAMESRV_ADDR=target.namesrv)
        command = [part.replace(f"-Drocketmq.home.dir={BUILD / 'home'}", f"-Drocketmq.home.dir={home}")
                   for part in self.java("MqAdmin", target.namesrv)]
        mqadmin.run(command, env, self.version, target.namesrv, pattern,
                    lambda case, error, seconds: summary.case(self.name, case, error, seconds))


class Go(Suite):
    def __init__(self):
        super().__init__("go-2.1.2")
        self.program = BUILD / "go-cases"

    def prepare(self):
        if stale(self.program, HERE / "go"):
            tool("go")
            build(["go", "build", "-o", str(self.program), "."], cwd=HERE / "go")

    def command(self, target, pattern, full):
        return [str(self.program), target.namesrv, pattern, "full" if full else "quick"], \
            environment(COMPAT_BROKER=target.broker)


class Node(Suite):
    def __init__(self, name="ali-ons-3.12.0", program=HERE / "node" / "main.js"):
        super().__init__(name)
        self.program, self.folder = program, BUILD / "node"

    def prepare(self):
        tool("node", "npm")
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp = self.folder / ".complete"
        if stale(stamp, HERE / "node"):
            shutil.copy(HERE / "node" / "package.json", self.folder)
            build(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"],
                  cwd=self.folder)
            stamp.touch()

    def command(self, target, pattern, full):
        return ["node", str(self.program), target.namesrv, pattern, "full" if full else "quick"], \
            environment(NODE_PATH=str(self.folder / "node_modules"))


def virtual_environment():
    """The Python that has document 001's client."""
    folder = BUILD / "python"
    stamp = folder / ".complete"
    if stale(stamp, HERE / "python"):
        shutil.rmtree(folder, ignore_errors=True)
        build([sys.executable, "-m", "venv", str(folder)])
        build([str(folder / "bin" / "pip"), "install", "-q", "-r", str(HERE / "python" / "requirements.txt")])
        stamp.touch()
    return folder / "bin" / "python"


class Python(Suite):
    def __init__(self, name="python-rocketmq-0.4.4", program=HERE / "python" / "main.py"):
        super().__init__(name)
        self.program = program

    def prepare(self):
        virtual_environment()

    def command(self, target, pattern, full):
        return [str(virtual_environment()), str(self.program), target.namesrv, pattern,
                "full" if full else "quick"], environment(COMPAT_BROKER=target.broker)


class Spring(Suite):
    """A Spring Boot application with rocketmq-spring-boot-starter, compiled as it stands in its folder."""

    def __init__(self, name, folder):
        super().__init__(name)
        self.folder = folder
        self.jars = BUILD / "jars" / "spring"
        self.classes = BUILD / "classes" / name

    def prepare(self):
        maven(HERE / "spring" / "pom.xml", self.jars)
        stamp = self.classes / ".complete"
        if stale(stamp, self.folder):
            tool("javac")
            shutil.rmtree(self.classes, ignore_errors=True)
            self.classes.mkdir(parents=True)
            build(["javac", "-nowarn", "-Xlint:none", "-parameters", "-d", str(self.classes), "-cp",
                   f"{self.jars}/*", *map(str, self.folder.rglob("*.java"))])
            for file in self.folder.glob("*.yml"):
                shutil.copy(file, self.classes)
            stamp.touch()

    def command(self, target, pattern, full):
        return ["java", *JAVA, f"-Duser.home={BUILD / 'home'}", "-cp", f"{self.classes}:{self.jars}/*",
                "exchange.Application", target.namesrv, pattern, "full" if full else "quick"], environment()


class Http(Suite):
    """What the HTTP port owes whoever watches the process."""

    def __init__(self):
        super().__init__("http")

    def prepare(self):
        pass

    def run(self, target, pattern, full, summary):
        if not target.http:
            return
        for name, path, needed in (("healthz", "/healthz", ""),
                                   ("metrics", "/metrics", "rocketmq_messages_in_total")):
            if not re.search(pattern, name):
                continue
            begin, error = time.monotonic(), ""
            try:
                with urllib.request.urlopen(f"http://{target.http}{path}", timeout=5) as answer:
                    text = answer.read().decode()
                    if answer.status != 200 or needed not in text:
                        error = f"{answer.status}, no {needed} in {text[:200]!r}"
            except OSError as problem:
                error = str(problem)
            summary.case(self.name, name, error, time.monotonic() - begin)


def suites():
    return [Java("4.9.4"), Java("5.5.0"), Java("4.9.4", binary=True), Java("5.5.0", binary=True),
            MqAdmin("4.9.4"), MqAdmin("5.5.0"), Go(), Node(), Python(),
            Node("seed-000", SEEDS / "000" / "portfolio.js"), Python("seed-001", SEEDS / "001" / "export_tasks.py"),
            Seed003(), Spring("spring-seed-004", SEEDS / "004"), Http(), *amqp.suites()]


class Seed003(Suite):
    """Document 003: its mqadmin lines, then its order messages; a program over the Java client."""

    def __init__(self):
        super().__init__("seed-003")
        self.java = Java("4.9.4")
        self.classes = BUILD / "classes" / self.name

    def prepare(self):
        self.java.prepare()
        stamp = self.classes / ".complete"
        if stale(stamp, SEEDS / "003"):
            self.classes.mkdir(parents=True, exist_ok=True)
            build(["javac", "-nowarn", "-Xlint:none", "-d", str(self.classes), "-cp", f"{self.java.jars}/*",
                   *map(str, (SEEDS / "003").glob("*.java"))])
            stamp.touch()

    def command(self, target, pattern, full):
        home = BUILD / "home" / "mqadmin"
        (home / "conf").mkdir(parents=True, exist_ok=True)
        conf = HERE / "java" / "conf"
        shutil.copy(conf / "logback_tools.xml", home / "conf")
        return ["java", *JAVA, f"-Duser.home={BUILD / 'home'}", f"-Drocketmq.home.dir={home}", "-cp",
                f"{self.classes}:{conf}:{self.java.jars}/*", "Ticketing", target.namesrv, pattern,
                "full" if full else "quick"], \
            environment(ROCKETMQ_HOME=str(home), NAMESRV_ADDR=target.namesrv)


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--namesrv", help="name server of a server that runs")
    parser.add_argument("--broker", default="", help="its broker, where a case has to name it")
    parser.add_argument("--http", default="", help="its HTTP port, host:port")
    parser.add_argument("--amqp", default="", help="its AMQP port, host:port")
    parser.add_argument("--apache", action="store_true", help="start and test Apache RocketMQ 5.5.0")
    parser.add_argument("--apache-ports", default="19876,20911", help="name server, broker")
    parser.add_argument("--rabbitmq", action="store_true", help="start and test RabbitMQ 3.10.8")
    parser.add_argument("--rabbitmq-port", default=25690, type=int)
    parser.add_argument("--start-posthorn", metavar="PROGRAM", help="start this program and test it")
    parser.add_argument("--posthorn-arguments",
                        default="--data-directory {data} --ports-name-service {namesrv} --ports-broker {broker} "
                                "--ports-vip {vip} --ports-http {http} --ports-amqp {amqp} --ports-amqps {amqps} "
                                "--tls-certfile {certificates}/server.pem --tls-keyfile {certificates}/server.key "
                                "--tls-cacertfile {certificates}/ca.pem --tls-verify verify_peer",
                        help="arguments of `serve`; {data}, {certificates} and the ports are filled in")
    parser.add_argument("--only", default=".", help="pattern over suite:case")
    parser.add_argument("--full", action="store_true", help="the slow cases too")
    parser.add_argument("--second-try", action="store_true",
                        help="run up to three failed cases again; what passes then is named, and no failure")
    parser.add_argument("--list", action="store_true", help="names the suites")
    options = parser.parse_args()
    chosen = []
    for suite in suites():
        # A pattern with a colon names suite and case, one without is looked for in both.
        head, _, tail = options.only.rpartition(":") if ":" in options.only else ("", "", "")
        if tail:
            if re.search(head, suite.name):
                chosen.append((suite, tail))
        elif options.only == "." or re.search(options.only, suite.name):
            chosen.append((suite, "."))
    if not chosen:
        chosen = [(suite, options.only) for suite in suites()]
    if options.list:
        print("\n".join(suite.name for suite, _ in chosen))
        return 0
    summary = Summary()
    if options.apache or options.rabbitmq or options.amqp and not options.namesrv:
        chosen = [(suite, tail) for suite, tail in chosen
                  if isinstance(suite, amqp.AmqpSuite) != bool(options.apache)]
    ready = prepare(chosen, summary)
    if options.apache:
        target = start_apache([int(port) for port in options.apache_ports.split(",")])
    elif options.rabbitmq:
        target = start_rabbitmq(options.rabbitmq_port)
    elif options.start_posthorn:
        target = start_posthorn(options.start_posthorn, options.posthorn_arguments)
    elif options.namesrv:
        target = Target(options.namesrv, options.broker or wait_route(options.namesrv, 5), options.http,
                        options.amqp)
    elif options.amqp:
        target = Target(amqp=options.amqp, http=options.http)
    else:
        parser.error("one of --namesrv, --amqp, --start-posthorn, --apache, --rabbitmq")
    try:
        run_all(ready, target, options.full, summary)
        if options.second_try:
            try_again(ready, target, options.full, summary)
    finally:
        target.close()
    for name in summary.second:
        print(f"only at the second try: {name}")
    for bad in summary.bad:
        print(f"failed: {bad}")
    print(f"{summary.passed} passed, {summary.failed} failed, {summary.skipped} skipped")
    return 1 if summary.failed else 0


def try_again(ready, target, full, summary):
    """Whether a failure comes back: more than three at once are no accident."""
    if len(summary.bad) > 3:
        return
    for name in list(summary.bad):
        suite_name, _, case = name.rpartition(":")
        for suite, _ in ready:
            if suite.name == suite_name and case not in ("program", "prepare"):
                again = Summary()
                again.note(f"again: {name}")
                suite.run(target, f"^{re.escape(case)}$", full, again)
                if again.passed and not again.failed:
                    summary.forgive(name)


def prepare(chosen, summary):
    ready = []
    for suite, pattern in chosen:
        try:
            summary.note(f"preparing {suite.name}")
            suite.prepare()
            ready.append((suite, pattern))
        except Skip as why:
            summary.skip(suite.name, why)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as problem:
            summary.case(suite.name, "prepare", str(problem).replace("\n", " | ")[-1500:], 0.0)
    return ready


def run_all(ready, target, full, summary):
    """
    Suites mostly wait (delays, rebalances), so several run at once; mqadmin's cases that concern
    every topic, or a group of the seeds, come before them.
    """
    def guarded(suite, pattern):
        try:
            suite.run(target, pattern, full, summary)
        except Exception as problem:  # a broken suite is a failed one, not the end of the others
            summary.case(suite.name, "program", repr(problem), 0.0)

    together = []
    for suite, pattern in ready:
        if isinstance(suite, MqAdmin):
            guarded(suite, rf"(?=.*({pattern}))(?={mqadmin.ALONE})")
            pattern = rf"(?=.*({pattern}))^(?!{mqadmin.ALONE})"
        together.append((suite, pattern))
    slots = threading.Semaphore(3)

    def slotted(suite, pattern):
        with slots:
            guarded(suite, pattern)
    threads = [threading.Thread(target=slotted, args=one, daemon=True) for one in together]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
