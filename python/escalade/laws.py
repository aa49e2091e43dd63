"""Laws of an indicator's number: normal, log-normal, Student's t, Poisson and negative binomial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from ._core import SpecError
from .priors import Factor, Free, Prior
from .values import Ground, Tree, ground, number, wrong

#: A number, fixed, or :func:`near`, or :func:`escalade.free`; None in a list: never shown there.
NumberLike = float | Prior | Sequence[float | Prior | None]


class Near(Prior):
    """A number with a prior; from :func:`near`."""


class NumberLaw(Prior):
    """What an indicator's number is drawn from; from :func:`normal` and its kin.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.poisson(3).to_dict()
    {'family': 'poisson', 'mean': 3.0}
    """


def near(x: float, spread: float, **about: Unpack[Ground]) -> Near:
    """A number of an outcome's law that is about x.

    Parameters
    ----------
    x : float
        The middle of the belief.
    spread : float
        Of a mean or a coefficient: within so much of x about two thirds of the time (normal). Of what is positive (a
        count's mean, a standard deviation, a size): within this factor of it (log-normal), above 1.
    **about
        ``source=``, ``known=``, ``basis=``, ``note=``: where it comes from.

    Returns
    -------
    Near

    Examples
    --------
    >>> import escalade as esc
    >>> esc.normal(mean=[esc.near(100, spread=10), 54], sd=16)
    NumberLaw(family='normal', mean=[{'value': 100.0, 'spread': 10.0}, 54.0], sd=16.0)
    """
    return Near({"value": number(x, "near"), "spread": number(spread, "the spread")}, ground(**about))


def normal(mean: NumberLike | None = None, sd: NumberLike | None = None, *, free: bool = False) -> NumberLaw:
    """A normal number.

    Parameters
    ----------
    mean, sd : float, prior or list
        One for all configurations of what the indicator looks at, which share it, or a list of one for each, the last
        parent fastest; None in a list where the indicator is never shown.
    free : bool
        Flat where there is no prior; numbers are where the search begins, and need not be given to a panel.

    Returns
    -------
    NumberLaw

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model()
    >>> lungs = m.ladder("lungs", ["well", "ill", "dead"], moves=[("well", "ill"), ("ill", "dead")])
    >>> fev = m.status("fev", given=lungs, outcome=esc.normal(mean=[100, 54, None], sd=[16, 18, None], free=True))
    """
    return law("normal", {"mean": mean, "sd": sd}, free)


def log_normal(mean: NumberLike | None = None, sd: NumberLike | None = None, *, free: bool = False) -> NumberLaw:
    """A positive number whose logarithm is normal.

    Parameters
    ----------
    mean, sd : float, prior or list
        Of the logarithm; as in :func:`normal`.
    free : bool
        As in :func:`normal`.

    Returns
    -------
    NumberLaw

    Examples
    --------
    >>> import escalade as esc
    >>> esc.log_normal(mean=[7.8, 8.0], sd=0.1)
    NumberLaw(family='log_normal', mean=[7.8, 8.0], sd=0.1)
    """
    return law("log_normal", {"mean": mean, "sd": sd}, free)


def student(
    mean: NumberLike | None = None,
    sd: NumberLike | None = None,
    freedom: NumberLike | None = None,
    *,
    free: bool = False,
) -> NumberLaw:
    """A number that strays further than a normal one: mean + sd times Student's t.

    Parameters
    ----------
    mean, sd : float, prior or list
        As in :func:`normal`; `sd` is the scale, which many degrees of freedom make the standard deviation.
    freedom : float, prior or list
        Degrees of freedom.
    free : bool
        As in :func:`normal`.

    Returns
    -------
    NumberLaw

    Examples
    --------
    >>> import escalade as esc
    >>> esc.student(mean=[0, 3], sd=1, freedom=4)
    NumberLaw(family='student', mean=[0.0, 3.0], sd=1.0, freedom=4.0)
    """
    return law("student", {"mean": mean, "sd": sd, "freedom": freedom}, free)


def poisson(mean: NumberLike | None = None, *, zero: NumberLike | None = None, free: bool = False) -> NumberLaw:
    """A count.

    Parameters
    ----------
    mean : float, prior or list
        As in :func:`normal`.
    zero : float or list, optional
        Zero-inflated: the probability of a zero beside those of the law.
    free : bool
        As in :func:`normal`.

    Returns
    -------
    NumberLaw

    Examples
    --------
    >>> import escalade as esc
    >>> esc.poisson([0.5, 4], zero=0.2)
    NumberLaw(family='poisson', mean=[0.5, 4.0], zero=0.2)
    """
    return law("poisson", {"mean": mean, "zero": zero}, free)


def negative_binomial(
    mean: NumberLike | None = None,
    size: NumberLike | None = None,
    *,
    zero: NumberLike | None = None,
    free: bool = False,
) -> NumberLaw:
    """A count that varies more than a Poisson: the variance is mean + mean²/size.

    Parameters
    ----------
    mean, size : float, prior or list
        As in :func:`normal`.
    zero : float or list, optional
        Zero-inflated: the probability of a zero beside those of the law.
    free : bool
        As in :func:`normal`.

    Returns
    -------
    NumberLaw

    Examples
    --------
    >>> import escalade as esc
    >>> esc.negative_binomial(mean=[0.5, 4], size=esc.near(2, spread=1.5))
    NumberLaw(family='negative_binomial', mean=[0.5, 4.0], size={'value': 2.0, 'spread': 1.5})
    """
    return law("negative_binomial", {"mean": mean, "size": size, "zero": zero}, free)


def law(family: str, given: dict[str, Any], free: bool) -> NumberLaw:
    """A family with the numbers that are given."""
    tree: Tree = {"family": family}
    for key, value in given.items():
        if value is None:
            continue
        listed = isinstance(value, list | tuple | np.ndarray)
        tree[key] = (
            [one(item, f"{family}: {key}", True) for item in value] if listed else one(value, f"{family}: {key}")
        )
    if free:
        tree["free"] = True
    return NumberLaw(tree)


def one(value: Any, what: str, listed: bool = False) -> Any:
    """A number of a law as a file holds it."""
    if value is None and listed:
        return "none"
    if isinstance(value, Near):
        return dict(value.tree)
    if isinstance(value, Factor) and "spread" in value.tree:
        return {"value": value.tree["factor"], "spread": value.tree["spread"]}
    if isinstance(value, Free):
        if "rate" in value.tree:
            raise SpecError(f"{what}: {value!r} is an intensity; expected esc.free(), with a number or none")
        return {"value": value.tree["factor"], "free": True} if "factor" in value.tree else "free"
    if isinstance(value, Prior):
        raise wrong(what, value, "a number, esc.near(100, spread=10) or esc.free()")
    return number(value, what)
