"""Profile intervals against brute force and closed forms, and fits that are kept."""

import copy
import pickle

import matplotlib
import numpy as np
import polars as pl
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

import escalade as esc

matplotlib.use("Agg")

# Ends are found to 1e-4 standard errors, heights to 1e-6; both move an end by less than this share of it.
ENDS = 5e-4


def panel(n=40, seed=2):
    """Two rungs with both moves, seen once a year: 2 × 2 counts say all."""
    rng = np.random.default_rng(seed)
    to_off, to_on = 0.4, 0.25
    p = np.array([to_on, to_off]) / (to_on + to_off)
    decay = np.exp(-(to_on + to_off))
    law = p + decay * (np.eye(2) - p)
    rows = []
    for unit in range(n):
        state = 0
        for year in range(6):
            rows.append((unit, float(year), ["on", "off"][state]))
            state = rng.choice(2, p=law[state])
    frame = pl.DataFrame(rows, schema=["who", "t", "s"], orient="row")
    m = esc.Model()
    light = m.ladder("light", ["on", "off"], moves=[("on", "off"), ("off", "on")])
    return m.fit(esc.Panel(frame, id="who", time="t", clock="year", rungs={light: "s"}), progress=False), frame


def counts(frame):
    table = np.zeros((2, 2))
    for (_,), own in frame.group_by("who"):
        codes = [["on", "off"].index(s) for s in own.sort("t")["s"]]
        np.add.at(table, (codes[:-1], codes[1:]), 1)
    return table


def height(table, a, b):
    """Log-likelihood of counts at intensities a (on to off) and b (off to on), a year apart."""
    share, decay = a / (a + b), np.exp(-(a + b))
    leave_on, leave_off = share * (1 - decay), (1 - share) * (1 - decay)
    return float((table * np.log([[1 - leave_on, leave_on], [leave_off, 1 - leave_off]])).sum())


@pytest.fixture(scope="module")
def seen():
    return panel()


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_ends_are_those_of_brute_force(seen, level):
    fit, frame = seen
    table = counts(frame)

    def best(a):
        found = minimize_scalar(
            lambda ln_b: -height(table, a, np.exp(ln_b)), bounds=(-8, 4), method="bounded", options={"xatol": 1e-10}
        )
        return -found.fun

    profile = fit.profile("light: on → off", level)
    cut = fit.log_likelihood - chi2.ppf(level, 1) / 2
    low = brentq(lambda a: best(a) - cut, 0.01, profile.estimate)
    high = brentq(lambda a: best(a) - cut, profile.estimate, 20)
    assert profile.low == pytest.approx(low, rel=ENDS) and profile.high == pytest.approx(high, rel=ENDS)
    for value, told in zip(profile.value, profile.height, strict=True):
        assert told == pytest.approx(best(value), abs=1e-5)
    assert profile.cut == pytest.approx(cut)
    numbers = fit.numbers(level, profile=True)
    assert numbers.low[0] == pytest.approx(low, rel=ENDS) and "profile" in numbers.caption()
    assert fit.summary(level, profile=True).numbers.low[0] == numbers.low[0]


def test_an_end_that_the_panel_cannot_tell_is_open():
    # Nobody is ever seen to come back, so coming back may be as rare as one likes.
    rows = [(u, t, "off" if t > u % 3 else "on") for u in range(9) for t in range(5)]
    frame = pl.DataFrame(rows, schema=["who", "t", "s"], orient="row")
    m = esc.Model()
    light = m.ladder("light", ["on", "off"], moves=[("on", "off"), ("off", "on")])
    with pytest.warns(UserWarning, match="runs to 0"):
        fit = m.fit(esc.Panel(frame, id="who", time="t", rungs={light: "s"}), progress=False)
    profile = fit.profile("light: off → on")
    assert profile.low < 1e-12 and 0 < profile.high < 1
    assert profile.open == (True, False)
    ax = profile.plot()
    assert ax.get_title(loc="left") == "light: off → on"


def test_entries_of_a_table_have_profiles():
    # log density of a Dirichlet on the logits with one more count of a: the rest share what is left as they did.
    row = {"a": 0.2, "b": 0.5, "c": 0.3}
    m = esc.Model(origin="2024-01-01")
    m.driver("d", row, worth=10)
    d = esc.Dossier(as_of="2024-06-01")
    d.saw(m["d"] == "a", on="2024-02-01")
    fit = m.fit(d)
    for state, p in row.items():
        one, other = 10 * p + (state == "a"), 10 * (1 - p) + (state != "a")

        def fall(x, one=one, other=other):
            top = one / (one + other)
            return one * np.log(top / x) + other * np.log((1 - top) / (1 - x)) - chi2.ppf(0.9, 1) / 2

        profile = fit.profile(f"d: {state}")
        top = one / (one + other)
        assert profile.unit == "probability" and profile.estimate == pytest.approx(top, rel=1e-6)
        assert profile.low == pytest.approx(brentq(fall, 1e-9, top), rel=ENDS)
        assert profile.high == pytest.approx(brentq(fall, top, 1 - 1e-9), rel=ENDS)


def test_profiles_of_a_dossier_count_by_the_month():
    m = esc.Model(origin="2024-01-01")
    korea = m.ladder("peninsula", ["calm", "clash"], up=esc.base_rate(3, over="10 months"))
    d = esc.Dossier(as_of="2024-12-31")
    d.never(korea == "clash", between=("2024-01-01", "2024-12-31"), id="quiet")
    fit = m.fit(d)
    profile = fit.profile("peninsula: up")
    shape, exposure = 3.5, 10 + 366 / 30.4375  # three events and Jeffreys' half

    def fall(rate):
        return exposure * rate - shape - shape * np.log(exposure * rate / shape) - chi2.ppf(0.9, 1) / 2

    assert profile.unit == "per month" and profile.estimate == pytest.approx(shape / exposure)
    assert profile.low == pytest.approx(brentq(fall, 1e-6, profile.estimate), rel=ENDS)
    assert profile.high == pytest.approx(brentq(fall, profile.estimate, 10), rel=ENDS)
    with pytest.raises(esc.SpecError, match="there is no free number 'up'"):
        fit.profile("up")
    with pytest.raises(esc.SpecError, match="kept under given"):
        fit.without("quiet").profile("peninsula: up")
    with pytest.raises(esc.SpecError, match="nothing was learnt"):
        m.condition(d).profile("peninsula: up")


@pytest.mark.parametrize("again", [lambda fit: pickle.loads(pickle.dumps(fit)), copy.copy, copy.deepcopy])
def test_a_panel_fit_can_be_kept(seen, again):
    fit, _ = seen
    kept = again(fit)
    assert kept.log_likelihood == fit.log_likelihood and (kept.theta == fit.theta).all()
    assert (kept.covariance == fit.covariance).all() and kept.warnings == fit.warnings
    assert str(kept.summary()) == str(fit.summary())
    assert (kept.transition(2.0).low == fit.transition(2.0).low).all()
    assert (kept.transition(2.0, draws=50).low == fit.transition(2.0, draws=50).low).all()
    assert kept.prevalence().observed.tolist() == fit.prevalence().observed.tolist()
