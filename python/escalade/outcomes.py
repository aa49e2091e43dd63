"""What a hidden state shows: families of laws, each for one column or several, with or without their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ._core import SpecError
from .values import SHORT, Tree, number

Array = NDArray[np.float64]


def table_of(given: Any, what: str, *shapes: tuple[int, ...]) -> Array:
    """Numbers as an array of one of these shapes (-1: any)."""
    try:
        array = np.array(given, dtype=float)
    except (TypeError, ValueError):
        raise SpecError(f"{what} is {SHORT.repr(given)}; expected numbers") from None
    for shape in shapes:
        if len(shape) == array.ndim and all(a in (-1, b) for a, b in zip(shape, array.shape, strict=True)):
            return array
    wanted = " or ".join("(" + ", ".join("n" if a < 0 else str(a) for a in shape) + ")" for shape in shapes)
    raise SpecError(f"{what} has shape {array.shape}; expected {wanted}")


def worth_of(given: Any, what: str) -> float:
    """How much a prior is worth: a number, 0 or more."""
    value = number(given, what, "a number, 0 or more")
    if not value >= 0 or not np.isfinite(value):
        raise SpecError(f"{what} is {value}; expected a number, 0 or more")
    return value


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the families have in common."""

    kind: ClassVar[str] = ""
    many: ClassVar[bool] = False  #: whether one law covers several columns

    def known(self) -> bool:
        """Whether its parameters are there."""
        raise NotImplementedError

    def bare(self, columns: Sequence[Array]) -> Tree | str:
        """The family without its parameters, as the kernel takes it."""
        raise NotImplementedError

    def tree(self, states: int) -> Tree:
        """The family with its parameters, as the kernel takes it."""
        raise NotImplementedError

    def learnt(self, tree: Tree, states: int) -> Outcome:
        """The family with the parameters of a tree."""
        raise NotImplementedError

    def prior_tree(self, columns: Sequence[Array], weights: Array | None = None) -> Tree:
        """What is held before the data, for columns of this data whose rows have these weights."""
        return {}

    def rows(self, states: Sequence[Any], columns: Sequence[str]) -> list[tuple[Any, str, float]]:
        """State, name and value of every parameter."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Categorical(Outcome):
    """One of several symbols, with a table of probabilities.

    Parameters
    ----------
    symbols : list, optional
        Text or whole numbers; those of the data, sorted, where none are given.
    probs : array, shape (n_states, n_symbols), rows sum to 1, optional
        Where fitting begins, or the law itself. A probability of 0 stays 0.
    prior : float
        Pseudo-counts for each symbol in each state: a Dirichlet prior of 1 more. 0: maximum likelihood.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.markov.Categorical(["calm", "sharp"], [[0.9, 0.1], [0.2, 0.8]])
    Categorical(2 symbols)
    """

    symbols: Sequence[Any] | None = None
    probs: Any = None
    prior: float = 0.0
    kind: ClassVar[str] = "categorical"

    def __post_init__(self) -> None:
        if self.symbols is not None:
            listed = [s.item() if isinstance(s, np.generic) else s for s in self.symbols]
            if isinstance(self.symbols, str) or len(set(listed)) < len(listed) or not listed:
                raise SpecError(f"symbols={self.symbols!r}; expected a list of distinct symbols")
            object.__setattr__(self, "symbols", listed)
        worth_of(self.prior, "prior")

    def __repr__(self) -> str:
        return f"Categorical({len(self.symbols)} symbols)" if self.symbols is not None else "Categorical()"

    def known(self) -> bool:
        """Whether its parameters are there."""
        return self.probs is not None

    def bare(self, columns: Sequence[Array]) -> Tree | str:
        """The family without its parameters, as the kernel takes it."""
        return {"categorical": {"symbols": len(self.symbols or [])}}

    def tree(self, states: int) -> Tree:
        """The family with its parameters, as the kernel takes it."""
        symbols = len(self.symbols) if self.symbols is not None else -1
        probs = table_of(self.probs, "probs", (states, symbols))
        return {"categorical": {"symbols": probs.shape[1], "probs": probs.ravel().tolist()}}

    def learnt(self, tree: Tree, states: int) -> Outcome:
        """The family with the parameters of a tree."""
        return replace(self, probs=np.array(tree["categorical"]["probs"]).reshape(states, -1))

    def prior_tree(self, columns: Sequence[Array], weights: Array | None = None) -> Tree:
        """What is held before the data."""
        return {"worth": float(self.prior)}

    def rows(self, states: Sequence[Any], columns: Sequence[str]) -> list[tuple[Any, str, float]]:
        """State, name and value of every parameter."""
        symbols = self.symbols or []
        return [
            (state, f"P({columns[0]} = {symbol})", float(self.probs[i][j]))
            for i, state in enumerate(states)
            for j, symbol in enumerate(symbols)
        ]


@dataclass(frozen=True, eq=False)
class Poisson(Outcome):
    """A count with a mean by state.

    Parameters
    ----------
    means : array, shape (n_states,), positive, optional
        Where fitting begins, or the law itself.
    prior_mean, prior_worth : float
        A gamma prior on each mean: so many rows with this count on average (by default the data's mean, worth nothing).

    Examples
    --------
    >>> import escalade as esc
    >>> esc.markov.Poisson([0.5, 4.0])
    Poisson(means=[0.5, 4.0])
    """

    means: Any = None
    prior_mean: float | None = None
    prior_worth: float = 0.0
    kind: ClassVar[str] = "poisson"

    def __post_init__(self) -> None:
        worth_of(self.prior_worth, "prior_worth")
        if self.prior_mean is not None:
            worth_of(self.prior_mean, "prior_mean")

    def __repr__(self) -> str:
        return "Poisson()" if self.means is None else f"Poisson(means={np.round(self.means, 3).tolist()})"

    def known(self) -> bool:
        """Whether its parameters are there."""
        return self.means is not None

    def bare(self, columns: Sequence[Array]) -> Tree | str:
        """The family without its parameters, as the kernel takes it."""
        return "poisson"

    def tree(self, states: int) -> Tree:
        """The family with its parameters, as the kernel takes it."""
        return {"poisson": {"means": table_of(self.means, "means", (states,)).tolist()}}

    def learnt(self, tree: Tree, states: int) -> Outcome:
        """The family with the parameters of a tree."""
        return replace(self, means=np.array(tree["poisson"]["means"]))

    def prior_tree(self, columns: Sequence[Array], weights: Array | None = None) -> Tree:
        """What is held before the data."""
        center = mean_of(columns[0], weights) if self.prior_mean is None else float(self.prior_mean)
        return {"worth": float(self.prior_worth), "center": [center]}

    def rows(self, states: Sequence[Any], columns: Sequence[str]) -> list[tuple[Any, str, float]]:
        """State, name and value of every parameter."""
        return [(state, f"mean of {columns[0]}", float(m)) for state, m in zip(states, self.means, strict=True)]


@dataclass(frozen=True, eq=False)
class NegativeBinomial(Outcome):
    """A count that varies more than a Poisson: mean μ and size r by state, variance μ + μ²/r.

    Parameters
    ----------
    means, sizes : array, shape (n_states,), positive, optional
        Where fitting begins, or the law itself. A size is held between 0.001 and a million, which is a Poisson.
    prior_mean, prior_worth : float
        A gamma prior on each mean: so many rows with this count on average, as a Poisson counts them (by default the
        data's mean, worth nothing).
    prior_size, size_spread : float, optional
        A log-normal prior on each size: within a factor of `size_spread` (above 1) of `prior_size` about two thirds of
        the time. Both or neither. It keeps a state of few rows from running to 0.001 or to a million.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.markov.NegativeBinomial([0.5, 4.0], [2.0, 3.0])
    NegativeBinomial(means=[0.5, 4.0], sizes=[2.0, 3.0])
    >>> held = esc.markov.NegativeBinomial(prior_worth=1, prior_size=5, size_spread=3)
    >>> fit = esc.markov.HiddenMarkov(1, held).fit([[2, 2, 2, 2]])  # no spread beyond a Poisson's: without, a million
    >>> fit.outcomes[("value",)].sizes.round(2).tolist()
    [8.18]
    """

    means: Any = None
    sizes: Any = None
    prior_mean: float | None = None
    prior_worth: float = 0.0
    prior_size: float | None = None
    size_spread: float | None = None
    kind: ClassVar[str] = "negative_binomial"

    def __post_init__(self) -> None:
        if (self.means is None) != (self.sizes is None):
            raise SpecError("a negative binomial has means and sizes; expected both or neither")
        worth_of(self.prior_worth, "prior_worth")
        if self.prior_mean is not None:
            worth_of(self.prior_mean, "prior_mean")
        if (self.prior_size is None) != (self.size_spread is None):
            raise SpecError("a prior on sizes has a prior_size and a size_spread; expected both or neither")
        for what, least in (("prior_size", 0.0), ("size_spread", 1.0)):
            given = getattr(self, what)
            if given is not None and not least < number(given, what) < np.inf:
                raise SpecError(f"{what} is {given}; expected a number above {least:g}")

    def __repr__(self) -> str:
        if self.means is None:
            return "NegativeBinomial()"
        means, sizes = (np.round(x, 3).tolist() for x in (self.means, self.sizes))
        return f"NegativeBinomial(means={means}, sizes={sizes})"

    def known(self) -> bool:
        """Whether its parameters are there."""
        return self.means is not None

    def bare(self, columns: Sequence[Array]) -> Tree | str:
        """The family without its parameters, as the kernel takes it."""
        return "negative_binomial"

    def tree(self, states: int) -> Tree:
        """The family with its parameters, as the kernel takes it."""
        parts = {"means": self.means, "sizes": self.sizes}
        return {"negative_binomial": {k: table_of(v, k, (states,)).tolist() for k, v in parts.items()}}

    def learnt(self, tree: Tree, states: int) -> Outcome:
        """The family with the parameters of a tree."""
        own = tree["negative_binomial"]
        return replace(self, means=np.array(own["means"]), sizes=np.array(own["sizes"]))

    def prior_tree(self, columns: Sequence[Array], weights: Array | None = None) -> Tree:
        """What is held before the data; of the size's logarithm the middle and the precision."""
        center = mean_of(columns[0], weights) if self.prior_mean is None else float(self.prior_mean)
        tree: Tree = {"worth": float(self.prior_worth), "center": [center]}
        if self.prior_size is not None and self.size_spread is not None:
            tree |= {"spread": [float(self.prior_size)], "spread_worth": float(np.log(self.size_spread)) ** -2}
        return tree

    def rows(self, states: Sequence[Any], columns: Sequence[str]) -> list[tuple[Any, str, float]]:
        """State, name and value of every parameter."""
        parts = {"mean": self.means, "size": self.sizes}
        return [
            (state, f"{what} of {columns[0]}", float(values[i]))
            for i, state in enumerate(states)
            for what, values in parts.items()
        ]


@dataclass(frozen=True, eq=False)
class Gaussian(Outcome):
    """Real numbers, one column or several, with means and covariances by state.

    Parameters
    ----------
    covariance : {"diagonal", "full"}
        Whether the columns are independent given the state.
    means : array, shape (n_states, n_columns), optional
        Where fitting begins, or the law itself, together with `covariances`; shape (n_states,) for one column.
    covariances : array, shape (n_states, n_columns), or (n_states, n_columns, n_columns) where full, optional
        Variances, or covariances.
    prior_mean, prior_worth : array, shape (n_columns,), and float
        A normal prior on each mean: so many rows there (by default the data's mean, worth nothing).
    prior_variance, variance_worth : array, shape (n_columns,), and float
        An inverse-gamma (full: inverse-Wishart) prior: so many rows of this variance (by default the data's, worth
        nothing).
    floor : float
        No variance falls under this share of its column's variance (full: no eigenvalue, in these units), so that a
        state that holds to one row does not degenerate.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.markov.Gaussian("full")
    Gaussian('full')
    """

    covariance: str = "diagonal"
    means: Any = None
    covariances: Any = None
    prior_mean: Any = None
    prior_worth: float = 0.0
    prior_variance: Any = None
    variance_worth: float = 0.0
    floor: float = 1e-6
    kind: ClassVar[str] = "gaussian"
    many: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.covariance not in ("diagonal", "full"):
            raise SpecError(f"covariance={self.covariance!r}; expected 'diagonal' or 'full'")
        if (self.means is None) != (self.covariances is None):
            raise SpecError("a Gaussian has means and covariances; expected both or neither")
        for what in ("prior_worth", "variance_worth", "floor"):
            worth_of(getattr(self, what), what)

    def __repr__(self) -> str:
        return f"Gaussian({self.covariance!r})"

    def known(self) -> bool:
        """Whether its parameters are there."""
        return self.means is not None

    def bare(self, columns: Sequence[Array]) -> Tree | str:
        """The family without its parameters, as the kernel takes it."""
        return {"gaussian": {"dims": len(columns), "full": self.covariance == "full"}}

    def tree(self, states: int) -> Tree:
        """The family with its parameters, as the kernel takes it."""
        means = table_of(self.means, "means", (states, -1), (states,)).reshape(states, -1)
        d, full = means.shape[1], self.covariance == "full"
        shapes = [(states, d, d)] if full else [(states, d)]
        covariances = table_of(self.covariances, "covariances", *shapes, *([(states,)] if d == 1 else []))
        if full and not np.allclose(
            covariances.reshape(states, d, d), covariances.reshape(states, d, d).swapaxes(1, 2)
        ):
            raise SpecError("covariances are not symmetric")
        parts = {"means": means.ravel().tolist(), "covariances": covariances.ravel().tolist()}
        return {"gaussian": {"dims": d, "full": full, **parts}}

    def learnt(self, tree: Tree, states: int) -> Outcome:
        """The family with the parameters of a tree."""
        got = tree["gaussian"]
        d = got["dims"]
        shape = (states, d, d) if got["full"] else (states, d)
        covariances = np.array(got["covariances"]).reshape(shape)
        return replace(self, means=np.array(got["means"]).reshape(states, d), covariances=covariances)

    def prior_tree(self, columns: Sequence[Array], weights: Array | None = None) -> Tree:
        """What is held before the data, and the least variances."""
        d = len(columns)
        spread = [variance_of(column, weights) for column in columns]
        given = {
            "center": [mean_of(column, weights) for column in columns] if self.prior_mean is None else self.prior_mean,
            "spread": spread if self.prior_variance is None else self.prior_variance,
        }
        arrays = {k: np.broadcast_to(table_of(v, f"prior_{k}", (d,), ()), (d,)).tolist() for k, v in given.items()}
        worth = {"worth": float(self.prior_worth), "spread_worth": float(self.variance_worth)}
        return {**arrays, **worth, "floor": [self.floor * v for v in spread]}

    def rows(self, states: Sequence[Any], columns: Sequence[str]) -> list[tuple[Any, str, float]]:
        """State, name and value of every parameter."""
        out = []
        for i, state in enumerate(states):
            for a, name in enumerate(columns):
                out.append((state, f"mean of {name}", float(self.means[i][a])))
            for a, name in enumerate(columns):
                own = self.covariances[i][a]
                if self.covariance == "diagonal":
                    out.append((state, f"variance of {name}", float(own)))
                    continue
                out.append((state, f"variance of {name}", float(own[a])))
                out += [(state, f"covariance of {columns[b]}, {name}", float(own[b])) for b in range(a)]
        return out


def mean_of(column: Array, weights: Array | None = None) -> float:
    """The mean of what is there; 0 where nothing is."""
    there = ~np.isnan(column)
    if weights is not None:
        own = weights[there]
        return float(own @ column[there] / own.sum()) if own.sum() > 0 else 0.0
    return float(column[there].mean()) if there.any() else 0.0


def variance_of(column: Array, weights: Array | None = None) -> float:
    """The variance of what is there; 1 where it has none."""
    spread = mean_of((column - mean_of(column, weights)) ** 2, weights)
    return spread if spread > 0 else 1.0


FAMILIES: dict[str, type[Outcome]] = {c.kind: c for c in (Categorical, Gaussian, Poisson, NegativeBinomial)}
