"""Conditions: where the world is. Effects, developments, questions and scenarios all take one."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from ._core import SpecError
from .values import DateLike, Tree, WrongType, sound_date, wrong

if TYPE_CHECKING:
    from .model import Model


A_CONDITION = "a condition, such as ladder >= 'rung' or driver == 'state'"
IN_PARENTHESES = f"{A_CONDITION}, each comparison in parentheses"


class Condition:
    """A statement about the world that holds or does not at each instant.

    Made by comparing a handle with a state or rung and by :func:`since` and :func:`until`; joined by ``&``, ``|`` and
    ``~``. It has no truth value of its own: Python's ``and``, ``or``, ``not`` and chained comparisons raise.

    Examples
    --------
    >>> import escalade as esc
    >>> (esc.since("2025-01-20") & ~esc.since("2025-06-01")).describe()
    'since 2025-01-20 and not since 2025-06-01'
    """

    __slots__ = ("_model", "_tree")

    def __init__(self, tree: Tree, model: Model | None = None) -> None:
        self._tree = tree
        self._model = model

    def to_dict(self) -> Tree:
        """The condition as a plain tree (docs/format.md)."""
        return dict(self._tree)

    def describe(self) -> str:
        """The condition in words."""
        return describe(self._tree)

    def _repr_html_(self) -> str:
        return f"<b>Condition</b> {escape(self.describe())}"

    def __and__(self, other: Condition) -> Condition:
        return self._join("all", other)

    def __or__(self, other: Condition) -> Condition:
        return self._join("any", other)

    def __rand__(self, other: object) -> Condition:
        raise wrong(f"& ({self.describe()}): the other side", other, IN_PARENTHESES)

    def __ror__(self, other: object) -> Condition:
        raise wrong(f"| ({self.describe()}): the other side", other, IN_PARENTHESES)

    def __invert__(self) -> Condition:
        inner = self._tree.get("not")
        return Condition(inner if inner is not None else {"not": self._tree}, self._model)

    def _join(self, word: str, other: object) -> Condition:
        if not isinstance(other, Condition):
            sign = "&" if word == "all" else "|"
            raise wrong(f"({self.describe()}) {sign}: the other side", other, IN_PARENTHESES)
        if self._model is not None and other._model is not None and self._model is not other._model:
            raise SpecError(
                f"({self.describe()}) and ({other.describe()}) are conditions of two models; expected both of one"
            )
        parts = [part for c in (self, other) for part in c._tree.get(word, [c._tree])]
        return Condition({word: parts}, other._model if self._model is None else self._model)

    def __bool__(self) -> bool:
        raise WrongType(
            f"the condition ({self.describe()}) has no truth value; join conditions with & | ~ and put each comparison "
            "in parentheses (not and, or, not, nor a <= x <= b)"
        )

    def __eq__(self, other: object) -> bool:
        return self._tree == other._tree if isinstance(other, Condition) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.describe())

    def __reduce__(self) -> tuple[Any, ...]:
        return Condition, (self._tree,)

    def __repr__(self) -> str:
        return f"<Condition {self.describe()}>"


def since(date: DateLike) -> Condition:
    """True from 00:00 of a date on.

    Parameters
    ----------
    date : date
        UTC; a date with a time of day is that instant.

    Returns
    -------
    Condition

    Raises
    ------
    SpecError
        If it is not a date.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.since("2025-01-20")
    <Condition since 2025-01-20>
    """
    return Condition({"since": sound_date(date, "since")})


def until(date: DateLike) -> Condition:
    """True until 24:00 of a date.

    Parameters
    ----------
    date : date
        UTC; a date with a time of day is that instant.

    Returns
    -------
    Condition

    Raises
    ------
    SpecError
        If it is not a date.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.since("2024-11-06") & esc.until("2025-01-19")
    <Condition since 2024-11-06 and until 2025-01-19>
    """
    return Condition({"until": sound_date(date, "until")})


def condition_tree(what: object, where: str) -> Tree:
    """The tree of a condition; anything else is refused, `where` saying what it was given for."""
    if not isinstance(what, Condition):
        raise wrong(where, what, A_CONDITION)
    return what.to_dict()


def describe(tree: Tree) -> str:
    """A condition's tree in words."""
    if "not" in tree:
        return opposite(tree["not"]) or f"not {bracket(tree['not'])}"
    for word, joint in (("all", " and "), ("any", " or ")):
        if word in tree:
            return joint.join(bracket(part) for part in tree[word])
    if "since" in tree or "until" in tree:
        return " and ".join(f"{word} {tree[word]}" for word in ("since", "until") if word in tree)
    name = tree.get("driver") or tree.get("ladder") or tree.get("indicator")
    if "at_least" in tree:
        return f"{name} ≥ {tree['at_least']}"
    if "at_most" in tree:
        return f"{name} ≤ {tree['at_most']}"
    states = tree.get("is", "?")
    return f"{name} = {states if isinstance(states, str) else ' or '.join(states)}"


def opposite(tree: Tree) -> str | None:
    """The words of a comparison turned round, where one sign says it."""
    name = tree.get("driver") or tree.get("ladder") or tree.get("indicator")
    for key, sign in (("at_least", "<"), ("at_most", ">"), ("is", "≠")):
        if isinstance(tree.get(key), str):
            return f"{name} {sign} {tree[key]}"
    return None


def bracket(tree: Tree) -> str:
    """The words of a part, in brackets where they join several."""
    return f"({describe(tree)})" if "all" in tree or "any" in tree else describe(tree)


def subjects(tree: Tree) -> Iterator[str]:
    """The drivers, ladders and indicators that a condition speaks of, each once."""
    seen = set()
    for kind, name in walk(tree):
        if (kind, name) not in seen:
            seen.add((kind, name))
            yield name


def walk(tree: Tree) -> Iterator[tuple[str, str]]:
    """Every mention in a condition, as (kind, name)."""
    for kind in ("driver", "ladder", "indicator"):
        if kind in tree:
            yield kind, tree[kind]
    parts = [*tree.get("all", ()), *tree.get("any", ()), *([tree["not"]] if "not" in tree else ())]
    for part in parts:
        yield from walk(part)
