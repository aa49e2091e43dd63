"""Builders make the plain tree of docs/format.md, the kernel checks it, and a refusal leaves the model as it was."""

import copy
import datetime as dt
import pickle

import numpy as np
import pytest

import escalade as esc
from crisis import crisis


@pytest.fixture
def m():
    return esc.Model("test", origin="2024-10-01")


@pytest.fixture
def korea(m):
    return m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3), down=esc.per_month(0.5))


class TestConditions:
    def test_comparisons_make_the_tree(self, m, korea):
        china = m.driver("restraint", {"strong": 0.7, "weak": 0.3})
        assert (china == "weak").to_dict() == {"driver": "restraint", "is": "weak"}
        assert (china != "weak").to_dict() == {"not": {"driver": "restraint", "is": "weak"}}
        assert china.isin(["weak", "strong"]).to_dict() == {"driver": "restraint", "is": ["weak", "strong"]}
        assert (korea >= "provocation").to_dict() == {"ladder": "peninsula", "at_least": "provocation"}
        assert (korea <= "provocation").to_dict() == {"ladder": "peninsula", "at_most": "provocation"}
        assert (korea > "provocation").to_dict() == {"not": {"ladder": "peninsula", "at_most": "provocation"}}
        assert (korea < "provocation").to_dict() == {"not": {"ladder": "peninsula", "at_least": "provocation"}}
        assert ("provocation" <= korea) == (korea >= "provocation")

    def test_joins(self, korea):
        a, b, c = korea == "clash", esc.since("2025-01-20"), esc.until(dt.date(2025, 6, 30))
        assert (a & b & c).to_dict() == {"all": [a.to_dict(), {"since": "2025-01-20"}, {"until": "2025-06-30"}]}
        assert (a | b).to_dict() == {"any": [a.to_dict(), b.to_dict()]}
        assert ~~(a & b) == a & b

    def test_words(self, korea):
        calm = esc.until("2024-12-31") | esc.since("2025-06-01")
        assert ((korea > "rhetoric") & ~calm).describe() == (
            "peninsula > rhetoric and not (until 2024-12-31 or since 2025-06-01)"
        )

    def test_truth_value_raises_with_advice(self, korea):
        with pytest.raises(TypeError, match="& | ~"):
            bool(korea == "clash")
        with pytest.raises(TypeError, match="parentheses"):
            "rhetoric" <= korea <= "clash"
        with pytest.raises(TypeError):
            (korea == "clash") and esc.since("2025-01-20")

    def test_unknown_state_is_refused_where_it_is_written(self, korea):
        with pytest.raises(esc.SpecError, match="clsh"):
            korea >= "clsh"
        with pytest.raises(TypeError, match="rhetoric, provocation, clash"):
            korea == 2

    def test_handles_are_hashable_and_only_equal_to_themselves(self, m, korea):
        other = m.ladder("other", ["a", "b"], up=esc.per_year(1))
        assert korea in {korea} and other not in {korea}
        assert korea == korea
        with pytest.raises(esc.WrongType, match="expected one of a, b"):
            other == korea
        assert m["peninsula"] is korea

    def test_events_have_no_value(self, m, korea):
        tests = m.events("tests", given=korea, rate=esc.per_month([1, 2, 3]))
        with pytest.raises(TypeError, match="counted"):
            tests == "many"

    def test_pickle(self, korea):
        c = (korea >= "provocation") & esc.since("2025-01-20")
        assert pickle.loads(pickle.dumps(c)) == c


class TestDrivers:
    def test_mapping_is_the_table(self, m):
        m.driver("us", {"a": 0.3, "b": 0.7}, worth=20, source="polls", known=dt.date(2024, 9, 30), basis="judgement")
        assert m.to_dict()["driver"] == [
            {
                "name": "us",
                "states": ["a", "b"],
                "given": [],
                "table": [0.3, 0.7],
                "source": "polls",
                "known": "2024-09-30",
                "basis": "judgement",
                "worth": 20.0,
            }
        ]

    def test_rows_as_lists_mappings_and_arrays_are_the_same(self, m):
        us = m.driver("us", {"a": 0.3, "b": 0.7})
        nested = {"a": {"weak": 0.1, "strong": 0.9}, "b": [0.4, 0.6]}
        m.driver("one", ["strong", "weak"], given=us, table=nested)
        m.driver("two", ["strong", "weak"], given=[us], table=np.array([[0.9, 0.1], [0.4, 0.6]]))
        m.driver("three", ["strong", "weak"], given="us", table=esc.table(nested, worth=5))
        one, two, three = m.to_dict()["driver"][1:]
        assert one["table"] == {"a": [0.9, 0.1], "b": [0.4, 0.6]} == three["table"]
        assert two["table"] == [[0.9, 0.1], [0.4, 0.6]]
        assert three["worth"] == 5.0
        assert all(d["given"] == ["us"] for d in (one, two, three))

    def test_nothing_given_is_flat(self, m):
        us = m.driver("us", {"a": 0.3, "b": 0.7})
        m.driver("china", ["strong", "weak"], given=us)
        entry = m.to_dict()["driver"][1]
        assert entry["free"] is True
        assert entry["table"] == [[0.5, 0.5], [0.5, 0.5]]

    def test_a_wrong_column_is_named(self, m):
        with pytest.raises(esc.SpecError, match="wek"):
            m.driver("china", ["strong", "weak"], table={"strong": 0.5, "wek": 0.5})

    def test_two_tables_are_refused(self, m):
        with pytest.raises(esc.SpecError, match="whole table"):
            m.driver("china", {"strong": 0.5, "weak": 0.5}, table=[0.5, 0.5])


