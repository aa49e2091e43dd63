"""Whether developments agree with each other and with the model, and which hypotheses they tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .attribution import grouped
from .condition import A_CONDITION, Condition, describe
from .frames import Pictured, Table, frozen
from .progress import Progress, progress_line
from .questions import Questions, at
from .results import Array
from .values import listed, number_text, place_of, to_json, wrong

if TYPE_CHECKING:
    from .fit_base import FitBase

N_PAIRS = 5  # pairs that a caption names


@dataclass(frozen=True, eq=False)
class Conflicts(Table):
    """How developments get on with each other, at the mode of the parameters; see :meth:`Fit.conflicts`.

    ``support`` is ln P(e | all others) / P(e): below 0 the others speak against it. Its negative is the conflict
    measure of Jensen et al. (1991, Proc. 9th AAAI; conf = ln Π P(e_i) / P(e)) between the development and the rest;
    ``whole`` is that measure over all developments at once, above 0 where together they are less likely than each for
    itself.
    ``surprise`` is −log2 P(e | all others) in bits; of a move or of events told to the hour, P is a density per day.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(1), down=esc.per_year(1))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> for day in (10, 12, 14):
    ...     _ = d.saw(front == "quiet", on=f"2024-10-{day}", hit=0.9, false_alarm=0.2, id=f"quiet-{day}")
    >>> _ = d.saw(front == "war", on="2024-10-13", hit=0.9, false_alarm=0.01, id="odd one")
    >>> table = m.condition(d).conflicts()
    >>> table.against, table.pair("odd one", "quiet-12") > 0
    (['odd one'], True)
    """

    id: tuple[str, ...]
    says: tuple[str, ...]
    surprise: Array
    support: Array
    whole: float
    #: ln P(a) P(b) / P(a, b) of two developments, shape (n, n): above 0 they speak against each other; nan if not asked
    pairs: Array

    @property
    def against(self) -> list[str]:
        """Developments that all others together make less likely by a factor of two or more, the worst first."""
        order = np.argsort(self.support, kind="stable")
        return [self.id[k] for k in order if self.support[k] < -np.log(2)]

    def pair(self, a: str, b: str) -> float:
        """How two developments get on.

        Parameters
        ----------
        a, b : str
            Their ids.

        Returns
        -------
        float
            ln P(a) P(b) / P(a, b): above 0 they speak against each other.
        """
        return float(self.pairs[place_of(a, self.id, "development"), place_of(b, self.id, "development")])

    def worst_pairs(self, n: int = N_PAIRS) -> list[tuple[str, str, float]]:
        """The pairs that speak against each other most.

        Parameters
        ----------
        n : int
            At most so many.

        Returns
        -------
        list of (id, id, measure)
        """
        upper = np.triu(np.nan_to_num(self.pairs, nan=0.0), 1)
        order = np.argsort(-upper, axis=None, kind="stable")[:n]
        places = [divmod(int(k), len(self.id)) for k in order]
        return [(self.id[i], self.id[j], float(upper[i, j])) for i, j in places if upper[i, j] > 0]

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, key: str | int) -> dict[str, Any]:
        place = place_of(key, self.id, "development")
        return {name: column[place] for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a development."""
        return {"id": self.id, "says": self.says, "surprise": self.surprise.tolist(), "support": self.support.tolist()}

    def shown(self) -> dict[str, Sequence[Any]]:
        """Those that the others speak against most first."""
        order = np.argsort(self.support, kind="stable")
        return {
            "development": [self.id[k] for k in order],
            "says": [self.says[k] for k in order],
            "surprise (bits)": [number_text(float(self.surprise[k])) for k in order],
            "others make it": [times(float(self.support[k])) for k in order],
        }

    def caption(self) -> str:
        """A line above the table."""
        worst = "; ".join(f"{a} and {b} ({np.exp(-x):.2g} times)" for a, b, x in self.worst_pairs(2))
        return f"Conflict of all developments {self.whole:+.1f}" + (f"; most at odds: {worst}" if worst else "")

    __repr__ = Table.__str__


