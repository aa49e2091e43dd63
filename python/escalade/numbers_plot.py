"""Pictures of a model's numbers, before and after the developments."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import shorten, wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from ._core import SpecError
from .canvas import canvas, hue
from .values import number_text

if TYPE_CHECKING:
    from .results import Parameters

NINETY = 1.6449  # standard deviations to either side that hold nine tenths of a normal law


def parameters(parameters: Parameters, *, top: int = 30, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """How far each parameter moved from its prior, in prior standard deviations, those that moved most first.

    The grey band is what the prior held with 90 %, the blue one what the posterior holds. A blue band that fills the
    grey one is judgement: the developments said nothing about it.

    Parameters
    ----------
    parameters : Parameters
        Of a fit.
    top : int
        How many.
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    rows = [row for row in parameters.rows if not row.get("fixed") and row.get("moved") is not None]
    if not rows:
        raise SpecError("these parameters were not fitted, or are all fixed; expected fit.parameters()")
    rows = sorted(rows, key=lambda row: -abs(row["moved"]))[:top]
    y = np.arange(len(rows))
    moved = np.array([row["moved"] for row in rows])
    half = NINETY * np.array([max(1 - row["shrink"], 0.0) for row in rows])
    with canvas(ax, width, 1.0 + 0.24 * len(rows)) as ax:
        ax.axvspan(-NINETY, NINETY, color=hue().faint, lw=0, zorder=0)
        ax.axvline(0, color=hue().pale, lw=1, zorder=1)
        ax.hlines(y, moved - half, moved + half, color=hue().blue, lw=3, alpha=0.35)
        ax.plot(moved, y, "o", color=hue().blue, ms=5, mec=hue().paper, mew=0.8)
        edge = max(2.6, float(np.max(np.abs(moved) + half)) + 0.2)
        for i, row in enumerate(rows):
            ax.annotate(change_text(row), (edge, i), xytext=(4, 0), textcoords="offset points", va="center", size=7)
        ax.set_yticks(y, ["\n".join(wrap(shorten(row["name"], 118), 62)) for row in rows], fontsize=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_xlim(-edge, edge)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("prior standard deviations; grey: the prior's 90 %, blue: the posterior's")
    return ax


def change_text(row: Mapping[str, Any]) -> str:
    """A parameter before and after."""
    if isinstance(row["value"], list):
        return "a row of a table"
    unit = " a month" if row["unit"] == "per month" else ""
    return f"{number_text(row['value'])} → {number_text(row['mode'])}{unit}"
