# Each target makes the virtual environment that it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

FAST := not (browser or postgres or redis or slow)

.PHONY: help run test test-fast coverage check bench clean

help:            ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST)

run: $(VENV)/requirements.txt            ## Serve the page; AGENT=path/to/agent for another agent
	$(BIN)/python app.py $(if $(AGENT),'$(AGENT)')

test: check            ## Run every check and every test
	$(BIN)/python -m pytest -n auto --dist loadfile -rR

test-fast: $(VENV)/tests.txt            ## Run the tests that need no browser, server or process
	$(BIN)/python -m pytest -n auto --dist loadfile -m '$(FAST)'

coverage: $(VENV)/tests.txt            ## Run every test and see how much of the code they reach
	$(BIN)/python -m pytest -n auto --dist loadfile -rR --cov

check: $(VENV)/tests.txt            ## Lint, check types and which way imports run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/deno fmt --check --quiet
	$(BIN)/deno lint --quiet

bench: $(VENV)/tests.txt            ## Measure the page beside raw ADK; SIZE=full takes longer
	$(BIN)/python -m tests.bench $(SIZE)

clean:            ## Remove what the other targets made
	rm -rf $(VENV) .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/requirements.txt: requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	cp requirements.txt $@

$(VENV)/tests.txt: tests/requirements.txt requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	cp requirements.txt $(VENV)/requirements.txt
	cp tests/requirements.txt $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else \
	"Python 3.11, 3.12 or 3.13 is needed. Try: make $(MAKECMDGOALS) PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
