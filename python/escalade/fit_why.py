"""Why a fit says what it says: its part that takes answers apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from .attribution import Attribution, explain
from .condition import Condition
from .confidence import Confidence, confidence
from .conflict import Conflicts, Diagnosticity, conflicts, diagnosticity
from .fit_base import FitBase
from .progress import Progress
from .questions import AsQuestions
from .sensitivity import BreakingPoints, Tornado, TwoWay, breaking_points, tornado, two_way
from .values import DateLike
from .watch import WatchList, watch


class Explained(FitBase):
    """What a :class:`Fit` says of its answers: which developments and numbers made them, and what to look for."""

    def explain(
        self,
        question: AsQuestions,
        *,
        by: str = "development",
        learning: bool | Literal["refit"] = False,
        orders: int = 400,
        seed: int = 0,
        progress: Progress = True,
    ) -> Attribution:
        """Why this number: what each development does to an answer, at the mode of the parameters.

        Parameters
        ----------
        question : Question
            One.
        by : {"development", "indicator", "source", "paragraph"}
            Whose shares.
        learning : bool or "refit"
            Also what each does through the parameters that it taught: to first order, a gradient each, or exactly, by
            fitting anew without each.
        orders : int
            Random orders for Shapley's shares, each with its reverse, where there are more than 12 players. 0: no
            shares, only what is quick: the answer as they arrived, and without each.
        seed : int
            Of those orders.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Attribution
            Shares, what the answer is without each, and the answer as they arrived: ``plot()``.

        Raises
        ------
        SpecError
            If there is not one question; with `learning`, if nothing was learnt or the fit was changed since.
        """
        return explain(self, question, by=by, learning=learning, orders=orders, seed=seed, progress=progress)

    def sensitivity(self, question: AsQuestions, *, top: int = 15, progress: Progress = True) -> Tornado:
        """How an answer hangs on every free number: exact derivatives, and the answer over what is believed of each.

        Parameters
        ----------
        question : Question
            One.
        top : int
            How many of the strongest are moved through what is believed of them.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Tornado
            The strongest first; ``plot()``.
        """
        return tornado(self, question, top, progress)

    def breaking_points(
        self, question: AsQuestions, *, at: float = 0.5, top: int = 15, progress: Progress = True
    ) -> BreakingPoints:
        """How far a judgement must move, all else at the mode, before an answer crosses a line.

        Parameters
        ----------
        question : Question
            One.
        at : float
            The line, a probability.
        top : int
            How many of the strongest numbers are moved.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        BreakingPoints
            The nearest first, in how far out they lie in what was believed.
        """
        return breaking_points(self, question, at, top, progress)

    def two_way(
        self, question: AsQuestions, first: str, second: str, *, n: int = 21, progress: Progress = True
    ) -> TwoWay:
        """An answer over what is believed of two numbers at once, all else at the mode.

        Parameters
        ----------
        question : Question
            One.
        first, second : str
            Names of numbers, as in :meth:`sensitivity`.
        n : int
            Values of each, over its central 90 %.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        TwoWay
            ``probability``, shape (n, n); ``plot()``.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1, spread=2))
        >>> war = esc.reach(front == "war", by="2025-09-30")
        >>> table = m.condition(esc.Dossier(as_of="2024-10-01")).two_way(war, "front: up", "front: down", n=5)
        >>> table.probability.shape
        (5, 5)
        """
        return two_way(self, question, first, second, n, progress)

    def watch(
        self,
        question: AsQuestions,
        *,
        until: DateLike | None = None,
        dates: Iterable[DateLike] | None = None,
        progress: Progress = True,
    ) -> WatchList:
        """What to look for next: what each indicator may show at dates ahead, and what that would make of an answer.

        Parameters
        ----------
        question : Question
            One, about what is ahead.
        until : date, optional
            Six dates, evenly spaced, from the fit's date to then.
        dates : list of dates, optional
            These instead; a bare date is its noon. Events are watched from one date to the next.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        WatchList
            The most telling first; ``plot()``.

        Raises
        ------
        SpecError
            If a date is not after the fit's, there is not one question, or it looks at the past.
        """
        return watch(self, question, until, dates, progress)

    def conflicts(self, *, pairs: bool = True, progress: Progress = True) -> Conflicts:
        """Which developments disagree, given the model: the surprise of each given the rest, and pairs at odds.

        Parameters
        ----------
        pairs : bool
            Also every two of them.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Conflicts
        """
        return conflicts(self, pairs, progress)

    def diagnosticity(
        self, hypotheses: Mapping[str, Condition] | Iterable[Condition], *, progress: Progress = True
    ) -> Diagnosticity:
        """Which developments tell hypotheses apart, as in the analysis of competing hypotheses.

        Parameters
        ----------
        hypotheses : mapping of str to Condition, or list of Condition
            Of drivers or ladders, as of the fit's date.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Diagnosticity
            Likelihood ratios, development by hypothesis; ``plot()``.
        """
        return diagnosticity(self, hypotheses, progress)

    def confidence(self, questions: AsQuestions, *, progress: Progress = True) -> Confidence:
        """How far each answer is to be trusted, apart from how likely it says a thing is, from stated things alone.

        From the width of its 90 % interval; from the share of judgement, rather than evidence or base rates, in the
        numbers that it hangs on; and from the grades of the developments that carry it, by :func:`confidence_rule`.

        Parameters
        ----------
        questions : Question, Questions or list
            What is asked. One costs about as much as :meth:`sensitivity` and :meth:`explain` without shares.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Confidence
            Level, numbers and reason of each; ``plot()``.

        Raises
        ------
        SpecError
            If a question cannot be taken apart (:meth:`explain`).
        """
        return confidence(self, questions, progress)
