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
import re
import subprocess
import sys
import threading
import time

import amqp
import mqadmin
import rocketmq
import web
from apache import wait_route
from servers import Target, start_apache, start_posthorn, start_rabbitmq
from suite import Skip


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


def suites():
    return [*rocketmq.suites(), *web.suites(), *amqp.suites()]


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
        if isinstance(suite, rocketmq.MqAdmin):
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
