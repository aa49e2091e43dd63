"""How often something happens over a span: its mean, its variance, its distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .frames import Table, frozen
from .results import Array, interval_text
from .values import number_text, probability_text, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Counts(Table):
    """How often something happens over a span; made by :meth:`Fit.entries` and :meth:`Fit.moves`.

    ``counts[2]`` is the probability of exactly 2, ``counts.at_least(2)`` of 2 or more; the last entry of
    :attr:`probability` is that of :attr:`most` or more.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["calm", "clash"], up=esc.per_year(2), down=esc.per_year(12))
    >>> fit = m.condition(esc.Dossier(as_of="2024-11-30"))
    >>> print(fit.entries(korea == "clash", by="2025-11-30", most=3))
    enters peninsula = clash by 2025-11-30: 1.72 on average (variance 1.3)
    times      probability
    0          0.14
    1          0.32
    2          0.31
    3 or more  0.23
    """

    what: str  #: what is counted, in words
    probability: Array  #: of 0, 1, … and of :attr:`most` or more, shape (most + 1,)
    low: Array
    high: Array
    mode: Array
    moments: Array  #: mean and variance (rows), each with its mean over the draws, low, high, mode; shape (2, 4)
    level: float

    @property
    def most(self) -> int:
        """The last number that is told apart: it stands for more as well."""
        return len(self.probability) - 1

    @property
    def mean(self) -> float:
        """How often on average; exact, whatever :attr:`most`."""
        return float(self.moments[0, 0])

    @property
    def variance(self) -> float:
        """The variance at given parameters, on average over the draws."""
        return float(self.moments[1, 0])

    def __getitem__(self, times: int) -> float:
        """The probability of exactly so many times, or of the last number or more."""
        return float(self.probability[whole(times, "how often", 0, self.most)])

    def at_least(self, times: int) -> float:
        """The probability of so many times or more.

        Parameters
        ----------
        times : int
            At most :attr:`most`.

        Returns
        -------
        float
        """
        return float(self.probability[whole(times, "how often", 0, self.most) :].sum())

    def __len__(self) -> int:
        return len(self.probability)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a number."""
        return {
            "times": list(range(len(self))),
            "probability": self.probability.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "mode": self.mode.tolist(),
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """The numbers as a reader sees them."""
        out: dict[str, Sequence[Any]] = {
            "times": [*map(str, range(self.most)), f"{self.most} or more"],
            "probability": [probability_text(p) for p in self.probability.tolist()],
        }
        if not np.isnan(self.low).all():
            ends = zip(self.low, self.high, strict=True)
            out[f"{self.level:.0%} interval"] = [interval_text(*pair) for pair in ends]
        return out

    def caption(self) -> str:
        """A line above the table."""
        low, high = self.moments[0, 1:3]
        between = "" if np.isnan(low) else f"{self.level:.0%} interval {number_text(low)}–{number_text(high)}; "
        mean = number_text(self.mean, 3)
        return f"{self.what}: {mean} on average ({between}variance {number_text(self.variance)})"

    def plot(self, **options: Any) -> Axes:
        """Bars with intervals: see :func:`escalade.plot.counts`.

        Parameters
        ----------
        **options
            ``ax=``, ``width=``.

        Returns
        -------
        matplotlib Axes
        """
        from . import spans_plot

        return spans_plot.counts(self, **options)

    @classmethod
    def of(cls, what: str, got: dict[str, Any], level: float) -> Counts:
        """The kernel's arrays."""
        law, moments = got["law"], got["moments"]
        return cls(
            what=what,
            probability=frozen(law["mean"]),
            low=frozen(law["low"]),
            high=frozen(law["high"]),
            mode=frozen(law["mode"]),
            moments=frozen(np.transpose([moments[key] for key in ("mean", "low", "high", "mode")])),
            level=level,
        )

    __repr__ = Table.__str__
