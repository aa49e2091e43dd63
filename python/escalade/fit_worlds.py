"""Worlds of a fit, and how well it foresaw its developments."""

from __future__ import annotations

from .fit_base import FitBase
from .marginal import LogMarginal
from .progress import Progress, progress_line
from .values import DateLike, sound_date, whole
from .worlds import PredictiveChecks, Worlds


class Simulated(FitBase):
    """What can be drawn from a :class:`Fit`, and what that says of the model."""

    def simulate(self, until: DateLike, n: int = 1000, *, seed: int = 0, progress: Progress = True) -> Worlds:
        """Worlds onward from the fit's date, given all that is known.

        Drivers, rungs now and parameters are drawn together; the fit's draws of the parameters serve in turn.

        Parameters
        ----------
        until : date
            Its day included.
        n : int
            How many worlds.
        seed : int
            The same seed gives the same worlds.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Worlds
            Paths, drivers, what indicators show, whether questions are true.

        Raises
        ------
        SpecError
            If `until` is not after the fit's date.
        TooLarge
            If the ladders together, or so many worlds, are too large.
        """
        end, count, key = sound_date(until, "simulate: until"), whole(n, "n", 1), whole(seed, "seed")
        with progress_line("worlds", progress) as report:
            core = self._core.worlds(end, count, key, progress=report)
        return Worlds(self._model, core, key, self.dossier)

    def replicate(self, n: int = 1000, *, seed: int = 0, progress: Progress = True) -> Worlds:
        """Worlds from the model's origin to the fit's date, drawn anew: only what was learnt of the parameters is kept.

        Parameters
        ----------
        n : int
            How many worlds.
        seed : int
            The same seed gives the same worlds.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Worlds
            ``worlds.dossier(k)`` is what the reporters of one would have written.
        """
        count, key = whole(n, "n", 1), whole(seed, "seed")
        with progress_line("worlds", progress) as report:
            core = self._core.worlds(None, count, key, progress=report)
        return Worlds(self._model, core, key, self.dossier)

    def check(self, n: int = 1000, *, seed: int = 0, progress: Progress = True) -> PredictiveChecks:
        """Posterior predictive checks: does the model, as it was learnt, tell developments like these?

        Parameters
        ----------
        n : int
            How many worlds to compare with.
        seed : int
            The same seed gives the same worlds.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        PredictiveChecks
            One row a development; ``strange`` names those that hardly any world tells.
        """
        return self.replicate(n, seed=seed, progress=progress).checks()

    def log_marginal(self, *, progress: Progress = True) -> LogMarginal:
        """The log marginal likelihood of the developments, to choose between models of the same dossier.

        Of a fit by importance sampling from Laplace's normal, as many draws as it has; of a posterior by bridge
        sampling (Meng and Wong 1996, Statist. Sinica 6).

        Parameters
        ----------
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        LogMarginal

        Raises
        ------
        Unidentified
            If a number has a flat prior: nothing normalises it.
        SpecError
            If the fit learnt nothing or was changed since, or the model has judgements about answers.
        """
        with progress_line("marginal likelihood", progress) as report:
            return LogMarginal(*self._core.log_marginal(progress=report))
