"""Worlds drawn from a fit: what happens in each, what it shows, and whether the developments are like what it tells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .dossier import Development, Dossier
from .frames import Pictured, Table, frozen
from .handles import Driver, Events, Ladder, Status
from .questions import AsQuestions, Questions
from .results import Array
from .values import (
    DateLike,
    Tree,
    item,
    listed,
    missing,
    name_of,
    number_text,
    place_of,
    probability_text,
    sound_date,
    to_json,
)
from .words import grades

if TYPE_CHECKING:
    from . import _core
    from .model import Model

Words = NDArray[np.str_]
SECONDS = 86400.0
#: Tail probability of a predictive check below which a development is called out.
STRANGE = 0.05


class Worlds(Table):
    """Simulated worlds: paths of every ladder under drivers and parameters drawn together, and what they show.

    Paths are exact (Gillespie 1977, J. Phys. Chem. 81); the same seed gives the same worlds on any number of threads.
    As a table it has one row for each rung that a ladder is at when a world begins, or enters later.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(1.0), down=esc.per_year(2.0))
    >>> tests = m.events("tests", given=front, rate=esc.per_month([0.5, 3]))
    >>> fit = m.condition(esc.Dossier(as_of="2024-11-30"))
    >>> worlds = fit.simulate(until="2025-06-30", n=2000, seed=1)
    >>> len(worlds), worlds.rungs(front, ["2025-01-01", "2025-06-01"]).shape
    (2000, (2000, 2))
    >>> clash = esc.reach(front == "war", by="2025-06-30")
    >>> bool(abs(worlds.truths(clash).mean() - fit.ask(clash)[0].probability) < 0.05)
    True
    """

    def __init__(self, model: Model, core: _core.Worlds, seed: int, dossier: Dossier) -> None:
        self._model = model
        self._core = core
        self._dossier = dossier
        self.seed = seed

    def __len__(self) -> int:
        return len(self._core)

    @property
    def span(self) -> tuple[np.datetime64, np.datetime64]:
        """When they begin and end."""
        begin, end = self._dates(np.array(self._core.span))
        return begin, end

    def _dates(self, days: Array) -> Any:
        origin = np.datetime64(self._model.origin[:10], "s")
        return origin + np.round(days * SECONDS).astype("timedelta64[s]")

    def columns(self) -> dict[str, Sequence[Any]]:
        """World, ladder, rung, and when it was entered (for the first: when the world begins)."""
        worlds, ladders, days, rungs = self._core.paths()
        names = list(self._model.ladders)
        states = [list(ladder.rungs) for ladder in self._model.ladders.values()]
        return {
            "world": worlds.tolist(),
            "ladder": [names[k] for k in ladders],
            "rung": [states[k][r] for k, r in zip(ladders, rungs, strict=True)],
            "entered": self._dates(days).tolist(),
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first rows as a reader sees them."""
        return {name: [str(x) for x in column[:12]] for name, column in self.columns().items()}

    def caption(self) -> str:
        """A line above the table."""
        begin, end = self.span
        return f"{len(self):,} worlds from {str(begin)[:10]} to {str(end)[:10]}; the first of their entries"

    def drivers(self, driver: Driver | str) -> Words:
        """The state of a driver in each world.

        Parameters
        ----------
        driver : Driver or str
            Of the model.

        Returns
        -------
        array of str, shape (n_worlds,)
        """
        names = list(self._model.drivers)
        name = known(driver, names, "driver")
        return np.array(self._model.drivers[name].states)[self._core.drivers()[:, names.index(name)]]

    def rungs(self, ladder: Ladder | str, dates: Iterable[DateLike]) -> Words:
        """The rung of a ladder in each world at dates.

        Parameters
        ----------
        ladder : Ladder or str
            Of the model.
        dates : list of dates
            In any order; a bare date is its noon.

        Returns
        -------
        array of str, shape (n_worlds, n_dates)

        Raises
        ------
        SpecError
            If a date lies outside the worlds, or there is no such ladder.
        """
        names = list(self._model.ladders)
        name = known(ladder, names, "ladder")
        asked, back = ordered(dates)
        places = self._core.rungs(asked)[:, back, names.index(name)]
        return np.array(self._model.ladders[name].rungs)[places]

    def status(self, indicator: Status | str, dates: Iterable[DateLike]) -> NDArray[Any]:
        """What a status indicator shows in each world at dates.

        Parameters
        ----------
        indicator : Status or str
            Of the model.
        dates : list of dates
            In any order; a bare date is its noon.

        Returns
        -------
        array of str (or of float where it shows a number; nan: never shown), shape (n_worlds, n_dates)
        """
        statuses = self._states()
        name = known(indicator, list(statuses), "status indicator")
        asked, back = ordered(dates)
        drawn = self._core.shown(name, asked)[:, back]
        states = statuses[name]
        return np.array(states)[drawn.astype(int)] if states else drawn

    def events(self, indicator: Events | str) -> Happenings:
        """When an events indicator happens in each world.

        Parameters
        ----------
        indicator : Events or str
            Of the model.

        Returns
        -------
        Happenings
            One row an event; ``counts`` by world.
        """
        events = [name for name, handle in self._model.indicators.items() if isinstance(handle, Events)]
        name = known(indicator, events, "events indicator")
        worlds, days = self._core.happened(name)
        return Happenings(name, worlds, self._dates(days), np.bincount(worlds, minlength=len(self)))

    def truths(self, questions: AsQuestions) -> Array:
        """Whether questions, asked as of when the worlds begin, are true in each.

        Parameters
        ----------
        questions : Question, Questions or list
            What is asked; decided before the worlds end.

        Returns
        -------
        array, shape (n_worlds, n_questions)
            1 or 0; nan where what a question is given is not so.
        """
        return frozen(self._core.truths(to_json(Questions(questions).to_dict())))

    def dossier(self, world: int) -> Dossier:
        """The dossier that a world's reporters would have written in place of the fit's.

        Each report is drawn anew: a fact is told, or told not to be, by its rates of hits and false alarms; indicators
        show what they show in this world. Moves told to the hour and likelihoods have no such probability and are left
        out. Only worlds by :meth:`Fit.replicate` live in the dossier's time.

        Parameters
        ----------
        world : int
            Which, from 0.

        Returns
        -------
        Dossier
        """
        item(range(len(self)), world, "the worlds")
        told = json.loads(self._core.told_by(world % len(self)))
        replaced = dict(zip(self._core.developments(), told, strict=True))
        out = Dossier(as_of=self._dossier.as_of, name=f"world {world} of seed {self.seed}")
        for development in self._dossier:
            if replaced.get(development.id) is not None:
                out.add(Development(retold(development.to_dict(), replaced[development.id], self._states())))
        return out

    def _states(self) -> dict[str, tuple[str, ...]]:
        handles = self._model.indicators.items()
        return {name: tuple(handle.states) for name, handle in handles if isinstance(handle, Status)}

    def checks(self) -> PredictiveChecks:
        """Each development beside those that the worlds tell in its place; see :meth:`Fit.check`."""
        told, own = self._core.told()
        ids = self._core.developments()
        says = {d.id: d.describe() for d in self._dossier}
        counted = {d.id for d in self._dossier if {"counted", "measured"} & set(d.to_dict())}
        return PredictiveChecks.of(ids, [says.get(id, id) for id in ids], [id in counted for id in ids], told, own)

    def __repr__(self) -> str:
        begin, end = self.span
        return f"<{len(self):,} worlds from {str(begin)[:10]} to {str(end)[:10]}, seed {self.seed}>"


