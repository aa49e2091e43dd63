"""Replays: each day is the fit of that day, the last is the fit itself to the last bit, scores are those by hand."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import escalade as esc
from crisis import crisis

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(scope="module")
def c():
    return crisis()


@pytest.fixture(scope="module")
def fit(c):
    return c.model.fit(c.dossier, draws=20, seed=3)


@pytest.fixture(scope="module")
def replay(c, fit):
    return fit.replay(c.questions)


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


def test_the_last_day_is_the_fit_itself_bit_for_bit(c, fit, replay):
    answers = fit.ask(c.questions)
    assert replay.dates[-1] == fit.as_of
    assert same(replay.probability[-1], answers.probability)
    assert same(replay.low[-1], answers.low)
    assert same(replay.high[-1], answers.high)


def test_each_day_is_the_fit_of_that_day_without_what_came_later(c, replay):
    day = "2024-11-06"
    known = [d.id for d in c.dossier if d.reported <= day]
    dossier = c.dossier.without(*(d.id for d in c.dossier if d.id not in known)).at(day)
    answers = c.model.fit(dossier, draws=20, seed=3).ask(c.questions)
    assert same(replay.probability[replay.dates.index(day)], answers.probability)
    assert [id for ids in replay.came[: replay.dates.index(day) + 1] for id in ids] == sorted(
        known, key=lambda id: c.dossier[id].reported
    )


def test_dates_are_those_on_which_developments_became_known(c, replay):
    days = sorted({d.reported for d in c.dossier})
    assert list(replay.dates) == days
    assert sorted(id for ids in replay.came for id in ids) == sorted(d.id for d in c.dossier)


def test_with_parameters_kept_it_says_so(c, fit):
    kept = fit.replay(c.questions[0], ["2024-10-20", "2024-11-30"], learn=False)
    assert "know what came later" in kept.caption()
    assert kept[0, "clash"]["probability"] == fit.on(c.dossier.at("2024-10-20")).ask(c.questions[0])[0].probability
    assert kept[1, 0]["probability"] == fit.ask(c.questions[0])[0].probability
    never = c.model.condition(c.dossier).replay(c.questions[0], ["2024-10-20"])
    assert "nothing learnt" in never.caption()
    assert never[0, 0]["probability"] == c.model.condition(c.dossier.at("2024-10-20")).at_mode(c.questions[0])


@pytest.mark.parametrize("known", [None, "2024-11-25"])
def test_a_judgement_about_an_answer_does_not_speak_before_it_was_made(known):
    def told(judged):
        m = esc.Model(origin="2024-10-01")
        front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=2))
        war = esc.reach(front == "war", by="2025-12-31", name="war")
        if judged:
            m.expect(war, "almost certain", **({} if known is None else {"known": known}))
        return m.fit(esc.Dossier(as_of="2024-11-30"), draws=5).replay(war, ["2024-10-21", "2024-11-30"]).probability

    with_word, without = told(True), told(False)
    assert same(with_word[0], without[0])
    assert with_word[1] > without[1]


def test_a_question_whose_time_is_over_is_asked_no_more():
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3))
    d = esc.Dossier(as_of="2025-03-31")
    d.saw(front == "quiet", on="2025-02-01", grade="C3")
    early = esc.reach(front == "war", by="2025-01-31", name="early")
    past = esc.reach(front == "war", since="2024-12-01", by="2025-01-31", name="past")
    both = early & esc.reach(front == "war", by="2025-12-31")
    replay = m.condition(d).replay([early, past, both.named("both")], ["2025-01-30", "2025-01-31", "2025-03-31"])
    assert np.isnan(replay.probability).tolist() == [[False] * 3, [True, False, True], [True, False, True]]
    assert replay.decided == ("2025-01-31", "2025-01-31", "2025-12-31")
    scores = replay.score({"early": True, "past": False})
    assert len(scores) == 2  # both on the first day alone: what is said of what is over is no forecast
    assert scores.columns()["date"] == ["2025-01-30"] * 2


@settings(deadline=None)
@given(st.floats(0.01, 0.99), st.booleans())
def test_scores_by_hand(p, true):
    replay = esc.Replay(
        dates=("2024-11-01", "2024-12-01"),
        question=("q", "open"),
        probability=np.array([[p, 0.5], [0.25, 0.5]]),
        low=np.full((2, 2), np.nan),
        high=np.full((2, 2), np.nan),
        decided=("2025-01-31", "2025-01-31"),
        came=((), ()),
        level=0.9,
        learning="never",
    )
    scores = replay.score({"q": true, "open": None})
    briers = [(x - true) ** 2 for x in (p, 0.25)]
    logs = [-math.log(x if true else 1 - x) for x in (p, 0.25)]
    assert scores["q"]["brier"] == pytest.approx(sum(briers) / 2)
    assert scores["q"]["log"] == pytest.approx(sum(logs) / 2)
    assert scores.on("2024-11-01") == pytest.approx({"brier": briers[0], "log": logs[0]})
    assert np.isnan(scores["open"]["brier"])
    assert scores.mean == pytest.approx(scores["q"])
    assert len(scores.to_frame()) == 2
    # By a date: what was said on that day or later is no forecast; after the question's end it did not come true.
    assert len(replay.score({"q": "2024-12-01"})) == 1
    assert replay.score({"q": "2024-12-01"})["q"]["brier"] == pytest.approx((1 - p) ** 2)
    assert replay.score({"q": "2025-02-01"})["q"]["brier"] == pytest.approx((p**2 + 0.25**2) / 2)


@given(st.floats(0.02, 0.98), st.floats(0.02, 0.98))
def test_scores_are_proper(belief, said):
    """Who believes one thing and says another expects a score no better."""

    def expected(p):
        return belief * (1 - p) ** 2 + (1 - belief) * p**2, -belief * math.log(p) - (1 - belief) * math.log(1 - p)

    brier, log = expected(belief)
    other_brier, other_log = expected(said)
    assert brier <= other_brier + 1e-12
    assert log <= other_log + 1e-12


def test_developments_come_by_the_hour():
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3))
    d = esc.Dossier(as_of="2024-11-30")
    d.saw(front == "war", on="2024-11-15", reported="2024-11-20T12:00", grade="C3", id="noon")
    d.saw(front == "war", on="2024-11-16", reported="2024-11-20", grade="C3", id="some time")
    war = esc.reach(front == "war", by="2025-12-31", name="war")
    hours = ["2024-11-20", "2024-11-20T18:00", "2024-11-20T06:00", "2024-11-30T18:00"]
    replay = m.condition(d).replay(war, hours)
    assert replay.dates == ("2024-11-20T06:00", "2024-11-20T18:00", "2024-11-20", "2024-11-30T18:00")
    assert replay.came == ((), ("noon",), ("some time",), ())
    for date, came in zip(replay.dates, replay.came, strict=True):
        left_out = m.condition(d.at(date)).left_out
        assert not set(came) & set(left_out)


def test_numbers_that_were_stated_later_are_counted():
    m = esc.Model(origin="2024-10-01")
    up = esc.per_year(0.3, spread=2, known="2024-11-15")
    front = m.ladder("front", ["quiet", "war"], up=up, down=esc.per_year(1, spread=2, known="2024-09-30"))
    war = esc.reach(front == "war", by="2025-12-31", name="war")
    replay = m.fit(esc.Dossier(as_of="2024-11-30"), draws=5).replay(war, ["2024-10-31", "2024-11-15", "2024-11-30"])
    assert replay.later == (1, 0, 0)
    assert "stated after the first: 1 of the model’s numbers" in replay.caption()


def test_what_is_shown(c, replay):
    assert "5 days" in str(replay)
    assert len(replay.to_frame()) == 5 * len(c.questions)
    ax = replay.plot()
    labels = " ".join(text.get_text() for text in ax.texts)
    assert "clash" in labels and "aid before war" in labels
    ax = replay.plot(questions=[c.questions["clash"]])
    assert "3 of 4 questions not shown" in ax.get_xlabel()
    plt.close("all")
    html = replay._repr_html_()
    assert 'type="range"' in html and "replay-table" in html
    assert "No question is decided yet" in str(replay.score({}))


def test_what_is_refused(c, fit):
    with pytest.raises(esc.SpecError, match="after the fit's date"):
        fit.replay(c.questions, ["2024-12-05"])
    with pytest.raises(esc.SpecError, match="before the model's origin"):
        fit.replay(c.questions, ["2024-09-05"])
    with pytest.raises(esc.WrongType, match="at least one date"):
        fit.replay(c.questions, [])
    with pytest.raises(esc.WrongType, match="the questions is"):
        fit.replay([])
    with pytest.raises(esc.SpecError, match="was changed"):
        fit.without("tone").replay(c.questions)
    with pytest.raises(esc.WrongType, match="learn"):
        fit.replay(c.questions, learn="yes")
    replay = fit.replay(c.questions[0], ["2024-11-30"])
    with pytest.raises(esc.SpecError, match="did you mean 'clash'"):
        replay.score({"clsh": True})
    with pytest.raises(esc.SpecError, match="the outcome of 'clash'"):
        replay.score({"clash": "soon"})
    with pytest.raises(esc.WrongType, match="a date and a question"):
        replay["clash"]


def test_progress_and_an_end_that_is_called_for(c, fit):
    seen: list[float] = []
    fit.replay(c.questions[0], progress=seen.append)
    assert seen == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])

    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit.replay(c.questions[0], progress=stop)
