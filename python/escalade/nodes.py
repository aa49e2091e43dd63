"""How a variable of a Bayesian network depends on its parents, other than by a table: few numbers for many rows."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ._core import SpecError
from .values import Tree, name_of, plain

if TYPE_CHECKING:
    from .handles import Handle

CONFIGURATIONS = 10_000_000  # at most so many does a function look at


class NodeLaw(ABC):
    """A law with a structure, given to :meth:`BayesNet.add` as ``cpd=`` or to :meth:`Model.status` as ``table=``.

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> _ = net.add("grass", ["dry", "wet"], cpd=esc.noisy_or({"rain": 0.9}))
    >>> net.posteriors({"rain": "yes"})["grass"]["wet"]
    0.9
    """

    @property
    def parents(self) -> list[str] | None:
        """The names of the parents, where the law says them."""
        return None

    @abstractmethod
    def tree(self, node: str, states: Sequence[str], parents: Sequence[Handle]) -> Tree:
        """The law as the kernel takes it.

        Parameters
        ----------
        node : str
            The variable's name.
        states : list of str
            Its states.
        parents : list of variables
            Its parents, in order.
        """


class ByParent(NodeLaw):
    """A law with something to say about each parent."""

    def __init__(self, said: Mapping[Any, Any], what: str) -> None:
        if not isinstance(said, Mapping):
            raise SpecError(f"{what}: {said!r} is given; expected a mapping of each parent to its number")
        self.said = {name_of(parent): plain(value) for parent, value in said.items()}

    @property
    def parents(self) -> list[str]:
        """The parents, in the order in which they are said."""
        return list(self.said)


@dataclass(frozen=True, repr=False)
class Function(NodeLaw):
    """A state for each configuration of the parents."""

    rule: Callable[..., str]

    def tree(self, node: str, states: Sequence[str], parents: Sequence[Handle]) -> Tree:
        """The numbers of the states, the last parent fastest."""
        count = math.prod(len(parent.states) for parent in parents)
        if count > CONFIGURATIONS:
            raise SpecError(
                f"node {node!r}: a function of {count:,} configurations; at most {CONFIGURATIONS:,} are tried"
            )
        number = {state: i for i, state in enumerate(states)}
        names = [parent.name for parent in parents]
        out = []
        for configuration in itertools.product(*(parent.states for parent in parents)):
            given = dict(zip(names, configuration, strict=True))
            state = self.rule(**given)
            if not isinstance(state, str) or state not in number:
                at = ", ".join(f"{k} = {v}" for k, v in given.items())
                raise SpecError(
                    f"node {node!r}: its function gives {state!r} at ({at}); expected one of {', '.join(states)}"
                )
            out.append(number[state])
        return {"function": out}


class NoisyMax(ByParent):
    """The largest of one cause a parent and a leak."""

    def __init__(self, links: Mapping[Any, Any], leak: Any, *, binary: bool) -> None:
        super().__init__(links, "noisy_or" if binary else "noisy_max")
        self.leak, self.binary = plain(leak), binary

    def tree(self, node: str, states: Sequence[str], parents: Sequence[Handle]) -> Tree:
        """A link for each parent: the law of its cause in each of the parent's states."""
        if self.binary and len(states) != 2:
            raise SpecError(f"node {node!r}: noisy_or is for two states, not {len(states)}; see esc.noisy_max")
        links = [self._link(node, list(states), parent).ravel().tolist() for parent in parents]
        leak = None
        if self.leak is not None:
            leak = self._law(f"node {node!r}, leak", list(states), self.leak)
        return {"noisy_max": {"links": links, "leak": leak}}

    def _link(self, node: str, states: list[str], parent: Handle) -> np.ndarray[Any, np.dtype[np.float64]]:
        place = f"node {node!r}, link of {parent.name!r}"
        said, named = self.said[parent.name], parent.states
        nothing = [1.0, *[0.0] * (len(states) - 1)]
        if isinstance(said, int | float):
            said = [said] * (len(named) - 1) if self.binary and len(named) == 2 else [said]
        if isinstance(said, dict):
            unknown = set(said) - set(named)
            if unknown:
                raise SpecError(f"{place}: {min(unknown)!r} is given; {parent.name} has {', '.join(named)}")
            rows = [said.get(state, nothing if i == 0 else None) for i, state in enumerate(named)]
        else:
            rows = list(said) if len(said) == len(named) else [nothing, *said]
        if len(rows) != len(named) or any(row is None for row in rows):
            raise SpecError(f"{place}: {said!r} is given; expected something for each of {', '.join(named[1:])}")
        return np.array([self._law(place, states, row) for row in rows])

    def _law(self, place: str, states: list[str], row: Any) -> list[float]:
        """A law over the states from a chance of the second (binary), a row, or a mapping."""
        if isinstance(row, int | float) and self.binary:
            if not 0 <= row <= 1:
                raise SpecError(f"{place}: {row} is given; expected a probability")
            return [1 - row, float(row)]
        if isinstance(row, dict):
            unknown = set(row) - set(states)
            if unknown:
                raise SpecError(f"{place}: {min(unknown)!r} is given; the states are {', '.join(states)}")
            row = [row.get(state, 0.0) for state in states]
        return numbers(row, len(states), place)


