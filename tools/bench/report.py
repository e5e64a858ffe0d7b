"""Medians of the rounds, one line per case, and the table in docs/benchmarks.md."""
import statistics
from dataclasses import asdict, fields

from cases import Figures

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


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


def row(case, results):
    a, p = results.get("apache"), results.get("posthorn")
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
    notes = [f"load limits {name}" for name, m in (("Apache", a), ("Posthorn", p)) if m and limited_by_load(case, m)]
    if a and p and p.rate < a.rate:
        notes.append("**lost**")
    cells.append("; ".join(notes))
    return "| " + " | ".join(cells) + " |"


HEAD = """| case | Apache msg/s | Posthorn msg/s | rate ratio | Apache CPU, us user + system | Posthorn CPU, us user + system | CPU ratio | Apache p50 / p99 us | Posthorn p50 / p99 us | notes |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def start_rows(starts, memory):
    def cell(values, form):
        return form.format(statistics.median(values)) if values else ""
    rows = ["| | Apache | Posthorn |", "| --- | --- | --- |"]
    rows.append("| exec to first accepted send, s | " +
                " | ".join(cell(starts.get(s, []), "{:.3f}") for s in ("apache", "posthorn")) + " |")
    rows.append("| resident memory at the end of a round, MiB | " +
                " | ".join(cell(memory.get(s, []), "{:.0f}") for s in ("apache", "posthorn")) + " |")
    return rows


def table(results, starts, memory, conditions):
    lines = [conditions, "", HEAD]
    lines += [row(case, by_server) for case, by_server in results.items()]
    return "\n".join(lines + [""] + start_rows(starts, memory))


def write_page(page, text):
    """Replaces what stands between the markers; everything else is written by people."""
    old = page.read_text()
    head, rest = old.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    page.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")


def as_json(results, starts, memory, conditions):
    return {"conditions": conditions, "starts": starts, "memory": memory,
            "cases": [{"case": asdict(case), "name": case.name,
                       "rounds": {server: [asdict(r) for r in rounds] for server, rounds in by_server.items()}}
                      for case, by_server in results.items()]}
