"""The colours of pictures and pages, which colour-blind readers can tell apart."""

from __future__ import annotations

INK, GREY, PALE, FAINT = "#22303c", "#8a96a3", "#d5dbe1", "#f1f3f5"
BLUE, RED, GREEN, AMBER, PURPLE = "#0072b2", "#d55e00", "#009e73", "#e69f00", "#a4568b"
#: Unordered things, in turn (after Okabe and Ito 2008).
KINDS = (BLUE, AMBER, GREEN, PURPLE, "#56b4e9", RED)
#: Rungs from low to high: lightness falls all the way, so that it reads in grey as well.
CLIMB = ("#e6ebee", "#f6d58c", "#ee9a4d", "#c9502f", "#6d1a36")


def rung_colours(n: int, ordered: bool = True) -> list[str]:
    """A colour for each rung: of ordered ones evenly along :data:`CLIMB`.

    >>> rung_colours(2), rung_colours(2, ordered=False)
    (['#e6ebee', '#6d1a36'], ['#0072b2', '#e69f00'])
    """
    if not ordered:
        return [KINDS[i % len(KINDS)] for i in range(n)]
    return [between(CLIMB, i / max(n - 1, 1)) for i in range(n)]


def between(stops: tuple[str, ...], x: float) -> str:
    """The colour at x, 0 to 1, of those that stand evenly apart.

    >>> between(("#000000", "#ffffff"), 0.5)
    '#808080'
    """
    place = x * (len(stops) - 1)
    first = min(int(place), len(stops) - 2)
    parts = [[int(stop[k : k + 2], 16) for k in (1, 3, 5)] for stop in stops[first : first + 2]]
    return "#" + "".join(f"{round(a + (b - a) * (place - first)):02x}" for a, b in zip(*parts, strict=True))
