"""Numbers with their uncertainty: what stands behind an intensity, a factor or a table.

A bare number is fixed. A prior is one of these objects, and may carry ``source=``, ``known=``, ``basis=`` and
``note=``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from ._core import SpecError
from .values import Ground, Tree, ground, number, plain, text, wrong
from .words import YardstickLike, yardstick_tree

A_DURATION = "a duration such as '10 days', '3 months' or '1 year'"


@dataclass(frozen=True)
class Prior:
    """A number or table and what is believed about it; the tree is what a file would hold."""

    tree: Tree
    about: Tree = field(default_factory=dict)

    def to_dict(self) -> Tree:
        """The entries of a tree (docs/format.md)."""
        return {**self.tree, **self.about}

    def _repr_html_(self) -> str:
        inside = ", ".join(f"{key} {value}" for key, value in self.to_dict().items())
        return f"<b>{type(self).__name__}</b> {escape(inside)}"

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.to_dict().items())
        return f"{type(self).__name__}({inside})"


class Intensity(Prior):
    """An intensity of moves or events; from :func:`chance`, :func:`per_month` and its kin, or :func:`base_rate`."""

    def each(self, n: int, what: str) -> list[Intensity]:
        """One intensity for each of n moves."""
        rate = self.tree["rate"]
        if len(rate) != n:
            raise SpecError(f"{what}: {len(rate)} rates given for {n} moves")
        return [Intensity({**self.tree, "rate": x}, self.about) for x in rate]


class Factor(Prior):
    """A factor on intensities; from :func:`factor`."""


class TablePrior(Prior):
    """A conditional table; from :func:`table`."""


class Free(Prior):
    """A flat prior; from :func:`free`."""


#: What may be given for an intensity, for a factor, and for a table.
IntensityLike = Intensity | Free
FactorLike = float | Factor | Free
TableLike = ArrayLike | Mapping[str, Any] | TablePrior


def chance(
    p: str | float,
    within: str,
    *,
    spread: float | None = None,
    yardstick: YardstickLike | None = None,
    **about: Unpack[Ground],
) -> Intensity:
    """The chance that a move happens within a time if nothing else does.

    Parameters
    ----------
    p : str or float
        A word of the yardstick, whose band is taken as the central half of the writer's belief, or a probability.
    within : str
        A duration: ``"10 days"``, ``"3 months"``, ``"1 year"``.
    spread : float, optional
        With a number: the intensity is log-normal, within this factor of the middle about two thirds of the time.
        With a word: makes its belief wider.
    yardstick : str or Yardstick, optional
        What the word is read by, see :func:`escalade.yardstick`. Not given: PHIA's.
    **about
        ``source=``, ``known=``, ``basis=``, ``note=``: where it comes from.

    Returns
    -------
    Intensity
        −ln(1 − p) / within: that of an exponential waiting time.

    Raises
    ------
    WrongType
        If `p` is neither text nor a number, or `within` is not text.
    SpecError
        If a yardstick is given that has no such word. Without one, an unknown word is refused by the model.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.chance("unlikely", within="1 year", source="the article, paragraph 6")
    Intensity(chance='unlikely', within='1 year', source='the article, paragraph 6')
    >>> esc.chance("roughly even chance", within="1 year", yardstick="ICD 203")
    Intensity(chance='roughly even chance', yardstick='ICD 203', within='1 year')
    """
    probability = p if isinstance(p, str) else number(p, "the chance", "a word of esc.yardstick() or a probability")
    tree: Tree = {
        "chance": probability,
        **yardstick_tree(probability, yardstick),
        "within": text(within, "within", A_DURATION),
    }
    return Intensity(with_spread(tree, spread), ground(**about))


def base_rate(events: float, over: str, **about: Unpack[Ground]) -> Intensity:
    """So many events seen in so long an exposure: a Gamma prior on the intensity (Jeffreys: events + 1/2).

    Parameters
    ----------
    events : float
        How many were seen.
    over : str
        How long one looked, such as ``"20 years"``.
    **about
        ``source=``, ``known=``, ``basis=``, ``note=``: where it comes from.

    Returns
    -------
    Intensity
        Gamma(events + 1/2, over): the posterior of a Poisson intensity under Jeffreys' prior.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.base_rate(3, over="20 years", source="militarised disputes 1992 to 2010")
    Intensity(events=3.0, over='20 years', source='militarised disputes 1992 to 2010')
    """
    return Intensity({"events": number(events, "events"), "over": text(over, "over", A_DURATION)}, ground(**about))


def per_day(x: ArrayLike, spread: float | None = None, **about: Unpack[Ground]) -> Intensity:
    """So many a day (24 hours): as :func:`per_month`, in another unit.

    Parameters
    ----------
    x, spread, **about
        As in :func:`per_month`.

    Returns
    -------
    Intensity

    Examples
    --------
    >>> import escalade as esc
    >>> esc.per_day(2)
    Intensity(rate=2.0, per='day')
    """
    return per("day", x, spread, about)


def per_week(x: ArrayLike, spread: float | None = None, **about: Unpack[Ground]) -> Intensity:
    """So many a week (7 days): as :func:`per_month`, in another unit.

    Parameters
    ----------
    x, spread, **about
        As in :func:`per_month`.

    Returns
    -------
    Intensity

    Examples
    --------
    >>> import escalade as esc
    >>> esc.per_week(2)
    Intensity(rate=2.0, per='week')
    """
    return per("week", x, spread, about)


def per_month(x: ArrayLike, spread: float | None = None, **about: Unpack[Ground]) -> Intensity:
    """So many a month (30.4375 days).

    Parameters
    ----------
    x : float or sequence of float
        The intensity; several are one for each move, or for each state of what an indicator looks at.
    spread : float, optional
        Log-normal: within this factor of `x` about two thirds of the time. Not given: fixed.
    **about
        ``source=``, ``known=``, ``basis=``, ``note=``: where it comes from.

    Returns
    -------
    Intensity

    Raises
    ------
    WrongType
        If `x` is not made of numbers.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.per_month([0.5, 1, 2], spread=1.5)
    Intensity(rate=[0.5, 1.0, 2.0], per='month', spread=1.5)
    """
    return per("month", x, spread, about)


def per_year(x: ArrayLike, spread: float | None = None, **about: Unpack[Ground]) -> Intensity:
    """So many a year (365.25 days): as :func:`per_month`, in another unit.

    Parameters
    ----------
    x, spread, **about
        As in :func:`per_month`.

    Returns
    -------
    Intensity

    Examples
    --------
    >>> import escalade as esc
    >>> esc.per_year(2)
    Intensity(rate=2.0, per='year')
    """
    return per("year", x, spread, about)


def factor(x: float, spread: float | None = None, **about: Unpack[Ground]) -> Factor:
    """A factor on intensities: x times, log-normal within `spread` of it about two thirds of the time.

    Parameters
    ----------
    x : float
        0 or more; 2 is twice as often.
    spread : float, optional
        Above 1. Not given: the factor is fixed.
    **about
        ``source=``, ``known=``, ``basis=``, ``note=``: where it comes from.

    Returns
    -------
    Factor

    Raises
    ------
    WrongType
        If `x` or `spread` is not a number.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.factor(2, spread=1.5)
    Factor(factor=2.0, spread=1.5)
    """
    return Factor(with_spread({"factor": number(x, "the factor")}, spread), ground(**about))


def table(
    rows: ArrayLike | Mapping[str, Any], worth: float | None = None, *, free: bool = False, **about: Unpack[Ground]
) -> TablePrior:
    """A conditional table with a prior: each row Dirichlet, worth so many observations.

    Parameters
    ----------
    rows : nested mapping or array
        One row (no parents), rows with the last parent fastest, or mappings nested by the parents' states.
    worth : float, optional
        So many observations a row. Not given: fixed.
    free : bool
        Flat on the logits; the rows are where the search begins.
    **about
        ``source=``, ``known=``, ``basis=``, ``note=``: where it comes from.

    Returns
    -------
    TablePrior

    Examples
    --------
    >>> import escalade as esc
    >>> esc.table({"calm": [0.9, 0.1], "tense": [0.4, 0.6]}, worth=20)
    TablePrior(table={'calm': [0.9, 0.1], 'tense': [0.4, 0.6]}, worth=20.0)
    """
    tree: Tree = {"table": plain(rows, "the table")}
    if worth is not None:
        tree["worth"] = number(worth, "worth")
    if free:
        tree["free"] = True
    return TablePrior(tree, ground(**about))


def free(start: float | Intensity | None = None, **about: Unpack[Ground]) -> Free:
    """A flat prior: only the developments speak. A parameter that they say nothing about is refused by name.

    Parameters
    ----------
    start : float or Intensity, optional
        Where the search begins: a factor, or an intensity such as ``esc.per_month(1)``.
    **about
        ``source=``, ``known=``, ``basis=``, ``note=``: where it comes from.

    Returns
    -------
    Free

    Examples
    --------
    >>> import escalade as esc
    >>> esc.free(esc.per_month(1))
    Free(free=True, rate=1.0, per='month')
    """
    tree: Tree = {"free": True}
    if isinstance(start, Intensity):
        if set(start.tree) != {"rate", "per"}:
            raise SpecError("free(): the start of an intensity is a rate without spread, such as esc.per_month(1)")
        tree |= start.tree
    elif start is not None:
        tree["factor"] = number(start, "the start of free()", "a number, or an intensity such as esc.per_month(1)")
    return Free(tree, ground(**about))


def per(unit: str, x: ArrayLike, spread: float | None, about: Ground) -> Intensity:
    """An intensity in a unit of time."""
    try:
        rate = np.asarray(x)
    except ValueError:
        raise wrong(f"per_{unit}", x, "a number or a list of numbers") from None
    if rate.dtype.kind not in "iuf":
        raise wrong(f"per_{unit}", x, "a number or a list of numbers")
    rate = rate.astype(float)
    if rate.ndim > 1:
        raise SpecError(f"per_{unit}: one number or a list of numbers, not an array of shape {rate.shape}")
    return Intensity(with_spread({"rate": rate.tolist(), "per": unit}, spread), ground(**about))


def with_spread(tree: Tree, spread: float | None) -> Tree:
    """The tree with its spread, where there is one."""
    return tree if spread is None else {**tree, "spread": number(spread, "the spread")}


def each_its_own(prior: object) -> bool:
    """Whether a prior gives each move a parameter of its own."""
    return isinstance(prior, list | tuple) or (
        isinstance(prior, Intensity) and isinstance(prior.tree.get("rate"), list)
    )


def intensities(prior: object, n: int, what: str) -> list[Tree]:
    """The entries for n moves: one for a shared prior, n for a list."""
    if isinstance(prior, list | tuple):
        if len(prior) != max(n, 0):
            raise SpecError(f"{what}: {len(prior)} priors given for {n} moves; a single one is shared by all")
        return [entry for item in prior for entry in intensities(item, 1, what)]
    if isinstance(prior, Intensity):
        return [item.to_dict() for item in (prior.each(n, what) if each_its_own(prior) else [prior])]
    if isinstance(prior, Free) and "factor" not in prior.tree:
        return [prior.to_dict()]
    if isinstance(prior, int | float | np.number) and not isinstance(prior, bool):
        raise SpecError(
            f"{what}={prior}: per what? Write esc.per_month({prior}), or esc.chance({prior}, within='1 year')"
        )
    raise wrong(what, prior, "an intensity: esc.chance, esc.per_month, esc.base_rate or esc.free")


def factors(prior: object, n: int, what: str) -> list[Tree]:
    """The entries for n moves: one for a shared factor, n for a list."""
    if isinstance(prior, list | tuple):
        if len(prior) != n:
            raise SpecError(f"{what}: {len(prior)} factors given for {n} moves; a single one is shared by all")
        return [entry for item in prior for entry in factors(item, 1, what)]
    if isinstance(prior, int | float | np.number) and not isinstance(prior, bool):
        return [{"factor": float(prior)}]
    if isinstance(prior, Factor) or (isinstance(prior, Free) and "rate" not in prior.tree):
        return [prior.to_dict()]
    raise wrong(what, prior, "a factor: a number, esc.factor(2, spread=1.5) or esc.free()")
