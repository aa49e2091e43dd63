"""Plain values: what users write (dates, arrays, handles) as the text and numbers of the trees in docs/format.md."""

import datetime as dt
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from reprlib import Repr
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

import numpy as np

from ._core import SpecError

if TYPE_CHECKING:
    from os import PathLike

T = TypeVar("T")
NINETY = 1.6448536269514722  # standard deviations to either side that hold nine tenths of a normal law
A_DATE = "a date such as '2024-10-31' or '2024-10-31T06:30', a date, a datetime or a numpy datetime64"
SHORT = Repr()  # what was given, short enough for a message
SHORT.maxstring = SHORT.maxother = 60


class WrongType(SpecError, TypeError):  # noqa: N818
    """Something of the wrong kind was given: text for a number, a word for a condition. Also a :class:`TypeError`.

    An argument that a function lacks or does not know (``esc.Model(orign="2024-10-01")``) is Python's own TypeError.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.factor("two")
    Traceback (most recent call last):
    escalade.WrongType: the factor is 'two'; expected a number
    """

    __module__ = "escalade"


class WrongPlace(SpecError, IndexError):  # noqa: N818
    """There is nothing at that place. Also an :class:`IndexError`.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.Dossier(as_of="2024-11-30")[0]
    Traceback (most recent call last):
    escalade.WrongPlace: the dossier's developments: there is none at place 0; there are none at all
    """

    __module__ = "escalade"


def item(things: Sequence[T], place: int, what: str) -> T:
    """What stands at a place of a list."""
    if not -len(things) <= place < len(things):
        there = f"expected a place from 0 to {len(things) - 1}" if things else "there are none at all"
        raise WrongPlace(f"{what}: there is none at place {place}; {there}")
    return things[place]


def wrong(what: str, given: object, expected: str) -> WrongType:
    """The error that names what was asked for, what was given and what was expected."""
    shown = " ".join(SHORT.repr(given).split())  # a frame is shown over several lines
    return WrongType(f"{what} is {shown}; expected {expected}")


def number(value: Any, what: str, expected: str = "a number") -> float:
    """A number as a float; text, truth values and arrays are none.

    >>> number(np.float32(2), "worth")
    2.0
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise wrong(what, value, expected)
    try:
        return float(value)
    except OverflowError:
        raise SpecError(f"{what} is {SHORT.repr(value)}, too large for a number") from None


def whole(value: Any, what: str, least: int = 0, most: int | None = None) -> int:
    """A whole number within bounds; 10.0 is one, 10.5 is not.

    >>> whole(np.int64(3), "count"), whole(2.0, "count")
    (3, 2)
    """
    bounds = f"a whole number, {least} or more" if most is None else f"a whole number from {least} to {most:,}"
    integral = isinstance(value, int | np.integer) or (
        isinstance(value, float | np.floating) and float(value).is_integer()
    )
    if not integral or isinstance(value, bool | np.bool_):
        raise wrong(what, value, bounds)
    if int(value) < least or (most is not None and int(value) > most):
        raise SpecError(f"{what} is {SHORT.repr(value)}; expected {bounds}")
    return int(value)


def share(value: Any, what: str) -> float:
    """A number strictly between 0 and 1, such as an interval's level."""
    p = number(value, what, "a number between 0 and 1, such as 0.9")
    if not 0 < p < 1:
        raise SpecError(f"{what} is {value}; expected a number between 0 and 1, such as 0.9")
    return p


def text(value: Any, what: str, expected: str = "text") -> str:
    """Text, and nothing else."""
    if not isinstance(value, str):
        raise wrong(what, value, expected)
    return str(value)


def texts(value: Any, what: str, expected: str = "a list of text") -> list[str]:
    """A list of text. A single string is refused, for its letters are not meant; so is a set, for it has no order.

    >>> texts(("calm", "war"), "rungs")
    ['calm', 'war']
    """
    if isinstance(value, str | bytes | set | frozenset) or not isinstance(value, Iterable):
        raise wrong(what, value, expected)
    listed = list(value)
    for i, item in enumerate(listed):
        text(item, f"{what}[{i}]")
    return [str(item) for item in listed]


def listed(value: Any, what: str, expected: str) -> list[Any]:
    """Several things in order."""
    if isinstance(value, str | bytes | set | frozenset | Mapping) or not isinstance(value, Iterable):
        raise wrong(what, value, expected)
    return list(value)


def unexpected(given: Iterable[str], allowed: Iterable[str], what: str, beside: Iterable[str] = ()) -> None:
    """Refuse keywords that nobody knows; `beside` are those that the function itself takes."""
    allowed = list(allowed)
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        hint = near(unknown[0], [*beside, *allowed]) or ";"
        raise WrongType(f"unexpected keyword {unknown[0]!r}{hint} {what} {', '.join(allowed)}")


