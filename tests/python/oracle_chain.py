"""The oracle's extended chain: every joint rung of all ladders beside every monitor's level, in dense matrices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import expm
from scipy.special import gammaln, loggamma

from oracle_model import as_list, effect_names, instant, moves_of, states_of, values

SMALLEST_WEIGHT = -80.0  # ln of the Poisson weights left out: 1e-35, far below 1e-9 of any probability compared,
FEWEST_TERMS = 24  # but never fewer terms: over a short time a path of several rare moves weighs as little
SERIES = 26  # terms of the exponential of a matrix of norm 1/2: the next is 0.5^26/26! < 1e-34


@dataclass(frozen=True)
class Env:
    """What surrounds the ladders: the instant, the state of each driver, the ladders that were stopped."""

    time: float
    drivers: tuple[int, ...]
    stopped: frozenset[int] = frozenset()


class Frame:
    """The model's arrays at fixed parameters: joint rungs, moves, and the truth of conditions over the joint rungs."""

    def __init__(self, spec: dict, theta=None):
        self.spec, self.origin, self.values = spec, spec["origin"], values(spec, theta)
        self.drivers, self.ladders = spec.get("driver", []), spec.get("ladder", [])
        self.statuses, self.events = spec.get("status", []), spec.get("events", [])
        self.driver_index = {d["name"]: k for k, d in enumerate(self.drivers)}
        self.ladder_index = {ladder["name"]: k for k, ladder in enumerate(self.ladders)}
        sizes = [len(ladder["rungs"]) for ladder in self.ladders]
        joint = list(product(*map(range, sizes)))
        self.joint = np.array(joint, dtype=int).reshape(len(joint), len(sizes))
        self.n = len(self.joint)
        self.strides = np.array([int(np.prod(sizes[k + 1 :])) for k in range(len(sizes))], dtype=int)
        self.edges = []
        for k, ladder in enumerate(self.ladders):
            self.edges += [self._edges(k, move, rate) for move, rate in moves_of(ladder).items()]

    def _edges(self, k: int, move: tuple[int, int], rate: int) -> dict:
        """All joint moves that are this move of ladder k, and the effects that name it."""
        ladder, source = self.ladders[k], np.flatnonzero(self.joint[:, k] == move[0])
        effects = [
            (effect["when"], self.values["effect", k, e])
            for e, effect in enumerate(ladder.get("effect", []))
            if effect_names(effect["moves"], move, ladder["rungs"])
        ]
        target = source + (move[1] - move[0]) * self.strides[k]
        return {"ladder": k, "move": move, "from": source, "to": target, "rate": ("rate", k, rate), "effects": effects}

    def configurations(self):
        return product(*(range(len(d["states"])) for d in self.drivers))

    def prior(self, config: tuple[int, ...], forced: dict[int, int]):
        """The network's weight of a configuration; a forced driver's table is cut off."""
        weight = 1.0
        for k, driver in enumerate(self.drivers):
            if k in forced:
                weight = weight * (config[k] == forced[k])
                continue
            row = 0
            for name in driver.get("given", []):
                row = row * len(states_of(self.spec, name)) + config[self.driver_index[name]]
            weight = weight * self.values["driver", k, row][config[k]]
        return weight

    def start_law(self) -> np.ndarray:
        law = np.ones(self.n)
        for k, ladder in enumerate(self.ladders):
            stated = ladder["start"]
            stated = stated if isinstance(stated, dict) else {stated: 1.0}
            p = np.array([stated.get(rung, 0.0) for rung in ladder["rungs"]])
            law = law * (p / p.sum())[self.joint[:, k]]
        return law

    def holds(self, condition: dict, env: Env) -> np.ndarray:
        """Truth of the condition at every joint rung."""
        everywhere = np.ones(self.n, dtype=bool)
        if "all" in condition:
            return np.logical_and.reduce([everywhere] + [self.holds(c, env) for c in condition["all"]])
        if "any" in condition:
            return np.logical_or.reduce([~everywhere] + [self.holds(c, env) for c in condition["any"]])
        if "not" in condition:
            return ~self.holds(condition["not"], env)
        if "driver" in condition:
            k = self.driver_index[condition["driver"]]
            return everywhere & (self.drivers[k]["states"][env.drivers[k]] in as_list(condition["is"]))
        if "ladder" in condition:
            return self._at_rungs(condition)
        begins = instant(condition.get("since", -np.inf), self.origin, "begin")
        ends = instant(condition.get("until", np.inf), self.origin, "end")
        return everywhere & (begins <= env.time < ends)

    def _at_rungs(self, condition: dict) -> np.ndarray:
        k = self.ladder_index[condition["ladder"]]
        rungs, at = self.ladders[k]["rungs"], self.joint[:, k]
        if "is" in condition:
            return np.isin(at, [rungs.index(rung) for rung in as_list(condition["is"])])
        if "at_least" in condition:
            return at >= rungs.index(condition["at_least"])
        return at <= rungs.index(condition["at_most"])

    def _rows(self, parents: list[str], env: Env) -> np.ndarray:
        """The index of the parents' configuration at every joint rung, the last parent fastest."""
        row = np.zeros(self.n, dtype=int)
        for name in parents:
            if name in self.driver_index:
                state = env.drivers[self.driver_index[name]]
            else:
                state = self.joint[:, self.ladder_index[name]]
            row = row * len(states_of(self.spec, name)) + state
        return row

    def event_intensity(self, k: int, env: Env) -> np.ndarray:
        """Intensity of the events indicator at every joint rung."""
        entry = self.events[k]
        if not isinstance(entry.get("rate"), list):
            return self.values["events", k, 0] * np.ones(self.n)
        rates = np.array([self.values["events", k, j] for j in range(len(entry["rate"]))])
        return rates[self._rows(entry.get("given", []), env)]

    def status_likelihood(self, k: int, weights: np.ndarray, env: Env) -> np.ndarray:
        """Σ_v weight_v P(v | world) at every joint rung."""
        entry = self.statuses[k]
        rows = self._rows(entry.get("given", []), env)
        by_row = {r: self.values["status", k, r] @ weights for r in set(rows.tolist())}
        return np.array([by_row[r] for r in rows.tolist()])

    def number_likelihood(self, k: int, x: float, env: Env) -> np.ndarray:
        """Density of a status's number at every joint rung."""
        entry = self.statuses[k]
        rows = self._rows(entry.get("given", []), env)
        by_row = {r: self._density(k, entry["outcome"], r, x) for r in set(rows.tolist())}
        return np.array([by_row[r] for r in rows.tolist()])

    def _density(self, k: int, outcome: dict, config: int, x: float):
        if any(isinstance(each, list) and each[config] == "none" for each in outcome.values()):
            return 0.0
        family = outcome["family"]

        def number(key):
            return self.values[key, k, config if isinstance(outcome[key], list) else None]

        if family in ("normal", "log_normal"):
            at, scale = (x, 1.0) if family == "normal" else (np.log(x), x)
            z = (at - number("mean")) / number("sd")
            return np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * number("sd") * scale)
        if family == "student":
            z, nu = (x - number("mean")) / number("sd"), number("freedom")
            front = np.exp(loggamma((nu + 1) / 2) - loggamma(nu / 2)) / (np.sqrt(nu * np.pi) * number("sd"))
            return front * (1 + z**2 / nu) ** (-(nu + 1) / 2)
        mean = number("mean")
        if family == "poisson":
            p = mean**x * np.exp(-mean - gammaln(x + 1))
        else:
            size = number("size")
            choose = np.exp(loggamma(x + size) - loggamma(size) - gammaln(x + 1))
            p = choose * (size / (size + mean)) ** size * (mean / (size + mean)) ** x
        if "zero" not in outcome:
            return p
        zero, by_law = number("zero")
        return zero * (x == 0) + by_law * p

    def moving(self, env: Env):
        """Every move: (ladder, (i, j), sources, targets, intensities)."""
        for edge in self.edges:
            if edge["ladder"] in env.stopped:
                continue
            q = self.values[edge["rate"]] * np.ones(len(edge["from"]))
            for when, factor in edge["effects"]:
                q = q * np.where(self.holds(when, env)[edge["from"]], factor, 1.0)
            yield edge["ladder"], edge["move"], edge["from"], edge["to"], q


