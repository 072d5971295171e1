# The two commands: `make run` shows the whole product, `make test` proves it.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
JOBS ?= auto
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-15 lint types format sbom bench clean

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/installed ## install, start the embedded database, load the demo practice, serve it
	DEMO=1 PORT=$(PORT) $(BIN)/python manage.py demo

# Compiled files are kept whatever the environment wants: the suite starts Python dozens of times.
test: $(VENV)/installed-dev ## install everything and run the whole suite
	DEMO=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

# A cluster that lives as long as the run: it needs the packages postgresql-15 and postgresql-common, and touches no other.
test-15: $(VENV)/installed-dev ## run the whole suite on Debian's PostgreSQL 15
	pg_virtualenv -t -v 15 -c '--locale C.UTF-8 --encoding UTF8' -o fsync=off -o full_page_writes=off \
	    -o autovacuum=off -o jit=off -o log_min_messages=fatal \
	    -o shared_buffers=256MB -o max_wal_size=4GB -o max_connections=200 \
	    sh -c 'export DATABASE_URL=postgres://$$PGUSER:$$PGPASSWORD@$$PGHOST:$$PGPORT/$$PGDATABASE; \
	        unset PGUSER PGPASSWORD PGHOST PGPORT PGDATABASE; exec $(MAKE) test'

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

sbom: $(VENV)/installed ## write docs/sbom.json and docs/licences.md anew
	DEMO=1 $(BIN)/python manage.py sbom

bench: $(VENV)/installed-dev ## measure everything against others, into benchmarks/RESULTS.md; BENCH="--quick" is short
	DEMO=1 $(BIN)/python -m benchmarks $(BENCH)

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
