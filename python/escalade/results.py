"""Labelled results of a fit: answers, forecasts, drivers, parameters, and the account of a model's size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from .frames import Table, frozen
from .values import Tree, day_of, item, missing, name_of, number_text, place_of, probability_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
MONTH = 30.4375  # days
N_SHOWN = 4  # dates of a forecast that its table shows


def interval_text(low: float, high: float) -> str:
    """An interval of probabilities, empty where there are no draws.

    >>> interval_text(0.058, 0.271), interval_text(float("nan"), float("nan"))
    ('0.06–0.27', '')
    """
    return "" if np.isnan(low) else f"{probability_text(low)}–{probability_text(high)}"


def share_text(x: float | None) -> str:
    """A move or a share for reading: two digits after the point, 0 where rounding left nothing.

    >>> share_text(-3.8e-05), share_text(-0.424), share_text(1.2)
    ('0', '-0.42', '1.20')
    """
    if x is None:
        return ""
    return "0" if abs(x) < 0.005 else f"{x:.2f}"


@dataclass(frozen=True)
class Answer:
    """The answer to one question; ``float(answer)`` is its probability.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
    >>> answers = m.condition(esc.Dossier(as_of="2024-11-30")).ask(esc.reach(korea == "clash", by="2025-06-30"))
    >>> print(answers[0])
    peninsula = clash by 2025-06-30: 0.20, ≈ highly unlikely
    """

    name: str  #: the question's
    probability: float  #: posterior mean of the probability
    low: float  #: lower end of its interval; nan without draws
    high: float  #: upper end
    mode: float  #: the probability at the mode of the parameters
    word: str  #: the yardstick's word, "≈ " before it in a gap between two words' bands
    asks: str  #: what is asked, in words
    criterion: str | None  #: how a stranger decides it

    def __str__(self) -> str:
        between = interval_text(self.low, self.high)
        return f"{self.name}: {probability_text(self.probability)}{f' ({between})' if between else ''}, {self.word}"

    def __float__(self) -> float:
        return self.probability


@dataclass(frozen=True)
class Answers(Table):
    """Answers to questions, with intervals and the yardstick's words; found by name or place.

    Attributes
    ----------
    probability, low, high, mode : array, shape (n_questions,)
        Posterior mean of each probability, its interval, and the probability at the mode of the parameters.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
    >>> fit = m.condition(esc.Dossier(as_of="2024-11-30"))
    >>> answers = fit.ask([esc.reach(korea == "clash", by="2025-06-30", name="clash by mid-2025")])
    >>> round(answers["clash by mid-2025"].probability, 2)
    0.2
    """

    name: tuple[str, ...]
    probability: Array
    low: Array
    high: Array
    mode: Array
    asks: tuple[str, ...]
    criterion: tuple[str | None, ...]
    level: float  #: of the interval
    as_of: str  #: the date as of which it is asked
    scenario: tuple[str, ...] = ()  #: what given, do and without changed

    @property
    def word(self) -> tuple[str, ...]:
        """The yardstick's words for the probabilities."""
        return tuple(_core.word_for(float(p)) for p in self.probability)

    def __len__(self) -> int:
        return len(self.name)

    def __iter__(self) -> Iterator[Answer]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: str | int | Any) -> Answer:
        key = place_of(key, self.name, "question")
        return Answer(
            name=self.name[key],
            probability=float(self.probability[key]),
            low=float(self.low[key]),
            high=float(self.high[key]),
            mode=float(self.mode[key]),
            word=_core.word_for(float(self.probability[key])),
            asks=self.asks[key],
            criterion=self.criterion[key],
        )

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a question."""
        numbers = {key: getattr(self, key).tolist() for key in ("probability", "low", "high", "mode")}
        return {"question": self.name, **numbers, "word": self.word, "asks": self.asks, "criterion": self.criterion}

    def shown(self) -> dict[str, Sequence[Any]]:
        """Probability, interval and word as a reader sees them."""
        out: dict[str, Sequence[Any]] = {
            "question": self.name,
            "probability": [probability_text(p) for p in self.probability.tolist()],
        }
        if not np.isnan(self.low).all():
            out[f"{self.level:.0%} interval"] = [
                interval_text(lo, hi) for lo, hi in zip(self.low, self.high, strict=True)
            ]
            out["at the mode"] = [probability_text(p) for p in self.mode.tolist()]
        return {**out, "in words": self.word}

    def html_cell(self, column: str, value: Any) -> str:
        """A question's cell says what is asked when the pointer rests on it."""
        if column != "question":
            return super().html_cell(column, value)
        i = self.name.index(value)
        hint = self.asks[i] + (f". Decided by: {self.criterion[i]}" if self.criterion[i] else "")
        return f'<span title="{escape(hint)}">{escape(value)}</span>'

    def caption(self) -> str:
        """A line above the table."""
        changed = f"; {'; '.join(self.scenario)}" if self.scenario else ""
        return f"Answers as of {self.as_of}{changed}"

    def plot(self, **options: Any) -> Axes:
        """Dots with intervals: see :func:`escalade.plot.answers`.

        Parameters
        ----------
        **options
            ``ax=``, ``width=``.

        Returns
        -------
        matplotlib Axes
        """
        from . import plot

        return plot.answers(self, **options)

    __repr__ = Table.__str__


