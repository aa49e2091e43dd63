"""How long a condition holds over a span: the distribution of the time spent in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .frames import Table, frozen
from .results import Array, interval_text
from .values import Tree, missing, number, number_text, probability_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class TimeLaw(Table):
    """The distribution of the time spent in a condition over a span; made by :meth:`Fit.time_law`.

    It has weight at 0 (:attr:`none`) and at the whole span (:attr:`whole`), and a density between, which is read at the
    nodes of a polynomial; ``law.more_than(30)`` is the probability of more than 30 days.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["calm", "clash"], up=esc.per_year(2), down=esc.per_year(6))
    >>> law = m.condition(esc.Dossier(as_of="2024-11-30")).time_law(korea == "clash", by="2025-11-30")
    >>> round(law.mean, 2), round(law.more_than(90), 4), law.exact
    (88.25, 0.4291, True)
    """

    what: str  #: the condition and the span, in words
    days: Array  #: nodes from 0 to the whole span, shape (n_nodes,)
    probability: Array  #: of more than so many days; at the last node of the whole span, shape (n_nodes,)
    low: Array
    high: Array
    mode: Array
    error: Array  #: by how much each may be wrong beside rounding; 0 where it is exact
    moments: (
        Array  #: mean and standard deviation, days, each with its mean over the draws, low, high, mode; shape (2, 4)
    )
    quantiles: dict[float, tuple[float, float, float]]  #: days by probability: of all draws together, low, high
    exact: bool  #: whether it was counted, not extrapolated
    level: float

    @property
    def mean(self) -> float:
        """Days on average."""
        return float(self.moments[0, 0])

    @property
    def sd(self) -> float:
        """Standard deviation at given parameters, days, on average over the draws."""
        return float(self.moments[1, 0])

    @property
    def none(self) -> float:
        """The probability of no time at all."""
        return 1.0 - float(self.probability[0])

    @property
    def whole(self) -> float:
        """The probability of the whole span."""
        return float(self.probability[-1])

    def more_than(self, days: float) -> float:
        """The probability of more than so many days, by the polynomial through the nodes.

        Parameters
        ----------
        days : float

        Returns
        -------
        float
        """
        return float(self._between(number(days, "more_than: the days")))

    def quantile(self, p: float) -> float:
        """The days that are not exceeded with a probability, one of those asked for.

        Parameters
        ----------
        p : float

        Returns
        -------
        float
        """
        if p not in self.quantiles:
            raise missing("there is no quantile", str(p), map(str, self.quantiles))
        return self.quantiles[p][0]

    def _between(self, x: float | Array) -> Array:
        """The barycentric formula at Chebyshev's nodes (Berrut and Trefethen 2004), cut at the nodes around."""
        x = np.asarray(x, dtype=float)
        weights = np.where(np.arange(len(self.days)) % 2, -1.0, 1.0)
        weights[[0, -1]] *= 0.5
        apart = x[..., None] - self.days
        exactly = apart == 0
        weights = weights / np.where(exactly.any(axis=-1, keepdims=True), 1.0, apart)
        weights = np.where(exactly.any(axis=-1, keepdims=True), exactly, weights)
        inside = weights @ self.probability / weights.sum(axis=-1)
        place = np.clip(np.searchsorted(self.days, x), 1, len(self.days) - 1)
        inside = np.clip(inside, self.probability[place], self.probability[place - 1])
        return np.where(x < 0, 1.0, np.where(x >= self.days[-1], 0.0, inside))

    def __len__(self) -> int:
        return len(self.days)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a node."""
        names = ("days", "probability", "low", "high", "mode", "error")
        return {("more_than" if name == "days" else name): getattr(self, name).tolist() for name in names}

    def shown(self) -> dict[str, Sequence[Any]]:
        """Every third node as a reader sees it."""
        places = range(0, len(self) - 1, 3)
        out: dict[str, Sequence[Any]] = {
            "more than": [f"{number_text(float(self.days[k]))} days" for k in places],
            "probability": [probability_text(float(self.probability[k])) for k in places],
        }
        if not np.isnan(self.low).all():
            out[f"{self.level:.0%} interval"] = [interval_text(self.low[k], self.high[k]) for k in places]
        return out

    def caption(self) -> str:
        """A line above the table."""
        error = "" if self.exact else f"; within {float(self.error.max()):.1g}"
        mean, sd = number_text(self.mean, 3), number_text(self.sd, 2)
        span = number_text(float(self.days[-1]), 3)
        return (
            f"{self.what}: {mean} of {span} days on average (sd {sd}); all of it: {probability_text(self.whole)}{error}"
        )

    def plot(self, **options: Any) -> Axes:
        """P(more than so many days), with its interval: see :func:`escalade.plot.time_law`.

        Parameters
        ----------
        **options
            ``ax=``, ``width=``.

        Returns
        -------
        matplotlib Axes
        """
        from . import spans_plot

        return spans_plot.time_law(self, **options)

    @classmethod
    def of(cls, what: str, p: Iterable[float], got: Tree, level: float) -> TimeLaw:
        """The kernel's arrays."""
        beyond, own = got["beyond"], got["quantiles"]
        ends = zip(p, got["quantiles_together"], own["low"], own["high"], strict=True)
        return cls(
            what=what,
            days=frozen(got["days"]),
            probability=frozen(beyond["mean"]),
            low=frozen(beyond["low"]),
            high=frozen(beyond["high"]),
            mode=frozen(beyond["mode"]),
            error=frozen(got["errors"]),
            moments=frozen(np.transpose([got["moments"][key] for key in ("mean", "low", "high", "mode")])),
            quantiles={float(q): (float(x), float(low), float(high)) for q, x, low, high in ends},
            exact=bool(got["exact"]),
            level=level,
        )

    __repr__ = Table.__str__
