"""The kernel against the brute-force oracle on random worlds: evidence, posteriors, questions, gradients, scenarios."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import lru_cache

import numpy as np
import pytest

import oracle
import oracle_model
import worlds

core = pytest.importorskip("escalade._core")

EXACT = 1e-9  # relative: both sides are exact up to rounding, which some hundred steps of uniformisation amplify
LAW_FLOOR = 1e-15  # absolute, for entries of a law: a state this rare is beyond the last digit of the sum 1
ANSWER_FLOOR = 1e-27  # absolute, for answers: below it the oracle's own cut of Poisson weights (1e-35) shows in EXACT
SLOPE = 1e-6  # relative, for gradients: the kernel sums expected statistics over all segments, cancelling in part
SLOPE_FLOOR = 1e-9  # of the largest slope of the world: slopes that cancel to nothing keep only absolute digits,
SLOPE_ZERO = 1e-13  # and where all do, the last digits of expected moves and times, some tens, are left

SMALL_SEEDS = range(1000, 1050)
SHUT_SEEDS = range(1000, 1048, 6)
SCENARIO_SEEDS = worlds.SEEDS[::4]


class Comparison:
    """Collects every mismatch of one world, so that a failure shows its pattern."""

    def __init__(self, seed: int):
        self.seed, self.wrong = seed, []

    def near(self, what: str, kernel, wanted, rtol: float = EXACT, atol: float = 0.0):
        kernel, wanted = np.asarray(kernel, dtype=float), np.asarray(wanted, dtype=float)
        if kernel.shape != wanted.shape:
            self.wrong.append(f"{what}: shape {kernel.shape}, wanted {wanted.shape}")
        elif not np.allclose(kernel, wanted, rtol=rtol, atol=atol):
            self.wrong.append(f"{what}: {kernel.tolist()}, wanted {wanted.tolist()}")

    def laws(self, what: str, kernel: dict, wanted: dict):
        for name, law in wanted.items():
            self.near(f"{what} of {name}", kernel[name], law, atol=LAW_FLOOR)

    def verdict(self):
        assert not self.wrong, f"seed {self.seed}\n" + "\n".join(self.wrong)


@lru_cache(maxsize=4)
def world_of(seed: int) -> worlds.World:
    return worlds.random_world(seed)


def as_questions(questions: list[dict]) -> str:
    return json.dumps({"question": questions})


def conditioned(world: worlds.World):
    """The kernel's fit with the parameters at the prior modes."""
    return core.Model(json.dumps(world.spec)).condition(json.dumps(world.dossier))


def forecast_modes(fit, times) -> dict:
    return {name: law["mode"] for name, law in fit.forecast(times)["ladders"].items()}


def driver_modes(fit) -> dict:
    return {name: law["mode"] for name, law in fit.drivers().items()}


@pytest.mark.parametrize("seed", worlds.SEEDS)
def test_world(seed):
    world = world_of(seed)
    fit, wanted, found = conditioned(world), oracle.Oracle(world.spec, world.dossier), Comparison(seed)
    found.near("log evidence", fit.log_evidence, wanted.log_evidence(), atol=EXACT)
    found.laws("posterior", driver_modes(fit), wanted.driver_posteriors())
    rungs = wanted.rungs(world.times)
    found.laws("smoothed", fit.smoothed(world.times), rungs)
    found.laws("forecast", forecast_modes(fit, world.times), rungs)
    found.laws("filtered", fit.filtered(world.times), wanted.filtered(world.times))
    asked = fit.ask(as_questions(world.questions))
    assert list(asked["name"]) == [question["name"] for question in world.questions]
    for question, mode in zip(world.questions, asked["mode"], strict=True):
        found.near(json.dumps(question), mode, wanted.ask(question), atol=ANSWER_FLOOR)
    found.verdict()


