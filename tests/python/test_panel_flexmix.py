"""Mixtures of Markov chains beside R's flexmix: the same likelihoods, chains, classes and regressions on the class."""

import numpy as np
import polars as pl
import pytest

import escalade as esc

# flexmix 2.3-18 (R 4.2.2) on the units below, a row for each move (who, from, to, age), looked at once a year. Of two
# rungs every pair of probabilities whose sum is below 1 is that of one process in continuous time: the tops are equal.
#
#   model <- FLXMRglm(cbind(to, 1 - to) ~ 0 + from, family = "binomial")
#   flexmix(~ 1 | who, data = m, k = 2, model = model, concomitant = FLXPconstant(),   # or FLXPmultinom(~ age)
#           cluster = begin, control = list(tolerance = 1e-15, iter.max = 20000, minprior = 0))
#
# begin: each unit's share of rows that move, and 1 less it. FLXPmultinom fits by nnet, whose own tolerance is 1e-8.

PLAIN = {
    "log_likelihood": -1118.1362334694,
    "up": [0.508406105991, 0.0938341760229],
    "stay": [0.690239304865, 0.8374144376826],
    "share": 0.615166118302,
    "slow": [0.05485482994, 0.93055000220, 0.99925124046],
}
ON_AGE = {
    "log_likelihood": -1111.4456598015,
    "up": [0.507642928254, 0.093909904236],
    "stay": [0.690548177830, 0.836943014837],
    "logit": [0.488082010794, -0.603235053788],
    "slow": [0.03860429488, 0.96238025502, 0.99975748513],
}


@pytest.fixture(scope="module")
def chains():
    """Fast and slow units; the older, the likelier fast."""
    u = np.random.default_rng(11).random((200, 14))
    rows = []
    for unit in range(200):
        age = round(4 * u[unit, 12] - 2, 3)
        fast = u[unit, 13] < 1 / (1 + np.exp(-(-0.3 + 0.9 * age)))
        up, down = (0.45, 0.3) if fast else (0.08, 0.15)
        state = int(u[unit, 0] < 0.4)
        for year in range(12):
            rows.append((unit, float(year), ["calm", "tense"][state], age))
            if year < 11:
                state = int(u[unit, year + 1] < up) if state == 0 else int(u[unit, year + 1] >= down)
    return pl.DataFrame(rows, schema=["who", "t", "s", "age"], orient="row")


@pytest.mark.parametrize(("golden", "on_age"), [(PLAIN, False), (ON_AGE, True)])
def test_flexmix_finds_the_same_mixture(chains, golden, on_age):
    m = esc.Model()
    kind = m.driver("kind", {"fast": 0.5, "slow": 0.5}, free=True)
    if on_age:
        kind.covariate("age")
    pairs = m.ladder("pairs", ["calm", "tense"], moves=[("calm", "tense"), ("tense", "calm")])
    pairs.effect(kind == "slow", up=esc.free(0.2))
    pairs.effect(kind == "slow", down=esc.free(0.5))
    panel = esc.Panel(chains, id="who", time="t", clock="year", rungs={pairs: "s"})
    fit = m.fit(panel, starts=1, progress=False)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(golden["log_likelihood"], abs=1e-6 if on_age else 1e-8)
    laws = [fit.transition(1, given={kind: name}).estimate for name in ("fast", "slow")]
    digits = 1e-3 if on_age else 1e-6
    np.testing.assert_allclose([law[0, 1] for law in laws], golden["up"], rtol=digits)
    np.testing.assert_allclose([law[1, 1] for law in laws], golden["stay"], rtol=digits)
    numbers = dict(zip(fit.numbers().labels["number"], fit.numbers().estimate, strict=True))
    if on_age:
        p = numbers["kind: slow"]
        logit = [np.log(p / (1 - p)), numbers["kind: slow: + (age)"]]
        np.testing.assert_allclose(logit, golden["logit"], rtol=digits)
    else:
        assert numbers["kind: slow"] == pytest.approx(golden["share"], rel=1e-6)
    np.testing.assert_allclose(fit.drivers()["kind = slow"].to_numpy()[:3], golden["slow"], rtol=digits)
