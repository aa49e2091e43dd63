"""Evidence about a Bayesian network: the one place where what users write becomes what the kernel takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._core import ImpossibleEvidence, SpecError
from .condition import Condition, describe
from .handles import Handle
from .values import Tree

#: What the kernel takes: a state, a list of states, or likelihoods.
Finding = str | list[str] | dict[str, float]
Findings = dict[str, Finding]
#: What users write.
EvidenceLike = Mapping[Any, Any] | Condition | Sequence[Any] | None

EXPECTED = "a state, a list of states, a mapping of states to likelihoods, or esc.isnot(state)"


@dataclass(frozen=True)
class IsNot:
    """Every state but these."""

    states: tuple[str, ...]

    def __repr__(self) -> str:
        return f"isnot({', '.join(map(repr, self.states))})"


def isnot(*states: str) -> IsNot:
    """Negative evidence: the variable is in none of these states.

    Parameters
    ----------
    *states : str

    Returns
    -------
    IsNot
        To stand beside a variable in a mapping of evidence; ``net["HR"] != "HIGH"`` says the same.

    Examples
    --------
    >>> import escalade as esc
    >>> net = esc.BayesNet()
    >>> _ = net.add("sky", {"clear": 0.5, "cloud": 0.3, "rain": 0.2})
    >>> net.posteriors({"sky": esc.isnot("rain")})["sky"]["clear"]
    0.625
    """
    return IsNot(states)


def read(net: Mapping[str, Handle], evidence: EvidenceLike, known: Findings) -> Findings:
    """Evidence by name, with what is known already."""
    if not known and type(evidence) is dict:
        for name, what in evidence.items():
            if type(name) is not str or type(what) is not str:
                break
        else:
            return evidence.copy()  # the kernel checks names and states
    found = dict(known)
    for name, what in parts(net, evidence):
        finding = finding_of(net[name], what)
        found[name] = finding if name not in found else both(net[name], found[name], finding)
    return found


def parts(net: Mapping[str, Handle], evidence: EvidenceLike) -> list[tuple[str, Any]]:
    """Evidence as pairs of a variable and what is known of it."""
    if evidence is None:
        return []
    if isinstance(evidence, Condition):
        return [
            (name, [s for s in net[name].states if s in states]) for name, states in allowed(net, evidence.to_dict())
        ]
    if isinstance(evidence, Mapping):
        return [(variable(net, key), what) for key, what in evidence.items()]
    if isinstance(evidence, tuple) and len(evidence) == 2 and isinstance(evidence[1], str):
        return [(variable(net, evidence[0]), evidence[1])]
    if isinstance(evidence, list | tuple):
        return [pair for part in evidence for pair in parts(net, part)]
    raise SpecError(
        f"evidence: {evidence!r} is given; expected a mapping of variables to states, a condition such as "
        "net['x'] == 'state', or a list of these"
    )


def variable(net: Mapping[str, Handle], key: Any) -> str:
    """The name of a variable of the network."""
    name = key.name if isinstance(key, Handle) else key
    if not isinstance(name, str):
        raise SpecError(f"evidence: {key!r} is given where the name of a variable is expected")
    return net[name].name


def finding_of(handle: Handle, what: Any) -> Finding:
    """What is known of one variable, as the kernel takes it."""
    place, states = f"evidence on {handle.name!r}", handle.states
    if isinstance(what, Condition):
        raise SpecError(f"{place}: a condition stands by itself, in a list; beside a name expected {EXPECTED}")
    if isinstance(what, str):
        return state_of(place, states, what)
    if isinstance(what, IsNot):
        out = [state_of(place, states, state) for state in what.states]
        return some(place, [state for state in states if state not in out], what)
    if isinstance(what, Mapping):
        weights = {state_of(place, states, state): weight for state, weight in what.items()}
        for state, weight in weights.items():
            if not isinstance(weight, int | float | np.number) or not 0 <= weight < np.inf:
                raise SpecError(
                    f"{place}: the likelihood of {state!r} is {weight!r}; expected a finite number, 0 or more"
                )
        if not any(weights.values()):
            raise SpecError(f"{place}: no state has any likelihood")
        return {state: float(weight) for state, weight in weights.items()}
    if isinstance(what, list | tuple | Set | np.ndarray):
        inside = {state_of(place, states, state) for state in what}
        return some(place, [state for state in states if state in inside], what)
    raise SpecError(f"{place}: {what!r} is given; expected {EXPECTED}; the states are {', '.join(states)}")


def some(place: str, left: list[str], what: Any) -> Finding:
    """At least one state; one alone is the state itself."""
    if not left:
        raise SpecError(f"{place}: {what!r} leaves no state")
    return left[0] if len(left) == 1 else left


def state_of(place: str, states: Sequence[str], state: Any) -> str:
    """A state of the variable."""
    if not isinstance(state, str) or state not in states:
        raise SpecError(f"{place}: {state!r} is given; expected one of {', '.join(states)}")
    return str(state)


def both(handle: Handle, one: Finding, other: Finding) -> Finding:
    """Two findings about one variable: their likelihoods multiply."""
    a, b = likelihood(handle, one), likelihood(handle, other)
    product = {state: a[state] * b[state] for state in handle.states if a[state] * b[state] > 0}
    if not product:
        raise ImpossibleEvidence(
            f"the evidence is impossible: {words(handle.name, one)} and {words(handle.name, other)} cannot both be true"
        )
    if set(product.values()) == {1.0}:
        return next(iter(product)) if len(product) == 1 else list(product)
    return product


def likelihood(handle: Handle, finding: Finding) -> dict[str, float]:
    """A finding as a likelihood of every state."""
    if isinstance(finding, dict):
        return {state: finding.get(state, 0.0) for state in handle.states}
    inside = [finding] if isinstance(finding, str) else finding
    return {state: float(state in inside) for state in handle.states}


def allowed(net: Mapping[str, Handle], tree: Tree) -> list[tuple[str, set[str]]]:
    """The states that a condition leaves to each variable that it speaks of."""
    if "all" in tree:
        return [pair for part in tree["all"] for pair in allowed(net, part)]
    if "driver" in tree and "is" in tree:
        handle = net[tree["driver"]]
        states = [tree["is"]] if isinstance(tree["is"], str) else tree["is"]
        return [(handle.name, {state_of(f"evidence on {handle.name!r}", handle.states, s) for s in states})]
    if "not" in tree:
        inner = allowed(net, tree["not"])
        if len(inner) == 1:
            ((name, states),) = inner
            return [(name, set(net[name].states) - states)]
    if "any" in tree:
        inner = [pair for part in tree["any"] for pair in allowed(net, part)]
        if len({name for name, _ in inner}) == 1 and all(len(allowed(net, part)) == 1 for part in tree["any"]):
            return [(inner[0][0], set().union(*(states for _, states in inner)))]
    raise SpecError(
        f"evidence: ({describe(tree)}) is not about the states of single variables; expected comparisons joined with &"
    )


def words(name: str, finding: Finding) -> str:
    """A finding for reading."""
    if isinstance(finding, str):
        return f"{name} = {finding}"
    if isinstance(finding, dict):
        return f"{name} ~ " + ", ".join(f"{state} {weight:g}" for state, weight in finding.items())
    return f"{name} = {' or '.join(finding)}"


def event(net: Mapping[str, Handle], target: Any) -> tuple[str, str]:
    """One variable in one state: what an answer is about."""
    try:
        found = parts(net, target) if isinstance(target, Condition | tuple) else []
    except TypeError:
        found = []
    if len(found) == 1:
        name, what = found[0]
        finding = finding_of(net[name], what)
        states = [finding] if isinstance(finding, str) else list(finding)
        if len(states) == 1:
            return name, states[0]
    raise SpecError(f"target: {target!r} is given; expected net['x'] == 'state' or a pair ('x', 'state')")
