"""Reasons for an answer in plain words: the developments, numbers and drivers that move it most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

import numpy as np

from .values import NINETY, Tree, number_text, probability_text
from .words import logit

N_REASONS = 3
SLIGHT = 0.01  #: what moves an answer by less (log-odds, or probability) is no reason
LONG = 170  # characters of a note

#: What a number is, in a sentence about it.
KIND_WORDS = {"judgement": ", a judgement", "base rate": ", a base rate", "evidence": "", "fixed": ", fixed"}


def plainly(name: str) -> str:
    """A name as a reader sees it.

    >>> plainly("seoul_aid")
    'seoul aid'
    """
    return name.replace("_", " ")


def moves_words(moves: str) -> str:
    """Moves of a ladder as a verb.

    >>> moves_words("up"), moves_words("calm → war"), moves_words("a → b, c → d")
    ('moves up', 'goes from calm to war', 'goes from a to b or from c to d')
    """
    pairs = [pair.split(" → ") for pair in moves.split(", ")]
    if any(len(pair) != 2 for pair in pairs):
        return f"moves {moves}"
    if len(pairs) > 3:
        return f"makes one of {len(pairs)} moves"
    return "goes " + " or ".join(f"from {a} to {b}" for a, b in pairs)


def number_words(name: str, unit: str) -> str:
    """What a number of a model says, in plain words.

    >>> number_words("korea: up", "per month")
    'how often korea moves up'
    >>> number_words("korea: calm → war × (china = weak)", "times")
    'the factor on how often korea goes from calm to war (china = weak)'
    >>> number_words("china | us = gone: weak", "probability")
    'how likely china = weak is (us = gone)'
    >>> number_words("tests | calm", "per month")
    'the rate of tests (calm)'
    >>> number_words("north: front: up", "per month")
    'how often north: front moves up'
    """
    body, _, condition = name.partition(" × ")
    owner, _, rest = body.rpartition(": ") if ": " in body else (body, "", "")
    if unit == "probability":
        subject, _, parents = owner.partition(" | ")
        given = f" ({plainly(parents)})" if parents else ""
        return f"how likely {plainly(subject)} = {rest} is{given}"
    if unit == "times" and rest and condition:
        return f"the factor on how often {plainly(owner)} {moves_words(rest)} {plainly(condition)}"
    if unit.startswith("per ") and rest:
        return f"how often {plainly(owner)} {moves_words(rest)}"
    if unit.startswith("per "):
        subject, _, where = body.partition(" | ")
        return f"the rate of {plainly(subject)}{f' ({where})' if where else ''}"
    return plainly(name)


def amount(value: float, unit: str) -> str:
    """A number with its unit, where it has one.

    >>> amount(0.25, "per month"), amount(2.0, "times"), amount(0.3, "probability")
    ('0.25 per month', '2', '0.3')
    """
    return f"{number_text(value)} {unit}" if unit.startswith("per ") else number_text(value)


def said(development: Mapping[str, Any]) -> str:
    """What a development says and where it stands, to begin a sentence with."""
    text = development["note"] or development["says"]
    where = [development["source"] or "no source"]
    where += [f"paragraph {development['paragraph']}"] * (development["paragraph"] is not None)
    where += [f"grade {development['grade']}"] * (development["grade"] is not None)
    return f"“{shorten(text, LONG, placeholder='…').rstrip('.')}” ({', '.join(where)})"


def of_development(development: Mapping[str, Any], now: float, scale: str) -> str:
    """What one development does to the answer."""
    without, moved = development["without"], development["share"]
    moved = development["left_out"] if moved is None else moved
    before, after = probability_text(without), probability_text(now)
    if before != after:
        return f"{said(development)} {'raises' if now > without else 'lowers'} the answer: {before} without it."
    way = "raises" if moved > 0 else "lowers"
    alike = "; others say much the same" if abs(development["left_out"]) < abs(moved) / 3 else ""
    return f"{said(development)} {way} the answer a little, by {moved:+.2f} in {scale}{alike}."


def of_number(number: Mapping[str, Any]) -> str:
    """How the answer hangs on one number."""
    name, unit = number["plain"], number["unit"]
    taken = "learnt as" if number["kind"] == "evidence" else "taken as"
    of_word = number["kind"] == "word"
    what = f", after the words “{number['words']}”" if of_word else KIND_WORDS[number["kind"]]
    low, high = (amount(number[key], "") for key in ("low", "high"))
    ends = f"{probability_text(number['at_low'])} to {probability_text(number['at_high'])}"
    return (
        f"{name[:1].upper()}{name[1:]} is {taken} {amount(number['value'], unit)}{what}: over what was believed of it, "
        f"{low} to {high}, the answer goes from {ends}."
    )


def of_driver(driver: Mapping[str, Any]) -> str:
    """What knowing a driver would make of the answer."""
    states = sorted(driver["states"], key=lambda state: -state["chance"])
    texts = [(state["state"], probability_text(state["chance"]), probability_text(state["answer"])) for state in states]
    made = "; ".join(f"{state} ({chance}) would make the answer {answer}" for state, chance, answer in texts)
    return f"The state of {plainly(driver['name'])} is not known: {made}."


def reasons(
    developments: Sequence[Tree], numbers: Sequence[Tree], drivers: Sequence[Tree], now: float, scale: str
) -> tuple[str, ...]:
    """The three that move an answer most, at the mode: each kind's pull by one standard deviation, on one scale.

    Of a development it is its Shapley share (without shares: what is lost without it), of a number the way of the
    answer over its believed 90 %, of a driver the answer's deviation over its states. At least one is a development and
    one is not, where such move it by 0.01 or more.
    """

    def place(p: float) -> float:
        return p if scale == "probability" else float(logit(min(max(p, 1e-12), 1 - 1e-12)))

    found: list[tuple[float, bool, str]] = []
    for d in developments:
        pull = d["left_out"] if d["share"] is None else d["share"]
        found.append((abs(pull), True, of_development(d, now, scale)))
    for n in numbers:
        found.append((abs(place(n["at_high"]) - place(n["at_low"])) / (2 * NINETY), False, of_number(n)))
    for driver in drivers:
        places = np.array([place(state["answer"]) for state in driver["states"]])
        weights = np.array([state["chance"] for state in driver["states"]])
        spread = float(np.sqrt(np.average((places - np.average(places, weights=weights)) ** 2, weights=weights)))
        found.append((spread, False, of_driver(driver)))
    found = sorted((row for row in found if row[0] >= SLIGHT), key=lambda row: -row[0])
    kept = found[:N_REASONS]
    for reported in (True, False):
        other = next((row for row in found if row[1] is reported), None)
        if other is not None and other not in kept:
            kept[-1] = other
    return tuple(text for *_, text in kept)
