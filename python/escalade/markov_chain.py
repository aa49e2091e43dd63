"""Markov chains in discrete time: given, or learnt from sequences, and what can be asked of them."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from . import generator_results as results
from ._core import SpecError
from .frames import Table, frozen
from .generator import named
from .generator_rewards import array_of
from .progress import Progress, progress_line
from .values import SHORT, missing, number, probability_text, share, text, whole, wrong

Array = NDArray[np.float64]
MOST = 10**9
MISSING = ("split", "sum")


@dataclass(frozen=True, repr=False, eq=False)
class ChainTable(Table):
    """The probability of each move, how often it was seen, and its interval.

    Attributes
    ----------
    states : tuple of str
    counts, probs, low, high : arrays, shape (n_states, n_states), rows are "from"
    level : float

    Examples
    --------
    >>> import escalade as esc
    >>> fit = esc.markov.MarkovChain.fit([list("aabab"), list("bba")])
    >>> fit.table(0.9).counts.tolist()
    [[1.0, 2.0], [2.0, 1.0]]
    """

    states: tuple[str, ...]
    counts: Array
    probs: Array
    low: Array
    high: Array
    level: float

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a move."""
        pairs = list(itertools.product(self.states, repeat=2))
        numbers = {"count": self.counts, "probability": self.probs, "low": self.low, "high": self.high}
        named_numbers = {name: array.ravel().tolist() for name, array in numbers.items()}
        return {"from": [a for a, _ in pairs], "to": [b for _, b in pairs], **named_numbers}

    def caption(self) -> str:
        """A line above the table."""
        return f"P(to | from), {self.level:.0%} intervals"

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False, eq=False)
class ChainOrders(Table):
    """How far back a chain looks: orders compared on the same moves.

    Attributes
    ----------
    order, parameters : arrays of int
    log_likelihood, aic, bic : arrays
    statistic, p_value : arrays
        G² of each order against the next, and P(a chi-squared variable is larger); NaN for the last.
    degrees : array of int
        Degrees of freedom, of what occurs.

    Examples
    --------
    >>> import escalade as esc
    >>> fit = esc.markov.MarkovChain.fit([list("abababababab")])
    >>> fit.orders(2).best
    1
    """

    order: NDArray[np.int64]
    log_likelihood: Array
    parameters: NDArray[np.int64]
    aic: Array
    bic: Array
    statistic: Array
    degrees: NDArray[np.int64]
    p_value: Array

    @property
    def best(self) -> int:
        """The order with the smallest BIC."""
        return int(self.order[int(np.argmin(self.bic))])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row an order."""
        names = ("order", "log_likelihood", "parameters", "aic", "bic", "statistic", "degrees", "p_value")
        return {name: getattr(self, name).tolist() for name in names}

    def caption(self) -> str:
        """A line above the table."""
        return f"Order {self.best} by BIC; each order is tested against the next"

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class HomogeneityTest:
    """Whether one matrix serves all periods.

    Attributes
    ----------
    statistic : float
        G².
    degrees : int
    p_value : float
        Small where moves change over time.

    Examples
    --------
    >>> import escalade as esc
    >>> fit = esc.markov.MarkovChain.fit([list("aabbaabbab")])
    >>> fit.homogeneity(2).degrees
    2
    """

    statistic: float
    degrees: int
    p_value: float

    def __str__(self) -> str:
        return f"G² = {self.statistic:.4g} on {self.degrees} degrees of freedom, p = {probability_text(self.p_value)}"


class MarkovChain:
    """A Markov chain in discrete time over named states.

    Parameters
    ----------
    states : list of str
    matrix : array, shape (n_states, n_states)
        P(to | from), rows ("from") sum to 1 within 1e-9.
    start : array, shape (n_states,), or mapping of states to probabilities, optional
        The law of the first state.

    Raises
    ------
    SpecError
        A row that does not sum to 1; its state is named.

    See Also
    --------
    MarkovChain.fit : learn one from sequences.

    Examples
    --------
    >>> import escalade as esc
    >>> chain = esc.markov.MarkovChain(["calm", "tense", "war"], [[0.9, 0.1, 0.0], [0.3, 0.6, 0.1], [0.0, 0.0, 1.0]])
    >>> chain.hitting_time("war")["calm"]
    50.0
    >>> chain.law("calm", [12])["war"].round(4).tolist()
    [0.1883]
    """

    def __init__(self, states: Sequence[str], matrix: ArrayLike, start: Any = None) -> None:
        self._names = results.RungNames([named(states, "states")], None)
        array = array_of(matrix, "matrix", 2, "a row of probabilities for each state")
        if array.shape != (self._names.size,) * 2:
            raise SpecError(f"matrix has the shape {array.shape}; there are {self._names.size} states")
        _core.chain_check(array, list(self._names.lists[0]))
        sums = array.sum(axis=1, keepdims=True)
        self._matrix = frozen(array / np.where(np.abs(sums - 1) > 1e-14, sums, 1.0))  # made twice it is the same
        self._first = None if start is None else frozen(self._law(start, "start"))
        self._rates: _core.Generator | None = None

    @property
    def states(self) -> list[str]:
        """The names of the states."""
        return list(self._names.lists[0])

    @property
    def matrix(self) -> Array:
        """P(to | from), shape (n_states, n_states)."""
        return self._matrix

    @property
    def start(self) -> Array | None:
        """The law of the first state."""
        return self._first

    @classmethod
    def fit(
        cls,
        data: Any,
        *,
        states: Sequence[str] | None = None,
        id: str | None = None,
        time: str | None = None,
        state: str | None = None,
        prior: Any = 0.0,
        missing: str = "split",
    ) -> FittedChain:
        """Learn a chain from sequences.

        Parameters
        ----------
        data : list of sequences of states, or a data frame with a row an observation
            A frame of pandas, polars or pyarrow, in any order of units; rows of a unit in order of time.
        states : list of str, optional
            Their order; by default those that occur, sorted.
        id, time, state : str, optional
            Columns of the frame: the unit (default: one unit), the step, a whole number (steps that are left out are
            missing; default: one row a step), and the state (needed).
        prior : float or array, shape (n_states, n_states)
            Dirichlet counts added to each move; 0 gives maximum likelihood.
        missing : {"split", "sum"}
            Missing states (None, NaN) end a run of moves, or are summed over (EM), which uses the moves over gaps.

        Returns
        -------
        FittedChain
            Where a state is never left and there is no prior, it is kept for good, and a warning says so.

        Raises
        ------
        SpecError
            No move at all, an unknown state (with its sequence and row), steps out of order.

        Examples
        --------
        >>> import escalade as esc
        >>> fit = esc.markov.MarkovChain.fit([["a", "b", None, "b"], ["a", "a"]], prior=0.5)
        >>> fit.counts.tolist()
        [[1.0, 1.0], [0.0, 0.0]]
        """
        if missing not in MISSING:
            raise SpecError(f"missing={missing!r}; expected one of {', '.join(map(repr, MISSING))}")
        read = Read(data, id, time, state)
        listed = named(states, "states") if states is not None else read.found()
        codes = read.codes(listed)
        core = _core.ChainData(codes, read.starts, len(listed))
        extra = prior_counts(prior, len(listed))
        if missing == "sum":
            flat, _ = core.expected_counts(extra.ravel())
        else:
            flat = core.counts(1)
        counts = flat.reshape(len(listed), -1)
        if not counts.any():
            raise SpecError("the sequences have no move: expected two states in a row somewhere")
        return FittedChain(listed, counts, extra, core.firsts(), core, read.starts)

    # Where it is

    def n_step(self, steps: int) -> results.Transition:
        """P(to | from) after so many steps, by squaring.

        Parameters
        ----------
        steps : int

        Returns
        -------
        Transition
        """
        count = whole(steps, "steps", 0, 2**62)
        return results.Transition(self._names, float(count), _core.chain_power(self._matrix, count))

    def law(self, start: Any, steps: Any) -> results.RungLaws:
        """Where it is after each of so many steps.

        Parameters
        ----------
        start : state, mapping of states to probabilities, or array (n_states,)
        steps : int or list of int

        Returns
        -------
        RungLaws
        """
        listed = np.atleast_1d(np.asarray(steps)).tolist()
        counts = [whole(count, f"steps[{i}]", 0, 2**62) for i, count in enumerate(listed)]
        probs = _core.chain_laws(self._matrix, self._law(start, "start"), counts)
        return results.RungLaws(self._names, np.array(counts, dtype=float), probs)

    def stationary(self) -> results.RungValues:
        """The stationary law, every probability exact up to rounding (Grassmann, Taksar and Heyman 1985).

        Returns
        -------
        RungValues

        Raises
        ------
        SpecError
            If it is not unique: the closed classes are named.
        """
        return results.RungValues(self._names, self._generator().stationary()[0], "probability")

    def long_run(self, start: Any) -> results.RungValues:
        """The share of time in each state in the long run from a start, whatever the closed classes are.

        Parameters
        ----------
        start : see :meth:`law`

        Returns
        -------
        RungValues
        """
        found = self._generator().long_run(self._law(start, "start"))
        return results.RungValues(self._names, found[0], "probability")

    def closed_classes(self) -> list[list[str]]:
        """The sets of states that lead to one another and that nothing leaves."""
        return [[self.states[i] for i in members] for members in self._generator().closed_classes()]

    # Absorption

    def hitting_probability(self, target: str | Sequence[str]) -> results.RungValues:
        """P(ever in the target) from every state.

        Parameters
        ----------
        target : state or list of states

        Returns
        -------
        RungValues
        """
        found = self._generator().hitting(self._names.chosen(target, "target"), None)
        return results.RungValues(self._names, found[0], "probability")

    def hitting_time(self, target: str | Sequence[str], *, if_reached: bool = False) -> results.RungValues:
        """Mean number of steps to the target from every state.

        Parameters
        ----------
        target : state or list of states
        if_reached : bool
            False: infinite where it may never be reached. True: given that it is, NaN where it cannot be.

        Returns
        -------
        RungValues
        """
        chosen = self._names.chosen(target, "target")
        rates = self._generator()
        found = rates.moment(chosen, 1, if_reached)
        return results.RungValues(self._names, found[0], "mean steps")

    def absorption(self) -> results.RungValues:
        """Mean number of steps until a closed class is entered, from every state.

        Returns
        -------
        RungValues
        """
        return self.hitting_time([state for members in self.closed_classes() for state in members])

    # Sequences

    def log_likelihood(self, sequences: Any, *, each: bool = False, **columns: Any) -> Any:
        """ln P of sequences, missing states summed over exactly.

        Parameters
        ----------
        sequences : see :meth:`fit`
        each : bool
            True: an array with a number for each sequence.
        **columns : str
            ``id=``, ``time=``, ``state=`` of a frame, see :meth:`fit`.

        Returns
        -------
        float or array, shape (n_sequences,)
            Given the first known state, where the chain has no `start`.
        """
        read = Read(sequences, columns.pop("id", None), columns.pop("time", None), columns.pop("state", None))
        if columns:
            raise wrong("log_likelihood", next(iter(columns)), "the keywords id, time, state")
        core = _core.ChainData(read.codes(self.states), read.starts, len(self.states))
        logs = core.log_likelihoods(self._matrix, self._first)
        return logs if each else float(logs.sum())

    def simulate(
        self, length: int, *, n_sequences: int = 1, start: Any = None, seed: int = 0, progress: Progress = True
    ) -> list[list[str]]:
        """Draw sequences. The same seed gives the same states for any number of threads.

        Parameters
        ----------
        length : int
            States of each.
        n_sequences : int
        start : see :meth:`law`, optional
            By default the chain's own.
        seed : int
        progress : bool or function of the part done

        Returns
        -------
        list of list of str

        Examples
        --------
        >>> import escalade as esc
        >>> chain = esc.markov.MarkovChain(["a", "b"], [[0.0, 1.0], [1.0, 0.0]])
        >>> chain.simulate(4, start="a")
        [['a', 'b', 'a', 'b']]
        """
        if start is None and self._first is None:
            raise SpecError("simulate: the chain has no start; give start=")
        law = self._law(start, "start") if start is not None else np.asarray(self._first)
        size, count = whole(length, "length", 0, MOST), whole(n_sequences, "n_sequences", 0, MOST)
        key = whole(seed, "seed", 0, 2**63)
        with progress_line("sequences", progress) as report:
            drawn = _core.chain_simulate(self._matrix, law, size, count, key, report)
        drawn_states: list[list[str]] = np.array(self.states, dtype=object)[drawn].tolist()
        return drawn_states

    # Inside

    def _generator(self) -> _core.Generator:
        """P − I, a step its unit of time."""
        if self._rates is None:
            rates = np.array(self._matrix)
            np.fill_diagonal(rates, 0.0)
            self._rates = _core.Generator.dense(self.states, rates)
        return self._rates

    def _law(self, start: Any, what: str) -> Array:
        if isinstance(start, str):
            law = np.zeros(self._names.size)
            law[self._names.index(start)] = 1.0
        elif isinstance(start, Mapping):
            law = np.zeros(self._names.size)
            for state, p in start.items():
                law[self._names.index(state)] = number(p, f"{what}, {state}")
        else:
            law = array_of(start, what, 1, "a probability for each state")
        ok = len(law) == self._names.size and np.isfinite(law).all() and (law >= 0).all()
        if not ok or abs(law.sum() - 1) > 1e-6:
            raise SpecError(f"{what}: expected {self._names.size} probabilities that sum to 1 within 1e-6")
        return np.ascontiguousarray(law / law.sum())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self.states[:8])}{', …' if len(self.states) > 8 else ''}>"

    def _repr_html_(self) -> str:
        return results.Transition(self._names, 1.0, np.array(self._matrix))._repr_html_()

    def __reduce__(self) -> tuple[Any, ...]:
        return MarkovChain, (self.states, np.array(self._matrix), self._first)


class FittedChain(MarkovChain):
    """A chain learnt from sequences, by :meth:`MarkovChain.fit`.

    Attributes
    ----------
    counts : array, shape (n_states, n_states)
        Moves seen; expected ones where missing states are summed over.
    prior : array, shape (n_states, n_states)
        Dirichlet counts added.

    Examples
    --------
    >>> import escalade as esc
    >>> fit = esc.markov.MarkovChain.fit([list("aabab"), list("bba")])
    >>> fit
    <FittedChain: a, b; 6 moves of 2 sequences>
    """

    def __init__(
        self, states: list[str], counts: Array, prior: Array, firsts: Array, core: _core.ChainData, starts: Any
    ) -> None:
        total = counts + prior
        never = np.flatnonzero(total.sum(axis=1) == 0)
        if never.size:
            names = ", ".join(repr(states[i]) for i in never[:6].tolist())
            warnings.warn(f"never left, so taken to be kept for good: {names}", stacklevel=3)
            total = total.copy()
            total[never, never] = 1.0
        start = firsts / firsts.sum() if firsts.sum() else None
        super().__init__(states, total / total.sum(axis=1, keepdims=True), start)
        self.counts = frozen(counts)
        self.prior = frozen(prior)
        self._data = core
        self._starts = starts

    @property
    def n_sequences(self) -> int:
        """Number of sequences."""
        return len(self._starts) - 1

    def table(self, level: float = 0.95) -> ChainTable:
        """Each move with its count, probability and Dirichlet interval.

        Parameters
        ----------
        level : float
            Of the marginal intervals, cut equally at both ends. Without a prior they use 1/2 for each move (Jeffreys).

        Returns
        -------
        ChainTable
        """
        p = share(level, "level")
        alpha = self.counts + (self.prior if self.prior.any() else 0.5)
        low, high = _core.dirichlet_intervals(np.ascontiguousarray(alpha), p)
        return ChainTable(tuple(self.states), np.array(self.counts), np.array(self.matrix), low, high, p)

    def orders(self, most: int = 3) -> ChainOrders:
        """Compare chains of orders 0 to `most`: likelihood-ratio tests, AIC, BIC.

        All orders are compared on the moves that have `most` known states before them.

        Parameters
        ----------
        most : int
            1 to 12.

        Returns
        -------
        ChainOrders

        Raises
        ------
        SpecError
            If no run of states is long enough.
        TooLarge
            If the counts of that order exceed the memory allowed.

        References
        ----------
        P. Billingsley, "Statistical methods in Markov chains", Annals of Mathematical Statistics 32(1), 1961, eq. 5.7.
        """
        found = self._data.orders(whole(most, "most", 1, 12))
        tests = [test or (np.nan, 0, np.nan) for *_, test in found]
        columns = list(zip(*(row[:5] for row in found), strict=True))
        return ChainOrders(
            np.array(columns[0]),
            np.array(columns[1]),
            np.array(columns[2]),
            np.array(columns[3]),
            np.array(columns[4]),
            np.array([test[0] for test in tests]),
            np.array([test[1] for test in tests]),
            np.array([test[2] for test in tests]),
        )

    def homogeneity(self, periods: int | ArrayLike = 2) -> HomogeneityTest:
        """Test whether the moves follow one matrix over time.

        Parameters
        ----------
        periods : int or array of int
            A number of parts of equal length into which steps, counted from each sequence's first, are cut; or the
            period, 0 or more, of each observation in order, steps that were left out included.

        Returns
        -------
        HomogeneityTest

        References
        ----------
        T. W. Anderson and L. A. Goodman, "Statistical inference about Markov chains", Annals of Mathematical Statistics
        28(1), 1957, section 3.2.
        """
        lengths = np.diff(self._starts)
        if np.ndim(periods) == 0:
            count = whole(periods, "periods", 2, 10**6)
            steps = np.concatenate([np.arange(n) for n in lengths.tolist()])
            longest = max(int(lengths.max()) - 1, 1)
            labels = np.maximum(steps - 1, 0) * count // longest
        else:
            labels = np.asarray(periods)
            if labels.shape != (int(lengths.sum()),) or labels.dtype.kind not in "iu" or (labels < 0).any():
                raise SpecError(f"periods: expected {lengths.sum()} whole numbers, 0 or more, one an observation")
            count = int(labels.max()) + 1
        return HomogeneityTest(*self._data.homogeneity(np.ascontiguousarray(labels, dtype=np.int64), count))

    def __repr__(self) -> str:
        moves = f"{self.counts.sum():,.0f} moves of {self.n_sequences:,} sequence{'s' if self.n_sequences != 1 else ''}"
        return f"{super().__repr__()[:-1]}; {moves}>"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


class Read:
    """Sequences as they come: the cells one after the other, and where each sequence begins."""

    def __init__(self, data: Any, id: str | None, time: str | None, state: str | None) -> None:
        self.cells: list[Any] = []
        self.labels: list[str] = []
        if isinstance(data, list | tuple) or (isinstance(data, np.ndarray) and data.ndim == 2):
            if id is not None or time is not None or state is not None:
                raise SpecError("id, time and state name columns of a data frame; sequences are given")
            lengths = self._sequences(data)
        else:
            lengths = self._frame(data, id, time, state)
        self.starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    def _sequences(self, data: Any) -> list[int]:
        lengths = []
        for i, sequence in enumerate(data):
            if isinstance(sequence, str) or not hasattr(sequence, "__iter__"):
                raise wrong(f"sequence {i}", sequence, "a list of states")
            own = sequence.tolist() if hasattr(sequence, "tolist") else list(sequence)
            self.cells.extend(own)
            self.labels.append(f"sequence {i}")
            lengths.append(len(own))
        if not lengths:
            raise SpecError("no sequence is given")
        return lengths

    def _frame(self, data: Any, id: str | None, time: str | None, state: str | None) -> list[int]:
        import narwhals as nw

        try:
            table: Any = nw.from_native(data, eager_only=True)
        except TypeError:
            raise wrong("the sequences", data, "a list of sequences or a data frame") from None
        if state is None:
            raise SpecError("a data frame is given: state= names the column of states")
        for column in (c for c in (id, time, state) if c is not None):
            if text(column, "a column") not in table.columns:
                raise missing("the frame has no column", column, list(table.columns))
        cells = table[state].to_list()
        units = table[id].to_list() if id is not None else [None] * len(cells)
        steps = table[time].to_list() if time is not None else None
        runs: dict[Any, list[Any]] = {}
        last: dict[Any, int] = {}
        for row, (unit, cell) in enumerate(zip(units, cells, strict=True)):
            own = runs.setdefault(unit, [])
            if steps is not None:
                step = whole(steps[row], f"column {time!r}, row {row}")
                gap = step - last.get(unit, step - 1)
                if gap < 1:
                    raise SpecError(f"unit {unit!r}, row {row}: step {step} follows {last[unit]}; expected a later one")
                own.extend([None] * (gap - 1))
                last[unit] = step
            own.append(cell)
        for unit, own in runs.items():
            self.cells.extend(own)
            self.labels.append(f"unit {unit!r}" if id is not None else "the frame")
        if not runs:
            raise SpecError("the frame has no rows")
        return [len(own) for own in runs.values()]

    def found(self) -> list[str]:
        """The states that occur, sorted: numbers by size, else by name."""
        there = {cell for cell in self.cells if not absent(cell)}
        if not there:
            raise SpecError("no state is known anywhere in the sequences")
        whole_numbers = all(isinstance(cell, int | float) for cell in there)
        return list(dict.fromkeys(written(cell) for cell in sorted(there, key=None if whole_numbers else str)))

    def codes(self, states: list[str]) -> NDArray[np.int32]:
        """Numbers of states, −1 where one is missing."""
        place = {state: i for i, state in enumerate(states)}
        out = np.empty(len(self.cells), dtype=np.int32)
        for at, cell in enumerate(self.cells):
            found = -1 if absent(cell) else place.get(written(cell))
            if found is None:
                s = int(np.searchsorted(self.starts, at, side="right")) - 1
                where = f"{self.labels[s]}, row {at - int(self.starts[s])}"
                raise missing(f"{where}: there is no state", SHORT.repr(cell).strip("'"), states)
            out[at] = found
        return out


def absent(cell: Any) -> bool:
    """Whether a cell holds nothing."""
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell


def written(cell: Any) -> str:
    """A cell as the name of a state."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def prior_counts(prior: Any, n: int) -> Array:
    """Dirichlet counts for each move."""
    counts = np.asarray(array_of(prior, "prior", np.ndim(prior), "a number or a matrix"))
    if counts.ndim not in (0, 2) or (counts.ndim == 2 and counts.shape != (n, n)):
        raise SpecError(f"prior has the shape {counts.shape}; expected a number or a matrix of {n} × {n}")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise SpecError("prior: expected finite numbers, 0 or more")
    return np.ascontiguousarray(np.broadcast_to(counts, (n, n)))
