"""Conflicts and diagnosticity beside log-evidence of dossiers with developments left out."""

import itertools

import matplotlib
import numpy as np
import pytest

import escalade as esc

matplotlib.use("agg")
EXACT = 1e-9


def crisis() -> tuple[esc.Model, esc.Dossier]:
    m = esc.Model("a crisis", origin="2024-01-01")
    us = m.driver("us", {"steady": 0.5, "weak": 0.3, "gone": 0.2})
    front = m.ladder("front", ["quiet", "tense", "war"], up=esc.per_month(0.2), down=esc.per_month(0.3))
    talks = m.ladder("talks", ["none", "open"], up=esc.per_month(0.1), down=esc.per_month(0.1))
    front.effect(us == "gone", up=3.0)
    talks.effect(us == "gone", up=0.5)
    d = esc.Dossier(as_of="2024-06-30")
    d.saw(front >= "tense", between=("2024-02-01", "2024-02-20"), grade="B2", id="tense")
    d.saw(front == "quiet", on="2024-02-10", grade="C3", id="quiet")
    d.saw(talks == "open", on="2024-06-01", grade="B3", id="talks")
    d.saw(us == "gone", hit=0.7, false_alarm=0.3, id="gone")
    d.never(front == "war", between=("2024-03-01", "2024-06-30"), grade="B2", id="no-war")
    return m, d


def log_evidence(m: esc.Model, d: esc.Dossier, keep: set[str]) -> float:
    out = [one.id for one in d if one.id not in keep]
    return m.condition(d.without(*out) if out else d).log_evidence


def test_conflicts_are_those_of_log_evidence() -> None:
    m, d = crisis()
    table = m.condition(d).conflicts()
    ids = {one.id for one in d}
    everything = log_evidence(m, d, ids)
    alone = {id: log_evidence(m, d, {id}) for id in ids}
    for id in ids:
        rest = everything - log_evidence(m, d, ids - {id})
        row = table[id]
        assert row["surprise"] == pytest.approx(-rest / np.log(2), abs=EXACT)
        assert row["support"] == pytest.approx(rest - alone[id], abs=EXACT)
    for a, b in itertools.combinations(sorted(ids), 2):
        wanted = alone[a] + alone[b] - log_evidence(m, d, {a, b})
        assert table.pair(a, b) == table.pair(b, a) == pytest.approx(wanted, abs=EXACT)
    assert table.whole == pytest.approx(sum(alone.values()) - everything, abs=EXACT)
    assert table.pair("tense", "quiet") > 0
    worst = table.worst_pairs(10)
    assert ("tense", "quiet") in [pair[:2] for pair in worst]
    assert worst[0][2] == pytest.approx(np.nanmax(table.pairs))
    assert "at odds" in table.caption()
    assert np.isnan(m.condition(d).conflicts(pairs=False).pairs).all()


def test_diagnosticity_is_the_move_of_log_odds() -> None:
    m, d = crisis()
    us, front = m.drivers["us"], m.ladders["front"]
    fit = m.condition(d)
    table = fit.diagnosticity({"gone": us == "gone", "war": front == "war"})

    def logit(one: esc.Fit, k: int) -> float:
        now = ["2024-07-01T00:00"]
        p = one.forecast(dates=now)["front"]["war"][0] if k else one.drivers()["us"]["gone"]
        return float(np.log(p / (1 - p)))

    ids = [one.id for one in d]
    for i, id in enumerate(ids):
        others = [other for other in ids if other != id]
        for k in range(2):
            assert table.given_rest[i, k] == pytest.approx(logit(fit, k) - logit(fit.without(id), k), abs=1e-8)
            alone = logit(fit.without(*others), k) - logit(fit.without(*ids), k)
            assert table.alone[i, k] == pytest.approx(alone, abs=1e-8)
    assert table.alone[ids.index("gone"), 0] == pytest.approx(np.log(0.7 / 0.3), abs=1e-9)
    assert table.plot().get_xticklabels()[0].get_text().startswith("gone")
    assert len(table.to_frame()) == 10
    assert table.diagnostic[0] in ids
    with pytest.raises(esc.WrongType, match="at least one"):
        fit.diagnosticity([])
