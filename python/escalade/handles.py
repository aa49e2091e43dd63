"""Handles: a model's drivers, ladders and indicators, as things to compare and to add effects to."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Unpack

from ._core import SpecError
from .condition import Condition, condition_tree, describe
from .laws import Near
from .priors import FactorLike, factors
from .values import Ground, Tree, WrongType, ground, listed, missing, number, text, texts, unexpected, wrong

if TYPE_CHECKING:
    from .model import Model

Pair = tuple[str, str]


class Handle:
    """A named part of a model. Compared with one of its states, or a list of them, it gives a condition."""

    kind: Literal["driver", "variable", "ladder", "status", "events"]
    condition_key = "indicator"

    __slots__ = ("_entry", "_model")
    __hash__ = object.__hash__

    def __init__(self, model: Model, entry: Tree) -> None:
        self._model = model
        self._entry = entry

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._entry["name"])

    @property
    def model(self) -> Model:
        """The model it belongs to."""
        return self._model

    @property
    def given(self) -> list[str]:
        """The names of what its table or rates look at."""
        return list(self._entry.get("given", ()))

    @property
    def states(self) -> list[str]:
        """Its states, rungs or values, in order."""
        return list(self._entry["rungs"] if "rungs" in self._entry else self._entry.get("states", ()))

    def to_dict(self) -> Tree:
        """Its entry of the model's tree (docs/format.md)."""
        return dict(self._entry)

    def isin(self, states: Sequence[str]) -> Condition:
        """True in any of these states.

        Parameters
        ----------
        states : list of str
            States, rungs or values of this one.

        Returns
        -------
        Condition

        Raises
        ------
        SpecError
            If it has no such state.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> us = m.driver("us_policy", {"continuity": 0.3, "settlement": 0.6, "disengagement": 0.1})
        >>> us.isin(["settlement", "disengagement"])
        <Condition us_policy = settlement or disengagement>
        """
        named = states if isinstance(states, str) else texts(states, f"{self.name}.isin", "a list of its states")
        return self._condition({"is": named})

    def _condition(self, test: Tree) -> Condition:
        """The condition, checked by the kernel at once."""
        tree = {self.condition_key: self.name, **test}
        self._model._check(tree)
        return Condition(tree, self._model)

    def __eq__(self, state: object) -> Condition:  # type: ignore[override]
        if state is self:
            return True  # type: ignore[return-value]
        return self._condition({"is": self._state(state, "==")})

    def __ne__(self, state: object) -> Condition:  # type: ignore[override]
        if state is self:
            return False  # type: ignore[return-value]
        return ~self._condition({"is": self._state(state, "!=")})

    def _state(self, state: object, sign: str) -> str:
        if not isinstance(state, str):
            raise wrong(f"{self.name} {sign}: the other side", state, f"one of {', '.join(self.states)}")
        return state

    def __and__(self, other: object) -> NoReturn:
        raise self._bare("&")

    def __or__(self, other: object) -> NoReturn:
        raise self._bare("|")

    __rand__, __ror__ = __and__, __or__

    def _bare(self, sign: str) -> WrongType:
        return WrongType(
            f"{self.name} is joined by {sign} before it is compared; put each comparison in parentheses, "
            f"such as (driver == 'state') {sign} (ladder >= 'rung')"
        )

    def __ge__(self, rung: str) -> Condition:
        raise self._unordered(">=", rung)

    def __le__(self, rung: str) -> Condition:
        raise self._unordered("<=", rung)

    def __gt__(self, rung: str) -> Condition:
        raise self._unordered(">", rung)

    def __lt__(self, rung: str) -> Condition:
        raise self._unordered("<", rung)

    def _unordered(self, sign: str, state: object) -> WrongType:
        return WrongType(f"{self.name} {sign} {state!r}: a {self.kind} has no order; expected == or isin([...])")

    def __repr__(self) -> str:
        inside = ", ".join(self.states)
        return f"<{type(self).__name__} {self.name}: {inside}>" if inside else f"<{type(self).__name__} {self.name}>"

    def _repr_html_(self) -> str:
        states = " · ".join(escape(state) for state in self.states)
        given = f" given {escape(', '.join(self.given))}" if self.given else ""
        return f"<b>{escape(self.name)}</b> ({self.kind}{given}) {states}"


