"""The watch list beside enumeration: what may be seen enters a later dossier, and the question is asked of the past."""

import matplotlib
import numpy as np
import pytest

import escalade as esc

matplotlib.use("agg")
EXACT = 1e-8


def crisis() -> tuple[esc.Model, esc.Dossier]:
    m = esc.Model("a crisis", origin="2024-01-01")
    us = m.driver("us", {"steady": 0.5, "weak": 0.3, "gone": 0.2})
    mood = m.driver("mood", ["calm", "angry"], given=us, table=[[0.8, 0.2], [0.5, 0.5], [0.3, 0.7]])
    front = m.ladder("front", ["quiet", "tense", "war"], up=esc.per_month(0.2), down=esc.per_month(0.3))
    aid = m.ladder("aid", ["none", "arms"], up=esc.per_month(0.15), down=esc.per_month(0.1))
    talks = m.ladder("talks", ["none", "open"], up=esc.per_month(0.1), down=esc.per_month(0.2))
    front.effect(us == "gone", up=2.0)
    front.effect(aid == "arms", up=1.5)
    front.effect(esc.since("2024-09-01"), down=0.7)
    talks.effect(front == "war", up=0.3)
    m.status("tone", ["mild", "sharp"], given=front, table=[[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    m.status("press", ["soft", "loud"], given=[mood, aid], table=[[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.2, 0.8]])
    m.status("poll", ["low", "high"], given=mood, table=[[0.7, 0.3], [0.4, 0.6]])
    m.status("pair", ["no", "yes"], given=[front, talks], table=[[0.9, 0.1]] * 3 + [[0.3, 0.7]] * 3)
    m.events("tests", given=[front, us], rate=esc.per_month([0.2, 0.2, 0.4, 0.5, 0.5, 0.6, 1.5, 2, 3]))
    m.events("leaks", given=mood, rate=esc.per_month([0.1, 0.6]))
    d = esc.Dossier(as_of="2024-06-30")
    d.saw(front >= "tense", between=("2024-02-01", "2024-02-20"), grade="B2", id="tense")
    d.saw(mood == "angry", hit=0.7, false_alarm=0.3, id="angry")
    d.saw(talks == "open", on="2024-06-01", grade="C3", id="talks")
    return m, d


DATES = ["2024-08-01T00:00", "2024-11-01T00:00"]
BEGIN = "2024-07-01"


def questions(m: esc.Model) -> dict[str, tuple[esc.Question, esc.Question]]:
    """Each asked of what is ahead, and of what is behind at a later date."""
    front, talks = m.ladders["front"], m.ladders["talks"]
    war, by = front == "war", "2024-12-31"
    soon = {"by": "2024-09-30"}
    return {
        "reach": (esc.reach(war, by=by, name="q"), esc.reach(war, by=by, since=BEGIN, name="q")),
        "at": (esc.at(war, on="2024-10-01", name="q"), esc.at(war, on="2024-10-01", name="q")),
        "both": (
            (esc.reach(war, by=by) & esc.reach(talks == "open", **soon)).named("q"),
            (esc.reach(war, by=by, since=BEGIN) & esc.reach(talks == "open", since=BEGIN, **soon)).named("q"),
        ),
        "given": (
            esc.reach(war, by=by).given(esc.reach(talks == "open", **soon)).named("q"),
            esc.reach(war, by=by, since=BEGIN).given(esc.reach(talks == "open", since=BEGIN, **soon)).named("q"),
        ),
    }


@pytest.mark.parametrize("kind", ["reach", "at", "both", "given"])
def test_sights_are_those_of_a_later_dossier(kind: str) -> None:
    m, d = crisis()
    ahead, behind = questions(m)[kind]
    watch = m.condition(d).watch(ahead, dates=DATES)
    now = m.condition(d).ask(ahead)[0].probability
    assert watch.probability == pytest.approx(now, rel=1e-12)
    base = d.at("2025-01-31")
    told = m.condition(base)
    given = told.ask(behind)[0].probability
    assert given == pytest.approx(now, rel=1e-9)
    condition = behind.to_dict().get("given")
    n = 0
    for sight in watch:
        if sight.kind == "driver":
            continue
        for value, chance, answer in zip(sight.values, sight.chance, sight.answer, strict=True):
            later = d.at("2025-01-31")
            if sight.kind == "status":
                later.saw(m.indicators[sight.name] == value, on=sight.date, id="seen")
            elif value == "none":
                since = BEGIN if sight.date == DATES[0] else DATES[0][:10]
                until = str(np.datetime64(sight.date[:10]) - 1)
                later.counted(m.indicators[sight.name], at=[], over=(since, until), id="seen")
            else:
                continue
            seen = m.condition(later)
            assert answer == pytest.approx(seen.ask(behind)[0].probability, rel=EXACT), (sight, value)
            wanted = np.exp(seen.log_evidence - told.log_evidence)
            if condition is not None:
                # Under what the question is given.
                alone = esc.Questions.from_dict({"question": [{"name": "g", "ask": condition}]})
                wanted *= seen.ask(alone)[0].probability / told.ask(alone)[0].probability
            assert chance == pytest.approx(wanted, rel=EXACT), (sight, value)
            n += 1
        p = np.array(sight.chance)
        q = np.array(sight.answer)
        assert p.sum() == pytest.approx(1, abs=1e-12)
        assert p @ q == pytest.approx(now, rel=1e-9)
        assert sight.brier == pytest.approx(p @ (q - now) ** 2, rel=1e-9)
        bits = p @ (q * np.log2(q / now) + (1 - q) * np.log2((1 - q) / (1 - now)))
        assert sight.bits == pytest.approx(bits, rel=1e-6, abs=1e-12)
    assert n == 2 * (2 * 4 + 2)


def test_a_driver_is_as_if_it_were_known() -> None:
    m, d = crisis()
    fit = m.condition(d)
    war = questions(m)["reach"][0]
    for sight in fit.watch(war, dates=DATES[:1]):
        if sight.kind == "driver":
            for value, chance, answer in zip(sight.values, sight.chance, sight.answer, strict=True):
                assert chance == pytest.approx(fit.drivers()[sight.name][value], rel=1e-9)
                known = fit.given(m.drivers[sight.name] == value)
                assert answer == pytest.approx(known.ask(war)[0].probability, rel=1e-9)


def test_an_indicator_sees_a_driver_as_it_is_set_by_hand() -> None:
    m = esc.Model(origin="2024-01-01")
    us = m.driver("us", {"steady": 0.9, "gone": 0.1})
    front = m.ladder("front", ["quiet", "war"], up=esc.per_month(0.2), down=esc.per_month(0.3))
    rows = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.4, 0.6], [0.1, 0.9]]])
    m.status("tone", ["mild", "sharp"], given=[us, front], table=rows.reshape(4, 2).tolist())
    m.status("poll", ["low", "high"], given=us, table=[[0.7, 0.3], [0.4, 0.6]])
    m.events("leaks", given=us, rate=esc.per_month([0.1, 0.6]))
    fit = m.condition(esc.Dossier(as_of="2024-06-30")).do(us == "gone", since="2024-09-01")
    watch = fit.watch(esc.reach(front == "war", by="2024-12-31"), dates=["2024-08-01", "2024-11-01"])
    for sight in watch.of("tone"):
        law = fit.forecast(dates=[sight.date])["front"].mean[0]
        states = fit.drivers()["us"] if sight.date < "2024-09" else {"steady": 0.0, "gone": 1.0}
        wanted = sum(p * law @ rows[k, :, 1] for k, p in enumerate(states.values()))
        assert dict(zip(sight.values, sight.chance, strict=True))["sharp"] == pytest.approx(wanted, rel=1e-9)
    (_, leaks) = watch.of("leaks")
    gone = (np.datetime64("2024-11-01") - np.datetime64("2024-09-01")).astype(float) + 0.5
    steady = 31.0 - 0.5
    month = 30.4375
    quiet = 0.9 * np.exp(-0.1 * steady / month) + 0.1 * np.exp(-0.6 * steady / month)
    assert leaks.chance[0] == pytest.approx(quiet * np.exp(-0.6 * gone / month))
    before, after = watch.of("poll")
    assert before.chance[1] == pytest.approx(0.9 * 0.3 + 0.1 * 0.6)
    assert after.chance[1] == pytest.approx(0.6)


def test_what_is_shown_and_refused() -> None:
    m, d = crisis()
    fit = m.condition(d)
    ahead = questions(m)["reach"][0]
    watch = fit.watch(ahead, until="2024-12-31")
    assert len(watch.of("tone")) == 6
    assert [s.bits for s in watch] == sorted((s.bits for s in watch), reverse=True)
    assert watch.plot().get_title(loc="left") == "q"
    assert len(watch.to_frame()) > 50
    assert "→" in str(watch[0])
    with pytest.raises(esc.SpecError, match="before the fit's"):
        fit.watch(ahead, dates=["2024-06-01"])
    with pytest.raises(esc.WrongType, match="watch: until is '2024-06-01'; expected at least one date after"):
        fit.watch(ahead, until="2024-06-01")
    with pytest.raises(esc.WrongType, match=r"watch: dates is \[\]; expected at least one date"):
        fit.watch(ahead, dates=[])
    with pytest.raises(esc.SpecError, match="what was on day"):
        fit.watch(esc.reach(m.ladders["front"] == "war", by="2024-12-31", since="2024-05-01"), dates=DATES)
    with pytest.raises(esc.SpecError, match="nothing to watch"):
        watch.of("nothing")
