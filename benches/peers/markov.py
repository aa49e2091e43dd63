"""Generators beside Storm and SciPy: one thread, CPU time, medians; python benches/peers/markov.py [--small].

The model: ladders of ten rungs, up at 0.5, down at 1, each 5 % faster for every rung of the next one. A peer that
is not installed is left out. Storm is timed on the check alone, its model built before; so are we.
"""

import argparse
import os
import statistics
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

RUNGS = 10
HORIZON = 20.0


def cpu(work, budget):
    """Seconds on the CPU, the median of as many runs as fit, and the last answer."""
    spent = []
    while not spent or (sum(spent) < budget and len(spent) < 200):
        start = time.process_time()
        answer = work()
        spent.append(time.process_time() - start)
    return statistics.median(spent), answer


def rate(base, k):
    return base * (1 + 0.05 * k)


def ours(n_ladders):
    import escalade as esc

    rungs = [str(k) for k in range(RUNGS)]
    names = [f"x{i}" for i in range(n_ladders)]
    moves = {}
    for i, name in enumerate(names):
        for k in range(RUNGS - 1):
            for a, b, base in ((k, k + 1, 0.5), (k + 1, k, 1.0)):
                last = i + 1 == n_ladders
                value = base if last else (names[i + 1], [rate(base, j) for j in range(RUNGS)])
                moves[name, str(a), str(b)] = value
    return esc.Generator.coupled(dict.fromkeys(names, rungs), moves)


def triplets(n_ladders):
    """The same moves listed, for SciPy."""
    shape = (RUNGS,) * n_ladders
    n = RUNGS**n_ladders
    digits = np.unravel_index(np.arange(n), shape)
    rows, columns, rates = [], [], []
    for i in range(n_ladders):
        stride = RUNGS ** (n_ladders - 1 - i)
        faster = 1.0 if i + 1 == n_ladders else 1 + 0.05 * digits[i + 1]
        for step, base in ((1, 0.5), (-1, 1.0)):
            there = np.flatnonzero((digits[i] + step >= 0) & (digits[i] + step < RUNGS))
            rows.append(there)
            columns.append(there + step * stride)
            rates.append(np.broadcast_to(base * faster, n)[there])
    return n, np.concatenate(rows), np.concatenate(columns), np.concatenate(rates)


def prism(n_ladders):
    lines = ["ctmc"]
    for i in range(n_ladders):
        factor = "" if i + 1 == n_ladders else f"*(1+0.05*x{i + 1})"
        lines += [
            f"module m{i}",
            f"x{i} : [0..{RUNGS - 1}] init 0;",
            f"<> x{i}<{RUNGS - 1} -> 0.5{factor} : (x{i}'=x{i}+1);",
            f"<> x{i}>0 -> 1.0{factor} : (x{i}'=x{i}-1);",
            "endmodule",
        ]
    lines += ['rewards "time"', "true : 1;", "endrewards"]
    return "\n".join(lines)


class Storm:
    def __init__(self, n_ladders):
        import stormpy

        self.storm = stormpy
        with tempfile.NamedTemporaryFile("w", suffix=".prism", delete=False) as file:
            file.write(prism(n_ladders))
        program = stormpy.parse_prism_program(file.name, prism_compatibility=True)
        os.unlink(file.name)
        texts = [f"P=? [F<={HORIZON} x0={RUNGS - 1}]", f'R{{"time"}}=? [F x0={RUNGS - 1}]']
        self.properties = [stormpy.parse_properties(text, program)[0] for text in texts]
        self.model = stormpy.build_model(program, self.properties)

    def ask(self, which):
        """The default environment's precision is 1e-6; ours is finer."""
        result = self.storm.model_checking(self.model, self.properties[which], only_initial_states=True)
        return result.get_value(self.model.initial_states[0])


def row(what, us, peers):
    cells = [f"{name} {seconds:.3g} s ({seconds / us:.1f} times)" for name, seconds in peers]
    print(f"{what:45s} ours {us:.3g} s; {'; '.join(cells)}", flush=True)


