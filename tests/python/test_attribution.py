"""Attributions beside brute force: every coalition asked by leaving the others out."""

import itertools
import math

import matplotlib
import numpy as np
import pytest

import escalade as esc

matplotlib.use("agg")
EXACT = 1e-8


def crisis(certain: bool = False) -> tuple[esc.Model, esc.Dossier, esc.Question]:
    m = esc.Model("a crisis", origin="2024-01-01")
    us = m.driver("us", {"steady": 0.6, "gone": 0.4}, worth=20)
    front = m.ladder(
        "front", ["quiet", "tense", "war"], up=esc.per_month(0.2, spread=2), down=esc.per_month(0.3, spread=2)
    )
    aid = m.ladder("aid", ["none", "arms"], up=esc.per_month(0.2, spread=2), down=esc.per_month(0.1, spread=2))
    talks = m.ladder("talks", ["none", "open"], up=esc.per_month(0.1, spread=2), down=esc.per_month(0.1, spread=2))
    aid.effect(us == "gone", up=esc.factor(2, spread=1.5))
    front.effect(aid == "arms", up=esc.factor(2, spread=1.5))
    tests = m.events("tests", given=front, rate=esc.per_month([0.5, 1, 3], spread=1.5))
    d = esc.Dossier(as_of="2024-06-30")
    d.saw(front >= "tense", between=("2024-02-01", "2024-02-20"), grade="B2", source="a", paragraph=1, id="tense")
    d.saw(aid == "arms", on="2024-04-10", source="a", paragraph=2, id="arms", **({} if certain else {"grade": "C3"}))
    d.saw(us == "gone", hit=0.7, false_alarm=0.3, on="2024-04-10", source="b", id="gone")
    d.counted(tests, at=["2024-03-01", "2024-05-20"], over=("2024-02-15", "2024-06-20"), source="b", id="tests")
    d.saw(talks == "open", on="2024-06-01", grade="B3", id="talks")
    d.never(
        front == "war",
        between=("2024-03-01", "2024-06-30"),
        id="no-war",
        **({"reported": "2024-06-30"} if certain else {"grade": "B2"}),
    )
    return m, d, esc.reach(front == "war", by="2024-12-31", name="war this year")


def by_hand(fit: esc.Fit, question: esc.Question, players: list[list[str]]) -> dict[frozenset, float]:
    """ln odds under each coalition, asked of the fit without the others."""
    told = {}
    for size in range(len(players) + 1):
        for inside in itertools.combinations(range(len(players)), size):
            out = [id for k, own in enumerate(players) if k not in inside for id in own]
            one = fit.without(*out) if out else fit
            yes, no = one.ask([question, (~question).named("not")]).mode
            told[frozenset(inside)] = math.log(yes) - math.log(no)
    return told


def shapley(told: dict[frozenset, float], n: int) -> list[float]:
    """The mean over all orders."""
    shares = np.zeros(n)
    for order in itertools.permutations(range(n)):
        for k, player in enumerate(order):
            shares[player] += told[frozenset(order[: k + 1])] - told[frozenset(order[:k])]
    return list(shares / math.factorial(n))


def test_shares_and_left_out_are_those_of_every_coalition() -> None:
    m, d, war = crisis()
    fit = m.condition(d)
    why = fit.explain(war)
    players = [[one.id] for one in d]
    told = by_hand(fit, war, players)
    n = len(players)
    assert why.player == tuple(one.id for one in d)
    np.testing.assert_allclose(why.share, shapley(told, n), atol=EXACT)
    everything = frozenset(range(n))
    np.testing.assert_allclose(why.left_out, [told[everything] - told[everything - {k}] for k in range(n)], atol=EXACT)
    assert why.share.sum() == pytest.approx(told[everything] - told[frozenset()], abs=EXACT)
    assert not why.error.any()
    assert why.scale == "log-odds"
    assert why.now == pytest.approx(fit.ask(war)[0].probability, rel=1e-12)


def test_arrivals_go_from_none_to_all_day_by_day() -> None:
    m, d, war = crisis()
    fit = m.condition(d)
    why = fit.explain(war)
    assert [day for day, *_ in why.arrivals] == ["2024-02-20", "2024-04-10", "2024-06-01", "2024-06-20", "2024-06-30"]
    assert why.arrivals[1][1] == ("arms", "gone")
    known: set[str] = set()
    for _, ids, p, logit in why.arrivals:
        known |= set(ids)
        out = [one.id for one in d if one.id not in known]
        wanted = (fit.without(*out) if out else fit).ask(war)[0].probability
        assert p == pytest.approx(wanted, rel=EXACT)
        assert logit == pytest.approx(math.log(wanted / (1 - wanted)), abs=EXACT)
    assert why.arrivals[-1][2] == pytest.approx(why.now)


