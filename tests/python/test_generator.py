"""Generators by names: against SciPy's exponential, closed forms, and what is refused."""

import copy
import itertools
import math
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import expm

import escalade as esc

CLOSE = {"rtol": 1e-10, "atol": 1e-14}
RATES = {("well", "ill"): 0.2, ("ill", "well"): 0.5, ("ill", "dead"): 0.1, ("well", "dead"): 0.01}
RUNGS = ["well", "ill", "dead"]


@pytest.fixture
def q():
    return esc.Generator(RUNGS, RATES)


def pair():
    """Two ladders, the first faster the higher the second stands; and the same written out."""
    up, down = [0.1, 0.4, 0.9], 1.0
    moves = {("east", "calm", "clash"): ("west", up), ("east", "clash", "calm"): down}
    west = ["low", "mid", "high"]
    for a, b in itertools.pairwise(west):
        moves |= {("west", a, b): 0.3, ("west", b, a): (["east"], [0.5, 0.25])}
    q = esc.Generator.coupled({"east": ["calm", "clash"], "west": west}, moves)
    full = np.zeros((6, 6))
    for e, w in itertools.product(range(2), range(3)):
        full[e * 3 + w, (1 - e) * 3 + w] = up[w] if e == 0 else down
        if w < 2:
            full[e * 3 + w, e * 3 + w + 1] = 0.3
        if w > 0:
            full[e * 3 + w, e * 3 + w - 1] = [0.5, 0.25][e]
    np.fill_diagonal(full, -full.sum(axis=1))
    return q, full


def test_three_ways_to_say_the_same(q):
    matrix = q.matrix()
    assert np.allclose(matrix.sum(axis=1), 0)
    for given in (matrix, matrix.tolist(), sp.csr_array(matrix), sp.coo_array(matrix)):
        assert esc.Generator(RUNGS, given) == q
    assert esc.Generator(RUNGS, matrix * 2) != q


def test_laws_and_transitions(q):
    times = [2.0, 0.0, 30.0]
    laws = q.law({"well": 0.5, "ill": 0.5}, times)
    exact = np.array([np.array([0.5, 0.5, 0]) @ expm(q.matrix() * t) for t in times])
    assert np.allclose(laws.probs, exact, **CLOSE)
    assert np.allclose(laws.probability(["well", "ill"]), 1 - exact[:, 2], **CLOSE)
    assert np.allclose(q.transition(2.0).probs, expm(q.matrix() * 2), **CLOSE)
    assert q.transition(2.0)["well", "dead"] == pytest.approx(expm(q.matrix() * 2)[0, 2], rel=1e-12)
    assert q.transitions([1.0, 2.0]).shape == (2, 3, 3)
    assert np.allclose(q.expect([1.0, 2.0, 3.0], times)[0], expm(q.matrix() * 2) @ [1, 2, 3], **CLOSE)
    v = np.array([[-1.0, 1, 0], [0, 0, 0], [0, 0, 0]])
    h = 1e-6
    slope = (expm((q.matrix() + h * v) * 2) - expm((q.matrix() - h * v) * 2)) / (2 * h)
    assert np.allclose(q.transition_slope(2.0, v), slope, atol=1e-9)


def test_stiff_generators_keep_twelve_digits():
    a, b = 3.1e6, 1.7e3
    q = esc.Generator(["on", "off"], [[-a, a], [b, -b]])
    exact = a / (a + b) * -np.expm1(-(a + b) * 3.0)
    assert q.transition(3.0)["on", "off"] == pytest.approx(exact, rel=1e-14)


def test_coupled_ladders_are_one_matrix():
    q, full = pair()
    assert np.allclose(q.matrix(), full)
    assert q.rungs[4] == ("clash", "mid")
    start = {"east": "calm", "west": {"low": 0.25, "mid": 0.75}}
    laws = q.law(start, [0.5, 4.0])
    first = np.array([0.25, 0.75, 0, 0, 0, 0])
    assert np.allclose(laws.probs, [first @ expm(full * t) for t in (0.5, 4.0)], **CLOSE)
    assert np.allclose(laws.marginal("east").probs[:, 1], laws.probability({"east": "clash"}), **CLOSE)
    assert np.allclose(laws[{"east": "calm", "west": "mid"}], laws[("calm", "mid")])
    target = {"east": "clash", "west": ["mid", "high"]}
    absorbing = full.copy()
    absorbing[[4, 5]] = 0
    reached = [(first @ expm(absorbing * t))[[4, 5]].sum() for t in (0.5, 4.0)]
    assert np.allclose(q.passage(target, start=start, times=[0.5, 4.0]).reached, reached, **CLOSE)
    assert np.allclose(first @ q.reach(target, [4.0])[0], reached[1], **CLOSE)
    either = [{"east": "clash"}, {"west": "high"}]
    assert q.hitting_probability(either)["calm", "low"] == 1.0
    assert q.hitting_time(either)["calm", "high"] == 0.0


