"""Pages in a real browser: the board without Python, the live one on top of a real board, a report."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import escalade as esc
from board_past import Past
from crisis import crisis
from escalade import board_page
from escalade.board_page import asset
from escalade.board_widget import answered
from escalade.values import probability_text

CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("there is no chromium to open the board's page in", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")

EXACT = 1e-12
SHARED = crisis()
FIT = SHARED.model.condition(SHARED.dossier)
EVIL = "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
#: A widget's model whose Python is behind `ask`; `here` is whether a kernel answers.
LIVE = """
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>live</title><style>%(style)s</style></head>
<body><main id="board"></main><script type="module">
%(script)s
const held = JSON.parse(%(held)s);
const listeners = {};
const fire = (event, message) => (listeners[event] ?? []).forEach((listener) => listener(message));
window.requests = [];
const model = {
  get: (name) => held[name],
  set: (name, value) => { held[name] = value; },
  on: (event, listener) => { (listeners[event] ??= []).push(listener); },
  off: () => {},
  send: () => { if (%(here)s) setTimeout(() => fire("msg:custom", { kind: "here" })); },
  async save_changes() {
    const asked = structuredClone(held.settings);
    window.requests.push(asked);
    held.state = JSON.parse(await window.ask(JSON.stringify(asked)));
    fire("change:state");
  },
};
window.late = (state) => { held.state = state; fire("change:state"); };
render({ model, el: document.getElementById("board") });
</script></body></html>
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that may fetch nothing but the file itself, and whose console stays empty."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    told: list[str] = []
    opened.on("console", lambda message: told.append(message.text))
    opened.on("pageerror", lambda error: told.append(str(error)))
    opened.on("request", lambda request: told.append(request.url) if is_fetched(request.url) else None)
    yield opened
    context.close()
    assert told == []


def is_fetched(url: str) -> bool:
    return not url.startswith(("file:", "about:", "data:"))


def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[esc.Board, Path]:
    """A board's file, with explanations and a replay of which all text is evil."""

    def cards(fit: esc.Fit, asked: esc.Questions, answers: esc.Answers, report: Any) -> list[Any]:
        return [card(fit, question) for question in asked]

    def card(fit: esc.Fit, question: esc.Question) -> Any:
        return {
            "question": question.name,
            "reasons": [f"Because {EVIL}."],
            "developments": [{"id": d.id, "says": EVIL, "reported": d.reported, "share": 0.25} for d in fit.dossier],
            "judgements": [{"name": EVIL, "value": 0.0123, "unit": "per month", "kind": "intensity"}],
            "flip": {"what": "tone", "text": "Without the tone it would be 0.5."},
            "author": [{"word": "likely", "probability": 0.6, "source": EVIL, "paragraph": 4}],
            "hash": "0f" * 32,
        }

    monkeypatch.setattr(board_page, "card_trees", cards)
    board = FIT.board(SHARED.questions, progress=False)
    past = Past(["2024-10-31", "2024-11-15"], [q.name for q in SHARED.questions], [[0.125] * 4, [0.25] * 4])
    board.write(tmp_path / "board.html", replay=past, progress=False)
    return board, tmp_path / "board.html"


def live(page: Any, board: esc.Board, here: bool = True) -> list[dict[str, Any]]:
    """Opens the live page on a board; what it asked is listed."""
    asked: list[dict[str, Any]] = []

    def ask(text: str) -> str:
        asked.append(json.loads(text))
        return json.dumps(answered(board, json.loads(text)))

    page.expose_function("ask", ask)
    held = {"frame": board.frame, "settings": {**board.settings, "serial": 0}, "state": {**board.state(), "serial": 0}}
    parts = {
        "style": asset("board.css"),
        "script": asset("board.js"),
        "held": json.dumps(json.dumps(held)).replace("<", "\\u003c"),
        "here": json.dumps(here),
    }
    page.set_content(LIVE % parts)
    page.wait_for_selector(".esc-answers")
    if here:
        page.wait_for_selector(".esc-controls:not([disabled])")
    return asked


