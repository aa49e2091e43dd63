"""What the oracle reads from a model tree: dates, tables, parameter values, priors and the layout of theta."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product

import numpy as np

UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}
QUARTILE = 0.6744897501960817  # the upper quartile of the standard normal
# PHIA 2025; the open ends are read as 0.01 and 0.99
BANDS = {
    "remote chance": (0.01, 0.05),
    "highly unlikely": (0.10, 0.20),
    "unlikely": (0.25, 0.35),
    "realistic possibility": (0.40, 0.50),
    "likely or probable": (0.55, 0.75),
    "likely": (0.55, 0.75),
    "probable": (0.55, 0.75),
    "highly likely": (0.80, 0.90),
    "almost certain": (0.95, 0.99),
}


# ---- time ------------------------------------------------------------------------------------------------------------


def instant(text: str | float, origin: str, edge: str = "point") -> float:
    """Days since the origin; a bare date is noon (`point`), 00:00 (`begin`) or 24:00 (`end`). Numbers pass."""
    if not isinstance(text, str):
        return float(text)
    moment = datetime.fromisoformat(text)
    if len(text) == 10:
        moment += {"point": timedelta(hours=12), "begin": timedelta(0), "end": timedelta(days=1)}[edge]
    return (moment - datetime.fromisoformat(origin[:10])) / timedelta(days=1)


def duration(text: str) -> float:
    """Days in `3 months`, `1 year`, `10 days`, `2 weeks`."""
    number, unit = text.split()
    return float(number) * UNIT_DAYS[unit.removesuffix("s")]


# ---- parameters ------------------------------------------------------------------------------------------------------


@dataclass
class Positive:
    """A positive number: its prior mode and the prior of its logarithm (None: fixed)."""

    mode: float
    prior: tuple | None = None

    def log_density(self, x):
        """Log density at ln(value) = x, up to a constant."""
        kind, *numbers = self.prior
        if kind == "normal":
            mean, sd = numbers
            return -0.5 * ((x - mean) / sd) ** 2
        if kind == "gamma":
            shape, exposure = numbers
            return shape * x - exposure * np.exp(x)
        return 0.0 * x  # flat


@dataclass
class Real:
    """A number on the whole line: its prior mean and standard deviation (None: fixed, infinite: flat)."""

    mode: float
    sd: float | None = None

    def log_density(self, x):
        """Log density at x, up to a constant."""
        return -0.5 * ((x - self.mode) / self.sd) ** 2


@dataclass
class Row:
    """One row of a table: its prior mode, and the Dirichlet worth (None: fixed, 0: flat on the logits)."""

    p: np.ndarray
    worth: float | None = None
    support: np.ndarray = field(init=False)

    def __post_init__(self):
        self.support = np.flatnonzero(self.p)

    @property
    def coordinates(self) -> int:
        return 0 if self.worth is None else len(self.support) - 1

    def start(self) -> np.ndarray:
        return np.log(self.p[self.support[:-1]] / self.p[self.support[-1]])

    def value(self, logits) -> np.ndarray:
        weights = np.exp(np.append(logits, 0.0))
        p = np.zeros(len(self.p), dtype=weights.dtype)
        p[self.support] = weights / weights.sum()
        return p

    def log_density(self, logits):
        """Log density at these logits, up to a constant."""
        p = self.value(logits)[self.support]
        return np.sum(self.worth * self.p[self.support] * np.log(p))


def log_normal(median: float, spread: float | None) -> Positive:
    if spread is None:
        return Positive(median)
    return Positive(median, ("normal", math.log(median), math.log(spread)))


def intensity_of(p: float, days: float) -> float:
    return -math.log1p(-p) / days


def intensity(entry: dict) -> Positive:
    """The intensity a day that an entry with one number states."""
    spread = entry.get("spread")
    if "chance" in entry:
        return chance(entry["chance"], duration(entry["within"]), spread)
    if "events" in entry:
        shape, exposure = entry["events"] + 0.5, duration(entry["over"])
        return Positive(shape / exposure, ("gamma", shape, exposure))
    rate = entry["rate"] / UNIT_DAYS[entry["per"]]
    return Positive(rate, ("flat",)) if entry.get("free") else log_normal(rate, spread)


def chance(stated: str | float, days: float, spread: float | None) -> Positive:
    """A number, or a word as the central half of a belief about ln q."""
    if not isinstance(stated, str):
        return log_normal(intensity_of(stated, days), spread)
    low, high = (math.log(intensity_of(p, days)) for p in BANDS[stated])
    mean, sd = (low + high) / 2, (high - low) / (2 * QUARTILE)
    if spread is not None:
        sd = math.hypot(sd, math.log(spread))
    return Positive(math.exp(mean), ("normal", mean, sd))


def factor(entry: dict) -> Positive:
    if entry.get("free"):
        return Positive(entry.get("factor", 1.0), ("flat",))
    return log_normal(entry["factor"], entry.get("spread"))


def event_rates(entry: dict) -> list[Positive]:
    """One number for each rate in the list; a single number is one shared parameter."""
    if not isinstance(entry.get("rate"), list):
        return [intensity(entry)]
    return [intensity(entry | {"rate": rate}) for rate in entry["rate"]]


def states_of(spec: dict, name: str) -> list[str]:
    """The states of a driver, the rungs of a ladder or the values of a status."""
    for kind, key in (("driver", "states"), ("ladder", "rungs"), ("status", "states")):
        for entry in spec.get(kind, []):
            if entry["name"] == name:
                return entry[key]
    raise KeyError(name)


def first_rows(spec: dict, ladder: dict) -> list[Row]:
    """The rows of a ladder's first rung, the last driver fastest; none at equilibrium."""
    if ladder.get("first") == "equilibrium":
        return []
    rungs, rows = ladder["rungs"], []
    worth = ladder.get("worth", 0.0 if ladder.get("first") == "estimated" else None)
    for states in product(*(states_of(spec, name) for name in ladder.get("start_given", []))):
        stated = ladder["start"]
        for state in states:
            stated = stated[state]
        if isinstance(stated, str):
            stated = {stated: 1.0}
        p = np.array([stated.get(rung, 0.0) for rung in rungs] if isinstance(stated, dict) else stated, dtype=float)
        rows.append(Row(p / p.sum(), worth))
    return rows


