"""Numbers and covariates on what a panel's indicators show: R's msm 1.7 reproduced, units simulated and found again.

The numbers were printed by msm 1.7 with ``control = list(fnscale = 50000, maxit = 20000, reltol = 1e-15)`` for its
manual's ``fev`` example, and for misclassified ``cav`` with ``misccovariates = ~sex``, ``obstrue = firstobs``,
``center = FALSE``, ``fixedpars = 10`` (the coefficient that runs off, at -12), ``reltol = 1e-13``.
"""

import math

import numpy as np
import pandas as pd
import pytest

import escalade as esc
from msm_data import data
from test_panel_msm import ABOVE, CLOSE, ERRORS, MISTAKEN, ONE_WAY, RUNGS, below

# A millionth of a standard error from the top moves a number by less.
SAME = 1e-6


def fev_fit(mean=(100, 54, None), sd=(16, 18, None), **covariate):
    """Death is seen to the day, the rung before is hidden; 999 stands for death in the column of msm."""
    frame = data("fev")
    dead = frame["fev"] == 999
    frame = frame.assign(rung=np.where(dead, "dead", None), fev=frame["fev"].where(~dead))
    m = esc.Model()
    lungs = m.ladder("lungs", ["well", "ill", "dead"], moves=[("well", "ill"), ("well", "dead"), ("ill", "dead")])
    fev = m.status("fev", given=lungs, outcome=esc.normal(mean=mean, sd=sd, free=True))
    if covariate:
        fev.covariate("acute", **covariate)
    columns = {"rungs": {lungs: "rung"}, "indicators": {fev: "fev"}}
    panel = esc.Panel(frame, id="ptnum", time="days", exact=[lungs == "dead"], **columns)
    return m.fit(panel, progress=False)


@pytest.fixture(scope="module")
def fev():
    return fev_fit()


def test_fev(fev):
    below(fev, 51815.81254123)
    assert fev.converged and not fev.warnings
    numbers = fev.numbers()
    expected = [5.65370630564e-04, 7.42858352795e-05, 8.87850126056e-04]
    expected += [17.1981925107, 16.8184294126, 97.3570518661, 49.4227221228]
    np.testing.assert_allclose(numbers.estimate, expected, rtol=CLOSE)
    # Of logarithms, but for the means.
    errors = [0.0982902439791, 0.3339002967929, 0.1206629287653, 0.0127734494400, 0.0195715318223]
    np.testing.assert_allclose(fev.errors, [*errors, 0.3563762171933, 0.5743799785423], rtol=ERRORS)
    np.testing.assert_allclose(
        numbers.low[3:], [16.7729721592, 16.1854999483, 96.6585673154, 48.2969580514], rtol=CLOSE
    )
    np.testing.assert_allclose(
        numbers.high[3:], [17.6341928448, 17.4761094072, 98.0555364167, 50.5484861942], rtol=CLOSE
    )
    assert numbers.labels["kind"][3:] == ("sd", "sd", "mean", "mean")


def test_fev_without_a_start(fev):
    found = fev_fit(mean=[esc.free(), esc.free(), None], sd=None)
    assert found.converged and found.log_likelihood == pytest.approx(fev.log_likelihood, rel=1e-12)


def test_fev_with_one_coefficient():
    fit = fev_fit(shared=True)
    below(fit, 51597.89087139)
    assert fit.converged
    numbers = fit.numbers()
    # msm tells the means at the mean of the covariate, over all rows that others follow.
    frame = data("fev")
    acute = frame["acute"][frame.duplicated("ptnum", keep="last")].mean()
    assert numbers["fev: + (acute)", "coefficient"] == pytest.approx(-8.79193820054, rel=CLOSE)
    means = [numbers[f"fev: mean | {rung}", "mean"] - 8.79193820054 * acute for rung in ("well", "ill")]
    np.testing.assert_allclose(means, [97.9339436843, 51.7527620238], rtol=CLOSE)
    assert numbers.error[-1] == pytest.approx(0.5916660772272, rel=ERRORS)
    sds = [numbers[f"fev: sd | {rung}", "sd"] for rung in ("well", "ill")]
    np.testing.assert_allclose(sds, [16.1849853419, 17.6763459779], rtol=CLOSE)


def test_fev_with_a_coefficient_for_each_mean():
    fit = fev_fit(shared=False)
    below(fit, 51545.27558108)
    numbers = fit.numbers()
    coefficients = [numbers[f"fev | {rung}: + (acute)", "coefficient"] for rung in ("well", "ill")]
    np.testing.assert_allclose(coefficients, [-11.3509998473, -3.69496058609], rtol=CLOSE)
    np.testing.assert_allclose(numbers.error[-2:], [0.6751946204356, 0.8953165852180], rtol=ERRORS)


