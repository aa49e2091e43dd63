"""Closed forms that the oracle must reproduce, so that its own faults are seen apart from the kernel's."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import expm

import oracle
import oracle_model
import worlds
from oracle_chain import by_squaring, carry, stationary

TIGHT = 1e-12  # closed forms and the oracle both round in the last digits only
ORIGIN, NOON = "2025-01-01", 0.5


def close(found, wanted, rtol=TIGHT):
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=0)


def day(n: float) -> str:
    """The date-time n days after the origin."""
    return (oracle_model.datetime.fromisoformat(ORIGIN) + oracle_model.timedelta(days=n)).isoformat()


def up_down(up=0.1, down=0.0, rungs=("low", "high"), **more) -> dict:
    rates = [{"moves": "up", "rate": up, "per": "day"}]
    rates += [{"moves": "down", "rate": down, "per": "day"}] if down else []
    return {"name": "l", "rungs": list(rungs), "start": rungs[0], "rate": rates, **more}


def model(*ladders, **more) -> dict:
    return {"name": "t", "origin": ORIGIN, "ladder": list(ladders), **more}


def dossier(*developments, as_of=None) -> dict:
    return {"as_of": as_of or day(10), "development": list(developments)}


HIGH, LOW = {"ladder": "l", "is": "high"}, {"ladder": "l", "is": "low"}


# ---- time and numbers ------------------------------------------------------------------------------------------------


def test_bare_dates():
    assert [oracle_model.instant("2025-01-03", ORIGIN, e) for e in ("point", "begin", "end")] == [2.5, 2.0, 3.0]
    assert oracle_model.instant("2025-01-03T06:00", ORIGIN, "end") == 2.25
    assert oracle_model.duration("3 months") == 91.3125


def test_words_and_base_rates():
    word = oracle_model.intensity({"chance": "unlikely", "within": "1 year"})
    low, high = (math.log(-math.log(1 - p) / 365.25) for p in (0.25, 0.35))
    close([math.log(word.mode), word.prior[2]], [(low + high) / 2, (high - low) / (2 * stats.norm.ppf(0.75))])
    wide = oracle_model.intensity({"chance": "unlikely", "within": "1 year", "spread": 2})
    close(wide.prior[2] ** 2 - word.prior[2] ** 2, math.log(2) ** 2)
    base = oracle_model.intensity({"events": 3, "over": "2 years"})
    close(base.mode, 3.5 / 730.5)
    close(oracle_model.intensity({"chance": 0.3, "within": "10 days"}).mode, -math.log(0.7) / 10)


def test_theta_and_prior():
    spec = model(
        up_down(rate=[{"moves": "up", "events": 1, "over": "30 days"}]),
        driver=[{"name": "d", "states": ["a", "b", "c"], "table": [0.2, 0.8, 0.0], "worth": 5}],
        events=[{"name": "e", "rate": [1.0, 2.0], "per": "week", "spread": 2, "given": ["l"]}],
    )
    theta = oracle_model.start(spec)
    close(theta, np.log([1.5 / 30, 1 / 7, 2 / 7, 0.2 / 0.8]))
    assert not oracle_model.values(spec, theta)["driver", 0, 0][2]
    gradient = oracle_model.complex_gradient(lambda t: oracle_model.log_prior(spec, t), theta)
    np.testing.assert_allclose(gradient, 0, atol=1e-12)  # the mode of every prior
    moved = theta + np.array([0.3, 0, 0.2, 0.5])
    p = 0.25 * math.exp(0.5) / (1 + 0.25 * math.exp(0.5))
    gamma = (stats.gamma(1.5, scale=1 / 30).logpdf(np.exp(moved[0])) + moved[0]) - (
        stats.gamma(1.5, scale=1 / 30).logpdf(np.exp(theta[0])) + theta[0]
    )
    normal = -0.5 * (0.2 / math.log(2)) ** 2
    dirichlet = 1 * math.log(p / 0.2) + 4 * math.log((1 - p) / 0.8)
    close(oracle_model.log_prior(spec, moved) - oracle_model.log_prior(spec, theta), gamma + normal + dirichlet)


# ---- the exponential -------------------------------------------------------------------------------------------------


def test_exponentials_agree():
    rng = np.random.default_rng(1)
    q = rng.exponential(size=(6, 6))
    q -= np.diag(q.sum(axis=1) + rng.exponential(size=6))
    v, fastest = rng.dirichlet(np.ones(6)), np.max(-np.diag(q))
    for days in (0.01, 1.0, 3.0):
        wanted = v @ expm(q * days)
        halvings = int(np.ceil(np.log2(2 * fastest * days + 1)))
        close(carry(v, q, days), wanted, 1e-11)
        close(v @ by_squaring(np.eye(6) + q / fastest, fastest * days, halvings), wanted, 1e-11)


def test_long_horizons_by_both_ways():
    q = np.array([[-2e-9, 2e-9, 0], [0.5, -1.5, 1.0], [0, 3.0, -3.0]])
    p, start = np.eye(3) + q / 3, np.array([1.0, 0, 0])
    weights = stats.poisson.pmf(np.arange(2000), 900)
    wanted = sum(w * row for w, row in zip(weights, _powers(start, p, 2000), strict=True))
    close(carry(start, q, 300), wanted, 1e-11)
    close(start @ by_squaring(p, 900, 11), wanted, 1e-11)


def _powers(v, p, n):
    for _ in range(n):
        yield v
        v = v @ p


def test_tiny_entries_keep_their_digits():
    """An Erlang path of four slow moves: (qt)^4/4! to leading order, about 1e-30."""
    q = np.diag([-1e-8] * 4 + [0]) + np.diag([1e-8] * 4, 1)
    end = carry(np.eye(5)[0], q, 10.0)[4]
    close(end, stats.gamma.cdf(1e-7, 4), 1e-12)


# ---- one ladder ------------------------------------------------------------------------------------------------------


def two_state(up: float, down: float, t: float) -> float:
    """P(high at t | low at 0)."""
    return up / (up + down) * (1 - math.exp(-(up + down) * t))


def test_two_state_chain():
    spec = model(up_down(0.1, 0.3))
    close(oracle.forecast(spec, dossier(), [day(25)])["l"][0, 1], two_state(0.1, 0.3, 25))
    seen = dossier({"id": "s", "saw": HIGH, "on": day(4), "hit": 0.8, "false_alarm": 0.1})
    p = two_state(0.1, 0.3, 4)
    close(oracle.log_evidence(spec, seen), math.log(0.8 * p + 0.1 * (1 - p)))
    posterior = 0.8 * p / (0.8 * p + 0.1 * (1 - p))
    close(oracle.filtered(spec, seen, [day(4)])["l"][0, 1], posterior)
    close(oracle.filtered(spec, seen, [day(3)])["l"][0, 1], two_state(0.1, 0.3, 3))
    stay, come = 1 - two_state(0.3, 0.1, 2), two_state(0.1, 0.3, 2)  # of high, of low, two days on
    p2 = two_state(0.1, 0.3, 2)
    high = p2 * (0.8 * stay + 0.1 * (1 - stay))
    low = (1 - p2) * (0.8 * come + 0.1 * (1 - come))
    close(oracle.smoothed(spec, seen, [day(2)])["l"][0, 1], high / (high + low))
    close(oracle.smoothed(spec, seen, [day(6)])["l"][0, 1], posterior * stay + (1 - posterior) * come)


@pytest.mark.parametrize(
    ("development", "wanted"),
    [
        ({"saw": HIGH}, lambda p, e: p + (1 - p) * (1 - e)),
        ({"saw": HIGH, "entered": True}, lambda p, e: (1 - p) * (1 - e)),
        ({"never": HIGH}, lambda p, e: (1 - p) * e),
        ({"never": HIGH, "entered": True}, lambda p, e: p + (1 - p) * e),
        ({"saw": HIGH, "hit": 0.7, "false_alarm": 0.2}, lambda p, e: 0.7 - 0.5 * (1 - p) * e),
        ({"never": HIGH, "hit": 0.7, "false_alarm": 0.2}, lambda p, e: 0.2 + 0.5 * (1 - p) * e),
    ],
)
def test_windows(development, wanted):
    """Absorbing high: entered in (3, 7] or there before."""
    p, e = 1 - math.exp(-0.3), math.exp(-0.4)
    said = dossier({"id": "w", "between": [day(3), day(7)], **development})
    close(oracle.log_evidence(model(up_down(0.1)), said), math.log(wanted(p, e)), 1e-11)


def test_entered_again():
    """From high one has to leave first: a new entry within t by the two-step law."""
    spec = model(up_down(0.2, 0.5, start="high"))
    said = dossier({"id": "w", "saw": HIGH, "entered": True, "between": [day(0), day(4)]})
    close(oracle.log_evidence(spec, said), math.log(1 - (0.5 * math.exp(-0.8) - 0.2 * math.exp(-2.0)) / 0.3))


def test_overlapping_windows_are_remembered_apart():
    """Absorbing: in high by 6 and not during [0, 4] is an entry in (4, 6]."""
    said = dossier(
        {"id": "a", "never": HIGH, "between": [day(0), day(4)]},
        {"id": "b", "saw": HIGH, "between": [day(2), day(6)]},
    )
    close(oracle.log_evidence(model(up_down(0.1)), said), math.log(math.exp(-0.4) - math.exp(-0.6)))


def test_order_at_one_instant():
    """A move, the window it ends, a state and a window that opens, all at one instant."""
    move = {"id": "m", "moved": {"ladder": "l", "from": "low", "to": "high"}, "on": day(3)}
    spec, density = model(up_down(0.1)), 0.1 * math.exp(-0.3)
    state = {"id": "s", "saw": HIGH, "on": day(3)}
    ends = {"id": "a", "saw": HIGH, "entered": True, "between": [day(1), day(3)]}
    opens = {"id": "b", "never": HIGH, "entered": True, "between": [day(3), day(5)]}
    close(oracle.log_evidence(spec, dossier(opens, state, ends, move)), math.log(density))
    not_low = opens | {"never": LOW, "entered": False}
    close(oracle.log_evidence(spec, dossier(not_low, move)), math.log(density))
    assert oracle.log_evidence(spec, dossier(move, state | {"saw": LOW})) == -np.inf


def test_graded_move():
    spec = model(up_down(0.1))
    move = {"id": "m", "moved": {"ladder": "l", "from": "low", "to": "high"}, "on": day(3)}
    graded = dossier(move | {"hit": 0.8, "false_rate": 0.07, "false_per": "week"})
    close(oracle.log_evidence(spec, graded), math.log(0.8 * 0.1 * math.exp(-0.3) + 0.01))
    high = (0.08 * math.exp(-0.3) + 0.01 * (1 - math.exp(-0.3))) / (0.08 * math.exp(-0.3) + 0.01)
    close(oracle.smoothed(spec, graded, [day(3)])["l"][0, 1], high)


def test_calendar_effect():
    spec = model(up_down(0.1, effect=[{"when": {"since": day(4), "until": day(6)}, "moves": "up", "factor": 5}]))
    close(oracle.forecast(spec, dossier(), [day(20)])["l"][0, 0], math.exp(-0.1 * 18 - 0.5 * 2))


def test_calendar_in_conditions_counts_from_its_start():
    low_late = {"all": [LOW, {"since": day(4)}]}
    spec, stay = model(up_down(0.1)), math.exp(-0.4)
    for span, entered, wanted in [
        ([0, 4], False, stay),
        ([0, 4], True, stay),
        ([4, 6], False, stay),
        ([4, 6], True, 0.0),
        ([0, 3.5], False, 0.0),
    ]:
        said = {"id": "w", "saw": low_late, "between": [day(t) for t in span], "entered": entered}
        found = oracle.log_evidence(spec, dossier(said))
        assert found == -np.inf if wanted == 0 else math.isclose(found, math.log(wanted), rel_tol=TIGHT)


# ---- events ----------------------------------------------------------------------------------------------------------


def test_poisson_counts_and_times():
    spec = model(up_down(0.1), events=[{"name": "e", "rate": 1.5, "per": "week"}])
    over, mean = [day(2), day(9)], 1.5
    count = {"id": "c", "counted": {"indicator": "e", "count": 3}, "over": over}
    close(oracle.log_evidence(spec, dossier(count)), stats.poisson.logpmf(3, mean))
    times = {"id": "t", "counted": {"indicator": "e", "at": [day(3), day(5)]}, "over": over}
    close(oracle.log_evidence(spec, dossier(times)), 2 * math.log(1.5 / 7) - mean)
    graded = count | {"hit": 0.5, "false_rate": 0.35, "false_per": "week"}
    close(oracle.log_evidence(spec, dossier(graded)), stats.poisson.logpmf(3, 0.5 * mean + 0.35))


def test_silence_and_counts_speak_of_the_rung():
    """Events only in low: silence over [0, 5] with the ladder leaving low at 0.1 a day."""
    spec = model(up_down(0.1), events=[{"name": "e", "given": ["l"], "rate": [0.4, 0.0], "per": "day"}])
    silent = dossier({"id": "t", "counted": {"indicator": "e", "at": []}, "over": [day(0), day(5)]})
    wanted = math.exp(-2.5) + 0.1 / 0.5 * (1 - math.exp(-2.5))
    close(oracle.log_evidence(spec, silent), math.log(wanted))
    close(oracle.filtered(spec, silent, [day(2)])["l"][0, 0], math.exp(-1) / (math.exp(-1) + 0.2 * (1 - math.exp(-1))))
    none = dossier({"id": "t", "counted": {"indicator": "e", "count": 0}, "over": [day(0), day(5)]})
    close(oracle.log_evidence(spec, none), math.log(wanted))
    close(oracle.filtered(spec, none, [day(2)])["l"][0, 0], math.exp(-0.2))


# ---- questions -------------------------------------------------------------------------------------------------------


def test_erlang_first_passage():
    spec = model(up_down(0.2, rungs=("a", "b", "c", "d")))
    by = day(25)
    top = {"ladder": "l", "at_least": "d"}
    wanted = stats.gamma.cdf(15, 3, scale=5)
    at_a = {"id": "s", "saw": {"ladder": "l", "is": "a"}, "on": day(10)}
    for question in ({"reach": top, "by": by}, {"enters": top, "by": by}, {"at": top, "on": by}):
        close(oracle.ask(spec, dossier(at_a), question), wanted)
    close(oracle.ask(spec, dossier(at_a), {"not": {"reach": top, "by": by}}), 1 - wanted)
    b, c = ({"ladder": "l", "is": x} for x in "bc")
    assert oracle.ask(spec, dossier(at_a), {"first": c, "before": b, "by": by}) == 0.0
    close(oracle.ask(spec, dossier(at_a), {"first": b, "before": c, "by": by}), stats.expon.cdf(15, scale=5))
    named = {"name": "q", "ask": {"reach": top, "by": by}, "given": {"reach": c, "by": day(20)}}
    entered_c, rest = stats.gamma(2, scale=5), 15 - np.linspace(0, 10, 200001)
    grid = entered_c.pdf(15 - rest) * stats.expon.cdf(rest, scale=5)
    joint = (grid.sum() - (grid[0] + grid[-1]) / 2) * 10 / 200000
    close(oracle.ask(spec, dossier(at_a), named), joint / entered_c.cdf(10), 1e-8)


def test_reach_holds_at_once_and_enters_does_not():
    spec = model(up_down(0.2))
    high = dossier({"id": "s", "saw": HIGH, "on": day(10)})
    close(oracle.ask(spec, high, {"reach": HIGH, "by": day(20)}), 1.0)
    assert oracle.ask(spec, high, {"enters": HIGH, "by": day(20)}) == 0.0
    both = {"first": HIGH, "before": HIGH, "by": day(20)}
    assert oracle.ask(spec, dossier(), both) == 0.0


def test_stages_make_an_erlang_dwell():
    """Three stages: the dwell is a gamma of shape 3; evidence sees the rung, whatever its stage."""
    rates = [
        {"moves": [["a", "b"]], "rate": 0.1, "per": "day"},
        {"moves": [["a", "c"]], "rate": 0.3, "per": "day"},
    ]
    ladder = {"name": "l", "rungs": ["a", "b", "c"], "ordered": False, "start": "a", "rate": rates, "stages": {"a": 3}}
    dwell, spec = stats.gamma(3, scale=1 / 1.2), model(ladder)
    gone = dwell.cdf(12)
    close(oracle.forecast(spec, dossier(), [day(12)])["l"][0], [dwell.sf(12), 0.25 * gone, 0.75 * gone], 1e-11)
    moved = dossier({"id": "m", "moved": {"ladder": "l", "from": "a", "to": "b"}, "on": day(4)})
    close(oracle.log_evidence(spec, moved), math.log(0.25 * dwell.pdf(4)))
    in_a = dossier({"id": "s", "saw": {"ladder": "l", "is": "a"}, "on": day(5)}, as_of=day(6))
    close(oracle.log_evidence(spec, in_a), dwell.logsf(5))
    close(oracle.ask(spec, in_a, {"at": {"ladder": "l", "is": "a"}, "on": day(9)}), dwell.sf(9) / dwell.sf(5))
    met = model(ladder | {"first_stage": "uniform"})  # the mean of 1, 2 and 3 stages still to go
    close(oracle.log_evidence(met, in_a), math.log(np.mean([stats.gamma(k, scale=1 / 1.2).sf(5) for k in (1, 2, 3)])))
    do = oracle.Scenario(do=[({"ladder": "l", "is": "a"}, day(8))])
    close(oracle.forecast(spec, in_a, [day(20)], scenario=do)["l"][0], [1, 0, 0])


def test_competing_risks():
    rates = [
        {"moves": [["a", "b"]], "rate": 0.1, "per": "day"},
        {"moves": [["a", "c"]], "rate": 0.3, "per": "day"},
    ]
    spec = model({"name": "l", "rungs": ["a", "b", "c"], "ordered": False, "start": "a", "rate": rates})
    in_a = dossier({"id": "s", "saw": {"ladder": "l", "is": "a"}, "on": day(10)})
    first = {"first": {"ladder": "l", "is": "b"}, "before": {"ladder": "l", "is": "c"}, "by": day(15)}
    close(oracle.ask(spec, in_a, first), 0.25 * (1 - math.exp(-2)))


def test_reach_of_both_at_once_differs_from_reaching_each():
    """Two coins that go up and down: the Kronecker chain by hand."""
    spec = model(up_down(0.1, 2.0), up_down(0.1, 2.0) | {"name": "k"})
    k_high = {"ladder": "k", "is": "high"}
    each = oracle.ask(spec, dossier(), {"all": [{"reach": c, "by": day(40)} for c in (HIGH, k_high)]})
    p = two_state(0.1, 2.0, 10)
    close(each, (1 - (1 - p) * math.exp(-3)) ** 2)
    at_once = oracle.ask(spec, dossier(), {"reach": {"all": [HIGH, k_high]}, "by": day(40)})
    q = np.array([[-0.2, 0.2, 0], [2.0, -2.1, 0.1], [0, 0, 0]])  # how many are high, both absorbing
    wanted = (np.array([(1 - p) ** 2, 2 * p * (1 - p), p * p]) @ expm(30 * q))[2]
    close(at_once, wanted, 1e-11)
    assert at_once < each


# ---- drivers, statuses, scenarios ------------------------------------------------------------------------------------

NET = [
    {"name": "us", "states": ["x", "y"], "table": [0.3, 0.7]},
    {"name": "cn", "states": ["s", "w"], "given": ["us"], "table": {"x": [0.9, 0.1], "y": [0.4, 0.6]}},
]
WEAK = {"driver": "cn", "is": "w"}


def driven() -> dict:
    ladder = up_down(0.1, effect=[{"when": WEAK, "moves": "up", "factor": 3}])
    status = {"name": "tone", "states": ["calm", "sharp"], "given": ["us", "l"]}
    status["table"] = {"x": {"low": [0.9, 0.1], "high": [0.5, 0.5]}, "y": {"low": [0.8, 0.2], "high": [0.0, 1.0]}}
    return model(ladder, driver=NET, status=[status])


def test_network_by_hand():
    spec = driven()
    prior = np.array([0.27, 0.03, 0.28, 0.42])  # xs, xw, ys, yw
    close(oracle.driver_posteriors(spec, dossier())["cn"], [0.55, 0.45])
    up = np.array([1 - math.exp(-0.5), 1 - math.exp(-1.5)] * 2)
    sharp = np.array([0.1, 0.1, 0.2, 0.2]) * (1 - up) + np.array([0.5, 0.5, 1, 1]) * up
    seen = dossier({"id": "s", "saw": {"indicator": "tone", "is": "sharp"}, "on": day(5)})
    joint = prior * sharp
    close(oracle.log_evidence(spec, seen), math.log(joint.sum()))
    close(oracle.driver_posteriors(spec, seen)["us"], [joint[:2].sum() / joint.sum(), joint[2:].sum() / joint.sum()])
    leaning = {"id": "d", "likelihood": {"of": "us", "values": {"x": 1.0, "y": 0.25}}}
    leaned = dossier(leaning, *seen["development"])
    joint = joint * [1, 1, 0.25, 0.25]
    close(oracle.log_evidence(spec, leaned), math.log(joint.sum()))
    close(oracle.filtered(spec, leaned, [day(5)])["l"][0, 1], oracle.filtered(spec, seen, [day(5)])["l"][0, 1])


def test_left_out_by_report():
    late = {"id": "s", "saw": HIGH, "on": day(4), "reported": day(11)}
    assert oracle.log_evidence(model(up_down()), dossier(late)) == pytest.approx(0, abs=1e-14)


def test_given_and_without():
    spec = driven()
    seen = dossier({"id": "s", "saw": HIGH, "on": day(5)})
    weak = oracle.Scenario(given=[WEAK])
    close(oracle.log_evidence(spec, dossier(), scenario=weak), math.log(0.45))
    close(oracle.ask(spec, dossier(), {"at": HIGH, "on": day(20)}, scenario=weak), 1 - math.exp(-6))
    assert oracle.log_evidence(spec, seen, scenario=oracle.Scenario(without=["s"])) == pytest.approx(0, abs=1e-14)
    more = oracle.Scenario(developments=seen["development"])
    close(oracle.log_evidence(spec, dossier(), scenario=more), oracle.log_evidence(spec, seen))


def test_do_from_the_origin_is_surgery():
    """No inference to the parent, and the evidence stays."""
    spec, do = driven(), oracle.Scenario(do=[(WEAK, ORIGIN)])
    close(oracle.driver_posteriors(spec, dossier(), scenario=do)["us"], [0.3, 0.7])
    seen = dossier({"id": "s", "saw": HIGH, "on": day(5)})
    close(oracle.log_evidence(spec, seen, scenario=do), math.log(1 - math.exp(-1.5)))


def test_do_later():
    spec = driven()
    low = dossier({"id": "s", "saw": LOW, "on": day(10)})
    prior = np.array([0.55 * math.exp(-1), 0.45 * math.exp(-3)])
    slow, fast = prior / prior.sum()
    at_20 = {"at": LOW, "on": day(20)}
    close(oracle.ask(spec, low, at_20), slow * math.exp(-1) + fast * math.exp(-3))
    do = oracle.Scenario(do=[(WEAK, day(15))])
    close(oracle.driver_posteriors(spec, low, scenario=do)["cn"], [slow, fast])
    close(oracle.ask(spec, low, at_20, scenario=do), slow * math.exp(-2) + fast * math.exp(-3))
    for on, wanted in ((12, fast), (15, 1.0)):
        close(oracle.ask(spec, low, {"at": WEAK, "on": day(on)}, scenario=do), wanted)
    high = oracle.Scenario(do=[(HIGH, day(15))])
    close(oracle.ask(spec, low, {"at": HIGH, "on": day(15)}, scenario=high), 1.0)
    stay = slow * math.exp(-0.4) + fast * math.exp(-1.2)
    close(oracle.ask(spec, low, {"enters": HIGH, "by": day(14)}, scenario=high), 1 - stay)
    close(oracle.ask(spec, low, {"enters": HIGH, "by": day(20)}, scenario=high), 1.0)
    held_low = oracle.Scenario(do=[(LOW, day(10))])
    assert oracle.ask(spec, dossier(), {"reach": HIGH, "by": day(90)}, scenario=held_low) == 0.0


def test_complex_gradient_by_hand():
    """ln P(low at 4) = -4 q, and its derivative in ln q."""
    spec = model(up_down(rate=[{"moves": "up", "rate": 0.1, "per": "day", "spread": 2}]))
    seen = dossier({"id": "s", "saw": LOW, "on": day(4)})
    theta = oracle_model.start(spec) + 0.3
    gradient = oracle_model.complex_gradient(lambda t: oracle.log_evidence(spec, seen, t), theta)
    close(gradient, [-4 * 0.1 * math.exp(0.3)])


# ---- the random worlds -----------------------------------------------------------------------------------------------


def test_complex_gradient_against_central_differences():
    world = worlds.random_world(1003, small=True)

    def log_evidence(theta):
        return oracle.log_evidence(world.spec, world.dossier, theta)

    theta, steps = world.theta, 1e-4 * np.eye(len(world.theta))
    central = [(log_evidence(theta + step) - log_evidence(theta - step)) / 2e-4 for step in steps]
    found = oracle_model.complex_gradient(log_evidence, world.theta)
    np.testing.assert_allclose(found, central, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("seed", range(0, 60, 5))
def test_worlds_are_consistent(seed):
    """Seeds repeat; past and future laws add up; At questions equal forecasts; a smoothed law averages over a fact."""
    world = worlds.random_world(seed)
    assert json.dumps(worlds.random_world(seed).questions) == json.dumps(world.questions)
    ready = oracle.Oracle(world.spec, world.dossier)
    ladder, later = world.spec["ladder"][0], world.times[-1]
    rungs = [{"ladder": ladder["name"], "is": rung} for rung in ladder["rungs"]]
    laws = ready.rungs([*world.times[:3], later])[ladder["name"]]
    close(laws.sum(axis=1), 1.0)
    close([ready.ask({"at": rung, "on": later}) for rung in rungs], laws[-1], 1e-10)
    for time, law in zip(world.times[1:3], laws[1:3], strict=True):
        if any(time == d.get("on") and "moved" in d for d in world.dossier["development"]):
            continue
        seen = [oracle.Scenario(developments=[{"saw": rung, "on": time}]) for rung in rungs]
        joint = [oracle.Oracle(world.spec, world.dossier, scenario=s).evidence() for s in seen]
        close(np.array(joint) / ready.evidence(), law, 1e-10)
    now = [ready.rungs([ready.now]), ready.filtered([ready.now])]
    close(now[0][ladder["name"]], now[1][ladder["name"]], 1e-10)


def chain(spec: dict, name: str, passed: tuple = ()) -> int:
    """The length of the longest chain of effects that leads to this ladder."""
    (ladder,) = (x for x in spec["ladder"] if x["name"] == name)
    seen = {
        part["ladder"] for effect in ladder["effect"] for part in oracle_model.parts(effect["when"]) if "ladder" in part
    }
    return 1 + max((chain(spec, other, (*passed, name)) for other in seen - {*passed, name}), default=0)


def test_the_long_run():
    """Up at 1, 2, down at 3, 4: weights 1, 1/3, 1/3 · 2/4; a rung that is left for good has 0."""
    flows = np.zeros((4, 4))
    flows[0, 1], flows[1, 2], flows[1, 0], flows[2, 1], flows[3, 1] = 1, 2, 3, 4, 5
    close(stationary(flows), np.array([6, 2, 1, 0]) / 9)
    both = model(up_down(0.1, 0.3, first="equilibrium"), up_down(0.2, 0.2))
    both["ladder"][1] |= {"name": "k", "start": {"low": 0.9, "high": 0.1}}
    close(oracle.Frame(both).start_law(()), [0.675, 0.075, 0.225, 0.025])


def test_most_worlds_are_rich():
    """Three ladders, two drivers, eight developments of all kinds, three windows at once, finite evidence: jointly."""
    pasts = [worlds.random_past(worlds.Dice(seed), worlds.shape_of(seed)) for seed in worlds.SEEDS]
    specs, dossiers = [spec for _, spec, _ in pasts], [dossier for *_, dossier in pasts]
    evidence = [oracle.log_evidence(spec, dossier) for spec, dossier in zip(specs, dossiers, strict=True)]
    rich = [worlds.is_rich(spec, dossier) for spec, dossier in zip(specs, dossiers, strict=True)]
    joint = [math.prod(len(ladder["rungs"]) for ladder in spec["ladder"]) for spec in specs]
    chains = [max(chain(spec, ladder["name"]) for ladder in spec["ladder"]) for spec in specs]
    assert len(pasts) >= 200 and np.isfinite(evidence).all()
    assert sum(rich) >= 0.6 * len(pasts)
    assert sum(length >= 4 for length in chains) >= 20
    assert sum(map(worlds.has_twins, dossiers)) >= 20
    assert sum(n >= 128 for n in joint) >= 8
    assert sum(map(worlds.is_staged, specs)) >= 50
    assert sum(map(worlds.is_staged, [spec for spec, r in zip(specs, rich, strict=True) if r])) >= 25


def test_worlds_cover_the_page():
    """Every kind of entry that docs/format.md names turns up among the first worlds, and every way to begin often."""
    first = list(map(worlds.random_world, range(60)))
    text = "\n".join(json.dumps([w.spec, w.dossier, w.questions]) for w in first)
    model_keys = "worth free spread chance within events over since until all any not at_least at_most ordered"
    model_keys += " stages first_stage"
    dossier_keys = "likelihood moved count at false_rate hit never entered reported on between indicator"
    keys = [*model_keys.split(), *dossier_keys.split(), "first", "enters", "reach", "given"]
    keys += ["start_given", "formula", "noisy_or", "noisy_max", "logistic", "leak"]
    assert [key for key in keys if f'"{key}":' not in text] == []
    ladders = [ladder for world in first for ladder in world.spec["ladder"]]
    settled = [ladder for ladder in ladders if ladder.get("first") == "equilibrium"]
    looks = [{key for e in x["effect"] for part in oracle_model.parts(e["when"]) for key in part} for x in settled]
    assert sum("ladder" in looked for looked in looks) >= 10  # joint laws,
    assert sum("driver" in looked for looked in looks) >= 10  # that differ by drivers
    tables = [ladder for ladder in ladders if "start_given" in ladder]
    assert sum("worth" in ladder or "first" in ladder for ladder in tables) >= 10
    assert sum("worth" not in ladder and "first" not in ladder for ladder in tables) >= 10
    assert sum("formula" in entry for w in first for entry in w.spec["driver"] + w.spec["status"]) >= 15
