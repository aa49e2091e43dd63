"""Recovery: parameters simulated from a known model come back, and the intervals cover what they say."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from simulate import MONTH, Path, World, date, day_of, draw_truth, moment, report

core = pytest.importorskip("escalade._core")

REPLICATES = 200
DRAWS = 400
LEVEL = 0.9
# All replicates and parameters together. Truths come from the priors, so the exact posterior covers 90 % on average;
# what is left is Laplace's error, the draws' noise, and the flat parameters, whose truth is fixed.
OVERALL = (0.84, 0.95)
# One parameter: the hits of 200 intervals have a binomial sd of 2.1 %; four of them below, and above as far as 97.5 %.
EACH = (0.815, 0.975)
# Standardised errors, (truth − mean of the draws) / sd of the draws: a mean of 200 has an sd of 0.07; four of them.
BIAS = 0.28
# The same over all parameters: some 3600 errors, of which those of one replicate lean together.
BIAS_OVERALL = 0.06
# Their sd over 200 is uncertain by 0.05; Laplace's normal is too narrow or too wide by some per cent besides.
WIDTH = (0.8, 1.2)
GRADIENT = 1e-5  # norm at the mode, in standard errors
TAUGHT = 0.1  # the least fall from prior to posterior sd, averaged over the parameters with a prior

DAYS = 840
TURN = "2022-04-01"
TURNS = [day_of(TURN)]
EVERY = 12  # days from one look to the next
CHRONICLE = 140  # days from the start on which every move of the aid is on record
DATED = 300  # days from the start on which tests are reported by date
FRONT = ["calm", "tense", "war"]
CLEAR = np.array([[0.9, 0.08, 0.02], [0.05, 0.9, 0.05], [0.02, 0.08, 0.9]])  # P(front is said to be at | is at)

SPEC = {
    "name": "A crisis to recover",
    "origin": "2021-01-01",
    "driver": [{"name": "resolve", "states": ["firm", "weak"], "table": [0.5, 0.5], "worth": 20}],
    "ladder": [
        {
            "name": "front",
            "rungs": FRONT,
            "start": "calm",
            "rate": [
                {"moves": "up", "rate": 0.8, "per": "month", "spread": 1.8},
                {"moves": [["tense", "calm"], ["war", "tense"]], "rate": 0.6, "per": "month", "spread": 1.8},
                {"moves": [["war", "calm"]], "rate": 0.3, "per": "month", "spread": 1.8},
            ],
            "effect": [
                {"when": {"driver": "resolve", "is": "weak"}, "moves": [["tense", "war"]], "factor": 2, "spread": 2},
                {"when": {"ladder": "aid", "is": "arms"}, "moves": "up", "factor": 1.5, "spread": 2},
            ],
        },
        {
            "name": "aid",
            "rungs": ["none", "arms"],
            "start": {"none": 0.6, "arms": 0.4},
            "rate": [
                {"moves": "up", "rate": 0.5, "per": "month", "free": True},
                {"moves": "down", "rate": 0.7, "per": "month", "free": True},
            ],
            "effect": [
                {"when": {"ladder": "front", "at_least": "tense"}, "moves": "up", "factor": 1.5, "spread": 2},
                {"when": {"since": TURN}, "moves": "up", "factor": 0.7, "free": True},
            ],
        },
    ],
    "status": [
        {
            "name": "tone",
            "states": ["mild", "sharp", "grave"],
            "given": ["front"],
            "table": [[0.7, 0.3, 0.0], [0.4, 0.4, 0.2], [0.2, 0.3, 0.5]],
            "worth": 15,
        },
    ],
    "events": [{"name": "tests", "given": ["front"], "rate": [0.6, 1.2, 2.5], "per": "month", "spread": 1.8}],
}


# ---- the dossier -----------------------------------------------------------------------------------------------------


def dossier(world: World, path: Path, rng: np.random.Generator) -> dict:
    """Every kind of development, dense enough that each parameter is known better than before."""
    parts = (
        resolve(world, rng),
        chronicle(path),
        looks(world, path, rng),
        windows(path, rng),
        counts(world, path, rng),
    )
    return {"as_of": date(DAYS - 1), "development": [entry for part in parts for entry in part]}


def resolve(world: World, rng: np.random.Generator):
    """The driver, twice, by sources that err."""
    weak = world.truth.drivers["resolve"] == "weak"
    for k, day in enumerate((200, 600)):
        yield report(f"resolve-{k}", {"driver": "resolve", "is": "weak"}, weak, 0.85, 0.1, rng, on=date(day))


def chronicle(path: Path):
    """The aid's first months move by move: never elsewhere between two moves (each window ends a minute early)."""
    minute, since, rung, k = 1 / 1440, 0.0, path.states[0]["aid"], 0
    for day, state in zip(path.times, path.states, strict=True):
        if day > CHRONICLE or state["aid"] == rung:
            continue
        yield stayed(f"stayed-{k}", rung, since, day - minute)
        yield {"id": f"moved-{k}", "moved": {"ladder": "aid", "from": rung, "to": state["aid"]}, "on": moment(day)}
        since, rung, k = day, state["aid"], k + 1
    yield stayed(f"stayed-{k}", rung, since, CHRONICLE)


