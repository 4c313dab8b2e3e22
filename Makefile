# Two commands do it all: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
  $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,12))' 2>/dev/null && echo $$p && break; done)
MINOR := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV := .venv
LOCK := requirements/python$(MINOR).txt
READY := $(VENV)/ready-$(shell cat $(LOCK) pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run up demo test faults bench help setup clean

run: setup ## land the sample city (or DATA=folder) and build everything
	@jinku run $(if $(DATA),--data $(DATA)) $(if $(SCALE),--scale $(SCALE))

up: setup ## the Dagster UI and its sensors on loopback, over the same data
	@jinku up

demo: setup ## the market played through: sale, negotiation, auction, pull, leak and trace
	@compgen -G "$${JINKU_HOME:-.jinku}/releases/*/*/datasheet.json" >/dev/null || jinku run
	@jinku market demo

test: setup ## style, types, import rules, declarations, dbt, tests
	@bash tests/run.sh

faults: setup ## the slow tests: killed processes, full disks, whole cities
	@pytest -q -n 2 --dist worksteal -m faults

bench: setup ## speed and memory as ratios, written to docs/benchmarks.md
	@python -m bench

setup: $(READY)

$(READY): $(LOCK) pyproject.toml
	@test -n "$(MINOR)" || { echo "Python 3.11 or 3.12 is needed and was not found; set PYTHON=/path/to/python"; exit 1; }
	@echo "Setting up Python $(MINOR) packages (once) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean: ## remove the environment; data under .jinku stays
	@rm -rf $(VENV)

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
