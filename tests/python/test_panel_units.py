"""Likelihoods of units by themselves, and leaving one out, beside sums by hand and posteriors known in closed form."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

import escalade as esc


def timed(n: int, seed: int) -> pd.DataFrame:
    """Each unit's moves between two rungs, all timed, to the end of its watch."""
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(n):
        time, rung = 0.0, 0
        rows.append((f"u{unit}", time, "ab"[rung]))
        while True:
            time += rng.exponential(1 / [0.8, 0.5][rung])
            if time > 6:
                break
            rung = 1 - rung
            rows.append((f"u{unit}", time, "ab"[rung]))
        rows.append((f"u{unit}", 6.0, "ab"[rung]))
    return pd.DataFrame(rows, columns=["who", "t", "s"])


def looked_at(n: int, seed: int) -> pd.DataFrame:
    """The same units, seen now and then."""
    full, rng, rows = timed(n, seed), np.random.default_rng(seed), []
    for who, path in full.groupby("who", sort=False):
        for t in np.unique(rng.uniform(0, 6, 7).round(1)):
            rows.append((who, t, path["s"][path["t"] <= t].iloc[-1]))
    return pd.DataFrame(rows, columns=["who", "t", "s"])


def model(spread: float | None = None) -> esc.Model:
    m = esc.Model()
    rates = [esc.per_year(0.7, spread=spread), esc.per_year(0.7, spread=spread)] if spread else None
    moves = {("a", "b"): rates[0], ("b", "a"): rates[1]} if rates else [("a", "b"), ("b", "a")]
    m.ladder("light", ["a", "b"], moves=moves)
    return m


def panel(df: pd.DataFrame, **about: object) -> esc.Panel:
    return esc.Panel(df, id="who", time="t", clock="year", rungs={"light": "s"}, **about)


def by_hand(df: pd.DataFrame, out: float, back: float) -> np.ndarray:
    """Σ ln q − Σ q t of each unit."""
    logs = []
    for _, rows in df.groupby("who", sort=False):
        t, s = rows["t"].to_numpy(), rows["s"].to_numpy()
        rate = np.where(s[:-1] == "a", out, back)
        moved = s[1:] != s[:-1]
        logs.append(np.log(rate[moved]).sum() - (rate * np.diff(t)).sum())
    return np.array(logs)


def test_units_add_up_and_are_those_by_hand() -> None:
    df = timed(30, 1)
    df["moved"] = df["t"] > 0
    fit = model().fit(panel(df, moved="moved"))
    units = fit.unit_log_likelihoods()
    assert units.sum() == pytest.approx(fit.log_likelihood, rel=1e-12)
    q = fit.intensities().estimate
    np.testing.assert_allclose(units, by_hand(df, q[0], q[1]), rtol=1e-10)


def test_units_of_a_snapshot_panel_add_up_and_of_one_with_classes_too() -> None:
    df = looked_at(25, 3)
    fit = model().fit(panel(df))
    assert fit.unit_log_likelihoods().sum() == pytest.approx(fit.log_likelihood, rel=1e-12)
    m = esc.Model()
    kind = m.driver("kind", {"mover": 0.7, "stayer": 0.3}, free=True)
    light = m.ladder("light", ["a", "b"], moves=[("a", "b"), ("b", "a")])
    light.effect(kind == "stayer", all=0)
    still = pd.DataFrame([(f"s{u}", t, "a") for u in range(15) for t in range(7)], columns=["who", "t", "s"])
    mixed = m.fit(panel(pd.concat([df, still])), starts=1)
    assert mixed.unit_log_likelihoods().sum() == pytest.approx(mixed.log_likelihood, rel=1e-12)
    drawn = mixed.unit_log_likelihoods(draws=5, seed=1)
    assert drawn.shape == (5, 40)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_leaving_one_out_is_that_of_gamma_posteriors() -> None:
    pytest.importorskip("arviz")
    df = timed(40, 2)
    df["moved"] = df["t"] > 0
    m = esc.Model()
    prior = {"events": 2.0, "over": 3.0}
    rate = esc.base_rate(prior["events"], over="3 years")
    m.ladder("light", ["a", "b"], moves={("a", "b"): rate, ("b", "a"): rate})
    posterior = m.sample(panel(df, moved="moved"), draws=1500, chains=2, seed=4)
    found = posterior.loo()
    moves, times = np.zeros((40, 2)), np.zeros((40, 2))
    for u, (_, rows) in enumerate(df.groupby("who", sort=False)):
        t, s = rows["t"].to_numpy(), rows["s"].to_numpy()
        for k, rung in enumerate("ab"):
            moves[u, k] = ((s[:-1] == rung) & (s[1:] != rung)).sum()
            times[u, k] = np.diff(t)[s[:-1] == rung].sum()
    shape, exposure = 2.5 + moves.sum(axis=0), 3 + times.sum(axis=0)

    def log_mass(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return gammaln(a) - a * np.log(b)

    wanted = (log_mass(shape, exposure) - log_mass(shape - moves, exposure - times)).sum(axis=1)
    np.testing.assert_allclose(np.asarray(found.loo_i), wanted, atol=0.05)
    assert float(found.elpd_loo) == pytest.approx(wanted.sum(), abs=0.3)
