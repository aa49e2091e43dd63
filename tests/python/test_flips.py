"""What turns an answer over: each change, made by hand."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

import escalade as esc
from crisis import crisis


def small() -> tuple[esc.Model, esc.Dossier, esc.Question]:
    shared = crisis()
    return shared.model, shared.dossier, shared.questions[0]


def test_each_change_does_what_its_row_says() -> None:
    m, d, war = small()
    fit = m.condition(d)
    now = fit.at_mode(war)
    line = 1.3 * now
    table = fit.flips(war, at=line)
    assert (table.probability, table.line) == (now, line)
    numbers = fit.breaking_points(war, at=line, top=30)
    laws = fit.drivers(progress=False)
    for row in map(table.__getitem__, range(len(table))):
        if row["kind"] == "judgement":
            expected = NormalDist().cdf(-abs(numbers[row["what"]]["quantile"]))
            assert row["answer"] == line
        elif row["kind"] == "development":
            id = row["change"].removeprefix("without ")
            assert row["answer"] == pytest.approx(fit.without(id).at_mode(war), abs=1e-12)
            expected = np.nan
        else:
            name, state = row["what"].split(" = ")
            assert row["answer"] == pytest.approx(fit.given(m.drivers[name] == state).at_mode(war), abs=1e-12)
            expected = laws[name][state]
        assert row["chance"] == pytest.approx(expected, rel=1e-9, nan_ok=True)
        assert row["crosses"] == (row["kind"] == "judgement" or row["answer"] >= line)
    assert set(table.kind) == {"judgement", "development", "driver"}
    assert sum(kind == "judgement" for kind in table.kind) == int((~np.isnan(numbers.at)).sum())


def test_all_that_cross_are_there_and_the_nearest_where_none_does() -> None:
    m, d, war = small()
    fit = m.condition(d)
    alone = {x.id: fit.without(x.id).at_mode(war) for x in d}
    for line in (fit.at_mode(war) + 1e-6, 0.97):
        table = fit.flips(war, at=line)
        over = {id for id, p in alone.items() if (p >= line) != (fit.at_mode(war) >= line)}
        rows = [row for row in map(table.__getitem__, range(len(table))) if row["kind"] == "development"]
        if over:
            assert {row["change"].removeprefix("without ") for row in rows} == over
        else:
            (row,) = rows
            assert row["answer"] == pytest.approx(min(alone.values(), key=lambda p: abs(p - line)), abs=1e-12)
            assert "not over it" in str(table)
        chances = [c for c, crosses in zip(table.chance, table.crosses, strict=True) if crosses and not np.isnan(c)]
        assert chances == sorted(chances, reverse=True)


def test_one_question_is_asked() -> None:
    m, d, war = small()
    with pytest.raises(esc.SpecError, match="one question"):
        m.condition(d).flips([war, ~war])
