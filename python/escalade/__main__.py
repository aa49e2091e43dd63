"""``escalade forecast`` prints a model's answers, ``escalade report`` writes a page; by default the article's."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import Dossier, EscaladeError, Model, Questions, __version__, datasets

FILES = ("model", "dossier", "questions")
ARTICLE = "without files, those of the article"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks: 0, or 2 with one line that says what is wrong, or 130 where it was interrupted."""
    parser = argparse.ArgumentParser(prog="escalade", description="Forecast how crises climb.")
    parser.add_argument("--version", action="version", version=f"escalade {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    told = "fit a model to a dossier and print the answers to its questions"
    forecast = commands.add_parser("forecast", help=told, description=f"{told.capitalize()}; {ARTICLE}.")
    forecast.add_argument("files", nargs="*", metavar="file", help="model.toml dossier.toml questions.toml, or none")
    told = "fit a model to a dossier and write a page on its questions"
    report = commands.add_parser(
        "report", help=told, description=f"{told.capitalize()}; {ARTICLE}, which takes about a minute."
    )
    for name in FILES:
        report.add_argument(f"--{name}", metavar=f"{name}.toml", help="the file to read; give all three, or none")
    report.add_argument("-o", "--output", default="report.html", help="the page to write (default: report.html)")
    report.add_argument("--title", help="the page's title (default: the dossier's name)")
    report.add_argument("--replay", action="store_true", help="add what would have been said on each day (slow)")
    for command in (forecast, report):
        command.add_argument("--seed", type=int, default=0, help="seed of the draws behind the intervals (default: 0)")
    options = parser.parse_args(arguments)
    files = options.files if options.command == "forecast" else [getattr(options, name) for name in FILES]
    given = [file for file in files if file is not None]
    if len(given) not in (0, len(FILES)):
        parser.error("give three files (model, dossier, questions), or none for the article's")
    try:
        if given:
            model, dossier, questions = Model.read(given[0]), Dossier.read(given[1]), Questions.read(given[2])
        else:
            model, dossier, questions = datasets.article()
        fit = model.fit(dossier, seed=options.seed)
        if options.command == "forecast":
            print(fit.ask(questions))
        else:
            print(fit.report(options.output, questions, title=options.title, replay=options.replay))
    except (EscaladeError, ImportError, OSError) as error:
        print(f"escalade: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
