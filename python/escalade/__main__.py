"""``escalade forecast`` prints a model's answers, ``escalade report`` writes a page; by default the article's."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import Dossier, EscaladeError, Model, Questions, datasets

FILES = ("model", "dossier", "questions")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks: 0, or 2 with one line that says what is wrong, or 130 where it was interrupted."""
    parser = argparse.ArgumentParser(prog="escalade", description="Forecast how crises climb.")
    commands = parser.add_subparsers(dest="command", required=True)
    forecast = commands.add_parser("forecast", help="fit a model to a dossier and print the answers to its questions")
    forecast.add_argument("files", nargs="*", help="model.toml dossier.toml questions.toml; none: the article's")
    report = commands.add_parser("report", help="fit a model to a dossier and write a report of its questions")
    for name in FILES:
        report.add_argument(f"--{name}", metavar=f"{name}.toml", help="with the other two; none: the article's")
    report.add_argument("-o", "--output", default="report.html", help="the page to write (report.html)")
    report.add_argument("--title", help="by default the dossier's name")
    report.add_argument("--replay", action="store_true", help="also what would have been said on each day")
    for command in (forecast, report):
        command.add_argument("--seed", type=int, default=0, help="of the draws behind the intervals")
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
