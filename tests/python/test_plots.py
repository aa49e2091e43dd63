"""Pictures: each returns the Axes it drew on, and shows what it should."""

import matplotlib as mpl
import pytest

from crisis import crisis

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

import escalade as esc
from escalade.layout import layered


@pytest.fixture(scope="module")
def c():
    return crisis()


@pytest.fixture(scope="module")
def fit(c):
    return c.model.fit(c.dossier, draws=20)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def words(ax):
    ax.figure.canvas.draw()
    named = [ax.get_title(loc="left"), *(t.get_text() for t in ax.get_yticklabels())]
    legend = ax.get_legend()
    return " ".join(
        [*named, *(t.get_text() for t in ax.texts), *(t.get_text() for t in (legend.texts if legend else ()))]
    )


def words_without_legend(ax):
    ax.figure.canvas.draw()
    return " ".join([ax.get_title(loc="left"), *(t.get_text() for t in [*ax.get_yticklabels(), *ax.texts])])


def test_timeline(c):
    text = words(c.dossier.plot())
    assert "tone (C3)" in text and "official tone" in text and "looked for, not seen" in text and "now" in text
    assert "official tone" not in words(c.dossier.plot(c.model))


def test_network(c):
    text = words(c.model.plot())
    for thing in ("us policy", "limited clash", "changes since 2025-01-20", "parent in the Bayesian network"):
        assert thing in text
    assert "missile tests" not in text
    assert "missile tests" in words(c.model.plot(indicators=True))


def test_network_and_ladder_of_a_fit(c, fit):
    text = words(fit.plot())
    assert "Troops abroad, as of 2024-11-30" in text and "before the developments" in text
    settlement = f"{fit.drivers(progress=False)['us_policy']['settlement']:.2f}"
    assert settlement in text
    text = words(fit.plot("peninsula"))
    row = fit.parameters()["peninsula: up"]
    assert text.count(f"{row['mode']:.2g} ({row['low']:.2g}–{row['high']:.2g})") == 3  # shared by three moves
    assert "up, while restraint = weak" in text and "limited clash" in text
    assert "before" not in words(c.model.plot(c.korea))
    m = esc.Model(origin="2024-10-01")
    a = m.ladder("a", ["x", "y", "z"], up=esc.per_year(1), moves={("x", "z"): esc.per_year(0.5)})
    a.effect(esc.since("2025-01-20"), up=2.0)
    text = words(m.plot(a))
    assert "0.042" in text and "× 2  up, since 2025-01-20" in text
    with pytest.raises(esc.SpecError, match="no ladder 'us_policy'"):
        fit.plot("us_policy")


def test_network_of_one_ladder():
    m = esc.Model("one", origin="2024-10-01")
    m.ladder("alone", ["a", "b"], up=esc.per_year(1))
    assert "alone" in words_without_legend(m.plot())


@pytest.mark.parametrize("kind", ["stack", "lines"])
def test_fan(c, fit, kind):
    text = words_without_legend(fit.forecast("2025-06-30").plot(c.korea, kind=kind))
    for rung in c.korea.rungs:
        assert rung in text


def test_fans(fit):
    axes = fit.forecast("2025-06-30").plot()
    assert [ax.get_title(loc="left") for ax in axes.flat[:2]] == ["peninsula", "seoul aid"]
    assert not axes.flat[2].get_visible()


def test_a_wrong_kind_is_refused(c, fit):
    with pytest.raises(ValueError, match="stack"):
        fit.forecast("2025-06-30").plot(c.korea, kind="pie")


def test_answers(c, fit):
    text = words_without_legend(fit.ask(c.questions).plot())
    assert "calm without clash" in text and "realistic" in text
    assert isinstance(c.model.condition(c.dossier).ask(c.questions).plot(), Axes)


def test_parameters(c, fit):
    ax = fit.parameters().plot(top=5)
    assert len(ax.get_yticks()) == 5
    with pytest.raises(ValueError, match="fit.parameters"):
        c.model.parameters().plot()


