"""A fit: the model with what the developments taught, to be asked."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ._core import SpecError
from .board import Board
from .comparison import Comparison, compare, grid
from .condition import A_CONDITION, Condition, condition_tree
from .dossier import Development, Dossier
from .expectations import Expectations
from .fit_report import Accountable
from .fit_spans import Timed
from .fit_why import Explained
from .fit_worlds import Simulated
from .flips import Flips, flips
from .frames import frozen
from .profile import POINTS, Profile, told_by
from .progress import Progress, progress_line
from .provenance import Parameters, Provenance, parameters
from .questions import AsQuestions, Questions
from .results import MONTH, Answers, Drivers, Forecast, Rungs
from .values import DateLike, day_of, end_of, missing, share, sound_date, text, to_json, wrong

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .handles import Ladder


class Fit(Explained, Simulated, Timed, Accountable):
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
        return parameters(self)

    def provenance(self, *, least: float = 0.01) -> Provenance:
        """What the numbers stand on: evidence, base rates, words, judgements; and what the developments cannot tell.

        Parameters
        ----------
        least : float
            The share of a number's prior variance that must have been taken away, or the square of how far it must
            have moved in prior standard deviations, for the developments to have told something of it.

        Returns
        -------
        Provenance
            By ground; ``provenance.told`` and ``provenance.untold`` list the numbers, ``plot()`` shows from prior to
            posterior those that were told of most.

        Raises
        ------
        SpecError
            If `least` is no number between 0 and 1.
        """
        return Provenance.of(self.parameters(), least)

    def expectations(self) -> Expectations:
        """The model's judgements about answers (:meth:`Model.expect`), and how far each gave way to the rest.

        Judgements made after the fit's date are not among them.

        Returns
        -------
        Expectations
        """
        return Expectations(tuple(json.loads(self._core.expectations())))

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

    def flips(self, question: AsQuestions, *, at: float = 0.5, top: int = 30, progress: Progress = True) -> Flips:
        """What alone would bring an answer over a line: a judgement moved, a development left out, a driver known.

        Parameters
        ----------
        question : Question
            One.
        at : float
            The line, a probability.
        top : int
            How many of the strongest numbers are moved; see :meth:`breaking_points`.
        progress : bool or callable
            As in :meth:`Model.fit`.

        Returns
        -------
        Flips
            The likeliest changes first, at the mode of the parameters.

        Raises
        ------
        SpecError
            If there is not one question, or it cannot be taken apart (:meth:`explain`).
        """
        return flips(self, question, at, top, progress)

    def plot(self, ladder: Ladder | str | None = None, **options: Any) -> Axes:
        """Where the world stands: see :func:`escalade.plot.network`; of one ladder, :func:`escalade.plot.ladder`.

        Parameters
        ----------
        ladder : Ladder or str, optional
            Its rungs, with the intensities between them; by default all drivers and ladders.
        **options
            ``indicators=``, ``ax=``; of a ladder ``ax=``.

        Returns
        -------
        matplotlib Axes
        """
        from . import plot

        return plot.network(self, **options) if ladder is None else plot.ladder(self, ladder, **options)

    def board(
        self,
        questions: AsQuestions,
        *,
        ladders: object = None,
        until: DateLike | None = None,
        level: float = 0.9,
        progress: Progress = True,
    ) -> Board:
        """A board on which drivers are moved and developments struck out or added, and all answers and fans follow.

        Parameters
        ----------
        questions : Question, Questions or list
            What is asked.
        ladders : list of Ladder or str, optional
            Whose fans are shown; by default all.
        until : date, optional
            Where the fans end; by default with the last question, a year ahead where all look at the past.
        level : float
            Of the intervals of the fit as it is.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Board
            Alive in a notebook with anywidget (``pip install escalade[board]``); ``write("board.html")`` for others.

        Raises
        ------
        SpecError
            If there is no such ladder, `until` is not after the fit's date, or a question cannot be asked.
        """
        return Board(self, questions, ladders, until, level, progress)

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

    def _past(self, what: str, dates: Iterable[DateLike] | None) -> list[str]:
        """Dates that do not lie after the fit's date."""
        asked = self._dates(self.as_of, None, dates)
        now = end_of(self.as_of)
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
        late = len(self.left_out)
        known = len(self.dossier) - late
        left_out = f", {late} reported later and left out" if late else ""
        return (
            f"<Fit of {self._model.name!r} as of {self.as_of}: {known} development{'s' * (known != 1)}{left_out}, "
            f"log evidence {self.log_evidence:.3f}, {self._core.n_draws} draws of Laplace's normal "
            f"(seed {self._core.seed}){changed}>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        late = f"<p>Reported later, left out: {escape(', '.join(self.left_out))}</p>" if self.left_out else ""
        return f"<p>{escape(repr(self)[1:-1])}</p>{late}{self.drivers()._repr_html_()}"


def warn_of_lost_draws(names: list[str], draws: list[int], n_draws: int) -> None:
    """Warn where what a question is given cannot be at some draws, so that its answer rests on the others."""
    for name, used in zip(names, draws, strict=True):
        if used < n_draws:
            text = (
                f"what question {name!r} is given is impossible at some draws; its answer rests on {used} of {n_draws}"
            )
            warnings.warn(text, stacklevel=3)
