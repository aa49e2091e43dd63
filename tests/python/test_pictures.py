"""Each picture as a page: rendered light and dark, text inside, none on another, all of it readable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from crisis import Crisis, crisis
from looks import contrast, covered, outside, overlapping, unreadable

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.transforms import Bbox

import escalade as esc
from escalade.canvas import luminance, text_on
from escalade.colours import PALETTES

QUIET: dict[str, Any] = {"progress": False}


@pytest.fixture(scope="module")
def c() -> Crisis:
    return crisis()


@pytest.fixture(scope="module")
def fit(c: Crisis) -> esc.Fit:
    return c.model.fit(c.dossier, draws=40, **QUIET)


@pytest.fixture(autouse=True)
def light_again() -> Iterator[None]:
    yield
    esc.set_style("light")
    plt.close("all")


def other(c: Crisis) -> esc.Model:
    tree = c.model.to_dict()
    tree["ladder"][0]["rate"][0]["chance"] = "highly unlikely"
    tree["driver"][0]["table"] = [0.5, 0.4, 0.1]
    return esc.Model.from_dict(tree)


PICTURES: dict[str, Callable[[Crisis, esc.Fit], Any]] = {
    "timeline": lambda c, fit: c.dossier.plot(),
    "timeline by ladder": lambda c, fit: c.dossier.plot(c.model),
    "network": lambda c, fit: c.model.plot(indicators=True),
    "network with posteriors": lambda c, fit: fit.plot(),
    "ladder": lambda c, fit: c.model.plot(c.korea),
    "ladder with posteriors": lambda c, fit: fit.plot("seoul_aid"),
    "fan": lambda c, fit: fit.forecast("2025-12-31", **QUIET).plot(c.korea),
    "lines": lambda c, fit: fit.forecast("2025-12-31", **QUIET).plot(c.aid, kind="lines"),
    "fans": lambda c, fit: fit.forecast("2025-12-31", **QUIET).plot(),
    "answers": lambda c, fit: fit.ask(c.questions, **QUIET).plot(),
    "passage": lambda c, fit: fit.passage(c.korea >= "limited clash", until="2026-12-31", **QUIET).plot(),
    "counts": lambda c, fit: fit.moves(c.korea, "up", by="2025-06-30", most=4, **QUIET).plot(),
    "time law": lambda c, fit: fit.time_law(c.aid == "none", by="2025-01-10", **QUIET).plot(),
    "waterfall": lambda c, fit: fit.explain(c.questions[0], **QUIET).plot(),
    "waterfall of shares": lambda c, fit: fit.explain(c.questions[0], **QUIET).plot(kind="share"),
    "diagnosticity": lambda c, fit: fit.diagnosticity([c.korea == r for r in c.korea.rungs], **QUIET).plot(),
    "tornado": lambda c, fit: fit.sensitivity(c.questions[0], **QUIET).plot(),
    "two way": lambda c, fit: fit.two_way(
        c.questions[0], "peninsula: up", "peninsula: up × (restraint = weak)", n=7, **QUIET
    ).plot(),
    "watch list": lambda c, fit: fit.watch(c.questions[0], until="2025-03-31", **QUIET).plot(),
    "scenarios": lambda c, fit: fit.grid(
        c.questions, given=[None, c.us == "settlement"], do=[None, c.china == "weak"], **QUIET
    ).plot(),
    "heads": lambda c, fit: esc.pool(
        esc.compare({"hers": fit, "his": other(c).condition(c.dossier)}, c.questions, **QUIET)
    ).plot(),
    "checks": lambda c, fit: fit.check(n=200).plot(),
    "ridges": lambda c, fit: fit.provenance().plot(),
    "priors of heads": lambda c, fit: esc.pool_priors({"ann": c.model, "bo": other(c)}).plot(),
    "Bayesian network": lambda c, fit: c.model.drivers.plot({"us_policy": "settlement"}),
    "laws": lambda c, fit: c.model.drivers.posteriors().plot(),
    "yardstick": lambda c, fit: esc.yardstick("ICD 203").plot(),
    "confidence": lambda c, fit: fit.confidence(c.questions, **QUIET).plot(),
    "profile": lambda c, fit: fit.profile("peninsula: up", **QUIET).plot(),
}


def first(axes: Any) -> Any:
    return axes.flat[0] if isinstance(axes, np.ndarray) else axes


@pytest.mark.parametrize("style", esc.settings.STYLES)
@pytest.mark.parametrize("name", PICTURES)
def test_a_page(name: str, style: str, c: Crisis, fit: esc.Fit, tmp_path: Path) -> None:
    esc.set_style(style)
    figure = first(PICTURES[name](c, fit)).figure
    file = tmp_path / "picture.png"
    figure.savefig(file)
    page = plt.imread(file)
    width, height = figure.get_size_inches() * figure.dpi
    assert page.shape[:2] == pytest.approx((height, width), abs=1)
    assert page[0, 0, :3] == pytest.approx(to_rgb(PALETTES[style].paper), abs=0.01)
    assert page.std() > 0.01
    assert not outside(figure)
    assert not overlapping(figure)
    assert not unreadable(figure)


@pytest.mark.parametrize("ground", ["white", "#111111"])
def test_given_axes_are_drawn_on_in_the_style_of_their_ground(ground: str, c: Crisis, fit: esc.Fit) -> None:
    esc.set_style("dark" if ground == "white" else "light")
    figure, axes = plt.subplots(2, 1, figsize=(9, 9), facecolor=ground, layout="constrained")
    for ax in axes:
        ax.set_facecolor(ground)
    answers = fit.ask(c.questions, **QUIET)
    assert answers.plot(ax=axes[0]) is axes[0]
    assert fit.provenance().plot(ax=axes[1], top=6) is axes[1]
    assert not unreadable(figure)
    assert not axes[0].spines["top"].get_visible()


def test_no_setting_of_matplotlib_is_left_behind(c: Crisis) -> None:
    before = dict(mpl.rcParams)
    esc.set_style("dark")
    c.dossier.plot()
    with pytest.raises(esc.SpecError):
        c.model.parameters().plot()
    assert dict(mpl.rcParams) == before
    with pytest.raises(esc.SpecError, match="'sepia'"):
        esc.set_style("sepia")
    assert esc.style() == "dark"


def test_the_palettes_are_readable_and_their_ramps_rise_or_fall_all_the_way() -> None:
    for palette in PALETTES.values():
        ground = np.array([to_rgb(palette.paper), to_rgb(palette.faint)])
        for colour in (palette.ink, palette.dim):
            assert (contrast(np.array(to_rgb(colour)), ground) >= 4.5).all()
        # What is drawn as a line or an area stands out from the page by 3 : 1 or, where two lie in between, nearly.
        lines = [palette.grey, palette.blue, palette.red, palette.green, palette.purple]
        assert all(contrast(np.array(to_rgb(x)), ground[:1])[0] >= 3 for x in lines)
        ramp = [luminance(palette.climb(x)) for x in np.linspace(0, 1, 40)]
        assert (np.diff(ramp) > 0).all() or (np.diff(ramp) < 0).all()
    for colour in np.random.default_rng(1).random((500, 3)):
        assert contrast(np.array(to_rgb(text_on(colour))), colour[None])[0] >= 4.5


# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


@pytest.mark.parametrize("kind", BLIND)
def test_what_raises_and_what_lowers_differ_for_the_colour_blind(kind: str) -> None:
    for palette in PALETTES.values():
        rgb = np.array([to_rgb(palette.blue), to_rgb(palette.red)])
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        blue, red = np.clip(linear @ np.array(BLIND[kind]).T, 0, 1)
        assert np.abs(blue - red).max() > 0.3


def test_the_measures_of_looks_find_what_is_wrong() -> None:
    figure, ax = plt.subplots(figsize=(4, 3))
    ax.text(0.5, 0.5, "one upon the other")
    ax.text(0.52, 0.5, "one upon the other")
    ax.text(0.1, 0.9, "hardly to be seen", color="#dddddd")
    ax.text(0.9, 0.2, "this runs out of the page, far out")
    assert overlapping(figure) == [("one upon the other", "one upon the other")]
    assert [text for text, _ in unreadable(figure)] == ["hardly to be seen"]
    assert outside(figure) == ["this runs out of the page, far out"]
    assert covered(Bbox([[0, 0], [2, 2]]), Bbox([[1, 1], [2, 3]])) == pytest.approx(0.5)
