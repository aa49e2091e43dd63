"""Pictures of words: a yardstick's bands with what they say one believes, and confidence with what it comes from."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from . import _core
from .canvas import canvas, hue, percent_axis, text_on, tint

if TYPE_CHECKING:
    from .confidence import Confidence
    from .words import Yardstick

#: Confidence by lightness, so that it reads in grey as well: how much of the colour.
SHADES = {"high": 1.0, "moderate": 0.4, "low": 0.08}


def yardstick(yardstick: Yardstick, *, ax: Axes | None = None, width: float = 8.0) -> Axes:
    """Each word's band, a bar, and the distribution whose central half it is; a word for one number is a dot.

    Parameters
    ----------
    yardstick : Yardstick
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    n = len(yardstick)
    p = np.linspace(0.005, 0.995, 991)
    with canvas(ax, width, 1.1 + 0.38 * n) as ax:
        for k, word in enumerate(yardstick.word):
            low, high = yardstick.low[k], yardstick.high[k]
            ax.axhline(k, color=hue().pale, lw=0.7, zorder=0)
            if _core.band_quartiles(low, high) is None:
                ax.plot(low, k, "o", color=hue().blue, ms=6, clip_on=False)
                continue
            density = yardstick.distribution(word).pdf(p)
            ax.fill_between(p, k, k - 0.8 * density / density.max(), color=hue().blue, alpha=0.25, lw=0)
            ax.plot([low, high], [k, k], color=hue().blue, lw=4, solid_capstyle="butt", clip_on=False)
        names = [" / ".join([word, *others]) for word, others in zip(yardstick.word, yardstick._others(), strict=True)]
        ax.set_yticks(range(n), [fill(name, 44) for name in names])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(n - 0.6, -1.0)
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_locator(mpl.ticker.MultipleLocator(0.1))
        percent_axis(ax.xaxis)
        ax.spines["left"].set_visible(False)
        ax.set_title(yardstick.name)
        source = f"\n{fill(yardstick.source, 90)}" if yardstick.source else ""
        ax.set_xlabel(f"bar: the band; shape: what one believes who says it, half of it within the band{source}")
    return ax


def confidence(confidence: Confidence, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """Each question's level, and what the interval, the judgement and the sources speak for.

    Parameters
    ----------
    confidence : Confidence
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    n = len(confidence)
    heads = ("confidence", "90% interval", "judgement", "sources")
    with canvas(ax, width, 0.7 + 0.29 * n) as ax:
        for k, (level, parts) in enumerate(zip(confidence.level, confidence.parts, strict=True)):
            cells = [(level, level), *zip(confidence.told(k), parts, strict=True)]
            for column, (said, by) in enumerate(cells):
                left = column + (0.12 if column else 0)
                box: Any = {"width": 0.96, "height": 0.86, "color": tint(hue().blue, SHADES[by]), "lw": 0}
                ax.add_patch(mpl.patches.Rectangle((left, k - 0.43), **box))
                ink = text_on(tint(hue().blue, SHADES[by]))
                text: Any = {"ha": "center", "va": "center", "color": ink, "size": 8.5}
                ax.text(left + 0.48, k, said, weight="bold" if column == 0 else "normal", **text)
        ax.set_xlim(0, 4.12)
        ax.set_ylim(n - 0.5, -0.5)
        ax.set_yticks(range(n), confidence.question)
        ax.set_xticks([0.48, 1.6, 2.6, 3.6], heads)
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        for side in ax.spines.values():
            side.set_visible(False)
        for by, shade in SHADES.items():
            ax.plot([], [], "s", color=tint(hue().blue, shade), ms=8, mec=hue().grey, mew=0.4, label=f"speaks for {by}")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=3)
    return ax
