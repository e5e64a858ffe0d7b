"""Suites of stock RocketMQ clients. The same cases run against Apache RocketMQ 5.5.0 itself (run.py --apache)."""
import shutil
import sys

import mqadmin
from apache import BUILD, HERE
from suite import Suite, build, environment, maven, stale, tool

SEEDS = HERE.parent / "seeds"
JAVA = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


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


def suites():
    return [Java("4.9.4"), Java("5.5.0"), Java("4.9.4", binary=True), Java("5.5.0", binary=True),
            MqAdmin("4.9.4"), MqAdmin("5.5.0"), Go(), Node(), Python(),
            Node("seed-000", SEEDS / "000" / "portfolio.js"), Python("seed-001", SEEDS / "001" / "export_tasks.py"),
            Seed003(), Spring("spring-seed-004", SEEDS / "004")]
