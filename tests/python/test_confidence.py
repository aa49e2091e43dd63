"""Confidence apart from likelihood: its three grounds by closed forms, the rule, and what counts as judgement."""

from __future__ import annotations

from itertools import product

import matplotlib as mpl
import numpy as np
import pytest
from scipy import stats

import escalade as esc
from escalade.confidence import judgements, level_of, telling

mpl.use("Agg")

NINETY = 2 * stats.norm.ppf(0.95)


def logit(p):
    return np.log(p / (1 - p))


def two(first, second) -> tuple[esc.Model, esc.Question]:
    """A question that hangs on two intensities alike: 1 − exp(−(a + b) T)."""
    m = esc.Model(origin="2024-11-30")
    a = m.ladder("a", ["quiet", "war"], up=first)
    b = m.ladder("b", ["quiet", "war"], up=second)
    by = "2025-11-30"
    return m, (esc.reach(a == "war", by=by) | esc.reach(b == "war", by=by)).named("war")


def test_the_width_is_that_of_the_interval_on_log_odds():
    m, war = two(esc.per_year(0.3, spread=2), esc.per_year(0.2, spread=1.5))
    fit = m.fit(esc.Dossier(as_of="2024-11-30"))
    answer, told = fit.ask(war, level=0.9)[0], fit.confidence(war)["war"]
    assert told["width"] == pytest.approx(logit(answer.high) - logit(answer.low), rel=1e-12)


@pytest.mark.parametrize("basis", [None, "base rate"])
def test_the_share_of_judgement_by_hand(basis):
    """To first order each intensity brings (dp/dln q · sd ln q)², and dp/dln q is in proportion to q."""
    m, war = two(esc.per_year(0.3, spread=2), esc.per_year(0.2, spread=1.5, basis=basis))
    told = m.condition(esc.Dossier(as_of="2024-11-30")).confidence(war)["war"]
    a, b = (0.3 * np.log(2)) ** 2, (0.2 * np.log(1.5)) ** 2
    assert told["judgement"] == pytest.approx(1.0 if basis is None else a / (a + b), rel=1e-9)


def test_a_count_over_an_exposure_is_a_base_rate():
    m, war = two(esc.per_year(0.3, spread=2), esc.base_rate(4, over="20 years"))
    told = m.condition(esc.Dossier(as_of="2024-11-30")).confidence(war)["war"]
    mode = 4.5 / 20
    gamma = stats.gamma(4.5, scale=1 / 20)
    b = (mode * np.log(gamma.ppf(0.95) / gamma.ppf(0.05)) / NINETY) ** 2
    a = (0.3 * np.log(2)) ** 2
    assert told["judgement"] == pytest.approx(a / (a + b), rel=1e-6)
    said = esc.base_rate(4, over="20 years", basis="judgement")  # events that somebody made up
    m, war = two(esc.per_year(0.3, spread=2), said)
    assert m.condition(esc.Dossier(as_of="2024-11-30")).confidence(war)["war"]["judgement"] == pytest.approx(1.0)


def test_what_developments_taught_is_no_judgement():
    m = esc.Model(origin="2020-01-01")
    tests = m.events("tests", rate=esc.per_year(4, spread=4))
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2))
    m.events("strikes", given=front, rate=esc.per_year([1, 8], spread=1.5))
    d = esc.Dossier(as_of="2024-11-30")
    d.counted(tests, count=20, over=("2020-01-01", "2024-11-30"))
    rows = {row["name"]: row for row in m.fit(d).parameters()}
    part = {name: own for name, (own, _) in judgements(rows.values()).items()}
    # A log-normal prior of sd ln 4 and twenty events: the precision of the logarithm at the mode is 1/(ln 4)² + λT.
    expected = rows["tests"]["mode"] * 12 * (np.datetime64("2024-12-01") - np.datetime64("2020-01-01")).astype(int)
    left = (1 / np.log(4) ** 2) / (1 / np.log(4) ** 2 + expected / 365.25)
    assert part["tests"] == pytest.approx(left, rel=1e-3)
    assert part["front: up"] == pytest.approx(1.0, abs=0.02)


def test_entries_of_a_row_count_once_together():
    rows = [
        {"name": "us", "prior": "Dirichlet worth 10", "states": ["a", "b", "c"], "value": [0.5, 0.5, 0.0]},
        {"name": "x", "prior": "flat on the log", "value": 1.0, "learnt": 1.0},
        {"name": "y", "prior": "log-normal", "value": 1.0, "learnt": -0.69},
    ]
    assert judgements(rows) == {
        "us: a": (1.0, 0.5),
        "us: b": (1.0, 0.5),
        "us: c": (1.0, 0.5),
        "x": (0.0, 1.0),
        "y": (1.0, 1.0),
    }


