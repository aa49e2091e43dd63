"""The audit card of an answer: its developments, its judgements, what flips it, and the author's word beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._core import SpecError
from .attribution import Attribution, explain, grouped
from .confidence import INTERVAL, weighed
from .expectations import in_force, learnt_without
from .fingerprint import fingerprint
from .flips import Flips, Told, flips, known
from .frames import Table
from .progress import Progress, progress_line
from .questions import AsQuestions, Question, Questions, one_question
from .reasons import number_words, reasons, said
from .results import Answers, Array, interval_text
from .sensitivity import Tornado, tornado
from .values import Tree, number, probability_text, signed_text, to_json, whole, wrong

if TYPE_CHECKING:
    from os import PathLike

    from .fit import Fit

A_LINE = "a probability strictly between 0 and 1"
TOP = 10  # numbers that a card names
LINE = 0.5  # that a page's cards tell how to cross
ORDERS = 12  # of Shapley's shares, on a page of many cards


@dataclass(frozen=True, eq=False)
class AuditCard(Table):
    """One answer with all that it comes from; see :meth:`Fit.audit`.

    As a table it is the developments, the largest shares first. ``arrival`` is what each added when it became known
    (within a day in the dossier's order), ``left_out`` what the answer loses without it, ``share`` Shapley's: all on
    ``scale``. Arrivals add up to the whole difference between the answer with and without the developments, and so do
    shares. All but ``probability``, ``low`` and ``high`` is at the mode of the parameters.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> _ = d.saw(front == "war", on="2024-11-20", grade="C3", id="rumour", note="shots were heard")
    >>> card = m.fit(d).audit(esc.reach(front == "war", by="2025-09-30", name="war"))
    >>> card.developments[0]["id"], card.to_dict()["flip"]["what"]
    ('rumour', 'front: up')
    >>> print(card.reasons[1])
    “shots were heard” (no source, grade C3) raises the answer: 0.26 without it.
    """

    question: str
    asks: str
    criterion: str | None
    as_of: str
    scenario: tuple[str, ...]  #: what given, do and without changed
    probability: float  #: posterior mean
    low: float  #: nan without draws
    high: float
    level: float  #: of the interval
    mode: float  #: at the mode of the parameters
    word: str  #: the yardstick's
    confidence: str  #: "high", "moderate" or "low", apart from likelihood (:func:`escalade.confidence_rule`)
    because: str  #: where that level comes from
    reasons: tuple[str, ...]
    developments: tuple[Tree, ...]
    judgements: tuple[Tree, ...]  #: the numbers that it hangs on most
    drivers: tuple[Tree, ...]  #: what each state of each would make of it
    line: float  #: what is to be flipped over
    flip: Tree | None  #: the likeliest single change that does, a judgement where one does
    author: tuple[Tree, ...]  #: judgements about this very answer (:meth:`Model.expect`)
    scale: str  #: "log-odds" or "probability"
    before: float  #: the answer without any development
    error: float  #: the largest standard error of a share
    hash: str  #: :func:`escalade.fingerprint` of model, dossier and this question
    why: Attribution = field(repr=False)
    sensitivity: Tornado = field(repr=False)
    flips: Flips = field(repr=False)

    def __len__(self) -> int:
        return len(self.developments)

    def to_dict(self) -> Tree:
        """The whole card as a plain tree of text, numbers, lists and mappings; None where there is no number."""
        tree: Tree = json_able({entry.name: getattr(self, entry.name) for entry in fields(self) if entry.repr})
        return tree

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a development."""
        names = ("id", "date", "reported", "says", "source", "paragraph", "grade", "note", "arrival", "left_out")
        return {name: [d[name] for d in self.developments] for name in (*names, "share", "without")}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The developments as a reader sees them."""
        rows = self.developments
        return {
            "development": [d["id"] for d in rows],
            "reported": [d["reported"] for d in rows],
            "says": [d["says"] for d in rows],
            "grade": [d["grade"] for d in rows],
            **{key.replace("_", " "): [signed_text(d[key]) for d in rows] for key in ("arrival", "left_out", "share")},
        }

    def caption(self) -> str:
        """A line above the table."""
        between = interval_text(self.low, self.high)
        answer = f"{probability_text(self.probability)}{f' ({between})' if between else ''}, {self.word}"
        return f"{self.question}: {answer}; developments by their share in {self.scale}"

    def __str__(self) -> str:
        lines = [f"{self.question}: {probability_text(self.probability)}, {self.word}", f"  asks: {self.asks}"]
        lines += [f"  confidence: {self.confidence}; {self.because}"]
        lines += [f"  at the mode of the parameters, as all below: {probability_text(self.mode)}"]
        lines += [f"  {k}. {reason}" for k, reason in enumerate(self.reasons, 1)]
        lines += [f"  flips it: {self.flip['text'] if self.flip else no_flip(self.line)}"]
        lines += [f"  the author: {author_words(row)}" for row in self.author]
        return "\n".join([*lines, f"  hash: {self.hash}", "", self.text()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        try:
            from .pages import card_html

            return card_html(self)
        except ImportError:  # no jinja2: the table of developments
            return super()._repr_html_()

    def write(self, path: str | PathLike[str]) -> Path:
        """Write the card as one HTML file that needs nothing else.

        Parameters
        ----------
        path : str or path

        Returns
        -------
        Path

        Raises
        ------
        ImportError
            Without jinja2: ``pip install escalade[report]``.
        """
        from .pages import card_page, to_file

        return to_file(card_page(self), path)


def json_able(value: Any) -> Any:
    """Lists for tuples, and None for numbers that are none."""
    if isinstance(value, dict):
        return {key: json_able(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_able(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def no_flip(line: float) -> str:
    """What is said where nothing flips an answer."""
    return f"no single number, development or driver brings it to the other side of {probability_text(line)}"


def author_words(row: Tree) -> str:
    """The author's word and what became of it."""
    judged = f"{row['word']} ({probability_text(row['probability'])})"
    answer, without = probability_text(row["answer"]), probability_text(row["others"])
    on = f" on what was known on {row['known']}" if row["known"] else ""
    return (
        f"{judged};{on} the answer is {answer}, {without} without this word, {row['gave_way']:+.1f} deviations from it"
    )


def audits(
    fit: Fit, questions: AsQuestions, at: float, level: float, orders: int, progress: Progress
) -> tuple[AuditCard, ...]:
    """See :meth:`Fit.audits`."""
    asked, line, n_orders = Questions(questions), number(at, "audit: at", A_LINE), whole(orders, "orders", 0)
    if not 0 < line < 1:
        raise wrong("audit: at", at, A_LINE)
    answers = fit.ask(asked, level=level, progress=progress)
    ends, cards = ninety(fit, asked, answers), []
    with progress_line("audit", progress) as report:
        drivers = known(fit, asked)
        for k, question in enumerate(asked):

            def part(done: float, k: int = k) -> None:
                if report is not None:
                    report((k + done) / len(asked))

            cards.append(card(fit, question, answers, ends, drivers[k], line, n_orders, part))
    return tuple(cards)


def card_trees(fit: Fit, asked: Questions, answers: Answers, report: Callable[[float], None]) -> list[Tree]:
    """The cards of several answers as trees, for a page; of what cannot be taken apart (time spent), why not."""
    ends, drivers, trees = ninety(fit, asked, answers), known(fit, asked), []
    for k, question in enumerate(asked):

        def part(done: float, k: int = k) -> None:
            report((k + done) / len(asked))

        try:
            trees.append(card(fit, question, answers, ends, drivers[k], LINE, ORDERS, part).to_dict())
        except SpecError as error:
            trees.append({"question": question.name, "refused": str(error)})
    return trees


def ninety(fit: Fit, asked: Questions, answers: Answers) -> Answers:
    """The answers with the intervals that confidence is judged by."""
    return answers if answers.level == INTERVAL else fit.ask(asked, level=INTERVAL, progress=False)


def card(
    fit: Fit,
    question: Question,
    answers: Answers,
    ends: Answers,
    told: Told,
    line: float,
    orders: int,
    report: Callable[[float], None],
) -> AuditCard:
    """The card of one question, with what each state of each driver would make of it."""

    def half(done: float) -> None:
        report(0.5 * done)

    why = explain(fit, question, by="development", learning=False, orders=orders, seed=0, progress=half)
    moved = tornado(fit, question, TOP, False)
    report(0.6)
    over = flips(fit, question, line, TOP, False, why, told)
    report(1.0)
    answer, judged = answers[question.name], ends[question.name]
    sure = weighed(fit, np.array([judged.low]), np.array([judged.high]), [moved], [why])
    developments, drivers, numbers = reported(fit, question, why), by_driver(told), stated(fit)
    judgements = [judgement(moved, k, numbers) for k in range(len(moved)) if not np.isnan(moved.at_low[k])]
    judgements.sort(key=lambda row: -abs(row["at_high"] - row["at_low"]))
    return AuditCard(
        question=question.name,
        asks=answer.asks,
        criterion=answer.criterion,
        as_of=answers.as_of,
        scenario=answers.scenario,
        probability=answer.probability,
        low=answer.low,
        high=answer.high,
        level=answers.level,
        mode=answer.mode,
        word=answer.word,
        confidence=sure.level[0],
        because=sure.reason[0],
        reasons=reasons(developments, judgements, drivers, why.now, why.scale),
        developments=tuple(developments),
        judgements=tuple(judgements),
        drivers=tuple(drivers),
        line=line,
        flip=flip_of(over, developments, numbers),
        author=tuple(author(fit, question)),
        scale=why.scale,
        before=why.before,
        error=float(np.nan_to_num(why.error).max(initial=0.0)),
        hash=fingerprint(fit, question),
        why=why,
        sensitivity=moved,
        flips=over,
    )


def reported(fit: Fit, question: Question, why: Attribution) -> list[Tree]:
    """The developments with what each does, the largest shares first."""
    own = {id: listed[0] for id, listed in grouped(fit, "development").items()}
    days = {id: date for date, ids, *_ in why.arrivals for id in ids}
    came = arrivals(fit, question, why)
    rows: list[Tree] = []
    for k, id in enumerate(why.player):
        d = own[id]
        rows.append(
            {
                "id": id,
                "date": " to ".join(dict.fromkeys(d.span)) if d.span else None,
                "reported": days.get(id) or None,
                "says": why.says[k],
                **{key: getattr(d, key) for key in ("source", "paragraph", "grade", "note", "doubt")},
                "arrival": came[id],
                "left_out": float(why.left_out[k]),
                "share": None if np.isnan(why.share[k]) else float(why.share[k]),
                "without": float(why.without[k]),
            }
        )
    return sorted(rows, key=lambda row: -abs(row["left_out"] if row["share"] is None else row["share"]))


def arrivals(fit: Fit, question: Question, why: Attribution) -> dict[str, float]:
    """What each development added when it became known; those of one day come in the dossier's order."""
    order = [id for _, ids, *_ in why.arrivals for id in ids]
    if not order:
        return {}
    text = one_question(question, "audit")[1]
    # The k-th "player" is all that came from the k-th on: without it, only what came before is known.
    got = _core.attribute(fit._core, text, [order[k:] for k in range(len(order))], 0)
    column, now = (0, why.now) if why.scale == "probability" else (1, why.now_logit)
    places: Array = np.append(got["without"].reshape(-1, 2)[:, column], now)
    return dict(zip(order, np.diff(places).tolist(), strict=True))


def stated(fit: Fit) -> dict[str, Tree]:
    """Every number of the model by the name that sensitivities give it: a table's entry with its state."""
    out: dict[str, Tree] = {}
    for row in fit.parameters():
        states = row.get("states")
        if states:
            for i, state in enumerate(states):
                out[f"{row['name']}: {state}"] = {**row, "prior_value": row["value"][i]}
        else:
            out[row["name"]] = {**row, "prior_value": row["value"]}
    return out


def judgement(moved: Tornado, k: int, numbers: dict[str, Tree]) -> Tree:
    """One number that the answer hangs on."""
    name, unit = moved.number[k], moved.unit[k]
    row = numbers.get(name, {})
    values = ("value", "slope", "elasticity", "low", "high", "at_low", "at_high")
    return {
        "name": name,
        "plain": number_words(name, unit),
        "unit": unit,
        "kind": row.get("ground", "judgement"),
        "basis": row.get("basis"),
        "words": row.get("words") or row.get("prior"),
        "prior": row.get("prior_value"),
        "source": row.get("source"),
        "known": row.get("known"),
        "note": row.get("note"),
        "moved": row.get("moved"),
        "learnt": row.get("learnt"),
        **{key: float(getattr(moved, key)[k]) for key in values},
    }


def by_driver(told: Told) -> list[Tree]:
    """What each state of each driver would make of the answer."""
    out: dict[str, list[Tree]] = {}
    for name, state, answer, chance in told:
        out.setdefault(name, []).append({"state": state, "chance": chance, "answer": answer})
    return [{"name": name, "states": states} for name, states in out.items()]


def flip_of(over: Flips, developments: Sequence[Tree], numbers: Mapping[str, Tree]) -> Tree | None:
    """The likeliest single change that flips the answer: a number's where one does it."""
    rows = [row for row in map(over.__getitem__, range(len(over))) if row["crosses"]]
    row = next((row for row in rows if row["kind"] == "judgement"), rows[0] if rows else None)
    if row is None:
        return None
    what, then, chance = row["what"], probability_text(row["answer"]), probability_text(row["chance"])
    if row["kind"] == "judgement":
        value, _, there = row["change"].partition(" → ")
        number, _, unit = there.partition(" ")
        plain = number_words(what, unit)
        flat = str(numbers.get(what, {}).get("prior", "")).startswith("flat")
        by = "By what was learnt," if flat else "By what was believed beforehand,"
        text = (
            f"{plain[:1].upper()}{plain[1:]} would have to be {number}{f' {unit}' if unit.startswith('per ') else ''} "
            f"in place of {value}: then the answer is {then}. {by} a value at least that far out has a chance "
            f"of {chance}."
        )
    elif row["kind"] == "driver":
        text = f"Were {what} known, the answer would be {then}; its probability now is {chance}."
    else:
        what = row["change"].removeprefix("without ")
        text = f"Without {said(next(d for d in developments if d['id'] == what))} the answer would be {then}."
    return {**row, "what": what, "text": text}


def author(fit: Fit, question: Question) -> list[Tree]:
    """The author's words on this very question (:meth:`Model.expect`), and what the model makes of them."""
    asked = {entry["name"]: entry for entry in json.loads(fit.model._core.spec()).get("expect", ())}
    if not asked:
        return []
    tree = _core.questions_from_toml(_core.questions_to_toml(to_json(Questions(question).to_dict())))
    own = json.loads(tree)["question"][0]
    rows = [
        row
        for row in fit.expectations()
        if all(asked[row["name"]].get(key) == own.get(key) for key in ("ask", "given"))
    ]
    return [
        {
            "word": row["words"],
            "probability": row["judged"][0],
            "low": row["judged"][1],
            "high": row["judged"][2],
            **{key: row[key] for key in ("source", "known", "answer", "gave_way")},
            "others": others(fit, question, row),
        }
        for row in rows
    ]


def others(fit: Fit, question: Question, judged: Tree) -> float:
    """What the model says of an answer without one judgement of it, by fitting anew; like that, on what was known then.

    The normal around the mode, which :meth:`Fit.expectations` has, is far off where a judgement lies far out.
    """
    if judged["name"] not in in_force(fit):
        return float(judged["answer"])  # nothing was learnt from it
    dossier = fit.dossier
    alone = learnt_without(fit.model._core.spec(), fit._core.dossier(), frozenset([judged["name"]]))
    then = dossier.at(judged["known"] or dossier.as_of)
    said = alone.on(then._checked(fit.model._core)).at_mode().ask(Questions(question)._checked(fit._core))
    return float(said["mode"][0])
