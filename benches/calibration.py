"""Simulation-based calibration of the posterior (Talts et al. 2018, arXiv:1804.06788).

Truths are drawn from the priors, worlds from the truths, dossiers from the worlds; among draws of the posterior a truth
then has any rank with the same probability. The log-posterior at the truth is ranked as well, which sees what each
coordinate by itself does not (Modrák et al. 2023). Laplace's coverage is told beside.

    python benches/calibration.py [--replicates 200] [--threads 2] [--plot docs/calibration.png]
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

import escalade as esc

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "python"))

from simulate import World, date, draw_truth, moment, report

DAYS = 180
FRONT = ["calm", "tense", "war"]
RANKS = 99  # draws that a truth is ranked among: 100 ranks
BINS = 20
LEVELS = (0.5, 0.9)

SPEC = {
    "name": "A crisis to be calibrated on",
    "origin": "2021-01-01",
    "driver": [{"name": "resolve", "states": ["firm", "weak"], "table": [0.5, 0.5], "worth": 8}],
    "ladder": [
        {
            "name": "front",
            "rungs": FRONT,
            "start": "calm",
            "rate": [
                {"moves": "up", "rate": 0.5, "per": "month", "spread": 2},
                {"moves": "down", "rate": 0.6, "per": "month", "spread": 2},
            ],
            "effect": [
                {"when": {"driver": "resolve", "is": "weak"}, "moves": "up", "factor": 2, "spread": 2},
                {"when": {"ladder": "aid", "is": "arms"}, "moves": "up", "factor": 1.5, "spread": 2},
            ],
        },
        {
            "name": "aid",
            "rungs": ["none", "arms"],
            "start": {"none": 0.6, "arms": 0.4},
            "rate": [
                {"moves": "up", "rate": 0.4, "per": "month", "spread": 2},
                {"moves": "down", "rate": 0.4, "per": "month", "spread": 2},
            ],
            "effect": [{"when": {"ladder": "front", "at_least": "tense"}, "moves": "up", "factor": 2, "spread": 2}],
        },
    ],
    "status": [
        {
            "name": "tone",
            "states": ["mild", "sharp", "grave"],
            "given": ["front"],
            "table": [[0.7, 0.3, 0.0], [0.4, 0.4, 0.2], [0.2, 0.3, 0.5]],
            "worth": 8,
        },
    ],
    "events": [{"name": "tests", "given": ["front"], "rate": [0.6, 1.2, 2.5], "per": "month", "spread": 2}],
}


def dossier(world: World, rng: np.random.Generator) -> dict:
    """Looks, windows and counts at dates that know nothing of the path; what was not seen is reported too."""
    path = world.path(DAYS, [], rng)
    weak = world.truth.drivers["resolve"] == "weak"
    entries = [report("resolve", {"driver": "resolve", "is": "weak"}, weak, 0.85, 0.2, rng, on=date(90))]
    for k, day in enumerate(range(10, DAYS, 30)):
        state = path.at(day + 0.5)
        fact = {"ladder": "front", "at_least": "tense"}
        entries.append(report(f"front-{k}", fact, state["front"] != "calm", 0.9, 0.15, rng, on=date(day)))
        entries.append(
            {"id": f"tone-{k}", "saw": {"indicator": "tone", "is": world.value("tone", state, rng)}} | {"on": date(day)}
        )
    for k in range(2):
        day, long = int(rng.integers(0, DAYS - 40)), int(rng.integers(7, 30))
        seen = path.during(day, day + long)
        span = [date(day), date(day + long - 1)]
        war, arms = ({"ladder": "front", "is": "war"}, {"ladder": "aid", "is": "arms"})
        hit = [any(state["front"] == "war" for state in seen), any(state["aid"] == "arms" for state in seen)]
        entries.append(report(f"war-{k}", war, hit[0], 0.8, 0.1, rng, between=span))
        entries.append(report(f"arms-{k}", arms, hit[1], 0.9, 0.05, rng, between=span))
    days = world.happenings("tests", path, rng)
    counted = {"indicator": "tests", "at": [moment(day) for day in days]}
    entries.append({"id": "tests", "counted": counted, "over": [date(0), date(DAYS - 1)]})
    return {"as_of": date(DAYS - 1), "development": entries}


@dataclass(frozen=True)
class Calibration:
    """Ranks of truths, shape (replicates, coordinates and the log density), and whether intervals cover, by level."""

    names: list[str]
    ranks: np.ndarray
    nuts: np.ndarray
    laplace: np.ndarray
    divergences: int
    seconds: float

    def chi2(self) -> tuple[np.ndarray, np.ndarray]:
        """χ² of the ranks of each coordinate over 20 bins, with its p-value."""
        counts = np.array([np.histogram(r, BINS, (0, RANKS + 1))[0] for r in self.ranks.T])
        wanted = len(self.ranks) / BINS
        value = ((counts - wanted) ** 2 / wanted).sum(axis=1)
        return value, stats.chi2.sf(value, BINS - 1)


def replicate(seed: int, tune: int, draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Ranks, coverage by the draws and by Laplace's normal, divergences."""
    rng = np.random.default_rng([20210101, seed])
    truth = draw_truth(SPEC, rng)
    model = esc.Model.from_dict(SPEC)
    told = esc.Dossier.from_dict(dossier(World(SPEC, truth), rng))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short runs; ranks are of thinned draws
        posterior = model.sample(told, draws=draws, tune=tune, chains=2, seed=seed, progress=False)
    theta = truth.theta(SPEC)
    evidence, prior, *_ = model._core.log_posterior(told._checked(model._core), theta)
    few = posterior.thin(RANKS + 1)
    drawn = few.theta_drawn.reshape(-1, len(theta))[:RANKS]
    ranks = np.append((drawn < theta).sum(axis=0), (few._kept["lp"][:RANKS] < evidence + prior).sum())
    return (
        ranks,
        covers(posterior.theta_drawn.reshape(-1, len(theta)), theta),
        laplace(model, told, theta, seed),
        int(posterior.divergences),
    )


