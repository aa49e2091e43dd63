"""The pictures of a fit on one sheet, light and dark: `python benches/pictures.py` writes docs/pictures.png."""

import io
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

import escalade as esc

DPI = 92
GAP = 10  # pixels
COLOURS = 48


def pictures():
    """The pictures of each column, from top to bottom; the second is dark."""
    model, dossier, questions = esc.datasets.article()
    fit = model.fit(dossier, progress=False)
    peninsula, us, bargain = model["peninsula"], model["us_policy"], model["bargain"]
    asked = [questions[i] for i in (0, 6, 8, 10, 15)]
    clash = questions["clash on the peninsula by mid-2025"]
    yield [
        fit.plot("licence"),
        fit.ask(asked, progress=False).plot(width=7.5),
        fit.explain(clash, progress=False).plot(width=7.5),
        fit.grid(asked[:4], given=[us == "settlement", bargain == "limited"], progress=False).plot(width=7.5),
    ]
    esc.set_style("dark")
    yield [
        fit.forecast("2025-12-31", progress=False).plot("deployment"),
        fit.passage(peninsula >= "limited clash", until="2026-12-31", progress=False).plot(),
        fit.watch(clash, until="2025-03-31", progress=False).plot(top=6, width=7.5),
        fit.provenance().plot(top=7, width=7.5),
    ]


def image(ax):
    """A picture as pixels."""
    page = io.BytesIO()
    ax.figure.savefig(page, dpi=DPI)
    plt.close(ax.figure)
    return Image.open(page).convert("RGB")


def main():
    columns = [[image(ax) for ax in axes] for axes in pictures()]
    width = max(one.width for column in columns for one in column)
    height = max(sum(one.height + GAP for one in column) for column in columns)
    sheet = Image.new("RGB", (len(columns) * width, height), "white")
    for i, column in enumerate(columns):
        ground = column[0].getpixel((0, 0))
        sheet.paste(ground, (i * width, 0, (i + 1) * width, height))
        y = (height - sum(one.height + GAP for one in column)) // 2
        for one in column:
            sheet.paste(one, (i * width + (width - one.width) // 2, y))
            y += one.height + GAP
    file = Path(__file__).parents[1] / "docs" / "pictures.png"
    sheet.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file}: {sheet.width} × {sheet.height}, {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
