"""esc.markov.HiddenMarkov: the peers' numbers, all paths enumerated, data as they come, and what is refused."""

import copy
import inspect
import itertools
import pickle
import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

import escalade as esc
from escalade.markov import Categorical, ConvergenceWarning, Gaussian, HiddenMarkov, NegativeBinomial, Poisson

DIGITS = 1e-10  # ten digits, as the peers print them

# The peers' numbers
#
# hmmlearn 0.3.3 (implementation="log", tol=-inf, init_params="", covars_prior=0 for Gaussians) and deeptime 0.4.5
# (reversible=False, accuracy=-inf) on the sequences below, from the start below: log-likelihood before and after ten
# rounds; after them the table of moves, the Viterbi path's logarithm, and P(state) at the rows 0, 16, 17 and 40;
# deeptime's log-likelihoods before each of eleven rounds, on the sequences of more than one row (it drops the others).

LENGTHS = [17, 1, 30, 8]
START = [0.5, 0.3, 0.2]
MOVES = [[0.7, 0.2, 0.1], [0.15, 0.7, 0.15], [0.2, 0.2, 0.6]]
N = sum(LENGTHS)


def wave(a):
    return np.array([((a * t * t + 3 * t) % 101) / 101 for t in range(N)])


def levels(*each):
    return np.repeat(each, 8)


def cut(rows):
    return np.split(rows, np.cumsum(LENGTHS)[:-1])


CATEGORIES = cut((4 * wave(7)).astype(int))
REALS = cut(np.column_stack([4 * wave(5) + levels(0, 3, 0, 5, 2, 7, 1), 2 * wave(11) - levels(1, 0, 2, 1, 3, 0, 1)]))
COUNTS = cut(np.floor(9 * wave(3) ** 2).astype(int) + levels(0, 4, 0, 9, 4, 0, 9))
MEANS = [[0.0, 0.0], [3.0, 0.0], [6.0, -1.0]]

SIDES = {
    "categorical": (
        CATEGORIES,
        Categorical(range(4), [[0.4, 0.3, 0.2, 0.1], [0.1, 0.4, 0.4, 0.1], [0.2, 0.2, 0.2, 0.4]]),
    ),
    "diagonal": (REALS, Gaussian(means=MEANS, covariances=np.full((3, 2), 2.0), floor=0)),
    "full": (REALS, Gaussian("full", means=MEANS, covariances=[2 * np.eye(2)] * 3, floor=0)),
    "poisson": (COUNTS, Poisson([1, 5, 10])),
}
# fmt: off
HMMLEARN = {
    "categorical": {"before": -77.45911613050052, "after": -73.39598789625339, "moves": [0.74848555280224, 0.17286258576736, 0.0786518614304, 0.28851915718116, 0.63069779349147, 0.08078304932737, 0.10737153212379, 0.29165680080071, 0.6009716670755], "path": -89.39795307315737, "proba": [0.76826203970953, 0.03147858247505, 0.20025937781542, 0.83703631702516, 0.10683978526241, 0.05612389771243, 0.59551538412872, 0.17823158841788, 0.2262530274534, 0.5621117808266, 0.37975388830274, 0.05813433087066]},  # noqa: E501
    "diagonal": {"before": -228.5071101914339, "after": -182.7108603319529, "moves": [0.74303069827116, 0.25696930097713, 7.5171e-10, 9.4033206e-05, 0.89683851906895, 0.10306744772505, 0.03922573464058, 0.06884955200338, 0.89192471335604], "path": -185.15028365486123, "proba": [0.9999889825002, 1.10174998e-05, 0.0, 0.47712517010422, 0.52285890173057, 1.592816521e-05, 0.1668332328389, 0.8331667671611, 0.0, 0.0, 8.569041124e-05, 0.99991430958876]},  # noqa: E501
    "full": {"before": -228.50711019143387, "after": -170.71570698444256, "moves": [0.75548897437229, 0.14259036655267, 0.10192065907504, 0.00161577087045, 0.99349042851597, 0.00489380061358, 0.0, 0.0, 1.0], "path": -171.9127501069743, "proba": [0.99721969879138, 0.00278030120862, 0.0, 0.01780094509064, 0.98218941120806, 9.6437013e-06, 0.21283430583349, 0.78716569416651, 0.0, 0.0, 0.0, 1.0]},  # noqa: E501
    "poisson": {"before": -143.5545892652785, "after": -127.02680856284121, "moves": [0.49331792196698, 0.41998167200028, 0.08670040603273, 0.22819036099763, 0.77180932077878, 3.1822359e-07, 0.0, 0.06735486812063, 0.93264513187937], "path": -128.00351616947967, "proba": [0.9999999988814, 0.0, 1.1186e-09, 0.970914032502, 0.02908596745257, 4.543e-11, 0.99999803412148, 0.0, 1.96587852e-06, 3.433430558e-05, 0.99996566558257, 1.1184e-10]},  # noqa: E501
}
DEEPTIME = [-76.11204248253388, -73.61859864128687, -72.8774535745164, -72.28151807140847, -71.87516031188932, -71.59549474034115, -71.38290781270427, -71.21459682738679, -71.08238132194879, -70.97964009635128, -70.89963856303048]  # noqa: E501
# fmt: on