@dataclass(frozen=True, eq=False)
class Happenings(Table):
    """Events of one indicator in simulated worlds, one row an event.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> tests = m.events("tests", rate=esc.per_month(3))
    >>> worlds = m.condition(esc.Dossier(as_of="2024-10-01")).simulate(until="2025-10-01", n=500)
    >>> bool(abs(worlds.events(tests).counts.mean() - 36) < 2)
    True
    """

    indicator: str
    world: NDArray[np.int64]
    date: NDArray[np.datetime64]
    counts: NDArray[np.int64]  #: of each world, shape (n_worlds,)

    def __len__(self) -> int:
        return len(self.world)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row an event."""
        return {"world": self.world.tolist(), "indicator": [self.indicator] * len(self), "date": self.date.tolist()}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first events as a reader sees them."""
        return {name: [str(x) for x in column[:12]] for name, column in self.columns().items()}

    def caption(self) -> str:
        """A line above the table."""
        mean, most = number_text(float(self.counts.mean())), self.counts.max(initial=0)
        return f"{self.indicator}: {mean} events a world on average, at most {most}"

    __repr__ = Table.__str__


@dataclass(frozen=True, eq=False)
class PredictiveChecks(Pictured):
    """Posterior predictive checks: each development beside what worlds drawn from the posterior tell in its place.

    ``same`` is the share of worlds that tell the same. Of counts and numbers ``expected`` is the mean over worlds, with
    the central 90 %, and ``tail`` the two-sided share of worlds at least as far out (ties count half), the posterior
    predictive p-value of Rubin (1984, Ann. Statist. 12(4)); parameters learnt from the same developments make it mild.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-01-01")
    >>> tests = m.events("tests", rate=esc.per_month(1, spread=1.1))
    >>> d = esc.Dossier(as_of="2024-12-31")
    >>> _ = d.counted(tests, count=30, over=("2024-01-01", "2024-12-31"), id="many")
    >>> m.fit(d).check(n=500).strange
    ['many']
    """

    picture = "checks"

    id: tuple[str, ...]
    says: tuple[str, ...]
    told: Array  #: what the dossier told: 1 for a fact, the place of a state, a count or a number
    same: Array
    expected: Array
    low: Array
    high: Array
    tail: Array
    n: int  #: worlds

    @classmethod
    def of(
        cls, ids: list[str], says: list[str], numeric: list[bool], told: NDArray[Any], own: NDArray[Any]
    ) -> PredictiveChecks:
        """From what every world told, shape (n_worlds, n_developments), and what the dossier did."""
        rows = [compared(told[:, k], own[k], numeric[k]) for k in range(len(ids))]
        same, expected, low, high, tail = (frozen(column) for column in np.array(rows).reshape(-1, 5).T)
        return cls(tuple(ids), tuple(says), frozen(own), same, expected, low, high, tail, len(told))

    @property
    def strange(self) -> list[str]:
        """Developments that fewer than one world in twenty tells like this, the strangest first."""
        worst = np.fmin(self.same, self.tail)
        return [self.id[k] for k in np.argsort(worst, kind="stable") if worst[k] < STRANGE]

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, key: str | int) -> dict[str, Any]:
        place = place_of(key, self.id, "development")
        return {name: column[place] for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a development."""
        names = ("told", "same", "expected", "low", "high", "tail")
        return {"id": self.id, "says": self.says, **{name: getattr(self, name).tolist() for name in names}}

    def shown(self) -> dict[str, Sequence[Any]]:
        """Shares and ranges as a reader sees them."""

        def spread(k: int) -> str:
            if np.isnan(self.tail[k]):
                return ""
            ends = f"{number_text(self.low[k])}–{number_text(self.high[k])}"
            return f"{number_text(self.told[k])}; worlds {number_text(self.expected[k])} ({ends})"

        def share(x: float) -> str:
            return "" if np.isnan(x) else probability_text(x) + " !" * (x < STRANGE)

        return {
            "development": self.id,
            "says": self.says,
            "told the same": [share(x) for x in self.same.tolist()],
            "number": [spread(k) for k in range(len(self))],
            "tail": [share(x) for x in self.tail.tolist()],
        }

    def caption(self) -> str:
        """A line above the table."""
        odd = f"; strange: {', '.join(self.strange)}" if self.strange else "; nothing strange"
        return f"What {self.n:,} worlds of the posterior tell in place of each development{odd}"

    __repr__ = Table.__str__


def compared(told: NDArray[Any], own: float, numeric: bool) -> tuple[float, float, float, float, float]:
    """Share that tells the same; of numbers mean, central 90 % and two-sided tail instead."""
    there = told[~np.isnan(told)]
    if np.isnan(own) or not len(there):
        return (np.nan,) * 5
    if not numeric:
        return float((there == own).mean()), np.nan, np.nan, np.nan, np.nan
    low, high = np.quantile(there, [0.05, 0.95])
    half = 0.5 * (there == own).mean()
    tail = min(1.0, 2 * min((there > own).mean() + half, (there < own).mean() + half))
    return np.nan, float(there.mean()), float(low), float(high), float(tail)


def known(given: Any, names: Sequence[str], kind: str) -> str:
    """A name of the model's."""
    name = name_of(given)
    if name not in names:
        raise missing(f"there is no {kind}", name, names)
    return name


def ordered(dates: Iterable[DateLike]) -> tuple[list[str], NDArray[np.int64]]:
    """Dates as text in ascending order, and where each given one stands there."""
    asked = [sound_date(date, f"dates[{i}]") for i, date in enumerate(listed(dates, "dates", "a list of dates"))]
    when = [date if "T" in date else f"{date}T12:00" for date in asked]  # a bare date is its noon
    order = np.argsort(np.array(when, dtype="datetime64[s]"), kind="stable")
    return [asked[k] for k in order], np.argsort(order, kind="stable")


def retold(tree: Tree, told: Any, states: dict[str, tuple[str, ...]]) -> Tree:
    """A development's tree with what a world tells in its place."""
    out = {key: value for key, value in tree.items() if key not in ("note", "source", "paragraph", "doubt")}
    if "counted" in tree:
        said = {key: value for key, value in tree["counted"].items() if key not in ("at", "count")}
        return out | {"counted": said | {"at": told}}
    if "measured" in tree:
        return out | {"measured": tree["measured"] | {"value": told}}
    indicator = tree.get("saw", {}).get("indicator")
    if indicator:
        return {key: value for key, value in out.items() if key not in ("hit", "false_alarm", "grade")} | {
            "saw": {"indicator": indicator, "is": states[indicator][int(told)]}
        }
    if told:
        return out
    out.pop("grade", None)
    if "trust" in tree:
        turned = {state: turn(*rates_of(said)) for state, said in tree["trust"]["rates"].items()}
        out |= {"trust": tree["trust"] | {"rates": {state: list(pair) for state, pair in turned.items()}}}
    else:
        hit, false_alarm = rates_of(tree.get("grade"))
        out |= dict(
            zip(("hit", "false_alarm"), turn(tree.get("hit", hit), tree.get("false_alarm", false_alarm)), strict=True)
        )
    if "between" not in tree:
        return out | {"saw": {"not": tree["saw"]}}
    fact = out.pop("saw", None) or out.pop("never")
    return out | ({"never": fact} if "saw" in tree else {"saw": fact})


def turn(hit: float, false_alarm: float) -> tuple[float, float]:
    """The rates of the report that the opposite is so."""
    return 1 - false_alarm, 1 - hit


def rates_of(said: Any) -> tuple[float, float]:
    """P(told | so) and P(told | not so) of a grade, of a pair of rates, or of a report without either."""
    if said is None:
        return 1.0, 0.0
    if not isinstance(said, str):
        hit, false_alarm = said
        return float(hit), float(false_alarm)
    table = grades().data
    k = list(table["grade"]).index(said)
    return float(table["hit"][k]), float(table["false_alarm"][k])
