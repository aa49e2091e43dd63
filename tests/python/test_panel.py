"""Panels: what is read from a table, what is refused by unit and row, and what follows from a fit."""

import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import escalade as esc

RATES = {("well", "ill"): 0.2, ("ill", "well"): 0.1, ("ill", "dead"): 0.3}


def model(**options):
    m = esc.Model()
    return m, m.ladder("illness", ["well", "ill", "dead"], moves=list(RATES), **options)


def table(n=400, seed=3):
    """Units of known intensities per year, looked at each year and a half."""
    truth, illness = model()
    moves = {pair: esc.per_year(rate) for pair, rate in RATES.items()}
    truth = esc.Model()
    illness = truth.ladder("illness", ["well", "ill", "dead"], moves=moves)
    blank = pl.DataFrame({"who": [1, 1, 1], "t": [0.0, 1.0, 2.0], "s": ["well", "ill", "dead"]})
    fit = truth.fit(esc.Panel(blank, id="who", time="t", clock="year", rungs={illness: "s"}))
    paths = fit.simulate(n, 9.0, seed=seed)
    rows = [
        (unit, t, own.filter(pl.col("time") <= t)["rung"][-1])
        for (unit,), own in paths.group_by("unit", maintain_order=True)
        for t in np.arange(0, 9, 1.5)
    ]
    return pl.DataFrame(rows, schema=["who", "t", "s"], orient="row")


@pytest.fixture(scope="module")
def frame():
    return table()


def fitted(frame, **options):
    m, illness = model()
    return m.fit(esc.Panel(frame, id="who", time="t", clock="year", rungs={illness: "s"}, **options), progress=False)


def test_what_was_simulated_is_found_again(frame):
    q = fitted(frame).intensities(level=0.999)
    truth = np.array([RATES[pair] for pair in zip(q.labels["from"], q.labels["to"], strict=True)])
    assert ((q.low < truth) & (truth < q.high)).all()
    assert q["well", "ill"] == q.estimate[0]


def test_any_data_frame_says_the_same(frame):
    fits = [fitted(frame), fitted(pd.DataFrame(frame.to_dict(as_series=False)))]
    assert fits[0].log_likelihood == fits[1].log_likelihood


def test_numbers_stand_for_the_rungs_in_their_order(frame):
    codes = {"well": 1, "ill": 2, "dead": 3}
    numbers = frame.with_columns(pl.col("s").replace_strict(codes))
    assert fitted(numbers).log_likelihood == fitted(frame).log_likelihood


def test_weights_are_so_many_units(frame):
    twice = pl.concat([frame, frame.with_columns(who=pl.col("who") + 100_000)])
    weighted = fitted(frame.with_columns(w=pl.lit(2.0)), weights="w")
    assert math.isclose(fitted(twice).log_likelihood, weighted.log_likelihood, rel_tol=1e-12)


def test_a_set_of_rungs_and_a_missing_one(frame):
    some = frame.with_columns(
        s=pl.when((pl.col("t") == 3) & (pl.col("s") != "dead")).then(pl.lit("alive")).otherwise(pl.col("s"))
    )
    fit = fitted(some, possible={"alive": ["well", "ill"]})
    assert fit.summary().used["censored"] > 0
    none = frame.with_columns(s=pl.when(pl.col("t") == 3).then(None).otherwise(pl.col("s")))
    assert fitted(none).summary().used["empty"] == 400
    dropped = fitted(frame.filter(pl.col("t") != 3))
    assert math.isclose(fitted(none).log_likelihood, dropped.log_likelihood, rel_tol=1e-12)


def test_moves_at_known_times_are_counts_over_time():
    m, illness = model()
    df = pl.DataFrame(
        {
            "who": [1, 1, 1, 2, 2, 2],
            "t": [0.0, 2.0, 5.0, 0.0, 1.0, 3.5],
            "s": ["well", "ill", "dead", "well", "ill", "well"],
        }
    ).with_columns(at=pl.lit(True))
    fit = m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={illness: "s"}, moved="at"), progress=False)
    np.testing.assert_allclose(fit.intensities().estimate, [2 / 3, 1 / 5.5, 1 / 5.5], rtol=1e-8)


def test_a_unit_with_one_row_is_kept_and_counted(frame):
    more = pl.concat([frame, pl.DataFrame({"who": [99_999], "t": [0.0], "s": ["ill"]}, schema=frame.schema)])
    used = fitted(more).summary().used
    assert used["single"] == 1 and used["units"] == 401


def test_covariates_on_chosen_moves_numbers_and_levels(frame):
    m, illness = model()
    illness.covariate("age", moves=[("ill", "dead")])
    illness.covariate("arm", ["placebo", "treated"], moves=[("well", "ill")])
    df = frame.with_columns(
        years=pl.col("who") % 7,
        arm=pl.when(pl.col("who") % 2 == 0).then(pl.lit("placebo")).otherwise(pl.lit("treated")),
    )
    fit = m.fit(
        esc.Panel(df, id="who", time="t", clock="year", rungs={illness: "s"}, covariates={"age": "years"}),
        progress=False,
    )
    ratios = fit.numbers()
    assert ratios.labels["number"][3:] == ("illness: ill → dead × (age)", "illness: well → ill × (arm = treated)")
    unit = {"age": 2, "arm": "treated"}
    base = fit.intensities({"age": 0, "arm": "placebo"})
    np.testing.assert_allclose(fit.intensities(unit)["ill", "dead"], base["ill", "dead"] * ratios.estimate[3] ** 2)
    whole, parts = fit.transition(4.0, unit), fit.transition([(1.5, unit), (2.5, unit)])
    np.testing.assert_allclose(whole.estimate, parts.estimate, rtol=1e-12)
    with pytest.raises(esc.SpecError, match="covariates: 'arm' is missing"):
        fit.transition(1, {"age": 3})


