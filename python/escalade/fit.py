"""A fit: the model with what the developments taught, to be asked."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ._core import SpecError
from .attribution import Attribution, explain
from .comparison import Comparison, compare, grid
from .condition import A_CONDITION, Condition, condition_tree, describe
from .conflict import Conflicts, Diagnosticity, conflicts, diagnosticity
from .counts import Counts
from .dossier import Development, Dossier
from .expectations import Expectations
from .frames import frozen
from .marginal import LogMarginal
from .passage import FirstPassage, end_of
from .profile import POINTS, Profile, told_by
from .progress import Progress, progress_line
from .questions import AsQuestions, Kind, Question, Questions, ask_words, enters, moves, reach
from .results import MONTH, Answers, Drivers, Forecast, Parameters, Rungs
from .sensitivity import BreakingPoints, Tornado, TwoWay, breaking_points, one_question, tornado, two_way
from .time_in import TimeIn
from .time_law import TimeLaw
from .values import A_DATE, DateLike, Tree, day_of, listed, missing, share, sound_date, text, to_json, whole, wrong
from .watch import WatchList, watch
from .worlds import PredictiveChecks, Worlds

if TYPE_CHECKING:
    from . import _core
    from .handles import Ladder
    from .model import Model

N_DATES = 120  # of a forecast where no step is given: smooth to the eye


class Fit:
    """A model and its developments, ready to be asked; made by :meth:`Model.fit`, never by hand.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"],
    ...                  up=esc.chance("unlikely", within="1 year"), down=esc.per_month(0.3))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> _ = d.saw(korea >= "provocation", between=("2024-10-08", "2024-10-17"))
    >>> fit = m.fit(d)
    >>> answers = fit.ask([esc.reach(korea == "clash", by="2025-06-30", name="clash")])
    >>> 0 < answers["clash"].low < answers["clash"].probability < answers["clash"].high < 1
    True
    """

    def __init__(self, model: Model, core: _core.Fit) -> None:
        self._model = model
        self._core = core

    @property
    def model(self) -> Model:
        """The model that was fitted."""
        return self._model

    @property
    def as_of(self) -> str:
        """The date as of which it answers."""
        return self._core.as_of

    @property
    def log_evidence(self) -> float:
        """The logarithm of the probability of the developments, at the mode of the parameters."""
        return self._core.log_evidence

    @property
    def dossier(self) -> Dossier:
        """The developments that it was fitted to; see :attr:`scenario` for what was changed since."""
        return Dossier.from_dict(json.loads(self._core.dossier()))

    @property
    def left_out(self) -> list[str]:
        """The developments that were reported after its date."""
        return self._core.left_out

    @property
    def scenario(self) -> list[str]:
        """What :meth:`given`, :meth:`do` and :meth:`without` changed, in words."""
        return [change_words(change) for change in self._changes()]

    def _changes(self) -> list[Tree]:
        return list(json.loads(self._core.scenario()))

    # Asking

    def ask(self, questions: AsQuestions, *, level: float = 0.9, progress: Progress = True) -> Answers:
        """Answer questions.

        Parameters
        ----------
        questions : Question, Questions or list
            What is asked.
        level : float
            Of the interval of each probability.
        progress : bool or callable
            As in :meth:`Model.fit`.

        Returns
        -------
        Answers
            Found by name or place; ``to_frame()``, ``plot()``.

        Raises
        ------
        SpecError
            If a question names what the model does not have, or ends by now with no `since`.
        """
        asked, level = Questions(questions), share(level, "level")
        with progress_line("answers", progress) as report:
            got = self._core.ask(asked._checked(self._core), level=level, progress=report)
        warn_of_lost_draws(got["name"], got["draws"], self._core.n_draws)
        return Answers(
            name=tuple(got["name"]),
            probability=frozen(got["probability"]),
            low=frozen(got["low"]),
            high=frozen(got["high"]),
            mode=frozen(got["mode"]),
            asks=tuple(q.describe() for q in asked),
            criterion=tuple(q.criterion for q in asked),
            level=level,
            as_of=self.as_of,
            scenario=tuple(self.scenario),
        )

    def ask_draws(self, questions: AsQuestions) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The probabilities under each draw of the parameters.

        Parameters
        ----------
        questions : Question, Questions or list
            What is asked.

        Returns
        -------
        array, shape (n_draws, n_questions)
        """
        return self._core.ask_draws(Questions(questions)._checked(self._core))

    def forecast(
        self,
        until: DateLike | None = None,
        *,
        since: DateLike | None = None,
        dates: Iterable[DateLike] | None = None,
        level: float = 0.9,
        progress: Progress = True,
    ) -> Forecast:
        """The rungs of every ladder over time.

        Parameters
        ----------
        until, since : date
            From when (by default the model's origin) to when; the step is chosen to be smooth to the eye.
        dates : list of dates, optional
            These dates instead; a bare date is its noon.
        level : float
            Of the intervals.
        progress : bool or callable
            As in :meth:`Model.fit`.

        Returns
        -------
        Forecast
            Found by ladder.

        Raises
        ------
        SpecError
            If a date is none, lies before the origin, or `until` lies before `since`.
        """
        asked, level = self._dates(until, since, dates), share(level, "level")
        with progress_line("forecast", progress) as report:
            got = self._core.forecast(asked, level=level, progress=report)
        return self._rungs("forecast", asked, got["ladders"], level)

    def smoothed(self, dates: Iterable[DateLike] | None = None) -> Forecast:
        """The rungs in the past, told by all that is known now; parameters at their mode.

        Parameters
        ----------
        dates : list of dates, optional
            None after the fit's date; by default from the model's origin on.

        Returns
        -------
        Forecast
            Of kind "smoothed", without intervals.
        """
        asked = self._past("smoothed", dates)
        return self._rungs("smoothed", asked, self._core.smoothed(asked), np.nan)

    def filtered(self, dates: Iterable[DateLike] | None = None) -> Forecast:
        """The rungs in the past, told by what held until each date; parameters at their mode.

        Parameters
        ----------
        dates : list of dates, optional
            None after the fit's date; by default from the model's origin on.

        Returns
        -------
        Forecast
            Of kind "filtered", without intervals.
        """
        asked = self._past("filtered", dates)
        return self._rungs("filtered", asked, self._core.filtered(asked), np.nan)

    def drivers(self, *, level: float = 0.9, progress: Progress = True) -> Drivers:
        """The drivers before and after the developments.

        Parameters
        ----------
        level : float
            Of the intervals.
        progress : bool or callable
            As in :meth:`Model.fit`.

        Returns
        -------
        Drivers
            Found by driver: ``drivers["restraint"]`` maps its states to their probability.
        """
        level = share(level, "level")
        with progress_line("drivers", progress) as report:
            got = self._core.drivers(level=level, progress=report)
        states = {name: tuple(driver.states) for name, driver in self._model.drivers.items() if name in got}
        values = {name: {key: frozen(x) for key, x in got[name].items()} for name in states}
        return Drivers(states, values, level)

    def parameters(self) -> Parameters:
        """How far each parameter moved from its prior, and where its number comes from."""
        return Parameters.of(json.loads(self._core.parameters()))

    def expectations(self) -> Expectations:
        """The model's judgements about answers (:meth:`Model.expect`), and how far each gave way to the rest.

        Judgements made after the fit's date are not among them.

        Returns
        -------
        Expectations
        """
        return Expectations(tuple(json.loads(self._core.expectations())))

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

    def explain(
        self,
        question: AsQuestions,
        *,
        by: str = "development",
        learning: bool = False,
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
        learning : bool
            Also what each does through the parameters that it taught, to first order: a gradient each.
        orders : int
            Random orders for Shapley's shares, each with its reverse, where there are more than 12 players.
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

    def at_mode(self, question: AsQuestions) -> float:
        """The probability of one question at the mode of the parameters, without draws.

        Parameters
        ----------
        question : Question
            One.

        Returns
        -------
        float
        """
        return float(self._core.slopes(one_question(question, "at_mode")[1])[0][0])

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

    def simulate(self, until: DateLike, n: int = 1000, *, seed: int = 0, progress: Progress = True) -> Worlds:
        """Worlds onward from the fit's date, given all that is known.

        Drivers, rungs now and parameters are drawn together: world w at draw w of the parameters, in turn.

        Parameters
        ----------
        until : date
            Its day included.
        n : int
            How many worlds.
        seed : int
            The same seed gives the same worlds.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Worlds
            Paths, drivers, what indicators show, whether questions are true.

        Raises
        ------
        SpecError
            If `until` is not after the fit's date.
        TooLarge
            If the ladders together, or so many worlds, are too large.
        """
        end, count, key = sound_date(until, "simulate: until"), whole(n, "n", 1), whole(seed, "seed")
        with progress_line("worlds", progress) as report:
            core = self._core.worlds(end, count, key, progress=report)
        return Worlds(self._model, core, key, self.dossier)

    def replicate(self, n: int = 1000, *, seed: int = 0, progress: Progress = True) -> Worlds:
        """Worlds from the model's origin to the fit's date, drawn anew: only what was learnt of the parameters is kept.

        Parameters
        ----------
        n : int
            How many worlds.
        seed : int
            The same seed gives the same worlds.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Worlds
            ``worlds.dossier(k)`` is what the reporters of one would have written.
        """
        count, key = whole(n, "n", 1), whole(seed, "seed")
        with progress_line("worlds", progress) as report:
            core = self._core.worlds(None, count, key, progress=report)
        return Worlds(self._model, core, key, self.dossier)

    def check(self, n: int = 1000, *, seed: int = 0, progress: Progress = True) -> PredictiveChecks:
        """Posterior predictive checks: does the model, as it was learnt, tell developments like these?

        Parameters
        ----------
        n : int
            How many worlds to compare with.
        seed : int
            The same seed gives the same worlds.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        PredictiveChecks
            One row a development; ``strange`` names those that hardly any world tells.
        """
        return self.replicate(n, seed=seed, progress=progress).checks()

    def log_marginal(self, *, progress: Progress = True) -> LogMarginal:
        """The log marginal likelihood of the developments, to choose between models of the same dossier.

        Of a fit by importance sampling from Laplace's normal, as many draws as it has; of a posterior by bridge
        sampling (Meng and Wong 1996, Statist. Sinica 6).

        Parameters
        ----------
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        LogMarginal

        Raises
        ------
        Unidentified
            If a number has a flat prior: nothing normalises it.
        SpecError
            If the fit learnt nothing or was changed since, or the model has judgements about answers.
        """
        with progress_line("marginal likelihood", progress) as report:
            return LogMarginal(*self._core.log_marginal(progress=report))

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

    def profile(self, name: str, level: float = 0.9, *, progress: Progress = True) -> Profile:
        """How the posterior density falls as one number is held away from its mode, and the interval that follows.

        Parameters
        ----------
        name : str
            As in :meth:`parameters`, an entry of a table with its state: ``"peninsula: up"``, ``"restraint: weak"``.
        level : float
            Of the interval.
        progress : bool or callable
            As in :meth:`Model.fit`.

        Returns
        -------
        Profile
            ``low``, ``high``, ``plot()``; intensities per month.

        Raises
        ------
        SpecError
            If there is no such number, it is fixed, or the fit was changed by :meth:`given`, :meth:`do` or
            :meth:`without`.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-01-01")
        >>> tests = m.events("tests", rate=esc.per_month(0.3, spread=2))
        >>> d = esc.Dossier(as_of="2025-01-01")
        >>> _ = d.counted(tests, at=["2024-03-01", "2024-07-01"], over=("2024-01-01", "2024-12-31"))
        >>> profile = m.fit(d).profile("tests")
        >>> profile.low < profile.estimate < profile.high
        True
        """
        level = share(level, "level")
        (told,) = told_by(self._core, [text(name, "profile: the name")], level, POINTS, progress)
        return Profile.of(told, "month", level, MONTH)

    # What if: parameters kept

    def on(self, dossier: Dossier) -> Self:
        """The same parameters on another dossier of the same model: the world as it is now, without learning anew.

        Where the new dossier goes on from the one before, only what is new is computed.

        Parameters
        ----------
        dossier : Dossier
            For example this one with a later date and one more development.

        Returns
        -------
        Fit

        Raises
        ------
        ImpossibleEvidence
            If the developments contradict each other or the model.
        """
        from .model import a_dossier

        return type(self)(self._model, self._core.on(a_dossier(dossier, "on")._checked(self._model._core)))

    def given(self, *what: Condition | Development) -> Self:
        """The same fit, had this been known as well: conditions at its date, or developments. Parameters are kept.

        Parameters
        ----------
        *what : Condition or Development
            For example ``us == "disengagement"``.

        Returns
        -------
        Fit

        Raises
        ------
        ImpossibleEvidence
            If it cannot have been.
        """
        for x in what or (None,):
            if not isinstance(x, Condition | Development):
                raise wrong("given", x, f"{A_CONDITION}, or a development")
        conditions = [x for x in what if isinstance(x, Condition)]
        developments = [x.to_dict() for x in what if isinstance(x, Development)]
        joint = conditions[0] if conditions else None
        for condition in conditions[1:]:
            joint = joint & condition if joint is not None else condition
        core = self._core.given(
            None if joint is None else to_json(joint.to_dict()), to_json(developments) if developments else None
        )
        return type(self)(self._model, core)

    def do(self, what: Condition, *, since: DateLike | None = None) -> Self:
        """The same fit, had this been made so from outside since a date (by default now). Parameters are kept.

        Unlike :meth:`given`, it says nothing about what led there (an intervention, after Pearl 2009).

        Parameters
        ----------
        what : Condition
            ``driver == "state"`` or ``ladder == "rung"``; several joined by ``&``.
        since : date, optional
            By default the fit's date; for a driver also the model's origin.

        Returns
        -------
        Fit
        """
        made = to_json(condition_tree(what, "do: the first argument"))
        return type(self)(self._model, self._core.do(made, None if since is None else sound_date(since, "do: since")))

    def without(self, *ids: str) -> Self:
        """The same fit, had these developments not been known. Parameters are kept.

        Parameters
        ----------
        *ids : str
            Of developments of the dossier.

        Returns
        -------
        Fit

        Raises
        ------
        SpecError
            If there is no such development, or none is named.
        """
        if not ids:
            raise SpecError("without: no development is named; expected at least one id")
        also = [tree["id"] for change in json.loads(self._core.scenario()) for tree in change.get("also", ())]
        known = [*(d.id for d in self.dossier), *also]
        for id in ids:
            if text(id, "without: an id") not in known:
                raise missing("without: the dossier has no development", id, known, "it has")
        return type(self)(self._model, self._core.without(list(ids)))

    def grid(
        self,
        questions: AsQuestions,
        *,
        given: Iterable[Condition | Development | None] = (),
        do: Iterable[Condition | None] = (),
        without: Iterable[str | Sequence[str] | None] = (),
        level: float = 0.9,
        progress: Progress = True,
    ) -> Comparison:
        """The same questions in every combination of scenarios, beside the fit as it is.

        Parameters
        ----------
        questions : Question, Questions or list
            What is asked.
        given, do, without : lists
            What :meth:`given`, :meth:`do` (as of now) and :meth:`without` would take, one after the other; None among
            them leaves that as it is. The grid is their product.
        level : float
            Of the intervals.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Comparison
            ``plot()`` draws it as a map.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> us = m.driver("us", {"steady": 0.7, "gone": 0.3})
        >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3), down=esc.per_year(0.3))
        >>> front.effect(us == "gone", up=3.0)
        >>> fit = m.condition(esc.Dossier(as_of="2024-11-30"))
        >>> war = esc.reach(front == "war", by="2025-11-30", name="war")
        >>> fit.grid(war, given=[us == "steady", us == "gone"]).scenario
        ('as it is', 'given us = steady', 'given us = gone')
        """
        return compare(grid(self, given, do, without), questions, level=level, progress=progress)

    def _dates(self, until: Any, since: Any, dates: Iterable[DateLike] | None) -> list[str]:
        """The dates of a forecast as text."""
        if dates is not None:
            named = listed(dates, "dates", "a list of dates")
            return [sound_date(date, f"dates[{i}]") for i, date in enumerate(named)]
        if until is None:
            raise wrong("until", until, f"{A_DATE}; or give dates=[...]")
        first = day_of(sound_date(self._model.origin if since is None else since, "since"))
        last = day_of(sound_date(until, "until"))
        if last < first:
            begin = "the model's origin" if since is None else "since"
            raise SpecError(f"until is {until}, before {begin}, {str(first)[:10]}; expected a date after it")
        days = int((last - first) / np.timedelta64(1, "D"))
        step = max(1, -(-days // N_DATES))
        grid = {last - np.timedelta64(i * step, "D") for i in range(days // step + 1)} | {first}
        return [str(day)[:10] for day in sorted(grid)]

    def _past(self, what: str, dates: Iterable[DateLike] | None) -> list[str]:
        """Dates that do not lie after the fit's date."""
        asked = self._dates(self.as_of, None, dates)
        now = day_of(self.as_of) + np.timedelta64(0 if "T" in self.as_of else 12, "h")  # a bare date's 24:00
        late = [date for date in asked if day_of(date) > now]
        if late:
            raise SpecError(f"{what}: {late[0]} lies after the fit's date, {self.as_of}; expected a date before it")
        return asked

    def _rungs(self, kind: str, dates: Sequence[str], got: Any, level: float) -> Forecast:
        """The kernel's arrays with their names back."""
        ladders = {}
        for name, ladder in self._model.ladders.items():
            if name not in got:
                continue
            parts = got[name]
            if not isinstance(parts, dict):
                nothing = np.full(np.shape(parts), np.nan)
                parts = {"mean": parts, "low": nothing, "high": nothing, "mode": parts}
            arrays = {key: frozen(parts[key]) for key in ("mean", "low", "high", "mode")}
            ladders[name] = Rungs(name, tuple(ladder.rungs), **arrays, ordered=ladder.ordered)
        return Forecast(
            tuple(dates), ladders, level, self.as_of, self._model.origin, kind=kind, scenario=tuple(self.scenario)
        )

    def __repr__(self) -> str:
        changed = f"; {'; '.join(self.scenario)}" if self.scenario else ""
        return (
            f"<Fit of {self._model.name!r} as of {self.as_of}: {len(self.dossier)} developments, "
            f"log evidence {self.log_evidence:.3f}, {self._core.n_draws} draws of Laplace's normal "
            f"(seed {self._core.seed}){changed}>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        late = f"<p>Reported later, left out: {escape(', '.join(self.left_out))}</p>" if self.left_out else ""
        return f"<p>{escape(repr(self)[1:-1])}</p>{late}{self.drivers()._repr_html_()}"


def change_words(change: Tree) -> str:
    """A change that makes a scenario, in words."""
    ((kind, what),) = change.items()
    if kind == "given":
        return f"given {describe(what)}"
    if kind == "also":
        return f"given also {', '.join(Development(tree).describe() for tree in what)}"
    if kind == "do":
        since = f" since {what['since']}" if what.get("since") else ""
        return f"do {describe(what['condition'])}{since}"
    return f"without {', '.join(what)}"


def warn_of_lost_draws(names: list[str], draws: list[int], n_draws: int) -> None:
    """Warn where what a question is given cannot be at some draws, so that its answer rests on the others."""
    for name, used in zip(names, draws, strict=True):
        if used < n_draws:
            text = (
                f"what question {name!r} is given is impossible at some draws; its answer rests on {used} of {n_draws}"
            )
            warnings.warn(text, stacklevel=3)
