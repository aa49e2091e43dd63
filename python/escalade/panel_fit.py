"""A model fitted to a panel: estimates, and what follows from them, each with intervals."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._core import SpecError
from .condition import Condition
from .frames import frozen
from .handles import Driver
from .panel import Panel
from .panel_results import Estimates, Matrix, PanelSummary, Prevalence
from .profile import POINTS, Profile, told_by
from .progress import Progress, progress_line
from .results import Array
from .values import (
    DateLike,
    day_of,
    listed,
    missing,
    name_of,
    number,
    share,
    sound_date,
    text,
    to_json,
    whole,
    wrong,
)

if TYPE_CHECKING:
    from .model import Model

#: Values of covariates by name; not given: their mean over the panel's intervals.
Covariates = Mapping[str, Any] | None
#: States of a unit's drivers.
Given = Mapping[Driver | str, str] | None


class PanelFit:
    """A model fitted to a panel; made by :meth:`Model.fit`, never by hand.

    Every answer has intervals at a level: by the delta method (on the logarithm, or the logit of a probability), or
    with ``draws=1000`` from the normal around the estimate. ``covariates={"age": 50}`` are those of the unit that is
    asked about; without them the panel's mean is taken. ``given={kind: "mover"}`` are its drivers.

    Examples
    --------
    >>> import escalade as esc, polars as pl
    >>> m = esc.Model()
    >>> light = m.ladder("light", ["on", "off"])
    >>> df = pl.DataFrame({"who": [1] * 6, "t": range(6), "s": ["on", "on", "on", "off", "off", "on"]})
    >>> fit = m.fit(esc.Panel(df, id="who", time="t", clock="year", rungs={light: "s"}))
    >>> round(fit.log_likelihood, 3)
    -3.296
    >>> fit.sojourn().labels["rung"]
    ('on', 'off')
    """

    def __init__(self, model: Model, panel: Panel, core: _core.PanelFit) -> None:
        self._model = model
        self._panel = panel
        self._core = core
        self._rungs = tuple(core.rungs())

    @classmethod
    def _of(cls, model: Model, panel: Panel, starts: int | None, seed: int, progress: Progress) -> PanelFit:
        n = 0 if starts is None else whole(starts, "starts", 1)  # 0: the kernel knows how many are usual
        with progress_line("fit", progress) as report:
            fit = cls(model, panel, panel._fit(model, n, seed, report))
        for doubt in fit.warnings:
            warnings.warn(doubt, stacklevel=4)
        return fit

    @property
    def model(self) -> Model:
        """The model that was fitted."""
        return self._model

    @property
    def panel(self) -> Panel:
        """The table that it was fitted to."""
        return self._panel

    @property
    def log_likelihood(self) -> float:
        """The logarithm of the likelihood at the estimate; densities are per unit of the clock."""
        return self._core.log_likelihood

    @property
    def converged(self) -> bool:
        """Whether this is a top: a gradient of nothing, and definite information."""
        return self._core.converged

    @property
    def warnings(self) -> list[str]:
        """What to know before trusting the numbers."""
        return self._core.warnings

    @property
    def theta(self) -> Array:
        """The estimate on the unconstrained scale, shape (n_parameters,)."""
        return frozen(self._core.theta)

    @property
    def errors(self) -> Array:
        """Standard errors of :attr:`theta`, from the observed information; nan where the panel says nothing."""
        return frozen(self._core.errors())

    @property
    def covariance(self) -> Array:
        """Covariance of :attr:`theta`, shape (n_parameters, n_parameters)."""
        return frozen(self._core.covariance().reshape(len(self.theta), -1))

    @property
    def starts(self) -> list[float]:
        """The log-posterior reached from each start."""
        return self._core.starts

    def summary(self, level: float = 0.95, *, profile: bool = False) -> PanelSummary:
        """The numbers with their intervals, how well they fit, what was used and what was not.

        Parameters
        ----------
        level : float
            Of the intervals.
        profile : bool
            As in :meth:`numbers`.

        Returns
        -------
        PanelSummary
        """
        used = self._core.used()
        table = np.asarray(used.pop("table")).reshape(len(self._rungs), -1)
        none = np.full(table.shape, np.nan)
        deviance, width = -2 * self.log_likelihood, len(self.theta)
        return PanelSummary(
            minus2_log_likelihood=deviance,
            n_parameters=width,
            aic=deviance + 2 * width,
            bic=deviance + width * float(np.log(max(used["intervals"], 1))),
            converged=self.converged,
            gradient_norm=self._core.gradient_norm,
            used=used,
            table=Matrix("Rows by the rung before", self._rungs, table, none, none, none, level),
            numbers=self.numbers(level, profile=profile),
            warnings=tuple(self.warnings),
        )

    def numbers(self, level: float = 0.95, *, profile: bool = False, progress: Progress = True) -> Estimates:
        """Every number of the model: baseline intensities per unit of the clock, ratios, entries of tables.

        Parameters
        ----------
        level : float
            Of the intervals.
        profile : bool
            Intervals of the profile likelihood instead of the delta method: see :meth:`profile`. Better where few moves
            were seen; some hundred times the work.
        progress : bool or callable
            As in :meth:`Model.fit`, of the profiles.

        Returns
        -------
        Estimates
        """
        names = self._core.numbers()
        labels = {"number": tuple(name for name, _, _ in names), "kind": tuple(kind for _, kind, _ in names)}
        title = f"Intensities per {self._panel.clock} (covariates at 0), ratios, tables"
        plain = self._estimates(title, labels, "numbers", level, 0, 0)
        if not profile:
            return plain
        ends = {told["name"]: told for told in told_by(self._core, [], plain.level, 1, progress)}
        low, high = plain.low.copy(), plain.high.copy()
        for row, name in enumerate(labels["number"]):
            if name in ends:
                low[row], high[row] = ends[name]["low"], ends[name]["high"]
        return replace(plain, title=f"{title}; profile intervals", low=frozen(low), high=frozen(high))

    def profile(self, name: str, level: float = 0.95, *, progress: Progress = True) -> Profile:
        """How the likelihood falls as one number is held away from its estimate, and the interval that follows.

        Parameters
        ----------
        name : str
            As in :meth:`numbers`: ``"cav: none → mild"``.
        level : float
            Of the interval.
        progress : bool or callable
            As in :meth:`Model.fit`.

        Returns
        -------
        Profile
            ``low``, ``high``, ``plot()``. An end that the panel cannot tell is open: 0 or infinite.

        Raises
        ------
        SpecError
            If there is no such number, or it is fixed.

        Examples
        --------
        See :class:`Profile`.
        """
        known = [number for number, _, free in self._core.numbers() if free]
        if name not in known:
            raise missing("profile: there is no free number", name, known, "there are")
        level = share(level, "level")
        (told,) = told_by(self._core, [name], level, POINTS, progress)
        return Profile.of(told, self._panel.clock, level)

    def intensities(
        self,
        covariates: Covariates = None,
        *,
        given: Given = None,
        at: DateLike | float = 0.0,
        level: float = 0.95,
        draws: int = 0,
        seed: int = 0,
    ) -> Estimates:
        """The intensity of each move, per unit of the clock.

        Parameters
        ----------
        covariates : mapping, optional
            Values by name; by default the panel's mean.
        given : mapping, optional
            States of the unit's drivers, ``{kind: "mover"}``; needed where intensities differ by them.
        at : float or date
            The time on the clock, where intensities change with it.
        level : float
            Of the intervals.
        draws, seed : int
            Intervals from so many draws instead of the delta method.

        Returns
        -------
        Estimates
            ``intensities["none", "mild"]``.
        """
        arcs = self._core.arcs()
        labels = {"from": tuple(self._rungs[i] for i, _ in arcs), "to": tuple(self._rungs[j] for _, j in arcs)}
        asked = {"intensities": self._at(covariates, at)}
        return self._estimates(f"Intensities per {self._panel.clock}", labels, asked, level, draws, seed, given)

    def transition(
        self,
        over: float | Sequence[tuple[float, Covariates]],
        covariates: Covariates = None,
        *,
        given: Given = None,
        start: DateLike | float = 0.0,
        level: float = 0.95,
        draws: int = 0,
        seed: int = 0,
    ) -> Matrix:
        """The probability of each rung after a time, from each rung.

        Parameters
        ----------
        over : float, or list of (length, covariates)
            How long, or a history of covariates, each for so long.
        covariates : mapping, optional
            Values by name; by default the panel's mean.
        given : mapping, optional
            States of the unit's drivers, ``{kind: "mover"}``; those not given are averaged over, by the drivers' law.
        start : float or date
            When it begins on the clock, where intensities change with it.
        level, draws, seed
            As in :meth:`intensities`.

        Returns
        -------
        Matrix
        """
        history = over if isinstance(over, list | tuple) else [(over, covariates)]
        stretches = [[self._at(own, 0.0)[0], self._time(length, "over")] for length, own in history]
        asked = {"transition": [self._when(start, "start"), stretches]}
        total = sum(length for _, length in stretches)
        title = f"Transition probabilities over {total:g} {self._panel.clock}s"
        return self._matrix(title, asked, level, draws, seed, given)

    def sojourn(
        self,
        covariates: Covariates = None,
        *,
        given: Given = None,
        at: DateLike | float = 0.0,
        level: float = 0.95,
        draws: int = 0,
        seed: int = 0,
    ) -> Estimates:
        """The mean time at each rung at one visit.

        Parameters
        ----------
        covariates, given, at, level, draws, seed
            As in :meth:`intensities`.

        Returns
        -------
        Estimates
        """
        asked = {"sojourn": self._at(covariates, at)}
        title = f"Mean stay at a visit, {self._panel.clock}s"
        return self._estimates(title, {"rung": self._rungs}, asked, level, draws, seed, given)

    def next_rung(
        self,
        covariates: Covariates = None,
        *,
        given: Given = None,
        at: DateLike | float = 0.0,
        level: float = 0.95,
        draws: int = 0,
        seed: int = 0,
    ) -> Matrix:
        """Where the next move leads, from each rung.

        Parameters
        ----------
        covariates, given, at, level, draws, seed
            As in :meth:`intensities`.

        Returns
        -------
        Matrix
        """
        title = "Probability that the next move leads there"
        return self._matrix(title, {"next": self._at(covariates, at)}, level, draws, seed, given)

    def first_passage(
        self,
        to: Condition,
        by: Iterable[float] | None = None,
        covariates: Covariates = None,
        *,
        quantiles: Iterable[float] | None = None,
        given: Given = None,
        at: DateLike | float = 0.0,
        level: float = 0.95,
        draws: int = 0,
        seed: int = 0,
    ) -> Estimates:
        """The time until rungs are first entered, from each rung: its mean, its distribution, or its quantiles.

        Parameters
        ----------
        to : Condition
            ``cav == "dead"``, ``cav >= "severe"``.
        by : list of float, optional
            Times: the probability that it has happened by each. Not given: the mean, infinite where it may never be.
        quantiles : list of float, optional
            Probabilities: the time by which it has happened with each (0.5: the median), infinite where it is never so
            likely; instead of `by`. With drivers not given, of the mixture.
        covariates, given, at, level, draws, seed
            As in :meth:`intensities`; drivers not given are averaged over.

        Returns
        -------
        Estimates
        """
        target, here = self._target(to), self._at(covariates, at)
        if quantiles is not None:
            if by is not None:
                raise SpecError("first_passage has `by` and `quantiles`; expected one of them")
            shares = [share(p, "quantiles") for p in listed(quantiles, "quantiles", "a list of probabilities")]
            labels = {"share": tuple(p for p in shares for _ in self._rungs), "from": self._rungs * len(shares)}
            title = f"Time by which {to.describe()} has happened with that probability, {self._panel.clock}s"
            return self._estimates(title, labels, {"quantiles": [here, target, shares]}, level, draws, seed, given)
        if by is None:
            title = f"Mean time to {to.describe()}, {self._panel.clock}s"
            asked: Any = {"passage": [here, target]}
            return self._estimates(title, {"from": self._rungs}, asked, level, draws, seed, given)
        times = [self._time(time, "by") for time in listed(by, "by", "a list of times")]
        labels = {"by": tuple(t for t in times for _ in self._rungs), "from": self._rungs * len(times)}
        asked = {"law": [here, target, times]}
        return self._estimates(f"Probability of {to.describe()} by then", labels, asked, level, draws, seed, given)

    def time_in_rungs(
        self,
        until: float | None = None,
        covariates: Covariates = None,
        *,
        given: Given = None,
        at: DateLike | float = 0.0,
        level: float = 0.95,
        draws: int = 0,
        seed: int = 0,
    ) -> Matrix:
        """The mean time spent at each rung, from each rung.

        Parameters
        ----------
        until : float, optional
            Over so long; by default for ever.
        covariates, given, at, level, draws, seed
            As in :meth:`intensities`; drivers not given are averaged over.

        Returns
        -------
        Matrix
        """
        span = None if until is None else self._time(until, "until")
        title = "Mean time at each rung" + ("" if span is None else f" within {span:g} {self._panel.clock}s")
        return self._matrix(title, {"spent": [self._at(covariates, at), span]}, level, draws, seed, given)

    def prevalence(self, times: Iterable[DateLike | float] | None = None, *, level: float = 0.95) -> Prevalence:
        """How many units were at each rung, beside what the fit expects of units with their covariates.

        A unit counts from its first row to its last, and on where it ended at a rung that is never left; between rows
        it is where it was last seen.

        Parameters
        ----------
        times : list of float, optional
            On the clock; by default ten over the panel's span.
        level : float
            Of the intervals of what is expected.

        Returns
        -------
        Prevalence
            ``plot()``.
        """
        grid = (
            np.linspace(*self._core.span(), 11)
            if times is None
            else np.sort(np.array([self._when(time, "times") for time in listed(times, "times", "a list")]))
        )
        n = len(self._rungs)
        observed = self._core.observed(grid).reshape(-1, n)
        told = self._core.ask(to_json({"prevalence": grid.tolist()}), level=share(level, "level"))
        total = observed.sum(axis=1, keepdims=True)
        parts = {name: np.nan_to_num(told[name].reshape(-1, n)) * total for name in ("estimate", "low", "high")}
        return Prevalence(
            frozen(grid),
            self._rungs,
            frozen(observed),
            frozen(parts["estimate"]),
            frozen(parts["low"]),
            frozen(parts["high"]),
            level,
            self._panel.clock,
        )

    def smoothed(self) -> Any:
        """The probability of each rung at each row, given all rows of its unit.

        Returns
        -------
        data frame
            Unit and time, and a column a rung; rows by unit.
        """
        laws = self._core.smoothed().reshape(-1, len(self._rungs))
        return self._by_row({rung: laws[:, j] for j, rung in enumerate(self._rungs)})

    def likeliest(self) -> Any:
        """The rungs of each unit's single likeliest path through its rows (Viterbi).

        Returns
        -------
        data frame
            Unit, time and rung, and the state of each driver that ladders or indicators look at; rows by unit.
        """
        classes, rungs = self._core.likeliest()
        names, states = self._core.classes()
        n_rows = np.bincount(self._panel._unit[self._core.rows()], minlength=len(self._panel.units))
        own = {name: np.array([s[j] for s in states])[classes].repeat(n_rows) for j, name in enumerate(names)}
        return self._by_row({"rung": np.array(self._rungs)[rungs], **own})

    def drivers(self) -> Any:
        """What each unit is: the probability of each state of its drivers, given all its rows.

        Returns
        -------
        data frame
            A row a unit, and a column a state: ``"kind = mover"``.

        Examples
        --------
        >>> import escalade as esc, polars as pl
        >>> m = esc.Model()
        >>> kind = m.driver("kind", {"mover": 0.5, "stayer": 0.5})
        >>> pair = m.ladder("pair", ["calm", "tense"], up=esc.per_day(0.5), down=esc.per_day(0.5))
        >>> pair.effect(kind == "stayer", all=0)
        >>> df = pl.DataFrame({"who": [1, 1, 1, 2, 2], "t": [0, 1, 2, 0, 6], "s": [1, 2, 1, 1, 1]})
        >>> units = m.fit(esc.Panel(df, id="who", time="t", rungs={pair: "s"})).drivers()
        >>> units["kind = stayer"][0]
        0.0
        """
        if not self._core.classes()[0]:
            raise SpecError("drivers: no ladder or indicator of the panel looks at a driver")
        laws = self._core.drivers().reshape(len(self._panel.units), -1)
        states = [f"{name} = {state}" for name, driver in self._model.drivers.items() for state in driver.states]
        columns = {state: laws[:, j] for j, state in enumerate(states)}
        return self._frame({"unit": np.array(self._panel.units), **columns})

    def simulate(
        self,
        n: int,
        until: float,
        *,
        start: str | None = None,
        covariates: Covariates = None,
        given: Given = None,
        seed: int = 0,
    ) -> Any:
        """New units: every rung that each enters, with the time.

        Parameters
        ----------
        n : int
            How many units.
        until : float
            From 0 on the clock to then.
        start : str, optional
            The rung they begin at; by default the first.
        covariates : mapping, optional
            As in :meth:`intensities`.
        given : mapping, optional
            States of the units' drivers, ``{kind: "mover"}``; those not given are drawn.
        seed : int
            The same seed gives the same units.

        Returns
        -------
        data frame
            Unit, time and rung, and the state of each driver that ladders or indicators look at.
        """
        begin = self._rungs[0] if start is None else start
        if begin not in self._rungs:
            raise missing("there is no rung", begin, self._rungs)
        values = self._at(covariates, 0.0)[0]
        place, horizon = self._rungs.index(begin), self._time(until, "until")
        units, times, rungs, classes = self._core.simulate(
            values, self._given(given), place, horizon, whole(n, "n", 1), whole(seed, "seed")
        )
        names, states = self._core.classes()
        own = {name: np.array([s[j] for s in states])[classes][units] for j, name in enumerate(names)}
        return self._frame({"unit": units, "time": times, "rung": np.array(self._rungs)[rungs], **own})

    def plot(self, **options: Any) -> Any:
        """Prevalence, observed and expected: see :meth:`Prevalence.plot`.

        Parameters
        ----------
        **options
            ``ax=``.

        Returns
        -------
        matplotlib Axes
        """
        return self.prevalence().plot(**options)

    def to_frame(self, backend: str | None = None) -> Any:
        """The numbers of the summary as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            By default the first of these that is installed.

        Returns
        -------
        data frame
        """
        return self.numbers().to_frame(backend)

    # From names to indices

    def _given(self, given: Given) -> list[tuple[str, str]]:
        """Drivers and their states by name."""
        if given is None:
            return []
        if not isinstance(given, Mapping):
            raise wrong("given", given, "a mapping of driver to state, such as {kind: 'mover'}")
        return [(name_of(driver, "given"), text(state, "given")) for driver, state in given.items()]

    def _when(self, at: DateLike | float, what: str) -> float:
        """A time of the clock; a date where the panel has dates."""
        if not isinstance(at, str | dt.date | np.datetime64):
            return number(at, what)
        if not self._panel.dated:
            raise wrong(what, at, f"a number of {self._panel.clock}s, as the panel's time is")
        days = day_of(sound_date(at, what)) - np.datetime64(self._model.origin[:10], "s")
        return float(days / np.timedelta64(1, "D"))

    def _at(self, covariates: Covariates, at: DateLike | float) -> list[Any]:
        """Values of the covariates in the kernel's order (none: their mean), and a time."""
        known = dict(self._core.covariates())
        time = self._when(at, "at")
        if covariates is None:
            return [[], time]
        if not isinstance(covariates, Mapping):
            raise wrong("covariates", covariates, "a mapping of name to value")
        for name in covariates:
            if name not in known:
                raise missing("the model has no covariate", name, known, "it has")
        values = []
        for name, levels in known.items():
            if name not in covariates:
                raise SpecError(f"covariates: {name!r} is missing; expected {', '.join(known)}")
            value = covariates[name]
            if levels:
                if value not in levels:
                    raise missing(f"covariate {name!r} has no level", value, levels, "it has")
                values.append(float(levels.index(value)))
            else:
                values.append(number(value, f"covariate {name!r}"))
        return [values, time]

    def _time(self, value: Any, what: str) -> float:
        time = number(value, what)
        if not 0 <= time < np.inf:
            raise SpecError(f"{what} is {value}; expected a finite time, 0 or more")
        return time

    def _target(self, to: Condition) -> list[bool]:
        """Which joint rungs a condition of a ladder holds at."""
        tree = to.to_dict() if isinstance(to, Condition) else {}
        if "ladder" not in tree:
            raise wrong("to", to, "a condition of a ladder, such as cav == 'dead'")
        rungs = self._model[tree["ladder"]].states
        first, last = 0, len(rungs) - 1
        if "is" in tree:
            wanted = {tree["is"]} if isinstance(tree["is"], str) else set(tree["is"])
        else:
            first = rungs.index(tree.get("at_least", rungs[0]))
            last = rungs.index(tree.get("at_most", rungs[-1]))
            wanted = set(rungs[first : last + 1])
        places = self._core.ladder_rungs(tree["ladder"])
        if not places:
            raise SpecError(f"to: the panel has no column for {tree['ladder']!r}")
        return [rungs[place] in wanted for place in places]

    # From indices to names

    def _ask(self, asked: Any, level: float, draws: int, seed: int, given: Given = None) -> Mapping[str, Array]:
        told = self._core.ask(
            to_json(asked), self._given(given), share(level, "level"), whole(draws, "draws"), whole(seed, "seed")
        )
        return {name: frozen(values) for name, values in told.items()}

    def _estimates(
        self, title: str, labels: Any, asked: Any, level: float, draws: int, seed: int, given: Given = None
    ) -> Estimates:
        told = self._ask(asked, level, draws, seed, given)
        return Estimates(title, labels, told["estimate"], told["error"], told["low"], told["high"], level)

    def _matrix(self, title: str, asked: Any, level: float, draws: int, seed: int, given: Given = None) -> Matrix:
        n = len(self._rungs)
        told = {name: frozen(x.reshape(n, n)) for name, x in self._ask(asked, level, draws, seed, given).items()}
        return Matrix(title, self._rungs, told["estimate"], told["error"], told["low"], told["high"], level)

    def _by_row(self, columns: Mapping[str, NDArray[Any]]) -> Any:
        order = self._core.rows()
        units = np.array(self._panel.units)[self._panel._unit[order]]
        time: Any = self._panel._time[order]
        if self._panel.dated:
            written = self._panel._column(self._panel.time).to_list()
            time = [written[row] for row in order]
        return self._frame({"unit": units, "time": time, **columns})

    def _frame(self, columns: Mapping[str, NDArray[Any]]) -> Any:
        """A data frame of the kind that the panel was given."""
        import narwhals as nw

        return nw.from_dict(dict(columns), backend=self._panel._table.implementation).to_native()

    def unit_log_likelihoods(self, draws: int = 0, *, seed: int = 0, progress: Progress = True) -> NDArray[Any]:
        """The log-likelihood of each unit's rows.

        Parameters
        ----------
        draws : int
            At so many draws of the parameters: of a fit from the normal around the estimate, of a posterior all that it
            has (any number). 0: at the estimate.
        seed : int
            Of the draws of a fit.
        progress : bool or callable
            As in :meth:`Model.fit`.

        Returns
        -------
        array, shape (n_units,), or (n_draws, n_units)
            In the order of the panel's units.
        """
        again = self._panel._fit(self._model, 1, 0, None, self._core.kept(), each=True)
        with progress_line("units", progress) as report:
            logs = again.unit_logs(whole(draws, "draws"), whole(seed, "seed"), progress=report)
        return logs if draws else logs[0]

    def loo(self, draws: int = 2000, *, seed: int = 0) -> Any:
        """How well units are foretold by the others: leave-one-unit-out, by ArviZ.

        ln p(unit | all others), summed over units, from draws of the posterior of all with Pareto-smoothed importance
        weights (Vehtari, Gelman and Gabry 2017, Stat. Comput. 27). Of a fit the draws are those of the normal around
        the estimate. To compare models, ``arviz.compare``.

        Needs ``pip install escalade[arviz]``.

        Parameters
        ----------
        draws : int
            Of a fit; a posterior takes all of its own.
        seed : int
            Of the draws of a fit.

        Returns
        -------
        arviz ELPDData
            ``elpd``, ``se``, and ``pareto_k`` of each unit: above 0.7 the unit is too weighty to be left out this way.
        """
        import arviz as az
        import xarray as xr

        logs = self.unit_log_likelihoods(draws or 1, seed=seed)
        chains = getattr(self, "chains", 1)
        values = logs.reshape(chains, -1, logs.shape[1])
        axes = {"chain": np.arange(chains), "draw": np.arange(values.shape[1]), "unit": list(self._panel.units)}
        told = xr.Dataset({"rows": (("chain", "draw", "unit"), values)}, axes)
        nothing = xr.Dataset(
            {"total": (("chain", "draw"), values.sum(axis=2))}, {k: axes[k] for k in ("chain", "draw")}
        )
        tree = xr.DataTree.from_dict({"posterior": nothing, "log_likelihood": told})
        # ArviZ before 1.0 has a class of its own for this.
        old = getattr(az, "InferenceData", None)
        loo: Any = az.loo
        return loo(old.from_datatree(tree) if old else tree, pointwise=True)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self._model, self._panel, self._core.kept())

    def __repr__(self) -> str:
        state = "" if self.converged else ", NOT CONVERGED"
        width = len(self.theta)
        deviance = f"-2 log-likelihood {-2 * self.log_likelihood:.6f}"
        return f"<PanelFit of {self._panel!r}: {deviance}, {width} parameters{state}>"

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def _again(kind: type[PanelFit], model: Model, panel: Panel, kept: str) -> PanelFit:
    """A fit from what was kept of it."""
    return kind(model, panel, panel._fit(model, 1, 0, None, kept))
