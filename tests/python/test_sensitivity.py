"""How answers hang on numbers, beside central differences and roots found by scipy on fits at other numbers."""

import matplotlib
import numpy as np
import pytest
from scipy import optimize, stats

import escalade as esc
from escalade.values import to_json

matplotlib.use("agg")
EXACT = 1e-8
MONTH = 30.4375


def crisis() -> tuple[esc.Model, esc.Dossier, esc.Question]:
    m = esc.Model("a crisis", origin="2024-01-01")
    us = m.driver("us", {"steady": 0.5, "weak": 0.3, "gone": 0.2}, worth=20)
    front = m.ladder(
        "front", ["quiet", "tense", "war"], up=esc.per_month(0.2, spread=2), down=esc.base_rate(6, over="2 years")
    )
    front.effect(us == "gone", up=esc.factor(2, spread=1.5))
    tone = m.status(
        "tone", ["mild", "sharp"], given=front, table=esc.table([[0.8, 0.2], [0.5, 0.5], [0.1, 0.9]], worth=10)
    )
    d = esc.Dossier(as_of="2024-06-30")
    d.saw(front >= "tense", between=("2024-02-01", "2024-02-20"), grade="B2")
    d.saw(tone == "sharp", on="2024-05-01")
    return m, d, esc.reach(front == "war", by="2024-12-31", name="war this year")


def answer(m: esc.Model, d: esc.Dossier, question: esc.Question, theta: np.ndarray) -> float:
    core = m._core.condition(d._checked(m._core), theta)
    return float(core.ask(to_json(esc.Questions(question).to_dict()))["mode"][0])


def moved(m: esc.Model, theta: np.ndarray, name: str, value: float) -> np.ndarray:
    """θ with one number at a value; entries of a row keep their proportions."""
    names = m._core.coordinates()
    out = theta.copy()
    if f"ln {name}" in names:
        out[names.index(f"ln {name}")] = np.log(value)
        return out
    row, state = name.rsplit(": ", 1)
    places = [k for k, n in enumerate(names) if n.startswith(f"ln {row}: ")]
    states = [names[k].removeprefix(f"ln {row}: ").split(" / ")[0] for k in places]
    last = names[places[0]].split(" / ")[1]
    logits = np.append(theta[places], 0.0)
    p = np.exp(logits) / np.exp(logits).sum()
    k = [*states, last].index(state)
    p = p * (1 - value) / (1 - p[k])
    p[k] = value
    out[places] = np.log(p[:-1] / p[-1])
    return out


@pytest.fixture(scope="module")
def told() -> tuple:
    m, d, war = crisis()
    fit = m.fit(d, draws=10)
    return m, d, war, fit, np.array(fit._core.theta), fit.sensitivity(war, top=50)


def in_days(table: esc.Tornado, k: int, x: float) -> float:
    return x / MONTH if table.unit[k] == "per month" else x


def test_slopes_are_those_of_central_differences(told) -> None:
    m, d, war, _, theta, table = told
    assert len(table) == 2 + 1 + 3 + 6
    for k, name in enumerate(table.number):
        value = in_days(table, k, table.value[k])
        h = 1e-5 * value
        high, low = (answer(m, d, war, moved(m, theta, name, value + side * h)) for side in (1, -1))
        slope = (high - low) / (2 * h) / (MONTH if table.unit[k] == "per month" else 1)
        assert table.slope[k] == pytest.approx(slope, rel=1e-5, abs=EXACT), name
        assert table.elasticity[k] == pytest.approx(
            table.slope[k] * table.value[k] / table.probability, rel=1e-9, abs=1e-12
        )


