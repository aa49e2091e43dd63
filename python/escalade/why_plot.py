"""Pictures of why an answer is what it is, and of what to look for."""

from __future__ import annotations

from textwrap import shorten, wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from .canvas import canvas, hue, percent_axis, text_on
from .conflict import times
from .values import number_text, probability_text, wrong
from .words import expit, logit

if TYPE_CHECKING:
    from .attribution import Attribution
    from .conflict import Diagnosticity
    from .sensitivity import Tornado, TwoWay
    from .watch import WatchList

UNSEEN = 0.01  # of the widest move
UNTOLD = 0.05  # of a log factor: about ×1.05


def waterfall(why: Attribution, *, kind: str = "arrival", ax: Axes | None = None, width: float = 9.0) -> Axes:
    """From the answer without developments to the answer now, step by step.

    Parameters
    ----------
    why : Attribution
    kind : {"arrival", "share"}
        As the developments became known, or by Shapley's shares, the largest first.
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    if kind not in ("arrival", "share"):
        raise wrong("kind", kind, "'arrival' or 'share'")
    if kind == "share" and np.isnan(why.share).any():
        raise wrong("kind", kind, "'arrival': this explanation has no shares (orders=0)")
    on_logit = why.scale == "log-odds"
    if kind == "arrival":
        names = [f"{date}  {', '.join(ids)}" for date, ids, *_ in why.arrivals]
        places = [logit if on_logit else p for *_, p, logit in why.arrivals]
    else:
        order = np.argsort(-np.abs(why.share), kind="stable")
        names = [why.player[k] for k in order]
        begin = why.before_logit if on_logit else why.before
        places = (begin + np.cumsum(why.share[order])).tolist()
    begin, end = (why.before_logit, why.now_logit) if on_logit else (why.before, why.now)
    ends = np.array(places, dtype=float)
    befores = np.concatenate([[begin], ends[:-1]]) if len(ends) else ends
    moves = ends - befores
    # What moves it by next to nothing would only lengthen the picture.
    seen = np.abs(moves) >= UNSEEN * np.abs(moves).max(initial=0.0)
    hidden = int((~seen).sum())
    names, ends, befores, moves = (
        [x for x, s in zip(names, seen, strict=True) if s],
        ends[seen],
        befores[seen],
        moves[seen],
    )
    n = len(names)
    with canvas(ax, width, 1.2 + 0.24 * (n + 2)) as ax:
        y = np.arange(1, n + 1)
        colours = np.where(moves >= 0, hue().red, hue().blue)
        ax.barh(y, moves, left=befores, color=colours, height=0.62)
        for k in range(n):
            ax.plot([ends[k]] * 2, [y[k] - 0.31, y[k] + 1.31], color=hue().grey, lw=0.7)
        ax.plot([begin, begin], [-0.31, 1.31], color=hue().grey, lw=0.7)
        ax.plot([begin, end], [0, n + 1], "o", color=hue().ink, ms=5)
        for at, place, p in ((0, begin, why.before), (n + 1, end, why.now)):
            ax.annotate(
                probability_text(p), (place, at), xytext=(7, 0), textcoords="offset points", va="center", size=8
            )
        shown = [shorten(name, 58, placeholder="…") for name in names]
        ax.set_yticks(range(n + 2), ["before any of them", *shown, "now"], size=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(n + 1.7, -0.7)
        ax.spines["left"].set_visible(False)
        ax.set_title(shorten(why.question, 80, placeholder="…"))
        # The bars' left ends are sticky, so margins would not hold; the answers' labels need room on the right.
        reach = np.concatenate([[begin, end], befores, ends])
        room = max(float(np.ptp(reach)), 1e-3)
        ax.set_xlim(float(reach.min()) - 0.03 * room, float(reach.max()) + 0.09 * room)
        if on_logit:
            logit_axis(ax)
        rest = f"\n{hidden} that hardly move it are not shown" if hidden else ""
        ax.set_xlabel(f"probability{', on the scale of log-odds' if on_logit else ''}; red raises, blue lowers{rest}")
    return ax


def diagnosticity(table: Diagnosticity, *, ax: Axes | None = None, width: float = 8.0) -> Axes:
    """Developments below each other, hypotheses side by side: by what each multiplies the odds.

    Parameters
    ----------
    table : Diagnosticity
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    order = [table.id.index(id) for id in table.diagnostic]
    # What tells no hypothesis from another would only lengthen the picture.
    told = [k for k in order if np.nanmax(np.abs(table.given_rest[k]), initial=0.0) >= UNTOLD]
    hidden = len(order) - len(told)
    order = told or order[:1]
    logs = table.given_rest[order]
    most = max(float(np.nanmax(np.abs(logs), initial=0.0)), np.log(2))
    with canvas(ax, width, 1.7 + 0.26 * len(order)) as ax:
        ax.imshow(logs, cmap=hue().diverge, vmin=-most, vmax=most, aspect="auto")
        for row, column in np.ndindex(*logs.shape):
            x = float(logs[row, column])
            label = "" if abs(x) < UNTOLD else times(x)
            colour = text_on(hue().diverge(0.5 + x / (2 * most)))
            ax.annotate(label, (column, row), ha="center", va="center", size=7.5, color=colour)
        ax.set_yticks(range(len(order)), [shorten(table.says[k], 60, placeholder="…") for k in order], size=7.5)
        heads = zip(table.hypotheses, table.now.tolist(), strict=True)
        ax.set_xticks(
            range(len(table.now)), ["\n".join(wrap(f"{name} {probability_text(p)}", 16)) for name, p in heads]
        )
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        rest = f"\n{hidden} that tell them hardly apart are not shown" if hidden else ""
        ax.set_xlabel(f"factor on the odds of each hypothesis, given all else{rest}")
    return ax


