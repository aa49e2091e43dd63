"""The priors of several heads, pooled: beside closed forms and integrals computed apart."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

import escalade as esc
from crisis import crisis

mpl.use("Agg")

WRITTEN = 3e-6  # pooled numbers are written to six digits
DAYS = 30.4375


def front(up: object, **rest: object) -> esc.Model:
    m = esc.Model("front", origin="2024-10-01")
    m.ladder("front", ["quiet", "war"], up=up, down=rest.get("down", esc.per_month(1)))
    return m


def two(ann: object, bo: object, **options: object) -> esc.PooledPriors:
    return esc.pool_priors({"ann": front(ann), "bo": front(bo)}, **options)  # type: ignore[arg-type]


def log_moments(density, low: float, high: float) -> tuple[float, float]:
    """Mean and standard deviation of a density of the logarithm, by quadrature."""
    mass, mean, square = (
        integrate.quad(lambda x, k=k: density(x) * x**k, low, high, limit=500, epsabs=1e-13)[0] for k in range(3)
    )
    return mean / mass, (square / mass - (mean / mass) ** 2) ** 0.5


def of(row: dict) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of a log-normal prior, from its 90 % interval."""
    low, high = np.log(row["prior_low"]), np.log(row["prior_high"])
    return (low + high) / 2, (high - low) / (2 * stats.norm.ppf(0.95))


def test_the_logarithmic_pool_of_log_normals_is_their_normalised_geometric_mean() -> None:
    pooled = two(esc.per_month(0.1, spread=2), esc.per_month(0.4, spread=1.3), weights={"ann": 3, "bo": 1})
    f, g = stats.norm(np.log(0.1), np.log(2)), stats.norm(np.log(0.4), np.log(1.3))
    wanted = log_moments(lambda x: f.pdf(x) ** 0.75 * g.pdf(x) ** 0.25, -8, 4)
    assert of(pooled.model.parameters()["front: up"]) == pytest.approx(wanted, abs=WRITTEN)
    precision = 0.75 / np.log(2) ** 2 + 0.25 / np.log(1.3) ** 2
    assert wanted[1] == pytest.approx(precision**-0.5, rel=1e-9)


def test_a_word_is_pooled_as_the_log_normal_that_it_is() -> None:
    pooled = two(esc.chance("unlikely", within="1 year"), esc.chance("highly likely", within="1 year"))
    phia = esc.yardstick()
    bands = {word: (low, high) for word, low, high in zip(phia.word, phia.low, phia.high, strict=True)}

    def law(word: str) -> tuple[float, float]:
        low, high = (np.log(-np.log1p(-p) / 12) for p in bands[word])
        return (low + high) / 2, (high - low) / 2 / stats.norm.ppf(0.75)

    (m1, s1), (m2, s2) = law("unlikely"), law("highly likely")
    precision = (1 / s1**2 + 1 / s2**2) / 2
    wanted = (m1 / s1**2 + m2 / s2**2) / 2 / precision, precision**-0.5
    row = pooled.model.parameters()["front: up"]
    assert of(row) == pytest.approx(wanted, abs=WRITTEN)
    assert row["note"] == "ann: unlikely within 1 year. bo: highly likely within 1 year" and "ann, bo" in row["source"]


def test_base_rates_pool_to_a_base_rate() -> None:
    pooled = two(esc.base_rate(2, over="10 years"), esc.base_rate(9, over="20 years"), weights={"ann": 1, "bo": 3})
    shape, exposure = 0.25 * 2.5 + 0.75 * 9.5, (0.25 * 10 + 0.75 * 20) * 12
    wanted = stats.gamma(shape, scale=1 / exposure)
    row = pooled.model.parameters()["front: up"]
    assert (row["prior_low"], row["prior_high"]) == pytest.approx(wanted.ppf([0.05, 0.95]), rel=WRITTEN)
    assert row["ground"] == "base rate"
    # What is learnt after pooling is what pooling makes of what was learnt.
    assert (shape + 4) == pytest.approx(0.25 * 6.5 + 0.75 * 13.5)


def test_the_linear_pool_has_the_mean_and_deviation_of_the_mixture() -> None:
    weights = {"ann": 1, "bo": 2}
    pooled = two(esc.per_month(0.1, spread=2), esc.per_month(0.4, spread=1.3), how="linear", weights=weights)
    f, g = stats.norm(np.log(0.1), np.log(2)), stats.norm(np.log(0.4), np.log(1.3))
    wanted = log_moments(lambda x: f.pdf(x) / 3 + g.pdf(x) * 2 / 3, -8, 4)
    assert of(pooled.model.parameters()["front: up"]) == pytest.approx(wanted, abs=WRITTEN)
    # A base rate beside a judgement: the logarithm of a Gamma variable has mean ψ(s) − ln T and variance ψ′(s).
    pooled = two(esc.base_rate(0, over="10 years"), esc.per_month(0.4, spread=1.3), how="linear")
    mean, variance = special.digamma(0.5) - np.log(120), special.polygamma(1, 0.5)
    middle = (mean + np.log(0.4)) / 2
    spread = (variance + np.log(1.3) ** 2) / 2 + (mean - np.log(0.4)) ** 2 / 4
    assert of(pooled.model.parameters()["front: up"]) == pytest.approx((middle, spread**0.5), abs=2e-5)


