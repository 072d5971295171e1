# The two commands: `make run` shows the whole product, `make test` proves it.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
JOBS ?= auto
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test lint types format screenshots clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/installed ## install, start the embedded database, load the demo practice, serve it
	DEMO=1 PORT=$(PORT) $(BIN)/python manage.py demo

test: $(VENV)/installed-dev ## install everything and run the whole suite
	DEMO=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

lint: $(VENV)/installed-dev ## check style, templates and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djade --target-version 5.2 --check $$(git ls-files 'templates/*.html')
	$(BIN)/djhtml --check --tabwidth 2 $$(git ls-files 'templates/*.html')

types: $(VENV)/installed-dev ## check the types with mypy
	DEMO=1 $(BIN)/mypy .

format: $(VENV)/installed-dev ## rewrite code and templates in the house style
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .
	-$(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/*.html')
	-$(BIN)/djhtml --tabwidth 2 $$(git ls-files 'templates/*.html')

clean: ## forget the virtual environment and the demo's data
	rm -rf $(VENV) var

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
