"""A progress line for long work, shown only when the work takes more than two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .values import wrong

#: True: show if it takes long. False: never. A function is called with the part done, 0 to 1.
Progress = bool | Callable[[float], None]

PATIENCE = 2.0  # seconds before a line appears: shorter work needs none


@contextmanager
def progress_line(what: str, progress: Progress) -> Iterator[Callable[[float], None] | None]:
    """Give the function to report to, or None where nobody looks; take the line away at the end."""
    if callable(progress):
        yield progress
        return
    if not isinstance(progress, bool):
        raise wrong("progress", progress, "True, False or a function of the part done")
    in_notebook = "ipykernel" in sys.modules
    if not progress or not (in_notebook or sys.stderr.isatty()):
        yield None
        return
    line = NotebookLine(what) if in_notebook else TerminalLine(what)
    try:
        yield line
    finally:
        line.close()


class TerminalLine:
    """One line on the terminal's stderr, written over and wiped at the end."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.began = time.monotonic()
        self.width = 0

    def __call__(self, done: float) -> None:
        """Show the part done, 0 to 1."""
        seconds = time.monotonic() - self.began
        if seconds > PATIENCE:
            text = f"{self.what}: {done:.0%}, {seconds:.0f} s"
            self.width = max(self.width, len(text))
            print(f"\r{text.ljust(self.width)}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Wipe the line."""
        if self.width:
            print(f"\r{' ' * self.width}\r", end="", file=sys.stderr, flush=True)


class NotebookLine(TerminalLine):
    """A bar under the notebook's cell, emptied at the end."""

    handle: Any = None

    def __call__(self, done: float) -> None:
        """Show the part done, 0 to 1."""
        if time.monotonic() - self.began > PATIENCE:
            self.show(f'<progress value="{done:.3f}" style="width:20em"></progress> {self.what}: {done:.0%}')

    def close(self) -> None:
        """Take the bar away."""
        if self.handle is not None:
            self.show("")

    def show(self, html: str) -> None:
        """Put this in the place of what was shown before."""
        from IPython.display import HTML, display

        if self.handle is None:
            self.handle = display(HTML(html), display_id=True)
        else:
            self.handle.update(HTML(html))
