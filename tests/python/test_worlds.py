"""Simulated worlds beside the exact answers, and reports beside their probabilities."""

import numpy as np
import pytest

import escalade as esc

N = 20_000
#: Standard errors of a share that a simulated one may lie from the exact one.
WIDE = 4.5


def crisis() -> tuple[esc.Model, esc.Dossier]:
    """Two coupled ladders, two drivers, a calendar effect, indicators of every kind."""
    m = esc.Model("a crisis", origin="2024-01-01")
    us = m.driver("us", {"steady": 0.6, "gone": 0.4})
    mood = m.driver("mood", ["calm", "angry"], given=us, table={"steady": [0.8, 0.2], "gone": [0.3, 0.7]})
    front = m.ladder(
        "front", ["quiet", "tense", "war"], up=esc.per_month(0.4), down=esc.per_month(0.3), stages={"war": 3}
    )
    aid = m.ladder(
        "aid", ["none", "arms"], start={"none": 0.7, "arms": 0.3}, up=esc.per_month(0.2), down=esc.per_month(0.1)
    )
    front.effect(us == "gone", up=2.5)
    front.effect(esc.since("2024-07-01"), up=1.7)
    aid.effect(front >= "tense", up=3.0)
    front.effect(aid == "arms", down=0.5)
    m.status(
        "tone",
        ["mild", "sharp"],
        given=[front, mood],
        table=[[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.3, 0.7], [0.1, 0.9], [0, 1]],
    )
    m.status("price", given=front, outcome=esc.normal(mean=[10, 12, 20], sd=[1, 1, 3]))
    m.status("incidents", given=front, outcome=esc.negative_binomial(mean=[1, 3, 9], size=[2, 2, 4]))
    m.events("tests", given=front, rate=esc.per_month([0.5, 1, 3]))
    d = esc.Dossier(as_of="2024-05-31")
    d.saw(front >= "tense", between=("2024-02-01", "2024-02-20"), hit=0.8, false_alarm=0.2, id="seen")
    d.never(front == "war", between=("2024-03-01", "2024-04-10"), hit=0.9, false_alarm=0.3, id="no-war")
    d.saw(mood == "angry", hit=0.7, false_alarm=0.2, id="angry")
    d.saw(m.indicators["tone"] == "sharp", on="2024-03-15", id="tone")
    d.counted(
        m.indicators["tests"],
        at=["2024-02-03", "2024-04-04", "2024-05-20"],
        over=("2024-01-15", "2024-05-25"),
        id="tests",
    )
    d.measured(m.indicators["price"], 12.5, on="2024-05-01", id="price")
    return m, d


@pytest.fixture(scope="module")
def told() -> tuple[esc.Model, esc.Fit]:
    m, d = crisis()
    return m, m.condition(d)


def near(share: float, exact: float, n: int = N) -> bool:
    return abs(share - exact) < WIDE * np.sqrt(exact * (1 - exact) / n) + 1e-9


def test_worlds_have_the_law_of_the_exact_answers(told) -> None:
    m, fit = told
    front, aid, us = m.ladders["front"], m.ladders["aid"], m.drivers["us"]
    questions = [
        esc.at(front == "war", on="2024-09-01"),
        esc.reach(front == "war", by="2024-08-15"),
        esc.reach((front >= "tense") & (aid == "arms"), by="2024-07-10"),
        esc.enters(aid == "arms", by="2024-09-30"),
        esc.first(front == "war", before=aid == "none", by="2024-10-31"),
        esc.reach(front == "war", by="2024-10-31").given(esc.reach(aid == "arms", by="2024-07-31")),
        esc.at((us == "gone") & (front == "war"), on="2024-10-01"),
    ]
    for one in (
        fit,
        fit.given(us == "gone"),
        fit.do(aid == "arms", since="2024-07-15"),
        fit.do(us == "gone", since="2024-08-01"),
    ):
        worlds = one.simulate("2024-12-31", N, seed=3)
        truths = worlds.truths(questions)
        for k, answer in enumerate(one.ask(questions)):
            there = truths[:, k][~np.isnan(truths[:, k])]
            assert near(there.mean(), answer.probability, len(there)), (one.scenario, answer)
        drivers = one.drivers()
        for driver in ("us", "mood"):
            states = worlds.drivers(driver)
            for state, p in drivers[driver].items():
                assert near((states == state).mean(), p), (driver, state)


def test_worlds_show_what_their_indicators_say(told) -> None:
    _m, fit = told
    worlds = fit.simulate("2024-12-31", N, seed=4)
    rungs = worlds.rungs("front", ["2024-09-01"])[:, 0]
    price = worlds.status("price", ["2024-09-01"])[:, 0]
    incidents = worlds.status("incidents", ["2024-09-01"])[:, 0]
    tone, mood = worlds.status("tone", ["2024-09-01"])[:, 0], worlds.drivers("mood")
    for rung, mean, sd, count, size in [("quiet", 10, 1, 1, 2), ("tense", 12, 1, 3, 2), ("war", 20, 3, 9, 4)]:
        own = price[rungs == rung]
        assert abs(own.mean() - mean) < WIDE * sd / np.sqrt(len(own))
        assert abs(own.std() / sd - 1) < WIDE / np.sqrt(2 * len(own))
        own = incidents[rungs == rung]
        assert abs(own.mean() - count) < WIDE * np.sqrt((count + count**2 / size) / len(own))
    here = (rungs == "tense") & (mood == "calm")
    assert near((tone[here] == "sharp").mean(), 0.5, here.sum())
    assert (tone[(rungs == "war") & (mood == "angry")] == "sharp").all()