@pytest.mark.parametrize("seed", SMALL_SEEDS)
def test_gradients(seed):
    world = worlds.random_world(seed, small=True)
    spec, dossier, theta, found = world.spec, world.dossier, world.theta, Comparison(seed)
    model = core.Model(json.dumps(spec))
    modes = oracle_model.start(spec)
    found.near("prior modes", model.start(), modes, atol=EXACT)
    evidence, prior, slope, prior_slope = model.log_posterior(json.dumps(dossier), theta)
    found.near("log evidence", evidence, oracle.log_evidence(spec, dossier, theta), atol=EXACT)
    at_modes = model.log_posterior(json.dumps(dossier), modes)[1]  # the prior's constant is the kernel's own affair
    wanted = oracle_model.log_prior(spec, theta) - oracle_model.log_prior(spec, modes)
    found.near("log prior above the modes'", prior - at_modes, wanted, atol=EXACT)
    wanted = oracle_model.complex_gradient(lambda t: oracle.log_evidence(spec, dossier, t), theta)
    found.near("slope of the evidence", slope, wanted, SLOPE, SLOPE_ZERO + SLOPE_FLOOR * np.max(np.abs(wanted)))
    wanted = oracle_model.complex_gradient(lambda t: oracle_model.log_prior(spec, t), theta)
    found.near("slope of the prior", prior_slope, wanted, SLOPE, SLOPE_ZERO + SLOPE_FLOOR * np.max(np.abs(wanted)))
    found.verdict()


@pytest.mark.parametrize("seed", SMALL_SEEDS)
def test_slopes_of_answers(seed):
    """Exact slopes of answers, conditional ones and (every second seed) those of a scenario, against complex steps."""
    world = worlds.random_world(seed, small=True)
    spec, dossier, theta, found = world.spec, world.dossier, world.theta, Comparison(seed)
    scenarios = list(worlds.random_scenarios(world).values())
    scenario = scenarios[seed % len(scenarios)] if seed % 2 else oracle.Scenario()
    questions = [without_given(q) if seed % 2 else q for q in world.questions[:3]]
    fit = changed(core.Model(json.dumps(spec)).condition(json.dumps(dossier), theta), scenario)
    answers, slopes = fit.slopes(as_questions(questions))
    found.near("answers", answers, fit.ask(as_questions(questions))["mode"], 1e-12, ANSWER_FLOOR)

    def asked(t):
        wanted = oracle.Oracle(spec, dossier, t, scenario)
        return np.array([wanted.ask(question) for question in questions])

    for question, slope, wanted in zip(questions, slopes, oracle_model.complex_gradient(asked, theta).T, strict=True):
        floor = SLOPE_ZERO + SLOPE_FLOOR * np.max(np.abs(wanted))
        found.near(f"slope of {json.dumps(question)}", slope, wanted, SLOPE, floor)
    found.verdict()


def without_given(question: dict) -> dict:
    return {key: value for key, value in question.items() if key != "given"}


def shut(world: worlds.World) -> dict | None:
    """The world's spec with the last effect of each ladder a factor of 0; None where there is no effect."""
    spec = deepcopy(world.spec)
    effects = [ladder["effect"][-1] for ladder in spec.get("ladder", []) if ladder.get("effect")]
    for ladder in spec.get("ladder", []):
        if ladder.get("first") == "equilibrium":  # there may be none under a factor of 0
            del ladder["first"]
    for effect in effects:
        effect["factor"] = 0.0
        effect.pop("spread", None)
        effect.pop("free", None)
    return spec if effects else None


@pytest.mark.parametrize("seed", SHUT_SEEDS)
def test_factors_of_nothing(seed):
    """While its condition holds a move cannot happen: evidence, laws, answers and slopes, or a contradiction."""
    world, found = worlds.random_world(seed, small=True), Comparison(seed)
    spec, dossier = shut(world), json.dumps(world.dossier)
    if spec is None:
        pytest.skip("no effect")
    wanted = oracle.Oracle(spec, world.dossier)
    model = core.Model(json.dumps(spec))
    with np.errstate(divide="ignore"):
        evidence = wanted.log_evidence()
    if evidence < -1e6:
        with pytest.raises(core.ImpossibleEvidence):
            model.condition(dossier)
        return
    fit = model.condition(dossier)
    found.near("log evidence", fit.log_evidence, evidence, atol=EXACT)
    found.laws("posterior", driver_modes(fit), wanted.driver_posteriors())
    found.laws("smoothed", fit.smoothed(world.times), wanted.rungs(world.times))
    for question in world.questions:
        # What a question is given may be shut as well.
        with np.errstate(invalid="ignore"):
            answer = wanted.ask(question)
        if np.isnan(answer):
            with pytest.raises(core.ImpossibleEvidence):
                fit.ask(as_questions([question]))
            continue
        found.near(json.dumps(question), fit.ask(as_questions([question]))["mode"][0], answer, atol=ANSWER_FLOOR)
    theta = oracle_model.start(spec)
    slope = model.log_posterior(dossier, theta)[2]
    expected = oracle_model.complex_gradient(lambda t: oracle.log_evidence(spec, world.dossier, t), theta)
    found.near("slope", slope, expected, SLOPE, SLOPE_ZERO + SLOPE_FLOOR * np.max(np.abs(expected), initial=0.0))
    found.verdict()


