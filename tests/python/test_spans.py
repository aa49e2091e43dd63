"""Questions over spans, past and ahead: what was, how often, when first; against the oracle and closed forms."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.linalg import expm

import escalade as esc
import oracle
import worlds
from test_oracle import ANSWER_FLOOR, Comparison, as_questions, changed, conditioned, without_given, world_of

SPAN_SEEDS = worlds.SEEDS[::6]
SCENARIO_SEEDS = worlds.SEEDS[1::48]
COUNT_SEEDS = worlds.SEEDS[2::15]
MOST = 3  # told apart in a law; the oracle's space has a state for each
SURE = 24  # counts that the oracle tells apart for a mean: beyond it lies less than the tolerance
REST = 1e-11
CLOSED = 1e-11  # relative, against closed forms and matrix exponentials
MINUTE = np.timedelta64(1, "m")


@pytest.mark.parametrize("seed", SPAN_SEEDS)
def test_spans_of_random_worlds(seed):
    world, found = world_of(seed), Comparison(seed)
    wanted, questions = oracle.Oracle(world.spec, world.dossier), worlds.span_questions(world)
    for question, mode in zip(questions, conditioned(world).ask(as_questions(questions))["mode"], strict=True):
        found.near(json.dumps(question), mode, wanted.ask(question), atol=ANSWER_FLOOR)
    found.verdict()


@pytest.mark.parametrize("seed", SCENARIO_SEEDS)
def test_spans_under_scenarios(seed):
    world, found = world_of(seed), Comparison(seed)
    base, questions = conditioned(world), [without_given(q) for q in worlds.span_questions(world)]
    for name, scenario in worlds.random_scenarios(world).items():
        wanted = oracle.Oracle(world.spec, world.dossier, scenario=scenario)
        answers = [wanted.ask(question) for question in questions]
        found.near(name, changed(base, scenario).ask(as_questions(questions))["mode"], answers, atol=ANSWER_FLOOR)
    found.verdict()


@pytest.mark.parametrize("seed", COUNT_SEEDS)
def test_counts_of_random_worlds(seed):
    world, found = world_of(seed), Comparison(seed)
    fit, wanted = conditioned(world), oracle.Oracle(world.spec, world.dossier)
    dice = worlds.Dice(seed + 4 * 10**6)
    for _ in range(3):
        ask = worlds.random_span_atom(dice, world.spec, world.horizon, ["enters", "moves"])
        asked = as_questions([{"name": "counts", "ask": ask | {"times": MOST}}])
        if worlds.open_states(wanted) > 60:
            continue
        told = fit.counts(asked)
        found.near(f"law of {json.dumps(ask)}", told["law"]["mode"], wanted.counts(ask, MOST)[2], atol=ANSWER_FLOOR)
        mean, variance, law = wanted.counts(ask, SURE)
        if law[-1] < REST:
            found.near(f"moments of {json.dumps(ask)}", told["moments"]["mode"], [mean, variance], 1e-8, ANSWER_FLOOR)
    found.verdict()


def model(up=0.01, down=0.03):
    """A ladder of three rungs under a driver, whose upward moves double from a date on."""
    m = esc.Model(origin="2025-01-01")
    weak = m.driver("weak", {"yes": 0.3, "no": 0.7})
    a = m.ladder("a", ["low", "mid", "high"], up=esc.per_day(up), down=esc.per_day(down))
    a.effect(weak == "yes", up=3.0)
    a.effect(esc.since("2025-03-01"), up=2.0)
    return m, weak, a


def generators(up=0.01, down=0.03):
    """Of each state of the driver: its probability, and the generators before and after the date."""
    for p, factor in ((0.3, 3.0), (0.7, 1.0)):
        both = []
        for times in (1.0, 2.0):
            q = np.array([[0, up * factor * times, 0], [down, 0, up * factor * times], [0, down, 0]])
            both.append(q - np.diag(q.sum(axis=1)))
        yield p, both


def test_a_first_passage_over_a_turn_of_the_calendar():
    m, _, a = model()
    d = esc.Dossier(as_of="2025-01-10")
    d.saw(a == "low", on="2025-01-10T23:59")
    fit = m.condition(d)
    passage = fit.passage(a == "high", until="2025-07-31", quantiles=[0.1, 0.3, 0.9])
    now, turn, end = 10.0, 59.0, 212.0
    # The law at now, a minute after the ladder was seen at the bottom, weighs the driver by a likelihood of all but 1.
    moments, ever, reached = np.zeros(3), np.zeros(3), {}
    asked = [np.datetime64(date) for date in ("2025-02-10", "2025-05-05")]
    weights = []
    for p, (early, _) in generators():
        seen = np.eye(3)[0] @ expm(early * (now - 1 / 1440)) * np.array([1, 0, 0])
        weights.append((p * seen[0], np.eye(3)[0] @ expm(early / 1440)))
    total = sum(w for w, _ in weights)
    for (weight, law), (_, (early, late)) in zip(weights, generators(), strict=True):
        cut = [q[:2, :2] for q in (early, late)]
        weight /= total
        spans = [turn - now, end - turn]
        row, passed = law[:2], 0.0
        at_once = law[2]
        moments += weight * np.array([at_once, 0, 0])
        ever += weight * np.array([at_once, 0, 0])
        for q, span in zip(cut, spans, strict=True):
            # ∫ t^k row e^{qt} (-q 1) dt by quadrature: the oracle's own, good to the last digits.
            x, w = np.polynomial.legendre.leggauss(60)
            nodes, w = (x + 1) / 2 * span, w / 2 * span
            flow = np.array([row @ expm(q * t) @ -q.sum(axis=1) for t in nodes])
            own = np.array([np.sum(w * flow * (passed + nodes) ** k) for k in range(3)])
            moments += weight * own
            if q is cut[0]:
                ever += weight * own
            for date in asked:
                t = float((date - np.datetime64("2025-01-01")) / np.timedelta64(1, "D")) + 1 - now
                if passed < t <= passed + span:
                    reached[date] = reached.get(date, 0) + weight * (1 - (row @ expm(q * (t - passed))).sum())
            row, passed = row @ expm(q * span), passed + span
        row = law[:2] @ expm(cut[0] * spans[0])
        inverse = np.linalg.inv(-cut[1])
        m1, m2 = row @ inverse @ np.ones(2), 2 * row @ inverse @ inverse @ np.ones(2)
        ever += weight * np.array(
            [row.sum(), spans[0] * row.sum() + m1, spans[0] ** 2 * row.sum() + 2 * spans[0] * m1 + m2]
        )
    for wait, (p, once, twice) in ((passage.by, moments), (passage.ever, ever)):
        assert wait.probability[0] == pytest.approx(p, rel=CLOSED)
        assert wait.mean[0] == pytest.approx(once / p, rel=CLOSED)
        assert wait.sd[0] == pytest.approx(np.sqrt(twice / p - (once / p) ** 2), rel=1e-9)
    dates = [str(date) for date in asked]
    some = fit.passage(a == "high", until="2025-07-31", dates=dates)
    assert [some.probability[some.dates.index(d)] for d in dates] == pytest.approx(
        [reached[d] for d in asked], rel=CLOSED
    )
    # Quantiles to the minute: the questions a minute before and after lie on either side.
    for quantile in (*passage.quantiles[:2], *passage.conditional):
        level = quantile.p * (passage.by.probability[0] if quantile in passage.conditional else 1)
        ends = [esc.reach(a == "high", by=str(quantile.date + k * 2 * MINUTE)) for k in (-1, 1)]
        low, high = fit.ask(ends).probability
        assert low < level < high
    assert np.isnat(passage.quantile(0.9).date)


def test_a_passage_that_may_never_come():
    m = esc.Model(origin="2025-01-01")
    a = m.ladder(
        "a", ["start", "good", "bad"], moves={("start", "good"): esc.per_day(0.02), ("start", "bad"): esc.per_day(0.06)}
    )
    fit = m.condition(esc.Dossier(as_of="2025-01-01"))
    passage = fit.passage(a == "good", until="2026-01-01")
    survive = np.exp(-0.08)
    assert passage.ever.probability[0] == pytest.approx(0.25, rel=CLOSED)
    assert passage.never == pytest.approx(0.75, rel=CLOSED)
    # From the day after the origin on: there already, or an exponential wait.
    there = 0.25 * (1 - survive)
    assert passage.probability[0] == pytest.approx(there, rel=CLOSED)
    assert passage.ever.mean[0] == pytest.approx(0.25 * survive / 0.08 / 0.25, rel=CLOSED)
    assert passage.ever.sd[0] == pytest.approx(np.sqrt(survive * 2 / 0.08**2 - (survive / 0.08) ** 2), rel=CLOSED)
    nowhere = fit.do(a == "bad", since="2025-06-01").passage(a == "good", until="2025-12-31")
    assert nowhere.ever.probability[0] == pytest.approx(0.25 * (1 - np.exp(-0.08 * 151)), rel=CLOSED)
    assert nowhere.ever.mean[0] == pytest.approx(nowhere.by.mean[0], rel=1e-9)


def test_rare_passages_keep_their_digits():
    m = esc.Model(origin="2025-01-01")
    a = m.ladder("a", ["0", "1", "2", "3"], up=esc.per_day(1e-5), down=esc.per_day(2.0))
    fit = m.condition(esc.Dossier(as_of="2025-01-01"))
    passage = fit.passage(a == "3", until="2025-03-01", quantiles=[0.5])
    # Nearly uniform over the span, beside the time that the ladder takes to forget where it began.
    assert 0 < passage.by.probability[0] < 1e-12
    assert passage.by.mean[0] == pytest.approx(29.5, rel=0.05)
    q = np.diag([1e-5] * 3, 1) + np.diag([2.0] * 3, -1)
    q -= np.diag(q.sum(axis=1))
    law = oracle.carry(np.eye(4)[0], q, 1.0)
    x, w = np.polynomial.legendre.leggauss(200)
    times, w = (x + 1) / 2 * 59, w / 2 * 59
    flow = np.array([oracle.carry(law[:3], q[:3, :3], t)[2] * 1e-5 for t in times])
    total = law[3] + (w * flow).sum()
    assert passage.by.probability[0] == pytest.approx(total, rel=1e-9)
    assert passage.by.mean[0] == pytest.approx((w * flow * times).sum() / total, rel=1e-9)


def test_counts_of_a_telegraph():
    """Two rungs that take turns at one rate: the moves are a Poisson process, the entries every second of them."""
    m = esc.Model(origin="2025-01-01")
    a = m.ladder("a", ["off", "on"], start="off", up=esc.per_day(0.1), down=esc.per_day(0.1))
    fit = m.condition(esc.Dossier(as_of="2025-01-01"))
    mean = 0.1 * 30
    poisson = [np.exp(-mean) * mean**k / np.prod(np.arange(1, k + 1), dtype=float) for k in range(30)]
    moves = fit.moves(a, by="2025-01-31", most=6)
    np.testing.assert_allclose(moves.probability[:6], poisson[:6], rtol=CLOSED)
    assert (moves.mean, moves.variance) == pytest.approx((mean, mean), rel=1e-9)
    assert moves.at_least(6) == pytest.approx(sum(poisson[6:]), rel=1e-9)
    up, down = (fit.moves(a, kind, by="2025-01-31", since="2025-01-01") for kind in ("up", "down"))
    whole = 3.1  # from the origin on, off: up first
    law = [np.exp(-whole) * whole**k / np.prod(np.arange(1, k + 1), dtype=float) for k in range(60)]
    assert up[1] == pytest.approx(law[1] + law[2], rel=CLOSED)
    assert up.mean == pytest.approx(sum(p * ((k + 1) // 2) for k, p in enumerate(law)), rel=1e-9)
    assert down.mean == pytest.approx(sum(p * (k // 2) for k, p in enumerate(law)), rel=1e-9)
    entries = fit.entries(a == "on", since="2025-01-01", by="2025-01-31", most=4)
    assert entries.mean == pytest.approx(up.mean, rel=1e-12)
    np.testing.assert_allclose(entries.probability[:4], up.probability[:4], rtol=1e-12)
    twice = fit.ask(esc.enters(a == "on", since="2025-01-01", by="2025-01-31", times=2))[0].probability
    assert twice == pytest.approx(entries.at_least(2), rel=1e-12)


def test_the_past_is_told_by_what_was_seen():
    m, _, a = model()
    d = esc.Dossier(as_of="2025-02-28")
    d.saw(a == "high", on="2025-02-01")
    d.saw(a == "low", on="2025-02-20")
    fit = m.condition(d)
    was = fit.ask(
        [
            esc.at(a == "high", on="2025-02-01", name="seen"),
            esc.reach(a == "high", since="2025-01-15", by="2025-02-10", name="reached"),
            esc.moves(a, "down", since="2025-02-01T12:00", by="2025-02-20", times=2, name="down twice"),
            esc.enters(a == "high", since="2025-02-02", by="2025-03-31", name="again"),
        ]
    )
    assert [was[name].probability for name in ("seen", "reached", "down twice")] == pytest.approx([1, 1, 1], abs=1e-12)
    assert 0 < was["again"].probability < 1
    with pytest.raises(esc.SpecError, match="since"):
        fit.ask(esc.reach(a == "high", by="2025-02-10"))
    # A fit with draws answers with intervals.
    free = esc.Model(origin="2025-01-01")
    b = free.ladder("b", ["low", "high"], up=esc.per_month(0.3, spread=2), down=esc.per_month(0.5, spread=2))
    d = esc.Dossier(as_of="2025-02-28")
    d.saw(b == "high", on="2025-02-20")
    learnt = free.fit(d, draws=40)
    answer = learnt.ask(esc.reach(b == "high", since="2025-01-01", by="2025-02-10"))[0]
    assert answer.low < answer.probability < answer.high
    counts = learnt.moves(b, since="2025-01-01", by="2025-06-30")
    assert counts.low[1] < counts.probability[1] < counts.high[1]
    passage = learnt.passage(b == "low", until="2025-12-31")
    half = passage.quantile(0.5)
    assert half.low < half.date < half.high
    assert passage.by.mean[1] < passage.by.mean[0] < passage.by.mean[2]


TIME_SEEDS = worlds.SEEDS[4::24]
INVERTED = 1e-6  # absolute: the oracle's inversion is good to about 1e-8, the extrapolation told to be to 1e-7


@pytest.mark.parametrize("seed", TIME_SEEDS)
def test_times_of_random_worlds(seed):
    world, found = worlds.random_world(2000 + seed, small=True), Comparison(seed)
    fit, wanted = conditioned(world), oracle.Oracle(world.spec, world.dossier)
    dice, done = worlds.Dice(seed + 5 * 10**6), 0
    for _ in range(12):
        ask = worlds.random_span_atom(dice, world.spec, world.horizon, ["reach"])
        if done == 1 or worlds.open_states(wanted) > 40:
            break
        since = oracle.instant(ask.get("since", wanted.now), wanted.origin, "begin")
        by = oracle.instant(ask["by"], wanted.origin, "end")
        if not 1e-3 < wanted.probability([ask]) < 1 - 1e-3 or (
            since < wanted.now and len(world.dossier["development"]) > 8
        ):
            continue
        done += 1
        share = dice.uniform(0.1, 0.9)
        days = share * (by - since)
        beyond = wanted.time_beyond(ask["reach"], since, by, [days])[0]
        span = {key: ask[key] for key in ("since", "by") if key in ask}
        question = {"name": "time", "ask": {"time_in": ask["reach"], "at_least": f"{days} days"} | span}
        found.near(json.dumps(question), fit.ask(as_questions([question]))["mode"][0], beyond, 0, INVERTED)
        if since >= wanted.now:
            told = fit.spent(as_questions([{"name": "time", "ask": ask}]), [0.5])
            place = 7
            beyond = wanted.time_beyond(ask["reach"], since, by, [told["days"][place]])[0]
            found.near(f"law of {json.dumps(ask)}", told["beyond"]["mode"][place], beyond, 0, INVERTED)
    found.verdict()


def test_time_in_a_telegraph_counted_and_extrapolated():
    """The same law by counting events, and by marks: a calendar condition that never matters makes the difference."""
    m = esc.Model(origin="2025-01-01")
    a = m.ladder("a", ["off", "on"], up=esc.per_day(0.05), down=esc.per_day(0.08))
    fit = m.condition(esc.Dossier(as_of="2025-01-10"))
    law = fit.time_law(a == "on", by="2025-04-10")
    assert law.exact and law.error.max() == 0
    turned = esc.Model(origin="2025-01-01")
    b = turned.ladder("a", ["off", "on"], up=esc.per_day(0.05), down=esc.per_day(0.08))
    b.effect(esc.since("2025-02-15"), up=1.0)
    marked = turned.condition(esc.Dossier(as_of="2025-01-10")).time_law(b == "on", by="2025-04-10")
    # About half the span, where the stages see its end, they are at their worst.
    assert not marked.exact and 0 < marked.error.max() < 1e-4
    np.testing.assert_allclose(marked.probability, law.probability, atol=2e-6)
    assert (np.abs(marked.probability - law.probability) <= marked.error + 1e-9).all()
    assert marked.quantile(0.5) == pytest.approx(law.quantile(0.5), rel=1e-4)
    # Never on, and on all the time.
    off = 0.08 / 0.13 + 0.05 / 0.13 * np.exp(-1.3)
    assert law.none == pytest.approx(off * np.exp(-0.05 * 90), rel=1e-10)
    assert law.whole == pytest.approx((1 - off) * np.exp(-0.08 * 90), rel=1e-10)
    # The mean is that of the occupancy, told in another way.
    days = fit.time_in(a == "on", over=("2025-01-11", "2025-04-10"))[0]
    assert law.mean == pytest.approx(days, rel=1e-9)
    assert law.more_than(30) == pytest.approx(
        fit.ask(esc.time_in(a == "on", "30 days", by="2025-04-10"))[0].probability, abs=1e-7
    )
    # All but an hour of the span, and all of it.
    most, every = fit.ask([esc.time_in(a == "on", at, by="2025-04-10", name=at) for at in ("89 days", "90 days")])
    assert every.probability == pytest.approx(law.whole, rel=1e-10) and most.probability > every.probability
    with pytest.raises(esc.SpecError, match="the span has 90 days"):
        fit.ask(esc.time_in(a == "on", "91 days", by="2025-04-10"))


def test_times_joined_conditional_and_with_slopes():
    m, _, a = model()
    d = esc.Dossier(as_of="2025-01-10")
    d.saw(a == "low", on="2025-01-05")
    fit = m.condition(d)
    long = esc.time_in(a >= "mid", "20 days", by="2025-06-30", since="2025-01-01")
    high = esc.reach(a == "high", by="2025-06-30")
    both, joined, given = fit.ask([(long & high).named("both"), (long | high).named("either"), long.given(high)])
    one, other = fit.ask([long, high])
    assert both.probability + joined.probability == pytest.approx(one.probability + other.probability, abs=1e-9)
    assert given.probability == pytest.approx(both.probability / other.probability, abs=1e-7)
    free = esc.Model(origin="2025-01-01")
    b = free.ladder("b", ["low", "high"], up=esc.per_month(0.3, spread=2), down=esc.per_month(0.5, spread=2))
    asked = as_questions([esc.time_in(b == "high", "30 days", by="2025-06-30").to_dict()])
    kernel = free.condition(esc.Dossier(as_of="2025-01-10"))._core
    _, slope = kernel.slopes(asked)
    theta, step = kernel.theta, 1e-4
    moved = [free._core.condition(kernel.dossier(), theta + k * step * np.eye(2)[0]) for k in (-1, 1)]
    low, high = (fit.ask(asked)["mode"][0] for fit in moved)
    assert slope[0, 0] == pytest.approx((high - low) / (2 * step), rel=1e-6)


def test_a_time_that_something_fixes_is_refused_and_not_told_wrongly():
    """A timed move, or an intervention, gives the time weight at single values, which stages blur."""
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5), down=esc.per_year(0.5))
    d = esc.Dossier(as_of="2025-03-31")
    d.moved(front, "quiet", "war", on="2024-11-10T00:00")
    fit = m.condition(d)
    asked = {"since": "2024-10-01", "by": "2025-02-28"}
    near = esc.time_in(front == "war", "110 days", **asked)
    with pytest.raises(esc.NotConverged, match="fixes part of it"):
        fit.ask(near)
    with pytest.raises(esc.NotConverged, match="fixes part of it"):
        fit.time_law(front == "war", **asked)
    # Before anything is fixed it is the telegraph's.
    free = m.condition(esc.Dossier(as_of="2024-10-01"))
    assert 0 < free.ask(esc.time_in(front == "war", "20 days", by="2025-02-28"))[0].probability < 1
    made = free.do(front == "war", since="2025-01-15")
    with pytest.raises(esc.NotConverged, match="fixes part of it"):
        made.ask(esc.time_in(front == "war", "44 days", by="2025-02-28"))


def test_what_cannot_be_reached_has_no_quantile_even_given_that_it_is():
    m = esc.Model(origin="2024-10-01")
    front = m.ladder(
        "front",
        ["quiet", "tense", "war"],
        moves={("quiet", "tense"): esc.per_year(1), ("war", "quiet"): esc.per_year(1)},
    )
    passage = m.condition(esc.Dossier(as_of="2024-11-30")).passage(front == "war", until="2025-11-30")
    for conditional in (False, True):
        date = passage.quantile(0.5, conditional=conditional).date
        assert date is None or np.isnat(np.datetime64(date))


def test_a_judgement_on_time_spent_says_when_it_begins():
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=2))
    with pytest.raises(esc.SpecError, match="when it begins"):
        m.expect(esc.time_in(front == "war", "500 days", by="2025-10-01"), 0.2, spread=2)
