"""Labelled results of a fitted panel: numbers, matrices over rungs, prevalence, the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .frames import Table
from .results import Array
from .values import missing, number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Told = Mapping[str, Array]


def digits(x: float) -> str:
    """Four digits for reading.

    >>> digits(0.0424912), digits(12.34567), digits(float("nan"))
    ('0.04249', '12.35', '')
    """
    return "" if np.isnan(x) else f"{x:.4g}"


def spread_text(low: float, high: float) -> str:
    """An interval for reading."""
    return "" if np.isnan(low) else f"{digits(low)}–{digits(high)}"


@dataclass(frozen=True)
class Estimates(Table):
    """Estimates with intervals, one a row, under labels.

    Examples
    --------
    >>> import escalade as esc, polars as pl
    >>> m = esc.Model()
    >>> light = m.ladder("light", ["on", "off"])
    >>> df = pl.DataFrame({"who": [1] * 6, "t": range(6), "s": ["on", "on", "on", "off", "off", "on"]})
    >>> m.fit(esc.Panel(df, id="who", time="t", rungs={light: "s"})).intensities().estimate.shape
    (2,)
    """

    title: str
    labels: Mapping[str, Sequence[Any]]  #: columns that say what each row is
    estimate: Array
    error: Array  #: standard errors
    low: Array
    high: Array
    level: float  #: of the intervals

    def __len__(self) -> int:
        return len(self.estimate)

    def __getitem__(self, key: Any) -> float:
        """The estimate of a row by its labels."""
        wanted = key if isinstance(key, tuple) else (key,)
        rows = list(zip(*self.labels.values(), strict=True))
        if wanted not in rows:
            raise missing("there is no row", str(key), [str(row) for row in rows])
        return float(self.estimate[rows.index(wanted)])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row an estimate."""
        numbers = {name: getattr(self, name).tolist() for name in ("estimate", "error", "low", "high")}
        return {**self.labels, **numbers}

    def shown(self) -> Mapping[str, Sequence[Any]]:
        """Estimate and interval as a reader sees them."""
        between = [spread_text(lo, hi) for lo, hi in zip(self.low, self.high, strict=True)]
        return {**self.labels, "estimate": [digits(x) for x in self.estimate], f"{self.level:.0%} interval": between}

    def caption(self) -> str:
        """A line above the table."""
        return self.title

    __repr__ = Table.__str__


