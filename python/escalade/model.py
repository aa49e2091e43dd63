"""The model: drivers, ladders and indicators, built piece by piece and checked by the kernel after each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from html import escape
from itertools import permutations
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

import numpy as np

from . import _core
from ._core import SpecError
from .dossier import Dossier
from .handles import Driver, Events, Handle, Ladder, Pair, Status, move_pairs, spelled_pairs
from .laws import NumberLaw
from .nodes import NodeLaw, formula
from .priors import Free, Intensity, IntensityLike, TableLike, TablePrior, each_its_own, free, intensities
from .progress import Progress, progress_line
from .questions import A_QUESTION, AsQuestions, Question, Questions, at
from .values import (
    DateLike,
    Ground,
    Tree,
    date_text,
    day_of,
    file_text,
    ground,
    listed,
    missing,
    names_of,
    number,
    number_text,
    plain,
    share,
    text,
    texts,
    to_json,
    whole,
    wrong,
)
from .words import YardstickLike, yardstick_tree

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes

    from .bayesnet import BayesNet
    from .fit import Fit
    from .panel import Panel
    from .panel_fit import PanelFit
    from .posterior import PanelPosterior, Posterior
    from .provenance import Parameters
    from .results import Size

H = TypeVar("H", bound=Handle)
SECTIONS: dict[str, type[Handle]] = {"driver": Driver, "ladder": Ladder, "status": Status, "events": Events}


class Model:
    """Drivers, ladders that climb and come down in continuous time, and indicators.

    The builders make a plain tree, the same that a TOML file holds; the kernel checks the whole of it after each call,
    and a call that is refused leaves the model as it was.

    Parameters
    ----------
    name : str
        A title.
    origin : date, optional
        Where time begins; nothing the model speaks of lies before it. Without one it has no calendar: it is for panels,
        which have clocks of their own.
    note : str, optional
        Anything a reader should know.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model("Troops abroad", origin="2024-10-01")
    >>> china = m.driver("restraint", {"strong": 0.7, "weak": 0.3}, worth=20)
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"],
    ...                  up=esc.chance("unlikely", within="1 year"), down=esc.chance("likely", within="3 months"))
    >>> korea.effect(china == "weak", up=esc.factor(2, spread=1.5))
    >>> m
    <Model 'Troops abroad' from 2024-10-01: 1 driver, 1 ladder>
    """

    def __init__(self, name: str = "", *, origin: DateLike | None = None, note: str | None = None) -> None:
        tree: Tree = {"name": text(name, "the model's name")}
        if origin is not None:
            tree["origin"] = date_text(origin, "origin")
        self._load(tree if note is None else {**tree, "note": note})

    def _load(self, tree: Tree) -> None:
        self._core = _core.Model(to_json(tree))
        self._spec: Tree = tree
        self._handles: dict[str, Handle] = {}
        self._network: tuple[_core.Model, BayesNet] | None = None
        for section, kind in SECTIONS.items():
            for entry in tree.get(section, ()):
                self._handles[entry["name"]] = kind(self, entry)

    # Building

    def driver(
        self,
        name: str,
        states: Sequence[str] | Mapping[str, float],
        *,
        given: Any = None,
        table: TableLike | NodeLaw | None = None,
        worth: float | None = None,
        free: bool = False,
        **about: Unpack[Ground],
    ) -> Driver:
        """Add a driver: a variable of the Bayesian network that holds over the window of the forecast.

        Parameters
        ----------
        name : str
            Its name.
        states : list of str, or mapping of state to probability
            Its states; a mapping gives the table of a driver without parents as well.
        given : Driver or list, optional
            Its parents, drivers all.
        table : mapping, array, :func:`escalade.table` or formula, optional
            A row for each configuration of the parents, nested by their states or with the last parent fastest; a row
            is a list in the order of `states`, or a mapping. Not given: flat. A formula makes rows from few numbers:
            :func:`escalade.noisy_or`, :func:`escalade.noisy_max`, :func:`escalade.logistic`, :func:`escalade.ranked`.
            Its numbers are not learnt; `worth` lets the rows differ from it.
        worth : float, optional
            A Dirichlet prior worth so many observations a row. Not given: the table is fixed.
        free : bool
            Flat on the logits; the table is where the search begins. For panels, whose units tell it.
        **about
            ``source=``, ``known=``, ``basis=``, ``note=``: where the numbers come from.

        Returns
        -------
        Driver

        Raises
        ------
        SpecError
            If the name is taken, a row does not sum to 1, or a parent is unknown; the model stays as it was.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> us = m.driver("us_policy", {"continuity": 0.4, "settlement": 0.6}, worth=20)
        >>> m.driver("restraint", ["strong", "weak"], given=us,
        ...          table={"continuity": [0.7, 0.3], "settlement": [0.6, 0.4]})
        <Driver restraint: strong, weak>
        """
        entry = self._tabled(name, states, given, table, worth, about)
        return self._enter("driver", {**entry, "free": True} if free else entry, Driver)

    def ladder(
        self,
        name: str,
        rungs: Sequence[str],
        start: str | Mapping[str, Any] | Sequence[Any] | TablePrior | None = None,
        *,
        start_given: Any = None,
        worth: float | None = None,
        up: IntensityLike | Sequence[IntensityLike] | None = None,
        down: IntensityLike | Sequence[IntensityLike] | None = None,
        moves: Mapping[Any, IntensityLike] | Sequence[Pair] | None = None,
        ordered: bool = True,
        first: str | None = None,
        stages: Mapping[str, int] | None = None,
        first_stage: str | None = None,
        **about: Unpack[Ground],
    ) -> Ladder:
        """Add a ladder: a process over rungs in continuous time.

        Parameters
        ----------
        name : str
            Its name.
        rungs : list of str
            Its rungs, from the lowest to the highest where they are ordered.
        start : str or mapping, optional
            Its rung at the origin, or their probabilities; by default the first. With `start_given` one of these for
            each configuration of the drivers, nested by their states or listed with the last fastest.
        start_given : Driver or list, optional
            The drivers that `start` is a table over.
        worth : float, optional
            A Dirichlet prior about `start` (by default about even chances), worth so many observations a row. Not
            given: `start` is fixed.
        up, down : intensity or list, optional
            How readily each rung moves to the next, or to the one before. One is a single parameter that the moves
            share; a list (of priors, or ``esc.per_month([1, 2])``) gives each move its own, from the lowest.
        moves : mapping of (from, to) to an intensity, or list of (from, to), optional
            Other moves; a key may hold several pairs that share a parameter. A list leaves each flat.
        ordered : bool
            Whether the rungs climb. If not there is no up, down, ``>=`` or ``<=``.
        first : {"estimated", "equilibrium"}, optional
            The first rung's law is estimated, flat on the logits (from `start` on, whose zeros stay; by default from
            even chances), or that which the intensities at the origin keep: one joint law over the ladders that effects
            link, for each state of the drivers that they look at. Not given: `start` as it stands.
        stages : mapping of rungs to int, optional
            How many stages a rung has; by default one, and its dwell is exponential. With k the dwell is the sum of k
            exponentials (Erlang): the same mean, and a standard deviation of 1/√k of it. What is seen, asked and
            learnt is of rungs, whatever their stage.
        first_stage : {"first", "uniform"}, optional
            The stage of the rung at the origin (of a panel's unit: where it is seen first): the first, by default,
            as if it had just been entered, or any, each as likely. At equilibrium the intensities say it.
        **about
            ``source=``, ``known=``, ``basis=``, ``note=``: where its start comes from.

        Notes
        -----
        With none of `up`, `down` and `moves` each move between neighbours (unordered: each move) is flat, its own.

        Returns
        -------
        Ladder

        Raises
        ------
        SpecError
            If the name is taken, or a rung or number is wrong; the model stays as it was.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.chance("unlikely", within="1 year"))
        <Ladder peninsula: rhetoric, provocation, clash>

        A truce that seldom breaks in its first days:

        >>> m.ladder("truce", ["holds", "broken"], up=esc.per_month(0.5), stages={"holds": 3})
        <Ladder truce: holds, broken>

        Where it begins may depend on drivers:

        >>> china = m.driver("restraint", {"strong": 0.7, "weak": 0.3}, worth=20)
        >>> m.ladder("border", ["calm", "tense"], {"strong": "calm", "weak": {"calm": 0.4, "tense": 0.6}},
        ...          start_given=china, worth=10, up=esc.per_year(1), down=esc.per_year(2))
        <Ladder border: calm, tense>
        """
        rungs = texts(rungs, f"ladder {text(name, 'the name of a ladder')!r}: rungs")
        if len(rungs) < 2:
            raise SpecError(f"ladder {name!r} has too few rungs, {len(rungs)}; expected at least 2")
        if up is None and down is None and moves is None:
            if ordered:
                up, down = [free()] * (len(rungs) - 1), [free()] * (len(rungs) - 1)
            else:
                moves = list(permutations(rungs, 2))
        if moves is not None and not isinstance(moves, Mapping):
            pairs_given = listed(moves, f"ladder {name!r}: moves", "a mapping of (from, to), or a list of (from, to)")
            moves = {tuple(spelled_pairs(pair)[0]): free() for pair in pairs_given}
        rates: list[Tree] = []
        pairs = {word: move_pairs(word, rungs) for word in ("up", "down")}
        for word, prior in (("up", up), ("down", down)):
            if prior is None:
                continue
            trees = intensities(prior, len(rungs) - 1, f"ladder {name!r}, {word}")
            if each_its_own(prior):
                rates += [{"moves": [list(pair)], **tree} for pair, tree in zip(pairs[word], trees, strict=True)]
            else:
                rates += [{"moves": word, **trees[0]}]
        for pair, prior in (moves or {}).items():
            trees = intensities(prior, 1, f"ladder {name!r}, moves[{pair}]")
            rates += [{"moves": spelled_pairs(pair), **tree} for tree in trees]
        entry: Tree = {"name": name, "rungs": rungs, "rate": rates, **ground(**about)}
        entry |= self._start(name, rungs, start, start_given, worth, first)
        if stages is not None:
            entry["stages"] = plain(stages, f"ladder {name!r}: stages")
        if first_stage is not None:
            entry["first_stage"] = text(first_stage, f"ladder {name!r}: first_stage", "'first' or 'uniform'")
        if not ordered:
            entry["ordered"] = False
        return self._enter("ladder", entry, Ladder)

    def status(
        self,
        name: str,
        states: Sequence[str] | None = None,
        *,
        given: Any = None,
        table: TableLike | NodeLaw | None = None,
        worth: float | None = None,
        outcome: NumberLaw | None = None,
        **about: Unpack[Ground],
    ) -> Status:
        """Add a status indicator: it shows a value at a date, by a table over drivers and ladders, or a number.

        Parameters
        ----------
        name, states, table, worth, **about
            As in :meth:`driver`.
        given : handle or list, optional
            Drivers and ladders that it looks at.
        outcome : NumberLaw, optional
            Instead of `states` and `table`, for a number: :func:`escalade.normal`, :func:`escalade.log_normal`,
            :func:`escalade.student`, :func:`escalade.poisson` or :func:`escalade.negative_binomial`.

        Returns
        -------
        Status

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
        >>> price = m.status("price of gold", given=korea, outcome=esc.log_normal(mean=[7.8, 8.0], sd=0.1))
        >>> shots = m.status("shots in a day", given=korea, outcome=esc.poisson(mean=[0.1, 40], zero=0.2))
        >>> china = m.driver("restraint", {"strong": 0.7, "weak": 0.3})
        >>> alarm = m.status("alarm", ["no", "yes"], table=esc.noisy_or({china: 0.3, korea: 0.9}, leak=0.01))
        """
        if outcome is not None or states is None:
            if not isinstance(outcome, NumberLaw):
                expected = "a law such as esc.normal(mean=[100, 54], sd=16), or states= and table="
                raise wrong(f"status {name!r}: outcome", outcome, expected)
            if states is not None or table is not None or worth is not None:
                raise SpecError(f"status {name!r}: an outcome stands instead of states=, table= and worth=")
            entry: Tree = {
                "name": text(name, "the name of a status indicator"),
                "given": names_of(given, f"status {name!r}: given"),
                **ground(**about),
                "outcome": outcome.to_dict(),
            }
            return self._enter("status", entry, Status)
        return self._enter("status", self._tabled(name, states, given, table, worth, about), Status)

    def events(
        self, name: str, *, given: Any = None, rate: IntensityLike | None = None, **about: Unpack[Ground]
    ) -> Events:
        """Add an event indicator: it happens at an intensity that depends on drivers and ladders.

        Parameters
        ----------
        name : str
            Its name.
        given : handle or list, optional
            The drivers and ladders that it looks at.
        rate : intensity
            ``esc.per_month([0.5, 1, 2])``: one for each configuration of `given`, the last fastest, or one for all.
            ``esc.free(esc.per_month(1))``: flat.
        **about
            ``source=``, ``known=``, ``basis=``, ``note=``: where the rates come from.

        Returns
        -------
        Events

        Raises
        ------
        SpecError
            If the rates are not one for each configuration, or are negative.
        """
        text(name, "the name of an event indicator")
        tree = rate.to_dict() if isinstance(rate, Intensity | Free) else {}
        if "rate" not in tree:
            raise wrong(f"events {name!r}: rate", rate, "esc.per_month([...]) or esc.free(esc.per_month(1))")
        entry: Tree = {"name": name, "given": names_of(given, f"events {name!r}: given"), **ground(**about), **tree}
        return self._enter("events", entry, Events)

    def expect(
        self,
        question: Question,
        chance: str | float,
        *,
        spread: float | None = None,
        yardstick: YardstickLike | None = None,
        **about: Unpack[Ground],
    ) -> None:
        """Add a judgement about an answer: it weighs the parameters as a prior on the answer itself.

        The logit of the answer's probability is normal: a word's band is the central half of the belief. What the judge
        knew is what the dossier reported by `known` (by default, all of it). What the answer turns out to be, beside
        what was judged and what all else says of it, is in :meth:`Fit.expectations`.

        Parameters
        ----------
        question : Question
            What was judged, under its name.
        chance : str or float
            A word of the yardstick, or a probability with a `spread`.
        spread : float, optional
            A factor on the odds: within it of the middle about two thirds of the time. Makes a word's belief wider.
        yardstick : str or Yardstick, optional
            What the word is read by, see :func:`escalade.yardstick`. Not given: PHIA's.
        **about
            ``source=``, ``known=`` (the day on which it was judged), ``basis=``, ``note=``.

        Raises
        ------
        SpecError
            If the question names what the model has not, its date is not after `known`, or a number has no spread.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.5, spread=3))
        >>> war = esc.reach(front == "war", by="2025-10-01", name="war within a year")
        >>> m.expect(war, "remote chance", source="the article, paragraph 9")
        >>> fit = m.fit(esc.Dossier(as_of="2024-10-01"))
        >>> fit.ask([war])[0].probability < m.prior().ask([war])[0].probability
        False
        """
        if not isinstance(question, Question):
            raise wrong("expect: the first argument", question, A_QUESTION)
        asked = {key: value for key, value in question.to_dict().items() if key in ("name", "ask", "given")}
        judged = chance if isinstance(chance, str) else number(chance, "expect: the chance", "a word or a probability")
        extra = yardstick_tree(judged, yardstick) | (
            {} if spread is None else {"spread": number(spread, "expect: spread")}
        )
        self._add(self._spec, "expect", [{**asked, "chance": judged, **extra, **ground(**about)}])

    def _start(self, name: str, rungs: list[str], start: Any, given: Any, worth: Any, first: Any) -> Tree:
        """What a ladder's entry says of its first rung."""
        entry: Tree = {}
        if isinstance(start, TablePrior):
            said = start.to_dict()
            start, worth = said["table"], said.get("worth", worth)
            first = "estimated" if said.get("free") and first is None else first
        if worth is not None:
            entry["worth"] = number(worth, f"ladder {name!r}: worth")
        if first is not None:
            entry["first"] = text(first, f"ladder {name!r}: first", "'estimated' or 'equilibrium'")
        names = names_of(given, f"ladder {name!r}: start_given")
        if names:
            entry["start_given"] = names
        if start is not None:
            entry["start"] = plain(start, f"ladder {name!r}: start")
        elif entry:
            if list(entry) == ["start_given"]:
                raise SpecError(
                    f"ladder {name!r}: start_given= says what start= is a table over; expected start= as well"
                )
            entry["start"] = self._even(names, len(rungs))
        else:
            entry["start"] = rungs[0]
        return entry

    def _tabled(self, name: str, states: Any, given: Any, table: Any, worth: float | None, about: Any) -> Tree:
        """The entry of a variable with a table."""
        named = f"{text(name, 'a name')!r}"
        names = names_of(given, f"{named}: given")
        if isinstance(states, Mapping):
            if table is not None or names:
                raise SpecError(
                    f"{name!r}: probabilities beside the states are the whole table; drop given= and table="
                )
            probabilities = [number(p, f"{named}: the probability of {state!r}") for state, p in states.items()]
            states, table = list(states), probabilities
        states = texts(states, f"{named}: states", "a list of text, or a mapping of state to probability")
        if not states:
            raise SpecError(f"{named} has no states; expected at least 2")
        extra: Tree = {} if worth is None else {"worth": number(worth, f"{named}: worth")}
        if isinstance(table, NodeLaw):
            said = table.parents
            if said is not None and names and set(said) != set(names):
                raise SpecError(f"{named}: given= and table= do not name the same parents ({', '.join(said)})")
            names = names or said or []
            law = formula(table, name, states, [self[parent] for parent in names])
            return {"name": name, "states": states, "given": names, **law, **ground(**about), **extra}
        if isinstance(table, TablePrior):
            extra = {**table.to_dict(), **extra}
            table = extra.pop("table")
        elif table is None:
            table, extra = self._even(names, len(states)), {**extra, "free": True}
        rows = in_order(plain(table, f"{named}: the table"), len(names), states, named)
        return {"name": name, "states": states, "given": names, "table": rows, **ground(**about), **extra}

    def _even(self, given: list[str], n_states: int) -> Any:
        """A table that says nothing: where a flat one's search begins."""
        row = [1 / n_states] * n_states
        rows = 1
        for parent in given:
            rows *= len(self[parent].states)
        return [row] * rows if given else row

    def _enter(self, section: str, entry: Tree, kind: type[H]) -> H:
        """Add an entry to a section, and its handle."""
        self._add(self._spec, section, [entry])
        handle = kind(self, entry)
        self._handles[entry["name"]] = handle
        return handle

    def _add(self, owner: Tree, section: str, new: list[Tree]) -> None:
        """Add entries to a list of the tree, or leave all as it was if the kernel refuses them."""
        before = owner.get(section)
        owner[section] = [*(before or ()), *new]
        try:
            self._core = _core.Model(to_json(self._spec))
        except BaseException:
            if before is None:
                del owner[section]
            else:
                owner[section] = before
            raise

    def _check(self, condition: Tree) -> None:
        """Refuse a condition that names what the model does not have."""
        self._core.check_condition(to_json(condition))

    # Looking

    def __getitem__(self, name: str) -> Handle:
        if not isinstance(name, str) or name not in self._handles:
            raise missing("the model has no", name, self._handles, "it has")
        return self._handles[name]

    def __contains__(self, name: object) -> bool:
        return name in self._handles

    def _of(self, kind: type[H]) -> Mapping[str, H]:
        return MappingProxyType({name: h for name, h in self._handles.items() if isinstance(h, kind)})

    @property
    def name(self) -> str:
        """Its title."""
        return str(self._spec.get("name", ""))

    @property
    def origin(self) -> str:
        """Where time begins; empty for a model without a calendar."""
        return str(self._spec.get("origin", ""))

    @property
    def drivers(self) -> BayesNet:
        """The drivers by name: a Bayesian network, its tables at the modes of their priors."""
        from .bayesnet import BayesNet

        if self._network is None or self._network[0] is not self._core:
            tables = self._core.driver_tables()
            self._network = (self._core, BayesNet._of_drivers(self.name, self._of(Driver), tables))
        return self._network[1]

    @property
    def ladders(self) -> Mapping[str, Ladder]:
        """The ladders by name."""
        return self._of(Ladder)

    @property
    def indicators(self) -> Mapping[str, Handle]:
        """The status and event indicators by name."""
        return MappingProxyType({name: h for name, h in self._handles.items() if isinstance(h, Status | Events)})

    # Files

    def to_dict(self) -> Tree:
        """The model as a plain tree (docs/format.md)."""
        return deepcopy(self._spec)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Model:
        """The model of a plain tree (docs/format.md).

        Parameters
        ----------
        tree : mapping
            As in docs/format.md; dates may be text or dates.

        Returns
        -------
        Model

        Raises
        ------
        SpecError
            With the entry and field where it is malformed.
        """
        if not isinstance(tree, Mapping):
            raise wrong("the tree of a model", tree, "a mapping with name, origin, driver, ladder, status and events")
        model = cls.__new__(cls)
        model._load(plain(tree, "the model"))
        return model

    def to_toml(self) -> str:
        """The model as the text of a TOML file."""
        return _core.model_to_toml(to_json(self._spec))

    @classmethod
    def from_toml(cls, text: str, file: str | None = None) -> Model:
        """The model of a TOML file's text; `file` is its name in messages.

        Parameters
        ----------
        text : str
        file : str, optional

        Returns
        -------
        Model

        Raises
        ------
        SpecError
            With the line where it is malformed.
        """
        return cls.from_dict(json.loads(_core.model_from_toml(text, file)))

    def __eq__(self, other: object) -> bool:
        """Whether both say the same: the trees are compared in one form, so that a file and builders agree."""
        return self._core.spec() == other._core.spec() if isinstance(other, Model) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def write(self, path: str | PathLike[str]) -> None:
        """Write the model to a TOML file.

        Parameters
        ----------
        path : str or path
        """
        Path(path).write_text(self.to_toml(), encoding="utf-8")

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Model:
        """Read a model from a TOML file.

        Parameters
        ----------
        path : str or path
            A UTF-8 file.

        Returns
        -------
        Model

        Raises
        ------
        SpecError
            With the file and the line, where it is malformed or not UTF-8.
        OSError
            Python's own, such as FileNotFoundError, where it cannot be opened.
        """
        return cls.from_toml(file_text(path), str(path))

    # Asking

    def parameters(self) -> Parameters:
        """Every number of the model, with its prior and where it comes from.

        Returns
        -------
        Parameters
            Intensities per month.
        """
        from .provenance import Parameters

        return Parameters.of(json.loads(self._core.parameters()))

    def size(self, dossier: Dossier | None = None, questions: AsQuestions | None = None) -> Size:
        """What an exact answer costs, by components: what hangs together, why, and its price.

        Parameters
        ----------
        dossier : Dossier, optional
            Developments open windows and decide which ladders are needed.
        questions : Question, Questions or list, optional
            Likewise. With neither questions nor developments, as if each ladder were asked for a year ahead.

        Returns
        -------
        Size
            ``size.largest``, ``to_frame()``.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
        >>> len(m.size())  # the sweep over the developments, and what the question carries on
        2
        """
        from .results import Size

        checked = None if dossier is None else a_dossier(dossier, "size")._checked(self._core)
        if questions is None and not dossier:
            questions = self._each_asked(self.origin if dossier is None else dossier.as_of)
        asked = None if questions is None else to_json(Questions(questions).to_dict())
        return Size.of(json.loads(self._core.size(checked, asked)))

    def _each_asked(self, now: str) -> Questions:
        """Each ladder asked for a year from now: what a model costs before anything is known of it."""
        date = day_of(now) + np.timedelta64(365, "D")
        return Questions(at(ladder == ladder.rungs[0], on=str(date)[:10]) for ladder in self.ladders.values())

    @overload
    def fit(self, dossier: Dossier, *, draws: int = 200, seed: int = 0, progress: Progress = True) -> Fit: ...
    @overload
    def fit(
        self, dossier: Panel, *, starts: int | None = None, seed: int = 0, progress: Progress = True
    ) -> PanelFit: ...
    def fit(
        self,
        dossier: Dossier | Panel,
        *,
        draws: int = 200,
        starts: int | None = None,
        seed: int = 0,
        progress: Progress = True,
    ) -> Fit | PanelFit:
        """Learn from the developments, or from a panel: the mode of the posterior, and the spread around it.

        Parameters
        ----------
        dossier : Dossier or Panel
            What is known, as of its date; or a table of many units.
        draws : int
            Draws of the parameters from the Laplace approximation at the mode, for means and intervals.
        starts : int, optional
            Of a panel: from how many places the top is looked for; by default 1, with hidden rungs 3, with drivers of
            units that are not seen 6.
        seed : int
            The same seed gives the same draws.
        progress : bool or callable
            Show how far it is if it takes more than two seconds, or a function of the part done, 0 to 1.

        Returns
        -------
        Fit or PanelFit

        Raises
        ------
        ImpossibleEvidence
            If the developments contradict each other or the model; it names one.
        Unidentified
            If a flat parameter is one that nothing bears on.
        TooLarge
            If the exact answer does not fit the memory.
        NotConverged
            If no mode is found.
        """
        from .fit import Fit
        from .panel import Panel

        if isinstance(dossier, Panel):
            from .panel_fit import PanelFit

            return PanelFit._of(self, dossier, starts, whole(seed, "seed", 0, 2**64 - 1), progress)
        checked = a_dossier(dossier, "fit")._checked(self._core)
        draws, seed = self._draws(draws), whole(seed, "seed", 0, 2**64 - 1)
        with progress_line("fit", progress) as report:
            return Fit(self, self._core.fit(checked, draws=draws, seed=seed, progress=report))

    @overload
    def sample(
        self,
        dossier: Dossier,
        *,
        draws: int = 1000,
        tune: int = 1000,
        chains: int = 4,
        seed: int = 0,
        accept: float = 0.8,
        progress: Progress = True,
    ) -> Posterior: ...
    @overload
    def sample(
        self,
        dossier: Panel,
        *,
        draws: int = 1000,
        tune: int = 1000,
        chains: int = 4,
        seed: int = 0,
        accept: float = 0.8,
        progress: Progress = True,
    ) -> PanelPosterior: ...
    def sample(
        self,
        dossier: Dossier | Panel,
        *,
        draws: int = 1000,
        tune: int = 1000,
        chains: int = 4,
        seed: int = 0,
        accept: float = 0.8,
        progress: Progress = True,
    ) -> Posterior | PanelPosterior:
        """Draw the parameters from their posterior: exact where :meth:`fit` takes a normal around the mode.

        By the No-U-Turn Sampler (Hoffman and Gelman 2014; Betancourt 2016; the crate nuts-rs) on the exact
        log-posterior and its exact gradient. Every number needs a proper prior: under a flat one there need be no
        posterior, though there may be a mode.

        Parameters
        ----------
        dossier : Dossier or Panel
            What is known, as of its date; or a table of many units.
        draws : int
            Draws kept of each chain.
        tune : int
            Draws before them, of which the sampler learns its steps.
        chains : int
            How many, in parallel; they begin apart, at draws of a normal twice as wide as the one around the mode.
        seed : int
            The same seed gives the same draws, on any number of threads.
        accept : float
            Share of steps to be accepted, in (0, 1); nearer 1 where there are divergences.
        progress : bool or callable
            As in :meth:`fit`.

        Returns
        -------
        Posterior or PanelPosterior
            Answers like the fit of either.

        Raises
        ------
        Unidentified
            If a number has a flat prior; it names it.
        ImpossibleEvidence
            If the developments contradict each other or the model; it names one.
        TooLarge
            If the exact answer, or the draws, do not fit the memory.
        EscaladeError
            If a chain finds no place to start.

        Warns
        -----
        UserWarning
            If R-hat exceeds 1.01, effective draws are few, or trajectories diverged.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-01-01")
        >>> tests = m.events("tests", rate=esc.per_month(0.3, spread=2))
        >>> d = esc.Dossier(as_of="2025-01-01")
        >>> _ = d.counted(tests, count=2, over=("2024-01-01", "2024-12-31"))
        >>> m.sample(d).divergences
        0
        """
        from .panel import Panel
        from .posterior import PanelPosterior, Posterior

        settings = {
            "draws": whole(draws, "draws", 4),
            "tune": whole(tune, "tune"),
            "chains": whole(chains, "chains", 1),
            "seed": whole(seed, "seed", 0, 2**64 - 1),
            "accept": share(accept, "accept"),
        }
        if isinstance(dossier, Panel):
            return PanelPosterior._sampled(self, dossier, settings, progress)
        return Posterior._of(self, a_dossier(dossier, "sample")._checked(self._core), settings, progress)

    def _draws(self, draws: object) -> int:
        """So many draws, if the memory allows them."""
        n, limit = whole(draws, "draws"), _core.memory_limit()
        most = int(limit / (64 + 16 * len(self._core.coordinates())))  # θ and its answers, and what a list costs
        if n > most:
            raise SpecError(
                f"draws is {n:,}; expected at most {most:,}, which is what {number_text(limit / 2**30)} GiB hold "
                "(esc.set_memory_limit); 200 to 2,000 are usual"
            )
        return n

    def condition(self, dossier: Dossier) -> Fit:
        """The developments without learning: parameters at the modes of their priors, no draws, no intervals.

        Parameters
        ----------
        dossier : Dossier
            What is known, as of its date.

        Returns
        -------
        Fit
        """
        from .fit import Fit

        return Fit(self, self._core.condition(a_dossier(dossier, "condition")._checked(self._core)))

    def prior(self, as_of: DateLike | None = None, *, draws: int = 200, seed: int = 0) -> Fit:
        """The model before any development, as of a date (by default the origin); answers like a fit.

        Parameters
        ----------
        as_of : date, optional
            By default the model's origin.
        draws, seed : int
            As in :meth:`fit`.

        Returns
        -------
        Fit
        """
        return self.fit(Dossier(as_of=self.origin if as_of is None else as_of), draws=draws, seed=seed, progress=False)

    def plot(self, ladder: Ladder | str | None = None, **options: Any) -> Axes:
        """The model as a picture: see :func:`escalade.plot.network`; of one ladder, :func:`escalade.plot.ladder`.

        Parameters
        ----------
        ladder : Ladder or str, optional
            Its rungs, with the intensities between them; by default what acts on what.
        **options
            ``indicators=``, ``ax=``; of a ladder ``ax=``.

        Returns
        -------
        matplotlib Axes
        """
        from . import plot

        return plot.network(self, **options) if ladder is None else plot.ladder(self, ladder, **options)

    def copy(self) -> Model:
        """A model of its own with the same entries."""
        return Model.from_dict(self._spec)

    def __deepcopy__(self, memo: object) -> Model:
        return self.copy()

    __copy__ = copy

    def __reduce__(self) -> tuple[Any, ...]:
        return Model.from_dict, (self._spec,)

    def __repr__(self) -> str:
        counts = {
            "driver": len(self._of(Driver)),
            "ladder": len(self.ladders),
            "status indicator": len(self._of(Status)),
            "event indicator": len(self._of(Events)),
        }
        words = [f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items() if n]
        since = f" from {self.origin}" if self.origin else ""
        return f"<Model {self.name!r}{since}: {', '.join(words) or 'empty'}>"

    def _repr_html_(self) -> str:
        lines = [f"<li>{h._repr_html_()}</li>" for h in self._handles.values()]
        title = escape(repr(self)[1:-1])
        return f"<b>{title}</b><ul>{''.join(lines)}</ul>"


def a_dossier(given: object, what: str) -> Dossier:
    """The dossier that was given, or a refusal."""
    if not isinstance(given, Dossier):
        raise wrong(f"{what}: the first argument", given, "a dossier, such as esc.Dossier(as_of=date)")
    return given


def in_order(rows: Any, depth: int, states: list[str], what: str) -> Any:
    """The rows of a table with each row that is a mapping of states as a list in their order."""
    if not isinstance(rows, dict):
        return rows
    if depth > 0:
        return {state: in_order(inner, depth - 1, states, what) for state, inner in rows.items()}
    unknown = set(rows) - set(states)
    if unknown:
        raise missing(f"the table of {what} has a column of no state,", min(unknown), states)
    return [number(rows.get(state, 0.0), f"{what}: the probability of {state!r}") for state in states]
