# Two commands matter: `make forecast` and `make test`. Everything is installed into .venv, nothing elsewhere.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST := $(shell find src -name '*.rs' -o -name '*.json' -o -name '*.toml' | sort) Cargo.toml Cargo.lock pyproject.toml
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
# The notebook's kernel encrypts what it says: without, it warns that others on the machine may listen.
EXECUTE := -m nbconvert --execute --KernelManager.transport_encryption=auto --ExecutePreprocessor.record_timing=False --ExecutePreprocessor.timeout=600
PAGE := --to html --template page --TemplateExporter.extra_template_basedirs=docs --HTMLExporter.mathjax_url= --HTMLExporter.require_js_url= --HTMLExporter.jquery_url=

export PATH := $(abspath $(BIN)):$(PATH)
export VIRTUAL_ENV := $(abspath $(VENV))
export PYO3_PYTHON := $(abspath $(BIN))/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export MPLCONFIGDIR := $(abspath build/matplotlib)
export IPYTHONDIR := $(abspath build/ipython)
unexport CONDA_PREFIX

.PHONY: help forecast test rust-test python-test lint format-check types run-notebooks notebooks wheel wheel-test oracle bench peers fuzz docs fmt lock clean

help:
	@echo "make forecast    the article's forecast: a table here, a page in build/forecast.html"
	@echo "make test        everything that must hold"
	@echo "make bench       the kernel's benchmarks"
	@echo "make peers       beside pyAgrum, pgmpy, Storm, SciPy, hmmlearn, deeptime, msm; OF= bayes, markov, hidden or panel: one"
	@echo "make panels beside R's msm: a table of ratios"
	@echo "make oracle      the kernel beside the brute-force oracle on WORLDS random worlds (500)"
	@echo "make fuzz        throw damaged files at the parsers, for FUZZ seconds"
	@echo "make notebooks   execute the notebooks anew, outputs kept in place"
	@echo "make wheel       a wheel in dist/"
	@echo "make docs        the Rust reference"
	@echo "make fmt         format Rust and Python"
	@echo "make lock        pin the newest development tools anew"
	@echo "make clean       take away all that was made"

# What the rest stands on: the environment, and the kernel built into it.

$(VENV)/.tools: requirements-dev.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.lock
	@touch $@

$(VENV)/.kernel: $(VENV)/.tools $(RUST)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The forecast

forecast: build/forecast.txt build/forecast.html
	@cat build/forecast.txt
	@echo "the story with its pictures: build/forecast.html"

PACKAGE := $(VENV)/.kernel $(shell find python -name '*.py' -o -name '*.toml')

build/forecast.txt: $(PACKAGE)
	@mkdir -p build
	$(BIN)/python -m escalade forecast > $@.new
	@mv $@.new $@

build/forecast.html: $(PACKAGE) notebooks/01_article_forecast.ipynb
	@mkdir -p build
	$(BIN)/python $(EXECUTE) $(PAGE) --output-dir build --output forecast.html --log-level WARN notebooks/01_article_forecast.ipynb

# The tests

test: format-check lint rust-test python-test types run-notebooks wheel-test
	@echo "all tests passed"

format-check: $(VENV)/.tools
	cargo fmt --check
	$(BIN)/ruff format --check python tests benches

lint: $(VENV)/.tools
	cargo clippy --all-targets --quiet -- -D warnings
	cargo clippy --lib --features python --quiet -- -D warnings
	$(BIN)/ruff check python tests benches

rust-test:
	cargo test

# The oracle's small matrices are slower on several threads than on one.
python-test: $(VENV)/.kernel
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

types: $(VENV)/.kernel
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy.stubtest escalade._core

run-notebooks: $(VENV)/.kernel
	@mkdir -p build/notebooks
	$(BIN)/python $(EXECUTE) --to notebook --output-dir build/notebooks --log-level WARN $(NOTEBOOKS)

# The README's first example, on the wheel, in an empty environment, away from the repository.
wheel-test: wheel
	rm -rf build/clean
	$(PYTHON) -m venv build/clean
	build/clean/bin/python -m pip install --quiet --constraint requirements-dev.lock dist/*.whl
	awk '/^```python$$/ { on = 1; next } /^```$$/ { if (on) exit } on' README.md > build/clean/example.py
	cd build/clean && bin/python -I example.py

# The rest

WORLDS ?= 500
oracle: $(VENV)/.kernel
	OPENBLAS_NUM_THREADS=1 ESCALADE_WORLDS=$(WORLDS) $(BIN)/python -m pytest -n 2 -q tests/python/test_oracle.py

notebooks: $(VENV)/.kernel
	$(BIN)/python $(EXECUTE) --to notebook --inplace --log-level WARN $(NOTEBOOKS)

wheel: $(VENV)/.tools
	rm -rf dist
	$(BIN)/python -m maturin build --release --quiet --out dist

bench:
	cargo bench

# The rivals have an environment of their own, with the project built for release.
build/peers/.tools: benches/peers/requirements.txt
	$(PYTHON) -m venv build/peers
	build/peers/bin/python -m pip install --quiet --requirement benches/peers/requirements.txt
	@touch $@

build/peers/.kernel: build/peers/.tools $(RUST) $(shell find python -name '*.py')
	PYO3_PYTHON=$(abspath build/peers/bin/python) build/peers/bin/python -m pip install --quiet --no-deps --force-reinstall .
	@touch $@

# All of them, or some: make peers OF=bayes PEERS="--quick". Panels need R with msm (Debian: r-cran-msm).
OF ?= bayes markov hidden panel
PEERS ?=
peers: build/peers/.kernel
	for page in $(OF); do build/peers/bin/python benches/peers/$$page.py $(PEERS) || exit 1; done

# A sanitizer needs what stable Rust keeps for nightly; the variable opens it.
build/tools/bin/cargo-fuzz:
	cargo install --quiet --root build/tools --version 0.13.2 cargo-fuzz

FUZZ ?= 300
fuzz: build/tools/bin/cargo-fuzz
	RUSTC_BOOTSTRAP=1 $< run bif -- -max_total_time=$(FUZZ) -max_len=4096 -rss_limit_mb=2048

docs:
	cargo doc --no-deps

fmt: $(VENV)/.tools
	cargo fmt
	$(BIN)/ruff check --fix-only --quiet python tests benches
	$(BIN)/ruff format python tests benches

lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade pip
	build/lock/bin/python -m pip install --quiet --group dev
	build/lock/bin/python -m pip freeze > requirements-dev.lock

clean:
	rm -rf build dist target fuzz/target $(VENV) python/escalade/_core*.so