def test_sources_weigh_by_what_the_answer_loses_without_each():
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "tense", "war"], up=esc.per_month(0.1, spread=2), down=esc.per_month(0.2))
    d = esc.Dossier(as_of="2024-11-30")
    d.saw(front >= "tense", on="2024-11-10", grade="B2", id="tense")
    d.saw(front == "quiet", on="2024-10-20", hit=0.8, false_alarm=0.5, id="rumour")
    d.never(front == "war", between=("2024-10-01", "2024-11-30"), id="no war")
    war = esc.reach(front == "war", by="2025-06-30", name="war")
    fit = m.condition(d)
    lost = [abs(logit(fit.at_mode(war)) - logit(fit.without(id).at_mode(war))) for id in ("tense", "rumour", "no war")]
    told = [0.85 * 0.7, 0.3, 0.0]  # B2: r (2c − 1); nothing is stated of the last
    row = fit.confidence(war)["war"]
    assert row["sources"] == pytest.approx(np.dot(lost, told) / sum(lost), rel=1e-9)
    assert "most of it tense" in row["reason"]


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        ({}, 0.0),
        ({"measured": {}}, 0.0),
        ({"grade": "A1"}, 0.95 * (2 * 0.97 - 1)),
        ({"grade": "c3"}, 0.7 * 0.3),
        ({"grade": "A5"}, 0.0),  # reported, and held to be false: it does not carry what it says
        ({"grade": "F6"}, 0.0),
        ({"hit": 0.9}, 0.9),
        ({"grade": "B2", "false_alarm": 0.0}, 0.85 * 0.85 + 0.075),
        ({"trust": {"driver": "x", "rates": {"honest": "B2", "playing": [0.5, 0.5]}}}, 0.85 * 0.7 / 2),
    ],
)
def test_what_a_source_tells(tree, wanted):
    assert telling(tree) == pytest.approx(wanted, rel=1e-12)


def test_the_rule_is_as_it_says():
    for parts in product(("low", "moderate", "high"), repeat=3):
        counts = {level: parts.count(level) for level in set(parts)}
        middle = "moderate"
        if counts.get("high", 0) >= 2:
            middle = "moderate" if "low" in parts else "high"
        elif counts.get("low", 0) >= 2:
            middle = "low"
        assert level_of(parts) == middle
    rule = esc.confidence_rule()
    assert len(rule) == 3 and "never high where one of them is low" in str(rule)


def test_the_ends_of_the_rule():
    def of(width, judgement, sources):
        one = (np.array([width]), np.array([judgement]), np.array([sources]))
        return esc.Confidence(("q",), *one, (None,), (None,), "2024-11-30").parts[0]

    assert of(np.log(4), 1 / 3, 0.5) == ("high", "high", "high")
    assert of(np.log(16), 2 / 3, 0.2) == ("moderate", "moderate", "moderate")
    assert of(np.log(16.1), 0.67, 0.19) == ("low", "low", "low")
    assert of(np.nan, np.nan, np.nan) == ("low", "low", "low")
    assert of(np.inf, 0.0, 1.0) == ("low", "high", "high")


def test_nothing_stated_is_low_and_says_so():
    m, war = two(esc.per_year(0.3), esc.per_year(0.2))
    row = m.condition(esc.Dossier(as_of="2024-11-30")).confidence(war)["war"]
    assert row["level"] == "low"
    assert row["reason"] == (
        "interval: none (low); judgement: all numbers are fixed (low); sources: none carries it (low)"
    )


def test_it_says_nothing_of_likelihood():
    m, war = two(esc.per_year(0.3, spread=2), esc.per_year(0.2, spread=1.5))
    told = m.fit(esc.Dossier(as_of="2024-11-30")).confidence(war)
    words = [word for name in ("PHIA", "ICD 203", "Kent") for word in esc.yardstick(name).word]
    assert not any(word in str(told) for word in words)
    assert "probability" not in told.columns()


def test_the_articles_questions(tmp_path):
    model, dossier, questions = esc.datasets.article()
    told = model.condition(dossier).confidence(list(questions)[:2])
    assert np.isnan(told.width).all() and set(told.level) <= {"low", "moderate"}
    assert (told.judgement > 0.9).all() and ((told.sources > 0.4) & (told.sources < 0.97)).all()
    ax = told.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == list(told.question)
    ax.figure.savefig(tmp_path / "confidence.png")
    assert list(told.to_frame().columns)[:2] == ["question", "level"]
