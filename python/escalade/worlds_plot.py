"""Pictures of scenarios, heads and worlds side by side."""

from __future__ import annotations

from textwrap import shorten, wrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from .canvas import canvas, hue, percent_axis, text_on
from .comparison import points_text
from .values import probability_text

if TYPE_CHECKING:
    from .comparison import Comparison
    from .pooling import Pool
    from .worlds import PredictiveChecks


def comparison(table: Comparison, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """Scenarios below each other, questions side by side: the answer in each cell, coloured by how far it moved.

    Parameters
    ----------
    table : Comparison
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    rows, columns = table.probability.shape
    most = max(float(np.nanmax(np.abs(table.difference), initial=0.0)), 0.05)
    with canvas(ax, width, 1.4 + 0.34 * rows) as ax:
        ax.imshow(table.difference, cmap=hue().diverge, vmin=-most, vmax=most, aspect="auto")
        for row, column in np.ndindex(rows, columns):
            moved = float(table.difference[row, column])
            points = f"  {points_text(moved)}" if row else ""
            ax.annotate(
                f"{probability_text(float(table.probability[row, column]))}{points}",
                (column, row),
                ha="center",
                va="center",
                size=8,
                color=text_on(hue().diverge(0.5 + moved / (2 * most))),
            )
        ax.set_yticks(range(rows), ["\n".join(wrap(name, 48)) for name in table.scenario])
        ax.set_xticks(range(columns), ["\n".join(wrap(name, 18)) for name in table.question])
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
        ax.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
        ax.grid(which="minor", color=hue().paper, lw=2)
        ax.tick_params(which="minor", length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.set_xlabel(f"probability, and percentage points from '{table.scenario[0]}'")
    return ax


def pool(table: Pool, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """What each head says of each question, as small dots, and the pool of them as a large one.

    Parameters
    ----------
    table : Pool
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    rows = len(table.question)
    with canvas(ax, width, 1.5 + 0.34 * rows) as ax:
        for q, column in enumerate(table.answer.T):
            ax.hlines(q, np.nanmin(column), np.nanmax(column), color=hue().pale, lw=3, zorder=1)
        for h, head in enumerate(table.head):
            colour, marker = hue().kinds[h % len(hue().kinds)], "osD^v<>P"[h // len(hue().kinds) % 8]
            ax.scatter(table.answer[h], range(rows), s=26, color=colour, marker=marker, lw=0, zorder=3, label=head)
        ax.scatter(table.probability, range(rows), s=110, facecolor="none", edgecolor=hue().ink, lw=1.6, zorder=4)
        for q, p in enumerate(table.probability.tolist()):
            ax.annotate(probability_text(p), (1.02, q), xycoords=("axes fraction", "data"), va="center", size=8)
        ax.set_yticks(range(rows), ["\n".join(wrap(name, 44)) for name in table.question])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(rows - 0.4, -0.6)
        ax.set_xlim(-0.02, 1.02)
        ax.set_xticks(np.linspace(0, 1, 6), [f"{100 * p:.0f}%" for p in np.linspace(0, 1, 6)])
        ax.spines["left"].set_visible(False)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2, handletextpad=0.2)
        ax.set_xlabel("probability; the ring is the pool")
    return ax


def checks(table: PredictiveChecks, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """How many worlds tell what each development told, the strangest above.

    Parameters
    ----------
    table : PredictiveChecks
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    share = np.fmin(table.same, table.tail)
    order = [k for k in np.argsort(share, kind="stable") if not np.isnan(share[k])]
    with canvas(ax, width, 1.0 + 0.22 * len(order)) as ax:
        strange = set(table.strange)
        colours = [hue().red if table.id[k] in strange else hue().blue for k in order]
        y = np.arange(len(order))
        ax.hlines(y, 0, share[order], color=colours, lw=2, alpha=0.4)
        ax.scatter(share[order], y, color=colours, s=22, zorder=3)
        ax.axvline(0.05, color=hue().grey, lw=0.8, ls=(0, (3, 2)))
        ax.set_yticks(y, [shorten(table.says[k], 60, placeholder="…") for k in order], size=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(order) - 0.4, -0.6)
        ax.set_xlim(0, 1)
        ax.spines["left"].set_visible(False)
        percent_axis(ax.xaxis)
        ax.set_xlabel("worlds that tell the same (of counts and numbers: two-sided tail); dashed: 5%")
    return ax
