"""The replay of past days: what would have been said on each, from the same dossier, and how well it was said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import SpecError
from .dossier import Dossier
from .frames import Pictured, Table, frozen
from .progress import Progress, progress_line
from .questions import AsQuestions, Question, Questions, last_day, single_asks
from .results import Array, interval_text
from .values import (
    DateLike,
    Tree,
    day_of,
    end_of,
    listed,
    number_text,
    place_of,
    probability_text,
    share,
    sound_date,
    wrong,
)

if TYPE_CHECKING:
    from .fit import Fit
    from .model import Model

N_SHOWN = 6  # dates that the table in text shows
LEARNING = {
    "anew": "learnt anew on each day",
    "kept": "the parameters know what came later",
    "never": "nothing learnt, only judged",
}


@dataclass(frozen=True, eq=False)
class Replay(Pictured):
    """What would have been said on each day; see :meth:`Fit.replay`.

    ``probability``, ``low`` and ``high`` have a row a date and a column a question: posterior means and intervals; nan
    from the day on which a question's time is over. The model is the same on every day, and with it what its makers
    knew: only the developments are cut, and with ``learning`` "anew" what they taught. ``later`` counts the numbers
    that were stated after each day.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> _ = d.saw(front == "quiet", on="2024-10-20", grade="B2")
    >>> _ = d.saw(front == "war", on="2024-11-20", grade="C3", id="rumour")
    >>> replay = m.fit(d).replay(esc.reach(front == "war", by="2025-09-30", name="war"))
    >>> replay.dates
    ('2024-10-20', '2024-11-20', '2024-11-30')
    >>> replay["2024-11-20", "war"]["probability"] > replay["2024-10-20", "war"]["probability"]
    True
    >>> replay.score({"war": False})["war"]["brier"] < 0.25
    True
    """

    picture = "replay"

    dates: tuple[str, ...]
    question: tuple[str, ...]
    probability: Array  #: shape (n_dates, n_questions)
    low: Array
    high: Array
    decided: tuple[str, ...]  #: the day on which each question's time is over
    came: tuple[tuple[str, ...], ...]  #: the developments that became known since the date before
    level: float  #: of the intervals
    learning: str  #: "anew", "kept" or "never"
    later: tuple[int, ...] = ()  #: numbers of the model that were stated after each day (``known=``)

    def __len__(self) -> int:
        return len(self.dates) * len(self.question)

    def __getitem__(self, key: tuple[str | int, Any]) -> dict[str, float]:
        """One answer, by date and question, each by name or place."""
        if not isinstance(key, tuple) or len(key) != 2:
            raise wrong("what is looked up", key, "a date and a question, as in replay['2024-11-30', 'clash']")
        place = place_of(key[0], self.dates, "date"), place_of(key[1], self.question, "question")
        return {name: float(getattr(self, name)[place]) for name in ("probability", "low", "high")}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row for each date and question."""
        return {
            "date": [date for date in self.dates for _ in self.question],
            "question": list(self.question) * len(self.dates),
            **{name: getattr(self, name).ravel().tolist() for name in ("probability", "low", "high")},
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """One row a question, one column for each of a few dates, the first and the last among them."""
        n = len(self.dates)
        places = sorted({round(i * (n - 1) / (N_SHOWN - 1)) for i in range(N_SHOWN)})
        out: dict[str, Sequence[Any]] = {"question": self.question}
        for t in places:
            out[self.dates[t]] = [probability_text(p) for p in self.probability[t].tolist()]
        return out

    def caption(self) -> str:
        """A line above the table."""
        n = len(self.dates)
        later = f"; stated after the first: {self.later[0]} of the model’s numbers" if any(self.later[:1]) else ""
        return f"What would have been said on {n} day{'s' * (n != 1)}, {LEARNING[self.learning]}{later}"

    def rows(self) -> Iterator[Tree]:
        """For a page: each date with what became known and each question's answer, as plain trees."""
        for t, date in enumerate(self.dates):
            answers = [
                {
                    "question": name,
                    "probability": None if np.isnan(self.probability[t, q]) else float(self.probability[t, q]),
                    "low": None if np.isnan(self.low[t, q]) else float(self.low[t, q]),
                    "high": None if np.isnan(self.high[t, q]) else float(self.high[t, q]),
                    "text": probability_text(float(self.probability[t, q])) or "decided",
                    "between": interval_text(float(self.low[t, q]), float(self.high[t, q])),
                }
                for q, name in enumerate(self.question)
            ]
            yield {"date": date, "came": list(self.came[t]), "answers": answers}

    def score(self, outcomes: Mapping[Any, bool | DateLike | None]) -> Scores:
        """How well it was said, question by question and day by day, where it is known how it went.

        Parameters
        ----------
        outcomes : mapping of question or name to bool or date
            True or False, or the date on which it came true: only what was said before it counts. None, or left out:
            not decided yet, not scored. Nothing said from the day on which a question's time is over is scored.

        Returns
        -------
        Scores

        Raises
        ------
        SpecError
            If there is no such question, or an outcome is neither true nor false nor a date.
        """
        if not isinstance(outcomes, Mapping):
            raise wrong("score: the outcomes", outcomes, "a mapping of questions to True, False or a date")
        brier, log = np.full(self.probability.shape, np.nan), np.full(self.probability.shape, np.nan)
        came_true: list[bool | None] = [None] * len(self.question)
        for key, outcome in outcomes.items():
            q = place_of(key, self.question, "question")
            if outcome is None:
                continue
            until = self.decided[q]
            if isinstance(outcome, bool | np.bool_):
                true = bool(outcome)
            else:
                day = sound_date(outcome, f"score: the outcome of {self.question[q]!r}")[:10]
                true = day <= until
                until = min(day, until)
            came_true[q] = true
            for t, date in enumerate(self.dates):
                if date[:10] < until:
                    p = float(self.probability[t, q])
                    brier[t, q] = (p - true) ** 2
                    with np.errstate(divide="ignore"):
                        log[t, q] = -np.log(p if true else 1 - p)
        return Scores(self.dates, self.question, tuple(came_true), frozen(brier), frozen(log))

    def _repr_html_(self) -> str:
        try:
            from .pages import replay_html

            return replay_html(self)
        except ImportError:  # no jinja2: the table
            return super()._repr_html_()

    __repr__ = Table.__str__


@dataclass(frozen=True, eq=False)
class Scores(Table):
    """Proper scores of a replay, smaller is better: Brier's (p − o)² and the logarithmic −ln p(o).

    Both are least in expectation for who says what they believe (Brier 1950, Monthly Weather Review 78; Good 1952,
    J. R. Statist. Soc. B 14). Always saying one half has 0.25 and 0.69. Days of one question tell of one event: their
    scores are far from independent.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3))
    >>> fit = m.condition(esc.Dossier(as_of="2024-11-30"))
    >>> replay = fit.replay(esc.reach(front == "war", by="2025-11-30", name="war"), ["2024-10-31", "2024-11-30"])
    >>> scores = replay.score({"war": "2024-11-20"})
    >>> [round(x, 2) for x in scores["war"].values()]  # only what was said before that day: 0.295
    [0.5, 1.22]
    """

    dates: tuple[str, ...]
    question: tuple[str, ...]
    outcome: tuple[bool | None, ...]
    brier: Array  #: shape (n_dates, n_questions); nan where not scored
    log: Array

    def __len__(self) -> int:
        return int((~np.isnan(self.brier)).sum())

    def __getitem__(self, question: Any) -> dict[str, float]:
        """A question's means over time, by name or place; nan where it is not scored."""
        q = place_of(question, self.question, "question")
        return {"brier": mean(self.brier[:, q]), "log": mean(self.log[:, q])}

    def on(self, date: DateLike) -> dict[str, float]:
        """The means over the questions that were open on a date.

        Parameters
        ----------
        date : date
            Of the replay.

        Returns
        -------
        dict of str to float
            ``brier`` and ``log``.
        """
        t = place_of(sound_date(date, "the date"), self.dates, "date")
        return {"brier": mean(self.brier[t]), "log": mean(self.log[t])}

    @property
    def mean(self) -> dict[str, float]:
        """The means over questions of their means over time."""
        own = [self[q] for q in range(len(self.question))]
        return {key: mean(np.array([row[key] for row in own])) for key in ("brier", "log")}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row for each date and question that is scored."""
        kept = [(t, q) for t in range(len(self.dates)) for q in range(len(self.question))]
        kept = [(t, q) for t, q in kept if not np.isnan(self.brier[t, q])]
        return {
            "date": [self.dates[t] for t, _ in kept],
            "question": [self.question[q] for _, q in kept],
            "outcome": [self.outcome[q] for _, q in kept],
            "brier": [float(self.brier[t, q]) for t, q in kept],
            "log": [float(self.log[t, q]) for t, q in kept],
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """One row a question: the outcome, and its means over time."""
        rows = [q for q in range(len(self.question)) if not np.isnan(self.brier[:, q]).all()]
        return {
            "question": [self.question[q] for q in rows],
            "outcome": ["yes" if self.outcome[q] else "no" for q in rows],
            "days": [int((~np.isnan(self.brier[:, q])).sum()) for q in rows],
            "Brier": [number_text(self[q]["brier"]) for q in rows],
            "log score": [number_text(self[q]["log"]) for q in rows],
        }

    def caption(self) -> str:
        """A line above the table."""
        n = sum(not np.isnan(self.brier[:, q]).all() for q in range(len(self.question)))
        if not n:
            return "No question is decided yet"
        means = f"mean Brier score {number_text(self.mean['brier'])}, log score {number_text(self.mean['log'])}"
        return f"{n} of {len(self.question)} questions scored: {means}; always one half has 0.25 and 0.69"

    __repr__ = Table.__str__


def mean(values: Array) -> float:
    """The mean of what is there, nan of nothing."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")


