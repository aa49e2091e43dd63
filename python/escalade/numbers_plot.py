"""Pictures of a model's numbers: from prior to posterior."""

from __future__ import annotations

from textwrap import shorten, wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from ._core import SpecError
from .canvas import canvas, hue
from .values import Tree, number_text

if TYPE_CHECKING:
    from .provenance import Parameters

NARROW = 0.03  # prior standard deviations: what is narrower is drawn so wide
TALLEST = 1.5  # rows


def ridges(parameters: Parameters, *, top: int = 12, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """From prior to posterior: the numbers of which the developments told most, on the scale of what was believed.

    Grey is the prior, coloured the posterior, each as the normal curve with its mode and standard deviation on the
    logarithm (of a table: on the logit that changed most), in prior standard deviations from the prior's mode. Where
    one lies on the other, the developments said nothing. To the right: the mode before and after, and how much of the
    prior's variance they took away. Numbers with a flat prior have no such scale and are left out.

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
    from .provenance import percent_text, told

    rows = [row for row in parameters.rows if not row.get("fixed") and row.get("moved") is not None]
    if not rows:
        raise SpecError("these parameters were not fitted, or are all fixed or flat; expected fit.parameters()")
    rows = sorted(rows, key=lambda row: -told(row))[:top]
    moved = np.array([row["moved"] for row in rows])
    sd = np.maximum(np.sqrt(np.maximum(1 - np.array([row["learnt"] for row in rows]), 0.0)), NARROW)
    unit = min(0.85, TALLEST * float(sd.min()))  # the height of a prior
    edge = max(3.2, float(np.max(np.abs(moved) + 3 * sd)))
    x = np.linspace(-edge, edge, 601)
    with canvas(ax, width, 1.0 + 0.36 * len(rows)) as ax:
        for i, (row, m, s) in enumerate(zip(rows, moved, sd, strict=True)):
            before, after = unit * np.exp(-(x**2) / 2), unit / s * np.exp(-(((x - m) / s) ** 2) / 2)
            layer: Any = {"zorder": 2 + i / len(rows)}
            ax.fill_between(x, i, i - before, color=hue().grey, alpha=0.35, lw=0, **layer)
            ax.fill_between(x, i, i - after, color=hue().blue, alpha=0.45, lw=0, **layer)
            ax.plot(x, i - before, color=hue().grey, lw=0.9, **layer)
            ax.plot(x, i - after, color=hue().blue, lw=1.2, **layer)
            ax.plot([m, m], [i, i - unit / s], color=hue().blue, lw=1, **layer)
            text = f"{change_text(row)}\n{percent_text(row['learnt'])} learnt"
            place: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
            ax.annotate(text, (1, i - 0.3), xytext=(4, 0), size=7, color=hue().dim, annotation_clip=False, **place)
        ax.axvline(0, color=hue().grey, lw=0.8, ls=(0, (2, 2)), zorder=1)
        names = ["\n".join(wrap(shorten(row["name"], 92, placeholder="…"), 48)) for row in rows]
        ax.set_yticks(np.arange(len(rows)) - 0.2, names, fontsize=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(rows) - 0.8, -1.1 * max(unit / float(sd[0]), unit) - 0.05)
        ax.set_xlim(-edge, edge)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("prior standard deviations from the prior's mode; grey: prior, blue: posterior")
    return ax


def change_text(row: Tree) -> str:
    """A parameter before and after."""
    if isinstance(row["value"], list):
        k = int(np.argmax(np.abs(np.subtract(row["mode"], row["value"]))))
        return f"{row['states'][k]}: {number_text(row['value'][k])} → {number_text(row['mode'][k])}"
    unit = " a month" if row["unit"] == "per month" else ""
    return f"{number_text(row['value'])} → {number_text(row['mode'])}{unit}"
