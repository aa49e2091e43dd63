"""The time line of the developments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from .canvas import canvas, date_axis, days, hue, now_line, now_of
from .values import day_of

if TYPE_CHECKING:
    from .dossier import Development, Dossier
    from .model import Model

#: By kind: the marker, and the attribute of the palette.
MARKS = {
    "saw": ("o", "blue"),
    "never": ("X", "grey"),
    "moved": ("^", "red"),
    "counted": ("s", "green"),
    "measured": ("P", "green"),
    "likelihood": ("D", "amber"),
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
                ax.axhspan(top - 0.5, top + depth[name] - 0.5, color=hue().faint, lw=0, zorder=0)
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
            Line2D([], [], ls="", marker=MARKS[k][0], color=getattr(hue(), MARKS[k][1]), ms=6, label=MARK_WORDS[k])
            for k in kinds
        ]
        if handles:
            ax.legend(handles=handles, ncols=5, loc="upper left", bbox_to_anchor=(0, -0.35 / max(top * 0.24, 1)))
        else:
            ax.text(0.01, 0.5, "no dated development", transform=ax.transAxes, va="center", color=hue().dim)
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
    shape, colour = MARKS[d.kind][0], getattr(hue(), MARKS[d.kind][1])
    start, end = (days(day_of(date)) for date in d.span or ("", ""))
    known = days(day_of(d.reported or "1970-01-01"))
    if end > start:
        ax.plot([start, end], [y, y], color=colour, lw=5, alpha=0.3, solid_capstyle="round", zorder=2)
    if known > end:
        ax.plot([end, known], [y, y], color=colour, lw=0.8, zorder=2)
        ax.plot([known], [y], "|", color=colour, ms=7, zorder=3)
    times = d.to_dict()["counted"].get("at") if d.kind == "counted" else None
    points = [days(day_of(date)) for date in times] if times else [end]
    ax.plot(points, [y] * len(points), ls="", marker=shape, color=colour, ms=5.5, mec=hue().paper, mew=0.6, zorder=4)
    text = label_of(d)
    ax.annotate(
        text,
        (beside, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        size=7.2,
        color=hue().ink,
        style="italic" if weak(d) else "normal",
        zorder=6,
        path_effects=[withStroke(linewidth=2.5, foreground=hue().paper)],
    )
