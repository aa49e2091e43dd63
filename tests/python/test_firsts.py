"""Where ladders begin (by drivers, estimated, at equilibrium), and tables by formulas, against closed forms."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy.linalg import null_space

import escalade as esc

EXACT = 1e-12  # small systems, both sides to rounding
ORIGIN = "2024-01-01"


def coupled() -> tuple[esc.Model, esc.Driver, esc.Ladder, esc.Ladder]:
    """Two ladders at equilibrium that look at each other and at a driver."""
    m = esc.Model("pair", origin=ORIGIN)
    china = m.driver("restraint", {"strong": 0.7, "weak": 0.3}, worth=20)
    north = m.ladder(
        "north", ["calm", "tense", "war"], up=esc.per_month(0.5), down=esc.per_month(1), first="equilibrium"
    )
    south = m.ladder("south", ["calm", "alert"], up=esc.per_month(0.2), down=esc.per_month(2), first="equilibrium")
    north.effect(china == "weak", up=3)
    north.effect(south == "alert", all=0.5)
    south.effect(north >= "tense", up=6)
    return m, china, north, south


def null_law(weak: bool) -> np.ndarray:
    """The joint law of `coupled` at equilibrium, from the null space of its generator, a month."""
    states = list(itertools.product(range(3), range(2)))
    q = np.zeros((6, 6))
    for (a, i), (b, j) in itertools.product(enumerate(states), repeat=2):
        if i[1] == j[1] and abs(i[0] - j[0]) == 1:
            up = j[0] > i[0]
            q[a, b] = (0.5 if up else 1.0) * (3 if weak and up else 1) * (0.5 if i[1] else 1)
        elif i[0] == j[0] and i[1] != j[1]:
            q[a, b] = 2.0 if i[1] else 0.2 * (6 if i[0] >= 1 else 1)
    q -= np.diag(q.sum(axis=1))
    (law,) = null_space(q.T).T
    return (law / law.sum()).reshape(3, 2)


def test_an_equilibrium_is_the_joint_law_of_the_null_space():
    m, china, north, south = coupled()
    wanted = 0.7 * null_law(False) + 0.3 * null_law(True)
    d = esc.Dossier(as_of="2024-03-01")
    fit = m.condition(d)
    for date in ("2024-03-02", "2024-04-01", "2025-03-01"):  # and it is kept
        for (i, a), (j, b) in itertools.product(enumerate(north.rungs), enumerate(south.rungs)):
            asked = fit.ask([esc.at((north == a) & (south == b), on=f"{date}T18:00")])[0].mode
            np.testing.assert_allclose(asked, wanted[i, j], rtol=1e-10)
    given = fit.do(china == "weak", since=ORIGIN).forecast(dates=["2024-06-01"])
    np.testing.assert_allclose(np.ravel(given[north].mode), null_law(True).sum(axis=1), rtol=1e-10)
    # What is seen on the first day says something of the driver, and of both ladders at once.
    d.saw((north == "war") & (south == "alert"), on=f"{ORIGIN}T00:00")
    seen = [0.7 * null_law(False)[2, 1], 0.3 * null_law(True)[2, 1]]
    told = m.condition(d)
    np.testing.assert_allclose(told.log_evidence, math.log(sum(seen)), rtol=EXACT)
    np.testing.assert_allclose(told.drivers()["restraint"]["weak"], seen[1] / sum(seen), rtol=1e-10)


def test_a_first_rung_by_drivers_is_weighed_and_learnt():
    m = esc.Model(origin=ORIGIN)
    china = m.driver("restraint", {"strong": 0.7, "weak": 0.3})
    law = {"strong": "calm", "weak": {"calm": 0.4, "tense": 0.6}}
    m.ladder("border", ["calm", "tense"], law, start_given=china, worth=10, up=esc.per_year(1), down=esc.per_year(2))
    d = esc.Dossier(as_of=ORIGIN)
    d.saw(m["border"] == "calm", on=f"{ORIGIN}T00:00")
    fit = m.condition(d)
    np.testing.assert_allclose(fit.log_evidence, math.log(0.7 + 0.3 * 0.4), rtol=EXACT)
    np.testing.assert_allclose(fit.drivers()["restraint"]["weak"], 0.12 / 0.82, rtol=EXACT)
    # A Dirichlet worth 10, and the chance that the observation speaks of its row: (α + s) / (α + β + s) at the mode.
    learnt = m.fit(d, draws=0)._core
    assert learnt.coordinates() == ["ln border: first rung | restraint = weak: calm / tense"]
    p = 1 / (1 + math.exp(-learnt.theta[0]))
    share = 0.3 * p / (0.7 + 0.3 * p)
    np.testing.assert_allclose(p, (4 + share) / (10 + share), rtol=1e-8)


def test_an_estimated_first_rung_needs_a_prior_to_be_drawn():
    m = esc.Model(origin=ORIGIN)
    border = m.ladder("border", ["calm", "tense"], first="estimated", up=esc.per_year(1), down=esc.per_year(2))
    d = esc.Dossier(as_of="2024-02-01")
    d.likelihood(border, {"calm": 0.2, "tense": 0.8}, on="2024-01-05")
    with pytest.raises(esc.Unidentified, match="border: first rung' has a flat prior"):
        m.sample(d, draws=10, tune=10, chains=1, progress=False)
    with pytest.raises(esc.Unidentified, match="border: first rung"):
        m.fit(esc.Dossier(as_of="2024-02-01"), draws=0)
    proper = esc.Model(origin=ORIGIN)
    border = proper.ladder("border", ["calm", "tense"], worth=8, up=esc.per_year(1), down=esc.per_year(2))
    d = esc.Dossier(as_of="2024-02-01")
    d.likelihood(border, {"calm": 0.2, "tense": 0.8}, on="2024-01-05")
    posterior = proper.sample(d, draws=500, tune=300, seed=1, progress=False)
    tense = posterior.forecast(dates=["2024-02-02"])[border].mean[0][1]
    assert 0.5 < tense < 0.9


class TestRefusals:
    def test_no_one_equilibrium(self):
        m = esc.Model(origin=ORIGIN)
        china = m.driver("restraint", {"strong": 0.7, "weak": 0.3})
        north = m.ladder("north", ["calm", "war"], up=esc.per_year(1), down=esc.per_year(1), first="equilibrium")
        north.effect(china == "weak", all=0)
        d = esc.Dossier(as_of="2024-02-01")
        d.saw(north == "calm", on="2024-01-05")
        with pytest.raises(esc.SpecError, match=r"'north'.* where restraint = weak: 2 classes .*\{calm\}, \{war\}"):
            m.fit(d)

    def test_an_equilibrium_that_rests_on_what_is_not_at_one(self):
        m = esc.Model(origin=ORIGIN)
        north = m.ladder("north", ["calm", "war"], up=esc.per_year(1), down=esc.per_year(1))
        south = m.ladder("south", ["calm", "war"], up=esc.per_year(1), down=esc.per_year(1), first="equilibrium")
        with pytest.raises(esc.SpecError, match="effect of it looks at ladder 'north', which is not"):
            south.effect(north == "war", up=2)
        assert south.to_dict().get("effect") is None

    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({"first": "equilibrium", "worth": 3}, "do not go with"),
            ({"start": {"strong": "calm"}, "start_given": "restraint"}, "no entry for restraint = 'weak'"),
            (
                {"start": {"strong": "calm", "weak": "clam"}, "start_given": "restraint"},
                "'clam'; expected one of 'calm', 'war'",
            ),
            ({"start": {"calm": 0.5, "war": 0.5}, "start_given": "restraint"}, "restraint"),
            ({"start": {"strong": "calm", "weak": "war"}}, "`start_given` names the drivers"),
            ({"start": "calm", "start_given": "china"}, "no driver 'china'"),
            ({"start_given": "restraint"}, "expected start="),
            ({"start": {"calm": 0.5, "war": 0.6}}, "sums to 1.1"),
            ({"worth": 0}, "worth 0 observations"),
        ],
    )
    def test_what_is_wrong_is_named(self, more, says):
        m = esc.Model(origin=ORIGIN)
        m.driver("restraint", {"strong": 0.7, "weak": 0.3})
        with pytest.raises(esc.SpecError, match=says):
            m.ladder("north", ["calm", "war"], up=esc.per_year(1), down=esc.per_year(1), **more)
        assert "north" not in m

    @pytest.mark.parametrize(
        ("law", "says"),
        [
            (esc.noisy_or({"restraint": 0.5, "korea": 0.5}), "korea"),
            (esc.noisy_or({"restraint": 1.5}), "1.5"),
            (esc.logistic({"restraint": 1.0}, cuts=[1.0, 0.0]), "cuts"),
        ],
    )
    def test_formulas(self, law, says):
        m = esc.Model(origin=ORIGIN)
        m.driver("restraint", {"strong": 0.7, "weak": 0.3})
        with pytest.raises(esc.EscaladeError, match=says):
            m.status("alarm", ["no", "yes"], table=law)
        assert "alarm" not in m
        with pytest.raises(esc.SpecError, match="same parents"):
            m.status("alarm", ["no", "yes"], given="korea", table=esc.noisy_or({"restraint": 0.5}))


def test_files_say_what_builders_say():
    m, china, north, _ = coupled()
    m.ladder("sea", ["open", "shut"], [{"open": 1}, [0.25, 0.75]], start_given=china, up=esc.per_year(1), worth=4)
    m.ladder("air", ["open", "shut"], first="estimated", up=esc.per_year(1))
    m.status("alarm", ["no", "yes"], table=esc.noisy_or({china: 0.3, north: [0.2, 0.9]}, leak=0.01))
    m.status("damage", ["none", "some", "much"], table=esc.noisy_max({north: [[0.5, 0.3, 0.2], [0, 0, 1]]}))
    m.status("mood", ["low", "high"], given=[china, north], table=esc.logistic({north: 1.5, china: -1}, cuts=0.5))
    m.status("tone", ["low", "high"], table=esc.ranked({north: 2, china: 1}, spread=0.2), worth=5)
    text = m.to_toml()
    assert esc.Model.from_toml(text) == m and esc.Model.from_dict(m.to_dict()) == m
    assert 'start_given = ["restraint"]' in text and "noisy_or = { chances = { north = [0.0, 0.2, 0.9]" in text
    rows = {row["name"]: row["value"] for row in json.loads(m._core.parameters())}
    np.testing.assert_allclose(rows["sea: first rung | restraint = weak"], [0.25, 0.75])
    np.testing.assert_allclose(rows["air: first rung"], [0.5, 0.5])
    np.testing.assert_allclose(rows["alarm | restraint = weak, north = war"][0], 0.99 * 0.7 * 0.1, rtol=EXACT)
    np.testing.assert_allclose(rows["alarm | restraint = strong, north = calm"][1], 0.01, rtol=EXACT)
    np.testing.assert_allclose(rows["damage | north = tense"], [0.5, 0.3, 0.2], rtol=EXACT)
    high = 1 / (1 + math.exp(0.5 - 3 + 1))
    np.testing.assert_allclose(rows["mood | restraint = weak, north = war"][1], high, rtol=EXACT)


def test_a_noisy_or_sees_drivers_and_ladders():
    m, china, north, _ = coupled()
    alarm = m.status("alarm", ["no", "yes"], given=[china, north], table=esc.noisy_or({north: [0.2, 0.9], china: 0.3}))
    d = esc.Dossier(as_of="2024-02-01")
    d.saw(alarm == "yes", on=f"{ORIGIN}T00:00")
    silent = [1.0, 0.8, 0.1]
    wanted = 1 - 0.7 * null_law(False).sum(axis=1) @ silent - 0.3 * 0.7 * null_law(True).sum(axis=1) @ silent
    np.testing.assert_allclose(m.condition(d).log_evidence, math.log(wanted), rtol=1e-11)


def test_drivers_by_formula_are_a_network_too():
    m = esc.Model(origin=ORIGIN)
    fire, tamper = (m.driver(name, {"no": 0.5, "yes": 0.5}) for name in ("fire", "tamper"))
    m.driver("alarm", ["off", "on"], table=esc.noisy_or({fire: 0.9, tamper: 0.5}, leak=0.01))
    m.driver("bell", ["off", "on"], given="alarm", table=esc.function(lambda alarm: alarm))
    assert m.drivers.posteriors({"fire": "yes", "tamper": "yes"})["bell"]["off"] == pytest.approx(0.0495, rel=EXACT)
    net = m.drivers.copy()
    assert net.posteriors({"fire": "no", "tamper": "no"})["alarm"]["on"] == pytest.approx(0.01, rel=EXACT)
