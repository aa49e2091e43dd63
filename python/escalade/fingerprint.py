"""A fingerprint of all that answers come from: equal where model, developments and questions are."""

from __future__ import annotations

import json
from math import isnan

from . import _core
from .fit_base import FitBase
from .questions import AsQuestions, Questions
from .values import Tree, to_json, wrong

DIGITS = 4  # of parameters, after the point: more than two machines agree on, fewer than matter


def fingerprint(fit: FitBase, questions: AsQuestions = ()) -> str:
    """The SHA-256 of a fit's model, dossier and questions, the same whether they were built or read from files.

    Parameters
    ----------
    fit : Fit
        Its model and dossier (every entry, notes and sources included), what was changed since, its draws and seed, and
        what was learnt: whether by its mode, by chains (how many, how tuned) or not at all, and the parameters.
    questions : Question, Questions or list
        What is asked of it.

    Returns
    -------
    str
        64 hexadecimal digits.

    Notes
    -----
    The hash is taken over canonical JSON in UTF-8: keys sorted, no spaces, each tree in the one form that the kernel
    gives it (docs/format.md), parameters to four digits after the point on their free scale, and the version of
    escalade. Equal fingerprints mean equal numbers, to the last bit on machines with the same vector instructions.

    Examples
    --------
    >>> import escalade as esc
    >>> m = esc.Model(origin="2024-10-01")
    >>> korea = m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
    >>> d = esc.Dossier(as_of="2024-11-30")
    >>> clash = esc.reach(korea == "clash", by="2025-06-30")
    >>> built = esc.fingerprint(m.condition(d), clash)
    >>> read = esc.Model.from_toml(m.to_toml()).condition(esc.Dossier.from_toml(d.to_toml()))
    >>> len(built), built == esc.fingerprint(read, clash), built == esc.fingerprint(read)
    (64, True, False)
    """
    import hashlib  # milliseconds that not every import should pay

    if not isinstance(fit, FitBase):
        raise wrong("fingerprint: the fit", fit, "what m.fit, m.condition or m.sample returns")
    asked = to_json(Questions(questions).to_dict())
    whole = {
        "escalade": _core.__version__,
        "model": json.loads(fit.model._core.spec()),
        "dossier": json.loads(_core.dossier_from_toml(_core.dossier_to_toml(fit._core.dossier()))),
        "questions": json.loads(_core.questions_from_toml(_core.questions_to_toml(asked))),
        "scenario": json.loads(fit._core.scenario()),
        "draws": fit._core.n_draws,
        "seed": fit._core.seed,
        "learnt": learnt(fit),
    }
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def learnt(fit: FitBase) -> Tree:
    """How the parameters were found, and what they are."""
    core = fit._core
    sampled = core.sampled()
    how: Tree = {"by": "nothing" if isnan(core.gradient_norm) else "mode"}
    if sampled is not None:
        how = {"by": "chains", "chains": sampled["chains"], "tune": sampled["tune"]}
    return {**how, "parameters": [round(float(x), DIGITS) + 0.0 for x in core.theta]}