def test_a_base_rate_and_a_judgement_pool_to_what_the_integral_says() -> None:
    pooled = two(esc.base_rate(3, over="10 years"), esc.per_month(0.4, spread=1.3), weights={"ann": 2, "bo": 1})
    # On the logarithm a Gamma prior is q^s e^(−qT).
    wanted = log_moments(
        lambda x: np.exp(2 / 3 * (3.5 * x - 120 * np.exp(x)) + stats.norm.logpdf(x, np.log(0.4), np.log(1.3)) / 3),
        -8,
        3,
    )
    assert of(pooled.model.parameters()["front: up"]) == pytest.approx(wanted, abs=2e-5)


def test_fixed_and_flat_numbers() -> None:
    both = two(esc.per_month(0.2), esc.per_month(0.4, spread=2))
    assert both.model.parameters()["front: up"]["fixed"] and both["front: up"]["mode"] == 0.2
    with pytest.raises(esc.SpecError, match="front: up: heads hold it fixed at 0.2 and 0.4"):
        two(esc.per_month(0.2), esc.per_month(0.4))
    linear = two(esc.per_month(0.2), esc.per_month(0.4), how="linear").model.parameters()["front: up"]
    assert of(linear) == pytest.approx((np.log(0.08) / 2, np.log(2) / 2), abs=WRITTEN)
    flat = two(esc.free(esc.per_month(1)), esc.per_month(0.4, spread=2))
    # Half the weight is on what says nothing: the variance doubles.
    assert of(flat.pooled[0]) == pytest.approx((np.log(0.4), np.log(2) * 2**0.5), abs=WRITTEN)
    assert np.isnan(flat.apart[0, 0]) and flat.columns()["furthest"] == ["bo"]
    with pytest.raises(esc.SpecError, match="flat"):
        two(esc.free(esc.per_month(1)), esc.per_month(0.4, spread=2), how="linear")
    alone = two(esc.per_month(0.2), esc.per_month(0.4, spread=2), weights={"ann": 0, "bo": 1})
    assert of(alone.pooled[0]) == pytest.approx((np.log(0.4), np.log(2)), abs=WRITTEN)


def drivers(rows: list[list[float]], worth: float | None) -> esc.Model:
    m = esc.Model(origin="2024-10-01")
    a = m.driver("a", {"x": 0.3, "y": 0.7})
    m.driver("b", ["u", "v", "w"], given=a, table=rows, worth=worth)
    return m


ANN, BO = [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], [[0.4, 0.3, 0.3], [0.3, 0.3, 0.4]]


def test_tables_pool_to_the_mean_of_their_concentrations() -> None:
    pooled = esc.pool_priors({"ann": drivers(ANN, 10), "bo": drivers(BO, 30)}, weights={"ann": 3, "bo": 1})
    alpha = 0.75 * 10 * np.array(ANN) + 0.25 * 30 * np.array(BO)
    for row, wanted in zip(("b | a = x", "b | a = y"), alpha, strict=True):
        own = pooled.model.parameters()[row]
        assert own["prior_low"] == pytest.approx(stats.beta(wanted, wanted.sum() - wanted).ppf(0.05), rel=1e-4)
        assert own["prior_high"] == pytest.approx(stats.beta(wanted, wanted.sum() - wanted).ppf(0.95), rel=1e-4)
    assert pooled.model.drivers["b"].name == "b"


def test_the_linear_pool_of_tables_keeps_means_and_the_sum_of_variances() -> None:
    pooled = esc.pool_priors({"ann": drivers(ANN, 10), "bo": drivers(BO, 30)}, how="linear")
    rng = np.random.default_rng(1)
    total = 0.0
    for k in range(2):
        drawn = np.concatenate([rng.dirichlet(w * np.array(t[k]), 200_000) for t, w in ((ANN, 10), (BO, 30))])
        assert pooled.pooled[k]["value"] == pytest.approx(drawn.mean(axis=0), abs=0.003)
        total += drawn.var(axis=0).sum()
    worth = float(pooled.pooled[0]["prior"].split()[-1])
    mean = (np.array(ANN) + BO) / 2
    assert (mean * (1 - mean)).sum() / (worth + 1) == pytest.approx(total, rel=0.01)


