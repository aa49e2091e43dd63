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
from .values import day_of, name_of, number_text, probability_text, wrong

if TYPE_CHECKING:
    from .dossier import Development, Dossier
    from .model import Model
    from .results import Answers, Forecast, Parameters, Rungs

INK, GREY, PALE, FAINT = "#22303c", "#8a96a3", "#d5dbe1", "#f1f3f5"
BLUE, RED, GREEN, AMBER, PURPLE = "#0072b2", "#d55e00", "#009e73", "#e69f00", "#a4568b"
#: Unordered things, in turn (after Okabe and Ito 2008).
KINDS = (BLUE, AMBER, GREEN, PURPLE, "#56b4e9", RED)
#: Rungs from low to high: lightness falls all the way, so that it reads in grey as well.
CLIMB = LinearSegmentedColormap.from_list("climb", ["#e6ebee", "#f6d58c", "#ee9a4d", "#c9502f", "#6d1a36"])
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
    """The pictures of a model and of spans live in files of their own."""
    if name == "network":
        from .picture import network

        return network
    if name in ("passage", "counts", "time_law"):
        from . import spans_plot

        return getattr(spans_plot, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
