"""The posterior by NUTS: known posteriors, an independent sampler, bits, diagnoses, and the answers of a fit."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import warnings
from itertools import pairwise

import emcee
import matplotlib
import numpy as np
import polars as pl
import pytest
from scipy import stats

import escalade as esc
import oracle
import oracle_model
from crisis import crisis
from escalade.posterior import diagnose

matplotlib.use("Agg")

# Monte Carlo: four standard errors of what is compared, whose errors are told by its effective sample size.
SURE = 4.0
MONTH = 30.4375
QUICK = {"draws": 500, "tune": 300, "chains": 2, "progress": False}


@pytest.fixture(scope="module")
def small():
    return crisis()


@pytest.fixture(scope="module")
def posterior(small):
    return small.model.sample(small.dossier, draws=400, tune=300, chains=4, seed=1, progress=False)


@pytest.fixture
def careless():
    """Runs too short to be trusted, by intent."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the chains have|the smallest|.* diverged")
        yield


@pytest.fixture
def threads():
    before = esc.threads()
    yield esc.set_threads
    esc.set_threads(before)


# ---- known posteriors ------------------------------------------------------------------------------------------------


def assert_drawn_from(drawn, law):
    """Mean, deviation and quantiles within Monte Carlo error; draws of shape (chains, draws)."""
    told = diagnose(drawn)
    n = min(told["ess_bulk"], told["ess_tail"], drawn.size)
    assert told["r_hat"] < 1.02
    assert abs(drawn.mean() - law.mean()) < SURE * law.std() / np.sqrt(n)
    kurtosis = float(law.stats("k")) + 3
    assert abs(drawn.std() / law.std() - 1) < SURE * np.sqrt((kurtosis - 1) / (4 * n))
    for p in (0.05, 0.25, 0.5, 0.75, 0.95):
        below = (drawn <= law.ppf(p)).mean()
        assert abs(below - p) < SURE * np.sqrt(p * (1 - p) / n), (p, below)


def test_a_gamma_prior_stays_a_gamma():
    m = esc.Model(origin="2024-01-01")
    korea = m.ladder("peninsula", ["calm", "clash"], up=esc.base_rate(3, over="10 months"))
    d = esc.Dossier(as_of="2024-12-31")
    d.never(korea == "clash", between=("2024-01-01", "2024-12-31"))
    drawn = m.sample(d, draws=2000, tune=500, seed=2, progress=False).numbers_drawn[:, :, 0]
    # Three events and Jeffreys' half.
    assert_drawn_from(drawn, stats.gamma(3.5, scale=1 / (10 + 366 / MONTH)))


def test_a_dirichlet_prior_stays_a_dirichlet():
    row = {"a": 0.2, "b": 0.5, "c": 0.3}
    m = esc.Model(origin="2024-01-01")
    m.driver("d", row, worth=10)
    d = esc.Dossier(as_of="2024-06-01")
    d.saw(m["d"] == "a", on="2024-02-01")
    posterior = m.sample(d, draws=2000, tune=500, seed=3, progress=False)
    assert posterior.names == ["d: a", "d: b", "d: c"]
    for k, (state, p) in enumerate(row.items()):
        one = 10 * p + (state == "a")
        assert_drawn_from(posterior.numbers_drawn[:, :, k], stats.beta(one, 11 - one))


# ---- an independent sampler ------------------------------------------------------------------------------------------

SPEC = {
    "name": "two ladders",
    "origin": "2024-01-01",
    "driver": [{"name": "mood", "states": ["firm", "weak"], "table": [0.6, 0.4]}],
    "ladder": [
        {
            "name": "front",
            "rungs": ["calm", "war"],
            "start": "calm",
            "rate": [
                {"moves": "up", "rate": 0.3, "per": "month", "spread": 2},
                {"moves": "down", "rate": 0.5, "per": "month", "spread": 2},
            ],
            "effect": [{"when": {"driver": "mood", "is": "weak"}, "moves": "up", "factor": 2, "spread": 3}],
        },
        {
            "name": "aid",
            "rungs": ["none", "arms"],
            "start": "none",
            "rate": [{"moves": "up", "rate": 0.2, "per": "month", "spread": 2}],
            "effect": [{"when": {"ladder": "front", "is": "war"}, "moves": "up", "factor": 3, "spread": 3}],
        },
    ],
}
DOSSIER = {
    "as_of": "2024-12-31",
    "development": [
        {"id": "a", "saw": {"ladder": "front", "is": "war"}, "on": "2024-04-01", "hit": 0.9, "false_alarm": 0.1},
        {"id": "b", "never": {"ladder": "front", "is": "war"}, "between": ["2024-06-01", "2024-07-31"]},
        {"id": "c", "saw": {"ladder": "aid", "is": "arms"}, "between": ["2024-08-01", "2024-11-30"]},
        {"id": "d", "saw": {"driver": "mood", "is": "weak"}, "hit": 0.9, "false_alarm": 0.2, "on": "2024-12-02"},
    ],
}