def test_a_prior_draws_towards_itself(frame):
    m = esc.Model()
    moves = {pair: esc.per_year(1.0, spread=1.05) for pair in RATES}
    illness = m.ladder("illness", ["well", "ill", "dead"], moves=moves)
    fit = m.fit(esc.Panel(frame, id="who", time="t", clock="year", rungs={illness: "s"}), progress=False)
    assert (fit.intensities().estimate > fitted(frame).intensities().estimate).all()


def test_answers_hang_together(frame):
    fit = fitted(frame)
    illness = fit.model["illness"]
    one, two = fit.transition(1.0).estimate, fit.transition(2.0).estimate
    np.testing.assert_allclose(one @ one, two, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(fit.time_in_rungs(5.0).estimate.sum(axis=1), 5.0, rtol=1e-12)
    law = fit.first_passage(illness == "dead", by=[1.0]).estimate
    np.testing.assert_allclose(law, one[:, 2], rtol=1e-12)
    total = fit.time_in_rungs().estimate[0, :2].sum()
    np.testing.assert_allclose(fit.first_passage(illness == "dead").estimate[0], total, rtol=1e-10)
    q, stay = fit.intensities(), fit.sojourn()
    assert math.isclose(stay["ill"], 1 / (q["ill", "well"] + q["ill", "dead"]))
    delta, drawn = fit.transition(3.0), fit.transition(3.0, draws=4000)
    np.testing.assert_allclose(delta.low, drawn.low, atol=0.01)
    assert fit.simulate(5, 3.0, seed=1).equals(fit.simulate(5, 3.0, seed=1))
    assert "-2 log-likelihood" in str(fit.summary()) and "<table" in fit._repr_html_()
    assert "standard errors<br>used: " in fit.summary()._repr_html_()
    assert fit.to_frame("polars").height == 3
    assert fit.prevalence([0, 3]).observed.sum() == 800


def test_the_plot_is_drawn(frame):
    pytest.importorskip("matplotlib").use("Agg")
    assert fitted(frame).plot().get_ylabel() == "share of units"


BAD = {
    "unit '1', row 3: its time, 1, lies before that of the row before it, 2": {"t": [0, 2, 1, 0, 1]},
    "unit '1', row 2: the moves of the model do not lead from dead (row 1) to ill": {
        "s": ["dead", "ill", "ill", "well", "ill"]
    },
    "unit '2', row 5: column 's' is 'il', no rung of 'illness'": {"s": ["well", "ill", "ill", "well", "il"]},
    "unit '1', row 2: column 's' is 4, no rung of 'illness'": {"s": [1, 4, 1, 1, 1]},
    "unit '2', row 4: covariate 'age' is NaN": {"age": [1.0, 2.0, 3.0, None, 2.0]},
    "unit '1', row 1: its time is NaN": {"t": [None, 2.0, 3.0, 0.0, 1.0]},
    "unit '1', row 2: it is ill there and well at the same time (row 1)": {"t": [0, 0, 1, 0, 1]},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_rows_are_named(message):
    good = {
        "who": [1, 1, 1, 2, 2],
        "t": [0, 2, 3, 0, 1],
        "s": ["well", "ill", "ill", "well", "ill"],
        "age": [1, 2, 3, 2, 1],
    }
    m, illness = model()
    illness.covariate("age", moves=[("well", "ill")])
    df = pl.DataFrame({**good, **BAD[message]})
    with pytest.raises(esc.SpecError) as caught:
        m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={illness: "s"}))
    assert str(caught.value).startswith(message)


def test_what_cannot_be_learnt_is_named(frame):
    m, illness = model()
    illness.covariate("age", moves=[("well", "ill")])
    with pytest.raises(esc.Unidentified, match="covariate 'age' does not vary"):
        m.fit(esc.Panel(frame.with_columns(age=pl.lit(3)), id="who", time="t", rungs={illness: "s"}))
    alive = frame.filter(pl.col("s") != "dead")
    with pytest.warns(UserWarning, match="panel|rung") as said:
        fit = fitted(alive)
    words = " ".join(str(w.message) for w in said)
    assert "rung 'dead' of 'illness' is never seen" in words and "'illness: ill → dead'" in words
    assert not fit.converged


def test_other_refusals(frame):
    m, illness = model()
    with pytest.raises(esc.SpecError, match="it has no rows"):
        m.fit(esc.Panel(frame.head(0), id="who", time="t", rungs={illness: "s"}))
    with pytest.raises(esc.SpecError, match="no column 'sate'"):
        m.fit(esc.Panel(frame, id="who", time="t", rungs={illness: "sate"}))
    with pytest.raises(esc.SpecError, match="the panel's table"):
        esc.Panel([1, 2], id="who", time="t")
    with pytest.raises(esc.SpecError, match="no origin"):
        m.fit(esc.Dossier(as_of="2024-11-30"))
    with pytest.raises(esc.SpecError, match="the model has no covariate 'age'"):
        m.fit(esc.Panel(frame, id="who", time="t", rungs={illness: "s"}, covariates={"age": "t"}))


def test_a_panels_model_is_a_file_too(tmp_path):
    m, illness = model(first="estimated")
    illness.covariate("age", moves=[("well", "ill")])
    illness.pieces([5, 10], shared=True)
    m.write(tmp_path / "m.toml")
    again = esc.Model.read(tmp_path / "m.toml")
    assert again == m and pickle.loads(pickle.dumps(m)) == m
    assert repr(again) == "<Model '': 1 ladder>"
