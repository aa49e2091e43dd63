"""Markov chains in discrete time, under the names that their users know.

Examples
--------
>>> import escalade as esc
>>> esc.markov.HiddenMarkov(3, "gaussian")
<HiddenMarkov: 3 states, gaussian>
"""

from .hidden_markov import ConvergenceWarning, HiddenFit, HiddenMarkov
from .hidden_results import HiddenParameters, Paths, Simulated, StateProbs
from .markov_chain import ChainOrders, ChainTable, FittedChain, HomogeneityTest, MarkovChain
from .outcomes import Categorical, Gaussian, NegativeBinomial, Poisson

__all__ = [
    "Categorical",
    "ChainOrders",
    "ChainTable",
    "ConvergenceWarning",
    "FittedChain",
    "Gaussian",
    "HiddenFit",
    "HiddenMarkov",
    "HiddenParameters",
    "HomogeneityTest",
    "MarkovChain",
    "NegativeBinomial",
    "Paths",
    "Poisson",
    "Simulated",
    "StateProbs",
]