def probabilities(page: Any) -> list[float]:
    return [float(p) for p in page.eval_on_selector_all(".esc-p", "nodes => nodes.map((node) => node.dataset.p)")]


def field(page: Any, name: str) -> Any:
    """A field of the form that adds a development."""
    return page.locator(f".esc-field:has(> span:text-is('{name}')) > :is(select, input)")


def summary(page: Any) -> str:
    return str(page.inner_text(".esc-summary"))


def agree(page: Any, words: str, fit: esc.Fit) -> None:
    """What the page shows, once it says that this is changed, is what plain calls say."""
    page.wait_for_function("words => document.querySelector('.esc-summary').textContent === words", arg=words)
    plain = [fit.at_mode(q) for q in SHARED.questions]
    np.testing.assert_allclose(probabilities(page), plain, rtol=0, atol=EXACT)
    rounded = page.eval_on_selector_all(".esc-p", "nodes => nodes.map((node) => node.textContent)")
    for text, p in zip(rounded, plain, strict=True):
        assert float(text.removesuffix(" %")) == pytest.approx(100 * p, abs=0.51 if p > 0.0995 else 0.051)
    laws = fit.drivers(progress=False).values
    shown = page.eval_on_selector_all(".esc-value[data-p]", "nodes => nodes.map((node) => Number(node.dataset.p))")
    np.testing.assert_allclose(shown, np.concatenate([law["mode"] for law in laws.values()]), rtol=0, atol=EXACT)
    end = fit.forecast(dates=["2025-12-31"], progress=False).ladders.values()
    assert page.get_by_label("Rungs on").get_attribute("aria-valuetext") == "31 Dec 2025"
    rungs = page.eval_on_selector_all(".esc-rung-p", "nodes => nodes.map((node) => Number(node.dataset.p))")
    laws_there = np.concatenate([ladder.mode[0][::-1] for ladder in end])  # the highest rung on top
    np.testing.assert_allclose(rungs, laws_there, rtol=0, atol=0.51e-5)


# The file


