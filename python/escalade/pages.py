"""From results to HTML that needs nothing else: the audit card, the replay and the report. Needs jinja2."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _core
from .values import Tree, number_text, probability_text, signed_text, wrong

if TYPE_CHECKING:
    from os import PathLike

    from jinja2 import Environment
    from markupsafe import Markup

    from .audit import AuditCard
    from .replay import Replay

#: Nothing is fetched, whatever users wrote.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
#: Opens what is folded before it is printed, where the browser's style sheet cannot.
PRINTING = """<script>
addEventListener("beforeprint", () => document.querySelectorAll(".card details").forEach((x) => (x.open = true)));
</script>"""


@cache
def environment() -> Environment:
    """The templates, with all that users wrote escaped."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise ImportError("a page needs jinja2; pip install 'escalade[report]' brings it") from None
    from markupsafe import Markup

    made = Environment(
        loader=PackageLoader("escalade", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "probability": probability_text,
        "number": number_text,
        "signed": signed_text,
        "percent": lambda p: f"{100 * min(max(p, 0.0), 1.0):.2f}%",
        "data": data,
        "moves": moves,
        "rejectmove": lambda developments: [d["id"] for d in developments if not moves(d)],
    }
    style = files("escalade").joinpath("page", "style.css").read_text(encoding="utf-8")
    made.globals |= {
        "style": Markup(style),
        "printing": Markup(PRINTING),
        "policy": POLICY,
        "version": _core.__version__,
    }
    return made


def moves(development: Tree) -> bool:
    """Whether a development moves an answer by what two digits show."""
    return any(abs(development[key] or 0.0) >= 0.005 for key in ("arrival", "left_out", "share"))


def script_json(tree: Any) -> str:
    """A tree as JSON for inside a script element, which no text in it can end.

    >>> script_json({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def data(tree: Any) -> Markup:
    """A tree as JSON in a template."""
    from markupsafe import Markup

    return Markup(script_json(tree))


def rendered(template: str, **context: Any) -> str:
    """A page of a template."""
    return environment().get_template(template).render(**context)


def card_html(card: AuditCard) -> str:
    """An audit card for the notebook."""
    return rendered("inline.html.j2", card=card.to_dict(), id=f"card-{card.hash[:8]}")


def card_page(card: AuditCard) -> str:
    """An audit card as a page of its own."""
    return rendered("card.html.j2", card=card.to_dict())


def replay_html(replay: Replay) -> str:
    """A replay with its slider for the notebook."""
    rows = list(replay.rows())
    id = sha256(json.dumps(rows).encode()).hexdigest()[:8]
    return rendered("inline.html.j2", card=None, replay=replay, rows=rows, id=f"replay-{id}")


def to_file(html: str, path: str | PathLike[str]) -> Path:
    """Write a page; the same on every system."""
    try:
        out = Path(path)
    except TypeError:
        raise wrong("path", path, "a path") from None
    out.write_text(html, encoding="utf-8", newline="\n")
    return out