def changed(fit, scenario: oracle.Scenario):
    """The kernel's fit under a scenario."""
    for condition in scenario.given:
        fit = fit.given(json.dumps(condition), None)
    if scenario.developments:
        fit = fit.given(None, json.dumps(scenario.developments))
    if scenario.without:
        fit = fit.without(scenario.without)
    for condition, since in scenario.do:
        fit = fit.do(json.dumps(condition), since)
    return fit


@pytest.mark.parametrize("seed", SCENARIO_SEEDS)
def test_scenarios(seed):
    world = world_of(seed)
    base, found, ahead = conditioned(world), Comparison(seed), world.times[-2:]
    plain = [without_given(question) for question in world.questions]
    for name, scenario in worlds.random_scenarios(world).items():
        fit, wanted = changed(base, scenario), oracle.Oracle(world.spec, world.dossier, scenario=scenario)
        if scenario.without:
            found.near(f"{name}: log evidence", fit.log_evidence, wanted.log_evidence(), atol=EXACT)
        found.laws(f"{name}: posterior", driver_modes(fit), wanted.driver_posteriors())
        found.laws(f"{name}: forecast", forecast_modes(fit, ahead), wanted.rungs(ahead))
        answers = [wanted.ask(question) for question in plain]
        found.near(f"{name}: answers", fit.ask(as_questions(plain))["mode"], answers, atol=ANSWER_FLOOR)
    found.verdict()


@pytest.mark.parametrize("entered", [False, True])
def test_two_reports_of_one_window(entered):
    """Two sources on the same window share its monitor, and both weigh."""
    rungs = ["calm", "crisis", "war"]
    ladder = {"name": "l", "rungs": rungs, "start": "calm", "rate": [{"moves": "up", "rate": 0.05, "per": "day"}]}
    spec = {"name": "twins", "origin": "2025-01-01", "ladder": [ladder]}
    window = {"between": ["2025-01-10", "2025-01-20"]} | ({"entered": True} if entered else {})
    crisis = {"ladder": "l", "at_least": "crisis"}
    said = [{"saw": crisis, "hit": 0.8, "false_alarm": 0.1}, {"never": crisis, "hit": 0.7, "false_alarm": 0.3}]
    dossier = {"as_of": "2025-02-01", "development": [{"id": f"n{k}"} | x | window for k, x in enumerate(said)]}
    fit = core.Model(json.dumps(spec)).condition(json.dumps(dossier))
    wanted, found = oracle.Oracle(spec, dossier), Comparison(0)
    found.near("log evidence", fit.log_evidence, wanted.log_evidence(), atol=EXACT)
    found.laws("smoothed", fit.smoothed(["2025-01-15"]), wanted.rungs(["2025-01-15"]))
    found.verdict()


def test_a_window_entered_by_rare_moves():
    """Out, in again, out a second time: more moves than there are rungs, each as rare as the last, at full accuracy."""
    rates = [{"moves": "up", "rate": 1e-6, "per": "day"}, {"moves": "down", "rate": 2.5e-7, "per": "day"}]
    spec = {"name": "rare", "origin": "2025-01-01", "ladder": [{"name": "l", "rungs": ["low", "high"], "rate": rates}]}
    spec["ladder"][0]["start"] = "high"
    high, window = {"ladder": "l", "is": "high"}, ["2025-02-12", "2025-02-14"]
    said = [{"saw": high, "on": window[0]}, {"saw": high, "entered": True, "between": window}]
    dossier = {"as_of": "2025-04-01", "development": [{"id": f"n{k}"} | x for k, x in enumerate(said)]}
    fit = core.Model(json.dumps(spec)).condition(json.dumps(dossier))
    wanted, found, times = oracle.Oracle(spec, dossier), Comparison(0), ["2025-02-15", "2025-03-01", "2025-04-01"]
    found.near("log evidence", fit.log_evidence, wanted.log_evidence(), atol=EXACT)
    found.laws("filtered", fit.filtered(times), wanted.filtered(times))
    found.laws("smoothed", fit.smoothed(times), wanted.rungs(times))
    found.verdict()
