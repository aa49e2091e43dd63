"""How far an answer is to be trusted, apart from how likely it says a thing is: from stated things, by a rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .attribution import Attribution, explain, grouped
from .dossier import Development
from .frames import Pictured, Table, frozen
from .progress import Progress, progress_line
from .provenance import parameters
from .questions import AsQuestions, Questions
from .results import Array
from .sensitivity import Tornado, tornado
from .values import NINETY, Tree, number_text, place_of
from .words import WordTable, logit

if TYPE_CHECKING:
    from .fit_base import FitBase

LEVELS = ("low", "moderate", "high")
INTERVAL = 0.9  # of the interval that is judged
#: What speaks for high and what for moderate confidence, of the width in log-odds, the share and the grade.
WIDTH, JUDGEMENT, SOURCES = (log(4), log(16)), (1 / 3, 2 / 3), (0.5, 0.2)
#: What leaving out developments, one at a time, must move an answer by, all in all, for them to carry it.
UNTOLD = {"log-odds": 0.1, "probability": 0.025}


@dataclass(frozen=True, eq=False)
class Confidence(Pictured):
    """How far each answer is to be trusted, and why; see :meth:`Fit.confidence` and :func:`confidence_rule`.

    It says nothing of how likely a thing is: ICD 203 wants the two in different sentences.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> up = esc.base_rate(12, over="20 years")
    >>> front = m.ladder("front", ["quiet", "tense", "war"], up=up, down=esc.per_year(2))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> _ = d.saw(front >= "tense", on="2024-11-10", grade="B2", id="tense")
    >>> print(m.fit(d).confidence(esc.reach(front == "war", by="2025-06-30", name="war")))
    Confidence as of 2024-11-30, by esc.confidence_rule()
    question  confidence  because
    war       high        interval: odds ×7.05 (moderate); judgement: 0% (high); sources: 0.59, most of it tense (high)
    """

    picture = "confidence"

    question: tuple[str, ...]
    width: Array  #: of the 90 % interval, in log-odds; nan without draws
    judgement: Array  #: the share of judgement in what the answer hangs on; nan: every number is fixed
    sources: Array  #: hit − false alarm of the developments that carry it, by weight; nan: none does
    number: tuple[str | None, ...]  #: the number that makes more than half of the judgement
    development: tuple[str | None, ...]  #: the development that carries more than half
    as_of: str

    @property
    def parts(self) -> list[tuple[str, str, str]]:
        """For each question what the width, the judgement and the sources speak for: "high", "moderate" or "low"."""
        rows = zip(self.width.tolist(), self.judgement.tolist(), self.sources.tolist(), strict=True)
        return [(at_most(w, WIDTH), at_most(j, JUDGEMENT), at_most(-s, [-x for x in SOURCES])) for w, j, s in rows]

    @property
    def level(self) -> tuple[str, ...]:
        """For each question "high", "moderate" or "low"."""
        return tuple(level_of(parts) for parts in self.parts)

    @property
    def reason(self) -> tuple[str, ...]:
        """For each question what its level comes from, in words."""
        return tuple(self._reason(k) for k in range(len(self)))

    def _reason(self, k: int) -> str:
        width, judgement, sources = self.told(k)
        most = [f", most of it {name}" if name else "" for name in (self.number[k], self.development[k])]
        by = self.parts[k]
        return (
            f"interval: {width} ({by[0]}); judgement: {judgement}{most[0]} ({by[1]}); "
            f"sources: {sources}{most[1]} ({by[2]})"
        )

    def told(self, k: int) -> tuple[str, str, str]:
        """The three numbers of a question, as a reader sees them.

        Parameters
        ----------
        k : int
            Its place.
        """
        width, judgement, sources = float(self.width[k]), float(self.judgement[k]), float(self.sources[k])
        return (
            "none" if np.isnan(width) else f"odds ×{number_text(float(np.exp(width)), 3)}",
            "all numbers are fixed" if np.isnan(judgement) else f"{judgement:.0%}",
            "none carries it" if np.isnan(sources) else f"{sources:.2f}",
        )

    def __len__(self) -> int:
        return len(self.question)

    def __getitem__(self, key: Any) -> dict[str, Any]:
        """One question's row, by question, name or place."""
        place = place_of(key, self.question, "question")
        return {name: column[place] for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a question."""
        numbers = {name: getattr(self, name).tolist() for name in ("width", "judgement", "sources")}
        return {"question": self.question, "level": self.level, **numbers, "reason": self.reason}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The level and where it comes from."""
        return {"question": self.question, "confidence": self.level, "because": self.reason}

    def html_cell(self, column: str, value: Any) -> str:
        """The level stands out."""
        return f"<b>{escape(value)}</b>" if column == "confidence" else super().html_cell(column, value)

    def caption(self) -> str:
        """A line above the table."""
        return f"Confidence as of {self.as_of}, by esc.confidence_rule()"

    __repr__ = Table.__str__


def confidence_rule() -> WordTable:
    """The rule from which :meth:`Fit.confidence` takes its levels.

    Returns
    -------
    WordTable
        One row each for the interval, the judgement and the sources; columns what, high, moderate, low.

    Examples
    --------
    >>> import escalade as esc
    >>> print(esc.confidence_rule())
    Confidence: the middle one of the three, and never high where one of them is low
    what                                      high              moderate          low
    interval: upper over lower odds at 90%    4 or less         16 or less        more, or no interval
    judgement: share in what it hangs on      1/3 or less       2/3 or less       more, or all is fixed
    sources: hit − false alarm, what carries  0.5 or more (B2)  0.2 or more (C3)  less, or nothing does
    """
    what = {
        "interval": "upper over lower odds at 90%",
        "judgement": "share in what it hangs on",
        "sources": "hit − false alarm, what carries",
    }
    title = "Confidence: the middle one of the three, and never high where one of them is low"
    return WordTable(
        title,
        {
            "what": [f"{name}: {says}" for name, says in what.items()],
            "high": ["4 or less", "1/3 or less", "0.5 or more (B2)"],
            "moderate": ["16 or less", "2/3 or less", "0.2 or more (C3)"],
            "low": ["more, or no interval", "more, or all is fixed", "less, or nothing does"],
        },
    )


def at_most(x: float, ends: Sequence[float]) -> str:
    """ "high" up to the first end, "moderate" up to the second, else "low"; nan is low."""
    return "high" if x <= ends[0] else "moderate" if x <= ends[1] else "low"


def level_of(parts: Iterable[str]) -> str:
    """The middle one of three levels, and never high where one is low.

    >>> level_of(["high", "low", "high"]), level_of(["high", "moderate", "high"]), level_of(["low", "low", "high"])
    ('moderate', 'high', 'low')
    """
    low, middle, _ = sorted(map(LEVELS.index, parts))
    return LEVELS[min(middle, 1) if low == 0 else middle]


def confidence(fit: FitBase, questions: AsQuestions, progress: Progress) -> Confidence:
    """See :meth:`Fit.confidence`."""
    asked = Questions(questions)
    moved, whys = [], []
    with progress_line("confidence", progress) as report:
        got = fit._core.ask(asked._checked(fit._core), level=INTERVAL)
        for k, question in enumerate(asked):
            if report is not None:
                report((k + 1) / (len(asked) + 1))
            moved.append(tornado(fit, question, 0, False))
            whys.append(explain(fit, question, by="development", learning=False, orders=0, seed=0, progress=False))
    return weighed(fit, got["low"], got["high"], moved, whys)


def weighed(fit: FitBase, low: Array, high: Array, moved: Sequence[Tornado], whys: Sequence[Attribution]) -> Confidence:
    """What 90 % intervals, slopes and developments of some questions make for confidence."""
    stated, known = judgements(parameters(fit)), grouped(fit, "development")
    numbers = [judged(told, stated) for told in moved]
    developments = [carried(why, known) for why in whys]
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.where(low == high, 0.0, logit(high) - logit(low))
    return Confidence(
        tuple(why.question for why in whys),
        frozen(width),
        frozen([share for share, _ in numbers]),
        frozen([grade for grade, _ in developments]),
        tuple(name for _, name in numbers),
        tuple(name for _, name in developments),
        fit.as_of,
    )


def judgements(parameters: Iterable[Tree]) -> dict[str, tuple[float, float]]:
    """For each number: which part of what is known of it is judgement, and what it counts beside others of its row.

    Of a base rate none is; else what the developments left of its variance, of a learnt flat prior nothing. The entries
    of a row of m add up to 1, so each counts (m − 1)/m.
    """
    out = {}
    for row in parameters:
        basis = row.get("basis") or ("base rate" if row["prior"].startswith("Gamma") else "judgement")
        part = 0.0 if basis == "base rate" else min(1 - row.get("learnt", 0.0), 1.0)
        states = row.get("states")
        names = [f"{row['name']}: {state}" for state in states] if states else [row["name"]]
        there = sum(p > 0 for p in row["value"]) if states else 0
        for name in names:
            out[name] = (part, (there - 1) / there if states else 1.0)
    return out


def judged(told: Tornado, stated: dict[str, tuple[float, float]]) -> tuple[float, str | None]:
    """The share of judgement in what an answer hangs on, and the number that makes more than half of it.

    What it hangs on is its variance to first order, over what was believed of each number beforehand.
    """
    part, counts = np.array([stated[name] for name in told.number]).reshape(-1, 2).T
    on_log = np.isin(told.unit, ("per month", "times"))
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.where(on_log, told.value * np.log(told.high / told.low), told.high - told.low)
    hangs = counts * np.nan_to_num((told.slope * width / (2 * NINETY)) ** 2, posinf=0.0)
    if not hangs.sum() > 0:
        return np.nan, None
    return float((part * hangs).sum() / hangs.sum()), heaviest(told.number, part * hangs)


def carried(why: Attribution, known: dict[str, list[Development]]) -> tuple[float, str | None]:
    """How well the sources tell true from false, weighed by what the answer loses without each, and the heaviest."""
    weight = np.abs(np.nan_to_num(why.left_out))
    if not weight.sum() > UNTOLD[why.scale]:
        return np.nan, None
    told = np.array([telling(known[id][0].to_dict()) for id in why.player])
    return float((told * weight).sum() / weight.sum()), heaviest(why.player, weight)


def telling(development: Tree) -> float:
    """Hit − false alarm as far as stated: by rates, a grade, or a driver's trust (the mean over its states)."""
    trust = development.get("trust")
    if trust:
        each = [telling(rates_of(rates)) for rates in trust["rates"].values()]
        return sum(each) / len(each)
    graded = {code: (hit, false_alarm) for code, hit, false_alarm in _core.grades()}
    stated = [development.get(key) for key in ("hit", "false_alarm")]
    if "grade" not in development and stated == [None, None]:
        return 0.0
    given = graded.get(str(development.get("grade", "")).strip().upper(), (1.0, 0.0))
    hit, false_alarm = (own if own is not None else of_grade for own, of_grade in zip(stated, given, strict=True))
    return max(hit - false_alarm, 0.0)


def rates_of(rates: Any) -> Tree:
    """A state's rates in a driver's trust: a grade, or hit and false alarm."""
    return {"grade": rates} if isinstance(rates, str) else dict(zip(("hit", "false_alarm"), rates, strict=True))


def heaviest(names: Sequence[str], weight: Array) -> str | None:
    """The name that has more than half of the weight."""
    return names[int(weight.argmax())] if weight.max(initial=0.0) > 0.5 * weight.sum() else None
