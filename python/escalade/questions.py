"""Questions: what is asked of the world, each with a date."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

import numpy as np

from . import _core
from ._core import SpecError
from .condition import Condition, condition_tree, describe
from .frames import Table
from .values import (
    DateLike,
    Tree,
    WrongType,
    day_of,
    file_text,
    in_file,
    item,
    listed,
    missing,
    name_of,
    plain,
    sound_date,
    text,
    to_json,
    unexpected,
    whole,
    wrong,
)

if TYPE_CHECKING:
    from os import PathLike

    from .handles import Ladder

#: Which moves of a ladder count.
Kind = str | Iterable[tuple[str, str]]


class Label(TypedDict, total=False):
    """What a question carries beside what it asks."""

    name: str  #: unique among the questions asked together; made from what is asked if missing
    criterion: str  #: how a stranger decides it when its date has passed
    paragraph: int  #: where it stands in the source
    note: str  #: anything a reader should know


class Question:
    """A question about the world, asked as of the dossier's date; joined with others by ``&``, ``|`` and ``~``.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3, spread=2))
    >>> clash = esc.reach(korea == "clash", by="2025-06-30", name="clash by mid-2025")
    >>> clash & ~esc.at(korea == "clash", on="2025-06-30")
    <Question 'peninsula = clash by 2025-06-30 and not (peninsula = clash on 2025-06-30)'>
    """

    __slots__ = ("_tree",)

    def __init__(self, tree: Tree) -> None:
        self._tree = tree if "name" in tree else {"name": ask_words(tree["ask"]), **tree}

    @property
    def name(self) -> str:
        """Its name, by which its answer is found."""
        return str(self._tree["name"])

    @property
    def criterion(self) -> str | None:
        """How a stranger decides it when its date has passed."""
        return self._tree.get("criterion")

    def describe(self) -> str:
        """What is asked, in words."""
        words = ask_words(self._tree["ask"])
        return f"{words}, given {ask_words(self._tree['given'])}" if "given" in self._tree else words

    def to_dict(self) -> Tree:
        """The question as a plain tree (docs/format.md)."""
        return deepcopy(self._tree)

    def named(self, name: str, criterion: str | None = None) -> Question:
        """The same question under another name, and perhaps with a criterion.

        Parameters
        ----------
        name : str
        criterion : str, optional

        Returns
        -------
        Question
        """
        return Question({**self._tree, **labels({"name": name, "criterion": criterion})})

    def given(self, other: Question, **label: Unpack[Label]) -> Question:
        """The question conditional on another: P(this and that) / P(that).

        Parameters
        ----------
        other : Question
            What is taken as true.
        **label
            ``name=``, ``criterion=``, ``paragraph=``, ``note=``.

        Returns
        -------
        Question

        Raises
        ------
        SpecError
            If one of them is conditional already.
        """
        if not isinstance(other, Question):
            raise wrong(f"{self.name!r}.given: the first argument", other, A_QUESTION)
        if "given" in self._tree or "given" in other._tree:
            raise SpecError("a question conditional on another cannot be made conditional again; join them with &")
        tree = {"ask": self._tree["ask"], "given": other._tree["ask"]}
        name = f"{self.name}, given {other.name}"
        return Question({"name": name, **tree, **labels(label)})

    def _join(self, word: str, other: object) -> Question:
        if not isinstance(other, Question):
            sign = "&" if word == "all" else "|"
            raise wrong(f"{self.name!r} {sign}: the other side", other, A_QUESTION)
        return Question({"ask": {word: [part for q in (self, other) for part in q._asked().get(word, [q._asked()])]}})

    def _asked(self) -> Tree:
        if "given" in self._tree:
            raise SpecError(f"{self.name!r} is conditional; join questions first, then say .given(...)")
        return dict(self._tree["ask"])

    def __and__(self, other: Question) -> Question:
        return self._join("all", other)

    def __or__(self, other: Question) -> Question:
        return self._join("any", other)

    def __invert__(self) -> Question:
        inner = self._asked().get("not")
        return Question({"ask": inner if inner is not None else {"not": self._asked()}})

    def __bool__(self) -> bool:
        raise WrongType(f"the question {self.name!r} has no truth value; join questions with & | ~")

    def __eq__(self, other: object) -> bool:
        return self._tree == other._tree if isinstance(other, Question) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return Question, (self._tree,)

    def _repr_html_(self) -> str:
        decided = f"<br><small>decided by: {escape(self.criterion)}</small>" if self.criterion else ""
        return f"<b>{escape(self.name)}</b><br>{escape(self.describe())}{decided}"

    def __repr__(self) -> str:
        return f"<Question {self.name!r}>"


def at(what: Condition, on: DateLike, **label: Unpack[Label]) -> Question:
    """Does a condition hold on a date? A bare date is its noon.

    Parameters
    ----------
    what : Condition
        Of ladders and drivers.
    on : date
        Of a date up to the dossier's own it is asked what the developments say of it.
    **label
        ``name=``, ``criterion=``, ``paragraph=``, ``note=``.

    Returns
    -------
    Question

    Raises
    ------
    SpecError
        If it is no condition, or no date; the model refuses the rest when it is asked.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3))
    >>> esc.at(korea >= "provocation", on="2025-06-30")
    <Question 'peninsula ≥ provocation on 2025-06-30'>
    """
    return Question(
        {**labels(label), "ask": {"at": condition_tree(what, "at: the first argument"), "on": sound_date(on, "at: on")}}
    )


def reach(what: Condition, by: DateLike, *, since: DateLike | None = None, **label: Unpack[Label]) -> Question:
    """Does a condition hold at some time from now to the end of a day? True at once if it holds already.

    ``reach(A & B)`` means both at one instant; ``reach(A) & reach(B)`` need not. A span that begins in the past says
    so: ``reach(A, since="2024-10-01", by="2024-11-15")`` asks whether it was reached, given all developments.

    Parameters
    ----------
    what : Condition
        Of ladders and drivers.
    by : date
        The day's 24:00; after the dossier's date, if there is no `since`.
    since : date, optional
        Where the span begins, the day's 00:00; now if missing. From a past day on, the developments tell.
    **label
        ``name=``, ``criterion=``, ``paragraph=``, ``note=``.

    Returns
    -------
    Question

    Raises
    ------
    SpecError
        If it is no condition, or no date; the model refuses the rest when it is asked.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3))
    >>> esc.reach(korea == "clash", by="2025-06-30", criterion="an exchange of fire with deaths")
    <Question 'peninsula = clash by 2025-06-30'>
    """
    ask = {"reach": condition_tree(what, "reach: the first argument"), **span_of("reach", since, by)}
    return Question({**labels(label), "ask": ask})


def enters(
    what: Condition, by: DateLike, *, since: DateLike | None = None, times: int = 1, **label: Unpack[Label]
) -> Question:
    """Does a condition become true, false just before, after now and by the end of a day, once or several times?

    Parameters
    ----------
    what : Condition
        Of ladders and drivers.
    by : date
        The day's 24:00; after the dossier's date, if there is no `since`.
    since : date, optional
        Where the span begins, the day's 00:00; now if missing. From a past day on, the developments tell.
    times : int
        How often at least.
    **label
        ``name=``, ``criterion=``, ``paragraph=``, ``note=``.

    Returns
    -------
    Question

    Raises
    ------
    SpecError
        If it is no condition, or no date; the model refuses the rest when it is asked.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3))
    >>> esc.enters(korea >= "provocation", by="2025-06-30")
    <Question 'enters peninsula ≥ provocation by 2025-06-30'>
    >>> esc.enters(korea >= "provocation", by="2025-06-30", times=3)
    <Question 'enters peninsula ≥ provocation 3 times by 2025-06-30'>
    """
    ask = {"enters": condition_tree(what, "enters: the first argument"), **span_of("enters", since, by)}
    return Question({**labels(label), "ask": {**ask, **times_of("enters", times)}})


def moves(
    ladder: Ladder,
    kind: Kind = "all",
    *,
    by: DateLike,
    since: DateLike | None = None,
    times: int = 1,
    **label: Unpack[Label],
) -> Question:
    """Does a ladder move, in some direction, at some time after now and by the end of a day, or several times?

    Parameters
    ----------
    ladder : Ladder
    kind : {"all", "up", "down"}, or a list of pairs (from, to)
        Which moves count. A ladder set by hand at a later date moves then.
    by : date
        The day's 24:00; after the dossier's date, if there is no `since`.
    since : date, optional
        Where the span begins, the day's 00:00; now if missing. From a past day on, the developments tell.
    times : int
        How often at least.
    **label
        ``name=``, ``criterion=``, ``paragraph=``, ``note=``.

    Returns
    -------
    Question

    Raises
    ------
    SpecError
        If there is no such kind of move, or no date; the model refuses the rest when it is asked.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3))
    >>> esc.moves(korea, "up", by="2025-06-30", times=2)
    <Question 'peninsula moves up 2 times by 2025-06-30'>
    """
    ask = {"moves": moves_tree(ladder, kind), **span_of("moves", since, by), **times_of("moves", times)}
    return Question({**labels(label), "ask": ask})


def time_in(
    what: Condition, at_least: str, *, by: DateLike, since: DateLike | None = None, **label: Unpack[Label]
) -> Question:
    """Does a condition hold for so long, all in all, from now to the end of a day?

    Parameters
    ----------
    what : Condition
        Of ladders and drivers.
    at_least : str
        A duration: ``"30 days"``, ``"2 weeks"``, ``"3 months"``; no more than the span.
    by : date
        The day's 24:00; after the dossier's date, if there is no `since`.
    since : date, optional
        Where the span begins, the day's 00:00; now if missing. From a past day on, the developments tell.
    **label
        ``name=``, ``criterion=``, ``paragraph=``, ``note=``.

    Returns
    -------
    Question

    Raises
    ------
    SpecError
        If it is no condition, or no date; the model refuses the rest when it is asked.

    Notes
    -----
    The answer is the limit of answers to "more than an Erlang time of n stages and this mean", n up to 128 (Post and
    Widder's inversion with Richardson's extrapolation, Abate and Whitt 1995), about 1e-6 beside it at worst; see
    :meth:`Fit.time_law` for the whole distribution with its errors.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "war"], up=esc.per_year(0.3))
    >>> esc.time_in(korea == "war", "30 days", by="2025-12-31")
    <Question 'peninsula = war for 30 days by 2025-12-31'>
    """
    ask = {
        "time_in": condition_tree(what, "time_in: the first argument"),
        "at_least": text(at_least, "time_in: at_least", "a duration such as '30 days' or '3 months'"),
    }
    return Question({**labels(label), "ask": {**ask, **span_of("time_in", since, by)}})


def first(
    what: Condition, before: Condition, by: DateLike, *, since: DateLike | None = None, **label: Unpack[Label]
) -> Question:
    """Does one condition hold at some time from now to the end of a day, and the other at no time before or then?

    Parameters
    ----------
    what, before : Condition
        What comes first, and what does not come before it.
    by : date
        The day's 24:00; after the dossier's date, if there is no `since`.
    since : date, optional
        Where the span begins, the day's 00:00; now if missing. From a past day on, the developments tell.
    **label
        ``name=``, ``criterion=``, ``paragraph=``, ``note=``.

    Returns
    -------
    Question

    Raises
    ------
    SpecError
        If it is no condition, or no date; the model refuses the rest when it is asked.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3))
    >>> peace = m.ladder("settlement", ["war", "truce"], up=esc.per_year(0.2))
    >>> esc.first(korea == "clash", before=peace == "truce", by="2025-12-31")
    <Question 'peninsula = clash before settlement = truce, by 2025-12-31'>
    """
    ask = {
        "first": condition_tree(what, "first: the first argument"),
        "before": condition_tree(before, "first: before"),
        **span_of("first", since, by),
    }
    return Question({**labels(label), "ask": ask})


class Questions(Table):
    """Questions that are asked together, found by name or place.

    Parameters
    ----------
    questions : Question or iterable of them
        Their names must differ.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3))
    >>> qs = esc.Questions([esc.reach(korea == "clash", by="2025-06-30", name="clash")])
    >>> qs["clash"].describe()
    'peninsula = clash by 2025-06-30'
    """

    def __init__(self, questions: AsQuestions = ()) -> None:
        if isinstance(questions, str | Mapping) or not isinstance(questions, Question | Questions | Iterable):
            raise wrong("what is asked", questions, f"{A_QUESTION}, or several in a list")
        listed = (questions,) if isinstance(questions, Question) else tuple(questions)
        for i, q in enumerate(listed):
            if not isinstance(q, Question):
                raise wrong(f"question {i}", q, A_QUESTION)
        names = [q.name for q in listed]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise SpecError(f"two questions are named {min(twice)!r}; give one another name=")
        self._questions = listed
        # (text, file) of the TOML file that they came from
        self._toml: tuple[str, str | None] | None = questions._toml if isinstance(questions, Questions) else None
        # the models that the file was checked against
        self._passed: set[tuple[str, ...]] = questions._passed if isinstance(questions, Questions) else set()

    def __len__(self) -> int:
        return len(self._questions)

    def __iter__(self) -> Iterator[Question]:
        return iter(self._questions)

    @overload
    def __getitem__(self, key: str | int) -> Question: ...
    @overload
    def __getitem__(self, key: slice) -> Questions: ...
    def __getitem__(self, key: str | int | slice) -> Question | Questions:
        if isinstance(key, slice):
            return Questions(self._questions[key])
        if isinstance(key, int):
            return item(self._questions, key, "the questions")
        for q in self._questions:
            if q.name == key:
                return q
        raise missing("there is no question", key, [q.name for q in self])

    def columns(self) -> dict[str, list[Any]]:
        """The questions as columns."""
        return {
            "name": [q.name for q in self],
            "asks": [q.describe() for q in self],
            "criterion": [q.criterion for q in self],
        }

    def caption(self) -> str:
        """A line above the table."""
        return f"{len(self)} question{'s' * (len(self) != 1)}"

    def to_dict(self) -> Tree:
        """The questions as a plain tree (docs/format.md)."""
        return {"question": [q.to_dict() for q in self]}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Questions:
        """The questions of a plain tree (docs/format.md).

        Parameters
        ----------
        tree : mapping
            As in docs/format.md; dates may be text or dates.

        Returns
        -------
        Questions

        Raises
        ------
        SpecError
            With the entry and field where it is malformed.
        """
        if not isinstance(tree, Mapping):
            raise wrong("the tree of questions", tree, "a mapping with a list of question")
        whole_tree = plain(tree, "the questions")
        asked = whole_tree.get("question", [])
        for i, q in enumerate(asked if isinstance(asked, list) else ()):
            if isinstance(q, dict) and isinstance(q.get("ask"), dict) and "name" not in q:
                check_ask(q["ask"], f"question {i + 1}")
                q["name"] = ask_words(q["ask"])
        _core.questions_to_toml(to_json(whole_tree))  # refuses, by its entry, what no file could hold
        for q in asked:
            for key in ("ask", "given"):
                if key in q:
                    check_ask(q[key], f"question {q['name']!r}")
        return cls(Question(q) for q in asked)

    def _checked(self, fit: _core.Fit) -> str:
        """The tree as JSON; what came from a TOML file is checked there, so that an error names its line.

        Once a model: the kernel checks again, by the tree, so a check too few costs no more than the line.
        """
        model = (fit.as_of, *fit.coordinates())
        if self._toml is not None and model not in self._passed:
            fit.model().check_questions_toml(fit.dossier(), *self._toml)
            self._passed.add(model)
        return to_json({"question": [q._tree for q in self]})

    def to_toml(self) -> str:
        """The questions as the text of a TOML file."""
        return _core.questions_to_toml(to_json(self.to_dict()))

    @classmethod
    def from_toml(cls, text: str, file: str | None = None) -> Questions:
        """The questions of a TOML file's text; `file` is its name in messages.

        Parameters
        ----------
        text : str
        file : str, optional

        Returns
        -------
        Questions

        Raises
        ------
        SpecError
            With the line where it is malformed.
        """
        tree = json.loads(_core.questions_from_toml(text, file))
        names = [q["name"] for q in tree["question"]]
        try:
            questions = cls.from_dict(tree)
        except SpecError as error:
            twice = next((f'name = "{name}"' for name in names if names.count(name) > 1), "ask")
            raise in_file(error, file, text, twice) from None
        questions._toml = (text, file)
        return questions

    def write(self, path: str | PathLike[str]) -> None:
        """Write the questions to a TOML file.

        Parameters
        ----------
        path : str or path
        """
        Path(path).write_text(self.to_toml(), encoding="utf-8")

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Questions:
        """Read questions from a TOML file.

        Parameters
        ----------
        path : str or path
            A UTF-8 file.

        Returns
        -------
        Questions

        Raises
        ------
        SpecError
            With the file and the line, where it is malformed or not UTF-8.
        OSError
            Python's own, such as FileNotFoundError, where it cannot be opened.
        """
        return cls.from_toml(file_text(path), str(path))

    def __eq__(self, other: object) -> bool:
        return self._questions == other._questions if isinstance(other, Questions) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._questions)

    def __repr__(self) -> str:
        return f"<Questions {', '.join(q.name for q in self)}>"


#: What may be given where questions are asked for.
AsQuestions = Question | Questions | Iterable[Question]


A_QUESTION = "a question, such as esc.reach(condition, by=date)"
FORMS = {"at": "on", "reach": "by", "enters": "by", "moves": "by", "time_in": "by", "first": "by"}


def check_ask(ask: Any, entry: str) -> None:
    """Refuse what is no form of a question."""
    if isinstance(ask, dict):
        for word in ("all", "any"):
            if isinstance(ask.get(word), list):
                for part in ask[word]:
                    check_ask(part, entry)
                return
        if "not" in ask:
            return check_ask(ask["not"], entry)
        for form, date in FORMS.items():
            conditions = [ask.get(key) for key in ((form, "before") if form == "first" else (form,))]
            if form in ask and date in ask and all(isinstance(c, dict) for c in conditions):
                return None
    raise wrong(
        f"{entry}: ask", ask, "one of the forms at, reach, enters, moves, time_in, first, all, any, not, with its date"
    )


def labels(label: Label | Tree) -> Tree:
    """The labels that were given."""
    unexpected(label, Label.__annotations__, "a question may carry")
    for key, value in label.items():
        if value is not None:
            (whole if key == "paragraph" else text)(value, f"the {key} of a question")
    return {key: value for key, value in label.items() if value is not None}


def ask_words(ask: Tree) -> str:
    """What is asked, in words."""
    for word, joint in (("all", " and "), ("any", " or ")):
        if word in ask:
            return joint.join(part_words(part) for part in ask[word])
    if "not" in ask:
        return f"not ({ask_words(ask['not'])})"
    if "at" in ask:
        return f"{describe(ask['at'])} on {ask['on']}"
    span = f"from {ask['since']} to {ask['by']}" if "since" in ask else f"by {ask['by']}"
    if "reach" in ask:
        return f"{describe(ask['reach'])} {span}"
    often = f" {ask['times']} times" if ask.get("times", 1) > 1 else ""
    if "enters" in ask:
        return f"enters {describe(ask['enters'])}{often} {span}"
    if "time_in" in ask:
        return f"{describe(ask['time_in'])} for {ask.get('at_least', '?')} {span}"
    if "moves" in ask:
        return f"{moves_words(ask['moves'])}{often} {span}"
    return f"{describe(ask['first'])} before {describe(ask['before'])}, {span}"


def moves_words(tree: Tree) -> str:
    """The moves that are asked for, in words."""
    kind = tree.get("moves", "all")
    which = kind if isinstance(kind, str) else ", ".join(f"{a} → {b}" for a, b in kind)
    return f"{tree['ladder']} moves{'' if which == 'all' else f' {which}'}"


def span_of(form: str, since: DateLike | None, by: DateLike) -> Tree:
    """The span of a question's tree."""
    begins = {} if since is None else {"since": sound_date(since, f"{form}: since")}
    return {**begins, "by": sound_date(by, f"{form}: by")}


