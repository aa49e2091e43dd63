"""Words for probabilities, both ways, by the yardstick that is asked for; and the grades of sources, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._core import SpecError
from .frames import Pictured, Table
from .values import Tree, listed, missing, number, probability_text, text, texts, wrong

QUARTILE = 0.6744897501960817  # the upper quartile of the standard normal
ROUND = 20  # answers are mostly rounded to one in so many: to 5 points of 100
A_PROBABILITY = "a probability, 0 to 1"


@dataclass(frozen=True)
class WordTable(Table):
    """A small table that comes with the package."""

    title: str
    data: Mapping[str, Sequence[Any]]

    def columns(self) -> Mapping[str, Sequence[Any]]:
        """The columns by name."""
        return self.data

    def caption(self) -> str:
        """A line above the table."""
        return self.title

    def __len__(self) -> int:
        return len(next(iter(self.data.values())))

    __repr__ = Table.__str__


@dataclass(frozen=True, init=False, repr=False)
class Yardstick(Pictured):
    """Words, each with the band of probabilities that it stands for; :func:`yardstick` has those that are published.

    A band is the central half of the belief of whoever says its word; its ends belong to it. A probability belongs to
    the nearest band. Where bands touch or overlap, or two are equally near, it belongs to the one whose middle is
    nearest, and of two such to the lower.

    Parameters
    ----------
    name : str
        What it is called; none of the published ones' names.
    bands : mapping of str to (float, float)
        The probabilities, low and high, that each word stands for.
    same : mapping of str to list of str, optional
        Other words for these.
    source : str
        Who or what says so.

    Raises
    ------
    SpecError
        If a band is none, a word stands twice, or the name is that of a published one.

    Examples
    --------
    >>> import escalade as esc
    >>> bands = {"doubtful": (0.1, 0.3), "open": (0.3, 0.7)}
    >>> desk = esc.Yardstick("our desk", bands, same={"open": ["in the balance"]})
    >>> desk.word_for(0.45), desk.word_for(0.3), desk.word_for(0.9)
    ('open', 'doubtful', '≈ open')
    >>> desk.distribution("in the balance").quantile([0.25, 0.75]).round(6).tolist()
    [0.3, 0.7]
    """

    picture = "yardstick"

    name: str
    word: tuple[str, ...]  #: from the least to the most likely, by the middles of their bands
    low: tuple[float, ...]
    high: tuple[float, ...]
    same: tuple[tuple[str, ...], ...]  #: other words for each
    source: str

    def __init__(
        self,
        name: str,
        bands: Mapping[str, tuple[float, float]],
        *,
        same: Mapping[str, Sequence[str]] | None = None,
        source: str = "",
    ) -> None:
        named = f"yardstick {text(name, 'the name of a yardstick')!r}"
        if name.strip().lower() in (known.lower() for known in published()):
            raise SpecError(
                f"{named}: one of that name is published, see esc.yardstick({name!r}); expected another name"
            )
        if not isinstance(bands, Mapping) or not bands:
            raise wrong(f"{named}: bands", bands, "a mapping of words to bands, such as {'likely': (0.55, 0.8)}")
        for word in same or {}:
            if word not in bands:
                raise missing(f"{named}: same: there is no word", word, bands)
        rows = []
        for word, band in bands.items():
            others = texts((same or {}).get(word, []), f"{named}: same[{word!r}]")
            rows.append((text(word, f"{named}: a word"), tuple(others), *sound_band(band, f"{named}: {word!r}")))
        every = [plain(said) for word, others, *_ in rows for said in (word, *others)]
        twice = next((said for said in every if every.count(said) > 1), None)
        if twice is not None:
            raise SpecError(f"{named}: {twice!r} stands there twice; expected each word once")
        self._hold(name, sorted(rows, key=lambda row: row[2] + row[3]), text(source, f"{named}: source"))

    def _hold(self, name: str, rows: Sequence[tuple[str, Sequence[str], float, float]], source: str) -> Yardstick:
        """Take rows that are sound and in order."""
        word, same, low, high = zip(*rows, strict=True)
        held = {"name": name, "word": word, "low": low, "high": high, "same": tuple(map(tuple, same)), "source": source}
        for key, value in held.items():
            object.__setattr__(self, key, value)
        return self

    @classmethod
    def survey(cls, name: str, answers: Mapping[str, ArrayLike], *, source: str = "") -> Yardstick:
        """The yardstick of people who were asked what number each word means to them.

        A word's band reaches from the lower to the upper quartile of its answers, those of the rounded data: an answer
        that is a multiple of 5 points stands for the 5 points about it, another for the one point about it. So a word
        for which nearly all say one number still has a band, and a stray answer (100 for "doubtful") does little.

        Parameters
        ----------
        name : str
            What it is called.
        answers : mapping of str to array
            The probabilities, 0 to 1, that were given for each word; one at least.
        source : str
            Who was asked, by whom and when.

        Returns
        -------
        Yardstick

        Examples
        --------
        >>> import escalade as esc
        >>> asked = {"even": [0.5, 0.5, 0.5], "likely": [0.6, 0.65, 0.7, 0.7, 0.75, 0.8]}
        >>> heard = esc.Yardstick.survey("our readers", asked)
        >>> [(round(low, 4), round(high, 4)) for low, high in zip(heard.low, heard.high)]
        [(0.4875, 0.5125), (0.65, 0.75)]
        """
        if not isinstance(answers, Mapping) or not answers:
            raise wrong("survey: answers", answers, "a mapping of words to lists of probabilities")
        quartiles = {word: answered(given, f"survey: {word!r}") for word, given in answers.items()}
        return cls(name, quartiles, source=source)

    def word_for(self, p: float) -> str:
        """The word for a probability; "≈ " and the nearest word where it lies in no band.

        Parameters
        ----------
        p : float
            0 to 1; of nan the word is "unknown".

        Returns
        -------
        str
        """
        found = _core.nearest_band(list(zip(self.low, self.high, strict=True)), p)
        if found is None:
            return "unknown"
        place, inside = found
        return self.word[place] if inside else f"≈ {self.word[place]}"

    def distribution(self, word: str) -> WordLaw:
        """What whoever says a word believes: the law whose quartiles are the ends of the word's band.

        Parameters
        ----------
        word : str
            One of the yardstick, or one that means the same.

        Returns
        -------
        WordLaw

        Raises
        ------
        SpecError
            If there is no such word, or it stands for one number alone.
        """
        place = self._place(word)
        ends = _core.band_quartiles(self.low[place], self.high[place])
        if ends is None:
            band = f"{self.low[place]:g} to {self.high[place]:g}"
            raise SpecError(f"yardstick {self.name!r}: {word!r} stands for {band}; expected a word with a band")
        return WordLaw(self.word[place], self.name, *ends)

    def _place(self, word: str) -> int:
        """The place of a word, or of one that means the same."""
        said = plain(text(word, "the word"))
        for place, (own, same) in enumerate(zip(self.word, self.same, strict=True)):
            if said in (plain(own), *map(plain, same)):
                return place
        others = [y.name for y in published().values() if y is not self and said in map(plain, y._every())]
        there = f" (it is of {', '.join(others)})" if others else ""
        raise missing(f"yardstick {self.name!r}{there} has no word", word, self.word, "it has")

    def _others(self) -> list[list[str]]:
        """The other words for each that it does not name itself, as "likely or probable" does."""
        rows = zip(self.word, self.same, strict=True)
        return [[other for other in same if other not in word.split(" or ")] for word, same in rows]

    def _every(self) -> list[str]:
        return [*self.word, *(other for same in self.same for other in same)]

    def __len__(self) -> int:
        return len(self.word)

    def columns(self) -> dict[str, Sequence[Any]]:
        """One row a word."""
        return {"word": self.word, "same": self.same, "low": self.low, "high": self.high}

    def shown(self) -> dict[str, Sequence[Any]]:
        """The bands as a reader sees them."""
        rows = zip(self.low, self.high, strict=True)
        out: dict[str, Sequence[Any]] = {"word": self.word}
        if any(self._others()):
            out["or"] = [", ".join(others) for others in self._others()]
        return {**out, "band": [probability_text(a) + (f"–{probability_text(b)}" if a < b else "") for a, b in rows]}

    def caption(self) -> str:
        """A line above the table."""
        return f"{self.name}{f': {self.source}' if self.source else ''}"

    __repr__ = Table.__str__


#: The name of a published yardstick, or one of one's own.
YardstickLike = str | Yardstick


@dataclass(frozen=True)
class WordLaw:
    """A word as a distribution: logit-normal, its quartiles the ends of the word's band.

    Made by :meth:`Yardstick.distribution`.

    An end at 0 is read as 0.01, one at 1 as 0.99. :meth:`Model.expect` reads a word so; :func:`chance` puts the same
    quartiles on the logarithm of an intensity.

    Examples
    --------
    >>> import escalade as esc
    >>> law = esc.yardstick("ICD 203").distribution("likely")
    >>> law
    likely (ICD 203): 0.69, half within 0.55–0.80, 90% within 0.34–0.90
    >>> round(law.mean, 2), round(law.cdf(0.8), 6)
    (0.66, 0.75)
    """

    word: str
    yardstick: str
    low: float  #: the lower quartile
    high: float  #: the upper quartile

    @property
    def location(self) -> float:
        """The mean of the logit, the logit of the median."""
        return float(logit(self.low) + logit(self.high)) / 2

    @property
    def scale(self) -> float:
        """The standard deviation of the logit."""
        return float(logit(self.high) - logit(self.low)) / (2 * QUARTILE)

    @property
    def median(self) -> float:
        """As likely to lie above as below."""
        return float(expit(self.location))

    @property
    def mean(self) -> float:
        """The probability to act on, where only the word is known."""
        z = np.linspace(-9, 9, 1801)  # the trapezium rule: exact to rounding for so smooth a thing
        weight = np.exp(-0.5 * z**2)
        return float((expit(self.location + self.scale * z) * weight).sum() / weight.sum())

    def quantile(self, q: ArrayLike) -> Any:
        """Below which the probability lies with chance `q`.

        Parameters
        ----------
        q : float or array
            Strictly between 0 and 1.

        Returns
        -------
        float or array
        """
        from statistics import NormalDist

        asked = np.asarray(q, dtype=float)
        if not ((asked > 0) & (asked < 1)).all():
            raise wrong("quantile: q", q, "numbers strictly between 0 and 1")
        z = np.array([NormalDist().inv_cdf(x) for x in asked.ravel().tolist()]).reshape(asked.shape)
        return scalar(expit(self.location + self.scale * z))

    def cdf(self, p: ArrayLike) -> Any:
        """The chance that the probability is at most `p`.

        Parameters
        ----------
        p : float or array
            Strictly between 0 and 1.

        Returns
        -------
        float or array
        """
        from statistics import NormalDist

        z = (logit(np.asarray(p, dtype=float)) - self.location) / self.scale
        return scalar(np.array([NormalDist().cdf(x) for x in z.ravel().tolist()]).reshape(z.shape))

    def pdf(self, p: ArrayLike) -> Any:
        """The density of the probability.

        Parameters
        ----------
        p : float or array
            Strictly between 0 and 1.

        Returns
        -------
        float or array
        """
        x = np.asarray(p, dtype=float)
        z = (logit(x) - self.location) / self.scale
        return scalar(np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * self.scale * x * (1 - x)))

    def __repr__(self) -> str:
        low, high = self.quantile([0.05, 0.95])
        ends = [probability_text(p) for p in (self.median, self.low, self.high, low, high)]
        return "{} ({}): {}, half within {}–{}, 90% within {}–{}".format(self.word, self.yardstick, *ends)


def word_for(p: float, yardstick: YardstickLike = "PHIA") -> str:
    """A yardstick's word for a probability; "≈ " and the nearest word in a gap between two bands.

    Parameters
    ----------
    p : float
        0 to 1.
    yardstick : str or Yardstick
        See :func:`yardstick`.

    Returns
    -------
    str

    Raises
    ------
    SpecError
        If it is no probability, or there is no such yardstick.

    Examples
    --------
    >>> import escalade as esc
    >>> esc.word_for(0.3), esc.word_for(0.22), esc.word_for(0.22, "ICD 203")
    ('unlikely', '≈ highly unlikely', 'unlikely')
    """
    if not 0 <= number(p, "p", A_PROBABILITY) <= 1:
        raise SpecError(f"p is {p}; expected {A_PROBABILITY}")
    return read_by(yardstick).word_for(float(p))


def yardstick(name: str = "PHIA") -> Yardstick:
    """A published yardstick: its words, each with its band.

    Parameters
    ----------
    name : {"PHIA", "ICD 203", "Kent", "Perceptions"}
        The Professional Head of Intelligence Assessment (UK, 2025), by which a bare word is read; Intelligence
        Community Directive 203 (US, 2015); Sherman Kent's of 1964; a poll of 2015, as quartiles of what 46 readers
        said. Make others with :class:`Yardstick`.

    Returns
    -------
    Yardstick
        Columns word, same, low, high; ``plot()`` draws the bands and their distributions.

    Examples
    --------
    >>> import escalade as esc
    >>> print(esc.yardstick("Kent"))
    Kent: Kent, Words of Estimative Probability, Studies in Intelligence 8(4), 1964
    word                  or          band
    impossibility         impossible  0
    almost certainly not              0.02–0.12
    probably not                      0.20–0.40
    chances about even                0.40–0.60
    probable                          0.63–0.87
    almost certain                    0.87–0.99
    certainty             certain     1
    """
    return read_by(text(name, "the name of a yardstick"))


def grades() -> WordTable:
    """The grades of sources (Admiralty code): what a graded development weighs.

    `hit` is the chance of the report if it happened, `false_alarm` if it did not; only their ratio matters for one
    report. ``hit=`` and ``false_alarm=`` of a development say it otherwise.

    Returns
    -------
    WordTable
        Columns grade, hit, false_alarm.

    Examples
    --------
    >>> import escalade as esc
    >>> "B2" in esc.grades().data["grade"]
    True
    """
    grade, hit, false_alarm = zip(*_core.grades(), strict=True)
    return WordTable("Grades of sources", {"grade": grade, "hit": hit, "false_alarm": false_alarm})


@cache
def published() -> dict[str, Yardstick]:
    """The yardsticks that come with the package, by name."""
    kept = {name: (source, words) for name, source, words in _core.yardsticks()}
    return {name: Yardstick.__new__(Yardstick)._hold(name, rows, source) for name, (source, rows) in kept.items()}


def read_by(yardstick: YardstickLike) -> Yardstick:
    """The yardstick of a name, or the one that is given."""
    if isinstance(yardstick, Yardstick):
        return yardstick
    named = {plain(name): own for name, own in published().items()}
    said = plain(text(yardstick, "yardstick", "the name of a yardstick, or an esc.Yardstick"))
    if said not in named:
        raise missing("there is no yardstick", yardstick, published())
    return named[said]


def yardstick_tree(chance: str | float, yardstick: YardstickLike | None) -> Tree:
    """What a tree says of the yardstick that a word is read by: its name, or of one's own the word's band."""
    if yardstick is None:
        return {}
    by = read_by(yardstick)
    if not isinstance(chance, str):
        raise SpecError(f"a yardstick ({by.name}) is given beside the number {chance}; expected one beside a word only")
    place = by._place(chance)
    if published().get(by.name) is by:
        return {"yardstick": by.name}
    return {"yardstick": {"name": by.name, "low": by.low[place], "high": by.high[place]}}


def plain(word: str) -> str:
    """A word as it is compared."""
    return word.strip().lower()


def sound_band(band: Any, what: str) -> tuple[float, float]:
    """The two ends of a band."""
    ends = [number(end, what, A_PROBABILITY) for end in listed(band, what, "a band, such as (0.55, 0.8)")]
    if len(ends) != 2 or not 0 <= ends[0] <= ends[1] <= 1:
        raise SpecError(f"{what} is {band}; expected a band, such as (0.55, 0.8), with 0 ≤ low ≤ high ≤ 1")
    return ends[0], ends[1]


def answered(given: ArrayLike, what: str) -> tuple[float, float]:
    """The quartiles of answers, each spread evenly over the numbers that it was rounded from."""
    try:
        said = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise wrong(what, given, "a list of probabilities") from None
    if said.ndim != 1 or not len(said) or not ((said >= 0) & (said <= 1)).all():
        raise wrong(what, given, "a list of probabilities, 0 to 1, one at least")
    half = np.where(abs(said * ROUND - np.round(said * ROUND)) < 1e-6, 0.5 / ROUND, 0.005)
    low, high = np.maximum(said - half, 0), np.minimum(said + half, 1)
    ends = np.unique([low, high])
    share = np.clip((ends[:, None] - low) / (high - low), 0, 1).mean(axis=1)

    def quantile(q: float) -> float:
        # Where the share stays at q over a gap, the middle of the gap.
        return float(np.interp([q - 1e-12, q + 1e-12], share, ends).mean())

    return quantile(0.25), quantile(0.75)


def logit(p: Any) -> NDArray[np.float64]:
    """The logarithm of the odds."""
    return np.asarray(np.log(p) - np.log1p(-np.asarray(p)))


def expit(x: Any) -> NDArray[np.float64]:
    """The probability of log-odds."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(x))))


def scalar(x: NDArray[np.float64]) -> Any:
    """A number where one was asked for."""
    return float(x) if x.ndim == 0 else x
