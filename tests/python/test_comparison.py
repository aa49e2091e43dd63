"""Scenarios side by side say what each says alone."""

import matplotlib
import numpy as np
import pytest

import escalade as esc

matplotlib.use("agg")


@pytest.fixture(scope="module")
def fit() -> esc.Fit:
    m = esc.Model(origin="2024-01-01")
    us = m.driver("us", {"steady": 0.6, "gone": 0.4})
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=2), down=esc.per_year(0.4, spread=2))
    front.effect(us == "gone", up=esc.factor(3, spread=1.5))
    d = esc.Dossier(as_of="2024-06-30")
    d.saw(front == "war", on="2024-05-01", grade="C3", id="seen")
    d.saw(us == "gone", hit=0.6, false_alarm=0.4, id="gone")
    return m.fit(d, draws=100)


def test_a_grid_is_the_product_of_its_scenarios(fit: esc.Fit) -> None:
    us, front = fit.model.drivers["us"], fit.model.ladders["front"]
    questions = [esc.at(front == "war", on="2025-01-01"), esc.reach(front == "war", by="2025-01-01")]
    table = fit.grid(questions, given=[None, us == "steady", us == "gone"], without=[None, "seen", ["seen", "gone"]])
    assert len(table.scenario) == 9
    assert table.scenario[0] == "as it is"
    alone = fit.without("seen").given(us == "gone").ask(questions)
    np.testing.assert_allclose(
        [table["without seen; given us = gone", q]["probability"] for q in range(2)], alone.probability, rtol=1e-12
    )
    np.testing.assert_allclose(table["without seen; given us = gone", 1]["low"], alone.low[1], rtol=1e-12)
    row = table["without seen", 0]
    assert row["difference"] == pytest.approx(row["probability"] - table["as it is", 0]["probability"])
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    assert row["difference_high"] - row["difference_low"] < row["high"] - row["low"]


def test_what_is_shown_and_drawn(fit: esc.Fit) -> None:
    us, front = fit.model.drivers["us"], fit.model.ladders["front"]
    war = esc.reach(front == "war", by="2025-01-01", name="war")
    table = esc.compare({"now": fit, "cut": fit.do(us == "gone")}, war)
    assert list(table.shown()) == ["scenario", "war"]
    assert len(table.to_frame()) == 2
    assert table.plot().get_yticklabels()[1].get_text() == "cut"
    assert fit.check(n=50).plot().get_xlabel().startswith("worlds")
    with pytest.raises(esc.WrongType, match="fits by name"):
        esc.compare([fit], war)
    with pytest.raises(esc.SpecError, match="no scenario"):
        table["gone", "war"]


def test_differences_of_draws_that_are_not_shared_have_no_interval(fit: esc.Fit) -> None:
    m = fit.model
    war = esc.reach(m.ladders["front"] == "war", by="2025-01-01")
    other = m.fit(fit.dossier, draws=100, seed=5)
    table = esc.compare({"now": fit, "again": other, "cut": fit.without("seen")}, war)
    assert np.isnan(table["again", 0]["difference_low"])
    assert not np.isnan(table["cut", 0]["difference_low"])


def test_without_draws_there_are_answers_and_no_intervals(fit: esc.Fit) -> None:
    m = fit.model
    at_mode = m.condition(fit.dossier)
    war = esc.reach(m.ladders["front"] == "war", by="2025-01-01")
    table = esc.compare({"now": at_mode, "cut": at_mode.do(m.drivers["us"] == "gone")}, war)
    assert np.isnan(table.low).all()
    assert table.difference[1, 0] > 0
