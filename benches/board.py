"""The board's round trip on the article's model: settings in, JSON state out, 20 answers and the fans of all ladders.

python benches/board.py [--threads 1] [--times 15]
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import escalade as esc

GOAL = "50"


def measure(name: str, settings: Iterator[dict[str, Any]], do: Callable[[dict[str, Any]], object], times: int) -> str:
    """A row: median and range of the CPU time of `times` runs, after one that warms up; settings never come twice."""
    do(next(settings))
    took = []
    for one in itertools.islice(settings, times):
        begin = time.process_time()
        do(one)
        took.append(1e3 * (time.process_time() - begin))
    return f"| {name} | {statistics.median(took):.1f} | {min(took):.1f}–{max(took):.1f} | {GOAL} |"


def moved(model: esc.Model) -> Iterator[dict[str, Any]]:
    """A driver in one of its states, learnt and made so in turn."""
    for name, driver in model.drivers.items():
        for state in driver.states:
            for how in ("given", "do"):
                yield {"drivers": {name: {"state": state, "how": how}}}


def added(model: esc.Model) -> Iterator[dict[str, Any]]:
    """The peninsula at or above one rung, on one day after the other."""
    for day in range(1, 31):
        said = {"saw": {"ladder": "peninsula", "at_least": "provocation"}, "on": f"2024-11-{day:02}", "grade": "C3"}
        yield {"added": [said]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--times", type=int, default=15)
    given = parser.parse_args()
    esc.set_threads(given.threads)
    model, dossier, questions = esc.datasets.article()
    fit = model.fit(dossier, progress=False)
    board = fit.board(questions, progress=False)
    ids = [development.id for development in dossier]

    def trip(settings: dict[str, Any]) -> str:
        return json.dumps(board.state(settings))

    def both(settings: Iterator[dict[str, Any]], *without: str) -> Iterator[dict[str, Any]]:
        return ({**one, "without": list(without)} for one in settings)

    print("| what | median, CPU ms | range | goal |")
    print("| --- | --- | --- | --- |")
    for name, settings in (
        ("move a driver", moved(model)),
        ("strike a development out", ({"without": [id]} for id in ids)),
        ("add a development", added(model)),
        ("move a driver, two developments struck out", both(moved(model), *ids[:2])),
        ("add a development, two struck out", both(added(model), *ids[:2])),
    ):
        print(measure(name, settings, trip, given.times), flush=True)
    back = {"drivers": {"us_policy": {"state": "settlement"}}}
    print(measure("go back to what was seen before", itertools.repeat(back), trip, given.times), flush=True)
    at_mode = board._mode.do(model.drivers["us_policy"] == "settlement")
    parts: list[tuple[str, Callable[[Any], object]]] = [
        ("of it: the answers", lambda _: at_mode._core.ask(board._asked)),
        ("of it: the fans", lambda _: at_mode._core.forecast(board._dates)),
        ("of it: the drivers", lambda _: at_mode._core.drivers()),
    ]
    for name, do in parts:
        print(measure(name, itertools.repeat({}), do, given.times), flush=True)
