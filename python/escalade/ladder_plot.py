"""The picture of one ladder: its rungs, the moves between them with their intensities, and what acts on them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path as Curve

from .canvas import canvas, hue, rung_colours
from .fit import Fit
from .handles import Ladder, move_pairs
from .network_plot import brief, present
from .provenance import span_of, value_text
from .values import Tree, missing, name_of

if TYPE_CHECKING:
    from .model import Model

LETTER = 0.062  # inches, of the rungs
SMALL = 0.054  # inches, of the intensities
STEP, TALL = 0.78, 0.42  # inches: from rung to rung, and a rung's box
LANE = 0.24  # inches from arc to arc
LINE = 0.165  # inches, a line of small print


@dataclass
class Move:
    """A move as drawn."""

    start: int
    end: int
    text: list[str]
    lane: int = 0

    @property
    def middle(self) -> float:
        """Where its label would best stand, in rungs."""
        return (self.start + self.end) / 2


def ladder(of: Model | Fit, ladder: Ladder | str, *, ax: Axes | None = None) -> Axes:
    """A ladder's rungs with an arrow for each move: intensities a month with their 90 % intervals, before effects.

    Up on the right, down on the left; what acts on the moves stands below. Of a model the intensities are the priors'.
    Of a fit they are the posteriors' (mode, and interval of the draws) with the prior's beneath where it is another;
    each rung has a bar, the probability that the ladder is there now. Moves that share an intensity carry the same
    numbers.

    Parameters
    ----------
    of : Model or Fit
    ladder : Ladder or str
    ax : Axes, optional
        By default a figure as large as the ladder.

    Returns
    -------
    Axes
    """
    model = of.model if isinstance(of, Fit) else of
    name = name_of(ladder, "the ladder")
    if name not in model.ladders:
        raise missing("there is no ladder", name, model.ladders)
    handle = model.ladders[name]
    rungs = handle.rungs
    moves, effects = told(of, handle)
    right, left = (lanes([m for m in moves if up(m) == side]) for side in (True, False))
    half = max(LETTER * max(map(len, rungs)) + 0.3, 1.5) / 2
    reach = [half + 0.2 + LANE * (1 + max((m.lane for m in side), default=0)) for side in (left, right)]
    room = [
        r + 0.1 + SMALL * max((len(t) for m in side for t in m.text), default=0)
        for side, r in zip((left, right), reach, strict=True)
    ]
    room = [max(r, half + 0.1) for r in room]
    width = max(sum(room), 4.6)
    lines = [line for effect in effects for line in wrap(effect, max(int(width / SMALL), 40), subsequent_indent="    ")]
    high = STEP * (len(rungs) - 1) + TALL / 2 + 0.1
    low = -TALL / 2 - 0.15 - LINE * (len(lines) + bool(lines))
    spare = (width - sum(room)) / 2
    with canvas(ax, width + 0.2, high - low + 0.45) as ax:
        ax.set_xlim(-room[0] - spare, room[1] + spare)
        ax.set_ylim(low, high)
        ax.set_aspect("equal")
        ax.axis("off")
        now = present(of)[name] if isinstance(of, Fit) else None
        for i, (rung, colour) in enumerate(zip(rungs, rung_colours(len(rungs), handle.ordered), strict=True)):
            draw_rung(ax, i * STEP, half, rung, colour, None if now is None else now[i])
        for side, sign, at in ((left, -1, reach[0]), (right, 1, reach[1])):
            heights = spread([m.middle * STEP for m in side], [LINE * len(m.text) + 0.06 for m in side])
            for move, y in zip(side, heights, strict=True):
                draw_move(ax, move, sign, half, at, y)
        for i, line in enumerate(lines):
            y = -TALL / 2 - 0.15 - LINE * (i + 1)
            ax.text(-room[0] - spare, y, line, size=7, va="center", color=hue().ink)
        as_of = f", as of {of.as_of}" if isinstance(of, Fit) else ""
        ax.set_title(f"{name.replace('_', ' ')}: moves a month{as_of}")
    return ax


def up(move: Move) -> bool:
    """Whether it leads to a later rung."""
    return move.end > move.start


def told(of: Model | Fit, handle: Ladder) -> tuple[list[Move], list[str]]:
    """The moves with their intensities, and the effects in words."""
    tree, rungs = handle.to_dict(), handle.rungs
    own = [row for row in of.parameters() if row["name"].startswith(f"{handle.name}: ")]
    moves = []
    intensities = [row for row in own if row["kind"] == "intensity"]
    for rate, row in zip(tree.get("rate", ()), intensities, strict=True):
        text = numbers(row)
        moves += [Move(rungs.index(a), rungs.index(b), text) for a, b in move_pairs(rate["moves"], rungs)]
    effects = []
    for row in own:
        if row["kind"] == "factor":
            which, _, when = row["name"].removeprefix(f"{handle.name}: ").partition(" × ")
            when = when.removeprefix("(").removesuffix(")")
            during = when if when.startswith(("since ", "until ")) else f"while {when}"
            effects.append(f"× {numbers(row)[0]}  {which}, {during}")
    return moves, effects


def numbers(row: Tree) -> list[str]:
    """A number with its interval, and beneath it what the developments made it leave."""
    before = f"{value_text(row, 'value')}{span_of(row, 'prior_low', 'prior_high')}"
    if row.get("mode") is None or row["fixed"]:
        return [before]
    after = f"{value_text(row, 'mode')}{span_of(row, 'low', 'high')}"
    return [after, f"before {before}"] if abs(row["moved"] or 0.0) >= 0.1 else [after]


def lanes(moves: list[Move]) -> list[Move]:
    """The moves of one side, the short ones inside: those that would cross share no lane."""
    taken: list[list[tuple[int, int]]] = []
    for move in sorted(moves, key=lambda m: (abs(m.end - m.start), m.start)):
        low, high = sorted((move.start, move.end))
        free = (k for k, spans in enumerate(taken) if all(high <= a or b <= low for a, b in spans))
        move.lane = next(free, len(taken))
        taken[move.lane : move.lane + 1] = [[*(taken[move.lane] if move.lane < len(taken) else []), (low, high)]]
    return sorted(moves, key=lambda m: (m.middle, m.lane))


def spread(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Heights near those wanted, in order, at which labels of these sizes do not overlap."""
    # Pool adjacent labels that would overlap (isotonic regression of what is left when the sizes are taken off).
    offsets = np.concatenate([[0.0], np.cumsum([(a + b) / 2 for a, b in itertools.pairwise(sizes)])])
    blocks: list[list[float]] = []
    for target in np.asarray(wanted) - offsets[: len(wanted)]:
        blocks.append([float(target)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    level = [float(np.mean(block)) for block in blocks for _ in block]
    return [a + float(b) for a, b in zip(level, offsets, strict=False)]


def draw_rung(ax: Axes, y: float, half: float, rung: str, colour: str, now: float | None) -> None:
    """A rung's box, with its probability now."""
    style: Any = {"boxstyle": "round,pad=0,rounding_size=0.09", "lw": 1.1, "zorder": 3}
    ax.add_patch(FancyBboxPatch((-half, y - TALL / 2), 2 * half, TALL, fc=hue().paper, ec=hue().ink, **style))
    ax.add_patch(Rectangle((-half + 0.08, y - 0.13), 0.07, 0.26, fc=colour, ec="none", zorder=4))
    lift = 0.0 if now is None else 0.07
    ax.text(-half + 0.23, y + lift, rung, va="center", size=8.2, weight="bold", zorder=5)
    if now is not None:
        begin, length = -half + 0.23, 2 * half - 0.75
        ax.add_patch(Rectangle((begin, y - 0.14), length, 0.07, fc=hue().pale, ec="none", zorder=4))
        ax.add_patch(Rectangle((begin, y - 0.14), length * now, 0.07, fc=hue().blue, ec="none", zorder=5))
        ax.text(half - 0.08, y - 0.1, brief(now), va="center", ha="right", size=7.2, zorder=5)


def draw_move(ax: Axes, move: Move, sign: int, half: float, at: float, label: float) -> None:
    """A move's arc from rung to rung, and its numbers beside the outermost."""
    shift = 0.09 if up(move) else -0.09
    y0, y1 = move.start * STEP + shift, move.end * STEP - shift
    x0, x1 = sign * half, sign * (half + 0.18 + LANE * move.lane)
    colour = hue().red if up(move) else hue().blue
    vertices = [(x0, y0), (x1, y0), (x1, y0), (x1, (y0 + y1) / 2), (x1, y1), (x1, y1), (x0, y1)]
    path = Curve(np.array(vertices), [Curve.MOVETO, *[Curve.CURVE4] * 6])
    tip: Any = {"arrowstyle": "-|>", "mutation_scale": 9, "shrinkA": 0, "shrinkB": 0}
    ax.add_patch(FancyArrowPatch(path=path, color=colour, lw=1.2, alpha=0.85, zorder=2, **tip))
    middle = (y0 + y1) / 2
    ax.plot([x1, sign * (at - 0.05)], [middle, label], color=hue().grey, lw=0.6, zorder=1)
    for i, text in enumerate(move.text):
        y = label + LINE * ((len(move.text) - 1) / 2 - i)
        look: Any = {"ha": "left" if sign > 0 else "right", "va": "center", "color": hue().dim if i else hue().ink}
        ax.text(sign * at, y, text, size=7 if i == 0 else 6.5, **look)
