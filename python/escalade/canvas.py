"""What pictures are drawn on: the canvas, light or dark, and axes of dates and of percent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

try:
    import matplotlib as mpl
except ImportError:
    raise ImportError("a picture needs matplotlib; pip install 'escalade[plot]' brings it") from None
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.ticker import FuncFormatter

from . import colours
from .colours import PALETTES, Palette
from .settings import style
from .values import day_of

#: That of the picture being drawn.
IN_USE: ContextVar[Palette | None] = ContextVar("palette", default=None)


def hue() -> Palette:
    """The palette of the picture being drawn, or else of the style that is set."""
    return IN_USE.get() or PALETTES[style()]


def rc_of(palette: Palette) -> Any:
    """matplotlib's settings for a palette."""
    return {
        "font.size": 9,
        "figure.facecolor": palette.paper,
        "axes.facecolor": palette.paper,
        "axes.edgecolor": palette.grey,
        "axes.labelcolor": palette.ink,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlecolor": palette.ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": False,
        "xtick.color": palette.ink,
        "ytick.color": palette.ink,
        "text.color": palette.ink,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "figure.dpi": 110,
    }


@contextmanager
def styled(palette: Palette | None = None) -> Iterator[Palette]:
    """A style, and no other setting touched: rc_context would undo what a notebook's backend sets when it wakes."""
    palette = palette or hue()
    chosen = rc_of(palette)
    before = {key: mpl.rcParams[key] for key in chosen}
    token = IN_USE.set(palette)
    mpl.rcParams.update(chosen)
    try:
        yield palette
    finally:
        mpl.rcParams.update(before)
        IN_USE.reset(token)


@contextmanager
def canvas(ax: Axes | None, width: float, height: float) -> Iterator[Axes]:
    """The Axes to draw on: new ones in the style that is set; given ones in that of their ground."""
    with styled(None if ax is None else beneath(ax)):
        if ax is None:
            _, ax = plt.subplots(figsize=(width, height), layout="constrained")
        dress(ax)
        yield ax


def beneath(ax: Axes) -> Palette | None:
    """The palette for given Axes: dark on a dark ground; that of the style where there is no ground."""
    for ground in (ax.get_facecolor(), ax.figure.get_facecolor()):
        *colour, alpha = mpl.colors.to_rgba(ground)
        if alpha > 0.5:
            return PALETTES["dark" if luminance(colour) < 0.2 else "light"]
    return None


def dress(ax: Axes) -> None:
    """The style for what matplotlib would make later, or has made already: ticks, spines, labels of the axes."""
    palette = hue()
    ax.tick_params(which="both", color=palette.ink, labelcolor=palette.ink, labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    for spine in ax.spines.values():
        spine.set_edgecolor(palette.grey)
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_offset_text().set(color=palette.ink, size=8)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(color=palette.ink, size=8.5)


def luminance(colour: Any) -> float:
    """Relative luminance of a colour, 0 to 1 (WCAG 2)."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def text_on(colour: Any) -> str:
    """Black or white, whichever reads better on a colour: at least 4.5 : 1 on any."""
    return "white" if luminance(colour) < 0.179 else "black"


def tint(colour: str, share: float = 0.15) -> str:
    """The paper with a little of a colour."""
    return to_hex(LinearSegmentedColormap.from_list("tint", [hue().paper, colour])(share))


# Dates


def days(dates: Any) -> Any:
    """Instants as matplotlib's days."""
    return mdates.date2num(np.asarray(dates, dtype="datetime64[s]"))


def date_axis(ax: Axes) -> None:
    """Short dates below."""
    locator = mdates.AutoDateLocator(minticks=3, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    formatter = mdates.ConciseDateFormatter(
        locator,
        formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S.%f"],
        zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
        offset_formats=["", "%Y", "%Y", "%d %b %Y", "%d %b %Y", "%d %b %Y"],
    )
    ax.xaxis.set_major_formatter(formatter)


def now_of(as_of: str) -> float:
    """The end of a bare date's day, or the instant, as matplotlib's days."""
    return float(days(day_of(as_of))) + (0.5 if "T" not in as_of else 0.0)


def now_line(ax: Axes, as_of: str, label: bool = True) -> None:
    """The line between what is known and what is forecast."""
    now = now_of(as_of)
    ax.axvline(now, color=hue().ink, lw=1, ls=(0, (3, 2)), zorder=5)
    if label:
        ax.annotate(
            "now", (now, 1), xycoords=("data", "axes fraction"), xytext=(2, 2), textcoords="offset points", size=8
        )


def percent_axis(axis: Axis) -> None:
    """Probabilities in percent, with no more digits than the ticks need."""
    axis.set_major_formatter(FuncFormatter(lambda p, _: f"{round(100 * p, 6) + 0.0:g}%"))


def rung_colours(n: int, ordered: bool = True) -> list[str]:
    """A colour for each rung, of the palette in use."""
    return colours.rung_colours(n, ordered, hue())
