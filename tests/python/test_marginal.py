"""The log marginal likelihood beside integrals known in closed form or by quadrature."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import gammaln

import escalade as esc

DAYS = 366


def counts(n: int = 30) -> tuple[esc.Model, esc.Dossier]:
    m = esc.Model(origin="2024-01-01")
    m.events("tests", rate=esc.per_month(1.0, spread=2))
    d = esc.Dossier(as_of="2024-12-31")
    d.counted("tests", count=n, over=("2024-01-01", "2024-12-31"))
    return m, d


def by_quadrature(n: int) -> float:
    """Σ over a log-normal intensity of the Poisson probability of n."""
    months = DAYS / 30.4375

    def density(z: float) -> float:
        return float(stats.norm.pdf(z) * stats.poisson.pmf(n, months * 2**z))

    return float(np.log(integrate.quad(density, -8, 8, epsabs=0, limit=200)[0]))


@pytest.mark.parametrize("n", [0, 3, 30])
def test_importance_agrees_with_quadrature(n: int) -> None:
    m, d = counts(n=n)
    found = m.fit(d, draws=4000).log_marginal()
    assert found.error < 0.02
    assert abs(found.value - by_quadrature(n)) < 5 * found.error + 1e-9
    assert abs(found.laplace - by_quadrature(n)) < 0.2


def test_a_bridge_agrees_with_quadrature_and_a_table() -> None:
    m, d = counts()
    front = m.ladder(
        "front", ["quiet", "war"], start={"quiet": 0.5, "war": 0.5}, up=esc.per_year(0.0), down=esc.per_year(0.0)
    )
    tone = m.status("tone", ["mild", "sharp"], given=front, table=esc.table([[0.7, 0.3], [0.4, 0.6]], worth=10))
    d.saw(front == "war", on="2024-01-01")
    for day in ("2024-02-01", "2024-03-01", "2024-04-01"):
        d.saw(tone == "sharp", on=day)
    # Dirichlet-multinomial: three times sharp at war.
    table = gammaln(10) - gammaln(13) + gammaln(6 + 3) - gammaln(6)
    wanted = by_quadrature(30) + np.log(0.5) + table
    found = m.sample(d, draws=1000, chains=2, seed=3).log_marginal()
    assert found.error < 0.05
    assert abs(found.value - wanted) < 5 * found.error
    assert np.isnan(found.laplace)


def test_what_has_no_marginal_is_refused() -> None:
    m = esc.Model(origin="2024-01-01")
    tests = m.events("tests", rate=esc.free(esc.per_month(1.0)))
    d = esc.Dossier(as_of="2024-12-31")
    d.counted(tests, count=3, over=("2024-01-01", "2024-12-31"))
    with pytest.raises(esc.Unidentified, match="tests"):
        m.fit(d).log_marginal()
    m, d = counts()
    with pytest.raises(esc.SpecError, match="nothing was learnt"):
        m.condition(d).log_marginal()
    with pytest.raises(esc.SpecError, match="parameters are kept"):
        m.fit(d).without("d1").log_marginal()