def times_of(form: str, times: int) -> Tree:
    """How often, where that is more than once."""
    often = whole(times, f"{form}: times", 1)
    return {} if often == 1 else {"times": often}


def moves_tree(ladder: object, kind: object) -> Tree:
    """The moves of a ladder that are asked for."""
    name = name_of(ladder, "moves: the ladder")
    if isinstance(kind, str):
        return {"ladder": name} if kind == "all" else {"ladder": name, "moves": kind}
    pairs = [list(pair) for pair in listed(kind, "moves: kind", '"all", "up", "down", or a list of pairs (from, to)')]
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(rung, str) for rung in pair):
            raise wrong("moves: a pair", pair, "two rungs (from, to)")
    return {"ladder": name, "moves": pairs}


def part_words(ask: Tree) -> str:
    """The words of a part, in brackets where they join several."""
    return f"({ask_words(ask)})" if "all" in ask or "any" in ask or "first" in ask else ask_words(ask)


def one_question(question: AsQuestions, what: str) -> tuple[str, str]:
    """Its name, and the tree as JSON."""
    asked = list(Questions(question))
    if len(asked) != 1:
        raise wrong(what, f"{len(asked)} questions", "one question")
    return asked[0].name, to_json(Questions(asked).to_dict())


def single_asks(question: Question) -> list[Tree]:
    """What a question asks, part by part as it was joined, with what it is given."""
    tree = question.to_dict()
    parts, single = [tree["ask"], *([tree["given"]] if "given" in tree else [])], []
    while parts:
        ask = parts.pop()
        joined = [part for word in ("all", "any") for part in ask.get(word, ())]
        joined += [ask["not"]] if "not" in ask else []
        parts += joined
        single += [] if joined else [ask]
    return single


def last_day(ask: Tree) -> str:
    """The day on which the time of a single ask is over."""
    return str(ask.get("by", ask.get("on")))[:10]


def horizon(questions: Iterable[Question], as_of: str) -> str:
    """The last day that is asked about; a year ahead where all of them are past.

    >>> horizon([], "2024-11-30")
    '2025-11-30'
    """
    last = max((last_day(ask) for question in questions for ask in single_asks(question)), default="")
    return last if last > as_of[:10] else str(day_of(as_of) + np.timedelta64(365, "D"))[:10]