def rounds(chain, data, n):
    """So many plain rounds."""
    return chain.fit(data, max_rounds=n, tol=0, accelerate=False)


@pytest.mark.parametrize("kind", SIDES)
def test_hmmlearn_is_reached_to_ten_digits(kind):
    data, family = SIDES[kind]
    golden = HMMLEARN[kind]
    chain = HiddenMarkov(3, family, start=START, transitions=MOVES)
    assert chain.score(data) == pytest.approx(golden["before"], rel=DIGITS)
    fit = rounds(chain, data, 10)
    assert fit.rounds == 10 and len(fit.trace) == 11
    assert fit.trace[0] == pytest.approx(golden["before"], rel=DIGITS)
    assert fit.log_likelihood == pytest.approx(golden["after"], rel=DIGITS)
    np.testing.assert_allclose(fit.transition_probs.ravel(), golden["moves"], rtol=1e-9, atol=1e-12)
    assert fit.predict(data).log_probs.sum() == pytest.approx(golden["path"], rel=DIGITS)
    proba = fit.predict_proba(data).flat[[0, 16, 17, 40]].ravel()
    np.testing.assert_allclose(proba, golden["proba"], rtol=1e-9, atol=1e-12)


def test_deeptime_is_reached_to_ten_digits():
    data, family = SIDES["categorical"]
    data = [part for part in data if len(part) > 1]
    fit = rounds(HiddenMarkov(3, family, start=START, transitions=MOVES), data, 10)
    np.testing.assert_allclose(fit.trace, DEEPTIME, rtol=DIGITS)


# All paths


def test_every_path_enumerated():
    table = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])
    start, moves = np.array([0.7, 0.3]), np.array([[0.8, 0.2], [0.4, 0.6]])
    chain = HiddenMarkov(["a", "b"], Categorical(["x", "y", "z"], table), start=start, transitions=moves)
    seen = ["x", "z", None, "y", "z"]
    codes = [0, 2, None, 1, 2]
    weights = {}
    for path in itertools.product(range(2), repeat=5):
        p = start[path[0]] * np.prod([moves[i, j] for i, j in itertools.pairwise(path)])
        weights[path] = p * np.prod([table[s, c] for s, c in zip(path, codes, strict=True) if c is not None])
    total = sum(weights.values())
    assert chain.score([seen]) == pytest.approx(np.log(total), rel=1e-12)
    best = max(weights, key=weights.get)
    paths = chain.predict([seen])
    assert paths[0].tolist() == ["ab"[s] for s in best]
    assert paths.log_probs[0] == pytest.approx(np.log(weights[best]), rel=1e-12)
    exact = [sum(p for path, p in weights.items() if path[t]) / total for t in range(5)]
    np.testing.assert_allclose(chain.predict_proba([seen])[0][:, 1], exact, rtol=1e-12)
    drawn = chain.sample_paths([seen], 4000, seed=1)[0]
    assert drawn.shape == (4000, 5)
    np.testing.assert_allclose((drawn == "b").mean(axis=0), exact, atol=0.04)  # 5 standard errors


# Data as they come


