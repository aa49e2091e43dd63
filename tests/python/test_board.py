"""The board: what it shows is what the plain calls of a fit say, whatever is set, and in whatever order."""

from __future__ import annotations

import copy
import json
import re
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import escalade as esc
from board_past import Past
from crisis import crisis
from escalade.board import N_DATES
from escalade.board_widget import BoardWidget
from escalade.colours import PALETTES, rung_colours
from escalade.values import day_of

EXACT = 1e-12  # of probabilities that two paths of one computation give
DRAWN = 0.51e-5  # fans are rounded to five digits
SHARED = crisis()
FIT = SHARED.model.fit(SHARED.dossier, draws=20, progress=False)
BOARD = FIT.board(SHARED.questions, progress=False)
ADDED = {"id": "new", "saw": {"ladder": "peninsula", "at_least": "limited clash"}, "on": "2024-11-25", "grade": "C3"}


def learnt(driver: str, state: str, how: str = "given") -> dict[str, Any]:
    return {"drivers": {driver: {"state": state, "how": how}}}


def entered(tree: dict[str, Any]) -> esc.Development:
    """The development as a user would enter it."""
    dossier = copy.deepcopy(SHARED.dossier)
    said = SHARED.korea >= tree["saw"]["at_least"]
    return dossier.saw(said, on=tree["on"], grade=tree["grade"], id=tree["id"])


def check(state: dict[str, Any], fit: esc.Fit, board: esc.Board = BOARD) -> None:
    """A state beside the fit that plain calls made."""
    asked = [fit.at_mode(q) for q in SHARED.questions]
    np.testing.assert_allclose(state["probability"], asked, rtol=0, atol=EXACT)
    before = [FIT.at_mode(q) for q in SHARED.questions]
    np.testing.assert_allclose(state["change"], np.subtract(asked, before), rtol=0, atol=2 * EXACT)
    assert state["word"] == [esc.word_for(p) for p in state["probability"]]
    laws = fit.drivers(progress=False).values
    for name, law in state["drivers"].items():
        np.testing.assert_allclose(law, laws[name]["mode"], rtol=0, atol=EXACT)
    frame = board.frame
    ahead = fit.forecast(dates=frame["dates"], progress=False)
    for ladder in frame["ladders"]:
        shown = state["fans"].get(ladder["name"], ladder["fan"])
        np.testing.assert_allclose(shown, ahead[ladder["name"]].mode, rtol=0, atol=DRAWN)


def test_untouched() -> None:
    state = BOARD.state()
    check(state, FIT)
    assert state["fans"] == {} and state["changed"] == [] and not np.any(state["change"])
    answers = FIT.ask(SHARED.questions, progress=False)
    for shown, answer in zip(BOARD.frame["questions"], answers, strict=True):
        assert (shown["name"], shown["low"], shown["high"]) == (answer.name, answer.low, answer.high)
        assert shown["mode"] == pytest.approx(answer.mode, abs=EXACT)


@pytest.mark.parametrize("id", [d.id for d in SHARED.dossier])
def test_struck_out_is_without(id: str) -> None:
    state = BOARD.state({"without": [id]})
    check(state, FIT.without(id))
    assert state["changed"] == [f"without {id}"]


def test_added_is_given() -> None:
    check(BOARD.state({"added": [ADDED]}), FIT.given(entered(ADDED)))
    check(BOARD.state({"added": [entered(ADDED)]}), FIT.given(entered(ADDED)))


@pytest.mark.parametrize("state", SHARED.us.states)
def test_a_driver_is_given_or_done(state: str) -> None:
    known, made = BOARD.state(learnt("us_policy", state)), BOARD.state(learnt("us_policy", state, "do"))
    check(known, FIT.given(SHARED.us == state))
    check(made, FIT.do(SHARED.us == state))
    assert known["probability"] != made["probability"]
    assert BOARD.state({"drivers": {"us_policy": {"state": state}}}) == known


def test_a_combination() -> None:
    several = {
        "drivers": {"restraint": {"state": "weak", "how": "do"}, "us_policy": {"state": "settlement", "how": "given"}},
        "without": ["tone", "hostile"],
        "added": [ADDED],
    }
    plain = FIT.given(SHARED.us == "settlement", entered(ADDED)).without("hostile", "tone").do(SHARED.china == "weak")
    check(BOARD.state(several), plain)


def moves(driver: esc.Driver) -> st.SearchStrategy[Any]:
    return st.none() | st.fixed_dictionaries(
        {"state": st.sampled_from(driver.states), "how": st.sampled_from(["given", "do"])}
    )