def stayed(name: str, rung: str, begins: float, ends: float) -> dict:
    never = {"not": {"ladder": "aid", "is": rung}}
    return {"id": name, "never": never, "between": [moment(begins), moment(ends)]}


def looks(world: World, path: Path, rng: np.random.Generator):
    """By the calendar: an unclear report of the front, a sighting of the aid, and the tone every other time."""
    for k, day in enumerate(range(5, DAYS, EVERY)):
        state, on = path.at(day + 0.5), date(day)
        yield {"id": f"front-{k}", "likelihood": {"of": "front", "values": unclear(state["front"], rng)}, "on": on}
        if day > CHRONICLE:
            hit, false_alarm = (1.0, 0.0) if k % 3 else (0.9, 0.05)
            fact = {"ladder": "aid", "is": "arms"}
            yield report(f"aid-{k}", fact, state["aid"] == "arms", hit, false_alarm, rng, on=on)
        if k % 2:
            yield tone(f"tone-{k}", world.value("tone", state, rng), k % 4 == 1, rng) | {"on": on}


def unclear(rung: str, rng: np.random.Generator) -> dict[str, float]:
    """P(what is said | rung) for each rung, said at random where the front is at one."""
    said = rng.choice(3, p=CLEAR[FRONT.index(rung)])
    return dict(zip(FRONT, CLEAR[:, said].tolist(), strict=True))


def tone(name: str, value: str, clear: bool, rng: np.random.Generator) -> dict:
    """The status indicator's value, or whether a source that errs took it for mild."""
    if clear:
        return {"id": name, "saw": {"indicator": "tone", "is": value}}
    said = "mild" if rng.random() < (0.9 if value == "mild" else 0.1) else ["sharp", "grave"]
    return {"id": name, "saw": {"indicator": "tone", "is": said}, "hit": 0.9, "false_alarm": 0.1}


def windows(path: Path, rng: np.random.Generator):
    """Was there war in these weeks, was aid newly given: yes or no, by sources that miss and invent."""
    for day in range(10, DAYS - 90, 140):
        war = any(state["front"] == "war" for state in path.during(day, day + 20))
        fact, span = {"ladder": "front", "is": "war"}, [date(day), date(day + 19)]
        yield report(f"war-{day}", fact, war, 0.9, 0.1, rng, between=span)
        aids = [state["aid"] for state in path.during(day + 60, day + 80)]
        given = ("none", "arms") in pairwise(aids)
        fact, span = {"ladder": "aid", "is": "arms"}, [date(day + 60), date(day + 79)]
        yield report(f"given-{day}", fact, given, 0.95, 0.1, rng, between=span) | {"entered": True}


