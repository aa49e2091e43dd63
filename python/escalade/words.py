"""The yardstick of words for probabilities and the grades of sources, as tables that a user can see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import _core
from ._core import SpecError
from .frames import Table
from .values import number


@dataclass(frozen=True)
class WordTable(Table):
    """A small table that comes with the package."""

    title: str
    data: Mapping[str, Sequence[Any]]

    def columns(self) -> Mapping[str, Sequence[Any]]:
        """The columns by name."""
        return self.data

    def caption(self) -> str:
        """A line above the table."""
        return self.title

    def __len__(self) -> int:
        return len(next(iter(self.data.values())))

    __repr__ = Table.__str__


def word_for(p: float) -> str:
    """The yardstick's word for a probability; "≈ " and the nearest word in a gap between two bands.

    Parameters
    ----------
    p : float
        0 to 1.

    Returns
    -------
    str

    Raises
    ------
    SpecError
        If it is no probability.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.word_for(0.3), esc.word_for(0.22)
    ('unlikely', '≈ highly unlikely')
    """
    if not 0 <= number(p, "p", "a probability, 0 to 1") <= 1:
        raise SpecError(f"p is {p}; expected a probability, 0 to 1")
    return _core.word_for(float(p))


def yardstick() -> WordTable:
    """The words that :func:`chance` takes and answers are given in: PHIA's, each with its band.

    Returns
    -------
    WordTable
        Columns word, low, high: the probability yardstick of the Professional Head of Intelligence Assessment (UK).

    Examples
    --------
    >>> import escalade as esc
    >>> "unlikely" in esc.yardstick().data["word"]
    True
    """
    word, low, high = zip(*_core.yardstick(), strict=True)
    return WordTable("PHIA probability yardstick", {"word": word, "low": low, "high": high})


def grades() -> WordTable:
    """The grades of sources (Admiralty code): what a graded development weighs.

    `hit` is the chance of the report if it happened, `false_alarm` if it did not; only their ratio matters for one
    report. ``hit=`` and ``false_alarm=`` of a development say it otherwise.

    Returns
    -------
    WordTable
        Columns grade, hit, false_alarm.

    Examples
    --------
    >>> import escalade as esc
    >>> "B2" in esc.grades().data["grade"]
    True
    """
    grade, hit, false_alarm = zip(*_core.grades(), strict=True)
    return WordTable("Grades of sources", {"grade": grade, "hit": hit, "false_alarm": false_alarm})