def watch(watched: WatchList, *, top: int = 12, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """What each thing to look at would make of the answer, on its most telling date: dots as large as their chance.

    Parameters
    ----------
    watched : WatchList
    top : int
        How many.
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    best = watched.best()[:top]
    with canvas(ax, width, 1.2 + 0.36 * len(best)) as ax:
        for y, sight in enumerate(best):
            seen = [(p, c, v) for p, c, v in zip(sight.answer, sight.chance, sight.values, strict=True) if c > 0]
            ends = [p for p, *_ in seen]
            ax.hlines(y, min(ends), max(ends), color=hue().pale, lw=3, zorder=1)
            for p, chance, _ in seen:
                colour = hue().red if p > watched.probability else hue().blue
                ax.scatter([p], [y], s=20 + 220 * chance, color=colour, alpha=0.85, lw=0, zorder=3)
            for p, _, value in (min(seen), max(seen)):
                left = p == min(ends)
                beside: Any = {"xytext": (-9, 0), "ha": "right"} if left else {"xytext": (9, 0), "ha": "left"}
                label = shorten(value, 26, placeholder="…")
                ax.annotate(label, (p, y), textcoords="offset points", va="center", size=7, color=hue().dim, **beside)
        ax.axvline(watched.probability, color=hue().ink, lw=1, zorder=2)
        names = [f"{s.name.replace('_', ' ')}{f', {s.date}' if s.date else ''}  ({s.bits:.2g} bits)" for s in best]
        ax.set_yticks(range(len(best)), names, size=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(best) - 0.4, -0.6)
        ax.spines["left"].set_visible(False)
        low, high = ax.get_xlim()
        ax.set_xlim(low - 0.22 * (high - low), high + 0.22 * (high - low))
        percent_axis(ax.xaxis)
        ax.set_title(shorten(watched.question, 80, placeholder="…"))
        ax.set_xlabel("probability if it is seen; larger dots are likelier, the line is now")
    return ax


def tornado(table: Tornado, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """The answer from one end of what is believed of each number to the other, the widest above.

    Parameters
    ----------
    table : Tornado
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    rows = [k for k in range(len(table)) if not np.isnan(table.at_low[k])]
    rows.sort(key=lambda k: -abs(table.at_high[k] - table.at_low[k]))
    # What moves it by next to nothing would only lengthen the picture.
    wide = np.abs(table.at_high - table.at_low)
    seen = [k for k in rows if wide[k] >= UNSEEN * wide[rows].max()]
    hidden, rows = len(rows) - len(seen), seen
    with canvas(ax, width, 1.2 + 0.27 * len(rows)) as ax:
        for y, k in enumerate(rows):
            for end, colour in ((table.at_low[k], hue().blue), (table.at_high[k], hue().red)):
                ax.barh(y, end - table.probability, left=table.probability, color=colour, height=0.6)
            ends = sorted([(table.at_low[k], table.low[k]), (table.at_high[k], table.high[k])])
            # Beyond the bars, on whichever side of the middle they are.
            left, right = min(ends[0][0], table.probability), max(ends[1][0], table.probability)
            small: Any = {"textcoords": "offset points", "va": "center", "size": 7, "color": hue().dim}
            ax.annotate(number_text(float(ends[0][1])), (left, y), xytext=(-3, 0), ha="right", **small)
            ax.annotate(number_text(float(ends[1][1])), (right, y), xytext=(3, 0), ha="left", **small)
        ax.axvline(table.probability, color=hue().ink, lw=1)
        names = [f"{table.number[k]}" for k in rows]
        ax.set_yticks(range(len(rows)), [shorten(name, 60, placeholder="…") for name in names], size=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.spines["left"].set_visible(False)
        low, high = ax.get_xlim()
        room = 0.08 * (high - low)
        ax.set_xlim(low - room, high + room)
        percent_axis(ax.xaxis)
        ax.set_title(shorten(table.question, 80, placeholder="…"))
        rest = f"\n{hidden} that hardly move it are not shown" if hidden else ""
        ax.set_xlabel(f"probability at the low (blue) and the high (red) end of what is believed of each number{rest}")
    return ax


def two_way(table: TwoWay, *, ax: Axes | None = None, width: float = 6.0) -> Axes:
    """The answer over two numbers, with lines of equal probability; logarithmic where the numbers are positive.

    Parameters
    ----------
    table : TwoWay
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    with canvas(ax, width, 0.75 * width) as ax:
        levels: Any = MaxNLocator(8).tick_values(
            float(np.nanmin(table.probability)), float(np.nanmax(table.probability))
        )
        ground = [hue().climb(p) for p in (levels[:-1] + levels[1:]) / 2]
        ax.contourf(table.second, table.first, table.probability, levels=levels, colors=ground)
        inks = [text_on(hue().climb(p)) for p in levels]
        lines = ax.contour(table.second, table.first, table.probability, levels=levels, colors=inks, linewidths=0.8)
        for axis, values, unit in (("x", table.second, table.units[1]), ("y", table.first, table.units[0])):
            if unit in ("per month", "times") and values.min() > 0:
                getattr(ax, f"set_{axis}scale")("log")
                ticks = np.geomspace(values.min(), values.max(), 5)
                getattr(ax, f"set_{axis}ticks")(ticks, [number_text(float(x)) for x in ticks])
                getattr(ax, f"set_{axis}ticks")([], minor=True)
        for label in ax.clabel(lines, fmt=lambda p: f"{100 * p:.3g}%", fontsize=7, inline=False):
            place = ax.transAxes.inverted().transform(ax.transData.transform(label.get_position()))
            label.set_visible(bool(np.all(np.abs(place - 0.5) < 0.46)))  # at the edge it would be cut
            own = hue().climb(float(label.get_text().rstrip("%")) / 100)
            label.set_path_effects([withStroke(linewidth=2, foreground=own)])
        ax.set_ylabel("\n".join(wrap(f"{table.names[0]} ({table.units[0]})", 48)))
        ax.set_xlabel("\n".join(wrap(f"{table.names[1]} ({table.units[1]})", 64)))
        ax.set_title(shorten(table.question, 60, placeholder="…"))
    return ax


def logit_axis(ax: Axes) -> None:
    """Probabilities at their log-odds."""
    low, high = ax.get_xlim()
    marks = [0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999]
    places = [(float(logit(p)), p) for p in marks]
    inside = [(place, p) for place, p in places if low <= place <= high]
    if len(inside) < 2:
        about = expit(np.linspace(low, high, 5)[1:-1])
        inside = [(float(logit(p)), p) for p in np.unique(about.round(2)) if 0 < p < 1]
    ax.set_xticks([place for place, _ in inside], [f"{100 * p:g}%" for _, p in inside])
