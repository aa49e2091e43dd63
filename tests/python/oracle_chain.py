"""The oracle's extended chain: every joint phase of all ladders beside every monitor's level, in dense matrices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import expm
from scipy.special import gammaln, loggamma

from oracle_model import as_list, effect_names, instant, moves_of, phases_of, states_of, values

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
        # A rung with stages stands several times, once for each; `joint` holds rungs, `stage` what stage of them.
        self.phases = [phases_of(ladder) for ladder in self.ladders]
        sizes = [len(phases) for phases in self.phases]
        joint = list(product(*self.phases))
        pairs = np.array(joint, dtype=int).reshape(len(joint), len(sizes), 2)
        self.joint, self.stage = pairs[:, :, 0], pairs[:, :, 1]
        self.n = len(self.joint)
        self.strides = np.array([int(np.prod(sizes[k + 1 :])) for k in range(len(sizes))], dtype=int)
        self.edges = []
        for k, ladder in enumerate(self.ladders):
            for move, rate in moves_of(ladder).items():
                self.edges.append(self._edges(k, move, rate, leaves=True))
                if ladder.get("stages", {}).get(ladder["rungs"][move[0]], 1) > 1:
                    self.edges.append(self._edges(k, move, rate, leaves=False))

    def _edges(self, k: int, move: tuple[int, int], rate: int, leaves: bool) -> dict:
        """All joint moves that are this move of ladder k, or its part in what leads to the next stage of its rung."""
        ladder, phases = self.ladders[k], self.phases[k]
        stages = sum(rung == move[0] for rung, _ in phases)
        last = self.stage[:, k] == stages - 1
        source = np.flatnonzero((self.joint[:, k] == move[0]) & (last if leaves else ~last))
        by = phases.index((move[1], 0)) - phases.index((move[0], stages - 1)) if leaves else 1
        effects = [
            (effect["when"], self.values["effect", k, e])
            for e, effect in enumerate(ladder.get("effect", []))
            if effect_names(effect["moves"], move, ladder["rungs"])
        ]
        target = source + by * self.strides[k]
        named = {"ladder": k, "move": move if leaves else None, "from": source, "to": target, "stages": stages}
        return named | {"rate": ("rate", k, rate), "effects": effects}

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

    def start_law(self, config: tuple[int, ...]) -> np.ndarray:
        """The law of the joint rungs at the origin, given the drivers."""
        law = np.ones(self.n)
        settled = [k for k, ladder in enumerate(self.ladders) if ladder.get("first") == "equilibrium"]
        for k, ladder in enumerate(self.ladders):
            if k not in settled:
                row = 0
                for name in ladder.get("start_given", []):
                    row = row * len(states_of(self.spec, name)) + config[self.driver_index[name]]
                law = law * self.values["first", k, row][self.joint[:, k]]
                stages = np.array([ladder.get("stages", {}).get(rung, 1) for rung in ladder["rungs"]])[self.joint[:, k]]
                law = law * (1 / stages if ladder.get("first_stage") == "uniform" else self.stage[:, k] == 0)
        return law * self._equilibrium(settled, config) if settled else law

    def _equilibrium(self, settled: list[int], config: tuple[int, ...]) -> np.ndarray:
        """At every joint phase the stationary probability of the phases of these ladders, the drivers as they are."""
        elsewhere = [k for k in range(len(self.ladders)) if k not in settled]
        at_first = (self.joint[:, elsewhere] == 0) & (self.stage[:, elsewhere] == 0)
        alone = np.flatnonzero(np.all(at_first, axis=1))
        place = {x: k for k, x in enumerate(alone.tolist())}
        flows = np.zeros((len(alone), len(alone)), dtype=np.result_type(*self.values.values(), float))
        for ladder, _, source, target, q in self.moving(Env(0.0, config)):
            for a, b, rate in zip(source.tolist(), target.tolist(), q, strict=True):
                if ladder in settled and a in place:
                    flows[place[a], place[b]] += rate
        law = stationary(flows)
        phases = np.stack([self.joint, self.stage], axis=2)
        key = {tuple(phases[x, settled].ravel().tolist()): k for x, k in place.items()}
        return np.array([law[key[tuple(phases[x, settled].ravel().tolist())]] for x in range(self.n)])

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
        """Every move: (ladder, (i, j), sources, targets, intensities); from stage to stage: None for (i, j)."""
        for edge in self.edges:
            if edge["ladder"] in env.stopped:
                continue
            q = edge["stages"] * self.values[edge["rate"]] * np.ones(len(edge["from"]))
            for when, factor in edge["effects"]:
                q = q * np.where(self.holds(when, env)[edge["from"]], factor, 1.0)
            yield edge["ladder"], edge["move"], edge["from"], edge["to"], q


def stationary(flows: np.ndarray) -> np.ndarray:
    """The stationary law of rates, states taken out one by one (nothing subtracted); 0 at states left for good."""
    n = len(flows)
    leads = np.linalg.matrix_power((flows != 0).astype(float) + np.eye(n), n) > 0
    kept = np.flatnonzero(leads.all(axis=0))  # those that all states lead to
    q = flows[np.ix_(kept, kept)].copy()
    for k in range(len(kept) - 1, 0, -1):
        q[:k, k] = q[:k, k] / q[k, :k].sum()
        q[:k, :k] = q[:k, :k] + np.outer(q[:k, k], q[k, :k])
    law = np.zeros(n, dtype=flows.dtype)
    law[kept[0]] = 1.0
    for k in range(1, len(kept)):
        law[kept[k]] = law[kept[:k]] @ q[:k, k]
    return law / law.sum()


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
        # Added: several moves lead from one stage to the next.
        np.add.at(matrix, (rows, target[None, :] * self.flags + flag), np.broadcast_to(weights, rows.shape))
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
