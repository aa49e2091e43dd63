"""The dossier: what each kind of development is in the tree, and what a wrong one says."""

import datetime as dt
import pickle

import numpy as np
import pytest

import escalade as esc
from crisis import crisis


@pytest.fixture
def c():
    return crisis()


def test_the_tree_of_each_kind(c):
    assert c.dossier.to_dict() == {
        "as_of": "2024-11-30",
        "name": "October and November",
        "development": [
            {
                "id": "hostile",
                "saw": {"ladder": "peninsula", "at_least": "provocation"},
                "between": ["2024-10-08", "2024-10-17"],
                "grade": "B2",
                "paragraph": 6,
            },
            {
                "id": "tests",
                "counted": {"indicator": "missile_tests", "at": ["2024-10-31"]},
                "over": ["2024-10-01", "2024-11-30"],
            },
            {
                "id": "tone",
                "saw": {"indicator": "official_tone", "is": "sharp"},
                "on": "2024-10-20",
                "grade": "C3",
                "doubt": "one speech",
            },
            {
                "id": "election",
                "saw": {"not": {"driver": "us_policy", "is": "continuity"}},
                "on": "2024-11-06",
                "hit": 0.9,
                "false_alarm": 0.3,
            },
            {
                "id": "no-arms",
                "never": {"ladder": "seoul_aid", "at_least": "weapons"},
                "between": ["2024-10-01", "2024-11-30"],
            },
            {
                "id": "reading",
                "likelihood": {"of": "peninsula", "values": {"rhetoric": 0.5, "provocation": 1.0}},
                "on": "2024-11-20",
            },
        ],
    }


def test_moves_and_false_rates(c):
    d = esc.Dossier(as_of="2024-11-30")
    made = d.moved(
        c.aid, "none", "defensive", on=dt.datetime(2024, 11, 5, 6, 30), hit=0.8, false_rate=esc.per_month(0.1)
    )
    assert made.to_dict() == {
        "id": "d1",
        "moved": {"ladder": "seoul_aid", "from": "none", "to": "defensive"},
        "on": "2024-11-05T06:30",
        "hit": 0.8,
        "false_rate": 0.1,
        "false_per": "month",
    }
    with pytest.raises(esc.SpecError, match="per_month"):
        d.moved(c.aid, "none", "defensive", on="2024-11-06", hit=0.8, false_rate=0.1)
    assert d.counted(c.tests, count=np.int64(2), over=("2024-10-01", "2024-10-31")).to_dict()["counted"]["count"] == 2
    assert d.saw(c.korea == "war", between=("2024-10-01", "2024-10-05"), entered=True, hit=0.5, false_alarm=0.4).entered


def test_ids_are_given(c):
    d = esc.Dossier(as_of="2024-11-30")
    for day in ("2024-10-02", "2024-10-03"):
        d.saw(c.tone == "sharp", on=day)
    d.saw(c.tone == "sharp", on="2024-10-04", id="mine")
    d.saw(c.tone == "sharp", on="2024-10-05")
    assert [x.id for x in d] == ["d1", "d2", "mine", "d4"]


@pytest.mark.parametrize(
    ("enter", "message"),
    [
        (lambda c, d: d.saw(c.korea == "war", on="2024-02-30"), "2024-02-30"),
        (lambda c, d: d.saw(c.korea == "war", on="2024-09-01"), "2024-09-01"),
        (lambda c, d: d.saw(c.korea == "war", between=("2024-11-05", "2024-11-01")), "2024-11-0"),
        (lambda c, d: d.saw(c.korea == "war", between="2024-11-05"), "pair of dates"),
        (lambda c, d: d.saw(c.korea == "war"), "on"),
        (lambda c, d: d.saw(c.korea == "war", on="2024-11-05", grade="Z9"), "Z9"),
        (lambda c, d: d.saw(c.korea == "war", on="2024-11-05", hit=1.5), "1.5"),
        (lambda c, d: d.saw(c.korea == "war", on="2024-11-05", id="hostile"), "hostile"),
        (lambda c, d: d.moved(c.aid, "none", "wepons", on="2024-11-05"), "wepons"),
        (lambda c, d: d.counted(c.tests, count=1, over=("2024-11-30", "2024-11-30")), "overlap"),
        (lambda c, d: d.likelihood(c.korea, {"peace": 1.0}, on="2024-11-05"), "peace"),
        (lambda c, d: d.likelihood(c.korea, {"war": float("inf")}, on="2024-11-05"), "expected a finite number"),
    ],
)
def test_a_wrong_development_is_refused_where_it_is_entered(c, enter, message):
    before = c.dossier.to_dict()
    with pytest.raises(esc.EscaladeError, match=message):
        enter(c, c.dossier)
    assert c.dossier.to_dict() == before


def test_wrong_types(c):
    with pytest.raises(TypeError, match="condition"):
        c.dossier.saw("peninsula at war", on="2024-11-05")
    with pytest.raises(TypeError, match="gradee"):
        c.dossier.saw(c.korea == "war", on="2024-11-05", gradee="B2")
    with pytest.raises(TypeError, match="expected a date"):
        c.dossier.saw(c.korea == "war", on=20241105)


def test_looking(c):
    d = c.dossier
    assert len(d) == 6
    assert d["tone"].kind == "saw" and d["tone"].doubt == "one speech" and d["tone"].grade == "C3"
    assert d["tone"].subjects == ["official_tone"]
    assert d["hostile"].reported == "2024-10-17"
    assert d[1].describe() == "missile_tests counted 1"
    assert d["election"].describe() == "saw us_policy ≠ continuity"
    with pytest.raises(esc.SpecError, match="hostile"):
        d["hostil"]
    with pytest.raises(AttributeError):
        d["tone"].colour


def test_as_of_and_without_leave_the_original(c):
    early = c.dossier.at("2024-10-31")
    assert early.as_of == "2024-10-31" and c.dossier.as_of == "2024-11-30"
    assert [x.id for x in c.dossier.without("tone", "tests")] == ["hostile", "election", "no-arms", "reading"]
    assert len(c.dossier) == 6
    with pytest.raises(esc.SpecError, match="ton"):
        c.dossier.without("ton")


def test_a_development_enters_another_dossier(c):
    d = esc.Dossier(as_of="2024-12-31")
    d.add(c.dossier["tone"])
    assert d["tone"] == c.dossier["tone"]


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_frame(c, backend):
    frame = c.dossier.to_frame(backend)
    assert list(frame["id"]) == ["hostile", "tests", "tone", "election", "no-arms", "reading"]
    assert next(iter(frame["reported"])) == "2024-10-17"


def test_round_trips(c, tmp_path):
    d = c.dossier
    d.write(tmp_path / "dossier.toml")
    for twin in (
        esc.Dossier.read(tmp_path / "dossier.toml"),
        pickle.loads(pickle.dumps(d)),
        esc.Dossier.from_toml(d.to_toml()),
    ):
        assert twin.to_dict() == d.to_dict()
    assert pickle.loads(pickle.dumps(d["tone"])) == d["tone"]


def test_shown(c):
    assert "6 developments as of 2024-11-30" in repr(c.dossier)
    assert "<Development tone: saw official_tone = sharp (2024-10-20)>" == repr(c.dossier["tone"])
    html = c.dossier._repr_html_()
    assert "one speech" in html and "peninsula ≥ provocation" in html
