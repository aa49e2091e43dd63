"""Models and dossiers that come with the package."""

from __future__ import annotations

from importlib.resources import files

from .dossier import Dossier
from .model import Model
from .questions import Questions


def article() -> tuple[Model, Dossier, Questions]:
    """The article on North Korean troops in Russia: its model, its developments, and what it says may follow.

    Nothing in it became known after 30 November 2024.

    Returns
    -------
    model : Model
    dossier : Dossier
    questions : Questions

    Examples
    --------
    >>> import escalade as esc
    >>> model, dossier, questions = esc.datasets.article()
    >>> dossier.as_of
    '2024-11-30'
    """
    folder = files("escalade").joinpath("data", "article")
    text = {
        name: folder.joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in ("model", "dossier", "questions")
    }
    return (
        Model.from_toml(text["model"], "article/model.toml"),
        Dossier.from_toml(text["dossier"], "article/dossier.toml"),
        Questions.from_toml(text["questions"], "article/questions.toml"),
    )
