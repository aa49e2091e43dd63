"""A posterior: draws of the parameters by the No-U-Turn Sampler, which answer whatever a fit answers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .fit import Fit
from .frames import Table, frozen
from .panel_fit import PanelFit
from .results import MONTH, Array
from .values import item, missing, number_text, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .model import Model
    from .panel import Panel
    from .progress import Progress

#: R-hat above which chains have not come together (Vehtari et al. 2021).
APART = 1.01
#: Effective draws a chain below which quantiles, and R-hat itself, are unsure (the same).
FEW = 100


@dataclass(frozen=True)
class Diagnostics(Table):
    """Each number's draws: mean, deviation, 90 % interval, and whether the chains have come together.

    R-hat is the rank-normalised split one, effective sample sizes are of the bulk and of the tails (Vehtari, Gelman,
    Simpson, Carpenter and Bürkner 2021, Bayesian Analysis 16(2)); ``error`` is the Monte Carlo error of the mean.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-01-01")
    >>> tests = m.events("tests", rate=esc.per_month(0.3, spread=2))
    >>> d = esc.Dossier(as_of="2025-01-01")
    >>> _ = d.counted(tests, count=2, over=("2024-01-01", "2024-12-31"))
    >>> table = m.sample(d).diagnostics()
    >>> table["tests"]["unit"], table["tests"]["r_hat"] < 1.05
    ('per month', True)
    """

    name: tuple[str, ...]
    unit: tuple[str, ...]
    mean: Array
    sd: Array
    low: Array
    high: Array
    error: Array
    ess_bulk: Array
    ess_tail: Array
    r_hat: Array
    divergences: int  #: trajectories that broke off
    chains: int
    draws: int  #: of each chain

    def __len__(self) -> int:
        return len(self.name)

    def __getitem__(self, key: str | int) -> dict[str, Any]:
        """One number's row, by name or place."""
        if isinstance(key, str):
            if key not in self.name:
                raise missing("there is no number", key, self.name, "there are")
            key = self.name.index(key)
        return {name: item(column, key, "the numbers") for name, column in self.columns().items()}

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a number."""
        names = ("mean", "sd", "low", "high", "error", "ess_bulk", "ess_tail", "r_hat")
        return {"name": self.name, "unit": self.unit, **{name: getattr(self, name).tolist() for name in names}}

    def shown(self) -> Mapping[str, Sequence[Any]]:
        """The columns as a reader sees them."""
        return {
            "number": self.name,
            "unit": self.unit,
            "mean": [number_text(x) for x in self.mean],
            "sd": [number_text(x) for x in self.sd],
            "90% interval": [f"{number_text(a)}–{number_text(b)}" for a, b in zip(self.low, self.high, strict=True)],
            "ESS bulk": [f"{x:,.0f}" for x in self.ess_bulk],
            "ESS tail": [f"{x:,.0f}" for x in self.ess_tail],
            "R-hat": [f"{x:.3f}" for x in self.r_hat],
        }

    def caption(self) -> str:
        """A line above the table."""
        broke = f"{self.divergences} divergence{'s' * (self.divergences != 1)}"
        return f"{self.chains} chains of {self.draws:,} draws, {broke}"

    __repr__ = Table.__str__

    def doubts(self) -> list[str]:
        """What to know before trusting the draws; empty where there is nothing."""
        doubts = []
        apart = [(r, name) for r, name in zip(self.r_hat, self.name, strict=True) if r > APART]
        if apart:
            worst, name = max(apart)
            doubts.append(
                f"the chains have not come together for {len(apart)} of {len(self)} numbers (R-hat {worst:.3f} for "
                f"{name!r}; at most {APART} is wanted): sample more draws, with more tuning"
            )
        few = min((*self.ess_bulk, *self.ess_tail), default=np.inf)
        if few < FEW * self.chains and not apart:
            doubts.append(
                f"the smallest effective sample size is {few:.0f}; {FEW * self.chains} are wanted for sure quantiles: "
                "sample more draws"
            )
        if self.divergences:
            doubts.append(
                f"{self.divergences} of {self.chains * self.draws:,} trajectories diverged: the posterior has a place "
                "too narrow for the steps, which the draws may leave out; try accept=0.95, or tighter priors"
            )
        return doubts


class Sampled:
    """What every posterior has, be it of a dossier or of a panel: the draws, and what is to be known of them."""

    _core: Any

    @cached_property
    def _kept(self) -> dict[str, Any]:
        return dict(self._core.sampled())

    @cached_property
    def _units(self) -> tuple[tuple[str, ...], Array]:
        """The unit of each number, and what the kernel's are multiplied with."""
        clock, tick = self._clock()
        words = {"rate": f"per {clock}", "factor": "times", "probability": "probability"}
        kinds = self._kept["kinds"]
        return tuple(words[kind] for kind in kinds), np.array([tick if kind == "rate" else 1.0 for kind in kinds])

    def _clock(self) -> tuple[str, float]:
        raise NotImplementedError

    @property
    def chains(self) -> int:
        """How many chains were sampled."""
        return int(self._kept["chains"])

    @property
    def names(self) -> list[str]:
        """What the free numbers are called, in the order of :attr:`numbers`."""
        return list(self._kept["names"])

    @property
    def numbers_drawn(self) -> Array:
        """Draws of every free number, shape (n_chains, n_draws, n_numbers); intensities per month, or panel's clock."""
        return frozen(self._kept["numbers"].reshape(self._shape(len(self.names))) * self._units[1])

    @property
    def theta_drawn(self) -> Array:
        """Draws on the unconstrained scale, shape (n_chains, n_draws, n_coordinates)."""
        return frozen(self._kept["theta"].reshape(self._shape(len(self._core.theta))))

    def _shape(self, width: int) -> tuple[int, int, int]:
        return self.chains, len(self._kept["lp"]) // self.chains, width

    @property
    def divergences(self) -> int:
        """Trajectories that broke off, where the density is no longer finite or energy was gained or lost."""
        return int(self._kept["diverging"].sum())

    def diagnostics(self) -> Diagnostics:
        """Mean and interval of every free number, R-hat, effective sample sizes, divergences.

        Returns
        -------
        Diagnostics
            ``table["peninsula: up"]["r_hat"]``, ``doubts()``, ``to_frame()``.
        """
        kept, (units, scale) = self._kept, self._units
        drawn = self.numbers_drawn.reshape(len(kept["lp"]), len(self.names))
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        return Diagnostics(
            tuple(kept["names"]),
            units,
            frozen(drawn.mean(axis=0)),
            frozen(drawn.std(axis=0, ddof=1)),
            frozen(low),
            frozen(high),
            frozen(kept["mcse_mean"] * scale),
            frozen(kept["ess_bulk"]),
            frozen(kept["ess_tail"]),
            frozen(kept["r_hat"]),
            self.divergences,
            self.chains,
            len(drawn) // self.chains,
        )

    def to_arviz(self) -> Any:
        """The draws for ArviZ: groups ``posterior``, ``sample_stats`` and ``log_likelihood`` (of all evidence at once).

        Returns
        -------
        xarray.DataTree
            Variables named as the numbers, dimensions chain and draw; intensities per month, or a panel's clock.

        Raises
        ------
        ImportError
            Without xarray: ``pip install escalade[arviz]``.
        """
        try:
            import xarray as xr
        except ImportError:
            raise ImportError("to_arviz() needs xarray; pip install 'escalade[arviz]' brings it") from None

        kept, drawn = self._kept, self.numbers_drawn
        dims, axes = ("chain", "draw"), {"chain": np.arange(self.chains), "draw": np.arange(drawn.shape[1])}

        def group(values: Mapping[str, Any]) -> Any:
            by_chain = {name: (dims, np.asarray(x).reshape(self.chains, -1)) for name, x in values.items()}
            return xr.Dataset(by_chain, axes, {"inference_library": "escalade", "sampling": self._sampling()})

        stats = ("lp", "energy", "diverging", "n_steps", "tree_depth", "step_size", "acceptance_rate")
        return xr.DataTree.from_dict(
            {
                "posterior": group({name: drawn[:, :, k] for k, name in enumerate(self.names)}),
                "sample_stats": group({name: kept[name] for name in stats}),
                "log_likelihood": group({"evidence": kept["lp"] - kept["log_prior"]}),
            }
        )

    def _doubt(self, level: int) -> None:
        """Warn of what is to be doubted."""
        for doubt in self.diagnostics().doubts():
            warnings.warn(doubt, stacklevel=level + 1)

    def _sampling(self) -> str:
        """How the draws came about, in words."""
        table = self.diagnostics()
        worst = f"R-hat up to {np.max(table.r_hat):.3f}, ESS from {np.min(table.ess_bulk):,.0f}" if len(table) else ""
        return f"NUTS, {table.caption()}{', ' if worst else ''}{worst}"

    def plot_trace(self, name: str, ax: Axes | None = None) -> Axes:
        """One number's draws as ranks, chain by chain: of one height where the chains agree (Vehtari et al. 2021).

        Parameters
        ----------
        name : str
            As in :attr:`names`.
        ax : matplotlib Axes, optional
            Drawn into; by default new ones.

        Returns
        -------
        matplotlib Axes
        """
        from .canvas import canvas, hue

        if name not in self.names:
            raise missing("there is no number", name, self.names, "there are")
        drawn = self.numbers_drawn[:, :, self.names.index(name)]
        ranks = drawn.ravel().argsort().argsort().reshape(drawn.shape)
        edges = np.linspace(0, drawn.size, 21)
        with canvas(ax, 5.0, 3.0) as ax:
            for chain, own in enumerate(ranks):
                ax.stairs(
                    np.histogram(own, edges)[0],
                    edges,
                    color=hue().kinds[chain % len(hue().kinds)],
                    label=str(chain + 1),
                )
            ax.axhline(drawn.shape[1] / 20, color=hue().grey, lw=1, ls=":")
            ax.set_ylim(0, None)
            ax.set_xlabel("rank among all chains' draws")
            ax.set_title(name)
            ax.legend(title="chain", ncols=len(ranks))
        return ax


