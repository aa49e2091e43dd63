"""Labelled answers of a hidden Markov chain: paths, probabilities of states, drawn sequences, parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .frames import Table
from .sequences import Read
from .values import item, number_text, probability_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
SHOWN = 8  # rows that a table in the notebook shows


class ByRow(Table):
    """An answer with something for each row of the data."""

    data: Read

    def head(self) -> dict[str, Sequence[Any]]:
        """The columns that say which row it is; of a table, in its order."""
        data = self.data
        lengths = np.diff(data.offsets)
        which = np.repeat(np.arange(len(lengths)), lengths)
        rows = np.arange(len(which)) - np.repeat(data.offsets[:-1], lengths)
        at = self.back()
        ids = [data.ids[s] for s in which[at].tolist()]
        times = rows[at].tolist() if data.times is None else [data.times[i] for i in at.tolist()]
        return {data.id_name: ids, data.time_name: times}

    def back(self) -> NDArray[np.int64]:
        """Places of the rows in the order of the table, or of the list."""
        data = self.data
        return np.arange(int(data.offsets[-1])) if data.order is None else np.argsort(data.order, kind="stable")

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first rows."""
        return {
            name: [number_text(x, 3) if isinstance(x, float) else x for x in list(column)[:SHOWN]]
            for name, column in self.columns().items()
        }

    def rows_told(self) -> str:
        """How many rows there are, and how many are shown, for a caption."""
        n = int(self.data.offsets[-1])
        return f"{n} rows{f', the first {SHOWN} shown' if n > SHOWN else ''}"

    def __len__(self) -> int:
        return len(self.data.offsets) - 1

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False)
class Paths(ByRow):
    """The most probable path of each sequence; ``paths[i]`` is an array of the states of sequence i.

    Attributes
    ----------
    codes : list of array, shape (n_rows,)
        The states by number, a sequence each.
    log_probs : array, shape (n_sequences,)
        ln P(path, outcomes).
    """

    data: Read
    states: tuple[Any, ...]
    flat: NDArray[np.uint32]
    log_probs: Array

    @property
    def codes(self) -> list[NDArray[np.uint32]]:
        """The states by number, a sequence each."""
        return self.data.split(self.flat)

    def __getitem__(self, place: int) -> NDArray[Any]:
        return labels(self.states)[item(self.codes, place, "the paths")]

    def columns(self) -> dict[str, Sequence[Any]]:
        """Sequence, row and state; of a table, in its order."""
        return {**self.head(), "state": [self.states[s] for s in self.flat[self.back()].tolist()]}

    def caption(self) -> str:
        """A line above the table."""
        return f"The most probable states of {len(self)} sequences, {self.rows_told()}"


@dataclass(frozen=True, repr=False)
class StateProbs(ByRow):
    """P(state | the whole sequence) at each row; ``probs[i]`` has shape (n_rows, n_states).

    Attributes
    ----------
    log_likelihoods : array, shape (n_sequences,)
        ln P(outcomes). An impossible sequence has −∞, and NaN for its states.
    """

    data: Read
    states: tuple[Any, ...]
    flat: Array
    log_likelihoods: Array

    def __getitem__(self, place: int) -> Array:
        return item(self.data.split(self.flat), place, "the probabilities")

    def columns(self) -> dict[str, Sequence[Any]]:
        """Sequence, row, and a column a state; of a table, in its order."""
        probs = self.flat[self.back()]
        return {**self.head(), **{f"P({state})": probs[:, i].tolist() for i, state in enumerate(self.states)}}

    def caption(self) -> str:
        """A line above the table."""
        return f"Probabilities of states in {len(self)} sequences, {self.rows_told()}"

    def plot(self, place: int = 0, *, ax: Axes | None = None) -> Axes:
        """The states of one sequence over its rows, stacked to one.

        Parameters
        ----------
        place : int
            Which sequence.
        ax : Axes, optional
        """
        from .hidden_plot import state_probs

        return state_probs(self, place, ax=ax)


@dataclass(frozen=True, repr=False)
class Simulated(Table):
    """Sequences drawn from a chain, with the states behind them.

    Attributes
    ----------
    states : list of array, shape (n_rows,)
    outcomes : list of array, shape (n_rows,) or (n_rows, n_columns)
    seed : int
    """

    states: list[NDArray[Any]]
    outcomes: list[NDArray[Any]]
    names: tuple[str, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.states)

    def columns(self) -> dict[str, Sequence[Any]]:
        """Sequence, row, state, and a column an outcome."""
        rows = [row for states in self.states for row in range(len(states))]
        out: dict[str, list[Any]] = {
            "sequence": [s for s, states in enumerate(self.states) for _ in states],
            "row": rows,
            "state": [state for states in self.states for state in states.tolist()],
        }
        for c, name in enumerate(self.names):
            out[name] = [row for part in self.outcomes for row in (part if part.ndim == 1 else part[:, c]).tolist()]
        return dict(out)

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first rows."""
        return {name: list(column)[:SHOWN] for name, column in self.columns().items()}

    def caption(self) -> str:
        """A line above the table."""
        return f"{len(self)} sequences drawn (seed {self.seed}), {sum(map(len, self.states))} rows"

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False)
class HiddenParameters(Table):
    """Every parameter of a hidden Markov chain: the first state, the moves, the outcomes."""

    rows: tuple[tuple[str, Any, str, float], ...]

    def columns(self) -> dict[str, Sequence[Any]]:
        """Part, state, parameter and value."""
        part, state, what, value = zip(*self.rows, strict=True)
        return {"part": part, "state": state, "parameter": what, "value": value}

    def shown(self) -> dict[str, Sequence[Any]]:
        """Three digits are enough to read."""
        columns = dict(self.columns())
        texts = [
            probability_text(v) if what.startswith("P(") else number_text(v, 3)
            for what, v in zip(columns["parameter"], columns["value"], strict=True)
        ]
        return {**columns, "value": texts}

    def caption(self) -> str:
        """A line above the table."""
        return f"{len(self.rows)} parameters"

    def __repr__(self) -> str:
        return self.text()


def labels(states: tuple[Any, ...]) -> NDArray[Any]:
    """States as an array: whole numbers where they have no names."""
    return np.array(states) if all(isinstance(s, int) for s in states) else np.array(states, dtype=object)
