"""A board: drivers are moved, developments struck out and added, and every answer and fan follows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .attribution import grouped
from .board_page import page
from .colours import rung_colours
from .dossier import Development
from .frames import Table
from .progress import Progress, progress_line
from .questions import AsQuestions, Questions, horizon
from .results import Answers
from .values import (
    A_DATE,
    DateLike,
    Tree,
    day_of,
    end_of,
    listed,
    missing,
    name_of,
    probability_text,
    sound_date,
    text,
    texts,
    to_json,
    unexpected,
    wrong,
)
from .words import grades, word_for

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from .board_widget import BoardWidget
    from .fit import Fit

N_DATES = 60  # of a fan: smooth to the eye in a small picture
DIGITS = 5  # of a fan's probabilities, which are drawn
SEEN = 0.0005  # a change that is told: half of a tenth of a point
KEPT = 256  # states that are remembered, so that going back costs nothing
HOW = ("given", "do")
#: Nothing changed.
UNTOUCHED: Tree = {"drivers": {}, "without": [], "added": []}


class Board(Table):
    """Answers and fans that follow at once as drivers are moved and developments struck out or added.

    Made by :meth:`Fit.board`. In a notebook it shows itself as a page (needs anywidget: ``pip install
    escalade[board]``); :meth:`write` makes the same page a file for people without Python. It is a table of the answers
    as the board now stands, at the mode of the parameters; the interval is that of the untouched fit.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> us = m.driver("us", {"steady": 0.7, "gone": 0.3})
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3), down=esc.per_year(0.3))
    >>> front.effect(us == "gone", up=3.0)
    >>> fit = m.condition(esc.Dossier(as_of="2024-11-30"))
    >>> board = fit.board(esc.reach(front == "war", by="2025-11-30", name="war"))
    >>> board.settings = {"drivers": {"us": {"state": "gone", "how": "do"}}}
    >>> print(board)
    Board as of 2024-11-30; do us = gone
    question  probability  change, points  untouched  in words
    war       0.62         +22             0.40       likely or probable
    """

    def __init__(
        self,
        fit: Fit,
        questions: AsQuestions,
        ladders: object = None,
        until: DateLike | None = None,
        level: float = 0.9,
        progress: Progress = True,
    ) -> None:
        from .fit import Fit

        self._fit = fit
        self._mode = Fit(fit.model, fit._core.at_mode())
        self._questions = Questions(questions)
        if not len(self._questions):
            raise wrong("board: what is asked", [], "at least one question")
        self._asked = self._questions._checked(fit._core)
        self._ladders = ladder_names(ladders, list(fit.model.ladders))
        self._dates = fan_dates(fit.as_of, until, self._questions)
        self._dossier = [d for known in grouped(fit, "development").values() for d in known]
        self._known: dict[str, Fit] = {}
        self._states: dict[str, Tree] = {}
        self._widget: BoardWidget | None = None
        with progress_line("board", progress) as report:
            self._answers: Answers = fit.ask(self._questions, level=level, progress=False)
            if report is not None:
                report(0.9)
            self._plain = self._measured(self._mode)
        self._settings: Tree = {**UNTOUCHED, "date": self._dates[-1][:10]}

    # What is set

    @property
    def settings(self) -> Tree:
        """What is changed, as a tree: ``drivers``, ``without``, ``added``, and the ``date`` at which fans are read.

        ``drivers`` maps a driver to its ``state`` and ``how``: "given" (it is known to be so, and the developments are
        read in that light) or "do" (it is made so from now on). ``without`` lists ids of developments, ``added``
        developments as in docs/format.md. What is not there is as it was.
        """
        return dict(json.loads(json.dumps(self._settings)))

    @settings.setter
    def settings(self, settings: Mapping[str, Any]) -> None:
        self._settings = self._sound(settings)
        if self._widget is not None:
            self._widget.show()

    @property
    def fit(self) -> Fit:
        """The fit as the board now stands, with its draws: ``board.fit.ask(questions)`` has intervals."""
        return self._under(self._fit, self._settings)

    def state(self, settings: Mapping[str, Any] | None = None) -> Tree:
        """What the page shows under some settings, as a plain tree.

        Parameters
        ----------
        settings : mapping, optional
            As in :attr:`settings`, which they leave alone; by default those.

        Returns
        -------
        dict
            ``settings``; ``changed``, in words; ``probability``, ``change`` against the untouched fit and ``word`` of
            each answer, at the mode; ``drivers``, the probability of each state; ``fans``, the rungs at each date of
            :attr:`frame`, to five digits, of those ladders that differ from the untouched fit.

        Raises
        ------
        SpecError
            If the settings name what is not there.
        ImpossibleEvidence
            If they contradict the developments.
        """
        sound = self._settings if settings is None else self._sound(settings)
        key = json.dumps({name: sound[name] for name in UNTOUCHED})
        found = self._states.pop(key, None)
        if found is None:
            fit = self._under(self._mode, sound)
            found = {"changed": fit.scenario[len(self._mode.scenario) :], **self._compared(self._measured(fit))}
        self._states[key] = found
        if len(self._states) > KEPT:
            self._states.pop(next(iter(self._states)))
        return {"settings": sound, **found}

    # What is shown

    @property
    def frame(self) -> Tree:
        """What stays on the page whatever is set, as a plain tree: names, dates, developments, the untouched fit."""
        fit, model = self._fit, self._fit.model
        return {
            "title": model.name,
            "as_of": fit.as_of,
            "origin": model.origin,
            "level": self._answers.level,
            "scenario": fit.scenario,
            "dates": self._dates,
            "grades": list(grades().data["grade"]),
            "drivers": [
                {"name": name, "states": list(model.drivers[name].states), "now": law}
                for name, law in self._plain["drivers"].items()
            ],
            "ladders": [
                {
                    "name": name,
                    "rungs": model.ladders[name].rungs,
                    "ordered": model.ladders[name].ordered,
                    "colours": rung_colours(len(model.ladders[name].rungs), model.ladders[name].ordered),
                    "fan": self._plain["fans"][name],
                    "shown": name in self._ladders,
                }
                for name in model.ladders
            ],
            "indicators": [
                {"name": name, "values": list(x.states), "number": "outcome" in x.to_dict()}
                for name, x in model.indicators.items()
                if x.kind == "status"
            ],
            "developments": [
                {
                    "id": d.id,
                    "says": d.describe(),
                    "when": " to ".join(dict.fromkeys(d.span)) if d.span else "",
                    **{key: getattr(d, key) for key in ("reported", "grade", "source", "paragraph", "note", "doubt")},
                }
                for d in self._dossier
            ],
            "questions": [
                {
                    "name": answer.name,
                    "asks": question.describe(),
                    "criterion": question.criterion,
                    "mode": mode,
                    "probability": number_or_none(answer.probability),
                    "low": number_or_none(answer.low),
                    "high": number_or_none(answer.high),
                    "word": word_for(mode),
                }
                for question, answer, mode in zip(
                    self._questions, self._answers, self._plain["probability"], strict=True
                )
            ],
        }

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a question."""
        state = self.state()
        return {
            "question": list(self._answers.name),
            "probability": state["probability"],
            "change": state["change"],
            "untouched": self._plain["probability"],
            "low": self._answers.low.tolist(),
            "high": self._answers.high.tolist(),
            "words": state["word"],
        }

    def shown(self) -> Mapping[str, Sequence[Any]]:
        """As a reader sees it."""
        rows = self.columns()
        return {
            "question": rows["question"],
            "probability": [probability_text(p) for p in rows["probability"]],
            "change, points": [f"{100 * x:+.2g}" if abs(x) >= SEEN else "" for x in rows["change"]],
            "untouched": [probability_text(p) for p in rows["untouched"]],
            "in words": rows["words"],
        }

    def caption(self) -> str:
        """A line above the table."""
        return "; ".join([f"Board as of {self._fit.as_of}", *self.state()["changed"]])

    def __len__(self) -> int:
        return len(self._questions)

    __repr__ = Table.__str__

    # Where it is shown

    def widget(self) -> BoardWidget:
        """The board as a widget; always the same one, so that all its views move together.

        Raises
        ------
        ImportError
            If anywidget is not installed.
        """
        if self._widget is None:
            try:
                from .board_widget import BoardWidget
            except ImportError:
                raise ImportError("a live board needs anywidget: pip install 'escalade[board]'") from None
            self._widget = BoardWidget(self)
        return self._widget

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and the table of answers where widgets are not shown."""
        shown = self.widget()._repr_mimebundle_(**options)
        bundle, about = shown if isinstance(shown, tuple) else (shown, {})
        return {**(bundle or {}), "text/plain": str(self), "text/html": self._repr_html_()}, about

    def write(self, path: str | PathLike[str], *, replay: Any = None, progress: Progress = True) -> Path:
        """Write the page as one file that needs neither Python nor a network.

        It opens as the board now stands. Every single change (one driver in one state, one development struck out) is
        computed beforehand, about 20 ms each; more than one at once needs Python.

        Parameters
        ----------
        path : str or path
            Of the HTML file.
        replay : Replay, optional
            Of the same questions: the page gets a slider that shows the answers as they stood at earlier dates.
        progress : bool or callable
            As in :meth:`Model.fit`.

        Returns
        -------
        Path
            Of the file.

        Raises
        ------
        SpecError
            If the replay is none, or of other questions.
        """
        return page(self, path, replay, progress)

    # How it is computed

    def singles(self) -> Iterator[Tree]:
        """The settings that change one thing: a driver's state, learnt or made so, or a development struck out."""
        for name, driver in self._fit.model.drivers.items():
            for state in driver.states:
                for how in HOW:
                    yield {**UNTOUCHED, "drivers": {name: {"state": state, "how": how}}}
        for d in self.frame["developments"]:
            yield {**UNTOUCHED, "without": [d["id"]]}

    def _sound(self, settings: Mapping[str, Any]) -> Tree:
        """Settings with nothing missing and in one order, so that the same ones are written the same."""
        if not isinstance(settings, Mapping):
            raise wrong("the board's settings", settings, "a mapping with drivers, without, added and date")
        unexpected(settings, (*UNTOUCHED, "date"), "a board's settings have")
        drivers = settings.get("drivers", {})
        if not isinstance(drivers, Mapping):
            raise wrong("settings: drivers", drivers, "a mapping of driver to its state and how")
        known = self._fit.model.drivers
        moved = {name_of(name): sound_move(name_of(name), move) for name, move in drivers.items()}
        for name, move in moved.items():
            if name not in known:
                raise missing("settings: there is no driver", name, known)
            if move["state"] not in known[name].states:
                raise missing(f"settings: {name} has no state", move["state"], known[name].states, "it has")
        struck = set(texts(settings.get("without", []), "settings: without"))
        ids = [d.id for d in self._dossier]
        for id in struck:
            if id not in ids:
                raise missing("settings: the dossier has no development", id, ids, "it has")
        date = settings.get("date", self._settings["date"])
        return {
            "drivers": {name: moved[name] for name in known if name in moved},
            "without": [id for id in ids if id in struck],
            "added": self._sound_added(settings.get("added", [])),
            "date": sound_date(date, "settings: date")[:10],
        }

    def _sound_added(self, added: object) -> list[Tree]:
        """Developments as plain trees, each with a name."""
        trees: list[Tree] = []
        for i, one in enumerate(listed(added, "settings: added", "a list of developments")):
            tree = one.to_dict() if isinstance(one, Development) else one
            if not isinstance(tree, Mapping):
                raise wrong(f"settings: added[{i}]", one, "a development, or its tree as in docs/format.md")
            trees.append({"id": f"added {i + 1}", **tree})
        to_json(trees)
        return trees

    def _under(self, fit: Fit, settings: Tree) -> Fit:
        """A fit as the settings have it: struck out, added, learnt, made so, in this order."""
        fit = self._told(fit, settings)
        drivers = fit.model.drivers
        moves = [(drivers[name] == move["state"], move["how"]) for name, move in settings["drivers"].items()]
        learnt = [condition for condition, how in moves if how == "given"]
        if learnt:
            fit = fit.given(*learnt)
        for condition, how in moves:
            if how == "do":
                fit = fit.do(condition)
        return fit

    def _told(self, fit: Fit, settings: Tree) -> Fit:
        """A fit with its developments changed; the last is kept, since drivers are moved on top of it."""
        without, added = settings["without"], settings["added"]
        key = json.dumps([without, added])
        if fit is self._mode and key in self._known:
            return self._known[key]
        told = fit.without(*without) if without else fit
        if added:
            told = told.given(*(Development(tree) for tree in added))
        if fit is self._mode:
            self._known = {key: told}
        return told

    def _measured(self, fit: Fit) -> Tree:
        """The answers, drivers and fans of a fit at the mode."""
        core = fit._core
        laws, ahead = core.drivers(), core.forecast(self._dates)["ladders"]
        return {
            "probability": core.ask(self._asked)["mode"].tolist(),
            "drivers": {name: laws[name]["mode"].tolist() for name in fit.model.drivers},
            "fans": {name: np.round(ahead[name]["mode"], DIGITS).tolist() for name in fit.model.ladders},
        }

    def _compared(self, measured: Tree) -> Tree:
        """Beside the untouched fit: by how much answers changed, and only the fans that did."""
        before = self._plain
        return {
            "probability": measured["probability"],
            "change": [p - q for p, q in zip(measured["probability"], before["probability"], strict=True)],
            "word": [word_for(min(max(p, 0.0), 1.0)) for p in measured["probability"]],
            "drivers": measured["drivers"],
            "fans": {name: fan for name, fan in measured["fans"].items() if fan != before["fans"][name]},
        }