class Posterior(Sampled, Fit):
    """Draws of a model's parameters given a dossier; made by :meth:`Model.sample`, never by hand.

    It answers what a :class:`Fit` answers, by the same methods and with the same tables. Means and intervals are over
    draws of the exact posterior, by the No-U-Turn Sampler (Hoffman and Gelman 2014, JMLR 15; Betancourt 2016,
    arXiv:1601.00225; nuts-rs), where those of a fit are over draws of a normal at its mode. The column ``mode`` is at
    the mode still.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-01-01")
    >>> korea = m.ladder("peninsula", ["calm", "clash"], up=esc.per_year(0.5, spread=2))
    >>> d = esc.Dossier(as_of="2024-06-01")
    >>> _ = d.never(korea == "clash", between=("2024-01-01", "2024-05-31"))
    >>> posterior = m.sample(d)
    >>> answers = posterior.ask([esc.reach(korea == "clash", by="2025-06-01", name="clash")])
    >>> answers["clash"].low < answers["clash"].probability < answers["clash"].high
    True
    """

    @classmethod
    def _of(
        cls, model: Model, dossier: str, settings: Mapping[str, Any], progress: Progress, level: int = 3
    ) -> Posterior:
        from .progress import progress_line

        with progress_line("sample", progress) as report:
            made = cls(model, model._core.sample(dossier, **settings, progress=report))
        made._doubt(level)
        return made

    def _clock(self) -> tuple[str, float]:
        return "month", MONTH

    def thin(self, n: int) -> Posterior:
        """The posterior with at least `n` draws, evenly spaced in each chain: answers in a fraction of the time.

        Parameters
        ----------
        n : int
            How many; 200 to 400 suffice for probabilities to two digits.

        Returns
        -------
        Posterior
        """
        return Posterior(self._model, self._core.thin(whole(n, "n", 1)))

    def __repr__(self) -> str:
        changed = f"; {'; '.join(self.scenario)}" if self.scenario else ""
        return (
            f"<Posterior of {self._model.name!r} as of {self.as_of}: {len(self.dossier)} developments; "
            f"{self._sampling()}{changed}>"
        )


