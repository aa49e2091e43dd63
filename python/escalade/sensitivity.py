"""How an answer hangs on each number: slopes, the answer over what is believed of it, and where it crosses a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .frames import Pictured, Table, frozen
from .progress import Progress, progress_line
from .questions import AsQuestions, one_question
from .results import MONTH, Array
from .values import number, number_text, place_of, probability_text, text, whole, wrong

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .fit_base import FitBase

UNITS = {"rate": "per month", "factor": "times", "probability": "probability"}


@dataclass(frozen=True, eq=False)
class Tornado(Pictured):
    """Every free number's pull on one answer, the strongest first; see :meth:`Fit.sensitivity`.

    ``slope`` is the exact derivative of the probability by the number (Fisher's identity), ``elasticity`` that of its
    logarithm by the logarithm of the number. ``at_low`` and ``at_high`` are the answer at both ends of the central 90 %
    of what was believed of the number beforehand, all else at the mode; nan beyond the strongest. Intensities are per
    month.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1, spread=1.2))
    >>> war = esc.reach(front == "war", by="2025-09-30", name="war within a year")
    >>> table = m.condition(esc.Dossier(as_of="2024-10-01")).sensitivity(war)
    >>> table.number[0], round(table["front: up"]["elasticity"], 2)
    ('front: up', 0.86)
    """

    picture = "tornado"

    question: str
    probability: float
    number: tuple[str, ...]
    unit: tuple[str, ...]
    value: Array  #: at the mode
    slope: Array
    elasticity: Array
    low: Array  #: of what is believed
    high: Array
    at_low: Array  #: the answer there
    at_high: Array

    def __len__(self) -> int:
        return len(self.number)

    def __getitem__(self, key: str | int) -> dict[str, Any]:
        """One number's row, by name or place."""
        place = place_of(key, self.number, "free number")
        return {name: column[place] for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a number."""
        names = ("value", "slope", "elasticity", "low", "high", "at_low", "at_high")
        words = {"number": self.number, "unit": self.unit}
        return words | {name: getattr(self, name).tolist() for name in names}

    def shown(self) -> dict[str, Sequence[Any]]:
        """Those whose ends were asked, as a reader sees them."""
        rows = [k for k in range(len(self)) if not np.isnan(self.at_low[k])]
        return {
            "number": [self.number[k] for k in rows],
            "unit": [self.unit[k] for k in rows],
            "value": [number_text(float(self.value[k])) for k in rows],
            "believed (90%)": [f"{number_text(float(self.low[k]))}–{number_text(float(self.high[k]))}" for k in rows],
            "answer there": [
                f"{probability_text(float(self.at_low[k]))} … {probability_text(float(self.at_high[k]))}" for k in rows
            ],
            "elasticity": ["" if np.isnan(x) else f"{x:+.2f}" for x in self.elasticity[rows].tolist()],
        }

    def caption(self) -> str:
        """A line above the table."""
        return f"{self.question}: {probability_text(self.probability)} at the mode; the numbers that it hangs on most"

    __repr__ = Table.__str__


@dataclass(frozen=True, eq=False)
class BreakingPoints(Table):
    """How far each number must move for an answer to cross a line, all else at the mode: :meth:`Fit.breaking_points`.

    ``quantile`` is how far out the breaking point lies in what was believed of the number beforehand, in standard
    normal quantiles: at ±1 one in six believed as much, at ±2 one in forty-four. nan: not within ±4.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1, spread=1.2))
    >>> war = esc.reach(front == "war", by="2025-09-30", name="war within a year")
    >>> table = m.condition(esc.Dossier(as_of="2024-10-01")).breaking_points(war, at=0.5)
    >>> round(12 * table["front: up"]["at"], 2), round(table["front: up"]["quantile"], 2)  # ln 2 a year
    (0.69, 1.21)
    """

    question: str
    probability: float
    line: float
    number: tuple[str, ...]
    unit: tuple[str, ...]
    value: Array
    at: Array  #: where the answer crosses the line
    quantile: Array

    def __len__(self) -> int:
        return len(self.number)

    def __getitem__(self, key: str | int) -> dict[str, Any]:
        """One number's row, by name or place."""
        place = place_of(key, self.number, "number", "asked were")
        return {name: column[place] for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a number."""
        numbers = {name: getattr(self, name).tolist() for name in ("value", "at", "quantile")}
        return {"number": self.number, "unit": self.unit, **numbers}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The nearest first; those that never cross are left out."""
        order = [k for k in np.argsort(np.abs(self.quantile), kind="stable") if not np.isnan(self.at[k])]
        return {
            "number": [self.number[k] for k in order],
            "unit": [self.unit[k] for k in order],
            "value": [number_text(float(self.value[k])) for k in order],
            "must be": [number_text(float(self.at[k])) for k in order],
            "quantile": [f"{self.quantile[k]:+.1f}" for k in order],
        }

    def caption(self) -> str:
        """A line above the table."""
        never = int(np.isnan(self.at).sum())
        rest = f"; {never} of {len(self)} numbers alone never bring it there" if never else ""
        now, line = probability_text(self.probability), probability_text(self.line)
        return f"{self.question}: {now} now; what would make it {line}{rest}"

    __repr__ = Table.__str__


@dataclass(frozen=True, eq=False)
class TwoWay:
    """An answer over what is believed of two numbers at once; see :meth:`Fit.two_way`.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1, spread=2))
    >>> war = esc.at(front == "war", on="2025-09-30")
    >>> table = m.condition(esc.Dossier(as_of="2024-10-01")).two_way(war, "front: up", "front: down", n=3)
    >>> table.names, bool(table.probability[2, 0] > table.probability[0, 2])
    (('front: up', 'front: down'), True)
    """

    question: str
    names: tuple[str, str]
    units: tuple[str, str]
    first: Array  #: values of the first number, shape (n,)
    second: Array
    probability: Array  #: shape (n, n)

    def plot(self, **options: Any) -> Axes:
        """A map with lines of equal probability: see :func:`escalade.plot.two_way`.

        Parameters
        ----------
        **options
            ``ax=``, ``width=``.

        Returns
        -------
        matplotlib Axes
        """
        from . import plot

        return plot.two_way(self, **options)


def scaled(kinds: Sequence[str]) -> tuple[tuple[str, ...], Array]:
    """Units in words, and what the kernel's numbers are multiplied with."""
    return tuple(UNITS.get(kind, kind) for kind in kinds), np.array(
        [MONTH if kind == "rate" else 1.0 for kind in kinds]
    )


def tornado(fit: FitBase, question: AsQuestions, top: int, progress: Progress) -> Tornado:
    """See :meth:`Fit.sensitivity`."""
    name, tree = one_question(question, "sensitivity")
    with progress_line("sensitivity", progress) as report:
        got = _core.levers(fit._core, tree, whole(top, "top"), progress=report)
    units, by = scaled(got["kind"])
    own = {key: frozen(got[key] * by) for key in ("value", "low", "high")}
    return Tornado(
        name,
        fit.at_mode(question),
        tuple(got["name"]),
        units,
        own["value"],
        frozen(got["slope"] / by),
        frozen(got["elasticity"]),
        own["low"],
        own["high"],
        frozen(got["at_low"]),
        frozen(got["at_high"]),
    )


def breaking_points(fit: FitBase, question: AsQuestions, at: float, top: int, progress: Progress) -> BreakingPoints:
    """See :meth:`Fit.breaking_points`."""
    name, tree = one_question(question, "breaking_points")
    line = number(at, "breaking_points: at", "a probability, 0 to 1")
    if not 0 < line < 1:
        raise wrong("breaking_points: at", at, "a probability strictly between 0 and 1")
    with progress_line("breaking points", progress) as report:
        got = _core.breaking(fit._core, tree, line, whole(top, "top", 1), progress=report)
    units, by = scaled(got["kind"])
    numbers = (frozen(got["value"] * by), frozen(got["at"] * by), frozen(got["quantile"]))
    return BreakingPoints(name, fit.at_mode(question), line, tuple(got["name"]), units, *numbers)


def two_way(fit: FitBase, question: AsQuestions, first: str, second: str, n: int, progress: Progress) -> TwoWay:
    """See :meth:`Fit.two_way`."""
    name, tree = one_question(question, "two_way")
    names = (text(first, "two_way: the first number"), text(second, "two_way: the second number"))
    with progress_line("two-way", progress) as report:
        kinds, a, b, table = _core.two_way(fit._core, tree, names, whole(n, "n", 2, 200), progress=report)
    units, by = scaled(kinds)
    return TwoWay(name, names, (units[0], units[1]), frozen(a * by[0]), frozen(b * by[1]), frozen(table))