def by_formula(spec: dict, entry: dict) -> list[list[float]]:
    """The rows of a table by a formula, each from its definition."""
    ((kind, said),) = entry["formula"].items()
    named, n = entry.get("given", []), len(entry["states"])
    rows = []
    for at in product(*(range(len(states_of(spec, name))) for name in named)):
        if kind == "noisy_or":
            no = (1 - said.get("leak", 0.0)) * math.prod(
                1 - said["chances"][x][s] for x, s in zip(named, at, strict=True)
            )
            below = [no]
        elif kind == "noisy_max":
            laws = [said["links"][x][s] for x, s in zip(named, at, strict=True)]
            laws += [said["leak"]] if "leak" in said else []
            below = [math.prod(sum(law[: y + 1]) for law in laws) for y in range(n - 1)]
        else:
            score = sum(said["effects"][x][s] for x, s in zip(named, at, strict=True))
            below = [1 / (1 + math.exp(score - cut)) for cut in said["cuts"]]
        rows.append(np.diff([0.0, *below, 1.0]).tolist())
    return rows


def table(spec: dict, entry: dict) -> list[Row]:
    """The rows of a driver's or a status's table, the last parent fastest."""
    parents = [states_of(spec, name) for name in entry.get("given", [])]
    stated = entry["table"] if "table" in entry else by_formula(spec, entry)
    if "formula" in entry and not parents:
        stated = stated[0]
    rows = []
    for k, states in enumerate(product(*parents)):
        if isinstance(stated, dict):
            row = stated
            for state in states:
                row = row[state]
        else:
            row = stated[k] if parents else stated
        p = np.array(row, dtype=float)
        rows.append(Row(p / p.sum(), 0.0 if entry.get("free") else entry.get("worth")))
    return rows


