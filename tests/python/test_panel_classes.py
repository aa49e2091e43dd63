"""Drivers of a panel's units: brute force written apart from the kernel, mover-stayers found again, what is refused."""

import itertools
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq, minimize

import escalade as esc

# Digits that sums of logarithms keep.
EXACT = 1e-10
YEAR = 365.25


# Two drivers, one with a parent; two ladders that look at each other; a covariate; a value that may mislead.

REGION = {"north": 0.4, "south": 0.6}
KIND = {"north": [0.5, 0.3, 0.2], "south": [0.2, 0.5, 0.3]}
KINDS = ["mover", "slow", "stayer"]
SOURCE = {"good": 0.7, "bad": 0.3}
SHOWN = {
    "calm": {"good": [0.9, 0.1], "bad": [0.6, 0.4]},
    "tense": {"good": [0.2, 0.8], "bad": [0.5, 0.5]},
    "war": {"good": [0.0, 1.0], "bad": [0.3, 0.7]},
}
L, K = ["calm", "tense", "war"], ["off", "on"]
RATES = {("calm", "tense"): 0.5, ("tense", "calm"): 0.3, ("tense", "war"): 0.2}


def generator(kind, x):
    """Q of the joint rungs of a kind at a covariate, per year, built by hand."""
    states = list(itertools.product(L, K))
    q = np.zeros((6, 6))
    for (i, (a, s)), (j, (b, t)) in itertools.product(enumerate(states), repeat=2):
        if s == t and (a, b) in RATES:
            rate = RATES[a, b]
            if kind == "stayer":
                rate = 0.0
            if kind == "slow" and L.index(b) > L.index(a):
                rate *= 0.4
            if kind == "slow" and s == "on" and L.index(b) < L.index(a):
                rate *= 2.0
            if (a, b) == ("calm", "tense"):
                rate *= 1.5**x
            q[i, j] = rate
        elif a == b and (s, t) == ("off", "on"):
            q[i, j] = 0.3 * (1.7 if a != "calm" else 1.0)
        elif a == b and (s, t) == ("on", "off"):
            q[i, j] = 0.6
    return q - np.diag(q.sum(axis=1))


def of_class(rows, kind, source):
    """L(unit | class): whole matrices from row to row; the first rungs are taken as they are, or by the start's law."""
    states = list(itertools.product(L, K))
    total, weights = 1.0, None
    for k, row in enumerate(rows):
        fits = np.array([(row["l"] in (None, a)) and (row["k"] in (None, s)) for a, s in states], float)
        if row["shown"] is not None:
            place = ["quiet", "loud"].index(row["shown"])
            fits *= [SHOWN[a][source][place] for a, _ in states]
        if k == 0:
            known = row["l"] is not None and row["k"] is not None
            first = np.array([float((a, s) == (row["l"], row["k"])) for a, s in states])
            weights = (
                first if known else np.array([{"calm": 0.7, "tense": 0.3}.get(a, 0) * (s == "off") for a, s in states])
            )
        else:
            before = rows[k - 1]
            weights = weights @ expm(generator(kind, before["x"]) * (row["t"] - before["t"]))
        weights = weights * fits
    return total * weights.sum()


def brute(rows, seen=None):
    """P(unit), and P(kind | rows), by all joint states of region, kind and source."""
    total, kinds = 0.0, dict.fromkeys(KINDS, 0.0)
    for region, kind, source in itertools.product(REGION, KINDS, SOURCE):
        if seen is not None and source != seen:
            continue
        p = REGION[region] * KIND[region][KINDS.index(kind)] * SOURCE[source] * of_class(rows, kind, source)
        total += p
        kinds[kind] += p
    return total, {kind: p / total for kind, p in kinds.items()}


def two_drivers():
    m = esc.Model()
    region = m.driver("region", REGION)
    kind = m.driver("kind", KINDS, given=region, table=KIND)
    source = m.driver("source", SOURCE)
    rates = {pair: esc.per_year(rate) for pair, rate in RATES.items()}
    ladder = m.ladder("l", L, {"calm": 0.7, "tense": 0.3}, moves=rates)
    other = m.ladder("k", K, up=esc.per_year(0.3), down=esc.per_year(0.6))
    ladder.effect(kind == "stayer", all=0)
    ladder.effect(kind == "slow", up=0.4)
    ladder.effect((kind == "slow") & (other == "on"), down=2)
    ladder.covariate("x", moves=[("calm", "tense")], ratio=1.5)
    other.effect(ladder >= "tense", up=1.7)
    shown = m.status("shown", ["quiet", "loud"], given=[ladder, source], table=SHOWN)
    return m, ladder, other, shown, kind, source


