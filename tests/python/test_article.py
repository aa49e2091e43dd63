"""The article's model, dossier and questions as data: complete, sourced, of their date, and in our own words.

Only the standard library is used, so that this runs without the kernel, but for the last test.
"""

import csv
import datetime
import itertools
import math
import os
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "python" / "escalade" / "data" / "article"
DOC = ROOT / "docs" / "article.md"
ARTICLE = ROOT.parent / "shared" / "article.txt"
PARAGRAPHS = 13
ORIGIN, AS_OF = "2024-10-01", "2024-11-30"
GRADE = re.compile(r"[A-F][1-6]")
DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
RUN = 8  # as many words in a row as must not be the article's


def load(name):
    with open(FOLDER / name, "rb") as file:
        return tomllib.load(file)


MODEL, DOSSIER, QUESTIONS = load("model.toml"), load("dossier.toml"), load("questions.toml")
DRIVERS = {entry["name"]: entry for entry in MODEL["driver"]}
LADDERS = {entry["name"]: entry for entry in MODEL["ladder"]}
STATUSES = {entry["name"]: entry for entry in MODEL["status"]}
EVENTS = {entry["name"]: entry for entry in MODEL["events"]}
DEVELOPMENTS = DOSSIER["development"]


def states(name):
    if name in DRIVERS:
        return DRIVERS[name]["states"]
    return LADDERS[name]["rungs"]


def listed(value):
    return [value] if isinstance(value, str) else value


def parts(condition):
    """The conditions without parts of their own that a condition is made of."""
    for key in ("all", "any"):
        if key in condition:
            return [leaf for part in condition[key] for leaf in parts(part)]
    return parts(condition["not"]) if "not" in condition else [condition]


def named(condition, kind):
    return {leaf[kind] for leaf in parts(condition) if kind in leaf}


def check_condition(condition):
    for leaf in parts(condition):
        if "driver" in leaf:
            assert set(leaf) == {"driver", "is"}
            assert set(listed(leaf["is"])) <= set(states(leaf["driver"])), leaf
        elif "ladder" in leaf:
            (relation,) = set(leaf) - {"ladder"}
            assert relation in {"is", "at_least", "at_most"}
            assert relation == "is" or LADDERS[leaf["ladder"]].get("ordered", True), leaf
            assert set(listed(leaf[relation])) <= set(states(leaf["ladder"])), leaf
        elif "indicator" in leaf:
            assert set(leaf) == {"indicator", "is"}
            assert set(listed(leaf["is"])) <= set(STATUSES[leaf["indicator"]]["states"]), leaf
        else:
            assert leaf and set(leaf) <= {"since", "until"}, leaf
            assert all(datetime.date.fromisoformat(day) for day in leaf.values())


def numbered():
    """Every entry of the model that may hold a number, with a name for messages."""
    for kind in ("driver", "ladder", "status", "events"):
        for entry in MODEL[kind]:
            yield f"{kind} {entry['name']}", entry
            for part in ("rate", "effect"):
                if kind == "ladder":
                    for index, inner in enumerate(entry.get(part, []), start=1):
                        yield f"ladder {entry['name']}, {part} {index}", inner


def dates(development):
    for key in ("on", "between", "over"):
        if key in development:
            return listed(development[key])
    return []


def atoms(ask):
    for key in ("all", "any"):
        if key in ask:
            return [atom for part in ask[key] for atom in atoms(part)]
    return atoms(ask["not"]) if "not" in ask else [ask]


def moves_of(rungs, moves):
    """The pairs that a rate's `moves` names."""
    if moves == "up":
        return list(itertools.pairwise(rungs))
    if moves == "down":
        return [(b, a) for a, b in itertools.pairwise(rungs)]
    return [tuple(pair) for pair in moves]


def test_sizes():
    assert len(LADDERS) >= 8
    assert len(QUESTIONS["question"]) >= 14
    assert 25 <= len(DEVELOPMENTS) <= 50
    assert MODEL["origin"] == ORIGIN
    assert DOSSIER["as_of"] == AS_OF


