"""Panels whose rungs have stages: dense generators written apart from the kernel, closed forms, what is refused."""

import itertools
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from scipy.linalg import expm

import escalade as esc
from msm_data import data

EXACT = 1e-10  # digits that sums of logarithms keep
SLOPE = 1e-4  # central differences of a log-likelihood at its top

RUNGS = ["well", "ill", "worse", "dead"]
MOVES = [("well", "ill"), ("ill", "well"), ("ill", "worse"), ("worse", "dead"), ("ill", "dead")]
RATES = [0.4, 0.15, 0.5, 0.7, 0.2]
RATIO = 1.6  # of a move from ill to worse, for one more of x
STAGES = {"well": 2, "ill": 3}
PHASES = [(rung, stage) for rung in RUNGS for stage in range(STAGES.get(rung, 1))]
GOES = [[0.6, 0.4, 0, 0], [0.2, 0.5, 0.2, 0.1], [0, 0, 0.6, 0.4], [0, 0, 0, 1]]  # from row to row, of some rows
SHOWN = {"well": [0.8, 0.2], "ill": [0.3, 0.7], "worse": [0.1, 0.9], "dead": [0.5, 0.5]}


def moves(rates, x):
    """Of each pair of phases the intensity, and whether it leaves the rung."""
    q, leaves = np.zeros((len(PHASES),) * 2), np.zeros((len(PHASES),) * 2, dtype=bool)
    for (a, b), rate in zip(MOVES, rates[:5], strict=True):
        k = STAGES.get(a, 1)
        rate = k * rate * (rates[5] ** x if (a, b) == ("ill", "worse") else 1.0)
        for stage in range(k):
            last = stage == k - 1
            here, there = PHASES.index((a, stage)), PHASES.index((b, 0) if last else (a, stage + 1))
            q[here, there] += rate
            leaves[here, there] = last
    return q, leaves


def law(q, t):
    return expm((q - np.diag(q.sum(axis=1))) * t)


def at(rung, uniform):
    """The law of the phase where a rung is seen first."""
    k = STAGES.get(rung, 1)
    return np.array([(1 / k if uniform else float(s == 0)) if r == rung else 0.0 for r, s in PHASES])


def likelihood(rows, rates, uniform, start):
    """P(unit): whole matrices from row to row; ill and dead are entered at their first sight."""
    v, seen = None, None
    for k, row in enumerate(rows):
        said = row["s"]
        fits = [said is None or r == said or (said == "alive" and r != "dead") for r, _ in PHASES]
        look = np.array(fits, float)
        if row["shown"] is not None:
            look *= [SHOWN[r][["pale", "red"].index(row["shown"])] for r, _ in PHASES]
        if k == 0:
            v = at(said, uniform) if said in RUNGS else sum(p * at(r, uniform) for r, p in start.items())
        else:
            t = row["t"] - rows[k - 1]["t"]
            q, leaves = moves(rates, rows[k - 1]["x"])
            out = np.where(leaves, q, 0)
            if row["moved"]:
                stays = (q - out) - np.diag(q.sum(axis=1))
                v = v @ expm(stays * t) @ (np.eye(len(PHASES)) + out)
            else:
                v = v @ law(q, t)
                if said in ("ill", "dead") and said != seen:
                    v = v @ (out * [r == said for r, _ in PHASES])
        v = v * look
        seen = said if said in RUNGS else None
    return v.sum()


def some_rows(n=80, seed=4):
    """Units that are seen, hidden, one of a set, misread, and moved at known times."""
    rng = np.random.default_rng(seed)
    out = []
    for unit in range(n):
        t, rung = 0.0, int(rng.integers(0, 2))
        for _ in range(rng.integers(2, 7)):
            hide, shows = rng.random(), rng.random() < 0.3
            name = RUNGS[rung]
            said = name if name == "dead" or hide < 0.6 else "alive" if hide < 0.8 else None
            shown = str(rng.choice(["pale", "red"], p=SHOWN[name])) if shows else None
            moved = bool(out and out[-1]["who"] == unit and out[-1]["s"] == said and hide < 0.3)
            out.append({"who": unit, "t": t, "s": said, "shown": shown, "x": float(rng.normal()), "moved": moved})
            if name == "dead":
                break
            t += float(rng.uniform(0.3, 2.0))
            rung = int(rng.choice(4, p=GOES[rung]))
    return pl.DataFrame(out)


