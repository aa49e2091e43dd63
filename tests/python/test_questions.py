"""Questions: their trees, names, joins and files."""

import pickle

import pytest

import escalade as esc
from crisis import crisis


@pytest.fixture
def c():
    return crisis()


def test_the_tree_of_each_form(c):
    korea, aid = c.korea, c.aid
    clash = {"ladder": "peninsula", "at_least": "limited clash"}
    assert esc.at(korea >= "limited clash", on="2025-06-30").to_dict()["ask"] == {"at": clash, "on": "2025-06-30"}
    assert esc.reach(korea >= "limited clash", by="2025-06-30").to_dict()["ask"] == {"reach": clash, "by": "2025-06-30"}
    assert esc.enters(korea >= "limited clash", by="2025-06-30").to_dict()["ask"] == {
        "enters": clash,
        "by": "2025-06-30",
    }
    first = esc.first(korea >= "limited clash", before=aid == "weapons", by="2025-06-30")
    moved = esc.moves(korea, [("rhetoric", "war")], since="2024-10-15", by="2025-06-30", times=2)
    jump = {"ladder": "peninsula", "moves": [["rhetoric", "war"]]}
    assert moved.to_dict()["ask"] == {"moves": jump, "since": "2024-10-15", "by": "2025-06-30", "times": 2}
    assert moved.name == "peninsula moves rhetoric → war 2 times from 2024-10-15 to 2025-06-30"
    spent = esc.time_in(korea == "war", "30 days", by="2025-06-30").to_dict()["ask"]
    war = {"ladder": "peninsula", "is": "war"}
    assert spent == {"time_in": war, "at_least": "30 days", "by": "2025-06-30"}
    weapons = {"ladder": "seoul_aid", "is": "weapons"}
    assert first.to_dict()["ask"] == {"first": clash, "before": weapons, "by": "2025-06-30"}


def test_joins(c):
    a = esc.reach(c.korea == "war", by="2025-06-30", name="war")
    b = esc.at(c.aid == "none", on="2025-06-30")
    x, y = a.to_dict()["ask"], b.to_dict()["ask"]
    assert (a & b & a).to_dict()["ask"] == {"all": [x, y, x]}
    assert (a | ~b).to_dict()["ask"] == {"any": [x, {"not": y}]}
    assert (~~a).to_dict()["ask"] == x
    given = a.given(b)
    assert given.to_dict() == {"name": "war, given seoul_aid = none on 2025-06-30", "ask": x, "given": y}
    with pytest.raises(esc.SpecError, match="conditional"):
        given & a
    with pytest.raises(esc.SpecError, match="conditional"):
        a.given(given)
    with pytest.raises(TypeError, match="& | ~"):
        bool(a)
    with pytest.raises(TypeError, match="expected a question"):
        a & c.korea


def test_names(c):
    war = esc.reach(c.korea == "war", by="2025-06-30")
    assert war.name == "peninsula = war by 2025-06-30"
    assert (war & ~war).name == "peninsula = war by 2025-06-30 and not (peninsula = war by 2025-06-30)"
    named = (war | war).named("war", criterion="a state of war is declared")
    assert named.name == "war" and named.criterion == "a state of war is declared"
    with pytest.raises(TypeError, match="nme"):
        esc.reach(c.korea == "war", by="2025-06-30", nme="war")
    with pytest.raises(TypeError, match="condition"):
        esc.reach("war", by="2025-06-30")


def test_questions_are_found_by_name_and_place(c):
    qs = c.questions
    assert [q.name for q in qs] == ["clash", "arms", "aid before war", "calm without clash"]
    assert qs["arms"] is qs[1] and len(qs) == 4
    with pytest.raises(esc.SpecError, match="clash, arms"):
        qs["clsh"]
    with pytest.raises(esc.SpecError, match="two questions"):
        esc.Questions([qs["clash"], qs["clash"]])
    with pytest.raises(TypeError, match="question 0"):
        esc.Questions([c.korea])
    assert list(esc.Questions(qs["clash"])) == [qs["clash"]]


def test_round_trips(c, tmp_path):
    c.questions.write(tmp_path / "questions.toml")
    for twin in (esc.Questions.read(tmp_path / "questions.toml"), pickle.loads(pickle.dumps(c.questions))):
        assert twin == c.questions
        assert twin.to_dict() == c.questions.to_dict()
    assert next(iter(c.questions.to_frame("pandas")["criterion"])) == "an exchange of fire with deaths"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda c: esc.reach(c.korea == "war", by="2025-06-31"), "2025-06-31"),
        (lambda c: esc.reach(c.korea == "war", by="2024-10-31"), "2024-10-31.*since"),
        (lambda c: esc.reach(c.korea == "war", since="2024-09-30", by="2024-10-31"), "`since` is 2024-09-30.*origin"),
        (lambda c: esc.at(c.korea == "war", on="2024-09-30"), "2024-09-30.*origin"),
        (lambda c: esc.moves("korea", by="2025-10-31"), "no ladder 'korea'"),
        (lambda c: esc.moves(c.korea, "upwards", by="2025-10-31"), "'upwards' is no set of moves"),
        (lambda c: esc.time_in(c.korea == "war", "a while", by="2025-10-31"), "a while"),
    ],
)
def test_a_wrong_question_is_refused_when_it_is_asked(c, ask, message):
    fit = c.model.condition(c.dossier)
    with pytest.raises(esc.SpecError, match=message):
        fit.ask(ask(c))
