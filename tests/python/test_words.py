"""Words and probabilities, both ways: published bands, laws of any yardstick, files, and surveys."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, stats

import escalade as esc

mpl.use("Agg")

NAMES = ("PHIA", "ICD 203", "Kent", "Perceptions")
POINTS = ("impossibility", "certainty")  # Kent's, of one number each
probabilities = st.floats(0, 1)
answers = st.integers(0, 1000).map(lambda k: k / 1000) | st.integers(0, 20).map(lambda k: k / 20)
yardsticks = st.sampled_from([esc.yardstick(name) for name in NAMES])
inner = st.floats(0.002, 0.998)


@st.composite
def own(draw):
    """A yardstick of one's own, its bands as they come: touching, overlapping or apart."""
    ends = draw(st.lists(st.tuples(inner, inner).map(sorted).map(tuple), min_size=1, max_size=6))
    assume(all(high - low > 1e-6 for low, high in ends))
    return esc.Yardstick("own", {f"w{k}": band for k, band in enumerate(ends)})


def inside(yardstick: esc.Yardstick, p: float) -> list[str]:
    """The words whose band holds a probability."""
    rows = zip(yardstick.word, yardstick.low, yardstick.high, strict=True)
    return [word for word, low, high in rows if low <= p <= high]


# The published tables, as their sources print them


def test_icd_203_as_printed():
    first = ["almost no chance", "very unlikely", "unlikely", "roughly even chance", "likely", "very likely"]
    second = ["remote", "highly improbable", "improbable", "roughly even odds", "probable", "highly probable"]
    ends = [1, 5, 20, 45, 55, 80, 95, 99]
    icd = esc.yardstick("ICD 203")
    assert list(icd.word) == [*first, "almost certain"]
    assert [same[0] for same in icd.same[:6]] == second and set(icd.same[6]) == {"almost certainly", "nearly certain"}
    assert [round(100 * p) for p in icd.low] == ends[:-1] and [round(100 * p) for p in icd.high] == ends[1:]


def test_kent_gives_or_takes():
    kent = {"almost certain": (93, 6), "probable": (75, 12), "chances about even": (50, 10), "probably not": (30, 10)}
    kent |= {"almost certainly not": (7, 5), "certainty": (100, 0), "impossibility": (0, 0)}
    table = esc.yardstick("Kent")
    assert set(table.word) == set(kent)
    for word, low, high in zip(table.word, table.low, table.high, strict=True):
        middle, about = kent[word]
        assert (100 * low, 100 * high) == pytest.approx((middle - about, middle + about), abs=1e-9)


def test_phia_as_printed():
    low, high = [0, 10, 25, 40, 55, 80, 95], [5, 20, 35, 50, 75, 90, 100]
    phia = esc.yardstick()
    assert (phia.name, [round(100 * p) for p in phia.low], [round(100 * p) for p in phia.high]) == ("PHIA", low, high)


def test_the_published_survey_is_made_of_its_answers():
    with (Path(__file__).parent / "perceptions.csv").open() as file:
        rows = list(csv.DictReader(file))
    answers = {word.lower(): [float(row[word]) / 100 for row in rows] for word in rows[0]}
    assert (len(rows), len(answers)) == (46, 17)
    made, known = esc.Yardstick.survey("made", answers), esc.yardstick("Perceptions")
    for k, word in enumerate(known.word):
        place = made.word.index(word)
        ends = made.low[place], made.high[place]
        assert (known.low[k], known.high[k]) == pytest.approx(ends, abs=5.1e-5)  # printed with four digits
        # Rounding moves a quartile by half a step at most.
        assert ends == pytest.approx(tuple(np.quantile(answers[word], [0.25, 0.75])), abs=0.026)


# From a probability to its word


@given(yardsticks | own(), probabilities)
def test_every_probability_has_one_word_and_a_mark_outside_all_bands(yardstick, p):
    word = yardstick.word_for(p)
    bare = word.removeprefix("≈ ")
    assert bare in yardstick.word
    assert word.startswith("≈ ") == (not inside(yardstick, p))
    if inside(yardstick, p):
        assert bare in inside(yardstick, p)