@dataclass(frozen=True)
class Rungs:
    """The probability of each rung of one ladder over time.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
    >>> rungs = m.condition(esc.Dossier(as_of="2024-11-30")).forecast(dates=["2025-10-01"])[korea]
    >>> rungs["clash"].shape, rungs.mean.shape
    ((1,), (1, 2))
    """

    ladder: str
    rungs: tuple[str, ...]
    mean: Array  #: shape (n_dates, n_rungs): posterior mean
    low: Array  #: lower end of the interval; nan without draws
    high: Array  #: upper end
    mode: Array  #: at the mode of the parameters
    ordered: bool = True

    def __getitem__(self, rung: str) -> Array:
        """The mean probability of a rung over time, shape (n_dates,)."""
        if rung not in self.rungs:
            raise missing(f"{self.ladder} has no rung", rung, self.rungs, "it has")
        return self.mean[:, self.rungs.index(rung)]

    def at_least(self, rung: str) -> Array:
        """The mean probability of a rung or a later one over time, shape (n_dates,).

        Parameters
        ----------
        rung : str

        Returns
        -------
        array, shape (n_dates,)
        """
        self[rung]
        return frozen(self.mean[:, self.rungs.index(rung) :].sum(axis=1))


@dataclass(frozen=True)
class Forecast(Table):
    """The rungs of the ladders over time: before now as the developments tell it, after now as forecast.

    Found by ladder: ``forecast[korea]`` or ``forecast["peninsula"]`` is a :class:`Rungs`. Made by
    :meth:`Fit.forecast`, :meth:`Fit.smoothed` and :meth:`Fit.filtered`.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
    >>> fit = m.condition(esc.Dossier(as_of="2024-11-30"))
    >>> print(fit.forecast(dates=["2024-10-01", "2025-10-01"]))
    Forecast as of 2024-11-30: 2 dates, 2024-10-01 to 2025-10-01
    ladder     rung      2024-10-01  2025-10-01
    peninsula  rhetoric  0.99959     0.74
               clash     0.00041     0.26
    """

    dates: tuple[str, ...]
    ladders: Mapping[str, Rungs]
    level: float
    as_of: str
    origin: str
    kind: str = "forecast"  #: or "smoothed" or "filtered"
    scenario: tuple[str, ...] = ()

    @property
    def times(self) -> NDArray[np.datetime64]:
        """The dates as instants; a bare date is its noon."""
        return np.array([day_of(date) for date in self.dates], dtype="datetime64[s]")

    def __getitem__(self, ladder: object) -> Rungs:
        name = name_of(ladder)
        if name not in self.ladders:
            raise missing("this forecast has no ladder", name, self.ladders, "it has")
        return self.ladders[name]

    def __len__(self) -> int:
        return len(self.dates)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row for each ladder, date and rung."""
        rows = [
            (
                ladder.ladder,
                date.item(),
                rung,
                *(float(part[t, r]) for part in (ladder.mean, ladder.low, ladder.high, ladder.mode)),
            )
            for ladder in self.ladders.values()
            for t, date in enumerate(self.times)
            for r, rung in enumerate(ladder.rungs)
        ]
        names = ("ladder", "date", "rung", "probability", "low", "high", "mode")
        columns: dict[str, Sequence[Any]] = {name: [row[i] for row in rows] for i, name in enumerate(names)}
        return columns

    def shown(self) -> Mapping[str, Sequence[Any]]:
        """Each rung at a few dates, the first and the last among them."""
        places = sorted({round(i * (len(self) - 1) / (N_SHOWN - 1)) for i in range(N_SHOWN)})
        ladders = self.ladders.values()
        out: dict[str, list[Any]] = {
            "ladder": [x.ladder if r == 0 else "" for x in ladders for r in range(len(x.rungs))],
            "rung": [rung for x in ladders for rung in x.rungs],
        }
        for t in places:
            out[self.dates[t]] = [probability_text(float(p)) for x in ladders for p in x.mean[t]]
        return out

    def caption(self) -> str:
        """A line above the table."""
        changed = f"; {'; '.join(self.scenario)}" if self.scenario else ""
        dates = f"{len(self)} date{'s' * (len(self) != 1)}, {self.dates[0]} to {self.dates[-1]}"
        return f"{self.kind.capitalize()} as of {self.as_of}{changed}: {dates}"

    def plot(self, ladder: object = None, **options: Any) -> Any:
        """The fan of one ladder, or of all: see :func:`escalade.plot.fan` and :func:`escalade.plot.fans`.

        Parameters
        ----------
        ladder : Ladder or str, optional
            By default all.
        **options
            ``kind=``, ``ax=``, ``labels=``; of all, ``columns=`` and ``kind=``.

        Returns
        -------
        matplotlib Axes, or an array of them
        """
        from . import plot

        return plot.fans(self, **options) if ladder is None else plot.fan(self, ladder, **options)

    __repr__ = Table.__str__


@dataclass(frozen=True)
class Drivers(Table):
    """The drivers before and after the developments; ``drivers["restraint"]`` maps its states to their probability.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> china = m.driver("restraint", {"strong": 0.7, "weak": 0.3})
    >>> m.condition(esc.Dossier(as_of="2024-11-30")).drivers()["restraint"]
    {'strong': 0.7, 'weak': 0.3}
    """

    states: Mapping[str, tuple[str, ...]]
    values: Mapping[str, Mapping[str, Array]]  #: by driver: prior, mode, mean, low, high, shape (n_states,)
    level: float

    def __getitem__(self, driver: object) -> dict[str, float]:
        name = name_of(driver)
        if name not in self.states:
            raise missing("there is no driver", name, self.states)
        return dict(zip(self.states[name], self.values[name]["mean"].tolist(), strict=True))

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row for each driver and state."""
        out: dict[str, list[Any]] = {"driver": [], "state": []}
        for name, states in self.states.items():
            out["driver"] += [name] * len(states)
            out["state"] += states
        for key, column in (
            ("prior", "prior"),
            ("probability", "mean"),
            ("low", "low"),
            ("high", "high"),
            ("mode", "mode"),
        ):
            out[key] = [p for value in self.values.values() for p in value[column].tolist()]
        return dict(out)

    def shown(self) -> dict[str, Sequence[Any]]:
        """Prior and posterior as a reader sees them."""
        columns = self.columns()
        return {
            "driver": columns["driver"],
            "state": columns["state"],
            "prior": [probability_text(p) for p in columns["prior"]],
            "posterior": [probability_text(p) for p in columns["probability"]],
            f"{self.level:.0%} interval": [
                interval_text(*ends) for ends in zip(columns["low"], columns["high"], strict=True)
            ],
        }

    def caption(self) -> str:
        """A line above the table."""
        return "Drivers, before and after the developments"

    __repr__ = Table.__str__