@dataclass(frozen=True)
class Matrix(Table):
    """Numbers from each rung to each, with intervals; ``matrix["from", "to"]`` is one.

    Attributes
    ----------
    estimate, error, low, high : array, shape (n_rungs, n_rungs)
        Rows are "from".

    Examples
    --------
    >>> import escalade as esc, polars as pl
    >>> m = esc.Model()
    >>> light = m.ladder("light", ["on", "off"])
    >>> df = pl.DataFrame({"who": [1] * 6, "t": range(6), "s": ["on", "on", "on", "off", "off", "on"]})
    >>> p = m.fit(esc.Panel(df, id="who", time="t", rungs={light: "s"})).transition(2.0)
    >>> bool(abs(p.estimate.sum(axis=1) - 1).max() < 1e-12)
    True
    """

    title: str
    rungs: tuple[str, ...]
    estimate: Array
    error: Array
    low: Array
    high: Array
    level: float

    def __getitem__(self, key: tuple[str, str]) -> float:
        place = []
        for rung in key:
            if rung not in self.rungs:
                raise missing("there is no rung", rung, self.rungs)
            place.append(self.rungs.index(rung))
        return float(self.estimate[place[0], place[1]])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a pair of rungs."""
        n = len(self.rungs)
        numbers = {name: getattr(self, name).ravel().tolist() for name in ("estimate", "error", "low", "high")}
        return {"from": [r for r in self.rungs for _ in range(n)], "to": list(self.rungs) * n, **numbers}

    def shown(self) -> Mapping[str, Sequence[Any]]:
        """A column for each rung that is gone to."""
        out: dict[str, Sequence[Any]] = {"from": self.rungs}
        for j, rung in enumerate(self.rungs):
            parts = zip(self.estimate[:, j], self.low[:, j], self.high[:, j], strict=True)
            out[rung] = [
                digits(x) if np.isnan(lo) or lo == hi else f"{digits(x)} ({spread_text(lo, hi)})" for x, lo, hi in parts
            ]
        return out

    def caption(self) -> str:
        """A line above the table."""
        return self.title

    __repr__ = Table.__str__


@dataclass(frozen=True)
class Prevalence(Table):
    """How many units were at each rung at each time, beside what the fit expects.

    Attributes
    ----------
    observed, expected : array, shape (n_times, n_rungs)
        Counts of units; low and high bound the expected ones.

    Examples
    --------
    >>> import escalade as esc, polars as pl
    >>> m = esc.Model()
    >>> light = m.ladder("light", ["on", "off"])
    >>> df = pl.DataFrame({"who": [1] * 6, "t": range(6), "s": ["on", "on", "on", "off", "off", "on"]})
    >>> m.fit(esc.Panel(df, id="who", time="t", rungs={light: "s"})).prevalence([0, 1]).observed.shape
    (2, 2)
    """

    times: Array
    rungs: tuple[str, ...]
    observed: Array
    expected: Array
    low: Array
    high: Array
    level: float
    clock: str

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a time and a rung."""
        n = len(self.rungs)
        out: dict[str, Sequence[Any]] = {
            "time": np.repeat(self.times, n).tolist(),
            "rung": list(self.rungs) * len(self.times),
        }
        for name in ("observed", "expected", "low", "high"):
            out[name] = getattr(self, name).ravel().tolist()
        return out

    def shown(self) -> Mapping[str, Sequence[Any]]:
        """Observed and expected counts, a column a rung."""
        out: dict[str, Sequence[Any]] = {"time": [number_text(float(t)) for t in self.times]}
        for j, rung in enumerate(self.rungs):
            pairs = zip(self.observed[:, j], self.expected[:, j], strict=True)
            out[rung] = [f"{seen:.0f} ({expected:.1f})" for seen, expected in pairs]
        return out

    def caption(self) -> str:
        """A line above the table."""
        return "Units at each rung, observed (and expected)"

    def plot(self, ax: Any = None) -> Axes:
        """Observed and expected shares over time, a colour a rung.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes
        """
        from .canvas import canvas, rung_colours

        total = np.maximum(self.observed.sum(axis=1), 1)
        with canvas(ax, 6.5, 3.6) as axes:
            for j, colour in enumerate(rung_colours(len(self.rungs), ordered=False)):
                axes.plot(self.times, self.expected[:, j] / total, color=colour, label=self.rungs[j])
                axes.fill_between(self.times, self.low[:, j] / total, self.high[:, j] / total, color=colour, alpha=0.2)
                axes.plot(self.times, self.observed[:, j] / total, "o", ms=4, color=colour)
            axes.set(xlabel=f"{self.clock}s", ylabel="share of units", ylim=(0, 1))
            axes.legend()
        return axes

    __repr__ = Table.__str__


@dataclass(frozen=True)
class PanelSummary(Table):
    """What was fitted, how well, and what was used: prints like msm's summary.

    Examples
    --------
    >>> import escalade as esc, polars as pl
    >>> m = esc.Model()
    >>> light = m.ladder("light", ["on", "off"])
    >>> df = pl.DataFrame({"who": [1] * 6, "t": range(6), "s": ["on", "on", "on", "off", "off", "on"]})
    >>> s = m.fit(esc.Panel(df, id="who", time="t", rungs={light: "s"})).summary()
    >>> s.n_parameters, s.aic == s.minus2_log_likelihood + 4
    (2, True)
    """

    minus2_log_likelihood: float
    n_parameters: int
    aic: float
    bic: float  #: with the number of intervals
    converged: bool
    gradient_norm: float  #: in standard errors
    used: Mapping[str, int]  #: units, rows and intervals, and what was left out
    table: Matrix  #: rows by the rung seen there and the one seen before
    numbers: Estimates  #: intensities per unit of the clock, ratios, tables
    warnings: tuple[str, ...] = field(default=())

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a number of the model."""
        return self.numbers.columns()

    def shown(self) -> Mapping[str, Sequence[Any]]:
        """Numbers with their intervals."""
        return self.numbers.shown()

    def caption(self) -> str:
        """What stands above the numbers."""
        used = self.used
        lines = [
            f"-2 log-likelihood {self.minus2_log_likelihood:.6f} with {self.n_parameters} parameters; "
            f"AIC {self.aic:.3f}, BIC {self.bic:.3f}",
            f"{'converged' if self.converged else 'NOT CONVERGED'}: gradient {self.gradient_norm:.1e} standard errors",
            f"used: {used['units']:,} units, {used['rows']:,} rows, {used['intervals']:,} intervals "
            f"({used['entries']:,} entries at a known time, {used['censored']:,} rows with several possible rungs)",
            f"no part in the likelihood: {used['single']:,} units with one row, "
            f"{used['empty']:,} rows with nothing seen",
        ]
        if used.get("dropped"):
            lines.append(f"left out: {used['dropped']:,} rows that lack a covariate")
        return "\n".join([*lines, *(f"warning: {warning}" for warning in self.warnings), self.numbers.title])

    __repr__ = Table.__str__