@pytest.fixture(scope="module")
def chain():
    return HiddenMarkov(2, Poisson([1.0, 6.0]), start=[0.5, 0.5], transitions=[[0.9, 0.1], [0.2, 0.8]])


def test_lists_arrays_and_ragged_sequences(chain):
    asked = [[0, 1, 7], [2], [], [5, None, 6, 0]]
    logs = chain.score_samples(asked)
    assert logs.shape == (4,) and logs[2] == 0
    arrays = [np.array(x, dtype=float) for x in asked]
    np.testing.assert_array_equal(chain.score_samples(arrays), logs)
    np.testing.assert_array_equal(chain.score_samples([a[:, None] for a in arrays]), logs)
    assert chain.score(np.array([0, 1, 7])) == logs[0]
    assert chain.score([0, 1, 7]) == logs[0]
    assert chain.score(np.array([[0], [1], [7]])) == logs[0]
    assert [len(p) for p in chain.predict(asked)] == [3, 1, 0, 4]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, lambda d: pl.DataFrame(d).to_arrow()])
def test_long_tables(chain, frame):
    rows = {
        "who": ["b", "a", "b", "a", "a", "b"],
        "when": [3, 1, 1, 2, 0, 2],
        "calls": [7, 0, 5, None, 1, None],
    }
    table = frame(rows)
    chain = HiddenMarkov(2, {"calls": Poisson([1.0, 6.0])}, start=[0.5, 0.5], transitions=[[0.9, 0.1], [0.2, 0.8]])
    logs = chain.score_samples(table, id="who", time="when")
    np.testing.assert_array_equal(logs, chain.score_samples([[5, None, 7], [1, 0, None]]))
    back = chain.predict_proba(table, id="who", time="when").to_frame("pandas")
    assert back["who"].tolist() == rows["who"] and back["when"].tolist() == rows["when"]
    by_list = chain.predict_proba([[5, None, 7], [1, 0, None]])
    np.testing.assert_array_equal(
        back["P(0)"], [by_list[s][t, 0] for s, t in [(0, 2), (1, 1), (0, 0), (1, 2), (1, 0), (0, 1)]]
    )
    fit = HiddenMarkov(2, {"calls": "poisson"}).fit(table, id="who", time="when", max_rounds=5, tol=0)
    assert len(fit.predict(table)) == 2
    assert fit.predict(table).to_frame("polars").columns == ["who", "when", "state"]


def test_products_of_families_and_missing_values():
    outcome = {("x", "y"): Gaussian("full"), "n": NegativeBinomial, "word": "categorical"}
    rng = np.random.default_rng(1)
    state = np.repeat([0, 1, 0, 1], 60)
    table = pd.DataFrame(
        {
            "unit": np.repeat(["u", "v"], 120),
            "x": rng.normal(4.0 * state, 1),
            "y": rng.normal(-2.0 * state, 1),
            "n": rng.negative_binomial(3, 0.3 + 0.4 * state),
            "word": np.where(rng.random(240) < 0.3 + 0.5 * state, "yes", "no"),
        }
    )
    holes = table.copy()
    holes.loc[::7, "x"] = np.nan
    holes.loc[::5, "word"] = None
    holes["n"] = holes["n"].astype("Int64").mask(holes.index % 11 == 0)
    for given in (table, holes):
        fit = HiddenMarkov(2, outcome).fit(given, id="unit")
        assert fit.converged
        found = np.array(fit.predict(given).to_frame("pandas")["state"])
        assert max((found == state).mean(), (found != state).mean()) > 0.97
        assert (np.diff(fit.trace) > -1e-9).all()
    # 1 + 2 and 2 x (2 + 3), 2 x 2, 2 x 1
    assert fit.n_parameters == 3 + 10 + 4 + 2
    names = fit.parameters().to_frame("pandas")
    assert {"mean of x", "covariance of x, y", "size of n", "P(word = yes)"} <= set(names["parameter"])


def test_missing_values_are_marginalised():
    _, family = SIDES["full"]
    chain = HiddenMarkov(3, family, start=START, transitions=MOVES)
    half = np.array([[1.0, np.nan], [4.0, np.nan], [np.nan, np.nan]])
    one = Gaussian(means=[0.0, 3.0, 6.0], covariances=[2.0] * 3)
    alone = HiddenMarkov(3, one, start=START, transitions=MOVES)
    assert chain.score([half]) == pytest.approx(alone.score([half[:, 0]]), rel=1e-12)


