"""What explanations of the article's answers cost: attribution, watch list, sensitivity; and the answers themselves.

python benches/why.py [--threads 1] [--times 7]
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import escalade as esc


def measure(name: str, do: Callable[[int], object], times: int, goal: str) -> str:
    """A row: median and range of the CPU time of `times` runs, after one that warms up."""
    do(0)
    took = []
    for k in range(times):
        begin = time.process_time()
        do(k + 1)
        took.append(1e3 * (time.process_time() - begin))
    return f"| {name} | {statistics.median(took):.1f} | {min(took):.1f}–{max(took):.1f} | {goal} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--times", type=int, default=7)
    given = parser.parse_args()
    esc.set_threads(given.threads)
    model, dossier, questions = esc.datasets.article()
    # Answers at the mode: intervals would multiply all of it by the draws.
    fit = model.fit(dossier, progress=False, draws=0)
    (clash,) = (q for q in questions if q.name == "clash on the peninsula by mid-2025")

    def longer(k: int) -> esc.Dossier:
        """The dossier and a report that no earlier run has seen."""
        made = copy.deepcopy(dossier)
        shown, on = model.ladders["peninsula"] >= "provocation", made.as_of
        made.saw(shown, on=on, id="one more", hit=0.5 + 0.2 * k / (given.times + 1), false_alarm=0.1)
        return made

    known = [[longer(k + half * given.times) for k in range(given.times + 1)] for half in range(2)]

    print("| what | median, CPU ms | range | goal |")
    print("| --- | --- | --- | --- |")
    for name, do, goal in (
        (f"{len(questions)} answers again", lambda k: fit.ask(questions), ""),
        ("one more development", lambda k: fit.on(known[0][k]), ""),
        (f"one more development and {len(questions)} answers", lambda k: fit.on(known[1][k]).ask(questions), "10"),
        ("attribution: arrival and leave-one-out", lambda k: fit.explain(clash, orders=0, progress=False), "300"),
        ("watch list", lambda k: fit.watch(clash, until="2025-02-28", progress=False), "300"),
        ("sensitivity", lambda k: fit.sensitivity(clash, progress=False), "300"),
    ):
        print(measure(name, do, given.times, goal), flush=True)
