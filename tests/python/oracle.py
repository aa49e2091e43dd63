"""The test oracle: evidence, posteriors and questions of a model by brute force over drivers and joint rungs.

Nothing is clever here: no components, no pruning of drivers, one dense extended chain (`oracle_chain`) per driver
configuration, carried from instant to instant. Trees are those of docs/format.md; dates may also be days since origin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import comb

import numpy as np

from oracle_chain import Env, Frame, Monitor, Space, carry
from oracle_model import UNIT_DAYS, as_list, boundaries, instant, looks_at_ladders, states_of


@dataclass
class Scenario:
    """What is changed: facts given as of now, developments added or dropped, interventions (condition, since)."""

    given: list[dict] = field(default_factory=list)
    developments: list[dict] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    do: list[tuple[dict, str]] = field(default_factory=list)


@dataclass
class DriverFact:
    """A weight of driver configurations; `time` None is undated."""

    time: float | None
    weight: Callable[[tuple[int, ...]], float]


@dataclass
class Point:
    """A weight of the joint rungs at an instant."""

    time: float
    weight: Callable[[Env], np.ndarray]


@dataclass
class Move:
    """A ladder's move at an instant: hit · intensity on the move plus false_rate times the identity."""

    time: float
    ladder: int
    move: tuple[int, int]
    hit: float
    false_rate: float


@dataclass
class Silence:
    """No event of this intensity in [begins, ends]."""

    begins: float
    ends: float
    rate: Callable[[Env], np.ndarray]
    turns: tuple[float, ...] = ()


