"""Reports whose rates hang on a driver: the law of total probability over its states, each an ordinary dossier."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest

import escalade as esc
import worlds

core = pytest.importorskip("escalade._core")

EXACT = 1e-9
SLOPE = 1e-5
STATES = ["honest", "careless", "playing"]


def trusting(seed: int, own: bool) -> tuple[dict, dict, str, list[tuple[int, dict[str, list[float]]]]] | None:
    """A world whose states and windows hang on one driver: one of its own, or a new one that nothing else looks at."""
    world, dice = worlds.random_world(seed), np.random.default_rng([4, seed])
    spec, dossier = deepcopy(world.spec), deepcopy(world.dossier)
    if not own or not spec["driver"]:
        spec["driver"].append({"name": "source", "states": STATES, "table": [0.6, 0.3, 0.1], "worth": 5})
    driver = spec["driver"][-1]
    given = []
    for k, development in enumerate(dossier["development"]):
        if worlds.kind_of(development) in ("state", "window", "driver") and dice.random() < 0.8:
            rates = {state: [float(x) for x in dice.uniform(0.05, 0.95, 2)] for state in driver["states"]}
            development.pop("hit", None), development.pop("false_alarm", None)
            development["trust"] = {"driver": driver["name"], "rates": rates}
            given.append((k, rates))
    return (spec, dossier, driver["name"], given) if given else None


def plainly(dossier: dict, driver: str, state: str, given: list) -> dict:
    """The dossier where the driver is in a state for sure."""
    out = deepcopy(dossier)
    for k, rates in given:
        del out["development"][k]["trust"]
        out["development"][k] |= dict(zip(("hit", "false_alarm"), rates[state], strict=True))
    out["development"].append({"id": "which", "saw": {"driver": driver, "is": state}})
    return out


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("seed", range(2000, 2020))
def test_what_is_trusted_is_summed_out(seed: int, own: bool) -> None:
    made = trusting(seed, own)
    if made is None:
        pytest.skip("nothing to trust in this world")
    spec, dossier, driver, given = made
    model = core.Model(json.dumps(spec))
    fit = model.condition(json.dumps(dossier))
    questions = json.dumps({"question": worlds.random_world(seed).questions})
    states = next(d["states"] for d in spec["driver"] if d["name"] == driver)
    logs, answers = [], []
    for state in states:
        try:
            one = model.condition(json.dumps(plainly(dossier, driver, state, given)))
        except core.ImpossibleEvidence:
            logs.append(-np.inf)
            answers.append(None)
            continue
        logs.append(one.log_evidence)
        answers.append(one)
    total = np.logaddexp.reduce(logs)
    assert fit.log_evidence == pytest.approx(total, rel=EXACT, abs=EXACT)
    weights = np.exp(np.array(logs) - total)
    np.testing.assert_allclose(fit.drivers()[driver]["mode"], weights, rtol=EXACT, atol=1e-15)
    laws = sum(
        w * np.array(one.forecast(["2025-06-01"])["ladders"]["l0"]["mode"])
        for w, one in zip(weights, answers, strict=True)
        if one
    )
    np.testing.assert_allclose(fit.forecast(["2025-06-01"])["ladders"]["l0"]["mode"], laws, rtol=EXACT, atol=1e-15)
    plain = [q for q in json.loads(questions)["question"] if "given" not in q]
    asked = json.dumps({"question": plain})
    if plain:
        wanted = sum(w * np.array(one.ask(asked)["mode"]) for w, one in zip(weights, answers, strict=True) if one)
        np.testing.assert_allclose(fit.ask(asked)["mode"], wanted, rtol=EXACT, atol=1e-25)


@pytest.mark.parametrize("seed", [2001, 2004, 2010])
def test_the_gradient_is_that_of_differences(seed: int) -> None:
    made = trusting(seed, False)
    assert made is not None
    spec, dossier, *_ = made
    model, said = core.Model(json.dumps(spec)), json.dumps(dossier)
    theta = np.array(model.condition(said).theta)
    _, _, gradient, _ = model.log_posterior(said, theta)
    for k in range(len(theta)):
        step = np.zeros(len(theta))
        step[k] = 1e-5
        high, low = (model.log_posterior(said, theta + side * step)[0] for side in (1, -1))
        assert gradient[k] == pytest.approx((high - low) / 2e-5, rel=SLOPE, abs=SLOPE)


def reported(days: list[str], trust: dict | None) -> esc.Fit:
    m = esc.Model(origin="2024-10-01")
    ministry = m.driver("ministry", {"honest": 0.8, "playing": 0.2})
    front = m.ladder(
        "front", ["quiet", "war"], start={"quiet": 0.5, "war": 0.5}, up=esc.per_day(0), down=esc.per_day(0)
    )
    d = esc.Dossier(as_of="2024-11-30")
    about = {"trust": {ministry: trust}} if trust else {"hit": 0.82, "false_alarm": 0.14}
    for day in days:
        d.saw(front == "war", on=day, **about)
    assert esc.Dossier.from_toml(d.to_toml()) is not None
    return m.condition(esc.Dossier.from_toml(d.to_toml()))


def test_reports_that_share_a_source_weigh_less_together() -> None:
    """By hand: sums over the ministry of products of its rates."""
    trust = {"honest": (0.9, 0.05), "playing": (0.5, 0.5)}
    days = ["2024-10-20", "2024-10-21", "2024-10-22"]
    fit = reported(days, trust)
    so = 0.5 * (0.8 * 0.9**3 + 0.2 * 0.5**3)
    not_so = 0.5 * (0.8 * 0.05**3 + 0.2 * 0.5**3)
    law = fit.forecast(dates=["2024-11-30"])["front"].mean[0]
    np.testing.assert_allclose(law, [not_so / (so + not_so), so / (so + not_so)], rtol=1e-12)
    apart = reported(days, None).forecast(dates=["2024-11-30"])["front"].mean[0]
    assert apart[1] > law[1]


def test_what_is_wrong_is_said() -> None:
    m = esc.Model(origin="2024-10-01")
    ministry = m.driver("ministry", {"honest": 0.8, "playing": 0.2})
    front = m.ladder("front", ["quiet", "war"], up=esc.per_day(0.1))
    tone = m.status("tone", ["mild", "sharp"], given=front, table=[[0.9, 0.1], [0.2, 0.8]])

    def tried(what: esc.Condition, **about: object) -> None:
        d = esc.Dossier(as_of="2024-11-30")
        d.saw(what, on="2024-10-20", id="it", **about)
        m.condition(d)

    both = {"honest": "B2", "playing": (0.5, 0.5)}
    tried(front == "war", trust={ministry: both})
    with pytest.raises(esc.SpecError, match="no rates for 'playing'"):
        tried(front == "war", trust={ministry: {"honest": "B2"}})
    with pytest.raises(esc.SpecError, match="no `grade`"):
        tried(front == "war", trust={ministry: both}, grade="B2")
    with pytest.raises(esc.SpecError, match="as a parent"):
        tried(tone == "sharp", trust={ministry: both})
    with pytest.raises(esc.SpecError, match="is a ladder"):
        tried(front == "war", trust={front: both})
    with pytest.raises(esc.SpecError, match="one driver"):
        tried(front == "war", trust=both)
