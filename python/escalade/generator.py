"""A generator: rates of moves between named rungs in continuous time, and all that can be asked of it exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from . import generator_results as results
from ._core import SpecError
from .generator_rewards import array_of, by_time, move_of
from .progress import Progress, progress_line
from .values import number, texts, whole, wrong

Array = NDArray[np.float64]
MOST_PATHS = 10**9
RATES = "a matrix, a mapping of (from, to) to a rate, or a sparse matrix of scipy"


class Generator:
    """Rates of moves between rungs, per unit of time; any unit, times are in the same.

    The diagonal is minus the sum of the moves. Rungs, starts and targets are given by name.

    Parameters
    ----------
    rungs : list of str
        Names of the rungs.
    rates : array, shape (n_rungs, n_rungs), mapping, or sparse matrix
        A matrix whose rows ("from") sum to 0 within 1e-9 of their rates, or with a diagonal of zeros; or a mapping of
        (from, to) to a rate; or a sparse matrix of scipy.

    Raises
    ------
    SpecError
        A rate that is negative or not finite, a row that does not sum to 0; the row and its rung are named.

    See Also
    --------
    Generator.coupled : several ladders that move one at a time.

    Examples
    --------
    >>> import escalade as esc
    >>> q = esc.Generator(["well", "ill", "dead"],
    ...                   {("well", "ill"): 0.2, ("ill", "well"): 0.5, ("ill", "dead"): 0.1, ("well", "dead"): 0.01})
    >>> q.law("well", [1.0, 10.0])["dead"].round(4).tolist()
    [0.0169, 0.2619]
    >>> round(q.hitting_time("dead")["well"], 3)
    30.769

    References
    ----------
    A. Jensen, "Markoff chains as an aid in the study of Markoff processes", Skandinavisk Aktuarietidskrift 36, 1953.
    """

    __slots__ = ("_core", "_names", "_tree")

    def __init__(self, rungs: Sequence[str], rates: Any) -> None:
        names = results.RungNames([named(rungs, "rungs")], None)
        listed = list(names.lists[0])
        if isinstance(rates, Mapping):
            pairs = [move_of(pair) for pair in rates]
            rows = np.array([names.place(0, a) for a, _ in pairs], dtype=np.int64)
            columns = np.array([names.place(0, b) for _, b in pairs], dtype=np.int64)
            values = [number(rate, f"the rate {a} → {b}") for (a, b), rate in zip(pairs, rates.values(), strict=True)]
            core = _core.Generator.sparse(listed, rows, columns, np.array(values, dtype=float))
        elif hasattr(rates, "tocoo"):
            coo = rates.tocoo()
            if coo.shape != (names.size, names.size):
                raise SpecError(f"the generator: it has {coo.shape} rates; there are {names.size} rungs")
            rows, columns = np.asarray(coo.row, dtype=np.int64), np.asarray(coo.col, dtype=np.int64)
            core = _core.Generator.sparse(listed, rows, columns, np.asarray(coo.data, dtype=float))
        else:
            core = _core.Generator.dense(listed, array_of(rates, "rates", 2, RATES))
        self._set(core, names)

    def _set(self, core: _core.Generator, names: results.RungNames) -> None:
        self._core = core
        self._names = names
        self._tree: list[Any] | None = None  # the moves of coupled ladders

    @classmethod
    def coupled(cls, ladders: Mapping[str, Sequence[str]], moves: Mapping[Any, Any]) -> Generator:
        """Several ladders of which one moves at a time, at rates that may depend on where others are.

        The joint rungs, the last ladder fastest, are never listed: a million of them take some vectors of memory.

        Parameters
        ----------
        ladders : mapping of str to list of str
            The rungs of each ladder.
        moves : mapping of (ladder, from, to) to a rate
            A rate is a number, or a pair (given, table): one ladder or a list of them, and an array with an axis for
            each, over its rungs in order.

        Returns
        -------
        Generator
            Its rungs are tuples, one rung for each ladder; starts and targets may be mappings of ladders to rungs.

        Raises
        ------
        SpecError
            Unknown names, tables that do not fit, rates that are negative or not finite.
        TooLarge
            If the joint space exceeds the memory allowed.

        Examples
        --------
        >>> import escalade as esc
        >>> rungs = ["calm", "clash"]
        >>> q = esc.Generator.coupled({"east": rungs, "west": rungs}, {
        ...     ("east", "calm", "clash"): ("west", [0.1, 0.4]), ("east", "clash", "calm"): 1.0,
        ...     ("west", "calm", "clash"): 0.2, ("west", "clash", "calm"): 1.0})
        >>> q
        <Generator: 2 ladders, 4 joint rungs>
        >>> both = {"east": "clash", "west": "clash"}
        >>> q.passage(both, start={"east": "calm", "west": "calm"}, times=[5.0]).reached.round(4).tolist()
        [0.2388]
        """
        if not isinstance(ladders, Mapping) or not ladders:
            raise wrong("ladders", ladders, "a mapping of ladders to their rungs")
        names = results.RungNames([named(rungs, name) for name, rungs in ladders.items()], texts(ladders, "ladders"))
        if not isinstance(moves, Mapping):
            raise wrong("moves", moves, "a mapping of (ladder, from, to) to a rate")
        tree = []
        for key, rate in moves.items():
            if not isinstance(key, tuple) or len(key) != 3:
                raise wrong("a key of moves", key, "(ladder, from, to)")
            axis = names.axis(key[0])
            given, table = rate if isinstance(rate, tuple) and len(rate) == 2 else ((), rate)
            looks = [names.axis(name) for name in ([given] if isinstance(given, str) else given)]
            where = f"the rate of {key[0]}, {key[1]} → {key[2]}"
            values = array_of(table, where, len(looks), f"an array with {len(looks)} axes")
            shape = tuple(names.shape[a] for a in looks)
            if values.shape != shape:
                raise SpecError(f"{where} has the shape {values.shape}; expected {shape}, an axis a ladder given")
            if axis in looks or len(set(looks)) < len(looks):
                raise SpecError(f"{where} looks at a ladder twice, or at its own; expected others, each once")
            bad = values[~np.isfinite(values) | (values < 0)]
            if bad.size:
                raise SpecError(f"{where} is {bad.flat[0]}; expected a finite number, 0 or more")
            order = np.argsort(looks)
            flat = np.transpose(values, order).ravel().tolist() if looks else [float(values)]
            tree.append((axis, names.place(axis, key[1]), names.place(axis, key[2]), sorted(looks), flat))
        return restored(names.lists, names.ladders, tree)

    # What it is

    def __len__(self) -> int:
        return len(self._core)

    @property
    def rungs(self) -> list[Any]:
        """The names of the rungs; of coupled ladders tuples."""
        return [self._names.name(i) for i in range(self._names.size)]

    @property
    def exit_rates(self) -> Array:
        """Total rate out of each rung, shape (n_rungs,)."""
        return self._core.exit_rates()

    def matrix(self) -> Array:
        """The rates, shape (n_rungs, n_rungs), rows sum to 0."""
        return self._core.matrix()

    def closed_classes(self) -> list[list[Any]]:
        """The sets of rungs that lead to one another and that nothing leaves."""
        return [[self._names.name(i) for i in members] for members in self._core.closed_classes()]

    def dwell(self) -> results.Dwell:
        """Mean time in each rung, and the probability of what comes next (the embedded chain)."""
        exit_rates = self.exit_rates
        rows, columns, rates = self._core.moves()
        pairs = zip(rows.tolist(), columns.tolist(), (rates / exit_rates[rows]).tolist(), strict=True)
        with np.errstate(divide="ignore"):
            return results.Dwell(self._names, 1.0 / exit_rates, list(pairs))

    # Over time

    def law(self, start: Any, times: ArrayLike) -> results.RungLaws:
        """Where it is at each time, in one sweep for all of them.

        Parameters
        ----------
        start : rung, mapping of rungs to probabilities, mapping of ladders to rungs or laws, or array (n_rungs,)
        times : array, shape (n_times,), or number
            0 or more, in any order.

        Returns
        -------
        RungLaws

        Raises
        ------
        SpecError
            A start that is no law, a time that is negative.
        NotConverged
            If it would take more than 1e8 steps.
        """
        times = times_of(times)
        return results.RungLaws(self._names, times, self._core.law(self._start(start), times))

    def expect(self, values: ArrayLike, times: ArrayLike) -> Array:
        """E[f(X_t) | X_0 = i] for every rung i: the action of the exponential on a column.

        Parameters
        ----------
        values : array, shape (n_rungs,)
            f at each rung.
        times : array, shape (n_times,), or number

        Returns
        -------
        array, shape (n_times, n_rungs)
        """
        return self._core.expect(self._vector(values, "values"), times_of(times))

    def transition(self, time: float) -> results.Transition:
        """Where it is after a time, from each rung: e^{Qt}.

        Uniformised scaling and squaring: each row is divided by its sum, nothing is subtracted, and small entries are
        as accurate as large ones.

        Parameters
        ----------
        time : float
            0 or more.

        Returns
        -------
        Transition

        Raises
        ------
        TooLarge
            If the matrix exceeds the memory allowed.
        """
        times = times_of(number(time, "time"))
        return results.Transition(self._names, float(times[0]), self._core.transition(times)[0])

    def transitions(self, times: ArrayLike) -> Array:
        """e^{Qt} at many times.

        Parameters
        ----------
        times : array, shape (n_times,), or number

        Returns
        -------
        array, shape (n_times, n_rungs, n_rungs), rows sum to 1
        """
        return self._core.transition(times_of(times))

    def transition_slope(self, time: float, direction: ArrayLike) -> Array:
        """The derivative of e^{Qt} along a direction: how the transition matrix answers to a change of rates.

        Parameters
        ----------
        time : float
        direction : array, shape (n_rungs, n_rungs)
            dQ; its rows sum to 0.

        Returns
        -------
        array, shape (n_rungs, n_rungs), rows sum to 0

        References
        ----------
        J. D. Kalbfleisch and J. F. Lawless, JASA 80, 1985, equation 3.3.
        """
        way = array_of(direction, "direction", 2, "a matrix")
        if way.shape != (len(self), len(self)):
            raise SpecError(f"direction has the shape {way.shape}; there are {len(self)} rungs")
        if not np.isfinite(way).all() or np.abs(way.sum(axis=1)).max() > 1e-9 * max(np.abs(way).max(), 1e-300):
            raise SpecError("direction: expected finite numbers whose rows sum to 0 within 1e-9")
        return self._core.along(float(times_of(number(time, "time"))[0]), way)[1]

    # Whether and when

    def passage(self, target: Any, *, start: Any, times: ArrayLike = (), within: Any = None) -> results.Passage:
        """The whole distribution of the first time in a set of rungs.

        Parameters
        ----------
        target : rung, list of rungs, mapping of ladders to rungs, list of mappings, or array of bool
            Who starts there has reached it at once.
        start : see :meth:`law`
        times : array, shape (n_times,), or number
            None are needed for its quantiles.
        within : like `target`, optional
            Rungs that must not be left until then; by default all.

        Returns
        -------
        Passage
            P(reached by t), its density, P(on the way). Rare events keep their digits. ``passage(...).quantile(0.5)``
            is the median time.
        """
        times = times_of(times)
        law, chosen, kept = self._start(start), self._set_of(target, "target"), self._within(within)
        return results.Passage(times, *self._core.passage(law, chosen, times, kept), (self, law, chosen, kept))

    def _quantiles(self, law: Array, target: Any, within: Any, probabilities: Array) -> Array:
        return self._core.quantiles(law, target, probabilities, within)

    def reach(self, target: Any, times: ArrayLike, *, within: Any = None) -> Array:
        """P(reached by t) from every rung.

        Parameters
        ----------
        target, within : see :meth:`passage`
        times : array, shape (n_times,), or number

        Returns
        -------
        array, shape (n_times, n_rungs)
        """
        return self._core.reach_from_each(self._set_of(target, "target"), times_of(times), self._within(within))

    def hitting_probability(self, target: Any, *, within: Any = None) -> results.RungValues:
        """P(ever in the target) from every rung. 0 and 1 are exact where they hold.

        Rungs are taken out one by one without a subtraction (Grassmann, Taksar and Heyman 1985); where that would cost
        more than 4e9 multiplications a preconditioned iteration is run, and its residual told.

        Parameters
        ----------
        target, within : see :meth:`passage`

        Returns
        -------
        RungValues

        Raises
        ------
        NotConverged
            If the iteration stalls; it says at which residual.
        """
        found = self._core.hitting(self._set_of(target, "target"), self._within(within))
        return results.RungValues(self._names, found[0], "probability", *found[1:])

    def hitting_time(self, target: Any, *, if_reached: bool = False) -> results.RungValues:
        """Mean time to the target from every rung.

        Parameters
        ----------
        target : see :meth:`passage`
        if_reached : bool
            False: infinite where it may never be reached. True: given that it is, NaN where it cannot be.

        Returns
        -------
        RungValues
        """
        return self._moment(target, 1, if_reached, "mean time")

    def hitting_moment(self, target: Any, order: int, *, if_reached: bool = False) -> results.RungValues:
        """E[T^order] of the time T to the target from every rung, in units of time to that power.

        Parameters
        ----------
        target : see :meth:`passage`
        order : int
            1 to 20. 1: the mean, as :meth:`hitting_time`.
        if_reached : bool
            False: infinite where it may never be reached. True: given that it is, NaN where it cannot be.

        Returns
        -------
        RungValues

        See Also
        --------
        Generator.hitting_variance : the variance, of which no digits are lost.

        Examples
        --------
        >>> import escalade as esc
        >>> q = esc.Generator(["well", "dead"], {("well", "dead"): 0.5})
        >>> [q.hitting_moment("dead", k)["well"] for k in (1, 2, 3)]
        [2.0, 8.0, 48.0]

        References
        ----------
        V. G. Kulkarni, *Modeling and Analysis of Stochastic Systems*, on first passage times in continuous time: m_k =
        k (−Q)⁻¹ m_{k−1} on the rungs outside of the target.
        """
        k = whole(order, "order", 1, 20)
        return self._moment(target, k, if_reached, "mean time" if k == 1 else f"moment {k} of the time")

    def _moment(self, target: Any, order: int, if_reached: bool, what: str) -> results.RungValues:
        found = self._core.moment(self._set_of(target, "target"), order, truth(if_reached, "if_reached"))
        return results.RungValues(self._names, found[0], what, *found[1:])

    def hitting_variance(self, target: Any, *, if_reached: bool = False) -> results.RungValues:
        """The variance of the time to the target from every rung.

        It is what is gathered of Σ_j q_ij (m_j − m_i)² on the way, m the mean time left, so that no large numbers are
        subtracted from each other.

        Parameters
        ----------
        target, if_reached : see :meth:`hitting_time`

        Returns
        -------
        RungValues

        Examples
        --------
        Three stages in a row, each exponential with variance 1/4:

        >>> import escalade as esc
        >>> q = esc.Generator(["a", "b", "c", "d"], {("a", "b"): 2.0, ("b", "c"): 2.0, ("c", "d"): 2.0})
        >>> q.hitting_variance("d")["a"]
        0.75
        """
        found = self._core.variance(self._set_of(target, "target"), truth(if_reached, "if_reached"))
        return results.RungValues(self._names, found[0], "variance of the time", *found[1:])

    # What it gathers

    def reward(self, rewards: Any = None, *, start: Any, times: ArrayLike, moves: Any = None) -> Array:
        """The expected reward gathered from 0 to each time.

        Parameters
        ----------
        rewards : array, shape (n_rungs,), or mapping of rungs to numbers, optional
            Per unit of time in each rung; those not named have 0. With 1 for a set of rungs: time spent there.
        start : see :meth:`law`
        times : array, shape (n_times,), or number
        moves : mapping of (from, to) to numbers, array (n_rungs, n_rungs), or number, optional
            For each move made (an impulse reward); moves not named have 0, a number is for every move. Of coupled
            ladders a mapping of (ladder, from, to). With 1 for some moves: how often they are made.

        Returns
        -------
        array, shape (n_times,)

        Examples
        --------
        Bills that come in sickness, a fee for each admission, and how often one is admitted:

        >>> import escalade as esc
        >>> q = esc.Generator(["well", "ill"], {("well", "ill"): 0.5, ("ill", "well"): 1.5})
        >>> q.reward({"ill": 200.0}, moves={("well", "ill"): 50.0}, start="well", times=[10.0]).round(2).tolist()
        [665.63]
        >>> q.reward(moves={("well", "ill"): 1}, start="well", times=[10.0]).round(4).tolist()
        [3.8125]

        References
        ----------
        C. Baier, L. Cloth, B. Haverkort, H. Hermanns and J.-P. Katoen, "Performability assessment by model checking of
        Markov reward models", Formal Methods in System Design 36, 2010 (rewards with impulses). In expectation an
        impulse ρ_ij is a reward q_ij ρ_ij by time at i.
        """
        return self._core.accumulated(self._start(start), self._rewards(rewards, moves), times_of(times))

    def reward_from_each(self, rewards: Any, times: ArrayLike, *, moves: Any = None) -> Array:
        """The expected reward gathered from 0 to each time, from every rung.

        Parameters
        ----------
        rewards, moves : see :meth:`reward`
            ``rewards=None`` where there are only moves.
        times : array, shape (n_times,), or number

        Returns
        -------
        array, shape (n_times, n_rungs)
        """
        return self._core.accumulated_from_each(self._rewards(rewards, moves), times_of(times))

    def reward_until(self, target: Any, rewards: Any = None, *, moves: Any = None) -> results.RungValues:
        """The expected reward until the target is reached; infinite where it may never be.

        Parameters
        ----------
        target : see :meth:`passage`
        rewards, moves : see :meth:`reward`
            0 or more. The move into the target counts.

        Returns
        -------
        RungValues
        """
        found = self._core.gathered(self._set_of(target, "target"), self._rewards(rewards, moves))
        return results.RungValues(self._names, found[0], "reward", *found[1:])

    def discounted_reward(self, rewards: Any, discount: float, *, moves: Any = None) -> results.RungValues:
        """The expected reward over all time, weighted by e^{−discount · t}.

        Parameters
        ----------
        rewards, moves : see :meth:`reward`
            0 or more; ``rewards=None`` where there are only moves.
        discount : float
            Above 0, per unit of time.

        Returns
        -------
        RungValues
        """
        found = self._core.discounted(self._rewards(rewards, moves), number(discount, "discount"))
        return results.RungValues(self._names, found[0], "reward", *found[1:])

    def long_run_reward(self, rewards: Any = None, *, start: Any = None, moves: Any = None) -> float:
        """The expected reward per unit of time in the long run.

        Parameters
        ----------
        rewards, moves : see :meth:`reward`
        start : see :meth:`law`, optional
            Needed where the stationary law is not unique.

        Returns
        -------
        float
        """
        law = self.stationary() if start is None else self.long_run(start)
        return float(law.array @ self._rewards(rewards, moves))

    # In the long run

    def stationary(self) -> results.RungValues:
        """The stationary law; every probability is exact up to rounding where rungs could be eliminated.

        Returns
        -------
        RungValues

        Raises
        ------
        SpecError
            If it is not unique: the closed classes are named. See :meth:`long_run`.
        """
        found = self._core.stationary()
        return results.RungValues(self._names, found[0], "probability", *found[1:])

    def long_run(self, start: Any) -> results.RungValues:
        """Where it is in the long run from a start, whatever the closed classes are.

        Parameters
        ----------
        start : see :meth:`law`

        Returns
        -------
        RungValues
        """
        found = self._core.long_run(self._start(start))
        return results.RungValues(self._names, found[0], "probability", *found[1:])

    def quasi_stationary(self, rungs: Any) -> results.QuasiStationary:
        """Where it is, given that it has not left a set of rungs for long, and the rate at which it leaves.

        Parameters
        ----------
        rungs : like a target of :meth:`passage`
            They must all lead to one another within the set.

        Returns
        -------
        QuasiStationary

        Raises
        ------
        SpecError
            If they do not (the classes are named), or nothing leaves the set.

        References
        ----------
        J. N. Darroch and E. Seneta, "On quasi-stationary distributions in absorbing continuous-time finite Markov
        chains", J. Applied Probability 4, 1967.
        """
        return results.QuasiStationary(self._names, *self._core.quasi_stationary(self._set_of(rungs, "rungs")))

    # Paths

    def simulate(
        self, start: Any, *, horizon: float, n_paths: int = 1, seed: int = 0, progress: Progress = True
    ) -> results.Paths:
        """Draw exact paths. The same seed gives the same bits for any number of threads.

        Parameters
        ----------
        start : see :meth:`law`
        horizon : float
            Paths end then, or where nothing leaves their rung.
        n_paths : int
        seed : int
        progress : bool or function of the part done

        Returns
        -------
        Paths
        """
        end, count = number(horizon, "horizon"), whole(n_paths, "n_paths", 0, MOST_PATHS)
        key = whole(seed, "seed", 0, 2**63)
        with progress_line("paths", progress) as report:
            found = self._core.paths(self._start(start), end, count, key, report)
        return results.Paths(self._names, *found, end, key)

    def simulate_between(
        self, start: Any, end: Any, *, length: float, n_paths: int = 1, seed: int = 0, progress: Progress = True
    ) -> results.Paths:
        """Draw exact paths that start at one rung and are at another after a time.

        Parameters
        ----------
        start, end : rung; of coupled ladders a mapping or a tuple
        length : float
            Above 0.
        n_paths : int
        seed : int
        progress : bool or function of the part done

        Returns
        -------
        Paths

        References
        ----------
        A. Hobolth and E. A. Stone, "Simulation from endpoint-conditioned, continuous-time Markov chains on a finite
        state space", Annals of Applied Statistics 3(3), 2009, algorithm 5.
        """
        ends = (self._names.index(start), self._names.index(end))
        span, count = number(length, "length"), whole(n_paths, "n_paths", 0, MOST_PATHS)
        key = whole(seed, "seed", 0, 2**63)
        with progress_line("paths", progress) as report:
            found = self._core.bridges(ends, span, count, key, report)
        return results.Paths(self._names, *found, span, key)

    # Names to numbers

    def _start(self, start: Any) -> Array:
        names = self._names
        if isinstance(start, np.ndarray | list):
            law = self._vector(start, "start")
        elif isinstance(start, Mapping) and names.ladders is not None:
            law = self._product(start)
        elif isinstance(start, Mapping):
            law = np.zeros(names.size)
            for rung, p in start.items():
                law[names.index(rung)] = number(p, f"start, {rung}")
        else:
            law = np.zeros(names.size)
            law[names.index(start)] = 1.0
        if not (np.isfinite(law).all() and (law >= 0).all() and abs(law.sum() - 1) <= 1e-6):
            raise SpecError(f"start sums to {law.sum():g}; expected probabilities that sum to 1 within 1e-6")
        return np.ascontiguousarray(law / law.sum())

    def _product(self, start: Mapping[Any, Any]) -> Array:
        """Independent ladders, each at a rung or by a law."""
        names = self._names
        law = np.ones(())
        for axis, ladder in enumerate(names.ladders or ()):
            if ladder not in start:
                raise SpecError(f"start says nothing of the ladder {ladder!r}")
            own, given = np.zeros(names.shape[axis]), start[ladder]
            for rung, p in given.items() if isinstance(given, Mapping) else [(given, 1.0)]:
                own[names.place(axis, rung)] = number(p, f"start, {ladder}, {rung}")
            law = np.multiply.outer(law, own)
        for ladder in start:
            names.axis(ladder)
        return law.ravel()

    def _vector(self, values: Any, what: str) -> Array:
        array = array_of(values, what, 1, "a number for each rung")
        if len(array) != len(self):
            raise SpecError(f"{what} has {len(array)} numbers; there are {len(self)} rungs")
        return array

    def _rewards(self, rewards: Any, moves: Any) -> Array:
        """What each rung yields by time; a reward for a move is one by time at the move's rate."""
        if rewards is None and moves is None:
            raise SpecError("there is no reward; expected rewards, moves or both")
        if rewards is None:
            out = np.zeros(len(self))
        elif isinstance(rewards, Mapping):
            out = np.zeros(len(self))
            for rung, reward in rewards.items():
                out[self._names.index(rung)] = number(reward, f"rewards, {rung}")
        else:
            out = self._vector(rewards, "rewards")
        return out if moves is None else out + by_time(moves, self._names, self._core, self._tree)

    def _set_of(self, rungs: Any, what: str) -> NDArray[np.bool_]:
        return self._names.chosen(rungs, what)

    def _within(self, within: Any) -> NDArray[np.bool_] | None:
        return None if within is None else self._set_of(within, "within")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Generator):
            return NotImplemented
        alike = (self._names.lists, self._names.ladders) == (other._names.lists, other._names.ladders)
        return alike and all(np.array_equal(a, b) for a, b in zip(self._core.moves(), other._core.moves(), strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Generator:
        return self  # it never changes

    def __deepcopy__(self, memo: object) -> Generator:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (self._names.lists, self._names.ladders, self._tree or self._core.moves())

    def __repr__(self) -> str:
        if self._names.ladders is not None:
            return f"<Generator: {len(self._names.ladders)} ladders, {len(self):,} joint rungs>"
        return f"<Generator: {len(self):,} rungs>"

    def _repr_html_(self) -> str:
        if len(self) > results.SHOWN:
            return repr(self).replace("<", "&lt;")
        return self.dwell()._repr_html_()


def restored(lists: Any, ladders: Any, moves: Any) -> Generator:
    """A generator from its moves: triplets, or of coupled ladders as the kernel takes them."""
    names = results.RungNames(lists, ladders)
    made = Generator.__new__(Generator)
    if ladders is None:
        made._set(_core.Generator.sparse(list(names.lists[0]), *moves), names)
    else:
        made._set(_core.Generator.coupled([list(rungs) for rungs in names.lists], moves), names)
        made._tree = moves
    return made


def named(rungs: Any, what: str) -> list[str]:
    """Names of rungs, each once."""
    names = texts(rungs, what, "a list of names")
    if not names:
        raise SpecError(f"{what}: expected at least one rung")
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None) if len(names) < 1000 else None
    if twice is not None or len(set(names)) < len(names):
        raise SpecError(f"{what}: the name {twice!r} is given twice")
    return names


def truth(given: Any, what: str) -> bool:
    """True or False, and nothing else."""
    if not isinstance(given, bool | np.bool_):
        raise wrong(what, given, "True or False")
    return bool(given)


def times_of(times: ArrayLike | Iterable[float]) -> Array:
    """Times, each finite and 0 or more."""
    try:
        array = np.atleast_1d(np.asarray(times, dtype=float))
    except (TypeError, ValueError):
        raise wrong("times", times, "a number or an array of numbers") from None
    bad = np.flatnonzero(~np.isfinite(array) | (array < 0))
    if array.ndim != 1 or bad.size:
        given = f"{array.flat[bad[0]]} at place {bad[0]}" if bad.size else f"an array of {array.ndim} axes"
        raise SpecError(f"times: {given}; expected finite numbers, 0 or more")
    return np.ascontiguousarray(array)
