"""The picture of a replay: a line a question over the days, with its interval, and when developments became known."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import shorten, wrap
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from .canvas import canvas, date_axis, days, hue
from .values import day_of, place_of, probability_text

if TYPE_CHECKING:
    from .replay import Replay

BANDS = 3  # lines whose intervals can still be told apart
MOST = 5  # lines where none are named: more cannot be told apart


def replay(
    replay: Replay, *, questions: Iterable[Any] | None = None, ax: Axes | None = None, width: float = 9.0
) -> Axes:
    """What would have been said over the days, and below, how many developments became known on each.

    Intervals are drawn of up to three questions.

    Parameters
    ----------
    replay : Replay
    questions : list of Question or str, optional
        Which; by default the five that moved most.
    ax : Axes, optional
    width : float
        Inches, where no `ax` is given.
    """
    named = None if questions is None else [place_of(q, replay.question, "question") for q in questions]
    if named is None:
        p = replay.probability
        seen = ~np.isnan(p).all(axis=0)
        moved = np.where(seen, np.nanmax(np.where(seen, p, 0), axis=0) - np.nanmin(np.where(seen, p, 0), axis=0), -1.0)
        named = sorted(np.argsort(-moved, kind="stable")[:MOST].tolist())
    x = days([day_of(date) for date in replay.dates])
    with canvas(ax, width, 4.2) as ax:
        rows = [q for q in named if not np.isnan(replay.probability[:, q]).all()]
        banded = len(rows) <= BANDS and not np.isnan(replay.low).all()
        for k, q in enumerate(rows):
            colour = hue().kinds[k % len(hue().kinds)]
            if banded:
                ax.fill_between(x, replay.low[:, q], replay.high[:, q], color=colour, alpha=0.16, lw=0)
            ax.plot(x, replay.probability[:, q], color=colour, lw=1.9, marker="o", ms=4, mec=hue().paper, mew=0.7)
        shown = [replay.probability[:, rows], *([replay.high[:, rows]] if banded else [])]
        top = float(np.nanmax([0.1, *np.concatenate(shown).ravel()]))
        ceiling = min(1.0, 1.08 * top)
        ax.set_ylim(-0.11 * ceiling, ceiling)
        label_lines(ax, replay, rows, ceiling)
        for at, ids in zip(x, replay.came, strict=True):
            if ids:
                ax.plot([at, at], [0, ceiling], color=hue().pale, lw=0.7, zorder=0)
                ax.plot([at], [-0.035 * ceiling], "^", color=hue().ink, ms=4, clip_on=False)
                ax.annotate(str(len(ids)), (at, -0.075 * ceiling), ha="center", va="center", size=7, color=hue().ink)
        ax.set_xlim(x[0] - 0.02 * max(x[-1] - x[0], 1.0), x[-1] + 0.01 * max(x[-1] - x[0], 1.0))
        ticks = [tick for tick in ax.get_yticks() if 0 <= tick <= ceiling]
        ax.set_yticks(ticks)
        ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        date_axis(ax)
        level = f"; bands: {replay.level:.0%} intervals" if banded else ""
        rest = len(replay.question) - len(rows)
        hidden = f"\n{rest} of {len(replay.question)} questions not shown" if rest else ""
        ax.set_xlabel(f"triangles: so many developments became known on that day{level}{hidden}", loc="left", size=8)
        ax.set_title("\n".join(wrap(replay.caption(), 90)))
    return ax


def label_lines(ax: Axes, replay: Replay, rows: list[int], ceiling: float) -> None:
    """Each line's name beside its last point, none upon another."""
    last = {q: int(np.flatnonzero(~np.isnan(replay.probability[:, q]))[-1]) for q in rows}
    order = sorted(range(len(rows)), key=lambda k: float(replay.probability[last[rows[k]], rows[k]]))
    room, floor = 0.062 * ceiling, -np.inf
    for k in order:
        q = rows[k]
        p = float(replay.probability[last[q], q])
        floor = max(p, floor + room)
        where: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        text = f"{shorten(replay.question[q], 40, placeholder='…')} {probability_text(p)}"
        ax.annotate(
            "■",
            (1, floor),
            xytext=(5, 0),
            color=hue().kinds[k % len(hue().kinds)],
            size=8,
            annotation_clip=False,
            **where,
        )
        ax.annotate(text, (1, floor), xytext=(16, 0), size=7.5, color=hue().ink, annotation_clip=False, **where)
