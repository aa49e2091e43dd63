"""Pictures, in one style that colour-blind readers can tell apart. Needs matplotlib: ``pip install escalade[plot]``.

Each function takes ``ax=`` and returns the Axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from textwrap import shorten, wrap
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from . import _core
from ._core import SpecError
from .conflict import times
from .values import day_of, name_of, number_text, probability_text, wrong

if TYPE_CHECKING:
    from .attribution import Attribution
    from .comparison import Comparison
    from .conflict import Diagnosticity
    from .dossier import Development, Dossier
    from .model import Model
    from .pooling import Pool
    from .results import Answers, Forecast, Parameters, Rungs
    from .sensitivity import Tornado, TwoWay
    from .watch import WatchList
    from .worlds import PredictiveChecks

INK, GREY, PALE, FAINT = "#22303c", "#8a96a3", "#d5dbe1", "#f1f3f5"
BLUE, RED, GREEN, AMBER, PURPLE = "#0072b2", "#d55e00", "#009e73", "#e69f00", "#a4568b"
#: Unordered things, in turn (after Okabe and Ito 2008).
KINDS = (BLUE, AMBER, GREEN, PURPLE, "#56b4e9", RED)
#: Rungs from low to high: lightness falls all the way, so that it reads in grey as well.
CLIMB = LinearSegmentedColormap.from_list("climb", ["#e6ebee", "#f6d58c", "#ee9a4d", "#c9502f", "#6d1a36"])
#: Less to more, through what stays.
DIVERGE = LinearSegmentedColormap.from_list("diverge", [BLUE, "#9ac6e0", "#f6f6f4", "#efb48c", RED])
STYLE: Any = {
    "font.size": 9,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.dpi": 110,
    "savefig.bbox": "tight",
}


@contextmanager
def styled() -> Iterator[None]:
    """Our style, and no other setting touched: rc_context would undo what a notebook's backend sets when it wakes."""
    before = {key: mpl.rcParams[key] for key in STYLE}
    mpl.rcParams.update(STYLE)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


@contextmanager
def canvas(ax: Axes | None, width: float, height: float) -> Iterator[Axes]:
    """The Axes to draw on, in our style."""
    with styled():
        if ax is None:
            _, ax = plt.subplots(figsize=(width, height), layout="constrained")
        yield ax


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
    ax.axvline(now, color=INK, lw=1, ls=(0, (3, 2)), zorder=5)
    if label:
        ax.annotate(
            "now", (now, 1), xycoords=("data", "axes fraction"), xytext=(2, 2), textcoords="offset points", size=8
        )


def rung_colours(n: int, ordered: bool = True) -> list[str]:
    """A colour for each rung."""
    if not ordered:
        return [KINDS[i % len(KINDS)] for i in range(n)]
    return [to_hex(CLIMB(i / max(n - 1, 1))) for i in range(n)]


# The developments

MARKS = {
    "saw": ("o", BLUE),
    "never": ("X", GREY),
    "moved": ("^", RED),
    "counted": ("s", GREEN),
    "measured": ("P", GREEN),
    "likelihood": ("D", AMBER),
}
MARK_WORDS = {
    "saw": "seen",
    "never": "looked for, not seen",
    "moved": "move, exactly dated",
    "counted": "events counted",
    "measured": "number read",
    "likelihood": "uncertain reading",
}
CHARACTER = 0.058  # inches, a letter of a label's small print


