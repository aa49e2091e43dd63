"""Labelled answers of a generator: laws over time, passages, numbers by rung, paths."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._core import SpecError
from .frames import Table
from .values import item, missing, texts, wrong

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
SHOWN = 40  # rungs, times or paths that a table in the notebook shows


class RungNames:
    """The names behind the numbers of rungs: one list, or one for each of several ladders, the last fastest."""

    __slots__ = ("_index", "ladders", "lists", "shape", "size")

    def __init__(self, lists: Sequence[Sequence[str]], ladders: Sequence[str] | None) -> None:
        self.lists = tuple(map(tuple, lists))
        self.ladders = tuple(ladders) if ladders is not None else None
        self.shape = tuple(map(len, self.lists))
        self.size = int(np.prod(self.shape))
        self._index = [{name: i for i, name in enumerate(names)} for names in self.lists]

    def place(self, axis: int, rung: object) -> int:
        """The number of a rung of one ladder."""
        found = self._index[axis].get(rung) if isinstance(rung, str) else None
        if found is None:
            what = f"rung of {self.ladders[axis]!r}" if self.ladders else "rung"
            raise missing(f"there is no {what}", rung, self.lists[axis])
        return found

    def axis(self, ladder: object) -> int:
        """The number of a ladder."""
        if self.ladders is None or ladder not in self.ladders:
            raise missing("there is no ladder", ladder, self.ladders or ())
        return self.ladders.index(str(ladder))

    def name(self, i: int) -> str | tuple[str, ...]:
        """A rung's name; of coupled ladders one for each."""
        if self.ladders is None:
            return self.lists[0][i]
        return tuple(names[k] for names, k in zip(self.lists, np.unravel_index(i, self.shape), strict=True))

    def index(self, rung: object) -> int:
        """The number of a rung by name; of coupled ladders by a mapping, or by a name for each."""
        if self.ladders is None:
            return self.place(0, rung)
        if isinstance(rung, Mapping):
            unknown = [name for name in rung if name not in self.ladders]
            if unknown:
                raise missing("there is no ladder", unknown[0], self.ladders)
            rung = tuple(rung.get(name) for name in self.ladders)
        if not isinstance(rung, tuple) or len(rung) != len(self.lists):
            raise wrong("the rung", rung, f"a rung for each of {', '.join(self.ladders)}")
        return int(np.ravel_multi_index(tuple(self.place(a, r) for a, r in enumerate(rung)), self.shape))

    def text(self, i: int) -> str:
        """A rung's name as text."""
        name = self.name(i)
        return name if isinstance(name, str) else ", ".join(name)

    def chosen(self, what: object, where: str) -> Bools:
        """Which rungs are meant: by name, list of names, mapping of ladders to rungs, or truth values."""
        if isinstance(what, np.ndarray) and what.dtype == np.bool_:
            if what.size != self.size:
                raise SpecError(f"{where} has {what.size} truth values; there are {self.size} rungs")
            return np.ascontiguousarray(what.ravel())
        if self.ladders is None:
            names = [what] if isinstance(what, str) else texts(what, where, "a rung or a list of rungs")
            out = np.zeros(self.size, dtype=bool)
            out[[self.place(0, name) for name in names]] = True
            return out
        if isinstance(what, Mapping):
            both = np.ones(self.shape, dtype=bool)
            for ladder, rungs in what.items():
                axis = self.axis(ladder)
                own = np.zeros(self.shape[axis], dtype=bool)
                listed = [rungs] if isinstance(rungs, str) else texts(rungs, f"{where}, {ladder}", "a rung or a list")
                own[[self.place(axis, rung) for rung in listed]] = True
                both &= own.reshape([-1 if a == axis else 1 for a in range(len(self.shape))])
            return np.ascontiguousarray(both.ravel())
        if isinstance(what, list | tuple) and what and all(isinstance(part, Mapping) for part in what):
            return np.asarray(np.logical_or.reduce([self.chosen(part, where) for part in what]), dtype=bool)
        raise wrong(where, what, "a mapping of ladders to rungs, a list of these (any of them), or truth values")


