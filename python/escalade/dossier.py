"""The dossier: dated, sourced developments, known by a date."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from . import _core
from ._core import SpecError
from .condition import Condition, condition_tree, describe, subjects
from .frames import Table
from .priors import Intensity
from .values import (
    DateLike,
    Tree,
    date_text,
    file_text,
    in_file,
    item,
    listed,
    missing,
    name_of,
    number,
    plain,
    sound_date,
    span_text,
    text,
    to_json,
    unexpected,
    whole,
    wrong,
)

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes

    from .handles import Driver, Handle, Ladder, Status
    from .model import Model

Span = tuple[DateLike, DateLike]
KINDS = ("saw", "never", "moved", "counted", "measured", "likelihood")


class About(TypedDict, total=False):
    """What a development carries beside what it says."""

    id: str  #: unique; given as d1, d2, ... if missing
    reported: DateLike  #: when it became known; by default the end of what it says
    grade: str  #: of its source, "A1" to "F6" (see :func:`escalade.grades`)
    hit: float  #: P(reported | it happened), 1 by default
    false_alarm: float  #: P(reported | it did not), 0 by default
    #: the driver on which the rates depend, with a grade or (hit, false_alarm) for each of its states
    trust: Mapping[Driver, Mapping[str, Any]]
    false_rate: Intensity  #: of false reports, for moves and events that are not certain
    source: str  #: who says so
    paragraph: int  #: where it stands in the source
    note: str  #: what it says, in your own words
    doubt: str  #: why it is doubted, where it is


class Development:
    """One dated, sourced development; made by :meth:`Dossier.saw` and its kin.

    What it carries is read as an attribute: ``id``, ``reported``, ``grade``, ``hit``, ``false_alarm``, ``source``,
    ``paragraph``, ``note``, ``doubt``; None where it was not given.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3, spread=2))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> seen = d.saw(korea == "clash", on="2024-10-20", grade="B2")
    >>> seen.grade, seen.span
    ('B2', ('2024-10-20', '2024-10-20'))
    """

    __slots__ = ("_tree",)

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def to_dict(self) -> Tree:
        """The development as a plain tree (docs/format.md)."""
        return deepcopy(self._tree)

    @property
    def id(self) -> str:
        """Its name in the dossier."""
        return str(self._tree["id"])

    @property
    def kind(self) -> str:
        """What it says: "saw", "never", "moved", "counted", "measured" or "likelihood"."""
        return next((kind for kind in KINDS if kind in self._tree), "nothing")

    @property
    def span(self) -> tuple[str, str] | None:
        """From when to when it held; the same date twice for a point, None if it says no date."""
        if "on" in self._tree:
            return self._tree["on"], self._tree["on"]
        ends = self._tree.get("between", self._tree.get("over"))
        return None if ends is None else (ends[0], ends[1])

    @property
    def reported(self) -> str | None:
        """When it became known: as stated, or the end of its span."""
        stated = self._tree.get("reported")
        return str(stated) if stated is not None else self.span[1] if self.span else None

    @property
    def subjects(self) -> list[str]:
        """The drivers, ladders or indicators that it bears on."""
        said = self._tree.get(self.kind, {})
        if self.kind in ("saw", "never"):
            return list(subjects(said))
        return [said[key] for key in ("ladder", "indicator", "of") if key in said]

    def describe(self) -> str:
        """What it says, in words."""
        said = self._tree.get(self.kind, {})
        if self.kind in ("saw", "never"):
            entered = " newly" if self._tree.get("entered") else ""
            return f"{self.kind}{entered} {describe(said)}"
        if self.kind == "moved":
            return f"{said['ladder']} moved {said['from']} → {said['to']}"
        if self.kind == "counted":
            times = said.get("count", len(said.get("at") or ()))
            return f"{said['indicator']} counted {times}"
        if self.kind == "measured":
            return f"{said['indicator']} measured {said['value']:g}"
        values = ", ".join(f"{state} {weight:g}" for state, weight in said.get("values", {}).items())
        return f"likelihood of {said.get('of', '?')}: {values}"

    def __getattr__(self, key: str) -> Any:
        if key in About.__annotations__ or key == "entered":
            return self._tree.get(key)
        raise AttributeError(f"a development has no {key!r}")

    def __eq__(self, other: object) -> bool:
        return self._tree == other._tree if isinstance(other, Development) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __reduce__(self) -> tuple[Any, ...]:
        return Development, (self._tree,)

    def _repr_html_(self) -> str:
        when = " to ".join(dict.fromkeys(self.span)) if self.span else "no date"
        parts = [f"<b>{escape(self.id)}</b> {escape(self.describe())} ({when})"]
        about = [(key, self._tree.get(key)) for key in ("grade", "source", "note", "doubt")]
        parts += [f"<small>{key}: {escape(str(value))}</small>" for key, value in about if value is not None]
        return "<br>".join(parts)

    def __repr__(self) -> str:
        when = " to ".join(dict.fromkeys(self.span)) if self.span else "no date"
        return f"<Development {self.id}: {self.describe()} ({when})>"


class Dossier(Table):
    """Developments, and the date as of which they are read: what was reported later is left out.

    Developments are checked against the model as they are entered, where they speak of it through its handles, and
    again by the fit.

    Parameters
    ----------
    as_of : date
        The forecast's now, its day included.
    name, note : str, optional
        A title, and anything a reader should know.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3, spread=2))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> d.saw(korea >= "provocation", between=("2024-10-08", "2024-10-17"), grade="B2", note="roads blown up")
    <Development d1: saw peninsula ≥ provocation (2024-10-08 to 2024-10-17)>
    >>> d.never(korea == "clash", between=("2024-10-01", "2024-11-30"), id="no-clash")
    <Development no-clash: never peninsula = clash (2024-10-01 to 2024-11-30)>
    """

    def __init__(self, as_of: DateLike, *, name: str | None = None, note: str | None = None) -> None:
        head = {"as_of": sound_date(as_of, "as_of"), "name": name, "note": note}
        for key in ("name", "note"):
            text(head[key] or "", f"the {key} of a dossier")
        self._tree: Tree = {key: value for key, value in head.items() if value is not None}
        self._tree["development"] = []
        self._model: Model | None = None
        # (text, file, tree) of the TOML file that it came from
        self._toml: tuple[str, str | None, Tree] | None = None

    # Entering

    def saw(
        self,
        what: Condition,
        *,
        on: DateLike | None = None,
        between: Span | None = None,
        entered: bool = False,
        **about: Unpack[About],
    ) -> Development:
        """A condition held: at a date, or at some time in a span.

        Parameters
        ----------
        what : Condition
            Of ladders and drivers, or of one status indicator (``tone == "sharp"``, on a date).
        on : date, optional
            It held then; a bare date is its noon.
        between : pair of dates, optional
            It held at some time from the first day's 00:00 to the last day's 24:00.
        entered : bool
            With a span: it was newly entered; being there from the start does not count.
        **about
            `id`, `reported`, `grade`, `hit`, `false_alarm`, `trust`, `source`, `paragraph`, `note`, `doubt`.

        Examples
        --------
        Reports that hang on one driver are wrong together, and tell of it: what nothing else bears out is its doing.

        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> ministry = m.driver("ministry", {"honest": 0.8, "playing": 0.2})
        >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_month(0.1))
        >>> d = esc.Dossier(as_of="2024-11-30")
        >>> trust = {ministry: {"honest": (0.9, 0.05), "playing": (0.5, 0.5)}}
        >>> for day in ("2024-10-20", "2024-10-21", "2024-10-22"):
        ...     _ = d.saw(front == "war", on=day, trust=trust)
        >>> round(m.condition(d).drivers()["ministry"]["honest"], 2)
        0.59
        """
        extra = {"entered": True} if entered else {}
        return self._enter(
            {"saw": condition_tree(what, "saw: the first argument"), **extra}, about, what, on=on, between=between
        )

    def never(
        self, what: Condition, *, between: Span | None = None, entered: bool = False, **about: Unpack[About]
    ) -> Development:
        """A condition held at no time in a span, though one looked.

        Parameters
        ----------
        what : Condition
            Of ladders and drivers.
        between : pair of dates
            From the first day's 00:00 to the last day's 24:00; needed.
        entered : bool
            It was never newly entered; being there from the start does not count.
        **about
            As in :meth:`saw`.

        Returns
        -------
        Development

        Raises
        ------
        SpecError
            If the span is missing or wrong.
        """
        if between is None:
            raise SpecError("never: between is missing; expected a pair of dates (from, to)")
        extra = {"entered": True} if entered else {}
        return self._enter(
            {"never": condition_tree(what, "never: the first argument"), **extra}, about, what, between=between
        )

    def moved(self, ladder: Ladder | str, a: str, b: str, *, on: DateLike, **about: Unpack[About]) -> Development:
        """A ladder moved from one rung to another, exactly then.

        Where it is not certain, `hit` or `grade` also need a rate of false reports: ``false_rate=esc.per_month(x)``.

        Parameters
        ----------
        ladder : Ladder or str
            Which.
        a, b : str
            The rung it left and the rung it went to; the model must have a rate for the move.
        on : date
            When; a bare date is its noon.
        **about
            As in :meth:`saw`, and `false_rate`.

        Returns
        -------
        Development
        """
        said = {
            "ladder": name_of(ladder, "moved: the ladder"),
            "from": text(a, "moved: the rung it left"),
            "to": text(b, "moved: the rung it went to"),
        }
        return self._enter({"moved": said}, about, ladder, on=on)

    def counted(
        self,
        events: Handle | str,
        *,
        at: Iterable[DateLike] | None = None,
        count: int | None = None,
        over: Span,
        **about: Unpack[About],
    ) -> Development:
        """Events of an indicator in a span: at which dates, or how many. None at all is evidence too.

        Parameters
        ----------
        events : Events or str
            The indicator.
        at : list of dates, optional
            When they happened; an empty list says that none did.
        count : int, optional
            How many happened, where the dates are not known.
        over : pair of dates
            The span, whole days; spans of one indicator may not overlap.
        **about
            As in :meth:`saw`, and `false_rate`.
        """
        said: Tree = {"indicator": name_of(events, "counted: the indicator")}
        if at is not None:
            dates = [at] if isinstance(at, str) else listed(at, "counted: at", "a list of dates")
            said["at"] = [date_text(date, f"counted: at[{i}]") for i, date in enumerate(dates)]
        if count is not None:
            said["count"] = whole(count, "counted: count")
        return self._enter({"counted": said}, about, events, over=over)

    def likelihood(
        self,
        of: Handle | Status | str,
        values: Mapping[str, float],
        *,
        on: DateLike | None = None,
        **about: Unpack[About],
    ) -> Development:
        """How likely the report is under each rung, state or value of one variable; those left out have 0.

        Parameters
        ----------
        of : handle or str
            A ladder, driver or status indicator.
        values : mapping of rung, state or value to float
            P(report | it), 0 or more; only their ratios matter.
        on : date
            When; not for a driver.
        **about
            As in :meth:`saw`.

        Returns
        -------
        Development
        """
        if not isinstance(values, Mapping):
            raise wrong("likelihood: values", values, "a mapping of rung, state or value to a number")
        weights = {str(state): number(weight, f"likelihood: values[{state!r}]") for state, weight in values.items()}
        said = {"of": name_of(of, "likelihood: the variable"), "values": weights}
        return self._enter({"likelihood": said}, about, of, on=on)

    def measured(self, indicator: Status | str, value: float, *, on: DateLike, **about: Unpack[About]) -> Development:
        """The number that a status indicator showed at a date.

        Parameters
        ----------
        indicator : Status or str
            One with an `outcome`.
        value : float
            What it showed.
        on : date
            When.
        **about
            As in :meth:`saw`, but for grades: a number is taken as it stands.

        Returns
        -------
        Development

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
        >>> shots = m.status("shots in a day", given=korea, outcome=esc.poisson(mean=[0.1, 40]))
        >>> d = esc.Dossier(as_of="2024-11-30")
        >>> d.measured(shots, 12, on="2024-11-03")
        <Development d1: shots in a day measured 12 (2024-11-03)>
        """
        said = {
            "indicator": name_of(indicator, "measured: the indicator"),
            "value": number(value, "measured: the value"),
        }
        return self._enter({"measured": said}, about, indicator, on=on)

    def _enter(self, said: Tree, about: About, speaker: object, **when: Any) -> Development:
        """Add a development, checked against the model that it speaks of."""
        unexpected(about, About.__annotations__, "a development may carry")
        named = about.get("id")
        id = self._next_id() if named is None else text(named, "the id of a development")
        entry = f"development {id!r}"
        tree: Tree = {"id": id, **said}
        for key, value in when.items():
            if value is not None:
                what = f"{entry}: {key}"
                tree[key] = date_text(value, what) if key == "on" else span_text(value, what)
        for key, value in about.items():
            if value is not None and key != "id":
                tree |= about_entry(key, value, entry)
        model = getattr(speaker, "_model", None)
        if self._model is not None and model is not None and self._model is not model and self._model != model:
            raise SpecError(
                f"{entry} speaks of another model, {model!r}; the developments before it speak of {self._model!r}"
            )
        before, self._model = self._model, self._model or model
        try:
            return self._append(tree)
        except BaseException:
            self._model = before
            raise

    def add(self, development: Development) -> Development:
        """Add a development that was made elsewhere.

        Parameters
        ----------
        development : Development
            Its id must be new here.

        Returns
        -------
        Development
        """
        if not isinstance(development, Development):
            raise wrong("add: the first argument", development, "a development, such as another dossier's d['id']")
        return self._append(development.to_dict())

    def _append(self, tree: Tree) -> Development:
        entries = self._tree["development"]
        entries.append(tree)
        try:
            if self._model is not None:
                self._model._core.check_dossier(to_json(self._tree))
        except BaseException:
            entries.pop()
            raise
        return Development(tree)

    def _next_id(self) -> str:
        taken = {tree["id"] for tree in self._tree["development"]}
        n = len(taken) + 1
        while f"d{n}" in taken:
            n += 1
        return f"d{n}"

    # Looking

    @property
    def as_of(self) -> str:
        """The date as of which it is read."""
        return str(self._tree["as_of"])

    @property
    def name(self) -> str:
        """Its title."""
        return str(self._tree.get("name", ""))

    def at(self, as_of: DateLike) -> Dossier:
        """The same developments as of another date.

        Parameters
        ----------
        as_of : date
            What was reported later is left out by the fit.

        Returns
        -------
        Dossier
        """
        return Dossier.from_dict({**self._tree, "as_of": sound_date(as_of, "as_of")})

    def without(self, *ids: str) -> Dossier:
        """A dossier without some developments.

        Parameters
        ----------
        *ids : str
            Of developments.

        Returns
        -------
        Dossier

        Raises
        ------
        SpecError
            If there is no such development, or none is named.
        """
        if not ids:
            raise SpecError("without: no development is named; expected at least one id")
        for id in ids:
            self[id]
        return Dossier.from_dict({**self._tree, "development": [d.to_dict() for d in self if d.id not in ids]})

    def __len__(self) -> int:
        return len(self._tree["development"])

    def __iter__(self) -> Iterator[Development]:
        return (Development(tree) for tree in self._tree["development"])

    def __getitem__(self, key: str | int) -> Development:
        if isinstance(key, int):
            return Development(item(self._tree["development"], key, "the dossier's developments"))
        for tree in self._tree["development"]:
            if tree["id"] == key:
                return Development(tree)
        raise missing("the dossier has no development", key, [d.id for d in self], "it has")

    def columns(self) -> dict[str, list[Any]]:
        """The developments as columns, in their order."""
        return {
            "id": [d.id for d in self],
            "from": [d.span[0] if d.span else None for d in self],
            "to": [d.span[1] if d.span else None for d in self],
            "reported": [d.reported for d in self],
            "says": [d.describe() for d in self],
            **{key: [getattr(d, key) for d in self] for key in ("grade", "source", "paragraph", "note", "doubt")},
        }

    def caption(self) -> str:
        """A line above the table."""
        n = len(self)
        return f"{self.name or 'Dossier'}: {n} development{'s' * (n != 1)} as of {self.as_of}"

    def plot(self, model: Model | None = None, **options: Any) -> Axes:
        """The developments on a time line: see :func:`escalade.plot.timeline`.

        Parameters
        ----------
        model : Model, optional
            With it, an indicator stands in the row of what it tells of.
        **options
            ``ax=``, ``width=``.

        Returns
        -------
        matplotlib Axes
        """
        from . import plot

        return plot.timeline(self, model, **options)

    # Files

    def to_dict(self) -> Tree:
        """The dossier as a plain tree (docs/format.md)."""
        return deepcopy(self._tree)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Dossier:
        """The dossier of a plain tree.

        Parameters
        ----------
        tree : mapping
            As in docs/format.md; dates may be text or dates.

        Returns
        -------
        Dossier

        Raises
        ------
        SpecError
            With the entry and field where it is malformed.
        """
        if not isinstance(tree, Mapping) or "as_of" not in tree:
            raise wrong("the tree of a dossier", tree, "a mapping with as_of and a list of development")
        dossier = cls(tree["as_of"])
        whole_tree = {"development": [], **plain(tree, "the dossier")}
        _core.dossier_to_toml(to_json(whole_tree))  # refuses, by its entry, what no file could hold
        dossier._tree = whole_tree
        return dossier

    def _checked(self, core: _core.Model) -> str:
        """The tree as JSON; what came from a TOML file is checked there, so that an error names its line."""
        if self._toml is not None and self._toml[2] == self._tree:
            core.check_dossier_toml(*self._toml[:2])
        return to_json(self._tree)

    def to_toml(self) -> str:
        """The dossier as the text of a TOML file."""
        return _core.dossier_to_toml(to_json(self._tree))

    @classmethod
    def from_toml(cls, text: str, file: str | None = None) -> Dossier:
        """The dossier of a TOML file's text; `file` is its name in messages.

        Parameters
        ----------
        text : str
        file : str, optional

        Returns
        -------
        Dossier

        Raises
        ------
        SpecError
            With the line where it is malformed.
        """
        tree = json.loads(_core.dossier_from_toml(text, file))
        try:
            dossier = cls.from_dict(tree)
        except SpecError as error:
            raise in_file(error, file, text, "as_of") from None
        dossier._toml = (text, file, dossier.to_dict())
        return dossier

    def write(self, path: str | PathLike[str]) -> None:
        """Write the dossier to a TOML file.

        Parameters
        ----------
        path : str or path
        """
        Path(path).write_text(self.to_toml(), encoding="utf-8")

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Dossier:
        """Read a dossier from a TOML file.

        Parameters
        ----------
        path : str or path
            A UTF-8 file.

        Returns
        -------
        Dossier

        Raises
        ------
        SpecError
            With the file and the line, where it is malformed or not UTF-8.
        OSError
            Python's own, such as FileNotFoundError, where it cannot be opened.
        """
        return cls.from_toml(file_text(path), str(path))

    def __reduce__(self) -> tuple[Any, ...]:
        return Dossier.from_dict, (self._tree,)

    def __repr__(self) -> str:
        return f"<Dossier {self.caption()}>"

    def html_cell(self, column: str, value: Any) -> str:
        """Doubts and notes stand small."""
        text = escape("" if value is None else str(value))
        return f"<small>{text}</small>" if column in ("note", "doubt", "source") else text


def about_entry(key: str, value: Any, entry: str) -> Tree:
    """What a development carries, checked by its kind."""
    what = f"{entry}: {key}"
    if key == "reported":
        return {key: date_text(value, what)}
    if key == "false_rate":
        return false_rate(value)
    if key in ("hit", "false_alarm"):
        return {key: number(value, what, "a probability, 0 to 1")}
    if key == "paragraph":
        return {key: whole(value, what)}
    if key == "trust":
        return {key: trust_tree(value, what)}
    return {key: text(value, what, "text such as 'B2'" if key == "grade" else "text")}


def trust_tree(value: Any, what: str) -> Tree:
    """The rates of a report by the states of a driver."""
    expected = "one driver with the rates of each of its states, {ministry: {'honest': 'B2', 'playing': (0.5, 0.5)}}"
    if not isinstance(value, Mapping) or len(value) != 1:
        raise wrong(what, value, expected)
    ((driver, rates),) = value.items()
    if not isinstance(rates, Mapping):
        raise wrong(f"{what}: the rates", rates, expected)
    each: dict[str, str | list[float]] = {}
    for state, said in rates.items():
        if isinstance(said, str):
            each[str(state)] = said
            continue
        if not isinstance(said, tuple | list) or len(said) != 2:
            raise wrong(f"{what}: {state}", said, "a grade such as 'B2', or (hit, false_alarm)")
        each[str(state)] = [number(x, f"{what}: {state}", "a probability, 0 to 1") for x in said]
    return {"driver": name_of(driver), "rates": each}


def false_rate(rate: object) -> Tree:
    """The entries of a rate of false reports."""
    if not isinstance(rate, Intensity) or set(rate.tree) != {"rate", "per"} or isinstance(rate.tree["rate"], list):
        raise wrong("false_rate", rate, "one rate without spread, such as esc.per_month(0.2)")
    return {"false_rate": rate.tree["rate"], "false_per": rate.tree["per"]}