def some_rows(n=60, seed=5):
    """Units with rungs that are known, missing, or only shown; some never move, whoever they are."""
    rng = np.random.default_rng(seed)
    out = []
    for unit in range(n):
        t, a, s = 0.0, 0, 0
        still = unit % 3 == 0
        for row in range(rng.integers(1, 6)):
            hide = rng.random(3)
            out.append(
                {
                    "who": unit,
                    "t": t,
                    "l": L[a] if hide[0] < 0.7 else None,
                    "k": K[s] if hide[1] < 0.7 else None,
                    "shown": ["quiet", "loud"][int(rng.random() < 0.5)] if hide[2] < 0.4 and a < 2 else None,
                    "x": float(rng.normal()),
                }
            )
            t += float(rng.uniform(0.2, 2.0))
            if not still and row:
                a, s = min(a + int(rng.random() < 0.4), 2), int(rng.random() < 0.5)
    return pl.DataFrame(out)


def test_two_drivers_and_all_are_the_sum_over_their_states():
    frame = some_rows()
    m, ladder, other, shown, kind, _ = two_drivers()
    columns = {"rungs": {ladder: "l", other: "k"}, "indicators": {shown: "shown"}}
    fit = m.fit(esc.Panel(frame, id="who", time="t", clock="year", **columns), progress=False)
    units = [own.to_dicts() for (_,), own in frame.group_by("who", maintain_order=True)]
    said = [brute(rows) for rows in units]
    assert math.isclose(fit.log_likelihood, sum(math.log(p) for p, _ in said), rel_tol=EXACT)
    found = fit.drivers()
    for name in KINDS:
        np.testing.assert_allclose(found[f"kind = {name}"], [kinds[name] for _, kinds in said], atol=1e-12)
    moved = [k for k, rows in enumerate(units) if len({r["l"] for r in rows} - {None}) > 1]
    assert moved and all(found["kind = stayer"][k] == 0.0 for k in moved)
    # The region is seen by nothing but the kind.
    north = {k: 0.4 * KIND["north"][j] / (0.4 * KIND["north"][j] + 0.6 * KIND["south"][j]) for j, k in enumerate(KINDS)}
    expected = [sum(north[k] * p for k, p in kinds.items()) for _, kinds in said]
    np.testing.assert_allclose(found["region = north"], expected, atol=1e-12)
    assert kind.states == KINDS


def test_drivers_seen_for_some_units():
    frame = some_rows().with_columns(s=pl.when(pl.col("who") % 2 == 0).then(pl.lit("bad")).otherwise(None))
    m, ladder, other, shown, _, source = two_drivers()
    columns = {"rungs": {ladder: "l", other: "k"}, "indicators": {shown: "shown"}, "drivers": {source: "s"}}
    fit = m.fit(esc.Panel(frame, id="who", time="t", clock="year", **columns), progress=False)
    units = [own.to_dicts() for (_,), own in frame.group_by("who", maintain_order=True)]
    logs = [math.log(brute(rows, rows[0]["s"])[0]) for rows in units]
    assert math.isclose(fit.log_likelihood, sum(logs), rel_tol=EXACT)
    told = fit.drivers().filter(pl.col("unit").cast(int) % 2 == 0)
    assert set(told["source = good"]) == {0.0}
    np.testing.assert_allclose(told["source = bad"], 1.0, rtol=1e-12)
    wrong = frame.with_columns(s=pl.when(pl.col("t") > 0).then(pl.lit("bad")).otherwise(pl.lit("good")))
    with pytest.raises(esc.SpecError, match=r"unit '\d+', row \d+: driver 'source' is 'bad' there and 'good' before"):
        m.fit(esc.Panel(wrong, id="who", time="t", clock="year", **columns), progress=False)


def test_answers_are_the_mean_over_what_is_not_given():
    frame = some_rows()
    m, ladder, other, shown, kind, _ = two_drivers()
    columns = {"rungs": {ladder: "l", other: "k"}, "indicators": {shown: "shown"}}
    fit = m.fit(esc.Panel(frame, id="who", time="t", clock="year", **columns), progress=False)
    at = {"x": 0.5}
    law = {k: 0.4 * KIND["north"][j] + 0.6 * KIND["south"][j] for j, k in enumerate(KINDS)}
    each = {k: expm(generator(k, 0.5) * 2) for k in KINDS}
    np.testing.assert_allclose(fit.transition(2, at, given={kind: "slow"}).estimate, each["slow"], atol=1e-12)
    np.testing.assert_allclose(fit.transition(2, at).estimate, sum(law[k] * each[k] for k in KINDS), atol=1e-12)
    north = sum(p * each[k] for p, k in zip(KIND["north"], KINDS, strict=True))
    np.testing.assert_allclose(fit.transition(2, at, given={"region": "north"}).estimate, north, atol=1e-12)
    stay = fit.sojourn(at, given={kind: "stayer"})
    assert stay["calm, off"] == pytest.approx(1 / 0.3) and stay["calm, on"] == pytest.approx(1 / 0.6)
    with pytest.raises(esc.SpecError, match="sojourn: it differs by the unit's 'kind' and 'source'; expected `given=`"):
        fit.sojourn(at)
    with pytest.raises(esc.SpecError, match="'fast' is no state of 'kind'; expected one of mover, slow, stayer"):
        fit.sojourn(at, given={kind: "fast"})
    passage = fit.first_passage(ladder == "war", by=[2.0], covariates=at).estimate
    np.testing.assert_allclose(passage[:1], [sum(law[k] * each[k][0, 4:].sum() for k in KINDS)], atol=1e-12)
    assert fit.first_passage(ladder == "war", covariates=at).estimate[0] == np.inf
    assert np.isfinite(fit.first_passage(ladder == "war", covariates=at, given={kind: "mover"}).estimate[0])
    made = fit.simulate(4000, 2.0, covariates=at, seed=1)
    last = made.group_by("unit", maintain_order=True).last()
    shares = [(last["rung"] == f"{a}, {s}").mean() for a, s in itertools.product(L, K)]
    np.testing.assert_allclose(shares, fit.transition(2, at).estimate[0], atol=0.03)
    assert abs((last["kind"] == "stayer").mean() - law["stayer"]) < 0.03
    assert set(fit.simulate(50, 2.0, covariates=at, given={kind: "slow"})["kind"]) == {"slow"}


