"""What would turn an answer over: one judgement moved, one development left out, one driver known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import ImpossibleEvidence
from .attribution import Attribution, explain
from .frames import Table, frozen
from .progress import Progress, progress_line
from .questions import AsQuestions, Questions
from .results import Array
from .sensitivity import breaking_points
from .values import item, number_text, probability_text

if TYPE_CHECKING:
    from .fit import Fit

KINDS = ("judgement", "development", "driver")
#: Each state of each driver: both names, the answer if it were known, and how likely it is now.
Told = list[tuple[str, str, float, float]]


@dataclass(frozen=True, eq=False)
class Flips(Table):
    """The single changes that bring an answer over a line, the likeliest first; see :meth:`Fit.flips`.

    ``chance`` is how likely the change is on what the model believes: of a judgement, the prior probability that the
    number lies at least that far out (of a flat prior, what was learnt of it); of a driver, the probability of the
    state now; nan for developments, which were reported or not. Where no development or no driver does it, the one that
    comes nearest stands with ``crosses`` False.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> us = m.driver("us", {"steady": 0.7, "gone": 0.3})
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1, spread=1.2))
    >>> front.effect(us == "gone", up=5)
    >>> war = esc.reach(front == "war", by="2025-09-30", name="war within a year")
    >>> table = m.condition(esc.Dossier(as_of="2024-10-01")).flips(war)
    >>> [(kind, what) for kind, what, crosses in zip(table.kind, table.what, table.crosses) if crosses]
    [('judgement', 'front: up'), ('driver', 'us = gone')]
    """

    question: str
    probability: float
    line: float
    kind: tuple[str, ...]
    what: tuple[str, ...]
    change: tuple[str, ...]
    answer: Array  #: what the answer is then
    chance: Array
    crosses: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.what)

    def __getitem__(self, key: int) -> dict[str, Any]:
        """One change, by place."""
        return {name: item(column, key, "the changes") for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a change."""
        return {
            "kind": self.kind,
            "what": self.what,
            "change": self.change,
            "answer": self.answer.tolist(),
            "chance": self.chance.tolist(),
            "crosses": self.crosses,
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """As a reader sees it."""
        rows = self.columns()
        return {
            "kind": self.kind,
            "what": self.what,
            "change": self.change,
            "chance": [probability_text(p) for p in rows["chance"]],
            "answer then": [
                f"{probability_text(p)}{'' if over else ', not over it'}"
                for p, over in zip(rows["answer"], self.crosses, strict=True)
            ],
        }

    def caption(self) -> str:
        """A line above the table."""
        now, line = probability_text(self.probability), probability_text(self.line)
        none = "" if any(self.crosses) else "; no single change does"
        return f"{self.question}: {now} now; what alone would bring it over {line}{none}"

    __repr__ = Table.__str__


def flips(
    fit: Fit,
    question: AsQuestions,
    at: float,
    top: int,
    progress: Progress,
    why: Attribution | None = None,
    drivers: Told | None = None,
) -> Flips:
    """See :meth:`Fit.flips`; `why` and `drivers` are of the same question, where they are known already."""
    with progress_line("flips", progress) as report:
        if why is None:  # first, for it refuses what cannot be taken apart
            why = explain(fit, question, by="development", learning=False, orders=0, seed=0, progress=False)
        if report is not None:
            report(0.2)
        numbers = breaking_points(fit, question, at, top, False)
        if report is not None:
            report(0.6)
        drivers = known(fit, question)[0] if drivers is None else drivers
    line, now = numbers.line, numbers.probability
    rows: list[tuple[str, str, str, float, float, bool]] = []
    for k, name in enumerate(numbers.number):
        if not np.isnan(numbers.at[k]):
            value, there = (number_text(float(x)) for x in (numbers.value[k], numbers.at[k]))
            tail = erfc(abs(float(numbers.quantile[k])) / sqrt(2)) / 2
            rows.append(("judgement", name, f"{value} → {there} {numbers.unit[k]}", line, tail, True))
    changes = [
        ("development", says, f"without {id}", float(p), np.nan)
        for id, says, p in zip(why.player, why.says, why.without, strict=True)
    ] + [("driver", f"{name} = {state}", "known", answer, chance) for name, state, answer, chance in drivers]
    for kind in KINDS[1:]:
        own = [(*change, (change[3] >= line) != (now >= line)) for change in changes if change[0] == kind]
        over = [row for row in own if row[5]]
        rows += over or sorted(own, key=lambda row: abs(row[3] - line))[:1]
    # Those that cross first; of them the likeliest, developments by how far they carry it.
    rows.sort(key=lambda row: (not row[5], -(row[4] if row[4] == row[4] else 0.0), -abs(row[3] - now)))
    kinds, whats, how, answer, chance, crosses = zip(*rows, strict=True) if rows else ((),) * 6
    return Flips(why.question, now, line, kinds, whats, how, frozen(answer), frozen(chance), crosses)


def known(fit: Fit, questions: AsQuestions) -> list[Told]:
    """Of each question, what each state of each driver would make of it, at the mode."""
    several = Questions(questions)
    asked = several._checked(fit._core)
    out: list[Told] = [[] for _ in several]
    for name, law in fit._core.at_mode().drivers().items():
        driver = fit.model.drivers[name]
        for state, chance in zip(driver.states, law["mode"].tolist(), strict=True):
            try:
                answers = fit.given(driver == state)._core.at_mode().ask(asked)["mode"]
            except ImpossibleEvidence:
                continue  # it cannot be: what it would do is no matter
            for told, answer in zip(out, answers.tolist(), strict=True):
                told.append((name, state, answer, chance))
    return out
