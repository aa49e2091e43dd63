"""Hidden Markov chains in discrete time: built, fitted, asked."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._core import ImpossibleEvidence, SpecError
from .hidden_results import HiddenParameters, Paths, Simulated, StateProbs, labels
from .outcomes import FAMILIES, Categorical, Gaussian, Outcome, table_of, worth_of
from .progress import Progress, progress_line
from .sequences import Read, kernel_sequences, read, weights_of
from .values import missing, number, texts, to_json, whole, wrong

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Block = tuple[tuple[str, ...], Outcome]
SEEDS = 2**64 - 1
MOST = 2**20


class HiddenMarkov:
    """A hidden Markov chain: an unseen state moves from row to row, and each row shows something of it.

    Missing values (None, NaN) say nothing. Sequences may differ in length and come as they are: a list of arrays, one a
    sequence (shape (n_rows,) or (n_rows, n_columns)), or a long table of pandas, polars or pyarrow with a column that
    tells sequences apart (`id`) and one that orders them (`time`).

    Parameters
    ----------
    states : int or list of str
        How many there are, or their names.
    outcome : str, family, list or mapping
        "categorical", "gaussian", "poisson", "negative_binomial", or :class:`Categorical`, :class:`Gaussian`,
        :class:`Poisson`, :class:`NegativeBinomial`. One of these is meant for every column (a Gaussian covers them
        together). A list has one for each column; a mapping of columns of a table may have tuples of them as keys:
        ``{("x", "y"): Gaussian("full"), "calls": "poisson"}``. Columns are independent given the state.
    start : array, shape (n_states,), sums to 1, optional
        The law of the first state. A 0 stays 0 in a fit.
    transitions : array, shape (n_states, n_states), rows "from", sum to 1, optional
        The table of moves. A 0 stays 0 in a fit, so that chains from left to right can be fitted.
    start_prior, transition_prior : float
        Pseudo-counts for each first state and each move: Dirichlet priors of 1 more. 0: maximum likelihood.

    Examples
    --------
    >>> import escalade as esc
    >>> mood = esc.markov.Categorical(["calm", "sharp"], [[0.9, 0.1], [0.2, 0.8]])
    >>> chain = esc.markov.HiddenMarkov(["peace", "crisis"], mood,
    ...                                 start=[0.8, 0.2], transitions=[[0.9, 0.1], [0.3, 0.7]])
    >>> chain.predict([["calm", "sharp", "sharp", None, "calm"]])[0].tolist()
    ['peace', 'crisis', 'crisis', 'peace', 'peace']
    >>> seen = chain.sample(300, length=40, seed=1).outcomes
    >>> fit = esc.markov.HiddenMarkov(2, "categorical").fit(seen)
    >>> fit.converged, fit.transition_probs.shape
    (True, (2, 2))

    References
    ----------
    L. R. Rabiner, "A tutorial on hidden Markov models and selected applications in speech recognition", Proceedings of
    the IEEE 77, 1989 (scaling: section V.A).
    """

    def __init__(
        self,
        states: int | Sequence[str],
        outcome: Any = "categorical",
        *,
        start: Any = None,
        transitions: Any = None,
        start_prior: float = 0.0,
        transition_prior: float = 0.0,
    ) -> None:
        priors = {"start_prior": start_prior, "transition_prior": transition_prior}
        self._given = {"states": states, "outcome": outcome, "start": start, "transitions": transitions, **priors}
        if isinstance(states, int | np.integer | float):
            self._states: tuple[Any, ...] = tuple(range(whole(states, "states", 1, 10_000)))
        else:
            self._states = tuple(texts(states, "states", "a number of states, or a list of their names"))
        if len(set(self._states)) < len(self._states) or not self._states:
            raise SpecError(f"states={states!r}; expected at least one, and distinct names")
        k = len(self._states)
        self._outcome = outcome_of(outcome)
        self._start = None if start is None else table_of(start, "start", (k,))
        self._transitions = None if transitions is None else table_of(transitions, "transitions", (k, k))
        self._priors = worth_of(start_prior, "start_prior"), worth_of(transition_prior, "transition_prior")
        self._blocks: list[Block] | None = None
        self._core: _core.HiddenChain | None = None
        self._keys: tuple[str | None, str | None] = (None, None)
        if self._start is not None:
            law_of(self._start, "start")
        for i, row in enumerate(self._transitions if self._transitions is not None else ()):
            law_of(row, f"row {self._states[i]!r} of the transitions")

    # What it was made of, by the conventions of scikit-learn

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments that it was made with, as they were given; of a fit those of the chain that was fitted.

        With :meth:`set_params` this is what ``sklearn.base.clone`` needs: of a fit it makes the chain before it.

        Parameters
        ----------
        deep : bool
            Makes no difference: no argument is an estimator of its own.

        Examples
        --------
        >>> import escalade as esc
        >>> chain = esc.markov.HiddenMarkov(2, "poisson", transition_prior=1.0)
        >>> chain.get_params()["outcome"], chain.set_params(states=3).n_states
        ('poisson', 3)
        """
        return dict(self._given)

    def set_params(self, **params: Any) -> HiddenMarkov:
        """Change arguments in place, as if it had been made with these; what is not named stays.

        Parameters
        ----------
        **params
            Arguments of the constructor.

        Returns
        -------
        HiddenMarkov
            Itself.

        Raises
        ------
        SpecError
            A name that the constructor does not know, or a value that it refuses; the chain then stays as it was.
        """
        for name in params:
            if name not in self._given:
                raise missing("there is no parameter", name, self._given)
        self.__dict__ = HiddenMarkov(**(self._given | params)).__dict__
        return self

    # Looking

    @property
    def states(self) -> tuple[Any, ...]:
        """The states: their names, or whole numbers from 0."""
        return self._states

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self._states)

    @property
    def start_probs(self) -> Array:
        """The law of the first state, shape (n_states,)."""
        return np.array(self._spec()["start"])

    @property
    def transition_probs(self) -> Array:
        """The table of moves, shape (n_states, n_states), rows "from"."""
        return np.array(self._spec()["transitions"]).reshape(self.n_states, -1)

    @property
    def outcomes(self) -> dict[tuple[str, ...], Outcome]:
        """The families with their parameters, by the columns that they cover."""
        self._kernel()
        return dict(self._blocks or [])

    @property
    def n_parameters(self) -> int:
        """Number of free parameters; a probability of 0 is none."""
        return self._kernel().free

    def parameters(self) -> HiddenParameters:
        """Every parameter, as a table."""
        rows: list[tuple[str, Any, str, float]] = []
        for state, p in zip(self._states, self.start_probs.tolist(), strict=True):
            rows.append(("start", state, f"P({state} first)", p))
        for i, state in enumerate(self._states):
            moves = self.transition_probs[i].tolist()
            rows += [("moves", state, f"P(→ {to})", p) for to, p in zip(self._states, moves, strict=True)]
        for columns, family in self.outcomes.items():
            rows += [("outcome", *row) for row in family.rows(self._states, columns)]
        return HiddenParameters(tuple(rows))

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """The table of moves as a picture.

        Parameters
        ----------
        ax : Axes, optional
        """
        from .hidden_plot import moves

        return moves(self.transition_probs, self._states, ax=ax)

    def __repr__(self) -> str:
        kinds = self._outcome.values() if isinstance(self._outcome, dict) else self._outcome
        kinds = list(kinds) if isinstance(kinds, list) or not isinstance(kinds, Outcome) else [kinds]
        return f"<{type(self).__name__}: {self.n_states} states, {', '.join(family.kind for family in kinds)}>"

    # Its parts

    def _spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = json.loads(self._kernel().spec())
        return spec

    def _kernel(self, width: int | None = None, names: Sequence[str] | None = None) -> _core.HiddenChain:
        """The kernel of a chain whose parameters are there."""
        if self._core is None:
            blocks = self._blocks or self._layout(names or self._columns(width))
            lacking = [family.kind for _, family in blocks if not family.known()]
            lacking += [what for what, x in (("start", self._start), ("transitions", self._transitions)) if x is None]
            if lacking:
                raise SpecError(f"the chain has no parameters yet ({', '.join(lacking)}): fit it, or give them")
            self._core = self._chain(blocks, self._start, self._transitions)
            self._blocks = blocks
        return self._core

    def _chain(self, blocks: list[Block], start: Any, transitions: Any) -> _core.HiddenChain:
        families = [family.tree(self.n_states) for _, family in blocks]
        moves = np.asarray(transitions).ravel().tolist()
        return _core.HiddenChain(to_json({"start": start.tolist(), "transitions": moves, "families": families}))

    def _columns(self, width: int | None) -> list[str]:
        """Names of the columns where the data give none."""
        if isinstance(self._outcome, dict):
            return [name for key in self._outcome for name in key]
        if width is None and isinstance(self._outcome, Gaussian) and self._outcome.means is not None:
            means = np.asarray(self._outcome.means)
            width = means.shape[1] if means.ndim == 2 else 1
        width = width or (len(self._outcome) if isinstance(self._outcome, list) else 1)
        return ["value"] if width == 1 else [f"column {c}" for c in range(width)]

    def _layout(self, names: Sequence[str]) -> list[Block]:
        """Which family covers which columns."""
        if isinstance(self._outcome, dict):
            return list(self._outcome.items())
        if isinstance(self._outcome, list):
            if len(self._outcome) != len(names):
                raise SpecError(f"there are {len(self._outcome)} outcomes for {len(names)} columns: {', '.join(names)}")
            return [((name,), family) for name, family in zip(names, self._outcome, strict=True)]
        if self._outcome.many:
            return [(tuple(names), self._outcome)]
        return [((name,), self._outcome) for name in names]

    def _read(self, data: Any, id: str | None, time: str | None, but: str | None = None) -> Read:
        columns = self._columns(None) if isinstance(self._outcome, dict) else None
        if self._blocks is not None:
            columns = [name for key, _ in self._blocks for name in key]
        own = self._keys if (id, time) == (None, None) else (id, time)
        there = getattr(data, "column_names", None) or getattr(data, "columns", None)
        if there is None:
            return read(data, columns, None, None)
        # A chain fitted to a list knows its only column by no name of its own.
        return read(data, None if columns == ["value"] and "value" not in list(there) else columns, *own, but)

    def _ready(self, data: Any, id: str | None, time: str | None) -> tuple[Read, _core.Sequences]:
        """The data for a chain whose parameters are there."""
        got = self._read(data, id, time)
        self._kernel(len(got.names), got.names)
        sequences, _, _ = kernel_sequences(got, places(got, self._blocks or []))
        return got, sequences

    # Asking

    def score(self, data: Any, *, id: str | None = None, time: str | None = None) -> float:
        """ln P(all sequences); −∞ where one is impossible.

        Parameters
        ----------
        data : list of array, or data frame
            The sequences.
        id, time : str, optional
            Columns of a table that tell its sequences apart and order their rows; by default those of the fit.
        """
        return float(self.score_samples(data, id=id, time=time).sum())

    def score_samples(self, data: Any, *, id: str | None = None, time: str | None = None) -> Array:
        """ln P of each sequence, shape (n_sequences,).

        Parameters
        ----------
        data : list of array, or data frame
            The sequences.
        id, time : str, optional
            See :meth:`score`.
        """
        _, sequences = self._ready(data, id, time)
        return self._kernel().log_likelihoods(sequences)

    def predict(self, data: Any, *, id: str | None = None, time: str | None = None) -> Paths:
        """The most probable path of each sequence (Viterbi).

        Parameters
        ----------
        data : list of array, or data frame
            The sequences.
        id, time : str, optional
            See :meth:`score`.

        Raises
        ------
        ImpossibleEvidence
            Where a sequence has probability 0; names it and its row.
        """
        got, sequences = self._ready(data, id, time)
        try:
            flat, logs = self._kernel().best_paths(sequences)
        except ImpossibleEvidence as error:
            raise spoken(error, got) from None
        return Paths(got, self._states, flat, logs)

    def predict_proba(self, data: Any, *, id: str | None = None, time: str | None = None) -> StateProbs:
        """P(state | the whole sequence) at each row.

        Parameters
        ----------
        data : list of array, or data frame
            The sequences.
        id, time : str, optional
            See :meth:`score`.
        """
        got, sequences = self._ready(data, id, time)
        return StateProbs(got, self._states, *self._kernel().smoothed(sequences))

    def sample_paths(
        self, data: Any, n: int = 100, *, seed: int = 0, id: str | None = None, time: str | None = None
    ) -> list[NDArray[Any]]:
        """Paths drawn from P(path | outcomes), of each sequence an array of shape (n, n_rows).

        Parameters
        ----------
        data : list of array, or data frame
            The sequences.
        n : int
            Paths of each.
        seed : int
            The same seed gives the same paths.
        id, time : str, optional
            See :meth:`score`.
        """
        got, sequences = self._ready(data, id, time)
        count, key = whole(n, "n", 1, MOST), whole(seed, "seed", 0, SEEDS)
        try:
            flat = self._kernel().drawn_paths(sequences, count, key)
        except ImpossibleEvidence as error:
            raise spoken(error, got) from None
        return [labels(self._states)[flat[:, a:b]] for a, b in pairwise(got.offsets.tolist())]

    def sample(self, n: int = 1, *, length: int | Sequence[int] = 100, seed: int = 0) -> Simulated:
        """New sequences, with the states behind them.

        Parameters
        ----------
        n : int
            How many.
        length : int or list of int
            Rows of each.
        seed : int
            The same seed gives the same sequences.
        """
        count = whole(n, "n", 0, MOST)
        listed = [length] * count if isinstance(length, int | float | np.integer) else list(length)
        if len(listed) != count:
            raise SpecError(f"{len(listed)} lengths are given for {count} sequences")
        lengths = [whole(x, "length", 0, 2**32) for x in listed]
        states, columns = self._kernel().simulate(lengths, whole(seed, "seed", 0, SEEDS))
        ends = np.cumsum(lengths)[:-1] if lengths else np.array([], dtype=int)
        shown: list[NDArray[Any]] = []
        for (names, family), flat in zip(self._blocks or [], columns, strict=True):
            if isinstance(family, Categorical):
                symbols = family.symbols or range(int(flat.max(initial=0)) + 1)
                shown.append(labels(tuple(symbols))[flat.astype(int)][:, None])
            elif isinstance(family, Gaussian):
                shown.append(flat.reshape(-1, len(names)))
            else:
                shown.append(flat.astype(np.int64)[:, None])
        mixed = len({part.dtype for part in shown}) > 1
        whole_rows = np.hstack([part.astype(object) if mixed else part for part in shown])
        rows = whole_rows[:, 0] if whole_rows.shape[1] == 1 else whole_rows
        names = tuple(name for key, _ in self._blocks or [] for name in key)
        parts = np.split(rows, ends) if count else []
        hidden = np.split(labels(self._states)[states], ends) if count else []
        return Simulated(hidden, parts, names, seed)

    # Fitting

    def fit(
        self,
        data: Any,
        *,
        id: str | None = None,
        time: str | None = None,
        weights: Any = None,
        n_starts: int | None = None,
        seed: int = 0,
        max_rounds: int = 2000,
        tol: float = 1e-3,
        accelerate: bool = True,
        progress: Progress = True,
    ) -> HiddenFit:
        """Fit by Baum–Welch: maximum likelihood, or the mode of the posterior where there are priors.

        What parameters are given is where it begins; the others begin at k-means of the numbers and at random tables.

        Parameters
        ----------
        data : list of array, or data frame
            The sequences.
        id, time : str, optional
            Columns of a table that tell its sequences apart and order their rows.
        weights : array, shape (n_sequences,), mapping of sequences to numbers, or str, optional
            How many times each sequence counts: 2 is the sequence twice, 0 leaves it out. In their order, by id (of a
            list: place), or from a column of the table, whose value must not change within a sequence. By default once.
        n_starts : int, optional
            Starts that get 15 rounds each; the best goes on. By default 4, or 1 where all parameters are given.
        seed : int
            The same seed gives the same fit, on any number of threads.
        max_rounds : int
            Most rounds of the last run.
        tol : float
            Stop when less log-likelihood than this is still to come, by Aitken's extrapolation. 0: make all rounds.
        accelerate : bool
            From round 10 on, go further along the direction of two rounds (SQUAREM). False: plain EM, round by round as
            hmmlearn and deeptime make them.
        progress : bool or function
            Show a line where it takes long; a function is called with the part done.

        Returns
        -------
        HiddenFit
            A chain with its parameters. Warns where it has not converged.

        Examples
        --------
        >>> import escalade as esc
        >>> fit = esc.markov.HiddenMarkov(2, "poisson").fit([[0, 1, 0, 9, 8, None, 7], [1, 0, 8, 9]])
        >>> fit.predict([[0, 9]]).codes[0].tolist() in ([0, 1], [1, 0])
        True

        References
        ----------
        Varadhan and Roland, "Simple and globally convergent methods for accelerating the convergence of any EM
        algorithm", Scandinavian Journal of Statistics 35, 2008.
        """
        got = self._read(data, id, time, weights if isinstance(weights, str) else None)
        if not int(got.offsets[-1]):
            raise SpecError("the sequences have no row to learn from")
        each = weights_of(weights, got, data)
        rows = None if each is None else np.repeat(each, np.diff(got.offsets))
        layout = self._blocks or self._layout(got.names)
        sequences, families, floats = kernel_sequences(got, places(got, layout), each)
        blocks: list[Block] = [(names, family) for (names, _), family in zip(layout, families, strict=True)]
        priors = [family.prior_tree(columns, rows) for family, columns in zip(families, floats, strict=True)]
        prior = {"start": self._priors[0], "transitions": self._priors[1], "families": priors}
        complete = self._start is not None and self._transitions is not None and all(f.known() for f in families)
        count = whole(n_starts, "n_starts", 1, 10_000) if n_starts is not None else 1 if complete else 4
        key = whole(seed, "seed", 0, SEEDS)
        most = whole(max_rounds, "max_rounds", 0, MOST)
        limit = number(tol, "tol", "a number, 0 or more")
        if not limit >= 0:
            raise SpecError(f"tol is {tol}; expected a number, 0 or more")
        if not isinstance(accelerate, bool):
            raise wrong("accelerate", accelerate, "True or False")
        starts = [self._begin(blocks, sequences, floats, key, n) for n in range(1 if complete else count)]
        try:
            with progress_line("fit", progress) as report:
                result = _core.HiddenChain.fit(starts, sequences, to_json(prior), most, limit, accelerate, report)
        except ImpossibleEvidence as error:
            raise spoken(error, got) from None
        core, log_likelihood, log_prior, trace, made, converged = result
        if not converged and limit > 0:
            text = f"the fit has not converged in {made} rounds: give more max_rounds, or start= elsewhere"
            warnings.warn(text, ConvergenceWarning, stacklevel=2)
        fit = HiddenFit.__new__(HiddenFit)
        fit._take(self, core, blocks, (id, time))
        counted = float(got.offsets[-1]) if rows is None else float(rows.sum())
        fit._about = (log_likelihood, log_prior, trace, made, converged, int(got.offsets[-1]), key, counted)
        fit._free = starts[0].free
        return fit

    def _begin(
        self, blocks: list[Block], sequences: _core.Sequences, floats: Any, seed: int, place: int
    ) -> _core.HiddenChain:
        """A start: what is given, and what the kernel thinks of for the rest."""
        kinds = [family.bare(columns) for (_, family), columns in zip(blocks, floats, strict=True)]
        core = _core.HiddenChain.start(self.n_states, to_json(kinds), sequences, seed, place)
        spec = json.loads(core.spec())
        start = np.array(spec["start"]) if self._start is None else self._start
        moves = spec["transitions"] if self._transitions is None else self._transitions
        filled = [
            (names, family if family.known() else family.learnt(tree, self.n_states))
            for (names, family), tree in zip(blocks, spec["families"], strict=True)
        ]
        return self._chain(filled, start, moves)