class TestLadders:
    def rates(self, m):
        return m.to_dict()["ladder"][-1]["rate"]

    def test_one_prior_is_shared_and_a_list_is_not(self, m):
        m.ladder("one", ["a", "b", "c"], up=esc.chance("unlikely", within="1 year", source="x"), down=esc.per_month(1))
        assert self.rates(m) == [
            {"moves": "up", "chance": "unlikely", "within": "1 year", "source": "x"},
            {"moves": "down", "rate": 1.0, "per": "month"},
        ]
        m.ladder("two", ["a", "b", "c"], up=[esc.chance(0.1, within="1 year"), esc.base_rate(2, over="10 years")])
        assert self.rates(m) == [
            {"moves": [["a", "b"]], "chance": 0.1, "within": "1 year"},
            {"moves": [["b", "c"]], "events": 2.0, "over": "10 years"},
        ]
        m.ladder("three", ["a", "b", "c"], down=esc.per_week([1, 2], spread=1.5))
        assert self.rates(m) == [
            {"moves": [["b", "a"]], "rate": 1.0, "per": "week", "spread": 1.5},
            {"moves": [["c", "b"]], "rate": 2.0, "per": "week", "spread": 1.5},
        ]

    def test_other_moves(self, m):
        shared = {("a", "c"): esc.per_day(0.1), (("c", "a"), ("b", "a")): esc.free(esc.per_year(1))}
        ladder = m.ladder("one", ["a", "b", "c"], moves=shared)
        assert self.rates(m) == [
            {"moves": [["a", "c"]], "rate": 0.1, "per": "day"},
            {"moves": [["c", "a"], ["b", "a"]], "free": True, "rate": 1.0, "per": "year"},
        ]
        assert ladder.moves() == [("a", "c"), ("b", "a"), ("c", "a")]

    def test_nothing_given_is_flat(self, m):
        m.ladder("one", ["a", "b", "c"])
        assert self.rates(m) == [
            {"moves": [pair], "free": True} for pair in (["a", "b"], ["b", "c"], ["b", "a"], ["c", "b"])
        ]
        m.ladder("two", ["a", "b", "c"], ordered=False)
        assert len(self.rates(m)) == 6
        m.ladder("three", ["a", "b", "c"], moves=[("a", "c")])
        assert self.rates(m) == [{"moves": [["a", "c"]], "free": True}]

    def test_start(self, m):
        m.ladder("one", ["a", "b"], up=esc.per_year(1))
        m.ladder("two", ["a", "b"], start="b", up=esc.per_year(1))
        m.ladder("three", ["a", "b"], start={"a": np.float64(0.5), "b": 0.5}, up=esc.per_year(1), source="judgement")
        assert [ladder["start"] for ladder in m.to_dict()["ladder"]] == ["a", "b", {"a": 0.5, "b": 0.5}]
        assert m.to_dict()["ladder"][2]["source"] == "judgement"

    @pytest.mark.parametrize(
        ("up", "message"),
        [
            (0.2, "per what"),
            (esc.factor(2), "expected an intensity"),
            ([esc.per_year(1)] * 3, "3 priors given for 2 moves"),
            (esc.per_year([1, 2, 3]), "3 rates given for 2 moves"),
            (esc.chance("unlikly", within="1 year"), "unlikly"),
            (esc.chance("unlikely", within="1 yaer"), "yaer"),
            (esc.per_year(-1), "-1"),
            (esc.per_year(float("nan")), "expected a finite number"),
        ],
    )
    def test_a_wrong_intensity_is_refused_and_nothing_is_left(self, m, up, message):
        before = m.to_dict()
        with pytest.raises(esc.SpecError, match=message):
            m.ladder("one", ["a", "b", "c"], up=up)
        assert m.to_dict() == before
        assert "one" not in m

    def test_wrong_keyword(self, m):
        with pytest.raises(TypeError, match="sorce"):
            m.ladder("one", ["a", "b"], up=esc.per_year(1), sorce="x")


