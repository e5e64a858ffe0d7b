"""The program as a user starts it, for tests. Standard library only."""
import os
import re
import resource
import signal
import subprocess
import urllib.request
from pathlib import Path

SECONDS = 60  # generous: the machine may be busy
FREE_PORTS = ["--ports-name-service", "0", "--ports-broker", "0", "--ports-vip", "0", "--ports-amqp", "0", "--ports-amqps", "0",
              "--ports-http", "0"]


class Server:
    """posthorn serve on free ports. Its data lies in `data`, or in a directory of its own."""

    def __init__(self, program, directory, *options, data=None, environment=None, descriptors=None):
        self.errors = open(Path(directory) / "stderr.txt", "a+")
        self.process = subprocess.Popen(
            [program, "serve", "--data-directory", str(data or Path(directory) / "data"), *FREE_PORTS, *options],
            stdout=subprocess.PIPE, stderr=self.errors, text=True, cwd=directory,
            env={**os.environ, **(environment or {})},
            preexec_fn=descriptors and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, 2 * (descriptors,))))
        self.banner = ""
        for line in self.process.stdout:
            self.banner += line
            if "Ctrl-C" in line:
                break

    def port(self, what):
        found = re.search(rf"{what}[^\n]*?127\.0\.0\.1:(\d+)", self.banner)
        assert found, f"no {what} in the banner:\n{self.banner}{self.log()}"
        return int(found.group(1))

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port('HTTP')}{path}", timeout=SECONDS) as answer:
            return answer.read().decode()

    def log(self):
        self.errors.seek(0)
        return self.errors.read()

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(SECONDS)
        self.process.stdout.close()
        return code
