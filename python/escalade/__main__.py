"""``python -m escalade forecast``: print the answers of a model, by default the article's."""

import argparse

from . import Dossier, Model, Questions, datasets


def main() -> None:
    """Fit the model to its dossier and print what was asked."""
    parser = argparse.ArgumentParser(prog="python -m escalade", description="Forecast how crises climb.")
    commands = parser.add_subparsers(dest="command", required=True)
    forecast = commands.add_parser("forecast", help="fit a model to a dossier and print the answers to its questions")
    forecast.add_argument("files", nargs="*", help="model.toml dossier.toml questions.toml; none: the article's")
    forecast.add_argument("--seed", type=int, default=0, help="of the draws behind the intervals")
    options = parser.parse_args()
    if not options.files:
        model, dossier, questions = datasets.article()
    elif len(options.files) == 3:
        model, dossier = Model.read(options.files[0]), Dossier.read(options.files[1])
        questions = Questions.read(options.files[2])
    else:
        parser.error("give three files (model, dossier, questions), or none for the article's")
    print(model.fit(dossier, seed=options.seed).ask(questions))


if __name__ == "__main__":
    main()