def test_hitting_and_long_run(q):
    inner = -q.matrix()[:2, :2]
    mean = np.linalg.solve(inner, np.ones(2))
    assert q.hitting_time("dead").array[:2].tolist() == pytest.approx(mean.tolist(), rel=1e-12)
    assert dict(q.hitting_probability("ill", within=["well"]))["well"] == pytest.approx(0.2 / 0.21)
    assert q.hitting_time("ill")["dead"] == np.inf
    assert q.hitting_time("ill", if_reached=True)["well"] == pytest.approx(1 / 0.21)
    assert q.stationary()["dead"] == 1.0 and q.long_run("well")["dead"] == pytest.approx(1.0)
    split = esc.Generator(["a", "b", "c"], {("a", "b"): 1.0, ("a", "c"): 3.0})
    with pytest.raises(esc.SpecError, match="2 closed classes, {b}, {c}"):
        split.stationary()
    assert split.long_run("a")["c"] == 0.75 and split.closed_classes() == [["b"], ["c"]]
    decay = q.quasi_stationary(["well", "ill"])
    assert decay.rate == pytest.approx(-np.linalg.eigvals(-inner).max(), rel=1e-12)
    assert decay.low <= decay.rate * (1 + 1e-12) and decay.high >= decay.rate * (1 - 1e-12)
    assert q.dwell().columns()["probability"][0] == pytest.approx(0.2 / 0.21)


def test_rewards(q):
    spent = q.reward({"well": 1.0, "ill": 1.0}, start="well", times=[1e4])[0]
    assert spent == pytest.approx(q.hitting_time("dead")["well"], rel=1e-9)
    assert np.allclose(q.reward_from_each([1, 1, 1], [3.0]), 3.0)
    assert q.reward_until("dead", {"well": 1.0})["well"] + q.reward_until("dead", {"ill": 1.0})["well"] == (
        pytest.approx(q.hitting_time("dead")["well"])
    )
    exact = np.linalg.solve(0.1 * np.eye(3) - q.matrix(), [1, 2, 0])
    assert np.allclose(q.discounted_reward([1, 2, 0], 0.1).array, exact)
    assert q.long_run_reward({"dead": 5.0}) == 5.0


def marked(rates, impulses):
    """E[z^counts] of marked moves has the generator Q with ρ_ij in z's power; its slope at z = 1 by a complex step."""
    step = 1e-30
    tilted = rates.astype(complex)
    off = ~np.eye(len(rates), dtype=bool)
    tilted[off] *= 1 + 1j * step * impulses[off]  # the linear part of z^ρ
    return tilted, step


@pytest.mark.parametrize("coupled", [False, True])
def test_rewards_for_moves(q, coupled):
    rates, rewards = q.matrix(), np.array([1.0, -2.0, 0.5])
    impulses = np.zeros((3, 3))
    impulses[0, 1], impulses[1, 2] = 3.0, -1.5
    start, end, named = "well", ["dead"], {("well", "ill"): 3.0, ("ill", "dead"): -1.5}
    if coupled:
        q, rates = pair()
        rewards, impulses = np.arange(6.0) - 2, np.zeros((6, 6))
        impulses[[0, 1, 2], [3, 4, 5]] = 2.0  # east climbs
        impulses[[2, 5], [1, 4]] = -0.5  # west: high to mid
        named = {("east", "calm", "clash"): 2.0, ("west", "high", "mid"): -0.5}
        start, end = {"east": "calm", "west": "low"}, {"east": "clash", "west": "high"}
    n, times = len(rates), [0.0, 0.7, 12.0]
    tilted, step = marked(rates, impulses)
    by_time = [expm(np.block([[rates, rewards[:, None]], [np.zeros((1, n + 1))]]) * t)[:n, n] for t in times]
    moved = [(expm(tilted * t) @ np.ones(n)).imag / step for t in times]
    exact = np.array(by_time) + moved
    assert np.allclose(q.reward_from_each(rewards, times, moves=named), exact, **CLOSE)
    assert np.allclose(q.reward(rewards, start=start, times=times, moves=named), exact[:, 0], **CLOSE)
    given = impulses if not coupled else named
    assert np.allclose(q.reward(None, start=start, times=times, moves=given), np.array(moved)[:, 0], **CLOSE)
    # Every move: the number of moves.
    tilted, step = marked(rates, np.ones((n, n)))
    moved = [(expm(tilted * t) @ np.ones(n)).imag[0] / step for t in times]
    assert np.allclose(q.reward(start=start, times=times, moves=1), moved, **CLOSE)
    # Until a target: E[z^counts] solves a linear system, of which the move into the target is a part.
    inside = ~q._set_of(end, "target")
    costs = np.abs(impulses)
    costly = {pair: abs(x) for pair, x in named.items()}
    tilted, step = marked(rates, costs)
    whole = np.linalg.solve(-tilted[np.ix_(inside, inside)], tilted[np.ix_(inside, ~inside)].sum(axis=1)).imag / step
    found = q.reward_until(end, moves=costly)
    assert np.allclose(found.array[inside], whole, **CLOSE) and (found.array[~inside] == 0).all()
    # Discounted: the slope of the resolvent.
    resolvent = np.linalg.solve(0.3 * np.eye(n) - rates, (rates * costs).sum(axis=1))
    assert np.allclose(q.discounted_reward(None, 0.3, moves=costly).array, resolvent, **CLOSE)


