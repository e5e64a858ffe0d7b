"""What the suites share: their tools, where their downloads go, how their cases are read."""
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

from apache import BUILD, HERE


class Skip(Exception):
    """The suite cannot run on this machine; says why."""


def tool(*names):
    for name in names:
        if not shutil.which(name):
            raise Skip(f"{name} is not installed")


def environment(**more):
    """The suites' environment: a home of their own, so that no log lands in the user's."""
    home = BUILD / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {**os.environ, "HOME": str(home), **more}


def build(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command[:6]))} … failed: {done.stdout[-1500:]}")


def newest(*folders):
    return max(file.stat().st_mtime for folder in folders for file in Path(folder).rglob("*") if file.is_file())


def stale(stamp, *folders):
    return not stamp.exists() or stamp.stat().st_mtime < newest(*folders)


def maven(pom, out, *properties):
    """Copies the jars a pom names into `out`, once."""
    if (out / ".complete").exists() and (out / ".complete").stat().st_mtime >= pom.stat().st_mtime:
        return
    tool("mvn", "javac")
    shutil.rmtree(out, ignore_errors=True)
    build(["mvn", "-q", "-B", "-f", str(pom), *properties, "dependency:copy-dependencies",
           "-DincludeScope=runtime", f"-DoutputDirectory={out}"])
    (out / ".complete").touch()


class Suite:
    """A client: `prepare` fetches and builds, `command` runs its cases."""

    def __init__(self, name):
        self.name = name

    def prepare(self):
        raise NotImplementedError

    def command(self, target, pattern, full):
        raise NotImplementedError

    def run(self, target, pattern, full, summary):
        """Reads `CASE name status seconds reason` lines."""
        command, env = self.command(target, pattern, full)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
                                   errors="replace")
        errors = []
        reader = threading.Thread(target=lambda: errors.extend(process.stderr), daemon=True)
        reader.start()
        timer = threading.Timer(600, process.kill)
        timer.start()
        seen = 0
        for line in process.stdout:
            found = re.match(r"CASE (\S+) (ok|FAILED) ([\d.]+) ?(.*)", line)
            if found:
                seen += 1
                error = (found.group(4) or "failed") if found.group(2) == "FAILED" else ""
                summary.case(self.name, found.group(1), error, float(found.group(3)))
        process.wait()
        timer.cancel()
        reader.join(5)
        if process.returncode != 0 or not seen:
            summary.case(self.name, "program", f"ended with {process.returncode} after {seen} cases: "
                         + "".join(errors)[-1500:].replace("\n", " | "), 0.0)