# Fitting


def test_fits_recover_what_they_were_drawn_from():
    truth = HiddenMarkov(["low", "high"], Poisson([1.0, 6.0]), start=[0.5, 0.5], transitions=[[0.95, 0.05], [0.1, 0.9]])
    drawn = truth.sample(50, length=200, seed=3)
    fit = HiddenMarkov(2, "poisson").fit(drawn.outcomes, seed=5)
    assert fit.converged and fit.log_likelihood > truth.score(drawn.outcomes)
    order = np.argsort(fit.outcomes[("value",)].means)
    # 10,000 rows: means to 5 standard errors of about 0.03
    np.testing.assert_allclose(fit.outcomes[("value",)].means[order], [1, 6], atol=0.15)
    np.testing.assert_allclose(fit.transition_probs[np.ix_(order, order)], truth.transition_probs, atol=0.03)
    again = HiddenMarkov(2, "poisson").fit(drawn.outcomes, seed=5)
    assert again.log_likelihood == fit.log_likelihood and (again.transition_probs == fit.transition_probs).all()
    assert fit.aic < fit.bic


def test_bits_do_not_depend_on_threads():
    drawn = HiddenMarkov(2, Poisson([1.0, 3.0]), start=[0.5, 0.5], transitions=MOVES_2).sample(600, length=20).outcomes
    before = esc.threads()
    try:
        fits = []
        for n in (1, 2, 7):
            esc.set_threads(n)
            fits.append(HiddenMarkov(2, "poisson").fit(drawn, max_rounds=20, tol=0))
        assert all((fit.trace == fits[0].trace).all() for fit in fits)
    finally:
        esc.set_threads(before)


MOVES_2 = [[0.9, 0.1], [0.2, 0.8]]


def test_acceleration_ends_where_plain_rounds_end():
    drawn = HiddenMarkov(2, Poisson([2.0, 4.0]), start=[0.5, 0.5], transitions=MOVES_2).sample(30, length=100).outcomes
    chain = HiddenMarkov(2, Poisson([2.9, 3.1]), start=[0.5, 0.5], transitions=MOVES_2)
    plain = chain.fit(drawn, accelerate=False, tol=1e-6, max_rounds=20_000)
    fast = chain.fit(drawn, tol=1e-6)
    assert fast.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-5)
    assert fast.converged and fast.rounds < plain.rounds


def test_zeros_stay_and_priors_pull():
    left_right = [[0.9, 0.1, 0.0], [0.0, 0.9, 0.1], [0.0, 0.0, 1.0]]
    chain = HiddenMarkov(3, "gaussian", start=[1, 0, 0], transitions=left_right)
    data = [np.repeat([0.0, 5.0, 9.0], 20) + wave(3)[: 60 - 4].mean() + np.tile(wave(7)[:30], 2)] * 3
    fit = chain.fit(data)
    assert (fit.transition_probs[np.tril_indices(3, -1)] == 0).all() and fit.start_probs.tolist() == [1, 0, 0]
    assert fit.n_parameters == 2 + 6
    loose = HiddenMarkov(2, Categorical(range(2), [[0.5, 0.5], [0.9, 0.1]]), start=[0.5, 0.5], transitions=MOVES_2)
    held = HiddenMarkov(
        2,
        Categorical(range(2), [[0.5, 0.5], [0.9, 0.1]], prior=1e6),
        start=[0.5, 0.5],
        transitions=MOVES_2,
        transition_prior=1e6,
        start_prior=1e6,
    )
    data = [[0, 1, 1, 0, 0, 0], [1, 1, 0]]
    assert np.abs(held.fit(data).transition_probs - 0.5).max() < 1e-4
    assert np.abs(loose.fit(data).transition_probs - 0.5).max() > 0.01
    strong = Gaussian(prior_mean=[10.0], prior_worth=1e6, prior_variance=[4.0], variance_worth=1e9)
    pulled = HiddenMarkov(1, strong).fit([[0.0, 1.0, 2.0]]).outcomes[("value",)]
    assert pulled.means[0, 0] == pytest.approx(10, abs=1e-4) and pulled.covariances[0, 0] == pytest.approx(4, rel=1e-4)