@dataclass(frozen=True, eq=False)
class Diagnosticity(Pictured):
    """Which developments tell hypotheses apart: likelihood ratios as in the analysis of competing hypotheses.

    ``given_rest[i, k]`` is ln P(e_i | H_k, others) / P(e_i | not H_k, others): by how much the development moves the
    log odds of the hypothesis now; ``alone`` is the same with no other development known. A development whose row is
    flat is not diagnostic, however striking it is (Heuer 1999, Psychology of Intelligence Analysis, ch. 8).

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(1), down=esc.per_year(1))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> _ = d.saw(front == "war", on="2024-11-30T23:59", hit=0.8, false_alarm=0.2, id="seen")
    >>> table = m.condition(d).diagnosticity({"war": front == "war"})
    >>> round(float(np.exp(table.given_rest[0, 0])), 2)  # 0.8 / 0.2
    4.0
    """

    picture = "diagnosticity"

    id: tuple[str, ...]
    says: tuple[str, ...]
    hypotheses: tuple[str, ...]
    now: Array  #: probability of each hypothesis, shape (n_hypotheses,)
    given_rest: Array  #: shape (n_developments, n_hypotheses)
    alone: Array

    @property
    def diagnostic(self) -> list[str]:
        """The developments by how far they tell the hypotheses apart, the furthest first."""
        return [self.id[k] for k in np.argsort(-self._spread(), kind="stable")]

    def _spread(self) -> Array:
        if self.given_rest.shape[1] == 1:
            return np.abs(self.given_rest[:, 0])
        return np.asarray(np.ptp(self.given_rest, axis=1), dtype=float)

    def __len__(self) -> int:
        return len(self.id)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row for each development and hypothesis."""
        n, k = self.given_rest.shape
        return {
            "id": [id for id in self.id for _ in range(k)],
            "hypothesis": list(self.hypotheses) * n,
            "given_rest": self.given_rest.ravel().tolist(),
            "alone": self.alone.ravel().tolist(),
        }

    def shown(self) -> dict[str, Sequence[Any]]:
        """Likelihood ratios, the most diagnostic development first."""
        order = np.argsort(-self._spread(), kind="stable")
        out: dict[str, Sequence[Any]] = {"development": [self.id[k] for k in order]}
        for j, name in enumerate(self.hypotheses):
            out[f"{name} ({self.now[j]:.2f})"] = [times(float(self.given_rest[k, j])) for k in order]
        return out

    def caption(self) -> str:
        """A line above the table."""
        return "By what each development multiplies the odds of each hypothesis now (its probability in brackets)"

    __repr__ = Table.__str__


def times(log: float) -> str:
    """A factor on odds or probabilities, for reading; ×1 where two digits show nothing.

    >>> [times(float(np.log(x))) for x in (2.5, 0.4, 1.04, 0.99)]
    ['×2.5', '÷2.5', '×1', '×1']
    """
    if np.isnan(log):
        return ""
    figure = number_text(float(np.exp(abs(log))))
    return f"{'×' if log > 0 or figure == '1' else '÷'}{figure}"


def conflicts(fit: FitBase, pairs: bool, progress: Progress) -> Conflicts:
    """See :meth:`Fit.conflicts`."""
    with progress_line("conflicts", progress) as report:
        got = _core.quarrels(fit._core, pairs, progress=report)
    ids = got["id"]
    says = {id: own[0].describe() for id, own in grouped(fit, "development").items()}
    table = np.full((len(ids), len(ids)), np.nan)
    for a, b, measure in got["pairs"]:
        table[a, b] = table[b, a] = measure
    return Conflicts(
        tuple(ids),
        tuple(says.get(id, id) for id in ids),
        frozen(-got["given_rest"] / np.log(2)),
        frozen(got["given_rest"] - got["alone"]),
        got["whole"],
        frozen(table),
    )


def diagnosticity(
    fit: FitBase, hypotheses: Mapping[str, Condition] | Iterable[Condition], progress: Progress
) -> Diagnosticity:
    """See :meth:`Fit.diagnosticity`."""
    if isinstance(hypotheses, Mapping):
        named = {str(name): condition for name, condition in hypotheses.items()}
    else:
        listing = listed(hypotheses, "diagnosticity: the hypotheses", "conditions, in a list or by name")
        named = {describe(c.to_dict()) if isinstance(c, Condition) else str(c): c for c in listing}
    for name, condition in named.items():
        if not isinstance(condition, Condition):
            raise wrong(f"diagnosticity: {name!r}", condition, A_CONDITION)
    if not named:
        raise wrong("diagnosticity", hypotheses, "at least one hypothesis")
    now = np.datetime64(fit.as_of, "m") + np.timedelta64(0 if "T" in fit.as_of else 1, "D")
    groups = grouped(fit, "development")
    players = [[d.id for d in own] for own in groups.values()]
    probability, rest, alone = [], [], []
    with progress_line("hypotheses", progress) as report:
        for k, condition in enumerate(named.values()):
            text = to_json(Questions([at(condition, on=str(now))]).to_dict())
            got = _core.attribute(fit._core, text, players, 0)
            probability.append(got["now"][0])
            rest.append(got["now"][1] - got["without"].reshape(-1, 2)[:, 1])
            alone.append(got["alone"].reshape(-1, 2)[:, 1] - got["before"][1])
            if report is not None:
                report((k + 1) / len(named))
    return Diagnosticity(
        tuple(groups),
        tuple(own[0].describe() for own in groups.values()),
        tuple(named),
        frozen(probability),
        frozen(np.array(rest).T),
        frozen(np.array(alone).T),
    )