class TestEffects:
    def test_shared_and_own(self, m, korea):
        peace = m.ladder("peace", ["no", "yes"], up=esc.per_year(0.1))
        said = {"source": "the article", "known": "2024-11-29"}
        korea.effect(peace == "yes", up=esc.factor(0.5, spread=1.5), down=2, **said)
        korea.effect(esc.since("2025-01-20"), up=[1.5, esc.free(2)], all=esc.factor(1.1, note="a doubt"), note="ours")
        korea.effect(peace == "no", moves={("provocation", "clash"): 3})
        when = {"ladder": "peace", "is": "yes"}
        since = {"when": {"since": "2025-01-20"}}
        assert m.to_dict()["ladder"][0]["effect"] == [
            {"when": when, **said, "moves": "up", "factor": 0.5, "spread": 1.5},
            {"when": when, **said, "moves": "down", "factor": 2.0},
            {**since, "note": "ours", "moves": [["rhetoric", "provocation"]], "factor": 1.5},
            {**since, "note": "ours", "moves": [["provocation", "clash"]], "free": True, "factor": 2.0},
            {**since, "note": "a doubt", "moves": "all", "factor": 1.1},
            {"when": {"ladder": "peace", "is": "no"}, "moves": [["provocation", "clash"]], "factor": 3.0},
        ]

    def test_refused_and_nothing_left(self, m, korea):
        before = m.to_dict()
        with pytest.raises(esc.SpecError, match="up=, down=, all= or moves="):
            korea.effect(esc.since("2025-01-20"))
        with pytest.raises(TypeError, match="condition"):
            korea.effect("since 2025", up=2)
        with pytest.raises(esc.SpecError):
            korea.effect(esc.since("2025-13-20"), up=2)
        with pytest.raises(esc.SpecError):
            korea.effect(esc.since("2025-01-20"), up=-2)
        with pytest.raises(esc.SpecError, match="expected a factor"):
            korea.effect(esc.since("2025-01-20"), up=esc.per_year(2))
        with pytest.raises(esc.SpecError, match="2 moves"):
            korea.effect(esc.since("2025-01-20"), up=[2, 2, 2])
        assert m.to_dict() == before


class TestIndicators:
    def test_events(self, m, korea):
        m.events("tests", given=korea, rate=esc.per_month([1, 2, 3], spread=1.5, source="CNS"))
        m.events("calls", rate=esc.free(esc.per_week(1)))
        assert m.to_dict()["events"] == [
            {
                "name": "tests",
                "given": ["peninsula"],
                "rate": [1.0, 2.0, 3.0],
                "per": "month",
                "spread": 1.5,
                "source": "CNS",
            },
            {"name": "calls", "given": [], "free": True, "rate": 1.0, "per": "week"},
        ]
        with pytest.raises(esc.SpecError, match="per_month"):
            m.events("words", rate=esc.chance(0.5, within="1 year"))

    def test_status(self, m, korea):
        rows = {"rhetoric": [0.9, 0.1], "provocation": [0.5, 0.5], "clash": [0.2, 0.8]}
        tone = m.status("tone", ["calm", "sharp"], given=korea, table=esc.table(rows, worth=10))
        assert m.to_dict()["status"][0]["table"] == rows
        assert (tone == "sharp").to_dict() == {"indicator": "tone", "is": "sharp"}


class TestModel:
    def test_names_are_unique(self, m, korea):
        with pytest.raises(esc.SpecError, match="peninsula"):
            m.driver("peninsula", {"a": 0.5, "b": 0.5})

    def test_origin_must_parse(self):
        with pytest.raises(esc.SpecError, match="2024-13-01"):
            esc.Model(origin="2024-13-01")

    def test_looking(self):
        c = crisis()
        assert list(c.model.drivers) == ["us_policy", "restraint"]
        assert list(c.model.ladders) == ["peninsula", "seoul_aid"]
        assert list(c.model.indicators) == ["official_tone", "missile_tests"]
        assert c.model["restraint"] is c.china
        assert c.china.given == ["us_policy"]
        with pytest.raises(esc.SpecError, match="peninsula"):
            c.model["peninsulla"]
        with pytest.raises(TypeError):
            c.model.drivers["new"] = c.us

    def test_trees_are_copies(self, m, korea):
        m.to_dict()["ladder"].clear()
        assert list(m.ladders) == ["peninsula"]

    @pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
    def test_copies_stand_alone(self, twin):
        c = crisis()
        other = twin(c.model)
        assert other.to_dict() == c.model.to_dict()
        other["peninsula"].effect(esc.since("2025-01-01"), up=2)
        assert other.to_dict() != c.model.to_dict()

    def test_shown(self):
        m = crisis().model
        assert repr(m) == (
            "<Model 'Troops abroad' from 2024-10-01: 2 drivers, 2 ladders, 1 status indicator, 1 event indicator>"
        )
        assert "limited clash" in m._repr_html_()
        assert repr(m["peninsula"]) == "<Ladder peninsula: rhetoric, provocation, limited clash, war>"
        assert repr(esc.factor(2, spread=1.5)) == "Factor(factor=2.0, spread=1.5)"