# ---- monitors --------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Monitor:
    """An automaton beside the ladders. Kinds: held, entered and moved (to top times), first (1: a first, 2: b), at
    (latched), count (to top)."""

    kind: str
    opens: float
    closes: float
    conditions: tuple[dict, ...] = ()
    weights: np.ndarray | None = None  # what evidence gives each level when it closes
    top: int = 1
    rate: object = None  # for a count: env -> intensity at every joint rung
    moves: tuple[tuple[int, int], ...] = ()  # of one moved: which, by the numbers of the conditions

    @property
    def levels(self) -> int:
        return 3 if self.kind == "first" else self.top + 1

    @property
    def success(self) -> int:
        """The level that means yes."""
        return 1 if self.kind == "first" else self.top

    def first_level(self, truth: list[np.ndarray], n: int) -> np.ndarray:
        """The level on opening, by the truth of the conditions at every joint rung."""
        if self.kind in ("held", "at"):
            return truth[0].astype(int)
        if self.kind == "first":
            return np.where(truth[1], 2, np.where(truth[0], 1, 0))
        return np.zeros(n, dtype=int)

    def next_level(self, before: list[np.ndarray], after: list[np.ndarray]) -> np.ndarray:
        """The level (rows: old level, columns: jumps) after jumps over which the conditions' truth changes so."""
        if self.kind == "held":
            return np.stack([after[0].astype(int), np.ones(len(after[0]), dtype=int)])
        if self.kind in ("entered", "moved"):
            if self.kind == "entered":
                counts = after[0] & ~before[0]
            else:
                counts = np.logical_or.reduce([before[i] & after[j] for i, j in self.moves])
            return np.stack([np.minimum(level + counts, self.top) for level in range(self.top + 1)])
        new = np.where(after[1], 2, np.where(after[0], 1, 0))
        return np.stack([new, np.full(len(new), 1), np.full(len(new), 2)])

    def watches(self, time: float) -> bool:
        """Whether jumps up to and at this instant may move it."""
        return self.kind not in ("at", "count") and time <= self.closes


