"""The drug network of Nodelman, Shelton and Koller (2002): expected time in each state, given evidence.

    .venv/bin/python benches/ctbn.py [folder of drug_network.json]

Eight processes, 864 joint states. The evidence: barometer and eating seen at times, and a state held throughout a span.
CPU time, medians, one thread.
"""

import argparse
import json
import pathlib
import statistics
import time
from functools import partial

import escalade as esc

ORIGIN = "2024-01-01"


def model(network):
    """Processes as ladders: the baseline is the first parents' intensity matrix, an effect each other one."""
    m = esc.Model("drug", origin=ORIGIN)
    ladders = {}
    for name, size in zip(network["names"], network["card"], strict=True):
        first = next(iter(network["cims"][name].values()))
        pairs = [(i, j) for i in range(size) for j in range(size) if i != j and first[i][j] > 0]
        ladders[name] = m.ladder(
            name,
            [str(k) for k in range(size)],
            start={str(k): p for k, p in enumerate(network["init"][name])},
            moves={(str(i), str(j)): esc.per_day(first[i][j]) for i, j in pairs},
        )
    for name, parents in network["parents"].items():
        first, *others = network["cims"][name].items()
        for key, matrix in others:
            states = key.split(",")
            when = ladders[parents[0]] == states[0]
            for parent, state in zip(parents[1:], states[1:], strict=True):
                when = when & (ladders[parent] == state)
            size = len(matrix)
            factors = {
                (str(i), str(j)): matrix[i][j] / first[1][i][j]
                for i in range(size)
                for j in range(size)
                if i != j and first[1][i][j] > 0 and matrix[i][j] != first[1][i][j]
            }
            if factors:
                ladders[name].effect(when, moves=factors)
    return m, ladders


def dossier(ladders):
    """Four sightings, and some concentration throughout a span."""
    d = esc.Dossier(as_of="2024-01-08")
    d.saw(ladders["barometer"] == "1", on="2024-01-02T00:00")
    d.saw(ladders["eat"] == "1", on="2024-01-02T12:00")
    d.never(ladders["concentration"] == "0", between=("2024-01-03", "2024-01-04"))
    d.saw(ladders["pain"] == "0", on="2024-01-06T00:00")
    d.saw(ladders["drowsy"] == "1", on="2024-01-07T06:00")
    return d


def spent(work, rounds=9, times=20):
    """Median CPU seconds of the process; the kernel's threads are its own."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - start) / times)
    return statistics.median(found)


def chain(n_ladders, n_rungs):
    """Ladders in a row, each faster by 5 % for every rung of the next."""
    names, moves = [f"x{i}" for i in range(n_ladders)], {}
    for i, name in enumerate(names):
        for k in range(n_rungs - 1):
            for a, b, base in ((k, k + 1, 0.5), (k + 1, k, 1.0)):
                rates = [base * (1 + 0.05 * j) for j in range(n_rungs)]
                moves[name, str(a), str(b)] = base if i + 1 == n_ladders else (names[i + 1], rates)
    return esc.Generator.coupled({name: [str(k) for k in range(n_rungs)] for name in names}, moves), names


def main():
    """Builds, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, nargs="?", default="../shared/data/ctbn")
    file = parser.parse_args().folder / "drug_network.json"
    if not file.exists():
        raise SystemExit(f"{file} is not there; the network is not shipped with the project")
    esc.set_threads(1)
    m, ladders = model(json.loads(file.read_text()))
    fit = m.condition(dossier(ladders))
    conditions = [ladder == rung for ladder in ladders.values() for rung in ladder.rungs]
    over = ("2024-01-01", "2024-01-08")
    print(fit.time_in(*conditions, over=over, progress=False))
    ours = spent(lambda: fit.time_in(*conditions, over=over, progress=False))
    print(f"expected time in {len(conditions)} states over 8 units: {ours * 1e3:.2f} ms")
    print(f"conditioning: {spent(lambda: m.condition(dossier(ladders))) * 1e3:.2f} ms")
    for n_ladders, n_rungs in ((10, 2), (5, 4)):
        generator, names = chain(n_ladders, n_rungs)
        start = dict.fromkeys(names, "0")
        law = spent(partial(generator.law, start=start, times=[5.0]))
        print(f"law of {n_rungs**n_ladders} joint rungs after 5 units: {law * 1e3:.3f} ms")


if __name__ == "__main__":
    main()