def near(name: str, known: Iterable[str]) -> str:
    """A hint where a known name is near, and nothing where none is.

    >>> near("hostil", ["hostile", "tests"]), near("zz", ["hostile"])
    ("; did you mean 'hostile'?", '')
    """
    close = get_close_matches(str(name), list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]!r}?" if close else ""


def missing(phrase: str, name: object, known: Iterable[str], there: str = "there are") -> SpecError:
    """The error for a name that is not there, with a near one and those that are.

    >>> print(missing("tone has no value", "shrp", ["mild", "sharp"], "it has"))
    tone has no value 'shrp'; did you mean 'sharp'? it has mild, sharp
    """
    if not isinstance(name, str):
        return wrong("the name", name, "text")
    names = list(known)
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    hint = near(name, names) or ";"
    return SpecError(f"{phrase} {name!r}{hint} {f'{there} {shown}' if names else 'there is none'}")


def in_file(error: SpecError, file: str | None, content: str, marks: str) -> SpecError:
    """An error of a file's content with the file and the last line that holds some marks."""
    lines = [i for i, line in enumerate(content.splitlines(), 1) if marks in line]
    place = ", ".join([*([file] if file else []), *([f"line {lines[-1]}"] if lines else [])])
    return SpecError(f"{place}: {error}" if place else str(error))


def file_text(path: "str | PathLike[str]") -> str:
    """The text of a file. A missing one is Python's OSError; what is not UTF-8 is refused with its line."""
    try:
        data = Path(path).read_bytes()
    except TypeError:
        raise wrong("path", path, "a path") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(
            f"{path}, line {line}: the byte 0x{data[error.start]:02x} is not UTF-8; expected a text file in UTF-8"
        ) from None


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


BASES = ("word", "base rate", "judgement")


def ground(**about: Unpack[Ground]) -> Tree:
    """The entries of a tree that say where its number comes from."""
    unexpected(about, Ground.__annotations__, "a number may carry")
    tree: Tree = {key: value for key, value in about.items() if value is not None}
    for key in ("source", "note"):
        if key in tree:
            text(tree[key], key)
    if "known" in tree:
        tree["known"] = date_text(tree["known"], "known")
    if "basis" in tree and tree["basis"] not in BASES:
        raise SpecError(f"basis is {SHORT.repr(tree['basis'])}; expected one of {', '.join(map(repr, BASES))}")
    return tree


def date_text(date: DateLike, what: str = "the date") -> str:
    """A date as ISO text. Dates stay bare; datetimes keep their time, with a time zone they become UTC.

    >>> date_text("2024-10-31"), date_text(dt.date(2024, 10, 31)), date_text(dt.datetime(2024, 10, 31, 6, 30))
    ('2024-10-31', '2024-10-31', '2024-10-31T06:30')
    """
    if isinstance(date, str):
        return date
    if isinstance(date, np.datetime64) and not np.isnat(date):
        if np.datetime_data(date.dtype)[0] == "D":
            return str(date)
        date = date.astype("datetime64[s]").item()
    if isinstance(date, dt.datetime) and date == date:  # pandas' NaT is a datetime that differs from itself
        if date.tzinfo is not None:
            date = date.astimezone(dt.UTC).replace(tzinfo=None)
        date = date.replace(microsecond=0)
        return date.isoformat(timespec="seconds" if date.second else "minutes")
    if isinstance(date, dt.date) and not isinstance(date, dt.datetime):
        return date.isoformat()
    raise wrong(what, date, A_DATE)


def sound_date(date: DateLike, what: str) -> str:
    """A date as ISO text, refused at once where it is not one.

    >>> sound_date("2024-10-31T06:30Z", "since")
    '2024-10-31T06:30Z'
    """
    written = date_text(date, what)
    plain_text = written.strip()
    try:
        if not re.match(r"\d{4}-\d\d-\d\d($|[Tt ])", plain_text):
            raise ValueError
        dt.datetime.fromisoformat(plain_text.upper())
    except ValueError:
        raise SpecError(f"{what} is {SHORT.repr(written)}; expected {A_DATE}") from None
    return written


def span_text(span: Iterable[DateLike], what: str) -> list[str]:
    """The two ends of a span as text."""
    ends = [] if isinstance(span, str | set | Mapping) or not isinstance(span, Iterable) else list(span)
    if len(ends) != 2:
        raise wrong(what, span, "a pair of dates (from, to)")
    return [date_text(end, f"{what}[{i}]") for i, end in enumerate(ends)]


def day_of(text: str) -> np.datetime64:
    """The instant of a date's text; a bare date is its noon."""
    return np.datetime64(text if "T" in text else f"{text}T12:00", "s")