def counts(world: World, path: Path, rng: np.random.Generator):
    """Tests: by date at first, from a source that misses some and invents some; later only how many in some weeks."""
    days, hit, false = world.happenings("tests", path, rng), 0.8, 0.3
    heard = [day for day in days if day < DATED and rng.random() < hit]
    heard += rng.uniform(0, DATED, rng.poisson(false * DATED / MONTH)).tolist()
    yield {
        "id": "tests-dated",
        "counted": {"indicator": "tests", "at": [moment(day) for day in sorted(heard)]},
        "over": [date(0), date(DATED - 1)],
        "hit": hit,
        "false_rate": false,
        "false_per": "month",
    }
    for day in range(DATED, DAYS - 20, 90):
        count = sum(day <= when < day + 20 for when in days)
        over = [date(day), date(day + 19)]
        yield {"id": f"tests-{day}", "counted": {"indicator": "tests", "count": count}, "over": over}


# ---- the replicates --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recovery:
    """Over replicates (rows) and coordinates (columns): whether the interval covers, and the standardised error.

    `shrink` is 1 − posterior sd / sd of the truths, NaN where the truth is fixed.
    """

    names: list[str]
    covered: np.ndarray
    errors: np.ndarray
    gradients: np.ndarray
    shrink: np.ndarray

    def report(self) -> str:
        numbers = self.covered.mean(axis=0), self.errors.mean(axis=0), self.errors.std(axis=0), self.shrink
        columns = zip(self.names, *numbers, strict=True)
        rows = [f"{name:45} {c:6.3f} {z:+6.2f} {s:5.2f} {k:5.2f}" for name, c, z, s, k in columns]
        head = f"{'coordinate':45} covers  error    sd shrink"
        return "\n".join(["", head, *rows, f"{'all':45} {self.covered.mean():6.3f} {self.errors.mean():+6.2f}"])


def replicate(seed: int):
    """The truth of one replicate, and the fit to what was reported of it."""
    rng = np.random.default_rng([20210101, seed])
    truth = draw_truth(SPEC, rng)
    world = World(SPEC, truth)
    path = world.path(DAYS, TURNS, rng)
    fit = core.Model(json.dumps(SPEC)).fit(json.dumps(dossier(world, path, rng)), draws=DRAWS, seed=seed)
    return truth.theta(SPEC), fit


@pytest.fixture(scope="module")
def recovery() -> Recovery:
    with ThreadPoolExecutor(2) as pool:
        truths, fits = zip(*pool.map(replicate, range(REPLICATES)), strict=True)
    truth, draws = np.array(truths), np.array([fit.draws() for fit in fits])
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    mean, sd = draws.mean(axis=1), draws.std(axis=1)
    return Recovery(
        names=core.Model(json.dumps(SPEC)).coordinates(),
        covered=(low <= truth) & (truth <= high),
        errors=(truth - mean) / sd,
        gradients=np.array([fit.gradient_norm for fit in fits]),
        shrink=1 - np.sqrt((sd**2).mean(axis=0)) / np.where(np.ptp(truth, axis=0) > 0, truth.std(axis=0), np.nan),
    )


def test_every_fit_found_its_mode(recovery):
    assert (recovery.gradients <= GRADIENT).all(), np.flatnonzero(recovery.gradients > GRADIENT)


def test_the_developments_teach(recovery):
    assert np.nanmean(recovery.shrink) >= TAUGHT, recovery.report()


def test_intervals_cover(recovery):
    overall, each = recovery.covered.mean(), recovery.covered.mean(axis=0)
    assert OVERALL[0] <= overall <= OVERALL[1], recovery.report()
    assert ((each >= EACH[0]) & (each <= EACH[1])).all(), recovery.report()


def test_errors_are_standard(recovery):
    mean, sd = recovery.errors.mean(axis=0), recovery.errors.std(axis=0)
    assert (np.abs(mean) <= BIAS).all() and abs(mean.mean()) <= BIAS_OVERALL, recovery.report()
    assert ((sd >= WIDTH[0]) & (sd <= WIDTH[1])).all(), recovery.report()
