"""A simulator apart from the kernel: truths from the priors of a model tree, paths by Gillespie, dossiers of reports.

Trees are those of docs/format.md, as far as the models of test_recovery.py need them: one unit (the month), one driver.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

ORIGIN = datetime(2021, 1, 1)
MONTH = 30.4375
FLAT_TRUTH = 1.5  # the truth of a flat parameter, as a multiple of the start that the tree gives it


def date(day: int) -> str:
    return (ORIGIN + timedelta(days=day)).date().isoformat()


def moment(day: float) -> str:
    return (ORIGIN + timedelta(minutes=round(day * 1440))).isoformat(timespec="minutes")


def day_of(text: str) -> int:
    return (datetime.fromisoformat(text) - ORIGIN).days


# ---- the truth -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """A value for each number of the tree: (entry, key, k) → positive, (entry, row) → probabilities."""

    positives: dict[tuple, float]
    rows: dict[tuple, np.ndarray]
    drivers: dict[str, str]

    def theta(self, spec: dict) -> np.ndarray:
        """The unconstrained coordinates, fixed numbers left out: ln of positives, then logits against the last."""
        logs = [np.log(self.positives[place]) for place, entry, _ in positives_of(spec) if learnt(entry)]
        logits = []
        for place, entry, _ in rows_of(spec):
            p = self.rows[place]
            p = p[p > 0]
            logits += list(np.log(p[:-1] / p[-1])) if learnt(entry) else []
        return np.array(logs + logits)


def learnt(entry: dict) -> bool:
    return "spread" in entry or "worth" in entry or "free" in entry


def positives_of(spec: dict):
    """(place, entry, prior median) of each intensity, factor and event rate."""
    for ladder in spec["ladder"]:
        for k, entry in enumerate(ladder["rate"]):
            yield (ladder["name"], "rate", k), entry, entry["rate"] / MONTH
        for k, entry in enumerate(ladder["effect"]):
            yield (ladder["name"], "effect", k), entry, entry["factor"]
    for events in spec["events"]:
        for k, rate in enumerate(events["rate"]):
            yield (events["name"], "rate", k), events, rate / MONTH


def rows_of(spec: dict):
    """(place, entry, prior mode) of each row of each table."""
    for entry in [*spec["driver"], *spec["status"]]:
        for k, row in enumerate(np.atleast_2d(entry["table"])):
            yield (entry["name"], k), entry, row


def draw_truth(spec: dict, rng: np.random.Generator) -> Truth:
    """Each number from its prior, each driver from its table."""
    positives = {place: draw_positive(entry, median, rng) for place, entry, median in positives_of(spec)}
    rows = {place: draw_row(entry, row, rng) for place, entry, row in rows_of(spec)}
    drivers = {d["name"]: str(rng.choice(d["states"], p=rows[d["name"], 0])) for d in spec["driver"]}
    return Truth(positives, rows, drivers)


def draw_positive(entry: dict, median: float, rng: np.random.Generator) -> float:
    if "spread" in entry:
        return float(median * entry["spread"] ** rng.standard_normal())
    return median * (FLAT_TRUTH if "free" in entry else 1.0)


def draw_row(entry: dict, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    p = np.zeros(len(row))
    p[row > 0] = rng.dirichlet(entry["worth"] * row[row > 0])
    return p


# ---- the world -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """What happens at one truth; a state is each ladder's rung by name."""

    spec: dict
    truth: Truth

    def holds(self, condition: dict, state: dict[str, str], day: float) -> bool:
        """Whether a condition holds in this state just after this day's instant."""
        match condition:
            case {"since": first}:
                return day >= day_of(first)
            case {"driver": name, "is": wanted}:
                return self.truth.drivers[name] == wanted
            case {"ladder": name, "is": wanted}:
                return state[name] == wanted
            case {"ladder": name, "at_least": wanted}:
                rungs = self.ladder(name)["rungs"]
                return rungs.index(state[name]) >= rungs.index(wanted)
        raise NotImplementedError(condition)

    def ladder(self, name: str) -> dict:
        return next(ladder for ladder in self.spec["ladder"] if ladder["name"] == name)

    def moves(self, state: dict[str, str], day: float) -> list[tuple[str, str, float]]:
        """(ladder, next rung, intensity per day) of every move out of a state."""
        found = []
        for ladder in self.spec["ladder"]:
            name, here = ladder["name"], state[ladder["name"]]
            for k, entry in enumerate(ladder["rate"]):
                for there in targets(entry["moves"], here, ladder["rungs"]):
                    factor = self.factor(ladder, (here, there), state, day)
                    found.append((name, there, self.truth.positives[name, "rate", k] * factor))
        return found

    def factor(self, ladder: dict, move: tuple[str, str], state: dict[str, str], day: float) -> float:
        product = 1.0
        for k, entry in enumerate(ladder["effect"]):
            if named(entry["moves"], move, ladder["rungs"]) and self.holds(entry["when"], state, day):
                product *= self.truth.positives[ladder["name"], "effect", k]
        return product

    def path(self, days: float, turns: list[int], rng: np.random.Generator) -> Path:
        """Gillespie from day 0; at a calendar turn the waiting begins afresh."""
        state = {ladder["name"]: str(draw_start(ladder["start"], rng)) for ladder in self.spec["ladder"]}
        times, states, day = [0.0], [state], 0.0
        ends = [turn for turn in turns if turn < days] + [days]
        while ends:
            moves = self.moves(state, day)
            total = sum(rate for *_, rate in moves)
            wait = rng.exponential(1 / total)
            if day + wait >= ends[0]:
                day = ends.pop(0)
                continue
            day += wait
            name, there, _ = moves[rng.choice(len(moves), p=[rate / total for *_, rate in moves])]
            state = state | {name: there}
            times.append(day)
            states.append(state)
        return Path(times, states, days)

    def happenings(self, name: str, path: Path, rng: np.random.Generator) -> list[float]:
        """The days on which an event indicator of one ladder happens."""
        events = next(entry for entry in self.spec["events"] if entry["name"] == name)
        (parent,) = events["given"]
        rungs, days = self.ladder(parent)["rungs"], []
        for begins, ends, state in path.stays():
            rate = self.truth.positives[name, "rate", rungs.index(state[parent])]
            days += rng.uniform(begins, ends, rng.poisson(rate * (ends - begins))).tolist()
        return sorted(days)

    def value(self, name: str, state: dict[str, str], rng: np.random.Generator) -> str:
        """What a status indicator of one ladder shows."""
        status = next(entry for entry in self.spec["status"] if entry["name"] == name)
        (parent,) = status["given"]
        row = self.truth.rows[name, self.ladder(parent)["rungs"].index(state[parent])]
        return str(rng.choice(status["states"], p=row))


