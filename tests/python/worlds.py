"""Seeded random worlds (model, dossier, questions as trees) for the comparison of the kernel with the oracle."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

import oracle
from oracle_chain import Monitor
from oracle_model import UNIT_DAYS, boundaries, instant, intensity, named_moves, parts, phases_of, start

SEEDS = range(int(os.environ.get("ESCALADE_WORLDS", "220")))  # of the worlds compared
JOINT_LIMIT = 36  # joint rungs
STAGED_LIMIT = {False: 30, True: 18}  # of a world with stages (a small one), stages counted
EVIDENCE_LIMIT = {"rich": 400, "plain": 300, "wide": 520}  # extended states while windows and counts are open
QUESTION_LIMIT = {"rich": 160, "plain": 160, "wide": 520}  # extended states with a question's monitors
# Sizes of ladders whose joint rungs make several blocks of a stencil: the fastest axes alone have 64 points.
WIDE = [[2, 4, 4, 4], [2, 2, 2, 4, 4], [2, 4, 2, 4, 2], [2, 2, 4, 2, 4]]
KINDS = {"window", "state", "status", "driver", "likelihood", "moved", "counted"}
ORIGIN = "2025-01-01"
WORDS = ["remote chance", "highly unlikely", "unlikely", "realistic possibility", "likely or probable", "highly likely"]


@dataclass
class World:
    """One random world; `theta` is a vector of parameters near the prior modes, `horizon` the day of now.

    Of three shapes: seven in ten are "rich" (see `is_rich`), a few "wide" (128 joint rungs of one component, in two
    blocks of a stencil), the others "plain" (anything, from one ladder and no development on).
    """

    seed: int
    horizon: int
    spec: dict
    dossier: dict
    questions: list[dict]
    times: list[str]
    theta: np.ndarray = field(repr=False)


class Dice:
    """Random draws with the small vocabulary that the builders below need."""

    def __init__(self, seed: int):
        self.seed, self.rng = seed, np.random.default_rng([20250101, seed])

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, options, p=None):
        return options[int(self.rng.choice(len(options), p=p))]

    def some(self, options, least=1) -> list:
        """A subset in order, not all of them where there are two or more."""
        most = max(least, len(options) - 1)
        chosen = self.rng.choice(len(options), size=self.rng.integers(least, most + 1), replace=False)
        return [options[k] for k in sorted(chosen.tolist())]

    def uniform(self, low: float, high: float, digits: int = 3) -> float:
        return round(float(self.rng.uniform(low, high)), digits)

    def log_uniform(self, low: float, high: float) -> float:
        return float(f"{np.exp(self.rng.uniform(np.log(low), np.log(high))):.4g}")

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def law(self, n: int, zeros: float = 0.0) -> list[float]:
        """A row of n probabilities, with some chance of a structural zero."""
        p = self.rng.dirichlet(np.full(n, 1.5)) + 0.02
        if n > 1 and self.chance(zeros):
            p[self.integer(0, n - 1)] = 0.0
        p = np.round(p / p.sum(), 4)
        p[int(np.argmax(p))] += 1 - p.sum()
        return [float(round(x, 6)) for x in p]


def moment(days: float) -> str:
    """A date with its time, to the minute."""
    return (datetime.fromisoformat(ORIGIN) + timedelta(minutes=round(days * 1440))).isoformat(timespec="minutes")


def date(day: int) -> str:
    return (datetime.fromisoformat(ORIGIN) + timedelta(days=day)).date().isoformat()


def shape_of(seed: int) -> str:
    if seed % 40 in (8, 29):
        return "wide"
    return "rich" if seed % 10 < 7 else "plain"


def kind_of(development: dict) -> str:
    for key in ("likelihood", "moved", "counted", "measured"):
        if key in development:
            return key
    condition = development["saw"] if "saw" in development else development["never"]
    if "indicator" in condition:
        return "status"
    if any("ladder" in part for part in parts(condition)):
        return "window" if "between" in development else "state"
    return "driver"


def in_force(dossier: dict) -> list[dict]:
    """The developments reported by now."""
    return [d for d in dossier["development"] if d.get("reported", "") <= dossier["as_of"]]


def windows_at_once(windows: list[dict]) -> int:
    """The most windows open at one instant."""
    spans = [[instant(t, ORIGIN, e) for t, e in zip(w["between"], ("begin", "end"), strict=True)] for w in windows]
    return max((sum(begins <= time < ends for begins, ends in spans) for time, _ in spans), default=0)


def is_rich(spec: dict, dossier: dict) -> bool:
    """Three ladders, two drivers, eight developments of all kinds and forms, three different windows open at once."""
    said = in_force(dossier)
    windows = [d for d in said if kind_of(d) == "window"]
    different = {json.dumps([d.get("saw", d.get("never")), d["between"], "entered" in d]): d for d in windows}
    forms = {"saw" if "saw" in d else "never" for d in windows} | {"entered" for d in windows if "entered" in d}
    forms |= {form for d in said if "counted" in d for form in ("at", "count") if form in d["counted"]}
    forms |= {"graded" if "hit" in d else "hard" for d in said}
    return (
        len(spec["ladder"]) >= 3
        and len(spec["driver"]) >= 2
        and len(said) >= 8
        and {kind_of(d) for d in said} - {"measured"} == KINDS
        and forms == {"saw", "never", "entered", "at", "count", "graded", "hard"}
        and windows_at_once(list(different.values())) >= 3
    )


def has_twins(dossier: dict) -> bool:
    """Whether two reports speak of one window."""
    windows = [d for d in in_force(dossier) if kind_of(d) == "window"]
    said = [json.dumps([d.get("saw", d.get("never")), d["between"], "entered" in d]) for d in windows]
    return len(set(said)) < len(said)


# ---- the model -------------------------------------------------------------------------------------------------------


def random_model(dice: Dice, horizon: int, shape: str, small: bool) -> dict:
    spec = {"name": "random", "origin": ORIGIN, "driver": [], "ladder": []}
    options = {"rich": [0, 0, 0.9, 0.1], "plain": [0.1, 0.3, 0.5, 0.1], "wide": [0.3, 0.7, 0, 0]}
    most = {"rich": dice.pick([2, 3], [0.6, 0.4]), "plain": 3, "wide": 2}[shape]
    for k in range(dice.pick([0, 1, 2, 3], options[shape])):
        spec["driver"].append(random_driver(dice, f"d{k}", spec["driver"], most))
    for k, rungs in enumerate(rung_counts(dice, shape, small)):
        spec["ladder"].append(random_ladder(dice, f"l{k}", rungs))
    tiny = dice.chance(0.08)
    coupling = dice.pick(["none", "one way", "both ways", "chain"], [0.2, 0.25, 0.35, 0.2])
    if shape == "wide" or (len(spec["ladder"]) == 4 and dice.chance(0.5)):
        coupling = "chain"
    for k, ladder in enumerate(spec["ladder"]):
        ladder["rate"] = random_rates(dice, ladder, tiny)
        others = [x for j, x in enumerate(spec["ladder"]) if (coupling == "both ways" and j != k) or j < k]
        others = [] if coupling == "none" else others[-1:] if coupling == "chain" else others
        own = [ladder] * dice.chance(0.1)  # an effect may look at its own ladder
        count = dice.integer(0, 1 if small and shape == "wide" else 3)
        effects = [random_effect(dice, ladder, others + own, spec["driver"], horizon) for _ in range(count)]
        if coupling == "chain" and k > 0:
            effects.append(random_effect(dice, ladder, others, [], None))
        if shape == "wide" and k > 0:  # the slowest axis, outside the blocks, bears on one move of several
            effect = random_effect(dice, ladder, spec["ladder"][:1], [], None)
            pairs = [move for entry in ladder["rate"] for move in named_moves(entry["moves"], ladder["rungs"])]
            effects.append(effect | {"moves": [[ladder["rungs"][rung] for rung in dice.pick(pairs)]]})
        ladder["effect"] = [effect for effect in effects if effect]
    spec["status"] = [random_status(dice, f"s{k}", spec) for k in range(dice.integer(1, 2))]
    spec["events"] = [random_events(dice, f"e{k}", spec) for k in range(dice.integer(1, 2))]
    return spec


def rung_counts(dice: Dice, shape: str, small: bool) -> list[int]:
    if shape == "wide":
        return dice.pick(WIDE)
    n = dice.pick([3, 4], [0.75, 0.25]) if shape == "rich" else dice.pick([1, 2, 3], [0.25, 0.35, 0.4])
    while True:
        counts = [2 + dice.chance(0.2) if n == 4 else dice.integer(2, 4) for _ in range(n)]
        limits = ([12, 18, 24], [0.4, 0.4, 0.2]) if shape == "rich" else ([18, 24, JOINT_LIMIT], [0.5, 0.3, 0.2])
        if np.prod(counts) <= (4 * n if small else max(4 * n, dice.pick(*limits))):
            return counts


def table_prior(dice: Dice) -> dict:
    return dice.pick([{}, {"worth": dice.uniform(2, 40, 1)}, {"free": True}], [0.5, 0.4, 0.1])


def number_prior(dice: Dice, fixed: float = 0.35) -> dict:
    if dice.chance(fixed):
        return {}
    return {"free": True} if dice.chance(0.12) else {"spread": dice.uniform(1.2, 3, 2)}


def random_driver(dice: Dice, name: str, before: list[dict], most: int) -> dict:
    states = [f"{name}_{x}" for x in "xyz"[: dice.integer(2, most)]]
    given = dice.some(before) if before and dice.chance(0.7) else []
    driver = {"name": name, "states": states}
    if given:
        driver["given"] = [parent["name"] for parent in given]
    driver["table"] = random_table(dice, [parent["states"] for parent in given], len(states))
    return driver | table_prior(dice)


def random_table(dice: Dice, parents: list[list[str]], n: int):
    """Nested by the parents' states, or the same rows in one list."""
    zeros = dice.pick([0.0, 0.3])
    if not parents:
        return dice.law(n, zeros)
    if dice.chance(0.25):
        return [dice.law(n, zeros) for _ in range(int(np.prod([len(p) for p in parents])))]

    def nest(rest):
        return {s: nest(rest[1:]) for s in rest[0]} if rest else dice.law(n, zeros)

    return nest(parents)


