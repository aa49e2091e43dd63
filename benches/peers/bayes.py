"""The Bayesian network beside pyAgrum and pgmpy, in one run, one thread each: a table of ratios.

What is timed, by wall clock and by the CPU time of the process:

- reading: from the path of a BIF file, not gzipped, to a network object;
- fresh: from that object to the marginals of all variables. Making the engine counts; making the object does not (ours
  forgets what it compiled by `fresh()`, which does not count either);
- again: the marginals of all variables from an engine that has answered before, for evidence that it has not seen.

Our answer is one array; the peers' are their own objects, one a variable, and turning them into arrays does not
count. All but reading is asked of a copy whose rows sum to 1 and whose states are s0, s1 and so on: every peer can
read it, and all stand on the same numbers (pyAgrum keeps floats of them). Observed are ten leaves, or all where there
are fewer, in states that forward sampling drew with a fixed seed.

Peers take turns with us, and what is compared is the median over the turns of the median within a turn. A peer is
asked several turns only where it is near the best; an engine slower than three times the best may be stopped
(`--patience`), and one that was stopped, or is that slow when fresh, is not asked about this network again.
"""

import argparse
import contextlib
import gzip
import json
import math
import os
import pathlib
import statistics
import tempfile

import numpy as np
from page import KINDS, SMALL, line, report
from sides import AGREE, ENGINES, Worker

