"""The picture of a Bayesian network: boxes with a bar for each state, links from left to right. SVG, nothing needed."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from .layout import layered
from .values import number_text, probability_text

if TYPE_CHECKING:
    from .bayes_results import Posteriors
    from .bayesnet import BayesNet
    from .evidence import EvidenceLike

MOST = 60  # variables; a picture of more tells nothing
STATES = 6  # of a variable that are drawn
HEAD, LINE, PAD, BAR = 20.0, 14.0, 7.0, 44.0  # pixels
LETTER = 5.9  # pixels, of the states
INK, GREY, FAINT, BLUE, AMBER = "#22303c", "#8a96a3", "#f1f3f5", "#0072b2", "#e69f00"
Point = tuple[float, float]


@dataclass
class Box:
    """A variable as drawn, its middle at (x, y)."""

    name: str
    states: list[tuple[str, float | None]]
    known: bool
    x: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        """Pixels."""
        return HEAD + LINE * len(self.states) + PAD

    @property
    def label(self) -> float:
        """Pixels of the longest state."""
        return LETTER * max((len(state) for state, _ in self.states), default=0)

    @property
    def width(self) -> float:
        """Pixels."""
        return max(7.2 * len(self.name) + 16, self.label + BAR + 52)


@dataclass
class Scene:
    """All that is drawn: boxes, and links as the points that their curves pass."""

    boxes: dict[str, Box]
    links: list[list[Point]]
    width: float
    height: float


def scene(net: BayesNet, posteriors: Posteriors) -> Scene:
    """The picture of a network with these probabilities."""
    boxes = {}
    for name in net:
        listed: list[tuple[str, float | None]] = [(short(s, 18), p) for s, p in posteriors[name].items()]
        if len(listed) > STATES:
            listed = [*listed[: STATES - 1], (f"… {len(listed) - STATES + 1} more", None)]
        boxes[name] = Box(short(name.replace("_", " "), 26), listed, isinstance(posteriors.evidence.get(name), str))
    paths = graphviz(net, boxes) if shutil.which("dot") else None
    if paths is None:
        paths = own(net, boxes)
    left = min((b.x - b.width / 2 for b in boxes.values()), default=0.0) - 8
    low = min([*(b.y - b.height / 2 for b in boxes.values()), *(y for path in paths for _, y in path)], default=0.0) - 8
    for box in boxes.values():
        box.x, box.y = box.x - left, box.y - low
    paths = [[(x - left, y - low) for x, y in path] for path in paths]
    width = max((b.x + b.width / 2 for b in boxes.values()), default=0.0) + 8
    high = max([*(b.y + b.height / 2 for b in boxes.values()), *(y for path in paths for _, y in path)], default=0.0)
    return Scene(boxes, paths, width, high + 8)


def short(text: str, most: int) -> str:
    """A text of at most so many letters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def own(net: BayesNet, boxes: dict[str, Box]) -> list[list[Point]]:
    """Our own layout: layers from left to right."""
    layout = layered({name: box.height for name, box in boxes.items()}, net.links, gap=16.0, bend=8.0)
    columns = range(max(layout.x.values(), default=0) + 1)
    wide = [max((boxes[n].width for n, x in layout.x.items() if x == column), default=20.0) for column in columns]
    middle = [sum(wide[:column]) + 52.0 * column + wide[column] / 2 for column in columns]
    for name, box in boxes.items():
        box.x, box.y = middle[layout.x[name]], layout.y[name]
    paths = []
    for parent, child in net.links:
        a, b = boxes[parent], boxes[child]
        between = [(middle[x] + side * wide[x] / 2, y) for x, y in layout.bends[parent, child] for side in (-1, 1)]
        paths.append([(a.x + a.width / 2, a.y), *between, (b.x - b.width / 2, b.y)])
    return paths