def test_fev_paths(fev):
    path, smoothed = fev.likeliest(), fev.smoothed()
    dead = (data("fev")["fev"] == 999).to_numpy()
    assert (path["rung"].to_numpy()[dead] == "dead").all() and (smoothed["dead"].to_numpy()[dead] == 1).all()
    np.testing.assert_allclose(smoothed[["well", "ill", "dead"]].sum(axis=1), 1, rtol=1e-12)


def test_cav_misclassified_by_sex():
    frame = data("cav")
    known = frame["firstobs"] == 1
    frame = frame.assign(truth=frame["state"].where(known), seen=frame["state"].where(~known))
    m = esc.Model()
    cav = m.ladder("cav", RUNGS, moves=ONE_WAY)
    seen = m.status("seen", RUNGS, given=cav, table=esc.table(MISTAKEN, free=True))
    seen.covariate("sex")
    columns = {"rungs": {cav: "truth"}, "indicators": {seen: "seen"}}
    panel = esc.Panel(frame, id="PTNUM", time="years", clock="year", exact=[cav == "dead"], **columns)
    with pytest.warns(UserWarning, match=r"next to nothing about 'seen \| none: mild: \+ \(sex\)'"):
        fit = m.fit(panel, progress=False)
    assert -2 * fit.log_likelihood <= 3923.65959773 + ABOVE
    below(fit, 3923.65959773)
    numbers = fit.numbers()
    np.testing.assert_allclose(numbers.estimate[-3:], [1.545632392721, -0.333915349988, 1.909103373226], rtol=2e-3)
    np.testing.assert_allclose(numbers.error[-3:], [0.7751583720989, 1.1081138600396, 0.8833155736070], rtol=ERRORS)
    errors = [0.0840869520358, 0.1119981739954, 0.1517976515504, 0.8288053821382, 0.1211441265334]
    np.testing.assert_allclose(fit.errors[:5], errors, rtol=ERRORS)


# Every family, on units of its own

TRUTH = {
    "normal": (esc.normal, {"mean": [2.0, 5.0], "sd": [1.0, 1.5]}),
    "log_normal": (esc.log_normal, {"mean": [0.5, 2.0], "sd": [0.4, 0.6]}),
    "student": (esc.student, {"mean": [0.0, 6.0], "sd": [1.0, 1.2], "freedom": 6.0}),
    "poisson": (esc.poisson, {"mean": [1.0, 5.0]}),
    "zero-inflated": (esc.poisson, {"mean": [2.0, 8.0], "zero": [0.3, 0.1]}),
    "negative_binomial": (esc.negative_binomial, {"mean": [1.0, 9.0], "size": [2.0, 4.0]}),
    "zero-inflated too": (esc.negative_binomial, {"mean": [2.0, 12.0], "size": [3.0, 4.0], "zero": 0.2}),
}


def drawn(rng, family, truth, ill, shift):
    """A number that a rung shows; covariates add `shift`."""
    own = {key: value[ill] if isinstance(value, list) else value for key, value in truth.items()}
    if family == "normal":
        return rng.normal(own["mean"] + shift, own["sd"])
    if family == "log_normal":
        return rng.lognormal(own["mean"] + shift, own["sd"])
    if family == "student":
        return own["mean"] + shift + own["sd"] * rng.standard_t(own["freedom"])
    if rng.random() < own.get("zero", 0.0):
        return 0
    mean = own["mean"] * math.exp(shift)
    return rng.poisson(mean if "size" not in own else rng.gamma(own["size"], mean / own["size"]))


@pytest.mark.parametrize("family", TRUTH)
def test_units_simulated_are_found_again(family):
    """What the units were drawn with lies within four standard errors."""
    law, truth = TRUTH[family]
    rng = np.random.default_rng(7)
    rows = []
    for unit in range(400):
        turns, z = rng.exponential(3.0), rng.normal()
        for t in range(6):
            rows.append((unit, t, z, float(drawn(rng, family.split()[0], truth, int(t >= turns), 0.3 * z))))
    frame = pd.DataFrame(rows, columns=["unit", "t", "z", "y"])
    frame.loc[::17, "y"] = np.nan
    m = esc.Model()
    state = m.ladder("state", ["well", "ill"], moves=[("well", "ill")])
    y = m.status("y", given=state, outcome=law(**truth, free=True))
    y.covariate("z", shared=True)
    fit = m.fit(esc.Panel(frame, id="unit", time="t", indicators={y: "y"}), progress=False)
    assert fit.converged and not fit.warnings
    z = (fit.theta - np.array(m._core.start())) / fit.errors
    z[-1] = (fit.theta[-1] - 0.3) / fit.errors[-1]
    z[0] = (fit.theta[0] - math.log(1 / 3)) / fit.errors[0]
    assert np.abs(z).max() < 4, z