def test_quantiles_are_those_of_the_mixture():
    frame = some_rows()
    m, ladder, other, shown, kind, _ = two_drivers()
    columns = {"rungs": {ladder: "l", other: "k"}, "indicators": {shown: "shown"}}
    fit = m.fit(esc.Panel(frame, id="who", time="t", clock="year", **columns), progress=False)
    law = {k: 0.4 * KIND["north"][j] + 0.6 * KIND["south"][j] for j, k in enumerate(KINDS)}
    stopped = {k: np.where(np.arange(6)[:, None] >= 4, 0, generator(k, 0.5)) for k in KINDS}

    def by(t, rung, weights):
        return sum(p * expm(stopped[k] * t)[rung, 4:].sum() for k, p in weights.items())

    shares = [0.1, 0.5, 0.9]
    for given, weights in [(None, law), ({kind: "mover"}, {"mover": 1.0})]:
        at = {"covariates": {"x": 0.5}, "given": given}
        found = fit.first_passage(ladder == "war", quantiles=shares, **at).estimate.reshape(3, 6)
        assert (found[:, 4:] == 0).all()
        for p, row in zip(shares, found, strict=True):
            for rung in range(4):
                # Stayers never get there: no time is late enough for nine of ten.
                never = given is None and p > 1 - law["stayer"]
                exact = np.inf if never else brentq(lambda t: by(t, rung, weights) - p, 0, 1e3, xtol=1e-12)  # noqa: B023
                assert row[rung] == pytest.approx(exact, rel=1e-9)
    told = fit.first_passage(ladder == "war", quantiles=[0.5], covariates={"x": 0.5}).to_frame("polars")
    assert told.columns[:2] == ["share", "from"]
    with pytest.raises(esc.SpecError, match="`by` and `quantiles`; expected one of them"):
        fit.first_passage(ladder == "war", by=[1.0], quantiles=[0.5])


# Covariates of drivers: multinomial logits of a unit's first row

ACTED_ON = [("north", "slow"), ("north", "stayer"), ("south", "mover"), ("south", "stayer")]


def regressed(logits, age, arm):
    """P(region) and P(kind | region) at an age and an arm; the likeliest state, as given, is the reference."""
    odds = {"north": REGION["north"] * math.exp(0.7 * (arm == "b")), "south": REGION["south"]}
    region = {name: x / sum(odds.values()) for name, x in odds.items()}
    kinds = {}
    for name, row in KIND.items():
        own = [p * math.exp(age * logits.get((name, k), 0.0)) for p, k in zip(row, KINDS, strict=True)]
        kinds[name] = [p / sum(own) for p in own]
    return region, kinds


