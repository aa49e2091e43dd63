"""The log marginal likelihood: how well a model foresaw its developments, to choose between models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LogMarginal:
    """ln of the probability of the developments with all parameters summed out; ``float(x)`` is its value.

    The difference of two models' values on one dossier is the logarithm of their Bayes factor (Kass and Raftery 1995,
    J. Am. Stat. Assoc. 90: beyond 3 it is strong). It weighs the priors as well, so they must be meant.

    Examples
    --------
    >>> import escalade as esc
    >>> d = esc.Dossier(as_of="2024-12-31")
    >>> _ = d.counted("tests", count=30, over=("2024-01-01", "2024-12-31"))
    >>> def model(rate):
    ...     m = esc.Model(origin="2024-01-01")
    ...     m.events("tests", rate=esc.per_month(rate, spread=1.5))
    ...     return m.fit(d)
    >>> few, many = model(0.5).log_marginal(), model(2).log_marginal()
    >>> float(many) - float(few) > 3
    True
    """

    value: float
    error: float  #: standard error of the value; nan without draws
    laplace: float  #: Laplace's value at the mode; nan for a posterior

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        error = "" if np.isnan(self.error) else f" ± {self.error:.3f}"
        laplace = "" if np.isnan(self.laplace) else f", by Laplace {self.laplace:.3f}"
        return f"log marginal likelihood {self.value:.3f}{error}{laplace}"

    __repr__ = __str__
