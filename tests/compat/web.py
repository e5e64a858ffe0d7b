"""Suites of the HTTP port: what it owes whoever watches the process, and the page for people in a browser."""
import re
import shutil
import time
import urllib.request

from apache import BUILD, HERE
from suite import Suite, build, environment, stale, tool


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


class Console(Suite):
    """The page at `/` in Debian's Chromium."""

    def __init__(self):
        super().__init__("console")
        self.source, self.folder = HERE.parent / "console", BUILD / "console"

    def prepare(self):
        tool("node", "npm", "chromium")
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp = self.folder / ".complete"
        if stale(stamp, self.source):
            shutil.copy(self.source / "package.json", self.folder)
            build(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts",
                   "--loglevel=error"], cwd=self.folder)
            stamp.touch()

    def run(self, target, pattern, full, summary):
        if target.http and target.namesrv:  # the originals have pages of their own, or none
            super().run(target, pattern, full, summary)

    def command(self, target, pattern, full):
        """All of its cases, whatever the pattern: each begins where the one before left the page."""
        return ["node", str(self.source / "page_test.mjs"), f"http://{target.http}"], \
            environment(CONSOLE_MODULES=str(self.folder))


def suites():
    return [Http(), Console()]
