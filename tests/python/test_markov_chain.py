"""Chains in discrete time by names: learnt from lists and frames, asked, tested, refused."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import escalade as esc
from escalade.markov import MarkovChain

STATES = ["calm", "tense", "war"]
MATRIX = [[0.9, 0.1, 0.0], [0.3, 0.6, 0.1], [0.0, 0.0, 1.0]]
LISTS = [["a", "b", "b", None, "a", "a"], ["b", "a", "b"]]


@pytest.fixture
def chain():
    return MarkovChain(STATES, MATRIX, {"calm": 1.0})


def test_questions(chain):
    power = np.linalg.matrix_power(np.array(MATRIX), 7)
    assert np.allclose(chain.n_step(7).probs, power)
    assert np.allclose(chain.law("tense", [0, 7]).probs, [[0, 1, 0], power[1]])
    assert chain.hitting_time("war")["calm"] == pytest.approx(50)
    assert chain.absorption()["tense"] == pytest.approx(40)
    assert chain.hitting_probability("war")["calm"] == 1.0
    assert chain.stationary()["war"] == 1.0 and chain.closed_classes() == [["war"]]
    assert chain.long_run("calm")["war"] == 1.0
    assert pickle.loads(pickle.dumps(chain)).matrix.tolist() == chain.matrix.tolist()


def test_likelihood_sums_over_what_is_missing(chain):
    p = np.array(MATRIX)
    found = chain.log_likelihood([["calm", None, "tense"], ["calm"]], each=True)
    assert found.tolist() == pytest.approx([np.log((p @ p)[0, 1]), 0.0])
    assert chain.log_likelihood([["war"]]) == -np.inf


def test_lists_and_frames_say_the_same():
    fit = MarkovChain.fit(LISTS)
    assert fit.counts.tolist() == [[1, 2], [1, 1]]
    assert fit.matrix.tolist() == [[1 / 3, 2 / 3], [0.5, 0.5]]
    rows = {
        "unit": ["u"] * 5 + ["v"] * 3,
        "step": [0, 1, 2, 4, 5, 7, 8, 9],  # step 3 is left out
        "state": ["a", "b", "b", "a", "a", "b", "a", "b"],
    }
    for frame in (pd.DataFrame(rows), pl.DataFrame(rows)):
        other = MarkovChain.fit(frame, id="unit", time="step", state="state")
        assert other.counts.tolist() == fit.counts.tolist() and other.n_sequences == 2
        assert other.log_likelihood(frame, id="unit", time="step", state="state") == fit.log_likelihood(LISTS)
    numbers = MarkovChain.fit([np.array([2.0, 10.0, 2.0, np.nan, 10.0])])
    assert numbers.states == ["2", "10"]


def test_missing_states_may_be_summed_over():
    p = np.array([[0.8, 0.2], [0.4, 0.6]])
    drawn = MarkovChain(["a", "b"], p).simulate(400, n_sequences=50, start="a", seed=2)
    rng = np.random.default_rng(0)
    holes = [[None if rng.random() < 0.4 else state for state in row] for row in drawn]
    split, summed = MarkovChain.fit(holes), MarkovChain.fit(holes, missing="sum")
    assert np.abs(summed.matrix - p).max() < 0.02
    assert summed.counts.sum() > 1.5 * split.counts.sum()
    assert summed.log_likelihood(holes) > split.log_likelihood(holes)


def test_posteriors_have_intervals():
    fit = MarkovChain.fit(LISTS, prior=1.0)
    table = fit.table(0.9)
    assert table.probs.tolist() == [[2 / 5, 3 / 5], [0.5, 0.5]]
    beta = pytest.importorskip("scipy.stats").beta
    assert table.low[0, 0] == pytest.approx(beta(2, 3).ppf(0.05), abs=1e-8)
    assert table.high[1, 0] == pytest.approx(beta(2, 2).ppf(0.95), abs=1e-8)
    assert list(table.to_frame("pandas").columns) == ["from", "to", "count", "probability", "low", "high"]


def test_orders_and_periods():
    rng = np.random.default_rng(1)
    row = [0, 1]
    for _ in range(3000):
        row.append(int(rng.random() < (0.9 if row[-2] else 0.2)))  # looks two back, not one
    fit = MarkovChain.fit([row])
    orders = fit.orders(3)
    assert orders.best == 2
    assert orders.p_value[1] < 1e-8 and 0.001 < orders.p_value[2]
    assert np.isnan(orders.p_value[3]) and "Order 2" in str(orders)
    test = fit.homogeneity(3)
    assert test.p_value > 0.001 and "degrees" in str(test)
    chi2 = pytest.importorskip("scipy.stats").chi2
    assert test.p_value == pytest.approx(chi2(test.degrees).sf(test.statistic), rel=1e-9)
    changed = MarkovChain.fit([[0, 1] * 100 + [0, 0, 1, 1] * 50])
    assert changed.homogeneity(2).p_value < 1e-6
    periods = np.repeat([0, 1], 200)
    assert changed.homogeneity(periods).p_value < 1e-6


def test_simulation_is_the_same_for_any_threads(chain):
    before = esc.threads()
    try:
        drawn = []
        for threads in (1, 2, 7):
            esc.set_threads(threads)
            drawn.append(chain.simulate(30, n_sequences=600, seed=5))
    finally:
        esc.set_threads(before)
    assert drawn[0] == drawn[1] == drawn[2]
    refit = MarkovChain.fit(chain.simulate(200, n_sequences=300, seed=5))
    assert np.abs(refit.matrix - MATRIX)[:2].max() < 0.03


def test_a_state_that_is_never_left_is_kept_with_a_warning():
    with pytest.warns(UserWarning, match="never left.*'c'"):
        fit = MarkovChain.fit([["a", "b", "a", "c"]])
    assert fit.stationary()["c"] == 1.0
    assert "3 moves of 1 sequence" in repr(fit) and "<table" in fit._repr_html_()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MarkovChain(STATES, np.array(MATRIX) * 0.9), "row 0 (state 'calm') sums to 0.9"),
        (lambda: MarkovChain(STATES, [[1.0]]), "there are 3 states"),
        (lambda: MarkovChain(STATES, MATRIX, {"calm": 0.5}), "sum to 1"),
        (lambda: MarkovChain.fit([["a", "b"], ["a", "x", "b"]], states=["a", "b"]), "sequence 1, row 1"),
        (lambda: MarkovChain.fit([["a"], ["b"]]), "no move"),
        (lambda: MarkovChain.fit([]), "no sequence"),
        (lambda: MarkovChain.fit([[None]]), "no state is known"),
        (lambda: MarkovChain.fit(["ab"]), "sequence 0"),
        (lambda: MarkovChain.fit(LISTS, missing="drop"), "missing='drop'"),
        (lambda: MarkovChain.fit(LISTS, prior=-1.0), "prior"),
        (lambda: MarkovChain.fit(LISTS, state="s"), "columns of a data frame"),
        (lambda: MarkovChain.fit(pd.DataFrame({"s": ["a", "b"]})), "state= names"),
        (lambda: MarkovChain.fit(pd.DataFrame({"s": ["a", "b"]}), state="t"), "no column"),
        (
            lambda: MarkovChain.fit(pd.DataFrame({"s": list("aba"), "t": [3, 4, 4]}), state="s", time="t"),
            "row 2: step 4 follows 4",
        ),
        (lambda: MarkovChain.fit(LISTS).orders(9), "no 10 states"),
        (lambda: MarkovChain.fit(LISTS).table(2.0), "level"),
        (lambda: MarkovChain(STATES, MATRIX).simulate(3), "no start"),
        (lambda: MarkovChain(STATES, MATRIX).law("calm", -1), "steps"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(esc.EscaladeError) as refused:
        call()
    assert message in str(refused.value)