class Ranked(ByParent):
    """A truncated normal law around a weighted summary of the parents' ranks."""

    def __init__(self, weights: Mapping[Any, float], spread: float, by: str) -> None:
        super().__init__(weights, "ranked")
        if by not in ("mean", "min", "max"):
            raise SpecError(f"ranked: by={by!r}; expected 'mean', 'min' or 'max'")
        self.spread, self.by = spread, by

    def tree(self, node: str, states: Sequence[str], parents: Sequence[Handle]) -> Tree:
        """Weights in the order of the parents."""
        weights = [number(self.said[p.name], f"node {node!r}, weight of {p.name!r}") for p in parents]
        return {"ranked": {"weights": weights, "spread": number(self.spread, f"node {node!r}, spread"), "by": self.by}}


class Logistic(ByParent):
    """Cumulative logits that the parents shift."""

    def __init__(self, effects: Mapping[Any, Any], cuts: Any) -> None:
        super().__init__(effects, "logistic")
        self.cuts = plain(cuts)

    def tree(self, node: str, states: Sequence[str], parents: Sequence[Handle]) -> Tree:
        """Effects of each state of each parent; a number is the effect of each step above the first state."""
        cuts = [self.cuts] if isinstance(self.cuts, int | float) else self.cuts
        effects = []
        for parent in parents:
            place, said = f"node {node!r}, effect of {parent.name!r}", self.said[parent.name]
            if isinstance(said, int | float):
                said = [said * i for i in range(len(parent.states))]
            if isinstance(said, dict):
                unknown = set(said) - set(parent.states)
                if unknown:
                    raise SpecError(f"{place}: {min(unknown)!r} is given; it has {', '.join(parent.states)}")
                said = [said.get(state, 0.0) for state in parent.states]
            effects.append(numbers(said, len(parent.states), place))
        return {"logistic": {"cuts": numbers(cuts, len(states) - 1, f"node {node!r}, cuts"), "effects": effects}}


def formula(law: NodeLaw, node: str, states: Sequence[str], parents: Sequence[Handle]) -> Tree:
    """The law as an entry of a model has it: its numbers by the parents' names."""
    kind, said = next(iter(law.tree(node, states, parents).items()))

    def named(each: list[Any]) -> Tree:
        return {parent.name: own for parent, own in zip(parents, each, strict=True)}

    if kind == "function":
        return {"table": [[float(state == i) for i in range(len(states))] for state in said]}
    if kind == "noisy_max":
        links = [np.reshape(link, (-1, len(states))).tolist() for link in said["links"]]
        leak = said["leak"]
        if isinstance(law, NoisyMax) and law.binary:
            tree: Tree = {"chances": named([[row[1] for row in link] for link in links])}
            kind, leak = "noisy_or", None if leak is None else leak[1]
        else:
            tree = {"links": named(links)}
        return {"formula": {kind: tree if leak is None else {**tree, "leak": leak}}}
    key = "weights" if kind == "ranked" else "effects"
    return {"formula": {kind: {**said, key: named(said[key])}}}


def number(value: Any, place: str) -> float:
    """One number."""
    return numbers([value], 1, place)[0]


