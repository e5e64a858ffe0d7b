#!/usr/bin/env python3
"""Posthorn side by side with Apache RocketMQ 5.5.0 or RabbitMQ 3.10.8, in one run on one machine.

Each server is idle or down while the other is measured. Apache is started once for each way of flushing and first gets
--heat seconds of load, for its compiled code gets faster for minutes; the others start afresh each round, Posthorn
because a round of its fast rows fills gigabytes. The order of the servers changes from round to round. Printed, and kept
in build/bench/, are one line per case and server: medians of the rounds. With --write the suite's table in
docs/benchmarks.md is made anew, losses included.
"""
import argparse
import contextlib
import dataclasses
import json
import os
import platform
import re
import sys
import time
from collections import defaultdict

import amqp_cases
import report
import rocketmq_cases
from servers import ROOT

OUT = ROOT / "build" / "bench"
SUITES = {"rocketmq": rocketmq_cases, "amqp": amqp_cases}


def conditions(suite, options):
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} x {cpu.group(1) if cpu else platform.machine()}, "
            f"{memory:.0f} GiB, Linux {platform.release()}; server and load share the machine. "
            f"{suite.reference(options)}. {options.rounds} rounds, {options.seconds} s a measurement after "
            f"{options.warm_up} s of load, medians.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--suite", choices=SUITES, default="rocketmq")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of one measurement (10; quick: 3)")
    parser.add_argument("--warm-up", type=float, help="seconds of load before each (5; quick: 2)")
    parser.add_argument("--heat", type=float, help="seconds of load Apache gets after its start (120; quick: 8)")
    parser.add_argument("--quick", action="store_true", help="few cases, one short round: to see that it works")
    parser.add_argument("--long", action="store_true", help="only the cases that take many minutes each")
    parser.add_argument("--server", action="append", help="only this one")
    parser.add_argument("--only", default="", help="only cases whose name matches this regular expression")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    parser.add_argument("--write", action="store_true", help="make the table in docs/benchmarks.md anew")
    parser.add_argument("--directory", default=OUT / "data", help="where the servers keep their data")
    parser.add_argument("--port", type=int, default=29876,
                        help="this one, and further ones up to 2200 above it; below those the system gives away")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (3 if options.quick else 10)
    options.warm_up = options.warm_up if options.warm_up is not None else (2 if options.quick else 5)
    options.heat = options.heat if options.heat is not None else (8 if options.quick else 120)
    options.server = options.server or list(SUITES[options.suite].SERVERS)
    return options


class Run:
    """What is measured, and what came out."""

    def __init__(self, suite, options, wanted):
        self.suite, self.options = suite, options
        self.results, self.starts, self.memory = {c: {} for c in wanted}, defaultdict(list), defaultdict(list)

    def start(self, stack, name, flush, heat):
        """A server that has had `heat` seconds of load and is stopped with `stack`."""
        o = self.options
        step = 100 * list(self.suite.SERVERS).index(name)  # both may be up at once
        server = stack.enter_context(self.suite.SERVERS[name](o.directory, flush, o.port + step))
        self.starts[name].append(server.exec_to_send)
        self.suite.warm(server, heat)
        return server

    def measure(self, server, flush, number):
        for case, by_server in self.results.items():
            if case.flush == flush:
                figures = self.suite.run(dataclasses.replace(case, round=number), server, self.options.warm_up,
                                         self.options.seconds)
                by_server.setdefault(server.name, []).append(figures)
                print(f"  {report.line(case, server.name, [figures])}", flush=True)
        self.memory[server.name].append(server.usage()[2] / 2**20)

    def rounds(self, flush):
        o = self.options
        with contextlib.ExitStack() as stays:
            up = {}
            for name in filter(self.suite.STAYS.__contains__, o.server):
                up[name] = self.start(stays, name, flush, o.heat)
            for number in range(o.rounds):
                for name in o.server if number % 2 == 0 else o.server[::-1]:
                    print(f"== round {number + 1}, {name}, {flush}", flush=True)
                    with contextlib.ExitStack() as afresh:
                        server = up.get(name) or self.start(afresh, name, flush, o.warm_up)
                        self.measure(server, flush, number)


def main():
    options = arguments()
    suite = SUITES[options.suite]
    wanted = [c for c in suite.all_cases(options.quick, options.long) if re.search(options.only, c.name)]
    if options.list:
        print("\n".join(c.name for c in wanted))
        return 0
    OUT.mkdir(parents=True, exist_ok=True)
    run = Run(suite, options, wanted)
    for flush in sorted({c.flush for c in wanted}):
        run.rounds(flush)
    results, starts, memory = run.results, run.starts, run.memory
    where = conditions(suite, options)
    lines = [report.line(case, name, rounds) for case, by in results.items() for name, rounds in by.items()]
    (OUT / f"{options.suite}-lines.txt").write_text("\n".join(lines) + "\n")
    (OUT / f"{options.suite}-rounds.json").write_text(json.dumps(report.as_json(results, starts, memory, where), indent=1))
    text = report.table(list(suite.SERVERS), results, starts, memory, where)
    (OUT / f"{options.suite}-table.md").write_text(text + "\n")
    print("\n== medians\n" + "\n".join(lines))
    for name, values in starts.items():
        print(f"start: {name} {sorted(values)[len(values) // 2]:.3f} s from exec to first accepted send")
    if options.write:
        report.write_page(ROOT / "docs" / "benchmarks.md", options.suite, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
