"""Plain values: what users write (dates, arrays, handles) as the text and numbers of the trees in docs/format.md."""

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict, Unpack

import numpy as np

from ._core import SpecError

type_error = "a date is a string like '2024-10-31' or '2024-10-31T06:30', a date, a datetime or a numpy datetime64"

#: What may be given where a date is asked for.
DateLike = str | dt.date | np.datetime64
#: A plain tree, as it stands in a file.
Tree = dict[str, Any]


class Ground(TypedDict, total=False):
    """Where a number comes from; may be given with every number."""

    source: str  #: who or what says so
    known: DateLike  #: when that source said it
    basis: str  #: "word", "base rate" or "judgement"
    note: str  #: anything a reader should know


def ground(**about: Unpack[Ground]) -> Tree:
    """The entries of a tree that say where its number comes from."""
    unknown = set(about) - set(Ground.__annotations__)
    if unknown:
        raise TypeError(f"unexpected keyword {min(unknown)!r}; a number may carry source=, known=, basis= and note=")
    tree: Tree = {key: value for key, value in about.items() if value is not None}
    if "known" in tree:
        tree["known"] = date_text(tree["known"])
    return tree


def date_text(date: DateLike) -> str:
    """A date as ISO text. Dates stay bare; datetimes keep their time, with a time zone they become UTC.

    >>> date_text("2024-10-31"), date_text(dt.date(2024, 10, 31)), date_text(dt.datetime(2024, 10, 31, 6, 30))
    ('2024-10-31', '2024-10-31', '2024-10-31T06:30')
    """
    if isinstance(date, str):
        return date
    if isinstance(date, np.datetime64):
        if np.datetime_data(date.dtype)[0] == "D":
            return str(date)
        date = date.astype("datetime64[s]").item()
    if isinstance(date, dt.datetime):
        if date.tzinfo is not None:
            date = date.astimezone(dt.UTC).replace(tzinfo=None)
        date = date.replace(microsecond=0)
        return date.isoformat(timespec="seconds" if date.second else "minutes")
    if isinstance(date, dt.date):
        return date.isoformat()
    raise TypeError(f"{type_error}; not {date!r}")


def span_text(span: Iterable[DateLike], what: str) -> list[str]:
    """The two ends of a span as text."""
    ends = [] if isinstance(span, str) else list(span)
    if len(ends) != 2:
        raise SpecError(f"{what}={span!r}: a span is a pair of dates (from, to)")
    return [date_text(end) for end in ends]


def day_of(text: str) -> np.datetime64:
    """The instant of a date's text; a bare date is its noon."""
    return np.datetime64(text if "T" in text else f"{text}T12:00", "s")


def name_of(thing: object) -> str:
    """The name of a handle, or the name itself."""
    name = getattr(thing, "name", thing)
    if not isinstance(name, str):
        raise TypeError(f"expected a driver, ladder or indicator of the model, or its name; got {thing!r}")
    return name


def names_of(things: object) -> list[str]:
    """The names of one or several handles."""
    if things is None:
        return []
    if isinstance(things, list | tuple):
        return [name_of(thing) for thing in things]
    return [name_of(things)]


def plain(value: Any) -> Any:
    """Arrays and numpy numbers as lists and numbers, tuples as lists, mappings as dicts."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def to_json(tree: Any) -> str:
    """The tree as JSON; a number that is not finite is refused by its place."""
    try:
        return json.dumps(tree, allow_nan=False)
    except ValueError:
        place, number = next(not_finite(tree, ""))
        raise SpecError(f"{place}: {number} is not a finite number") from None


def not_finite(tree: Any, place: str) -> Iterator[tuple[str, float]]:
    """The places of numbers that are not finite."""
    if isinstance(tree, float) and not math.isfinite(tree):
        yield place, tree
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, item in items:
        step = f"[{key}]" if isinstance(key, int) else f".{key}"
        label = f" ({item['name']})" if isinstance(item, dict) and "name" in item else ""
        yield from not_finite(item, (place + step).lstrip(".") + label)


def number_text(value: float | None, digits: int = 2) -> str:
    """A number for reading: two significant digits, no exponent where it can be helped.

    >>> [number_text(x) for x in (0.1449, 0.00312, 2.0, 1234.5, 3e-9)]
    ['0.14', '0.0031', '2', '1,200', '3e-09']
    """
    if value is None or not math.isfinite(value):
        return "" if value is None or math.isnan(value) else str(value)
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{float(f'{value:.{digits}g}'):,.0f}"
    return f"{value:.{digits}g}"


def probability_text(p: float | None) -> str:
    """A probability for reading: two digits after the point, more where it is rare or nearly sure.

    >>> [probability_text(p) for p in (0.1449, 0.2, 0.0031, 0.9987, 0.0, 1.0)]
    ['0.14', '0.20', '0.0031', '0.9987', '0', '1']
    """
    if p is None or math.isnan(p):
        return ""
    if p in (0, 1):
        return f"{p:.0f}"
    rare = min(p, 1 - p)
    if rare <= 0 or rare >= 0.00995:
        return f"{p:.2f}"
    if p < 0.5:
        return f"{p:.2g}"
    return f"{p:.{min(2 + math.ceil(-math.log10(rare)) - 1, 12)}f}"