def test_rewards_for_moves_in_the_long_run():
    # The slope of the largest eigenvalue of the tilted generator.
    q, rates = pair()
    impulses = np.zeros((6, 6))
    impulses[[0, 1, 2], [3, 4, 5]] = 2.0
    slope = [np.linalg.eigvals(rates + h * rates * impulses).real.max() for h in (1e-5, -1e-5)]
    found = q.long_run_reward(moves={("east", "calm", "clash"): 2.0})
    assert found == pytest.approx((slope[0] - slope[1]) / 2e-5, rel=1e-7)
    up = q.long_run_reward({("clash", "low"): 1.0}, moves={("east", "calm", "clash"): 2.0})
    assert up == pytest.approx(found + q.stationary()["clash", "low"], rel=1e-12)


# When it is reached


def reached(rates, target, t):
    """P(reached by t) from every rung, by SciPy."""
    stopped = rates.copy()
    stopped[target] = 0
    return expm(stopped * t)[:, target].sum(axis=1)


def test_quantiles_invert_the_distribution(q):
    from scipy.optimize import brentq

    probabilities = np.array([[1e-6, 0.1, 0.5], [0.9, 0.999, 0.0]])
    found = q.passage("dead", start="well").quantile(probabilities)
    dead = np.array([False, False, True])
    exact = [brentq(lambda t, p=p: reached(q.matrix(), dead, t)[0] - p, 0, 1e4, xtol=1e-13) for p in probabilities.flat]
    np.testing.assert_allclose(found.ravel(), exact, rtol=1e-9, atol=1e-12)
    assert found[1, 2] == 0 and q.passage("dead", start="dead").quantile(0.7) == 0
    assert q.passage("dead", start={"well": 0.4, "dead": 0.6}).quantile([0.6, 0.61])[0] == 0
    # Where it may never be: infinite from the chance of it on.
    q = esc.Generator(["a", "b", "c"], {("a", "b"): 1.0, ("a", "c"): 3.0})
    passage = q.passage("b", start="a")
    assert passage.quantile(0.2) == pytest.approx(-np.log(0.2) / 4, rel=1e-14)
    assert passage.quantile([0.25, 0.5, 1.0]).tolist() == [np.inf] * 3
    assert q.passage("c", start="b").quantile(1e-9) == np.inf
    within = esc.Generator(RUNGS, RATES).passage("dead", start="well", within=["well"])
    assert within.quantile(0.04) == pytest.approx(-np.log(1 - 0.04 * 21) / 0.21, rel=1e-13)
    assert within.quantile(0.05) == np.inf
    big, _ = pair()
    both = {"east": "clash", "west": "high"}
    passage = big.passage(both, start={"east": "calm", "west": "low"}, times=[0.3, 7.0])
    np.testing.assert_allclose(passage.quantile(passage.reached), passage.times, rtol=1e-12)
    assert pickle.loads(pickle.dumps(passage)).quantile(0.5) == passage.quantile(0.5)


