"""Scenarios side by side: the same questions put to several fits, and how far each answer moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .condition import Condition
from .frames import Pictured, Table, frozen
from .progress import Progress, progress_line
from .questions import AsQuestions, Questions
from .results import Array, interval_text
from .values import listed, place_of, probability_text, share, wrong

if TYPE_CHECKING:
    from .dossier import Development
    from .fit import Fit

#: Scenarios of one grid; each asks every question.
MOST = 1000


@dataclass(frozen=True, eq=False)
class Comparison(Pictured):
    """Answers to the same questions under several scenarios; the first is what the others are compared with.

    ``difference`` is each answer less that of the first scenario. Scenarios of one fit share the draws of its
    parameters, so the interval of a difference is that of differences draw by draw, narrower than the two intervals
    suggest; it is nan where the draws are not shared.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> us = m.driver("us", {"steady": 0.7, "gone": 0.3})
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3), down=esc.per_year(0.3))
    >>> front.effect(us == "gone", up=3.0)
    >>> fit = m.condition(esc.Dossier(as_of="2024-11-30"))
    >>> war = esc.reach(front == "war", by="2025-11-30", name="war within a year")
    >>> table = esc.compare({"now": fit, "gone": fit.given(us == "gone")}, war)
    >>> table["gone", "war within a year"]["difference"] > 0.1
    True
    """

    picture = "comparison"

    scenario: tuple[str, ...]
    question: tuple[str, ...]
    probability: Array  #: shape (n_scenarios, n_questions)
    low: Array
    high: Array
    difference: Array
    difference_low: Array
    difference_high: Array
    level: float  #: of the intervals

    def __len__(self) -> int:
        return len(self.scenario) * len(self.question)

    def __getitem__(self, key: tuple[str | int, Any]) -> dict[str, float]:
        """One answer, by scenario and question, each by name or place."""
        if not isinstance(key, tuple) or len(key) != 2:
            raise wrong("what is looked up", key, "a scenario and a question, as in table['now', 'clash']")
        place = place_of(key[0], self.scenario, "scenario"), place_of(key[1], self.question, "question")
        names = ("probability", "low", "high", "difference", "difference_low", "difference_high")
        return {name: float(getattr(self, name)[place]) for name in names}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row for each scenario and question."""
        names = ("probability", "low", "high", "difference", "difference_low", "difference_high")
        return {
            "scenario": [scenario for scenario in self.scenario for _ in self.question],
            "question": list(self.question) * len(self.scenario),
            **{name: getattr(self, name).ravel().tolist() for name in names},
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """One row a scenario, one column a question: the answer, and how far it moved."""

        def cell(s: int, q: int) -> str:
            between = interval_text(self.low[s, q], self.high[s, q])
            moved = f", {points_text(self.difference[s, q])}" if s else ""
            return f"{probability_text(self.probability[s, q])}{f' ({between})' if between else ''}{moved}"

        questions = {name: [cell(s, q) for s in range(len(self.scenario))] for q, name in enumerate(self.question)}
        return {"scenario": self.scenario, **questions}

    def caption(self) -> str:
        """A line above the table."""
        level = "" if np.isnan(self.low).all() else f", {self.level:.0%} intervals"
        return f"Probabilities{level}; after the comma: percentage points from '{self.scenario[0]}'"

    __repr__ = Table.__str__


def compare(
    fits: Mapping[str, Fit], questions: AsQuestions, *, level: float = 0.9, progress: Progress = True
) -> Comparison:
    """The same questions put to several fits or posteriors.

    Parameters
    ----------
    fits : mapping of str to Fit
        Each with its name; the first is what the others are compared with.
    questions : Question, Questions or list
        What is asked.
    level : float
        Of the intervals.
    progress : bool or callable
        As in :meth:`Model.fit`.

    Returns
    -------
    Comparison
        ``table["cut", clash]``, ``plot()``.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> seen = d.saw(front == "quiet", on="2024-11-20", id="calm")
    >>> fit = m.fit(d)
    >>> war = esc.reach(front == "war", by="2025-11-30", name="war")
    >>> table = esc.compare({"with it": fit, "without it": fit.without("calm")}, war)
    >>> table.scenario, table.question
    (('with it', 'without it'), ('war',))
    """
    if not isinstance(fits, Mapping) or not fits:
        raise wrong("compare: the first argument", fits, "fits by name, such as {'now': fit, 'cut': fit.do(...)}")
    asked, level = Questions(questions), share(level, "level")
    drawn: list[Array] = []
    with progress_line("scenarios", progress) as report:
        for k, (name, fit) in enumerate(fits.items()):
            if not hasattr(fit, "ask_draws"):
                raise wrong(f"compare: {name!r}", fit, "a fit or a posterior")
            got = fit.ask_draws(asked)
            drawn.append(got if len(got) else fit.ask(asked, progress=False).probability[None])
            if report is not None:
                report((k + 1) / len(fits))
    mean, low, high = (frozen(x) for x in zip(*(summed(draws, level) for draws in drawn), strict=True))
    # Draw by draw only where the draws are the same, and none was left out for being impossible.
    parameters = [fit._core.draws() for fit in fits.values()]
    same = [
        len(own) == len(draws) and np.array_equal(own, parameters[0])
        for own, draws in zip(parameters, drawn, strict=True)
    ]
    moved = (differences(draws, drawn[0], same[0] and shared, level) for draws, shared in zip(drawn, same, strict=True))
    by, by_low, by_high = (frozen(x) for x in zip(*moved, strict=True))
    names, scenarios = tuple(question.name for question in asked), tuple(map(str, fits))
    return Comparison(scenarios, names, mean, low, high, by, by_low, by_high, level)


def points_text(difference: float) -> str:
    """A difference in percentage points.

    >>> points_text(0.0512), points_text(-0.0004), points_text(float("nan"))
    ('+5', '0', '')
    """
    text = "" if np.isnan(difference) else f"{100 * difference:+.0f}"
    return "0" if text in ("+0", "-0") else text


def summed(draws: Array, level: float) -> tuple[Array, Array, Array]:
    """Mean and interval over the draws at which there is an answer."""
    if len(draws) == 1:
        nothing = np.full(draws.shape[1], np.nan)
        return draws[0], nothing, nothing
    low, high = np.nanquantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return np.nanmean(draws, axis=0), low, high


def differences(draws: Array, first: Array, shared: bool, level: float) -> tuple[Array, Array, Array]:
    """How far each answer is from the first scenario's: that of the means, and the interval draw by draw."""
    mean = np.nanmean(draws, axis=0) - np.nanmean(first, axis=0)
    if not shared or draws.shape != first.shape or len(draws) == 1:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    return mean, *summed(draws - first, level)[1:]


def grid(
    fit: Fit,
    given: Iterable[Condition | Development | None],
    do: Iterable[Condition | None],
    without: Iterable[str | Sequence[str] | None],
) -> dict[str, Fit]:
    """The fits of every combination, by what was changed; the fit as it is comes first."""
    axes = [listed(axis, name, "a list") for axis, name in ((given, "given"), (do, "do"), (without, "without"))]
    size = int(np.prod([max(len(axis), 1) for axis in axes]))
    if size > MOST:
        raise wrong("the grid", f"of {size} scenarios", f"at most {MOST}")
    fits = {"as it is": fit}
    for one_given, one_do, one_without in product(*(axis or [None] for axis in axes)):
        changed = fit
        if one_without is not None:
            changed = changed.without(*([one_without] if isinstance(one_without, str) else one_without))
        if one_given is not None:
            changed = changed.given(one_given)
        if one_do is not None:
            changed = changed.do(one_do)
        if changed is not fit:
            fits["; ".join(changed.scenario[len(fit.scenario) :])] = changed
    return fits