class Space:
    """The extended states with these monitors open: joint rung * flags + flag, the last monitor fastest."""

    def __init__(self, frame: Frame, monitors: tuple[Monitor, ...] = ()):
        self.frame, self.monitors = frame, monitors
        levels = list(product(*(range(m.levels) for m in monitors)))
        self.levels = np.array(levels, dtype=int).reshape(len(levels), len(monitors))
        self.flags, self.size = len(levels), len(levels) * frame.n
        self.strides = [int(np.prod([m.levels for m in monitors[k + 1 :]], dtype=int)) for k in range(len(monitors))]

    def spread(self, weights: np.ndarray) -> np.ndarray:
        """A weight of joint rungs as a weight of extended states."""
        return np.repeat(weights, self.flags)

    def jump(self, source, target, weights, before: Env, after: Env, time: float) -> np.ndarray:
        """The matrix of jumps between joint rungs with these weights, monitors moving along."""
        flag = np.zeros((self.flags, len(source)), dtype=int)
        for k, monitor in enumerate(self.monitors):
            old = self.levels[:, k]
            if monitor.watches(time):
                truth = [self.frame.holds(c, before)[source] for c in monitor.conditions]
                then = [self.frame.holds(c, after)[target] for c in monitor.conditions]
                flag += self.strides[k] * monitor.next_level(truth, then)[old]
            else:
                flag += self.strides[k] * old[:, None]
        matrix = np.zeros((self.size, self.size), dtype=np.asarray(weights).dtype)
        rows = source[None, :] * self.flags + np.arange(self.flags)[:, None]
        matrix[rows, target[None, :] * self.flags + flag] = weights
        return matrix

    def generator(self, env: Env, until: float, killing: list[np.ndarray]) -> np.ndarray:
        """Moves, counters and killing (silence) as they are from env.time to `until`."""
        frame = self.frame
        moves = list(frame.moving(env))
        source, target, q = (np.concatenate([m[k] for m in moves] or [np.zeros(0, dtype=int)]) for k in (2, 3, 4))
        matrix = self.jump(source, target, q, env, env, until)
        exits = np.zeros(frame.n, dtype=matrix.dtype)
        np.add.at(exits, source, q)
        exits = self.spread(exits + sum(killing, np.zeros(frame.n)))
        for k, monitor in enumerate(self.monitors):
            if monitor.kind == "count":
                rate = self.spread(monitor.rate(env))
                exits = exits + rate
                below = np.flatnonzero(np.tile(self.levels[:, k], frame.n) < monitor.top)
                matrix = matrix.astype(np.result_type(matrix, rate))
                matrix[below, below + self.strides[k]] = rate[below]
        return matrix - np.diag(exits)

    def open(self, monitor: Monitor, env: Env) -> tuple[Space, np.ndarray]:
        """The space with one more monitor, and the map into it."""
        truth = [self.frame.holds(c, env) for c in monitor.conditions]
        level = self.spread(monitor.first_level(truth, self.frame.n))
        wider = Space(self.frame, (*self.monitors, monitor))
        matrix = np.zeros((self.size, wider.size))
        matrix[np.arange(self.size), np.arange(self.size) * monitor.levels + level] = 1.0
        return wider, matrix

    def close(self, monitor: Monitor) -> tuple[Space, np.ndarray]:
        """The space without this monitor, and the map that weighs its levels."""
        k = self.monitors.index(monitor)
        narrower = Space(self.frame, self.monitors[:k] + self.monitors[k + 1 :])
        here = np.arange(self.size)
        rest, below = np.divmod(here, self.strides[k])
        above, level = np.divmod(rest, monitor.levels)
        matrix = np.zeros((self.size, narrower.size))
        matrix[here, above * self.strides[k] + below] = monitor.weights[level]
        return narrower, matrix