def test_emcee_draws_the_same_from_the_oracle():
    def log_density(theta):
        if not (np.abs(theta) < 30).all():
            return -np.inf
        return oracle.log_evidence(SPEC, DOSSIER, theta) + oracle_model.log_prior(SPEC, theta)

    start = oracle_model.start(SPEC)
    rng = np.random.default_rng(5)
    walkers = 12
    sampler = emcee.EnsembleSampler(walkers, len(start), log_density)
    sampler.random_state = np.random.RandomState(5).get_state()
    state = sampler.run_mcmc(start + 0.3 * rng.normal(size=(walkers, len(start))), 60)
    sampler.reset()
    sampler.run_mcmc(state, 420)
    theirs = sampler.get_chain().transpose(1, 0, 2)
    model, dossier = esc.Model.from_dict(SPEC), esc.Dossier.from_dict(DOSSIER)
    ours = model.sample(dossier, draws=1000, tune=500, seed=4, progress=False).theta_drawn
    for k in range(len(start)):
        # The walkers of an ensemble lean on each other: their mean over walkers is one chain.
        ess = [diagnose(theirs.mean(axis=0)[None, :, k])["ess_bulk"] * walkers, diagnose(ours[:, :, k])["ess_bulk"]]
        sd = ours[:, :, k].std()
        error = sd * np.sqrt(sum(1 / n for n in ess))
        assert abs(theirs[:, :, k].mean() - ours[:, :, k].mean()) < SURE * error, (k, ess)
        assert abs(theirs[:, :, k].std() / sd - 1) < SURE * np.sqrt(sum(1 / n for n in ess))


# ---- bits, pickles, interrupts ---------------------------------------------------------------------------------------


def test_bits_do_not_depend_on_threads(small, threads, careless):
    seen = []
    for n in (1, 2):
        threads(n)
        seen.append(small.model.sample(small.dossier, draws=40, tune=60, chains=3, seed=9, progress=False))
    np.testing.assert_array_equal(seen[0].theta_drawn, seen[1].theta_drawn)
    np.testing.assert_array_equal(seen[0].ask_draws(small.questions), seen[1].ask_draws(small.questions))


def test_a_pickled_posterior_gives_the_same_bits(small, posterior):
    few = posterior.thin(20)
    for one in (few, few.without("tone"), few.do(small.us == "disengagement", since="2024-12-01")):
        twin = pickle.loads(pickle.dumps(one))
        assert type(twin) is esc.Posterior and repr(twin) == repr(one)
        np.testing.assert_array_equal(twin.theta_drawn, one.theta_drawn)
        np.testing.assert_array_equal(twin.ask_draws(small.questions), one.ask_draws(small.questions))


def test_an_interrupt_stops_the_chains():
    model, dossier, _ = esc.datasets.article()
    # A shell that starts the tests in the background has SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.sample(dossier, progress=False)


def test_progress_is_told(small, careless):
    told = []
    small.model.sample(small.dossier, draws=600, tune=200, chains=2, progress=told.append)
    assert all(0 <= a <= b <= 1 for a, b in pairwise(told))


# ---- answers ---------------------------------------------------------------------------------------------------------


