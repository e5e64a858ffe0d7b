#!/usr/bin/env python3
"""Bad input and bad neighbours, against the real server over loopback.

    hostile.py --binary build/posthorn              starts a server of its own
    hostile.py --broker-port 10911 --pid 4711       against one that runs

After each case the server must still answer a stranger quickly and must not have grown. Ends with
"N passed, N failed"; exit code 77 means the program cannot serve yet.
"""
import argparse
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import bad_requests  # noqa: F401  (each brings its cases)
import frames  # noqa: F401
import neighbours  # noqa: F401
import tls  # noqa: F401
import remoting
from remoting import Link
from target import CASES, Failure, Target

SKIPPED = 77


def counters(target):
    """Every sample of /metrics; nothing when there is no HTTP port."""
    if not target.http_port:
        return {}
    text = urllib.request.urlopen(f"http://127.0.0.1:{target.http_port}/metrics", timeout=5).read().decode()
    return {m.group(1): float(m.group(2)) for m in re.finditer(r"^([a-zA-Z_:][^ ]*(?:\{[^}]*\})?) ([-+0-9.eE]+)$", text, re.M)}


def run_cases(target, wanted):
    passed = failed = 0
    first = counters(target)
    for function in CASES:
        name = function.__name__.replace("_", " ")
        if wanted and not re.search(wanted, function.__name__):
            continue
        begin = time.monotonic()
        try:
            function(target)
            target.expect_served()
            passed += 1
            print(f"ok    {name} ({time.monotonic() - begin:.1f} s)", flush=True)
        except (Failure, OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
            failed += 1
            print(f"FAIL  {name}: {type(error).__name__}: {error}", flush=True)
        if not Path(f"/proc/{target.pid}").exists():
            print("the server is gone")
            return passed, failed + 1
    if target.http_port and not wanted:
        last = counters(target)
        moved = [k for k in last if re.search("malformed|invalid|error|reject|refused|bad", k) and last[k] > first.get(k, 0)]
        print(f"{'ok   ' if moved else 'FAIL '} counters of bad input move: {', '.join(moved[:6]) or 'none did'}")
        passed, failed = passed + bool(moved), failed + (not moved)
    return passed, failed


def choose_free_ports(options):
    """For the ports that were not named: another program, or a connection of a test before, may have any."""
    taken = []

    def take(port):
        held = socket.socket()
        taken.append(held)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        return held.getsockname()[1]

    def pair():
        for _ in range(100):
            port = take(0)
            try:
                take(port - 2)  # the VIP twin
                return port
            except OSError:
                continue
        raise SystemExit("no two free ports")

    for name, choose in (("broker_port", pair), ("namesrv_port", lambda: take(0)), ("http_port", lambda: take(0)),
                         ("tls_port", lambda: take(0))):
        if getattr(options, name) is None:
            setattr(options, name, choose())
    for held in taken:
        held.close()


def can_serve(binary):
    listed = subprocess.run([binary, "help"], capture_output=True, text=True).stdout
    return re.search(r"^ +serve ", listed, re.M) is not None


def start(options, directory):
    log = open(Path(directory) / "server.log", "wb")
    options.certificates = str(Path(directory) / "certificates")
    subprocess.run([options.binary, "certificates", options.certificates], check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen(
        [options.binary, "serve", "--data-directory", str(Path(directory) / "data"),
         "--ports-name-service", str(options.namesrv_port), "--ports-broker", str(options.broker_port),
         "--ports-vip", str(options.broker_port - 2), "--ports-amqp-enabled", "off",
         "--limits-amqp-connections", "2000",
         "--ports-amqps", str(options.tls_port), "--tls-certfile", f"{options.certificates}/server.pem",
         "--tls-keyfile", f"{options.certificates}/server.key", "--ports-http", str(options.http_port)],
        stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        # An address sanitizer keeps 256 MiB of what was freed, which here would look like a leak.
        env={"ASAN_OPTIONS": "quarantine_size_mb=1", **os.environ})
    for _ in range(500):
        if process.poll() is not None:
            break
        try:
            with Link(options.broker_port, timeout=2) as link:
                if link.ask(remoting.RUNTIME)[0]["code"] == 0:
                    return process
        except OSError:
            pass
        time.sleep(0.02)
    process.kill()
    raise SystemExit(f"the server does not answer:\n{(Path(directory) / 'server.log').read_text(errors='replace')[-2000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", help="start this program")
    parser.add_argument("--pid", type=int, help="of a server that runs")
    parser.add_argument("--broker-port", type=int, help="without it a free one")
    parser.add_argument("--namesrv-port", type=int, help="without it a free one")
    parser.add_argument("--http-port", type=int, help="without it a free one")
    parser.add_argument("--tls-port", type=int, help="AMQP with TLS; without it a free one")
    parser.add_argument("--certificates", default="", help="where that port's ca.pem lies")
    parser.add_argument("--idle-connections", type=int, default=10_000)
    parser.add_argument("--only", default="", help="only cases whose name matches this regular expression")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    if not options.binary:
        if not options.pid:
            parser.error("--binary, or --pid of a running server")
        passed, failed = run_cases(Target(options), options.only)
    else:
        if not can_serve(options.binary):
            print("skipped: the program has no command 'serve'")
            return SKIPPED
        choose_free_ports(options)
        directory = tempfile.mkdtemp(prefix="posthorn-hostile-")
        process = start(options, directory)
        options.pid = process.pid
        try:
            passed, failed = run_cases(Target(options), options.only)
            process.terminate()
            code = process.wait(20)
            if code != 0:
                print(f"FAIL  the server ends well when asked to: exit code {code}")
            passed, failed = passed + (code == 0), failed + (code != 0)
        finally:
            process.kill()
            process.wait()
        if failed:
            print((Path(directory) / "server.log").read_text(errors="replace")[-3000:])
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