def positives(spec: dict) -> dict[tuple, Positive]:
    """Every positive number by its place: ladders in order (rates, effects), then events indicators."""
    found = {}
    for i, ladder in enumerate(spec.get("ladder", [])):
        found |= {("rate", i, k): intensity(entry) for k, entry in enumerate(ladder.get("rate", []))}
        found |= {("effect", i, k): factor(entry) for k, entry in enumerate(ladder.get("effect", []))}
    for i, status in enumerate(spec.get("status", [])):
        real = status.get("outcome", {}).get("family") in REAL
        for key in ("sd", "freedom", "size") if real else ("mean", "sd", "freedom", "size"):
            for place, (value, spread, free) in outcome_numbers(i, status, key).items():
                found[place] = Positive(value, ("flat",)) if free else log_normal(value, spread)
    for i, events in enumerate(spec.get("events", [])):
        found |= {("events", i, k): number for k, number in enumerate(event_rates(events))}
    return found


def rows(spec: dict) -> dict[tuple, Row]:
    """Every table row by its place: drivers in order, the first rungs of ladders, then statuses."""

    def tables(kind: str) -> dict[tuple, Row]:
        return {
            (kind, i, k): row
            for i, entry in enumerate(spec.get(kind, []))
            for k, row in enumerate(table(spec, entry) if "table" in entry or "formula" in entry else [])
        }

    firsts = {
        ("first", i, k): row
        for i, ladder in enumerate(spec.get("ladder", []))
        for k, row in enumerate(first_rows(spec, ladder))
    }
    return (
        tables("driver")
        | firsts
        | tables("status")
        | {
            place: Row(np.array([zero, 1 - zero]), 0.0 if free else worth)
            for i, entry in enumerate(spec.get("status", []))
            for place, (zero, worth, free) in outcome_numbers(i, entry, "zero", "worth").items()
        }
    )


#: Families whose mean lies on the whole line.
REAL = {"normal", "log_normal", "student"}


def outcome_numbers(i: int, status: dict, key: str, belief: str = "spread") -> dict[tuple, tuple]:
    """Of one key of an outcome (value, spread or worth, free) by place: a shared one, or one a configuration."""
    outcome = status.get("outcome", {})
    each = outcome.get(key)
    if each is None:
        return {}
    lists = [stated for stated in outcome.values() if isinstance(stated, list)]
    if isinstance(each, list):
        stated = {(key, i, k): x for k, x in enumerate(each) if all(other[k] != "none" for other in lists)}
    else:
        stated = {(key, i, None): each}
    free = outcome.get("free", False)

    def judged(x):
        if not isinstance(x, dict):
            return x, None, free
        return x["value"], x.get(belief), x.get("free", False) or (free and belief not in x)

    return {place: judged(x) for place, x in stated.items()}


def reals(spec: dict) -> dict[tuple, Real]:
    """Every number on the whole line by its place."""
    return {
        place: Real(value, math.inf if free else spread)
        for i, entry in enumerate(spec.get("status", []))
        if entry.get("outcome", {}).get("family") in REAL
        for place, (value, spread, free) in outcome_numbers(i, entry, "mean").items()
    }


def start(spec: dict) -> np.ndarray:
    """The vector theta of the prior modes."""
    logs = [math.log(number.mode) for number in positives(spec).values() if number.prior]
    logits = [row.start() for row in rows(spec).values() if row.coordinates]
    plain = [number.mode for number in reals(spec).values() if number.sd]
    return np.concatenate([np.array(logs), *logits, np.array(plain)])


