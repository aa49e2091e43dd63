"""Audit cards say what the fit says, sums add up, and the fingerprint does not mind how a model was made."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

import escalade as esc
from crisis import crisis
from escalade.provenance import GROUNDS
from escalade.reasons import reasons

EXACT = 1e-9


@pytest.fixture(scope="module")
def c():
    return crisis()


@pytest.fixture(scope="module")
def fit(c):
    return c.model.fit(c.dossier, draws=20)


@pytest.fixture(scope="module")
def card(c, fit):
    return fit.audit(c.questions["clash"])


def test_numbers_are_those_of_the_fit(c, fit, card):
    answer = fit.ask(c.questions["clash"])[0]
    assert (card.probability, card.low, card.high, card.mode, card.word) == (
        answer.probability,
        answer.low,
        answer.high,
        answer.mode,
        answer.word,
    )
    assert (card.question, card.asks, card.criterion) == ("clash", answer.asks, answer.criterion)
    moved = fit.sensitivity(c.questions["clash"], top=10)
    for row in card.judgements:
        assert row["slope"] == moved[row["name"]]["slope"]
        assert (row["at_low"], row["at_high"]) == (moved[row["name"]]["at_low"], moved[row["name"]]["at_high"])
    for driver in card.drivers:
        for state in driver["states"]:
            given = fit.given(c.model.drivers[driver["name"]] == state["state"])
            assert state["answer"] == pytest.approx(given.at_mode(c.questions["clash"]), rel=EXACT)


@pytest.mark.parametrize("name", ["clash", "arms", "aid before war", "calm without clash"])
def test_arrivals_and_shares_add_up_to_the_whole_move(c, fit, name):
    card = fit.audit(c.questions[name])
    none = fit.without(*(d.id for d in c.dossier)).at_mode(c.questions[name])
    whole = np.log(card.mode / (1 - card.mode)) - np.log(none / (1 - none))
    assert card.scale == "log-odds"
    for key in ("arrival", "share"):
        assert sum(d[key] for d in card.developments) == pytest.approx(whole, abs=1e-8)
    assert card.before == pytest.approx(none, rel=1e-8)


def test_each_arrival_is_what_it_added_to_all_before_it(c, fit, card):
    order = sorted(c.dossier, key=lambda d: str(d.reported)[:10])  # stable: within a day in the dossier's order
    ids = [d.id for d in order]
    assert len({str(d.reported)[:10] for d in order}) < len(order)  # two came on one day
    own = {d["id"]: d for d in card.developments}
    before = None
    for k in range(len(ids) + 1):
        rest = ids[k:]
        p = (fit.without(*rest) if rest else fit).at_mode(c.questions["clash"])
        place = np.log(p / (1 - p))
        if before is not None:
            assert own[ids[k - 1]]["arrival"] == pytest.approx(place - before, abs=1e-8)
        before = place


def test_a_tree_of_plain_values(card):
    tree = card.to_dict()
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree
    assert set(tree) >= {
        *("question", "asks", "criterion", "as_of", "probability", "low", "high", "level", "mode", "word"),
        *("reasons", "developments", "judgements", "flip", "author", "hash"),
    }
    for development in tree["developments"]:
        assert set(development) >= {
            *("id", "date", "reported", "says", "source", "paragraph", "grade", "note", "arrival", "left_out", "share")
        }
    for judgement in tree["judgements"]:
        assert judgement["kind"] in GROUNDS
        assert set(judgement) >= {"name", "value", "unit", "words", "source", "slope", "prior"}
    assert all(isinstance(reason, str) and reason.endswith(".") for reason in tree["reasons"])
    assert 1 <= len(tree["reasons"]) <= 3


def test_nothing_known_and_no_draws():
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2))
    war = esc.reach(front == "war", by="2025-10-01", name="war")
    card = m.condition(esc.Dossier(as_of="2024-10-01")).audit(war, at=0.9)
    tree = card.to_dict()
    assert (tree["low"], tree["developments"], tree["author"]) == (None, [], [])
    # 1 - exp(-rate) is 0.9 at a rate of ln 10 a year.
    assert tree["flip"]["what"] == "front: up"
    assert f"{np.log(10) / 12:.2g} per month" in tree["flip"]["text"]
    assert len(card.to_frame()) == 0
    fixed = esc.Model(origin="2024-10-01")
    front = fixed.ladder("front", ["quiet", "war"], up=esc.per_year(0.3))
    card = fixed.condition(esc.Dossier(as_of="2024-10-01")).audit(esc.reach(front == "war", by="2025-10-01"))
    assert (card.reasons, card.flip, card.judgements) == ((), None, ())
    assert "no single number" in str(card)


def test_the_authors_word_stands_beside():
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=3))
    war = esc.reach(front == "war", by="2025-10-01", name="war")
    later = esc.reach(front == "war", by="2026-10-01", name="later")
    m.expect(war, "remote chance", source="the article")
    fit = m.fit(esc.Dossier(as_of="2024-10-01"))
    asked = esc.reach(front == "war", by="2025-10-01", name="another name", paragraph=9)
    (word,) = fit.audit(asked).to_dict()["author"]
    told = fit.expectations()["war"]
    assert (word["word"], word["source"]) == ("remote chance", "the article")
    assert (word["probability"], word["gave_way"]) == (told["judged"][0], told["gave_way"])
    assert fit.audit(later).author == ()


@pytest.mark.parametrize("known", [None, "2024-11-05"])
def test_what_the_model_says_without_the_authors_word_is_what_it_says_where_nobody_said_it(known):
    def fitted(said):
        m = esc.Model(origin="2024-10-01")
        front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=2), down=esc.per_year(2))
        war = esc.reach(front == "war", by="2025-12-31", name="war")
        if said:  # far out: a normal around the mode would say 0 here
            m.expect(war, "almost certain", **({} if known is None else {"known": known}))
        d = esc.Dossier(as_of="2024-11-30")
        d.saw(front == "quiet", on="2024-11-20", grade="B2")
        return m.fit(d, draws=5), war

    fit, war = fitted(True)
    (word,) = fit.audit(war).author
    without = fitted(False)[0]
    assert word["others"] == pytest.approx(without.on(fit.dossier.at(known or fit.as_of)).at_mode(war), rel=EXACT)
    assert word["answer"] == pytest.approx(fit.on(fit.dossier.at(known or fit.as_of)).at_mode(war), rel=EXACT)


def test_names_may_hold_signs():
    m = esc.Model(origin="2024-10-01")
    us = m.driver("us = them", {"a = b": 0.7, "c": 0.3})
    front = m.ladder("north: front", ["quiet", "war"], up=esc.per_year(0.3, spread=2))
    front.effect(us == "c", up=3.0)
    card = m.fit(esc.Dossier(as_of="2024-10-01")).audit(esc.reach(front == "war", by="2025-10-01"), at=0.1)
    assert [(d["name"], [s["state"] for s in d["states"]]) for d in card.drivers] == [("us = them", ["a = b", "c"])]
    assert card.flip["text"].startswith("How often north: front moves up would have to be ")
    assert "at least that far out has a chance of" in card.flip["text"]  # it would have to be less, not more


def test_reasons_are_the_three_strongest_with_both_sorts():
    def development(share):
        return {
            **dict.fromkeys(("note", "source", "paragraph", "grade")),
            "says": f"d{share}",
            "share": share,
            "left_out": share,
            "without": 0.3,
        }

    def number(high):
        return {
            **dict.fromkeys(("basis", "words")),
            "plain": f"n{high}",
            "unit": "times",
            "kind": "judgement",
            "value": 1.0,
            "low": 0.5,
            "high": 2.0,
            "at_low": 0.5,
            "at_high": high,
        }

    told = reasons([development(x) for x in (0.02, 0.4, -0.3, 0.2)], [number(0.52)], [], 0.5, "log-odds")
    assert [text.split("”")[0][1:] for text in told[:2]] == ["d0.4", "d-0.3"]
    assert told[2].startswith("N0.52 is taken as 1, a judgement")
    assert "raises the answer: 0.30 without it." in told[0]
    assert reasons([development(0.001)], [], [], 0.5, "log-odds") == ()


def test_the_fingerprint_is_that_of_what_was_said(c, fit, tmp_path):
    c.model.write(tmp_path / "model.toml")
    c.dossier.write(tmp_path / "dossier.toml")
    c.questions.write(tmp_path / "questions.toml")
    model, dossier = esc.Model.read(tmp_path / "model.toml"), esc.Dossier.read(tmp_path / "dossier.toml")
    questions = esc.Questions.read(tmp_path / "questions.toml")
    own = esc.fingerprint(fit, c.questions)
    assert own == esc.fingerprint(model.fit(dossier, draws=20), questions)
    assert fit.audit(c.questions[0]).hash == esc.fingerprint(fit, c.questions[0])
    others = {
        own,
        esc.fingerprint(fit, c.questions[:2]),
        esc.fingerprint(fit.without("tone"), c.questions),
        esc.fingerprint(fit.given(c.us == "settlement"), c.questions),
        esc.fingerprint(c.model.fit(c.dossier, draws=20, seed=1), c.questions),
        esc.fingerprint(c.model.fit(c.dossier.without("tone"), draws=20), c.questions),
        esc.fingerprint(c.model.fit(c.dossier.at("2024-12-01"), draws=20), c.questions),
    }
    assert len(others) == 7


def test_fits_that_answer_differently_have_different_fingerprints(c):
    war = c.questions["clash"]
    with pytest.warns(UserWarning, match="chains"):
        sampled = c.model.sample(c.dossier, draws=10, tune=10, chains=2)
    fits = [
        c.model.condition(c.dossier),
        c.model.fit(c.dossier, draws=0),
        c.model.fit(c.dossier.at("2024-10-25"), draws=0).on(c.dossier),
        c.model.fit(c.dossier, draws=20),
        sampled,
    ]
    assert len({fit.ask(war)[0].probability for fit in fits}) == len({esc.fingerprint(fit, war) for fit in fits}) == 5
    with pytest.raises(esc.WrongType, match="fingerprint: the fit is 3"):
        esc.fingerprint(3)


def test_the_fingerprint_is_sha_256_of_canonical_json(c, fit):
    whole = {
        "escalade": esc.__version__,
        "model": json.loads(fit.model._core.spec()),
        "dossier": json.loads(esc._core.dossier_from_toml(c.dossier.to_toml())),
        "questions": json.loads(esc._core.questions_from_toml(c.questions.to_toml())),
        "scenario": [],
        "draws": 20,
        "seed": 0,
        "learnt": {"by": "mode", "parameters": [round(x, 4) + 0.0 for x in fit._core.theta.tolist()]},
    }
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert esc.fingerprint(fit, c.questions) == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_refused(c, fit):
    with pytest.raises(esc.WrongType, match="one question"):
        fit.audit(c.questions)
    with pytest.raises(esc.WrongType, match="strictly between"):
        fit.audit(c.questions[0], at=1.0)
    long = esc.time_in(c.korea == "war", "30 days", by="2025-12-31")
    with pytest.raises(esc.SpecError, match="cannot be taken apart"):
        fit.audit(long)


def test_progress_reaches_the_end(c, fit):
    seen: list[float] = []
    fit.audits(c.questions[:2], progress=seen.append)
    assert seen[-1] == 1.0
    assert all(0 <= x <= 1 for x in seen)
