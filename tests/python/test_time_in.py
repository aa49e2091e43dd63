"""Expected time in conditions given evidence, against integrals of exponentials; appended evidence, bit by bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import escalade as esc

EXACT = 1e-9  # relative: the oracle's quadrature is by doubling, good to about 1e-12

SIZES = {"a": 2, "b": 3, "c": 2}
ORIGIN = "2024-01-01"


def network() -> tuple[esc.Model, dict[str, esc.Ladder]]:
    """A ring: a pushes b, b pushes c, c pushes a."""
    m = esc.Model("ring", origin=ORIGIN)
    made = {
        name: m.ladder(name, [str(k) for k in range(n)], start="0", up=esc.per_day(0.7), down=esc.per_day(0.4))
        for name, n in SIZES.items()
    }
    made["b"].effect(made["a"] == "1", up=3.0)
    made["c"].effect(made["b"] >= "1", up=2.0, down=0.5)
    made["a"].effect(made["c"] == "1", up=0.25)
    return m, made


def generator() -> tuple[list[tuple[int, ...]], np.ndarray]:
    """The joint generator, written apart from the kernel."""
    points = list(itertools.product(*(range(n) for n in SIZES.values())))
    q = np.zeros((len(points), len(points)))
    for k, (a, b, c) in enumerate(points):
        up = {0: 0.7 * (0.25 if c == 1 else 1), 1: 0.7 * (3 if a == 1 else 1), 2: 0.7 * (2 if b >= 1 else 1)}
        down = {0: 0.4, 1: 0.4, 2: 0.4 * (0.5 if b >= 1 else 1)}
        for axis, size in enumerate(SIZES.values()):
            for step, rates in ((1, up), (-1, down)):
                to = [a, b, c]
                to[axis] += step
                if 0 <= to[axis] < size:
                    q[k, points.index(tuple(to))] += rates[axis]
        q[k, k] = -q[k].sum()
    return points, q


def exponential(q: np.ndarray) -> np.ndarray:
    """By scaling and squaring of a long series."""
    halvings = max(0, int(np.ceil(np.log2(max(np.abs(q).sum(axis=1).max(), 1e-9)))) + 4)
    small, term = q / 2**halvings, np.eye(len(q))
    total = term.copy()
    for k in range(1, 24):
        term = term @ small / k
        total += term
    for _ in range(halvings):
        total = total @ total
    return total


def occupied(row: np.ndarray, q: np.ndarray, length: float, column: np.ndarray) -> np.ndarray:
    """∫ (row e^{Qs})_i (e^{Q(t−s)} column)_i ds, by Van Loan's block matrix."""
    n = len(q)
    block = np.zeros((2 * n, 2 * n))
    block[:n, :n] = block[n:, n:] = q * length
    block[:n, n:] = np.outer(column, row) * length
    return np.diag(exponential(block)[:n, n:]).copy()


def test_expected_time_given_evidence_with_a_state_held():
    m, made = network()
    d = esc.Dossier(as_of="2024-01-08")
    d.saw(made["c"] == "1", on="2024-01-02T12:00")
    d.never(made["b"] == "0", between=("2024-01-04", "2024-01-05"))
    d.saw(made["a"] == "0", on="2024-01-07T00:00")
    conditions = [ladder == str(k) for name, ladder in made.items() for k in range(SIZES[name])]
    found = m.condition(d).time_in(*conditions, over=("2024-01-02", "2024-01-05"))

    points, q = generator()
    held = np.array([b != 0 for _, b, _ in points], dtype=float)
    cut = q * np.outer(held, held)
    np.fill_diagonal(cut, np.diag(q))
    # (length, generator, factor at its end): whether the span counts changes at 1 and 5.
    seen_c = np.array([float(c == 1) for *_, c in points])
    seen_a = np.array([float(a == 0) for a, *_ in points])
    one = np.ones(len(points))
    legs = [(1.0, q, one), (0.5, q, seen_c), (1.5, q, held), (2.0, cut, one), (1.0, q, seen_a), (2.0, q, one)]
    rows, columns = [np.eye(len(points))[0]], [one]
    for length, by, factor in legs:
        rows.append(rows[-1] @ exponential(by * length) * factor)
    for length, by, factor in reversed(legs):
        columns.append(exponential(by * length) @ (factor * columns[-1]))
    columns = columns[::-1]
    spent = np.zeros(len(points))
    for k in (1, 2, 3):
        length, by, factor = legs[k]
        spent += occupied(rows[k], by, length, factor * columns[k + 1])
    spent /= rows[-1].sum()
    assert spent.sum() == pytest.approx(4.0, rel=EXACT)
    wanted = [
        sum(t for t, point in zip(spent, points, strict=True) if point[axis] == k)
        for axis, size in enumerate(SIZES.values())
        for k in range(size)
    ]
    assert found.span == 4.0
    np.testing.assert_allclose(found.days, wanted, rtol=EXACT)