@pytest.mark.parametrize(("name", "entry"), list(numbered()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_number_has_its_ground(name, entry):
    assert entry.get("source"), name
    assert entry.get("basis") in {"word", "base rate", "judgement"}, name
    assert datetime.date.fromisoformat(entry["known"]) <= datetime.date.fromisoformat(AS_OF), name
    if "Gardiner" in entry["source"]:
        assert all(1 <= int(number) <= PARAGRAPHS for number in re.findall(r"\b\d{1,2}\b", entry["source"])), name
    if entry["basis"] == "word":
        assert entry["source"].startswith("Gardiner"), name
        assert isinstance(entry["chance"], str | float), name


@pytest.mark.parametrize("entry", LADDERS.values(), ids=lambda entry: entry["name"])
def test_ladders(entry):
    rungs = entry["rungs"]
    start = entry["start"]
    if isinstance(start, str):
        assert start in rungs
    else:
        assert set(start) <= set(rungs)
        assert math.isclose(sum(start.values()), 1)
    moves = [pair for rate in entry["rate"] for pair in moves_of(rungs, rate["moves"])]
    assert len(moves) == len(set(moves))
    assert all(a != b and a in rungs and b in rungs for a, b in moves)
    for effect in entry.get("effect", []):
        check_condition(effect["when"])
        assert effect["factor"] > 0
        if isinstance(effect["moves"], str):
            assert effect["moves"] in {"up", "down"}
            assert entry.get("ordered", True)
        else:
            assert set(map(tuple, effect["moves"])) <= set(moves)


def check_table(table, parents, width):
    if parents:
        assert set(table) == set(states(parents[0]))
        for rows in table.values():
            check_table(rows, parents[1:], width)
    else:
        assert len(table) == width
        assert min(table) >= 0
        assert math.isclose(sum(table), 1, abs_tol=1e-9)


@pytest.mark.parametrize("entry", [*DRIVERS.values(), *STATUSES.values()], ids=lambda entry: entry["name"])
def test_tables(entry):
    check_table(entry["table"], entry.get("given", []), len(entry["states"]))


def test_events_rates():
    for entry in EVENTS.values():
        assert len(entry["rate"]) == math.prod(len(states(parent)) for parent in entry["given"])


def test_ids_are_unique():
    ids = [development["id"] for development in DEVELOPMENTS]
    assert len(ids) == len(set(ids))
    names = [*DRIVERS, *LADDERS, *STATUSES, *EVENTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("development", DEVELOPMENTS, ids=lambda development: development["id"])
def test_development_is_complete(development):
    assert development["id"]
    assert GRADE.fullmatch(development["grade"])
    assert development["source"]
    assert 1 <= development["paragraph"] <= PARAGRAPHS
    assert len(development["note"].split()) >= 5
    held = dates(development)
    assert held and held == sorted(held)
    assert all(ORIGIN <= day[:10] <= AS_OF for day in held)
    reported = development.get("reported", held[-1])[:10]
    assert held[-1][:10] <= reported <= AS_OF


@pytest.mark.parametrize("development", DEVELOPMENTS, ids=lambda development: development["id"])
def test_development_bears_on_the_model(development):
    (kind,) = {"saw", "never", "moved", "counted", "likelihood"} & set(development)
    if kind in {"saw", "never"}:
        condition = development[kind]
        check_condition(condition)
        assert named(condition, "driver") | named(condition, "ladder") | named(condition, "indicator")
        assert kind == "saw" or "between" in development
        assert not named(condition, "indicator") or "on" in development
    elif kind == "moved":
        moved = development["moved"]
        ladder = LADDERS[moved["ladder"]]
        known = {pair for rate in ladder["rate"] for pair in moves_of(ladder["rungs"], rate["moves"])}
        assert (moved["from"], moved["to"]) in known
        assert development["false_rate"] > 0 and development["false_per"]
    elif kind == "counted":
        assert development["counted"]["indicator"] in EVENTS
        assert development["false_rate"] > 0 and development["false_per"]
        first, last = development["over"]
        assert all(first <= day[:10] <= last for day in development["counted"]["at"])
    else:
        assert set(development["likelihood"]["values"]) <= set(states(development["likelihood"]["of"]))


def test_the_loose_figure_is_doubted():
    (entry,) = [development for development in DEVELOPMENTS if "1,500 killed" in development.get("doubt", "")]
    assert entry["paragraph"] == 3 and "day" in entry["doubt"]


@pytest.mark.parametrize("question", QUESTIONS["question"], ids=lambda question: question["name"])
def test_question_can_be_scored(question):
    assert 1 <= question["paragraph"] <= PARAGRAPHS
    for ask in [question["ask"], *([question["given"]] if "given" in question else [])]:
        for atom in atoms(ask):
            date = atom.get("by") or atom["on"]
            assert AS_OF < date
            assert date in question["criterion"]
            assert set(atom) in [{"at", "on"}, {"reach", "by"}, {"enters", "by"}, {"first", "before", "by"}]
            for key in set(atom) - {"on", "by"}:
                check_condition(atom[key])
    assert DATE.search(question["criterion"])
    assert len(question["criterion"].split()) >= 5


def test_all_kinds_of_question():
    kinds = {key for question in QUESTIONS["question"] for atom in atoms(question["ask"]) for key in atom}
    assert {"at", "reach", "enters", "first"} <= kinds
    assert any("given" in question for question in QUESTIONS["question"])
    assert any("all" in question["ask"] for question in QUESTIONS["question"])
    names = [question["name"] for question in QUESTIONS["question"]]
    assert len(names) == len(set(names))


def words(text):
    return re.findall(r"[a-z0-9]+", text.lower().replace("\\\n", " "))


@pytest.mark.parametrize("path", [*sorted(FOLDER.glob("*.*")), DOC], ids=lambda path: path.name)
def test_own_words(path):
    if not ARTICLE.exists():
        pytest.skip("the article is not beside the repository (../shared/article.txt)")
    theirs = words(ARTICLE.read_text(encoding="utf-8"))
    runs = {tuple(theirs[i : i + RUN]) for i in range(len(theirs) - RUN + 1)}
    ours = words(path.read_text(encoding="utf-8"))
    shared = [" ".join(ours[i : i + RUN]) for i in range(len(ours)) if tuple(ours[i : i + RUN]) in runs]
    assert not shared


def base_rates():
    with open(FOLDER / "base_rates.csv", encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def years(duration):
    number, unit = duration.split()
    return float(number) * {"day": 1, "week": 7, "month": 30.4375, "year": 365.25}[unit.removesuffix("s")] / 365.25


def test_base_rates_are_the_models():
    table = {row["used_by"]: row for row in base_rates().values()}
    for row in table.values():
        assert row["cut"] <= AS_OF
    used = {}
    for ladder in MODEL["ladder"]:
        for rate in ladder["rate"]:
            if "events" in rate:
                assert rate["basis"] == "base rate"
                for a, b in moves_of(ladder["rungs"], rate["moves"]):
                    used[f"{ladder['name']}: {a} > {b}"] = rate
    assert set(table) == set(used) | {"russian_losses", "missile_tests"}
    for name, rate in used.items():
        assert float(table[name]["events"]) == rate["events"]
        assert math.isclose(float(table[name]["exposure_years"]), years(rate["over"]), rel_tol=1e-3)
    row = table["russian_losses"]
    share = float(row["events"]) / (12 * float(row["exposure_years"]))
    assert math.isclose(STATUSES["russian_losses"]["table"]["sufficient"][1], share, abs_tol=0.005)
    row = table["missile_tests"]
    rate = float(row["events"]) / (12 * float(row["exposure_years"]))
    assert min(EVENTS["missile_tests"]["rate"]) < rate < max(EVENTS["missile_tests"]["rate"])


def test_base_rates_recomputed(monkeypatch):
    data = Path(os.environ.get("ESCALADE_DATA") or ROOT.parent / "shared" / "data")
    if not (data / "disputes").is_dir():
        pytest.skip("the data are absent (ESCALADE_DATA, or ../shared/data)")
    monkeypatch.setenv("ESCALADE_DATA", str(data))
    (snippet,) = re.findall(r"^```python\n(.*?)^```", DOC.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    space = {}
    exec(compile(snippet, str(DOC), "exec"), space)
    table = base_rates()
    assert set(space["rates"]) == set(table)
    for name, (events, exposure) in space["rates"].items():
        assert events == float(table[name]["events"]), name
        assert math.isclose(exposure, float(table[name]["exposure_years"]), abs_tol=1e-4), name


def components():
    """Sets of ladders joined by effects, shared indicators and developments, each with the drivers it looks at."""
    parent = {name: name for name in LADDERS}

    def root(name):
        while parent[name] != name:
            name = parent[name]
        return name

    looks = {name: set() for name in LADDERS}
    groups = []
    for name, ladder in LADDERS.items():
        for effect in ladder.get("effect", []):
            groups.append({name} | named(effect["when"], "ladder"))
            looks[name] |= named(effect["when"], "driver")
    for entry in [*STATUSES.values(), *EVENTS.values()]:
        ladders = [name for name in entry.get("given", []) if name in LADDERS]
        groups.append(set(ladders))
        for name in ladders:
            looks[name] |= set(entry["given"]) & set(DRIVERS)
    for development in DEVELOPMENTS:
        for key in {"saw", "never"} & set(development):
            ladders = named(development[key], "ladder")
            groups.append(ladders)
            for name in ladders:
                looks[name] |= named(development[key], "driver")
    for group in groups:
        first, *others = sorted(group) or [None]
        for other in others:
            parent[root(other)] = root(first)
    members = {}
    for name in LADDERS:
        members.setdefault(root(name), []).append(name)
    return [(names, set().union(*(looks[name] for name in names))) for names in members.values()]


def size(names):
    return math.prod(len(states(name)) for name in names)


def test_largest_component_is_as_stated():
    found = [(size(names), size(drivers)) for names, drivers in components()]
    largest = max(joint for joint, _ in found)
    for path in (FOLDER / "model.toml", DOC):
        text = path.read_text(encoding="utf-8")
        assert re.search(r"largest component: (\d+) joint rungs", text)[1] == str(largest), path.name
    stated = max(joint * drivers for joint, drivers in found)
    comment = (FOLDER / "model.toml").read_text(encoding="utf-8")
    assert re.search(r"largest sweep: (\d+) driver states x joint rungs", comment)[1] == str(stated)


def test_questions_of_one_monitor_stay_in_one_component():
    home = {name: index for index, (names, _) in enumerate(components()) for name in names}
    for question in QUESTIONS["question"]:
        for atom in atoms(question["ask"]):
            ladders = set().union(*(named(atom[key], "ladder") for key in set(atom) - {"on", "by"}))
            assert len({home[name] for name in ladders}) <= 1, question["name"]


def test_each_development_moves_an_answer():
    esc = pytest.importorskip("escalade")
    model, dossier, questions = esc.datasets.article()
    full = model.condition(dossier)
    told = full.ask(questions, progress=False).mode
    idle = []
    for development in dossier:
        moved = abs(full.without(development.id).ask(questions, progress=False).mode - told).max()
        if moved < 1e-4:
            idle.append((development.id, moved))
    assert not idle
