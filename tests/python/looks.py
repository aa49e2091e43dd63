"""What a picture must keep to: text inside the page, no text on text, and enough contrast to be read."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from matplotlib.transforms import Bbox

ENOUGH = 4.5  # WCAG 2, level AA
SLACK = 1.0  # pixels
TOUCH = 0.12  # of the smaller text's box: letters have air around them
SHARE = 0.8  # of what lies beneath a text: a thin line may cross it


@dataclass
class Drawn:
    """A text as drawn."""

    text: str
    box: Bbox
    colour: tuple[float, float, float]
    halo: tuple[float, float, float] | None
    turned: bool


def drawn(figure: Any) -> list[Drawn]:
    """The texts that really are drawn (ticks beyond the limits are not), after the layout has settled."""
    found: list[Drawn] = []
    plain = Text.draw

    def draw(self: Text, renderer: Any, *args: Any, **kwargs: Any) -> None:
        if self.get_visible() and self.get_text().strip():
            strokes = [effect._gc.get("foreground") for effect in self.get_path_effects() if hasattr(effect, "_gc")]
            halo = next((to_rgb(stroke) for stroke in strokes if stroke), None)
            turned = self.get_rotation() % 90 != 0
            found.append(Drawn(self.get_text(), text_box(self, renderer), to_rgb(self.get_color()), halo, turned))
        plain(self, renderer, *args, **kwargs)

    figure.canvas.draw()
    with patch.object(Text, "draw", draw):
        figure.canvas.draw()
    return found


def text_box(text: Text, renderer: Any) -> Bbox:
    """The box of a text alone, an annotation's without its arrow."""
    return Text.get_window_extent(text, renderer)


def outside(figure: Any) -> list[str]:
    """Texts that lie partly outside of the page."""
    page = figure.bbox
    return [
        one.text
        for one in drawn(figure)
        if one.box.x0 < page.x0 - SLACK
        or one.box.y0 < page.y0 - SLACK
        or one.box.x1 > page.x1 + SLACK
        or one.box.y1 > page.y1 + SLACK
    ]


def overlapping(figure: Any) -> list[tuple[str, str]]:
    """Pairs of level texts of which one covers more than a little of the other."""
    level = [one for one in drawn(figure) if not one.turned]
    return [(a.text, b.text) for a, b in itertools.combinations(level, 2) if covered(a.box, b.box) > TOUCH]


def covered(a: Bbox, b: Bbox) -> float:
    """The share of the smaller box that lies under the other."""
    width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    if width <= 0 or height <= 0:
        return 0.0
    return float(width * height / min(a.width * a.height, b.width * b.height))


def unreadable(figure: Any) -> list[tuple[str, float]]:
    """Texts whose contrast with what lies beneath is too low, with the contrast of the median pixel."""
    texts = drawn(figure)
    with patch.object(Text, "draw", lambda self, renderer, *args, **kwargs: None):
        figure.canvas.draw()
        page = np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3] / 255
    figure.canvas.draw()
    bad = []
    for one in texts:
        x0, y0 = (max(int(v), 0) for v in (one.box.x0, one.box.y0))
        under = page[y0 : int(np.ceil(one.box.y1)), x0 : int(np.ceil(one.box.x1))].reshape(-1, 3)
        if one.halo is not None:
            under = np.array([one.halo])
        found = contrast(np.array(one.colour), under)
        if len(found) and (found >= ENOUGH - 0.01).mean() < SHARE:
            bad.append((one.text, round(float(np.median(found)), 2)))
    return bad


def contrast(text: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Contrast ratios of a colour with others (WCAG 2)."""
    a, b = luminance(text), luminance(ground)
    return (np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05)


def luminance(colours: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB colours."""
    linear = np.where(colours <= 0.03928, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])
