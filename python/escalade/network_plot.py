"""The picture of a model: drivers, ladders with their rungs, what acts on what; of a fit, where they stand now."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path as Curve

from .canvas import canvas, hue, rung_colours
from .condition import walk
from .fit import Fit
from .layout import Layout, Link, layered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .handles import Handle
    from .model import Model

LINE = 0.19  # inches, a rung's line of text
HEAD = 0.26  # inches, a box's name
LETTER = 0.068  # inches
LEGEND_LETTER = 0.056  # inches
HEADLINE_LETTER = 0.085  # inches
SPACE = 0.9  # inches between columns, for the links
BAR, FIGURES = 0.6, 0.46  # inches, of a probability
#: By sense: the attribute of the palette.
COLOURS = {"raises": "red", "lowers": "blue", "both": "grey", "given": "ink", "begins": "amber", "shows": "pale"}
WORDS = {
    "raises": "the higher (or later) state drives it up",
    "lowers": "the higher (or later) state holds it down",
    "both": "some moves more, some less",
    "given": "parent in the Bayesian network",
    "begins": "where it begins depends on it",
    "shows": "is seen by an indicator",
}
NOW, BEFORE = "probability now", "before the developments"
OPPOSITE = {"raises": "lowers", "lowers": "raises", "both": "both"}


@dataclass
class Box:
    """A driver, ladder or indicator as drawn."""

    name: str
    kind: str
    states: list[str]
    ordered: bool = True
    calendar: set[str] = field(default_factory=set)
    now: list[float] | None = None  #: the probability of each state
    before: list[float] | None = None  #: of a driver, before the developments

    @property
    def note(self) -> str:
        """What the calendar does to it."""
        if len(self.calendar) > 1:
            return "changes with the calendar"
        return f"changes {min(self.calendar)}" if self.calendar else ""

    @property
    def height(self) -> float:
        """Inches."""
        return HEAD + LINE * (len(self.states) + bool(self.calendar)) + 0.06

    @property
    def width(self) -> float:
        """Inches."""
        longest = max(len(text) for text in [*self.states, self.note, ""])
        bars = 0.0 if self.now is None else BAR + FIGURES
        return max(1.3 * LETTER * len(self.name) + 0.2, LETTER * longest + 0.42 + bars)


def network(of: Model | Fit, *, indicators: bool = False, ax: Axes | None = None) -> Axes:
    """The model as a picture: drivers, ladders with their rungs, and what acts on what.

    An arrow into a ladder says that the higher rungs (or the later states) of the other drive it up, or hold it down;
    the calendar's effects stand in the box. Of a fit each state has a bar, the probability that the world is there now;
    a driver's tick is what was believed before the developments.

    Parameters
    ----------
    of : Model or Fit
    indicators : bool
        Whether to draw them too.
    ax : Axes, optional
        By default a figure large enough for boxes, title and legend, at most 15 inches wide.

    Returns
    -------
    Axes
    """
    model = of.model if isinstance(of, Fit) else of
    boxes = {name: box_of(handle) for name, handle in {**model.drivers, **model.ladders}.items()}
    if isinstance(of, Fit):
        stand(boxes, of)
    if indicators:
        boxes |= {name: box_of(handle) for name, handle in model.indicators.items()}
    links = {(a, b): sense for (a, b), sense in links_of(model).items() if a in boxes and b in boxes}
    layout = layered({name: box.height for name, box in boxes.items()}, links, gap=0.28, bend=0.12)
    columns = range(max(layout.x.values(), default=0) + 1)
    wide = [max((boxes[n].width for n, x in layout.x.items() if x == column), default=0.3) for column in columns]
    middle = [sum(wide[:column]) + column * SPACE + wide[column] / 2 for column in columns]
    bends = [y for points in layout.bends.values() for _, y in points]
    low = min([*bends, *(layout.y[n] - box.height / 2 for n, box in boxes.items())], default=0.0) - 0.2
    high = max([*bends, *(layout.y[n] + box.height / 2 for n, box in boxes.items())], default=1.0) + 0.2
    total = sum(wide) + SPACE * (len(wide) - 1)
    used = [sense for sense in COLOURS if sense in links.values()]
    told = [
        word
        for word, is_told in ((NOW, isinstance(of, Fit)), (BEFORE, any(b.before for b in boxes.values())))
        if is_told
    ]
    words = [*(WORDS[sense] for sense in used), *told]
    entry = max((0.6 + LEGEND_LETTER * len(word) for word in words), default=0.0)
    headline = f"{model.name}{', as of ' if model.name else 'as of '}{of.as_of}" if isinstance(of, Fit) else model.name
    title = 0.3 + HEADLINE_LETTER * len(headline)
    page = max(total + 0.4, entry + 0.2, min(title, 10.0), 3.0)  # room for the legend and the title of a small model
    scale = min(1.0, 15.0 / page)  # a page's width; the print shrinks with it
    across = max(1, min(len(words), int(page * scale / entry))) if words else 1
    beneath = 0.2 * -(-len(words) // across) + 0.1 if words else 0.0
    with canvas(ax, page * scale, (high - low) * scale + 0.35 + beneath) as ax:
        ax.set_xlim((total - page) / 2, (total + page) / 2)
        ax.set_ylim(low, high)
        ax.set_aspect("equal")
        ax.axis("off")
        for link, points in routes(boxes, links, layout, middle, wide).items():
            draw_link(ax, points, getattr(hue(), COLOURS[links[link]]), scale)
        for name, box in boxes.items():
            draw_box(ax, box, middle[layout.x[name]], layout.y[name], scale)
        handles = [Line2D([], [], color=getattr(hue(), COLOURS[s]), lw=1.6, label=WORDS[s]) for s in used]
        handles += [Line2D([], [], color=hue().blue, lw=5, label=NOW)] if NOW in told else []
        tick: Any = {"ls": "", "marker": "|", "ms": 9, "mew": 1.2, "color": hue().ink}
        handles += [Line2D([], [], label=BEFORE, **tick)] if BEFORE in told else []
        if handles:
            ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=across)
        ax.set_title(headline)
    return ax


def box_of(handle: Handle) -> Box:
    """A handle as drawn."""
    tree = handle.to_dict()
    calendar = {f"{word} {date}" for effect in tree.get("effect", ()) for word, date in periods(effect["when"])}
    return Box(handle.name.replace("_", " "), handle.kind, handle.states, tree.get("ordered", True), calendar)


def stand(boxes: dict[str, Box], fit: Fit) -> None:
    """Where a fit says that the world is now, written into the boxes."""
    for name, law in fit.drivers(progress=False).values.items():
        boxes[name].now, boxes[name].before = law["mean"].tolist(), law["prior"].tolist()
    for name, now in present(fit).items():
        boxes[name].now = now


def present(fit: Fit) -> dict[str, list[float]]:
    """The probability of each rung of each ladder at the end of a fit's date."""
    now = fit.as_of if "T" in fit.as_of else f"{fit.as_of}T23:59"
    return {name: rungs.mean[-1].tolist() for name, rungs in fit.forecast(dates=[now], progress=False).ladders.items()}