def test_ends_are_those_of_the_priors_and_answers_those_of_fits_there(told) -> None:
    m, d, war, _, theta, table = told
    wanted = {
        "front: up": np.exp(np.log(0.2) + np.array([-1, 1]) * stats.norm.ppf(0.95) * np.log(2)),
        "front: down": stats.gamma.ppf([0.05, 0.95], 6.5, scale=1 / (2 * 365.25)) * MONTH,
        "us: gone": stats.beta.ppf([0.05, 0.95], 4, 16),
        "tone | front = tense: sharp": stats.beta.ppf([0.05, 0.95], 5, 5),
    }
    for name, ends in wanted.items():
        row = table[name]
        assert (row["low"], row["high"]) == pytest.approx(tuple(ends), rel=1e-6), name
    for k, name in enumerate(table.number):
        for value, there in ((table.low[k], table.at_low[k]), (table.high[k], table.at_high[k])):
            assert there == pytest.approx(answer(m, d, war, moved(m, theta, name, in_days(table, k, value))), rel=EXACT)
    swings = np.abs(table.at_high - table.at_low)
    assert (np.diff(swings) <= 1e-15).all()


def test_a_number_that_does_nothing_is_not_first() -> None:
    """On the scale of logits a rare state's belief is wide without end."""
    m = esc.Model(origin="2024-01-01")
    m.driver("idle", {"a": 0.001, "b": 0.999}, worth=1)
    will = m.driver("will", {"a": 0.02, "b": 0.98}, worth=2)
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.7, spread=2))
    front.effect(will == "a", up=1.2)
    war = esc.reach(front == "war", by="2024-12-31")
    table = m.condition(esc.Dossier(as_of="2024-01-01")).sensitivity(war, top=3)
    assert table.number[0] == "front: up"


def test_breaking_points_are_roots(told) -> None:
    m, d, war, fit, theta, table = told
    line = table.probability + 0.05
    found = fit.breaking_points(war, at=line, top=20)
    some = 0
    for k, name in enumerate(found.number):
        if np.isnan(found.at[k]):
            continue
        some += 1
        at = found.at[k] / (MONTH if found.unit[k] == "per month" else 1)
        assert answer(m, d, war, moved(m, theta, name, at)) == pytest.approx(line, abs=1e-7), name
    assert some >= 3
    row = found["front: up"]
    median = np.log(0.2)
    assert row["quantile"] == pytest.approx((np.log(row["at"]) - median) / np.log(2), rel=1e-6)
    by_scipy = optimize.brentq(
        lambda x: answer(m, d, war, moved(m, theta, "front: up", x / MONTH)) - line, 0.01, 2, xtol=1e-12
    )
    assert row["at"] == pytest.approx(by_scipy, rel=1e-6)


def test_two_numbers_at_once(told) -> None:
    m, d, war, fit, theta, _ = told
    table = fit.two_way(war, "front: up", "us: gone", n=4)
    for i, j in np.ndindex(4, 4):
        both = moved(m, moved(m, theta, "front: up", table.first[i] / MONTH), "us: gone", table.second[j])
        assert table.probability[i, j] == pytest.approx(answer(m, d, war, both), rel=EXACT)
    assert table.plot().get_ylabel() == "front: up (per month)"


def test_what_is_shown_and_refused(told) -> None:
    _, _, war, fit, _, table = told
    assert table.plot().get_title(loc="left") == "war this year"
    assert len(table.shown()["number"]) == len(table)
    assert len(table.to_frame()) == len(table)
    assert fit.breaking_points(war, at=0.99, top=3).caption().startswith("war this year")
    with pytest.raises(esc.SpecError, match="one question"):
        fit.sensitivity([war, war.named("again")])
    with pytest.raises(esc.SpecError, match="between 0 and 1"):
        fit.breaking_points(war, at=1)
    with pytest.raises(esc.SpecError, match="no free number"):
        fit.two_way(war, "front: up", "front: sideways")


def test_a_flat_number_is_believed_as_it_was_learnt() -> None:
    m = esc.Model(origin="2024-01-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.free(esc.per_month(0.1)), down=esc.per_month(0.3))
    d = esc.Dossier(as_of="2024-12-31")
    d.never(front == "war", between=("2024-01-01", "2024-05-31"))
    d.moved(front, "quiet", "war", on="2024-06-01T06:00")
    fit = m.fit(d, draws=10)
    row = fit.sensitivity(esc.reach(front == "war", by="2025-06-30"))[0]
    assert row["low"] < row["value"] < row["high"]
    assert row["at_low"] < row["at_high"]
