PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NONE = $(if $(PYTEST),|| [ $$? -eq 5 ])
LAB = $(BIN)/python -m pytest -m lab -n 2 --dist worksteal
N = 1
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r
LOCK = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet --custom-compile-command "make lock"
SIZE = $(if $(filter Linux,$(shell uname -s)),about 7 GB on disk (torch with CUDA),far less than the 7 GB that Linux takes with CUDA)
WHOLE = @$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)  # .venv was broken off
export NO_ALBUMENTATIONS_UPDATE := 1

.PHONY: run test test-browser check bench screens lock clean

# Set up once, draw the demo dataset if there is none, and start the lab. The second time it goes straight to the lab.
run: $(VENV)/.run-ready demo
	@$(BIN)/streamlit run app.py --server.address 127.0.0.1 --server.port 8501

# The checks and the whole suite: on all cores what needs no running lab, then the rest with two labs beside each other.
# Browser tests need Chromium and say loudly when it is missing. With PYTEST="-k ..." one of the two parts may hold no
# test (pytest's 5).
test: check
	$(BIN)/python -m pytest -m "not lab" -n logical --dist worksteal $(PYTEST) $(NONE)
	$(LAB) $(PYTEST) $(NONE)

# What needs a running lab, N times in a row and no further than the first failure: make test-browser N=20
test-browser: $(VENV)/.test-ready
	@for round in $$(seq $(N)); do \
	  begun=$$(date +%s); \
	  $(LAB) -q $(PYTEST) || { echo "round $$round of $(N) failed after $$(($$(date +%s) - begun)) s"; exit 1; }; \
	  echo "round $$round of $(N) passed in $$(($$(date +%s) - begun)) s"; \
	done

# What takes seconds: style and types.
check: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.run-ready demo
	$(BIN)/python -m bench.train
	$(BIN)/python -m bench.pages

# How every page looks, in its states, themes and widths, into screens/; fails where somebody could not use one. It takes
# minutes; some pages are enough while you work: make screens ONLY="live|runs"
screens: $(VENV)/.test-ready
	$(BIN)/python -m bench.screens $(if $(ONLY),--only "$(ONLY)")

# The locks, anew from requirements*.txt; what is not asked to change stays as it is.
lock: $(VENV)/.test-ready
	$(LOCK) requirements.txt -o requirements.lock
	$(LOCK) requirements-dev.txt -o requirements-dev.lock
	$(LOCK) requirements-ray.txt -o requirements-ray.lock

demo: | $(VENV)/.run-ready
	$(BIN)/python -m core demo demo

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Facet Lab needs Python 3.11 or newer; try: make run PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: requirements.lock | $(BIN)/python
	@echo "Installing what the lab needs into $(VENV), once: $(SIZE). This takes minutes; broken off, it goes on next time."
	$(WHOLE)
	$(INSTALL) requirements.lock
	@touch $@

$(VENV)/.test-ready: requirements-dev.lock | $(BIN)/python
	@echo "Installing what the lab and its tests need into $(VENV), once: $(SIZE). This takes minutes."
	$(WHOLE)
	$(INSTALL) requirements-dev.lock
	@touch $@ $(VENV)/.run-ready

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