@pytest.mark.parametrize("stages", [1, 3, 400, 3000])
def test_quantiles_and_moments_of_gamma_laws(stages):
    from scipy.special import gammainccinv, gammaincinv

    names = [f"s{i}" for i in range(stages + 1)]
    q = esc.Generator(names, sp.coo_array((np.full(stages, 2.0), (np.arange(stages), np.arange(1, stages + 1))),
                                          shape=(stages + 1, stages + 1)))  # fmt: skip
    passage = q.passage(names[-1], start="s0")
    low = np.array([1e-200, 1e-12, 0.01, 0.5])
    np.testing.assert_allclose(passage.quantile(low), gammaincinv(stages, low) / 2, rtol=1e-10)
    high = np.array([0.5, 1e-3, 1e-13])  # what is still to come, as far as 1 − p can say it
    np.testing.assert_allclose(passage.quantile(1 - high), gammainccinv(stages, 1 - (1 - high)) / 2, rtol=1e-10)
    assert q.hitting_moment(names[-1], 2)["s0"] == pytest.approx(stages * (stages + 1) / 4, rel=1e-13)
    # 3,000 stages: a second moment less a squared mean would lose four digits.
    assert q.hitting_variance(names[-1])["s0"] == pytest.approx(stages / 4, rel=1e-12)


def test_moments_of_passages(q):
    # k! (−A)^−k 1, and given that it is reached k! (−A)^−(k+1) a over the chance of it.
    a = q.matrix()[:2, :2]
    for k in (1, 2, 3, 4):
        exact = math.factorial(k) * np.linalg.matrix_power(np.linalg.inv(-a), k).sum(axis=1)
        np.testing.assert_allclose(q.hitting_moment("dead", k).array, [*exact, 0], rtol=1e-12)
    assert q.hitting_moment("dead", 1).array.tolist() == q.hitting_time("dead").array.tolist()
    mean, square = (q.hitting_moment("dead", k).array for k in (1, 2))
    np.testing.assert_allclose(q.hitting_variance("dead").array, square - mean**2, rtol=1e-12)
    many = [("a", "b", 1.0), ("b", "a", 0.5), ("b", "c", 0.7), ("a", "d", 0.2), ("b", "d", 0.1), ("c", "a", 0.3)]
    q = esc.Generator(list("abcde"), {(i, j): rate for i, j, rate in many})
    assert np.isinf(q.hitting_moment("c", 2).array[[0, 1, 3, 4]]).all()
    assert np.isinf(q.hitting_variance("c").array[[0, 1, 3, 4]]).all() and q.hitting_variance("c")["c"] == 0
    inner, into = q.matrix()[:2, :2], q.matrix()[:2, 2]
    powers = [np.linalg.matrix_power(np.linalg.inv(-inner), k + 1) @ into for k in range(4)]
    for k in (1, 2, 3):
        found = q.hitting_moment("c", k, if_reached=True).array
        np.testing.assert_allclose(found[:3], [*math.factorial(k) * powers[k] / powers[0], 0], rtol=1e-12)
        assert np.isnan(found[3:]).all()
    mean, square = powers[1] / powers[0], 2 * powers[2] / powers[0]
    np.testing.assert_allclose(q.hitting_variance("c", if_reached=True).array[:3], [*(square - mean**2), 0], rtol=1e-12)
    assert str(q.hitting_variance("c")).startswith("Variance of the time")


def test_paths(q):
    paths = q.simulate("well", horizon=4.0, n_paths=20_000, seed=3)
    dead = sum(rung == "dead" for rung in paths.final()) / len(paths)
    p = q.transition(4.0)["well", "dead"]
    assert abs(dead - p) < 5 * np.sqrt(p * (1 - p) / 20_000)
    again = q.simulate("well", horizon=4.0, n_paths=20_000, seed=3)
    assert np.array_equal(paths.times, again.times) and np.array_equal(paths.rungs, again.rungs)
    assert paths[0][0] == (0.0, "well")
    with pytest.raises(esc.WrongPlace):
        paths[20_000]
    between = q.simulate_between("ill", "dead", length=2.0, n_paths=50, seed=1)
    assert all(path[0][1] == "ill" and path[-1][1] == "dead" for path in between)
    with pytest.raises(esc.SpecError, match="no path of that length"):
        q.simulate_between("dead", "well", length=1.0)


def test_results_are_tables(q):
    laws = q.law("well", [1.0, 2.0])
    passage = q.passage("dead", start="well", times=[1.0])
    for table in (
        laws,
        passage,
        q.stationary(),
        q.transition(1.0),
        q.dwell(),
        q.quasi_stationary(["well", "ill"]),
        q.simulate("well", horizon=1.0, n_paths=2),
    ):
        frame = table.to_frame("pandas")
        assert len(frame) == len(next(iter(table.columns().values())))
        assert table._repr_html_().startswith("<table") and str(table)
    assert list(laws.to_frame("polars").columns) == ["time", *RUNGS]
    assert len(passage) == 1 and "Generator" in repr(q) and "<table" in q._repr_html_()