def reach(n_ladders, budget, storm):
    model = ours(n_ladders)
    start = {f"x{i}": "0" for i in range(n_ladders)}
    law = model._start(start)
    target = model._set_of({"x0": str(RUNGS - 1)}, "target")
    times = np.array([HORIZON])
    us, answer = cpu(lambda: model._core.passage(law, target, times)[0][0], budget)
    peers = []
    if storm:
        seconds, theirs = cpu(lambda: storm.ask(0), budget)
        peers.append(("Storm", seconds))
        print(f"   Storm {theirs!r}, ours {answer!r}")
    try:
        import scipy.sparse as sp
        from scipy.sparse.linalg import expm_multiply
    except ImportError:
        pass
    else:
        n, rows, columns, rates = triplets(n_ladders)
        kept = ~target[rows]
        q = sp.csr_array((rates[kept], (rows[kept], columns[kept])), shape=(n, n))
        q = (q - sp.diags_array(q.sum(axis=1))).T.tocsr()
        seconds, theirs = cpu(lambda: expm_multiply(q * HORIZON, law, traceA=0.0)[target].sum(), budget)
        peers.append(("SciPy", seconds))
        print(f"   SciPy {float(theirs)!r}, ours {answer!r}")
    row(f"P(reach by t), {RUNGS**n_ladders:,} joint rungs", us, peers)


def hitting(n_ladders, budget, storm):
    model = ours(n_ladders)
    target = model._set_of({"x0": str(RUNGS - 1)}, "target")
    us, (values, iterations, residual) = cpu(lambda: model._core.gathered(target, np.ones(len(model))), budget)
    peers = []
    if storm:
        seconds, theirs = cpu(lambda: storm.ask(1), budget)
        peers.append(("Storm", seconds))
        print(f"   Storm {theirs!r}, ours {values[0]!r} ({iterations} iterations, residual {residual:.0e})")
    row(f"mean hitting time, {RUNGS**n_ladders:,} joint rungs", us, peers)


def exponentials(budget):
    import escalade as esc

    q = np.array([[-0.3, 0.2, 0.05, 0.05], [0.1, -0.6, 0.4, 0.1], [0.0, 0.3, -0.8, 0.5], [0.0, 0.0, 0.0, 0.0]])
    model = esc.Generator(list("abcd"), q)
    times = np.linspace(0.05, 10, 10_000)
    us, laws = cpu(lambda: model._core.transition(times), budget)
    peers = []
    try:
        from scipy.linalg import expm
    except ImportError:
        pass
    else:
        seconds, theirs = cpu(lambda: expm(q * times[:, None, None]), budget)
        peers.append(("SciPy", seconds))
        print(f"   largest difference {np.abs(theirs - laws).max():.1e}")
    row("10,000 exponentials of 4 rungs", us, peers)


def simulation(budget):
    import escalade as esc

    rng = np.random.default_rng(0)
    q = rng.uniform(0.1, 0.5, (6, 6))
    np.fill_diagonal(q, 0)
    model = esc.Generator(list("abcdef"), q)
    us, found = cpu(lambda: model._core.paths(np.eye(6)[0], 1000.0, 2000, 0), budget)
    print(f"{'simulated events a second':45s} ours {len(found[1]) / us:.3g}", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--small", action="store_true", help="no million joint rungs")
    options.add_argument("--budget", type=float, default=10.0, help="CPU seconds a measurement")
    options = options.parse_args()
    import escalade as esc

    esc.set_threads(1)
    exponentials(options.budget / 5)
    simulation(options.budget / 5)
    for n_ladders in (4, 5) if options.small else (4, 5, 6):
        try:
            storm = Storm(n_ladders)
        except ImportError:
            storm = None
        if n_ladders > 4:
            reach(n_ladders, options.budget, storm)
        if n_ladders < 6:
            hitting(n_ladders, options.budget, storm)


if __name__ == "__main__":
    main()
