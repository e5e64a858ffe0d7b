"""A program of cases of one client: cases are functions, `run` calls those a pattern names and says of each
`CASE name ok|FAILED seconds reason`, which tests/compat/run.py reads.

A function `queue__purge_and_delete` marked with @case is the case `queue.purge-and-delete`.
"""
import os
import re
import time
import traceback

RUN = f"{int(time.time() * 1000) % 10 ** 8:x}-{os.getpid():x}"
CASES = {}
_made = 0


def case(function):
    name = function.__name__.replace("__", ".").replace("_", "-")
    if name in CASES:
        raise ValueError(f"two cases are called {name}")
    CASES[name] = function
    return function


def unique(what):
    """A name that nobody used, in this run or another."""
    global _made
    _made += 1
    return f"{what}-{RUN}-{_made}"


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def equal(seen, expected, what=""):
    if seen != expected:
        raise AssertionError(f"{what}: saw {seen!r}, expected {expected!r}")


def until(seconds, what, get, pause=0.02):
    """Asks again until there is something."""
    end = time.monotonic() + seconds
    while True:
        value = get()
        if value:
            return value
        check(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(pause)


def run(pattern):
    for name, function in CASES.items():
        if not re.search(pattern, name):
            continue
        begin, error = time.monotonic(), ""
        try:
            function()
        except BaseException as problem:
            error = f"{type(problem).__name__}: {problem} | " + " | ".join(
                f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(problem.__traceback__)[:4])
        status = "FAILED" if error else "ok"
        print(f"CASE {name} {status} {time.monotonic() - begin:.1f} {error}".replace("\n", " | ").rstrip(), flush=True)
