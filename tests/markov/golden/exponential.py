"""Exponentials of generators to more than 60 digits, by mpmath: python exponential.py (mpmath 1.4)."""

import json
from pathlib import Path

import mpmath as mp


def gold(rates, t, n):
    q = mp.matrix(n, n)
    for i, j, rate in rates:
        q[i, j] = mp.mpf(rate)
    for i in range(n):
        q[i, i] = -sum(q[i, j] for j in range(n) if j != i)
    size = max(abs(q[i, i]) for i in range(n)) * t
    doublings = max(0, int(mp.ceil(mp.log(size + 1, 2))) + 4)
    mp.mp.dps = 90 + doublings
    piece = q * mp.mpf(t) / mp.mpf(2) ** doublings
    e, term = mp.eye(n), mp.eye(n)
    for k in range(1, 80):
        term = term * piece / k
        e = e + term
    for _ in range(doublings):
        e = e * e
    return [float(e[i, j]) for i in range(n) for j in range(n)]


STIFF = [[0, 1, 3e6], [1, 0, 2e6], [1, 2, 1e-3], [2, 1, 0.5], [2, 3, 1e-6], [3, 2, 2e-2], [3, 4, 1e-9]]
LADDER = [move for i in range(11) for move in ([i, i + 1, 1e-3 * (i + 1)], [i + 1, i, 2.0 + 0.3 * i])]
RING = [[0, 1, 0.3], [1, 0, 0.2], [1, 2, 1e3], [2, 3, 1e-4], [3, 0, 7.0], [2, 0, 5.0]]
WORLDS = [(5, STIFF, (1e-8, 1.0, 3.0)), (12, LADDER, (0.01, 1.0, 40.0)), (4, RING, (0.1, 10.0, 1e4))]
CASES = [{"n": n, "q": q, "t": t, "p": gold(q, t, n)} for n, q, times in WORLDS for t in times]
Path(__file__).with_suffix(".json").write_text(json.dumps(CASES) + "\n")