def brief(p: float) -> str:
    """A probability in little room; what is nearly 0 or 1 does not read as such.

    >>> brief(0.1449), brief(0.0003), brief(0.9987), brief(1.0)
    ('0.14', '<0.01', '>0.99', '1')
    """
    if p in (0, 1):
        return f"{p:.0f}"
    return "<0.01" if p < 0.005 else ">0.99" if p > 0.995 else f"{p:.2f}"


def periods(tree: Any) -> Iterator[tuple[str, str]]:
    """The calendar's dates in a condition."""
    for word in ("since", "until"):
        if word in tree:
            yield word, tree[word]
    for part in [*tree.get("all", ()), *tree.get("any", ()), *([tree["not"]] if "not" in tree else ())]:
        yield from periods(part)


def links_of(model: Model) -> dict[Link, str]:
    """What acts on what, and in which sense."""
    senses: dict[Link, set[str]] = {}
    for name, ladder in model.ladders.items():
        order = {rung: i for i, rung in enumerate(ladder.rungs)}
        for effect in ladder.to_dict().get("effect", ()):
            sense = sense_of(effect, order if ladder.ordered else {})
            for _, other in walk(effect["when"]):
                if other != name:
                    states = model[other].states
                    ends = [holds(effect["when"], other, state, states) for state in (states[0], states[-1])]
                    turned = ends == [True, False]
                    senses.setdefault((other, name), set()).add(OPPOSITE[sense] if turned else sense)
    links = {link: sense.pop() if len(sense) == 1 else "both" for link, sense in senses.items()}
    for name, ladder in model.ladders.items():
        links = {(parent, name): "begins" for parent in ladder.to_dict().get("start_given", ())} | links
    for name, driver in model.drivers.items():
        links |= {(parent, name): "given" for parent in driver.given}
    for name, indicator in model.indicators.items():
        links |= {(parent, name): "shows" for parent in indicator.given}
    return links


def sense_of(effect: Any, order: dict[str, int]) -> str:
    """Whether an effect raises or lowers its ladder."""
    factor, moves = effect.get("factor", 1.0), effect["moves"]
    if moves == "all" or effect.get("free") or factor == 1:
        climbs = {1} if moves == "all" and not order else set()
    elif isinstance(moves, str):
        climbs = {1 if moves == "up" else -1}
    else:
        climbs = {1 if order.get(b, 1) > order.get(a, 0) else -1 for a, b in moves}
    if len(climbs) != 1:
        return "both"
    return "raises" if climbs.pop() * (factor - 1) > 0 else "lowers"


