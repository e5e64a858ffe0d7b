#!/usr/bin/env python3
"""clang-tidy, only where something changed since it was content:

    tools/tidy.py                what differs from the main branch (on the main branch: its last commit)
    tools/tidy.py --all          every source
    tools/tidy.py --seconds 100  stops after so long; what was not reached is said and is no failure

A source is known to be good when neither it, nor what it includes, nor .clang-tidy changed since; build/tidy
remembers. Needs the release build, which knows what includes what.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
GOOD = BUILD / "tidy"
TIDY = ["clang-tidy-16", "-p", str(BUILD), "--quiet", "--warnings-as-errors=*",
        # The build is g++'s; its own warning switches mean nothing to clang.
        "--extra-arg=-Wno-unknown-warning-option"]


def output(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def git_lines(*arguments):
    return set(output("git", *arguments).split())


def changed():
    head = output("git", "rev-parse", "HEAD").strip()
    base = next(filter(None, (output("git", "merge-base", "HEAD", name).strip() for name in ("origin/main", "main"))), head)
    if base == head:
        base = output("git", "rev-parse", "-q", "--verify", "HEAD~1").strip() or head
    return git_lines("diff", "--name-only", "--diff-filter=d", base, "--", "*.cc") \
        | git_lines("ls-files", "--others", "--exclude-standard", "*.cc")


def commands():
    """The compiler's command by source, of the sources the release build has."""
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = (Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(ROOT):
            found[str(path.relative_to(ROOT))] = entry["command"]
    return found


def includes():
    """The project's own files each source is made from, by the build's notes."""
    found, files = {}, []
    for line in output("ninja", "-C", str(BUILD), "-t", "deps").splitlines():
        if not line.startswith(" "):
            files = []
            continue
        path = Path(os.path.normpath(BUILD / line.strip()))
        if path.is_relative_to(ROOT):
            files.append(str(path.relative_to(ROOT)))
            found[files[0]] = files
    return found


def stamp(source, command, files):
    """A name for everything that decides what clang-tidy says."""
    said = hashlib.sha256(command.replace(str(ROOT), "").encode())
    for file in [".clang-tidy", source, *sorted(files)]:
        said.update(file.encode() + b"\0" + (ROOT / file).read_bytes())
    return GOOD / said.hexdigest()[:32]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    GOOD.mkdir(exist_ok=True)
    known, parts = commands(), includes()
    wanted = sorted(known if options.all else changed() & known.keys())
    todo = [(source, mark) for source in wanted
            if not (mark := stamp(source, known[source], parts.get(source, []))).exists()]

    def look(source, mark):
        if time.monotonic() > end:
            return None
        done = subprocess.run([*TIDY, source], cwd=ROOT, capture_output=True, text=True)
        if done.returncode == 0:
            mark.touch()
        return done.returncode, done.stdout + done.stderr * (done.returncode != 0 and not done.stdout)

    with ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count())) as pool:
        results = list(pool.map(lambda one: look(*one), todo))
    bad = [result for result in results if result and result[0] != 0]
    for _, text in bad:
        print(text.strip())
    missed = results.count(None)
    print(f"clang-tidy: {len(wanted)} sources; {len(wanted) - len(todo)} known to be good, "
          f"{len(results) - missed} looked at, {len(bad)} with findings"
          + (f", {missed} not reached in {options.seconds:.0f} s" if missed else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