def numbers(values: Any, count: int, place: str) -> list[float]:
    """So many numbers."""
    try:
        out = [float(value) for value in values]
    except (TypeError, ValueError):
        raise SpecError(f"{place}: {values!r} is given; expected {count} numbers") from None
    if len(out) != count:
        raise SpecError(f"{place}: {len(out)} numbers are given; expected {count}")
    return out


def flat_table(node: str, table: Any, parents: Sequence[Handle], states: Sequence[str]) -> list[float]:
    """A table given nested by the parents' states, as rows or as an array: flat, the last parent fastest."""
    return flatten(f"node {node!r}", plain(table), list(parents), list(states))


def flatten(place: str, table: Any, parents: list[Handle], states: list[str]) -> list[float]:
    """The part of a table below some of its parents."""
    if isinstance(table, dict) and parents:
        first, *rest = parents
        if set(table) != set(first.states):
            odd = sorted(set(table) ^ set(first.states))[0]
            what = "has no row for" if odd in first.states else "has a row for"
            raise SpecError(f"{place}: the table {what} {first.name} = {odd!r}; expected {', '.join(first.states)}")
        return [
            p for state in first.states for p in flatten(f"{place}, {first.name} = {state}", table[state], rest, states)
        ]
    if isinstance(table, dict):
        unknown = set(table) - set(states)
        if unknown:
            raise SpecError(f"{place}: the table has a column {min(unknown)!r}; the states are {', '.join(states)}")
        return numbers([table.get(state, 0.0) for state in states], len(states), place)
    if isinstance(table, list) and table and isinstance(table[0], dict):
        if len(table) != math.prod(len(parent.states) for parent in parents):
            raise SpecError(f"{place}: {len(table)} rows are given; expected one for each configuration of the parents")
        return [p for row in table for p in flatten(place, row, [], states)]
    try:
        array = np.asarray(table, dtype=float)
    except (TypeError, ValueError):
        raise SpecError(f"{place}: the table is {table!r}; expected rows of {len(states)} numbers") from None
    rows = math.prod(len(parent.states) for parent in parents)
    if array.size != rows * len(states) or (array.ndim > 1 and array.shape[-1] != len(states)):
        shape = " × ".join(map(str, array.shape)) or "one number"
        raise SpecError(f"{place}: the table is {shape}; expected {rows} row{'s' * (rows != 1)} of {len(states)}")
    return [float(p) for p in array.ravel()]


def noisy_or(chances: Mapping[Any, Any], leak: float | None = None) -> NodeLaw:
    """Each parent alone may bring the second state about, whatever the others do; so may what is not in the model.

    P(first state | parents) = (1 − leak) · Π (1 − chance of the parent's state).

    Parameters
    ----------
    chances : mapping of parent to chance
        A number for a parent with two states; else a list for its states after the first, or a mapping of states.
        In its first state a parent brings nothing about.
    leak : float, optional
        The chance that it comes about by itself.

    Returns
    -------
    NodeLaw
        To be given to :meth:`BayesNet.add` as ``cpd=``, where it is never expanded over all parents, or to
        :meth:`Model.status` and :meth:`Model.driver` as ``table=``, where it is.

    References
    ----------
    J. Pearl, *Probabilistic Reasoning in Intelligent Systems*, 1988, section 4.3.2; M. Henrion, "Some practical issues
    in constructing belief networks", 1989 (the leak); D. Heckerman, "Causal independence for knowledge acquisition and
    inference", 1993 (the chain by which it is computed).

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> for name in ("fire", "tamper"):
    ...     _ = net.add(name, {"no": 0.5, "yes": 0.5})
    >>> _ = net.add("alarm", ["off", "on"], cpd=esc.noisy_or({"fire": 0.9, "tamper": 0.5}, leak=0.01))
    >>> round(net.posteriors({"fire": "yes", "tamper": "yes"})["alarm"]["off"], 6)
    0.0495
    """
    return NoisyMax(chances, leak, binary=True)


