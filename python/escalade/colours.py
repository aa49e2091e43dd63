"""The colours of pictures and pages: a light and a dark palette, which colour-blind readers can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.colors import LinearSegmentedColormap


@dataclass(frozen=True)
class Palette:
    """The colours of a style; text is `ink` or `dim`, with a contrast of at least 4.5 : 1 on `paper` and `faint`."""

    paper: str
    ink: str
    dim: str  #: text that matters less
    grey: str  #: lines
    pale: str  #: broad lines behind others
    faint: str  #: areas
    #: After Okabe and Ito 2008.
    blue: str
    red: str
    green: str
    amber: str
    purple: str
    sky: str
    ramp: tuple[str, ...]  #: from low to high: lightness goes one way, so that it reads in grey as well
    less: tuple[str, ...]  #: from less to more, through what stays

    @property
    def kinds(self) -> tuple[str, ...]:
        """Unordered things, in turn."""
        return (self.blue, self.amber, self.green, self.purple, self.sky, self.red)

    @property
    def climb(self) -> LinearSegmentedColormap:
        """Rungs from low to high, as matplotlib's map."""
        from matplotlib.colors import LinearSegmentedColormap

        return LinearSegmentedColormap.from_list("climb", self.ramp)

    @property
    def diverge(self) -> LinearSegmentedColormap:
        """Less to more, through what stays, as matplotlib's map."""
        from matplotlib.colors import LinearSegmentedColormap

        return LinearSegmentedColormap.from_list("diverge", self.less)


PALETTES = {
    "light": Palette(
        paper="#ffffff",
        ink="#22303c",
        dim="#5d6975",
        grey="#8a96a3",
        pale="#d5dbe1",
        faint="#f1f3f5",
        blue="#0072b2",
        red="#d55e00",
        green="#009e73",
        amber="#e69f00",
        purple="#a4568b",
        sky="#56b4e9",
        ramp=("#e6ebee", "#f6d58c", "#ee9a4d", "#c9502f", "#6d1a36"),
        less=("#0072b2", "#9ac6e0", "#f6f6f4", "#efb48c", "#d55e00"),
    ),
    "dark": Palette(
        paper="#151b21",
        ink="#e6ebf0",
        dim="#a5b1bd",
        grey="#76838f",
        pale="#3b4752",
        faint="#1f2831",
        blue="#56b4e9",
        red="#f28544",
        green="#35c49a",
        amber="#f0c75e",
        purple="#d596c8",
        sky="#b9e0f7",
        ramp=("#2f3d4a", "#6a3a52", "#b5484c", "#ee8344", "#ffdb96"),
        less=("#56b4e9", "#2c6689", "#222c35", "#8a4c27", "#f28544"),
    ),
}


def rung_colours(n: int, ordered: bool = True, palette: Palette = PALETTES["light"]) -> list[str]:
    """A colour for each rung: of ordered ones evenly along the palette's ramp.

    >>> rung_colours(2), rung_colours(2, ordered=False)
    (['#e6ebee', '#6d1a36'], ['#0072b2', '#e69f00'])
    """
    if not ordered:
        return [palette.kinds[i % len(palette.kinds)] for i in range(n)]
    return [between(palette.ramp, i / max(n - 1, 1)) for i in range(n)]


def between(stops: tuple[str, ...], x: float) -> str:
    """The colour at x, 0 to 1, of those that stand evenly apart.

    >>> between(("#000000", "#ffffff"), 0.5)
    '#808080'
    """
    place = x * (len(stops) - 1)
    first = min(int(place), len(stops) - 2)
    parts = [[int(stop[k : k + 2], 16) for k in (1, 3, 5)] for stop in stops[first : first + 2]]
    return "#" + "".join(f"{round(a + (b - a) * (place - first)):02x}" for a, b in zip(*parts, strict=True))
