"""Pictures of a Bayesian network and of its answers. Needs matplotlib: ``pip install escalade[plot]``.

Each function takes ``ax=`` and returns the Axes.
"""

from __future__ import annotations

# The canvas first: it says how to get matplotlib.
from .canvas import canvas, hue, tint

# isort: split
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path as Curve

from ._core import SpecError
from .bayes_picture import BAR, HEAD, LINE, MOST, Box, Point, brief, scene
from .values import names_of

if TYPE_CHECKING:
    from .bayes_results import Posteriors
    from .bayes_understanding import EvidenceStrength, Information, Sensitivity
    from .bayesnet import BayesNet
    from .evidence import EvidenceLike

INCH = 80.0  # pixels of the picture
ROWS = 15  # bars that are drawn where nothing else is said
STILL = 1e-12  # a range that is rounding


def network(net: BayesNet, evidence: EvidenceLike = None, *, ax: Axes | None = None) -> Axes:
    """The network with a bar for each state; what is observed is amber.

    Parameters
    ----------
    net : BayesNet
    evidence : as in :meth:`BayesNet.posteriors`
    ax : Axes, optional
    """
    if not 0 < len(net) <= MOST:
        raise SpecError(f"plot: {len(net)} variables; a picture is drawn of 1 to {MOST}")
    drawn = scene(net, net.posteriors(evidence))
    scale = min(1.0, 15.0 * INCH / drawn.width)
    with canvas(ax, drawn.width / INCH * scale, (drawn.height / INCH + 0.3) * scale) as ax:
        ax.set_xlim(0, drawn.width)
        ax.set_ylim(drawn.height, 0)
        ax.set_aspect("equal")
        ax.axis("off")
        for path in drawn.links:
            arrow(ax, path, scale)
        for box in drawn.boxes.values():
            draw(ax, box, scale)
        ax.set_title(net.name)
    return ax


def arrow(ax: Axes, points: list[Point], scale: float) -> None:
    """A smooth arrow through the points."""
    vertices, codes = [points[0]], [Curve.MOVETO]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        half = (x1 - x0) / 2
        vertices += [(x0 + half, y0), (x1 - half, y1), (x1, y1)]
        codes += [Curve.CURVE4] * 3
    path = Curve(np.array(vertices), codes)
    tip: Any = {"arrowstyle": "-|>", "mutation_scale": 9 * scale, "shrinkA": 0, "shrinkB": 0}
    ax.add_patch(FancyArrowPatch(path=path, color=hue().grey, lw=1.1 * scale, zorder=2, **tip))


def draw(ax: Axes, box: Box, scale: float) -> None:
    """A variable's box."""
    left, top = box.x - box.width / 2, box.y - box.height / 2
    ax.add_patch(
        FancyBboxPatch(
            (left, top),
            box.width,
            box.height,
            boxstyle="round,pad=0,rounding_size=7",
            fc=tint(hue().amber) if box.known else hue().faint,
            ec=hue().amber if box.known else hue().ink,
            lw=scale,
            zorder=3,
        )
    )
    title: Any = {"ha": "center", "va": "center", "weight": "bold", "size": 8.4 * scale, "zorder": 5}
    ax.text(box.x, top + HEAD / 2 + 1, box.name, **title)
    for i, (state, p) in enumerate(box.states):
        y, bar = top + HEAD + LINE * (i + 0.5), left + box.label + 14
        ax.text(left + 8, y, state, va="center", size=7.2 * scale, zorder=5)
        if p is not None:
            ax.add_patch(Rectangle((bar, y - 4), BAR, 8, fc=hue().paper, ec="none", zorder=4))
            ax.add_patch(
                Rectangle((bar, y - 4), BAR * p, 8, fc=hue().amber if box.known else hue().blue, ec="none", zorder=5)
            )
            ax.text(bar + BAR + 4, y, brief(p), va="center", size=7 * scale, zorder=5)