def test_all_draw_where_they_are_told(c, fit):
    _, axes = plt.subplots(1, 5)
    forecast = fit.forecast("2025-06-30")
    drawn = [
        esc.plot.timeline(c.dossier, ax=axes[0]),
        esc.plot.network(c.model, ax=axes[1]),
        esc.plot.fan(forecast, c.korea, ax=axes[2]),
        esc.plot.answers(fit.ask(c.questions), ax=axes[3]),
        esc.plot.ridges(fit.parameters(), ax=axes[4]),
    ]
    assert all(a is b for a, b in zip(drawn, axes, strict=True))


def test_layout_keeps_boxes_apart_and_links_forward():
    heights = dict.fromkeys("abcdef", 1.0)
    links = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("d", "e"), ("a", "e"), ("f", "e"), ("c", "c")]
    layout = layered(heights, links, gap=0.2, bend=0.1)
    assert layout.turned == {("c", "a")}
    for a, b in set(links) - layout.turned - {("c", "c")}:
        assert layout.x[a] < layout.x[b]
    assert len(layout.bends["a", "e"]) == layout.x["e"] - layout.x["a"] - 1
    for a in heights:
        for b in heights:
            if a < b and layout.x[a] == layout.x[b]:
                assert abs(layout.y[a] - layout.y[b]) >= 1.2 - 1e-9


def inside(ax):
    """Whether title, legend and boxes lie within the figure, and the axes have an area."""
    ax.figure.canvas.draw()
    page = ax.figure.bbox
    parts = [ax.title, ax._left_title, ax.get_legend(), *ax.texts]
    boxes = [part.get_window_extent() for part in parts if part is not None]
    return ax.bbox.width > 50 and all(
        b.x0 >= page.x0 - 1 and b.x1 <= page.x1 + 1 and b.y0 >= page.y0 - 1 and b.y1 <= page.y1 + 1 for b in boxes
    )


@pytest.mark.parametrize(("n_drivers", "n_ladders"), [(0, 1), (1, 1), (3, 3), (6, 2)])
def test_a_small_model_has_room_for_its_text_and_legend(n_drivers, n_ladders):
    m = esc.Model("A strait between two neighbours", origin="2024-01-01")
    drivers = [m.driver(f"driver_{i}", {"hawk": 0.4, "dove": 0.6}) for i in range(n_drivers)]
    for i in range(n_ladders):
        ladder = m.ladder(f"ladder_{i}", ["calm", "patrol", "war"], up=esc.per_year(0.5))
        for j, driver in enumerate(drivers):
            ladder.effect(driver == "hawk", up=esc.factor(2 if j % 2 else 0.5))
    ax = m.plot()
    assert inside(ax)
    assert ax.figure.get_size_inches()[0] >= 3
    # Inches of the axes are inches of the drawing, so that a box holds its text.
    ax.figure.canvas.draw()
    scale = ax.get_window_extent().width / ax.figure.dpi / (ax.get_xlim()[1] - ax.get_xlim()[0])
    assert scale > 0.85


def test_a_time_line_of_nothing_and_labels_clear_of_now(c):
    assert "no dated development" in words_without_legend(esc.Dossier("2024-06-30").plot())
    d = esc.Dossier("2024-11-30")
    d.saw(c.korea >= "provocation", on="2024-10-05", id="early")
    d.saw(c.korea >= "provocation", on="2024-11-28", id="late-and-with-a-long-name")
    ax = d.plot()
    ax.figure.canvas.draw()
    now = next(line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--")
    at = ax.transData.transform((now, 0))[0]
    for label in ax.texts:
        if label.get_text() != "now":
            box = label.get_window_extent()
            assert box.x1 <= at or box.x0 >= at, label.get_text()
    assert "Dec" not in ax.xaxis.get_offset_text().get_text()


def test_spans(c, fit):
    passage = fit.passage(c.korea >= "limited clash", until="2026-12-31", dates=["2025-06-30", "2026-06-30"])
    text = words_without_legend(passage.plot())
    assert "peninsula ≥ limited clash, as of 2024-11-30" in text and "ever: 1" in text
    assert str(passage.quantiles[0].date)[:10] in text
    counts = fit.moves(c.korea, "up", by="2025-06-30", most=3)
    ax = counts.plot()
    assert len(ax.patches) == 4 and "peninsula moves up by 2025-06-30" in words_without_legend(ax)
    law = fit.time_law(c.aid == "none", by="2025-01-10")
    assert "all: " in words_without_legend(law.plot())
