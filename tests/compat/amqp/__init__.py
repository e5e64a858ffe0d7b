"""Suites of stock RabbitMQ clients. The same cases run against RabbitMQ 3.10.8 itself (run.py --rabbitmq)."""
import shutil
import sys
from pathlib import Path

from apache import BUILD
from suite import Suite, build, environment, maven, stale, tool

HERE = Path(__file__).resolve().parent
SEEDS = HERE.parent.parent / "seeds"


class AmqpSuite(Suite):
    """Needs nothing of the target but its AMQP port, and for TLS and users of its own what `tls` hands over."""

    @staticmethod
    def tls(target):
        if not target.amqps:
            return {}
        return {"COMPAT_AMQPS": target.amqps, "COMPAT_CERTIFICATES": target.certificates, "COMPAT_HTTP": target.http}


class Python(AmqpSuite):
    """A client from PyPI in an environment of its own."""

    def __init__(self, name, folder):
        super().__init__(name)
        self.source, self.folder = HERE / folder, BUILD / folder

    def prepare(self):
        stamp = self.folder / ".complete"
        if stale(stamp, self.source):
            shutil.rmtree(self.folder, ignore_errors=True)
            build([sys.executable, "-m", "venv", str(self.folder)])
            build([str(self.folder / "bin" / "pip"), "install", "-q", "-r", str(self.source / "requirements.txt")])
            stamp.touch()

    def command(self, target, pattern, full):
        return [str(self.folder / "bin" / "python"), str(self.source / "main.py"), target.amqp, pattern,
                "full" if full else "quick"], environment(PYTHONDONTWRITEBYTECODE="1", **self.tls(target))


class Amqplib(AmqpSuite):
    """The client's own tests, as its package brings them. They name port 5672 here and there: redirect.js sends
    those to the server under test."""

    def __init__(self, version="0.10.9"):
        super().__init__(f"amqplib-{version}")
        self.folder = BUILD / "amqplib"

    def prepare(self):
        tool("node", "npm")
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp = self.folder / ".complete"
        if stale(stamp, HERE / "amqplib"):
            shutil.copy(HERE / "amqplib" / "package.json", self.folder)
            build(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts",
                   "--loglevel=error"], cwd=self.folder)
            stamp.touch()

    def command(self, target, pattern, full):
        modules = self.folder / "node_modules"
        return ["node", str(modules / "mocha" / "bin" / "mocha"), "--check-leaks", "-u", "tdd", "--exit",
                "--timeout", "30000", "--require", str(HERE / "amqplib" / "redirect.js"),
                "--reporter", str(HERE / "amqplib" / "reporter.js"), "--grep", pattern,
                str(modules / "amqplib" / "test")], \
            environment(URL=f"amqp://{target.amqp}", AMQP_PORT=target.amqp.rpartition(":")[2],
                        NODE_PATH=str(modules))


class Go(AmqpSuite):
    def __init__(self):
        super().__init__("amqp091-go-1.10.0")
        self.program = BUILD / "go-amqp-cases"

    def prepare(self):
        if stale(self.program, HERE / "go"):
            tool("go")
            build(["go", "build", "-o", str(self.program), "."], cwd=HERE / "go")

    def command(self, target, pattern, full):
        return [str(self.program), target.amqp, pattern, "full" if full else "quick"], environment(**self.tls(target))


class C(AmqpSuite):
    def __init__(self):
        super().__init__("rabbitmq-c-0.11.0")
        self.program = BUILD / "c-amqp-cases"

    def prepare(self):
        if stale(self.program, HERE / "c"):
            tool("cc", "amqp-publish")
            build(["cc", "-std=gnu11", "-Wall", "-Wextra", "-O1", "-o", str(self.program), str(HERE / "c" / "main.c"),
                   "-lrabbitmq"])

    def command(self, target, pattern, full):
        return [str(self.program), target.amqp, pattern, "full" if full else "quick"], environment()


class Java(AmqpSuite):
    """A client from Maven Central; the folder has its pom and sources."""

    def __init__(self, name, folder, main):
        super().__init__(name)
        self.source, self.main = HERE / folder, main
        self.jars, self.classes = BUILD / "jars" / name, BUILD / "classes" / name

    def prepare(self):
        maven(self.source / "pom.xml", self.jars)
        stamp = self.classes / ".complete"
        if stale(stamp, self.source):
            tool("javac")
            self.classes.mkdir(parents=True, exist_ok=True)
            build(["javac", "-nowarn", "-Xlint:none", "-parameters", "-d", str(self.classes), "-cp", f"{self.jars}/*",
                   *map(str, self.source.glob("*.java"))])
            stamp.touch()

    def command(self, target, pattern, full):
        return ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
                f"{self.classes}:{self.jars}/*", self.main, target.amqp, pattern,
                "full" if full else "quick"], environment(**self.tls(target))


class RabbitmqAdmin(AmqpSuite):
    """The command line tool, and the HTTP API it speaks: needs the target's HTTP port."""

    def __init__(self):
        super().__init__("rabbitmqadmin-3.10.8")

    def prepare(self):
        tool("rabbitmqadmin")

    def run(self, target, pattern, full, summary):
        if not target.http:
            return summary.skip(self.name, "nobody named the HTTP port (--http)")
        super().run(target, pattern, full, summary)

    def command(self, target, pattern, full):
        return [sys.executable, str(HERE / "rabbitmqadmin" / "main.py"), target.http, pattern,
                "full" if full else "quick"], environment()


class Seed002(AmqpSuite):
    """Document 002: a program in TypeScript over amqplib."""

    def __init__(self):
        super().__init__("seed-002")
        self.source, self.folder = SEEDS / "002", BUILD / "seed-002"

    def prepare(self):
        tool("node", "npm")
        stamp = self.folder / ".complete"
        if stale(stamp, self.source):
            self.folder.mkdir(parents=True, exist_ok=True)
            for file in self.source.iterdir():
                shutil.copy(file, self.folder)
            build(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts",
                   "--loglevel=error"], cwd=self.folder)
            build(["node", "node_modules/typescript/bin/tsc", "-p", "."], cwd=self.folder)
            stamp.touch()

    def command(self, target, pattern, full):
        return ["node", str(self.folder / "liqpro.js"), target.amqp, pattern, "full" if full else "quick"], environment()


def suites():
    return [Python("pika-1.3.2", "pika"), Amqplib(), Go(), C(), Java("amqp-client-5.16.0", "java", "AmqpCases"),
            Java("spring-amqp-3.1.5", "spring", "SpringCases"), Python("celery-5.4.0", "celery"), RabbitmqAdmin(), Seed002()]
