"""Several heads: the answers of more than one analyst to the same questions, pooled, and who differs where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._core import SpecError
from .comparison import Comparison
from .frames import Pictured, Table, frozen
from .results import Array
from .values import missing, name_of, number, place_of, probability_text, wrong
from .words import expit, logit, word_for

#: Ways to pool.
WAYS = ("log-odds", "linear")
HEADS = "a table of esc.compare(...), or answers by head: {'north desk': {'war by mid-2025': 0.2}, …}"


@dataclass(frozen=True, eq=False)
class Pool(Pictured):
    """What several heads say together; see :func:`pool`.

    ``apart`` is how far each head stands from the pool, in log-odds: above 0 it finds the thing likelier. It is
    infinite where a head says 0 or 1 and the pool does not, and nan where a head says nothing.

    Examples
    --------
    >>> import escalade as esc
    >>> both = esc.pool({"north desk": {"war": 0.1, "talks": 0.5}, "south desk": {"war": 0.4, "talks": 0.5}})
    >>> print(both)
    2 heads, pooled on log-odds
    question  pooled  in words               lowest           highest
    war       0.21    ≈ highly unlikely      0.10 north desk  0.40 south desk
    talks     0.50    realistic possibility  0.50 north desk  0.50 north desk
    """

    picture = "pool"

    head: tuple[str, ...]
    question: tuple[str, ...]
    answer: Array  #: shape (n_heads, n_questions); nan: none
    weight: Array  #: of each head; they add up to 1
    probability: Array  #: pooled, one for each question
    apart: Array
    how: str
    extremise: float

    def __len__(self) -> int:
        return len(self.question)

    def __getitem__(self, key: Any) -> dict[str, Any]:
        """One question's row, by question, name or place."""
        place = place_of(key, self.question, "question")
        return {name: column[place] for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a question: the pooled probability, the heads at the ends, and what each head says."""
        least, most = (at(self.answer, axis=0).tolist() for at in (np.nanargmin, np.nanargmax))
        return {
            "question": self.question,
            "probability": self.probability.tolist(),
            "lowest": [self.head[k] for k in least],
            "low": [float(self.answer[k, q]) for q, k in enumerate(least)],
            "highest": [self.head[k] for k in most],
            "high": [float(self.answer[k, q]) for q, k in enumerate(most)],
            **{head: row.tolist() for head, row in zip(self.head, self.answer, strict=True)},
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """As a reader sees it."""
        rows = self.columns()
        return {
            "question": self.question,
            "pooled": [probability_text(p) for p in rows["probability"]],
            "in words": [word_for(p) for p in rows["probability"]],
            "lowest": [f"{probability_text(p)} {who}" for p, who in zip(rows["low"], rows["lowest"], strict=True)],
            "highest": [f"{probability_text(p)} {who}" for p, who in zip(rows["high"], rows["highest"], strict=True)],
        }

    def caption(self) -> str:
        """A line above the table."""
        pushed = "" if self.extremise == 1 else f", log-odds times {self.extremise:g}"
        return f"{len(self.head)} heads, pooled on {'log-odds' if self.how == 'log-odds' else 'probability'}{pushed}"

    __repr__ = Table.__str__


def pool(
    heads: Comparison | Mapping[str, Mapping[Any, float]],
    *,
    how: str = "log-odds",
    weights: Mapping[str, float] | None = None,
    extremise: float = 1.0,
) -> Pool:
    """Pool the answers of several analysts to the same questions.

    On log-odds the pool is the weighted mean of the heads' log-odds (the logarithmic pool of a yes-no event: Genest and
    Zidek 1986, Statistical Science 1, 114-135): it does not matter whether news is learnt before or after pooling, and
    one head that says 0 or 1 has a veto. Linear is the weighted mean of the probabilities (Stone 1961, Annals of
    Mathematical Statistics 32, 1339-1342). A head that does not answer a question has no part in it.

    Parameters
    ----------
    heads : Comparison or mapping of str to mapping
        A table of :func:`compare`, its scenarios being the heads; or each head's answers by question.
    how : {"log-odds", "linear"}
        What is averaged.
    weights : mapping of str to float, optional
        Of each head, 0 or more; they are scaled to add up to 1. None: all weigh the same.
    extremise : float
        The pool's log-odds are multiplied by it. Above 1 where the heads know different things, so that together they
        know more than each (Baron et al. 2014, Decision Analysis 11, 133-145, find 1 to 2.5; Satopää et al. 2014,
        International Journal of Forecasting 30, 344-356). Heads that read the same article know the same things: 1.

    Returns
    -------
    Pool
        ``plot()``; ``apart`` tells who differs where.

    Raises
    ------
    SpecError
        If there is no head, a weight is missing or negative, an answer is no probability, nobody answers a question,
        or on log-odds one head says 0 and another 1.

    Examples
    --------
    >>> import escalade as esc
    >>> both = esc.pool({"north desk": {"war": 0.1, "talks": 0.5}, "south desk": {"war": 0.4, "talks": 0.5}})
    >>> round(float(both["war"]["probability"]), 3), both["war"]["highest"]
    (0.214, 'south desk')
    >>> linear = esc.pool({"north desk": {"war": 0.1}, "south desk": {"war": 0.4}}, how="linear")
    >>> float(linear.probability[0])
    0.25
    """
    if how not in WAYS:
        raise missing("pool: how", how, WAYS, "expected one of")
    names, questions, answers = told(heads)
    power = number(extremise, "pool: extremise")
    if not (0 < power < np.inf):
        raise SpecError(f"pool: extremise is {extremise}; expected a number above 0")
    weight = weighed(names, weights)
    part = np.where(np.isnan(answers), 0.0, weight[:, None])
    silent = [q for q, total in zip(questions, part.sum(axis=0), strict=True) if total == 0]
    if silent:
        raise SpecError(f"pool: {silent[0]!r} is answered by no head that has a weight")
    part = part / part.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        odds = logit(answers)
        # 0 times infinity where a head has no part: it says nothing.
        mean = np.where(part > 0, part * (odds if how == "log-odds" else answers), 0.0)
        if how == "log-odds":
            veto(names, questions, odds, part)
            pooled = mean.sum(axis=0)
        else:
            flat = np.minimum(mean.sum(axis=0), 1.0)
            pooled = logit(flat)
        pooled = power * pooled
        probability = expit(pooled)
        if how == "linear" and power == 1:
            probability = flat
        apart = np.where(odds == pooled, 0.0, odds - pooled)
    return Pool(
        names, questions, frozen(answers), frozen(weight), frozen(probability), frozen(apart), how, float(power)
    )


def told(heads: Any) -> tuple[tuple[str, ...], tuple[str, ...], Array]:
    """The heads, the questions, and who says what: shape (n_heads, n_questions)."""
    if isinstance(heads, Comparison):
        return heads.scenario, heads.question, np.array(heads.probability)
    if not isinstance(heads, Mapping) or not heads or not all(isinstance(own, Mapping) for own in heads.values()):
        raise wrong("pool: the first argument", heads, HEADS)
    names = tuple(name_of(head, "pool: a head's name") for head in heads)
    said = {
        head: {name_of(q, f"pool: a question of {head!r}"): p for q, p in own.items()}
        for head, own in zip(names, heads.values(), strict=True)
    }
    questions = tuple(dict.fromkeys(q for own in said.values() for q in own))
    if not questions:
        raise wrong("pool: the first argument", heads, HEADS)
    answers = np.full((len(names), len(questions)), np.nan)
    for h, head in enumerate(names):
        for q, question in enumerate(questions):
            if question in said[head]:
                p = number(said[head][question], f"pool: {head!r} on {question!r}", "a probability, 0 to 1")
                if not 0 <= p <= 1:
                    raise SpecError(f"pool: {head!r} on {question!r} is {p}; expected a probability, 0 to 1")
                answers[h, q] = p
    return names, questions, answers


def weighed(names: Sequence[str], weights: Mapping[str, float] | None, what: str = "pool") -> Array:
    """The heads' weights, adding up to 1."""
    if weights is None:
        return np.full(len(names), 1 / len(names))
    if not isinstance(weights, Mapping):
        raise wrong(f"{what}: weights", weights, "a weight for each head, by name")
    for name in weights:
        if name not in names:
            raise missing(f"{what}: weights: there is no head", name, names)
    out = np.empty(len(names))
    for k, name in enumerate(names):
        if name not in weights:
            raise SpecError(f"{what}: weights: none for {name!r}; expected one for each head")
        out[k] = number(weights[name], f"{what}: the weight of {name!r}")
        if not 0 <= out[k] < np.inf:
            raise SpecError(f"{what}: the weight of {name!r} is {weights[name]}; expected a number, 0 or more")
    if not out.any():
        raise SpecError(f"{what}: weights: all are 0; expected one above 0")
    # By the largest first: a sum of huge ones would overflow.
    out /= out.max()
    return np.asarray(out / out.sum())


def veto(names: Sequence[str], questions: Sequence[str], odds: Array, part: Array) -> None:
    """Refuse a question to which one head says never and another surely."""
    for q, question in enumerate(questions):
        never, surely = (np.flatnonzero((odds[:, q] == end) & (part[:, q] > 0)) for end in (-np.inf, np.inf))
        if len(never) and len(surely):
            raise SpecError(
                f"pool: on {question!r} {names[never[0]]!r} says 0 and {names[surely[0]]!r} says 1, and on log-odds "
                "each has a veto; expected how='linear', or less certain heads"
            )
