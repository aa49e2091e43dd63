"""What is told of the measurements: goals, times, memory, agreement, as Markdown."""

import datetime
import importlib.metadata
import math
import os
import pathlib
import sys

from sides import ENGINES

KINDS = {
    "read": "reading BIF",
    "prior": "fresh, nothing observed",
    "leaves": "fresh, 10 leaves observed",
    "again": "again, other states of these leaves",
    "moved": "again, other leaves",
}
SMALL = ["asia", "child", "alarm", "hepar2", "win95pts", "hailfinder", "insurance"]
PEERS = [(side, engine) for side in ENGINES if side != "ours" for engine in ENGINES[side]]
# Networks, kind, at least so many times faster than the best peer, or at most so many seconds (and gigabytes).
GOALS = [
    (SMALL, "prior", 30, None, None),
    (SMALL, "again", 50, None, None),
    (["alarm"], "again", None, 25e-6, None),
    (["pathfinder", "andes", "pigs", "munin2", "munin3"], "leaves", 10, None, None),
    (["diabetes"], "prior", 4, None, None),
    (["barley", "munin", "munin4"], "leaves", 10, None, None),
    (["water", "mildew"], "leaves", 8, None, None),
    (["water", "mildew"], "prior", 3, None, None),
    (["munin1"], "leaves", None, 1.0, 1.2),
    (["link"], "prior", None, 0.5, 1.0),
    (None, "read", 3, None, None),
]


def span(seconds):
    """A time with three digits."""
    for unit, size in [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)]:
        if seconds >= size or unit == "µs":
            return f"{seconds / size:#.3g}".rstrip(".") + f" {unit}"


def ratios(row):
    """How many times faster than the best peer, by wall clock and by CPU time."""
    if row["peer"] is None or isinstance(row["ours"], str):
        return None, None
    return row["peer"][0] / row["ours"][0], row["peer"][1] / row["ours"][1]


def cells(row):
    """Our time, the peer's, who it is, and both ratios."""
    ours = row["ours"] if isinstance(row["ours"], str) else span(row["ours"][1])
    if row["peer"] is None:
        return [ours, "–", "–" if row["kind"] in ("again", "moved") else "no peer answers", "–", "–"]
    engine = row["best"][0] if row["kind"] == "read" else " ".join(row["best"])
    wall, cpu = ("–" if ratio is None else f"{ratio:#.3g}".rstrip(".") for ratio in ratios(row))
    return [ours, span(row["peer"][1]), engine, cpu, wall]


def each(row):
    """Our time and every engine's, and both ratios to the best."""
    told = []
    for side, engine in PEERS:
        if row["kind"] == "read" and engine != ENGINES[side][0]:
            told.append("")
        else:
            word = span(row["cpu"][side, engine]) if (side, engine) in row["cpu"] else "–"
            told.append(f"**{word}**" if (side, engine) == row["best"] else word)
    ours, _, _, *both = cells(row)
    return [ours, *told, *both]


def line(row):
    """A row as it is measured."""
    return " | ".join([row["network"], KINDS[row["kind"]], *cells(row)])


def judge(row, times, seconds, gigabytes):
    """Whether a goal is met: by CPU time and by wall clock."""
    if isinstance(row["ours"], str):
        return "**missed**"
    met = []
    for clock, ratio in [(1, ratios(row)[1]), (0, ratios(row)[0])]:
        fast = times is None or row["peer"] is None or ratio >= times
        met.append(fast and (seconds is None or row["ours"][clock] <= seconds))
    used = row["memory"].get("ours", math.nan)
    if gigabytes and isinstance(used, float) and used > gigabytes:
        return "**missed** (memory)"
    return "met" if all(met) else "met by CPU time" if met[0] else "**missed**"


def verdicts(rows):
    """A row for every goal and network that was measured."""
    found = {(row["network"], row["kind"]): row for row in rows}
    networks = list(dict.fromkeys(row["network"] for row in rows))
    for names, kind, times, seconds, gigabytes in GOALS:
        for row in (found[name, kind] for name in names or networks if (name, kind) in found):
            goal = f"{times} times" if times else f"at most {span(seconds)}"
            first, *rest = cells(row)
            if gigabytes:
                goal, first = f"{goal}, {gigabytes} GB", f"{first}, {memory(row, 'ours')}"
            yield [row["network"], KINDS[kind], goal, first, *rest, judge(row, times, seconds, gigabytes)]


def memory(row, side):
    """Peak memory, where it was measured."""
    used = row["memory"].get(side)
    return f"{used:.2f} GB" if isinstance(used, float) else "–"


def agreement(rows):
    """A row for every network: the largest difference of each peer's engine from us, or why it has no answer."""
    for name in dict.fromkeys(row["network"] for row in rows):
        told = []
        for key in PEERS:
            mine = [row for row in rows if row["network"] == name]
            far = [row["apart"][key] for row in mine if key in row["apart"]]
            word = f"{max(far):.0e}" if far else ""
            word += " wrong" if any(key in row["wrong"] for row in mine) else ""
            word += " disputed" if any(row["disputed"] and key in row["apart"] for row in mine) else ""
            silent = {row["silent"][key] for row in mine if key in row["silent"] and row["kind"] != "read"}
            told.append("; ".join([*filter(None, [word]), *sorted(silent)]))
        yield [name, *told]


def reading(rows):
    """Who cannot read which file."""
    for row in rows:
        for (side, _), why in row["silent"].items():
            if row["kind"] == "read":
                yield f"- {side} has not read {row['network']}: {why}"


def table(head, rows):
    """A table in Markdown."""
    return ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]]


def report(rows, options):
    """The whole page."""
    models = [x for x in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")]
    machine = f"{models[0].split(':')[1].strip() if models else 'unknown'}, {os.cpu_count()} cores"
    versions = f"Python {sys.version.split()[0]}, " + ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ["escalade", "pyagrum", "pgmpy"]
    )
    took = ["ours", "best peer", "which", "ratio", "by wall clock"]
    engines = [f"{side} {engine}" for side, engine in PEERS]
    every = [[row["network"], KINDS[row["kind"]], *each(row)] for row in rows]
    heavy = [
        [row["network"], KINDS[row["kind"]], memory(row, "ours"), *((memory(row, side), side) if side else "––")]
        for row in rows
        for side in [row["best"] and row["best"][0]]
        if row["memory"]
    ]
    return [
        f"Measured on {datetime.date.today()}, {machine}, one thread; {versions}.",
        f"At most {options.turns} turns, {options.limit:g} s and {options.memory:g} GB of address space an answer.",
        "Times are CPU time, which on a quiet machine is the wall clock's; a goal is met where both ratios reach it.",
        *["", "## Goals", "", *table(["network", "what", "goal", *took, ""], verdicts(rows))],
        *["", "## All measurements", "", *table(["network", "what", "ours", *engines, *took[3:]], every)],
        *["", "## Peak memory of a process that reads and answers once", ""],
        *table(["network", "what", "ours", "best peer", "which"], heavy),
        *["", "## Largest difference from our answers, over all kinds of measurement", ""],
        *table(["network", *engines], agreement(rows)),
        *["", *reading(rows)],
    ]
