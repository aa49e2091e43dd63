"""Generators by names: against SciPy's exponential, closed forms, and what is refused."""

import copy
import itertools
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