def test_a_state_on_one_value_keeps_the_floor():
    data = [np.r_[np.zeros(30), 5.0 + wave(3)[:30]]]
    for covariance in ("diagonal", "full"):
        family = HiddenMarkov(2, Gaussian(covariance)).fit(data).outcomes[("value",)]
        assert np.min(family.covariances) == pytest.approx(1e-6 * np.var(data[0]), rel=1e-6)


def test_a_fit_that_stops_early_warns():
    with pytest.warns(ConvergenceWarning, match=re.escape("has not converged in 3 rounds")):
        fit = HiddenMarkov(3, "poisson").fit(COUNTS, max_rounds=3)
    assert not fit.converged and "not converged in 3 rounds" in repr(fit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rounds(HiddenMarkov(3, "poisson"), COUNTS, 3)


def test_a_fit_goes_on_from_where_it_is():
    short = rounds(HiddenMarkov(3, SIDES["poisson"][1], start=START, transitions=MOVES), COUNTS, 4)
    on = rounds(short, COUNTS, 6)
    assert on.log_likelihood == pytest.approx(HMMLEARN["poisson"]["after"], rel=DIGITS)


# Weights, and priors of negative binomials

WEIGHTS = [2, 0, 1, 3]


@pytest.mark.parametrize("kind", SIDES)
def test_weights_are_so_many_times_the_sequence(kind):
    data, family = SIDES[kind]
    held = {"categorical": {"prior": 0.5}, "poisson": {"prior_worth": 1.0}}.get(
        kind, {"prior_worth": 1.0, "variance_worth": 2.0}
    )
    chain = HiddenMarkov(3, replace(family, **held), start=START, transitions=MOVES, transition_prior=0.5)
    repeated = [part for part, n in zip(data, WEIGHTS, strict=True) for _ in range(n)]
    once = chain.fit(repeated, max_rounds=15, tol=0)
    fit = chain.fit(data, weights=WEIGHTS, max_rounds=15, tol=0)
    np.testing.assert_allclose(fit.trace, once.trace, rtol=1e-9)
    np.testing.assert_allclose(fit.transition_probs, once.transition_probs, rtol=1e-6, atol=1e-12)
    assert fit.bic == pytest.approx(once.bic) and fit.n_rows == sum(LENGTHS)
    # Starts, too, look at none of a sequence of weight 0.
    left_out = [part for part, n in zip(data, WEIGHTS, strict=True) if n]
    outcome = Categorical(range(4)) if kind == "categorical" else "poisson" if kind == "poisson" else Gaussian(kind)
    bare = HiddenMarkov(2, outcome)
    zeros = bare.fit(data, weights=[1, 0, 1, 1], seed=4, max_rounds=15, tol=0)
    np.testing.assert_allclose(zeros.trace, bare.fit(left_out, seed=4, max_rounds=15, tol=0).trace, rtol=1e-9)


def test_weights_by_column_and_by_id():
    rows = {"who": ["b", "a", "b", "a", "b"], "n": [1, 7, 0, 8, 9], "w": [2.0, 0.5, 2.0, 0.5, 2.0]}
    chain = HiddenMarkov(2, "poisson")
    by_column = chain.fit(pl.DataFrame(rows), id="who", weights="w")
    assert list(by_column.outcomes) == [("n",)] and by_column.n_rows == 5
    table = pd.DataFrame(rows).drop(columns="w")
    for weights in ({"a": 0.5, "b": 2}, [2, 0.5], pd.Series([2, 0.5])):
        assert chain.fit(table, id="who", weights=weights).log_likelihood == by_column.log_likelihood
    parts = by_column.score_samples(table)
    assert by_column.log_likelihood == pytest.approx(2 * parts[0] + 0.5 * parts[1])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1], re.escape("weights has shape (1,); expected (2)")),
        ([1, -1], "weights: sequence 'a' has -1; expected a number from 0 to 1e.12"),
        ([1, None], "weights: sequence 'a' has nan"),
        ([0, 0], "weights: no sequence with rows has one above 0"),
        ({"b": 1}, "weights: sequence 'a' has none"),
        ({"b": 1, "a": 1, "c": 1}, "weights: there is no sequence 'c'"),
        ("n", "sequence 'b', row 2 of the table: 'n' is 0 after 1; expected one a sequence"),
        ("x", "the table has no column 'x'"),
    ],
)
def test_weights_that_are_none(weights, message):
    table = pd.DataFrame({"who": ["b", "a", "b"], "n": [1, 7, 0], "m": [1, 7, 0]})
    with pytest.raises(esc.SpecError, match=message):
        HiddenMarkov(2, {"m": "poisson"}).fit(table, id="who", weights=weights)