def added(
    owner: str,
    name: str,
    levels: Sequence[str] | None,
    shared: bool,
    coefficient: float | Near | None,
    about: Tree,
) -> Tree:
    """The entry of a covariate that is added to what its owner shows, or to its table."""
    what = f"{owner}.covariate"
    entry: Tree = {"name": text(name, f"{what}: the name"), **about}
    if levels is not None:
        entry["levels"] = texts(levels, f"{what}: levels")
    if shared:
        entry["shared"] = True
    if isinstance(coefficient, Near):
        entry |= {"coefficient": coefficient.tree["value"], "spread": coefficient.tree["spread"], **coefficient.about}
    elif coefficient is not None:
        entry["coefficient"] = number(coefficient, f"{what}: coefficient", "a number or esc.near(-8, spread=5)")
    return entry


class Driver(Handle):
    """A driver: a variable of the Bayesian network that holds over the window of the forecast.

    Made by :meth:`Model.driver`; ``driver == "state"`` is a condition.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> china = m.driver("restraint", {"strong": 0.7, "weak": 0.3})
    >>> china == "weak"
    <Condition restraint = weak>
    """

    kind = "driver"
    condition_key = "driver"
    __slots__ = ()

    def covariate(
        self,
        name: str,
        levels: Sequence[str] | None = None,
        *,
        shared: bool = False,
        coefficient: float | Near | None = None,
        **about: Unpack[Ground],
    ) -> None:
        """What a panel's units have changes the driver's table, by a multinomial logit (latent class regression).

        Coefficient times the number (or a coefficient for a level) is added to the logarithm of each entry of a row
        over the row's reference: the state called as the one parent's, else the row's likeliest as it was given, the
        first of equals. The table itself is that of units whose covariates are 0, or at the first level.

        A driver holds over a unit's whole history, and so does its table: the covariate's value is taken from the
        unit's first row, and later rows are not looked at, whether it changes or not.

        Parameters
        ----------
        name : str
            Its name, and by default its column in a panel.
        levels : list of text, optional
            Of one that is no number; each is compared with the first.
        shared : bool
            One coefficient for all rows of the table and all entries, not one for each.
        coefficient : float or Near, optional
            A fixed coefficient, or :func:`escalade.near`. Not given: flat.
        **about
            ``source=``, ``known=``, ``basis=``, ``note=``: where the coefficient comes from.

        Raises
        ------
        SpecError
            If it is there already.

        References
        ----------
        Bandeen-Roche, Miglioretti, Zeger and Rathouz, "Latent variable regression for multiple discrete outcomes", JASA
        92, 1997.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model()
        >>> kind = m.driver("kind", {"mover": 0.7, "stayer": 0.3}, free=True)
        >>> kind.covariate("age")
        >>> m.parameters().columns()["name"][-1]
        'kind: stayer: + (age)'
        """
        self._model._add(
            self._entry, "covariate", [added(self.name, name, levels, shared, coefficient, ground(**about))]
        )