def timeline(dossier: Dossier, model: Model | None = None, *, ax: Axes | None = None, width: float = 11.0) -> Axes:
    """The developments on a time line, a row for each driver, ladder or indicator that they bear on.

    A bar is a span, a thin line leads to the date of the report where that is later, and the dashed line is the
    dossier's ``as_of``. Italics mark a weak report: graded below C in its source, or below 2 in what it says.

    Parameters
    ----------
    dossier : Dossier
    model : Model, optional
        With it, what an indicator shows stands in the row of the ladder or driver that it tells of.
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.

    Returns
    -------
    Axes
    """
    dated = [d for d in dossier if d.span]
    rows: dict[str, list[Development]] = {}
    for d in sorted(dated, key=lambda d: str(day_of((d.span or ("", ""))[0]))):
        subject = d.subjects[0] if d.subjects else ""
        if model is not None and subject in model.indicators:
            subject = next(iter(model.indicators[subject].given), subject)
        rows.setdefault(subject, []).append(d)
    first = min((days(day_of(d.span[0])) for d in dated if d.span), default=days(day_of(dossier.as_of)) - 30.0)
    last = max([days(day_of(dossier.as_of)), *(days(day_of(d.reported or dossier.as_of)) for d in dated)])
    inch = (last - first) / (width * 0.72) if last > first else 1.0  # days of an inch of the axis
    now = now_of(dossier.as_of)
    lanes = {name: lanes_of(listed, inch, now) for name, listed in rows.items()}
    depth = {name: max(lane) + 1 for name, lane in lanes.items()}
    with canvas(ax, width, 0.9 + 0.24 * max(sum(depth.values()), 1)) as ax:
        top, ticks = 0, []
        for i, (name, listed) in enumerate(rows.items()):
            if i % 2 == 0:
                ax.axhspan(top - 0.5, top + depth[name] - 0.5, color=FAINT, lw=0, zorder=0)
            for d, lane in zip(listed, lanes[name], strict=True):
                mark(ax, d, top + lane, label_start(d, inch, now))
            ticks.append(top + (depth[name] - 1) / 2)
            top += depth[name]
        ax.set_yticks(ticks, [name.replace("_", " ") for name in rows])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(max(top, 1) - 0.5, -0.5)
        ends = [label_start(d, inch, now) + (0.2 + CHARACTER * len(label_of(d))) * inch for d in dated]
        ax.set_xlim(first - 0.15 * inch, max([last + 0.3 * inch, now + 0.3 * inch, *ends]))
        ax.spines["left"].set_visible(False)
        date_axis(ax)
        now_line(ax, dossier.as_of)
        kinds = [kind for kind in MARKS if any(d.kind == kind for d in dated)]
        handles = [
            Line2D([], [], ls="", marker=MARKS[k][0], color=MARKS[k][1], ms=6, label=MARK_WORDS[k]) for k in kinds
        ]
        if handles:
            ax.legend(handles=handles, ncols=5, loc="upper left", bbox_to_anchor=(0, -0.35 / max(top * 0.24, 1)))
        else:
            ax.text(0.01, 0.5, "no dated development", transform=ax.transAxes, va="center", color=GREY)
        ax.set_title(dossier.name or "Developments")
    return ax


def lanes_of(listed: list[Development], inch: float, now: float) -> list[int]:
    """A lane for each development of a row, such that no label runs into the next mark."""
    free: list[float] = []
    out = []
    for d in listed:
        start = days(day_of((d.span or ("", ""))[0]))
        needs = label_start(d, inch, now) + (0.25 + CHARACTER * len(label_of(d))) * inch
        lane = next((i for i, until in enumerate(free) if until <= start - 0.1 * inch), len(free))
        free[lane : lane + 1] = [needs]
        out.append(lane)
    return out


def label_start(d: Development, inch: float, now: float) -> float:
    """Where a development's label begins: after its last mark, or beyond the line of now where it would cross it."""
    last = max(float(days(day_of(date))) for date in ((d.span or ("1970-01-01",))[-1], d.reported or "1970-01-01"))
    crosses = last <= now < last + (0.1 + CHARACTER * len(label_of(d))) * inch
    return now if crosses else last


def label_of(d: Development) -> str:
    """A development's name and grade."""
    return d.id.replace("-", " ") + (f" ({d.grade})" if d.grade else "")