@dataclass(frozen=True)
class Parameters(Table):
    """Every number of a model with its prior; of a fit, also what the developments made of it.

    ``moved`` is the posterior mode minus the prior's in prior standard deviations (of the logarithm, or of the logit
    that moved most); ``shrink`` is 1 − posterior / prior standard deviation. Both small: judgement, not evidence.
    Intensities are per month (30.4375 days), factors are times, tables probabilities: the column
    ``unit`` says it; of an indicator's number it is empty.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_month(0.3, spread=2))
    >>> columns = m.parameters().columns()
    >>> columns["unit"], [round(x, 6) for x in columns["value"]]
    (['per month'], [0.3])
    """

    rows: tuple[Tree, ...]

    @classmethod
    def of(cls, rows: Sequence[Tree]) -> Parameters:
        """The kernel's list, intensities per month, single numbers taken out of their lists."""
        return cls(tuple(with_unit(row) for row in rows))

    @property
    def fitted(self) -> bool:
        """Whether the developments have spoken."""
        return any("mode" in row for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Tree]:
        return (dict(row) for row in self.rows)

    def __getitem__(self, key: str | int) -> Tree:
        """One parameter's entry, by name or place."""
        if isinstance(key, int):
            return dict(item(self.rows, key, "the parameters"))
        for row in self.rows:
            if row["name"] == key:
                return dict(row)
        raise missing("there is no parameter", key, [row["name"] for row in self.rows])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a number; one for each state of a table's row."""
        keys = ["value", "prior_low", "prior_high"]
        fitted = ["mode", "mean", "low", "high"] if self.fitted else []
        once = (["moved", "shrink"] if self.fitted else []) + [
            "prior",
            "fixed",
            "words",
            "source",
            "known",
            "basis",
            "note",
        ]
        out: dict[str, list[Any]] = {key: [] for key in ["name", "kind", "state", "unit", *keys, *fitted, *once]}
        for row in self.rows:
            for i, state in enumerate(row.get("states") or [None]):
                out["name"].append(row["name"])
                out["kind"].append(row["kind"])
                out["state"].append(state)
                out["unit"].append(row["unit"])
                for key in keys + fitted:
                    value = row.get(key)
                    one = value[i] if isinstance(value, list) else value
                    out[key].append(one)
                for key in once:
                    out[key].append(row.get(key))
        return dict(out)

    def shown(self) -> dict[str, Sequence[Any]]:
        """The parameters that are not fixed, as a reader sees them."""
        rows = [row for row in self.rows if not row.get("fixed")] if self.fitted else self.rows
        out: dict[str, Sequence[Any]] = {
            "parameter": [row["name"] for row in rows],
            "stated": [row.get("words") or row["prior"] for row in rows],
            "unit": [row["unit"] for row in rows],
            "prior": [f"{value_text(row, 'value')}{span_of(row, 'prior_low', 'prior_high')}" for row in rows],
        }
        if self.fitted:
            out["posterior"] = [f"{value_text(row, 'mode')}{span_of(row, 'low', 'high')}" for row in rows]
            out["moved"] = [share_text(row.get("moved")) for row in rows]
            out["shrink"] = [share_text(row.get("shrink")) for row in rows]
        out["basis"] = [row.get("basis") or "" for row in rows]
        out["source"] = [row.get("source") or "" for row in rows]
        return out

    def caption(self) -> str:
        """A line above the table."""
        n_fixed = sum(bool(row.get("fixed")) for row in self.rows)
        left_out = ", not shown" if self.fitted and n_fixed else ""
        return f"{len(self)} parameters, {n_fixed} fixed{left_out}; 90 % in brackets"

    def plot(self, **options: Any) -> Axes:
        """How far each parameter moved from its prior: see :func:`escalade.plot.parameters`.

        Parameters
        ----------
        **options
            ``top=``, ``ax=``, ``width=``.

        Returns
        -------
        matplotlib Axes
        """
        from . import plot

        return plot.parameters(self, **options)

    __repr__ = Table.__str__