def test_covariates_of_drivers_are_a_logit():
    frame = some_rows()
    ages, arms = np.round(np.random.default_rng(3).normal(size=60), 2), ["a", "b"]
    who = frame["who"].to_numpy()
    # After a unit's first row the values change, and are not looked at.
    first = (frame["t"] == 0).to_numpy()
    frame = frame.with_columns(
        age=pl.Series(np.where(first, ages[who], 100.0)),
        arm=pl.Series([arms[k % 2] if f else None for k, f in zip(who, first, strict=True)]),
    )
    m, ladder, other, shown, kind, _ = two_drivers()
    m["region"].covariate("arm", arms, coefficient=0.7)
    kind.covariate("age", coefficient=esc.near(0, spread=1))
    columns = {"rungs": {ladder: "l", other: "k"}, "indicators": {shown: "shown"}}
    fit = m.fit(esc.Panel(frame, id="who", time="t", clock="year", **columns), starts=1, progress=False)
    numbers = dict(zip(fit.numbers().labels["number"], fit.numbers().estimate, strict=True))
    logits = {(region, k): numbers[f"kind | {region}: {k}: + (age)"] for region, k in ACTED_ON}
    assert all(abs(x) > 0.01 for x in logits.values())
    units = [own.to_dicts() for (_,), own in frame.group_by("who", maintain_order=True)]
    logs, kinds, norths = [], [], []
    for k, rows in enumerate(units):
        region, kind_of = regressed(logits, ages[k], arms[k % 2])
        within = {(own, s): of_class(rows, own, s) for own, s in itertools.product(KINDS, SOURCE)}
        parts = {
            (r, own, s): region[r] * kind_of[r][j] * SOURCE[s] * within[own, s]
            for r, (j, own), s in itertools.product(REGION, enumerate(KINDS), SOURCE)
        }
        total = sum(parts.values())
        logs.append(math.log(total))
        kinds.append([sum(p for (_, own, _), p in parts.items() if own == name) / total for name in KINDS])
        norths.append(sum(p for (r, _, _), p in parts.items() if r == "north") / total)
    assert math.isclose(fit.log_likelihood, sum(logs), rel_tol=EXACT)
    found = fit.drivers()
    for j, name in enumerate(KINDS):
        np.testing.assert_allclose(found[f"kind = {name}"], [row[j] for row in kinds], atol=1e-12)
    np.testing.assert_allclose(found["region = north"], norths, atol=1e-12)
    # Answers take the covariates; the class of what is likeliest is weighed by the unit's own.
    region, kind_of = regressed(logits, 1.3, "b")
    law = [sum(region[r] * kind_of[r][j] for r in REGION) for j in range(3)]
    at = {"x": 0.5, "age": 1.3, "arm": "b"}
    mean = sum(p * expm(generator(k, 0.5) * 2) for p, k in zip(law, KINDS, strict=True))
    np.testing.assert_allclose(fit.transition(2, at).estimate, mean, atol=1e-12)
    made = fit.simulate(4000, 0.5, covariates=at, seed=1).group_by("unit", maintain_order=True).last()
    assert abs((made["kind"] == "stayer").mean() - law[2]) < 0.03
    with pytest.raises(esc.SpecError, match="age"):
        fit.transition(2, {"x": 0.5})
    path = fit.likeliest()
    singles = [k for k, rows in enumerate(units) if len(rows) == 1 and rows[0]["shown"] is None]
    row_of = np.cumsum([0, *map(len, units)])
    for k in singles:
        region, kind_of = regressed(logits, ages[k], arms[k % 2])
        own = [sum(region[r] * kind_of[r][j] for r in REGION) for j in range(3)]
        assert path["kind"][int(row_of[k])] == KINDS[int(np.argmax(own))]


def test_a_regression_on_the_class_has_the_top_that_scipy_finds(stayers):
    """Who stays depends on age: the likelihood of a mover-stayer by hand, its class by a logistic regression."""
    rng = np.random.default_rng(8)
    still = stayers.group_by("who", maintain_order=True).agg((pl.col("s") == "calm").all())["s"].to_numpy()
    age = rng.normal(size=len(still)) + 0.8 * still
    frame = stayers.with_columns(age=pl.Series(age[stayers["who"].to_numpy()]))
    pairs = list(MOVES)
    ways = frame.group_by("who", maintain_order=True).agg("s")["s"].to_list()
    counts = np.zeros((len(ways), 3, 3))
    for k, way in enumerate(ways):
        for a, b in itertools.pairwise(way):
            counts[k, L.index(a), L.index(b)] += 1

    def minus(theta):
        q = np.zeros((3, 3))
        for (a, b), x in zip(pairs, theta, strict=False):
            q[L.index(a), L.index(b)] = np.exp(x)
        law = expm(q - np.diag(q.sum(axis=1)))
        p = 1 / (1 + np.exp(-theta[-2] - theta[-1] * age))
        return -np.log((1 - p) * np.exp((counts * np.log(law)).sum(axis=(1, 2))) + p * still).sum()

    found = minimize(minus, [*np.log(list(MOVES.values())), -0.6, 0.5], method="BFGS", options={"gtol": 1e-5})
    m, ladder, kind = mover_stayer()
    kind.covariate("age")
    fit = m.fit(esc.Panel(frame, id="who", time="t", clock="year", rungs={ladder: "s"}), progress=False)
    assert fit.converged
    np.testing.assert_allclose(-fit.log_likelihood, found.fun, rtol=1e-9)
    numbers = fit.numbers()
    place = numbers.labels["number"].index("kind: stayer: + (age)")
    assert numbers.estimate[place] == pytest.approx(found.x[-1], rel=1e-4)
    # BFGS's own inverse Hessian is rough; a difference of the slope is not.
    step = np.eye(6) * 1e-4
    hessian = np.array([[minus(found.x + a + b) - minus(found.x + a - b) - minus(found.x - a + b)
                         + minus(found.x - a - b) for a in step] for b in step]) / 4e-8  # fmt: skip
    assert numbers.error[place] == pytest.approx(np.sqrt(np.linalg.inv(hessian)[-1, -1]), rel=1e-3)
    assert "kind: stayer: + (age)" in str(fit.summary())


