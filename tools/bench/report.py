"""Medians of the rounds, one line per case, and the table in docs/benchmarks.md."""
import statistics
from dataclasses import asdict, fields

from loads import Figures


def median(rounds):
    """Figures whose every field is the median of that field."""
    values = {}
    for field in fields(Figures):
        known = [getattr(r, field.name) for r in rounds if getattr(r, field.name) is not None]
        values[field.name] = statistics.median(known) if known else None
    return Figures(**values)


def spread(rounds):
    """(highest - lowest) / median of the rates: how much to believe."""
    rates = [r.rate for r in rounds]
    return (max(rates) - min(rates)) / statistics.median(rates) if len(rates) > 1 else 0


def limited_by_load(case, figures):
    """The native load is one thread (and one more to consume): at 90 % of a core it is the limit. A Java load is
    many threads on the cores the server also needs: it is the limit when it takes more than the server does, and
    with it nearly all there is."""
    if case.family == "native":
        return figures.load_cores >= 0.9
    return figures.load_cores > figures.server_cores and figures.load_cores >= 0.9


def line(case, server, rounds):
    """One comparable line; grep and diff are the tools for it."""
    m = median(rounds)
    text = (f"{case.name}: {server} {m.rate:.0f} msg/s, {m.user_us:.2f}+{m.system_us:.2f} us user+system a message, "
            f"{m.server_cores:.2f} server cores, {m.load_cores:.2f} load cores, {m.resident_mib:.0f} MiB, "
            f"{len(rounds)} rounds, spread {100 * spread(rounds):.0f} %")
    if m.p50_us is not None:
        text += f", p50 {m.p50_us:.0f} us, p99 {m.p99_us:.0f} us"
    return text + (", load is the limit" if limited_by_load(case, m) else "")


def rate(value):
    return f"{value / 1000:.1f} k" if value >= 1000 else f"{value:.0f}"


def row(case, names, results):
    a, p = (results.get(name) for name in names)
    cells = [case.name]
    a, p = a and median(a), p and median(p)
    cells += [rate(a.rate) if a else "", rate(p.rate) if p else ""]
    cells += [f"{p.rate / a.rate:.2f}" if a and p and a.rate else ""]
    for m in (a, p):
        cells.append(f"{m.user_us:.2f} + {m.system_us:.2f}" if m else "")
    both = a and p and (p.user_us + p.system_us) > 0
    cells.append(f"{(a.user_us + a.system_us) / (p.user_us + p.system_us):.1f}" if both else "")
    for m in (a, p):
        cells.append(f"{m.p50_us:.0f} / {m.p99_us:.0f}" if m and m.p50_us else "")
    notes = [f"load limits {name}" for name, m in zip(map(title, names), (a, p)) if m and limited_by_load(case, m)]
    if a and p and p.rate < a.rate:
        notes.append("**lost**")
    cells.append("; ".join(notes))
    return "| " + " | ".join(cells) + " |"


def title(name):
    return {"apache": "Apache", "rabbitmq": "RabbitMQ", "posthorn": "Posthorn"}[name]


def head(names):
    cells = ["case", *(f"{title(n)} msg/s" for n in names), "rate ratio",
             *(f"{title(n)} CPU, us user + system" for n in names), "CPU ratio",
             *(f"{title(n)} p50 / p99 us" for n in names), "notes"]
    return f"| {' | '.join(cells)} |\n{'| --- ' * len(cells)}|"


def start_rows(names, starts, memory):
    def cell(values, form):
        return form.format(statistics.median(values)) if values else ""
    rows = [f"| | {' | '.join(map(title, names))} |", "| --- | --- | --- |"]
    rows.append("| exec to first accepted send, s | " +
                " | ".join(cell(starts.get(s, []), "{:.3f}") for s in names) + " |")
    rows.append("| resident memory at the end of a round, MiB | " +
                " | ".join(cell(memory.get(s, []), "{:.0f}") for s in names) + " |")
    return rows


def table(names, results, starts, memory, conditions):
    """`names`: the one that is compared with, and ours."""
    lines = [conditions, "", head(names)]
    lines += [row(case, names, by_server) for case, by_server in results.items()]
    return "\n".join(lines + [""] + start_rows(names, starts, memory))


def write_page(page, suite, text):
    """Replaces what stands between the suite's markers; everything else is written by people."""
    begin, end = f"<!-- bench-{suite}:begin -->", f"<!-- bench-{suite}:end -->"
    old = page.read_text()
    before, rest = old.split(begin, 1)
    tail = rest.split(end, 1)[1]
    page.write_text(f"{before}{begin}\n{text}\n{end}{tail}")


def as_json(results, starts, memory, conditions):
    return {"conditions": conditions, "starts": starts, "memory": memory,
            "cases": [{"case": asdict(case), "name": case.name,
                       "rounds": {server: [asdict(r) for r in rounds] for server, rounds in by_server.items()}}
                      for case, by_server in results.items()]}
