"""Labelled answers of a Bayesian network: laws, explanations, draws, and the tables that take an answer apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._core import SpecError
from .frames import Table
from .values import name_of, number_text, probability_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
SHOWN = 60  # variables, or parameters, that a table in the notebook shows
BAR = (
    '<div style="display:flex;align-items:center;gap:6px"><div style="width:90px;background:#f1f3f5">'
    '<div style="width:{width:.1f}px;height:9px;background:#0072b2"></div></div>{text}</div>'
)


class Labels:
    """The names behind a flat array of laws: variables, their states, and where each begins."""

    __slots__ = ("_index", "names", "offsets", "size", "states")

    def __init__(self, names: Sequence[str], states: Sequence[Sequence[str]]) -> None:
        self.names = tuple(names)
        self.states = tuple(map(tuple, states))
        self.offsets = tuple(itertools.accumulate((len(s) for s in self.states), initial=0))
        self.size = self.offsets[-1]
        self._index: dict[str, int] | None = None

    @property
    def index(self) -> dict[str, int]:
        """The place of each variable."""
        if self._index is None:
            self._index = {name: i for i, name in enumerate(self.names)}
        return self._index


class Law(Mapping[str, float]):
    """The probabilities of one variable's states.

    Attributes
    ----------
    name : str
    states : tuple of str
    probs : array, shape (n_states,), sums to 1

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> net.posteriors()["wet"].mode
    'no'
    """

    __slots__ = ("name", "probs", "states")

    def __init__(self, name: str, states: tuple[str, ...], probs: Array) -> None:
        self.name, self.states, self.probs = name, states, probs

    def __getitem__(self, state: str) -> float:
        try:
            return float(self.probs[self.states.index(state)])
        except ValueError:
            raise SpecError(f"{self.name!r} has no state {state!r}; it has {', '.join(self.states)}") from None

    def __contains__(self, state: object) -> bool:
        return state in self.states

    def __iter__(self) -> Iterator[str]:
        return iter(self.states)

    def __len__(self) -> int:
        return len(self.states)

    @property
    def mode(self) -> str:
        """The most probable state."""
        return self.states[int(np.argmax(self.probs))]

    def __repr__(self) -> str:
        inside = ", ".join(f"{s} {probability_text(p)}" for s, p in zip(self.states, self.probs.tolist(), strict=True))
        return f"<{self.name}: {inside}>"


class Bars(Table):
    """A table whose column of probabilities is drawn as bars in the notebook."""

    bars = "probability"

    def html_cell(self, column: str, value: Any) -> str:
        """A bar for a probability."""
        if column != self.bars or not isinstance(value, float):
            return super().html_cell(column, value)
        return BAR.format(width=90 * min(max(value, 0.0), 1.0), text=escape(probability_text(value)))


class Posteriors(Bars, Mapping[str, Law]):
    """The laws of some variables given the evidence; ``posteriors["rain"]["yes"]`` is a probability.

    Attributes
    ----------
    probs : array
        All laws, one after the other.
    log_evidence : float
        ln P(evidence), of likelihoods ln of their expectation.
    evidence : mapping
        What was known, by variable.

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> round(net.posteriors({"wet": "yes"})["rain"]["yes"], 4)
    0.7273
    """

    __slots__ = ("_labels", "evidence", "log_evidence", "probs")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, labels: Labels, probs: Array, log_evidence: float, evidence: Mapping[str, Any]) -> None:
        self._labels = labels
        self.probs = probs
        self.log_evidence = log_evidence
        self.evidence = evidence

    def __getitem__(self, variable: Any) -> Law:
        labels = self._labels
        i = labels.index.get(name_of(variable))
        if i is None:
            known = ", ".join(labels.names[:8]) + (", …" if len(labels.names) > 8 else "")
            raise SpecError(f"no law of {name_of(variable)!r} was asked for; there are {known}")
        return Law(labels.names[i], labels.states[i], self.probs[labels.offsets[i] : labels.offsets[i + 1]])

    def __contains__(self, variable: object) -> bool:
        return variable in self._labels.index if isinstance(variable, str) else False

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels.names)

    def __len__(self) -> int:
        return len(self._labels.names)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a variable and state."""
        labels = self._labels
        names = [name for name, states in zip(labels.names, labels.states, strict=True) for _ in states]
        states = list(itertools.chain.from_iterable(labels.states))
        return {"variable": names, "state": states, "probability": self.probs.tolist()}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first variables as a reader sees them, each name once."""
        end = self._labels.offsets[min(SHOWN, len(self))]
        columns = {name: list(column[:end]) for name, column in self.columns().items()}
        names = columns["variable"]
        columns["variable"] = [n if i == 0 or n != names[i - 1] else "" for i, n in enumerate(names)]
        return dict(columns)

    def caption(self) -> str:
        """A line above the table."""
        return given_text("Probabilities", self.evidence) + (
            f"; the first {SHOWN} of {len(self)} variables" if len(self) > SHOWN else ""
        )

    def plot(self, variables: Any = None, **options: Any) -> Axes:
        """Bars: see :func:`escalade.bayes_plot.posteriors`.

        Parameters
        ----------
        variables : variable, name or list, optional
            By default the first fifteen.
        **options
            ``ax=``.
        """
        from . import bayes_plot

        return bayes_plot.posteriors(self, variables, **options)

    def __repr__(self) -> str:
        return self.text()

    __str__ = __repr__


def given_text(what: str, evidence: Mapping[str, Any], most: int = 6) -> str:
    """What is shown, and given what."""
    from .evidence import words

    if not evidence:
        return what
    listed = [words(name, finding) for name, finding in itertools.islice(evidence.items(), most)]
    more = f" and {len(evidence) - most} more findings" if len(evidence) > most else ""
    return f"{what} given {', '.join(listed)}{more}"


@dataclass(frozen=True, repr=False, eq=False)
class Joint(Bars):
    """The joint law of some variables; ``joint["yes", "high"]`` is a probability.

    Attributes
    ----------
    probs : array, one axis for each variable, sums to 1

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> round(net.joint([rain, wet])["yes", "no"], 4)
    0.05
    """

    names: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    probs: Array
    log_evidence: float
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, states: str | tuple[str, ...]) -> float:
        states = (states,) if isinstance(states, str) else tuple(states)
        if len(states) != len(self.names):
            raise SpecError(f"{states!r} is given; expected a state of each of {', '.join(self.names)}")
        at = []
        for name, known, state in zip(self.names, self.states, states, strict=True):
            if state not in known:
                raise SpecError(f"{name!r} has no state {state!r}; it has {', '.join(known)}")
            at.append(known.index(state))
        return float(self.probs[tuple(at)])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a configuration, the last variable fastest."""
        rows = list(itertools.product(*self.states))
        columns: dict[str, Sequence[Any]] = {name: [row[i] for row in rows] for i, name in enumerate(self.names)}
        return {**columns, "probability": self.probs.ravel().tolist()}

    def caption(self) -> str:
        """A line above the table."""
        return given_text(f"Joint law of {', '.join(self.names)}", self.evidence)

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False)
class NodeTable(Bars):
    """The table of one variable: P(state | parents).

    Attributes
    ----------
    probs : array, one axis for each parent and the last for the states; rows sum to 1

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> net.table("wet").probs.shape
    (2, 2)
    """

    name: str
    states: tuple[str, ...]
    parents: tuple[str, ...]
    parent_states: tuple[tuple[str, ...], ...]
    probs: Array

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a configuration of the parents, one column a state."""
        rows = list(itertools.product(*self.parent_states))
        columns: dict[str, Sequence[Any]] = {name: [row[i] for row in rows] for i, name in enumerate(self.parents)}
        flat = self.probs.reshape(-1, len(self.states))
        return columns | {f"{self.name}={state}": flat[:, i].tolist() for i, state in enumerate(self.states)}

    def caption(self) -> str:
        """A line above the table."""
        return f"P({self.name}{' | ' + ', '.join(self.parents) if self.parents else ''})"

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class Explanation:
    """The most probable states of some variables.

    Attributes
    ----------
    states : mapping of variable to state
    probability : float
        P(states | evidence).
    log_joint : float
        ln P(states, evidence).
    log_evidence : float
        ln P(evidence).

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> net.mpe({"wet": "yes"})
    <Explanation, probability 0.727: rain = yes, wet = yes>
    """

    states: Mapping[str, str]
    log_joint: float
    log_evidence: float

    @property
    def probability(self) -> float:
        """P(states | evidence)."""
        return float(np.exp(self.log_joint - self.log_evidence))

    def __getitem__(self, variable: Any) -> str:
        name = name_of(variable)
        if name not in self.states:
            raise SpecError(f"{name!r} is not among the variables explained: {', '.join(self.states)}")
        return self.states[name]

    def __repr__(self) -> str:
        inside = ", ".join(f"{name} = {state}" for name, state in itertools.islice(self.states.items(), 12))
        more = f", … ({len(self.states)} variables)" if len(self.states) > 12 else ""
        return f"<Explanation, probability {number_text(self.probability, 3)}: {inside}{more}>"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(n)}</td><td>{escape(s)}</td></tr>" for n, s in self.states.items())
        return f"<table><caption>probability {number_text(self.probability, 3)}</caption>{rows}</table>"


@dataclass(frozen=True, repr=False, eq=False)
class Sample(Table):
    """Draws from the network; ``sample["rain"]`` is an array of states.

    Attributes
    ----------
    codes : array of int, shape (n, n_variables)
        Numbers of states.

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> set(net.sample(5, {"rain": "yes"}, seed=1)["rain"])
    {'yes'}
    """

    names: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    codes: NDArray[np.uint32]
    seed: int

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, variable: Any) -> NDArray[Any]:
        name = name_of(variable)
        if name not in self.names:
            raise SpecError(f"there is no variable {name!r}; there are {', '.join(self.names[:8])}")
        i = self.names.index(name)
        return np.array(self.states[i], dtype=object)[self.codes[:, i]]

    def columns(self) -> dict[str, Sequence[Any]]:
        """One column a variable, one row a draw."""
        return {name: self[name].tolist() for name in self.names}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The first draws."""
        few = Sample(self.names[:12], self.states[:12], self.codes[:8, :12], self.seed)
        return few.columns()

    def caption(self) -> str:
        """A line above the table."""
        return f"{len(self)} draws of {len(self.names)} variables (seed {self.seed}); the first {min(8, len(self))}"

    def __repr__(self) -> str:
        return self.text()