class ConvergenceWarning(UserWarning):
    """A fit stopped at its last round, with log-likelihood still to come."""


class HiddenFit(HiddenMarkov):
    """A hidden Markov chain that was fitted; made by :meth:`HiddenMarkov.fit`, never by hand.

    It is a chain with all its parameters: it predicts, scores and samples, and fitting it again goes on from there.

    Examples
    --------
    >>> import escalade as esc
    >>> fit = esc.markov.HiddenMarkov(["low", "high"], "gaussian").fit([[0.1, 0.2, 5.1, 4.9, 5.0], [0.0, 0.3, 4.8]])
    >>> fit.n_rows, fit.n_parameters, fit.bic > fit.aic
    (8, 7, True)
    """

    _about: tuple[float, float, Array, int, bool, int, int, float]
    _free: int

    def _take(self, of: HiddenMarkov, core: _core.HiddenChain, blocks: list[Block], keys: Any) -> None:
        self._given = of._given
        self._states, self._outcome, self._priors = of._states, of._outcome, of._priors
        self._core = core
        self._keys = keys if any(keys) else of._keys
        spec = json.loads(core.spec())
        k = len(self._states)
        self._blocks = [
            (names, family.learnt(tree, k)) for (names, family), tree in zip(blocks, spec["families"], strict=True)
        ]
        self._start = np.array(spec["start"])
        self._transitions = np.array(spec["transitions"]).reshape(k, k)

    def set_params(self, **params: Any) -> HiddenMarkov:
        """Refused, but for none: a fit holds what was learnt. ``HiddenMarkov(**fit.get_params())`` can be changed.

        Parameters
        ----------
        **params
            None.
        """
        if params:
            text = f"set_params({', '.join(params)}=...): a fit stays as it was learnt"
            raise SpecError(f"{text}; expected a chain, such as HiddenMarkov(**fit.get_params())")
        return self

    def __sklearn_clone__(self) -> HiddenMarkov:
        return HiddenMarkov(**deepcopy(self._given))

    @property
    def log_likelihood(self) -> float:
        """ln P(sequences) at the parameters, each as many times as it counts."""
        return self._about[0]

    @property
    def log_prior(self) -> float:
        """ln of the priors' density at the parameters, up to a constant; 0 without priors."""
        return self._about[1]

    @property
    def trace(self) -> Array:
        """Log-likelihood and log-prior before each round, and at the end; never falls."""
        return self._about[2]

    @property
    def rounds(self) -> int:
        """Rounds made by the last run."""
        return self._about[3]

    @property
    def converged(self) -> bool:
        """Whether the tolerance was reached."""
        return self._about[4]

    @property
    def n_rows(self) -> int:
        """Rows that it was fitted to, missing ones too."""
        return self._about[5]

    @property
    def seed(self) -> int:
        """The seed of its starts."""
        return self._about[6]

    @property
    def n_parameters(self) -> int:
        """Number of free parameters; a probability that was 0 from the start is none."""
        return self._free

    @property
    def aic(self) -> float:
        """Akaike's criterion: 2 n_parameters − 2 log_likelihood."""
        return 2 * self.n_parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion: ln(n_rows, each as many times as it counts) n_parameters − 2 log_likelihood."""
        return float(np.log(self._about[7])) * self.n_parameters - 2 * self.log_likelihood

    def __repr__(self) -> str:
        state = "converged" if self.converged else "not converged"
        return f"{super().__repr__()[:-1]}; log-likelihood {self.log_likelihood:.2f}, {state} in {self.rounds} rounds>"


def law_of(row: Array, what: str) -> None:
    """Refuse a row that is no law."""
    if not ((row >= 0) & (row <= 1)).all() or abs(float(row.sum()) - 1) > 1e-6:
        raise SpecError(f"{what} is {row.tolist()}; expected numbers from 0 to 1 that sum to 1 within 1e-6")


def family_of(given: Any, what: str) -> Outcome:
    """A family, or the name of one."""
    if isinstance(given, str):
        if given not in FAMILIES:
            raise missing(f"{what}: there is no family", given, FAMILIES)
        return FAMILIES[given]()
    if isinstance(given, type) and issubclass(given, Outcome) and given is not Outcome:
        return given()
    if not isinstance(given, Outcome):
        raise wrong(what, given, f"a family such as Gaussian(), or one of {', '.join(map(repr, FAMILIES))}")
    return given


def outcome_of(given: Any) -> Outcome | list[Outcome] | dict[tuple[str, ...], Outcome]:
    """One family, one for each column in order, or by columns."""
    if isinstance(given, Mapping):
        out: dict[tuple[str, ...], Outcome] = {}
        for key, value in given.items():
            names = tuple(texts(key, "outcome")) if isinstance(key, tuple) else (str(key),)
            family = family_of(value, f"outcome[{key!r}]")
            if len(names) > 1 and not family.many:
                raise SpecError(
                    f"outcome[{key!r}]: a {family.kind} family has one column; expected a Gaussian for several"
                )
            out[names] = family
        listed = [name for key in out for name in key]
        if not listed or len(set(listed)) < len(listed):
            raise SpecError("outcome: expected at least one column, and each once")
        return out
    if isinstance(given, list | tuple):
        families = [family_of(value, f"outcome[{i}]") for i, value in enumerate(given)]
        if not families:
            raise SpecError("outcome: expected at least one family")
        return families
    return family_of(given, "outcome")


def places(data: Read, blocks: Sequence[Block]) -> list[tuple[list[int], Outcome]]:
    """The columns of each family, by their place in the data."""
    for names, _ in blocks:
        for name in names:
            if name not in data.names:
                raise missing("the data have no column", name, data.names, "they have")
    return [([data.names.index(name) for name in names], family) for names, family in blocks]


def spoken(error: ImpossibleEvidence, data: Read) -> ImpossibleEvidence:
    """An error of the kernel with the sequence's own name."""
    found = re.match(r"sequence (\d+), row (\d+): ", str(error))
    if found is None:
        return error
    place = data.place(int(data.offsets[int(found[1])]) + int(found[2]))
    return ImpossibleEvidence(f"{place}: {str(error)[found.end() :]}")