def noisy_max(links: Mapping[Any, Any], leak: ArrayLike | Mapping[str, float] | None = None) -> NodeLaw:
    """The largest of one independent cause a parent and of a leak: noisy-or for states that climb.

    Parameters
    ----------
    links : mapping of parent to rows
        A row over the variable's states for each of the parent's states: rows, or a mapping of states to rows. Without
        a row for the parent's first state that one brings nothing about: the variable's first state.
    leak : row, optional
        The law of what is not in the model.

    Returns
    -------
    NodeLaw
        To be given to :meth:`BayesNet.add` as ``cpd=``, where it is never expanded over all parents, or to
        :meth:`Model.status` and :meth:`Model.driver` as ``table=``, where it is.

    References
    ----------
    F. J. Díez, "Parameter adjustment in Bayes networks: the generalized noisy OR-gate", 1993.

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> _ = net.add("storm", {"no": 0.9, "yes": 0.1})
    >>> _ = net.add("damage", ["none", "some", "much"], cpd=esc.noisy_max({"storm": {"yes": [0.5, 0.3, 0.2]}}))
    >>> net.posteriors({"storm": "yes"})["damage"]["some"]
    0.3
    """
    return NoisyMax(links, leak, binary=False)


def ranked(weights: Mapping[Any, float], *, spread: float, by: Literal["mean", "min", "max"] = "mean") -> NodeLaw:
    """A variable that follows its parents' ranks: normal around their weighted summary, cut off at the ends of [0, 1].

    States are equal parts of [0, 1], the first the lowest. A row is the average over where in its part each parent may
    lie, taken at the midpoints of a few equal pieces (fewer with more parents), which is part of what the node says.

    Parameters
    ----------
    weights : mapping of parent to weight
        Positive; only their ratios matter for the mean.
    spread : float
        Standard deviation, on the scale from 0 to 1.
    by : {"mean", "min", "max"}
        The weighted mean, or the weighted minimum or maximum, of the ranks.

    Returns
    -------
    NodeLaw

    References
    ----------
    N. E. Fenton, M. Neil and J. G. Caballero, "Using ranked nodes to model qualitative judgments in Bayesian networks",
    IEEE TKDE 19, 2007.

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> _ = net.add("skill", {"low": 0.3, "middle": 0.4, "high": 0.3})
    >>> _ = net.add("quality", ["low", "middle", "high"], cpd=esc.ranked({"skill": 1}, spread=0.1))
    >>> net.posteriors({"skill": "high"})["quality"].mode
    'high'
    """
    return Ranked(weights, spread, by)


def logistic(effects: Mapping[Any, Any], *, cuts: float | Sequence[float]) -> NodeLaw:
    """Cumulative logits: P(at most state k) = 1 / (1 + exp(Σ effects − cuts[k])).

    Parameters
    ----------
    effects : mapping of parent to effects
        A list with one for each of its states, a mapping of states (left out: 0), or one number, the effect of each
        step above its first state.
    cuts : float or list
        One fewer than the variable has states, ascending.

    Returns
    -------
    NodeLaw

    References
    ----------
    P. McCullagh, "Regression models for ordinal data", JRSS B 42, 1980.

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> _ = net.add("dose", {"none": 0.5, "full": 0.5})
    >>> _ = net.add("cured", ["no", "yes"], cpd=esc.logistic({"dose": 2.0}, cuts=0.0))
    >>> round(net.posteriors({"dose": "full"})["cured"]["yes"], 4)
    0.8808
    """
    return Logistic(effects, cuts)


def function(rule: Callable[..., str]) -> NodeLaw:
    """A variable that its parents decide.

    Parameters
    ----------
    rule : callable
        Called once for each configuration of the parents when the variable is added, with the parents' names as
        keywords and their states as values; gives a state.

    Returns
    -------
    NodeLaw

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> for name in ("a", "b"):
    ...     _ = net.add(name, {"no": 0.5, "yes": 0.5})
    >>> either = esc.function(lambda a, b: "yes" if "yes" in (a, b) else "no")
    >>> _ = net.add("either", ["no", "yes"], given=["a", "b"], cpd=either)
    >>> net.posteriors()["either"]["yes"]
    0.75
    """
    if not callable(rule):
        raise SpecError(f"function: {rule!r} is given; expected something to call with the parents' states")
    return Function(rule)
