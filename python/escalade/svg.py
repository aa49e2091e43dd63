"""A figure as inline SVG: named for those who cannot see it, in the page's colours, the same bytes each time."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.text import Text

from .canvas import styled
from .colours import PALETTES

LIGHT = PALETTES["light"]
#: The colours of pictures that follow the page's, in light and dark.
THEMED = {
    LIGHT.ink: "var(--ink)",
    LIGHT.dim: "var(--muted)",
    LIGHT.grey: "var(--muted)",
    LIGHT.pale: "var(--line)",
    LIGHT.faint: "var(--faint)",
    LIGHT.paper: "var(--paper)",
    "#000000": "var(--ink)",
}


def inline(draw: Callable[[], Axes], name: str, title: str, description: str) -> Markup:
    """What `draw` draws, as an svg element whose ids begin with `name`."""
    with (
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "escalade", "savefig.transparent": True}),
        styled(LIGHT),
    ):
        axes: Any = draw()
        figure = axes.figure
        for words in figure.findobj(Text):
            words.set_path_effects([])  # with them, letters would become outlines
        buffer = io.StringIO()
        try:
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
        finally:
            plt.close(figure)
    text = buffer.getvalue()
    box = re.search(r'viewBox="([^"]*)"', text)
    body = text[text.index("<defs") : text.rindex("</svg>")]
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    body = re.sub(r'(?:xlink:)?href="#', f'href="#{name}-', body)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)  # it would hold for the whole page
    body = re.sub(r"font-family: [^;]*; ", "", body)  # the page's own
    body = re.sub(r"(\.\d\d)\d+", r"\1", body)
    for colour, themed in THEMED.items():
        body = body.replace(colour, themed)
    said = escape(title), escape(description)
    width = float(box[1].split()[2]) if box else 600.0
    return Markup(
        f'<svg class="figure" role="img" aria-label="{said[0]}" aria-describedby="{name}-said" '
        f'viewBox="{box[1] if box else ""}" style="max-width:{1.35 * width:.0f}px">'
        f'<title>{said[0]}</title><desc id="{name}-said">{said[1]}</desc>\n{body}</svg>'
    )