@given(yardsticks | own(), probabilities)
def test_no_band_is_nearer(yardstick, p):
    place = yardstick.word.index(yardstick.word_for(p).removeprefix("≈ "))
    far = [max(low - p, p - high, 0) for low, high in zip(yardstick.low, yardstick.high, strict=True)]
    assert far[place] <= min(far) + 2e-9
    middle = [abs(p - (low + high) / 2) for low, high in zip(yardstick.low, yardstick.high, strict=True)]
    rivals = [middle[k] for k, d in enumerate(far) if d <= far[place] - 2e-9 or abs(d - far[place]) < 1e-12]
    assert middle[place] <= min(rivals) + 2e-9


@pytest.mark.parametrize("name", NAMES[:3])
def test_the_middle_of_a_band_has_its_word(name):
    yardstick = esc.yardstick(name)
    for word, low, high in zip(yardstick.word, yardstick.low, yardstick.high, strict=True):
        assert esc.word_for((low + high) / 2, name) == word


@given(own())
def test_the_middle_of_a_band_that_overlaps_no_other_has_its_word(yardstick):
    for word, low, high in zip(yardstick.word, yardstick.low, yardstick.high, strict=True):
        if inside(yardstick, (low + high) / 2) == [word]:
            assert yardstick.word_for((low + high) / 2) == word


@pytest.mark.parametrize(
    ("p", "name", "word"),
    [
        (0.05, "ICD 203", "almost no chance"),  # where bands touch: the narrower, its middle is nearer
        (0.2, "ICD 203", "very unlikely"),
        (0.45, "ICD 203", "roughly even chance"),
        (0.55, "icd 203", "roughly even chance"),
        (0.8, "ICD 203", "very likely"),
        (0.95, "ICD 203", "almost certain"),
        (0.995, "ICD 203", "≈ almost certain"),
        (0.4, "Kent", "probably not"),  # two bands of one width: the lower
        (0.87, "Kent", "almost certain"),
        (0.0, "Kent", "impossibility"),
        (0.16, "Kent", "≈ almost certainly not"),
        (0.22, "PHIA", "≈ highly unlikely"),
        (0.225, "PHIA", "≈ highly unlikely"),
        (0.775, "PHIA", "≈ highly likely"),
        (0.5, "Perceptions", "about even"),
        (0.4, "Perceptions", "≈ probably not"),
    ],
)
def test_boundaries_and_gaps(p, name, word):
    assert esc.word_for(p, name) == word


# From a word to its distribution