def end_of(text: str) -> np.datetime64:
    """The instant by which a date is over: a bare date's 24:00.

    >>> str(end_of("2024-10-31")), str(end_of("2024-10-31T06:30"))
    ('2024-11-01T00:00:00', '2024-10-31T06:30:00')
    """
    return day_of(text) + np.timedelta64(0 if "T" in text else 12, "h")


def place_of(key: object, names: Sequence[str], kind: str, there: str = "there are") -> int:
    """The place of a name, a handle or a question among `names`, or of a place itself.

    >>> place_of("b", ["a", "b"], "rung"), place_of(-1, ["a", "b"], "rung")
    (1, 1)
    """
    if isinstance(key, int):
        item(names, key, f"the {kind}s")
        return key % len(names)
    name = name_of(key, f"the {kind}'s name")
    if name not in names:
        raise missing(f"there is no {kind}", name, names, there)
    return list(names).index(name)


def name_of(thing: object, what: str = "the name") -> str:
    """The name of a handle, or the name itself."""
    name = getattr(thing, "name", thing)
    if not isinstance(name, str):
        raise wrong(what, thing, "a driver, ladder or indicator of the model, or its name")
    return name


def names_of(things: object, what: str) -> list[str]:
    """The names of one or several handles."""
    if things is None:
        return []
    if isinstance(things, list | tuple):
        return [name_of(thing, f"{what}[{i}]") for i, thing in enumerate(things)]
    return [name_of(things, what)]


def plain(value: Any, what: str = "the value") -> Any:
    """Arrays and numpy numbers as lists and numbers, tuples as lists, mappings as dicts, dates as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{what}[{key!r}]") for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufU":
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item, f"{what}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, dt.date):
        return date_text(value, what)
    if value is None or isinstance(value, str | int | float):
        return value
    advice = "; of a data frame, frame.to_numpy()" if hasattr(value, "to_numpy") else ""
    raise wrong(what, value, f"numbers, text, lists, arrays or mappings{advice}")


def to_json(tree: Any) -> str:
    """The tree as JSON; a number that is not finite, and text that UTF-8 cannot hold, are refused by their place."""
    try:
        written = json.dumps(tree, allow_nan=False)
    except ValueError:
        written = ""
    if not written or re.search(r"\\ud[89a-f]", written):
        for place, problem in unwritable(tree, ""):
            raise SpecError(f"{place}{problem}")
    return written


def unwritable(tree: Any, place: str) -> Iterator[tuple[str, str]]:
    """The places of numbers that are not finite, and of text with half a character."""
    if isinstance(tree, float) and not math.isfinite(tree):
        yield place, f" is {tree}; expected a finite number"
    if isinstance(tree, str) and not tree.isascii():
        try:
            tree.encode("utf-8")
        except UnicodeEncodeError:
            yield place, f" is {tree!a}, half a character; expected text that UTF-8 can hold"
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, item in items:
        name = (item.get("id") or item.get("name")) if isinstance(item, dict) else None
        if name is not None:  # an entry, known by its name: 'a driver' of the list of drivers
            yield from unwritable(item, f"{place.lstrip('.').split('.')[-1]} {name!a}:")
        elif isinstance(item, dict) and isinstance(key, int) and place.endswith((": rate", ": effect")):
            owner, section = place.rsplit(": ", 1)
            yield from unwritable(item, f"{owner}, {section} {key + 1}:")
        elif isinstance(key, int):
            yield from unwritable(item, f"{place}[{key}]")
        else:
            yield from unwritable(item, f"{place} {key}" if place.endswith(":") else f"{place}.{key}".lstrip("."))


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


def signed_text(x: float | None) -> str:
    """A move with its sign for reading, 0 where two digits show nothing.

    >>> signed_text(0.25), signed_text(-0.004), signed_text(float("nan"))
    ('+0.25', '0', '')
    """
    return "" if x is None or np.isnan(x) else f"{x:+.2f}" if abs(x) >= 0.005 else "0"


def probability_text(p: float | None) -> str:
    """A probability for reading: two digits after the point, more where it is rare or nearly sure.

    >>> [probability_text(p) for p in (0.1449, 0.2, 0.0031, 0.9987, 0.0, 1.0, 1 - 1e-15)]
    ['0.14', '0.20', '0.0031', '0.9987', '0', '1', '1']
    """
    if p is None or math.isnan(p):
        return ""
    if p <= 0 or 1 - p < 1e-12:  # what rounding leaves of 0 and 1
        return "0" if p <= 0 else "1"
    rare = min(p, 1 - p)
    if rare >= 0.00995:
        return f"{p:.2f}"
    if p < 0.5:
        return f"{p:.2g}"
    return f"{p:.{min(2 + math.ceil(-math.log10(rare)) - 1, 12)}f}"
