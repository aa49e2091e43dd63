"""Chains in discrete time, under the names that their users know."""

from .markov_chain import ChainOrders, ChainTable, FittedChain, HomogeneityTest, MarkovChain

__all__ = ["ChainOrders", "ChainTable", "FittedChain", "HomogeneityTest", "MarkovChain"]