def test_answers_are_tables_like_a_fits(small, posterior):
    fit = small.model.fit(small.dossier, progress=False)
    ours, theirs = posterior.ask(small.questions), fit.ask(small.questions)
    assert list(ours.columns()) == list(theirs.columns()) and ours.name == theirs.name
    np.testing.assert_allclose(ours.mode, theirs.mode, rtol=1e-9)
    draws = posterior.ask_draws(small.questions)
    assert draws.shape == (1600, 4)
    np.testing.assert_allclose(ours.probability, draws.mean(axis=0))
    np.testing.assert_allclose(ours.low, np.quantile(draws, 0.05, axis=0))
    assert posterior.forecast("2025-03-01").ladders.keys() == fit.forecast("2025-03-01").ladders.keys()
    assert len(posterior.parameters()) == len(fit.parameters())
    row = posterior.parameters()["missile_tests | war"]
    table = posterior.diagnostics()["missile_tests | war"]
    assert row["mean"] == pytest.approx(table["mean"]) and row["low"] == pytest.approx(table["low"])
    assert posterior.drivers()["restraint"]["weak"] == pytest.approx(fit.drivers()["restraint"]["weak"], abs=0.05)
    for varied in (
        posterior.given(small.us == "settlement"),
        posterior.do(small.us == "settlement", since="2024-12-01"),
        posterior.without("tone"),
    ):
        assert type(varied) is esc.Posterior and varied.scenario
        assert (varied.theta_drawn == posterior.theta_drawn).all()
    assert "NUTS, 4 chains of 400 draws" in repr(posterior) and "NUTS" in posterior._repr_html_()
    assert "Laplace" in repr(fit)


def test_thin_keeps_the_chains_even(posterior):
    few = posterior.thin(40)
    assert few.theta_drawn.shape == (4, 10, posterior.theta_drawn.shape[2])
    assert (few.theta_drawn[:, 0] == posterior.theta_drawn[:, 20]).all()
    assert posterior.thin(10**6).theta_drawn.shape == posterior.theta_drawn.shape


def panel_model():
    m = esc.Model()
    rate = esc.per_year(0.3, spread=3)
    light = m.ladder("light", ["on", "off"], moves={("on", "off"): rate, ("off", "on"): rate})
    rows = [(u, float(t), "off" if (t * 7 + u * 3) % 5 < 2 else "on") for u in range(8) for t in range(6)]
    frame = pl.DataFrame(rows, schema=["who", "t", "s"], orient="row")
    return m, light, esc.Panel(frame, id="who", time="t", clock="year", rungs={light: "s"})


def test_a_panel_answers_from_its_draws():
    m, light, panel = panel_model()
    posterior = m.sample(panel, draws=500, tune=300, chains=2, seed=1, progress=False)
    assert type(posterior) is esc.PanelPosterior and isinstance(posterior, esc.PanelFit)
    drawn = posterior.numbers_drawn
    numbers = posterior.numbers(level=0.9)
    np.testing.assert_allclose(numbers.estimate, np.median(drawn, axis=(0, 1)))
    np.testing.assert_allclose(numbers.low, np.quantile(drawn, 0.05, axis=(0, 1)))
    transition = posterior.transition(1.0)
    np.testing.assert_allclose(transition.estimate.sum(axis=1), 1)
    assert (transition.low < transition.estimate).all() and (transition.estimate < transition.high).all()
    fit = m.fit(panel, progress=False)
    np.testing.assert_allclose(transition.estimate, fit.transition(1.0).estimate, atol=0.05)
    assert np.isfinite(posterior.first_passage(light == "off").high).all()
    assert "NUTS" in repr(posterior) and posterior.summary().numbers.low[0] > 0
    twin = pickle.loads(pickle.dumps(posterior))
    assert type(twin) is esc.PanelPosterior
    np.testing.assert_array_equal(twin.theta_drawn, posterior.theta_drawn)
    assert twin.thin(20).theta_drawn.shape == (2, 10, 2)


# ---- refusals and warnings -------------------------------------------------------------------------------------------


def test_a_flat_prior_is_refused_by_name():
    m = esc.Model(origin="2024-01-01")
    korea = m.ladder("peninsula", ["calm", "clash"], up=esc.free(esc.per_year(1)), down=esc.per_year(1))
    d = esc.Dossier(as_of="2024-06-01")
    d.saw(korea == "clash", on="2024-03-01")
    with pytest.raises(esc.Unidentified, match="'peninsula: up' has a flat prior.*esc.per_year"):
        m.sample(d, progress=False)
    _, _, panel = panel_model()
    m = esc.Model()
    m.ladder("light", ["on", "off"], moves=[("on", "off"), ("off", "on")])
    with pytest.raises(esc.Unidentified, match=r"'light: on → off' \(and 1 more\) has a flat prior"):
        m.sample(panel, progress=False)


