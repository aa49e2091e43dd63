"""What draws cost: effective draws a second on the article and on a reference model of 200 joint weights.

python benches/posterior.py [--threads 2] [--article-draws 100]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

import escalade as esc


def reference() -> tuple[esc.Model, esc.Dossier]:
    """Three coupled ladders of 5, 5 and 4 rungs, a driver of two states: 200 joint weights; a year of developments."""
    m = esc.Model("reference", origin="2024-01-01")
    mood = m.driver("mood", {"firm": 0.6, "weak": 0.4}, worth=10)
    up, down = esc.per_year(2, spread=2), esc.per_year(3, spread=2)
    a = m.ladder("a", ["a0", "a1", "a2", "a3", "a4"], up=up, down=down)
    b = m.ladder("b", ["b0", "b1", "b2", "b3", "b4"], up=up, down=down)
    c = m.ladder("c", ["c0", "c1", "c2", "c3"], up=up, down=down)
    a.effect(mood == "weak", up=esc.factor(2, spread=2))
    b.effect(a >= "a2", up=esc.factor(2, spread=2))
    c.effect(b >= "b2", up=esc.factor(2, spread=2))
    tone = m.status(
        "tone",
        ["mild", "sharp"],
        given=a,
        table=esc.table([[0.9, 0.1], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.1, 0.9]], worth=10),
    )
    tests = m.events("tests", given=b, rate=esc.per_month([0.3, 0.6, 1, 1.5, 2], spread=2))
    d = esc.Dossier(as_of="2024-12-31")
    for month in range(1, 13, 2):
        d.saw(tone == ("sharp" if month > 4 else "mild"), on=f"2024-{month:02}-10")
        d.saw(a >= "a1", on=f"2024-{month:02}-20", hit=0.8, false_alarm=0.2)
    d.saw(b >= "b2", between=("2024-05-01", "2024-06-30"), grade="B2")
    d.never(c >= "c3", between=("2024-01-01", "2024-09-30"), grade="B2")
    happened = [f"2024-{month:02}-05" for month in (2, 3, 5, 6, 7, 8, 9, 10, 12)]
    d.counted(tests, at=happened, over=("2024-01-01", "2024-12-31"))
    return m, d


def measure(name: str, m: esc.Model, d: esc.Dossier, draws: int, tune: int, chains: int) -> str:
    told, start = d._checked(m._core), m._core.start()
    begin = time.process_time()
    for _ in range(5):
        m._core.log_posterior(told, start)
    gradient = (time.process_time() - begin) / 5
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        posterior = m.sample(d, draws=draws, tune=tune, chains=chains, progress=False)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    table = posterior.diagnostics()
    ess = float(np.min(np.minimum(table.ess_bulk, table.ess_tail)))
    steps = posterior._kept["n_steps"].mean()
    cost = f"{1e3 * gradient:.1f} | {chains} × ({tune} + {draws}) | {steps:.1f} | {wall:.0f} | {cpu:.0f}"
    gain = f"{ess:,.0f} | {ess / wall:.1f} | {ess / cpu:.1f} | {np.max(table.r_hat):.3f} | {table.divergences}"
    return f"| {name} | {len(start)} | {cost} | {gain} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--article-draws", type=int, default=100)
    given = parser.parse_args()
    esc.set_threads(given.threads)
    print(
        "| model | coordinates | gradient, ms | chains | steps a draw | wall, s | CPU, s | least ESS | ESS/s "
        "| ESS/CPU s | R-hat | divergences |"
    )
    print("| --- |" + " --- |" * 11)
    print(measure("reference, 200 joint weights", *reference(), 1000, 1000, 4), flush=True)
    model, dossier, _ = esc.datasets.article()
    n = given.article_draws
    print(measure("the article", model, dossier, n, n, 2))
