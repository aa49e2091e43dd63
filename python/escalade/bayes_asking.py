"""What is asked of a Bayesian network, and how its answers are taken apart."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import bayes_results as results
from . import bayes_understanding as understanding
from ._core import BayesNet as Kernel
from ._core import SpecError
from .evidence import EvidenceLike, Findings, event, read, words
from .handles import Handle
from .values import Tree, names_of

if TYPE_CHECKING:
    from .progress import Progress

KEPT = 32  # sets of targets whose labels are kept


class Asking(Mapping[str, Handle]):
    """The questions of a :class:`BayesNet`."""

    _core: Kernel | None
    _known: Findings
    _done: dict[str, str]
    _handles: dict[str, Handle]
    _labels: results.Labels | None
    _some: dict[tuple[str, ...], results.Labels]

    @abstractmethod
    def _kernel(self) -> Kernel:
        """The kernel, compiled if it is not yet."""

    @property
    @abstractmethod
    def _tree(self) -> list[Tree]:
        """The nodes as the kernel takes them."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Its title."""

    def _told(self, found: Findings) -> Findings:
        """What an answer says that it was given: what was set by hand, and what was seen."""
        return {**{f"do({name})": state for name, state in self._done.items()}, **found} if self._done else found

    def _listed(self, things: Any) -> list[str]:
        """Names that there are, each once."""
        names = [self[thing].name for thing in names_of(things, "the variables")]
        if len(set(names)) < len(names):
            raise SpecError(f"{', '.join(names)}: a variable is there twice")
        return names

    # Asking

    def posteriors(self, evidence: EvidenceLike = None, targets: Any = None) -> results.Posteriors:
        """The law of each variable, or of some, given the evidence.

        Parameters
        ----------
        evidence : mapping, condition or list of these, optional
            A mapping of a variable or its name to a state, to a list of states (one of these), to a mapping of states
            to likelihoods (left out: 0), or to :func:`isnot`. A condition such as ``net["x"] != "high"``.
        targets : variable, name or list, optional
            Not given: all variables.

        Returns
        -------
        Posteriors
            ``posteriors["x"]["high"]``; ``.log_evidence``, ``to_frame()``, ``plot()``.

        Raises
        ------
        ImpossibleEvidence
            Names a smallest set of findings that contradict each other.
        TooLarge
            The tables would need more memory than is allowed.

        References
        ----------
        J. Pearl, *Probabilistic Reasoning in Intelligent Systems*, 1988, section 2.2.2 (likelihood evidence).
        """
        core = self._core or self._kernel()
        found = read(self, evidence, self._known)
        if targets is None:
            labels = self._labels or self._all()
            probs, log = core.posteriors(found)
        else:
            names = self._listed(targets)
            labels = self._labels_of(names)
            probs, log = core.posteriors(found, names)
        return results.Posteriors(labels, probs, log, self._told(found))

    def _all(self) -> results.Labels:
        if self._labels is None:
            self._labels = results.Labels(list(self._handles), [handle.states for handle in self._handles.values()])
        return self._labels

    def _labels_of(self, names: list[str]) -> results.Labels:
        key = tuple(names)
        if key not in self._some:
            if len(self._some) >= KEPT:
                self._some.clear()
            self._some[key] = results.Labels(names, [self._handles[name].states for name in names])
        return self._some[key]

    def log_evidence(self, evidence: EvidenceLike = None) -> float:
        """ln P(evidence), of what :meth:`given` keeps as well; −inf where it is impossible.

        Parameters
        ----------
        evidence : as in :meth:`posteriors`
            What is known.
        """
        return self._kernel().log_evidence(read(self, evidence, self._known))

    def joint(self, variables: Any, evidence: EvidenceLike = None) -> results.Joint:
        """The joint law of some variables, in one clique or not.

        Parameters
        ----------
        variables : variable, name or list
            Of the network.
        evidence : as in :meth:`posteriors`
            What is known.

        Returns
        -------
        Joint
            ``probs``, one axis for each variable; ``joint["yes", "high"]``.
        """
        names = self._listed(variables)
        if not names:
            raise SpecError("joint: expected at least one variable")
        found = read(self, evidence, self._known)
        probs, log = self._kernel().joint(names, found)
        labels = self._labels_of(names)
        shape = [len(states) for states in labels.states]
        return results.Joint(labels.names, labels.states, probs.reshape(shape), log, self._told(found))

    def mpe(self, evidence: EvidenceLike = None) -> results.Explanation:
        """The most probable explanation: the most probable state of all variables together.

        Parameters
        ----------
        evidence : as in :meth:`posteriors`
            What is known.

        References
        ----------
        A. P. Dawid, "Applications of a general propagation algorithm for probabilistic expert systems", 1992.
        """
        return self._explain(None, evidence)

    def map(self, variables: Any, evidence: EvidenceLike = None) -> results.Explanation:
        """The most probable state of some variables together, all others summed out (marginal MAP).

        Parameters
        ----------
        variables : variable, name or list
            Of the network.
        evidence : as in :meth:`posteriors`
            What is known.

        References
        ----------
        J. D. Park and A. Darwiche, "Complexity results and approximation strategies for MAP explanations", JAIR 21,
        2004.
        """
        return self._explain(self._listed(variables), evidence)

    def _explain(self, names: list[str] | None, evidence: EvidenceLike) -> results.Explanation:
        states, joint, log = self._kernel().most_probable(names, read(self, evidence, self._known))
        labels = self._all() if names is None else self._labels_of(names)
        named = {n: s[i] for n, s, i in zip(labels.names, labels.states, states, strict=True)}
        return results.Explanation(named, joint, log)

    def sample(self, n: int, evidence: EvidenceLike = None, *, seed: int = 0) -> results.Sample:
        """Independent exact draws given the evidence.

        Parameters
        ----------
        n : int
            How many.
        evidence : as in :meth:`posteriors`
            What is known.
        seed : int
            0 or more.

        Returns
        -------
        Sample
            ``to_frame()``; ``sample["x"]`` is an array of states. The same seed gives the same draws.
        """
        if n < 0 or seed < 0:
            raise SpecError(f"sample: n={n}, seed={seed}; expected 0 or more")
        codes = self._kernel().sample(n, seed, read(self, evidence, self._known))
        labels = self._all()
        return results.Sample(labels.names, labels.states, codes, seed)

    def predict(
        self,
        frame: Any,
        targets: Any,
        evidence_columns: Any = None,
        *,
        probabilities: bool = True,
        states: bool = True,
        log_evidence: bool = False,
        impossible: str = "raise",
        progress: Progress = True,
    ) -> Any:
        """Predict some variables for each row of a data frame, in parallel.

        Parameters
        ----------
        frame : DataFrame
            Of pandas, polars or pyarrow. A cell holds a state; a missing value is unobserved.
        targets : variable, name or list
            What is predicted.
        evidence_columns : list or mapping, optional
            The columns that are evidence, or a mapping of columns to variables. Not given: all columns that bear the
            name of a variable, but those of the targets.
        probabilities, states, log_evidence : bool
            Which columns are wanted: ``x=state``, the probability of each state of a target; ``x``, its most probable
            state; ``log_evidence``, ln P(row).
        impossible : {"raise", "nan"}
            A row that cannot be is refused by its number, or its answers are missing.
        progress : bool or callable
            As in :meth:`Model.fit`.

        Returns
        -------
        DataFrame
            Of the same kind, a row for each row.
        """
        from .prediction import predict

        return predict(
            self,
            frame,
            self._listed(targets),
            evidence_columns,
            probabilities,
            states,
            log_evidence,
            impossible,
            progress,
        )

    # Understanding

    def sensitivity(
        self, target: Any, evidence: EvidenceLike = None, *, odds: float = 2.0
    ) -> understanding.Sensitivity:
        """What every parameter of every table does to an answer, exactly.

        Parameters
        ----------
        target : condition or pair
            ``net["x"] == "high"`` or ``("x", "high")``.
        evidence : as in :meth:`posteriors`
        odds : float
            The factor, either way, by which each parameter's odds are moved for its range.

        Returns
        -------
        Sensitivity
            By the width of the range; ``plot()`` is a tornado.

        References
        ----------
        H. Chan and A. Darwiche, "When do numbers really matter?", JAIR 17, 2002; E. Castillo, J. M. Gutiérrez and A. S.
        Hadi, "Sensitivity analysis in discrete Bayesian networks", IEEE TSMC 27, 1997.
        """
        if not odds > 1:
            raise SpecError(f"sensitivity: odds={odds!r}; expected a factor above 1")
        name, state = event(self, target)
        found = read(self, evidence, self._known)
        core = self._kernel()
        value, variables, entries, slopes = core.slopes(name, state, found)
        theta, joint, slope = np.asarray(slopes, dtype=float).reshape(-1, 3).T

        def answer(odds_by: float) -> Any:
            d = theta * odds_by / (1 - theta + theta * odds_by) - theta
            return np.clip((value + d * joint) / (1 + d * slope), 0, 1)

        ends = np.array([answer(1 / odds), answer(odds)])
        low, high = ends.min(axis=0), ends.max(axis=0)
        order = np.argsort(low - high, kind="stable")
        v, entry = np.asarray(variables, dtype=np.intp)[order], np.asarray(entries, dtype=np.intp)[order]
        cards = np.array([len(states) for states in self._all().states], dtype=np.intp)
        noisy = frozenset(i for i, kind in enumerate(core.kinds()) if kind == "noisy_max")
        return understanding.Sensitivity(
            (name, state), value, float(odds), self._told(found), self._all(), core.parents(), noisy, v,
            entry // cards[v], entry % cards[v], theta[order], joint[order], slope[order],
            (joint - value * slope)[order], low[order], high[order],
        )  # fmt: skip

    def evidence_strength(self, target: Any, evidence: EvidenceLike = None) -> understanding.EvidenceStrength:
        """How much each finding speaks for the target, all others kept: weights of evidence, leave one out.

        Parameters
        ----------
        target : condition or pair
            ``net["x"] == "high"`` or ``("x", "high")``.
        evidence : as in :meth:`posteriors`

        References
        ----------
        I. J. Good, *Probability and the Weighing of Evidence*, 1950.
        """
        name, state = event(self, target)
        found = read(self, evidence, self._known)
        value, variables, numbers = self._kernel().weights(name, state, found)
        bits, without, surprise = np.asarray(numbers, dtype=float).reshape(-1, 3).T
        bits = np.where(np.isnan(bits), 0.0, bits)  # sure with the finding and without it
        order = np.argsort(-np.abs(np.nan_to_num(bits, posinf=1e300, neginf=-1e300)), kind="stable")
        names = self._all().names
        listed = [words(names[variables[i]], found[names[variables[i]]]) for i in order]
        ln2 = math.log(2)
        return understanding.EvidenceStrength(
            (name, state), value, tuple(listed), bits[order] / ln2, without[order], -surprise[order] / ln2
        )

    def value_of_information(self, target: Any, evidence: EvidenceLike = None) -> understanding.Information:
        """What observing each variable that is not observed would tell about the target.

        Parameters
        ----------
        target : variable or name
            What is to be told about.
        evidence : as in :meth:`posteriors`
            What is known.

        Returns
        -------
        Information
            Expected bits (mutual information) and expected drop of the Brier score, the most telling first.

        References
        ----------
        C. E. Shannon, "A mathematical theory of communication", 1948; R. A. Howard, "Information value theory", 1966.
        """
        name = self[target].name
        found = read(self, evidence, self._known)
        core = self._kernel()
        variables, bits, brier = core.information(name, found)
        law, _ = core.posteriors(found, [name])
        positive = law[law > 0]
        order = np.argsort(-bits, kind="stable")
        names = self._all().names
        return understanding.Information(
            name, float(-(positive * np.log2(positive)).sum()), self._told(found),
            tuple(names[variables[i]] for i in order), bits[order], brier[order],
        )  # fmt: skip

    def conflict(self, evidence: EvidenceLike = None) -> float:
        """log2 of Π P(finding) / P(evidence): above 0 where findings speak against each other, a sign of a wrong one.

        Parameters
        ----------
        evidence : as in :meth:`posteriors`
            What is known.

        References
        ----------
        F. V. Jensen, B. Chamberlain, T. Nordahl and F. Jensen, "Analysis in HUGIN of data conflict", UAI 1990.
        """
        found = read(self, evidence, self._known)
        core = self._kernel()
        together = core.log_evidence(found)
        if together == -math.inf:
            return math.inf
        apart = math.fsum(core.log_evidence({name: what}) for name, what in found.items())
        return (apart - together) / math.log(2)
