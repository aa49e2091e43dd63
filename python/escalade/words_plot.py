"""Pictures of words: a yardstick's bands with what they say one believes."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from . import _core
from .plot import BLUE, PALE, canvas

if TYPE_CHECKING:
    from .words import Yardstick



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
            ax.axhline(k, color=PALE, lw=0.7, zorder=0)
            if _core.band_quartiles(low, high) is None:
                ax.plot(low, k, "o", color=BLUE, ms=6, clip_on=False)
                continue
            density = yardstick.distribution(word).pdf(p)
            ax.fill_between(p, k, k - 0.8 * density / density.max(), color=BLUE, alpha=0.25, lw=0)
            ax.plot([low, high], [k, k], color=BLUE, lw=4, solid_capstyle="butt", clip_on=False)
        names = [" / ".join([word, *same]) for word, same in zip(yardstick.word, yardstick.same, strict=True)]
        ax.set_yticks(range(n), [fill(name, 44) for name in names])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(n - 0.6, -1.0)
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_locator(mpl.ticker.MultipleLocator(0.1))
        ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        ax.spines["left"].set_visible(False)
        ax.set_title(yardstick.name)
        source = f"\n{fill(yardstick.source, 80)}" if yardstick.source else ""
        ax.set_xlabel(f"bar: the band; shape: what one believes who says it, half of it within the band{source}")
    return ax
