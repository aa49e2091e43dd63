"""Profiles: how far the likelihood falls as one number is held away from its estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .frames import Table, frozen
from .results import Array
from .values import number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from . import _core

#: Points of a profile from the estimate to each end.
POINTS = 8


@dataclass(frozen=True)
class Profile(Table):
    """One number held at values in turn, the others climbing anew at each (Venzon and Moolgavkar 1988, Appl. Stat. 37).

    The interval holds the values at which the logarithm of the likelihood (with priors: of the posterior density) lies
    at most half a quantile of χ² with one degree of freedom below the top. It need not be symmetric, and where the
    panel cannot tell a number from 0, or from infinity, that end is open: 0 or infinite.

    Attributes
    ----------
    value : array, shape (n_points,)
        Values of the number, ascending; intensities in `unit`.
    height : array, shape (n_points,)
        The logarithm of the likelihood, or of the posterior density, at the best of the other numbers.

    Examples
    --------
    >>> import escalade as esc, polars as pl
    >>> m = esc.Model()
    >>> light = m.ladder("light", ["on", "off"])
    >>> df = pl.DataFrame({"who": [1] * 6, "t": range(6), "s": ["on", "on", "on", "off", "off", "on"]})
    >>> profile = m.fit(esc.Panel(df, id="who", time="t", rungs={light: "s"})).profile("light: on → off")
    >>> profile.low < profile.estimate < profile.high
    True
    """

    name: str
    unit: str
    estimate: float
    low: float
    high: float
    level: float  #: of the interval
    value: Array
    height: Array
    top: float  #: the height at the estimate
    cut: float  #: the height at the ends

    @classmethod
    def of(cls, told: Mapping[str, Any], clock: str, level: float, by: float = 1.0) -> Profile:
        """The kernel's numbers with their unit; rates times `by`."""
        unit = {"rate": f"per {clock}", "factor": "times", "probability": "probability"}.get(told["kind"], "")
        by = by if told["kind"] == "rate" else 1.0
        return cls(
            told["name"],
            unit,
            by * told["estimate"],
            by * told["low"],
            by * told["high"],
            level,
            frozen(by * told["value"]),
            frozen(told["height"]),
            told["top"],
            told["top"] - told["fall"],
        )

    @property
    def open(self) -> tuple[bool, bool]:
        """Whether the interval has no lower and no upper end."""
        whole = 1.0 if self.unit == "probability" else np.inf
        return self.low in (0, -np.inf), self.high == whole

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a point."""
        return {"value": self.value.tolist(), "height": self.height.tolist()}

    def caption(self) -> str:
        """A line above the table."""
        ends = f"{number_text(self.low)}–{number_text(self.high)}"
        unit = "" if self.unit == "probability" else f" {self.unit}"
        return f"{self.name}: {number_text(self.estimate)} ({self.level:.0%}: {ends}){unit}"

    __repr__ = Table.__str__

    def plot(self, ax: Axes | None = None) -> Axes:
        """The curve, with its interval in grey.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Drawn into; by default new ones.

        Returns
        -------
        matplotlib Axes
        """
        from .canvas import canvas, hue

        with canvas(ax, 5.0, 3.2) as ax:
            inside = [x for x in (self.low, self.high) if np.isfinite(x) and x != 0]
            shown = (self.value >= 0.5 * min(inside, default=0)) & (self.value <= 2 * max(inside, default=np.inf))
            shown = shown if self.unit else np.ones_like(shown)
            ax.axvspan(
                max(self.low, self.value[shown].min()), min(self.high, self.value[shown].max()), color=hue().faint, lw=0
            )
            ax.plot(self.value[shown], self.height[shown] - self.top, "-o", color=hue().blue, ms=3)
            ax.axhline(self.cut - self.top, color=hue().grey, lw=1, ls=":")
            ax.axvline(self.estimate, color=hue().grey, lw=1)
            if self.unit not in ("probability", ""):
                ax.set_xscale("log")
            ax.set_ylim(3 * (self.cut - self.top), -0.1 * (self.cut - self.top))
            ax.set_xlabel(self.unit)
            ax.set_ylabel("log height below the top")
            ax.set_title(self.name)
        return ax


def told_by(core: _core.Fit | _core.PanelFit, names: Sequence[str], level: float, steps: int, progress: Any) -> Any:
    """The kernel's profiles, with a warning where one climbed above the top."""
    import warnings

    from .progress import progress_line

    with progress_line("profile", progress) as report:
        found = core.profile(list(names), level=level, steps=steps, progress=report)
    for told in found:
        if told["higher"]:
            text = f"the profile of {told['name']!r} climbs above the estimate, which is no top: fit with more starts"
            warnings.warn(text, stacklevel=4)
    return found
