# Each target makes the virtual environment that it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Virtual environments with other versions than the newest that requirements.txt allows.
OLDEST := .venv-oldest
NEXT := .venv-next
# Another one with LiteLLM, whose aiohttp changes how google-genai asks Gemini.
MODELS := .venv-models
# One with all of ADK's evals: 900 MB, of Google Cloud's clients above all.
EVALS := .venv-evals

FAST := not (browser or postgres or redis or slow or thorough)

.PHONY: help run test test-all test-fast test-oldest test-next test-models test-evals catalogues screenshots pictures coverage check bench clean

help:            ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST)

run: $(VENV)/requirements.txt            ## Serve the page; AGENT=path/to/agent for another agent
	$(BIN)/python app.py $(if $(AGENT),'$(AGENT)')

test: check            ## Run every check and every test but the thorough ones
	$(BIN)/python -m pytest -n auto --dist loadfile -m 'not thorough'

test-all: check        ## Run every check and every test
	$(BIN)/python -m pytest -n auto --dist loadfile

test-fast: $(VENV)/tests.txt            ## Run the tests that need no browser, server or process
	$(BIN)/python -m pytest -n auto --dist loadfile -m '$(FAST)'

test-oldest: $(OLDEST)/tests.txt            ## Run every test with the lowest versions in requirements.txt
	$(OLDEST)/bin/python -m pytest -n auto --dist loadfile

test-next: $(NEXT)/tests.txt            ## Run every test with pre-releases of Gradio, ADK and google-genai
	$(NEXT)/bin/python -m pytest -n auto --dist loadfile

test-models: $(MODELS)/tests.txt            ## Run the tests of models, with real LiteLLM as well
	$(MODELS)/bin/python -m pytest tests/models tests/chat/test_degrading.py

test-evals: $(EVALS)/tests.txt            ## Run the tests of eval sets, with ADK's own `adk eval`
	$(EVALS)/bin/python -m pytest tests/app/test_evalset.py tests/app/test_adk_eval.py

coverage: $(VENV)/tests.txt            ## Run every test and see how much of the code they reach
	$(BIN)/python -m pytest -n auto --dist loadfile --cov

check: $(VENV)/tests.txt            ## Lint, check types and which way imports run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/deno fmt --check --quiet
	$(BIN)/deno lint --quiet

catalogues: $(VENV)/tests.txt            ## Add to agent/locale what is to be translated
	$(BIN)/python -m tests.catalogues

screenshots: $(VENV)/tests.txt            ## Make pictures of the page in all its states in screenshots/
	$(BIN)/python -m tests.screenshots screenshots

pictures: $(VENV)/tests.txt               ## Make README's picture and recording anew
	$(BIN)/python -m tests.screenshots . readme

bench: $(VENV)/tests.txt            ## Measure the page beside raw ADK; SIZE=full takes longer
	$(BIN)/python -m tests.bench $(SIZE)

clean:            ## Remove what the other targets made
	rm -rf $(VENV) $(OLDEST) $(NEXT) $(MODELS) $(EVALS) .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/requirements.txt: requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	cp requirements.txt $@

$(VENV)/tests.txt: tests/requirements.txt requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	cp requirements.txt $(VENV)/requirements.txt
	cp tests/requirements.txt $@

$(OLDEST)/tests.txt: tests/requirements.txt requirements.txt | $(OLDEST)/bin/python
	$(OLDEST)/bin/pip install --quiet --disable-pip-version-check uv
	$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST) --resolution lowest-direct -r tests/requirements.txt
	cp tests/requirements.txt $@

$(NEXT)/tests.txt: tests/requirements.txt requirements.txt | $(NEXT)/bin/python
	$(NEXT)/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	$(NEXT)/bin/pip install --quiet --disable-pip-version-check --pre -U gradio google-adk google-genai
	cp tests/requirements.txt $@

$(MODELS)/tests.txt: tests/requirements.txt requirements.txt | $(MODELS)/bin/python
	$(MODELS)/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	$(MODELS)/bin/pip install --quiet --disable-pip-version-check "litellm>=1.84,<1.106" "anthropic>=0.78"
	cp tests/requirements.txt $@

$(EVALS)/tests.txt: tests/requirements.txt | $(EVALS)/bin/python
	$(EVALS)/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt "google-adk[eval]"
	cp tests/requirements.txt $@

%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
	"Python 3.11 or later is needed. Try: make $(MAKECMDGOALS) PYTHON=python3.12")'
	$(PYTHON) -m venv $*
