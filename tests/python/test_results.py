"""Results: labelled, immutable, picklable; and what must hold of any probabilities."""

import dataclasses
import itertools
import pickle

import numpy as np
import pytest

import escalade as esc
from crisis import crisis

# Sums of probabilities over a few rungs in double precision.
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def c():
    return crisis()


@pytest.fixture(scope="module")
def fit(c):
    return c.model.fit(c.dossier, draws=50, seed=1)


@pytest.fixture(scope="module")
def forecast(fit):
    return fit.forecast("2025-12-31")


def test_answers(c, fit):
    answers = fit.ask(c.questions)
    assert answers.name == ("clash", "arms", "aid before war", "calm without clash")
    for p, lo, hi, mode in zip(answers.probability, answers.low, answers.high, answers.mode, strict=True):
        assert 0 <= lo <= p <= hi <= 1
        assert 0 <= mode <= 1
    one = answers["clash"]
    assert float(one) == one.probability == answers.probability[0]
    assert one.word == esc.word_for(one.probability)
    assert str(one).startswith("clash: 0.") and one.word in str(one)
    assert answers[0] == one == next(iter(answers))
    with pytest.raises(esc.SpecError, match="clsh"):
        answers["clsh"]
    frame = answers.to_frame("polars")
    assert frame["question"].to_list() == list(answers.name)
    assert frame["probability"].to_list() == answers.probability.tolist()
    assert "an exchange of fire with deaths" in answers._repr_html_()
    assert "90% interval" in str(answers)


def test_one_question_is_asked_as_it_is(c, fit):
    assert fit.ask(c.questions["clash"]).probability == fit.ask(c.questions).probability[0]


def test_intervals_widen_with_their_level(c, fit):
    narrow, wide = fit.ask(c.questions, level=0.5), fit.ask(c.questions, level=0.95)
    assert (wide.low <= narrow.low).all() and (narrow.high <= wide.high).all()
    np.testing.assert_array_equal(narrow.probability, wide.probability)


def test_draws(c, fit):
    draws = fit.ask_draws(c.questions)
    assert draws.shape == (50, 4)
    np.testing.assert_allclose(draws.mean(axis=0), fit.ask(c.questions).probability, rtol=1e-12)


def test_the_same_seed_gives_the_same_bits(c, fit):
    again = c.model.fit(c.dossier, draws=50, seed=1).ask(c.questions)
    other = c.model.fit(c.dossier, draws=50, seed=2).ask(c.questions)
    np.testing.assert_array_equal(again.low, fit.ask(c.questions).low)
    assert (other.low != again.low).any()


def test_without_learning_there_are_no_intervals(c):
    answers = c.model.condition(c.dossier).ask(c.questions)
    assert np.isnan(answers.low).all()
    assert "interval" not in str(answers)
    np.testing.assert_array_equal(answers.probability, answers.mode)


def test_prior_knows_nothing(c):
    prior = c.model.prior()
    assert len(prior.dossier) == 0 and prior.as_of == "2024-10-01"
    assert c.model.prior("2024-11-30", draws=10).as_of == "2024-11-30"
    assert 0 < prior.ask(c.questions)["clash"].probability < 1


def test_forecast(c, fit, forecast):
    rungs = forecast[c.korea]
    assert rungs.rungs == tuple(c.korea.rungs) and rungs.ordered
    assert rungs.mean.shape == (len(forecast), 4)
    for part in (rungs.mean, rungs.mode):
        np.testing.assert_allclose(part.sum(axis=1), 1, atol=ROUNDING)
    assert (rungs.low <= rungs.mean + ROUNDING).all() and (rungs.mean <= rungs.high + ROUNDING).all()
    np.testing.assert_allclose(rungs.at_least("limited clash"), rungs["limited clash"] + rungs["war"], atol=ROUNDING)
    assert forecast.dates[0] == "2024-10-01" and forecast.dates[-1] == "2025-12-31"
    assert (np.diff(forecast.times) > np.timedelta64(0)).all()
    at = fit.ask([esc.at(c.korea == r, on="2025-12-31") for r in c.korea.rungs])
    np.testing.assert_allclose(rungs.mean[-1], at.probability, rtol=1e-9)
    with pytest.raises(esc.SpecError, match="peninsula"):
        forecast["korea"]
    with pytest.raises(esc.SpecError, match="rhetoric"):
        rungs["peace"]
    assert forecast.to_frame("pandas").shape == (len(forecast) * 7, 7)
    with pytest.raises(TypeError, match="until"):
        fit.forecast()