class Oracle:
    """One model, one dossier, one vector of parameters, one scenario."""

    def __init__(self, spec: dict, dossier: dict, theta=None, scenario: Scenario | None = None):
        self.scenario = scenario or Scenario()
        self.frame, self.origin = Frame(spec, theta), spec["origin"]
        self.now = instant(dossier["as_of"], self.origin, "end")
        self.calendar = set()
        for ladder in spec.get("ladder", []):
            for effect in ladder.get("effect", []):
                self.calendar |= boundaries(effect["when"], self.origin)
        self.forced, self.later = self._interventions()
        self.items = self._items(dossier)
        self.configs = list(self.frame.configurations())
        self._ends = None

    # ---- what the dossier says ---------------------------------------------------------------------------------------

    def _interventions(self) -> tuple[dict[int, int], list[tuple[float, str, int, int]]]:
        """Drivers cut from the network (since the origin), and what is set from now or later on."""
        forced, later = {}, []
        for condition, since in self.scenario.do:
            time = instant(since, self.origin, "begin")
            kind = "driver" if "driver" in condition else "ladder"
            index = getattr(self.frame, f"{kind}_index")[condition[kind]]
            (state,) = as_list(condition["is"])
            value = states_of(self.frame.spec, condition[kind]).index(state)
            if time >= self.now:
                later.append((time, kind, index, value))
            elif kind == "driver" and time <= 0.0:
                forced[index] = value
            else:
                raise ValueError("an intervention begins at the origin (drivers) or from now on")
        return forced, later

    def _items(self, dossier: dict) -> list:
        items = []
        for development in dossier.get("development", []) + self.scenario.developments:
            if development.get("id") not in self.scenario.without and self._reported(development) <= self.now:
                items += self._read(development)
        for condition in self.scenario.given:
            items += self._read({"saw": condition, "on": self.now})
        return items

    def _reported(self, development: dict) -> float:
        if "reported" in development:
            return instant(development["reported"], self.origin, "end")
        if "on" in development:
            return instant(development["on"], self.origin)
        span = development.get("between", development.get("over"))
        return instant(span[1], self.origin, "end") if span else -np.inf

    def _read(self, development: dict) -> list:
        if "grade" in development:
            raise ValueError("the oracle reads hit and false_alarm, no grades")
        hit, false_alarm = development.get("hit", 1.0), development.get("false_alarm", 0.0)
        if "likelihood" in development:
            return self._soft(development)
        if "moved" in development:
            return self._moved(development, hit)
        if "counted" in development:
            return self._counted(development, hit)
        if "measured" in development:
            return self._measured(development)
        happened = "saw" in development
        condition = development["saw" if happened else "never"]
        if "indicator" in condition:
            return self._status(development, condition, hit, false_alarm)
        weights = np.array([false_alarm, hit] if happened else [hit, false_alarm])
        self.calendar |= boundaries(condition, self.origin)
        if not looks_at_ladders(condition):
            return [self._driver_fact(development, condition, weights)]
        if "on" in development:
            time = instant(development["on"], self.origin)
            return [Point(time, lambda env: weights[self.frame.holds(condition, env).astype(int)])]
        begins, ends = self._span(development["between"])
        kind = "entered" if development.get("entered") else "held"
        return [Monitor(kind, begins, ends, (condition,), weights)]

    def _span(self, span: list) -> tuple[float, float]:
        return instant(span[0], self.origin, "begin"), instant(span[1], self.origin, "end")

    def _driver_fact(self, development: dict, condition: dict, weights: np.ndarray) -> DriverFact:
        """A condition of drivers only; a period in it is taken at `on`, or at some time in the span."""
        times = [0.0]
        if "on" in development:
            times = [instant(development["on"], self.origin)]
        elif "between" in development:
            begins, ends = self._span(development["between"])
            times = [begins, *(t for t in sorted(boundaries(condition, self.origin)) if begins < t <= ends)]

        def weight(config):
            return weights[int(any(self.frame.holds(condition, Env(t, config))[0] for t in times))]

        if "between" in development:
            return DriverFact(ends, weight)
        return DriverFact(times[0] if "on" in development else None, weight)

    def _soft(self, development: dict) -> list:
        frame, name = self.frame, development["likelihood"]["of"]
        stated = development["likelihood"]["values"]
        weights = np.array([float(stated.get(state, 0.0)) for state in states_of(frame.spec, name)])
        time = instant(development["on"], self.origin) if "on" in development else None
        if name in frame.driver_index:
            k = frame.driver_index[name]
            return [DriverFact(time, lambda config: weights[config[k]])]
        if name in frame.ladder_index:
            k = frame.ladder_index[name]
            return [Point(time, lambda env: weights[frame.joint[:, k]])]
        k = [s["name"] for s in frame.statuses].index(name)
        return [Point(time, lambda env: frame.status_likelihood(k, weights, env))]

    def _status(self, development: dict, condition: dict, hit: float, false_alarm: float) -> list:
        k = [s["name"] for s in self.frame.statuses].index(condition["indicator"])
        named = as_list(condition["is"])
        weights = np.array([hit if state in named else false_alarm for state in self.frame.statuses[k]["states"]])
        time = instant(development["on"], self.origin)
        return [Point(time, lambda env: self.frame.status_likelihood(k, weights, env))]

    def _measured(self, development: dict) -> list:
        said, time = development["measured"], instant(development["on"], self.origin)
        k = [s["name"] for s in self.frame.statuses].index(said["indicator"])
        return [Point(time, lambda env: self.frame.number_likelihood(k, said["value"], env))]

    def _false_rate(self, development: dict) -> float:
        rate = development.get("false_rate", 0.0)
        return rate / UNIT_DAYS[development["false_per"]] if rate else 0.0

    def _moved(self, development: dict, hit: float) -> list:
        moved = development["moved"]
        k = self.frame.ladder_index[moved["ladder"]]
        rungs = self.frame.ladders[k]["rungs"]
        move = (rungs.index(moved["from"]), rungs.index(moved["to"]))
        return [Move(instant(development["on"], self.origin), k, move, hit, self._false_rate(development))]

    def _counted(self, development: dict, hit: float) -> list:
        counted, false_rate = development["counted"], self._false_rate(development)
        k = [e["name"] for e in self.frame.events].index(counted["indicator"])
        begins, ends = self._span(development["over"])

        def rate(env):
            return hit * self.frame.event_intensity(k, env) + false_rate

        if "count" in counted:
            exactly = np.append(np.zeros(counted["count"]), 1.0)
            return [Monitor("count", begins, ends, (), exactly, counted["count"], rate)]
        return [Silence(begins, ends, rate), *(Point(instant(at, self.origin), rate) for at in counted["at"])]

    def _completed_by(self, time: float) -> list:
        """The evidence completed by this instant, spans of event times cut there."""
        if time >= self.now:
            return self.items
        kept = []
        for item in self.items:
            if isinstance(item, Silence):
                if item.begins < time:
                    kept.append(replace(item, ends=min(item.ends, time)))
            elif isinstance(item, Monitor):
                kept += [item] if item.closes <= time else []
            elif item.time is not None and item.time <= time:
                kept.append(item)
        return kept

    # ---- the past ----------------------------------------------------------------------------------------------------

    def _weight(self, config, items):
        """The network's weight of a configuration times the evidence about drivers."""
        weight = self.frame.prior(config, self.forced)
        for item in items:
            if isinstance(item, DriverFact):
                weight = weight * item.weight(config)
        return weight

    def _program(self, config, items: list, until: float, marks=(), asked=()):
        """The steps from the origin on, as ("flow", generator, days), ("map", matrix) or ("mark", time, flags); what is
        asked stays open to the end, and its space is the last step, ("space", space)."""
        space, previous, env = Space(self.frame), 0.0, Env(0.0, config)
        monitors = [item for item in items if isinstance(item, Monitor)]
        silences = [item for item in items if isinstance(item, Silence)]
        times = {0.0, until, *marks, *self.calendar}
        times |= {t for item in monitors for t in (item.opens, item.closes)}
        times |= {t for item in silences for t in (item.begins, item.ends, *item.turns)}
        times |= {item.time for item in items if isinstance(item, (Point, Move))}
        times |= {t for m in asked for t in (m.opens, m.closes)}
        turns = self.calendar.union(*(boundaries(c, self.origin) for m in asked for c in m.conditions))
        times |= turns
        for time in sorted(t for t in times if 0.0 <= t <= until):
            if time > previous:
                killing = [s.rate(env) for s in silences if s.begins <= previous and time <= s.ends]
                yield "flow", space.generator(env, time, killing), time - previous
            before, env, previous = env, Env(time, config), time
            if time in turns and space.monitors:
                everywhere = np.arange(self.frame.n)
                yield "map", space.jump(everywhere, everywhere, np.ones(self.frame.n), before, env, time)
            for item in items:
                if isinstance(item, Move) and item.time == time:
                    yield "map", self._move_matrix(space, item, env)
            for monitor in [m for m in monitors if m.closes == time]:
                space, matrix = space.close(monitor)
                yield "map", matrix
            for item in items:
                if isinstance(item, Point) and item.time == time:
                    yield "map", np.diag(space.spread(item.weight(env)))
            for monitor in [m for m in monitors if m.opens == time and time < until]:
                space, matrix = space.open(monitor, env)
                yield "map", matrix
            for monitor in [m for m in asked if m.opens == time]:
                space, matrix = space.open(monitor, env)
                yield "map", matrix
            if time in marks:
                yield "mark", time, space.flags
        if asked:
            yield "space", space

    def _move_matrix(self, space: Space, item: Move, env: Env) -> np.ndarray:
        matrix = np.eye(space.size) * item.false_rate
        for ladder, move, source, target, q in self.frame.moving(env):
            if ladder == item.ladder and move == item.move:
                matrix = matrix + space.jump(source, target, item.hit * q, env, env, item.time)
        return matrix

    def _forward(self, program, v: np.ndarray):
        """The weights at the start and after every step."""
        after = [v]
        for step in program:
            if step[0] == "flow":
                v = carry(v, step[1], step[2])
            elif step[0] == "map":
                v = v @ step[1]
            after.append(v)
        return after

    def ends(self) -> list[tuple]:
        """Each configuration with its weights of the joint rungs at now, all evidence in them."""
        if self._ends is None:
            self._ends = []
            for config in self.configs:
                weight = self._weight(config, self.items)
                if weight != 0.0:
                    program = self._program(config, self.items, self.now)
                    self._ends.append((config, weight * self._forward(program, self.frame.start_law(config))[-1]))
        return self._ends

    def evidence(self):
        return sum(v.sum() for _, v in self.ends())

    def log_evidence(self):
        total = self.evidence()
        return np.log(total) if total != 0.0 else -np.inf

    def driver_posteriors(self) -> dict[str, np.ndarray]:
        found = {}
        for k, driver in enumerate(self.frame.drivers):
            weights = np.zeros(len(driver["states"]))
            for config, v in self.ends():
                weights[config[k]] += v.sum()
            found[driver["name"]] = weights / weights.sum()
        return found

    def _by_ladder(self, joint: np.ndarray) -> dict[str, np.ndarray]:
        """Laws (rows) over joint rungs as laws over each ladder's rungs."""
        joint = np.atleast_2d(joint)
        joint = joint / joint.sum(axis=1, keepdims=True)
        found = {}
        for k, ladder in enumerate(self.frame.ladders):
            at = self.frame.joint[:, k]
            laws = [joint[:, at == r].sum(axis=1) for r in range(len(ladder["rungs"]))]
            found[ladder["name"]] = np.stack(laws, axis=1)
        return found

    def rungs(self, times) -> dict[str, np.ndarray]:
        """Law of every ladder's rung at each time, given all evidence (smoothed before now, a forecast after)."""
        times = [instant(t, self.origin) for t in times]
        past = {t: np.zeros(self.frame.n) for t in times if t <= self.now}
        future = {t: np.zeros(self.frame.n) for t in times if t > self.now}
        for config in self.configs:
            weight = self._weight(config, self.items)
            if past and weight != 0.0:
                for t, v in self._smooth(config, list(past)):
                    past[t] += weight * v
        for config, v in self.ends():
            for t, after in self._future(config, v, [], list(future))[2]:
                future[t] += after
        return self._by_ladder(np.array([{**past, **future}[t] for t in times]))

    def _smooth(self, config, times: list[float]):
        """At each time, the forward times the backward weights of the joint rungs."""
        program = list(self._program(config, self.items, self.now, times))
        after = self._forward(program, self.frame.start_law(config))
        backward = np.ones(len(after[-1]))
        for step, v in zip(reversed(program), reversed(after[1:]), strict=True):
            if step[0] == "mark":
                yield step[1], (v * backward).reshape(-1, step[2]).sum(axis=1)
            elif step[0] == "flow":
                backward = carry(backward, step[1].T, step[2])
            else:
                backward = step[1] @ backward

    def filtered(self, times) -> dict[str, np.ndarray]:
        """Law of every ladder's rung at each time, given the evidence completed by then."""
        laws = []
        for time in (instant(t, self.origin) for t in times):
            if time > self.now:
                laws.append({name: law[0] for name, law in self.rungs([time]).items()})
                continue
            items, joint = self._completed_by(time), 0.0
            for config in self.configs:
                weight = self._weight(config, items)
                if weight != 0.0:
                    program = self._program(config, items, time)
                    joint = joint + weight * self._forward(program, self.frame.start_law(config))[-1]
            laws.append({name: law[0] for name, law in self._by_ladder(joint).items()})
        return {x["name"]: np.array([law[x["name"]] for law in laws]) for x in self.frame.ladders}

    # ---- the future --------------------------------------------------------------------------------------------------

    def _env(self, config, time: float) -> Env:
        """The surroundings from now on, interventions in force."""
        drivers, stopped = list(config), set()
        for since, kind, index, value in self.later:
            if since <= time and kind == "driver":
                drivers[index] = value
            elif since <= time:
                stopped.add(index)
        return Env(time, tuple(drivers), frozenset(stopped))

    def _set_at(self, time: float) -> np.ndarray:
        """Where each joint rung goes by the interventions of this instant."""
        target = np.arange(self.frame.n)
        for since, kind, index, value in self.later:
            if since == time and kind == "ladder":
                stride, phases = self.frame.strides[index], self.frame.phases[index]
                target += (phases.index((value, 0)) - target // stride % len(phases)) * stride
        return target

    def _asked_ends(self, monitors: list[Monitor]):
        """Each configuration with its weights and their space at now, what is asked of the past remembered."""
        asked = [m for m in monitors if m.opens < self.now or m.closes <= self.now]
        if not asked:
            yield from ((config, v, Space(self.frame)) for config, v in self.ends())
            return
        for config in self.configs:
            weight = self._weight(config, self.items)
            if weight != 0.0:
                *program, (_, space) = self._program(config, self.items, self.now, asked=asked)
                yield config, weight * self._forward(program, self.frame.start_law(config))[-1], space

    def _future(self, config, v: np.ndarray, monitors: list[Monitor], marks=(), space=None, silence=None):
        """Carry the weights of now on: the weights, their space, and the weights of the joint rungs at the marks."""
        frame, everywhere = self.frame, np.arange(self.frame.n)
        space = space or Space(frame)
        env, previous, just_after = self._env(config, self.now), self.now, np.nextafter(self.now, np.inf)
        v = v @ space.jump(everywhere, self._set_at(self.now), np.ones(frame.n), Env(self.now, config), env, just_after)
        calendar = self.calendar.union(*(boundaries(c, self.origin) for m in monitors for c in m.conditions))
        calendar |= {since for since, *_ in self.later}
        if silence:
            calendar |= {silence.begins, silence.ends, *silence.turns}
        until = max([self.now, *marks, *(m.closes for m in monitors), *([silence.ends] if silence else [])])
        times, found = {self.now, *marks, *calendar, *(t for m in monitors for t in (m.opens, m.closes))}, []
        for time in sorted(t for t in times if self.now <= t <= until):
            if time > previous:
                counts = silence and silence.begins <= previous and time <= silence.ends
                v = carry(v, space.generator(env, time, [silence.rate(env)] if counts else []), time - previous)
                before, env, previous = env, self._env(config, time), time
                if time in calendar:
                    v = v @ space.jump(everywhere, self._set_at(time), np.ones(frame.n), before, env, time)
            for monitor in [m for m in monitors if m.opens == time and m not in space.monitors]:
                space, matrix = space.open(monitor, env)
                v = v @ matrix
            if time in marks:
                found.append((time, v.reshape(-1, space.flags).sum(axis=1)))
        return v, space, found

    def _atoms(self, question: dict) -> list[Monitor]:
        """A monitor for every atom, in the order met."""
        for key in ("all", "any"):
            if key in question:
                return [m for inner in question[key] for m in self._atoms(inner)]
        if "not" in question:
            return self._atoms(question["not"])
        if "at" in question:
            on = instant(question["on"], self.origin)
            atom = Monitor("at", on, on, (question["at"],))
        else:
            by = instant(question["by"], self.origin, "end")
            since = instant(question.get("since", self.now), self.origin, "begin")
            if "moves" in question:
                atom = self._moves_asked(question, since, by)
            else:
                kind, conditions = next(
                    (kind, tuple(question[k] for k in keys))
                    for kind, keys in {"held": ["reach"], "entered": ["enters"], "first": ["first", "before"]}.items()
                    if keys[0] in question
                )
                atom = Monitor(kind, since, by, conditions, top=question.get("times", 1))
        return [atom]

    def _moves_asked(self, question: dict, since: float, by: float) -> Monitor:
        """The monitor of a ladder's moves: whether there are rates for them does not matter."""
        name, kind = question["moves"]["ladder"], question["moves"].get("moves", "all")
        rungs = states_of(self.frame.spec, name)
        at = [{"ladder": name, "is": rung} for rung in rungs]
        if isinstance(kind, str):
            every = [(i, j) for i in range(len(rungs)) for j in range(len(rungs)) if i != j]
            pairs = [(i, j) for i, j in every if kind == "all" or (j > i) == (kind == "up")]
        else:
            pairs = [(rungs.index(a), rungs.index(b)) for a, b in kind]
        return Monitor("moved", since, by, tuple(at), top=question.get("times", 1), moves=tuple(pairs))

    def _answer(self, question: dict, levels) -> np.ndarray:
        """Truth at the end, `levels` an iterator over the truth of the atoms in the order met."""
        for key, join in (("all", np.logical_and), ("any", np.logical_or)):
            if key in question:
                return join.reduce([self._answer(inner, levels) for inner in question[key]])
        if "not" in question:
            return ~self._answer(question["not"], levels)
        return next(levels)

    def probability(self, questions: list[dict]):
        """The probability that all these questions come true."""
        question = {"all": questions}
        monitors, total = self._atoms(question), 0.0
        for config, v, space in self._asked_ends(monitors):
            v, space, _ = self._future(config, v, monitors, space=space)
            levels = [space.levels[:, space.monitors.index(m)] == m.success for m in monitors]
            accepted = self._answer(question, iter(levels))
            total = total + v.reshape(-1, space.flags)[:, accepted].sum()
        return total / self.evidence()

    def counts(self, question: dict, most: int) -> tuple[float, float, np.ndarray]:
        """Mean, variance and law of how often what `enters` or `moves` asks for happens, told apart up to `most`."""
        (monitor,), law = self._atoms(question | {"times": most}), 0.0
        for config, v, space in self._asked_ends([monitor]):
            v, space, _ = self._future(config, v, [monitor], space=space)
            law = law + v.reshape(-1, space.flags).sum(axis=0)
        law = law / law.sum()
        times = np.arange(most + 1)
        mean = times @ law
        return mean, (times - mean) ** 2 @ law, law

    def time_transform(self, condition: dict, since: float, by: float, s: complex) -> complex:
        """E[exp(-s · time in the condition over the span)], all evidence weighed."""

        def rate(env):
            return s * self.frame.holds(condition, env)

        turns, total = tuple(boundaries(condition, self.origin)), 0.0
        past = [Silence(since, min(by, self.now), rate, turns)] if since < self.now else []
        ahead = Silence(max(since, self.now), by, rate, turns) if by > self.now else None
        for config in self.configs:
            weight = self._weight(config, self.items)
            if weight != 0.0:
                program = self._program(config, self.items + past, self.now)
                v = weight * self._forward(program, self.frame.start_law(config))[-1]
                total = total + self._future(config, v, [], silence=ahead)[0].sum()
        return total / self.evidence()

    def time_beyond(self, condition: dict, since: float, by: float, days: list[float]) -> list[float]:
        """P(more than so many days in the condition): the weights at 0 and at the whole span taken out, the transform
        inverted by the Euler method (Abate and Whitt 1995)."""
        span = by - since
        some = self.probability([{"reach": condition, "since": since, "by": by}])
        whole = 1 - self.probability([{"reach": {"not": condition}, "since": since, "by": by}])
        a, terms, mean = 20.0, 40, 12
        binomial = np.array([float(comb(mean, k)) for k in range(mean + 1)]) / 2.0**mean

        def beyond(x):
            def transform(k):
                s = (a + 2j * np.pi * k) / (2 * x)
                smooth = self.time_transform(condition, since, by, s) - (1 - some) - whole * np.exp(-s * span)
                return ((some - whole - smooth) / s).real

            values = np.array([transform(k) * (-1) ** k for k in range(terms + mean + 1)])
            values[0] /= 2
            return whole + np.exp(a / 2) / x * (binomial @ np.cumsum(values)[terms:])

        return [beyond(x) for x in days]

    def ask(self, named: dict):
        """The answer to `{ask, given}` (or to a bare question): P(ask and given) / P(given)."""
        if "ask" not in named:
            return self.probability([named])
        if named.get("given") is None:
            return self.probability([named["ask"]])
        return self.probability([named["ask"], named["given"]]) / self.probability([named["given"]])


# ---- the oracle as functions -----------------------------------------------------------------------------------------


def log_evidence(spec, dossier, theta=None, scenario=None):
    return Oracle(spec, dossier, theta, scenario).log_evidence()


def driver_posteriors(spec, dossier, theta=None, scenario=None):
    return Oracle(spec, dossier, theta, scenario).driver_posteriors()


def smoothed(spec, dossier, times, theta=None, scenario=None):
    return Oracle(spec, dossier, theta, scenario).rungs(times)


def forecast(spec, dossier, times, theta=None, scenario=None):
    return Oracle(spec, dossier, theta, scenario).rungs(times)


def filtered(spec, dossier, times, theta=None, scenario=None):
    return Oracle(spec, dossier, theta, scenario).filtered(times)


def ask(spec, dossier, question, theta=None, scenario=None):
    return Oracle(spec, dossier, theta, scenario).ask(question)