def test_time_after_the_last_evidence_and_of_drivers():
    m = esc.Model(origin=ORIGIN)
    weak = m.driver("weak", {"yes": 0.3, "no": 0.7})
    a = m.ladder("a", ["low", "high"], up=esc.per_day(1.0), down=esc.per_day(1.0))
    a.effect(weak == "yes", up=0.0, down=0.0)
    fit = m.condition(esc.Dossier(as_of="2024-01-03"))
    times = fit.time_in(a == "high", weak == "yes", over=(ORIGIN, "2024-01-10"))
    assert times[0] == pytest.approx(0.7 * (5 - (1 - np.exp(-20)) / 4), rel=1e-10)
    assert times["weak: yes" if "weak: yes" in times.conditions else 1] == pytest.approx(3.0, rel=1e-12)
    with pytest.raises(esc.EscaladeError, match="later end"):
        fit.time_in(a == "high", over=("2024-01-05", "2024-01-02"))


def test_appended_evidence_has_the_bits_of_a_fresh_run():
    m, made = network()
    dossier = esc.Dossier(as_of="2024-02-01")
    for day in range(2, 25, 3):
        dossier.saw(made["b"] >= "1", on=f"2024-01-{day:02}", hit=0.8, false_alarm=0.3)
    dossier.saw(made["c"] == "1", between=("2024-01-20", "2024-01-26"), hit=0.9, false_alarm=0.2)
    question = esc.reach(made["b"] >= "2", by="2024-03-01", name="top")
    fit = m.condition(dossier)
    more = esc.Dossier.from_dict(dossier.to_dict())
    new = more.saw(made["a"] == "1", on="2024-01-30", hit=0.7, false_alarm=0.1)
    fresh = m.condition(more)
    for appended in (fit.on(more), fit.given(new)):
        assert appended.log_evidence == fresh.log_evidence
        assert appended.ask([question])["top"].mode == fresh.ask([question])["top"].mode
    # The forward pass of an appended fit can be gone on from as well.
    again = esc.Dossier.from_dict(more.to_dict())
    again.saw(made["c"] == "0", on="2024-01-31", hit=0.7, false_alarm=0.1)
    assert fit.on(more).on(again).log_evidence == m.condition(again).log_evidence


def test_a_tight_memory_gives_the_same_bits():
    m, made = network()
    dossier = esc.Dossier(as_of="2024-03-01")
    for day in range(2, 29):
        dossier.saw(made["b"] >= "1", on=f"2024-01-{day:02}", hit=0.8, false_alarm=0.3)
    fit = m.condition(dossier)
    dates = ["2024-01-05", "2024-01-15", "2024-02-10"]
    plenty = fit.time_in(made["b"] == "2", over=("2024-01-02", "2024-02-20")), fit.smoothed(dates)[made["b"]]
    limit = esc.memory_limit()
    try:
        esc.set_memory_limit(60_000)
        tight = fit.time_in(made["b"] == "2", over=("2024-01-02", "2024-02-20")), fit.smoothed(dates)[made["b"]]
    finally:
        esc.set_memory_limit(limit)
    assert plenty[0].days.tobytes() == tight[0].days.tobytes()
    assert np.asarray(plenty[1]["2"]).tobytes() == np.asarray(tight[1]["2"]).tobytes()