@settings(max_examples=25, deadline=None)
@given(
    us=moves(SHARED.us),
    china=moves(SHARED.china),
    without=st.lists(st.sampled_from([d.id for d in SHARED.dossier]), unique=True),
    add=st.booleans(),
)
def test_whatever_is_set(us: Any, china: Any, without: list[str], add: bool) -> None:
    moved = {name: move for name, move in (("us_policy", us), ("restraint", china)) if move}
    state = BOARD.state({"drivers": moved, "without": without, "added": [ADDED] if add else []})
    fit = FIT.given(entered(ADDED)) if add else FIT
    for name, move in moved.items():  # in another order than the board's
        condition = SHARED.model.drivers[name] == move["state"]
        fit = fit.given(condition) if move["how"] == "given" else fit.do(condition)
    check(state, fit.without(*without) if without else fit)
    again = {"without": without[::-1], "added": [ADDED] if add else [], "drivers": dict(reversed(moved.items()))}
    assert BOARD.state(again) == state


def test_undoing_returns_to_the_last_bit() -> None:
    board = FIT.board(SHARED.questions, progress=False)
    before = json.dumps(board.state())
    board.settings = {"without": ["tone"], **learnt("restraint", "weak")}
    there = json.dumps(board.state())
    board.settings = {}
    assert json.dumps(board.state()) == before
    board.settings = {**learnt("restraint", "weak"), "without": ["tone"]}
    assert json.dumps(board.state()) == there
    afresh = FIT.board(SHARED.questions, progress=False)
    assert json.dumps(afresh.state({"without": ["tone"], **learnt("restraint", "weak")})) == there


def test_the_fit_goes_on_in_python() -> None:
    board = FIT.board(SHARED.questions, progress=False)
    board.settings = {"without": ["tone"], **learnt("restraint", "weak")}
    got = board.fit.ask(SHARED.questions, progress=False)
    plain = FIT.without("tone").given(SHARED.china == "weak").ask(SHARED.questions, progress=False)
    np.testing.assert_allclose(got.low, plain.low, rtol=0, atol=EXACT)
    assert got.scenario == ("without tone", "given restraint = weak")
    assert "given restraint = weak" in str(board) and len(board.to_frame()) == len(SHARED.questions)


def test_a_fit_that_was_changed_before() -> None:
    board = FIT.given(SHARED.china == "weak").board(SHARED.questions, progress=False)
    check_against = FIT.given(SHARED.china == "weak").without("tone")
    state = board.state({"without": ["tone"]})
    np.testing.assert_allclose(
        state["probability"], [check_against.at_mode(q) for q in SHARED.questions], rtol=0, atol=EXACT
    )
    assert state["changed"] == ["without tone"] and board.frame["scenario"] == ["given restraint = weak"]


def test_developments_are_those_of_the_scenario(tmp_path: Any) -> None:
    board = FIT.without("tone").given(entered(ADDED)).board(SHARED.questions[:1], progress=False)
    ids = [d["id"] for d in board.frame["developments"]]
    assert "tone" not in ids and ids[-1] == "new"
    states = held(board.write(tmp_path / "board.html", progress=False).read_text(encoding="utf-8"))["what_ifs"]
    assert all("problem" not in state for state in states.values())
    with pytest.raises(esc.SpecError, match="no development 'tone'"):
        board.settings = {"without": ["tone"]}


def test_dates_ladders_and_the_end() -> None:
    frame = BOARD.frame
    assert frame["dates"][0] == "2024-12-01T00:01" and frame["dates"][-1] == "2025-12-31"
    times = [day_of(date) for date in frame["dates"]]
    assert len(times) == N_DATES and times == sorted(set(times))
    one = FIT.board(SHARED.questions, ladders=[SHARED.aid], until="2024-12-05", progress=False)
    assert [x["name"] for x in one.frame["ladders"] if x["shown"]] == ["seoul_aid"]
    assert one.frame["dates"][-1] == "2024-12-05" and len(one.frame["dates"]) == 6
    assert len(FIT.board(SHARED.questions, until="2024-12-01", progress=False).frame["dates"]) == 2


def test_a_board_of_the_past_looks_a_year_ahead() -> None:
    past = esc.reach(SHARED.korea >= "limited clash", since="2024-10-05", by="2024-11-20")
    assert FIT.board(past, progress=False).frame["dates"][-1] == "2025-11-30"


