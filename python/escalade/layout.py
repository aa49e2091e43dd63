"""Where to draw the nodes of a directed graph: layers from left to right, few crossings, room for long links.

The method is Sugiyama's: links that close a cycle are turned round, each node stands one layer after the last that
points at it, long links get a bend in every layer that they pass, the order within a layer follows the mean of the
neighbours (Sugiyama, Tagawa and Toda 1981), and heights are the least-squares fit to the neighbours that keeps nodes
apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Node = str | tuple[str, str, int]  # a node of the graph, or the bend of a link (from, to) in a layer
Link = tuple[str, str]

SWEEPS = 24  # passes over the layers; the order settles well before


@dataclass(frozen=True)
class Layout:
    """Where each node stands, and by which points each link goes."""

    x: dict[str, int]  #: the layer
    y: dict[str, float]  #: the height of its middle
    bends: dict[Link, list[tuple[int, float]]]  #: the points between, from a link's beginning to its end
    turned: set[Link]  #: links that run from right to left


def layered(heights: Mapping[str, float], links: Iterable[Link], *, gap: float, bend: float) -> Layout:
    """Lay out a graph.

    Parameters
    ----------
    heights : mapping of node to its height
    links : pairs of nodes
    gap : float
        Least distance between the edges of neighbours in a layer.
    bend : float
        Room that a passing link takes.
    """
    pairs = [(a, b) for a, b in dict.fromkeys(links) if a != b]
    rank = {node: i for i, node in enumerate(feedback_order(list(heights), pairs))}
    turned = {(a, b) for a, b in pairs if rank[a] > rank[b]}
    forward = {(b, a) if (a, b) in turned else (a, b) for a, b in pairs}
    layer = layers(sorted(heights, key=rank.__getitem__), forward)
    columns: list[list[Node]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for node in sorted(heights, key=rank.__getitem__):
        columns[layer[node]].append(node)
    steps: list[tuple[Node, Node]] = []
    for a, b in sorted(forward):
        path: list[Node] = [a, *((a, b, x) for x in range(layer[a] + 1, layer[b])), b]
        for x, stop in enumerate(path[1:-1], layer[a] + 1):
            columns[x].append(stop)
        steps += itertools.pairwise(path)
    neighbours: dict[Node, list[Node]] = {node: [] for column in columns for node in column}
    for a_, b_ in steps:
        neighbours[a_].append(b_)
        neighbours[b_].append(a_)
    size = {node: heights[node] if isinstance(node, str) else bend for node in neighbours}
    y = settle(columns, neighbours, size, gap)
    bends = {}
    for a, b in pairs:
        start, end = (b, a) if (a, b) in turned else (a, b)
        points = [(x, y[(start, end, x)]) for x in range(layer[start] + 1, layer[end])]
        bends[a, b] = points[::-1] if (a, b) in turned else points
    return Layout(dict(layer), {node: y[node] for node in heights}, bends, turned)


def feedback_order(nodes: list[str], links: list[Link]) -> list[str]:
    """An order in which few links run backwards (Eades, Lin and Smyth 1993)."""
    left, right, rest = [], [], list(nodes)

    def degree(node: str, end: int) -> int:
        return sum(link[end] == node and link[1 - end] in rest for link in links)

    while rest:
        sink = next((node for node in rest if not degree(node, 0)), None)
        source = next((node for node in rest if not degree(node, 1)), None)
        if source is not None:
            left.append(source)
            rest.remove(source)
        elif sink is not None:
            right.append(sink)
            rest.remove(sink)
        else:
            node = max(rest, key=lambda n: degree(n, 0) - degree(n, 1))
            left.append(node)
            rest.remove(node)
    return left + right[::-1]


def layers(order: list[str], links: set[Link]) -> dict[str, int]:
    """Each node one layer after the last that points at it; a source just before its first target."""
    layer: dict[str, int] = {}
    for node in order:
        layer[node] = max((layer[a] + 1 for a, b in links if b == node), default=0)
    for node in reversed(order):
        targets = [layer[b] for a, b in links if a == node]
        if targets and not any(b == node for _, b in links):
            layer[node] = min(targets) - 1
    return layer


def settle(
    columns: list[list[Node]], neighbours: Mapping[Node, list[Node]], size: Mapping[Node, float], gap: float
) -> dict[Node, float]:
    """Heights: nodes are sorted by the mean of their neighbours, then put as near to it as their room allows."""
    y: dict[Node, float] = {}
    for column in columns:
        place(column, dict.fromkeys(column, 0.0), size, gap, y)
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            wish = {n: sum(y[m] for m in neighbours[n]) / len(neighbours[n]) if neighbours[n] else y[n] for n in column}
            if sweep < SWEEPS // 2:
                column.sort(key=wish.__getitem__)
            place(column, wish, size, gap, y)
    return y


def place(
    column: list[Node], wish: Mapping[Node, float], size: Mapping[Node, float], gap: float, y: dict[Node, float]
) -> None:
    """The least-squares fit to the wishes with nodes kept apart: isotonic regression of wish minus offset."""
    offset, at = [], 0.0
    for i, node in enumerate(column):
        at += 0.0 if i == 0 else (size[column[i - 1]] + size[node]) / 2 + gap
        offset.append(at)
    blocks: list[tuple[float, int]] = []  # mean of wish minus offset, and how many nodes it holds
    for node, off in zip(column, offset, strict=True):
        mean, n = wish[node] - off, 1
        while blocks and blocks[-1][0] >= mean:
            before, k = blocks.pop()
            mean, n = (before * k + mean * n) / (k + n), k + n
        blocks.append((mean, n))
    base = [mean for mean, n in blocks for _ in range(n)]
    for node, off, start in zip(column, offset, base, strict=True):
        y[node] = start + off
