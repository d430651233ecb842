# make demo    trains real runs and shows them on the dashboard
# make test    passes every test
# Both first make .venv with what they need; that is quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Tests start hundreds of processes: what they load is compiled once, and not by each of them.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check bench accuracy alerts chromium clean

help:
	@echo "make demo    train a learning-rate sweep for real and show it live on the dashboard"
	@echo "make test    pass every test, those with training, processes and a browser included"
	@echo "make check   what to run before a commit: format, lint, types, layers, unit tests"
	@echo "make smoke   install the wheel without extras, and with the lowest versions, and try it"
	@echo "make docs    build the site of docs/ into build/site, the tutorial run anew"
	@echo "make bench   measure what recording, reading and judging cost"
	@echo "make accuracy   train labelled runs, or take those in CORPORA='FOLDER...', and judge them,"
	@echo "                each source left out, into docs/accuracy.md"
	@echo "make alerts CORPORA='FOLDER...'     how often and how soon people are told, into docs/alerts.md"
	@echo "make clean   remove .venv and what tools left; runs stay"

demo: $(VENV)/.demo
	@$(BIN)/lrwatch demo

# A file stays in one process, for what it makes once it makes for all of its tests.
PYTEST := $(BIN)/python -m pytest --dist loadfile

# Tests in one process come first, one a core, so that a broken rule shows before the browser is
# opened. Those that start processes wait more than they work: six at once, however few the cores.
test: $(VENV)/.test chromium
	$(PYTEST) -n logical --cov --cov-fail-under=$(COVERED) -m "not e2e"
	$(PYTEST) --no-loadscope-reorder -n 6 -m e2e $(E2E)

# Each process loads all that it is given, and these are a tenth of it. Those that take longest come
# first, so that nobody waits for one of them at the end.
LONGEST := $(patsubst %,tests/e2e/test_%.py,run_command browser_acts integrations image faults \
	browser_security twenty_loops demo object_stores browser_alerts browser_everywhere) \
	tests/docs/test_snippets.py
E2E = $(LONGEST) $(filter-out $(LONGEST),$(shell grep -rl --include='test_*.py' 'mark\.e2e' tests))

# Percent of the lines and branches of the packages that pyproject.toml names under coverage.
COVERED := 96

check:
	@$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync=target lint types fast

# The site of docs/, with the tutorial run: build/site. Its search works where it is served.
.PHONY: docs
docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.PHONY: lint types fast fast-half fast-rest smoke
lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy

# Two halves of about the same length, of which each loads only what it needs: the first no torch.
FAST := $(BIN)/python -m pytest -q -m "not e2e and not slow"
HALF := $(addprefix tests/,dashboard deploy docs golden) \
	$(addprefix tests/unit/,cli comparing detect diagnosis importing judging)
# The modules with examples in docstrings: to look for these in all would load all.
EXAMPLES = $(shell grep -rl --include='*.py' --exclude-dir=integrations '>>>' $(1))
fast: fast-half fast-rest

fast-half: $(VENV)/.test
	$(FAST) $(HALF) $(call EXAMPLES,dashboard)

fast-rest: $(VENV)/.test  # the layers are in tests/architecture
	$(FAST) $(addprefix --ignore=,tests/e2e $(HALF)) tests $(call EXAMPLES,lrwatch)

# The wheel in fresh environments: without extras, and with the lowest versions that it allows.
smoke: $(VENV)/.demo
	PYTHON=$(BIN)/python .ci/smoke

# What the suggested rates are worth takes a quarter of an hour each, and is run by itself.
WORTH := benchmarks/range_tests.py benchmarks/pruning.py
bench: $(VENV)/.test
	@for program in $(filter-out $(WORTH),$(wildcard benchmarks/[a-z]*.py)); do \
		echo "== $$program"; $(BIN)/python "$$program" || exit 1; \
	done

# Folders with runs.parquet and steps.parquet, each a source that is judged by the others; without
# any, three are trained first: `gpu_jobs` on a GPU, or it is copied from a machine that has one.
SECOND := build/corpora/second
LONG := build/corpora/long_runs
GPU := build/corpora/gpu_jobs
CORPORA ?= $(SECOND) $(GPU) $(LONG)
TRAINED = $(patsubst %,%/runs.parquet,$(filter $(SECOND) $(GPU) $(LONG),$(CORPORA)))
accuracy: $(VENV)/.test $(TRAINED)
	$(BIN)/python -m benchmarks.accuracy report $(CORPORA)

$(SECOND)/runs.parquet: | $(VENV)/.test
	$(BIN)/python -m benchmarks.accuracy.second_corpus $(@D)

$(LONG)/runs.parquet: | $(VENV)/.test
	$(BIN)/python -m benchmarks.accuracy.long_runs $(@D)

$(GPU)/runs.parquet: | $(VENV)/.test
	$(BIN)/python -m benchmarks.accuracy.gpu_jobs train $(@D)
	$(BIN)/python -m benchmarks.accuracy.gpu_jobs write $(@D)

alerts: $(VENV)/.test $(TRAINED)
	$(BIN)/python -m benchmarks.alerts $(CORPORA) --write docs/alerts.md

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
		.hypothesis .coverage htmlcov
	find lrwatch dashboard tests benchmarks sample_runs -name __pycache__ -prune -exec rm -rf {} +

# The stamps: pip runs again when what is installed may have changed, and only then.
$(VENV)/.demo: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "lrwatch needs Python 3.11 or later, and $(PYTHON) is older or missing;" \
			"name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "$(PYTHON) cannot make an environment; on Debian and Ubuntu: apt-get install" \
			"python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV): the first time this downloads torch and the dashboard's packages"
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[torch,dashboard]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[notify]' --group dev
	@touch $@

# Without Chromium the browser tests are skipped and say so, but in CI they fail.
APT := env DEBIAN_FRONTEND=noninteractive apt-get -qq
chromium:
	@for name in chromium chromium-browser google-chrome; do \
		if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ]; then sudo=; else sudo="sudo -n"; fi; \
	echo "Installing Chromium for the browser tests"; \
	{ $$sudo $(APT) update && $$sudo $(APT) install -y --no-install-recommends chromium; } \
		>/dev/null 2>&1 || echo "Chromium cannot be installed here: browser tests are skipped"
