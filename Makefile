# Every command a person types; `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test test-large test-faults test-faults-long test-laws test-mutations check bench audit sbom lock clean

# The first that runs and is one of those the lock is made for; or say `make PYTHON=/path/to/python demo`.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
# Airflow starts a Python for every task: without compiled bytecode each would take ten seconds to begin.
export PYTHONDONTWRITEBYTECODE :=
STAMP := .venv/installed
PEER := .venv-bench/installed

help:  ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Install everything into .venv, exactly as locked

demo: setup  ## See it work: sources, Airflow, a partner, on this machine
	@$(BIN)/bridge demo

up: setup  ## Start PostgreSQL and Airflow in the background
	@$(BIN)/bridge up

down: setup  ## Stop what `up` or `demo` started; data stay
	@$(BIN)/bridge down

test: setup  ## Run every test (ARGS="-k postgres" for some)
	@$(BIN)/pytest -n 2 --no-loadscope-reorder $(ARGS)

test-large: setup  ## Read a gigabyte of XML in bounded memory, and bring a small bench its whole way (2 GB of disk)
	@$(BIN)/pytest -s -m large tests/large

test-faults: setup  ## Kill, cut off and freeze whole jobs a thousand times, and check what is left
	@$(BIN)/python -m tests.faults all

test-faults-long: setup  ## The same ten to twenty times as often; more than an hour
	@$(BIN)/python -m tests.faults all --long

test-laws: setup  ## Show each mapping 10,000 generated records, there and back; about forty minutes
	@BRIDGE_LAWS=10000 $(BIN)/pytest -n 2 --no-loadscope-reorder tests/laws

test-mutations: setup  ## Break good mappings in 500 ways and see that the checker notices
	@$(BIN)/python -m tests.findings.mutations 500

check: setup  ## Check style, types, import rules, mappings and docs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy bridge connectors dags tests
	$(BIN)/lint-imports --config setup.cfg
	$(BIN)/bridge check
	$(BIN)/pytest tests/docs

bench: setup $(PEER)  ## Measure the whole way as ratios to bare copying, and to dlt
	@$(BIN)/bridge bench

audit: setup  ## Ask what is known against the packages of the lock (needs the OSV database, or BRIDGE_OSV_URL)
	@$(BIN)/python -m tests.supply audit

sbom: setup  ## Write the bill of materials (CycloneDX) of the lock into dist/
	@$(BIN)/python -W ignore::UserWarning -m tests.supply sbom

lock: setup  ## Pin the newest versions that requirements.in allows
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements.in -o .venv/requirements.lock
	@{ echo '# All versions with hashes, for Python 3.11 to 3.13. Written by `make lock` from requirements.in.'; \
		cat .venv/requirements.lock; } > requirements.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements-bench.in -o .venv/requirements.lock
	@{ echo '# All versions with hashes, for Python 3.11 to 3.13. Written by `make lock` from requirements-bench.in.'; \
		cat .venv/requirements.lock; } > requirements-bench.lock

clean:  ## Stop everything and delete .venv and .bridge, with all data in it
	-@if [ -x $(BIN)/bridge ]; then $(BIN)/bridge down; fi
	@$(PYTHON) -c 'from pathlib import Path; from bridge.postgres import Server; Server(Path(".bridge")).remove()'
	rm -rf .bridge .venv .venv-bench build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# uv, itself installed by hash, is five times as fast as pip; where it cannot reach the index as pip can
# (a mirror or certificate that only pip was told of), pip does the same work.
$(STAMP): requirements.lock setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "The bridge needs Python 3.11, 3.12 or 3.13: install one, or name it: make PYTHON=/path/to/python"; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv || \
		{ echo "Python cannot make a virtual environment: install its venv module (Debian: apt-get install python3-venv)"; exit 1; }
	@echo "Installing $$(grep -c '^[a-z].*==' requirements.lock) packages into .venv, as locked; this takes a minute or two the first time"
	@awk '/^[^ #]/ {wanted = /^uv==/} wanted' requirements.lock > .venv/uv.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip sync -q --compile-bytecode --python $(BIN)/python --require-hashes --only-binary :all: requirements.lock || { echo "uv could not; pip goes on, which takes some minutes"; \
		$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements.lock; }
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(PEER): requirements-bench.lock | setup
	@echo "Installing dlt into .venv-bench, as locked, to measure against"
	@$(PYTHON) -m venv --clear .venv-bench
	@$(BIN)/uv pip sync -q --python .venv-bench/bin/python --require-hashes --only-binary :all: requirements-bench.lock || \
		.venv-bench/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements-bench.lock
	@touch $@