def dated(question: Question) -> tuple[str, str | None]:
    """The day on which a question's time is over, and the day from which it can no longer be asked, if any."""
    asks = single_asks(question)
    shut = [last_day(ask) for ask in asks if "by" in ask and "since" not in ask]
    return max(map(last_day, asks)), min(shut, default=None)


def known_by(dossier: Dossier) -> dict[str, str]:
    """When each development became known, up to the dossier's date, in that order."""
    end = end_of(dossier.as_of)
    known = [(d.id, d.reported) for d in dossier if d.reported and end_of(d.reported) <= end]
    return dict(sorted(known, key=lambda one: end_of(one[1])))


def replay(
    fit: Fit,
    questions: AsQuestions,
    dates: Iterable[DateLike] | None,
    learn: bool,
    level: float,
    progress: Progress,
) -> Replay:
    """See :meth:`Fit.replay`."""
    asked, level = Questions(questions), share(level, "level")
    if not len(asked):
        raise wrong("replay: the questions", questions, "at least one")
    learning = learning_of(fit, learn)
    core, dossier = fit._core, fit.dossier
    model = dated_judgements(fit.model, dossier.as_of)
    known = known_by(dossier)
    days = dates_of(dates, dossier, model.origin, known)
    ends = [dated(question) for question in asked]
    shape = (len(days), len(asked))
    probability, low, high = (np.full(shape, np.nan) for _ in range(3))
    with progress_line("replay", progress) as report:
        for t, date in enumerate(days):
            open_now = [q for q, (_, shut) in enumerate(ends) if shut is None or date[:10] < shut]
            if open_now:
                cut = dossier.at(date)
                if learning == "anew":
                    then = model.fit(cut, draws=core.n_draws, seed=core.seed, progress=False)
                else:
                    then = fit.on(cut)
                got = then.ask([asked[q] for q in open_now], level=level, progress=False)
                for column, values in ((probability, got.probability), (low, got.low), (high, got.high)):
                    column[t, open_now] = values
            if report is not None:
                report((t + 1) / len(days))
    met = [next((t for t, date in enumerate(days) if end_of(when) <= end_of(date)), None) for when in known.values()]
    came = [tuple(id for id, first in zip(known, met, strict=True) if first == t) for t in range(len(days))]
    return Replay(
        tuple(days),
        tuple(question.name for question in asked),
        frozen(probability),
        frozen(low),
        frozen(high),
        tuple(last for last, _ in ends),
        tuple(came),
        level,
        learning,
        later_than(days, fit.parameters()),
    )