def test_impossible_evidence_is_told_before_sampling():
    m = esc.Model(origin="2024-01-01")
    korea = m.ladder("peninsula", ["calm", "clash"], up=esc.per_year(1, spread=2))
    d = esc.Dossier(as_of="2024-06-01")
    d.saw(korea == "clash", on="2024-03-01")
    d.saw(korea == "calm", on="2024-04-01")
    with pytest.raises(esc.ImpossibleEvidence):
        m.sample(d, progress=False)


def test_settings_are_checked(small):
    for settings, what in (({"draws": 2}, "draws"), ({"chains": 0}, "chains"), ({"accept": 1.5}, "accept")):
        with pytest.raises(esc.SpecError, match=what):
            small.model.sample(small.dossier, progress=False, **settings)
    with pytest.raises(esc.TooLarge, match="draws"):
        small.model.sample(small.dossier, draws=10**12, progress=False)


def test_a_model_without_free_numbers_has_a_posterior_of_nothing():
    m = esc.Model(origin="2024-01-01")
    korea = m.ladder("peninsula", ["calm", "clash"], up=esc.per_month(0.1))
    posterior = m.sample(esc.Dossier(as_of="2024-06-01"), **QUICK)
    assert posterior.ask([esc.reach(korea == "clash", by="2025-06-01", name="clash")])[0].probability > 0
    assert len(posterior.diagnostics()) == 0


def test_doubts_are_warnings(small):
    with pytest.warns(UserWarning, match="the chains|the smallest|diverged") as told:
        posterior = small.model.sample(small.dossier, draws=8, tune=4, chains=2, progress=False)
    assert [str(one.message) for one in told] == posterior.diagnostics().doubts()
    assert all(one.filename == __file__ for one in told)
    assert (posterior.divergences > 0) == ("diverged" in str(told[-1].message))


# ---- diagnoses -------------------------------------------------------------------------------------------------------


def test_diagnoses_are_arvizs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import arviz as az
    rng = np.random.default_rng(7)
    slow = np.zeros((4, 501))
    for t in range(1, 501):
        slow[:, t] = 0.9 * slow[:, t - 1] + rng.normal(size=4)
    for drawn in (
        rng.normal(size=(4, 500)),
        rng.standard_cauchy(size=(2, 400)),
        slow,
        slow + np.arange(4)[:, None],
        rng.integers(0, 3, size=(3, 100)).astype(float),
        -0.6 * slow[:, 1:] + slow[:, :-1],
        rng.normal(size=(1, 50)),
    ):
        told = diagnose(drawn)
        if len(drawn) > 1:
            assert told["r_hat"] == pytest.approx(float(az.rhat(drawn)), rel=1e-9)
        assert told["ess_bulk"] == pytest.approx(float(az.ess(drawn)), rel=1e-9)
        assert told["ess_tail"] == pytest.approx(float(az.ess(drawn, method="tail")), rel=1e-9)
        assert told["mcse_mean"] == pytest.approx(float(az.mcse(drawn)), rel=1e-9)
    assert np.isnan(diagnose([[1.0, 2.0]])["r_hat"]) and diagnose(np.ones((2, 10)))["r_hat"] == 1


def test_draws_go_to_arviz(posterior):
    tree = posterior.to_arviz()
    assert set(tree.children) == {"posterior", "sample_stats", "log_likelihood"}
    assert tree["posterior"].sizes == {"chain": 4, "draw": 400}
    np.testing.assert_array_equal(tree["posterior"]["missile_tests | war"], posterior.numbers_drawn[:, :, 10])
    assert tree["sample_stats"]["diverging"].dtype == bool
    assert float(tree["sample_stats"]["acceptance_rate"].mean()) == pytest.approx(0.8, abs=0.15)
    ax = posterior.plot_trace("missile_tests | war")
    assert ax.get_title(loc="left") == "missile_tests | war"
