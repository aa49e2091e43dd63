"""How long conditions hold over a span, in expectation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .frames import Table
from .results import interval_text
from .values import missing, number_text


@dataclass(frozen=True)
class TimeIn(Table):
    """Expected days in conditions over a span; by the condition in words or by place.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_day(1.0), down=esc.per_day(1.0))
    >>> times = m.condition(esc.Dossier(as_of="2024-10-30")).time_in(front == "war", over=("2024-10-01", "2024-10-10"))
    >>> times.conditions, round(times["front = war"], 2) == round(times[0], 2)
    (('front = war',), True)
    """

    conditions: tuple[str, ...]
    days: NDArray[np.float64]  #: mean over the draws (without draws: at the mode), shape (n_conditions,)
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mode: NDArray[np.float64]
    span: float  #: days
    level: float

    def __getitem__(self, condition: str | int) -> float:
        if isinstance(condition, int):
            return float(self.days[condition])
        if condition not in self.conditions:
            raise missing("there is no condition", condition, self.conditions)
        return float(self.days[self.conditions.index(condition)])

    def __len__(self) -> int:
        return len(self.conditions)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row for each condition."""
        return {
            "condition": list(self.conditions),
            "days": self.days.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "mode": self.mode.tolist(),
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """Days and shares as a reader sees them."""
        ends = zip(self.low / self.span, self.high / self.span, strict=True)
        return {
            "condition": list(self.conditions),
            "days": [number_text(x) for x in self.days.tolist()],
            "share": [f"{x / self.span:.1%}" for x in self.days.tolist()],
            f"{self.level:.0%} interval": [interval_text(*pair) for pair in ends],
        }

    def caption(self) -> str:
        """A line above the table."""
        return f"Expected time over {number_text(self.span)} days"

    __repr__ = Table.__str__