class Status(Handle):
    """A status indicator: it has a value at a date. Compare it with a value in what a development saw.

    Made by :meth:`Model.status`.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
    >>> tone = m.status("tone", ["calm", "sharp"], given=korea, table={"rhetoric": [0.9, 0.1], "clash": [0.2, 0.8]})
    >>> tone == "sharp"
    <Condition tone = sharp>
    """

    kind = "status"
    __slots__ = ()

    def _condition(self, test: Tree) -> Condition:
        """Only a development may take it, so the kernel checks it there; a value that is not one is refused here."""
        if "outcome" in self._entry:
            raise SpecError(f"{self.name} shows a number; say what it showed with Dossier.measured")
        values = [test["is"]] if isinstance(test["is"], str) else test["is"]
        for value in values:
            if value not in self.states:
                raise missing(f"{self.name} has no value", value, self.states, "it has")
        return Condition({"indicator": self.name, **test}, self._model)

    def covariate(
        self,
        name: str,
        levels: Sequence[str] | None = None,
        *,
        shared: bool = False,
        coefficient: float | Near | None = None,
        **about: Unpack[Ground],
    ) -> None:
        """What a panel's units have changes what is shown: coefficient times the number, or a coefficient for a level.

        It is added to the mean of a normal or a Student's t, to the mean of a log-normal's logarithm, and to the
        logarithm of a count's mean. Of a table it is added to the logarithm of each entry over the row's reference: the
        state called as the rung that the row is for, else the row's likeliest.

        Parameters
        ----------
        name : str
            Its name, and by default its column in a panel.
        levels : list of text, optional
            Of one that is no number; each is compared with the first.
        shared : bool
            One coefficient for all rungs (and entries), not one for each.
        coefficient : float or Near, optional
            A fixed coefficient, or :func:`escalade.near`. Not given: flat.
        **about
            ``source=``, ``known=``, ``basis=``, ``note=``: where the coefficient comes from.

        Raises
        ------
        SpecError
            If it is there already.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model()
        >>> lungs = m.ladder("lungs", ["well", "ill"], moves=[("well", "ill")])
        >>> fev = m.status("fev", given=lungs, outcome=esc.normal(free=True))
        >>> fev.covariate("acute", shared=True)
        """
        self._model._add(
            self._entry, "covariate", [added(self.name, name, levels, shared, coefficient, ground(**about))]
        )


class Events(Handle):
    """An event indicator: it happens at an intensity. See :meth:`escalade.Dossier.counted`.

    Made by :meth:`Model.events`.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> m.events("missile_tests", rate=esc.per_month(2))
    <Events missile_tests>
    """

    kind = "events"
    __slots__ = ()

    def _condition(self, test: Tree) -> Condition:
        raise WrongType(f"{self.name} happens at an intensity and has no value; use dossier.counted(...)")


