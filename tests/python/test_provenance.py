"""What numbers stand on, and what was learnt of them, beside conjugate answers."""

from __future__ import annotations

import numpy as np
import pytest

import escalade as esc

SAME = 1e-5  # a mode found by climbing


def seen(n: int) -> tuple[esc.Model, esc.Dossier]:
    """A year in which n tests are counted under a Gamma prior, beside a rate that nobody looked at."""
    m = esc.Model(origin="2024-01-01")
    m.ladder("front", ["quiet", "war"], up=esc.base_rate(2, over="10 years"), down=esc.chance("unlikely", "1 year"))
    tests = m.events("tests", rate=esc.per_month(0.3, spread=2, source="a list"))
    d = esc.Dossier(as_of="2024-12-31")
    d.counted(tests, count=n, over=("2024-01-01", "2024-12-31"))
    return m, d


def test_a_count_under_a_log_normal_prior() -> None:
    m, d = seen(7)
    row = m.fit(d, progress=False).parameters()["tests"]
    # ln q has precision 1 / s² beforehand; the Poisson likelihood adds its mean, q times the months, at the mode.
    s, months = np.log(2), 366 / 30.4375
    q = row["mode"]
    assert 7 - q * months == pytest.approx((np.log(q) - np.log(0.3)) / s**2, abs=SAME)
    assert row["learnt"] == pytest.approx(1 - 1 / (1 + s**2 * q * months), abs=SAME)
    assert row["moved"] == pytest.approx((np.log(q) - np.log(0.3)) / s, abs=SAME)
    assert row["ground"] == "evidence" and row["learnt"] > 0.5


def test_grounds_and_what_cannot_be_told() -> None:
    m, d = seen(7)
    before = {row["name"]: row["ground"] for row in m.parameters()}
    assert before == {"front: up": "base rate", "front: down": "word", "tests": "judgement"}
    provenance = m.fit(d, progress=False).provenance()
    columns = provenance.columns()
    assert dict(zip(columns["ground"], columns["told"], strict=True)) == {"evidence": 1, "base rate": 0, "word": 0}
    assert [row["name"] for row in provenance.told] == ["tests"]
    assert {row["name"] for row in provenance.untold} == {"front: up", "front: down"}
    assert all(row["learnt"] == pytest.approx(0, abs=SAME) for row in provenance.untold)
    assert "1 of 3 free numbers" in provenance.caption() and "1 of 3 free numbers" in provenance._repr_html_()
    assert list(provenance.to_frame("pandas")["numbers"]) == [1, 1, 1]


def test_a_flat_prior_leaves_all_to_the_evidence() -> None:
    m = esc.Model(origin="2024-01-01")
    tests = m.events("tests", rate=esc.free(esc.per_month(1)))
    m.driver("trust", {"low": 0.5, "high": 0.5}, basis="judgement")
    d = esc.Dossier(as_of="2024-12-31")
    d.counted(tests, count=4, over=("2024-01-01", "2024-12-31"))
    fit = m.fit(d, progress=False)
    row, fixed = fit.parameters()["tests"], fit.parameters()["trust"]
    assert (row["ground"], row["learnt"], row["moved"]) == ("evidence", 1.0, None)
    assert fixed["ground"] == "fixed"
    assert len(fit.provenance().told) == 1 and not len(fit.provenance().untold)
    with pytest.raises(esc.SpecError, match="flat"):
        fit.parameters().plot()


def test_all_free_numbers_are_told_or_untold_and_a_higher_bar_tells_fewer() -> None:
    from crisis import crisis

    c = crisis()
    fit = c.model.fit(c.dossier, draws=20, progress=False)
    found = [fit.provenance(least=x) for x in (0.001, 0.01, 0.1)]
    free = sum(not row["fixed"] for row in fit.parameters())
    assert all(len(one.told) + len(one.untold) == free for one in found)
    assert len(found[0].told) > len(found[1].told) >= len(found[2].told)
    # Nothing learnt: nothing told.
    assert not len(c.model.condition(c.dossier).provenance().told)
    assert not len(c.model.prior().provenance().told)


@pytest.mark.parametrize("least", [0, 1, -0.1, float("nan"), "few"])
def test_a_bar_that_is_none_is_refused(least: object) -> None:
    m, d = seen(1)
    with pytest.raises(esc.SpecError, match="least"):
        m.condition(d).provenance(least=least)  # type: ignore[arg-type]


def test_a_guess_from_which_nothing_was_learnt_is_no_evidence() -> None:
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.free(esc.per_year(0.5)))
    fit = m.condition(esc.Dossier(as_of="2024-11-30"))
    row = fit.parameters()["front: up"]
    assert (row["ground"], row["learnt"]) == ("judgement", 0.0)
    assert "0 of 1 free numbers" in fit.provenance().caption()
    assert fit.confidence(esc.reach(front == "war", by="2025-12-31")).parts[0][1] == "low"


def test_what_a_judgement_about_an_answer_taught_is_no_evidence() -> None:
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=4))
    war = esc.reach(front == "war", by="2025-12-31", name="war")
    m.expect(war, "remote chance", spread=1.05)
    fit = m.fit(esc.Dossier(as_of="2024-10-02"), draws=20)
    row = fit.parameters()["front: up"]
    assert row["high"] < 0.5 * row["prior_high"]  # the judgement took most of the width
    assert (row["ground"], row["learnt"], row["moved"]) == ("judgement", pytest.approx(0, abs=SAME), pytest.approx(0))
    assert "of 0 of 1 free numbers" in fit.provenance().caption()
    assert fit.confidence(war).judgement[0] == pytest.approx(1)
    assert ", a judgement" in fit.audit(war).reasons[0]