def test_all_is_json() -> None:
    bare = SHARED.model.condition(SHARED.dossier).board(SHARED.questions, progress=False)
    for board in (BOARD, bare):
        for tree in (board.frame, board.settings, board.state(), board.state({"added": [ADDED]})):
            assert json.loads(json.dumps(tree, allow_nan=False)) == tree
    assert [q["low"] for q in bare.frame["questions"]] == [None] * len(SHARED.questions)


def test_what_was_reported_later_is_not_on_the_board() -> None:
    dossier = SHARED.dossier.at("2024-11-10")
    board = SHARED.model.condition(dossier).board(SHARED.questions, progress=False)
    late = SHARED.model.condition(dossier).left_out
    assert late and not {d["id"] for d in board.frame["developments"]} & set(late)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "the board's settings is []; expected a mapping"),
        ({"driver": {}}, "unexpected keyword 'driver'; did you mean 'drivers'?"),
        ({"drivers": ["us_policy"]}, "settings: drivers is ['us_policy']; expected a mapping"),
        (learnt("us_polcy", "settlement"), "there is no driver 'us_polcy'; did you mean 'us_policy'?"),
        (learnt("us_policy", "setlement"), "us_policy has no state 'setlement'; did you mean 'settlement'?"),
        (learnt("us_policy", "settlement", "made"), "how is 'made'; expected 'given' or 'do'"),
        ({"drivers": {"us_policy": "settlement"}}, "driver 'us_policy' is 'settlement'; expected a mapping"),
        ({"without": "tone"}, "settings: without is 'tone'; expected a list"),
        ({"without": ["tones"]}, "the dossier has no development 'tones'; did you mean 'tone'?"),
        ({"added": ["tone"]}, "settings: added[0] is 'tone'; expected a development"),
        ({"added": [{**ADDED, "id": "tone"}]}, "tone"),
        ({"added": [{**ADDED, "on": "2024-12-24"}]}, "reported after as_of"),
        ({"date": "tomorrow"}, "settings: date is 'tomorrow'"),
    ],
)
def test_settings_that_are_none(wrong: Any, said: str) -> None:
    with pytest.raises(esc.SpecError, match=re.escape(said)):
        BOARD.state(wrong)


def test_what_cannot_be() -> None:
    armed = {"saw": {"ladder": "seoul_aid", "is": "weapons"}, "on": "2024-11-20"}
    with pytest.raises(esc.ImpossibleEvidence):
        BOARD.state({"added": [armed]})


def test_a_board_that_is_none() -> None:
    with pytest.raises(esc.SpecError, match="at least one question"):
        FIT.board([], progress=False)
    with pytest.raises(esc.SpecError, match="there is no ladder 'penninsula'; did you mean 'peninsula'?"):
        FIT.board(SHARED.questions, ladders=["penninsula"], progress=False)
    with pytest.raises(esc.SpecError, match="until is '2024-11-30'; expected a date"):
        FIT.board(SHARED.questions, until="2024-11-30", progress=False)
    with pytest.raises(esc.SpecError, match="level"):
        FIT.board(SHARED.questions, level=90, progress=False)


# The widget


def test_the_widget_answers_each_request_by_its_number() -> None:
    board = FIT.board(SHARED.questions, progress=False)
    widget = board.widget()
    assert isinstance(widget, BoardWidget) and board.widget() is widget
    assert widget.state == {**BOARD.state(), "serial": 0}
    widget.settings = {"without": ["tone"], "serial": 1}
    assert widget.state == {**BOARD.state({"without": ["tone"]}), "serial": 1}
    assert board.settings["without"] == ["tone"]
    widget.settings = {"added": [{"saw": {"ladder": "seoul_aid", "is": "weapons"}, "on": "2024-11-20"}], "serial": 2}
    assert widget.state["serial"] == 2 and "added 1" in widget.state["problem"]
    assert board.settings["without"] == ["tone"]
    board.settings = {}
    assert widget.state == {**BOARD.state(), "serial": 3}


def test_the_widget_says_that_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = FIT.board(SHARED.questions, progress=False).widget()
    sent: list[Any] = []
    monkeypatch.setattr(widget, "send", sent.append)
    widget._handle_custom_msg({"kind": "hello"}, [])
    assert sent == [{"kind": "here"}]


def test_it_shows_itself_as_widget_and_as_table() -> None:
    bundle, _ = FIT.board(SHARED.questions, progress=False)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "clash" in bundle["text/html"] and "Board as of 2024-11-30" in bundle["text/plain"]


