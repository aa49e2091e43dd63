"""What each development does to an answer: as it arrived, left out, and by Shapley's shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._core import SpecError
from .dossier import Development
from .frames import Pictured, Table, frozen
from .progress import Progress, progress_line
from .questions import AsQuestions, one_question
from .results import Array
from .values import missing, place_of, probability_text, signed_text, whole, wrong

if TYPE_CHECKING:
    from .fit_base import FitBase

WIDE = 60  # characters of a player's name that a table shows
#: What developments may be grouped by.
GROUPS = ("development", "indicator", "source", "paragraph")


@dataclass(frozen=True, eq=False)
class Attribution(Pictured):
    """What developments, or groups of them, do to one answer, parameters and now as they are; see :meth:`Fit.explain`.

    ``share`` is Shapley's: the mean, over all orders in which the developments might have become known, of what each
    adds when it comes (Shapley 1953; exact for up to 12 players, else over sampled orders with the standard error
    ``error``). Shares add up to the whole difference between the answer with and without the developments. ``left_out``
    is what the answer loses without one alone: of two reports of one thing neither loses much. Both are on log-odds,
    unless some coalition makes the answer 0 or 1; then they are on probability, and ``scale`` says so. ``taught`` is
    what each does to the probability through the parameters that it taught, to first order or by refits; nan where not
    asked for.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "tense", "war"], up=esc.per_month(0.1), down=esc.per_month(0.2))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> _ = d.saw(front >= "tense", on="2024-11-10", grade="B2", id="tense")
    >>> _ = d.saw(front == "quiet", on="2024-10-20", grade="C3", id="rumour")
    >>> war = esc.reach(front == "war", by="2025-06-30", name="war by mid-2025")
    >>> why = m.condition(d).explain(war)
    >>> why["tense"]["share"] > 0 > why["rumour"]["share"]
    True
    >>> bool(abs(why.share.sum() - (why.now_logit - why.before_logit)) < 1e-9)
    True
    """

    picture = "waterfall"

    question: str
    player: tuple[str, ...]
    says: tuple[str, ...]
    through: tuple[str, ...]  #: the drivers, ladders and indicators that it looks at
    share: Array
    error: Array
    left_out: Array
    without: Array  #: the probability without it
    taught: Array
    before: float  #: the probability without any of them
    now: float
    before_logit: float
    now_logit: float
    #: each day on which some became known: the date, their ids, the probability and its log-odds from then on
    arrivals: tuple[tuple[str, tuple[str, ...], float, float], ...]
    scale: str  #: "log-odds" or "probability"

    def __len__(self) -> int:
        return len(self.player)

    def __getitem__(self, key: str | int) -> dict[str, Any]:
        """One player's row, by name or place."""
        place = place_of(key, self.player, "player")
        return {name: column[place] for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a development, or group."""
        numbers = ("share", "error", "left_out", "without", "taught")
        words = {"player": self.player, "says": self.says, "through": self.through}
        return words | {name: getattr(self, name).tolist() for name in numbers}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The largest shares first, as a reader sees them; without shares, the most missed first."""
        shared = not np.isnan(self.share).all()
        order = np.argsort(-np.abs(self.share if shared else self.left_out), kind="stable")

        out: dict[str, Sequence[Any]] = {
            "": [shorten(self.player[k], WIDE, placeholder="…") for k in order],
            "says": [self.says[k] for k in order],
            **({f"share ({self.scale})": [signed_text(self.share[k]) for k in order]} if shared else {}),
            "left out" if shared else f"left out ({self.scale})": [signed_text(self.left_out[k]) for k in order],
            "answer without": [probability_text(float(self.without[k])) for k in order],
        }
        if not np.isnan(self.taught).all():
            out["taught (points)"] = [signed_text(100 * self.taught[k]) for k in order]
        return out

    def caption(self) -> str:
        """A line above the table."""
        noise = "" if not np.nan_to_num(self.error).any() else f"; shares sampled, ± {self.error.max():.2f} at most"
        before, now = probability_text(self.before), probability_text(self.now)
        return f"{self.question}: {now} now, {before} without these developments{noise}"

    __repr__ = Table.__str__


def explain(
    fit: FitBase, question: AsQuestions, *, by: str, learning: bool | str, orders: int, seed: int, progress: Progress
) -> Attribution:
    """See :meth:`Fit.explain`."""
    name, text = one_question(question, "explain")
    if by not in GROUPS:
        raise missing("explain: by", by, GROUPS, "expected one of")
    groups = grouped(fit, by)
    players = [[d.id for d in own] for own in groups.values()]
    if learning not in (True, False, "refit"):
        raise wrong("explain: learning", learning, 'True, False or "refit"')
    pairs, key = whole(orders, "orders", 0) // 2, whole(seed, "seed")
    with progress_line("shares", progress) as report:
        got = _core.attribute(fit._core, text, players, pairs, key, progress=report)
    nothing = np.full(len(players), np.nan)
    with progress_line("learning", progress) as report:
        if learning == "refit":
            taught = refitted(fit, text, players, report)
        else:
            taught = _core.taught(fit._core, text, players, progress=report) if learning else nothing
    without = got["without"].reshape(-1, 2)
    known = {d.id: d for own in groups.values() for d in own}
    arrivals = got["arrivals"].reshape(-1, 2)
    days = [(arrived([known[id] for id in ids]), tuple(ids)) for ids in got["days"]]
    scale = "probability" if got["on_probability"] else "log-odds"
    (before, before_logit), (now, now_logit) = got["before"], got["now"]
    return Attribution(
        name,
        tuple(groups),
        tuple(own[0].describe() if len(own) == 1 else f"{len(own)} developments" for own in groups.values()),
        tuple(", ".join(sorted({s for d in own for s in d.subjects})) for own in groups.values()),
        frozen(got["shares"] if len(got["shares"]) else nothing),
        frozen(got["errors"] if len(got["errors"]) else nothing),
        frozen(now - without[:, 0] if scale == "probability" else now_logit - without[:, 1]),
        frozen(without[:, 0]),
        frozen(taught),
        before,
        now,
        before_logit,
        now_logit,
        tuple((date, ids, float(p), float(logit)) for (date, ids), (p, logit) in zip(days, arrivals, strict=True)),
        scale,
    )


def refitted(fit: FitBase, text: str, players: list[list[str]], report: Any) -> Array:
    """What each player does through the parameters that it taught: beside an answer from what the others teach."""
    if fit._changes() or np.isnan(fit._core.gradient_norm):
        raise SpecError("explain: what developments taught is known of a fit by m.fit that was not changed since")
    model, dossier = fit.model, fit.dossier
    known = dossier._checked(model._core)
    now = fit._core.at_mode().ask(text)["mode"][0]
    out = np.empty(len(players))
    for k, ids in enumerate(players):
        theta = model.fit(dossier.without(*ids), draws=0, progress=False)._core.theta
        out[k] = now - model._core.condition(known, theta).ask(text)["mode"][0]
        if report is not None:
            report((k + 1) / len(players))
    return out


def grouped(fit: FitBase, by: str) -> dict[str, list[Development]]:
    """The developments known at the fit's date, in the groups that are asked for."""
    names: dict[str, Callable[[Development], str]] = {
        "development": lambda d: d.id,
        "indicator": lambda d: ", ".join(d.subjects),
        "source": lambda d: d.source or "no source",
        "paragraph": lambda d: "no paragraph" if d.paragraph is None else f"paragraph {d.paragraph}",
    }
    gone = {*fit.left_out, *(id for change in fit._changes() for id in change.get("without", ()))}
    also = [Development(tree) for change in fit._changes() for tree in change.get("also", ())]
    groups: dict[str, list[Development]] = {}
    for d in [*fit.dossier, *also]:
        if d.id not in gone:
            groups.setdefault(names[by](d), []).append(d)
    return groups


def arrived(developments: list[Development]) -> str:
    """The day on which they became known."""
    for d in developments:
        when = d.reported or (d.span[1] if d.span else None)
        if when:
            return str(when)[:10]
    return ""