@pytest.mark.parametrize("make", [lambda: esc.Generator(RUNGS, RATES), lambda: pair()[0]])
def test_copies_and_pickles(make):
    q = make()
    assert pickle.loads(pickle.dumps(q)) == q and copy.deepcopy(q) is q
    assert repr(pickle.loads(pickle.dumps(q))) == repr(q)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda q: esc.Generator(RUNGS, [[-1, 1, 0], [0, 0, 0], [1, 0, -0.9]]), "row 2 (rung 'dead') sums to"),
        (lambda q: esc.Generator(RUNGS, {("well", "ill"): -1.0}), "row 0 (rung 'well') has the rate -1 to 'ill'"),
        (lambda q: esc.Generator(RUNGS, {("well", "il"): 1.0}), "il"),
        (lambda q: esc.Generator(RUNGS, {("well", "well"): 1.0}), "leads nowhere"),
        (lambda q: esc.Generator(["a", "a"], np.zeros((2, 2))), "given twice"),
        (lambda q: esc.Generator(RUNGS, np.zeros((2, 2))), "there are 3 rungs"),
        (lambda q: esc.Generator(RUNGS, [[np.nan] * 3] * 3), "NaN"),
        (lambda q: q.law("wel", 1.0), "wel"),
        (lambda q: q.law({"well": 0.4}, 1.0), "start sums to 0.4"),
        (lambda q: q.law("well", -1.0), "times: -1.0 at place 0"),
        (lambda q: q.law("well", [[1.0]]), "axes"),
        (lambda q: q.expect([1.0], 1.0), "there are 3 rungs"),
        (lambda q: q.passage(3, start="well", times=1.0), "target"),
        (lambda q: q.transition_slope(1.0, np.ones((3, 3))), "rows sum to 0"),
        (lambda q: q.quasi_stationary(["dead"]), "nothing leaves"),
        (lambda q: q.simulate("well", horizon=np.nan), "horizon"),
        (lambda q: q.discounted_reward([1, 1, 1], 0.0), "discount"),
        (lambda q: q.reward(start="well", times=1.0), "there is no reward; expected rewards, moves or both"),
        (lambda q: q.reward(moves={("dead", "well"): 1}, start="well", times=1.0), "nothing moves dead → well"),
        (lambda q: q.reward(moves=np.ones((2, 2)), start="well", times=1.0), "there are 3 rungs"),
        (lambda q: q.reward(moves=np.full((3, 3), np.inf), start="well", times=1.0), "moves: expected finite"),
        (lambda q: q.reward(moves="all", start="well", times=1.0), "moves is 'all'"),
        (lambda q: pair()[0].long_run_reward(moves={("east", "calm"): 1}), "expected (ladder, from, to)"),
        (lambda q: pair()[0].long_run_reward(moves={("west", "low", "high"): 1}), "nothing moves west, low → high"),
        (lambda q: q.reward_until("dead", moves={("well", "ill"): -1}), "has the reward -0.2"),
        (lambda q: q.passage("dead", start="well").quantile([0.5, 1.5]), "probability is 1.5"),
        (lambda q: q.passage("dead", start="well").quantile("half"), "probability is 'half'"),
        (lambda q: q.hitting_moment("dead", 0), "order is 0; expected a whole number from 1 to 20"),
        (lambda q: q.hitting_time("dead", if_reached=1), "if_reached is 1; expected True or False"),
        (lambda q: esc.Generator.coupled({"a": ["x", "y"]}, {("b", "x", "y"): 1.0}), "ladder"),
        (lambda q: esc.Generator.coupled({"a": ["x", "y"]}, {("a", "x", "z"): 1.0}), "z"),
        (
            lambda q: esc.Generator.coupled(
                {"a": ["x", "y"], "b": ["u", "v"]}, {("a", "x", "y"): ("b", [1.0, 2.0, 3.0])}
            ),
            "expected (2,)",
        ),
    ],
)
def test_what_is_refused(q, call, message):
    with pytest.raises(esc.EscaladeError) as refused:
        call(q)
    assert message in str(refused.value)


def test_more_than_memory_holds_is_refused():
    before = esc.memory_limit()
    rungs = [str(k) for k in range(40)]
    ladders = dict.fromkeys("abcd", rungs)
    try:
        esc.set_memory_limit(1e6)
        with pytest.raises(esc.TooLarge):
            esc.Generator.coupled(ladders, {("a", "0", "1"): 1.0})
    finally:
        esc.set_memory_limit(before)