def test_covariates_of_drivers_are_for_panels(tmp_path):
    m, _, kind = mover_stayer()
    kind.covariate("arm", ["a", "b"], coefficient=esc.near(0.5, spread=1), source="a trial")
    m.write(tmp_path / "m.toml")
    assert esc.Model.read(tmp_path / "m.toml") == m
    assert "[[driver.covariate]]" in (tmp_path / "m.toml").read_text()
    with pytest.raises(esc.SpecError, match="'arm' is twice among the covariates"):
        kind.covariate("arm")
    dated = esc.Model(origin="2024-01-01")
    dated.driver("kind", {"mover": 0.5, "stayer": 0.5}).covariate("age")
    with pytest.raises(esc.SpecError, match="driver 'kind' has covariates, which only a panel has"):
        dated.fit(esc.Dossier(as_of="2024-02-01"))


def test_paths_mix_over_classes():
    frame = some_rows(25)
    m, ladder, other, shown, *_ = two_drivers()
    columns = {"rungs": {ladder: "l", other: "k"}, "indicators": {shown: "shown"}}
    fit = m.fit(esc.Panel(frame, id="who", time="t", clock="year", **columns), progress=False)
    smoothed, path = fit.smoothed(), fit.likeliest()
    states = list(itertools.product(L, K))
    law = {k: 0.4 * KIND["north"][j] + 0.6 * KIND["south"][j] for j, k in enumerate(KINDS)}
    start = 0
    for (_,), own in frame.group_by("who", maintain_order=True):
        rows = own.to_dicts()
        weights, best = {}, (0.0, None)
        for kind, source in itertools.product(KINDS, SOURCE):
            steps = [
                expm(generator(kind, rows[k]["x"]) * (rows[k + 1]["t"] - rows[k]["t"])) for k in range(len(rows) - 1)
            ]
            free = [[i for i, (a, s) in enumerate(states) if r["l"] in (None, a) and r["k"] in (None, s)] for r in rows]
            known = rows[0]["l"] is not None and rows[0]["k"] is not None
            for way in itertools.product(*free):
                a, s = states[way[0]]
                p = law[kind] * SOURCE[source]
                p *= 1.0 if known else {"calm": 0.7, "tense": 0.3}.get(a, 0) * (s == "off")
                for k, r in enumerate(rows):
                    if r["shown"] is not None:
                        p *= SHOWN[states[way[k]][0]][source][["quiet", "loud"].index(r["shown"])]
                    if k:
                        p *= steps[k - 1][way[k - 1], way[k]]
                weights[way] = weights.get(way, 0.0) + p
                if p > best[0] * (1 + 1e-9):
                    best = (p, (way, kind, source))
        total = sum(weights.values())
        for k in range(len(rows)):
            for i, (a, s) in enumerate(states):
                p = sum(w for way, w in weights.items() if way[k] == i) / total
                assert smoothed[f"{a}, {s}"][start + k] == pytest.approx(p, abs=1e-10)
        way, kind, source = best[1]
        assert path["rung"][start : start + len(rows)].to_list() == [", ".join(states[i]) for i in way]
        assert (path["kind"][start], path["source"][start]) == (kind, source)
        start += len(rows)


# A mover-stayer

MOVES = {("calm", "tense"): 0.4, ("tense", "calm"): 0.5, ("tense", "war"): 0.2, ("war", "tense"): 0.6}


def mover_stayer(moves=None):
    m = esc.Model()
    kind = m.driver("kind", {"mover": 0.5, "stayer": 0.5}, free=True)
    fixed = {pair: esc.per_year(rate) for pair, rate in MOVES.items()}
    pairs = m.ladder("pairs", L, moves=list(MOVES) if moves is None else fixed)
    pairs.effect(kind == "stayer", all=0)
    return m, pairs, kind


def looked_at(n=600, seed=2, share=0.35):
    """Movers and stayers of known intensities, looked at each year."""
    rng = np.random.default_rng(seed)
    q = np.zeros((3, 3))
    for (a, b), rate in MOVES.items():
        q[L.index(a), L.index(b)] = rate
    law = expm(q - np.diag(q.sum(axis=1)))
    rows = []
    for unit in range(n):
        stays, state = rng.random() < share, 0
        for year in range(8):
            rows.append((unit, float(year), L[state], "stayer" if stays else "mover"))
            if not stays:
                state = rng.choice(3, p=law[state])
    return pl.DataFrame(rows, schema=["who", "t", "s", "kind"], orient="row")


@pytest.fixture(scope="module")
def stayers():
    return looked_at()


def fitted(frame, **options):
    m, pairs, kind = mover_stayer()
    return m.fit(
        esc.Panel(frame, id="who", time="t", clock="year", rungs={pairs: "s"}, **options), progress=False
    ), kind


