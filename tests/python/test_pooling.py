"""Several heads, pooled: by hand, and by what a pool must obey."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import escalade as esc

mpl.use("Agg")

HEADS = {"north": {"war": 0.1, "talks": 0.5}, "south": {"war": 0.4, "talks": 0.5}, "east": {"talks": 0.8}}
probabilities = st.floats(0.001, 0.999)


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def test_the_logarithmic_pool_is_the_normalised_geometric_mean() -> None:
    pooled = esc.pool(HEADS, weights={"north": 3, "south": 1, "east": 4})
    yes, no = 0.1**0.75 * 0.4**0.25, 0.9**0.75 * 0.6**0.25
    assert pooled["war"]["probability"] == pytest.approx(yes / (yes + no), rel=1e-14)
    yes, no = 0.5**0.5 * 0.8**0.5, 0.5**0.5 * 0.2**0.5
    assert pooled["talks"]["probability"] == pytest.approx(yes / (yes + no), rel=1e-14)
    assert pooled.weight.tolist() == [0.375, 0.125, 0.5]


def test_the_linear_pool_is_the_mean_of_those_who_answer() -> None:
    pooled = esc.pool(HEADS, how="linear")
    assert pooled.probability == pytest.approx([0.25, 0.6], rel=1e-15)
    assert (pooled["war"]["lowest"], pooled["war"]["highest"], pooled["talks"]["highest"]) == ("north", "south", "east")
    assert np.isnan(pooled["war"]["east"])


def test_extremising_is_baron_and_others_transform() -> None:
    # Baron et al. 2014, equation 1: p^a / (p^a + (1 - p)^a), of the mean.
    pooled = esc.pool(HEADS, how="linear", extremise=2.5)
    p = 0.6
    assert pooled["talks"]["probability"] == pytest.approx(p**2.5 / (p**2.5 + 0.4**2.5), rel=1e-14)


@given(st.lists(st.tuples(probabilities, st.floats(0.1, 10)), min_size=1, max_size=6), st.floats(0.1, 10))
def test_news_may_be_learnt_before_or_after_the_logarithmic_pool(
    heads: list[tuple[float, float]], ratio: float
) -> None:
    before = {f"h{k}": {"war": p} for k, (p, _) in enumerate(heads)}
    after = {f"h{k}": {"war": 1 / (1 + (1 - p) / (p * ratio))} for k, (p, _) in enumerate(heads)}
    weights = {f"h{k}": w for k, (_, w) in enumerate(heads)}
    gained = [logit(float(esc.pool(x, weights=weights).probability[0])) for x in (before, after)]
    assert gained[1] - gained[0] == pytest.approx(np.log(ratio), abs=1e-8)


@given(st.lists(probabilities, min_size=1, max_size=6), st.sampled_from(["linear", "log-odds"]))
def test_a_pool_lies_between_its_heads_and_agreement_stays(heads: list[float], how: str) -> None:
    pooled = esc.pool({f"h{k}": {"war": p} for k, p in enumerate(heads)}, how=how)
    assert min(heads) - 1e-12 <= pooled.probability[0] <= max(heads) + 1e-12
    assert np.dot(pooled.weight, pooled.apart[:, 0]) == pytest.approx(0, abs=1e-9) or how == "linear"


def test_one_who_is_certain_has_a_veto_on_log_odds_only() -> None:
    heads = {"sure": {"war": 0.0}, "open": {"war": 0.5}}
    assert esc.pool(heads).probability[0] == 0
    assert esc.pool(heads).apart[:, 0].tolist() == [0, np.inf]
    assert esc.pool(heads, how="linear").probability[0] == 0.25
    with pytest.raises(esc.SpecError, match="'sure' says 0 and 'loud' says 1"):
        esc.pool({**heads, "loud": {"war": 1.0}})
    # One without weight has none.
    assert 0 < esc.pool(heads, weights={"sure": 0, "open": 2}).probability[0] < 1
    assert esc.pool({"a": {"war": 1.0}, "b": {"war": 1.0}}, how="linear", extremise=2).probability[0] == 1


def test_fits_are_heads_as_well() -> None:
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3), down=esc.per_year(0.3))
    d = esc.Dossier(as_of="2024-11-30")
    d.saw(front == "quiet", on="2024-11-20", id="calm", hit=0.9, false_alarm=0.2)
    fit = m.condition(d)
    war = esc.reach(front == "war", by="2025-11-30", name="war")
    table = esc.compare({"believes it": fit, "does not": fit.without("calm")}, war)
    pooled = esc.pool(table)
    assert logit(pooled[war]["probability"]) == pytest.approx(np.mean([logit(p) for p in table.probability[:, 0]]))
    assert "2 heads" in pooled.caption()
    assert [label.get_text() for label in pooled.plot().get_yticklabels()] == ["war"]
    assert list(pooled.to_frame("pandas").columns[:2]) == ["question", "probability"]


@pytest.mark.parametrize(
    ("heads", "options", "says"),
    [
        ({}, {}, "answers by head"),
        ({"a": 0.3}, {}, "answers by head"),
        ({"a": {"war": 1.2}}, {}, "'a' on 'war' is 1.2; expected a probability"),
        ({"a": {"war": float("nan")}}, {}, "expected a probability"),
        ({"a": {"war": "0.2"}}, {}, "expected a probability"),
        ({"a": {"war": 0.2}}, {"how": "log"}, "expected one of log-odds, linear"),
        ({"a": {"war": 0.2}}, {"weights": {"b": 1}}, "there is no head 'b'"),
        ({"a": {"war": 0.2}, "b": {"war": 0.3}}, {"weights": {"a": 1}}, "none for 'b'"),
        ({"a": {"war": 0.2}}, {"weights": {"a": -1}}, "0 or more"),
        ({"a": {"war": 0.2}}, {"weights": {"a": 0}}, "all are 0"),
        ({"a": {"war": 0.2}, "b": {"talks": 0.3}}, {"weights": {"a": 1, "b": 0}}, "'talks' is answered by no head"),
        ({"a": {"war": 0.2}}, {"extremise": 0}, "above 0"),
        ({"a": {"war": 0.2}}, {"extremise": float("nan")}, "above 0"),
    ],
)
def test_what_cannot_be_pooled_is_refused(heads: object, options: dict[str, object], says: str) -> None:
    with pytest.raises(esc.SpecError, match=says):
        esc.pool(heads, **options)  # type: ignore[arg-type]
