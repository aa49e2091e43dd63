"""What a fit hands to those who decide: audit cards, the replay of past days, a report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from .audit import AuditCard, audits
from .fit_base import FitBase
from .progress import Progress
from .questions import AsQuestions, Questions
from .replay import Replay, replay
from .values import DateLike, wrong

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from .fit import Fit


class Accountable(FitBase):
    """What a :class:`Fit` can be held to."""

    def audit(
        self,
        question: AsQuestions,
        *,
        at: float = 0.5,
        level: float = 0.9,
        orders: int = 12,
        progress: Progress = True,
    ) -> AuditCard:
        """One answer with all that it comes from: developments, judgements, what flips it, the author's word.

        Parameters
        ----------
        question : Question
            One.
        at : float
            The line that the answer is to be flipped over.
        level : float
            Of the interval.
        orders : int
            Random orders for Shapley's shares, as in :meth:`explain`; 0: no shares.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        AuditCard
            ``to_dict()``, ``to_frame()``, ``write("card.html")``.

        Raises
        ------
        SpecError
            If there is not one question, or it cannot be taken apart (:meth:`explain`).

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1))
        >>> d = esc.Dossier(as_of="2024-11-30")
        >>> _ = d.saw(front == "war", on="2024-11-20", grade="C3", id="rumour")
        >>> war = esc.reach(front == "war", by="2025-09-30", name="war")
        >>> card = m.fit(d).audit(war, at=0.3)
        >>> card.developments[0]["id"], card.developments[0]["left_out"] > 0, card.flip["kind"]
        ('rumour', True, 'judgement')
        """
        n = len(Questions(question))
        if n != 1:
            raise wrong("audit", f"{n} questions", "one question; audits takes several")
        return self.audits(question, at=at, level=level, orders=orders, progress=progress)[0]

    def audits(
        self,
        questions: AsQuestions,
        *,
        at: float = 0.5,
        level: float = 0.9,
        orders: int = 12,
        progress: Progress = True,
    ) -> tuple[AuditCard, ...]:
        """The audit cards of several questions; see :meth:`audit`.

        Parameters
        ----------
        questions : Question, Questions or list
            What is asked.
        at, level, orders, progress
            As in :meth:`audit`.

        Returns
        -------
        tuple of AuditCard

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1))
        >>> d = esc.Dossier(as_of="2024-11-30")
        >>> _ = d.saw(front == "war", on="2024-11-20", grade="C3", id="rumour")
        >>> war = esc.reach(front == "war", by="2025-09-30", name="war")
        >>> [card.question for card in m.fit(d).audits([war, ~war])]
        ['war', 'not (front = war by 2025-09-30)']
        """
        return audits(cast("Fit", self), questions, at, level, orders, progress)

    def replay(
        self,
        questions: AsQuestions,
        dates: Iterable[DateLike] | None = None,
        *,
        learn: bool = True,
        level: float = 0.9,
        progress: Progress = True,
    ) -> Replay:
        """What would have been said on each day, from the same dossier cut at that day.

        Parameters
        ----------
        questions : Question, Questions or list
            What is asked.
        dates : list of dates, optional
            None after the fit's date; by default each day on which developments became known, and the fit's date.
        learn : bool
            Learn the model anew on each day. False keeps the fit's parameters, which know what came later.
        level : float
            Of the intervals.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Replay
            Found by date and question; ``score(outcomes)``, ``plot()``.

        Raises
        ------
        SpecError
            If a date is none or lies after the fit's or before the model's origin, or the fit was changed by
            :meth:`given`, :meth:`do` or :meth:`without`.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1))
        >>> d = esc.Dossier(as_of="2024-11-30")
        >>> _ = d.saw(front == "war", on="2024-11-20", grade="C3", id="rumour")
        >>> war = esc.reach(front == "war", by="2025-09-30", name="war")
        >>> replay = m.fit(d).replay(war, ["2024-10-31", "2024-11-30"])
        >>> replay.came, replay[1, "war"]["probability"] > replay[0, "war"]["probability"]
        (((), ('rumour',)), True)
        """
        return replay(cast("Fit", self), questions, dates, learn, level, progress)

    def report(
        self,
        path: str | PathLike[str],
        questions: AsQuestions,
        *,
        title: str | None = None,
        level: float = 0.9,
        replay: bool | Replay = False,
        watch_until: DateLike | None = None,
        progress: Progress = True,
    ) -> Path:
        """Write a report for those who decide, as one HTML file that needs nothing else.

        The first screen holds the answers with three reasons each and what to watch; then follow an audit card for each
        answer, time lines and conflicts, and an appendix with every number's source.

        Parameters
        ----------
        path : str or path
            The file to write.
        questions : Question, Questions or list
            What is asked.
        title : str, optional
            By default the dossier's name, or the model's.
        level : float
            Of the intervals.
        replay : bool or Replay
            Also what would have been said on each day; a :class:`Replay` of the same questions, or True to make one.
        watch_until : date, optional
            How far ahead to look for what would tell most; by default 90 days after the fit's date.
        progress : bool or callable
            As in :meth:`ask`.

        Returns
        -------
        Path

        Raises
        ------
        ImportError
            Without jinja2 or matplotlib: ``pip install escalade[report]``.
        SpecError
            If a question cannot be asked.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2), down=esc.per_year(1))
        >>> d = esc.Dossier(as_of="2024-11-30")
        >>> _ = d.saw(front == "war", on="2024-11-20", grade="C3", id="rumour")
        >>> war = esc.reach(front == "war", by="2025-09-30", name="war")
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     page = m.fit(d).report(f"{folder}/report.html", war, title="The front").read_text(encoding="utf-8")
        >>> "<h1>The front</h1>" in page
        True
        """
        from .report import report

        return report(cast("Fit", self), path, questions, title, level, replay, watch_until, progress)