def test_a_mover_stayer_is_found_again(stayers):
    fit, kind = fitted(stayers)
    assert fit.converged and not fit.warnings and len(fit.starts) == 6
    q = fit.intensities(given={kind: "mover"}, level=0.999)
    truth = np.array(list(MOVES.values()))
    assert ((q.low < truth) & (truth < q.high)).all()
    numbers = fit.numbers(level=0.999)
    place = numbers.labels["number"].index("kind: stayer")
    assert numbers.low[place] < 0.35 < numbers.high[place]
    moved = stayers.group_by("who", maintain_order=True).agg((pl.col("s") != "calm").any())["s"].to_numpy()
    stays = fit.drivers()["kind = stayer"].to_numpy()
    assert (stays[moved] == 0).all() and (stays[~moved] > 0.5).all()
    expected = fit.prevalence([0.0, 3.0, 7.0])
    np.testing.assert_allclose(expected.expected, expected.observed, atol=40)


def test_a_mover_stayer_has_the_top_that_scipy_finds(stayers):
    """The likelihood written by hand (Goodman 1961: a unit never seen to move is a stayer, or a mover that stayed)."""
    pairs = list(MOVES)
    ways = stayers.group_by("who", maintain_order=True).agg("s")["s"].to_list()
    counts = np.zeros((len(ways), 3, 3))
    for k, way in enumerate(ways):
        for a, b in itertools.pairwise(way):
            counts[k, L.index(a), L.index(b)] += 1
    still = np.array([set(way) == {"calm"} for way in ways])

    def minus(theta):
        q = np.zeros((3, 3))
        for (a, b), x in zip(pairs, theta, strict=False):
            q[L.index(a), L.index(b)] = np.exp(x)
        law = expm(q - np.diag(q.sum(axis=1)))
        p = 1 / (1 + np.exp(-theta[-1]))
        moving = (1 - p) * np.exp((counts * np.log(law)).sum(axis=(1, 2)))
        return -np.log(moving + p * still).sum()

    found = minimize(minus, [*np.log(list(MOVES.values())), -0.6], method="BFGS", options={"gtol": 1e-5})
    fit, _ = fitted(stayers)
    assert -fit.log_likelihood <= found.fun + 1e-8
    np.testing.assert_allclose(-fit.log_likelihood, found.fun, rtol=1e-9)
    np.testing.assert_allclose(fit.numbers().estimate[:4], np.exp(found.x[:4]), rtol=1e-3)


def test_who_is_known_is_counted(stayers):
    some = stayers.with_columns(k=pl.when(pl.col("who") < 200).then(pl.col("kind")).otherwise(None))
    m, pairs, kind = mover_stayer()
    panel = esc.Panel(some, id="who", time="t", clock="year", rungs={pairs: "s"}, drivers={kind: "k"})
    fit = m.fit(panel, progress=False)
    assert fit.converged
    known = fit.drivers().head(200)
    assert set(known["kind = stayer"]) == {0.0, 1.0}
    lies = some.with_columns(k=pl.lit("stayer"))
    with pytest.raises(esc.SpecError, match="the moves of the model do not lead from calm"):
        m.fit(esc.Panel(lies, id="who", time="t", clock="year", rungs={pairs: "s"}, drivers={kind: "k"}))
    all_known = m.fit(esc.Panel(stayers, id="who", time="t", clock="year", rungs={pairs: "s"}, drivers={kind: "kind"}))
    assert len(all_known.starts) == 1
    share = (stayers.group_by("who").first()["kind"] == "stayer").mean()
    np.testing.assert_allclose(all_known.numbers().estimate[-1], share, rtol=1e-6)


def test_a_mixture_needs_no_start(stayers):
    """Two speeds without a prior: classes that begin alike would stay alike."""
    m = esc.Model()
    kind = m.driver("kind", {"fast": 0.5, "slow": 0.5}, free=True)
    pairs = m.ladder("pairs", L, moves=list(MOVES))
    pairs.effect(kind == "slow", all=esc.free())
    alone = esc.Model()
    one = alone.ladder("pairs", L, moves=list(MOVES))
    panel = {"id": "who", "time": "t", "clock": "year"}
    fit = m.fit(esc.Panel(stayers, **panel, rungs={pairs: "s"}), progress=False, starts=2)
    single = alone.fit(esc.Panel(stayers, **panel, rungs={one: "s"}), progress=False)
    assert fit.log_likelihood > single.log_likelihood + 50
    weighted = m.fit(
        esc.Panel(stayers.with_columns(w=pl.lit(2.0)), **panel, rungs={pairs: "s"}, weights="w"),
        progress=False,
        starts=2,
    )
    assert math.isclose(weighted.log_likelihood, 2 * fit.log_likelihood, rel_tol=1e-9)
    assert m.fit(esc.Panel(stayers, **panel, rungs={pairs: "s"}), progress=False, starts=2).starts == fit.starts