@given(yardsticks | own(), st.integers(0, 16))
def test_the_band_is_the_central_half(yardstick, k):
    k %= len(yardstick)
    assume(yardstick.word[k] not in POINTS)
    law = yardstick.distribution(yardstick.word[k])
    low, high = yardstick.low[k] or 0.01, yardstick.high[k] if yardstick.high[k] < 1 else 0.99
    assert law.quantile([0.25, 0.75]) == pytest.approx([low, high], rel=1e-12)
    assert law.cdf(np.array([low, high])) == pytest.approx([0.25, 0.75], rel=1e-9)
    assert low < law.median < high and 0 < law.mean < 1
    assert law.quantile(0.5) == pytest.approx(law.median, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_law_is_logit_normal(name):
    yardstick = esc.yardstick(name)
    for word in set(yardstick.word) - set(POINTS):
        law = yardstick.distribution(word)
        normal = stats.norm(law.location, law.scale)
        p = np.linspace(0.005, 0.995, 67)
        assert law.cdf(p) == pytest.approx(normal.cdf(np.log(p / (1 - p))), rel=1e-9, abs=1e-14)
        assert law.pdf(0.5) == pytest.approx(4 * normal.pdf(0), rel=1e-12, abs=1e-300)
        mean = integrate.quad(
            lambda x, n=normal: n.pdf(x) / (1 + np.exp(-x)), *normal.interval(1 - 1e-13), epsabs=1e-12
        )
        assert law.mean == pytest.approx(mean[0], rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_reads_words_so(name):
    """The quartiles of what `chance` and `expect` make of a word are those of its distribution."""
    yardstick = esc.yardstick(name)
    for word in set(yardstick.word) - set(POINTS):
        law, quartile = yardstick.distribution(word), stats.norm.ppf(0.75)
        m = esc.Model(origin="2024-10-01")
        ladder = m.ladder("front", ["quiet", "war"], up=esc.chance(word, within="1 month", yardstick=name))
        (row,) = m.parameters()
        spread = np.log(row["prior_high"] / row["prior_low"]) / (2 * stats.norm.ppf(0.95))  # sd of the logarithm
        rate = np.sqrt(row["prior_high"] * row["prior_low"]) * np.exp([-quartile * spread, quartile * spread])
        assert 1 - np.exp(-rate) == pytest.approx([law.low, law.high], rel=1e-9)
        assert row["words"] == f"{word} ({name}) within 1 month"
        m.expect(esc.reach(ladder == "war", by="2025-10-01", name="war"), word, yardstick=name)
        told = m.condition(esc.Dossier(as_of="2024-10-01")).expectations()["war"]
        assert told["judged"] == pytest.approx([law.median, law.low, law.high], rel=1e-9)
        assert told["words"] == f"{word} ({name})"


def test_a_bare_word_is_phias():
    def read(**by):
        m = esc.Model(origin="2024-10-01")
        m.ladder("front", ["quiet", "war"], up=esc.chance("unlikely", within="1 year", **by))
        return m.parameters()[0]

    bare, named, other = read(), read(yardstick="PHIA"), read(yardstick="icd 203")
    assert bare["words"] == "unlikely within 1 year" and named["words"] == "unlikely (PHIA) within 1 year"
    assert bare["value"] == named["value"] != other["value"]
    assert other["words"] == "unlikely (ICD 203) within 1 year"


# Files


DESK = esc.Yardstick("our desk", {"open": (0.3, 0.7), "doubtful": (0.1, 0.3)}, same={"open": ["in the balance"]})


def model_with(yardstick) -> esc.Model:
    word = "in the balance" if yardstick is DESK else "improbable"
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.chance(word, within="1 year", yardstick=yardstick))
    m.expect(esc.reach(front == "war", by="2025-10-01", name="war"), word, yardstick=yardstick, spread=1.5)
    return m


@pytest.mark.parametrize("yardstick", ["ICD 203", DESK, esc.yardstick("Perceptions")])
def test_files_keep_the_yardstick(yardstick):
    m = model_with(yardstick)
    again = esc.Model.from_toml(m.to_toml())
    assert again == m and again.to_dict() == m.to_dict()
    (rate,), (judged,) = m.to_dict()["ladder"][0]["rate"], m.to_dict()["expect"]
    if yardstick is DESK:
        assert rate["yardstick"] == judged["yardstick"] == {"name": "our desk", "low": 0.3, "high": 0.7}
        assert 'yardstick = { name = "our desk", low = 0.3, high = 0.7 }' in m.to_toml()
        assert m.parameters()[0]["words"] == "in the balance (our desk) within 1 year"
    else:
        name = yardstick if isinstance(yardstick, str) else yardstick.name
        assert rate["yardstick"] == judged["yardstick"] == name


RATE = """
origin = "2024-10-01"
[[ladder]]
name = "front"
rungs = ["quiet", "war"]
start = "quiet"
[[ladder.rate]]
moves = "up"
within = "1 year"
"""


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('chance = "unlikely"\nyardstick = "IPCC"', r"'IPCC' is no yardstick; expected one of \"PHIA\", \"ICD 203\""),
        ('chance = "about even"', r"no word of the yardstick PHIA \(it is of Perceptions\)"),
        ('chance = "certain"\nyardstick = "Kent"', "the band of 'certain' is 1 to 1, no belief"),
        ("chance = 0.2\nyardstick = 'Kent'", "a yardstick is given beside a number"),
        ("yardstick = 'Kent'", "needs `chance` beside it"),
        ("chance = 'so'\nyardstick = { name = 'own', low = 0.6, high = 0.4 }", "0.6 to 0.4, no belief"),
        ("chance = 'so'\nyardstick = { name = 'own', low = -0.1, high = 0.4 }", "-0.1 to 0.4, no belief"),
        ("chance = 'so'\nyardstick = { name = 'own', low = 0.1 }", "the name of a yardstick, or a table"),
    ],
)
def test_files_are_refused(lines, says):
    with pytest.raises(esc.SpecError, match=says):
        esc.Model.from_toml(RATE + lines)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: esc.yardstick("ICD203"), "no yardstick 'ICD203'; did you mean 'ICD 203'"),
        (lambda: esc.word_for(0.2, "IPCC"), "there is no yardstick 'IPCC'"),
        (lambda: esc.word_for(0.2, 3), "the name of a yardstick, or an esc.Yardstick"),
        (lambda: esc.chance("remote", "1 year", yardstick="Kent"), r"'Kent' \(it is of ICD 203\) has no word 'remote'"),
        (lambda: esc.chance(0.2, "1 year", yardstick="Kent"), "beside the number 0.2"),
        (lambda: esc.yardstick("Kent").distribution("certain"), "stands for 1 to 1; expected a word with a band"),
        (lambda: DESK.distribution("opne"), "did you mean 'open'"),
        (lambda: esc.Yardstick("phia", {"so": (0, 1)}), "one of that name is published"),
        (lambda: esc.Yardstick("own", {}), "a mapping of words to bands"),
        (lambda: esc.Yardstick("own", {"so": (0.6, 0.4)}), "0 ≤ low ≤ high ≤ 1"),
        (lambda: esc.Yardstick("own", {"so": 0.4}), "a band, such as"),
        (lambda: esc.Yardstick("own", {"so": (0, 1)}, same={"sow": ["x"]}), "there is no word 'sow'"),
        (lambda: esc.Yardstick("own", {"so": (0, 1), "So ": (0, 0.1)}), "'so' stands there twice"),
        (lambda: esc.Yardstick.survey("own", {"so": [30, 40]}), "a list of probabilities, 0 to 1"),
        (lambda: esc.Yardstick.survey("own", {"so": []}), "one at least"),
        (lambda: esc.Yardstick.survey("own", [0.1]), "a mapping of words"),
        (lambda: DESK.distribution("open").quantile([0, 0.5]), "strictly between 0 and 1"),
    ],
)
def test_refusals(make, says):
    with pytest.raises(esc.SpecError, match=says):
        make()