@pytest.mark.parametrize("by", ["indicator", "source", "paragraph"])
def test_groups_are_players(by: str) -> None:
    m, d, war = crisis()
    fit = m.condition(d)
    why = fit.explain(war, by=by)
    names = {
        "indicator": lambda one: ", ".join(one.subjects),
        "source": lambda one: one.source or "no source",
        "paragraph": lambda one: f"paragraph {one.paragraph}" if one.paragraph else "no paragraph",
    }
    groups: dict[str, list[str]] = {}
    for one in d:
        groups.setdefault(names[by](one), []).append(one.id)
    assert why.player == tuple(groups)
    told = by_hand(fit, war, list(groups.values()))
    np.testing.assert_allclose(why.share, shapley(told, len(groups)), atol=EXACT)


def test_what_is_certain_goes_by_probability() -> None:
    m, d, _ = crisis(certain=True)
    front, _aid = m.ladders["front"], m.ladders["aid"]
    d.saw(front == "war", on="2024-07-01T00:00", id="war")
    why = m.condition(d.without("no-war")).explain(esc.reach(front == "war", by="2024-12-31", name="war"))
    assert why.scale == "probability"
    assert why.now == 1
    assert why.share.sum() == pytest.approx(why.now - why.before, abs=EXACT)
    assert "share (probability)" in why.shown()


def test_sampled_shares_come_near_with_their_error() -> None:
    m, d, war = crisis()
    front = m.ladders["front"]
    for k in range(8):
        d.saw(front >= "tense", on=f"2024-0{3 + k % 3}-{10 + k}", grade="C3", id=f"more-{k}")
    fit = m.condition(d)
    assert len(d) > 12
    why = fit.explain(war, orders=400, seed=3)
    more = fit.explain(war, orders=4000, seed=4)
    assert why.error.any()
    assert (np.abs(why.share - more.share) < 5 * np.hypot(why.error, more.error) + 1e-9).all()
    assert why.share.sum() == pytest.approx(why.now_logit - why.before_logit, abs=EXACT)
    again = fit.explain(war, orders=400, seed=3)
    assert (why.share == again.share).all()


def test_what_was_taught_is_that_of_refits_to_first_order() -> None:
    m, d, war = crisis()
    fit = m.fit(d, draws=10)
    why, exact = fit.explain(war, learning=True), fit.explain(war, learning="refit")
    for k, one in enumerate(d):
        refit = m.fit(d.without(one.id), draws=10)
        # The answer on all developments at the parameters that the others taught.
        moved = (
            fit.ask(war).mode[0]
            - m._core.condition(d._checked(m._core), np.array(refit._core.theta)).ask(war_json(war))["mode"][0]
        )
        assert why.taught[k] == pytest.approx(moved, abs=0.25 * abs(moved) + 2e-3), one.id
        assert exact.taught[k] == pytest.approx(moved, abs=1e-9), one.id


def war_json(question: esc.Question) -> str:
    from escalade.values import to_json

    return to_json(esc.Questions(question).to_dict())


def test_long_names_that_begin_alike_are_players_of_their_own() -> None:
    m, _, war = crisis()
    d = esc.Dossier(as_of="2024-06-30")
    names = [f"{'a report that goes on and on ' * 4}{k}{' and on' * 12}" for k in range(3)]
    for name in names:
        d.saw(m.ladders["front"] >= "tense", on="2024-05-01", grade="C3", id=name, source=f"https://{name}")
    fit = m.condition(d)
    assert fit.explain(war).player == tuple(names)
    assert len(fit.explain(war, by="source").player) == 3
    assert fit.explain(war)[names[1]]["share"] > 0
    assert all(len(name) <= 60 for name in fit.explain(war).shown()[""])


def test_under_a_scenario_and_what_is_shown() -> None:
    m, d, war = crisis()
    us = m.drivers["us"]
    changed = m.condition(d).without("talks").given(us == "gone")
    why = changed.explain(war)
    assert "talks" not in why.player
    assert why.now == pytest.approx(changed.ask(war)[0].probability, rel=1e-12)
    assert "now" in why.caption()
    assert len(why.to_frame()) == len(d) - 1
    for kind in ("arrival", "share"):
        assert why.plot(kind=kind).get_yticklabels()[-1].get_text() == "now"
    with pytest.raises(esc.SpecError, match="one question"):
        changed.explain([war, ~war])
    for learning in (True, "refit"):
        with pytest.raises(esc.SpecError, match="known of a fit"):
            changed.explain(war, learning=learning)
    with pytest.raises(esc.SpecError, match="expected True, False or"):
        changed.explain(war, learning="all")


def test_without_orders_there_are_no_shares_and_all_else_is_the_same() -> None:
    m, d, war = crisis()
    fit = m.condition(d)
    full, quick = fit.explain(war), fit.explain(war, orders=0)
    assert np.isnan(quick.share).all()
    assert quick.left_out.tolist() == full.left_out.tolist()
    assert quick.arrivals == full.arrivals
    assert not any("share" in head for head in quick.shown())
    assert quick.plot() is not None
    with pytest.raises(esc.SpecError, match="no shares"):
        quick.plot(kind="share")