def random_ladder(dice: Dice, name: str, n: int) -> dict:
    rungs = [f"{name}_{k}" for k in range(n)]
    ladder = {"name": name, "rungs": rungs, "kind": dice.pick(["neighbours", "moves", "unordered"], [0.55, 0.25, 0.2])}
    if ladder["kind"] == "unordered":
        ladder["ordered"] = False
    if dice.chance(0.7):
        ladder["start"] = rungs[0 if dice.chance(0.7) else dice.integer(0, n - 1)]
    else:
        ladder["start"] = dict(zip(rungs, dice.law(n, 0.4), strict=True))
    return ladder


def random_rates(dice: Dice, ladder: dict, tiny: bool) -> list[dict]:
    """Rate entries that name each move once; some rungs end up absorbing."""
    rungs, kind = ladder["rungs"], ladder.pop("kind")
    if kind == "neighbours":
        up, down = "up", "down"
        if dice.chance(0.3):
            up = [[a, b] for a, b in itertools.pairwise(rungs)]
        groups = [up, down] if dice.chance(0.8) else [up]
    else:
        pairs = [[a, b] for a in rungs for b in rungs if a != b]
        first = [pair for pair in pairs if pair[0] == rungs[0]]
        chosen = dice.some(pairs) + ([dice.pick(first)] if dice.chance(0.8) else [])
        chosen = [pair for pair in pairs if pair in chosen]
        cut = dice.integer(0, len(chosen))
        groups = [group for group in (chosen[:cut], chosen[cut:]) if group]
    if groups[0] not in ("up", "down") and len(groups[0]) > 1 and dice.chance(0.5):
        groups = [[pair] for pair in groups[0]] + groups[1:]
    return [{"moves": moves} | random_intensity(dice, tiny) for moves in groups]