def posteriors(laws: Posteriors, variables: Any = None, *, ax: Axes | None = None) -> Axes:
    """A bar for each state of some variables (by default the first fifteen).

    Parameters
    ----------
    laws : Posteriors
    variables : variable, name or list, optional
    ax : Axes, optional
    """
    names = names_of(variables, "variables") or list(laws)[:ROWS]
    rows = [(name, state, p) for name in names for state, p in laws[name].items()]
    with canvas(ax, 5.5, 0.24 * len(rows) + 0.6) as ax:
        y = np.arange(len(rows))
        ax.barh(y, 1.0, height=0.7, color=hue().faint)
        shades = [hue().blue if names.index(name) % 2 == 0 else hue().sky for name, _, _ in rows]
        ax.barh(y, [p for _, _, p in rows], height=0.7, color=shades)
        for i, (_, _, p) in enumerate(rows):
            ax.text(1.01, i, brief(p), va="center", size=8)
        first = [i == 0 or row[0] != rows[i - 1][0] for i, row in enumerate(rows)]
        ax.set_yticks(y, [f"{n}   {s}" if new else s for (n, s, _), new in zip(rows, first, strict=True)])
        for i in np.flatnonzero(first)[1:]:
            ax.axhline(i - 0.5, color=hue().pale, lw=0.8)
        frame(ax, len(rows), "probability")
        ax.set_xlim(0, 1.12)
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    return ax


def frame(ax: Axes, n: int, what: str) -> None:
    """The first row on top, no line at the left."""
    ax.set_ylim(n - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(what)


def tornado(table: Sensitivity, rows: int = ROWS, *, ax: Axes | None = None) -> Axes:
    """The range of an answer while each parameter's odds move by a factor: the widest on top.

    Parameters
    ----------
    table : Sensitivity
    rows : int
        How many parameters.
    ax : Axes, optional
    """
    first = [i for i in table.first(rows) if table.high[i] - table.low[i] > STILL] or table.first(1)
    n = len(first)
    with canvas(ax, 7.5, 0.27 * n + 0.9) as ax:
        y, middle = np.arange(n), table.probability
        falls, low, high = table.derivative[first] < 0, table.low[first], table.high[first]
        down, up = np.where(falls, high, low), np.where(falls, low, high)
        ax.barh(y, down - middle, left=middle, height=0.66, color=hue().amber, label=f"odds of θ over {table.odds:g}")
        ax.barh(y, up - middle, left=middle, height=0.66, color=hue().blue, label=f"odds of θ times {table.odds:g}")
        ax.axvline(middle, color=hue().ink, lw=1)
        ax.set_yticks(y, [f"{table.words(i)} = {brief(float(table.theta[i]))}" for i in first])
        frame(ax, n, f"P({table.target[0]} = {table.target[1]})")
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return ax


def strength(table: EvidenceStrength, *, ax: Axes | None = None) -> Axes:
    """The weight of each finding, for or against.

    Parameters
    ----------
    table : EvidenceStrength
    ax : Axes, optional
    """
    with canvas(ax, 6.5, 0.3 * len(table) + 0.8) as ax:
        bits = np.clip(np.nan_to_num(table.bits), -64, 64)
        ax.barh(np.arange(len(table)), bits, height=0.66, color=[hue().blue if b > 0 else hue().red for b in bits])
        ax.axvline(0, color=hue().ink, lw=1)
        ax.set_yticks(np.arange(len(table)), list(table.findings))
        frame(ax, len(table), f"bits for {table.target[0]} = {table.target[1]}")
    return ax


def information(table: Information, rows: int = ROWS, *, ax: Axes | None = None) -> Axes:
    """What observing each variable would tell.

    Parameters
    ----------
    table : Information
    rows : int
        How many variables.
    ax : Axes, optional
    """
    n = min(rows, len(table))
    with canvas(ax, 6, 0.27 * n + 0.8) as ax:
        ax.barh(np.arange(n), table.bits[:n], height=0.66, color=hue().blue)
        ax.set_yticks(np.arange(n), list(table.names[:n]))
        frame(ax, n, f"expected bits about {table.target} ({table.entropy:.2f} open)")
    return ax
