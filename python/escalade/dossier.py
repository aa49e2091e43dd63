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
from .condition import Condition, describe, subjects
from .frames import Table
from .priors import Intensity
from .values import DateLike, Tree, date_text, name_of, plain, span_text, to_json

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes

    from .handles import Handle, Ladder, Status
    from .model import Model

Span = tuple[DateLike, DateLike]
KINDS = ("saw", "never", "moved", "counted", "likelihood")


class About(TypedDict, total=False):
    """What a development carries beside what it says."""

    id: str  #: unique; given as d1, d2, ... if missing
    reported: DateLike  #: when it became known; by default the end of what it says
    grade: str  #: of its source, "A1" to "F6" (see :func:`escalade.grades`)
    hit: float  #: P(reported | it happened), 1 by default
    false_alarm: float  #: P(reported | it did not), 0 by default
    false_rate: Intensity  #: of false reports, for moves and events that are not certain
    source: str  #: who says so
    paragraph: int  #: where it stands in the source
    note: str  #: what it says, in your own words
    doubt: str  #: why it is doubted, where it is


class Development:
    """One dated, sourced development."""

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
        """What it says: "saw", "never", "moved", "counted" or "likelihood"."""
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
        head = {"as_of": date_text(as_of), "name": name, "note": note}
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
            `id`, `reported`, `grade`, `hit`, `false_alarm`, `source`, `paragraph`, `note`, `doubt`.
        """
        extra = {"entered": True} if entered else {}
        return self._enter({"saw": condition_tree(what), **extra}, about, what, on=on, between=between)

    def never(self, what: Condition, *, between: Span, entered: bool = False, **about: Unpack[About]) -> Development:
        """A condition held at no time in a span (`entered`: was never newly entered). See :meth:`saw`."""
        extra = {"entered": True} if entered else {}
        return self._enter({"never": condition_tree(what), **extra}, about, what, between=between)

    def moved(self, ladder: Ladder | str, a: str, b: str, *, on: DateLike, **about: Unpack[About]) -> Development:
        """A ladder moved from one rung to another, exactly then.

        Where it is not certain, `hit` or `grade` also need a rate of false reports: ``false_rate=esc.per_month(x)``.
        """
        return self._enter({"moved": {"ladder": name_of(ladder), "from": a, "to": b}}, about, ladder, on=on)

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
        said: Tree = {"indicator": name_of(events)}
        if at is not None:
            said["at"] = [date_text(date) for date in ([at] if isinstance(at, str) else at)]
        if count is not None:
            said["count"] = int(count)
        return self._enter({"counted": said}, about, events, over=over)

    def likelihood(
        self,
        of: Handle | Status | str,
        values: Mapping[str, float],
        *,
        on: DateLike | None = None,
        **about: Unpack[About],
    ) -> Development:
        """How likely the report is under each rung, state or value of one variable; those left out have 0."""
        said = {"of": name_of(of), "values": plain(values)}
        return self._enter({"likelihood": said}, about, of, on=on)

    def _enter(self, said: Tree, about: About, speaker: object, **when: Any) -> Development:
        """Add a development, checked against the model that it speaks of."""
        unknown = set(about) - set(About.__annotations__)
        if unknown:
            raise TypeError(
                f"unexpected keyword {min(unknown)!r}; a development may carry {', '.join(About.__annotations__)}"
            )
        tree: Tree = {"id": about.get("id") or self._next_id(), **said}
        for key, value in when.items():
            if value is not None:
                tree[key] = date_text(value) if key == "on" else span_text(value, key)
        for key, value in about.items():
            if key == "reported" and value is not None:
                tree[key] = date_text(value)  # type: ignore[arg-type]
            elif key == "false_rate" and value is not None:
                tree |= false_rate(value)
            elif value is not None and key != "id":
                tree[key] = plain(value)
        self._model = self._model or getattr(speaker, "_model", None)
        return self._append(tree)

    def add(self, development: Development) -> Development:
        """Add a development that was made elsewhere."""
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
        """The same developments as of another date."""
        return Dossier.from_dict({**self._tree, "as_of": date_text(as_of)})

    def without(self, *ids: str) -> Dossier:
        """A dossier without some developments."""
        for id in ids:
            self[id]
        return Dossier.from_dict({**self._tree, "development": [d.to_dict() for d in self if d.id not in ids]})

    def __len__(self) -> int:
        return len(self._tree["development"])

    def __iter__(self) -> Iterator[Development]:
        return (Development(tree) for tree in self._tree["development"])

    def __getitem__(self, key: str | int) -> Development:
        if isinstance(key, int):
            return Development(self._tree["development"][key])
        for tree in self._tree["development"]:
            if tree["id"] == key:
                return Development(tree)
        raise SpecError(f"the dossier has no development {key!r}; it has {', '.join(d.id for d in self) or 'none'}")

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
        """The developments on a time line: see :func:`escalade.plot.timeline`."""
        from . import plot

        return plot.timeline(self, model, **options)

    # Files

    def to_dict(self) -> Tree:
        """The dossier as a plain tree (docs/format.md)."""
        return deepcopy(self._tree)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Dossier:
        """The dossier of a plain tree."""
        dossier = cls(tree["as_of"])
        dossier._tree = {"development": [], **deepcopy(dict(tree))}
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
        """The dossier of a TOML file's text; `file` is its name in messages."""
        dossier = cls.from_dict(json.loads(_core.dossier_from_toml(text, file)))
        dossier._toml = (text, file, dossier.to_dict())
        return dossier

    def write(self, path: str | PathLike[str]) -> None:
        """Write the dossier to a TOML file."""
        Path(path).write_text(self.to_toml(), encoding="utf-8")

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Dossier:
        """Read a dossier from a TOML file."""
        return cls.from_toml(Path(path).read_text(encoding="utf-8"), str(path))

    def __reduce__(self) -> tuple[Any, ...]:
        return Dossier.from_dict, (self._tree,)

    def __repr__(self) -> str:
        return f"<Dossier {self.caption()}>"

    def html_cell(self, column: str, value: Any) -> str:
        """Doubts and notes stand small."""
        text = escape("" if value is None else str(value))
        return f"<small>{text}</small>" if column in ("note", "doubt", "source") else text


def condition_tree(what: object) -> Tree:
    """The tree of a condition."""
    if not isinstance(what, Condition):
        raise TypeError(f"expected a condition, such as ladder >= 'rung'; got {what!r}")
    return what.to_dict()


def false_rate(rate: object) -> Tree:
    """The entries of a rate of false reports."""
    if not isinstance(rate, Intensity) or set(rate.tree) != {"rate", "per"} or isinstance(rate.tree["rate"], list):
        raise SpecError(f"false_rate={rate!r}: expected one rate without spread, such as esc.per_month(0.2)")
    return {"false_rate": rate.tree["rate"], "false_per": rate.tree["per"]}
