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
        """Bars: see :func:`escalade.bayes_plot.posteriors`."""
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


@dataclass(frozen=True, repr=False, eq=False)
class Sensitivity(Table):
    """What each parameter of the network does to P(target | evidence), the widest reach first.

    A parameter is one number θ of a table; the others of its row give way in proportion, so that the answer at θ + d is
    exactly (answer + d·joint) / (1 + d·evidence).

    Attributes
    ----------
    probability : float
        P(target | evidence).
    variable, state, row : array of int, shape (n_parameters,)
        The variable by number, its state, and the row of its table.
    theta : array
        The parameter.
    derivative : array
        Of the answer by θ.
    low, high : array
        The least and the greatest answer while the odds of θ move by the factor `odds`, either way.
    """

    target: tuple[str, str]
    probability: float
    odds: float
    evidence: Mapping[str, Any]
    labels: Labels
    parents: Sequence[Sequence[int]]
    variable: NDArray[np.intp]
    row: NDArray[np.intp]
    state: NDArray[np.intp]
    theta: Array
    joint_slope: Array
    evidence_slope: Array
    derivative: Array
    low: Array
    high: Array

    def __len__(self) -> int:
        return len(self.theta)

    def at(self, i: int, theta: float) -> float:
        """The answer if parameter i (in the table's order) were `theta`, the rest of its row in proportion."""
        if not 0 <= theta <= 1:
            raise SpecError(f"theta={theta!r}; expected a probability")
        d = theta - float(self.theta[i])
        below = 1 + d * float(self.evidence_slope[i])
        return (self.probability + d * float(self.joint_slope[i])) / below if below > 0 else float("nan")

    def words(self, i: int) -> str:
        """Parameter i in words: "P(wet = yes | rain = no)"."""
        v, row = int(self.variable[i]), int(self.row[i])
        states = self.labels.states
        given = []
        for p in reversed(self.parents[v]):
            given.append(f"{self.labels.names[p]} = {states[p][row % len(states[p])]}")
            row //= len(states[p])
        own = f"{self.labels.names[v]} = {states[v][int(self.state[i])]}"
        return f"P({own}{' | ' + ', '.join(reversed(given)) if given else ''})"

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a parameter."""
        numbers = {key: getattr(self, key).tolist() for key in ("theta", "derivative", "low", "high")}
        return {
            "parameter": [self.words(i) for i in range(len(self))],
            "variable": [self.labels.names[v] for v in self.variable.tolist()],
            **numbers,
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """The parameters that matter most."""
        n = min(20, len(self))
        return {
            "parameter": [self.words(i) for i in range(n)],
            "θ": [probability_text(p) for p in self.theta[:n].tolist()],
            "derivative": self.derivative[:n].tolist(),
            "answer from": [probability_text(p) for p in self.low[:n].tolist()],
            "to": [probability_text(p) for p in self.high[:n].tolist()],
        }

    def caption(self) -> str:
        """A line above the table."""
        what = f"P({self.target[0]} = {self.target[1]}) = {probability_text(self.probability)}"
        some = f"; the first 20 of {len(self)} parameters" if len(self) > 20 else ""
        return f"{given_text(what, self.evidence)}, each parameter's odds times or over {self.odds:g}{some}"

    def plot(self, **options: Any) -> Axes:
        """A tornado: see :func:`escalade.bayes_plot.tornado`."""
        from . import bayes_plot

        return bayes_plot.tornado(self, **options)

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False, eq=False)
class EvidenceStrength(Table):
    """What each finding does to the log-odds of the target, all others kept (Good's weight of evidence).

    Attributes
    ----------
    probability : float
        P(target | evidence).
    bits : array, shape (n_findings,)
        log2 of odds with the finding over odds without it.
    without : array
        P(target | all findings but this one).
    surprise : array
        −log2 P(finding | the others), in bits.
    """

    target: tuple[str, str]
    probability: float
    findings: tuple[str, ...]
    bits: Array
    without: Array
    surprise: Array

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def decibans(self) -> Array:
        """The weights in decibans: ten times log10 of the ratio of odds."""
        return np.asarray(self.bits * (10 * np.log10(2)))

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a finding, the strongest first."""
        numbers = {key: getattr(self, key).tolist() for key in ("bits", "decibans", "without", "surprise")}
        return {"finding": self.findings, **numbers}

    def shown(self) -> dict[str, Sequence[Any]]:
        """Weights as a reader sees them."""
        return {
            "finding": self.findings,
            "weight (bits)": [f"{x:+.2f}" for x in self.bits.tolist()],
            "(decibans)": [f"{x:+.1f}" for x in self.decibans.tolist()],
            "without it": [probability_text(p) for p in self.without.tolist()],
            "surprise (bits)": [f"{x:.2f}" for x in self.surprise.tolist()],
        }

    def caption(self) -> str:
        """A line above the table."""
        return (
            f"What speaks for {self.target[0]} = {self.target[1]} ({probability_text(self.probability)}), and against"
        )

    def plot(self, **options: Any) -> Axes:
        """Bars: see :func:`escalade.bayes_plot.strength`."""
        from . import bayes_plot

        return bayes_plot.strength(self, **options)

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, repr=False, eq=False)
class Information(Table):
    """What observing a variable would tell about the target, the most telling first.

    Attributes
    ----------
    bits : array, shape (n_variables,)
        Mutual information with the target given the evidence: the expected drop of its entropy.
    brier : array
        The expected drop of the target's Brier score.
    """

    target: str
    entropy: float  #: of the target, in bits
    evidence: Mapping[str, Any]
    names: tuple[str, ...]
    bits: Array
    brier: Array

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, variable: Any) -> float:
        name = name_of(variable)
        if name not in self.names:
            raise SpecError(f"{name!r} is not among the unobserved variables: {', '.join(self.names[:8])}")
        return float(self.bits[self.names.index(name)])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a variable."""
        return {"variable": self.names, "bits": self.bits.tolist(), "brier": self.brier.tolist()}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The variables that tell most."""
        n = min(20, len(self))
        share = self.bits / self.entropy if self.entropy > 0 else self.bits
        return {
            "variable": self.names[:n],
            "bits": [number_text(x) for x in self.bits[:n].tolist()],
            "of the target's entropy": [f"{x:.1%}" for x in share[:n].tolist()],
            "drop of the Brier score": [number_text(x) for x in self.brier[:n].tolist()],
        }

    def caption(self) -> str:
        """A line above the table."""
        some = f"; the first 20 of {len(self)}" if len(self) > 20 else ""
        what = f"What would tell about {self.target} ({self.entropy:.2f} bits open)"
        return f"{given_text(what, self.evidence)}{some}"

    def plot(self, **options: Any) -> Axes:
        """Bars: see :func:`escalade.bayes_plot.information`."""
        from . import bayes_plot

        return bayes_plot.information(self, **options)

    def __repr__(self) -> str:
        return self.text()