def sick(free, uniform):
    m = esc.Model()
    rates = [esc.free(esc.per_year(r)) if free and r != RATES[4] else esc.per_year(r) for r in RATES]
    priors = dict(zip(MOVES, rates, strict=True))
    begin = {"well": 0.6, "ill": 0.4}
    stage = "uniform" if uniform else "first"
    ladder = m.ladder("l", RUNGS, begin, moves=priors, stages=STAGES, first_stage=stage)
    ladder.covariate("x", moves=[("ill", "worse")], **({} if free else {"ratio": RATIO}))
    shown = m.status("shown", ["pale", "red"], given=ladder, table=SHOWN)
    return m, ladder, begin, shown


def panel(frame, ladder, shown, **more):
    exact = [ladder == "ill", ladder == "dead"]
    columns = {"rungs": {ladder: "s"}, "indicators": {shown: "shown"}, "covariates": {"x": "x"}, "moved": "moved"}
    alive = {"alive": RUNGS[:3]}
    return esc.Panel(frame, id="who", time="t", clock="year", possible=alive, exact=exact, **columns, **more)


@pytest.mark.parametrize("uniform", [False, True])
def test_the_likelihood_is_that_of_whole_matrices(uniform):
    frame = some_rows()
    m, ladder, start, shown = sick(False, uniform)
    fit = m.fit(panel(frame, ladder, shown), progress=False)
    units = [own.to_dicts() for (_,), own in frame.group_by("who", maintain_order=True)]
    logs = [math.log(likelihood(rows, [*RATES, RATIO], uniform, start)) for rows in units]
    assert math.isclose(fit.log_likelihood, sum(logs), rel_tol=EXACT)
    # The law of the rung at each row: what is seen besides, in each rung.
    found = fit.smoothed()
    for who in range(0, 80, 9):
        own = found.filter(pl.col("unit").cast(int) == who)
        for k, row in enumerate(units[who][1:], start=1):
            if row["s"] not in (None, "alive"):
                continue
            for rung in ("well", "worse"):  # whose entry has no known time, so that a sight of it is no density
                rows = [*units[who][:k], row | {"s": rung}, *units[who][k + 1 :]]
                p = likelihood(rows, [*RATES, RATIO], uniform, start) / math.exp(logs[who])
                assert math.isclose(own[rung][k], p, abs_tol=1e-11)


def test_a_fit_ends_at_a_top_of_the_brute_likelihood():
    frame = some_rows(100, 6)
    m, ladder, start, shown = sick(True, True)
    fit = m.fit(panel(frame, ladder, shown), progress=False)
    assert fit.converged
    units = [own.to_dicts() for (_,), own in frame.group_by("who", maintain_order=True)]
    numbers = fit.numbers()
    names = [*(f"l: {a} → {b}" for a, b in MOVES), "l: ill → worse × (x)"]
    found = np.array([numbers.estimate[numbers.labels["number"].index(name)] for name in names])

    def log(theta):
        return sum(math.log(likelihood(rows, np.exp(theta), True, start)) for rows in units)

    top = np.log(found)
    assert math.isclose(fit.log_likelihood, log(top), rel_tol=EXACT)
    for step in 1e-4 * np.eye(6)[[0, 5]]:
        assert abs(log(top + step) - log(top - step)) / 2e-4 < SLOPE


def test_msm_at_given_intensities():
    """Two stages of mild coronary disease: msm 1.7, its phases told apart by nobody (`censor`), `fixedpars = TRUE`."""
    rates = {
        ("none", "mild"): 0.13,
        ("none", "dead"): 0.04,
        ("mild", "none"): 0.22,
        ("mild", "severe"): 0.34,
        ("mild", "dead"): 0.05,
        ("severe", "mild"): 0.13,
        ("severe", "dead"): 0.3,
    }
    frame, m = data("cav"), esc.Model()
    moves = {pair: esc.per_year(rate) for pair, rate in rates.items()}
    cav = m.ladder("cav", ["none", "mild", "severe", "dead"], moves=moves, stages={"mild": 2})
    exact = [cav == "dead"]
    fit = m.fit(esc.Panel(frame, id="PTNUM", time="years", clock="year", rungs={cav: "state"}, exact=exact))
    assert math.isclose(-2 * fit.log_likelihood, 3978.42761590956, rel_tol=1e-10)