def weak(d: Development) -> bool:
    """Whether its grade is C3 or worse: a source below C, or content below 2."""
    return bool(d.grade) and (d.grade[0] > "C" or d.grade[1] > "2")


def mark(ax: Axes, d: Development, y: float, beside: float) -> None:
    """One development in its lane, its label `beside`."""
    shape, colour = MARKS[d.kind]
    start, end = (days(day_of(date)) for date in d.span or ("", ""))
    known = days(day_of(d.reported or "1970-01-01"))
    if end > start:
        ax.plot([start, end], [y, y], color=colour, lw=5, alpha=0.3, solid_capstyle="round", zorder=2)
    if known > end:
        ax.plot([end, known], [y, y], color=colour, lw=0.8, zorder=2)
        ax.plot([known], [y], "|", color=colour, ms=7, zorder=3)
    times = d.to_dict()["counted"].get("at") if d.kind == "counted" else None
    points = [days(day_of(date)) for date in times] if times else [end]
    ax.plot(points, [y] * len(points), ls="", marker=shape, color=colour, ms=5.5, mec="white", mew=0.6, zorder=4)
    text = label_of(d)
    ax.annotate(
        text,
        (beside, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        size=7.2,
        color=INK,
        style="italic" if weak(d) else "normal",
        zorder=6,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )


# The forecast


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
            ax.stackplot(x, rungs.mean.T, colors=colours, lw=0.6, edgecolor="white")
            ax.set_ylim(0, 1)
        elif kind == "lines":
            for r, rung in enumerate(rungs.rungs):
                colour = colours[r] if not rungs.ordered or r else GREY
                ax.fill_between(x, rungs.low[:, r], rungs.high[:, r], color=colour, alpha=0.22, lw=0)
                ax.plot(x, rungs.mean[:, r], color=colour, lw=1.6, label=rung)
            ax.set_ylim(0, None)
        else:
            raise wrong("kind", kind, "'stack' or 'lines'")
        ax.set_xlim(x[0], x[-1])
        ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        date_axis(ax)
        now_line(ax, forecast.as_of)
        ax.set_title(name_of(ladder).replace("_", " "), pad=12)
        if labels:
            name_rungs(ax, rungs, colours if kind == "stack" else [GREY, *colours[1:]], stacked=kind == "stack")
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
    for height, r in zip(heights, order, strict=True):
        where: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        ax.annotate("■", (1, height), xytext=(5, 0), color=colours[r], size=9, annotation_clip=False, **where)
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


# The answers


def answers(answers: Answers, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """A dot and an interval for each answer, over the bands of the yardstick's words.

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
        for word, low, high in _core.yardstick():
            ax.axvspan(low, high, color=FAINT, lw=0, zorder=0)
            ax.annotate(
                word,
                ((low + high) / 2, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                rotation=28,
                ha="left",
                size=7.2,
                color=GREY,
            )
        ax.hlines(y, answers.low, answers.high, color=BLUE, lw=3, alpha=0.35)
        ax.plot(answers.mode, y, "|", color=BLUE, ms=8)
        ax.plot(answers.probability, y, "o", color=BLUE, ms=6, mec="white", mew=0.8)
        for i, p in enumerate(answers.probability.tolist()):
            right = np.nanmax([p, answers.high[i]])
            beside: Any = {"xytext": (7, 0), "ha": "left"} if right < 0.85 else {"xytext": (-7, 0), "ha": "right"}
            spot = right if right < 0.85 else np.nanmin([p, answers.low[i]])
            ax.annotate(probability_text(p), (spot, i), textcoords="offset points", va="center", size=8, **beside)
        ax.set_yticks(y, ["\n".join(wrap(name, 52)) for name in answers.name])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(n - 0.4, -0.6)
        ax.set_xlim(0, 1)
        ax.spines["left"].set_visible(False)
        ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        level = "" if np.isnan(answers.low).all() else f", {answers.level:.0%} interval; tick: at the mode"
        ax.set_xlabel(f"probability, as of {answers.as_of}{level}")
    return ax


# Explanations


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
        colours = np.where(moves >= 0, RED, BLUE)
        ax.barh(y, moves, left=befores, color=colours, height=0.62)
        for k in range(n):
            ax.plot([ends[k]] * 2, [y[k] - 0.31, y[k] + 1.31], color=GREY, lw=0.7)
        ax.plot([begin, begin], [-0.31, 1.31], color=GREY, lw=0.7)
        ax.plot([begin, end], [0, n + 1], "o", color=INK, ms=5)
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
        ax.imshow(logs, cmap=DIVERGE, vmin=-most, vmax=most, aspect="auto")
        for row, column in np.ndindex(*logs.shape):
            x = float(logs[row, column])
            label = "" if abs(x) < UNTOLD else times(x)
            colour = "white" if abs(x) > 0.6 * most else INK
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
            ax.hlines(y, min(ends), max(ends), color=PALE, lw=3, zorder=1)
            for p, chance, _ in seen:
                colour = RED if p > watched.probability else BLUE
                ax.scatter([p], [y], s=20 + 220 * chance, color=colour, alpha=0.85, lw=0, zorder=3)
            for p, _, value in (min(seen), max(seen)):
                left = p == min(ends)
                beside: Any = {"xytext": (-9, 0), "ha": "right"} if left else {"xytext": (9, 0), "ha": "left"}
                label = shorten(value, 26, placeholder="…")
                ax.annotate(label, (p, y), textcoords="offset points", va="center", size=7, color=GREY, **beside)
        ax.axvline(watched.probability, color=INK, lw=1, zorder=2)
        names = [f"{s.name.replace('_', ' ')}{f', {s.date}' if s.date else ''}  ({s.bits:.2g} bits)" for s in best]
        ax.set_yticks(range(len(best)), names, size=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(best) - 0.4, -0.6)
        ax.spines["left"].set_visible(False)
        low, high = ax.get_xlim()
        ax.set_xlim(low - 0.22 * (high - low), high + 0.22 * (high - low))
        ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
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
    with canvas(ax, width, 1.2 + 0.27 * len(rows)) as ax:
        for y, k in enumerate(rows):
            for end, colour in ((table.at_low[k], BLUE), (table.at_high[k], RED)):
                ax.barh(y, end - table.probability, left=table.probability, color=colour, height=0.6)
            left = table.at_low[k] <= table.at_high[k]
            ends = [(table.at_low[k], table.low[k], left), (table.at_high[k], table.high[k], not left)]
            for place, value, on_left in ends:
                beside: Any = {"xytext": (-3, 0), "ha": "right"} if on_left else {"xytext": (3, 0), "ha": "left"}
                label = number_text(float(value))
                ax.annotate(label, (place, y), textcoords="offset points", va="center", size=7, color=GREY, **beside)
        ax.axvline(table.probability, color=INK, lw=1)
        names = [f"{table.number[k]}" for k in rows]
        ax.set_yticks(range(len(rows)), [shorten(name, 60, placeholder="…") for name in names], size=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.spines["left"].set_visible(False)
        low, high = ax.get_xlim()
        room = 0.08 * (high - low)
        ax.set_xlim(low - room, high + room)
        ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        ax.set_title(shorten(table.question, 80, placeholder="…"))
        ax.set_xlabel("probability at the low (blue) and the high (red) end of what is believed of each number")
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
        levels = np.linspace(0, 1, 21)
        ax.contourf(table.second, table.first, table.probability, levels=levels, cmap=CLIMB)
        lines = ax.contour(
            table.second, table.first, table.probability, levels=levels[1:-1:2], colors="white", linewidths=0.8
        )
        ax.clabel(lines, fmt=lambda p: f"{p:.0%}", fontsize=7)
        for axis, values, unit in (("x", table.second, table.units[1]), ("y", table.first, table.units[0])):
            if unit in ("per month", "times") and values.min() > 0:
                getattr(ax, f"set_{axis}scale")("log")
                ticks = np.geomspace(values.min(), values.max(), 5)
                getattr(ax, f"set_{axis}ticks")(ticks, [number_text(float(x)) for x in ticks])
                getattr(ax, f"set_{axis}ticks")([], minor=True)
        ax.set_ylabel("\n".join(wrap(f"{table.names[0]} ({table.units[0]})", 48)))
        ax.set_xlabel("\n".join(wrap(f"{table.names[1]} ({table.units[1]})", 64)))
        ax.set_title(shorten(table.question, 60, placeholder="…"))
    return ax


def logit_axis(ax: Axes) -> None:
    """Probabilities at their log-odds."""
    low, high = ax.get_xlim()
    marks = [0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999]
    places = [(float(np.log(p / (1 - p))), p) for p in marks]
    inside = [(place, p) for place, p in places if low <= place <= high]
    if len(inside) < 2:
        about = 1 / (1 + np.exp(-np.linspace(low, high, 5)[1:-1]))
        inside = [(float(np.log(p / (1 - p))), p) for p in np.unique(about.round(2)) if 0 < p < 1]
    ax.set_xticks([place for place, _ in inside], [f"{100 * p:g}%" for _, p in inside])


# Scenarios and checks


def comparison(table: Comparison, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """Scenarios below each other, questions side by side: the answer in each cell, coloured by how far it moved.

    Parameters
    ----------
    table : Comparison
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    rows, columns = table.probability.shape
    most = max(float(np.nanmax(np.abs(table.difference), initial=0.0)), 0.05)
    with canvas(ax, width, 1.4 + 0.34 * rows) as ax:
        ax.imshow(table.difference, cmap=DIVERGE, vmin=-most, vmax=most, aspect="auto")
        for row, column in np.ndindex(rows, columns):
            moved = table.difference[row, column]
            points = f"  {100 * moved:+.0f}" if row else ""
            dark = abs(moved) > 0.6 * most
            ax.annotate(
                f"{probability_text(float(table.probability[row, column]))}{points}",
                (column, row),
                ha="center",
                va="center",
                size=8,
                color="white" if dark else INK,
            )
        ax.set_yticks(range(rows), ["\n".join(wrap(name, 48)) for name in table.scenario])
        ax.set_xticks(range(columns), ["\n".join(wrap(name, 18)) for name in table.question])
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
        ax.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
        ax.grid(which="minor", color="white", lw=2)
        ax.tick_params(which="minor", length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.set_xlabel(f"probability, and percentage points from '{table.scenario[0]}'")
    return ax


def pool(table: Pool, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """What each head says of each question, as small dots, and the pool of them as a large one.

    Parameters
    ----------
    table : Pool
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    rows = len(table.question)
    with canvas(ax, width, 1.5 + 0.34 * rows) as ax:
        for q, column in enumerate(table.answer.T):
            ax.hlines(q, np.nanmin(column), np.nanmax(column), color=PALE, lw=3, zorder=1)
        for h, head in enumerate(table.head):
            colour, marker = KINDS[h % len(KINDS)], "osD^v<>P"[h // len(KINDS) % 8]
            ax.scatter(table.answer[h], range(rows), s=26, color=colour, marker=marker, lw=0, zorder=3, label=head)
        ax.scatter(table.probability, range(rows), s=110, facecolor="none", edgecolor=INK, lw=1.6, zorder=4)
        for q, p in enumerate(table.probability.tolist()):
            ax.annotate(probability_text(p), (1.02, q), xycoords=("axes fraction", "data"), va="center", size=8)
        ax.set_yticks(range(rows), ["\n".join(wrap(name, 44)) for name in table.question])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(rows - 0.4, -0.6)
        ax.set_xlim(-0.02, 1.02)
        ax.set_xticks(np.linspace(0, 1, 6), [f"{100 * p:.0f}%" for p in np.linspace(0, 1, 6)])
        ax.spines["left"].set_visible(False)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2, handletextpad=0.2)
        ax.set_xlabel("probability; the ring is the pool")
    return ax


def checks(table: PredictiveChecks, *, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """How many worlds tell what each development told, the strangest above.

    Parameters
    ----------
    table : PredictiveChecks
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    share = np.fmin(table.same, table.tail)
    order = [k for k in np.argsort(share, kind="stable") if not np.isnan(share[k])]
    with canvas(ax, width, 1.0 + 0.22 * len(order)) as ax:
        strange = set(table.strange)
        colours = [RED if table.id[k] in strange else BLUE for k in order]
        y = np.arange(len(order))
        ax.hlines(y, 0, share[order], color=colours, lw=2, alpha=0.4)
        ax.scatter(share[order], y, color=colours, s=22, zorder=3)
        ax.axvline(0.05, color=GREY, lw=0.8, ls=(0, (3, 2)))
        ax.set_yticks(y, [shorten(table.says[k], 60, placeholder="…") for k in order], size=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(order) - 0.4, -0.6)
        ax.set_xlim(0, 1)
        ax.spines["left"].set_visible(False)
        ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        ax.set_xlabel("worlds that tell the same (of counts and numbers: two-sided tail); dashed: 5%")
    return ax


# The parameters

NINETY = 1.6449  # standard deviations to either side that hold nine tenths of a normal law


def parameters(parameters: Parameters, *, top: int = 30, ax: Axes | None = None, width: float = 9.0) -> Axes:
    """How far each parameter moved from its prior, in prior standard deviations, those that moved most first.

    The grey band is what the prior held with 90 %, the blue one what the posterior holds. A blue band that fills the
    grey one is judgement: the developments said nothing about it.

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
    rows = [row for row in parameters.rows if not row.get("fixed") and row.get("moved") is not None]
    if not rows:
        raise SpecError("these parameters were not fitted, or are all fixed; expected fit.parameters()")
    rows = sorted(rows, key=lambda row: -abs(row["moved"]))[:top]
    y = np.arange(len(rows))
    moved = np.array([row["moved"] for row in rows])
    half = NINETY * np.array([max(1 - row["shrink"], 0.0) for row in rows])
    with canvas(ax, width, 1.0 + 0.24 * len(rows)) as ax:
        ax.axvspan(-NINETY, NINETY, color=FAINT, lw=0, zorder=0)
        ax.axvline(0, color=PALE, lw=1, zorder=1)
        ax.hlines(y, moved - half, moved + half, color=BLUE, lw=3, alpha=0.35)
        ax.plot(moved, y, "o", color=BLUE, ms=5, mec="white", mew=0.8)
        edge = max(2.6, float(np.max(np.abs(moved) + half)) + 0.2)
        for i, row in enumerate(rows):
            ax.annotate(change_text(row), (edge, i), xytext=(4, 0), textcoords="offset points", va="center", size=7)
        ax.set_yticks(y, ["\n".join(wrap(shorten(row["name"], 118), 62)) for row in rows], fontsize=7.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_xlim(-edge, edge)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("prior standard deviations; grey: the prior's 90 %, blue: the posterior's")
    return ax


def change_text(row: Mapping[str, Any]) -> str:
    """A parameter before and after."""
    if isinstance(row["value"], list):
        return "a row of a table"
    unit = " a month" if row["unit"] == "per month" else ""
    return f"{number_text(row['value'])} → {number_text(row['mode'])}{unit}"


def __getattr__(name: str) -> Any:
    """The pictures of a model, of a replay and of spans live in files of their own."""
    if name == "network":
        from .picture import network

        return network
    if name == "replay":
        from .replay_plot import replay

        return replay
    if name in ("passage", "counts", "time_law"):
        from . import spans_plot

        return getattr(spans_plot, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