def test_weights_by_name_need_a_table():
    with pytest.raises(
        esc.SpecError, match="weights='w' names a column; expected a number for each sequence of a list"
    ):
        HiddenMarkov(2, "poisson").fit([[1, 2]], weights="w")


def test_the_prior_of_a_negative_binomial():
    # The mode of the posterior by scipy: all 2^7 paths; gamma on means, log-normal on sizes, Dirichlet on the rest.
    from scipy.optimize import minimize
    from scipy.stats import nbinom

    seen = [0, 1, 0, 9, 14, 1, 6]
    paths = np.array(list(itertools.product(range(2), repeat=7)))

    def value(x):
        means, sizes = np.exp(x[:2]), np.exp(x[2:4])
        first, *moves = (np.array([1, np.exp(z)]) / (1 + np.exp(z)) for z in x[4:])
        law = first[paths[:, 0]] * np.prod([np.array(moves)[paths[:, t], paths[:, t + 1]] for t in range(6)], axis=0)
        rows = np.array([nbinom.pmf(seen, r, r / (r + m)) for m, r in zip(means, sizes, strict=True)])
        likelihood = law @ np.prod([rows[paths[:, t], t] for t in range(7)], axis=0)
        prior = 1.5 * (2.0 * x[:2] - means).sum() - 0.5 * ((x[2:4] - np.log(4)) ** 2).sum() / np.log(2.5) ** 2
        return np.log(likelihood) + prior + np.log([first, *moves]).sum()

    family = NegativeBinomial([1, 8], [4, 4], prior_mean=2.0, prior_worth=1.5, prior_size=4.0, size_spread=2.5)
    chain = HiddenMarkov(2, family, start=[0.6, 0.4], transitions=MOVES_2, start_prior=1.0, transition_prior=1.0)
    begin = np.log([1, 8, 4, 4, 0.4 / 0.6, 0.1 / 0.9, 0.8 / 0.2])
    assert chain.fit([seen], max_rounds=1, tol=0).trace[0] == pytest.approx(value(begin), rel=1e-12)
    best = minimize(lambda x: -value(x), begin, method="BFGS", options={"gtol": 1e-7})
    fit = chain.fit([seen], tol=1e-12, max_rounds=3000)
    assert fit.log_likelihood + fit.log_prior == pytest.approx(-best.fun, abs=1e-9)
    found = fit.outcomes[("value",)]
    np.testing.assert_allclose(np.r_[found.means, found.sizes], np.exp(best.x[:4]), rtol=1e-4)
    np.testing.assert_allclose(fit.start_probs[1], 1 / (1 + np.exp(-best.x[4])), rtol=1e-4)


# The conventions of scikit-learn


def cloned(chain):
    """What ``sklearn.base.clone`` does (version 1.7), written anew: from parameters that it must hold as they are."""
    if hasattr(chain, "__sklearn_clone__"):
        return chain.__sklearn_clone__()
    params = {name: copy.deepcopy(value) for name, value in chain.get_params(deep=False).items()}
    made = type(chain)(**params)
    held = made.get_params(deep=False)
    assert list(held) == list(params) and all(held[name] is params[name] for name in params)
    return made


