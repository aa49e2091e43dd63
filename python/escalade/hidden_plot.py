"""Pictures of hidden Markov chains."""

from __future__ import annotations

# The canvas first: it says how to get matplotlib.
from .canvas import canvas, hue, rung_colours, text_on

# isort: split
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from .values import probability_text

if TYPE_CHECKING:
    from .hidden_results import StateProbs


def state_probs(probs: StateProbs, place: int, *, ax: Axes | None = None) -> Axes:
    """The probabilities of states over the rows of a sequence, stacked to one."""
    own = probs[place]
    with canvas(ax, 7.5, 2.4) as ax:
        colours = rung_colours(len(probs.states), ordered=False)
        edges = np.arange(len(own) + 1) - 0.5
        steps = np.vstack([own, own[-1:]]).T if len(own) else np.zeros((len(probs.states), 1))
        ax.stackplot(edges, steps, colors=colours, step="post", labels=[str(s) for s in probs.states], lw=0)
        ax.set_ylim(0, 1)
        ax.set_xlim(edges[0], edges[-1])
        ax.set_xlabel(probs.data.time_name)
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        ax.set_title(f"{probs.data.id_name} {probs.data.ids[place]}")
    return ax


def moves(transitions: Any, states: tuple[Any, ...], *, ax: Axes | None = None) -> Axes:
    """The table of moves, from the rows to the columns."""
    n = len(states)
    with canvas(ax, 1.6 + 0.6 * n, 1.0 + 0.5 * n) as ax:
        blues = LinearSegmentedColormap.from_list("blues", [hue().faint, hue().blue])
        ax.imshow(transitions, cmap=blues, vmin=0, vmax=1, aspect="auto")
        if n <= 12:
            for i in range(n):
                for j in range(n):
                    p = float(transitions[i, j])
                    ax.text(j, i, probability_text(p), ha="center", va="center", color=text_on(blues(p)))
        ax.set_xticks(range(n), [str(s) for s in states])
        ax.set_yticks(range(n), [str(s) for s in states])
        ax.set_xlabel("to")
        ax.set_ylabel("from")
        ax.set_title("Moves")
    return ax
