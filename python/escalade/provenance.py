"""What every number stands on: its prior, its words and sources, and what the developments made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import SpecError
from .expectations import in_force, learnt_without
from .frames import Pictured, Table
from .results import MONTH
from .values import Tree, item, missing, number, number_text, probability_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .fit_base import FitBase

#: What a number may stand on.
GROUNDS = ("evidence", "base rate", "word", "judgement", "fixed")
N_SHOWN = 10  # numbers that a provenance shows in a notebook


@dataclass(frozen=True)
class Parameters(Pictured):
    """Every number of a model with its prior; of a fit, also what the developments made of it.

    ``ground`` is what most of a number rests on: "evidence" where the prior is flat or the developments took away more
    than half of its variance, "fixed" where it is not learnt, else what the prior is: a "base rate", a "word" of the
    yardstick, or a "judgement". ``learnt`` is the share of the prior's variance that the developments took away,
    1 − sd² / prior sd², and ``moved`` the posterior mode minus the prior's in prior standard deviations, both on the
    logarithm, or on the logit that changed most; where the prior is flat, 1 and none (by :meth:`Model.condition`, which
    learns nothing, it is the guess that it starts from, a judgement). A posterior may be wider than its
    prior; then ``learnt`` is below 0. Judgements about answers (:meth:`Model.expect`) are no developments: where a
    model has some, ``learnt`` and ``moved`` are those of a fit without them, the posterior that of the fit with them.

    Intensities are per month (30.4375 days), factors are times, tables probabilities: the column
    ``unit`` says it; of an indicator's number it is empty.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_month(0.3, spread=2))
    >>> columns = m.parameters().columns()
    >>> columns["unit"], [round(x, 6) for x in columns["value"]], columns["ground"]
    (['per month'], [0.3], ['judgement'])
    """

    picture = "ridges"

    rows: tuple[Tree, ...]

    @classmethod
    def of(cls, rows: Sequence[Tree]) -> Parameters:
        """The kernel's list, intensities per month, single numbers taken out of their lists."""
        return cls(tuple(grounded(with_unit(row)) for row in rows))

    @property
    def fitted(self) -> bool:
        """Whether the developments have spoken."""
        return any("mode" in row for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Tree]:
        return (dict(row) for row in self.rows)

    def __getitem__(self, key: str | int) -> Tree:
        """One parameter's entry, by name or place."""
        if isinstance(key, int):
            return dict(item(self.rows, key, "the parameters"))
        for row in self.rows:
            if row["name"] == key:
                return dict(row)
        raise missing("there is no parameter", key, [row["name"] for row in self.rows])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a number; one for each state of a table's row."""
        numbers = ["value", "prior_low", "prior_high", *(["mode", "mean", "low", "high"] if self.fitted else [])]
        once = [*(["moved", "learnt"] if self.fitted else []), "ground", "prior", "fixed"]
        once += ["words", "source", "known", "basis", "note"]
        out: dict[str, list[Any]] = {key: [] for key in ["name", "kind", "state", "unit", *numbers, *once]}
        for row in self.rows:
            for i, state in enumerate(row.get("states") or [None]):
                out["name"].append(row["name"])
                out["kind"].append(row["kind"])
                out["state"].append(state)
                out["unit"].append(row["unit"])
                for key in numbers:
                    value = row.get(key)
                    one = value[i] if isinstance(value, list) else value
                    out[key].append(one)
                for key in once:
                    out[key].append(row.get(key))
        return dict(out)

    def shown(self) -> dict[str, Sequence[Any]]:
        """The parameters that are not fixed, as a reader sees them."""
        rows = [row for row in self.rows if not row.get("fixed")] if self.fitted else self.rows
        out: dict[str, Sequence[Any]] = {
            "parameter": [row["name"] for row in rows],
            "ground": [row["ground"] for row in rows],
            "stated": [row.get("words") or row["prior"] for row in rows],
            "unit": [row["unit"] for row in rows],
            "prior": [f"{value_text(row, 'value')}{span_of(row, 'prior_low', 'prior_high')}" for row in rows],
        }
        if self.fitted:
            out["posterior"] = [f"{value_text(row, 'mode')}{span_of(row, 'low', 'high')}" for row in rows]
            out["moved"] = [share_text(row["moved"]) for row in rows]
            out["learnt"] = [percent_text(row["learnt"]) for row in rows]
        out["source"] = [row.get("source") or "" for row in rows]
        return out

    def caption(self) -> str:
        """A line above the table."""
        n_fixed = sum(bool(row.get("fixed")) for row in self.rows)
        left_out = ", not shown" if self.fitted and n_fixed else ""
        return f"{len(self)} parameters, {n_fixed} fixed{left_out}; 90 % in brackets"

    __repr__ = Table.__str__