def test_the_file_changes_by_itself(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, file = written(tmp_path, monkeypatch)
    page.goto(file.as_uri())
    assert page.title() == "Troops abroad as of 2024-11-30"
    before = probabilities(page)
    agree(page, "Nothing changed", FIT)
    note = "a file: one change"
    assert note in page.inner_text(".esc-note").lower()
    page.locator(".esc-developments input[type=checkbox]").first.uncheck()
    (struck,) = page.eval_on_selector_all(".esc-struck label", "nodes => nodes.map((node) => node.title)")
    id = struck.split("\n")[0]
    agree(page, f"without {id}", FIT.without(id))
    page.get_by_role("button", name="Undo").click()
    agree(page, "Nothing changed", FIT)
    assert probabilities(page) == before
    page.get_by_role("radio", name="settlement").check()
    agree(page, "given us_policy = settlement", FIT.given(SHARED.us == "settlement"))
    page.get_by_role("group", name="us policy").get_by_role("radio", name="made so").check()
    agree(page, "do us_policy = settlement", FIT.do(SHARED.us == "settlement"))
    page.get_by_role("radio", name="weak").check()
    assert "needs Python" in page.get_by_role("alert").inner_text()
    page.get_by_role("button", name="As it was").click()
    agree(page, "Nothing changed", FIT)
    assert page.get_by_role("alert").count() == 0
    assert page.get_by_role("button", name="Add", exact=True).is_disabled()


def test_an_answer_opens_its_explanation(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, file = written(tmp_path, monkeypatch)
    page.goto(file.as_uri())
    clash = page.get_by_role("button", name="clash").first
    assert clash.get_attribute("aria-expanded") == "false"
    clash.click()
    assert clash.get_attribute("aria-expanded") == "true"
    told = page.inner_text(f"#{clash.get_attribute('aria-controls')}")
    for part in (
        "peninsula ≥ limited clash",
        "an exchange of fire with deaths",
        f"Because {EVIL}.",
        "Without the tone it would be 0.5.",
        "2024-10-17",
        "+0.25",
        "0.012",
        "“likely”, 60 %",
        "0f0f",
    ):
        assert part in told
    assert page.title() == "Troops abroad as of 2024-11-30"
    clash.click()
    assert not page.is_visible(f"#{clash.get_attribute('aria-controls')}")


def test_the_replay(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, file = written(tmp_path, monkeypatch)
    page.goto(file.as_uri())
    now = probabilities(page)
    slider = page.get_by_label("Answers as of")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert probabilities(page) == [0.25] * 4 and slider.get_attribute("aria-valuetext") == "15 Nov 2024"
    page.keyboard.press("Home")
    assert probabilities(page) == [0.125] * 4
    page.keyboard.press("End")
    assert probabilities(page) == now


# The live page


def test_it_follows_the_hand(page: Any) -> None:
    board = FIT.board(SHARED.questions, progress=False)
    live(page, board)
    agree(page, "Nothing changed", FIT)
    page.get_by_role("radio", name="weak").check()
    weak = FIT.given(SHARED.china == "weak")
    agree(page, "given restraint = weak", weak)
    page.locator("label", has_text="missile_tests counted 1").get_by_role("checkbox").uncheck()
    agree(page, "without tests; given restraint = weak", weak.without("tests"))
    field(page, "what").select_option("peninsula")
    field(page, "how").select_option("is at or above")
    field(page, "value").select_option("provocation")
    field(page, "on").fill("2024-11-25")
    field(page, "grade").select_option("C3")
    page.get_by_role("button", name="Add", exact=True).click()
    entered = esc.Dossier("2024-11-30").saw(SHARED.korea >= "provocation", on="2024-11-25", grade="C3", id="added 1")
    words = f"given also {entered.describe()}"
    agree(page, f"without tests; {words}; given restraint = weak", weak.without("tests").given(entered))
    assert board.settings["added"] == [entered.to_dict()]
    page.get_by_role("button", name="Remove the added development").click()
    agree(page, "without tests; given restraint = weak", weak.without("tests"))
    field(page, "what").select_option("official tone")
    field(page, "value").select_option("sharp")
    field(page, "grade").select_option("certain")
    page.get_by_role("button", name="Add", exact=True).click()
    sharp = esc.Dossier("2024-11-30").saw(SHARED.tone == "sharp", on="2024-11-25", id="added 1")
    words = f"given also {sharp.describe()}"
    agree(page, f"without tests; {words}; given restraint = weak", weak.without("tests").given(sharp))
    page.get_by_role("button", name="As it was").click()
    agree(page, "Nothing changed", FIT)


def test_the_keyboard_suffices(page: Any) -> None:
    live(page, FIT.board(SHARED.questions, progress=False))

    def tab_to(found: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("found => document.activeElement.matches(found)", found):
                outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid"
                return
        raise AssertionError(found)

    tab_to("input[type=radio]")
    page.keyboard.press("ArrowDown")  # from "as it is" to the first state
    agree(page, "given us_policy = continuity", FIT.given(SHARED.us == "continuity"))
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    agree(page, "do us_policy = continuity", FIT.do(SHARED.us == "continuity"))
    tab_to("input[type=checkbox]")
    page.keyboard.press("Space")
    page.wait_for_selector(".esc-struck")
    assert page.evaluate("() => document.activeElement.type") == "checkbox"
    tab_to(".esc-answer")
    page.keyboard.press("Enter")
    assert page.is_visible(".esc-why")


def test_what_cannot_be_is_said_and_taken_back(page: Any) -> None:
    live(page, FIT.board(SHARED.questions, progress=False))
    field(page, "what").select_option("seoul aid")
    field(page, "value").select_option("weapons")
    field(page, "grade").select_option("certain")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_function("() => !document.querySelector('.esc-problem').hidden")
    assert "added 1" in page.get_by_role("alert").inner_text()
    page.get_by_role("button", name="Undo").click()
    agree(page, "Nothing changed", FIT)
    assert not page.is_visible(".esc-problem")


def test_only_the_newest_is_asked_and_late_answers_are_dropped(page: Any) -> None:
    asked = live(page, FIT.board(SHARED.questions, progress=False))
    page.evaluate("""() => {
      for (const state of ["continuity", "settlement", "disengagement", "settlement", "disengagement"])
        document.querySelector(`input[value=${state}]`).click();
    }""")
    agree(page, "given us_policy = disengagement", FIT.given(SHARED.us == "disengagement"))
    assert [one["drivers"]["us_policy"]["state"] for one in asked] == ["continuity", "disengagement"]
    assert [one["serial"] for one in asked] == [1, 2]
    shown = probabilities(page)
    page.evaluate("state => window.late(state)", {**FIT.board(SHARED.questions, progress=False).state(), "serial": 1})
    assert probabilities(page) == shown and summary(page) == "given us_policy = disengagement"


def test_what_python_sets_is_shown(page: Any) -> None:
    board = FIT.board(SHARED.questions, progress=False)
    live(page, board)
    board.settings = {"without": ["tone"], "drivers": {"restraint": {"state": "weak"}}}
    page.evaluate("state => window.late(state)", {**board.state(), "serial": 1})
    agree(page, "without tone; given restraint = weak", FIT.without("tone").given(SHARED.china == "weak"))
    assert page.get_by_role("radio", name="weak").is_checked()


def test_changes_are_read_out(page: Any) -> None:
    live(page, FIT.board(SHARED.questions, progress=False))
    page.get_by_role("radio", name="weak").check()
    page.wait_for_function("() => document.querySelector('[aria-live]').textContent.includes('restraint = weak')")
    assert "Most moved, in points: " in page.inner_text("[aria-live]")


def test_without_a_kernel_the_last_state_stands(page: Any) -> None:
    board = FIT.board(SHARED.questions, progress=False)
    board.settings = {"without": ["tone"]}
    live(page, board, here=False)
    page.wait_for_function("() => document.querySelector('.esc-note').textContent.startsWith('No kernel answers')")
    agree(page, "without tone", FIT.without("tone"))
    for control in page.locator(".esc-controls input, .esc-controls select, .esc-controls button, header button").all():
        assert control.is_disabled()
    page.get_by_role("button", name="arms").click()
    assert "seoul_aid" in page.inner_text(".esc-why:not([hidden])")


# What every reader needs


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colour, below) => {
    canvas.fillStyle = `rgb(${below.join(",")})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const below = (node) => {
    const chain = [];
    for (let at = node; at; at = at.parentElement) chain.unshift(getComputedStyle(at).backgroundColor);
    return chain.reduce((colour, layer) => over(layer, colour), [255, 255, 255]);
  };
  const poor = [];
  for (const node of document.querySelectorAll(".esc-board *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility() || node.matches(":disabled, :disabled *, :has(> :disabled) *")) continue;
    const ground = below(node);
    const [a, b] = [light(over(getComputedStyle(node).color, ground)), light(ground)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${node.className} ${node.textContent} ${(a + 0.05) / (b + 0.05)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    live(page, FIT.board(SHARED.questions, progress=False))
    page.get_by_role("radio", name="weak").check()
    page.locator(".esc-developments input[type=checkbox]").first.uncheck()
    page.locator(".esc-answer").first.click()
    page.wait_for_selector(".esc-struck")
    assert page.get_attribute(".esc-board", "data-theme") == scheme
    dark = page.evaluate("() => getComputedStyle(document.querySelector('.esc-board')).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("() => getComputedStyle(document.querySelector('.esc-dot')).transitionDuration") == "0s"


def test_the_notebooks_theme_comes_first(page: Any) -> None:
    page.emulate_media(color_scheme="light")
    live(page, FIT.board(SHARED.questions, progress=False))
    for set_, expected in (
        ("document.body.dataset.jpThemeLight = 'false'", "dark"),
        ("document.body.dataset.jpThemeLight = 'true'", "light"),
        ("delete document.body.dataset.jpThemeLight; document.body.className = 'vscode-dark'", "dark"),
        ("document.body.className = 'vscode-light'", "light"),
    ):
        page.evaluate(f"() => {{ {set_} }}")
        page.wait_for_selector(f".esc-board[data-theme={expected}]")


@pytest.mark.parametrize("width", [700, 900, 1200])
def test_nothing_runs_over(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    live(page, FIT.board(SHARED.questions, progress=False))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    over = page.evaluate("""() => [...document.querySelectorAll(".esc-board *")].filter((node) => {
      const [own, all] = [node.getBoundingClientRect(), document.querySelector(".esc-board").getBoundingClientRect()];
      return own.width > 1 && (own.right > all.right + 1 || own.left < all.left - 1);
    }).map((node) => node.className)""")
    assert over == []


@pytest.mark.parametrize("where", ["file", "live"])
def test_every_control_has_a_name_and_headings_are_in_order(
    page: Any, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "file":
        page.goto(written(tmp_path, monkeypatch)[1].as_uri())
    else:
        live(page, FIT.board(SHARED.questions, progress=False))
    page.locator(".esc-answer").first.click()
    nameless = page.evaluate("""() => [...document.querySelectorAll("input, select, button, fieldset, svg[role=img]")]
      .filter((node) => {
        const label = node.labels?.[0]?.textContent ?? node.querySelector(":scope > legend")?.textContent ?? "";
        const own = node.tagName === "BUTTON" ? node.textContent : "";
        return !(label + own + (node.getAttribute("aria-label") ?? "")).trim();
      }).map((node) => node.outerHTML)""")
    assert nameless == []
    levels = page.eval_on_selector_all("h1, h2, h3", "nodes => nodes.map((node) => Number(node.tagName[1]))")
    assert levels[0] == (1 if where == "file" else 2)
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    ids = page.eval_on_selector_all("[id]", "nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_a_report_is_read_by_clicking(tmp_path: Path, page: Any) -> None:
    fit = FIT.model.fit(SHARED.dossier, draws=0, progress=False)
    past = fit.replay(SHARED.questions, dates=["2024-10-31", SHARED.dossier.as_of], progress=False)
    fit.report(tmp_path / "out.html", SHARED.questions, replay=past, progress=False)
    page.goto((tmp_path / "out.html").as_uri())
    first = page.locator("#answers .answer").first
    shown = first.locator(".p").inner_text()
    # A probability leads to its card, which unfolds what the answer comes from.
    first.locator(".p a").click()
    assert page.url.endswith("#card-1")
    card = page.locator("#card-1")
    assert card.is_visible() and card.locator(".big").inner_text() == shown
    developments = card.locator("details", has_text="developments").first
    assert not developments.locator("table").is_visible()
    developments.locator("summary").click()
    assert developments.locator("table").is_visible()
    # "Why" unfolds three reasons, by keyboard as well.
    why = page.locator("#answers .why summary").first
    why.focus()
    page.keyboard.press("Enter")
    assert page.locator("#answers .why li").first.is_visible()
    # The slider goes back to what was said before.
    slider = page.locator("#replay input[type=range]")
    numbers = page.locator("#replay .slider-live .p")
    assert numbers.all_inner_texts() == [probability_text(p) for p in past.probability[-1]]
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#replay output").inner_text() == "2024-10-31"
    assert numbers.all_inner_texts() == [probability_text(p) for p in past.probability[0]]
    assert numbers.first.inner_text() != probability_text(past.probability[-1][0])
