"""Pictures of spans: when a condition first holds, how often something happens, how long a condition holds."""

from __future__ import annotations

# The canvas first: it says how to get matplotlib.
from .canvas import canvas, date_axis, days, hue, percent_axis

# isort: split
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from .values import probability_text

if TYPE_CHECKING:
    from .counts import Counts
    from .passage import FirstPassage
    from .time_law import TimeLaw


def passage(passage: FirstPassage, *, ax: Axes | None = None, width: float = 7.5) -> Axes:
    """The probability that a condition has held by each date, with its interval, and the dates of the quantiles.

    Parameters
    ----------
    passage : FirstPassage
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    x = days(passage.times)
    with canvas(ax, width, 3.4) as ax:
        if not np.isnan(passage.low).all():
            ax.fill_between(x, passage.low, passage.high, color=hue().blue, alpha=0.2, lw=0)
        ax.plot(x, passage.probability, color=hue().blue, lw=1.8)
        top = float(np.nanmax([*passage.high, *passage.probability]))
        ceiling = min(1.0, 1.12 * top) if top > 0 else 1.0
        # What may still come after the last date, and what never does.
        ever = passage.ever.probability[0]
        if ever <= ceiling:
            ax.axhline(ever, color=hue().grey, lw=0.9, ls=(0, (1, 2)))
        note: Any = {"xytext": (-3, -10), "textcoords": "offset points", "size": 8, "ha": "right", "color": hue().dim}
        ax.annotate(f"ever: {probability_text(ever)}", (x[-1], min(ever, ceiling)), annotation_clip=False, **note)
        for quantile in passage.quantiles:
            if np.isnat(quantile.date):
                continue
            at = float(days(quantile.date))
            ax.plot([at, at, x[0]], [0, quantile.p, quantile.p], color=hue().grey, lw=0.7, ls=(0, (3, 2)), zorder=1)
            ax.plot(at, quantile.p, "o", color=hue().blue, ms=4.5, mec=hue().paper, mew=0.8)
            spot: Any = {"xytext": (5, -3), "textcoords": "offset points", "size": 8, "va": "top", "color": hue().ink}
            ax.annotate(str(quantile.date)[:10], (at, quantile.p), **spot)
        ax.set_xlim(x[0], x[-1])
        ax.set_ylim(0, ceiling)
        percent_axis(ax.yaxis)
        date_axis(ax)
        level = "" if np.isnan(passage.low).all() else f", {passage.level:.0%} interval"
        ax.set_ylabel(f"has held by{level}")
        ax.set_title(f"{passage.what}, as of {passage.as_of}")
    return ax


def counts(counts: Counts, *, ax: Axes | None = None, width: float = 6.5) -> Axes:
    """A bar for each number of times, with its interval; the last stands for more as well, the line for the mean.

    Parameters
    ----------
    counts : Counts
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    x = np.arange(len(counts))
    with canvas(ax, width, 3.0) as ax:
        ax.bar(x, counts.probability, width=0.72, color=hue().blue, alpha=0.75, lw=0)
        if not np.isnan(counts.low).all():
            ax.vlines(x, counts.low, counts.high, color=hue().ink, lw=1.4)
        if counts.mean <= counts.most:
            ax.axvline(counts.mean, color=hue().grey, lw=1, ls=(0, (3, 2)), zorder=0)
            note: Any = {"xytext": (3, -2), "textcoords": "offset points", "size": 8, "va": "top", "color": hue().dim}
            ax.annotate("mean", (counts.mean, 1), xycoords=("data", "axes fraction"), **note)
        ax.set_xticks(x, [*map(str, range(counts.most)), f"{counts.most}+"])
        ax.tick_params(axis="x", length=0)
        percent_axis(ax.yaxis)
        ax.set_xlabel("times" if np.isnan(counts.low).all() else f"times; lines: {counts.level:.0%} intervals")
        ax.set_title(counts.what)
    return ax


def time_law(law: TimeLaw, *, ax: Axes | None = None, width: float = 6.5) -> Axes:
    """The probability of more than so many days in a condition, with its interval; the dots are none and all of it.

    Parameters
    ----------
    law : TimeLaw
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    x = np.linspace(0, law.days[-1], 300)[:-1]
    with canvas(ax, width, 3.2) as ax:
        if not np.isnan(law.low).all():
            ax.fill_between(law.days, law.low, law.high, color=hue().blue, alpha=0.2, lw=0)
        ax.plot(x, law._between(x), color=hue().blue, lw=1.8)
        ax.plot([0, 0], [law.probability[0], 1], color=hue().grey, lw=0.9, ls=(0, (1, 2)), clip_on=False)
        dots: Any = {"color": hue().blue, "ms": 5, "mec": hue().paper, "mew": 0.8, "clip_on": False}
        ax.plot([0, law.days[-1]], [law.probability[0], law.whole], "o", **dots)
        note: Any = {"textcoords": "offset points", "size": 8, "va": "center"}
        ax.annotate(f"none: {probability_text(law.none)}", (0, (1 + law.probability[0]) / 2), xytext=(5, 0), **note)
        ax.annotate(
            f"all: {probability_text(law.whole)}", (law.days[-1], law.whole), xytext=(-5, 9), ha="right", **note
        )
        ax.axvline(law.mean, color=hue().grey, lw=1, ls=(0, (3, 2)), zorder=0)
        late = law.mean > law.days[-1] / 2  # below the curve, away from what stands at its ends
        at: Any = {"xytext": (-3 if late else 3, 3), "ha": "right" if late else "left", "va": "bottom"}
        look: Any = {"textcoords": "offset points", "size": 8, "color": hue().dim}
        ax.annotate("mean", (law.mean, 0), xycoords=("data", "axes fraction"), **at, **look)
        ax.set_xlim(0, law.days[-1])
        ax.set_ylim(0, 1)
        percent_axis(ax.yaxis)
        level = "" if np.isnan(law.low).all() else f", {law.level:.0%} interval"
        ax.set_xlabel("days")
        ax.set_ylabel(f"more than that{level}")
        ax.set_title(law.what)
    return ax
