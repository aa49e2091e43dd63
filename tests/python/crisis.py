"""A small crisis that the tests of the Python side share."""

from dataclasses import dataclass

import escalade as esc


@dataclass
class Crisis:
    model: esc.Model
    us: esc.Driver
    china: esc.Driver
    korea: esc.Ladder
    aid: esc.Ladder
    tone: esc.Status
    tests: esc.Events
    dossier: esc.Dossier
    questions: esc.Questions


def crisis() -> Crisis:
    """Two drivers, two linked ladders, two indicators, six developments of six kinds, four questions."""
    m = esc.Model("Troops abroad", origin="2024-10-01")
    us = m.driver("us_policy", {"continuity": 0.3, "settlement": 0.6, "disengagement": 0.1}, worth=20)
    china = m.driver(
        "restraint",
        ["strong", "weak"],
        given=us,
        table={"continuity": [0.7, 0.3], "settlement": {"strong": 0.6, "weak": 0.4}, "disengagement": [0.5, 0.5]},
    )
    korea = m.ladder(
        "peninsula",
        ["rhetoric", "provocation", "limited clash", "war"],
        start={"rhetoric": 0.8, "provocation": 0.2},
        up=esc.chance("unlikely", within="1 year", source="the article", known="2024-11-29", basis="word"),
        down=esc.per_month([0.5, 0.6, 0.7], spread=2),
    )
    aid = m.ladder(
        "seoul_aid", ["none", "defensive", "weapons"], up=esc.base_rate(1, over="5 years"), down=esc.per_year(1)
    )
    korea.effect(china == "weak", up=esc.factor(2, spread=1.5))
    korea.effect((us == "disengagement") & esc.since("2025-01-20"), up=1.2)
    aid.effect(korea >= "limited clash", up=esc.factor(3, spread=2))
    tone = m.status(
        "official_tone",
        ["calm", "sharp"],
        given=korea,
        table={"rhetoric": [0.9, 0.1], "provocation": [0.5, 0.5], "limited clash": [0.2, 0.8], "war": [0.1, 0.9]},
    )
    tests = m.events("missile_tests", given=korea, rate=esc.per_month([0.5, 1, 2, 3], spread=1.5))
    d = esc.Dossier(as_of="2024-11-30", name="October and November")
    d.saw(korea >= "provocation", between=("2024-10-08", "2024-10-17"), id="hostile", grade="B2", paragraph=6)
    d.counted(tests, at=["2024-10-31"], over=("2024-10-01", "2024-11-30"), id="tests")
    d.saw(tone == "sharp", on="2024-10-20", id="tone", grade="C3", doubt="one speech")
    d.saw(us != "continuity", on="2024-11-06", id="election", hit=0.9, false_alarm=0.3)
    d.never(aid >= "weapons", between=("2024-10-01", "2024-11-30"), id="no-arms")
    d.likelihood(korea, {"rhetoric": 0.5, "provocation": 1.0}, on="2024-11-20", id="reading")
    clash = esc.reach(
        korea >= "limited clash", by="2025-06-30", name="clash", criterion="an exchange of fire with deaths"
    )
    arms = esc.enters(aid == "weapons", by="2025-12-31", name="arms")
    first = esc.first(aid >= "defensive", before=korea == "war", by="2025-12-31", name="aid before war")
    calm = esc.at(korea == "rhetoric", on="2025-06-30").given(~clash, name="calm without clash")
    return Crisis(m, us, china, korea, aid, tone, tests, d, esc.Questions([clash, arms, first, calm]))
