"""Judgements about answers: their density and slope against the oracle, how far they give way, what is refused."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest
from scipy import stats

import escalade as esc
import oracle
import oracle_model
import worlds

core = pytest.importorskip("escalade._core")

LOW, HIGH = np.log(0.25 / 0.75), np.log(0.35 / 0.65)  # the band of "unlikely", as logits
QUARTILE = stats.norm.ppf(0.75)


def judged(world: worlds.World) -> dict:
    """The world with a word on its first question and a number on its second."""
    spec = deepcopy(world.spec)
    asked = [{key: q[key] for key in ("name", "ask", "given") if key in q} for q in world.questions[:2]]
    spec["expect"] = [asked[0] | {"chance": "unlikely"}, asked[1] | {"chance": 0.3, "spread": 2.0}]
    return spec


def log_density(world: worlds.World, theta):
    """The same two, by the oracle."""
    total, wanted = 0.0, oracle.Oracle(world.spec, world.dossier, theta)
    judgements = [((LOW + HIGH) / 2, (HIGH - LOW) / (2 * QUARTILE)), (np.log(0.3 / 0.7), np.log(2.0))]
    for question, (mean, sd) in zip(world.questions, judgements, strict=False):
        # Both asked: 1 minus an answer that is nearly sure has few digits.
        p, rest = wanted.ask(question), wanted.ask(question | {"ask": {"not": question["ask"]}})
        z = (np.log(p / rest) - mean) / sd
        total += -0.5 * z**2 - np.log(sd) - 0.5 * np.log(2 * np.pi)
    return total


@pytest.mark.parametrize("seed", [1001, 1003, 1007, 1008, 1009, 1011])
def test_density_and_slope(seed):
    world = worlds.random_world(seed, small=True)
    theta, dossier = world.theta, json.dumps(world.dossier)
    _, prior, _, slope = core.Model(json.dumps(judged(world))).log_posterior(dossier, theta)
    _, plain, _, plain_slope = core.Model(json.dumps(world.spec)).log_posterior(dossier, theta)
    assert prior - plain == pytest.approx(log_density(world, np.asarray(theta)), rel=1e-8, abs=1e-8)
    wanted = oracle_model.complex_gradient(lambda t: log_density(world, t), theta)
    slack = 1e-9 * np.max(np.abs(wanted)) + 1e-12
    assert slope - plain_slope == pytest.approx(wanted, rel=1e-6, abs=slack)


def front(*expected: tuple[str, float | str, float | None]) -> tuple[esc.Model, esc.Question]:
    m = esc.Model(origin="2024-10-01")
    ladder = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=3))
    war = esc.reach(ladder == "war", by="2025-10-01", name="war")
    for name, chance, spread in expected:
        m.expect(war.named(name), chance, spread=spread, source="a judge")
    return m, war


def test_the_mode_moves_to_the_judgement():
    m, war = front(("war", 0.05, 1.2))
    alone, told = front()[0].fit(esc.Dossier(as_of="2024-10-01")), m.fit(esc.Dossier(as_of="2024-10-01"))
    before, after = alone.ask([war])[0].mode, told.ask([war])[0].mode
    assert before == pytest.approx(1 - np.exp(-0.5 * 366 / 365.25), rel=1e-6) and 0.05 < after < 0.07
    # One parameter: the mode of the product of two densities of ln q, found on a grid.
    logs = np.linspace(np.log(0.001), np.log(2), 200001)
    p = -np.expm1(-np.exp(logs) * 366 / 365.25)
    value = -0.5 * ((logs - np.log(0.5)) / np.log(3)) ** 2
    value -= 0.5 * ((np.log(p / (1 - p)) - np.log(0.05 / 0.95)) / np.log(1.2)) ** 2
    assert after == pytest.approx(p[np.argmax(value)], rel=1e-3)
    row = told.expectations()["war"]
    assert row["answer"] == pytest.approx(after) and row["gave_way"] > 0 and row["source"] == "a judge"


def test_what_all_else_says_is_a_fit_without_it():
    """Where all is nearly normal, leaving a judgement out of the normal around the mode is fitting without it."""
    m, war = front(("first", 0.1, 1.5), ("second", 0.12, 1.5))
    told = m.fit(esc.Dossier(as_of="2024-10-01")).expectations()
    for left, kept in (("first", ("second", 0.12, 1.5)), ("second", ("first", 0.1, 1.5))):
        alone = front(kept)[0].fit(esc.Dossier(as_of="2024-10-01")).ask([war])[0].mode
        assert told[left]["others"] == pytest.approx(alone, rel=0.02)
    assert told.in_conflict == []


def test_judgements_that_contradict_each_other_are_named():
    m, _ = front(("dove", "remote chance", None), ("hawk", "highly likely", None))
    told = m.fit(esc.Dossier(as_of="2024-10-01")).expectations()
    assert set(told.in_conflict) == {"dove", "hawk"}
    assert told["dove"]["gave_way"] > 0 > told["hawk"]["gave_way"]
    assert "disagrees with" in told.text() and "hawk" in told.to_frame().to_string()


def test_judges_know_what_was_reported_by_their_day():
    """A judgement of October is about the answer in October; one made after the dossier's date is not there."""
    m = esc.Model(origin="2024-10-01")
    ladder = m.ladder("front", ["quiet", "skirmish", "war"], up=esc.per_year(0.5, spread=3))
    war = esc.reach(ladder == "war", by="2025-10-01")
    m.expect(war.named("early"), 0.05, spread=1.5, known="2024-10-10")
    m.expect(war.named("late"), 0.05, spread=1.5, known="2025-02-01")
    d = esc.Dossier(as_of="2024-12-01")
    d.saw(ladder == "skirmish", on="2024-11-20")
    told = m.fit(d).expectations()
    assert [row["name"] for row in told] == ["early"]
    assert told["early"]["answer"] < 0.5 * m.fit(d).ask([war])[0].mode  # the skirmish came later


def test_files_keep_them():
    m, _ = front(("war", "unlikely", None))
    again = esc.Model.from_toml(m.to_toml())
    assert again == m and again.to_dict()["expect"][0]["chance"] == "unlikely"


@pytest.mark.parametrize(
    ("chance", "about", "says"),
    [
        (0.2, {}, "no spread"),
        (1.0, {"spread": 2.0}, "less than 1"),
        ("perhaps", {}, "no word of the yardstick"),
        ("unlikely", {"known": "2026-01-01"}, "after now"),
        ("unlikely", {"known": "2020-01-01"}, "before the model's origin"),
    ],
)
def test_refusals(chance, about, says):
    m, war = front()
    with pytest.raises(esc.SpecError, match=says):
        m.expect(war, chance, **about)
    assert "expect" not in m.to_dict()


def test_a_judgement_whose_date_has_passed_is_refused():
    m, _ = front(("war", "unlikely", None))
    with pytest.raises(esc.SpecError, match="known"):
        m.fit(esc.Dossier(as_of="2025-11-01"))