os.environ.update(dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1"))

ROOT = pathlib.Path(__file__).resolve().parents[2]


def renamed(network):
    """The network with plain names of states, which every peer can read."""
    spec = json.loads(network.spec())
    for node in spec["node"]:
        node["states"] = [f"s{i}" for i in range(len(node["states"]))]
    return type(network)(json.dumps(spec))


def draw(network, rng):
    """A state for every variable, by forward sampling."""
    names, parents, states = network.names(), network.parents(), network.states()
    drawn, waiting = {}, list(range(len(names)))
    while waiting:
        ready = [v for v in waiting if all(p in drawn for p in parents[v])]
        for v in ready:
            row = 0
            for p in parents[v]:
                row = row * len(states[p]) + drawn[p]
            law = network.table(names[v])[row]
            drawn[v] = int(rng.choice(len(law), p=law / law.sum()))
        waiting = [v for v in waiting if v not in drawn]
    return {names[v]: state for v, state in drawn.items()}


def evidences(network):
    """For every kind the findings to ask with; all have positive probability."""
    rng = np.random.default_rng(7)
    inner = {p for parents in network.parents() for p in parents}
    leaves = [name for v, name in enumerate(network.names()) if v not in inner]
    draws = [draw(network, rng) for _ in range(6)]

    def pick(most):
        return [str(name) for name in rng.choice(leaves, min(most, len(leaves)), replace=False)]

    same = pick(10)
    few = min(10, math.ceil(len(leaves) / 2))
    fixed = [{name: drawn[name] for name in same} for drawn in draws]
    moved = [{name: drawn[name] for name in pick(few)} for drawn in draws]
    return {"read": [{}], "prior": [{}], "leaves": fixed, "again": fixed, "moved": moved}


def compete(workers, kind, path, evidence, gone, options):
    """Measures a kind on all engines: {(side, engine): (wall, cpu, answer) or why there is none}."""
    first, best = {}, math.inf
    for side, engine in ((name, engine) for name in workers for engine in ENGINES[name]):
        if (side, engine) in gone or (kind == "read" and engine != ENGINES[side][0]):
            continue
        limit = options.limit if best == math.inf else min(options.limit, max(options.patience, 3 * best))
        reply = workers[side].ask(limit, "measure", engine, kind, path, evidence, options.budget)
        first[side, engine] = reply
        if isinstance(reply, str):
            if kind != "read":
                gone[side, engine] = reply
        elif side != "ours":
            best = min(best, reply[1])
    turns = {key: [reply] for key, reply in first.items() if not isinstance(reply, str)}
    near = {key: reply[1] for key, [reply] in turns.items() if key[0] == "ours" or reply[1] <= 3 * best}
    for turn in range(1, options.turns):
        for key in (key for key, cpu in near.items() if cpu * turn < 4):
            reply = workers[key[0]].ask(options.limit, "measure", key[1], kind, path, evidence, options.budget)
            if not isinstance(reply, str):
                turns[key].append(reply)
    middle = {
        key: (statistics.median(r[0] for r in replies), statistics.median(r[1] for r in replies), replies[0][2])
        for key, replies in turns.items()
    }
    return first | middle


def differences(found):
    """The largest difference of each engine's answer from ours, of those that answered."""
    ours = found.get(("ours", "escalade"))
    if ours is None or isinstance(ours, str):
        return {}
    return {
        key: float(np.abs(reply[2] - ours[2]).max()) if len(reply[2]) == len(ours[2]) else math.inf
        for key, reply in found.items()
        if key[0] != "ours" and not isinstance(reply, str)
    }


def row_of(name, kind, found):
    """What the tables say of one measurement."""
    apart = {} if kind == "read" else differences(found)
    agrees = {key for key, far in apart.items() if far <= AGREE[key[0]]}
    # Who stands alone against us and another peer is wrong; where nobody agrees with us, all are shown.
    wrong = {key for key in apart if key not in agrees} if agrees else set()
    right = {k: r for k, r in found.items() if k[0] != "ours" and not isinstance(r, str) and k not in wrong}
    best = min(right, key=lambda key: right[key][1], default=None)
    ours = found.get(("ours", "escalade"), "not measured")
    silent = {key: reply for key, reply in found.items() if isinstance(reply, str)}
    row = {"network": name, "kind": kind, "ours": ours if isinstance(ours, str) else ours[:2], "best": best}
    row |= {"peer": right[best][:2] if best else None, "apart": apart, "wrong": wrong, "silent": silent}
    row["cpu"] = {key: reply[1] for key, reply in found.items() if not isinstance(reply, str)}
    return row | {"disputed": bool(apart) and not agrees, "memory": {}}


def memories(row, path, names, evidence, options):
    """Peak memory of a process that reads the network and answers once, for us and the best peer."""
    for side, engine in [("ours", "escalade"), row["best"] or (None, None)]:
        if side and not (side == "ours" and isinstance(row["ours"], str)):
            worker = Worker(side, path, names, options.memory)
            worker.ask(options.limit, "measure", engine, row["kind"], path, evidence, 0.0)
            row["memory"][side] = worker.ask(9, "memory")
            worker.close()


def compare(name, folder, options):
    """The rows of one network, one after the other; memory is entered last."""
    from escalade import _core

    network = _core.BayesNet.from_bif((options.folder / f"{name}.bif.gz").read_bytes())
    names, path, plain = network.names(), f"{folder}/{name}.bif", f"{folder}/{name}-plain.bif"
    pathlib.Path(path).write_bytes(gzip.decompress((options.folder / f"{name}.bif.gz").read_bytes()))
    pathlib.Path(plain).write_text(renamed(network).to_bif())
    evidence = evidences(network)
    workers = {side: Worker(side, plain, names, options.memory) for side in ENGINES}
    rows, gone = [], {}
    for kind in KINDS:
        found = compete(workers, kind, path, evidence[kind], gone, options)
        rows.append(row_of(name, kind, found))
        rows[-1]["silent"] |= {key: why for key, why in gone.items() if why} if kind != "read" else {}
        print(line(rows[-1]), flush=True)
        yield rows[-1]
        if kind == "leaves":
            # Who is far from the best when fresh, or slow, is not asked again.
            most = min(5.0, 3 * rows[-1]["peer"][1]) if rows[-1]["peer"] else 0.0
            slow = [key for key, cpu in rows[-1]["cpu"].items() if key[0] != "ours" and cpu > most]
            gone |= dict.fromkeys(slow)
    for worker in workers.values():
        worker.close()
    for row in rows:
        heavy = not isinstance(row["ours"], str) and max([*row["ours"], *(row["peer"] or ())]) > 0.05
        if heavy and row["kind"] in ("prior", "leaves") and not options.quick:
            memories(row, plain, names, evidence[row["kind"]], options)


def main():
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT.parent / "shared" / "networks")
    parser.add_argument("--networks", nargs="+", help="names of files, without .bif.gz (all: none given)")
    parser.add_argument("--quick", action="store_true", help="up to 100 nodes, few turns, no memory")
    parser.add_argument("--turns", type=int, help="turns of each engine (7; quick: 3)")
    parser.add_argument("--limit", type=float, default=60, help="seconds of CPU time for an answer")
    parser.add_argument(
        "--patience",
        type=float,
        help="seconds of CPU time that engines get at least which are not the best",
    )
    parser.add_argument("--memory", type=float, default=8, help="gigabytes of address space of a process")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "peers-bayes.md")
    options = parser.parse_args()
    options.turns = options.turns or (3 if options.quick else 7)
    options.patience = options.patience or (3 if options.quick else 10)
    options.budget = 0.05 if options.quick else 0.2
    everything = sorted(path.name.removesuffix(".bif.gz") for path in options.folder.glob("*.bif.gz"))
    names = options.networks or (SMALL if options.quick else everything)
    rows = []
    # Interrupted, it tells what it has.
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        for name in names:
            rows.extend(compare(name, folder, options))
    page = "\n".join(report(rows, options)) + "\n"
    print("\n" + page)
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(page)


if __name__ == "__main__":
    main()
