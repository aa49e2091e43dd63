"""Pictures of a model's numbers: from prior to posterior, and the priors of several heads."""

from __future__ import annotations

from textwrap import shorten, wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from ._core import SpecError
from .canvas import canvas, hue, rung_colours
from .values import NINETY, Tree, number_text
from .words import logit

if TYPE_CHECKING:
    from .pooled_priors import PooledPriors
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


def priors(table: PooledPriors, *, top: int = 12, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """What each head believes of a number beside the pool, the numbers first that are seen most otherwise.

    Dots are modes and lines hold 90 %, on the logarithm (of a table: on the logit of the state that heads see most
    otherwise), in standard deviations of the pooled prior; the grey band holds 90 % of that. Numbers that the pool
    holds fixed or flat have no such scale and are left out.

    Parameters
    ----------
    table : PooledPriors
    top : int
        How many.
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    kept = [k for k, row in enumerate(table.pooled) if row.get("prior_low") is not None]
    if not kept:
        raise SpecError("these priors are all fixed or flat; there is no scale to draw them on")
    kept = sorted(kept, key=lambda k: -float(np.nanmax(np.append(table.apart[:, k], 0))))[:top]
    states = {k: state_of(table.pooled[k], [own[k] for own in table.each]) for k in kept}
    n, step = len(table.head), 0.62 / max(len(table.head) - 1, 1)
    with canvas(ax, width, 1.1 + max(0.3, 0.1 * (n + 1)) * len(kept)) as ax:
        ax.axvspan(-NINETY, NINETY, color=hue().faint, lw=0, zorder=0)
        ax.axvline(0, color=hue().grey, lw=0.8, zorder=1)
        for h, colour in enumerate(rung_colours(n, ordered=False)):
            shift = h * step - 0.31 if n > 1 else 0.0
            for y, k in enumerate(kept):
                middle, low, high = on_scale(table.each[h][k], table.pooled[k], states[k])
                ax.hlines(y + shift, low, high, color=colour, lw=2, alpha=0.6)
                ax.plot(middle, y + shift, "osD^v<>P"[h // 6 % 8], color=colour, ms=4.5, mec=hue().paper, mew=0.6)
            ax.plot([], [], "osD^v<>P"[h // 6 % 8], color=colour, ms=4.5, label=table.head[h])
        for y, k in enumerate(kept):
            text = f"{pool_text(table.pooled[k], states[k])}\napart {np.nanmax(table.apart[:, k]):.2f}"
            place: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
            ax.annotate(text, (1, y), xytext=(4, 0), size=7, color=hue().dim, annotation_clip=False, **place)
        names = ["\n".join(wrap(shorten(table.number[k], 92, placeholder="…"), 48)) for k in kept]
        ax.set_yticks(range(len(kept)), names, fontsize=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(kept) - 0.4, -0.6)
        ax.spines["left"].set_visible(False)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2, handletextpad=0.2)
        ax.set_xlabel("standard deviations of the pooled prior, whose 90 % is grey")
    return ax


def on_scale(row: Tree, pooled: Tree, k: int | None) -> tuple[float, float, float]:
    """A head's mode and 90 % interval, in standard deviations of the pooled prior; of a table's row, of one state."""

    def place(of: Tree, key: str) -> float:
        x = of["value"] if of.get(key) is None else of[key]
        if k is None:
            return float(np.log(max(x, 1e-300)))
        return float(logit(min(max(x[k], 1e-9), 1 - 1e-9)))

    sd = (place(pooled, "prior_high") - place(pooled, "prior_low")) / (2 * NINETY)
    middle, low, high = (
        (place(row, key) - place(pooled, "value")) / sd for key in ("value", "prior_low", "prior_high")
    )
    return middle, low, high


def state_of(pooled: Tree, heads: list[Tree]) -> int | None:
    """The state of a table's row that heads see most otherwise than the pool; none of a single number."""
    if not isinstance(pooled["value"], list):
        return None
    return int(np.argmax(sum(np.abs(np.subtract(head["value"], pooled["value"])) for head in heads)))


def pool_text(pooled: Tree, k: int | None) -> str:
    """The pooled number."""
    if k is not None:
        return f"{pooled['states'][k]}: {number_text(pooled['value'][k])}"
    return number_text(pooled["value"]) + (" a month" if pooled["unit"] == "per month" else "")
