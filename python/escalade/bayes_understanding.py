"""Tables that take an answer of a Bayesian network apart: by parameters, by evidence, by what is not known yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._core import SpecError
from .bayes_results import Array, Labels, given_text
from .frames import Table
from .values import name_of, number_text, probability_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes


SHOWN = 20  # rows of a table in the notebook


@dataclass(frozen=True, repr=False, eq=False)
class Sensitivity(Table):
    """What each parameter of the network does to P(target | evidence), the widest reach first.

    A parameter is one number θ of a table, or of a noisy maximum's link or leak; the others of its row give way in
    proportion, so that the answer at θ + d is exactly (answer + d·joint) / (1 + d·evidence).

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

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> net.sensitivity(rain == "yes", {"wet": "yes"}).words(0)
    'P(rain = yes)'
    """

    target: tuple[str, str]
    probability: float
    odds: float
    evidence: Mapping[str, Any]
    labels: Labels
    parents: Sequence[Sequence[int]]
    noisy: frozenset[int]  #: the variables that are noisy maxima
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
        """The answer if a parameter had another value, the rest of its row in proportion.

        Parameters
        ----------
        i : int
            The parameter, in the table's order.
        theta : float
            Its value.
        """
        if not 0 <= theta <= 1:
            raise SpecError(f"theta={theta!r}; expected a probability")
        d = theta - float(self.theta[i])
        below = 1 + d * float(self.evidence_slope[i])
        return (self.probability + d * float(self.joint_slope[i])) / below if below > 0 else float("nan")

    def words(self, i: int) -> str:
        """A parameter in words: "P(wet = yes | rain = no)".

        Parameters
        ----------
        i : int
            The parameter, in the table's order.
        """
        v, row = int(self.variable[i]), int(self.row[i])
        states = self.labels.states
        given = []
        if v in self.noisy:
            return self._cause(v, row, int(self.state[i]))
        for p in reversed(self.parents[v]):
            given.append(f"{self.labels.names[p]} = {states[p][row % len(states[p])]}")
            row //= len(states[p])
        own = f"{self.labels.names[v]} = {states[v][int(self.state[i])]}"
        return f"P({own}{' | ' + ', '.join(reversed(given)) if given else ''})"

    def _cause(self, v: int, row: int, state: int) -> str:
        """A parameter of a noisy maximum in words: "P(alarm = on | fire = yes alone)"."""
        own = f"{self.labels.names[v]} = {self.labels.states[v][state]}"
        for p in self.parents[v]:
            if row < len(self.labels.states[p]):
                return f"P({own} | {self.labels.names[p]} = {self.labels.states[p][row]} alone)"
            row -= len(self.labels.states[p])
        return f"P({own} | the leak alone)"

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
        first = self.first(SHOWN)
        return {
            "parameter": [self.words(i) for i in first],
            "θ": [probability_text(p) for p in self.theta[first].tolist()],
            "derivative": self.derivative[first].tolist(),
            "answer from": [probability_text(p) for p in self.low[first].tolist()],
            "to": [probability_text(p) for p in self.high[first].tolist()],
        }

    def first(self, n: int) -> list[int]:
        """The places of the first parameters; of a row of two states one, since the other is its mirror.

        Parameters
        ----------
        n : int
            How many.
        """
        seen: set[tuple[int, int]] = set()
        out: list[int] = []
        for i, (v, row) in enumerate(zip(self.variable.tolist(), self.row.tolist(), strict=True)):
            if len(out) == n:
                break
            if len(self.labels.states[v]) > 2 or (v, row) not in seen:
                seen.add((v, row))
                out.append(i)
        return out

    def caption(self) -> str:
        """A line above the table."""
        what = f"P({self.target[0]} = {self.target[1]}) = {probability_text(self.probability)}"
        some = f"; the first of {len(self)} parameters" if len(self) > SHOWN else ""
        return f"{given_text(what, self.evidence)}, each parameter's odds times or over {self.odds:g}{some}"

    def plot(self, **options: Any) -> Axes:
        """A tornado: see :func:`escalade.bayes_plot.tornado`.

        Parameters
        ----------
        **options
            ``rows=``, how many parameters; ``ax=``.
        """
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

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> net.evidence_strength(rain == "yes", {"wet": "yes"}).bits.round(6)
    array([3.])
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
        """Bars: see :func:`escalade.bayes_plot.strength`.

        Parameters
        ----------
        **options
            ``ax=``.
        """
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

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> rain = net.add("rain", {"no": 0.75, "yes": 0.25})
    >>> wet = net.add("wet", ["no", "yes"], given=rain, table=[[0.9, 0.1], [0.2, 0.8]])
    >>> net.value_of_information("rain")["wet"] > 0.3
    True
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
        n = min(SHOWN, len(self))
        share = self.bits / self.entropy if self.entropy > 0 else self.bits
        return {
            "variable": self.names[:n],
            "bits": [number_text(x) for x in self.bits[:n].tolist()],
            "of the target's entropy": [f"{x:.1%}" for x in share[:n].tolist()],
            "drop of the Brier score": [number_text(x) for x in self.brier[:n].tolist()],
        }

    def caption(self) -> str:
        """A line above the table."""
        some = f"; the first {SHOWN} of {len(self)}" if len(self) > SHOWN else ""
        what = f"What would tell about {self.target} ({abs(self.entropy):.2f} bits open)"
        return f"{given_text(what, self.evidence)}{some}"

    def plot(self, **options: Any) -> Axes:
        """Bars: see :func:`escalade.bayes_plot.information`.

        Parameters
        ----------
        **options
            ``ax=``.
        """
        from . import bayes_plot

        return bayes_plot.information(self, **options)

    def __repr__(self) -> str:
        return self.text()