def test_parameters_are_got_set_and_cloned():
    chain = HiddenMarkov(["a", "b"], {"n": "poisson"}, start=[0.5, 0.5], transitions=MOVES_2, start_prior=2.0)
    names = list(inspect.signature(HiddenMarkov).parameters)
    assert list(chain.get_params()) == list(chain.get_params(deep=False)) == ["states", "outcome", *names[2:]]
    again = cloned(chain)
    assert again is not chain and again.get_params() == chain.get_params()
    data = pd.DataFrame({"n": [0, 1, 7, 8]})
    fit = chain.fit(data, max_rounds=3, tol=0)
    assert again.fit(data, max_rounds=3, tol=0).log_likelihood == fit.log_likelihood
    # A fit's are those of the chain before it.
    back = cloned(fit)
    assert type(back) is HiddenMarkov and back.get_params() == chain.get_params()
    with pytest.raises(esc.SpecError, match="the chain has no parameters yet"):
        back.score(data)
    assert again.set_params(start=None, states=3, transitions=None) is again
    assert again.n_states == 3 and again.get_params()["start_prior"] == 2.0
    with pytest.raises(esc.SpecError, match="there is no parameter 'stats'; did you mean 'states'"):
        again.set_params(stats=3)
    with pytest.raises(esc.SpecError, match="start is .*; expected numbers from 0 to 1"):
        again.set_params(start=[0.5, 0.6, 0.1])
    assert again.get_params()["start"] is None and again.n_states == 3
    with pytest.raises(esc.SpecError, match="a fit stays as it was learnt"):
        fit.set_params(states=3)
    assert fit.set_params() is fit


# Results


def test_results_are_labelled(chain):
    probs = chain.predict_proba([[0, 7], [1]])
    assert list(probs.to_frame("polars").columns) == ["sequence", "row", "P(0)", "P(1)"]
    assert "Probabilities of states in 2 sequences" in probs._repr_html_()
    assert probs[0].shape == (2, 2)
    with pytest.raises(IndexError, match="no.*place 5"):
        probs[5]
    paths = chain.predict([[0, 7], [1]])
    assert str(paths).startswith("The most probable states of 2 sequences, 3 rows")
    assert "shown" not in str(paths) and "12 rows, the first 8 shown" in str(chain.predict([[0, 7, 1] * 4]))
    drawn = chain.sample(3, length=[2, 0, 1], seed=2)
    assert len(drawn.to_frame("pandas")) == 3 and [len(x) for x in drawn.outcomes] == [2, 0, 1]
    assert repr(chain) == "<HiddenMarkov: 2 states, poisson>"


def test_pictures(chain):
    plt = pytest.importorskip("matplotlib.pyplot")
    ax = chain.predict_proba([[0, 7, 9, 1]]).plot()
    assert ax.get_title(loc="left") == "sequence 0"
    assert chain.plot().get_xlabel() == "to"
    plt.close("all")


def test_pickle(chain):
    fit = rounds(chain, COUNTS, 2)
    again = pickle.loads(pickle.dumps(fit))
    assert again.log_likelihood == fit.log_likelihood
    assert again.score(COUNTS) == fit.score(COUNTS)


# What is refused


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda c: c.score([[1, 2], [0, -1]]), "sequence 1, row 1: is -1; expected a count, 0 or more"),
        (lambda c: c.score([[1, 2.5]]), "sequence 0, row 1: is 2.5; expected a count"),
        (lambda c: c.score([[1, np.inf]]), "sequence 0, row 1: is inf; expected a finite number"),
        (lambda c: HiddenMarkov(2, "gaussian").fit([[1, -1e200]]), "sequence 0, row 1: is -1e.200; expected at most"),
        (lambda c: c.score([[1, "x"]]), "sequence 0, row 1: is 'x'; expected a number"),
        (lambda c: c.score([np.ones((2, 2))]), "the sequences have 2 columns; expected 1"),
        (lambda c: c.score([np.ones((2, 2, 2))]), re.escape("sequence 0 has shape (2, 2, 2)")),
        (lambda c: c.score("abc"), "the data is 'abc'; expected a list of arrays"),
        (lambda c: c.score(3), "the data is 3; expected a list of arrays"),
        (lambda c: c.fit([]), "no row to learn from"),
        (lambda c: c.fit([[1]], tol=-1), "tol is -1"),
        (lambda c: c.fit([[1]], n_starts=0), "n_starts is 0"),
        (lambda c: c.sample(2, length=[1]), "1 lengths are given for 2 sequences"),
        (lambda c: HiddenMarkov(0), "states is 0"),
        (lambda c: HiddenMarkov(["a", "a"]), "distinct names"),
        (lambda c: HiddenMarkov(2, "gausian"), "no family 'gausian'; did you mean 'gaussian'"),
        (lambda c: HiddenMarkov(2, start=[0.5, 0.6]), "start is .*; expected numbers from 0 to 1 that sum to 1"),
        (lambda c: HiddenMarkov(2, transitions=[[1, 0]]), re.escape("transitions has shape (1, 2); expected (2, 2)")),
        (lambda c: HiddenMarkov(2, {("a", "b"): "poisson"}), "expected a Gaussian for several"),
        (lambda c: HiddenMarkov(2, "poisson").score([[1]]), "the chain has no parameters yet"),
        (lambda c: HiddenMarkov(2, Poisson([1.0, -1])).fit([[1]]), "the mean of state 1 is -1"),
        (lambda c: HiddenMarkov(2, ["poisson", "poisson"]).fit([[1]]), "there are 2 outcomes for 1 columns"),
        (lambda c: HiddenMarkov(2).fit([[None, None]]), "no row to take symbols from"),
    ],
)
def test_what_is_wrong_is_named(chain, work, message):
    with pytest.raises(esc.SpecError, match=message):
        work(chain)