@dataclass(frozen=True)
class Provenance(Pictured):
    """What the numbers of a fit stand on, by ground, and how many of them the developments told anything of.

    A number is *told* of where the developments moved it, squared and in prior standard deviations, by at least
    ``least``, or took away at least that share of its variance; with the default, moved by a tenth of a standard
    deviation, or 1 % of its variance. All others are ``untold``: what is believed of them is the prior, and whoever
    doubts it must argue with its source.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-01-01")
    >>> korea = m.ladder("peninsula", ["calm", "clash"], up=esc.per_year(0.5, spread=2), down=esc.per_year(6, spread=2))
    >>> d = esc.Dossier(as_of="2024-06-01")
    >>> _ = d.never(korea == "clash", between=("2024-01-01", "2024-05-31"))
    >>> provenance = m.fit(d).provenance()
    >>> print(provenance)
    The developments tell something of 1 of 2 free numbers (moved by 0.1 prior sd or more, or at least 1% less variance)
    ground     numbers  told of  learnt, at most  told most      moved
    judgement        2        1  8%               peninsula: up  -0.13
    >>> [row["name"] for row in provenance.untold]
    ['peninsula: down']
    """

    picture = "ridges"

    parameters: Parameters  #: what was told most of first
    least: float

    @classmethod
    def of(cls, parameters: Parameters, least: float) -> Provenance:
        """The numbers of a fit, in order of what was told of them."""
        share = number(least, "provenance: least", "a share of variance, 0 to 1")
        if not 0 < share < 1:
            raise SpecError(f"provenance: least is {least}; expected a share of variance between 0 and 1")
        return cls(Parameters(tuple(sorted(parameters.rows, key=lambda row: -told(row)))), share)

    @property
    def told(self) -> Parameters:
        """The free numbers of which the developments told something, those told most of first."""
        return Parameters(tuple(row for row in self.parameters.rows if told(row) >= self.least))

    @property
    def untold(self) -> Parameters:
        """The free numbers of which they told nothing: judgement, word or base rate as they were."""
        return Parameters(tuple(r for r in self.parameters.rows if not r.get("fixed") and told(r) < self.least))

    def __len__(self) -> int:
        return len(self.columns()["ground"])

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a ground: how many numbers, how many told of, and the one that was told of most."""
        out: dict[str, list[Any]] = {
            key: [] for key in ("ground", "numbers", "told", "learnt", "most", "moved", "sources")
        }
        for ground in GROUNDS:
            own = [row for row in self.parameters.rows if row["ground"] == ground]
            if not own:
                continue
            known = [row for row in own if told(row) >= self.least]
            out["ground"].append(ground)
            out["numbers"].append(len(own))
            out["told"].append(len(known))
            out["learnt"].append(max((row["learnt"] for row in known), default=0.0))
            out["most"].append(known[0]["name"] if known else None)
            out["moved"].append(known[0]["moved"] if known else None)
            out["sources"].append(len({row["source"] for row in own if row.get("source")}))
        return dict(out)

    def shown(self) -> dict[str, Sequence[Any]]:
        """As a reader sees it."""
        columns = self.columns()
        return {
            "ground": columns["ground"],
            "numbers": columns["numbers"],
            "told of": columns["told"],
            "learnt, at most": [percent_text(x) for x in columns["learnt"]],
            "told most": columns["most"],
            "moved": [share_text(x) for x in columns["moved"]],
        }

    def caption(self) -> str:
        """A line above the table."""
        free, known = len(self.told) + len(self.untold), len(self.told)
        moved, learnt = number_text(self.least**0.5), percent_text(self.least)
        told = f"moved by {moved} prior sd or more, or at least {learnt} less variance"
        return f"The developments tell something of {known} of {free} free numbers ({told})"

    def _repr_html_(self) -> str:
        top = Parameters(self.told.rows[:N_SHOWN])
        rest = f"<details><summary>those told most of</summary>{top._repr_html_()}</details>" if len(top) else ""
        return super()._repr_html_() + rest

    def plot(self, **options: Any) -> Axes:
        """From prior to posterior, what was told most of first: see :func:`escalade.plot.ridges`.

        Parameters
        ----------
        **options
            ``top=``, ``ax=``, ``width=``.

        Returns
        -------
        matplotlib Axes
        """
        return self.parameters.plot(**options)

    __repr__ = Table.__str__


def parameters(fit: FitBase) -> Parameters:
    """See :meth:`Fit.parameters`."""
    rows = json.loads(fit._core.parameters())
    if judged := in_force(fit):
        alone = learnt_without(fit.model._core.spec(), fit._core.dossier(), frozenset(judged))
        for row, own in zip(rows, json.loads(alone.parameters()), strict=True):
            row |= {key: own[key] for key in ("shrink", "moved") if key in own}
    return Parameters(tuple(grounded(with_unit(row), bool(np.isnan(fit._core.gradient_norm))) for row in rows))


def told(row: Tree) -> float:
    """How much was told of a number: the larger of what was learnt and the square of how far it moved; fixed: −1."""
    return -1.0 if row.get("fixed") else max(row["learnt"], (row["moved"] or 0.0) ** 2)


def grounded(row: Tree, unlearnt: bool = False) -> Tree:
    """A number with what it rests on, and what was learnt of it; of a flat one that was not learnt stands a guess."""
    flat = row["prior"].startswith("flat") and not unlearnt
    row = dict(row)
    if "shrink" in row:
        row["learnt"] = 1.0 if flat else 1 - (1 - row.pop("shrink")) ** 2
        row["moved"] = None if flat else row["moved"]
    return {**row, "ground": ground_of(row, flat)}


def ground_of(row: Tree, flat: bool) -> str:
    """What most of a number rests on."""
    if row["fixed"]:
        return "fixed"
    if flat or row.get("learnt", 0.0) > 0.5:
        return "evidence"
    if row.get("basis"):
        return str(row["basis"])
    if row["prior"].startswith("Gamma"):
        return "base rate"
    a_word = " within " in row["words"] and not row["words"][0].isdigit()
    return "word" if a_word else "judgement"


def with_unit(row: Tree) -> Tree:
    """A number of the kernel, which counts in days, as users read it."""
    if "states" in row:
        return {**row, "unit": "probability"}
    per_month = row["kind"] in ("intensity", "event rate")
    scale = MONTH if per_month else 1.0
    numbers = {
        key: None if row[key][0] is None else row[key][0] * scale  # no interval without draws
        for key in ("value", "prior_low", "prior_high", "mode", "mean", "low", "high")
        if isinstance(row.get(key), list)
    }
    # A mean, a standard deviation, a size is in the unit of what the indicator shows.
    unit = "per month" if per_month else "times" if row["kind"] == "factor" else ""
    return {**row, **numbers, "unit": unit}


def value_text(row: Tree, key: str) -> str:
    """A parameter's number (an intensity a month), or a row's probabilities."""
    value = row.get(key)
    if isinstance(value, list):
        return " / ".join(probability_text(p) for p in value)
    return "" if value is None else number_text(value)


def span_of(row: Tree, low: str, high: str) -> str:
    """A single number's interval in brackets."""
    if row.get(low) is None or isinstance(row[low], list):
        return ""
    return f" ({value_text(row, low)}–{value_text(row, high)})"


def share_text(x: float | None) -> str:
    """A move for reading: two digits after the point, 0 where rounding left nothing.

    >>> share_text(-3.8e-05), share_text(-0.424), share_text(1.2)
    ('0', '-0.42', '1.20')
    """
    if x is None:
        return ""
    return "0" if abs(x) < 0.005 else f"{x:.2f}"


def percent_text(x: float) -> str:
    """A share for reading, in percent.

    >>> percent_text(0.117), percent_text(-0.0004), percent_text(0.004)
    ('12%', '0', '0.4%')
    """
    percent = round(100 * x, 1)
    return "0" if percent == 0 else f"{percent:.0f}%" if abs(percent) >= 1 else f"{percent:.1f}%"