def random_intensity(dice: Dice, tiny: bool) -> dict:
    """Every way to state an intensity, between 0.002 and 1 a day (far less in a few worlds)."""
    form = dice.pick(["rate", "chance", "word", "base"], [0.6, 0.12, 0.16, 0.12])
    if tiny and dice.chance(0.6):
        return {"rate": dice.log_uniform(1e-7, 1e-4), "per": "day"} | number_prior(dice)
    q = dice.log_uniform(0.002, 1.0 if dice.chance(0.3) else 0.15)
    if form == "rate":
        per = dice.pick(list(UNIT_DAYS))
        return {"rate": float(f"{q * UNIT_DAYS[per]:.4g}"), "per": per} | number_prior(dice)
    if form == "chance":
        spread = {} if dice.chance(0.4) else {"spread": 2}
        return {"chance": dice.uniform(0.1, 0.8), "within": dice.pick(["10 days", "2 weeks", "3 months"])} | spread
    if form == "word":
        spread = {"spread": 1.5} if dice.chance(0.3) else {}
        return {"chance": dice.pick(WORDS), "within": dice.pick(["1 month", "3 weeks", "60 days", "1 year"])} | spread
    return {"events": dice.integer(0, 6), "over": dice.pick(["60 days", "6 months", "1 year"])}


def random_effect(dice: Dice, ladder: dict, others: list, drivers: list, horizon: int | None) -> dict | None:
    rungs = ladder["rungs"]
    pairs = [move for entry in ladder["rate"] for move in named_moves(entry["moves"], rungs)]
    options = ["all", [[rungs[a], rungs[b]] for a, b in dice.some(pairs)]]
    if ladder.get("ordered", True):
        options += ["up"] * 2 * any(b > a for a, b in pairs) + ["down"] * any(b < a for a, b in pairs)
    when = random_condition(dice, others, drivers, None if horizon is None else (0, horizon + 200))
    if when is None:
        return None
    effect = {"when": when, "moves": dice.pick(options), "factor": dice.log_uniform(0.2, 5)}
    return effect | number_prior(dice)


def random_plain(dice: Dice, ladders: list, drivers: list, period: tuple[int, int] | None) -> dict | None:
    """One table: a ladder's rungs, a driver's states or a calendar period."""
    kinds = ["ladder"] * 3 * bool(ladders) + ["driver"] * 3 * bool(drivers) + ["period"] * bool(period)
    if not kinds:
        return None
    kind = dice.pick(kinds)
    if kind == "driver":
        driver = dice.pick(drivers)
        states = dice.some(driver["states"])
        return {"driver": driver["name"], "is": states if len(states) > 1 or dice.chance(0.2) else states[0]}
    if kind == "ladder":
        return random_rungs(dice, dice.pick(ladders))
    begins = dice.integer(*period)
    ends = begins + dice.integer(0, 60)
    edges = {"since": date(begins), "until": date(ends)}
    keys = dice.pick([["since"], ["until"], ["since", "until"]])
    return {key: edges[key] for key in keys}


def random_rungs(dice: Dice, ladder: dict) -> dict:
    rungs, named = ladder["rungs"], {"ladder": ladder["name"]}
    if ladder.get("ordered", True) and dice.chance(0.6):
        if dice.chance(0.8):
            return named | {"at_least": rungs[dice.integer(1, len(rungs) - 1)]}
        return named | {"at_most": rungs[dice.integer(0, len(rungs) - 2)]}
    some = dice.some(rungs)
    return named | {"is": some if len(some) > 1 else some[0]}


def random_condition(dice: Dice, ladders: list, drivers: list, period=None, depth: int = 2) -> dict | None:
    if depth == 0 or dice.chance(0.6):
        return random_plain(dice, ladders, drivers, period)
    inner = [random_condition(dice, ladders, drivers, period, depth - 1) for _ in range(2)]
    inner = [condition for condition in inner if condition]
    if not inner:
        return None
    form = dice.pick(["all", "any", "not"])
    return {"not": inner[0]} if form == "not" else {form: inner}


def random_parents(dice: Dice, spec: dict, most: int) -> list[str]:
    """Drivers, ladders or both, with at most so many configurations."""
    ladders, drivers = spec["ladder"], spec["driver"]
    groups = [ladders, ladders + drivers] + ([drivers] if drivers else [])
    while True:
        options = dice.pick(groups, [0.4, 0.4, 0.2][: len(groups)] if drivers else [0.5, 0.5])
        chosen = [dice.pick(options) for _ in range(dice.integer(1, 2))]
        names = list(dict.fromkeys(entry["name"] for entry in chosen))
        if size_of(spec, names) <= most:
            return names


def entries(spec: dict, names: list[str]) -> list[list[str]]:
    known = {d["name"]: d["states"] for d in spec["driver"]} | {x["name"]: x["rungs"] for x in spec["ladder"]}
    return [known[name] for name in names]


def size_of(spec: dict, names: list[str]) -> int:
    return int(np.prod([len(states) for states in entries(spec, names)]))


def random_status(dice: Dice, name: str, spec: dict) -> dict:
    parents = random_parents(dice, spec, 12)
    states = [f"{name}_{x}" for x in "abc"[: dice.integer(2, 3)]]
    made = random_table(dice, entries(spec, parents), len(states))
    return {"name": name, "states": states, "given": parents, "table": made} | table_prior(dice)