# Surveys


@given(st.dictionaries(st.sampled_from("abc"), st.lists(answers, min_size=1, max_size=30), min_size=1))
def test_a_survey_has_quartiles_of_rounded_answers(given_by_word):
    made = esc.Yardstick.survey("asked", given_by_word)
    for word, said in given_by_word.items():
        place = made.word.index(word)
        # Each answer as a thousand evenly spread ones.
        steps = (np.arange(1000) + 0.5) / 1000
        half = [0.025 if abs(round(20 * p) - 20 * p) < 1e-6 else 0.005 for p in said]
        spread = [max(p - h, 0) + (min(p + h, 1) - max(p - h, 0)) * steps for p, h in zip(said, half, strict=True)]
        below = [np.mean(np.ravel(spread) <= end + 1e-9) for end in (made.low[place], made.high[place])]
        assert below == pytest.approx([0.25, 0.75], abs=2e-3)
        assert made.low[place] < made.high[place]
        law = made.distribution(word)
        assert law.quantile([0.25, 0.75]) == pytest.approx([made.low[place], made.high[place]], rel=1e-9)


# What readers see


def test_answers_in_other_words(tmp_path):
    m = esc.Model(origin="2024-10-01")
    front = m.ladder("front", ["quiet", "war"], up=esc.per_year(0.3, spread=2))
    answers = m.fit(esc.Dossier(as_of="2024-11-30")).ask(esc.reach(front == "war", by="2025-09-30", name="war"))
    p = answers["war"].probability
    assert answers["war"].word == esc.word_for(p) and list(answers.shown())[-1] == "in words"
    for name in (*NAMES, DESK):
        other = answers.in_words(name)
        assert other.word == (other["war"].word,) == (esc.word_for(p, name),)
        assert other.probability is answers.probability
        other.plot().figure.savefig(tmp_path / "answers.png")
    assert list(answers.in_words("Kent").shown())[-1] == "in words (Kent)"
    assert answers.word == (esc.word_for(p),)


@pytest.mark.parametrize("name", NAMES)
def test_a_yardstick_is_a_table_and_a_picture(name, tmp_path):
    yardstick = esc.yardstick(name)
    assert len(yardstick.to_frame()) == len(yardstick) and yardstick.source in str(yardstick)
    assert all(word in yardstick._repr_html_() for word in yardstick.word)
    ax = yardstick.plot()
    assert len(ax.get_yticks()) == len(yardstick)
    ax.figure.savefig(tmp_path / "yardstick.png")