def test_events_happen_at_their_rates() -> None:
    m = esc.Model(origin="2024-01-01")
    on = m.ladder("on", ["off", "on"], up=esc.per_day(0.05), down=esc.per_day(0.02))
    tests = m.events("tests", given=on, rate=esc.per_day([0.1, 1]))
    fit = m.condition(esc.Dossier(as_of="2024-01-31"))
    worlds = fit.simulate("2024-04-30", N, seed=5)
    days = fit.time_in(on == "on", over=("2024-02-01", "2024-04-30"))
    wanted = 0.1 * days.span + 0.9 * days[0]
    counts = worlds.events(tests).counts
    assert abs(counts.mean() - wanted) < WIDE * counts.std() / np.sqrt(N)
    begin, end = worlds.span
    assert str(begin)[:10] == "2024-02-01"
    assert ((worlds.events(tests).date >= begin) & (worlds.events(tests).date < end)).all()


def test_reports_have_their_probabilities(told) -> None:
    m, fit = told
    front = m.ladders["front"]
    worlds = fit.replicate(N, seed=6)
    empty = m.condition(esc.Dossier(as_of="2024-01-01"))
    checks = worlds.checks()
    angry = empty.drivers()["mood"]["angry"]
    assert near(checks["angry"]["same"], 0.7 * angry + 0.2 * (1 - angry))
    tense = worlds.rungs(front, ["2024-03-15"])[:, 0]
    assert checks["tone"]["same"] == (worlds._core.told()[0][:, 3] == 1).mean()
    assert set(tense) <= {"quiet", "tense", "war"}
    # The window's probability is that of a question asked where it opens, before anything is known.
    asked = (
        m.condition(esc.Dossier(as_of="2024-01-31")).ask(esc.reach(front >= "tense", by="2024-02-20"))[0].probability
    )
    assert near(checks["seen"]["same"], 0.8 * asked + 0.2 * (1 - asked))
    assert 0 < checks["tests"]["tail"] <= 1 and checks["tests"]["low"] <= checks["tests"]["expected"]


def test_a_world_writes_a_dossier_that_the_model_reads(told) -> None:
    m, fit = told
    worlds = fit.replicate(50, seed=7)
    for k in range(50):
        d = worlds.dossier(k)
        assert [one.id for one in d] == [one.id for one in fit.dossier]
        assert np.isfinite(m.condition(d).log_evidence)
    again = fit.replicate(50, seed=7)
    assert worlds.dossier(17).to_dict() == again.dossier(17).to_dict()


def test_the_reverse_of_a_report_has_the_chances_that_are_left() -> None:
    from escalade.worlds import retold

    fact = {"ladder": "front", "is": "war"}
    saw = {"id": "a", "saw": fact, "between": ["2024-01-01", "2024-01-05"], "hit": 0.8, "false_alarm": 0.1}
    assert retold(saw, 1.0, {}) == saw
    wanted = {"never": fact, "between": saw["between"], "id": "a", "hit": 0.9, "false_alarm": pytest.approx(0.2)}
    assert retold(saw, 0.0, {}) == wanted
    assert retold(retold(saw, 0.0, {}), 0.0, {}) == saw | {"hit": pytest.approx(0.8), "false_alarm": pytest.approx(0.1)}
    point = {"id": "b", "saw": fact, "on": "2024-01-01"}
    assert retold(point, 0.0, {}) == {
        "id": "b",
        "saw": {"not": fact},
        "on": "2024-01-01",
        "hit": 1.0,
        "false_alarm": 0.0,
    }


def test_worlds_do_not_depend_on_threads(told) -> None:
    m, _ = told
    _, d = crisis()
    before = esc.threads()
    seen = []
    try:
        for threads in (1, 2, 7):
            esc.set_threads(threads)
            worlds = m.condition(d).simulate("2024-12-31", 300, seed=8)
            seen.append((worlds.columns(), worlds.status("price", ["2024-07-01"]).tolist()))
    finally:
        esc.set_threads(before)
    assert seen[0] == seen[1] == seen[2]


def test_parameters_are_drawn_too() -> None:
    m = esc.Model(origin="2024-01-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=4))
    fit = m.fit(esc.Dossier(as_of="2024-01-01"), draws=400)
    war = esc.reach(front == "war", by="2024-12-31")
    truths = fit.simulate("2024-12-31", N, seed=9).truths(war)
    exact = fit.ask_draws(war)[:, 0]
    assert near(truths.mean(), exact.mean())
    by_draw = truths[:, 0].reshape(-1, 400).mean(axis=0)
    assert np.corrcoef(by_draw, exact)[0, 1] > 0.9


def test_too_many_worlds_are_refused_before_they_are_drawn(told) -> None:
    _, fit = told
    with pytest.raises(esc.TooLarge, match="worlds would take"):
        fit.simulate("2024-12-31", 10**12)
    with pytest.raises(esc.SpecError, match="before they begin"):
        fit.simulate("2024-05-01")
    with pytest.raises(esc.SpecError, match="worlds end on"):
        fit.simulate("2024-12-31", 10).truths(esc.reach(fit.model.ladders["front"] == "war", by="2025-06-30"))
    with pytest.raises(esc.SpecError, match="outside the worlds"):
        fit.simulate("2024-12-31", 10).rungs("front", ["2024-01-01"])
