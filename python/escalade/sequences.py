"""Sequences as they come, a list of arrays or a long table, as columns of one array each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._core import SpecError
from .outcomes import Categorical, Gaussian, Outcome, table_of
from .values import SHORT, missing, wrong

A_SEQUENCE = "a list of arrays, one a sequence, or a data frame of pandas, polars or pyarrow"
SMALL = 1 << 16  # counts up to here are told apart by a table, larger ones by sorting
LARGEST = 1e150  # of what is squared
MOST_TIMES = 1e12  # that a sequence can count


@dataclass(frozen=True)
class Read:
    """Sequences read: columns of all rows, one sequence after the other."""

    offsets: NDArray[np.int64]
    columns: list[NDArray[Any]]
    names: list[str]
    ids: list[Any]  #: of each sequence: its place in a list, or its id in a table
    order: NDArray[np.int64] | None  #: of a table: the row that each row was
    times: list[Any] | None
    id_name: str
    time_name: str

    def place(self, flat: int) -> str:
        """Where a row stands, in words: "sequence 3, row 17"."""
        s = int(np.searchsorted(self.offsets, flat, side="right")) - 1
        row = flat - int(self.offsets[s]) if self.order is None else int(self.order[flat])
        return f"sequence {self.ids[s]!r}, row {row}" + ("" if self.order is None else " of the table")

    def split(self, flat: NDArray[Any]) -> list[NDArray[Any]]:
        """One array a sequence."""
        return np.split(flat, self.offsets[1:-1]) if len(self.offsets) > 1 else []


def read(
    data: Any, columns: list[str] | None, id_name: str | None, time_name: str | None, but: str | None = None
) -> Read:
    """Read a list of arrays, one array, or a table, of which `columns` are meant, by default all `but` one."""
    if isinstance(data, np.ndarray):
        return from_list([data], columns) if data.ndim in (1, 2) and data.dtype != object else from_list(data, columns)
    if isinstance(data, list | tuple):
        return from_list(data, columns)
    if isinstance(data, str | bytes | Mapping | set):
        raise wrong("the data", data, A_SEQUENCE)
    import narwhals as nw

    try:
        table: Any = nw.from_native(data, eager_only=True)
    except TypeError:
        if isinstance(data, Iterable):
            return from_list(list(data), columns)
        raise wrong("the data", data, A_SEQUENCE) from None
    return from_table(table, columns, id_name, time_name, but)


def from_list(data: Any, columns: list[str] | None) -> Read:
    """One array, or list, a sequence; rows of several columns are its second axis."""
    if len(data) and all(type(part) is np.ndarray and part.ndim == 1 and part.dtype.kind in "biuf" for part in data):
        return stacked_list(np.concatenate(data)[:, None], list(map(len, data)), columns)
    parts = []
    width = None
    if len(data) and all(is_cell(x) for x in data):
        data = [data]
    for s, given in enumerate(data):
        part = array_of(given, s)
        if part.ndim > 2:
            raise SpecError(f"sequence {s} has shape {part.shape}; expected (n_rows,) or (n_rows, n_columns)")
        if part.size == 0:
            part = part if part.ndim == 2 and part.shape[1] else np.empty((0, width or 1))
        own = part.shape[1] if part.ndim == 2 else 1
        if width is not None and own != width and len(part):
            raise SpecError(f"sequence {s} has {own} columns where those before have {width}")
        width = own if len(part) or width is None else width
        parts.append(part)
    width = width or 1
    full = [part for part in parts if len(part)]
    if not full:
        stacked = np.empty((0, width))
    elif full[0].ndim == 1 and all(part.ndim == 1 for part in full):
        stacked = np.concatenate(full)[:, None]
    else:
        stacked = np.concatenate([part.reshape(len(part), -1) for part in full])
    return stacked_list(stacked, [len(part) for part in parts], columns)


def stacked_list(stacked: NDArray[Any], lengths: list[int], columns: list[str] | None) -> Read:
    """The sequences of a list, their rows one after the other."""
    width = stacked.shape[1]
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    names = columns or (["value"] if width == 1 else [f"column {c}" for c in range(width)])
    if len(names) != width:
        raise SpecError(f"the sequences have {width} columns; expected {len(names)}: {', '.join(names)}")
    ids = list(range(len(lengths)))
    return Read(offsets, [stacked[:, c] for c in range(width)], names, ids, None, None, "sequence", "row")


def is_cell(x: Any) -> bool:
    """Whether this is one value rather than a sequence."""
    return x is None or isinstance(x, str | int | float | np.generic)


def array_of(given: Any, s: int) -> NDArray[Any]:
    """A sequence as an array; what is not all numbers as objects."""
    if isinstance(given, np.ndarray):
        return given
    if is_cell(given) or isinstance(given, Mapping | set):
        raise wrong(f"sequence {s}", given, "an array or a list")
    if hasattr(given, "to_numpy"):
        found: NDArray[Any] = given.to_numpy()
        return found
    listed = list(given)
    try:
        array = np.array(listed)
    except ValueError:
        raise SpecError(
            f"sequence {s} has rows of several lengths; expected (n_rows,) or (n_rows, n_columns)"
        ) from None
    return array if array.dtype.kind in "biuf" else np.array(listed, dtype=object)


def from_table(
    table: Any, columns: list[str] | None, id_name: str | None, time_name: str | None, but: str | None = None
) -> Read:
    """A long table: sequences by id, in the order in which these appear, rows by time or as they come."""
    there = list(table.columns)
    for name in [*(columns or []), id_name, time_name, but]:
        if name is not None and name not in there:
            raise missing("the table has no column", name, map(str, there), "it has")
    names = columns or [name for name in there if name not in (id_name, time_name, but)]
    if not names:
        raise SpecError("the table has no column of outcomes")
    n = len(table)
    number: dict[Any, int] = {}
    if id_name is None:
        codes, ids = np.zeros(n, dtype=np.int64), [0] if n else []
    else:
        cells = table[id_name].to_list()
        for row, cell in enumerate(cells):
            if is_missing(cell):
                raise SpecError(f"row {row} of the table: {id_name!r} is missing; expected the sequence that it is of")
        codes = np.fromiter((number.setdefault(cell, len(number)) for cell in cells), dtype=np.int64, count=n)
        ids = list(number)
    times = None
    order = np.argsort(codes, kind="stable")
    if time_name is not None:
        cells = table[time_name].to_list()
        for row, cell in enumerate(cells):
            if is_missing(cell):
                raise SpecError(f"row {row} of the table: {time_name!r} is missing; expected a time")
        ranks = np.unique(table[time_name].to_numpy(), return_inverse=True)[1].reshape(-1)
        order = np.lexsort((ranks, codes))
        twice = np.flatnonzero((np.diff(codes[order]) == 0) & (np.diff(ranks[order]) == 0))
        if twice.size:
            row = int(order[twice[0] + 1])
            who = f" of sequence {cells_of(ids, codes[row])!r}" if id_name is not None else ""
            raise SpecError(f"row {row} of the table: {time_name!r}{who} is {cells[row]} a second time")
        times = [cells[row] for row in order]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(ids)))]).astype(np.int64)
    got = [column_of(table[name])[order] for name in names]
    return Read(offsets, got, list(names), ids, order, times, id_name or "sequence", time_name or "row")


def cells_of(ids: list[Any], code: Any) -> Any:
    """The id of a code."""
    return ids[int(code)]


def is_missing(cell: Any) -> bool:
    """None, NaN, and the like of data frames."""
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell


def column_of(series: Any) -> NDArray[Any]:
    """A column of a table; numbers as such, with NaN where missing, all else as objects."""
    if series.dtype.is_numeric():
        if series.null_count():
            return np.array([np.nan if is_missing(x) else x for x in series.to_list()], dtype=float)
        found: NDArray[Any] = np.asarray(series.to_numpy())
        return found
    out = np.empty(len(series), dtype=object)
    out[:] = series.to_list()
    return out


Column = tuple[NDArray[np.uint32], NDArray[np.float64]] | NDArray[np.float64]


def kernel_column(data: Read, at: Sequence[int], family: Outcome) -> tuple[Column, Outcome, list[NDArray[np.float64]]]:
    """A family's columns as the kernel takes them, the family with its symbols, and the numbers in floats."""
    if isinstance(family, Categorical):
        codes, family = symbol_codes(data, at[0], family)
        return (codes, np.zeros(len(family.symbols or []))), family, []
    floats = [numbers(data, c) for c in at]
    if isinstance(family, Gaussian):
        for c, column in zip(at, floats, strict=True):
            large = np.flatnonzero(np.abs(column) > LARGEST)
            if large.size:
                flat = int(large[0])
                raise SpecError(
                    f"{data.place(flat)}: {named(data, c)}is {column[flat]:g}; expected at most {LARGEST:g}"
                )
        return np.ascontiguousarray(np.column_stack(floats)), family, floats
    return count_codes(data, at[0], floats[0]), family, floats


