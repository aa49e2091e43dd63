"""Several heads' priors: models of one structure whose numbers differ, pooled into a model that can be fitted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import exp, inf, lgamma, log
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import SpecError
from .frames import Pictured, Table, frozen
from .pooling import weighed
from .provenance import share_text, span_of, value_text
from .results import MONTH, Array
from .values import BASES, NINETY, Tree, missing, number_text, place_of, wrong

if TYPE_CHECKING:
    from .model import Model

#: Ways to pool.
WAYS = ("logarithmic", "linear")
GROUND = ("source", "known", "basis", "note")
#: The keys of an entry that are numbers, and not structure.
NUMBERS = {
    "driver": ("table", "formula", "worth", "free"),
    "status": ("table", "formula", "worth", "free"),
    "rate": ("rate", "per", "spread", "chance", "yardstick", "within", "events", "over", "free"),
    "effect": ("factor", "spread", "free"),
    "events": ("rate", "per", "spread", "free"),
    "start": ("start", "worth"),
}


@dataclass(frozen=True, eq=False)
class PooledPriors(Pictured):
    """The priors of several heads, pooled; see :func:`pool_priors`.

    ``model`` has the pooled priors and can be fitted. ``apart`` is how far each head's prior is from the pooled one, by
    Hellinger's distance (1909): 0 where they are the same, 1 where one holds possible only what the other excludes. It
    does not depend on the scale on which a number is written. It is nan where one of the two is flat.

    Examples
    --------
    >>> import escalade as esc
    >>> def model(p):
    ...     m = esc.Model("A strait", origin="2024-10-01")
    ...     m.ladder("strait", ["calm", "clash"], up=esc.chance(p, within="1 year", spread=2), down=esc.per_month(1))
    ...     return m
    >>> both = esc.pool_priors({"north desk": model(0.05), "south desk": model(0.2)})
    >>> print(both)
    Priors of 2 heads, pooled logarithmically; 90 % in brackets, apart: Hellinger's distance
    number      unit       pooled                 north desk             south desk            furthest    apart
    strait: up  per month  0.0089 (0.0029–0.028)  0.0043 (0.0014–0.013)  0.019 (0.0059–0.058)  north desk  0.36
    >>> both.model.parameters()["strait: up"]["words"]
    '0.00891541 per month (spread 2)'
    """

    picture = "priors"

    model: Model
    head: tuple[str, ...]
    weight: Array  #: of each head; they add up to 1
    number: tuple[str, ...]  #: names of the numbers that a head does not hold fixed, or that heads see otherwise
    pooled: tuple[Tree, ...]  #: entries of the pooled model's parameters
    each: tuple[tuple[Tree, ...], ...]  #: each head's, shape (n_heads, n_numbers)
    apart: Array  #: shape (n_heads, n_numbers)
    how: str

    def __len__(self) -> int:
        return len(self.number)

    def __getitem__(self, key: Any) -> dict[str, Any]:
        """One number's row, by name or place."""
        place = place_of(key, self.number, "number")
        return {name: column[place] for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a number: the pooled mode and its 90 % interval, each head's mode, and who is furthest from it."""
        out: dict[str, list[Any]] = {"number": list(self.number)}
        for key, source in (("unit", "unit"), ("mode", "value"), ("low", "prior_low"), ("high", "prior_high")):
            out[key] = [row.get(source) for row in self.pooled]
        for head, rows in zip(self.head, self.each, strict=True):
            out[head] = [row["value"] for row in rows]
        distance = np.where(np.isnan(self.apart), -1.0, self.apart)
        out["furthest"] = [self.head[k] for k in distance.argmax(axis=0)]
        out["apart"] = [float(x) if x >= 0 else float("nan") for x in distance.max(axis=0)]
        return dict(out)

    def shown(self) -> dict[str, Sequence[Any]]:
        """As a reader sees it, those that the heads see most otherwise first."""
        columns = self.columns()
        order = np.argsort(-np.nan_to_num(columns["apart"]), kind="stable")
        rows = [self.pooled[k] for k in order]
        heads = {
            head: [f"{value_text(own[k], 'value')}{span_of(own[k], 'prior_low', 'prior_high')}" for k in order]
            for head, own in zip(self.head, self.each, strict=True)
        }
        return {
            "number": [self.number[k] for k in order],
            "unit": [row["unit"] for row in rows],
            "pooled": [f"{value_text(row, 'value')}{span_of(row, 'prior_low', 'prior_high')}" for row in rows],
            **heads,
            "furthest": [columns["furthest"][k] for k in order],
            "apart": [share_text(columns["apart"][k]) for k in order],
        }

    def caption(self) -> str:
        """A line above the table."""
        way = "logarithmically" if self.how == "logarithmic" else "linearly, by mean and standard deviation"
        return f"Priors of {len(self.head)} heads, pooled {way}; 90 % in brackets, apart: Hellinger's distance"

    __repr__ = Table.__str__


def pool_priors(
    models: Mapping[str, Model], *, how: str = "logarithmic", weights: Mapping[str, float] | None = None
) -> PooledPriors:
    """Pool what several analysts believe of the numbers of one model, into a model with the pooled priors.

    The logarithmic pool is the normalised geometric mean of the densities (Genest and Zidek 1986, Statistical Science
    1, 114-135), which a fit to developments then leaves as if they had been learnt before. Of log-normal priors it is
    log-normal, the logarithms' means weighted by weight over variance; of Gamma priors (base rates) Gamma; of Dirichlet
    rows Dirichlet, with the mean of the concentrations: all exact. A flat prior has no part in it, and one who holds a
    number fixed has a veto.

    The linear pool (Stone 1961, Annals of Mathematical Statistics 32, 1339-1342) is a mixture, which no prior of a
    model can say: in its place stands the log-normal with the mean and the standard deviation of the mixture's
    logarithm; of a table's rows the Dirichlet with the mixture's means and sum of variances. Heads that disagree make
    it wide; where they disagree much, the mixture would have two tops, and this has one between them.

    Where priors of two forms meet (a base rate and a judgement), the pool is log-normal with the mean and the standard
    deviation of the true one's logarithm, for either way. Rates of one event indicator share one spread, rows of one
    table one worth. Pooled numbers are written to six digits.

    Parameters
    ----------
    models : mapping of str to Model
        Each head's. They must have the same drivers, ladders, effects and indicators in the same order; numbers, their
        sources and the models' names may differ.
    how : {"logarithmic", "linear"}
        The way.
    weights : mapping of str to float, optional
        Of each head, 0 or more; they are scaled to add up to 1. None: all weigh the same.

    Returns
    -------
    PooledPriors
        ``pooled.model`` to be fitted; ``plot()`` and the table show each head beside the pool.

    Raises
    ------
    SpecError
        If there is no model, they differ in structure, a weight is missing or negative, heads hold a number fixed at
        different values (logarithmic), one of them has a flat prior and another has not (linear), or they differ about
        the law of an indicator's numbers, a covariate or a judgement about an answer, which are not pooled.

    Examples
    --------
    >>> import escalade as esc
    >>> def model(rate):
    ...     m = esc.Model(origin="2024-10-01")
    ...     m.ladder("front", ["quiet", "war"], up=esc.per_year(rate, spread=2))
    ...     return m
    >>> pooled = esc.pool_priors({"ann": model(0.1), "bo": model(0.4)}, weights={"ann": 1, "bo": 1})
    >>> round(pooled["front: up"]["mode"] * 12, 3)
    0.2
    >>> fit = pooled.model.fit(esc.Dossier(as_of="2024-11-30"))
    """
    if how not in WAYS:
        raise missing("pool_priors: how", how, WAYS, "expected one of")
    names, trees, rows = told(models)
    weight = weighed(names, weights, "pool_priors")
    tree = deepcopy(trees[0])
    for place in zip(*(entries(t, r) for t, r in zip(trees, rows, strict=True)), strict=True):
        if all(own.numbers == place[0].numbers for own in place):
            continue
        entry = next(own for own in entries(tree, rows[0]) if own.where == place[0].where).entry
        pooled = pool_entry(place, weight, how, dict(zip(names, place, strict=True)))
        for key in (*NUMBERS[place[0].kind], *GROUND):
            entry.pop(key, None)
        entry |= pooled
    from .model import Model

    made = Model.from_dict(tree)
    own = [{row["name"]: row for row in parameters} for parameters in rows]
    kept = [
        row
        for row in made.parameters()
        if not row["fixed"] or any(head[row["name"]]["value"] != row["value"] for head in own)
    ]
    each = tuple(tuple(head[row["name"]] for row in kept) for head in own)
    apart = np.array([[hellinger(mine, row) for mine, row in zip(head, kept, strict=True)] for head in each])
    listed = tuple(row["name"] for row in kept)
    return PooledPriors(made, names, frozen(weight), listed, tuple(kept), each, frozen(apart), how)


# The trees


@dataclass
class Entry:
    """An entry of a tree that holds numbers, with the parameters that it makes."""

    kind: str
    where: str  #: as a reader would call it
    entry: Tree
    rows: list[Tree]

    @property
    def numbers(self) -> Tree:
        """What is stated of them."""
        return {key: self.entry[key] for key in NUMBERS[self.kind] if key in self.entry}


def told(models: Any) -> tuple[tuple[str, ...], list[Tree], list[list[Tree]]]:
    """The heads, their trees in one form, and their parameters; refused where the structures differ."""
    from .model import Model

    if not isinstance(models, Mapping) or not models or not all(isinstance(m, Model) for m in models.values()):
        raise wrong("pool_priors: the first argument", models, "models by head, such as {'ann': m1, 'bo': m2}")
    names = tuple(map(str, models))
    for name, model in models.items():
        if any(ladder.to_dict().get("covariate") for ladder in model.ladders.values()):
            raise SpecError(f"pool_priors: {name!r} has covariates of a panel; their ratios are not pooled")
    trees = [json.loads(m._core.spec()) for m in models.values()]
    first = skeleton(trees[0])
    for name, tree in zip(names[1:], trees[1:], strict=True):
        if skeleton(tree) != first:
            place = difference(first, skeleton(tree))
            raise SpecError(
                f"pool_priors: {names[0]!r} and {name!r} differ in {place}; only intensities, factors and tables may"
            )
    return names, trees, [list(m.parameters()) for m in models.values()]


def entries(tree: Tree, parameters: Sequence[Tree]) -> Iterator[Entry]:
    """The entries that hold numbers, each with its parameters."""

    def called(name: str) -> list[Tree]:
        return [row for row in parameters if row["name"] == name or row["name"].startswith(f"{name} | ")]

    intensities = iter([row for row in parameters if row["kind"] == "intensity"])
    factors = iter([row for row in parameters if row["kind"] == "factor"])
    for driver in tree.get("driver", ()):
        yield Entry("driver", driver["name"], driver, called(driver["name"]))
    for ladder in tree.get("ladder", ()):
        for kind, stream in (("rate", intensities), ("effect", factors)):
            for entry in ladder.get(kind, ()):
                row = next(stream)
                yield Entry(kind, row["name"], entry, [row])
        if "worth" in ladder:
            yield Entry("start", f"{ladder['name']}: first rung", ladder, called(f"{ladder['name']}: first rung"))
    for status in tree.get("status", ()):
        if "outcome" not in status:
            yield Entry("status", status["name"], status, called(status["name"]))
    for events in tree.get("events", ()):
        yield Entry("events", events["name"], events, called(events["name"]))


def skeleton(tree: Tree) -> Tree:
    """A tree without its numbers and their grounds."""
    bare = deepcopy(tree)
    bare.pop("name", None)
    for kind in ("driver", "status", "events"):
        for entry in bare.get(kind, ()):
            strip(entry, kind)
    for ladder in bare.get("ladder", ()):
        for kind in ("rate", "effect"):
            for entry in ladder.get(kind, ()):
                strip(entry, kind)
        if "worth" in ladder:
            strip(ladder, "start")
        for key in GROUND:
            ladder.pop(key, None)
    return bare


def strip(entry: Tree, kind: str) -> None:
    """Take away an entry's numbers and grounds."""
    if kind == "events":
        entry["each"] = len(entry["rate"]) if isinstance(entry.get("rate"), list) else 1
    for key in (*NUMBERS[kind], *GROUND):
        entry.pop(key, None)


def difference(a: Any, b: Any, place: str = "the model") -> str:
    """Where two trees part, in words."""
    if isinstance(a, dict) and isinstance(b, dict):
        here = a.get("name", place)
        key = next(key for key in sorted({*a, *b}) if a.get(key) != b.get(key))
        return difference(a.get(key), b.get(key), here if key == "name" else f"{here}: {key}")
    if isinstance(a, list) and isinstance(b, list):
        for x, y in zip(a, b, strict=False):
            if x != y:
                return difference(x, y, place)
    return place


# Pools


def pool_entry(place: Sequence[Entry], weight: Array, how: str, heads: Mapping[str, Entry]) -> Tree:
    """The numbers of an entry, pooled, and the ground that they stand on."""
    kind, where = place[0].kind, place[0].where
    bases = {row["ground"] for own in place for row in own.rows}
    stated = [
        f"{head}: {'; '.join(dict.fromkeys(row.get('words') or row['prior'] for row in own.rows))}"
        for head, own in heads.items()
    ]
    ground = {
        "source": f"pooled, {how}: {', '.join(heads)}",
        "basis": bases.pop() if len(bases) == 1 and bases <= set(BASES) else "judgement",
        "note": ". ".join(stated),
    }
    known = [own.entry["known"] for own in place if "known" in own.entry]
    if known:
        ground["known"] = max(known)
    part = weight > 0
    told_by = [own for own, has in zip(place, part, strict=True) if has]
    w = weight[part]
    if kind in ("driver", "status", "start"):
        pooled = pool_tables(told_by, w, how, where)
        rows = [[rounded(p) for p in row] for row in pooled["table"]]
        table = rows[0] if len(rows) == 1 else rows
        return {("start" if kind == "start" else "table"): table, **pooled["prior"], **ground}
    numbers = [pool_positives(own, w, how, where) for own in zip(*(own.rows for own in told_by), strict=True)]
    key = "factor" if kind == "effect" else "rate"
    unit = {} if kind == "effect" else {"per": "month"}
    if "shape" in numbers[0]:
        (gamma,) = numbers
        over = f"{rounded(gamma['exposure'] * MONTH)} days"
        return {"events": rounded(gamma["shape"] - 0.5), "over": over, **ground}
    middle = [rounded(one["middle"]) for one in numbers]
    sd = float(np.sqrt(np.mean([one["sd"] ** 2 for one in numbers])))
    spread = {"free": True} if sd == inf else {"spread": rounded(exp(sd))} if sd > 0 else {}
    return {key: middle[0] if len(middle) == 1 else middle, **unit, **spread, **ground}


def rounded(x: float) -> float:
    """A number as it is written into the pooled model: six digits, so that it can be read."""
    return float(f"{x:.6g}")


def pool_positives(rows: Sequence[Tree], weight: Array, how: str, where: str) -> Tree:
    """One positive number: its middle and the standard deviation of its logarithm, or a Gamma's shape and exposure."""
    laws = [Law.of(row) for row in rows]
    fixed = [law for law in laws if law.sd == 0]
    if any(law.middle == 0 for law in fixed):
        if all(law.middle == 0 and law.sd == 0 for law in laws):
            return {"middle": 0.0, "sd": 0.0}
        raise SpecError(f"pool_priors: {where}: a head holds it at 0 and another does not; expected all, or none")
    if how == "logarithmic":
        if fixed:
            if len({law.middle for law in fixed}) > 1:
                held = " and ".join(number_text(x) for x in sorted({law.middle for law in fixed}))
                raise SpecError(
                    f"pool_priors: {where}: heads hold it fixed at {held}, and each has a veto; expected how='linear', "
                    "or priors with a spread"
                )
            return {"middle": fixed[0].middle, "sd": 0.0}
        proper = [(law, w) for law, w in zip(laws, weight, strict=True) if law.sd < inf]
        if not proper:
            return {"middle": laws[0].middle, "sd": inf}
        if all(law.shape is not None for law, _ in proper):
            shape = sum(w * (law.shape or 0.0) for law, w in proper)
            exposure = sum(w * (law.shape or 0.0) / law.middle for law, w in proper)
            return {"shape": float(shape), "exposure": float(exposure)} if shape >= 0.5 else gamma_as_normal(proper)
        if all(law.shape is None for law, _ in proper):
            precision = sum(w / law.sd**2 for law, w in proper)
            mean = sum(w * log(law.middle) / law.sd**2 for law, w in proper) / precision
            return {"middle": exp(mean), "sd": float(precision**-0.5)}
        return gamma_as_normal(proper)
    if any(law.sd == inf for law in laws):
        if all(law.sd == inf for law in laws):
            return {"middle": laws[0].middle, "sd": inf}
        raise SpecError(
            f"pool_priors: {where}: one head's prior is flat and another's is not; expected how='logarithmic'"
        )
    moments = [law.moments for law in laws]
    mean = float(sum(w * m for (m, _), w in zip(moments, weight, strict=True)))
    variance = float(sum(w * (s**2 + (m - mean) ** 2) for (m, s), w in zip(moments, weight, strict=True)))
    return {"middle": exp(mean), "sd": variance**0.5}


@dataclass(frozen=True)
class Law:
    """The prior of a positive number: fixed (sd 0), flat (sd infinite), log-normal, or Gamma (with a shape)."""

    middle: float  #: the mode on the logarithm
    sd: float  #: of the logarithm
    shape: float | None = None

    @classmethod
    def of(cls, row: Tree) -> Law:
        """That of a parameter."""
        if row["fixed"]:
            return cls(row["value"], 0.0)
        if row["prior"].startswith("flat"):
            return cls(row["value"], inf)
        if row["prior"].startswith("Gamma"):
            shape = float(row["prior"].split("shape ")[1].split(",")[0])
            return cls(row["value"], shape**-0.5, shape)
        low, high = log(row["prior_low"]), log(row["prior_high"])
        return cls(exp((low + high) / 2), (high - low) / (2 * NINETY))

    def log_density(self, x: Array) -> Array:
        """Of the logarithm, up to a constant."""
        z = x - log(self.middle)
        return self.shape * (z - np.exp(z)) if self.shape is not None else -0.5 * (z / self.sd) ** 2

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm."""
        return (log(self.middle), self.sd) if self.shape is None else moments_of([self], self.log_density)


def moments_of(laws: Sequence[Law], log_density: Callable[[Array], Array]) -> tuple[float, float]:
    """Mean and standard deviation of a density that lies about these laws, by the trapezoidal rule."""
    x = grid(laws)
    density = np.exp(log_density(x) - log_density(x).max())
    mean = float(density @ x / density.sum())
    return mean, float((density @ (x - mean) ** 2 / density.sum()) ** 0.5)


def grid(laws: Sequence[Law]) -> Array:
    """Logarithms that hold all of these laws but what rounding would lose."""
    wide = [(40 / law.shape + 12 * law.sd if law.shape is not None else 12 * law.sd) for law in laws]
    low = min(log(law.middle) - w for law, w in zip(laws, wide, strict=True))
    high = max(log(law.middle) + 12 * law.sd for law in laws)
    return np.linspace(low, high, 20_001)


def gamma_as_normal(proper: Sequence[tuple[Law, float]]) -> Tree:
    """The logarithmic pool of priors of two forms, as the log-normal with its mean and standard deviation."""
    total = sum(w for _, w in proper)
    # A pool is no narrower than its narrowest part, but for the weight that flat priors leave.
    wide = [Law(law.middle, law.sd / (w / total) ** 0.5, law.shape) for law, w in proper]
    mean, sd = moments_of(wide, lambda x: np.asarray(sum(w * law.log_density(x) for law, w in proper)))
    return {"middle": exp(mean), "sd": sd}


def pool_tables(place: Sequence[Entry], weight: Array, how: str, where: str) -> Tree:
    """The rows of a table, and the worth that all of them share; None worth: fixed, 0: flat."""
    rows = np.array([[row["value"] for row in own.rows] for own in place])  # head, row, state
    worth = np.array([worth_of(own) for own in place])
    if ((rows > 0) != (rows[0] > 0)).any():
        raise SpecError(
            f"pool_priors: {where}: a head holds a state impossible and another does not; expected all, or none"
        )
    fixed = np.isinf(worth)
    if how == "logarithmic":
        if fixed.any():
            own = rows[fixed]
            if not np.allclose(own, own[0], rtol=1e-12, atol=0):
                raise SpecError(
                    f"pool_priors: {where}: heads hold it fixed at different values, and each has a veto; expected "
                    "how='linear', or tables with a worth"
                )
            return {"table": own[0], "prior": {}}
        if not worth.any():
            return {"table": rows[0], "prior": {"free": True}}
        alpha = np.einsum("h,hrs->rs", weight * worth, rows)
        return {"table": alpha / alpha.sum(axis=1, keepdims=True), "prior": {"worth": rounded(weight @ worth)}}
    if not worth.all():
        if not worth.any():
            return {"table": rows[0], "prior": {"free": True}}
        raise SpecError(
            f"pool_priors: {where}: one head's table is flat and another's is not; expected how='logarithmic'"
        )
    mean = np.einsum("h,hrs->rs", weight, rows)
    inner = rows * (1 - rows) / (np.where(fixed, inf, worth) + 1)[:, None, None] + (rows - mean) ** 2
    variance = float(np.einsum("h,hrs->", weight, inner))
    prior = {} if variance == 0 else {"worth": rounded((mean * (1 - mean)).sum() / variance - 1)}
    return {"table": mean, "prior": prior}


def worth_of(own: Entry) -> float:
    """The observations that each row is worth: infinite where fixed, 0 where flat."""
    if own.rows[0]["fixed"]:
        return inf
    return 0.0 if own.rows[0]["prior"].startswith("flat") else float(own.entry["worth"])


# Distances


def hellinger(a: Tree, b: Tree) -> float:
    """Hellinger's distance of the priors of two parameters, 0 to 1; nan where either is flat.

    Its square is 1 − ∫ √(f g). Of normals, Gammas and Dirichlets that integral has a closed form.
    """
    if a["prior"].startswith("flat") or b["prior"].startswith("flat"):
        return float("nan")
    if a["fixed"] or b["fixed"]:
        same = bool(a["fixed"] and b["fixed"] and np.allclose(a["value"], b["value"], rtol=1e-9, atol=0))
        return 0.0 if same else 1.0
    if isinstance(a["value"], list):
        alphas = [np.array([x for x in row["value"] if x > 0]) * float(row["prior"].split()[-1]) for row in (a, b)]
        log_overlap = log_beta((alphas[0] + alphas[1]) / 2) - sum(map(log_beta, alphas)) / 2
    else:
        log_overlap = overlap(Law.of(a), Law.of(b))
    return float(np.sqrt(max(0.0, -np.expm1(min(log_overlap, 0.0)))))


def log_beta(alpha: Array) -> float:
    """The logarithm of the Dirichlet's normalising constant."""
    return float(sum(lgamma(x) for x in alpha.tolist()) - lgamma(float(alpha.sum())))


def overlap(f: Law, g: Law) -> float:
    """ln ∫ √(f g), of two positive numbers."""
    if f.shape is None and g.shape is None:
        variance, apart = f.sd**2 + g.sd**2, log(f.middle / g.middle)
        return 0.5 * log(2 * f.sd * g.sd / variance) - apart**2 / (4 * variance)
    if f.shape is not None and g.shape is not None:
        shape = (f.shape + g.shape) / 2
        rates = [f.shape / f.middle, g.shape / g.middle]
        own = [s * log(r) - lgamma(s) for s, r in zip((f.shape, g.shape), rates, strict=True)]
        return lgamma(shape) - shape * log(sum(rates) / 2) + sum(own) / 2
    x = grid([f, g])
    logs = [law.log_density(x) for law in (f, g)]
    masses = [float(np.exp(own - own.max()).sum()) for own in logs]
    scaled = [own - own.max() - log(mass) for own, mass in zip(logs, masses, strict=True)]
    return log(float(np.exp(sum(scaled) / 2).sum()))