def test_without_anywidget_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "escalade.board_widget")
    with pytest.raises(ImportError, match=re.escape("pip install 'escalade[board]'")):
        FIT.board(SHARED.questions, progress=False).widget()


# The file


def held(text: str) -> Any:
    """What a written page holds."""
    return json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[0])


def test_the_file_holds_each_single_change(tmp_path: Any) -> None:
    board = FIT.board(SHARED.questions, progress=False)
    board.settings = {"without": ["tone"], **learnt("restraint", "weak")}
    board.write(tmp_path / "board.html", progress=False)
    data = held((tmp_path / "board.html").read_text(encoding="utf-8"))
    assert data["state"] == board.state() and data["settings"] == board.settings
    assert len(data["what_ifs"]) == 2 + 2 * (3 + 2) + len(SHARED.dossier)
    for key, state in data["what_ifs"].items():
        whole = BOARD.state(json.loads(key))
        assert state == {name: whole[name] for name in state} and len(state) == len(whole) - 1


def test_a_change_that_cannot_be_says_so_in_the_file(tmp_path: Any) -> None:
    m = esc.Model(origin="2024-10-01")
    us = m.driver("us", {"steady": 0.7, "gone": 0.3})
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3))
    d = esc.Dossier(as_of="2024-11-30")
    d.saw(us == "gone", on="2024-11-06")
    board = m.condition(d).board(esc.reach(front == "war", by="2025-11-30"), progress=False)
    board.write(tmp_path / "board.html", progress=False)
    states = held((tmp_path / "board.html").read_text(encoding="utf-8"))["what_ifs"]
    (known,) = (states[key] for key in states if '"state":"steady","how":"given"' in key)
    assert list(known) == ["problem"]


def test_text_stays_text(tmp_path: Any) -> None:
    evil = "</script><script>alert(1)</script><!-- \u2028 é"
    m = esc.Model(evil, origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3))
    d = esc.Dossier(as_of="2024-11-30")
    d.saw(front == "quiet", on="2024-11-06", note=evil)
    board = m.condition(d).board(esc.reach(front == "war", by="2025-11-30", name=evil), progress=False)
    board.write(tmp_path / "board.html", progress=False)
    text = (tmp_path / "board.html").read_text(encoding="utf-8")
    assert "alert(1)</script>" not in text and text.count("<script") == 2
    data = held(text)
    assert data["frame"]["title"] == evil == data["frame"]["developments"][0]["note"]
    assert "<script" not in board._repr_html_()


def test_the_file_takes_explanations_and_a_replay(tmp_path: Any) -> None:
    board = FIT.board(SHARED.questions, progress=False)
    past = Past(["2024-11-01", "2024-11-15"], ["arms", "clash"], [[0.1, 0.2], [0.3, np.nan]])
    file = board.write(tmp_path / "board.html", replay=past, progress=False)
    data = held(file.read_text(encoding="utf-8"))
    assert [card["question"] for card in data["cards"]] == [q.name for q in SHARED.questions]
    assert all(card["reasons"] and card["confidence"] in ("high", "moderate", "low") for card in data["cards"])
    replay = data["frame"]["replay"]
    assert replay["dates"] == ["2024-11-01", "2024-11-15"]
    assert replay["probability"] == [[0.2, None], [0.1, 0.3], [None, None], [None, None]]
    assert replay["low"] == replay["high"] == replay["probability"]
    for wrong in (7, FIT.ask(SHARED.questions, progress=False)):
        with pytest.raises(esc.SpecError, match="replay is .*; expected what fit.replay"):
            board.write(tmp_path / "board.html", replay=wrong, progress=False)
    with pytest.raises(esc.SpecError, match="the replay has no question 'clash'; did you mean 'clash!'?"):
        board.write(tmp_path / "board.html", replay=Past(["2024-11-01"], ["clash!"], [[0.1]]), progress=False)
    with pytest.raises(esc.SpecError, match="path is 7; expected a path"):
        board.write(7, progress=False)  # type: ignore[arg-type]


# The colours


@pytest.mark.parametrize("n", range(1, 8))
def test_rungs_have_the_colours_of_a_colour_map(n: int) -> None:
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    climb = LinearSegmentedColormap.from_list("climb", PALETTES["light"].ramp, N=4096)
    for i, colour in enumerate(rung_colours(n)):
        np.testing.assert_allclose(to_rgb(colour), climb(i / max(n - 1, 1))[:3], atol=1.1 / 255)
