"""Panels: a table of many units seen now and then, as evidence for the ladders of one model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._core import SpecError
from .condition import Condition
from .handles import Driver, Ladder, Status
from .values import SHORT, listed, name_of, sound_date, text, to_json, wrong
from .values import missing as unknown

if TYPE_CHECKING:
    from .model import Model

#: Days in a unit of a panel's clock; any other word is a unit of its own.
CLOCKS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


def days_since_1970(column: Any, place: Callable[[int], str], name: str) -> Floats | None:
    """A column of dates in days (a bare date, or a column of midnights: noon), or None where it holds numbers."""
    values = column.to_list()
    first = next((value for value in values if value is not None and value == value), None)
    if not isinstance(first, str | dt.date | np.datetime64):
        return None
    out = np.full(len(values), np.nan)
    bare = np.zeros(len(values), bool)
    for row, value in enumerate(values):
        if value is None or value != value:
            continue
        try:
            written = sound_date(value, f"the time, column {name!r},").strip().upper()
        except SpecError as error:
            raise SpecError(f"{place(row)}: {error}") from None
        bare[row] = len(written) == 10
        moment = dt.datetime.fromisoformat(written)
        moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
        out[row] = (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(days=1)
    if not isinstance(first, str) and not (out[~np.isnan(out)] % 1).any():
        bare[:] = True
    out[bare] += 0.5
    return out


class Panel:
    """Many units seen now and then: a table with a row for each time that a unit was looked at.

    Parameters
    ----------
    frame : data frame
        pandas, polars or Arrow. The rows of a unit stand in the order of time.
    id, time : str
        The columns of the unit and of the time: a number on the panel's own clock, or dates.
    clock : str, optional
        The unit of a `time` that is a number: ``"day"`` (the default), ``"week"``, ``"month"``, ``"year"``, or a word
        of your own. A column of dates has none: it runs in days since the model's origin, a bare date is its noon.
    rungs : mapping of Ladder to column, optional
        Where each ladder was: names of rungs, or 1, 2, … for the rungs in their order. Missing: not seen.
    indicators : mapping of Status to column, optional
        What status indicators showed: names of states, in the same way, or numbers.
    covariates : mapping of name to column, optional
        Only for covariates whose column has another name. A row's values hold until the next row; of what acts on a
        driver, a unit's first row counts.
    exact : list of Condition, optional
        ``[cav == "dead"]``: rungs whose time of entry is known, the rung just before it not.
    moved : str, optional
        A column of truth values: the ladder moved to what is seen at that very time, and not since the row before.
    possible : mapping of value to rungs, optional
        Values of a column of rungs that stand for any of several rungs.
    weights : str, optional
        A column, the same in all rows of a unit: how many such units there are.
    drivers : mapping of Driver to column, optional
        States of drivers that are known of some units, or of all: the same in all rows of a unit, or missing.
    missing : {"refuse", "drop"}
        What becomes of a row that lacks a covariate which the interval after it needs: an error that names it, or the
        row is left out, so that its unit's interval spans it (msm's way); the summary counts such rows.

    Raises
    ------
    SpecError
        If a column is missing or holds what it cannot; what a model forbids is refused by :meth:`Model.fit`.

    Examples
    --------
    >>> import escalade as esc, polars as pl
    >>> m = esc.Model()
    >>> illness = m.ladder("illness", ["well", "ill", "dead"], moves=[("well", "ill"), ("ill", "dead")])
    >>> df = pl.DataFrame({"who": [1, 1, 1, 2, 2], "t": [0, 1, 3, 0, 2], "s": ["well", "ill", "dead", "well", "well"]})
    >>> esc.Panel(df, id="who", time="t", clock="year", rungs={illness: "s"}, exact=[illness == "dead"])
    <Panel: 2 units, 5 rows, time in years>
    """

    def __init__(
        self,
        frame: Any,
        *,
        id: str,
        time: str,
        clock: str | None = None,
        rungs: Mapping[Ladder | str, str] | None = None,
        indicators: Mapping[Status | str, str] | None = None,
        covariates: Mapping[str, str] | None = None,
        exact: Iterable[Condition] | Condition = (),
        moved: str | None = None,
        possible: Mapping[Any, Sequence[str]] | None = None,
        weights: str | None = None,
        drivers: Mapping[Driver | str, str] | None = None,
        missing: str = "refuse",
    ) -> None:
        import narwhals as nw

        try:
            self._table: Any = nw.from_native(frame, eager_only=True)
        except TypeError:
            raise wrong("the panel's table", frame, "a pandas, polars or Arrow data frame") from None
        self.id, self.time = text(id, "id"), text(time, "time")
        if missing not in ("refuse", "drop"):
            raise wrong("missing", missing, "'refuse' or 'drop'")
        self.missing = missing
        self.rungs = {name_of(key): text(column, "rungs") for key, column in (rungs or {}).items()}
        self.indicators = {name_of(key): text(column, "indicators") for key, column in (indicators or {}).items()}
        self.drivers = {name_of(key): text(column, "drivers") for key, column in (drivers or {}).items()}
        self.covariates = dict(covariates or {})
        self.exact = [exact] if isinstance(exact, Condition) else listed(exact, "exact", "a list of conditions")
        for condition in self.exact:
            if not isinstance(condition, Condition):
                raise wrong("exact", condition, "conditions, such as [cav == 'dead']")
        self.possible = dict(possible or {})
        self._moved, self._weights = moved, weights
        labels = self._column(self.id).to_list()
        codes: dict[Any, int] = {}
        self._unit = np.fromiter((codes.setdefault(label, len(codes)) for label in labels), np.int64, len(labels))
        self.units = [str(label) for label in codes]
        for row, label in enumerate(labels):
            if label is None or label != label:
                raise SpecError(f"row {row + 1}: the unit, column {self.id!r}, is missing")
        self._dates = days_since_1970(self._column(self.time), self._place, self.time)
        if self._dates is not None and clock is not None:
            raise SpecError(f"clock is {clock!r}, and column {self.time!r} holds dates; expected no clock")
        self.clock = text("day" if clock is None else clock, "clock")
        self._time = self._numbers(self.time, "the time") if self._dates is None else self._dates

    def __len__(self) -> int:
        return len(self._unit)

    def __repr__(self) -> str:
        units = f"{len(self.units):,} unit{'s' * (len(self.units) != 1)}"
        time = "dates" if self.dated else f"time in {self.clock}s"
        return f"<Panel: {units}, {len(self):,} row{'s' * (len(self) != 1)}, {time}>"

    @property
    def tick(self) -> float:
        """Days in a unit of the clock; 1 for a clock of your own."""
        return CLOCKS.get(self.clock, 1.0)

    def _column(self, name: str) -> Any:
        if name not in self._table.columns:
            raise unknown("the panel's table has no column", name, self._table.columns)
        return self._table.get_column(name)

    def _place(self, row: int) -> str:
        return f"unit {self.units[self._unit[row]]!r}, row {row + 1}"

    def _numbers(self, name: str, what: str) -> Floats:
        """A column of numbers; what is missing is nan."""
        column = self._column(name)
        try:
            return np.ascontiguousarray(column.to_numpy(), dtype=np.float64)
        except (TypeError, ValueError):
            pass
        values = column.to_list()
        out = np.full(len(values), np.nan)
        for row, value in enumerate(values):
            if isinstance(value, bool | int | float | np.number):
                out[row] = float(value)
            elif value is not None:
                raise SpecError(
                    f"{self._place(row)}: {what}, column {name!r}, is {SHORT.repr(value)}; expected a number"
                )
        return out

    def _codes(self, name: str, states: list[str], sets: Mapping[Any, int], what: str) -> Codes:
        """A column of states as their indices, or the indices of sets; −1 where it is missing."""
        known: dict[Any, int] = {None: -1}
        values = self._column(name).to_list()
        out = np.empty(len(values), np.int64)
        for row, value in enumerate(values):
            code = known.get(value)
            if code is None:
                code = known[value] = self._code(row, name, value, states, sets, what)
            out[row] = code
        return out

    def _code(self, row: int, name: str, value: Any, states: list[str], sets: Mapping[Any, int], what: str) -> int:
        if value != value:
            return -1
        if value in sets:
            return len(states) + sets[value]
        if value in states:
            return states.index(value)
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if number and value == int(value) and 1 <= value <= len(states):
            return int(value) - 1
        expected = f"one of {', '.join(states)}, or 1 to {len(states)}"
        raise SpecError(f"{self._place(row)}: column {name!r} is {SHORT.repr(value)}, no {what}; expected {expected}")

    @property
    def dated(self) -> bool:
        """Whether its time is dates."""
        return self._dates is not None

    def _since(self, origin: str) -> Floats:
        """The time of each row, of dates in days since the model's origin."""
        if self._dates is None:
            return self._time
        if not origin:
            raise SpecError(
                f"the panel's column {self.time!r} holds dates, and the model has no origin; expected "
                "esc.Model(origin='2024-01-01'), or a column of numbers"
            )
        return self._dates - float(np.datetime64(origin[:10], "D").astype(np.int64))

    def _fit(
        self,
        model: Model,
        starts: int,
        seed: int,
        report: Any,
        kept: str | None = None,
        sample: Mapping[str, Any] | None = None,
        each: bool = False,
    ) -> _core.PanelFit:
        """Hand the table to the kernel, its names as indices; with what was kept of a fit, nothing is learnt."""
        self._time = self._since(model.origin)
        rungs, frame_rungs = [], []
        for name, column in self.rungs.items():
            ladder = model[name]
            if not isinstance(ladder, Ladder):
                raise SpecError(f"rungs: {name!r} is a {ladder.kind}; expected a ladder")
            sets: dict[Any, int] = {}
            members: list[list[int]] = []
            for value, several in self.possible.items():
                inside = listed(several, f"possible[{value!r}]", "a list of rungs")
                if all(rung in ladder.rungs for rung in inside):
                    sets[value] = len(members)
                    members.append([ladder.rungs.index(rung) for rung in inside])
            rungs.append(self._codes(column, ladder.rungs, sets, f"rung of {name!r}"))
            frame_rungs.append([name, members])
        statuses, numbers, states, amounts = [], [], [], []
        for name, column in self.indicators.items():
            status = model[name]
            if not isinstance(status, Status):
                raise SpecError(f"indicators: {name!r} is a {status.kind}; expected a status indicator")
            if "outcome" in status._entry:
                amounts.append(name)
                numbers.append(self._numbers(column, f"indicator {name!r}"))
            else:
                states.append(name)
                statuses.append(self._codes(column, status.states, {}, f"value of {name!r}"))
        drivers = []
        for name, column in self.drivers.items():
            driver = model[name]
            if not isinstance(driver, Driver):
                raise SpecError(f"drivers: {name!r} is a {driver.kind}; expected a driver")
            drivers.append(self._codes(column, driver.states, {}, f"state of {name!r}"))
        wanted: dict[str, list[str]] = {}
        drivers_of = [model[name] for name in model.drivers]
        for owner in [*model.ladders.values(), *drivers_of, *(model[name] for name in self.indicators)]:
            for covariate in owner._entry.get("covariate", ()):
                if "cuts" not in covariate:
                    wanted[covariate["name"]] = covariate.get("levels", [])
        for name in self.covariates:
            if name not in wanted:
                raise unknown("covariates: the model has no covariate", name, wanted, "it has")
        columns = [self._covariate(name, self.covariates.get(name, name), levels) for name, levels in wanted.items()]
        frame = {
            "units": self.units,
            "tick": self.tick,
            "rungs": frame_rungs,
            "statuses": states,
            "numbers": amounts,
            "covariates": list(wanted),
            "entered": [self._entered(model, condition) for condition in self.exact],
            "drivers": list(self.drivers),
            "dated": self.dated,
            "drop": self.missing == "drop",
            "each": each,
        }
        moved: list[bool] = []
        if self._moved is not None:
            moved = [bool(value) for value in self._column(self._moved).to_list()]
        weights = np.empty(0)
        if self._weights is not None:
            by_row = self._numbers(self._weights, "the weight")
            weights = np.zeros(len(self.units))
            weights[self._unit] = by_row
            changes = np.flatnonzero(weights[self._unit] != by_row)
            if len(changes):
                raise SpecError(f"{self._place(int(changes[0]))}: the weight changes; expected one weight a unit")
        return _core.fit_panel(
            model._core,
            to_json(frame),
            self._unit,
            self._time,
            weights,
            rungs,
            statuses,
            numbers,
            columns,
            drivers,
            moved,
            starts=starts,
            seed=seed,
            kept_json=kept,
            sample_json=None if sample is None else to_json(sample),
            progress=report,
        )

    def _covariate(self, name: str, column: str, levels: list[str]) -> Floats:
        if not levels:
            return self._numbers(column, f"covariate {name!r}")
        values = self._column(column).to_list()
        index = {level: float(i) for i, level in enumerate(levels)}
        out = np.full(len(values), np.nan)
        for row, value in enumerate(values):
            if value is None or value != value:
                continue
            label = value if isinstance(value, str) else str(value)
            if label not in index:
                expected = f"one of {', '.join(levels)}"
                given = SHORT.repr(value)
                raise SpecError(
                    f"{self._place(row)}: covariate {name!r} is {given}, no level of it; expected {expected}"
                )
            out[row] = index[label]
        return out

    def _entered(self, model: Model, condition: Condition) -> list[Any]:
        """The ladder and the rungs of a condition of `exact`."""
        tree = condition.to_dict()
        if set(tree) != {"ladder", "is"}:
            raise SpecError(
                f"exact: {condition.describe()} is no rung of a ladder; expected one, such as cav == 'dead'"
            )
        rungs = [tree["is"]] if isinstance(tree["is"], str) else tree["is"]
        ladder = model[tree["ladder"]]
        return [ladder.name, [ladder.states.index(rung) for rung in rungs]]
