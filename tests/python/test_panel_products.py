"""Products of covariates and conditions, beside columns multiplied by hand and a dense likelihood in numpy."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import expm

import escalade as esc


def table(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(n):
        kind, x = ("mover", "slow")[unit % 2], rng.normal()
        rung, before = 0, 0.0
        for t in np.unique(rng.uniform(0, 8, 9).round(2)):
            stay = 0.5 * (1 + np.exp(-(0.6 if kind == "mover" else 0.3) * (t - before)))
            rung, before = (rung if rng.random() < stay else 1 - rung), t
            rows.append((f"u{unit}", t, "ab"[rung], kind, x, x * (kind == "mover")))
    return pd.DataFrame(rows, columns=["who", "t", "s", "kind", "x", "x_mover"])


def test_while_a_driver_is_in_a_state_it_is_a_column_of_its_own() -> None:
    df = table(30, 1)

    def fit(product: bool) -> esc.PanelFit:
        m = esc.Model()
        kind = m.driver("kind", {"mover": 0.5, "slow": 0.5})
        light = m.ladder("light", ["a", "b"], moves=[("a", "b"), ("b", "a")])
        light.effect(kind == "slow", all=esc.free(0.7))
        if product:
            light.covariate("x", when=kind == "mover")
        else:
            light.covariate("x_mover")
        return m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={light: "s"}, drivers={kind: "kind"}))

    by_condition, by_column = fit(True), fit(False)
    assert by_condition.log_likelihood == pytest.approx(by_column.log_likelihood, rel=1e-9)
    np.testing.assert_allclose(by_condition.theta, by_column.theta, rtol=1e-4, atol=1e-5)
    names = by_condition.numbers().to_frame("pandas").iloc[:, 0].tolist()
    assert any("× (x while kind = mover)" in name for name in names)


def test_while_another_ladder_is_at_a_rung_it_is_the_dense_likelihood() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for unit in range(6):
        x = round(rng.normal(), 2)
        for t in np.sort(rng.uniform(0, 5, 5)).round(2):
            rows.append((unit, t, "ab"[int(rng.random() < 0.5)], "ny"[int(rng.random() < 0.5)], x))
    df = pd.DataFrame(rows, columns=["who", "t", "light", "power", "x"]).drop_duplicates(["who", "t"])
    m = esc.Model()
    power = m.ladder("power", ["n", "y"], moves={("n", "y"): esc.per_year(0.6), ("y", "n"): esc.per_year(0.4)})
    light = m.ladder("light", ["a", "b"], moves={("a", "b"): esc.per_year(0.9), ("b", "a"): esc.per_year(0.5)})
    light.covariate("x", moves=[("a", "b")], when=power == "y", ratio=1.8)
    fit = m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={light: "light", power: "power"}))

    def generator(x: float) -> np.ndarray:
        q = np.zeros((4, 4))  # (power, light), light fastest
        for p in range(2):
            q[2 * p, 2 * p + 1] = 0.9 * (1.8**x if p == 1 else 1)
            q[2 * p + 1, 2 * p] = 0.5
        for s in range(2):
            q[s, 2 + s], q[2 + s, s] = 0.6, 0.4
        return q - np.diag(q.sum(axis=1))

    wanted = 0.0
    for _, unit in df.groupby("who"):
        state = 2 * (unit["power"] == "y").to_numpy(dtype=int) + (unit["light"] == "b").to_numpy(dtype=int)
        t, x = unit["t"].to_numpy(), unit["x"].iloc[0]
        for k in range(len(t) - 1):
            wanted += np.log(expm(generator(x) * (t[k + 1] - t[k]))[state[k], state[k + 1]])
    assert fit.log_likelihood == pytest.approx(wanted, rel=1e-10)


def test_the_same_move_may_have_a_ratio_for_each_condition() -> None:
    m = esc.Model()
    kind = m.driver("kind", {"mover": 0.5, "slow": 0.5})
    light = m.ladder("light", ["a", "b"], moves=[("a", "b"), ("b", "a")])
    light.covariate("x", when=kind == "mover")
    light.covariate("x", when=kind == "slow")
    with pytest.raises(esc.SpecError, match="already acts"):
        light.covariate("x", when=kind == "slow")
    again = esc.Model.from_toml(m.to_toml())
    assert again._core.spec() == m._core.spec()
