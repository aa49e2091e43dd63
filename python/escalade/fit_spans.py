"""When, how often and for how long, asked of a fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .condition import A_CONDITION, Condition, condition_tree, describe
from .counts import Counts
from .fit_base import FitBase
from .frames import frozen
from .passage import FirstPassage, end_of
from .progress import Progress, progress_line
from .questions import Kind, Question, ask_words, enters, moves, reach
from .time_in import TimeIn
from .time_law import TimeLaw
from .values import DateLike, listed, share, sound_date, to_json, whole, wrong

if TYPE_CHECKING:
    from .handles import Ladder


class Timed(FitBase):
    """What a :class:`Fit` says of first passages, counts and times spent."""

    def time_in(
        self, *conditions: Condition, over: tuple[DateLike, DateLike], level: float = 0.9, progress: Progress = True
    ) -> TimeIn:
        """Expected time that conditions hold over a span, given all developments: before it, in it and after it.

        Exact for given parameters: the occupancy of a continuous-time Bayesian network.

        Parameters
        ----------
        *conditions : Condition
            Each is answered by itself.
        over : pair of dates
            From the first day's 00:00 to the last day's 24:00; it may reach beyond the fit's date.
        level : float
            Of the intervals, which say how uncertain the parameters are.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        TimeIn

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> a = m.ladder("a", ["low", "high"], up=esc.per_day(1.0), down=esc.per_day(1.0))
        >>> fit = m.condition(esc.Dossier(as_of="2024-10-30"))
        >>> round(fit.time_in(a == "high", over=("2024-10-01", "2024-10-10"))[0], 3)
        4.75
        """
        if not conditions:
            raise wrong("time_in", None, A_CONDITION)
        trees = [condition_tree(x, "time_in: each argument") for x in conditions]
        if not isinstance(over, tuple | list) or len(over) != 2:
            raise wrong("time_in: over", over, "a pair of dates")
        start, end = (sound_date(x, "time_in: over") for x in over)
        level = share(level, "level")
        with progress_line("time", progress) as report:
            got = self._core.time_in(to_json(trees), start, end, level=level, progress=report)
        names = tuple(describe(tree) for tree in trees)
        days, low, high, mode = (frozen(got[key]) for key in ("mean", "low", "high", "mode"))
        return TimeIn(names, days, low, high, mode, got["span"], level)

    def passage(
        self,
        what: Condition,
        *,
        until: DateLike,
        dates: Iterable[DateLike] | None = None,
        quantiles: Iterable[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
        level: float = 0.9,
        progress: Progress = True,
    ) -> FirstPassage:
        """When a condition first holds, from now on: its distribution over dates, quantiles, mean and deviation.

        P(reached by a date) is that of ``esc.reach``, at all dates in one walk; the moments up to `until` follow from
        its integrals, those of all time from linear systems once the calendar has turned for the last time. Quantiles
        are dates, found to the minute.

        Parameters
        ----------
        what : Condition
            What is to hold; at once if it does already.
        until : date
            The last day, to its 24:00.
        dates : list of dates, optional
            Days at whose 24:00 it is read; by default so many that the curve is smooth to the eye.
        quantiles : list of float
            Probabilities whose dates are sought.
        level : float
            Of the intervals.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        FirstPassage
            ``passage.by``, ``passage.ever``, ``passage.never``, ``passage.quantile(0.5)``, ``plot()``.

        Raises
        ------
        SpecError
            If a date is none, or lies before the fit's.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.7))
        >>> passage = m.condition(esc.Dossier(as_of="2024-11-30")).passage(korea == "clash", until="2025-11-30")
        >>> round(passage.by.probability[0], 3)
        0.558
        """
        tree, level = condition_tree(what, "passage: the first argument"), share(level, "level")
        last = sound_date(until, "until")
        asked = self._dates(last, self.as_of, None) if dates is None else [*self._dates(None, None, dates), last]
        asked = sorted(set(asked), key=end_of)
        p = [share(q, "a quantile") for q in listed(quantiles, "quantiles", "a list of probabilities")]
        with progress_line("passage", progress) as report:
            got = self._core.passage(to_json(tree), asked, p, level=level, progress=report)
        told = (level, self.as_of, self.scenario)
        return FirstPassage.of(describe(tree), asked, p, got, self._model.origin, *told)

    def entries(
        self,
        what: Condition,
        *,
        by: DateLike,
        since: DateLike | None = None,
        most: int = 10,
        level: float = 0.9,
        progress: Progress = True,
    ) -> Counts:
        """How often a condition becomes true, false just before, from now to the end of a day.

        Mean and variance are exact; the distribution is told up to `most`. Over a span that begins in the past, given
        all developments.

        Parameters
        ----------
        what : Condition
        by : date
            The day's 24:00.
        since : date, optional
            Where the span begins, the day's 00:00; now if missing.
        most : int
            The last number that is told apart; it stands for more as well. Each number takes two levels of a monitor.
        level : float
            Of the intervals.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Counts
            ``counts.mean``, ``counts[2]``, ``counts.at_least(2)``, ``plot()``.
        """
        return self._counts(enters(what, by, since=since, times=whole(most, "most", 1)), most, level, progress)

    def moves(
        self,
        ladder: Ladder,
        kind: Kind = "all",
        *,
        by: DateLike,
        since: DateLike | None = None,
        most: int = 10,
        level: float = 0.9,
        progress: Progress = True,
    ) -> Counts:
        """How often a ladder moves, in some direction, from now to the end of a day.

        Parameters
        ----------
        ladder : Ladder
        kind : {"all", "up", "down"}, or a list of pairs (from, to)
            Which moves count.
        by, since, most, level, progress
            As in :meth:`entries`.

        Returns
        -------
        Counts
        """
        asked = moves(ladder, kind, by=by, since=since, times=whole(most, "most", 1))
        return self._counts(asked, most, level, progress)

    def _counts(self, asked: Question, most: int, level: float, progress: Progress) -> Counts:
        tree, level = asked.to_dict()["ask"], share(level, "level")
        with progress_line("counts", progress) as report:
            questions = to_json({"question": [{"name": asked.name, "ask": {**tree, "times": most}}]})
            got = self._core.counts(questions, level=level, progress=report)
        return Counts.of(ask_words({**tree, "times": 1}), got, level)

    def time_law(
        self,
        what: Condition,
        *,
        by: DateLike,
        since: DateLike | None = None,
        quantiles: Iterable[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
        level: float = 0.9,
        progress: Progress = True,
    ) -> TimeLaw:
        """The distribution of the time for which a condition holds, all in all, from now to the end of a day.

        Exact over a span ahead in which no calendar condition turns (de Souza e Silva and Gail 1986); else the limit of
        answers with Erlang times of up to 128 stages, its error told with it: see :func:`time_in`. That takes a hundred
        sweeps for each draw; a fit with few draws, or ``posterior.thin(50)``, tells it sooner.

        Parameters
        ----------
        what : Condition
        by : date
            The day's 24:00.
        since : date, optional
            Where the span begins, the day's 00:00; now if missing. From a past day on, the developments tell.
        quantiles : list of float
            Probabilities whose days are sought.
        level : float
            Of the intervals.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        TimeLaw
            ``law.mean``, ``law.more_than(30)``, ``law.quantile(0.5)``, ``law.none``, ``law.whole``, ``plot()``.
        """
        asked, level = reach(what, by, since=since), share(level, "level")
        p = [share(q, "a quantile") for q in listed(quantiles, "quantiles", "a list of probabilities")]
        with progress_line("time", progress) as report:
            questions = to_json({"question": [asked.to_dict()]})
            got = self._core.spent(questions, p, level=level, progress=report)
        return TimeLaw.of(asked.describe(), p, got, level)