# ---- the exponential -------------------------------------------------------------------------------------------------


def poisson_weights(mean: float) -> np.ndarray:
    """All Poisson weights from 0 until they fall below the smallest kept."""
    k = np.arange(int(mean + 14 * np.sqrt(mean) + 120))
    log_weights = k * np.log(mean) - mean - gammaln(k + 1)
    last = np.flatnonzero((log_weights > SMALLEST_WEIGHT) | (k < mean))[-1]
    return np.exp(log_weights[: max(last + 1, FEWEST_TERMS)])


def carry(v: np.ndarray, q: np.ndarray, days: float) -> np.ndarray:
    """The row vector v·exp(q·days) by uniformisation: sums of nonnegative terms, so small entries keep their digits."""
    fastest = float(np.max(-np.diag(q).real, initial=0.0))
    if fastest * days == 0.0 and not np.any(q):
        return v
    if np.abs(np.diag(q).imag).max() > 1e-6:
        return v @ expm(q * days)  # a transform at a complex point, no probabilities
    p = np.eye(len(q)) + q / fastest
    halvings = max(0, int(np.ceil(np.log2(2 * fastest * days))))
    if len(q) * (SERIES + halvings) < 4 * fastest * days:
        return v @ by_squaring(p, fastest * days, halvings)
    weights = poisson_weights(fastest * days)
    total = weights[0] * v
    for weight in weights[1:]:
        v = v @ p
        total = total + weight * v
    return total


def by_squaring(p: np.ndarray, mean: float, halvings: int) -> np.ndarray:
    """exp(mean·(p − I)): uniformised series of a small mean, squared; nothing is subtracted."""
    small = mean / 2.0**halvings
    term = np.eye(len(p), dtype=p.dtype) * np.exp(-small)
    total = term
    for k in range(1, SERIES):
        term = term @ p * (small / k)
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total