def test_numbers_of_panels_are_checked():
    m = esc.Model()
    state = m.ladder("state", ["well", "ill"], moves=[("well", "ill")])
    y = m.status("y", given=state, outcome=esc.poisson(mean=[1, 5], free=True))
    frame = pd.DataFrame({"unit": ["a", "a"], "t": [0, 1], "y": [1.0, np.inf]})
    with pytest.raises(esc.SpecError, match=r"unit 'a', row 2: indicator 'y' is inf; expected a finite number"):
        m.fit(esc.Panel(frame, id="unit", time="t", indicators={y: "y"}), progress=False)
    with pytest.raises(
        esc.SpecError, match=r"unit 'a', row 2: indicator 'y', column 'y', is 'many'; expected a number"
    ):
        m.fit(
            esc.Panel(frame.assign(y=[1, "many"]), id="unit", time="t", indicators={y: "y"}),
            progress=False,
        )
    with pytest.raises(esc.SpecError, match="y shows a number; say what it showed with Dossier.measured"):
        y.isin(["x"])


# In a dossier


def crisis(outcome):
    m = esc.Model(origin="2024-10-01")
    korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(2), down=esc.per_year(1))
    return m, korea, m.status("shots", given=korea, outcome=outcome)


def test_a_measured_number_moves_the_rungs():
    m, korea, shots = crisis(esc.poisson(mean=[0.5, 20], zero=0.1))
    d = esc.Dossier(as_of="2024-12-31")
    d.measured(shots, 14, on="2024-12-30", source="a count")
    assert d["d1"].kind == "measured" and d["d1"].subjects == ["shots"]
    (answer,) = m.fit(d, progress=False).ask([esc.at(korea == "clash", on="2025-01-01")])
    assert answer.mode > 0.98
    d.measured(shots, 0.5, on="2024-12-31")
    with pytest.raises(esc.ImpossibleEvidence, match="development 'd2' has probability zero"):
        m.fit(d, progress=False)


def test_numbers_far_out_are_weighed():
    m, _, shots = crisis(esc.normal(mean=[0, 10], sd=0.1))
    d = esc.Dossier(as_of="2024-12-31")
    d.measured(shots, 100, on="2024-12-30")
    assert m.fit(d, progress=False).log_evidence < -3000


def test_what_is_learnt_of_a_mean_is_the_conjugate_answer():
    m = esc.Model(origin="2024-10-01")
    x = m.status("x", outcome=esc.normal(mean=esc.near(1, spread=2), sd=0.5))
    d = esc.Dossier(as_of="2024-12-31")
    for day, value in enumerate([3.0, 4.0, 3.5], start=1):
        d.measured(x, value, on=f"2024-12-0{day}")
    weight = 3 / 0.25 + 1 / 4
    wanted = (10.5 / 0.25 + 1 / 4) / weight
    learnt = m.fit(d, progress=False).parameters()["x: mean"]
    assert learnt["mode"] == pytest.approx(wanted, abs=SAME)
    assert (learnt["kind"], learnt["unit"], learnt["prior_low"]) == ("mean", "", pytest.approx(1 - 1.6448536 * 2))
    assert learnt["learnt"] == pytest.approx(1 - 1 / (4 * weight), abs=1e-6)


def test_files_hold_numbers(tmp_path):
    m, korea, shots = crisis(esc.negative_binomial(mean=[esc.near(0.5, spread=2), esc.free(20.0)], size=2, zero=0.2))
    d = esc.Dossier(as_of="2024-12-31")
    d.measured(shots, 3, on="2024-12-30")
    d.write(tmp_path / "dossier.toml")
    assert esc.Dossier.read(tmp_path / "dossier.toml").to_dict() == d.to_dict()
    level = m.status("level", given=korea, outcome=esc.student(mean=[0, None], sd=1, freedom=4))
    level.covariate("age", ["young", "old"], coefficient=esc.near(1, spread=2))
    path = tmp_path / "model.toml"
    m.write(path)
    assert esc.Model.read(path) == m
    assert "[[status.covariate]]" in path.read_text()
    with pytest.raises(esc.SpecError, match="indicator 'level' has covariates, which only a panel has"):
        d.measured(shots, 4, on="2024-12-30")