class Ladder(Handle):
    """A ladder: a process over rungs in continuous time. ``ladder >= "rung"`` is at that rung or a later one.

    Made by :meth:`Model.ladder`; a continuous-time Markov chain whose intensities depend on the rest of the model.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3))
    >>> korea >= "provocation"
    <Condition peninsula ≥ provocation>
    """

    kind = "ladder"
    condition_key = "ladder"
    __slots__ = ()

    @property
    def rungs(self) -> list[str]:
        """Its rungs, in order."""
        return list(self._entry["rungs"])

    @property
    def ordered(self) -> bool:
        """Whether its rungs climb."""
        return bool(self._entry.get("ordered", True))

    def __ge__(self, rung: str) -> Condition:
        return self._condition({"at_least": self._state(rung, ">=")})

    def __le__(self, rung: str) -> Condition:
        return self._condition({"at_most": self._state(rung, "<=")})

    def __gt__(self, rung: str) -> Condition:
        return ~self._condition({"at_most": self._state(rung, ">")})

    def __lt__(self, rung: str) -> Condition:
        return ~self._condition({"at_least": self._state(rung, "<")})

    def moves(self) -> list[Pair]:
        """The moves that its rates allow, as (from, to)."""
        pairs = [pair for rate in self._entry.get("rate", ()) for pair in move_pairs(rate["moves"], self.rungs)]
        return sorted(set(pairs), key=lambda pair: [self.rungs.index(rung) for rung in pair])

    def effect(
        self,
        when: Condition,
        *,
        up: FactorLike | Sequence[FactorLike] | None = None,
        down: FactorLike | Sequence[FactorLike] | None = None,
        all: FactorLike | Sequence[FactorLike] | None = None,
        moves: Mapping[Pair, FactorLike] | None = None,
        **about: Unpack[Ground],
    ) -> None:
        """While a condition holds, moves of this ladder happen so many times as often.

        Parameters
        ----------
        when : Condition
            Of drivers, of other ladders or this one, of the calendar.
        up, down, all : float, Factor or list, optional
            The factor on every move to a later rung, to an earlier one, on every move. A number is fixed (0: the moves
            cannot happen meanwhile); one factor is one parameter, shared; a list gives each move its own, in the order
            of :meth:`moves`.
        moves : mapping of (from, to) to a factor, optional
            Factors on single moves.
        **about
            ``source=``, ``known=``, ``basis=``, ``note=``: where the factors come from, unless they say so themselves.

        Raises
        ------
        SpecError
            If the condition is of another model, a move has no rate, or a factor is negative.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model(origin="2024-10-01")
        >>> china = m.driver("restraint", {"strong": 0.7, "weak": 0.3})
        >>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.per_year(0.3))
        >>> korea.effect(china == "weak", up=esc.factor(2, spread=1.5), note="a tempering hand is gone")
        """
        tree = condition_tree(when, f"{self.name}.effect: the first argument")
        unexpected(
            about, Ground.__annotations__, "an effect takes up, down, all, moves and", ("up", "down", "all", "moves")
        )
        if when._model is not None and when._model is not self._model:
            raise SpecError(
                f"{self.name}.effect({when.describe()}): the condition is of another model, {when._model!r}; "
                "expected one of this model's own drivers and ladders"
            )
        if moves is not None and not isinstance(moves, Mapping):
            raise wrong(f"{self.name}.effect: moves", moves, "a mapping of (from, to) to a factor")
        entries: list[Tree] = []
        own = self.moves()
        order = {rung: i for i, rung in enumerate(self.rungs)}
        for word, prior in (("up", up), ("down", down), ("all", all)):
            if prior is None:
                continue
            sign = {"up": 1, "down": -1, "all": 0}[word]
            pairs = [list(p) for p in own if sign == 0 or sign * (order[p[1]] - order[p[0]]) > 0]
            trees = factors(prior, len(pairs), f"{self.name}.effect, {word}")
            if isinstance(prior, list | tuple):
                entries += [{"moves": [pair], **tree} for pair, tree in zip(pairs, trees, strict=True)]
            else:
                entries += [{"moves": word, **trees[0]}]
        for pair, prior in (moves or {}).items():
            trees = factors(prior, 1, f"{self.name}.effect, moves[{pair}]")
            entries += [{"moves": spelled_pairs(pair), **tree} for tree in trees]
        if not entries:
            raise SpecError(
                f"{self.name}.effect({when.describe()}): say what it multiplies: up=, down=, all= or moves="
            )
        said = ground(**about)
        new = [{"when": tree, **said, **entry} for entry in entries]
        self._model._add(self._entry, "effect", new)

    def covariate(
        self,
        name: str,
        levels: Sequence[str] | None = None,
        *,
        moves: Sequence[Pair] | str = "all",
        when: Condition | None = None,
        shared: bool = False,
        ratio: FactorLike | None = None,
        **about: Unpack[Ground],
    ) -> None:
        """What a panel's units have multiplies intensities: by a ratio to the power of a number, or by one a level.

        Parameters
        ----------
        name : str
            Its name, and by default its column in a panel.
        levels : list of text, optional
            Of one that is no number; each has a ratio against the first.
        moves : list of (from, to), or {"all", "up", "down"}
            Which moves it acts on.
        when : Condition, optional
            It acts only while this holds: a product of the two. Of drivers, dates and other ladders.
        shared : bool
            One ratio for all these moves, not one for each.
        ratio : float or Factor, optional
            A fixed ratio, or its prior. Not given: flat.
        **about
            ``source=``, ``known=``, ``basis=``, ``note=``: where the ratio comes from.

        Raises
        ------
        SpecError
            If a move has no rate, or a ratio of this name already.

        Notes
        -----
        Called again with other moves it gives them ratios of their own: so are ratios held equal over some moves.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model()
        >>> illness = m.ladder("illness", ["well", "ill", "dead"], moves=[("well", "ill"), ("ill", "dead")])
        >>> illness.covariate("age", moves=[("ill", "dead")])
        >>> illness.covariate("arm", ["placebo", "treated"], shared=True)
        """
        entry: Tree = {"name": text(name, f"{self.name}.covariate: the name"), **ground(**about)}
        if when is not None:
            entry["when"] = condition_tree(when, f"{self.name}.covariate: when")
        if levels is not None:
            entry["levels"] = texts(levels, f"{self.name}.covariate: levels")
        self._covariate(entry, moves, shared, ratio)

    def pieces(
        self,
        at: Sequence[float],
        *,
        moves: Sequence[Pair] | str = "all",
        shared: bool = False,
        name: str = "time",
        ratio: FactorLike | None = None,
    ) -> None:
        """Intensities that change at given times of a panel's clock, and are constant between.

        Parameters
        ----------
        at : list of float
            The times, ascending; each begins a period that has a ratio against the time before the first.
        moves, shared, ratio
            As in :meth:`covariate`.
        name : str
            What the periods are called.

        Examples
        --------
        >>> import escalade as esc
        >>> m = esc.Model()
        >>> illness = m.ladder("illness", ["well", "ill", "dead"], moves=[("well", "ill"), ("ill", "dead")])
        >>> illness.pieces([5, 10])
        """
        cuts = [number(cut, f"{self.name}.pieces: a time") for cut in listed(at, "pieces: at", "a list of times")]
        self._covariate({"name": text(name, "name"), "cuts": cuts}, moves, shared, ratio)

    def _covariate(self, entry: Tree, moves: Any, shared: bool, ratio: Any) -> None:
        what = f"{self.name}.covariate {entry['name']!r}"
        if isinstance(moves, str):
            entry["moves"] = moves
        else:
            pairs = listed(moves, f"{what}: moves", "a list of (from, to)")
            entry["moves"] = [spelled_pairs(pair)[0] for pair in pairs]
        if shared:
            entry["shared"] = True
        if ratio is not None:
            (tree,) = factors(ratio, 1, what)
            entry.update({key: value for key, value in tree.items() if key != "free"})
        self._model._add(self._entry, "covariate", [entry])

    def _repr_html_(self) -> str:
        lines = [f"<li>{escape(effect_words(effect))}</li>" for effect in self._entry.get("effect", ())]
        return f"{super()._repr_html_()}<ul>{''.join(lines)}</ul>"


def move_pairs(moves: Any, rungs: list[str]) -> list[Pair]:
    """The moves that a rate's entry names: "up" and "down" are the neighbours."""
    if moves == "up":
        return list(itertools.pairwise(rungs))
    if moves == "down":
        return list(zip(rungs[1:], rungs, strict=False))
    return [(a, b) for a, b in moves]


def spelled_pairs(pair: Any) -> list[list[str]]:
    """One move (a, b), or several that share a parameter, as a list of pairs."""
    parts = pair if isinstance(pair, list | tuple) else ()
    several = parts if parts and all(isinstance(part, list | tuple) for part in parts) else [parts]
    if not all(len(part) == 2 and all(isinstance(rung, str) for rung in part) for part in several):
        raise wrong("a key of moves", pair, "a pair (from, to) of rungs")
    return [list(part) for part in several]


def effect_words(effect: Tree) -> str:
    """An effect in words."""
    size = "× free" if effect.get("free") else f"× {effect['factor']:g}"
    spread = f" (within {effect['spread']:g} times)" if "spread" in effect else ""
    moves = effect["moves"]
    which = moves if isinstance(moves, str) else ", ".join(f"{a} → {b}" for a, b in moves)
    return f"{which} {size}{spread} while {describe(effect['when'])}"