def split(spec: dict, theta) -> tuple[dict, dict]:
    """The coordinates of theta by place: one number for each free positive, a vector for each free row."""
    theta = start(spec) if theta is None else np.asarray(theta)
    ones, vectors, at = {}, {}, 0
    for place, number in positives(spec).items():
        if number.prior:
            ones[place], at = theta[at], at + 1
    for place, row in rows(spec).items():
        if row.coordinates:
            vectors[place], at = theta[at : at + row.coordinates], at + row.coordinates
    for place, number in reals(spec).items():
        if number.sd:
            ones[place], at = theta[at], at + 1
    if at != len(theta):
        raise ValueError(f"theta has {len(theta)} coordinates, the model {at}")
    return ones, vectors


def values(spec: dict, theta=None) -> dict:
    """The number or row at every place."""
    ones, vectors = split(spec, theta)
    found = {p: np.exp(ones[p]) if p in ones else number.mode for p, number in positives(spec).items()}
    found |= {p: ones.get(p, number.mode) for p, number in reals(spec).items()}
    return found | {p: row.value(vectors[p]) if p in vectors else row.p for p, row in rows(spec).items()}


def log_prior(spec: dict, theta):
    """The log prior density of theta, up to a constant."""
    ones, vectors = split(spec, theta)
    numbers, table_rows = positives(spec) | reals(spec), rows(spec)
    return sum(numbers[p].log_density(x) for p, x in ones.items()) + sum(
        table_rows[p].log_density(x) for p, x in vectors.items()
    )


def complex_gradient(function, theta, step: float = 1e-25) -> np.ndarray:
    """The gradient of an analytic function by complex steps: no subtraction, so no step to tune."""
    theta = np.asarray(theta, dtype=float)
    return np.array([np.imag(function(theta + 1j * step * unit)) / step for unit in np.eye(len(theta))])


# ---- moves and conditions, as trees ----------------------------------------------------------------------------------


def moves_of(ladder: dict) -> dict[tuple[int, int], int]:
    """The ladder's moves (from, to), each with the index of its rate entry."""
    rungs, found = ladder["rungs"], {}
    for k, entry in enumerate(ladder.get("rate", [])):
        for move in named_moves(entry["moves"], rungs):
            if move in found:
                raise ValueError(f"two rates for one move of {ladder['name']}")
            found[move] = k
    return found


def phases_of(ladder: dict) -> list[tuple[int, int]]:
    """The ladder's phases in order: (rung, stage), the first stage 0."""
    counts = [ladder.get("stages", {}).get(rung, 1) for rung in ladder["rungs"]]
    return [(rung, stage) for rung, count in enumerate(counts) for stage in range(count)]


def named_moves(moves, rungs: list[str]) -> list[tuple[int, int]]:
    if moves == "up":
        return [(i, i + 1) for i in range(len(rungs) - 1)]
    if moves == "down":
        return [(i + 1, i) for i in range(len(rungs) - 1)]
    return [(rungs.index(a), rungs.index(b)) for a, b in moves]


def effect_names(moves, move: tuple[int, int], rungs: list[str]) -> bool:
    """Whether an effect on these moves acts on this one."""
    if moves in ("up", "down", "all"):
        return moves == "all" or (move[1] > move[0]) == (moves == "up")
    return [rungs[move[0]], rungs[move[1]]] in [list(pair) for pair in moves]


def parts(condition: dict):
    """The condition's plain tables."""
    for key in ("all", "any"):
        if key in condition:
            for inner in condition[key]:
                yield from parts(inner)
            return
    if "not" in condition:
        yield from parts(condition["not"])
    else:
        yield condition


def looks_at_ladders(condition: dict) -> bool:
    return any("ladder" in part for part in parts(condition))


def boundaries(condition: dict, origin: str) -> set[float]:
    """The instants at which a calendar period of the condition begins or ends."""
    edges = (("since", "begin"), ("until", "end"))
    return {instant(part[key], origin, edge) for part in parts(condition) for key, edge in edges if key in part}


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]
