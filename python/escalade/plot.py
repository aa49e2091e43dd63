"""Pictures, in one style that colour-blind readers can tell apart, light or dark (:func:`escalade.set_style`).

Needs matplotlib: ``pip install escalade[plot]``. Each function takes ``ax=`` and returns the Axes; drawn into Axes that
are given, a picture follows their ground.
"""

from .forecast_plot import answers, fan, fans
from .ladder_plot import ladder
from .network_plot import network
from .numbers_plot import priors, ridges
from .replay_plot import replay
from .spans_plot import counts, passage, time_law
from .timeline_plot import timeline
from .why_plot import diagnosticity, tornado, two_way, watch, waterfall
from .words_plot import confidence, yardstick
from .worlds_plot import checks, comparison, pool

__all__ = [
    "answers",
    "checks",
    "comparison",
    "confidence",
    "counts",
    "diagnosticity",
    "fan",
    "fans",
    "ladder",
    "network",
    "passage",
    "pool",
    "priors",
    "replay",
    "ridges",
    "time_law",
    "timeline",
    "tornado",
    "two_way",
    "watch",
    "waterfall",
    "yardstick",
]
