"""How the sweep grows with joint rungs: draws what `cargo bench --bench engine -- growth=2` to `growth=7` print.

for d in 2 3 4 5 6 7; do cargo bench --bench engine -- growth=$d; done > grown.txt
.venv/bin/python benches/engine_growth.py docs/engine_growth.png < grown.txt
"""

import argparse
import pathlib
import re
import sys

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt

INK, LINE = (
    "#1f4e79",
    re.compile(r"(\d+) joint rungs.*filter ([\d.]+) s, smooth ([\d.]+) s, three questions ([\d.]+) s.*; (\d+) MB"),
)


def main():
    """Reads lines, draws two panels."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("picture", type=pathlib.Path)
    options = parser.parse_args()
    rows = [tuple(float(x) for x in found.groups()) for found in map(LINE.search, sys.stdin) if found]
    rungs = [row[0] for row in rows]
    figure, (time, memory) = plt.subplots(1, 2, figsize=(8.5, 3.4), layout="constrained")
    for column, (name, style) in enumerate((("filter", "-"), ("smooth", "--"), ("three questions", ":")), start=1):
        pairs = [(n, row[column]) for n, row in zip(rungs, rows, strict=True) if row[column] > 0]
        time.plot(*zip(*pairs, strict=True), style, color=INK, marker="o", markersize=4, label=name)
    memory.plot(rungs, [row[4] for row in rows], color=INK, marker="o", markersize=4)
    time.set(title="30 developments, one thread", ylabel="seconds of CPU")
    memory.set(title="memory of the process", ylabel="MB")
    time.legend(frameon=False, fontsize=8)
    for ax in (time, memory):
        ax.set(xlabel="joint rungs", xscale="log", yscale="log")
        ax.title.set_fontsize(10)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.picture, dpi=110)


if __name__ == "__main__":
    main()
