"""What every part of a fit stands on: the model, the developments, and what was changed since."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import SpecError
from .condition import describe
from .dossier import Development, Dossier
from .questions import AsQuestions, one_question
from .values import A_DATE, DateLike, Tree, day_of, listed, sound_date, wrong

if TYPE_CHECKING:
    from . import _core
    from .model import Model

N_DATES = 120  # of a forecast where no step is given: smooth to the eye


class FitBase:
    """A model and its developments; see :class:`Fit`."""

    def __init__(self, model: Model, core: _core.Fit) -> None:
        self._model = model
        self._core = core

    @property
    def model(self) -> Model:
        """The model that was fitted."""
        return self._model

    @property
    def as_of(self) -> str:
        """The date as of which it answers."""
        return self._core.as_of

    @property
    def log_evidence(self) -> float:
        """The logarithm of the probability of the developments, at the mode of the parameters."""
        return self._core.log_evidence

    @property
    def dossier(self) -> Dossier:
        """The developments that it was fitted to; see :attr:`scenario` for what was changed since."""
        return Dossier.from_dict(json.loads(self._core.dossier()))

    @property
    def left_out(self) -> list[str]:
        """The developments that were reported after its date."""
        return self._core.left_out

    @property
    def scenario(self) -> list[str]:
        """What :meth:`given`, :meth:`do` and :meth:`without` changed, in words."""
        return [change_words(change) for change in self._changes()]

    def _changes(self) -> list[Tree]:
        return list(json.loads(self._core.scenario()))

    def at_mode(self, question: AsQuestions) -> float:
        """The probability of one question at the mode of the parameters, without draws.

        Parameters
        ----------
        question : Question
            One.

        Returns
        -------
        float
        """
        return float(self._core.at_mode().ask(one_question(question, "at_mode")[1])["mode"][0])

    def _dates(self, until: Any, since: Any, dates: Iterable[DateLike] | None) -> list[str]:
        """The dates of a forecast as text."""
        if dates is not None:
            named = listed(dates, "dates", "a list of dates")
            return [sound_date(date, f"dates[{i}]") for i, date in enumerate(named)]
        if until is None:
            raise wrong("until", until, f"{A_DATE}; or give dates=[...]")
        first = day_of(sound_date(self._model.origin if since is None else since, "since"))
        last = day_of(sound_date(until, "until"))
        if last < first:
            begin = "the model's origin" if since is None else "since"
            raise SpecError(f"until is {until}, before {begin}, {str(first)[:10]}; expected a date after it")
        days = int((last - first) / np.timedelta64(1, "D"))
        step = max(1, -(-days // N_DATES))
        grid = {last - np.timedelta64(i * step, "D") for i in range(days // step + 1)} | {first}
        return [str(day)[:10] for day in sorted(grid)]


def change_words(change: Tree) -> str:
    """A change that makes a scenario, in words."""
    ((kind, what),) = change.items()
    if kind == "given":
        return f"given {describe(what)}"
    if kind == "also":
        return f"given also {', '.join(Development(tree).describe() for tree in what)}"
    if kind == "do":
        since = f" since {what['since']}" if what.get("since") else ""
        return f"do {describe(what['condition'])}{since}"
    return f"without {', '.join(what)}"