def sound_move(driver: str, move: object) -> Tree:
    """How a driver is moved: its state, and whether it was learnt or made so."""
    if not isinstance(move, Mapping) or "state" not in move:
        raise wrong(f"settings: driver {driver!r}", move, "a mapping with its state and how")
    unexpected(move, ("state", "how"), "a driver's settings have")
    how = move.get("how", "given")
    if how not in HOW:
        raise wrong(f"settings: driver {driver!r}: how", how, "'given' or 'do'")
    return {"state": text(move["state"], f"settings: driver {driver!r}: state"), "how": how}


def ladder_names(ladders: object, known: list[str]) -> list[str]:
    """The ladders whose fans are shown, in the model's order."""
    if ladders is None:
        return known
    several = [ladders] if isinstance(ladders, str) or hasattr(ladders, "name") else ladders
    names = [name_of(x, f"board: ladders[{i}]") for i, x in enumerate(listed(several, "board: ladders", "a list"))]
    for name in names:
        if name not in known:
            raise missing("board: there is no ladder", name, known)
    return [name for name in known if name in names]


def fan_dates(as_of: str, until: DateLike | None, questions: Questions) -> list[str]:
    """The dates of a fan: from a minute after now, before which the past would have to be told anew, to the end.

    >>> fan_dates("2024-11-30", "2024-12-02", Questions())
    ['2024-12-01T00:01', '2024-12-01', '2024-12-02']
    """
    now = end_of(as_of)
    end = horizon(questions, as_of) if until is None else sound_date(until, "board: until")
    first, last = now + np.timedelta64(1, "m"), day_of(end)
    if last <= first:
        raise wrong("board: until", until, f"{A_DATE}, after the fit's, {as_of}")
    days = int((last - first) / np.timedelta64(1, "D"))
    steps = min(N_DATES - 1, days + 1)
    later = [last - np.timedelta64(round(k * days / max(steps - 1, 1)), "D") for k in range(steps)]
    return [str(first)[:16], *sorted({str(date)[:10] for date in later})]


def number_or_none(value: float) -> float | None:
    """A number, or None where there is none."""
    return None if np.isnan(value) else float(value)