def test_smoothing_and_filtering_agree_now(fit, c):
    dates = ["2024-10-15", "2024-12-01T00:00"]
    smoothed, filtered = fit.smoothed(dates), fit.filtered(dates)
    for ladder in (c.korea, c.aid):
        np.testing.assert_allclose(smoothed[ladder].mean[1], filtered[ladder].mean[1], rtol=1e-9)
        assert np.abs(smoothed[ladder].mean[0] - filtered[ladder].mean[0]).max() > 0
    assert smoothed.kind == "smoothed" and "Smoothed" in str(smoothed)


def test_drivers(c, fit):
    drivers = fit.drivers()
    assert list(drivers.states) == ["us_policy", "restraint"]
    assert sum(drivers[c.us].values()) == pytest.approx(1)
    assert drivers["us_policy"]["continuity"] < 0.3  # a development spoke against it
    assert drivers.to_frame("pandas").shape == (5, 7)
    with pytest.raises(esc.SpecError, match="restraint"):
        drivers["china"]


def test_parameters(c, fit):
    prior, posterior = c.model.parameters(), fit.parameters()
    assert not prior.fitted and posterior.fitted
    assert [p["name"] for p in prior] == [p["name"] for p in posterior]
    free = [p for p in posterior if not p["fixed"]]
    assert free and all(np.isfinite(p["moved"]) and np.isfinite(p["learnt"]) for p in free)
    sourced = [p for p in prior if p.get("source") == "the article"]
    assert len(sourced) == 1 and sourced[0]["known"] == "2024-11-29"
    assert "the article" in posterior._repr_html_()
    frame = posterior.to_frame("polars")
    assert {"name", "kind", "state", "value", "mode", "moved", "learnt", "ground", "source"} <= set(frame.columns)
    with pytest.raises(esc.SpecError):
        posterior["no such thing"]


def test_size(c):
    size = c.model.size(c.dossier, c.questions)
    assert set(size.largest["ladders"]) == {"peninsula", "seoul_aid"}
    assert size.largest["joint_rungs"] == 12
    assert "component" in str(size) and "seoul_aid" in size._repr_html_()


def test_given_do_and_without_keep_the_parameters(c, fit):
    base = fit.ask(c.questions)
    others = [
        fit.given(c.us == "settlement"),
        fit.do(c.us == "disengagement", since="2025-01-20"),
        fit.without("hostile"),
    ]
    others.append(
        fit.given(c.us == "settlement", esc.Dossier("2024-11-30").saw(c.korea == "provocation", on="2024-11-25"))
    )
    for other in others:
        assert other.scenario and not fit.scenario
        assert [p["mode"] for p in other.parameters()] == [p["mode"] for p in fit.parameters()]
        assert (other.ask(c.questions).mode != base.mode).any()
        assert other.scenario[0] in other.ask(c.questions).caption()
    assert fit.given(c.us == "settlement").drivers()[c.us]["settlement"] == pytest.approx(1)
    assert fit.without("hostile").log_evidence != fit.log_evidence
    for wrong in ((), ("settlement",), (c.questions["clash"],)):
        with pytest.raises(TypeError, match="condition"):
            fit.given(*wrong)
    with pytest.raises(TypeError, match="condition"):
        fit.do("settlement")
    with pytest.raises(esc.SpecError, match="hostil"):
        fit.without("hostil")


def test_later_reports_are_left_out(c):
    early = c.model.condition(c.dossier.at("2024-10-31"))
    assert early.as_of == "2024-10-31"
    assert set(early.left_out) >= {"election", "no-arms", "reading"}


def test_impossible_developments_are_named(c):
    d = esc.Dossier.from_dict(c.dossier.to_dict())
    d.never(c.korea >= "rhetoric", between=("2024-11-21", "2024-11-22"), id="nowhere")
    with pytest.raises(esc.ImpossibleEvidence, match="nowhere") as caught:
        c.model.condition(d)
    assert caught.value.development == "nowhere"
    assert isinstance(caught.value, esc.EscaladeError) and isinstance(caught.value, ValueError)


