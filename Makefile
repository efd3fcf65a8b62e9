PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NONE = $(if $(PYTEST),|| [ $$? -eq 5 ])
LAB = $(BIN)/python -m pytest -m lab -n 2 --dist worksteal
N = 1
export NO_ALBUMENTATIONS_UPDATE := 1

.PHONY: run test test-browser bench clean

# Set up once, draw the demo dataset if there is none, and start the lab. The second time it goes straight to the lab.
run: $(VENV)/.run-ready demo
	@echo "Facet Lab: http://127.0.0.1:8501"
	@$(BIN)/streamlit run app.py --server.address 127.0.0.1 --server.port 8501

# ruff and the whole suite: on all cores what needs no running lab, then the rest with two labs beside each other.
# Browser tests need Chromium and say loudly when it is missing. With PYTEST="-k ..." one of the two parts may hold no
# test (pytest's 5).
test: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -m "not lab" -n logical --dist worksteal $(PYTEST) $(NONE)
	$(LAB) $(PYTEST) $(NONE)

# What needs a running lab, N times in a row and no further than the first failure: make test-browser N=20
test-browser: $(VENV)/.test-ready
	@for round in $$(seq $(N)); do \
	  begun=$$(date +%s); \
	  $(LAB) -q $(PYTEST) || { echo "round $$round of $(N) failed after $$(($$(date +%s) - begun)) s"; exit 1; }; \
	  echo "round $$round of $(N) passed in $$(($$(date +%s) - begun)) s"; \
	done

bench: $(VENV)/.run-ready demo
	$(BIN)/python -m bench.train
	$(BIN)/python -m bench.pages

demo: | $(VENV)/.run-ready
	$(BIN)/python -m core demo demo

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Facet Lab needs Python 3.11 or newer; try: make run PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.txt
	@touch $@

$(VENV)/.test-ready: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt
	@touch $@ $(VENV)/.run-ready

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