def value_text(row: Tree, key: str) -> str:
    """A parameter's number (an intensity a month), or a row's probabilities."""
    value = row.get(key)
    if isinstance(value, list):
        return " / ".join(probability_text(p) for p in value)
    return "" if value is None else number_text(value)


def span_of(row: Tree, low: str, high: str) -> str:
    """A single number's interval in brackets."""
    if row.get(low) is None or isinstance(row[low], list):
        return ""
    return f" ({value_text(row, low)}–{value_text(row, high)})"


def with_unit(row: Tree) -> Tree:
    """A number of the kernel, which counts in days, as users read it."""
    if "states" in row:
        return {**row, "unit": "probability"}
    per_month = row["kind"] in ("intensity", "event rate")
    scale = MONTH if per_month else 1.0
    numbers = {
        key: None if row[key][0] is None else row[key][0] * scale  # None: no draws, so no mean and no interval
        for key in ("value", "prior_low", "prior_high", "mode", "mean", "low", "high")
        if isinstance(row.get(key), list)
    }
    # A mean, a standard deviation, a size is in the unit of what the indicator shows.
    unit = "per month" if per_month else "times" if row["kind"] == "factor" else ""
    return {**row, **numbers, "unit": unit}


@dataclass(frozen=True)
class Size(Table):
    """What an exact answer costs: the components, what hangs together in each and why, and their price.

    Made by :meth:`Model.size`; ``size.largest`` is the dearest component's entry.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
    >>> m.size().largest["joint_rungs"]
    2
    """

    components: tuple[Tree, ...]
    dropped: tuple[str, ...]  #: ladders that nothing known or asked depends on
    operations: float
    bytes: float

    @classmethod
    def of(cls, account: Tree) -> Size:
        """The kernel's account."""
        whole = ("driver_states", "joint_rungs", "flags", "moves")
        parts = ({**part, **{key: int(part[key]) for key in whole}} for part in account["components"])
        return cls(tuple(parts), tuple(account["dropped"]), account["operations"], account["bytes"])

    @property
    def largest(self) -> Tree:
        """The dearest component."""
        return max(self.components, key=lambda part: part["operations"], default={})

    def __len__(self) -> int:
        return len(self.components)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a component, the dearest first."""
        parts = sorted(self.components, key=lambda part: -part["operations"])
        out: dict[str, Sequence[Any]] = {
            "of": [part["of"] for part in parts],
            "ladders": [", ".join(part["ladders"]) for part in parts],
            "drivers": [", ".join(part["drivers"]) for part in parts],
        }
        for key in ("driver_states", "joint_rungs", "flags", "moves", "steps", "operations", "bytes"):
            out[key] = [part[key] for part in parts]
        out["links"] = ["; ".join(f"{x['a']} – {x['b']}: {x['why']}" for x in part["links"]) for part in parts]
        return out

    def shown(self) -> dict[str, Sequence[Any]]:
        """The components that have ladders, without their links, which are long."""
        kept = [i for i, ladders in enumerate(self.columns()["ladders"]) if ladders]
        columns = {name: column for name, column in self.columns().items() if name != "links"}
        return {name.replace("_", " "): [column[i] for i in kept] for name, column in columns.items()}

    def html_cell(self, column: str, value: Any) -> str:
        """The links of a component show when the pointer rests on its ladders."""
        if column != "ladders":
            return super().html_cell(column, value)
        columns = self.columns()
        links = columns["links"][list(columns["ladders"]).index(value)]
        return f'<span title="{escape(links)}">{escape(value)}</span>'

    def caption(self) -> str:
        """A line above the table."""
        dropped = f"; not needed: {', '.join(self.dropped)}" if self.dropped else ""
        n = sum(bool(part["ladders"]) for part in self.components)
        return (
            f"{n} component{'s' * (n != 1)} of ladders, {number_text(self.operations)} operations a sweep, "
            f"{number_text(self.bytes / 2**20)} MiB{dropped}"
        )

    __repr__ = Table.__str__
