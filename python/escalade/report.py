"""The report for those who decide: answers first, then what each comes from, then every number's source."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._core import SpecError
from .audit import card_trees
from .conflict import Conflicts
from .fingerprint import fingerprint
from .pages import environment, rendered, to_file
from .progress import Progress, progress_line
from .provenance import GROUNDS, Parameters, span_of, value_text
from .questions import AsQuestions, Question, Questions, horizon
from .reasons import plainly
from .replay import Replay, learning_of, replay
from .results import Answers, Forecast
from .values import A_DATE, DateLike, Tree, day_of, missing, probability_text, sound_date, text, wrong
from .watch import Sight, WatchList
from .words import grades, yardstick

if TYPE_CHECKING:
    from os import PathLike

    from .fit import Fit

AHEAD = 90  # days to watch
N_WATCHED = 6  # things that the first screen names
N_CARD_WATCHED = 3
N_CONFLICTS = 8
#: How many numbers stand on what, in words.
GROUND_WORDS = {
    "evidence": "mostly learnt from the developments",
    "base rate": "base rates",
    "word": "after words of a yardstick",
    "judgement": "judgement",
    "fixed": "fixed",
}
ODDS = 0.1  # of ln P(a) P(b) / P(a, b), below which two hardly disagree
TELLING = 0.001  # bits below which a sight tells nothing


def report(
    fit: Fit,
    path: str | PathLike[str],
    questions: AsQuestions,
    title: str | None,
    level: float,
    replayed: bool | Replay,
    watch_until: DateLike | None,
    progress: Progress,
) -> Path:
    """See :meth:`Fit.report`."""
    environment()  # what is missing is said before the work, not after it
    try:
        from . import svg
    except ImportError:
        raise ImportError("a report needs matplotlib; pip install 'escalade[report]' brings it") from None
    asked = Questions(questions)
    if not len(asked):
        raise wrong("report: the questions", questions, "at least one")
    head = fit.dossier.name or fit.model.name or "Forecast" if title is None else text(title, "report: the title")
    now = day_of(fit.as_of)
    until = (
        str(now + np.timedelta64(AHEAD, "D"))[:10]
        if watch_until is None
        else sound_date(watch_until, "report: watch_until")
    )
    if day_of(until) <= now:
        raise wrong("report: watch_until", watch_until, f"{A_DATE}, after the fit's, {fit.as_of}")
    if isinstance(replayed, Replay):
        if replayed.question != tuple(q.name for q in asked):
            raise missing("report: the replay is of other questions than", asked[0].name, replayed.question, "it has")
    elif not isinstance(replayed, bool):
        raise wrong("report: replay", replayed, "True, False or a Replay")
    elif replayed:
        learning_of(fit, True)  # what cannot be replayed is said before the work
    with progress_line("report", progress) as told:

        def reached(done: float) -> None:
            if told is not None:
                told(done)

        def within(begin: float, end: float) -> Callable[[float], None]:
            return lambda done: reached(begin + (end - begin) * done)

        answers = fit.ask(asked, level=level, progress=within(0, 0.05))
        looks = [look(fit, question, until) for question in asked]
        reached(0.1)
        cards = card_trees(fit, asked, answers, within(0.1, 0.65))
        past = replayed if isinstance(replayed, Replay) else None
        if replayed is True:
            past = replay(fit, asked, None, True, level, within(0.65, 0.8))
        forecast = (
            fit.forecast(horizon(asked, fit.as_of), level=level, progress=within(0.8, 0.9))
            if has_ladders(fit)
            else None
        )
        drivers = fit.drivers(level=level, progress=False) if len(fit.model.drivers) else None
        quarrels = fit.conflicts(pairs=True, progress=False) if len(fit.dossier) else None
        reached(0.92)
        numbers = fit.parameters()
        page = rendered(
            "report.html.j2",
            title=head,
            fit=fit,
            hash=fingerprint(fit, asked),
            level=level,
            answers=[answer_row(answers, k) for k in range(len(asked))],
            cards=cards,
            watching=watching(looks),
            looks=[[sight_line(s) for s in best(found)[:N_CARD_WATCHED]] for found in looks],
            until=until,
            replay=past,
            rows=None if past is None else list(past.rows()),
            timeline=timeline(fit, svg.inline),
            fans=[] if forecast is None else fans(forecast, svg.inline),
            drivers=None if drivers is None else table_of(drivers.shown()),
            conflicts=None if quarrels is None else conflict_rows(quarrels),
            numbers=number_rows(numbers),
            kinds=kinds(numbers),
            provenance=fit.provenance().caption(),
            developments=[development_row(d.to_dict(), d) for d in fit.dossier],
            left_out=fit.left_out,
            questions=[{"name": q.name, "criterion": q.criterion, "says": q.describe()} for q in asked],
            yardstick=table_of(yardstick().columns()),
            grades=table_of(grades().columns()),
            versions=versions(fit),
        )
        reached(1.0)
    return to_file(page, path)


def has_ladders(fit: Fit) -> bool:
    """Whether there is anything to draw a fan of."""
    return len(fit.model.ladders) > 0


def answer_row(answers: Answers, k: int) -> Tree:
    """One answer as the first table shows it."""
    answer = answers[k]
    none = bool(np.isnan(answer.low))
    return {
        "name": answer.name,
        "asks": answer.asks,
        "criterion": answer.criterion,
        "probability": answer.probability,
        "low": None if none else answer.low,
        "high": None if none else answer.high,
        "mode": answer.mode,
        "word": answer.word,
    }


# What to watch


def look(fit: Fit, question: Question, until: str) -> WatchList | None:
    """What to watch for one question; None where it looks at the past or at time spent."""
    try:
        return fit.watch(question, until=until, progress=False)
    except SpecError:
        return None


def best(found: WatchList | None) -> list[Sight]:
    """The most telling dates of what can be seen; drivers cannot, and stand in the card."""
    return [s for s in found.best() if s.kind != "driver" and s.bits >= TELLING] if found is not None else []


def sight_line(sight: Sight) -> str:
    """A sight in a sentence."""
    when = f" since the date before, on {sight.date}" if sight.kind == "events" else f" on {sight.date}"
    order = np.argsort(-np.array(sight.chance), kind="stable")
    values = "; ".join(
        f"{sight.values[k]} ({probability_text(sight.chance[k])}) → {probability_text(sight.answer[k])}" for k in order
    )
    return f"{plainly(sight.name)}{when}: {values}"


def watching(looks: Sequence[WatchList | None]) -> list[Tree]:
    """What tells most over all questions: by its bits, summed over the questions, each at its most telling date."""
    rows: dict[str, list[tuple[Sight, str]]] = {}
    for found in looks:
        for sight in best(found):
            rows.setdefault(sight.name, []).append((sight, found.question if found is not None else ""))
    order = sorted(rows, key=lambda name: -sum(sight.bits for sight, _ in rows[name]))
    out = []
    for name in order[:N_WATCHED]:
        sight, question = max(rows[name], key=lambda row: row[0].bits)
        pairs = sorted(zip(sight.chance, sight.values, sight.answer, strict=True), key=lambda row: -row[0])
        out.append(
            {
                "name": plainly(name),
                "date": sight.date,
                "question": question,
                "values": [{"value": v, "chance": c, "answer": a} for c, v, a in pairs],
                "others": len(rows[name]) - 1,
            }
        )
    return out


# Pictures


Inline = Callable[[Callable[[], Any], str, str, str], str]


def timeline(fit: Fit, inline: Inline) -> str:
    """The developments on a time line."""
    dossier = fit.dossier
    said = (
        f"{len(dossier)} developments as of {dossier.as_of}, in the rows of what they bear on; the appendix lists them."
    )
    return inline(lambda: dossier.plot(fit.model), "timeline", "Time line of the developments", said)


def fans(forecast: Forecast, inline: Inline) -> list[Tree]:
    """The fan of each ladder."""
    from matplotlib import pyplot as plt

    from .forecast_plot import fan

    def small(name: str) -> Any:
        return fan(forecast, name, ax=plt.subplots(figsize=(3.9, 2.0))[1])

    out = []
    for k, (name, rungs) in enumerate(forecast.ladders.items()):
        last = forecast.dates[-1]
        ends = ", ".join(
            f"{rung} {probability_text(float(p))}" for rung, p in zip(rungs.rungs, rungs.mean[-1], strict=True)
        )
        title = f"{plainly(name)} over time"
        svg = inline(partial(small, name), f"fan-{k}", title, f"On {last}: {ends}.")
        out.append({"name": plainly(name), "svg": svg, "ends": ends, "date": last})
    return out


# Tables


def table_of(columns: Any) -> Tree:
    """Columns as a head and rows."""
    from .frames import cell_text

    cells = [[cell_text(value) for value in column] for column in columns.values()]
    return {"head": list(columns), "rows": list(zip(*cells, strict=True))}


def conflict_rows(quarrels: Conflicts) -> Tree:
    """The developments that the others speak against most, and the pairs at odds."""
    shown = quarrels.shown()
    head = {name: list(column)[:N_CONFLICTS] for name, column in shown.items()}
    pairs = [
        {"a": a, "b": b, "times": f"{np.exp(-measure):.2g}"}
        for a, b, measure in quarrels.worst_pairs()
        if measure > ODDS
    ]
    return {"table": table_of(head), "pairs": pairs, "against": quarrels.against, "whole": quarrels.whole}


def number_rows(numbers: Parameters) -> list[Tree]:
    """Every number of the model with its prior, its posterior and its source."""
    return [
        {
            "name": row["name"],
            "states": ", ".join(row.get("states") or ()),
            "kind": row["ground"],
            "stated": row.get("words") or row["prior"],
            "unit": row["unit"],
            "prior": f"{value_text(row, 'value')}{span_of(row, 'prior_low', 'prior_high')}",
            "posterior": "" if row.get("fixed") else f"{value_text(row, 'mode')}{span_of(row, 'low', 'high')}",
            "moved": row.get("moved"),
            "source": ", ".join(str(x) for x in (row.get("source"), row.get("known")) if x) or "no source stated",
            "note": row.get("note") or "",
        }
        for row in numbers
    ]


def kinds(numbers: Parameters) -> str:
    """How many numbers stand on what, as a list in words."""
    counts = {ground: sum(row["ground"] == ground for row in numbers) for ground in GROUNDS}
    return ", ".join(f"{count} {GROUND_WORDS[ground]}" for ground, count in counts.items() if count)


def development_row(tree: Tree, development: Any) -> Tree:
    """A development as the appendix lists it."""
    span = development.span
    keys = ("id", "grade", "source", "paragraph", "note", "doubt", "hit", "false_alarm")
    return {
        **{key: tree.get(key) for key in keys},
        "date": " to ".join(dict.fromkeys(span)) if span else "",
        "reported": development.reported or "",
        "says": development.describe(),
    }


def versions(fit: Fit) -> list[tuple[str, str]]:
    """What the numbers were made with."""
    import matplotlib as mpl

    return [
        ("escalade", _core.__version__),
        ("Python", platform.python_version()),
        ("NumPy", np.__version__),
        ("matplotlib", mpl.__version__),
        ("draws", f"{fit._core.n_draws}, seed {fit._core.seed}"),
    ]
