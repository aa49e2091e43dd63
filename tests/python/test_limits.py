"""The edges: developments reported too late, too many draws or threads, interventions read at their instant."""

import json

import numpy as np
import pytest

import escalade as esc

core = pytest.importorskip("escalade._core")


def ladder(name="L", rungs="ab", rate=0.1):
    moves = [{"moves": which, "rate": rate, "per": "day"} for which in ("up", "down")]
    return {"name": name, "rungs": list(rungs), "start": rungs[0], "rate": moves}


def model(**more):
    return core.Model(json.dumps({"origin": "2024-01-01", "ladder": [ladder()], **more}))


def dossier(*developments, as_of="2024-01-31"):
    return json.dumps({"as_of": as_of, "development": list(developments)})


def ask(fit, *asks):
    listed = [{"name": f"q{k}", **a} for k, a in enumerate(asks)]
    return fit.ask(json.dumps({"question": listed}))


B = {"ladder": "L", "is": "b"}


def test_a_development_reported_after_the_date_is_refused():
    fit = model().condition(dossier())
    late = {"id": "late", "saw": B, "on": "2024-03-01"}
    with pytest.raises(esc.SpecError, match="'late'.*after as_of"):
        fit.given(None, json.dumps([late]))


def test_more_draws_than_memory_holds_are_refused_before_learning():
    with pytest.raises(esc.TooLarge, match="draws"):
        model().fit(dossier(), 10**15)


def test_threads_are_bounded():
    with pytest.raises(esc.SpecError, match="at most"):
        core.set_threads(10**9)


def test_a_forecast_at_the_instant_of_an_intervention_shows_the_law_after_it():
    fit = model().condition(dossier())
    later = fit.do(json.dumps(B), "2024-02-10")
    dates = ["2024-02-09T23:00", "2024-02-10T00:00", "2024-02-10T00:01"]
    law = later.forecast(dates)["ladders"]["L"]["mode"][:, 1]
    assert law[0] < 0.6 and law[1] == 1 and law[2] == 1
    now = fit.do(json.dumps(B)).forecast(["2024-01-31T23:59", "2024-02-01T00:00"])["ladders"]["L"]["mode"][:, 1]
    assert now[0] < 0.6 and now[1] == 1


def test_an_intervention_later_than_now_is_an_entry():
    fit = model().condition(dossier()).given(json.dumps({"ladder": "L", "is": "a"}), None)
    enters = {"ask": {"enters": B, "by": "2024-02-10"}}
    assert ask(fit.do(json.dumps(B), "2024-02-10"), enters)["mode"][0] == pytest.approx(1)
    assert ask(fit.do(json.dumps(B)), enters)["mode"][0] == 0


def test_the_size_of_a_question_counts_what_it_links():
    ladders = [ladder(name, "abcd") for name in "XYZ"]
    whole = {"all": [{"ladder": name, "is": "d"} for name in "XYZ"]}
    question = {"name": "q", "ask": {"reach": whole, "by": "2024-12-31"}}
    size = json.loads(model(ladder=ladders).size(dossier(), json.dumps({"question": [question]})))
    (part,) = [part for part in size["components"] if part["of"] == "question 'q'"]
    assert part["joint_rungs"] == 64 and part["flags"] == 2 and part["steps"] > 60 and part["links"]


def test_filtering_reads_all_ladders_at_dates_in_any_order():
    ladders = [ladder(name, "abc") for name in "XYZ"]
    ladders[1]["effect"] = [{"when": {"ladder": "X", "is": "c"}, "moves": "up", "factor": 2}]
    seen = [
        {"id": f"s{day}", "saw": {"ladder": "Y", "is": "b"}, "on": f"2024-01-{day}", "grade": "B2"} for day in (10, 20)
    ]
    fit = model(ladder=ladders).condition(dossier(*seen))
    dates = ["2024-01-25", "2024-01-05", "2024-01-15", "2024-01-05"]
    together = fit.filtered(dates)
    for k, date in enumerate(dates):
        alone = fit.filtered([date])
        for name in "XYZ":
            np.testing.assert_allclose(together[name][k], alone[name][0], rtol=1e-12)


def test_counts_that_memory_does_not_hold_are_refused():
    limit = core.memory_limit()
    fit = model().condition(dossier())
    asked = {"name": "moves", "ask": {"moves": {"ladder": "L"}, "by": "2030-01-01", "times": 9000}}
    try:
        core.set_memory_limit(2_000_000)
        with pytest.raises(esc.TooLarge, match="combinations of windows, counts or questions"):
            fit.counts(json.dumps({"question": [asked]}))
    finally:
        core.set_memory_limit(limit)
