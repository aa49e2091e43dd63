"""Files: the same model either way, and messages that name the file, the line and what is wrong."""

import re

import pytest

import escalade as esc
from crisis import crisis

MODEL = """\
name = "small"
origin = "2024-10-01"

[[driver]]
name = "restraint"
states = ["strong", "weak"]
table = [0.7, 0.3]

[[ladder]]
name = "peninsula"
rungs = ["rhetoric", "provocation", "clash"]
start = "rhetoric"

[[ladder.rate]]
moves = "up"
chance = "unlikely"
within = "1 year"

[[ladder.effect]]
when = { driver = "restraint", is = "weak" }
moves = "up"
factor = 2
spread = 1.5
"""


def test_a_file_and_the_builders_say_the_same():
    m = esc.Model("small", origin="2024-10-01")
    china = m.driver("restraint", {"strong": 0.7, "weak": 0.3})
    korea = m.ladder("peninsula", ["rhetoric", "provocation", "clash"], up=esc.chance("unlikely", within="1 year"))
    korea.effect(china == "weak", up=esc.factor(2, spread=1.5))
    read = esc.Model.from_toml(MODEL)
    assert read.to_toml() == m.to_toml()
    dossier = esc.Dossier(as_of="2024-10-31")
    question = esc.reach(korea == "clash", by="2025-06-30")
    assert read.condition(dossier).ask(question).probability == m.condition(dossier).ask(question).probability


def test_model_round_trip(tmp_path):
    m = crisis().model
    m.write(tmp_path / "model.toml")
    read = esc.Model.read(tmp_path / "model.toml")
    assert read.to_toml() == m.to_toml()
    assert list(read.ladders) == list(m.ladders)
    assert (read["peninsula"] >= "provocation").to_dict() == (m["peninsula"] >= "provocation").to_dict()
    assert [p["name"] for p in read.parameters()] == [p["name"] for p in m.parameters()]


def test_reading_then_building_goes_on():
    m = esc.Model.from_toml(MODEL)
    m["peninsula"].effect(esc.since("2025-01-20"), up=1.5)
    assert len(m.to_dict()["ladder"][0]["effect"]) == 2


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("table = [0.7, 0.3]", "table = [0.7, 0.4]", 7, "1.1"),
        ('start = "rhetoric"', 'start = "rethoric"', 12, "rethoric"),
        ('chance = "unlikely"', 'chance = "unlikley"', 16, "unlikley"),
        ("factor = 2", "factor = -2", 22, "-2"),
        ("spread = 1.5", "spred = 1.5", 23, "spred"),
        ("spread = 1.5", "spread = = 1.5", 23, "="),
        ('driver = "restraint"', 'driver = "restrain"', 20, "restrain"),
        ('origin = "2024-10-01"', 'origin = "2024-10-32"', 2, "2024-10-32"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, old, new, line, message):
    path = tmp_path / "model.toml"
    path.write_text(MODEL.replace(old, new, 1))
    with pytest.raises(esc.SpecError, match=re.escape(message)) as caught:
        esc.Model.read(path)
    assert "model.toml" in str(caught.value)
    assert f"line {line}" in str(caught.value)


def test_a_wrong_line_of_a_dossier_is_named():
    text = 'as_of = "2024-11-30"\n\n[[development]]\nid = "a"\nsaw = { ladder = "peninsula", at_leest = "clash" }\n'
    with pytest.raises(esc.SpecError, match="at_leest") as caught:
        esc.Dossier.from_toml(text, "dossier.toml")
    assert "dossier.toml, line 5" in str(caught.value)


def test_a_wrong_line_of_questions_is_named():
    text = '[[question]]\nname = "a"\nask = { reach = { ladder = "peninsula", is = "war" }, bye = "2025-01-01" }\n'
    with pytest.raises(esc.SpecError, match="bye") as caught:
        esc.Questions.from_toml(text, "questions.toml")
    assert "line 3" in str(caught.value)


def test_a_missing_file_is_python_s_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        esc.Model.read(tmp_path / "none.toml")


def test_a_fault_in_a_dossier_file_is_named_with_its_line(tmp_path):
    m = esc.Model(origin="2024-10-01")
    m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
    path = tmp_path / "dossier.toml"
    path.write_text(
        'as_of = "2024-11-30"\n\n[[development]]\nid = "a"\nsaw = { ladder = "penisula", is = "clash" }\n'
        'on = "2024-11-01"\n'
    )
    with pytest.raises(esc.SpecError, match=r"dossier\.toml, line 5: development 'a': .*penisula.*peninsula"):
        m.fit(esc.Dossier.read(path), progress=False)


def test_a_fault_in_a_file_of_questions_is_named_with_its_line(tmp_path):
    m = esc.Model(origin="2024-10-01")
    m.ladder("peninsula", ["rhetoric", "clash"], up=esc.per_year(0.3))
    path = tmp_path / "questions.toml"
    path.write_text(
        '[[question]]\nname = "q"\nask = { reach = { ladder = "peninsula", is = "war" }, by = "2025-06-30" }\n'
    )
    fit = m.condition(esc.Dossier(as_of="2024-11-30"))
    with pytest.raises(esc.SpecError, match=r"questions\.toml, line 3: question 'q': .*war"):
        fit.ask(esc.Questions.read(path))


def test_models_are_equal_if_they_say_the_same(tmp_path):
    m = crisis().model
    m.write(tmp_path / "model.toml")
    assert esc.Model.read(tmp_path / "model.toml") == m == m.copy()
    other = m.copy()
    other["peninsula"].effect(esc.since("2025-01-01"), up=2)
    assert other != m and m != "model"


def test_a_date_or_a_name_that_a_file_has_wrongly_is_named_with_its_line():
    with pytest.raises(esc.SpecError, match=r"d\.toml, line 2: as_of is 'june'; expected a date"):
        esc.Dossier.from_toml('name = "x"\nas_of = "june"\n', "d.toml")
    one = '[[question]]\nname = "war"\nask = { reach = { ladder = "s", is = "war" }, by = "2025-01-01" }\n'
    with pytest.raises(esc.SpecError, match=r"q\.toml, line 5: two questions are named 'war'"):
        esc.Questions.from_toml(one + one, "q.toml")