def graphviz(net: BayesNet, boxes: dict[str, Box]) -> list[list[Point]] | None:
    """The layout of Graphviz's dot; none where it fails."""
    number = {name: i for i, name in enumerate(boxes)}
    lines = ['digraph { rankdir=LR; ranksep=0.6; nodesep=0.2; node [shape=box, fixedsize=true, label=""];']
    lines += [f"n{number[n]} [width={b.width / 72:.3f}, height={b.height / 72:.3f}];" for n, b in boxes.items()]
    lines += [f"n{number[a]} -> n{number[b]};" for a, b in net.links] + ["}"]
    try:
        done = subprocess.run(
            ["dot", "-Tplain"], input="\n".join(lines), capture_output=True, text=True, timeout=5, check=True
        )
        named = list(boxes.values())
        for line in done.stdout.splitlines():
            what, *rest = line.split()
            if what == "node":
                box = named[int(rest[0][1:])]
                box.x, box.y = 72 * float(rest[1]), -72 * float(rest[2])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    ends = [(boxes[a], boxes[b]) for a, b in net.links]
    return [[(a.x + a.width / 2, a.y), (b.x - b.width / 2, b.y)] for a, b in ends]


def html(net: BayesNet, evidence: EvidenceLike = None) -> str:
    """The network as HTML: its picture, or a summary where it is too large for one."""
    if not len(net):
        return ""
    if len(net) > MOST:
        return summary(net)
    from ._core import EscaladeError

    try:
        return svg(scene(net, net.posteriors(evidence)))
    except EscaladeError as error:
        return f"<p>{escape(str(error))}</p>"


def summary(net: BayesNet) -> str:
    """A large network in numbers."""
    states = [len(handle.states) for handle in net.values()]
    given = [len(handle.given) for handle in net.values()]
    rows = {
        "roots": str(sum(n == 0 for n in given)),
        "parents, at most": str(max(given)),
        "states, at most": str(max(states)),
        "states, in the mean": number_text(sum(states) / len(states), 3),
    }
    cells = "".join(f"<tr><td>{key}</td><td style='text-align:right'>{value}</td></tr>" for key, value in rows.items())
    return f"<table>{cells}</table><p>A picture is drawn of at most {MOST} variables.</p>"


def svg(scene: Scene) -> str:
    """The picture as SVG text."""
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {scene.width:.0f} {scene.height:.0f}" '
        f'style="max-width:{scene.width:.0f}px;width:100%;font-family:sans-serif;background:white">',
        '<defs><marker id="esc-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0L10 5L0 10z" fill="{GREY}"/></marker></defs>',
    ]
    for path in scene.links:
        (x, y), curve = path[0], ""
        for (x0, y0), (x1, y1) in itertools.pairwise(path):
            half = (x1 - x0) / 2
            curve += f"C{x0 + half:.1f} {y0:.1f} {x1 - half:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        out.append(
            f'<path d="M{x:.1f} {y:.1f}{curve}" fill="none" stroke="{GREY}" stroke-width="1.2" '
            'marker-end="url(#esc-tip)"/>'
        )
    for box in scene.boxes.values():
        left, top = box.x - box.width / 2, box.y - box.height / 2
        out.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="7" '
            f'fill="{"#fdf3dd" if box.known else FAINT}" stroke="{AMBER if box.known else INK}"/>'
            f'<text x="{box.x:.1f}" y="{top + 14:.1f}" text-anchor="middle" font-size="12" font-weight="bold" '
            f'fill="{INK}">{escape(box.name)}</text>'
        )
        for i, (state, p) in enumerate(box.states):
            y, bar = top + HEAD + LINE * (i + 0.5), left + box.label + 14
            out.append(
                f'<text x="{left + 8:.1f}" y="{y + 3.5:.1f}" font-size="10.5" fill="{INK}">{escape(state)}</text>'
            )
            if p is not None:
                out.append(
                    f'<rect x="{bar:.1f}" y="{y - 4:.1f}" width="{BAR}" height="8" fill="white"/>'
                    f'<rect x="{bar:.1f}" y="{y - 4:.1f}" width="{BAR * p:.2f}" height="8" '
                    f'fill="{AMBER if box.known else BLUE}"/><text x="{bar + BAR + 4:.1f}" y="{y + 3.5:.1f}" '
                    f'font-size="10" fill="{INK}">{escape(brief(p))}</text>'
                )
    return "".join([*out, "</svg>"])


def brief(p: float) -> str:
    """A probability in little room; what is nearly sure does not read as sure.

    >>> brief(0.1449), brief(1.0), brief(0.999999), brief(1e-9)
    ('0.14', '1', '>0.9999', '<0.0001')
    """
    if 0 < p < 1e-4:
        return "<0.0001"
    return ">0.9999" if 0.9999 < p < 1 - 1e-12 else probability_text(round(p, 4))
