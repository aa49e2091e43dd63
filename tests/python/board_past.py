"""A table like a replay's, with numbers that a test chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from escalade.frames import Table


@dataclass
class Past(Table):
    """One row of probabilities a date; their intervals are points."""

    dates: Sequence[str]
    questions: Sequence[str]
    probability: Sequence[Sequence[float]]

    def columns(self) -> dict[str, Sequence[Any]]:
        flat = [p for row in self.probability for p in row]
        return {
            "date": [date for date in self.dates for _ in self.questions],
            "question": list(self.questions) * len(self.dates),
            **dict.fromkeys(("probability", "low", "high"), flat),
        }