@dataclass(frozen=True, repr=False, eq=False)
class RungLaws(Table):
    """Where a chain is at each of several times: ``laws["ill"]`` is the probability at each.

    Attributes
    ----------
    times : array, shape (n_times,)
    probs : array, shape (n_times, n_rungs), rows sum to 1

    Examples
    --------
    >>> import escalade as esc
    >>> q = esc.Generator(["up", "down"], [[-1.0, 1.0], [3.0, -3.0]])
    >>> q.law("up", [0.0, 100.0])["up"].round(6).tolist()
    [1.0, 0.75]
    """

    names: RungNames
    times: Array
    probs: Array

    def __getitem__(self, rung: Any) -> Array:
        return self.probs[:, self.names.index(rung)]

    def marginal(self, ladder: str) -> RungLaws:
        """The laws of one of several coupled ladders.

        Parameters
        ----------
        ladder : str

        Returns
        -------
        RungLaws
        """
        axis = self.names.axis(ladder)
        shaped = self.probs.reshape(len(self.times), *self.names.shape)
        others = tuple(a + 1 for a in range(len(self.names.shape)) if a != axis)
        return RungLaws(RungNames([self.names.lists[axis]], None), self.times, shaped.sum(axis=others))

    def probability(self, rungs: Any) -> Array:
        """P(in one of these rungs) at each time.

        Parameters
        ----------
        rungs : rung, list, mapping of ladders to rungs, or array of truth values

        Returns
        -------
        array, shape (n_times,)
        """
        return np.asarray(self.probs[:, self.names.chosen(rungs, "rungs")].sum(axis=1))

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a time, one column a rung."""
        rungs = {self.names.text(i): self.probs[:, i].tolist() for i in range(self.names.size)}
        return {"time": self.times.tolist(), **rungs}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first rungs and times."""
        rungs = {self.names.text(i): self.probs[:SHOWN, i].tolist() for i in range(min(SHOWN, self.names.size))}
        return {"time": self.times[:SHOWN].tolist(), **rungs}

    def caption(self) -> str:
        """A line above the table."""
        return "Where it is" + (f"; the first {SHOWN} of {self.names.size} rungs" if self.names.size > SHOWN else "")

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False, eq=False)
class RungValues(Table, Mapping[Any, float]):
    """A number for each rung: ``values["ill"]``.

    Attributes
    ----------
    array : array, shape (n_rungs,)
    iterations : int
        0 where rungs were eliminated one by one: each value is then exact up to rounding.
    residual : float
        ‖b − A x‖ / ‖b‖ of an iteration.

    Examples
    --------
    >>> import escalade as esc
    >>> q = esc.Generator(["up", "down"], [[-1.0, 1.0], [3.0, -3.0]])
    >>> q.stationary()["up"]
    0.75
    """

    names: RungNames
    array: Array
    what: str
    iterations: int = 0
    residual: float = 0.0

    def __getitem__(self, rung: Any) -> float:
        return float(self.array[self.names.index(rung)])

    def __iter__(self) -> Iterator[Any]:
        return (self.names.name(i) for i in range(self.names.size))

    def __len__(self) -> int:
        return self.names.size

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a rung."""
        return {"rung": [self.names.text(i) for i in range(self.names.size)], self.what: self.array.tolist()}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first rungs."""
        few = min(SHOWN, self.names.size)
        return {"rung": [self.names.text(i) for i in range(few)], self.what: self.array[:few].tolist()}

    def caption(self) -> str:
        """A line above the table."""
        most = f"; the first {SHOWN} of {self.names.size} rungs" if self.names.size > SHOWN else ""
        how = f"; {self.iterations} iterations, residual {self.residual:.0e}" if self.iterations else ""
        return self.what[:1].upper() + self.what[1:] + most + how

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False, eq=False)
class Passage(Table):
    """When a set of rungs is first reached.

    Attributes
    ----------
    times : array, shape (n_times,)
    reached : array, shape (n_times,)
        P(reached by t).
    density : array, shape (n_times,)
        Its slope, per unit of time; what starts in the set has none.
    waiting : array, shape (n_times,)
        P(on the way at t): neither reached, nor outside of where it had to stay.

    Examples
    --------
    >>> import escalade as esc
    >>> q = esc.Generator(["well", "dead"], {("well", "dead"): 0.5})
    >>> reached = q.passage("dead", start="well", times=[2.0])
    >>> reached.reached.round(4).tolist(), round(reached.quantile(0.5), 4)
    ([0.6321], 1.3863)
    """

    times: Array
    reached: Array
    density: Array
    waiting: Array
    _asked: tuple[Any, Array, Bools, Bools | None]  # the generator, the start, the target, where it must stay

    def quantile(self, probability: Any) -> Any:
        """The time by which it has been reached with a probability: the exact distribution inverted, at any time.

        Parameters
        ----------
        probability : float or array
            From 0 to 1. 0.5: the median.

        Returns
        -------
        float, or array of the same shape
            Infinite where it is never so likely; 0 where the start is in the set as often.

        Raises
        ------
        SpecError
            A number that is no probability.
        NotConverged
            If it would take more than 1e8 steps.
        """
        try:
            asked = np.asarray(probability, dtype=float)
        except (TypeError, ValueError):
            raise wrong("probability", probability, "a number from 0 to 1, or an array of them") from None
        if not ((asked >= 0) & (asked <= 1)).all():
            bad = asked[~((asked >= 0) & (asked <= 1))]
            raise SpecError(f"probability is {bad.flat[0]:g}; expected numbers from 0 to 1")
        of, start, target, within = self._asked
        times = of._quantiles(start, target, within, np.ascontiguousarray(asked.ravel())).reshape(asked.shape)
        return times if asked.ndim else float(times)

    def __len__(self) -> int:
        return len(self.times)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a time."""
        named = {"time": self.times, "reached": self.reached, "density": self.density, "waiting": self.waiting}
        return {name: array.tolist() for name, array in named.items()}

    def caption(self) -> str:
        """A line above the table."""
        return "Reached by"

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False, eq=False)
class Transition(Table):
    """Where a chain is after a time, from each rung: ``p["well", "ill"]``.

    Attributes
    ----------
    time : float
    probs : array, shape (n_rungs, n_rungs), rows ("from") sum to 1

    Examples
    --------
    >>> import escalade as esc
    >>> q = esc.Generator(["up", "down"], [[-1.0, 1.0], [3.0, -3.0]])
    >>> round(q.transition(0.5)["up", "down"], 6)
    0.216166
    """

    names: RungNames
    time: float
    probs: Array

    def __getitem__(self, pair: tuple[Any, Any]) -> float:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise wrong("the pair", pair, "two rungs, from and to")
        return float(self.probs[self.names.index(pair[0]), self.names.index(pair[1])])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a rung that is left."""
        names = [self.names.text(i) for i in range(self.names.size)]
        return {"from": names, **{name: self.probs[:, i].tolist() for i, name in enumerate(names)}}

    def caption(self) -> str:
        """A line above the table."""
        return f"P(to | from) after {self.time:g}"

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False, eq=False)
class QuasiStationary(Table):
    """A chain that has stayed in a set of rungs for long.

    Attributes
    ----------
    law : array, shape (n_rungs,)
        P(at the rung | still in the set); sums to 1.
    profile : array, shape (n_rungs,)
        How much likelier a start at the rung is to last than one by `law`.
    rate : float
        Rate of leaving, per unit of time; `low` and `high` bound it.

    Examples
    --------
    >>> import escalade as esc
    >>> q = esc.Generator(["a", "b", "gone"], {("a", "b"): 1.0, ("b", "a"): 1.0, ("b", "gone"): 1.0})
    >>> round(q.quasi_stationary(["a", "b"]).rate, 6)
    0.381966
    """

    names: RungNames
    law: Array
    profile: Array
    rate: float
    low: float
    high: float
    iterations: int

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a rung of the set."""
        kept = np.flatnonzero(self.law).tolist()
        names = [self.names.text(i) for i in kept]
        return {"rung": names, "law": self.law[kept].tolist(), "profile": self.profile[kept].tolist()}

    def caption(self) -> str:
        """A line above the table."""
        return f"Leaves at a rate of {self.rate:.6g} per unit of time"

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False, eq=False)
class Dwell(Table):
    """How long each rung lasts, and which comes next: the embedded chain.

    Attributes
    ----------
    mean : array, shape (n_rungs,)
        Mean time in the rung, infinite where nothing leaves it.
    pairs : list of (from, to, probability)

    Examples
    --------
    >>> import escalade as esc
    >>> q = esc.Generator(["a", "b"], {("a", "b"): 4.0})
    >>> q.dwell().mean.tolist()
    [0.25, inf]
    """

    names: RungNames
    mean: Array
    pairs: list[tuple[int, int, float]]

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a move."""
        text = self.names.text
        return {
            "from": [text(i) for i, _, _ in self.pairs],
            "mean_time": [float(self.mean[i]) for i, _, _ in self.pairs],
            "next": [text(j) for _, j, _ in self.pairs],
            "probability": [p for _, _, p in self.pairs],
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first moves."""
        return Dwell(self.names, self.mean, self.pairs[:SHOWN]).columns()

    def caption(self) -> str:
        """A line above the table."""
        return "Mean time in each rung, and what comes next"

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False, eq=False)
class Paths(Table):
    """Simulated paths; ``paths[0]`` lists (time, rung) of the first.

    Attributes
    ----------
    starts : array of int, shape (n_paths + 1,)
        Path p is at starts[p]:starts[p + 1] of what follows.
    rungs : array of int
        Numbers of the rungs entered, the start first.
    times : array
        When; 0 for the start.

    Examples
    --------
    >>> import escalade as esc
    >>> q = esc.Generator(["a", "b"], {("a", "b"): 4.0})
    >>> q.simulate("a", horizon=100.0, n_paths=3, seed=1).final()
    ['b', 'b', 'b']
    """

    names: RungNames
    starts: NDArray[np.int64]
    rungs: NDArray[np.uint32]
    times: Array
    horizon: float
    seed: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, p: int) -> list[tuple[float, Any]]:
        k = item(range(len(self)), p, "the paths")
        own = slice(self.starts[k], self.starts[k + 1])
        names = [self.names.name(i) for i in self.rungs[own].tolist()]
        return list(zip(self.times[own].tolist(), names, strict=True))

    def __iter__(self) -> Iterator[list[tuple[float, Any]]]:
        return (self[p] for p in range(len(self)))

    def final(self) -> list[Any]:
        """The rung at the end of each path."""
        return [self.names.name(i) for i in self.rungs[self.starts[1:] - 1].tolist()]

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a rung entered."""
        lengths = np.diff(self.starts)
        return {
            "path": np.repeat(np.arange(len(self)), lengths).tolist(),
            "time": self.times.tolist(),
            "rung": [self.names.text(i) for i in self.rungs.tolist()],
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first entries."""
        return {name: list(itertools.islice(column, SHOWN)) for name, column in self.columns().items()}

    def caption(self) -> str:
        """A line above the table."""
        return f"{len(self):,} paths over {self.horizon:g}, {len(self.times) - len(self):,} moves, seed {self.seed}"

    def __repr__(self) -> str:
        return f"<{self.caption()}>"

    def _repr_html_(self) -> str:
        return super()._repr_html_()
