"""Bad input: one family of exceptions, whose message names what was given and what was expected; nothing panics."""

import re

import numpy as np
import pandas as pd
import pytest

import escalade as esc


class World:
    """A small model with a part of each kind, an empty dossier and a question."""

    def __init__(self):
        m = self.m = esc.Model("small", origin="2024-01-01")
        self.lead = m.driver("lead", {"hawk": 0.4, "dove": 0.6})
        self.s = m.ladder("s", ["calm", "patrol", "war"], up=esc.per_year(0.5, spread=2), down=esc.per_year(1))
        rows = [[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]
        self.tone = m.status("tone", ["mild", "sharp"], given=self.s, table=rows)
        self.inc = m.events("inc", given=self.s, rate=esc.per_month([0.2, 1, 3]))
        self.d = esc.Dossier("2024-06-30")
        self.war = self.s >= "war"
        self.hawk = self.lead == "hawk"
        self.q = esc.reach(self.war, by="2025-01-01")
        self.span = ("2024-02-01", "2024-02-20")

    @property
    def fit(self):
        return self.m.condition(self.d)


# The call, and what its message must hold: the argument or entry, what was given, what was expected.
CASES = {
    # a condition or a question belongs here
    "effect text": (lambda w: w.s.effect("lead == hawk", up=2), "s.effect.*'lead == hawk'; expected a condition"),
    "effect None": (lambda w: w.s.effect(None, up=2), "None; expected a condition"),
    "effect keyword": (lambda w: w.s.effect(w.hawk, upp=2), "'upp'; did you mean 'up'"),
    "saw text": (lambda w: w.d.saw("s >= war", on="2024-03-01"), "saw.*expected a condition"),
    "saw None": (lambda w: w.d.saw(None, on="2024-03-01"), "expected a condition"),
    "reach text": (lambda w: esc.reach("s >= war", by="2025-01-01"), "reach.*expected a condition"),
    "first text": (lambda w: esc.first(w.war, before="x", by="2025-01-01"), "before is 'x'; expected a condition"),
    "do text": (lambda w: w.fit.do("x"), "do.*'x'; expected a condition"),
    "given text": (lambda w: w.fit.given("hawk"), "given is 'hawk'; expected a condition"),
    "given nothing": (lambda w: w.fit.given(), "given is None"),
    "ask text": (lambda w: w.fit.ask("war"), "'war'; expected a question"),
    "ask None": (lambda w: w.fit.ask(None), "None; expected a question"),
    "ask condition": (lambda w: w.fit.ask(w.war), "expected a question"),
    "ask list": (lambda w: w.fit.ask([w.q, 3]), "question 1 is 3"),
    "question given condition": (lambda w: w.q.given(w.hawk), "expected a question"),
    "and text": (lambda w: w.war & "x", "'x'; expected a condition"),
    "text and": (lambda w: "x" & w.war, "'x'; expected a condition"),
    "or question": (lambda w: w.war | w.q, "expected a condition"),
    "time without a unit": (lambda w: esc.time_in(w.war, 30, by="2025-01-01"), "at_least is 30; expected a duration"),
    "no parentheses": (lambda w: w.lead == "hawk" & w.s >= "war", "s is joined by &.*each comparison in parentheses"),
    "half of them": (lambda w: w.hawk | w.s >= "war", "expected a condition.*in parentheses"),
    "text and, half": (lambda w: w.lead == "hawk" & w.war, "'hawk'; expected a condition.*in parentheses"),
    "question and condition": (lambda w: w.q & w.war, "expected a question"),
    "truth": (lambda w: bool(w.war), "& | ~"),
    "question truth": (lambda w: bool(w.q), "& | ~"),
    "driver order": (lambda w: w.lead >= "hawk", "no order"),
    "status order": (lambda w: w.tone < "sharp", "no order"),
    "number of a rung": (lambda w: w.s == 2, "2; expected one of calm, patrol, war"),
    "two handles": (lambda w: w.s == w.lead, "expected one of calm, patrol, war"),
    "two handles differ": (lambda w: w.s != w.lead, "expected one of calm, patrol, war"),
    "events": (lambda w: w.inc == "x", "counted"),
    "isin None": (lambda w: w.s.isin(None), "isin is None"),
    "isin set": (lambda w: w.s.isin({"calm"}), "expected a list"),
    # numbers
    "factor text": (lambda w: esc.factor("two"), "factor is 'two'; expected a number"),
    "factor None": (lambda w: esc.factor(None), "factor is None; expected a number"),
    "factor True": (lambda w: w.s.effect(w.hawk, up=True), "True; expected a factor"),
    "spread": (lambda w: esc.factor(2, spread="wide"), "spread is 'wide'"),
    "chance None": (lambda w: esc.chance(None, within="1 year"), "chance is None"),
    "within": (lambda w: esc.chance(0.5, within=12), "within is 12; expected a duration"),
    "over": (lambda w: esc.base_rate(3, over=20), "over is 20; expected a duration"),
    "events of a base rate": (lambda w: esc.base_rate("three", over="1 year"), "'three'"),
    "per_month": (lambda w: esc.per_month("fast"), "per_month is 'fast'; expected a number"),
    "per_month jagged": (lambda w: esc.per_month([1, [2, 3]]), "expected a number"),
    "worth": (lambda w: w.m.driver("x", ["a", "b"], table=[0.5, 0.5], worth="lots"), "'x': worth is 'lots'"),
    "worth of a table": (lambda w: esc.table([0.5, 0.5], worth="lots"), "'lots'"),
    "probability": (lambda w: w.m.driver("x", {"a": "half", "b": 0.5}), "'x'.*'a' is 'half'; expected a number"),
    "free": (lambda w: esc.free("x"), "'x'"),
    "basis": (lambda w: esc.factor(2, basis="gut"), "basis is 'gut'; expected one of 'word'"),
    "source": (lambda w: esc.factor(2, source=3), "source is 3; expected text"),
    "rate": (lambda w: w.m.events("e", rate=3), "events 'e': rate is 3; expected esc.per_month"),
    "rate of an up": (lambda w: w.m.ladder("y", ["a", "b"], up="fast"), "'fast'; expected an intensity"),
    "keyword": (lambda w: esc.factor(2, sorce="x"), "'sorce'; did you mean 'source'"),
    # names, rungs, tables
    "no states": (lambda w: w.m.driver("x", []), "'x' has no states"),
    "None states": (lambda w: w.m.driver("x", None), "'x': states is None"),
    "number of states": (lambda w: w.m.driver("x", 5), "'x': states is 5"),
    "None rungs": (lambda w: w.m.ladder("y", None), "ladder 'y': rungs is None"),
    "text rungs": (lambda w: w.m.ladder("y", "xyz", up=esc.per_year(1)), "'xyz'; expected a list"),
    "numbers as rungs": (lambda w: w.m.ladder("y", [1, 2], up=esc.per_year(1)), r"ladder 'y': rungs\[0\] is 1"),
    "empty rungs": (lambda w: w.m.ladder("y", []), "too few rungs, 0; expected at least 2"),
    "name": (lambda w: w.m.ladder(3, ["a", "b"], up=esc.per_year(1)), "is 3; expected text"),
    "model name": (lambda w: esc.Model(5, origin="2024-01-01"), "5; expected text"),
    "moves": (lambda w: w.m.ladder("y", ["a", "b"], moves={"ab": esc.per_year(1)}), "'ab'; expected a pair"),
    "moves of an effect": (lambda w: w.s.effect(w.hawk, moves={"ab": 2}), "'ab'; expected a pair"),
    "start": (lambda w: w.m.ladder("y", ["a", "b"], start={1}, up=esc.per_year(1)), "start is"),
    "given": (lambda w: w.m.driver("x", ["a", "b"], given=3), "'x': given is 3; expected a driver"),
    "given set": (lambda w: w.m.driver("x", ["a", "b"], given={w.lead}), "given is"),
    "table set": (lambda w: w.m.driver("x", ["a", "b"], table={0.5, 0.6}), "'x': the table is"),
    "table frame": (lambda w: w.m.driver("x", ["a", "b"], table=pd.DataFrame([[1, 2]])), "to_numpy"),
    "table text": (lambda w: w.m.driver("x", ["a", "b"], table="half"), "driver 'x'.*expected a row of probabilities"),
    "another model": (lambda w: w.s.effect(World().hawk, up=2), "of another model"),
    "two models": (lambda w: w.war & World().hawk, "two models"),
    "no such part": (lambda w: w.m["leed"], "did you mean 'lead'"),
    "None part": (lambda w: w.m[None], "None; expected text"),
    "not finite": (lambda w: w.m.driver("x", ["a", "b"], table=[float("nan"), 1]), r"driver 'x': table\[0\] is nan"),
    "infinite rate": (
        lambda w: w.m.ladder("y", ["a", "b"], up=esc.per_month(float("inf"))),
        "ladder 'y', rate 1: rate is inf; expected a finite number",
    ),
    "half a character": (lambda w: w.m.ladder("\ud800", ["a", "b"], up=esc.per_month(1)), "half a character"),
    # dates
    "origin": (lambda w: esc.Model(origin=3), "origin is 3; expected a date"),
    "as_of None": (lambda w: esc.Dossier(None), "as_of is None; expected a date"),
    "as_of word": (lambda w: esc.Dossier("yesterday"), "as_of is 'yesterday'; expected a date"),
    "since word": (lambda w: esc.since("soon"), "since is 'soon'; expected a date"),
    "since NaT": (lambda w: esc.since(np.datetime64("NaT")), "NaT.*expected a date"),
    "until NaT": (lambda w: esc.until(pd.NaT), "NaT; expected a date"),
    "by number": (lambda w: esc.reach(w.war, by=2025), "by is 2025; expected a date"),
    "by wrong": (lambda w: esc.reach(w.war, by="2025-02-30"), "by is '2025-02-30'; expected a date"),
    "on": (lambda w: w.d.saw(w.war, on=20240201), "development 'd1': on is 20240201; expected a date"),
    "span": (lambda w: w.d.saw(w.war, between="2024-03-01"), "between is '2024-03-01'; expected a pair of dates"),
    "forecast": (lambda w: w.fit.forecast("soon"), "until is 'soon'; expected a date"),
    "forecast nothing": (lambda w: w.fit.forecast(), "until is None; expected a date"),
    "forecast past": (lambda w: w.fit.forecast("2023-01-01"), "before the model's origin, 2024-01-01"),
    "forecast turned": (lambda w: w.fit.forecast("2024-08-01", since="2025-01-01"), "before since, 2025-01-01"),
    "forecast dates": (lambda w: w.fit.forecast(dates="2025-01-01"), "expected a list of dates"),
    "forecast date": (lambda w: w.fit.forecast(dates=["2025-01-01", None]), r"dates\[1\] is None"),
    "smoothed": (lambda w: w.fit.smoothed(["2026-01-01"]), "2026-01-01 lies after"),
    "filtered": (lambda w: w.fit.filtered(["2026-01-01"]), "2026-01-01 lies after"),
    "do since": (lambda w: w.fit.do(w.hawk, since=5), "since is 5; expected a date"),
    # developments
    "hit not finite": (
        lambda w: w.d.saw(w.war, on="2024-03-01", hit=float("nan")),
        "development 'd1': hit is nan; expected a finite number",
    ),
    "without unknown": (lambda w: w.fit.without("nope"), "no development 'nope'; there is none"),
    "grade": (lambda w: w.d.saw(w.war, on="2024-03-01", grade=2), "development 'd1': grade is 2; expected text such"),
    "hit": (lambda w: w.d.saw(w.war, on="2024-03-01", hit="high"), "'d1': hit is 'high'; expected a probability"),
    "paragraph": (lambda w: w.d.saw(w.war, on="2024-03-01", paragraph="six"), "'d1': paragraph is 'six'"),
    "id": (lambda w: w.d.saw(w.war, on="2024-03-01", id=5), "id of a development is 5"),
    "source of a development": (lambda w: w.d.saw(w.war, on="2024-03-01", source=3), "source is 3"),
    "count text": (lambda w: w.d.counted(w.inc, count="two", over=w.span), "count is 'two'; expected a whole number"),
    "count fraction": (lambda w: w.d.counted(w.inc, count=2.7, over=w.span), "count is 2.7; expected a whole"),
    "count negative": (lambda w: w.d.counted(w.inc, count=-1, over=w.span), "count is -1; expected a whole"),
    "count at None": (lambda w: w.d.counted(w.inc, at=[None], over=w.span), r"at\[0\] is None"),
    "moved None": (lambda w: w.d.moved(None, "calm", "war", on="2024-03-01"), "moved: the ladder is None"),
    "never": (lambda w: w.d.never(w.war), "between is missing"),
    "likelihood list": (lambda w: w.d.likelihood(w.s, [1, 2], on="2024-02-01"), "expected a mapping"),
    "likelihood text": (lambda w: w.d.likelihood(w.s, {"calm": "x"}, on="2024-02-01"), "'calm'.*'x'"),
    "add": (lambda w: w.d.add("x"), "'x'; expected a development"),
    "development keyword": (lambda w: w.d.saw(w.war, on="2024-03-01", gradee="B2"), "did you mean 'grade'"),
    "false_rate": (lambda w: w.d.moved(w.s, "calm", "patrol", on="2024-03-01", false_rate=1), "false_rate is 1"),
    # trees
    "dossier tree": (lambda w: esc.Dossier.from_dict({}), "expected a mapping with as_of"),
    "development without id": (
        lambda w: esc.Dossier.from_dict({"as_of": "2024-06-30", "development": [{"saw": 1}]}),
        "development 1.*saw|development 1.*id",
    ),
    "development grade": (
        lambda w: esc.Dossier.from_dict({"as_of": "2024-06-30", "development": [{"id": "a", "grade": 2}]}),
        "development 'a': grade is 2; expected text",
    ),
    "question tree": (lambda w: esc.Questions.from_dict({"question": [{}]}), "question 1"),
    "question form": (lambda w: esc.Questions.from_dict({"question": [{"name": "x", "ask": {"zz": 1}}]}), "ask"),
    "rate of a tree": (
        lambda w: esc.Model.from_dict(
            {
                **w.m.to_dict(),
                "ladder": [
                    {
                        "name": "y",
                        "rungs": ["a", "b"],
                        "start": "a",
                        "rate": [{"moves": "up", "chance": 0.1, "within": 12}],
                    }
                ],
            }
        ),
        "ladder 'y', rate 1: within is 12; expected text",
    ),
    "questions list": (lambda w: esc.Questions.from_dict([1]), "expected a mapping"),
    "model tree": (lambda w: esc.Model.from_dict([1]), "expected a mapping"),
    "model driver": (lambda w: esc.Model.from_dict({"name": "x", "origin": "2024-01-01", "driver": 3}), "driver is 3"),
    # fits
    "fit None": (lambda w: w.m.fit(None), "None; expected a dossier"),
    "fit path": (lambda w: w.m.fit("d.toml"), "'d.toml'; expected a dossier"),
    "condition path": (lambda w: w.m.condition("d.toml"), "expected a dossier"),
    "size path": (lambda w: w.m.size("d.toml"), "expected a dossier"),
    "draws negative": (lambda w: w.m.fit(w.d, draws=-1), "draws is -1; expected a whole number"),
    "draws text": (lambda w: w.m.fit(w.d, draws="many"), "draws is 'many'"),
    "draws fraction": (lambda w: w.m.fit(w.d, draws=10.5), "draws is 10.5"),
    "draws huge": (lambda w: w.m.fit(w.d, draws=10**12), "draws is 1,000,000,000,000; expected at most"),
    "seed": (lambda w: w.m.fit(w.d, seed=-1), "seed is -1"),
    "progress": (lambda w: w.m.fit(w.d, progress="yes"), "progress is 'yes'"),
    "level": (lambda w: w.fit.ask(w.q, level="x"), "level is 'x'"),
    "level large": (lambda w: w.fit.forecast("2025-01-01", level=1.5), "level is 1.5"),
    "level of drivers": (lambda w: w.fit.drivers(level=None), "level is None"),
    "without number": (lambda w: w.fit.without(3), "is 3; expected text"),
    "without nothing": (lambda w: w.fit.without(), "no development is named"),
    "dossier without nothing": (lambda w: w.d.without(), "no development is named"),
    "answer": (lambda w: w.fit.ask(w.q)[None], "None"),
    "answer place": (lambda w: w.fit.ask(w.q)[7], "place 7"),
    "development place": (lambda w: w.d[7], "place 7"),
    "backend": (lambda w: w.fit.drivers().to_frame("excel"), "'excel'; expected one of"),
    "kind of a fan": (lambda w: w.fit.forecast("2025-01-01").plot("s", kind="zz"), "'zz'"),
    # settings and words
    "threads": (lambda w: esc.set_threads(-1), "threads is -1"),
    "threads huge": (lambda w: esc.set_threads(10**9), "expected a whole number from 0 to 1,024"),
    "memory": (lambda w: esc.set_memory_limit(-1), "memory limit is -1"),
    "word": (lambda w: esc.word_for(2), "p is 2; expected a probability"),
    "word of text": (lambda w: esc.word_for("x"), "p is 'x'"),
}
# Where Python's habit is a TypeError, it is one as well.
TYPES = (
    "effect text",
    "ask None",
    "and text",
    "driver order",
    "factor text",
    "draws fraction",
    "fit None",
    "since NaT",
)


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_by_its_name(case):
    call, message = CASES[case]
    world = World()
    before = world.m.to_dict(), world.d.to_dict()
    with pytest.raises(esc.EscaladeError) as caught:
        call(world)
    assert re.search(message, str(caught.value)), str(caught.value)
    assert not re.search(r"column \d", str(caught.value))
    assert (world.m.to_dict(), world.d.to_dict()) == before


@pytest.mark.parametrize("case", TYPES)
def test_a_wrong_type_is_a_type_error_too(case):
    with pytest.raises(TypeError) as caught:
        CASES[case][0](World())
    assert isinstance(caught.value, esc.SpecError)


def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path):
    path = tmp_path / "model.toml"
    path.write_bytes(b'name = "x"\norigin = "2024-01-01"\n# caf\xe9\n')
    for kind in (esc.Model, esc.Dossier, esc.Questions):
        with pytest.raises(esc.SpecError, match=r"model\.toml, line 3: the byte 0xe9 is not UTF-8"):
            kind.read(path)
    with pytest.raises(esc.WrongType, match="path is None"):
        esc.Model.read(None)


def test_whole_numbers_of_arrays_are_taken():
    w = World()
    assert w.d.counted(w.inc, count=np.float64(2), over=w.span).to_dict()["counted"]["count"] == 2
    assert w.m.fit(w.d, draws=np.int64(0), seed=np.int32(3)).model is w.m