@pytest.mark.parametrize(
    ("ann", "bo", "law"),
    [
        (
            esc.per_month(0.1, spread=2),
            esc.per_month(0.4, spread=1.3),
            stats.norm(np.log(0.1), np.log(2)).pdf,
        ),
        (
            esc.base_rate(2, over="10 years"),
            esc.base_rate(9, over="20 years"),
            stats.loggamma(2.5, loc=-np.log(120)).pdf,
        ),
        (
            esc.base_rate(2, over="10 years"),
            esc.per_month(0.4, spread=1.3),
            stats.loggamma(2.5, loc=-np.log(120)).pdf,
        ),
    ],
)
def test_how_far_a_head_is_from_the_pool_is_hellingers_distance(ann: object, bo: object, law: Any) -> None:
    pooled = two(ann, bo)
    row = pooled.pooled[0]
    gamma = row["prior"].startswith("Gamma")
    both = stats.loggamma(6.0, loc=-np.log(180)).pdf if gamma else stats.norm(*of(row)).pdf
    # Its square is half the integral of (√f − √g)².
    square = integrate.quad(lambda x: (np.sqrt(law(x)) - np.sqrt(both(x))) ** 2 / 2, -12, 4, limit=500)[0]
    assert pooled.apart[0, 0] == pytest.approx(square**0.5, abs=1e-5)


def test_the_distance_of_tables() -> None:
    pooled = esc.pool_priors(
        {"ann": drivers([[0.2, 0.8, 0], [0.5, 0.5, 0]], 10), "bo": drivers([[0.6, 0.4, 0]] * 2, 10)}
    )
    f, g = stats.beta(2, 8).pdf, stats.beta(4, 6).pdf
    square = 1 - integrate.quad(lambda p: np.sqrt(f(p) * g(p)), 0, 1)[0]
    assert pooled.apart[0, 0] == pytest.approx(square**0.5, abs=1e-6)


numbers = st.floats(0.01, 10)
spreads = st.floats(1.05, 5)


@given(
    st.lists(st.tuples(numbers, spreads, st.floats(0.1, 5)), min_size=1, max_size=4),
    st.sampled_from(["logarithmic", "linear"]),
)
def test_a_pool_lies_between_its_heads_whatever_the_unit_of_weights(heads: list, how: str) -> None:
    models = {f"h{k}": front(esc.per_month(x, spread=s)) for k, (x, s, _) in enumerate(heads)}
    row = esc.pool_priors(models, how=how, weights={f"h{k}": w for k, (*_, w) in enumerate(heads)})["front: up"]
    again = esc.pool_priors(models, how=how, weights={f"h{k}": 7 * w for k, (*_, w) in enumerate(heads)})["front: up"]
    middles = [x for x, *_ in heads]
    assert min(middles) * (1 - 1e-5) <= row["mode"] <= max(middles) * (1 + 1e-5)
    assert row["mode"] == pytest.approx(again["mode"], rel=1e-5)
    assert 0 <= row["apart"] <= 1


def test_a_crisis_pooled_can_be_fitted_and_what_all_agree_on_stays() -> None:
    ann, bo = crisis(), crisis()
    tree = bo.model.to_dict()
    tree["ladder"][0]["rate"][0] |= {"chance": "highly unlikely", "source": "another"}
    tree["ladder"][1]["effect"][0]["factor"] = 5.0
    tree["events"][0]["rate"] = [1.0, 1.0, 2.0, 4.0]
    tree["driver"][0]["table"] = [0.5, 0.4, 0.1]
    other = esc.Model.from_dict({**tree, "name": "hers"})
    pooled = esc.pool_priors({"ann": ann.model, "bo": other})
    rows = {row["name"]: row for row in pooled.model.parameters()}
    assert rows["peninsula: war → limited clash"]["words"] == "0.7 per month (spread 2)"
    assert rows["seoul_aid: up × (peninsula ≥ limited clash)"]["value"] == pytest.approx(15**0.5, rel=1e-5)
    assert rows["missile_tests | rhetoric"]["value"] == pytest.approx(0.5**0.5, rel=1e-5)
    assert rows["us_policy"]["value"] == pytest.approx([0.4, 0.5, 0.1])
    assert rows["seoul_aid: down"]["fixed"]
    assert 0 < pooled.model.fit(ann.dossier, draws=20, progress=False).ask(ann.questions)["arms"].probability < 1
    same = esc.pool_priors({"ann": ann.model, "too": crisis().model})
    assert same.model == ann.model and np.nanmax(same.apart) == 0
    assert list(pooled.to_frame("pandas").columns[:2]) == ["number", "unit"]
    assert "2 heads" in str(pooled) and len(pooled.plot().get_yticklabels()) == 12


def test_structures_that_differ_are_refused_by_place() -> None:
    c = crisis()
    tree = c.model.to_dict()
    tree["ladder"][0]["effect"][0]["when"]["is"] = "strong"
    with pytest.raises(esc.SpecError, match="'ann' and 'bo' differ in peninsula: effect: when: is"):
        esc.pool_priors({"ann": c.model, "bo": esc.Model.from_dict(tree)})
    for given_, says in (({}, "models by head"), ({"a": 3}, "models by head")):
        with pytest.raises(esc.SpecError, match=says):
            esc.pool_priors(given_)
    with pytest.raises(esc.SpecError, match="logarithmic, linear"):
        esc.pool_priors({"ann": c.model}, how="log-odds")
    with pytest.raises(esc.SpecError, match="pool_priors: weights: there is no head 'x'"):
        esc.pool_priors({"ann": c.model}, weights={"x": 1})