def test_a_class_that_nobody_is_of_is_named():
    frame = looked_at(200, share=0.0).filter(pl.col("t") < 6)
    first = frame.group_by("who").agg((pl.col("s") != "calm").any())
    movers = frame.join(first.filter(pl.col("s")).select("who"), on="who")
    with pytest.warns(UserWarning, match="'stayer' of 'kind' runs to 0: the panel shows none"):
        fit, _ = fitted(movers)
    assert fit.converged and fit.numbers()["kind: stayer", "table"] < 1e-4


def test_moves_at_known_times_of_movers_and_stayers():
    m, pairs, kind = mover_stayer(MOVES)
    df = pl.DataFrame(
        {"who": [1, 1, 1, 2, 2], "t": [0.0, 2.0, 5.0, 0.0, 4.0], "s": ["calm", "tense", "calm", "calm", "calm"]}
    ).with_columns(at=pl.lit(True))
    with pytest.warns(UserWarning, match="rung 'war' of 'pairs' is never seen"):
        fit = m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={pairs: "s"}, moved="at"), progress=False)
    p = fit.numbers().estimate[-1]
    moved = (1 - p) * 0.4 * np.exp(-0.4 * 2) * 0.5 * np.exp(-0.7 * 3)
    stayed = p + (1 - p) * np.exp(-0.4 * 4)
    assert fit.log_likelihood == pytest.approx(np.log(moved) + np.log(stayed), rel=1e-12)
    assert fit.drivers()["kind = stayer"].to_list() == pytest.approx([0, p / stayed], abs=1e-12)
    assert kind.states == ["mover", "stayer"]


def test_a_model_with_classes_is_a_file_too(tmp_path):
    m, *_ = mover_stayer()
    m.write(tmp_path / "m.toml")
    assert esc.Model.read(tmp_path / "m.toml") == m


# Factors of 0


def test_a_factor_of_0_without_drivers():
    """While the other ladder is on, this one does not rise: the intensity is 0, nothing is nan."""
    m = esc.Model()
    other = m.ladder("k", K, up=esc.per_year(0.3), down=esc.per_year(0.6))
    ladder = m.ladder("l", ["low", "high"], up=esc.per_year(0.9, spread=2), down=esc.per_year(0.4, spread=2))
    ladder.effect(other == "on", up=0)
    rows = {"who": [1] * 4, "t": [0.0, 1.0, 2.0, 3.0], "l": [1, 2, 1, 1], "k": [1, 1, 2, 2]}
    columns = {"id": "who", "time": "t", "clock": "year", "rungs": {ladder: "l", other: "k"}}
    fit = m.fit(esc.Panel(pl.DataFrame(rows), **columns), progress=False)
    assert fit.intensities()["on, low", "on, high"] == 0.0 and np.isfinite(fit.theta).all()
    q = dict(
        zip(
            zip(*[fit.intensities().labels[x] for x in ("from", "to")], strict=True),
            fit.intensities().estimate,
            strict=True,
        )
    )
    states = ["off, low", "off, high", "on, low", "on, high"]
    dense = np.array([[q.get((a, b), 0.0) for b in states] for a in states])
    law = expm(dense - np.diag(dense.sum(axis=1)))
    by_hand = law[0, 1] * law[1, 2] * law[2, 2]
    assert fit.log_likelihood == pytest.approx(np.log(by_hand), rel=1e-12)
    assert np.isfinite(fit.transition(2).estimate).all() and fit.transition(1).estimate[2, 2] > 0
    with pytest.raises(esc.SpecError, match="the factor is -1; expected a finite number, 0 or more"):
        ladder.effect(other == "on", down=-1)
    with pytest.raises(esc.SpecError, match="0 and has a spread"):
        ladder.effect(other == "on", down=esc.factor(0, spread=2))
    with pytest.raises(esc.SpecError, match="start of a free factor is 0"):
        ladder.effect(other == "on", down=esc.free(0))


def test_rows_that_a_factor_of_0_forbids_are_named():
    m = esc.Model(origin="2024-01-01")
    ladder = m.ladder("l", ["low", "high"], up=esc.free(), down=esc.free())
    ladder.effect(esc.since("2024-06-01"), all=0)
    rows = {"who": [1, 1, 1], "t": ["2024-02-01", "2024-07-01", "2024-08-01"], "l": ["low", "high", "low"]}
    with pytest.raises(esc.SpecError, match=r"unit '1', row 3: the moves of the model do not lead from high"):
        m.fit(esc.Panel(pl.DataFrame(rows), id="who", time="t", rungs={ladder: "l"}))


# Dates


def dated(frame, **options):
    m = esc.Model(origin="2020-01-01")
    ladder = m.ladder("l", ["low", "high"], up=esc.per_year(0.8), down=esc.per_year(1.1))
    ladder.effect(esc.since("2021-03-01") & esc.until("2022-06-30"), up=3)
    ladder.effect((ladder == "high") & esc.since("2022-01-01"), down=0.5)
    return m, m.fit(esc.Panel(frame, id="who", time="date", rungs={ladder: "l"}, **options), progress=False)