class PanelPosterior(Sampled, PanelFit):
    """Draws of a model's parameters given a panel; made by :meth:`Model.sample`, never by hand.

    It answers what a :class:`PanelFit` answers. Estimates are means over the draws where they are probabilities,
    medians where they are intensities, ratios or times (whose mean may be infinite); intervals are quantiles; ``draws``
    and ``seed`` of the questions are left alone.

    Examples
    --------
    >>> import escalade as esc, polars as pl
    >>> m = esc.Model()
    >>> light = m.ladder("light", ["on", "off"], moves={("on", "off"): esc.per_year(0.5, spread=3),
    ...                                                 ("off", "on"): esc.per_year(0.5, spread=3)})
    >>> df = pl.DataFrame({"who": [1] * 6, "t": range(6), "s": ["on", "on", "on", "off", "off", "on"]})
    >>> panel = esc.Panel(df, id="who", time="t", clock="year", rungs={light: "s"})
    >>> posterior = m.sample(panel)
    >>> posterior.transition(1.0).estimate.shape
    (2, 2)
    """

    @classmethod
    def _sampled(
        cls, model: Model, panel: Panel, settings: Mapping[str, Any], progress: Progress, level: int = 3
    ) -> PanelPosterior:
        from .progress import progress_line

        with progress_line("sample", progress) as report:
            made = cls(model, panel, panel._fit(model, 1, 0, report, sample=settings))
        made._doubt(level)
        return made

    def _clock(self) -> tuple[str, float]:
        return self._panel.clock, self._panel.tick

    def thin(self, n: int) -> PanelPosterior:
        """The posterior with at least `n` draws, evenly spaced in each chain: answers in a fraction of the time.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        PanelPosterior
        """
        return PanelPosterior(self._model, self._panel, self._core.thin(whole(n, "n", 1)))

    def __repr__(self) -> str:
        return f"<PanelPosterior of {self._panel!r}: {len(self.theta)} parameters; {self._sampling()}>"


def diagnose(draws: Any) -> dict[str, float]:
    """R-hat, effective sample sizes and the Monte Carlo error of any draws (Vehtari et al. 2021).

    Parameters
    ----------
    draws : array, shape (n_chains, n_draws)

    Returns
    -------
    dict
        ``r_hat``, ``ess_bulk``, ``ess_tail``, ``mcse_mean``.

    Examples
    --------
    >>> import numpy as np
    >>> draws = np.random.default_rng(0).normal(size=(4, 1000))
    >>> round(diagnose(draws)["r_hat"], 2)
    1.0
    """
    drawn = np.ascontiguousarray(draws, dtype=np.float64)
    names = ("r_hat", "ess_bulk", "ess_tail", "mcse_mean")
    return dict(zip(names, _core.diagnose(drawn.ravel(), len(drawn)), strict=True))
