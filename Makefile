# Every command of the project, written down once. `make` alone lists them.
# Windows, or no make: the plain lines are in CONTRIBUTING.md.

PYTHON ?= python3
VENV   ?= .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.hw5-installed
JOBS   ?= 2
# Extra words for pip, e.g. make setup PIP_FLAGS=--no-cache-dir
PIP_FLAGS ?=
# Arguments of the command behind a target, e.g. make bench ARGS="render --json out.json"
ARGS ?=
NBVAL  := $(if $(wildcard notebooks/*.ipynb),--nbpictures notebooks)

.DEFAULT_GOAL := help
.PHONY: help setup report handin test lint format lab lecture bench doctor notebooks clean clean-work

help: ## list the commands
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(STAMP) ## make the environment in .venv (nothing to do when it is up to date)

# The lock holds the versions CI runs with; they exist for Python 3.11 and newer.
$(STAMP): requirements.txt requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "hw5 needs Python 3.10 or newer; '$(PYTHON)' is older or missing." \
	       "Try: make setup PYTHON=python3.12" >&2; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { \
	  echo "could not make $(VENV): install your system's python3-venv package" >&2; exit 1; }
	@echo "installing into $(VENV) (a few minutes the first time) ..."
	@lock=$$($(PY) -c 'import sys; print("-c requirements.lock" * (sys.version_info >= (3, 11)))'); \
	  $(PY) -m pip install --quiet --quiet --disable-pip-version-check $(PIP_FLAGS) $$lock -e '.[dev]'
	@touch $@

report: setup ## the whole main job; then open report/index.html
	@$(PY) -m hw5 report $(ARGS)

handin: setup ## code and page, packed: make handin ARGS=my_andrew_id
	@$(PY) -m hw5 handin $(ARGS)

# One thread per worker: workers with two threads each would fight for the cores.
# BEGIN STAFF
test: lint ## style, import rules, all tests and all notebooks
# END STAFF
# BEGIN STUDENT
# test: setup ## all tests and notebooks; what waits for a task of yours is skipped by name
# END STUDENT
	@OMP_NUM_THREADS=1 $(PY) -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder $(NBVAL) tests $(ARGS)

lint: setup ## style and import rules alone
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check .
	@$(VENV)/bin/lint-imports --no-logo --no-cache > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

format: setup ## rewrite the code in the common format
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format --quiet .

lab: setup ## open the notebooks (hw5/lab.py: pictures leave the server at once)
	@$(PY) -m hw5.kit.quick_jupyter jupyterlab --ServerApp.kernel_websocket_connection_class=hw5.lab.PromptConnection $(ARGS)

lecture: setup ## the notebooks on a big screen, e.g. make lecture ARGS="--first 03"
	@$(PY) -m hw5 lecture $(ARGS)

# BEGIN STAFF
notebooks: setup ## run every notebook from top to bottom against its stored outputs
# END STAFF
# BEGIN STUDENT
# notebooks: setup ## run every notebook from top to bottom, as far as your tasks are written
# END STUDENT
	@$(if $(NBVAL),OMP_NUM_THREADS=1 $(PY) -m pytest -q -n $(JOBS) $(NBVAL) $(ARGS),echo "notebooks/ holds none")

bench: setup ## speed as ratios measured in one run
	@$(PY) -m hw5 bench $(ARGS)

doctor: setup ## is this machine ready?
	@$(PY) -m hw5 doctor

train-%: setup ## train one shipped weight again, e.g. make train-stylegan2 ARGS="--hours 3"
	@$(PY) -m hw5 train $* $(ARGS)

clean: ## remove what can be made again at once: build, caches, the built page (never your work)
	rm -rf build report/index.html report/media *.egg-info
	rm -rf .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find hw5 report tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Searches in runs/ took hours, and handin/ is what is handed in: a word more than `clean`.
clean-work: ## remove YOUR runs/ and handin/ for good: make clean-work SURE=yes
	@test "$(SURE)" = yes || { echo "this removes your runs/ and handin/, which nothing brings" \
	  "back. If you are sure: make clean-work SURE=yes" >&2; exit 2; }
	rm -rf runs handin