def later_than(days: Sequence[str], numbers: Iterable[Tree]) -> tuple[int, ...]:
    """How many numbers were stated after each day, as far as their dates are known.

    >>> later_than(["2024-10-31", "2024-11-30"], [{"known": "2024-11-30"}, {"known": None}])
    (1, 0)
    """
    stated = [str(row["known"])[:10] for row in numbers if row.get("known")]
    return tuple(sum(known > day[:10] for known in stated) for day in days)


def learning_of(fit: Fit, learn: bool) -> str:
    """How each day of a replay learns; refuses a fit that cannot be replayed."""
    if not isinstance(learn, bool):
        raise wrong("replay: learn", learn, "True or False")
    if fit.scenario:
        raise SpecError(f"replay: the fit was changed ({'; '.join(fit.scenario)}); expected the fit itself")
    learning = "never" if np.isnan(fit._core.gradient_norm) else "anew" if learn else "kept"
    if learning == "anew" and fit._core.sampled() is not None:
        raise SpecError(
            "replay: a posterior would be drawn anew on each day; replay m.fit(dossier), or say learn=False"
        )
    return learning


def dated_judgements(model: Model, as_of: str) -> Model:
    """The model, its undated judgements about answers dated: who made them knew all of the dossier."""
    tree = model.to_dict()
    undated = [entry for entry in tree.get("expect", ()) if "known" not in entry]
    for entry in undated:
        entry["known"] = as_of
    return type(model).from_dict(tree) if undated else model


def dates_of(dates: Iterable[DateLike] | None, dossier: Dossier, origin: str, known: dict[str, str]) -> list[str]:
    """The days of a replay in order."""
    if dates is None:
        days = [day for day in dict.fromkeys(when[:10] for when in known.values()) if day != dossier.as_of[:10]]
    else:
        days = [sound_date(date, f"replay: dates[{i}]") for i, date in enumerate(listed(dates, "dates", "a list"))]
        for date in days:
            if end_of(date) > end_of(dossier.as_of):
                raise SpecError(f"replay: {date} lies after the fit's date, {dossier.as_of}; expected a date up to it")
            if day_of(date) < day_of(origin):
                raise SpecError(f"replay: {date} lies before the model's origin, {origin}; expected a date from it on")
        if not days:
            raise wrong("replay: dates", dates, "at least one date")
        return sorted(set(days), key=end_of)
    return [*days, dossier.as_of]
