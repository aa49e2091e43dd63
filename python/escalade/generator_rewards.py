"""Rewards for moves (impulses) as rewards by time: in expectation ρ_ij for a move is q_ij ρ_ij by time at i."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._core import SpecError
from .generator_results import RungNames
from .values import number, wrong

Array = NDArray[np.float64]


def by_time(moves: Any, names: RungNames, core: _core.Generator, tree: list[Any] | None) -> Array:
    """What rewards for moves yield by time at each rung; `tree` holds the moves of coupled ladders."""
    if not isinstance(moves, Mapping | np.ndarray | list | tuple):
        return number(moves, "moves", "a number for every move, or a mapping or a matrix of them") * core.exit_rates()
    if isinstance(moves, Mapping) and tree is not None:
        return of_ladders(moves, names, tree)
    rows, columns, rates = core.moves()
    if isinstance(moves, Mapping):
        own = np.zeros(len(rows))
        for pair, reward in moves.items():
            i, j = (names.index(rung) for rung in move_of(pair))
            found = (rows == i) & (columns == j)
            if not found.any():
                raise SpecError(f"moves: nothing moves {pair[0]} → {pair[1]}; expected moves of a rate above 0")
            own[found] = number(reward, f"moves, {pair[0]} → {pair[1]}")
    else:
        matrix = array_of(moves, "moves", 2, "a matrix")
        if matrix.shape != (names.size, names.size):
            raise SpecError(f"moves has the shape {matrix.shape}; there are {names.size} rungs")
        own = matrix[rows, columns]
        if not np.isfinite(own).all():
            raise SpecError("moves: expected finite numbers")
    out = np.zeros(names.size)
    np.add.at(out, rows, rates * own)
    return out


def of_ladders(moves: Mapping[Any, Any], names: RungNames, tree: list[Any]) -> Array:
    """The same for the moves of coupled ladders, whose joint rungs are never listed."""
    out = np.zeros(names.shape)
    axes = range(len(names.shape))
    for key, reward in moves.items():
        if not isinstance(key, tuple) or len(key) != 3:
            raise wrong("a key of moves", key, "(ladder, from, to)")
        axis = names.axis(key[0])
        ends = names.place(axis, key[1]), names.place(axis, key[2])
        own = [told for told in tree if tuple(told[:3]) == (axis, *ends)]
        if not own:
            raise SpecError(f"moves: nothing moves {key[0]}, {key[1]} → {key[2]}; expected moves of a rate above 0")
        for _, _, _, looks, rates in own:
            shape = [names.shape[a] if a in looks else 1 for a in axes]
            place = tuple(slice(ends[0], ends[0] + 1) if a == axis else slice(None) for a in axes)
            out[place] += number(reward, f"moves, {', '.join(key)}") * np.reshape(rates, shape)
    return out.ravel()


def move_of(pair: Any) -> tuple[str, str]:
    """A key (from, to)."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise wrong("a key of rates", pair, "(from, to)")
    if pair[0] == pair[1]:
        raise SpecError(f"the move {pair[0]!r} → {pair[1]!r} leads nowhere; expected two rungs")
    return pair


def array_of(values: Any, what: str, axes: int, expected: str) -> Array:
    """An array of floats with so many axes."""
    try:
        array = np.ascontiguousarray(np.asarray(values, dtype=float))
    except (TypeError, ValueError):
        raise wrong(what, values, expected) from None
    array = array.reshape(np.shape(values)) if axes == 0 else array
    if array.ndim != axes:
        raise SpecError(f"{what} has {array.ndim} axes; expected {expected}")
    return array