def covers(drawn: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """levels × coordinates: whether the interval holds the truth."""
    ends = [np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0) for level in LEVELS]
    return np.array([(low <= theta) & (theta <= high) for low, high in ends])


def laplace(model: esc.Model, told: esc.Dossier, theta: np.ndarray, seed: int) -> np.ndarray:
    return covers(model.fit(told, draws=1000, seed=seed, progress=False)._core.draws(), theta)


def calibrate(replicates: int, tune: int = 150, draws: int = 150, report=lambda k: None) -> Calibration:
    begin = time.perf_counter()
    rows = []
    for seed in range(replicates):
        rows.append(replicate(seed, tune, draws))
        report(seed + 1)
    ranks, nuts, normal, divergences = zip(*rows, strict=True)
    names = [*esc.Model.from_dict(SPEC)._core.coordinates(), "log density"]
    seconds = time.perf_counter() - begin
    return Calibration(names, np.array(ranks), np.array(nuts), np.array(normal), sum(divergences), seconds)


def table(found: Calibration) -> str:
    value, p = found.chi2()
    rows = [
        "| coordinate | χ² (19) | p | NUTS 50 % | 90 % | Laplace 50 % | 90 % |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for k, name in enumerate(found.names):
        cover = [
            f"{x.mean(axis=0)[level, k]:.2f}" if k < len(found.names) - 1 else ""
            for x in (found.nuts, found.laplace)
            for level in (0, 1)
        ]
        rows.append(f"| {name} | {value[k]:.1f} | {p[k]:.2f} | {' | '.join(cover)} |")
    overall = [f"{x.mean(axis=(0, 2))[level]:.3f}" for x in (found.nuts, found.laplace) for level in (0, 1)]
    pooled = stats.chi2.sf(value.sum(), (BINS - 1) * len(value))
    rows.append(f"| all | {value.sum():.1f} | {pooled:.2f} | {' | '.join(overall)} |")
    smallest = f"smallest p {p.min():.3f}, of {len(p)} (Bonferroni: {min(1, len(p) * p.min()):.2f})"
    return "\n".join(
        [
            *rows,
            "",
            f"{len(found.ranks)} replicates, {found.divergences} divergences, {found.seconds:.0f} s; {smallest}",
        ]
    )


def plot(found: Calibration, file: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from escalade.canvas import hue, styled

    n = len(found.ranks)
    with styled():
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
        at = np.arange(RANKS + 2) / (RANKS + 1)
        band = stats.binom.ppf([[0.005], [0.995]], n, at) / n - at
        left.fill_between(at, *band, color=hue().faint, lw=0, label="99 % of uniform ranks, at each place")
        for k, ranks in enumerate(found.ranks.T):
            share = (ranks[:, None] < np.arange(RANKS + 2)).mean(axis=0)
            last = k == len(found.names) - 1
            left.step(
                at,
                share - at,
                where="post",
                lw=1.8 if last else 0.8,
                alpha=1 if last else 0.6,
                color=hue().red if last else hue().blue,
                label="log density" if last else "coordinates" if k == 0 else None,
            )
        left.axhline(0, color=hue().grey, lw=1)
        left.set_xlabel("rank of the truth among the draws, as a share")
        left.set_ylabel("share of truths below, minus what is wanted")
        left.set_title(f"Ranks over {n} replicates")
        left.set_ylim(-0.16, 0.11)
        left.legend(loc="lower left")
        y = np.arange(len(found.names) - 1)
        for level, wanted in enumerate(LEVELS):
            right.axvspan(*(stats.binom.ppf([0.005, 0.995], n, wanted) / n), color=hue().faint, lw=0)
            right.axvline(wanted, color=hue().grey, lw=1)
            right.plot(
                found.laplace.mean(axis=0)[level],
                y,
                "o",
                mfc="none",
                color=hue().amber,
                label="Laplace" if level else None,
            )
            right.plot(found.nuts.mean(axis=0)[level], y, "o", color=hue().blue, ms=4, label="NUTS" if level else None)
        right.set_yticks(y, [name.removeprefix("ln ") for name in found.names[:-1]], fontsize=6.5)
        right.invert_yaxis()
        right.set_xlabel("share of 50 % and 90 % intervals that hold the truth")
        right.set_title("Coverage")
        right.legend(loc="center", bbox_to_anchor=(0.55, 0.5))
        figure.savefig(file, dpi=130)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plot", default=None)
    given = parser.parse_args()
    esc.set_threads(given.threads)
    every = max(1, given.replicates // 10)
    found = calibrate(given.replicates, report=lambda k: k % every or print(f"{k} replicates", file=sys.stderr))
    print(table(found))
    if given.plot:
        plot(found, given.plot)
