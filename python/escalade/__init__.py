"""Forecast how crises climb: drivers, coupled ladders in continuous time, indicators and dated developments.

Examples
--------
>>> import escalade as esc
>>> m = esc.Model("Troops abroad", origin="2024-10-01")
>>> china = m.driver("restraint", {"strong": 0.7, "weak": 0.3})
>>> korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"],
...                  up=esc.chance("unlikely", within="1 year"), down=esc.chance("likely", within="3 months"))
>>> korea.effect(china == "weak", up=esc.factor(2, spread=1.5))
>>> d = esc.Dossier(as_of="2024-11-30")
>>> d.saw(korea >= "provocation", between=("2024-10-08", "2024-10-17"), grade="B2", source="Gardiner 2024")
<Development d1: saw peninsula ≥ provocation (2024-10-08 to 2024-10-17)>
>>> fit = m.fit(d)
>>> answers = fit.ask([esc.reach(korea == "clash", by="2025-06-30", name="clash by mid-2025")])
"""

from typing import Any

from . import _core, datasets, markov
from ._core import (
    EscaladeError,
    ImpossibleEvidence,
    InternalError,
    NotConverged,
    SpecError,
    TooLarge,
    Unidentified,
)
from .attribution import Attribution
from .audit import AuditCard
from .bayes_results import Explanation, Joint, Law, NodeTable, Posteriors, Sample
from .bayes_understanding import EvidenceStrength, Information, Sensitivity
from .bayesnet import BayesNet, Variable
from .board import Board
from .comparison import Comparison, compare
from .condition import Condition, since, until
from .confidence import Confidence, confidence_rule
from .conflict import Conflicts, Diagnosticity
from .counts import Counts
from .dossier import Development, Dossier
from .evidence import isnot
from .expectations import Expectations
from .fingerprint import fingerprint
from .fit import Fit
from .flips import Flips
from .generator import Generator
from .generator_results import Dwell, Passage, Paths, QuasiStationary, RungLaws, RungValues, Transition
from .handles import Driver, Events, Ladder, Status
from .laws import NumberLaw, log_normal, near, negative_binomial, normal, poisson, student
from .marginal import LogMarginal
from .model import Model
from .nodes import NodeLaw, function, logistic, noisy_max, noisy_or, ranked
from .panel import Panel
from .panel_fit import PanelFit
from .panel_results import Estimates, Matrix, PanelSummary, Prevalence
from .passage import FirstPassage
from .pooled_priors import PooledPriors, pool_priors
from .pooling import Pool, pool
from .posterior import Diagnostics, PanelPosterior, Posterior
from .priors import base_rate, chance, factor, free, per_day, per_month, per_week, per_year, table
from .profile import Profile
from .provenance import Parameters, Provenance
from .questions import Question, Questions, at, enters, first, moves, reach, time_in
from .replay import Replay, Scores
from .results import Answer, Answers, Drivers, Forecast, Rungs, Size
from .sensitivity import BreakingPoints, Tornado, TwoWay
from .settings import memory_limit, set_memory_limit, set_style, set_threads, style, threads
from .time_in import TimeIn
from .time_law import TimeLaw
from .values import WrongPlace, WrongType
from .watch import Sight, WatchList
from .words import WordLaw, Yardstick, grades, word_for, yardstick
from .worlds import Happenings, PredictiveChecks, Worlds

__version__: str = _core.__version__

__all__ = [
    "Answer",
    "Answers",
    "Attribution",
    "AuditCard",
    "BayesNet",
    "Board",
    "BreakingPoints",
    "Comparison",
    "Condition",
    "Confidence",
    "Conflicts",
    "Counts",
    "Development",
    "Diagnosticity",
    "Diagnostics",
    "Dossier",
    "Driver",
    "Drivers",
    "Dwell",
    "EscaladeError",
    "Estimates",
    "Events",
    "EvidenceStrength",
    "Expectations",
    "Explanation",
    "FirstPassage",
    "Fit",
    "Flips",
    "Forecast",
    "Generator",
    "Happenings",
    "ImpossibleEvidence",
    "Information",
    "InternalError",
    "Joint",
    "Ladder",
    "Law",
    "LogMarginal",
    "Matrix",
    "Model",
    "NodeLaw",
    "NodeTable",
    "NotConverged",
    "NumberLaw",
    "Panel",
    "PanelFit",
    "PanelPosterior",
    "PanelSummary",
    "Parameters",
    "Passage",
    "Paths",
    "Pool",
    "PooledPriors",
    "Posterior",
    "Posteriors",
    "PredictiveChecks",
    "Prevalence",
    "Profile",
    "Provenance",
    "QuasiStationary",
    "Question",
    "Questions",
    "Replay",
    "RungLaws",
    "RungValues",
    "Rungs",
    "Sample",
    "Scores",
    "Sensitivity",
    "Sight",
    "Size",
    "SpecError",
    "Status",
    "TimeIn",
    "TimeLaw",
    "TooLarge",
    "Tornado",
    "Transition",
    "TwoWay",
    "Unidentified",
    "Variable",
    "WatchList",
    "WordLaw",
    "Worlds",
    "WrongPlace",
    "WrongType",
    "Yardstick",
    "at",
    "base_rate",
    "chance",
    "compare",
    "confidence_rule",
    "datasets",
    "enters",
    "factor",
    "fingerprint",
    "first",
    "free",
    "function",
    "grades",
    "isnot",
    "log_normal",
    "logistic",
    "markov",
    "memory_limit",
    "moves",
    "near",
    "negative_binomial",
    "noisy_max",
    "noisy_or",
    "normal",
    "per_day",
    "per_month",
    "per_week",
    "per_year",
    "plot",
    "poisson",
    "pool",
    "pool_priors",
    "ranked",
    "reach",
    "set_memory_limit",
    "set_style",
    "set_threads",
    "since",
    "student",
    "style",
    "table",
    "threads",
    "time_in",
    "until",
    "word_for",
    "yardstick",
]


def __getattr__(name: str) -> Any:
    """`escalade.plot` needs matplotlib, so it is imported when it is first used."""
    if name == "plot":
        from importlib import import_module

        return import_module(".plot", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
