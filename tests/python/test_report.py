"""The report: one file that loads nothing, says what the fit says, and escapes what users wrote."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import pytest

import escalade as esc
from crisis import crisis
from escalade.__main__ import main
from escalade.values import probability_text

mpl.use("Agg")
pytest.importorskip("jinja2")
ROOT = Path(__file__).parents[2]
EVIL = "<script>alert('x')</script> & \"more\""
VOID = {"meta", "link", "br", "input", "hr", "img", "use", "path"}


class Page(HTMLParser):
    """What a page is made of, and whether its elements are closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" in self.open or "style" in self.open:
            return
        self.text.append(data)
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            level, said = self.headings[-1]
            self.headings[-1] = level, said + data

    def of(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    def said(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def c():
    made = crisis()
    made.dossier.saw(made.korea >= "provocation", on="2024-11-25", grade="C3", id="evil", note=EVIL, source=EVIL)
    time = esc.time_in(made.korea == "war", "30 days", by="2025-12-31", name="time at war")
    past = esc.reach(made.korea == "limited clash", since="2024-10-01", by="2024-11-15", name="was there a clash?")
    made.questions = esc.Questions([made.questions[0], made.questions[1], past, time])
    return made


@pytest.fixture(scope="module")
def fit(c):
    return c.model.fit(c.dossier, draws=10)


@pytest.fixture(scope="module")
def html(c, fit, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "out.html"
    assert fit.report(path, c.questions, replay=fit.replay(c.questions, ["2024-11-06", "2024-11-30"])) == path
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_headings_are_in_order(page):
    levels = [level for level, _ in page.headings]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(said.strip() for _, said in page.headings)
    named = [said for level, said in page.headings if level == 2]
    assert named[:3] == ["Answers", "What to watch", "Why each number"] and named[-1].startswith("Appendix")


def test_whoever_cannot_see_it_can_read_it(page):
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    assert page.of("html")[0]["lang"] == "en"
    assert page.of("svg") and not page.of("img")
    for svg in page.of("svg"):
        assert svg["role"] == "img" and svg["aria-label"] and svg["aria-describedby"] in ids
    assert len(page.of("title")) == 1 + len(page.of("svg"))
    assert len(page.of("caption")) == len(page.of("table"))
    assert all(attrs.get("scope") in ("row", "col") for attrs in page.of("th"))
    for attrs in page.of("input"):
        assert attrs["id"] in [label["for"] for label in page.of("label")]
    for attrs in page.of("a"):
        assert attrs["href"].startswith("#") and attrs["href"][1:] in ids
    for _, attrs in page.tags:
        for name in ("aria-labelledby", "aria-describedby"):
            assert attrs.get(name) is None or attrs[name] in ids
    assert page.of("a")[0]["class"] == "skip"


def test_it_loads_nothing(html, page):
    assert not re.search(r"(src|srcset|action|data|poster)\s*=", re.sub(r"<script.*?</script>", "", html, flags=re.S))
    assert not page.of("link") and not page.of("iframe")
    (policy,) = (meta["content"] for meta in page.of("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"https?://|//[a-z]|@import|fetch\(|XMLHttp", re.sub(r"/\*.*?\*/", "", html, flags=re.S))
    assert all(
        not (url or "").strip("\"'") or (url or "").startswith("#") for url in re.findall(r"url\(([^)]*)\)", html)
    )


def test_what_users_wrote_is_escaped(html, page):
    assert EVIL not in html and "alert('x')</script>" not in html
    assert EVIL in page.said()
    assert all(not attrs.get("src") for attrs in page.of("script"))
    for data in re.findall(r'<script type="application/json">(.*?)</script>', html, flags=re.S):
        assert json.loads(data)[-1]["date"] == "2024-11-30"


def test_numbers_are_those_of_ask(c, fit, html, page):
    answers = fit.ask(c.questions)
    rows = re.findall(r'<tr class="answer">(.*?)</tr>', html, flags=re.S)
    assert len(rows) == len(c.questions)
    for k, (row, answer) in enumerate(zip(rows, answers, strict=True), 1):
        cells = [re.sub("<.*?>", "", cell).strip() for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, flags=re.S)]
        between = f"{probability_text(answer.low)}–{probability_text(answer.high)}"
        assert cells[:-1] == [answer.name, probability_text(answer.probability), "", between, answer.word]
        refused = answer.name == "time at war"  # it cannot be taken apart
        assert cells[-1] == ("" if refused else fit.confidence(c.questions[k - 1]).level[0])
        assert f'href="#card-{k}"' in row
    assert "cannot be taken apart" in page.said()  # the time at war, which is answered nevertheless
    card = fit.audit(c.questions["clash"], orders=12)
    for reason in card.reasons:
        assert page.said().count(" ".join(reason.split())) >= 2


def test_reasons_say_that_they_are_at_the_mode(c, fit, page):
    mode = probability_text(fit.at_mode(c.questions["clash"]))
    said = f"Reasons are told at the mode of the parameters, where the answer is {mode}."
    assert page.said().count(said) >= 2  # unfolded from the first table, and on the card
    assert f"at the mode of the parameters, as all below: {mode}" in str(fit.audit(c.questions["clash"]))


def test_every_number_and_its_source_is_in_the_appendix(c, fit, html, page):
    appendix = " ".join(" ".join(Page(html[html.index('<section id="appendix"') : html.index("</main>")]).text).split())
    for row in fit.parameters():
        assert row["name"] in appendix
    for development in fit.dossier:
        assert f"{development.id} " in appendix and development.describe() in appendix
    for word in esc.yardstick().word:
        assert word in appendix
    hash = esc.fingerprint(fit, c.questions)
    assert hash in appendix
    assert {"name": "fingerprint", "content": hash} in page.of("meta")


def test_the_same_bytes_each_time(c, fit, html, tmp_path):
    again = fit.report(
        tmp_path / "again.html", c.questions, replay=fit.replay(c.questions, ["2024-11-06", "2024-11-30"])
    )
    assert again.read_text(encoding="utf-8") == html


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_words_stand_out_from_the_paper():
    """WCAG 2.2, 1.4.3: text at 4.5 to 1 at least, in light, in dark and on paper."""
    style = (ROOT / "python/escalade/page/style.css").read_text(encoding="utf-8")
    themes = [
        dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r"\{([^{}]*--paper[^{}]*)\}", style)
    ]
    themes = [theme for theme in themes if theme]
    assert len(themes) == 3
    for theme in themes:
        for ground in ("paper", "sheet"):
            for word in ("ink", "muted", "accent", "up", "down"):
                light, dark = sorted((luminance(theme[ground]), luminance(theme[word])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (ground, word, theme)


def test_a_card_is_a_page_of_its_own(c, fit, tmp_path):
    card = fit.audit(c.questions["clash"])
    page = Page(card.write(tmp_path / "card.html").read_text(encoding="utf-8"))
    assert [level for level, _ in page.headings][:2] == [1, 2]
    assert card.hash in page.said() and EVIL in page.said()
    inline = card._repr_html_()
    assert "<h3" in inline and EVIL not in inline


def test_a_model_without_developments_drivers_or_draws(tmp_path):
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3))
    war = esc.reach(front == "war", by="2025-10-01", name="war")
    path = m.condition(esc.Dossier(as_of="2024-10-01")).report(tmp_path / "bare.html", war, title=EVIL)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.headings[0] == (1, EVIL)
    assert "Nothing known or judged moves it" in page.said()
    tests = esc.Model(origin="2024-10-01")
    us = tests.driver("us", {"a": 0.5, "b": 0.5})
    state = esc.at(us == "a", on="2025-01-01", name="a")
    Page(tests.condition(esc.Dossier(as_of="2024-10-01")).report(path, state).read_text(encoding="utf-8"))


def test_what_is_refused(c, fit, tmp_path, monkeypatch):
    path = tmp_path / "out.html"
    with pytest.raises(esc.WrongType, match="at least one"):
        fit.report(path, [])
    with pytest.raises(esc.SpecError, match="watch_until"):
        fit.report(path, c.questions, watch_until="soon")
    with pytest.raises(esc.SpecError, match="watch_until is '2024-11-30'; expected a date .* after the fit's"):
        fit.report(path, c.questions, watch_until="2024-11-30")
    worked: list[float] = []
    with pytest.raises(esc.SpecError, match="was changed"):
        fit.without("tone").report(path, c.questions, replay=True, progress=worked.append)
    assert not worked
    with pytest.raises(esc.SpecError, match="of other questions"):
        fit.report(path, c.questions, replay=fit.replay(c.questions[0], ["2024-11-30"]))
    from escalade import pages

    monkeypatch.setitem(sys.modules, "jinja2", None)
    pages.environment.cache_clear()
    with pytest.raises(ImportError, match=r"escalade\[report\]"):
        fit.report(path, c.questions)
    card = fit.audit(c.questions["clash"])
    assert card._repr_html_().startswith("<table")
    monkeypatch.undo()
    pages.environment.cache_clear()


def test_the_command(c, tmp_path, capsys):
    c.model.write(tmp_path / "model.toml")
    c.dossier.write(tmp_path / "dossier.toml")
    esc.Questions(c.questions[0]).write(tmp_path / "questions.toml")
    files = [f"--{name}={tmp_path / name}.toml" for name in ("model", "dossier", "questions")]
    out = tmp_path / "out.html"
    assert main(["report", *files, "-o", str(out), "--title", "A title"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert Page(out.read_text(encoding="utf-8")).headings[0] == (1, "A title")
    with pytest.raises(SystemExit) as stopped:
        main(["report", files[0]])
    assert stopped.value.code == 2
    capsys.readouterr()
    assert main(["report", *files[:2], f"--questions={tmp_path / 'none.toml'}"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("escalade: ") and told.count("\n") == 1 and "none.toml" in told


def test_an_interrupted_command_ends_quietly(monkeypatch, capsys):
    def stop(*args, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(esc.Model, "fit", stop)
    assert main(["report"]) == 130
    assert capsys.readouterr() == ("", "")


def test_the_command_is_installed(capsys):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"escalade": "escalade.__main__:main"}
    assert any(need.startswith("jinja2") for need in project["optional-dependencies"]["report"])
    done = subprocess.run([sys.executable, "-m", "escalade", "--help"], capture_output=True, text=True, check=True)
    assert "report" in done.stdout
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0 and capsys.readouterr().out == f"escalade {esc.__version__}\n"