@dataclass(frozen=True)
class Path:
    """The states and the day each was entered, up to the last day."""

    times: list[float]
    states: list[dict[str, str]]
    days: float

    def at(self, day: float) -> dict[str, str]:
        return self.states[bisect_right(self.times, day) - 1]

    def stays(self):
        """(begins, ends, state) of each stay."""
        return zip(self.times, [*self.times[1:], self.days], self.states, strict=True)

    def during(self, begins: float, ends: float) -> list[dict[str, str]]:
        """The states of a span, the one it begins in first."""
        return self.states[bisect_right(self.times, begins) - 1 : bisect_right(self.times, ends)]


def draw_start(start: str | dict[str, float], rng: np.random.Generator) -> str:
    return start if isinstance(start, str) else rng.choice(list(start), p=list(start.values()))


def targets(moves, here: str, rungs: list[str]) -> list[str]:
    """The rungs that a rate entry leads to from here: the neighbour, or what the pairs say."""
    if not isinstance(moves, str):
        return [b for a, b in moves if a == here]
    k = rungs.index(here) + {"up": 1, "down": -1}[moves]
    return [rungs[k]] if 0 <= k < len(rungs) else []


def named(moves, move: tuple[str, str], rungs: list[str]) -> bool:
    """Whether an effect entry names a move."""
    if not isinstance(moves, str):
        return list(move) in moves
    up = rungs.index(move[1]) > rungs.index(move[0])
    return moves == "all" or up == (moves == "up")


# ---- reports ---------------------------------------------------------------------------------------------------------


def report(name: str, fact: dict, true: bool, hit: float, false_alarm: float, rng: np.random.Generator, **when) -> dict:
    """A development that says `saw` or, kept as data too, that nothing was seen: the two chances of that swapped round.

    A silence on a window is `never`, on a status or a state `saw` of the other values.
    """
    if rng.random() < (hit if true else false_alarm):
        return {"id": name, "saw": fact, "hit": hit, "false_alarm": false_alarm, **when}
    silence = {"hit": 1 - false_alarm, "false_alarm": 1 - hit, **when}
    if "between" in when:
        return {"id": name, "never": fact, **silence}
    return {"id": name, "saw": {"not": fact}, **silence}
