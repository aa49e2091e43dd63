"""What labelled results have in common: columns, a data frame, a table in the notebook and in text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .values import number_text, wrong

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FRAMES = ("pandas", "polars", "pyarrow")
TABLE_STYLE = "border-collapse:collapse;font-size:90%"
CELL_STYLE = "text-align:{align};padding:2px 10px;vertical-align:top;border-bottom:1px solid #ddd"


class Table:
    """A labelled result with columns."""

    def columns(self) -> Mapping[str, Sequence[Any]]:
        """The columns by name, all of one length."""
        raise NotImplementedError

    def caption(self) -> str:
        """A line above the table."""
        return ""

    def shown(self) -> Mapping[str, Sequence[Any]]:
        """The columns as a reader sees them; by default those of the frame."""
        return {name: list(column) for name, column in self.columns().items()}

    def to_frame(self, backend: str | None = None) -> Any:
        """The columns as a data frame.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            By default the first of these that is installed.
        """
        import narwhals as nw

        if backend not in (None, *FRAMES):
            raise wrong("backend", backend, f"one of {', '.join(FRAMES)}")
        backend = backend or next((name for name in FRAMES if find_spec(name)), None)
        if backend is None:
            raise ImportError("to_frame() needs one of pandas, polars or pyarrow")
        data = {name: list(column) for name, column in self.columns().items()}
        engine: Any = backend
        return nw.from_dict(data, backend=engine).to_native()

    def html_cell(self, column: str, value: Any) -> str:
        """A cell's HTML."""
        return escape(cell_text(value))

    def _repr_html_(self) -> str:
        columns = self.shown()
        numeric = {name: all(is_number(v) for v in column) for name, column in columns.items()}
        style = {name: CELL_STYLE.format(align="right" if numeric[name] else "left") for name in columns}
        head = "".join(f'<th style="{style[name]}">{escape(name)}</th>' for name in columns)
        rows = "".join(
            "<tr>"
            + "".join(f'<td style="{style[n]}">{self.html_cell(n, v)}</td>' for n, v in zip(columns, row, strict=True))
            + "</tr>"
            for row in zip(*columns.values(), strict=True)
        )
        lines = escape(self.caption()).replace("\n", "<br>")
        title = f"<caption style='text-align:left;padding:4px 10px'>{lines}</caption>"
        return f'<table style="{TABLE_STYLE}">{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'

    def text(self) -> str:
        """The table as plain text."""
        columns = {name: [cell_text(v) for v in column] for name, column in self.shown().items()}
        width = {name: max(map(len, [name, *cells])) for name, cells in columns.items()}
        right = {name for name, column in self.shown().items() if all(is_number(v) for v in column)}
        lines = [self.caption()] if self.caption() else []
        for cells in [list(columns), *zip(*columns.values(), strict=True)]:
            padded = [
                c.rjust(width[n]) if n in right else c.ljust(width[n]) for n, c in zip(columns, cells, strict=True)
            ]
            lines.append("  ".join(padded).rstrip())
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


class Pictured(Table):
    """A table that people would rather look at: its picture is the function of :mod:`escalade.plot` that is named."""

    picture: ClassVar[str]

    def plot(self, **options: Any) -> Axes:
        """The picture of it: see the function of :mod:`escalade.plot` that :attr:`picture` names.

        Parameters
        ----------
        **options
            ``ax=``, ``width=``, and what else that function takes.

        Returns
        -------
        matplotlib Axes
        """
        from . import plot

        drawn: Axes = getattr(plot, self.picture)(self, **options)
        return drawn


def is_number(value: Any) -> bool:
    """Whether a cell holds a number, or nothing."""
    return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))


def cell_text(value: Any) -> str:
    """A cell as text."""
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return number_text(float(value))
    return str(value)


def frozen(array: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A float array that cannot be written to."""
    out = np.array(array, dtype=float)
    out.flags.writeable = False
    return out
