"""The board in a notebook: a widget whose settings and state travel between page and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ._core import EscaladeError
from .board_page import asset

if TYPE_CHECKING:
    from .board import Board


class BoardWidget(anywidget.AnyWidget):  # type: ignore[misc, unused-ignore]
    """The page of a :class:`Board`, alive: each change of its settings is answered by a new state.

    A request carries a serial number and its answer the same one, so that the page sends one at a time and knows which
    is the newest.
    """

    _esm = asset("board.js")
    _css = asset("board.css")
    frame = traitlets.Dict().tag(sync=True)
    settings = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, board: Board) -> None:
        self._board = board
        state = {**board.state(), "serial": 0}
        super().__init__(frame=board.frame, settings={**board.settings, "serial": 0}, state=state)
        self.observe(self._asked, "settings")
        self.on_msg(self._called)

    def show(self) -> None:
        """Show the board as Python set it."""
        self.state = {**self._board.state(), "serial": self.state["serial"] + 1}

    def _asked(self, change: Any) -> None:
        self.state = answered(self._board, dict(change["new"]))

    def _called(self, widget: object, content: object, buffers: object) -> None:
        """The page asks whether anyone is there."""
        self.send({"kind": "here"})


def answered(board: Board, asked: dict[str, Any]) -> dict[str, Any]:
    """The state under the page's settings; where they cannot be, the board stays as it was and the state says why."""
    serial = asked.pop("serial", 0)
    try:
        state = board.state(asked)
    except EscaladeError as error:
        return {"serial": serial, "problem": str(error)}
    board._settings = state["settings"]
    return {**state, "serial": serial}
