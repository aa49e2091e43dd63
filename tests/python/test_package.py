"""The package itself: light to import, honest about what is public, with stubs, and a README that runs."""

import inspect
import os
import pickle
import re
import subprocess
import sys
from importlib.metadata import metadata
from importlib.resources import files
from pathlib import Path

import pytest

import escalade as esc

ROOT = Path(__file__).parents[2]
HEAVY = ("matplotlib", "narwhals", "pandas", "polars", "pyarrow", "scipy", "IPython", "anywidget", "jinja2")
# Milliseconds of our own modules, NumPy apart; some 10 are usual, a shared machine may be slow.
PATIENCE = 150


def run(code, **environment):
    command = [sys.executable, "-X", "importtime", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)


def test_import_brings_nothing_heavy():
    code = f"import sys, escalade; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert run(code).stdout.strip() == "[]"


def test_import_takes_milliseconds(tmp_path):
    # Compiled once, as an installer does it.
    compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    run("import escalade", **compiled)
    log = run("import numpy, numpy.typing, importlib.resources, json; import escalade", **compiled).stderr
    own = [line.split("|") for line in log.splitlines() if re.search(r"\| +escalade( |$|\.)", line)]
    assert own
    assert sum(int(line[0].split(":")[1]) for line in own) / 1000 < PATIENCE


@pytest.mark.parametrize(
    ("call", "missing", "extra"),
    [
        ("esc.Model(origin='2024-01-01').plot()", "matplotlib", "plot"),
        ("esc.plot", "matplotlib", "plot"),
        ("import escalade.spans_plot", "matplotlib", "plot"),
        ("import escalade.bayes_plot", "matplotlib", "plot"),
        ("import escalade.hidden_plot", "matplotlib", "plot"),
        ("esc.pages.environment()", "jinja2", "report"),
        ("esc.Posterior.to_arviz(None)", "xarray", "arviz"),
    ],
)
def test_an_extra_that_is_missing_is_named(call, missing, extra):
    code = f"import sys; sys.modules[{missing!r}] = None; import escalade as esc, escalade.pages; {call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: ") and f"{missing}; pip install 'escalade[{extra}]'" in last


def test_all_is_what_is_there():
    assert sorted(esc.__all__) == esc.__all__
    for name in esc.__all__:
        thing = getattr(esc, name)
        assert inspect.getdoc(thing), f"{name} has no docstring"
    public = {
        name
        for name, thing in vars(esc).items()
        if not name.startswith("_") and not inspect.ismodule(thing) and name != "Any"
    }
    assert public <= set(esc.__all__)


def calls(thing):
    """A function itself, or the methods of a class that users call."""
    if inspect.isfunction(thing):
        return [thing]
    own = [getattr(v, "__func__", v) for name, v in vars(thing).items() if not name.startswith("_")]
    return [v for v in own if inspect.isfunction(v)]


def test_every_public_call_says_its_parameters_and_has_an_example():
    inner = {"html_cell", "of"}  # of the tables themselves
    for name in esc.__all__:
        thing = getattr(esc, name)
        if inspect.ismodule(thing) or (inspect.isclass(thing) and thing.__doc__ and issubclass(thing, Exception)):
            continue
        assert "Examples\n" in inspect.getdoc(thing), f"{name} has no example"
        for call in calls(thing):
            takes = set(inspect.signature(call).parameters) - {"self", "cls"}
            assert not takes or call.__name__ in inner or "Parameters\n" in inspect.getdoc(call), call.__qualname__


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'reech'"):
        esc.reech


def test_version_and_licence():
    about = metadata("escalade")
    assert about["Version"] == esc.__version__
    assert "MIT" in about["License-Expression"] and "Apache" in about["License-Expression"]
    assert {"plot", "board", "notebook"} <= set(about.get_all("Provides-Extra"))


def test_typed_and_stubbed():
    assert files("escalade").joinpath("py.typed").is_file()
    stubs = files("escalade").joinpath("_core.pyi").read_text()
    for name in dir(esc._core):
        if not name.startswith("_"):
            assert re.search(rf"\b(def|class) {name}\b", stubs), f"{name} is not in the stubs"


def test_exceptions_are_one_family():
    for name in (
        "SpecError",
        "ImpossibleEvidence",
        "TooLarge",
        "Unidentified",
        "NotConverged",
        "WrongPlace",
        "WrongType",
    ):
        kind = getattr(esc, name)
        assert issubclass(kind, esc.EscaladeError)
        assert pickle.loads(pickle.dumps(kind("a message"))).args == ("a message",)
    assert issubclass(esc.EscaladeError, ValueError)


def test_settings():
    before = esc.threads(), esc.memory_limit()
    try:
        esc.set_threads(1)
        esc.set_memory_limit(2**30)
        assert (esc.threads(), esc.memory_limit()) == (1, 2**30)
    finally:
        esc.set_threads(before[0])
        esc.set_memory_limit(before[1])


def test_words_and_grades():
    yardstick, grades = esc.yardstick(), esc.grades()
    assert list(yardstick.low) == sorted(yardstick.low)
    assert esc.word_for(0.3) == "unlikely"
    assert esc.word_for(0.22).startswith("≈ ")
    assert len(grades) >= 30 and "B2" in str(grades)
    assert all(0 <= p <= 1 for p in [*grades.data["hit"], *grades.data["false_alarm"]])


def test_the_readme_runs(tmp_path):
    example = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-I", "-c", example[1]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "clash by mid-2025" in done.stdout


def test_what_the_readme_shows_of_why_and_of_pages_runs(tmp_path, monkeypatch):
    """The first example's fit, taken apart and handed on: pages are written into an empty folder."""
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    pytest.importorskip("jinja2")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    shown = [block for block in blocks if any(f"fit.{name}(" in block for name in ("explain", "board"))]
    assert len(shown) == 2
    names = {}
    for block in [blocks[0], *shown]:
        exec(compile(block, "README.md", "exec"), names)
    assert {page.name for page in tmp_path.iterdir()} == {"board.html", "out.html"}
    plt.close("all")


@pytest.mark.parametrize("page", ["why", "worlds"])
def test_a_page_that_goes_on_from_the_readme_runs(page):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    names = {}
    for file in ("README.md", f"docs/{page}.md"):
        blocks = re.findall(r"```python\n(.*?)```", (ROOT / file).read_text(encoding="utf-8"), re.DOTALL)
        for block in blocks[:1] if file == "README.md" else blocks:
            exec(compile(block, file, "exec"), names)
        names |= {"m_north": names["m"], "m_south": names["m"]}
    plt.close("all")


@pytest.mark.parametrize("subject", ["BayesNet", "Generator", "Panel"])
def test_what_the_readme_shows_of_a_subject_runs(subject):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if f"esc.{subject}(" in block)
    names = {"esc": esc, "pd": pytest.importorskip("pandas")}
    exec(compile(block, "README.md", "exec"), names)
    if subject == "Generator":
        assert round(names["ladder"].hitting_time("war")["calm"], 1) == 56.7