def days(text):
    return float((np.datetime64(text, "D") - np.datetime64("2020-01-01", "D")).astype(int))


def test_dates_cut_intervals():
    dates = ["2020-05-01", "2021-05-01", "2022-03-15", "2023-01-01"]
    rungs = ["low", "high", "low", "high"]
    frame = pl.DataFrame({"who": [1] * 4, "date": dates, "l": rungs})
    _, fit = dated(frame)
    cuts = [days("2021-03-01"), days("2022-07-01"), days("2022-01-01")]
    log = 0.0
    for k in range(3):
        a, b = days(dates[k]) + 0.5, days(dates[k + 1]) + 0.5
        ends = [a, *sorted(cut for cut in cuts if a < cut < b), b]
        law = np.eye(2)
        for u, v in itertools.pairwise(ends):
            mid = 0.5 * (u + v)
            up = 0.8 * (3 if cuts[0] <= mid < cuts[1] else 1) / YEAR
            down = 1.1 * (0.5 if mid >= cuts[2] else 1) / YEAR
            law = law @ expm(np.array([[-up, up], [down, -down]]) * (v - u))
        log += np.log(law[int(rungs[k] == "high"), int(rungs[k + 1] == "high")])
    assert fit.log_likelihood == pytest.approx(log, rel=1e-12)
    plain = frame.to_pandas()
    same = [
        plain.assign(date=pd.to_datetime(plain["date"])),
        frame.with_columns(pl.col("date").str.to_date()),
        frame.with_columns(pl.col("date").str.to_datetime()).to_arrow(),
        frame.with_columns(pl.col("date") + "T12:00"),
    ]
    assert {dated(other)[1].log_likelihood for other in same} == {fit.log_likelihood}
    assert fit.intensities(at="2021-06-01")["low", "high"] == pytest.approx(2.4 / YEAR)
    assert fit.intensities(at="2020-06-01")["low", "high"] == pytest.approx(0.8 / YEAR)
    assert fit.smoothed()["time"].to_list() == dates
    assert fit.prevalence(["2021-01-01"]).observed.sum() == 1


def test_dates_that_are_none_are_refused():
    frame = pl.DataFrame({"who": [1, 1], "date": ["2020-05-01", "soon"], "l": ["low", "high"]})
    with pytest.raises(esc.SpecError, match="unit '1', row 2: the time, column 'date', is 'soon'; expected a date"):
        dated(frame)
    good = frame.with_columns(date=pl.Series(["2020-05-01", "2021-05-01"]))
    with pytest.raises(esc.SpecError, match="clock is 'year', and column 'date' holds dates; expected no clock"):
        dated(good, clock="year")
    m = esc.Model()
    ladder = m.ladder("l", ["low", "high"])
    with pytest.raises(esc.SpecError, match="column 'date' holds dates, and the model has no origin"):
        m.fit(esc.Panel(good, id="who", time="date", rungs={ladder: "l"}))
    with pytest.raises(esc.SpecError, match="it looks at dates, and the panel's time is a number .since 2021-03-01"):
        dated(good.with_columns(date=pl.Series([0.0, 1.0])))


# Rows without covariates


def test_rows_without_a_covariate_are_left_out_if_asked():
    rng = np.random.default_rng(1)
    frame = looked_at(80, share=0.0).with_columns(x=pl.Series(rng.normal(size=640)))
    holes = frame.with_columns(
        x=pl.when((pl.col("who") % 4 == 1) & (pl.col("t") == 3)).then(None).otherwise(pl.col("x"))
    )
    holes = holes.with_columns(x=pl.when(pl.col("t") == 7).then(None).otherwise(pl.col("x")))
    m = esc.Model()
    pairs = m.ladder("pairs", L, moves=list(MOVES))
    pairs.covariate("x", moves=[("calm", "tense")])
    panel = {"id": "who", "time": "t", "clock": "year", "rungs": {pairs: "s"}}
    with pytest.raises(esc.SpecError, match="unit '1', row 12: covariate 'x' is NaN"):
        m.fit(esc.Panel(holes, **panel))
    fit = m.fit(esc.Panel(holes, **panel, missing="drop"), progress=False)
    without = m.fit(esc.Panel(holes.filter((pl.col("who") % 4 != 1) | (pl.col("t") != 3)), **panel), progress=False)
    assert fit.log_likelihood == without.log_likelihood
    used = fit.summary().used
    assert used["dropped"] == 20 and used["rows"] == 620
    assert "left out: 20 rows that lack a covariate" in str(fit.summary())
    assert "left out" not in str(without.summary())
    assert fit.smoothed().height == 620 and 3.0 not in fit.smoothed().filter(pl.col("unit") == "1")["time"].to_list()
    with pytest.raises(esc.SpecError, match="missing is 'skip'; expected 'refuse' or 'drop'"):
        esc.Panel(holes, **panel, missing="skip")
