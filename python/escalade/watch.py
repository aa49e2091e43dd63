"""What to watch: which observations ahead would tell most about an answer, and what each would make of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .frames import Pictured, Table
from .progress import Progress, progress_line
from .questions import AsQuestions, one_question
from .values import DateLike, day_of, item, listed, missing, name_of, probability_text, sound_date, wrong

if TYPE_CHECKING:
    from .fit_base import FitBase

N_SHOWN = 15  # rows of a watch list that a reader sees
N_DATES = 6  # where none are named


@dataclass(frozen=True)
class Sight:
    """One thing to look at: an indicator at a date, or a driver, and what each value would make of the answer.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> us = m.driver("us", {"steady": 0.7, "gone": 0.3})
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3), down=esc.per_year(1))
    >>> front.effect(us == "gone", up=3.0)
    >>> fit = m.condition(esc.Dossier(as_of="2024-10-31"))
    >>> sight = fit.watch(esc.reach(front == "war", by="2025-10-31"), dates=["2025-01-01"])[0]
    >>> print(sight)
    us: steady (0.70) → 0.28; gone (0.30) → 0.62
    """

    kind: str  #: "status", "events" (whether any happens since the date before) or "driver"
    name: str
    date: str | None  #: None for a driver
    values: tuple[str, ...]
    chance: tuple[float, ...]  #: of each value
    answer: tuple[float, ...]  #: the probability if it is seen
    bits: float  #: expected information about the answer
    brier: float  #: expected fall of the Brier score

    def __str__(self) -> str:
        when = f" on {self.date}" if self.date else ""
        order = np.argsort(-np.array(self.chance), kind="stable")
        said = "; ".join(
            f"{self.values[k]} ({probability_text(self.chance[k])}) → {probability_text(self.answer[k])}" for k in order
        )
        return f"{self.name}{when}: {said}"


@dataclass(frozen=True, eq=False)
class WatchList(Pictured):
    """What could be seen ahead and what it would make of one answer, the most telling first: :meth:`Fit.watch`.

    ``bits`` is the mutual information of what is seen and the answer, at most the answer's own entropy; ``brier`` the
    expected fall of its Brier score, the variance of the answer over what may be seen. Both at the mode of the
    parameters. Indicators that show numbers are not watched.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "tense", "war"], up=esc.per_month(0.2), down=esc.per_month(0.2))
    >>> tone = m.status("tone", ["mild", "sharp"], given=front, table=[[0.9, 0.1], [0.4, 0.6], [0.1, 0.9]])
    >>> war = esc.reach(front == "war", by="2025-03-31", name="war by spring")
    >>> watch = m.condition(esc.Dossier(as_of="2024-10-31")).watch(war, dates=["2024-12-01", "2025-03-01"])
    >>> watch[0].name, watch[0].date
    ('tone', '2025-03-01')
    >>> dict(zip(watch[0].values, watch[0].answer))["sharp"] > watch.probability
    True
    """

    picture = "watch"

    question: str
    probability: float
    sights: tuple[Sight, ...]

    def best(self) -> list[Sight]:
        """The most telling date of each thing to look at."""
        seen: dict[str, Sight] = {}
        for sight in self.sights:
            seen.setdefault(sight.name, sight)
        return list(seen.values())

    def of(self, what: Any) -> list[Sight]:
        """All dates of one indicator or driver, in their order.

        Parameters
        ----------
        what : handle or str
            Of the model.

        Returns
        -------
        list of Sight
        """
        name = name_of(what)
        found = [sight for sight in self.sights if sight.name == name]
        if not found:
            raise missing("there is nothing to watch called", name, sorted({s.name for s in self.sights}))
        return sorted(found, key=lambda sight: sight.date or "")

    def __len__(self) -> int:
        return len(self.sights)

    def __iter__(self) -> Iterator[Sight]:
        return iter(self.sights)

    def __getitem__(self, place: int) -> Sight:
        return item(self.sights, place, "the watch list")

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row for each value that each thing may show at each date."""
        rows = [(s, k) for s in self.sights for k in range(len(s.values))]
        return {
            "watch": [s.name for s, _ in rows],
            "kind": [s.kind for s, _ in rows],
            "date": [s.date for s, _ in rows],
            "value": [s.values[k] for s, k in rows],
            "chance": [s.chance[k] for s, k in rows],
            "answer": [s.answer[k] for s, k in rows],
            "bits": [s.bits for s, _ in rows],
            "brier": [s.brier for s, _ in rows],
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """The best date of each thing, the most telling first."""
        best = self.best()[:N_SHOWN]
        return {
            "watch": [s.name for s in best],
            "on": [s.date or "now" for s in best],
            "bits": [f"{s.bits:.3f}" for s in best],
            "Brier": [f"-{s.brier:.4f}" for s in best],
            "what it would make of the answer": [str(s).split(": ", 1)[1] for s in best],
        }

    def caption(self) -> str:
        """A line above the table."""
        return f"{self.question}: {probability_text(self.probability)} now; what would tell most"

    __repr__ = Table.__str__


def watch(
    fit: FitBase, question: AsQuestions, until: DateLike | None, dates: Iterable[DateLike] | None, progress: Progress
) -> WatchList:
    """See :meth:`Fit.watch`."""
    name, tree = one_question(question, "watch")
    if dates is not None:
        asked = [sound_date(date, f"dates[{i}]") for i, date in enumerate(listed(dates, "dates", "a list of dates"))]
    elif until is not None:
        first, last = day_of(fit.as_of), day_of(sound_date(until, "until"))
        span = int((last - first) / np.timedelta64(1, "D"))
        steps = min(N_DATES, span)
        asked = [str(first + np.timedelta64(round(span * (k + 1) / steps), "D"))[:10] for k in range(steps)]
    else:
        raise wrong("watch: until", until, "a date, or dates=[...]")
    if not asked:
        what = "until" if dates is None else "dates"
        raise wrong(f"watch: {what}", until if dates is None else [], f"at least one date after the fit's, {fit.as_of}")
    asked = sorted(set(asked), key=day_of)
    with progress_line("watch list", progress) as report:
        rows = _core.watch(fit._core, tree, asked, progress=report)
    sights = []
    place: dict[tuple[str, str], int] = {}
    for kind, watched, _, values, chance, answer, bits, brier in rows:
        k = place[kind, watched] = place.get((kind, watched), -1) + 1
        date = None if kind == "driver" else asked[k]
        sights.append(Sight(kind, watched, date, tuple(values), tuple(chance), tuple(answer), bits, brier))
    sights.sort(key=lambda sight: -sight.bits)
    return WatchList(name, fit.at_mode(question), tuple(sights))