def random_events(dice: Dice, name: str, spec: dict) -> dict:
    if dice.chance(0.1):
        return {"name": name, "rate": dice.log_uniform(0.1, 3), "per": "week"} | number_prior(dice)
    parents = random_parents(dice, spec, 9)
    prior = number_prior(dice)
    rates = [dice.log_uniform(0.1, 6) for _ in range(size_of(spec, parents))]
    if not prior and dice.chance(0.4):
        rates[dice.integer(0, len(rates) - 1)] = 0.0
    return {"name": name, "given": parents, "rate": rates, "per": dice.pick(["week", "month"])} | prior


# ---- the dossier -----------------------------------------------------------------------------------------------------


class Reporter:
    """Draws the developments of one dossier; a few instants are shared by several of them."""

    def __init__(self, dice: Dice, spec: dict, horizon: int):
        self.dice, self.spec, self.horizon = dice, spec, horizon
        self.shared = [dice.integer(4, horizon - 3) + dice.pick([0.5, 0.25, 0.75]) for _ in range(2)]
        self.together = dice.chance(0.6)
        self.moved_at: set[float] = set()

    def time(self) -> float:
        if self.together and self.dice.chance(0.45):
            return self.dice.pick(self.shared)
        return self.dice.integer(1, self.horizon - 2) + self.dice.pick([0.5, 0.5, 0.25, 0.625])

    def on(self) -> str:
        time = self.time()
        return date(int(time)) if time % 1 == 0.5 and self.dice.chance(0.5) else moment(time)

    def grading(self, soft: float = 0.6) -> dict:
        if not self.dice.chance(soft):
            return {}
        return {"hit": self.dice.uniform(0.6, 0.97), "false_alarm": self.dice.uniform(0.02, 0.4)}

    def span(self, middle: float) -> list[str]:
        """A span around the middle of the dossier, so that most windows overlap."""
        dice = self.dice
        begins = max(0.0, middle - dice.uniform(0.5, 0.4 * self.horizon, 0))
        ends = min(self.horizon, middle + dice.uniform(1, 0.4 * self.horizon, 0))
        if self.together and dice.chance(0.4) and self.shared[0] > begins + 1:
            ends = self.shared[0]
        if self.together and dice.chance(0.3) and self.shared[1] < ends - 1:
            begins = self.shared[1]
        if dice.chance(0.4):
            return [date(int(begins)), date(min(int(ends), self.horizon - 1))]
        return [moment(begins), moment(ends)]

    def window(self, form: str | None = None, middle: float | None = None) -> dict:
        dice, ladders = self.dice, self.spec["ladder"]
        period = (1, self.horizon) if dice.chance(0.08) else None
        condition = random_condition(dice, ladders, [], period, 1)
        while not any("ladder" in part for part in parts(condition)):
            condition = random_condition(dice, ladders, [], period, 1)
        said = {form if form in ("saw", "never") else "saw" if dice.chance(0.65) else "never": condition}
        entered = {"entered": True} if form == "entered" or dice.chance(0.35) else {}
        middle = self.horizon * dice.uniform(0.4, 0.6) if middle is None else middle
        return said | entered | {"between": self.span(middle)} | self.grading()

    def windows_at_once(self) -> list[dict]:
        """Three windows of all forms around one instant, at times a fourth."""
        dice, middle = self.dice, self.horizon * self.dice.uniform(0.4, 0.6)
        said = [self.window(form, middle) for form in ["saw", "never", "entered"]]
        return said + [self.window() for _ in range(1) if dice.chance(0.15)]

    def twin(self, window: dict) -> dict:
        """Another source on the same window, at times contradicting."""
        dice = self.dice
        condition = window["saw"] if "saw" in window else window["never"]
        same = {key: window[key] for key in ("entered", "between") if key in window}
        return {dice.pick(["saw", "never"]): condition} | same | self.grading(0.85)

    def state(self) -> dict:
        drivers = self.spec["driver"] if self.dice.chance(0.4) else []
        condition = random_condition(self.dice, self.spec["ladder"], drivers)
        while not any("ladder" in part for part in parts(condition)):
            condition = random_condition(self.dice, self.spec["ladder"], drivers)
        return {"saw": condition, "on": self.on()} | self.grading()

    def status(self) -> dict:
        status = self.dice.pick([entry for entry in self.spec["status"] if "table" in entry])
        values = self.dice.some(status["states"])
        stated = values if len(values) > 1 else values[0]
        return {"saw": {"indicator": status["name"], "is": stated}, "on": self.on()} | self.grading(0.4)

    def driver(self) -> dict | None:
        dice = self.dice
        if not self.spec["driver"]:
            return None
        condition = random_condition(dice, [], self.spec["driver"])
        when = dice.pick([{}, {"on": self.on()}, {"between": self.span(self.horizon / 2)}])
        if when and dice.chance(0.25):
            condition = {"all": [condition, {"since": date(dice.integer(1, self.horizon))}]}
        return {"saw": condition} | when | self.grading(0.85)

    def likelihood(self) -> dict:
        dice, spec = self.dice, self.spec
        named = [(x["name"], x["rungs"]) for x in spec["ladder"]]
        named += [(x["name"], x["states"]) for x in spec["driver"] + spec["status"] if "states" in x]
        name, states = dice.pick(named)
        values = {state: dice.uniform(0.05, 1) for state in dice.some(states) + dice.some(states)}
        undated = name.startswith("d") and dice.chance(0.5)
        return {"likelihood": {"of": name, "values": values}} | ({} if undated else {"on": self.on()})

    def move(self) -> dict | None:
        """At an odd minute of its own: two moves at once, or a move at a calendar boundary, have no density."""
        dice, ladder = self.dice, self.dice.pick(self.spec["ladder"])
        pairs = [move for entry in ladder["rate"] for move in named_moves(entry["moves"], ladder["rungs"])]
        a, b = dice.pick(pairs)
        time = dice.pick(self.shared) if dice.chance(0.5) else dice.integer(2, self.horizon - 2) + 0.71875
        if time in self.moved_at:
            return None
        self.moved_at.add(time)
        said = {"moved": {"ladder": ladder["name"], "from": ladder["rungs"][a], "to": ladder["rungs"][b]}}
        return said | {"on": moment(time)} | self.false_rate(0.6)

    def false_rate(self, soft: float) -> dict:
        if not self.dice.chance(soft):
            return {}
        rate = {"false_rate": self.dice.log_uniform(0.02, 1), "false_per": self.dice.pick(["week", "month"])}
        return {"hit": self.dice.uniform(0.5, 0.95)} | rate

    def events(self, both: bool = False) -> list[dict]:
        """One or two spans of one indicator, touching in half the cases; `both`: one timed and one counted."""
        dice, name = self.dice, self.dice.pick(self.spec["events"])["name"]
        thirds = {self.horizon // 3, self.horizon} | ({2 * self.horizon // 3} if both else set())
        edges = sorted({dice.integer(0, self.horizon) for _ in range(3)} | thirds)
        spans = list(itertools.pairwise(edges))
        if both:
            counted = dice.chance(0.5)
            return [
                self.events_over(name, *span, counted == (k == 0)) for k, span in enumerate(dice.some(spans, 2)[:2])
            ]
        k = dice.integer(0, len(spans) - 1)
        chosen = spans[k : k + dice.integer(1, 2)]
        return [self.events_over(name, begins, ends) for begins, ends in chosen]

    def events_over(self, name: str, begins: int, ends: int, counts: bool | None = None) -> dict:
        dice = self.dice
        if dice.chance(0.4) if counts is None else counts:
            over, counted = [date(begins), date(ends - 1)], {"count": dice.pick([0, 1, 2, 3], [0.3, 0.4, 0.2, 0.1])}
        else:
            over = [moment(begins), moment(ends)]
            times = {begins + (ends - begins) * dice.uniform(0.01, 0.99) for _ in range(dice.integer(0, 3))}
            times |= {t for t in self.shared if begins < t < ends and dice.chance(0.3)}
            counted = {"at": sorted({moment(t) for t in times})}
        return {"counted": {"indicator": name} | counted, "over": over} | self.false_rate(0.3)

    def developments(self, shape: str) -> list[dict]:
        dice, rich = self.dice, shape == "rich"
        if rich:
            said = self.windows_at_once()
        else:
            counts = [0.1, 0.5, 0.4, 0.0, 0.0] if shape == "wide" else [0.1, 0.2, 0.3, 0.3, 0.1]
            said = [self.window() for _ in range(dice.pick([0, 1, 2, 3, 4], counts))]
        said += [self.twin(dice.pick(said)) for _ in range(1) if said and dice.chance(0.3)]
        said += self.events(both=rich) if rich or dice.chance(0.7) else []
        kinds = [self.state, self.status, self.driver, self.likelihood, self.move]
        for kind, p in zip(kinds, [0.85, 0.9, 0.7, 0.7, 0.6], strict=True):
            said += [kind() for _ in range(1 + dice.chance(0.15)) if rich or dice.chance(p)]
        late = [kind() for kind in [*kinds, self.window] if dice.chance(0.1)]  # reported after as_of: left out
        late = [d | {"reported": date(self.horizon + dice.integer(2, 30))} for d in late if d]
        said = [development for development in said + late if development]
        dice.rng.shuffle(said)
        return [{"id": f"n{k}"} | development for k, development in enumerate(said)]


def open_states(oracle_: oracle.Oracle) -> int:
    """The most extended states at any instant of the dossier."""
    monitors = [item for item in oracle_.items if isinstance(item, Monitor)]
    levels = [np.prod([m.levels for m in monitors if m.opens <= t.opens < m.closes], dtype=int) for t in monitors]
    return oracle_.frame.n * int(max(levels, default=1))


def random_dossier(dice: Dice, spec: dict, horizon: int, shape: str) -> dict | None:
    """A dossier of this shape with a finite log-evidence, if some draws find one."""
    as_of = date(horizon - 1) if dice.chance(0.7) else moment(horizon)
    tried = 0
    for _ in range(200):
        dossier = {"as_of": as_of, "development": Reporter(dice, spec, horizon).developments(shape)}
        if not spans_fit(dossier, horizon) or (shape == "rich" and not is_rich(spec, dossier)):
            continue
        found = oracle.Oracle(spec, dossier)
        if open_states(found) > EVIDENCE_LIMIT[shape]:
            continue
        if found.log_evidence() > -80:
            return dossier
        tried += 1
        if tried == 12:
            break
    return None


def spans_fit(dossier: dict, horizon: int) -> bool:
    """Whether every span begins before it ends, and ends by now."""
    for development in dossier["development"]:
        span = development.get("between", development.get("over"))
        if span and instant(span[0], ORIGIN, "begin") + 0.25 > instant(span[1], ORIGIN, "end"):
            return False
        if span and instant(span[1], ORIGIN, "end") > horizon:
            return False
    return True


# ---- questions -------------------------------------------------------------------------------------------------------


def random_atom(dice: Dice, spec: dict, horizon: int, kind: str | None = None) -> dict:
    kind = kind or dice.pick(["at", "reach", "enters", "first"])
    day = horizon + dice.pick([dice.integer(1, 30), dice.integer(20, 365)])
    drivers = spec["driver"] if dice.chance(0.3) else []
    period = (horizon + 1, horizon + 150) if dice.chance(0.15) else None

    def condition():
        while True:
            drawn = random_condition(dice, spec["ladder"], drivers, period, 1)
            if drawn and any("ladder" in part for part in parts(drawn)):
                return drawn

    if kind == "at" and spec["driver"] and dice.chance(0.15):
        return {"at": random_condition(dice, [], spec["driver"]), "on": date(day)}
    if kind == "at":
        return {"at": condition(), "on": date(day) if dice.chance(0.6) else moment(day + 0.375)}
    if kind == "first":
        return {"first": condition(), "before": condition(), "by": date(day)}
    return {kind: condition(), "by": date(day) if dice.chance(0.8) else moment(day + 0.75)}


def random_question(dice: Dice, spec: dict, horizon: int, kind: str | None) -> dict:
    if kind is None:
        inner = [random_atom(dice, spec, horizon) for _ in range(2)]
        form = dice.pick(["all", "any", "not"])
        if form == "not":
            return {"all": [{"not": inner[0]}, inner[1]]} if dice.chance(0.4) else {"not": inner[0]}
        return {form: inner}
    return random_atom(dice, spec, horizon, kind)


def random_questions(dice: Dice, spec: dict, dossier: dict, horizon: int, shape: str) -> list[dict]:
    """One of each kind, combinations and conditional ones; never given what cannot happen."""
    found, ready = [], oracle.Oracle(spec, dossier)
    for kind in ["at", "reach", "enters", "first", None, None]:
        for _ in range(30):
            named = {"name": f"q{len(found)}", "ask": random_question(dice, spec, horizon, kind)}
            if dice.chance(0.25):
                named["given"] = random_atom(dice, spec, horizon)
            asked = [named[key] for key in ("ask", "given") if key in named]
            monitors = ready._atoms({"all": asked})
            if ready.frame.n * np.prod([m.levels for m in monitors]) > QUESTION_LIMIT[shape]:
                continue
            if "given" in named and not ready.probability([named["given"]]) > 1e-6:
                continue
            if not 1e-24 < ready.ask(named) < 1 - 1e-9 and dice.chance(0.9):
                continue  # certain and impossible answers tell little
            found.append(named)
            break
    return found


def random_span(dice: Dice, horizon: int) -> tuple[str, str]:
    """The ends of a span: in the past, across now, from now on (no beginning), or ahead."""
    where = dice.pick(["past", "across", "now", "ahead"], [0.35, 0.35, 0.15, 0.15])
    ahead = horizon + dice.integer(1, 60)
    if where == "past":
        begins, ends = sorted((dice.integer(0, horizon - 1), dice.integer(0, horizon - 1)))
        return moment(begins) if dice.chance(0.3) else date(begins), date(ends)
    if where == "now":
        return "", date(ahead)
    begins = dice.integer(0, horizon - 1) if where == "across" else horizon + dice.integer(1, 20)
    return date(begins), date(begins + dice.integer(1, 40)) if where == "ahead" else date(ahead)


def random_span_atom(dice: Dice, spec: dict, horizon: int, kinds: list[str]) -> dict:
    """An atom over a span of any place: with a beginning, several times, of moves."""
    kind = dice.pick(kinds)
    since, by = random_span(dice, horizon)
    span = ({"since": since} if since else {}) | {"by": by}
    if kind == "moves":
        ladder = dice.pick(spec["ladder"])
        pairs = [list(pair) for pair in itertools.permutations(ladder["rungs"], 2)]
        which = dice.pick(["all", "up", "down"]) if dice.chance(0.6) and ladder.get("ordered", True) else None
        moves = {"ladder": ladder["name"], "moves": which or dice.some(pairs)}
        return {"moves": moves} | span | {"times": dice.integer(1, 3)}
    period = (dice.integer(1, horizon), horizon + 20) if dice.chance(0.2) else None
    drivers = spec["driver"] if dice.chance(0.3) else []
    condition = random_condition(dice, spec["ladder"], drivers, period, 1)
    while condition is None:
        condition = random_condition(dice, spec["ladder"], drivers, period, 1)
    if kind == "at":
        return {
            "at": condition,
            "on": dice.pick([date(dice.integer(0, horizon - 1)), moment(dice.uniform(0, horizon))]),
        }
    if kind == "first":
        before = random_condition(dice, spec["ladder"], [], None, 1) or condition
        return {"first": condition, "before": before} | span
    return {kind: condition} | span | ({"times": dice.integer(1, 3)} if kind == "enters" else {})


def span_questions(world: World) -> list[dict]:
    """Questions over spans in the past, across now and ahead, some joined or conditional."""
    dice, found, ready = Dice(world.seed + 3 * 10**6), [], oracle.Oracle(world.spec, world.dossier)
    kinds = ["at", "reach", "enters", "moves", "first"]
    most = EVIDENCE_LIMIT[shape_of(world.seed)] // 2
    for kind in [*kinds, None, None]:
        for _ in range(20):
            named = {"name": f"s{len(found)}"}
            if kind is None:
                parts = [random_span_atom(dice, world.spec, world.horizon, kinds) for _ in range(2)]
                named |= {"ask": {dice.pick(["all", "any"]): parts}}
                named |= {"given": {"not": parts[0]}} if dice.chance(0.3) else {}
            else:
                named |= {"ask": random_span_atom(dice, world.spec, world.horizon, [kind])}
            asked = ready._atoms({"all": [named[key] for key in ("ask", "given") if key in named]})
            if open_states(ready) * np.prod([m.levels for m in asked]) > most:
                continue
            if "given" in named and not ready.probability([named["given"]]) > 1e-6:
                continue
            if not 1e-24 < ready.ask(named) < 1 - 1e-9 and dice.chance(0.8):
                continue
            found.append(named)
            break
    return found


# ---- the world -------------------------------------------------------------------------------------------------------


def random_world(seed: int, small: bool = False) -> World:
    """The world of this seed; `small` keeps joint rungs and parameters few, for gradients."""
    dice, shape = Dice(seed), shape_of(seed)
    horizon, spec, dossier = random_past(dice, shape, small)
    spec, dossier = with_numbers(Dice(seed + 2 * 10**6), spec, dossier, horizon)
    questions = [] if small else random_questions(dice, spec, dossier, horizon, shape)
    theta = start(spec) + dice.rng.normal(scale=0.4, size=len(start(spec)))
    times = random_times(dice, spec, dossier, horizon)
    questions = random_questions(dice, spec, dossier, horizon, shape) if small else questions
    return World(seed, horizon, spec, dossier, questions, times, theta)


def with_numbers(dice: Dice, spec: dict, dossier: dict, horizon: int) -> tuple[dict, dict]:
    """The same world with an indicator or two of numbers and what they showed, first rungs and tables of more kinds."""
    for _ in range(20):
        more = [random_number(dice, f"x{k}", spec) for k in range(dice.pick([0, 1, 2], [0.2, 0.5, 0.3]))]
        reporter, said = Reporter(dice, spec, horizon), []
        for k in range(dice.integer(1, 4) if more else 0):
            status = dice.pick(more)
            measured = {"indicator": status["name"], "value": random_value(dice, status["outcome"]["family"])}
            said.append({"id": f"m{k}", "measured": measured, "on": reporter.on()})
        wider = with_formulas(dice, with_firsts(dice, spec | {"status": spec["status"] + more}))
        told = dossier | {"development": dossier["development"] + said}
        if np.isfinite(evidence := oracle.log_evidence(wider, told)) and evidence > -120:
            return wider, told
    return spec, dossier


def with_firsts(dice: Dice, spec: dict) -> dict:
    """The same model, its ladders beginning in other ways: by drivers, with priors, estimated, at equilibrium."""
    forms = [dice.pick(["as it is", "table", "prior", "equilibrium"], [0.3, 0.3, 0.15, 0.25]) for _ in spec["ladder"]]
    settled = upstream(
        spec, [x["name"] for x, form in zip(spec["ladder"], forms, strict=True) if form == "equilibrium"]
    )
    if not all(settles(ladder) for ladder in spec["ladder"] if ladder["name"] in settled):
        settled = set()
    ladders = []
    for ladder, form in zip(spec["ladder"], forms, strict=True):
        more: dict = {"first": "equilibrium"} if ladder["name"] in settled else {}
        if not more and (form == "prior" or (form == "table" and spec["driver"])):
            given = dice.some(spec["driver"])[:2] if form == "table" else []
            more = dice.pick([{}, {"worth": dice.uniform(2, 20, 1)}, {"first": "estimated"}], [0.4, 0.3, 0.3])
            more |= {"start": random_firsts(dice, ladder["rungs"], [driver["states"] for driver in given])}
            more |= {"start_given": [driver["name"] for driver in given]} if given else {}
        ladders.append(ladder | more)
    return spec | {"ladder": ladders}


def upstream(spec: dict, names: list[str]) -> set[str]:
    """These ladders and all that they depend on."""
    found, ahead = set(), list(names)
    while ahead:
        found.add(name := ahead.pop())
        effects = next(ladder["effect"] for ladder in spec["ladder"] if ladder["name"] == name)
        looked = {part["ladder"] for effect in effects for part in parts(effect["when"]) if "ladder" in part}
        ahead += sorted(looked - found)
    return found


def settles(ladder: dict) -> bool:
    """Whether one class of rungs alone is never left, and no move is so rare that the oracle loses its digits."""
    rungs = ladder["rungs"]
    leads = np.eye(len(rungs), dtype=int)
    for entry in ladder["rate"]:
        if intensity(entry).mode < 1e-3:
            return False
        for a, b in named_moves(entry["moves"], rungs):
            leads[a, b] = 1
    leads = np.linalg.matrix_power(leads, len(rungs)) > 0
    return bool(np.any(np.all(leads, axis=0)))  # one that all lead to


def random_firsts(dice: Dice, rungs: list[str], drivers: list[list[str]]):
    """A law of the first rung for each state of drivers: a rung, a list or by name."""
    if drivers:
        return {state: random_firsts(dice, rungs, drivers[1:]) for state in drivers[0]}
    law = dice.law(len(rungs), 0.3)
    return dice.pick([law, dict(zip(rungs, law, strict=True)), dice.pick(rungs)], [0.4, 0.4, 0.2])


def with_formulas(dice: Dice, spec: dict) -> dict:
    """The same model, some tables of drivers and indicators by a formula."""

    def changed(entry: dict) -> dict:
        if "table" not in entry or not entry.get("given") or not dice.chance(0.4):
            return entry
        without = {key: value for key, value in entry.items() if key != "table"}
        return without | {"formula": random_formula(dice, spec, entry["given"], len(entry["states"]))}

    return spec | {kind: [changed(entry) for entry in spec[kind]] for kind in ("driver", "status")}


def random_formula(dice: Dice, spec: dict, given: list[str], n: int) -> dict:
    states = dict(zip(given, entries(spec, given), strict=True))
    kind = dice.pick(["noisy_or", "noisy_max", "logistic"] if n == 2 else ["noisy_max", "logistic"])
    if kind == "noisy_or":
        said: dict = {"chances": {x: [dice.uniform(0, 0.9) for _ in known] for x, known in states.items()}}
        return {kind: said | ({"leak": dice.uniform(0, 0.2)} if dice.chance(0.7) else {})}
    if kind == "noisy_max":
        said = {"links": {x: [dice.law(n, 0.2) for _ in known] for x, known in states.items()}}
        return {kind: said | ({"leak": dice.law(n)} if dice.chance(0.7) else {})}
    effects = {x: [dice.uniform(-2, 2) for _ in known] for x, known in states.items()}
    return {kind: {"effects": effects, "cuts": sorted(dice.uniform(-2, 2) + k for k in range(n - 1))}}


def random_number(dice: Dice, name: str, spec: dict) -> dict:
    """An indicator of numbers: any family, fixed numbers, priors and flat ones, shared or by configuration."""
    parents = random_parents(dice, spec, 6)
    size = size_of(spec, parents)
    family = dice.pick(["normal", "log_normal", "student", "poisson", "negative_binomial"])
    nowhere = dice.integer(0, size - 1) if size > 1 and dice.chance(0.2) else None
    low, high = (0.5, 5) if family in ("poisson", "negative_binomial") else (-1, 2)

    def number(draw, real=False):
        value, form = draw(), dice.pick(["plain", "prior", "free"], [0.4, 0.4, 0.2])
        if form == "plain":
            return value
        return {"value": value} | (
            {"spread": dice.uniform(0.3, 2) if real else dice.uniform(1.2, 2)} if form == "prior" else {"free": True}
        )

    def each(draw, real=False):
        if dice.chance(0.3):
            return number(draw, real)
        return ["none" if k == nowhere else number(draw, real) for k in range(size)]

    def between(a, b):
        return lambda: dice.uniform(a, b)

    real = low < 0
    outcome = {"family": family, "mean": each(between(low, high), real)}
    if nowhere is not None and not isinstance(outcome["mean"], list):
        outcome["mean"] = [outcome["mean"]] * size
        outcome["mean"][nowhere] = "none"
    if real:
        outcome["sd"] = each(between(0.5, 2))
    if family == "student":
        outcome["freedom"] = each(between(1, 8))
    if family == "negative_binomial":
        outcome["size"] = each(between(0.5, 5))
    if not real and dice.chance(0.6):
        zero = dice.uniform(0.05, 0.6)
        outcome["zero"] = dice.pick([zero, {"value": zero, "worth": 8}, {"value": zero, "free": True}])
    if dice.chance(0.15):
        outcome["free"] = True
    return {"name": name, "given": parents, "outcome": outcome}


def random_value(dice: Dice, family: str) -> float:
    """A number that every law of the family can show."""
    if family in ("poisson", "negative_binomial"):
        return dice.pick([0, 1, 2, 3, 7], [0.4, 0.2, 0.2, 0.1, 0.1])
    return dice.uniform(0.2, 6) if family == "log_normal" else dice.uniform(-3, 4)


def random_stages(dice: Dice, spec: dict, shape: str, small: bool):
    """Gives rungs of a third of the models two or three stages."""
    if not dice.chance(0.35):
        return
    most = 160 if shape == "wide" and not small else STAGED_LIMIT[small]
    for ladder in dice.some(spec["ladder"]):
        rungs = ladder["rungs"]
        left = {rungs[move[0]] for entry in ladder["rate"] for move in named_moves(entry["moves"], rungs)}
        chosen = {rung: dice.pick([2, 3]) for rung in dice.some([rung for rung in rungs if rung in left])}
        if n_phases(spec, {ladder["name"]: chosen}) > most:
            continue
        ladder["stages"] = chosen
        if dice.chance(0.4):
            ladder["first_stage"] = "uniform"


def n_phases(spec: dict, stages: dict) -> int:
    """Joint rungs, those with stages counted once for each; `stages` of some ladders instead of their own."""
    of = [x | {"stages": stages[x["name"]]} if x["name"] in stages else x for x in spec["ladder"]]
    return int(np.prod([len(phases_of(ladder)) for ladder in of]))


def is_staged(spec: dict) -> bool:
    return any(ladder.get("stages") for ladder in spec["ladder"])


def random_past(dice: Dice, shape: str, small: bool = False) -> tuple[int, dict, dict]:
    """The horizon, the model and the dossier of a world."""
    stages = Dice(dice.seed + 3 * 10**6)
    while True:
        horizon = dice.integer(20, 90)
        spec = random_model(dice, horizon, shape, small)
        random_stages(stages, spec, shape, small)
        if small and not 1 <= len(start(spec)) <= (8 if shape == "wide" else 14):
            continue
        dossier = random_dossier(dice, spec, horizon, shape)
        if dossier is not None:
            return horizon, spec, dossier


def random_times(dice: Dice, spec: dict, dossier: dict, horizon: int) -> list[str]:
    """The origin, instants of the evidence, instants between, calendar boundaries and two dates ahead."""
    past = {moment(0), moment(dice.uniform(0, horizon)), moment(dice.uniform(0, horizon))}
    dated = [d["on"] for d in dossier["development"] if "on" in d]
    dated += [edge for d in dossier["development"] if "between" in d for edge in d["between"] if "T" in edge]
    past |= {dice.pick(dated) for _ in range(2) if dated}
    edges = {t for x in spec["ladder"] for e in x["effect"] for t in boundaries(e["when"], ORIGIN) if 0 < t < horizon}
    past |= {moment(t) for t in sorted(edges)[:1]}
    return [*sorted(past), date(horizon + dice.integer(1, 20)), moment(horizon + dice.integer(21, 300) + 0.3)]


def random_scenarios(world: World) -> dict[str, oracle.Scenario]:
    """Facts given, developments added or dropped, and interventions, each with evidence that stays possible."""
    dice, spec = Dice(world.seed + 10**6), world.spec
    ladder, developments = dice.pick(spec["ladder"]), world.dossier["development"]
    later = date(world.horizon + dice.pick([0, dice.integer(1, 60)]))
    added = Reporter(dice, spec, world.horizon)
    more = [{"id": "more-1"} | added.state(), {"id": "more-2"} | added.window()]
    if open_states(oracle.Oracle(spec, world.dossier, scenario=oracle.Scenario(developments=more))) > 520:
        more = more[:1]
    found = {
        "given a rung": oracle.Scenario(given=[random_rungs(dice, ladder)]),
        "given developments": oracle.Scenario(developments=more),
        "do a rung": oracle.Scenario(do=[({"ladder": ladder["name"], "is": dice.pick(ladder["rungs"])}, later)]),
    }
    if developments:
        found["without"] = oracle.Scenario(without=[dice.pick(developments)["id"]])
    if spec["driver"]:
        driver = dice.pick(spec["driver"])
        state = {"driver": driver["name"], "is": dice.pick(driver["states"])}
        found["given a driver"] = oracle.Scenario(given=[state])
        found["do a driver from the origin"] = oracle.Scenario(do=[(state, ORIGIN)])
        found["do a driver later"] = oracle.Scenario(do=[(state, later)])
    return {name: s for name, s in found.items() if oracle.log_evidence(spec, world.dossier, scenario=s) > -100}