def holds(tree: Any, name: str, state: str, states: list[str]) -> bool:
    """Whether a condition can hold with one driver or ladder in a state; what it says of others is taken as true."""
    if "not" in tree:
        inner = tree["not"]
        return name not in {mention for _, mention in walk(inner)} or not holds(inner, name, state, states)
    for word, joint in (("all", all), ("any", any)):
        if word in tree:
            parts = [part for part in tree[word] if word == "all" or name in {mention for _, mention in walk(part)}]
            return joint(holds(part, name, state, states) for part in parts)
    if name not in (tree.get("driver"), tree.get("ladder")):
        return True
    at = states.index(state)
    if "at_least" in tree:
        return at >= states.index(tree["at_least"])
    if "at_most" in tree:
        return at <= states.index(tree["at_most"])
    return state in ([tree["is"]] if isinstance(tree["is"], str) else tree["is"])


def routes(
    boxes: dict[str, Box], links: Any, layout: Layout, middle: list[float], wide: list[float]
) -> dict[Link, list[tuple[float, float]]]:
    """The points of each link, from the side of one box to the side of the other; ends on one side are spread out."""
    paths: dict[Link, list[tuple[float, float]]] = {}
    ends: dict[tuple[str, int], list[tuple[float, Link]]] = {}  # by box and side: the heights the links come from
    for a, b in links:
        side = -1 if (a, b) in layout.turned else 1  # a link passes a column level, clear of its boxes
        points = [(middle[x] + end * side * wide[x] / 2, y) for x, y in layout.bends[a, b] for end in (-1, 1)]
        paths[a, b] = points
        after, before = (points[0][1], points[-1][1]) if points else (layout.y[b], layout.y[a])
        ends.setdefault((a, side), []).append((after, (a, b)))
        ends.setdefault((b, -side), []).append((before, (a, b)))
    for (name, side), listed in ends.items():
        box, n = boxes[name], len(listed)
        x = middle[layout.x[name]] + side * box.width / 2
        reach = min(box.height * 0.7, 0.2 * (n - 1))
        for i, (_, link) in enumerate(sorted(listed)):
            y = layout.y[name] + (reach * (i / (n - 1) - 0.5) if n > 1 else 0.0)
            if link[0] == name:
                paths[link].insert(0, (x, y))
            else:
                paths[link].append((x, y))
    return paths


def draw_link(ax: Axes, points: list[tuple[float, float]], colour: str, scale: float) -> None:
    """A smooth arrow through the points: each stretch leaves and arrives level."""
    vertices, codes = [points[0]], [Curve.MOVETO]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        half = (x1 - x0) / 2
        vertices += [(x0 + half, y0), (x1 - half, y1), (x1, y1)]
        codes += [Curve.CURVE4] * 3
    ax.add_patch(
        FancyArrowPatch(
            path=Curve(np.array(vertices), codes),
            arrowstyle="-|>",
            mutation_scale=11 * scale,
            color=colour,
            lw=1.3 * scale,
            alpha=0.8,
            zorder=2,
            shrinkA=0,
            shrinkB=0,
        )
    )


def draw_box(ax: Axes, box: Box, x: float, y: float, scale: float) -> None:
    """A box with its name and its states, the highest rung on top."""
    left, top = x - box.width / 2, y + box.height / 2
    round_corner = "round,pad=0,rounding_size=0.09" if box.kind == "ladder" else "round,pad=0,rounding_size=0.22"
    ax.add_patch(
        FancyBboxPatch(
            (left, y - box.height / 2),
            box.width,
            box.height,
            boxstyle=round_corner,
            fc=hue().paper if box.kind == "ladder" else hue().faint,
            ec=hue().ink if box.kind in ("ladder", "driver") else hue().grey,
            lw=1.1 * scale,
            zorder=3,
        )
    )
    ax.text(x, top - HEAD / 2 - 0.02, box.name, ha="center", va="center", weight="bold", size=8.6 * scale, zorder=5)
    colours = rung_colours(len(box.states), box.ordered) if box.kind == "ladder" else ["none"] * len(box.states)
    order = list(range(len(box.states)))
    for i, k in enumerate(order[::-1] if box.kind == "ladder" and box.ordered else order):
        middle = top - HEAD - LINE * (i + 0.5)
        ax.add_patch(Rectangle((left + 0.1, middle - 0.055), 0.11, 0.11, fc=colours[k], ec="none", zorder=4))
        ax.text(left + 0.27, middle, box.states[k], va="center", size=7.4 * scale, zorder=5)
        if box.now is not None:
            begin = left + box.width - BAR - FIGURES
            ax.add_patch(Rectangle((begin, middle - 0.055), BAR, 0.11, fc=hue().pale, ec="none", zorder=4))
            ax.add_patch(Rectangle((begin, middle - 0.055), BAR * box.now[k], 0.11, fc=hue().blue, ec="none", zorder=5))
            if box.before is not None:
                ax.plot(
                    [begin + BAR * box.before[k]] * 2,
                    [middle - 0.085, middle + 0.085],
                    color=hue().ink,
                    lw=1.2 * scale,
                    zorder=6,
                )
            ax.text(begin + BAR + 0.05, middle, brief(box.now[k]), va="center", size=7 * scale, zorder=5)
    if box.calendar:
        middle = top - HEAD - LINE * (len(box.states) + 0.5)
        ax.text(left + 0.1, middle, box.note, va="center", size=6.6 * scale, style="italic", color=hue().dim, zorder=5)