def test_unknown_symbols_are_named_by_sequence_and_row():
    mood = Categorical(["a", "b"], [[0.9, 0.1], [0.2, 0.8]])
    chain = HiddenMarkov(2, mood, start=[0.5, 0.5], transitions=MOVES_2)
    with pytest.raises(esc.SpecError, match="sequence 1, row 2: symbol 'x' is not among 'a', 'b'"):
        chain.score([["a"], ["b", "a", "x"]])
    numbered = HiddenMarkov(2, Categorical([1, 2, 5], np.full((2, 3), 1 / 3)), start=[0.5, 0.5], transitions=MOVES_2)
    with pytest.raises(esc.SpecError, match="sequence 0, row 1: symbol 3 is not among 1, 2, 5"):
        numbered.score([np.array([1, 3])])
    assert numbered.score([np.array([1, 5])]) == pytest.approx(2 * np.log(1 / 3))
    assert numbered.score([[1, None, 5.0]]) == pytest.approx(2 * np.log(1 / 3))
    table = pd.DataFrame({"who": ["u", "v", "u"], "mood": ["a", "b", "c"]})
    named = HiddenMarkov(2, {"mood": mood}, start=[0.5, 0.5], transitions=MOVES_2)
    with pytest.raises(esc.SpecError, match="sequence 'u', row 2 of the table: in mood symbol 'c' is not among"):
        named.score(table, id="who")
    with pytest.raises(esc.SpecError, match="no column 'whom'; did you mean 'who'"):
        named.score(table, id="whom")
    with pytest.raises(esc.SpecError, match="row 2 of the table: 't' of sequence 'u' is 1 a second time"):
        named.score(table.assign(t=[1, 1, 1]), id="who", time="t")


def test_what_does_not_fit_is_refused(chain):
    before = esc.memory_limit()
    try:
        esc.set_memory_limit(1000)
        with pytest.raises(esc.TooLarge, match="a sequence of 200 rows and 2 states takes"):
            chain.predict_proba([[1] * 200])
    finally:
        esc.set_memory_limit(before)


def test_impossible_sequences_are_named():
    chain = HiddenMarkov(2, Categorical(["a", "b"], np.eye(2)),
                         start=[1, 0], transitions=[[1, 0], [0.5, 0.5]])  # fmt: skip
    assert chain.score([["a", "b"]]) == -np.inf
    with pytest.raises(esc.ImpossibleEvidence, match="sequence 1, row 2: under the model nothing"):
        chain.predict([["a"], ["a", "a", "b"]])
    table = pd.DataFrame({"who": ["u", "v", "v"], "value": ["a", "b", "a"]})
    with pytest.raises(esc.ImpossibleEvidence, match="sequence 'v', row 1 of the table: "):
        chain.fit(table, id="who")
    with pytest.raises(esc.ImpossibleEvidence, match="sequence 0, row 1"):
        chain.sample_paths([["a", "b"]])
