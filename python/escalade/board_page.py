"""The board's page as one file: script, style and numbers inside, and nothing fetched from elsewhere."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from math import isnan
from typing import TYPE_CHECKING, Any

from ._core import ImpossibleEvidence
from .audit import card_trees
from .frames import Table
from .pages import POLICY, script_json, to_file
from .progress import Progress, progress_line
from .values import Tree, missing, wrong
from .words import word_for

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from .board import Board

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body class="esc-page">
<main id="board"></main>
<noscript>This page needs JavaScript.</noscript>
<script type="application/json" id="data">{data}</script>
<script type="module">
{script}
const data = JSON.parse(document.getElementById("data").textContent);
render({{ model: fileModel(data), el: document.getElementById("board") }});
</script>
</body>
</html>
"""


def asset(name: str) -> str:
    """The text of a part of the page."""
    return files("escalade").joinpath("page", name).read_text(encoding="utf-8")


def page(board: Board, path: str | PathLike[str], replay: Any, progress: Progress) -> Path:
    """See :meth:`Board.write`."""
    return to_file(page_text(board, replay, progress), path)


def page_text(board: Board, replay: Any, progress: Progress) -> str:
    """The file's text."""
    past = None if replay is None else replayed(board, replay)
    with progress_line("page", progress) as report:

        def told(done: float) -> None:
            if report is not None:
                report(0.8 * done)

        data = {
            "frame": {**board.frame, "replay": past},
            "settings": board.settings,
            "state": board.state(),
            "cards": card_trees(board._fit, board._questions, board._answers, told),
            "what_ifs": what_ifs(board, report),
        }
    return PAGE.format(
        policy=POLICY,
        title=escape(f"{board.frame['title']} as of {board.frame['as_of']}".strip()),
        style=asset("board.css"),
        script=asset("board.js"),
        data=script_json(data),
    )


def replayed(board: Board, replay: Any) -> Tree:
    """The answers as they stood at earlier dates, question by question; None where one was not asked or is decided."""
    rows = replay.columns() if isinstance(replay, Table) else {}
    if not {"date", "question", "probability", "low", "high"} <= set(rows):
        raise wrong("replay", replay, "what fit.replay(questions) returns")
    names, dates = [question.name for question in board._questions], list(dict.fromkeys(rows["date"]))
    if not set(names) & set(rows["question"]):
        raise missing("the replay has no question", names[0], rows["question"], "it has")
    told: Tree = {key: [[None] * len(dates) for _ in names] for key in ("probability", "low", "high")}
    for key, table in told.items():
        for date, name, value in zip(rows["date"], rows["question"], rows[key], strict=True):
            if name in names and not isnan(value):
                table[names.index(name)][dates.index(date)] = float(value)
    word = [["" if p is None else word_for(p) for p in row] for row in told["probability"]]
    return {"dates": dates, **told, "word": word}


def what_ifs(board: Board, report: Any) -> dict[str, Tree]:
    """The state under each single change, and as nothing and as all that is set is, by the settings' text."""
    settings = [{name: board.settings[name] for name in ("drivers", "without", "added")}]
    settings += [{"drivers": {}, "without": [], "added": []}, *board.singles()]
    states: dict[str, Tree] = {}
    for i, one in enumerate(settings):
        key = json.dumps(one, ensure_ascii=False, separators=(",", ":"))
        try:
            state = board.state(one)
            states[key] = {
                name: state[name] for name in ("changed", "probability", "change", "word", "drivers", "fans")
            }
        except ImpossibleEvidence as error:
            states[key] = {"problem": str(error)}
        if report is not None:
            report(0.8 + 0.2 * (i + 1) / len(settings))
    return states
