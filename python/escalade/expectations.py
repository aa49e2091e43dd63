"""Judgements about answers beside what the model makes of them: how far each gave way, and which are in conflict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .frames import Table
from .results import interval_text
from .values import Tree, item, missing, probability_text

if TYPE_CHECKING:
    from .fit_base import FitBase

CONFLICT = 1.96  #: standard deviations of the difference between a judgement and all else, beyond which they disagree


@dataclass(frozen=True, eq=False)
class Expectations(Table):
    """Each judgement about an answer: what was judged, what the answer is, and what all else says of it.

    ``others`` is the answer without this one judgement, from the normal around the mode: far off where the judgement
    lies far out in it (:meth:`Fit.audit` fits anew); ``gave_way`` is how far the answer lies from the judgement, in the
    judgement's standard deviations; ``conflict`` how far all else does, in standard deviations of the difference:
    beyond 1.96 either way the two disagree (Presanis et al. 2013).

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=3))
    >>> m.expect(esc.reach(front == "war", by="2025-10-01", name="war within a year"), "remote chance")
    >>> told = m.fit(esc.Dossier(as_of="2024-10-01")).expectations()
    >>> told["war within a year"]["gave_way"] > 0, told.in_conflict
    (True, [])
    """

    rows: tuple[Tree, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Tree]:
        return (dict(row) for row in self.rows)

    def __getitem__(self, key: str | int) -> Tree:
        """One judgement's entry, by name or place."""
        if isinstance(key, int):
            return dict(item(self.rows, key, "the expectations"))
        for row in self.rows:
            if row["name"] == key:
                return dict(row)
        raise missing("there is no expectation", key, [row["name"] for row in self.rows])

    @property
    def in_conflict(self) -> list[str]:
        """The names of those with which all else disagrees, the worst first."""
        far = sorted(self.rows, key=lambda row: -abs(row["conflict"]))
        return [row["name"] for row in far if abs(row["conflict"]) > CONFLICT]

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a judgement."""
        keys = ("name", "words", "known", "source", "answer", "others", "gave_way", "conflict")
        out: dict[str, Sequence[Any]] = {key: [row[key] for row in self.rows] for key in keys}
        for place, key in enumerate(("judged", "judged_low", "judged_high")):
            out[key] = [row["judged"][place] for row in self.rows]
        return out

    def shown(self) -> dict[str, Sequence[Any]]:
        """The judgements as a reader sees them."""
        rows = self.rows
        return {
            "expected": [row["name"] for row in rows],
            "judged": [f"{row['words']} {interval_text(row['judged'][1], row['judged'][2])}" for row in rows],
            "answer": [probability_text(row["answer"]) for row in rows],
            "all else": [probability_text(row["others"]) for row in rows],
            "gave way": [f"{row['gave_way']:+.1f}" for row in rows],
            "conflict": [f"{row['conflict']:+.1f}{' !' * (abs(row['conflict']) > CONFLICT)}" for row in rows],
        }

    def caption(self) -> str:
        """A line above the table."""
        far = self.in_conflict
        disagree = f"; all else disagrees with {', '.join(far)}" if far else ""
        return f"{len(self.rows)} judgements about answers{disagree}"

    def __repr__(self) -> str:
        return self.text()


def in_force(fit: FitBase) -> list[str]:
    """The names of the judgements about answers that a fit learnt from."""
    if np.isnan(fit._core.gradient_norm):  # nothing learnt
        return []
    return [entry["name"] for entry in json.loads(fit._core.expectations())]


@lru_cache(maxsize=8)
def learnt_without(model: str, dossier: str, names: frozenset[str]) -> _core.Fit:
    """The mode that a model has on a dossier, both as JSON, without some of its judgements about answers."""
    tree = json.loads(model)
    tree["expect"] = [entry for entry in tree["expect"] if entry["name"] not in names]
    return _core.Model(json.dumps(tree)).fit(dossier, draws=0)