def test_answers_are_of_rungs():
    frame = some_rows()
    for uniform in (False, True):
        m, ladder, _, shown = sick(False, uniform)
        fit = m.fit(panel(frame, ladder, shown), progress=False)
        q, _ = moves([*RATES, RATIO], 0.5)
        first = np.array([at(r, uniform) for r in RUNGS])
        fold = np.array([[float(r == rung) for rung in RUNGS] for r, _ in PHASES])
        x = {"x": 0.5}
        np.testing.assert_allclose(fit.transition(1.7, x).estimate, first @ law(q, 1.7) @ fold, atol=1e-12)
        worse = RATES[2] * RATIO**0.5
        out = [RATES[0], RATES[1] + worse + RATES[4], RATES[3], 0]
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(fit.sojourn(x).estimate, 1 / np.array(out))
        intensities = fit.intensities(x)
        assert len(intensities.estimate) == 5
        np.testing.assert_allclose([intensities[pair] for pair in MOVES], [*RATES[:2], worse, *RATES[3:]])
        after = fit.next_rung(x)
        np.testing.assert_allclose(after.estimate[1], np.array([RATES[1], 0, worse, RATES[4]]) / out[1])
        kept = [k for k, (r, _) in enumerate(PHASES) if r not in ("worse", "dead")]
        inner = (q - np.diag(q.sum(axis=1)))[np.ix_(kept, kept)]
        mean = np.zeros(len(PHASES))
        mean[kept] = np.linalg.solve(-inner, np.ones(len(kept)))
        np.testing.assert_allclose(fit.first_passage(ladder >= "worse", covariates=x).estimate, first @ mean)
        reached = np.ones(len(PHASES))
        reached[kept] = 1 - expm(inner * 2.0).sum(axis=1)
        told = fit.first_passage(ladder >= "worse", by=[2.0], covariates=x)
        np.testing.assert_allclose(told.estimate, first @ reached, atol=1e-12)
        laws = np.array([law(q, 3 / 300 * k) for k in range(301)])
        weights = np.where(np.arange(301) % 2 == 1, 4, 2) * (3 / 300) / 3
        weights[[0, -1]] = 0.01 / 3
        spent = np.tensordot(weights, laws, 1)
        np.testing.assert_allclose(fit.time_in_rungs(3.0, x).estimate, first @ spent @ fold, atol=1e-8)


def test_a_moved_column_has_the_likelihood_of_gamma_dwells():
    """All moves at known times, the unit first seen as it enters: dwells are gamma, the rate is moves over time."""
    m = esc.Model()
    ladder = m.ladder("l", ["up", "down"], moves=[("up", "down"), ("down", "up")], stages={"up": 4})
    times = np.cumsum([0, 1.0, 0.3, 2.0, 0.9, 1.4])
    df = pd.DataFrame({"who": 1, "t": times, "s": ["up", "down"] * 3, "at": True})
    fit = m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={ladder: "s"}, moved="at"), progress=False)
    np.testing.assert_allclose([fit.intensities()["up", "down"]], 3 / (1.0 + 2.0 + 1.4), rtol=1e-8)
    rate = 3 / 4.4
    ups = stats.gamma(4, scale=1 / (4 * rate)).logpdf([1.0, 2.0, 1.4]).sum()
    downs = stats.expon(scale=0.6).logpdf([0.3, 0.9]).sum()
    assert math.isclose(fit.log_likelihood, ups + downs, rel_tol=1e-9)


def test_paths_are_of_rungs():
    m = esc.Model()
    rates = {("up", "down"): esc.per_year(1.0), ("down", "up"): esc.per_year(2.0)}
    ladder = m.ladder("l", ["up", "down"], moves=rates, stages={"up": 4})
    df = pd.DataFrame({"who": [1, 1, 1, 2, 2], "t": [0, 1, 2, 0, 1], "s": ["up", "up", "down", "down", "up"]})
    fit = m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={ladder: "s"}), progress=False)
    assert list(fit.likeliest()["rung"]) == list(df["s"])
    np.testing.assert_allclose(np.asarray(fit.smoothed()["up"]), (df["s"] == "up").astype(float))
    assert fit.summary().used["chains"] == 2
    paths = fit.simulate(4000, 50.0, seed=2)
    assert (paths["rung"] != paths.groupby("unit")["rung"].shift()).all()
    first = paths.groupby("unit").nth(1)
    assert abs(first["time"].mean() - 1) < 0.03 and abs(first["time"].std() - 0.5) < 0.03
    hidden = df.assign(s=["up", None, "down", "down", "up"])
    fit = m.fit(esc.Panel(hidden, id="who", time="t", clock="year", rungs={ladder: "s"}), progress=False)
    with pytest.raises(esc.SpecError, match="no likeliest path where a ladder has stages"):
        fit.likeliest()
    q = np.diag([4.0] * 4, 1) + 2.0 * np.outer(np.eye(5)[4], np.eye(5)[0])
    there = law(q, 1.0)[0] * law(q, 1.0)[:, 4]
    np.testing.assert_allclose(fit.smoothed()["down"][1], there[4] / there.sum())


