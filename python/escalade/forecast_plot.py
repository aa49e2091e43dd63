"""Pictures of what is forecast: fans of rungs, and answers."""

from __future__ import annotations

# The canvas first: it says how to get matplotlib.
from .canvas import canvas, date_axis, days, hue, now_line, percent_axis, rung_colours, styled

# isort: split
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from .values import name_of, probability_text, wrong
from .words import read_by

if TYPE_CHECKING:
    from .results import Answers, Forecast, Rungs


def fan(
    forecast: Forecast, ladder: object, *, kind: str = "stack", ax: Axes | None = None, labels: bool = True
) -> Axes:
    """The fan of a ladder's rungs over time: what was, as the developments tell it, and what may follow.

    Parameters
    ----------
    forecast : Forecast
    ladder : Ladder or str
    kind : {"stack", "lines"}
        Rungs stacked to one, or each rung's probability with its interval.
    ax : Axes, optional
    labels : bool
        Whether to name the rungs.
    """
    rungs = forecast[ladder]
    x = days(forecast.times)
    with canvas(ax, 7.5, 3.2) as ax:
        colours = rung_colours(len(rungs.rungs), rungs.ordered)
        if kind == "stack":
            ax.stackplot(x, rungs.mean.T, colors=colours, lw=0.6, edgecolor=hue().paper)
            ax.set_ylim(0, 1)
        elif kind == "lines":
            for r, rung in enumerate(rungs.rungs):
                colour = colours[r] if not rungs.ordered or r else hue().grey
                ax.fill_between(x, rungs.low[:, r], rungs.high[:, r], color=colour, alpha=0.22, lw=0)
                ax.plot(x, rungs.mean[:, r], color=colour, lw=1.6, label=rung)
            ax.set_ylim(0, None)
        else:
            raise wrong("kind", kind, "'stack' or 'lines'")
        ax.set_xlim(x[0], x[-1])
        percent_axis(ax.yaxis)
        date_axis(ax)
        now_line(ax, forecast.as_of)
        ax.set_title(name_of(ladder).replace("_", " "), pad=12)
        if labels:
            name_rungs(ax, rungs, colours if kind == "stack" else [hue().grey, *colours[1:]], stacked=kind == "stack")
    return ax


def name_rungs(ax: Axes, rungs: Rungs, colours: list[str], *, stacked: bool) -> None:
    """Names to the right of the last date, the highest above, each beside its colour."""
    last = rungs.mean[-1]
    middle = np.cumsum(last) - last / 2 if stacked else last
    room = 0.085 * (1.0 if stacked else ax.get_ylim()[1])
    order = np.argsort(middle, kind="stable")
    heights = middle[order].copy()
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + room)
    ceiling = ax.get_ylim()[1]
    for i in range(len(heights) - 1, -1, -1):
        heights[i] = min(heights[i], ceiling)
        ceiling = heights[i] - room
    beside = ax.get_yaxis_transform() + ScaledTranslation(9 / 72, 0, ax.figure.dpi_scale_trans)
    for height, r in zip(heights, order, strict=True):
        where: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        ax.plot([1], [height], "s", color=colours[r], ms=6, transform=beside, clip_on=False)
        text = f"{rungs.rungs[r]} {probability_text(float(last[r]))}"
        ax.annotate(text, (1, height), xytext=(16, 0), size=7.5, annotation_clip=False, **where)


def fans(forecast: Forecast, *, columns: int = 3, kind: str = "stack") -> np.ndarray[Any, Any]:
    """The fans of all ladders, small, side by side."""
    names = list(forecast.ladders)
    rows = -(-len(names) // columns)
    with styled():
        _, axes = plt.subplots(
            rows, columns, figsize=(4.4 * columns, 2.0 * rows), squeeze=False, layout="constrained", sharex=True
        )
        for ax, name in zip(axes.flat, names, strict=False):
            fan(forecast, name, kind=kind, ax=ax)
        for ax in axes.flat[len(names) :]:
            ax.set_visible(False)
        for ax in axes.flat[max(len(names) - columns, 0) : len(names)]:
            ax.tick_params(labelbottom=True)
    return np.asarray(axes)


def answers(answers: Answers, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """A dot and an interval for each answer, over the bands of the yardstick's words.

    Where bands overlap, as those of a survey do, the words stand beside the answers instead.

    Parameters
    ----------
    answers : Answers
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    n = len(answers)
    y = np.arange(n)
    with canvas(ax, width, 1.3 + 0.27 * n) as ax:
        by = read_by(answers.yardstick)
        overlap = any(high > low for high, low in zip(by.high[:-1], by.low[1:], strict=True))
        said = [f"  {word}" if overlap else "" for word in answers.word]
        for word, low, high in () if overlap else zip(by.word, by.low, by.high, strict=True):
            ax.axvspan(low, high, facecolor=hue().faint, edgecolor=hue().paper, lw=1, zorder=0)
            ax.annotate(
                word,
                ((low + high) / 2, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                rotation=28,
                ha="left",
                size=7.2,
                color=hue().dim,
            )
        ax.hlines(y, answers.low, answers.high, color=hue().blue, lw=3, alpha=0.35)
        ax.plot(answers.mode, y, "|", color=hue().blue, ms=8)
        ax.plot(answers.probability, y, "o", color=hue().blue, ms=6, mec=hue().paper, mew=0.8)
        for i, p in enumerate(answers.probability.tolist()):
            right = np.nanmax([p, answers.high[i]])
            beside: Any = {"xytext": (7, 0), "ha": "left"} if right < 0.85 else {"xytext": (-7, 0), "ha": "right"}
            spot = right if right < 0.85 else np.nanmin([p, answers.low[i]])
            text = probability_text(p) + said[i]
            ax.annotate(text, (spot, i), textcoords="offset points", va="center", size=8, **beside)
        ax.set_yticks(y, ["\n".join(wrap(name, 52)) for name in answers.name])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(n - 0.4, -0.6)
        ax.set_xlim(0, 1)
        ax.spines["left"].set_visible(False)
        percent_axis(ax.xaxis)
        level = "" if np.isnan(answers.low).all() else f", {answers.level:.0%} interval; tick: at the mode"
        ax.set_xlabel(f"probability, as of {answers.as_of}{level}")
    return ax