def test_a_flat_parameter_that_nothing_speaks_of_is_named(c):
    m = c.model.copy()
    m.ladder("unseen", ["low", "high"], up=esc.free())
    questions = esc.reach(m["unseen"] == "high", by="2025-06-30")
    with pytest.raises(esc.Unidentified, match="unseen"):
        m.fit(c.dossier).ask(questions)


def test_too_large_is_refused_before_memory_is_taken(c):
    m = esc.Model(origin="2024-10-01")
    ladders = [m.ladder(f"l{i}", list("abcdefgh"), up=esc.per_year(1), down=esc.per_year(1)) for i in range(12)]
    for a, b in itertools.pairwise(ladders):
        b.effect(a >= "d", up=2)
    with pytest.raises(esc.TooLarge, match="l0") as caught:
        m.condition(esc.Dossier("2024-10-31")).ask(esc.reach(ladders[-1] == "h", by="2025-01-01"))
    assert caught.value.bytes > caught.value.limit


def test_results_pickle_and_cannot_be_written_to(c, fit, forecast):
    answers = fit.ask(c.questions)
    for thing in (answers, forecast, fit.drivers(), fit.parameters(), c.model.size(), forecast[c.korea]):
        twin = pickle.loads(pickle.dumps(thing))
        assert str(twin) == str(thing)
        with pytest.raises(dataclasses.FrozenInstanceError):
            thing.level = 0.5
    with pytest.raises(ValueError, match="read-only"):
        answers.probability[0] = 0
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fit)).ask(c.questions).low, answers.low)


def test_progress_is_reported(c):
    seen = []
    c.model.fit(c.dossier, draws=20, progress=seen.append)  # told ten times a second, so perhaps never
    assert all(0 <= done <= 1 for done in seen) and seen == sorted(seen)


def test_shown(fit):
    assert repr(fit).startswith("<Fit of 'Troops abroad' as of 2024-11-30: 6 developments")
    assert "restraint" in fit._repr_html_()


def test_what_is_reported_later_is_not_counted():
    m = esc.Model(origin="2024-01-01")
    strait = m.ladder("strait", ["calm", "clash"], up=esc.per_year(1))
    d = esc.Dossier(as_of="2024-06-30")
    d.saw(strait == "clash", on="2024-05-01")
    assert "2024-06-30: 1 development, log" in repr(m.condition(d))
    d.saw(strait == "clash", on="2024-08-01")
    assert "2024-06-30: 1 development, 1 reported later and left out, log" in repr(m.condition(d))


def test_a_certain_answer_is_one():
    m = esc.Model(origin="2024-01-01")
    strait = m.ladder("strait", ["calm", "clash"], up=esc.per_year(0.5, spread=2), down=esc.per_year(1))
    fit = m.fit(esc.Dossier("2024-06-30"), draws=20, progress=False)
    shown = fit.do(strait == "clash").ask(esc.reach(strait == "clash", by="2025-01-01")).shown()
    assert (shown["probability"], shown["90% interval"]) == (["1"], ["1–1"])


def test_parameters_say_their_unit(fit):
    columns = fit.parameters().columns()
    assert set(columns["unit"]) == {"per month", "times", "probability"}
    at = columns["name"].index("missile_tests | rhetoric")
    assert columns["value"][at] == pytest.approx(0.5)
    moved = fit.parameters().shown()["moved"]
    assert all(text == "0" or (len(text.lstrip("-").split(".")[1]) == 2) for text in moved)


def test_a_forecast_shows_a_few_dates(c, fit):
    text = str(fit.forecast("2025-06-30"))
    assert "2024-10-01" in text and "2025-06-30" in text and "limited clash" in text
    assert len(text.splitlines()) == 2 + len(c.korea.rungs) + len(c.aid.rungs)


def test_a_model_of_which_nothing_is_known_has_its_size(c):
    assert len(c.model.size().columns()["ladders"]) >= 1
    assert set(c.model.size(esc.Dossier(as_of="2024-11-30")).columns()["ladders"]) >= {c.korea.name}


def test_small_things_show_in_a_notebook(c):
    assert "peninsula ≥ provocation" in (c.korea >= "provocation")._repr_html_()
    assert "exchange of fire" in c.questions[0]._repr_html_()
    assert "one speech" in c.dossier["tone"]._repr_html_()
    assert "spread 1.5" in esc.factor(2, spread=1.5)._repr_html_()