def test_a_joint_stay_has_no_law_of_its_own():
    m = esc.Model()
    one = m.ladder("one", ["a", "b"], up=esc.per_year(1), down=esc.per_year(1), stages={"a": 2})
    two = m.ladder("two", ["c", "d"], up=esc.per_year(1), down=esc.per_year(1))
    df = pd.DataFrame({"who": [1, 1, 1], "t": [0, 1, 2], "x": ["a", "b", "a"], "y": ["c", "c", "d"]})
    fit = m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={one: "x", two: "y"}), progress=False)
    for ask in (fit.sojourn, fit.next_rung):
        with pytest.raises(esc.SpecError, match="stay of several ladders together has no law of its own"):
            ask()
    pairs = set(zip(*fit.intensities().labels.values(), strict=True))
    assert len(pairs) == len(fit.intensities().estimate) == 8
    q = np.zeros((3, 3))
    q[0, 1] = q[1, 2] = 2
    q[2, 0] = 1
    own = (np.eye(3)[[0, 2]] @ law(q, 0.8)) @ np.array([[1, 0], [1, 0], [0, 1]])
    other = law(np.array([[0, 1.0], [1, 0]]), 0.8)
    np.testing.assert_allclose(fit.transition(0.8).estimate, np.kron(own, other), atol=1e-12)


def test_what_stages_are_refused():
    for stages, message in [
        ({"c": 2}, "there is no rung of 'l' called 'c'"),
        ({"a": 0}, "'a' has 0 stages; expected 1 to 1000"),
        ({"a": -3}, "'a' has -3 stages; expected 1 to 1000"),
        ({"b": 2}, "'b' has 2 stages, and no move leaves it; expected stages of rungs that are left again"),
    ]:
        m = esc.Model()
        with pytest.raises(esc.SpecError) as refused:
            m.ladder("l", ["a", "b"], up=esc.per_year(1), stages=stages)
        assert message in str(refused.value) or "c" in stages
        assert not m.ladders
    with pytest.raises(esc.SpecError):
        esc.Model().ladder("l", ["a", "b"], up=esc.per_year(1), first_stage="second")
    m = esc.Model()
    rungs = [f"r{k}" for k in range(4)]
    ladder = m.ladder("l", rungs, up=esc.per_year(1), down=esc.per_year(1), stages=dict.fromkeys(rungs, 70))
    df = pd.DataFrame({"who": [1, 1], "t": [0, 1], "s": ["r0", "r1"]})
    with pytest.raises(esc.SpecError, match=r"280 joint rungs \(each stage of a rung is one\); at most 256"):
        m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={ladder: "s"}), progress=False)


def test_files_keep_stages(tmp_path):
    m = esc.Model(origin="2025-01-01")
    m.ladder("l", ["a", "b c"], up=esc.per_month(1), down=esc.per_month(1), stages={"b c": 3}, first_stage="uniform")
    m.write(tmp_path / "m.toml")
    text = (tmp_path / "m.toml").read_text()
    assert 'stages = { "b c" = 3 }' in text and 'first_stage = "uniform"' in text
    assert esc.Model.read(tmp_path / "m.toml") == m
    assert m.size().largest["joint_rungs"] == 4 and m.size().largest["moves"] == 4
    plain = esc.Model(origin="2025-01-01")
    plain.ladder("l", ["a", "b c"], up=esc.per_month(1), down=esc.per_month(1))
    assert "stage" not in plain.to_toml() and plain != m


def test_stages_leave_the_mean_and_narrow_the_spread():
    """A dossier's ladder: the dwell is a gamma, and the question asks of the rung."""
    for k, by in itertools.product([1, 2, 9], ["2025-01-20", "2025-03-01"]):
        m = esc.Model(origin="2025-01-01")
        up = {("a", "b"): esc.per_month(0.7), ("a", "c"): esc.per_month(0.3)}
        ladder = m.ladder("l", ["a", "b", "c"], moves=up, stages={"a": k})
        fit = m.fit(esc.Dossier(as_of="2024-12-31"))
        months = ((pd.Timestamp(by) - pd.Timestamp("2025-01-01")).days + 1) / 30.4375
        asked = fit.ask([esc.reach(ladder == "b", by=by)])
        assert math.isclose(asked.mode[0], 0.7 * stats.gamma(k, scale=1 / k).cdf(months), rel_tol=1e-9)