def named(data: Read, c: int) -> str:
    """How a column is spoken of in an error: not at all where it is the only one of a list."""
    return "" if data.names == ["value"] else f"{data.names[c]} "


def numbers(data: Read, c: int) -> NDArray[np.float64]:
    """A column as floats, NaN where missing; infinite ones and text are refused."""
    column = data.columns[c]
    if column.dtype.kind == "O":
        for flat, cell in enumerate(column):
            if not is_missing(cell) and (isinstance(cell, str | bytes) or not np.isscalar(cell)):
                raise SpecError(f"{data.place(flat)}: {named(data, c)}is {SHORT.repr(cell)}; expected a number")
        column = np.array([np.nan if is_missing(cell) else cell for cell in column], dtype=float)
    if column.dtype.kind not in "biuf":
        raise SpecError(f"{data.place(0)}: {named(data, c)}is {SHORT.repr(column[0])}; expected a number")
    floats = np.ascontiguousarray(column, dtype=float)
    endless = np.flatnonzero(np.isinf(floats))
    if endless.size:
        raise SpecError(
            f"{data.place(int(endless[0]))}: {named(data, c)}is {floats[endless[0]]}; expected a finite number"
        )
    return floats


def count_codes(data: Read, c: int, floats: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
    """Counts by the number of their value, and the values."""
    gone = np.isnan(floats)
    some = bool(gone.any())
    there = np.where(gone, 0.0, floats) if some else floats
    bad = np.flatnonzero((there < 0) | (there != np.floor(there)))
    if bad.size:
        given = floats[bad[0]]
        raise SpecError(f"{data.place(int(bad[0]))}: {named(data, c)}is {given:g}; expected a count, 0 or more")
    if there.size and there.max() < SMALL:
        whole = there.astype(np.int64)
        values = np.flatnonzero(np.bincount(whole[~gone] if some else whole))
        number = np.zeros(SMALL, dtype=np.uint32)
        number[values] = np.arange(len(values), dtype=np.uint32)
        codes = number[whole]
    else:
        values, inverse = np.unique(there[~gone], return_inverse=True)
        codes = np.zeros(len(there), dtype=np.uint32)
        codes[~gone] = inverse.reshape(-1)
    if some:
        codes[gone] = len(values)
    return codes, values.astype(float)


def symbol_codes(data: Read, c: int, family: Categorical) -> tuple[NDArray[np.uint32], Categorical]:
    """Symbols by number; those of the data, sorted, where the family has none yet."""
    column = data.columns[c]
    if column.dtype.kind == "f":  # whole numbers beside missing ones
        there = column[~np.isnan(column)]
        if (there == np.floor(there)).all() and there.size < column.size:
            return dictionary_codes(data, c, [None if x != x else int(x) for x in column.tolist()], family)
        return dictionary_codes(data, c, column.tolist(), family)
    if column.dtype.kind in "iu":
        return whole_codes(data, c, column, family)
    return dictionary_codes(data, c, column.tolist(), family)


def whole_codes(
    data: Read, c: int, column: NDArray[Any], family: Categorical
) -> tuple[NDArray[np.uint32], Categorical]:
    """Whole numbers as symbols, by a table where they are small."""
    symbols = family.symbols
    least, most = (int(column.min()), int(column.max())) if column.size else (0, -1)
    if symbols is None:
        small = least >= 0 and most < SMALL
        found = np.flatnonzero(np.bincount(column)) if small and column.size else np.unique(column)
        family = Categorical(found.tolist(), family.probs, family.prior) if len(found) else empty(data)
        symbols = family.symbols or []
    if list(symbols) == list(range(len(symbols))) and least >= 0 and most < len(symbols):
        return column.astype(np.uint32), family
    if all(isinstance(s, int) for s in symbols) and least >= 0 and most < SMALL:
        number = np.full(SMALL, len(symbols), dtype=np.uint32)
        inside = [(s, i) for i, s in enumerate(symbols) if 0 <= s < SMALL]
        number[[s for s, _ in inside]] = [i for _, i in inside]
        codes = number[column]
        bad = np.flatnonzero(codes == len(symbols))
        if bad.size:
            raise unknown(data, c, int(bad[0]), int(column[bad[0]]), symbols)
        return codes, family
    return dictionary_codes(data, c, column.tolist(), family)


def empty(data: Read) -> Categorical:
    """There is nothing to take symbols from."""
    raise SpecError("the sequences have no row to take symbols from; give Categorical(symbols=...)")


def dictionary_codes(
    data: Read, c: int, cells: list[Any], family: Categorical
) -> tuple[NDArray[np.uint32], Categorical]:
    """Any symbols, one by one."""
    gone = [is_missing(cell) for cell in cells]
    if family.symbols is None:
        there = {cell for cell, lost in zip(cells, gone, strict=True) if not lost}
        try:
            found = sorted(there)
        except TypeError:
            found = sorted(there, key=lambda s: (type(s).__name__, str(s)))
        family = Categorical(found, family.probs, family.prior) if found else empty(data)
    symbols = family.symbols or []
    number = {symbol: i for i, symbol in enumerate(symbols)}
    codes = np.empty(len(cells), dtype=np.uint32)
    for flat, (cell, lost) in enumerate(zip(cells, gone, strict=True)):
        code = len(symbols) if lost else number.get(cell, -1)
        if code < 0:
            raise unknown(data, c, flat, cell, symbols)
        codes[flat] = code
    return codes, family


def unknown(data: Read, c: int, flat: int, cell: Any, symbols: Sequence[Any]) -> SpecError:
    """The error for a symbol that is not among those known."""
    shown = ", ".join(map(repr, symbols[:12])) + (f" and {len(symbols) - 12} more" if len(symbols) > 12 else "")
    what = named(data, c)
    return SpecError(f"{data.place(flat)}: {what and f'in {what}'}symbol {cell!r} is not among {shown}")


def weights_of(given: Any, data: Read, table: Any) -> NDArray[np.float64] | None:
    """How many times each sequence counts: a number each, by id, or from a column that holds one for each sequence."""
    if given is None:
        return None
    if isinstance(given, str):
        if data.order is None:
            raise SpecError(f"weights={given!r} names a column; expected a number for each sequence of a list")
        import narwhals as nw

        cells = numbers_of(column_of(nw.from_native(table, eager_only=True)[given])[data.order], given)
        each = cells[data.offsets[:-1]]
        changed = np.flatnonzero(~(cells == np.repeat(each, np.diff(data.offsets))) & ~np.isnan(cells))
        if changed.size:
            flat = int(changed[0])
            first = each[int(np.searchsorted(data.offsets, flat, side="right")) - 1]
            raise SpecError(
                f"{data.place(flat)}: {given!r} is {cells[flat]:g} after {first:g}; expected one a sequence"
            )
    elif isinstance(given, Mapping):
        unknown = [name for name in given if name not in data.ids]
        lacking = [name for name in data.ids if name not in given]
        if unknown or lacking:
            which = f"there is no sequence {unknown[0]!r}" if unknown else f"sequence {lacking[0]!r} has none"
            raise SpecError(f"weights: {which}")
        each = numbers_of(np.array([given[name] for name in data.ids], dtype=object), "weights")
    else:
        listed = given.to_numpy() if hasattr(given, "to_numpy") else given
        each = table_of(listed, "weights", (len(data.ids),))
    bad = np.flatnonzero(~((each >= 0) & (each <= MOST_TIMES)))
    if bad.size:
        s = int(bad[0])
        raise SpecError(
            f"weights: sequence {data.ids[s]!r} has {each[s]:g}; expected a number from 0 to {MOST_TIMES:g}"
        )
    if not (each * np.diff(data.offsets)).any():
        raise SpecError("weights: no sequence with rows has one above 0")
    return np.ascontiguousarray(each, dtype=float)


def numbers_of(cells: NDArray[Any], what: str) -> NDArray[np.float64]:
    """Cells as floats."""
    try:
        return np.array([np.nan if is_missing(cell) else cell for cell in cells], dtype=float)
    except (TypeError, ValueError):
        raise SpecError(f"{what} is {SHORT.repr(cells[0])}; expected numbers") from None


def kernel_sequences(
    data: Read, blocks: Sequence[tuple[Sequence[int], Outcome]], weights: NDArray[np.float64] | None = None
) -> tuple[_core.Sequences, list[Outcome], list[list[NDArray[np.float64]]]]:
    """The kernel's sequences, the families with their symbols, and the numbers of each family's columns."""
    made = [kernel_column(data, at, family) for at, family in blocks]
    sequences = _core.Sequences(data.offsets, [column for column, _, _ in made], weights)
    return sequences, [family for _, family, _ in made], [floats for _, _, floats in made]
