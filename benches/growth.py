"""How cost grows: with units, rungs, joint rungs, rows of hidden chains and threads; a picture and a table.

    .venv/bin/python benches/growth.py docs/growth.png

Wall-clock seconds, the best of three; one thread but for the last panel.
"""

import argparse
import pathlib
import sys
import time

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import escalade as esc

sys.path.append(str(pathlib.Path(__file__).parent / "peers"))
from markov import ours as coupled

INK = "#1f4e79"


def best(work):
    """The shortest of three runs."""
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent)


def table(units, rungs, grid, seed=1):
    """Units on a ladder that moves one rung up or down from any, seen ten times each."""
    rng = np.random.default_rng(seed)
    rows, times = [], []
    for _ in range(units):
        when = np.cumsum(rng.integers(1, 13, 10) / 12 if grid else rng.uniform(0.1, 1.0, 10))
        times.append(when)
        steps = rng.choice([-1, 0, 1], p=[0.25, 0.45, 0.3], size=10)
        rung = int(rng.integers(rungs))
        for step in steps:
            rung = min(max(rung + step, 0), rungs - 1)
            rows.append(str(rung))
    return pd.DataFrame({"unit": np.repeat(np.arange(units), 10), "time": np.concatenate(times), "state": rows})


def panel(units, rungs, grid):
    """The work of one fit with its standard errors."""
    frame = table(units, rungs, grid)
    m = esc.Model()
    ladder = m.ladder("l", [str(k) for k in range(rungs)])
    given = esc.Panel(frame, id="unit", time="time", clock="year", rungs={ladder: "state"})
    return lambda: m.fit(given, progress=False)


def reach(ladders):
    """The work of P(the first ladder has reached its top by 20)."""
    generator = coupled(ladders)
    return lambda: generator.passage({"x0": "9"}, start={f"x{i}": "0" for i in range(ladders)}, times=[20.0])


def hidden(sequences):
    """The work of twenty rounds of Baum-Welch, 8 states, 12 symbols, 200 steps a sequence."""
    rng = np.random.default_rng(2)
    data = [rng.integers(0, 12, 200) for _ in range(sequences)]
    chain = esc.markov.HiddenMarkov(8, esc.markov.Categorical(list(range(12))))
    return lambda: chain.fit(data, n_starts=1, max_rounds=20, tol=0, accelerate=False, progress=False)


def measured():
    """(title, x label, {line: ([x], [seconds])})."""
    esc.set_threads(1)
    units = [100, 300, 1000, 3000, 10_000]
    yield (
        "a panel's fit, 5 rungs, ten rows a unit",
        "units",
        {
            "dates on a grid": (units, [best(panel(n, 5, True)) for n in units]),
            "no two lengths equal": (units, [best(panel(n, 5, False)) for n in units]),
        },
    )
    rungs = [2, 3, 5, 8, 12, 16]
    yield (
        "a panel's fit, 1,000 units on a grid",
        "rungs",
        {"": (rungs, [best(panel(1000, n, True)) for n in rungs])},
    )
    ladders = [2, 3, 4, 5, 6]
    yield (
        "P(reach by t), coupled ladders of ten rungs",
        "joint rungs",
        {"": ([10**n for n in ladders], [best(reach(n)) for n in ladders])},
    )
    sequences = [10, 100, 1000, 10_000]
    yield (
        "Baum–Welch, 8 states, 20 rounds",
        "rows",
        {"": ([200 * n for n in sequences], [best(hidden(n)) for n in sequences])},
    )
    works = {"panel, 3,000 units": panel(3000, 5, False), "Baum–Welch, 200,000 rows": hidden(1000)}
    lines = {}
    for name, work in works.items():
        spent = []
        for threads in (1, 2):
            esc.set_threads(threads)
            spent.append(best(work))
        lines[name] = ([1, 2], spent)
    yield ("threads, on two cores", "threads", lines)


def main():
    """Measures, draws, prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("picture", type=pathlib.Path)
    options = parser.parse_args()
    panels = list(measured())
    figure, axes = plt.subplots(2, 3, figsize=(11, 6.2), layout="constrained")
    for ax, (title, label, lines) in zip(axes.flat, panels, strict=False):
        for (name, (x, seconds)), style in zip(lines.items(), ("-", "--"), strict=False):
            ax.plot(x, seconds, style, color=INK, marker="o", markersize=4, label=name)
        ax.set(
            title=title, xlabel=label, ylabel="seconds", yscale="log", xscale="linear" if label == "threads" else "log"
        )
        ax.title.set_fontsize(10)
        ax.spines[["top", "right"]].set_visible(False)
        if label in ("rungs", "threads"):
            ax.set_xticks(next(iter(lines.values()))[0])
            ax.xaxis.set_major_formatter(mpl.ticker.ScalarFormatter())
            ax.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
        if any(lines):
            ax.legend(frameon=False, fontsize=8)
    axes.flat[-1].set_axis_off()
    figure.savefig(options.picture, dpi=110)
    print("| what | " + "at: seconds" + " |\n| --- | --- |")
    for title, label, lines in panels:
        for name, (x, seconds) in lines.items():
            told = ", ".join(f"{a:,}: {s:.2g}" for a, s in zip(x, seconds, strict=True))
            print(f"| {title}{f' ({name})' if name else ''} | {label} {told} |")


if __name__ == "__main__":
    main()
