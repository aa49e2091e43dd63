"""When a condition first holds: its distribution over dates, quantiles, moments, and whether it ever does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .frames import Table, frozen
from .results import Array, interval_text
from .values import Tree, missing, number_text, probability_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Dates = NDArray[np.datetime64]
N_SHOWN = 7  # dates that the table shows


@dataclass(frozen=True)
class Wait:
    """How likely it comes, and how long it takes given that it does: days from now.

    Each is a tuple (value, low, high, mode): the value of all draws together, so that mean and deviation hold what is
    not known of the parameters as well; the interval that of the draws.
    """

    probability: tuple[float, float, float, float]
    mean: tuple[float, float, float, float]  #: days
    sd: tuple[float, float, float, float]  #: days


@dataclass(frozen=True)
class Quantile:
    """The date by which a probability is reached; NaT where that is later than the last date asked for."""

    p: float
    date: np.datetime64  #: of all draws together
    low: np.datetime64  #: the earlier end of the draws' interval
    high: np.datetime64  #: the later end


@dataclass(frozen=True)
class FirstPassage(Table):
    """When a condition first holds; made by :meth:`Fit.passage`.

    ``passage.by`` is about the last date, ``passage.ever`` about all time (:class:`Wait`); ``passage.never`` is the
    probability that it never comes. ``passage.quantile(0.5)`` is a date, to the minute.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.7))
    >>> passage = m.condition(esc.Dossier(as_of="2024-11-30")).passage(korea == "clash", until="2025-11-30")
    >>> round(passage.by.probability[0], 3), round(passage.ever.mean[0] / 365.25, 2)
    (0.558, 1.27)
    >>> print(passage.quantile(0.25).date)
    2025-02-28T02:36
    """

    what: str  #: the condition in words
    dates: tuple[str, ...]  #: the day's 24:00
    probability: Array  #: reached by each date, shape (n_dates,)
    low: Array
    high: Array
    mode: Array
    by: Wait  #: by the last date
    ever: Wait  #: at any time
    quantiles: tuple[Quantile, ...]
    conditional: tuple[Quantile, ...]  #: given that it is reached by the last date
    level: float
    as_of: str
    scenario: tuple[str, ...] = ()

    @property
    def never(self) -> float:
        """The probability that it never comes, the last calendar condition holding for ever."""
        return 1.0 - self.ever.probability[0]

    def quantile(self, p: float, *, conditional: bool = False) -> Quantile:
        """The date by which it is reached with a probability.

        Parameters
        ----------
        p : float
            One of those asked for.
        conditional : bool
            Given that it is reached by the last date.

        Returns
        -------
        Quantile
        """
        asked = self.conditional if conditional else self.quantiles
        for quantile in asked:
            if quantile.p == p:
                return quantile
        raise missing("there is no quantile", str(p), [str(quantile.p) for quantile in asked])

    @property
    def times(self) -> Dates:
        """The dates as instants, the day's 24:00."""
        return np.array([end_of(date) for date in self.dates], dtype="datetime64[s]")

    def __len__(self) -> int:
        return len(self.dates)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a date."""
        return {
            "by": list(self.dates),
            "probability": self.probability.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "mode": self.mode.tolist(),
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """A few dates as a reader sees them."""
        places = sorted({round(i * (len(self) - 1) / (N_SHOWN - 1)) for i in range(N_SHOWN)})
        out: dict[str, Sequence[Any]] = {
            "by": [self.dates[k] for k in places],
            "probability": [probability_text(float(self.probability[k])) for k in places],
        }
        if not np.isnan(self.low).all():
            out[f"{self.level:.0%} interval"] = [interval_text(self.low[k], self.high[k]) for k in places]
        return out

    def caption(self) -> str:
        """A line above the table."""
        changed = f"; {'; '.join(self.scenario)}" if self.scenario else ""
        told = [f"{self.what}, as of {self.as_of}{changed}"]
        if self.by.probability[0] > 0:
            mean, sd = number_text(self.by.mean[0], 3), number_text(self.by.sd[0], 2)
            told.append(f"if by {self.dates[-1]}, in {mean} days on average (sd {sd})")
        told.append(f"never: {probability_text(self.never)}")
        return "; ".join(told)

    def plot(self, **options: Any) -> Axes:
        """The distribution function with its interval and quantiles: see :func:`escalade.plot.passage`.

        Parameters
        ----------
        **options
            ``ax=``, ``width=``.

        Returns
        -------
        matplotlib Axes
        """
        from . import spans_plot

        return spans_plot.passage(self, **options)

    @classmethod
    def of(
        cls,
        what: str,
        dates: Sequence[str],
        p: Sequence[float],
        got: Tree,
        origin: str,
        level: float,
        as_of: str,
        scenario: Sequence[str],
    ) -> FirstPassage:
        """The kernel's arrays, with their dates back."""
        reached, day = got["reached"], np.datetime64(origin, "m")

        def date(days: float) -> np.datetime64:
            return day + np.timedelta64(round(days * 1440), "m") if np.isfinite(days) else np.datetime64("NaT")

        def quantiles(first: int) -> tuple[Quantile, ...]:
            own, together = got["quantiles"], got["quantiles_together"]
            return tuple(
                Quantile(float(q), date(together[k]), date(own["low"][k]), date(own["high"][k]))
                for k, q in enumerate(p, first)
            )

        def wait(name: str, together: Sequence[float]) -> Wait:
            own = got[name]

            def one(k: int) -> tuple[float, float, float, float]:
                return float(together[k]), float(own["low"][k]), float(own["high"][k]), float(own["mode"][k])

            return Wait(probability=one(0), mean=one(1), sd=one(2))

        return cls(
            what=what,
            dates=tuple(dates),
            probability=frozen(reached["mean"]),
            low=frozen(reached["low"]),
            high=frozen(reached["high"]),
            mode=frozen(reached["mode"]),
            by=wait("by", got["together"][0]),
            ever=wait("ever", got["together"][1]),
            quantiles=quantiles(0),
            conditional=quantiles(len(p)),
            level=level,
            as_of=as_of,
            scenario=tuple(scenario),
        )

    __repr__ = Table.__str__


def end_of(date: str) -> np.datetime64:
    """The end of a bare date's day, or the instant."""
    return np.datetime64(date, "s") + np.timedelta64(0 if "T" in date else 1, "D")
